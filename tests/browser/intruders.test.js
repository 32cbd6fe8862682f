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
// The same name, another port: another origin of the same site, to which cookies of `SameSite=Lax` are sent.
const NEIGHBOUR = `http://127.0.0.1:${elsewhere.address().port}/`;
const EVIL = 'elsewhere.example';

const on = stage();

function setTrap(html) {
  trap = `<!doctype html><html lang="en"><title>Win a prize</title><h1>Win a prize</h1>${html}`;
}

/** An operator who was led to the other site. */
async function lured(html) {
  setTrap(html);
  const ada = await on.operator();
  ada.away.push(TRAP, NEIGHBOUR);
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

/** A form that makes a project; `more` is what a page of ours has in it besides. */
const formOf = (more = '') => `<form method="post" action="${on.server.issuer}/console/projects/new">${more}
  <input name="id" value="stolen"><input name="name" value="Stolen"><button id="win">Win</button></form>`;

async function assertNothingStolen() {
  const { items } = await on.admin('GET', '/v1/projects');
  assert.ok(!items.some(({ id }) => id === 'stolen'));
}

/** What is answered to a form. */
async function answerTo(person, button) {
  const [answer] = await Promise.all([person.page.waitForResponse((one) => one.request().method() === 'POST'), person.press(button)]);
  return answer;
}

/** The form was refused, and not because nobody was signed in. */
async function assertRefused(person, response) {
  assert.equal(response.status(), 403);
  await person.told(/not made for this browser/);
  assert.ok(!(await person.lacks('#sign-out')), 'the session was sent');
  await assertNothingStolen();
}

test('a form on another site does nothing in somebody\'s name', async () => {
  const ada = await lured(formOf());
  await ada.page.goto(TRAP);
  const answer = await answerTo(ada, '#win');
  assert.match(answer.headers().location, /\/oauth\/authorize\?/, 'the session was not sent');
  await assertNothingStolen();
  ada.complaints.splice(0);
  await ada.leave();
});

test('a form on another origin of the same site is refused, even with what is in ours', async () => {
  const ada = await lured('');
  await ada.open('/console/projects/new');
  const hidden = await ada.page.locator('form:has(#project-create) input[type=hidden]').evaluateAll((all) => all.map((one) => one.outerHTML));
  assert.ok(hidden.some((field) => field.includes('csrf')), String(hidden));
  for (const more of ['', hidden.join('')]) {
    setTrap(formOf(more));
    await ada.page.goto(NEIGHBOUR);
    const answer = await answerTo(ada, '#win');
    assert.equal(`${(await answer.request().allHeaders()).origin}/`, NEIGHBOUR);
    await assertRefused(ada, answer);
  }
  await ada.leave();
});

test('a form on a page of ours is refused without its token, and with another browser\'s', async () => {
  const ada = await on.operator();
  const mallory = await on.stranger();
  await mallory.signIn(on.server.demo.admin, '/console/projects/new');
  const theirs = await mallory.page.inputValue('form:has(#project-create) input[name=csrf]');
  for (const token of ['', theirs, null]) {
    await ada.open('/console/projects/new');
    await ada.write({ 'project-create-id': 'stolen', 'project-create-name': 'Stolen' });
    await ada.page.locator('form:has(#project-create) input[name=csrf]').evaluate((field, value) => {
      if (value === null) field.remove();
      else field.value = value;
    }, token);
    await assertRefused(ada, await answerTo(ada, '#project-create'));
  }
  await mallory.leave();
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
  // What is planted, and where it leads: a page of ours does, so that the others would as well.
  const planted = [
    ['/account/apps', '/account/apps'], [`https://${EVIL}/console`, '/console'], [`//${EVIL}/console`, '/console'],
    [`/\\${EVIL}/console`, '/console'], [`/\t/${EVIL}/console`, '/console'], [`/console/..//${EVIL}`, '/console'],
  ];
  const ada = await on.stranger();
  const asked = [];
  for (const [page] of planted) {
    await ada.open('/console/projects');
    asked.push(ada.page.url());
    const state = new URL(ada.page.url()).searchParams.get('state');
    const departures = (await ada.context.cookies()).filter(({ name }) => name.endsWith(`grantor-departure-${state.slice(0, 16)}`));
    await ada.context.addCookies(departures.map((cookie) => ({ ...cookie, value: `${cookie.value.split('~')[0]}~${encodeURIComponent(page)}` })));
  }
  await ada.write(on.server.demo.admin);
  for (const [number, [page, wanted]] of [...planted.entries()].reverse()) {
    // The first time here it signs in; then it is signed in, and led on at once.
    if (number === planted.length - 1) await ada.press('#login-submit');
    else await ada.page.goto(asked[number]);
    assert.equal(ada.page.url(), on.server.issuer + wanted, page);
    ada.assertContent(page);
  }
  await ada.leave();
});

test('nobody is sent on to another site by a request that an app did not make', async () => {
  const { client_id, redirect_uri } = on.server.demo.public_client;
  const ada = await on.operator();
  const stays = async (path, status) => {
    const response = await ada.page.goto(on.server.issuer + path);
    assert.deepEqual([new URL(ada.page.url()).origin, response.status()], [on.server.issuer, status], path);
    ada.assertContent(path);
  };
  const { origin, pathname } = new URL(redirect_uri);
  const others = [
    `https://${EVIL}/`, `//${EVIL}/`, `/\\${EVIL}/`, `${origin}.${EVIL}${pathname}`, `${origin}@${EVIL}${pathname}`, `${redirect_uri}/../x`,
  ];
  const asking = (members) => `/oauth/authorize?${new URLSearchParams({ response_type: 'code', client_id, scope: 'orders:read', ...members })}`;
  for (const other of others) {
    for (const more of [{}, { prompt: 'none' }, { response_type: 'none' }]) await stays(asking({ redirect_uri: other, ...more }), 400);
  }
  // To its own address an app is told what is wrong: the others would have been, too.
  const told = await fetch(on.server.issuer + asking({ redirect_uri, response_type: 'none' }), { redirect: 'manual' });
  assert.ok(told.headers.get('location').startsWith(`${redirect_uri}?error=`), told.headers.get('location'));
  for (const path of [`//${EVIL}`, `//${EVIL}/console`, `/%5c${EVIL}`, `/console//${EVIL}`]) {
    ada.missing.add(path.replace('\\', '/'));
    await stays(path, 404);
  }
  await ada.leave();
});

test('nobody is sent on to another site after signing out', async () => {
  const bye = 'https://shop.example/bye';
  const { client_id, client_secret } = await on.admin('POST', '/v1/clients', {
    client_name: 'Shop', grant_types: ['password'], scope: 'openid', post_logout_redirect_uris: [bye],
  });
  const answer = await fetch(`${on.server.issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'password', scope: 'openid', ...on.server.demo.user }),
  });
  const { id_token } = await answer.json();
  const ada = await on.stranger();
  const signOut = async (members) => {
    await ada.open(`/logout?${new URLSearchParams(members)}`);
    await ada.press('#logout-confirm');
    ada.assertContent(JSON.stringify(members));
    return ada.page.url();
  };
  for (const uri of [`https://${EVIL}/`, `//${EVIL}/`, `/\\${EVIL}/`, `${bye}.${EVIL}/`, `https://shop.example@${EVIL}/bye`]) {
    for (const named of [{}, { client_id }, { id_token_hint: id_token }]) {
      const at = await signOut({ post_logout_redirect_uri: uri, ...named });
      assert.equal(new URL(at).origin, on.server.issuer, uri);
    }
  }
  // One that is registered is gone to where its app proves that it asks: the others would have been, too.
  assert.equal(new URL(await signOut({ client_id, post_logout_redirect_uri: bye })).origin, on.server.issuer);
  const proven = new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: bye });
  const sent = await fetch(`${on.server.issuer}/logout?${proven}`, { redirect: 'manual' });
  assert.equal(sent.headers.get('location'), bye);
  await ada.leave();
});
