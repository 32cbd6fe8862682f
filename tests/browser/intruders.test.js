// What others try on somebody who is signed in: pages in a frame, forms from elsewhere, script in names, a planted session.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { NASTY } from './support/data.js';
import { stage } from './support/stage.js';

/** The page of another site, whatever it should say now. */
let trap = '';
const elsewhere = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(trap));
await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
after(() => {
  elsewhere.close();
  elsewhere.closeAllConnections();
});
// Another name for the same machine: another site, as a browser sees it.
const TRAP = `http://localhost:${elsewhere.address().port}/`;

const on = stage();

/** An operator who was led to the other site. */
async function lured(html) {
  trap = `<!doctype html><html lang="en"><title>Win a prize</title><h1>Win a prize</h1>${html}`;
  const ada = await on.operator();
  ada.away.push(TRAP);
  return ada;
}

for (const path of ['/console', '/console/access-keys', '/account', '/login']) {
  test(`${path} is not shown in somebody's frame`, async () => {
    const ada = await lured(`<iframe src="${on.server.issuer}${path}" title="prize"></iframe>`);
    await ada.page.goto(TRAP);
    await ada.page.waitForFunction(() => frames.length === 1);
    const frame = ada.page.frames().find((one) => one !== ada.page.mainFrame());
    await frame.waitForLoadState('load').catch(() => {});
    assert.equal(await frame.locator('#sign-out, #username, #main').count(), 0);
    const refused = ada.complaints.splice(0);
    assert.ok(refused.some((text) => /frame/i.test(text)), `the browser says why: ${refused}`);
    await ada.leave();
  });
}

test('a form on another site does nothing in somebody\'s name', async () => {
  const ada = await lured(`<form method="post" action="${on.server.issuer}/console/projects/new">
    <input name="id" value="stolen"><input name="name" value="Stolen"><button id="win">Win</button></form>`);
  await ada.page.goto(TRAP);
  await ada.press('#win');
  assert.doesNotMatch(await ada.text('body'), /has been created/);
  const { items } = await on.admin('GET', '/v1/projects');
  assert.ok(!items.some(({ id }) => id === 'stolen'));
  ada.complaints.splice(0);
  await ada.leave();
});

test('a session that was planted is not the one that somebody signs in to', async () => {
  const mallory = await on.stranger();
  await mallory.open('/console');
  const planted = await mallory.context.cookies();
  const ada = await on.stranger();
  await ada.context.addCookies(planted);
  await ada.signIn(on.server.demo.admin);
  const mine = new Map((await ada.context.cookies()).map(({ name, value }) => [name, value]));
  await mallory.open('/console');
  assert.match(mallory.page.url(), /\/login/, 'whoever planted it is not signed in');
  const sessions = [...mine].filter(([name]) => /session|console/.test(name));
  assert.ok(sessions.length > 0);
  for (const [name, value] of sessions) assert.ok(!planted.some((cookie) => cookie.name === name && cookie.value === value), name);
  await mallory.leave();
  await ada.leave();
});

test('a browser that calls itself by script is shown as it is', async () => {
  const who = { username: 'robot', password: 'a long enough passphrase' };
  await on.admin('POST', '/v1/users', who);
  const robot = await on.stranger({ userAgent: NASTY });
  await robot.signIn(who, '/account/sessions');
  assert.ok((await robot.text()).includes(NASTY));
  await robot.judge('nasty-own-sessions');
  const ada = await on.operator();
  await ada.open('/console/sessions?user=robot');
  assert.ok((await ada.text()).includes(NASTY));
  await ada.judge('nasty-sessions');
  await ada.open('/console/audit?action=login.succeeded');
  await ada.press('tbody a[href^="/console/audit/"]');
  assert.ok((await ada.text()).includes(NASTY));
  await ada.judge('nasty-audit');
  await robot.leave();
  await ada.leave();
});

test('script that came in all the same is not run, and is noted', async () => {
  const ada = await on.operator();
  await ada.open('/console/projects');
  await ada.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'alert("it ran")';
    document.querySelector('main').append(script);
    const image = document.createElement('img');
    image.setAttribute('onerror', 'alert("it ran")');
    image.src = '/static/none.png';
    document.querySelector('main').append(image);
  });
  ada.missing.add('/static/none.png');
  await ada.page.waitForFunction(() => document.querySelector('main img').complete);
  const noted = ada.complaints.splice(0);
  assert.ok(noted.some((what) => /policy was violated: script-src/.test(what)), String(noted));
  assert.ok(!noted.some((what) => what.includes('it ran')), String(noted));
  await ada.leave();
});

test('nobody is sent on to another site after signing in', async () => {
  const ada = await on.stranger();
  await ada.signIn(on.server.demo.admin, '/console/projects?return_to=https://elsewhere.example/&next=//elsewhere.example');
  assert.ok(ada.page.url().startsWith(`${on.server.issuer}/console/projects`), ada.page.url());
  await ada.leave();
});
