// Whoever allows no script: everything but copying works, and times are in UTC.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const FIRST = 'the first passphrase of grace';
const SECOND = 'another passphrase of grace';

const on = stage();

for (const look of LOOKS) {
  describe(look.name, () => {
    test('a key from new to deleted', async () => {
      const name = `Plain ${look.name}`;
      const ada = await on.operator({ look, javaScriptEnabled: false });
      await ada.open('/console/access-keys/new');
      await ada.page.fill('#access-key-create-name', name);
      await ada.page.check('input[name=scope][value="orders:read"]');
      await ada.press('#access-key-create');
      await ada.judge('plain-key-created');
      const first = await ada.text('#secret');
      const [download] = await Promise.all([ada.page.waitForEvent('download'), ada.page.click('#download-env')]);
      assert.match(await readFile(await download.path(), 'utf8'), new RegExp(`^[A-Z_]+=${first}$`, 'm'));
      await ada.open(`/console/access-keys?q=${encodeURIComponent(name)}`);
      await ada.press(`main table a:has-text("${name}")`);
      assert.match(await ada.text(), /\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC/);
      const home = new URL(ada.page.url()).pathname;
      await ada.press(`a[href="${home}/edit"]`);
      await ada.page.fill('#access-key-save-description', 'Changed');
      await ada.press('#access-key-save');
      assert.match(await ada.text('.facts'), /Changed/);
      await ada.press(`a[href="${home}/rotate"]`);
      await ada.press('#access-key-rotate');
      const second = await ada.text('#secret');
      assert.deepEqual([(await on.verify(first, 'orders:read')).valid, (await on.verify(second, 'orders:read')).valid], [true, true]);
      await ada.open(`${home}/revoke`);
      await ada.press('#access-key-revoke');
      await ada.told(/has been revoked/);
      assert.equal((await on.verify(second, 'orders:read')).valid, false);
      await ada.open(`${home}/delete`);
      await ada.page.fill('#access-key-delete-confirm', name);
      await ada.press('#access-key-delete');
      await ada.told(/has been deleted/);
      await ada.leave();
    });

    test('a client', async () => {
      const ada = await on.operator({ look, javaScriptEnabled: false });
      await ada.open('/console/clients/new/machine');
      await ada.page.fill('#client-create-client_name', `Plain ${look.name}`);
      await ada.press('#client-create');
      assert.match(await ada.text('#secret'), /^cs_/);
      assert.match(await ada.text('.snippet'), /client_id|oauth/i);
      assert.equal(await ada.page.locator('button[data-copy]:visible').count(), 0, 'no button that does nothing');
      await ada.judge('plain-client-created');
      await ada.leave();
    });

    test('signing in, another password, and out', async () => {
      const username = `grace-${look.name}`;
      await on.admin('POST', '/v1/users', { username, password: FIRST });
      const grace = await on.stranger({ look, javaScriptEnabled: false });
      await grace.signIn({ username, password: FIRST }, '/account/password');
      await grace.write({ 'password-change-old_password': FIRST, 'password-change-new_password': SECOND, 'password-change-new_password_again': SECOND });
      await grace.press('#password-change');
      await grace.told(/password has been changed/);
      await grace.judge('plain-password-changed');
      await grace.press('#sign-out');
      assert.match(await grace.text('h1'), /You are signed out/);
      await grace.signIn({ username, password: SECOND }, '/account');
      await grace.leave();
    });
  });
}
