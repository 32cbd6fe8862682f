// People for themselves: profile, password, sessions, apps, keys, tokens.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const FIRST = 'the first passphrase of grace';
const SECOND = 'another passphrase of grace';
const SCOPE = 'input[name=scope][value="orders:read"]';

const on = stage();

/** Somebody new. */
async function newcomer(name, look) {
  const username = `${name}-${look.name}`;
  await on.admin('POST', '/v1/users', { username, password: FIRST });
  return { username, password: FIRST };
}

const isValid = async (credential) => (await on.verify(credential, 'orders:read')).valid;

for (const look of LOOKS) {
  describe(look.name, () => {
    test('profile and password', async () => {
      const who = await newcomer('grace', look);
      const grace = await on.stranger({ look });
      await grace.signIn(who, '/account');
      assert.ok(await grace.lacks('a[href="/console/clients"]'), 'no console without a role');
      await grace.write({ 'profile-save-given_name': 'Grace', 'profile-save-locale': 'en-GB' });
      await grace.press('#profile-save');
      await grace.judge('account-profile');
      assert.equal(await grace.page.inputValue('#profile-save-given_name'), 'Grace');

      const elsewhere = await on.stranger({ look });
      await elsewhere.signIn(who, '/account/sessions');
      await grace.open('/account/password');
      const change = async (before, wanted, again = wanted) => {
        await grace.write({ 'password-change-old_password': before, 'password-change-new_password': wanted, 'password-change-new_password_again': again });
        await grace.press('#password-change');
        return grace.page.locator('#notice.bad').count();
      };
      assert.equal(await change(FIRST, 'password1234'), 1, 'a common password is refused');
      assert.equal(await change('wrong', SECOND), 1, 'the old one is asked for');
      assert.equal(await change(FIRST, SECOND, FIRST), 1, 'the new one twice');
      await grace.judge('account-password-refused');
      assert.equal(await change(FIRST, SECOND), 0);
      await grace.judge('account-password-changed');
      await elsewhere.open('/account');
      assert.ok(elsewhere.page.url().includes('/login'), 'the other sessions have ended');
      await elsewhere.leave();
      await grace.leave();
    });

    test('sessions', async () => {
      const who = await newcomer('traveller', look);
      const [here, hotel, train] = [await on.stranger({ look }), await on.stranger({ look }), await on.stranger({ look })];
      for (const person of [here, hotel, train]) await person.signIn(who, '/account/sessions');
      await here.open('/account/sessions');
      assert.equal(await here.page.locator('tbody tr').count(), 3);
      await here.judge('account-sessions');
      await here.press('tbody button[id^="end-"]');
      await here.told(/session has ended/);
      assert.equal(await here.page.locator('tbody tr').count(), 2);
      await here.press('#end-others');
      await here.told(/signed out everywhere else/);
      for (const person of [hotel, train]) {
        await person.open('/account');
        assert.ok(person.page.url().includes('/login'));
        await person.leave();
      }
      await here.leave();
    });

    test('a key of one\'s own, from new to deleted', async () => {
      const who = await newcomer('keeper', look);
      const grace = await on.as(who, { look });
      await grace.open('/account/access-keys');
      await grace.judge('account-keys-empty');
      await grace.press('a[href="/account/access-keys/new"]');
      assert.ok(await grace.lacks('input[name=scope][value=admin]'), 'only scopes of one\'s own');
      await grace.page.fill('#key-create-name', 'My laptop');
      await grace.page.check(SCOPE);
      await grace.judge('account-key-new');
      await grace.press('#key-create');
      const first = await grace.text('#secret');
      await grace.judge('account-key-created');
      assert.equal(await isValid(first), true);
      await grace.press('main a[href^="/account/access-keys/ak_"]');
      const home = new URL(grace.page.url()).pathname;
      await grace.judge('account-key');
      await grace.press(`a[href="${home}/edit"]`);
      await grace.page.fill('#key-save-description', 'The grey one');
      await grace.press('#key-save');
      assert.match(await grace.text('.facts'), /The grey one/);

      await grace.press(`a[href="${home}/rotate"]`);
      await grace.judge('account-key-rotate');
      await grace.press('#key-rotate');
      const second = await grace.text('#secret');
      assert.deepEqual([await isValid(first), await isValid(second)], [true, true]);
      await grace.open(home);
      await grace.judge('account-key-rotating');
      await grace.press('#finish-rotation');
      await grace.told(/old secret works no longer/);
      assert.deepEqual([await isValid(first), await isValid(second)], [false, true]);

      await grace.press('#key-disable');
      assert.equal(await isValid(second), false);
      await grace.press('#key-enable');
      assert.equal(await isValid(second), true);
      await grace.press(`a[href="${home}/revoke"]`);
      await grace.judge('account-key-revoke');
      await grace.press('#key-revoke');
      assert.equal(await isValid(second), false);
      await grace.press(`a[href="${home}/delete"]`);
      await grace.page.fill('#key-delete-confirm', 'My laptop');
      await grace.press('#key-delete');
      await grace.told(/has been deleted/);

      // Somebody else's key is none of hers.
      const { id } = await on.admin('POST', '/v1/access-keys', { name: 'Not hers', scopes: ['orders:read'] });
      await grace.openMissing(`/account/access-keys/${id}`);
      await grace.leave();
    });

    test('a token of one\'s own, and its use', async () => {
      const who = await newcomer('visitor', look);
      const grace = await on.as(who, { look });
      await grace.open('/account/tokens/new');
      await grace.page.fill('#token-create-name', 'For an afternoon');
      await grace.page.check(SCOPE);
      await grace.judge('account-token-new');
      await grace.press('#token-create');
      const token = await grace.text('#secret');
      assert.equal(token.split('.').length, 3);
      assert.equal(await isValid(token), true);
      await grace.judge('account-token-created');
      await grace.openUntil('/account/usage?days=30', /For an afternoon\s+\S+\s+1\s+100\.0 %/);
      await grace.judge('account-usage');
      await grace.open('/account/tokens');
      await grace.judge('account-tokens');
      await grace.press('main a[href*="/account/tokens/"][href$="/revoke"]');
      await grace.judge('account-token-revoke');
      await grace.press('#token-revoke');
      await grace.told(/has been revoked/);
      assert.equal(await isValid(token), false);
      await grace.leave();
    });

    test('an app that was allowed in is shown the door', async () => {
      const who = await newcomer('host', look);
      const grace = await on.as(who, { look });
      await grace.open('/account/apps');
      await grace.judge('account-apps-empty');
      const { client_id, redirect_uri } = on.server.demo.public_client;
      const query = new URLSearchParams({
        response_type: 'code', client_id, redirect_uri, scope: 'orders:read', code_challenge_method: 'S256',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      });
      await grace.allow(redirect_uri);
      await grace.open(`/oauth/authorize?${query}`);
      await grace.judge('consent');
      await grace.page.click('#consent-allow');
      await grace.page.waitForURL(`${redirect_uri}**`);
      await grace.open('/account/apps');
      const shown = await grace.text('tbody');
      const { description } = (await on.admin('GET', '/v1/scopes/orders:read'));
      assert.ok(shown.includes('Demo mobile app') && shown.includes(description), shown);
      await grace.judge('account-apps');
      await grace.press(`a[href="/account/apps/${client_id}/disconnect"]`);
      await grace.judge('account-app-disconnect');
      await grace.press('#app-disconnect');
      await grace.told(/no access any more/);
      assert.ok(!(await grace.text()).includes('Demo mobile app'));
      await grace.open(`/oauth/authorize?${query}`);
      await grace.page.waitForSelector('#consent-allow');
      await grace.leave();
    });
  });
}
