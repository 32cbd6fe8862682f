// People for themselves: profile, password, sessions, apps, keys, tokens.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from '../clients/support/server.js';
import { LOOKS, Person, launch } from './support/browser.js';

const FIRST = 'the first passphrase of grace';
const SECOND = 'another passphrase of grace';

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launch()]);
  for (const username of ['grace', 'small']) await server.admin('POST', '/v1/users', { username, password: FIRST });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Presses the first of what is called so, and whatever is asked then. */
async function press(person, selector, password) {
  await Promise.all([person.page.waitForEvent('load'), person.page.locator(selector).first().click()]);
  const asked = person.page.locator('main form.stack input[type=password]');
  if (await asked.count() > 0 && password) await asked.fill(password);
  const danger = person.page.locator('main button.danger');
  if (await danger.count() > 0) await Promise.all([person.page.waitForEvent('load'), danger.first().click()]);
}

test('profile and password', async () => {
  const grace = await Person.at(browser, server);
  await grace.signIn({ username: 'grace', password: FIRST }, '/account');
  assert.equal(await grace.page.locator('a[href="/console/clients"]').count(), 0, 'no console without a role');
  await grace.page.fill('#profile-save-given_name', 'Grace');
  await grace.page.fill('#profile-save-locale', 'en-GB');
  await grace.press('#profile-save');
  await grace.judge('account-profile');
  assert.equal(await grace.page.inputValue('#profile-save-given_name'), 'Grace');

  const elsewhere = await Person.at(browser, server);
  await elsewhere.signIn({ username: 'grace', password: FIRST }, '/account/sessions');
  await grace.open('/account/password');
  const change = async (before, wanted) => {
    await grace.page.fill('#password-change-old_password', before);
    await grace.page.fill('#password-change-new_password', wanted);
    await grace.page.fill('#password-change-new_password_again', wanted);
    await grace.press('#password-change');
  };
  await change(FIRST, 'password1234');
  assert.equal(await grace.page.locator('#notice.bad').count(), 1, 'a common password is refused');
  await change('wrong', SECOND);
  assert.equal(await grace.page.locator('#notice.bad').count(), 1, 'the old one is asked for');
  await change(FIRST, SECOND);
  await grace.judge('account-password-changed');
  assert.equal(await grace.page.locator('#notice.bad').count(), 0, await grace.text());
  await elsewhere.open('/account');
  assert.ok(elsewhere.page.url().includes('/login'), 'the other sessions have ended');
  await elsewhere.leave();
  await grace.leave();
});

test('sessions, apps, keys and tokens, on a small screen in the dark', async () => {
  const grace = await Person.at(browser, server, { look: LOOKS[1] });
  const small = { username: 'small', password: FIRST };
  await grace.signIn(small, '/account/sessions');
  const other = await Person.at(browser, server);
  await other.signIn(small, '/account');
  await grace.open('/account/sessions');
  assert.equal(await grace.page.locator('tbody tr').count(), 2);
  await grace.judge('account-sessions');
  await press(grace, 'form[action*="end-others"] button, a[href*="end-others"]', FIRST);
  await other.open('/account');
  assert.ok(other.page.url().includes('/login'), 'the other session has ended');
  await other.leave();

  await grace.open('/account/access-keys/new');
  await grace.page.fill('#key-create-name', 'My laptop');
  assert.equal(await grace.page.locator('input[name=scope][value=admin]').count(), 0, 'only scopes of one\'s own');
  await grace.page.check('input[name=scope][value="orders:read"]');
  await grace.page.click('#key-create');
  await grace.page.waitForSelector('#secret');
  const key = await grace.text('#secret');
  await grace.judge('account-key-created');
  assert.equal((await server.admin('POST', '/v1/verify', { credential: key, scopes: ['orders:read'] })).valid, true);

  await grace.open('/account/tokens/new');
  await grace.page.fill('#token-create-name', 'For an afternoon');
  await grace.page.check('input[name=scope][value="orders:read"]');
  await grace.page.click('#token-create');
  await grace.page.waitForSelector('#secret');
  const token = await grace.text('#secret');
  assert.equal(token.split('.').length, 3);
  assert.equal((await server.admin('POST', '/v1/verify', { credential: token, scopes: ['orders:read'] })).valid, true);
  await grace.open('/account/tokens');
  await grace.judge('account-tokens');
  await press(grace, 'main a[href*="/account/tokens/"][href$="/revoke"]', FIRST);
  assert.equal((await server.admin('POST', '/v1/verify', { credential: token, scopes: ['orders:read'] })).valid, false);
  await grace.open('/account/usage');
  await grace.judge('account-usage');
  await grace.leave();
});

test('an app that was allowed in is shown the door', async () => {
  const grace = await Person.at(browser, server);
  await grace.signIn(server.demo.user, '/account/apps');
  await grace.judge('account-apps-empty');
  const { client_id, redirect_uri } = server.demo.public_client;
  const query = new URLSearchParams({
    response_type: 'code', client_id, redirect_uri, scope: 'orders:read', code_challenge_method: 'S256',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  });
  await grace.page.route(`${redirect_uri}**`, (route) => route.fulfill({ body: 'the app' }));
  await grace.open(`/oauth/authorize?${query}`);
  await grace.page.click('#consent-allow');
  await grace.page.waitForURL(`${redirect_uri}**`);
  await grace.open('/account/apps');
  assert.match(await grace.text(), /Demo mobile app/);
  await grace.judge('account-apps');
  await grace.press(`a[href="/account/apps/${client_id}/disconnect"]`);
  await grace.judge('account-app-disconnect');
  await grace.press('button.danger');
  assert.ok(!(await grace.text('main')).includes('orders:read'));
  await grace.open(`/oauth/authorize?${query}`);
  await grace.page.waitForSelector('#consent-allow');
  await grace.leave();
});
