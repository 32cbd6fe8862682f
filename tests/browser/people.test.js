// Users and where they are signed in, in the hands of an operator.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const FIRST = 'the first passphrase of hers';
const SECOND = 'the second passphrase of hers';

const on = stage();

for (const look of LOOKS) {
  describe(look.name, () => {
    test('an account from new to disabled and back', async () => {
      const username = `grace-${look.name}`;
      const ada = await on.operator({ look });
      await ada.open('/console/users');
      await ada.press('a[href="/console/users/new"]');
      await ada.judge('user-new');
      await ada.write({ 'user-create-username': username, 'user-create-name': 'Grace Hopper', 'user-create-email': `${username}@example.com` });
      await ada.page.fill('#user-create-new_password', 'password1234');
      await ada.page.check('input[name=roles][value=auditor]');
      await ada.press('#user-create');
      assert.equal(await ada.page.locator('#notice.bad').count(), 1, 'one of those that everybody tries first');
      await ada.judge('user-new-refused');
      assert.equal(await ada.page.inputValue('#user-create-username'), username, 'what was typed is kept');
      assert.equal(await ada.page.inputValue('#user-create-new_password'), '', 'but for the password');
      await ada.page.fill('#user-create-new_password', FIRST);
      await ada.press('#user-create');
      await ada.told(/has been created/);
      const home = new URL(ada.page.url()).pathname;
      assert.match(await ada.text(), /auditor/);
      await ada.judge('user');

      await ada.press(`a[href="${home}/edit"]`);
      await ada.judge('user-edit');
      await ada.write({ 'user-save-given_name': 'Grace', 'user-save-locality': 'Arlington', 'user-save-country': 'US' });
      await ada.page.uncheck('input[name=roles][value=auditor]');
      await ada.page.check('input[name=roles][value=support]');
      await ada.press('#user-save');
      await ada.told(/have been saved/);
      assert.match(await ada.text(), /Arlington/);
      assert.match(await ada.text('.facts'), /support/);

      // She works as what she is until her password is another one.
      const grace = await on.stranger({ look });
      await grace.signIn({ username, password: FIRST }, '/console/users');
      assert.ok(await grace.lacks('a[href="/console/users/new"]'));
      await ada.press(`a[href="${home}/password"]`);
      await ada.judge('user-password');
      await ada.page.fill('#password-set-new_password', SECOND);
      await ada.press('#password-set');
      await ada.told(/password has been set/);
      await grace.open('/console/users');
      assert.match(grace.page.url(), /\/login/, 'signed out by it');
      await grace.signIn({ username, password: SECOND }, '/console/users');

      await ada.press(`a[href="${home}/disable"]`);
      await ada.judge('user-disable');
      await ada.press('#disable-submit');
      await ada.told(/has been disabled/);
      await grace.open('/console/users');
      await grace.write({ username, password: SECOND });
      await grace.press('#login-submit');
      assert.match(await grace.text('#login-error'), /./, 'refused while disabled');
      await ada.press('#enable');
      await ada.told(/has been enabled/);
      await grace.signIn({ username, password: SECOND }, '/account');
      await grace.leave();

      await ada.open(`/console/users?q=${username}&status=active`);
      assert.equal(await ada.page.locator('tbody tr').count(), 1);
      await ada.open('/console/users?q=nobody-at-all');
      assert.match(await ada.text('.empty'), /./);
      await ada.judge('users-none-found');
      await ada.leave();
    });

    test('a session is found and ended', async () => {
      const username = `visitor-${look.name}`;
      await on.admin('POST', '/v1/users', { username, password: FIRST });
      const visitor = await on.stranger({ look });
      await visitor.signIn({ username, password: FIRST }, '/account/sessions');
      const ada = await on.operator({ look });
      await ada.open('/console/sessions');
      await ada.page.fill('#filter-user', username);
      await ada.press('#filter-apply');
      assert.equal(await ada.page.locator('tbody tr').count(), 1);
      assert.match(await ada.text('tbody'), /Chrom.*, Linux/s);
      await ada.judge('sessions');
      await ada.press('tbody button[id^="end-"]');
      await ada.told(/session has ended/);
      await ada.judge('session-ended');
      await visitor.open('/account');
      assert.match(visitor.page.url(), /\/login/);
      await visitor.leave();
      await ada.leave();
    });
  });
}
