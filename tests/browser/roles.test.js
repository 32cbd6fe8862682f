// Owner, admin, support and auditor: each sees what is theirs, and does no more.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const password = 'a passphrase of theirs';
/** What some see in the menu and others do not. */
const SECTIONS = ['/console', '/console/access-keys', '/console/users', '/console/audit', '/console/alerts'];
/** Pages that change something. */
const CHANGES = ['/console/access-keys/new', '/console/clients/new', '/console/users/new', '/console/scopes/new', '/console/projects/new'];

let key;
const on = stage(async (stage) => {
  // The demo has an account called admin.
  for (const [username, role] of [['owner', 'owner'], ['warden', 'admin'], ['support', 'support'], ['auditor', 'auditor']]) {
    await stage.admin('POST', '/v1/users', { username, password, roles: [role] });
  }
  await stage.admin('POST', '/v1/users', { username: 'nobody', password });
  key = await stage.admin('POST', '/v1/access-keys', { name: 'Watched', scopes: ['orders:read'] });
});

/** What of these the menu leads to. */
const menu = (person) => person.page.locator('#menu a').evaluateAll((all) => all.map((link) => new URL(link.href).pathname));

/** These pages are refused, with the reason. */
async function assertRefused(person, paths) {
  for (const path of paths) {
    assert.equal((await person.open(path)).status(), 403, path);
    assert.match(await person.text('#notice'), /Your roles do not allow this/);
  }
}

for (const look of LOOKS) {
  describe(look.name, () => {
    test('the owner may everything', async () => {
      const owner = await on.as({ username: 'owner', password }, { look });
      await owner.open('/console');
      for (const section of SECTIONS) assert.ok((await menu(owner)).includes(section), section);
      for (const path of CHANGES) assert.equal((await owner.open(path)).status(), 200, path);
      await owner.open('/console/users/new');
      assert.equal(await owner.page.locator('input[name=roles][value=owner]').count(), 1);
      await owner.leave();
    });

    test('an admin makes no owners', async () => {
      const person = await on.as({ username: 'warden', password }, { look });
      for (const path of CHANGES) assert.equal((await person.open(path)).status(), 200, path);
      await person.open('/console/users/new');
      assert.deepEqual(await person.page.locator('input[name=roles]').evaluateAll((all) => all.map(({ value }) => value)), ['admin', 'auditor', 'support']);
      await person.judge('users-new-as-admin');
      await person.leave();
    });

    test('support reads and disables', async () => {
      const support = await on.as({ username: 'support', password }, { look });
      await support.open('/console');
      const sections = await menu(support);
      assert.ok(sections.includes('/console/users') && !sections.includes('/console/audit'));
      await assertRefused(support, [...CHANGES, '/console/audit', `/console/access-keys/${key.id}/rotate`, `/console/access-keys/${key.id}/delete`]);
      await support.judge('refused-as-support');
      await support.open(`/console/access-keys/${key.id}`);
      assert.deepEqual(await support.page.locator('main button').evaluateAll((all) => all.map(({ id }) => id)), ['access-key-disable']);
      assert.ok(await support.lacks('main a.danger, main a[href$="/edit"], main a[href$="/rotate"]'));
      await support.judge('key-as-support');
      await support.press('#access-key-disable');
      await support.told(/has been disabled/);
      assert.equal((await on.verify(key.secret, 'orders:read')).valid, false);
      assert.ok(await support.lacks('#access-key-enable'), 'to stop is not to start');
      const owner = await on.as({ username: 'owner', password }, { look });
      await owner.open(`/console/access-keys/${key.id}`);
      await owner.press('#access-key-enable');
      assert.equal((await on.verify(key.secret, 'orders:read')).valid, true);
      await owner.leave();
      await support.leave();
    });

    test('an auditor reads and exports', async () => {
      const auditor = await on.as({ username: 'auditor', password }, { look });
      await assertRefused(auditor, CHANGES);
      await auditor.open(`/console/access-keys/${key.id}`);
      assert.ok(await auditor.lacks('main button, main a.danger'), 'nothing to press');
      await auditor.open('/console/audit');
      await auditor.judge('audit-as-auditor');
      const [download] = await Promise.all([auditor.page.waitForEvent('download'), auditor.page.click('a[href*="format=jsonl"]')]);
      assert.match(download.suggestedFilename(), /\.jsonl$/);
      await auditor.leave();
    });

    test('whoever has no role has an account', async () => {
      const nobody = await on.as({ username: 'nobody', password }, { look });
      await nobody.open('/console');
      assert.equal(new URL(nobody.page.url()).pathname, '/account');
      assert.ok((await menu(nobody)).every((path) => path.startsWith('/account')));
      await assertRefused(nobody, ['/console/users', '/console/audit', '/console/access-keys', ...CHANGES]);
      await nobody.judge('refused-as-nobody');
      await nobody.leave();
    });
  });
}
