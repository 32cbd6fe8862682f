// The frame of every page: signing in and out, the reader's zone and language, forms without script.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

for (const look of LOOKS) {
  describe(look.name, () => {
    test('signing in, a project from new to deleted, signing out', async () => {
      const ada = await on.stranger({ look });
      await ada.open('/console/projects');
      await ada.judge('login');
      await ada.signIn(on.server.demo.admin, '/console/projects');
      await ada.judge('projects-empty');
      await ada.press('a[href="/console/projects/new"]');
      await ada.judge('project-new');
      await ada.page.fill('#project-create-id', `shop-${look.name}`);
      await ada.page.fill('#project-create-name', 'The shop');
      await ada.press('#project-create');
      assert.match(await ada.text('#notice'), /has been created/);
      await ada.judge('projects');
      await ada.press(`a[href="/console/projects/shop-${look.name}/edit"]`);
      await ada.judge('project-edit');
      await ada.press(`a[href="/console/projects/shop-${look.name}/delete"]`);
      await ada.judge('project-delete');
      await ada.page.fill('#project-delete-confirm', 'The shop');
      await ada.press('#project-delete');
      assert.match(await ada.text('#notice'), /has been deleted/);
      await ada.press('#sign-out');
      assert.match(await ada.page.innerText('h1'), /You are signed out/);
      await ada.judge('signed-out');
      await ada.leave();
    });
  });
}

test('the same without script', async () => {
  const ada = await on.operator({ javaScriptEnabled: false });
  await ada.open('/console/projects/new');
  await ada.page.fill('#project-create-id', 'plain');
  await ada.page.fill('#project-create-name', 'Plain');
  await ada.page.click('#project-create');
  await ada.page.waitForSelector('#notice');
  assert.match(await ada.text('tbody'), /\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC/);
  await ada.judge('projects-without-script');
  await ada.leave();
});

test('times are in the zone of whoever reads', async () => {
  const ada = await on.operator({ timezoneId: 'America/New_York', locale: 'en-US' });
  await on.admin('POST', '/v1/projects', { id: 'timed', name: 'Timed' });
  await ada.open('/console/projects');
  const shown = await ada.page.locator('time').first().evaluate((time) => [time.dateTime, time.textContent]);
  const expected = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'America/New_York' });
  assert.equal(shown[1], expected.format(new Date(shown[0])));
  await ada.leave();
});

test('charts and days are in the zone of whoever reads', async () => {
  const ada = await on.stranger({ timezoneId: 'Asia/Tokyo', locale: 'en-US' });
  await ada.signIn(on.server.demo.admin, '/console');
  const hours = new Intl.DateTimeFormat('en', { timeStyle: 'short', timeZone: 'Asia/Tokyo' });
  for (const [place, attribute] of [['.axis time', 'datetime'], ['figure.chart tbody time', 'datetime'], ['svg title', 'data-time']]) {
    const [time, text] = await ada.page.locator(place).first().evaluate((shown, name) => [shown.getAttribute(name), shown.textContent], attribute);
    assert.equal(text.split(/: /)[0], hours.format(new Date(time)), place);
  }
  // A day of the audit log begins where it begins here, and the address says so to others.
  await ada.open('/console/audit');
  assert.equal(await ada.text('#filter-since-zone'), 'Asia/Tokyo');
  await ada.page.fill('#filter-since', '2020-03-01');
  await ada.page.fill('#filter-until', '2020-03-31');
  await ada.press('#filter-apply');
  const asked = new URL(ada.page.url()).searchParams;
  assert.deepEqual(['since', 'since_offset', 'until', 'until_offset'].map((name) => asked.get(name)), ['2020-03-01', '540', '2020-03-31', '540']);
  assert.equal(await ada.text('#filter-since-zone'), 'UTC+09:00');
  await ada.judge('audit-by-day');
  await ada.leave();
  // The clock is changed on that day: it begins at +01:00 and is over at +02:00.
  const uwe = await on.stranger({ timezoneId: 'Europe/Berlin', locale: 'de-DE' });
  await uwe.signIn(on.server.demo.admin, '/console/audit');
  await uwe.page.fill('#filter-since', '2026-03-29');
  await uwe.page.fill('#filter-until', '2026-03-29');
  await uwe.press('#filter-apply');
  const told = new URL(uwe.page.url()).searchParams;
  assert.deepEqual([told.get('since_offset'), told.get('until_offset')], ['60', '120']);
  await uwe.leave();
  // Without script the field says what is meant.
  const plain = await on.stranger({ javaScriptEnabled: false });
  await plain.signIn(on.server.demo.admin, '/console/audit');
  assert.equal(await plain.text('#filter-since-zone'), 'UTC');
  await plain.open('/console');
  assert.match(await plain.page.locator('.axis time').first().textContent(), /^\d\d:\d\d UTC$/);
  await plain.leave();
});

test('two clicks and a reload make one key, and its secret is seen', async () => {
  const ada = await on.stranger();
  await ada.signIn(on.server.demo.admin, '/console/access-keys/new');
  await ada.page.fill('#access-key-create-name', 'Clicked twice');
  await ada.page.dblclick('#access-key-create');
  await ada.page.waitForSelector('#secret');
  await ada.page.reload();
  assert.match(await ada.page.innerText('h1'), /Sent twice/);
  await ada.judge('sent-twice');
  await ada.open('/console/access-keys?q=Clicked');
  assert.equal((await ada.text('tbody')).match(/Clicked twice/g).length, 1);
  await ada.leave();
});

test('two tabs sign in at the same moment', async () => {
  const ada = await on.stranger();
  const other = await ada.context.newPage();
  await ada.open('/console/projects');
  await other.goto(new URL('/account', on.server.issuer).href);
  await ada.page.fill('#username', on.server.demo.admin.username);
  await ada.page.fill('#password', on.server.demo.admin.password);
  await ada.page.click('#login-submit');
  await ada.page.waitForSelector('#sign-out');
  assert.match(await ada.page.innerText('h1'), /Projects/);
  await other.fill('#username', on.server.demo.admin.username);
  await other.fill('#password', on.server.demo.admin.password);
  await other.click('#login-submit');
  await other.waitForSelector('#sign-out');
  assert.match(await other.innerText('h1'), /Profile/);
  await ada.leave();
});

for (const look of LOOKS) {
  test(`the start, and addresses where nothing is, ${look.name}`, async () => {
    const uwe = await on.stranger({ look });
    const missing = [];
    uwe.page.on('response', (response) => response.status() === 404 && missing.push(response.url()));
    await uwe.open('/');
    await uwe.judge('start');
    assert.equal(await uwe.page.locator('main .actions a').count(), 2);
    assert.equal((await uwe.open('/favicon.ico')).status(), 200);
    assert.deepEqual(missing, []);
    await uwe.openMissing('/console/x');
    await uwe.judge('nothing-is-here');
    await uwe.leave();
  });
}

test('the pages speak German to whoever asks for it', async () => {
  const ada = await on.operator({ locale: 'de-AT' });
  await ada.open('/console/projects');
  assert.match(await ada.text('h1'), /Projekte/);
  await ada.judge('projects-german');
  await ada.leave();
});
