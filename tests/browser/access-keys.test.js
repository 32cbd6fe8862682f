// An access key in its owner's hands: made, copied, used, looked at, rotated without an outage, revoked, deleted.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

const verify = (token, scope = 'orders:read') => on.verify(token, scope);

/** The secret on the page, and what the file and the clipboard have of it. */
async function takeSecret(person) {
  const secret = await person.text('#secret');
  const [download] = await Promise.all([person.page.waitForEvent('download'), person.page.click('#download-env')]);
  assert.match(await readFile(await download.path(), 'utf8'), new RegExp(`^[A-Z_]+=${secret}$`, 'm'));
  await person.page.click('button[data-copy=secret]');
  await person.page.waitForSelector('button[data-copy=secret]:has-text("Copied")');
  assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), secret);
  return secret;
}

async function create(person, name) {
  await person.open('/console/access-keys/new');
  await person.page.fill('#access-key-create-name', name);
  await person.page.fill('#access-key-create-description', 'For the tests');
  await person.page.check('input[name=scope][value="orders:read"]');
  await person.page.selectOption('#access-key-create-expiry', '30');
  await person.page.fill('#access-key-create-requests_per_minute', '5');
  await person.page.click('#access-key-create');
  await person.page.waitForSelector('#secret');
}

/** The names on the list, from the top. */
const listed = (person) => person.page.locator('tbody tr td:first-child').allInnerTexts();

for (const look of LOOKS) {
  describe(look.name, () => {
    test('the list is searched, filtered, ordered and turned over', async () => {
      const start = `${look.name} number`;
      for (let number = 10; number < 65; number += 1) {
        await on.admin('POST', '/v1/access-keys', { name: `${start} ${number}`, scopes: ['orders:read'], environment: number < 12 ? 'test' : 'live' });
      }
      const ada = await on.operator({ look });
      await ada.open('/console/access-keys');
      await ada.page.fill('#filter-q', start);
      await ada.press('#filter-apply');
      await ada.press('th a:has-text("Name")');
      assert.equal(await ada.page.locator('th[aria-sort=ascending]').count(), 1);
      const first = await listed(ada);
      assert.equal(first[0], `${start} 10`);
      await ada.judge('access-keys-list');
      await ada.press('#page-next');
      const second = await listed(ada);
      assert.deepEqual([...first, ...second], Array.from({ length: 55 }, (_, at) => `${start} ${at + 10}`));
      await ada.press('.pager a[rel=first]');
      await ada.press('th a:has-text("Name")');
      assert.equal((await listed(ada))[0], `${start} 64`, 'the other way around');
      await ada.page.selectOption('#filter-environment', 'test');
      await ada.press('#filter-apply');
      assert.deepEqual(await listed(ada), [`${start} 11`, `${start} 10`], 'in the same order');
      await ada.page.selectOption('#filter-status', 'revoked');
      await ada.press('#filter-apply');
      assert.match(await ada.text('.empty'), /./);
      await ada.judge('access-keys-none-found');
      await ada.leave();
    });

    test('a key with everything that can be chosen', async () => {
      const { id } = await on.admin('POST', '/v1/service-accounts', { name: `Robot ${look.name}`, scopes: ['orders:read'] });
      const ada = await on.operator({ look });
      await ada.open('/console/access-keys/new');
      await ada.write({
        'access-key-create-name': `Bounded ${look.name}`, 'access-key-create-owner': id, 'access-key-create-expires_on': '2099-12-31',
        'access-key-create-requests_per_hour': '50', 'access-key-create-allowed_addresses': '192.0.2.0/24',
      });
      await ada.page.selectOption('#access-key-create-owner_kind', 'service_account');
      await ada.page.selectOption('#access-key-create-environment', 'live');
      await ada.page.selectOption('#access-key-create-expiry', 'custom');
      await ada.page.check('input[name=scope][value="orders:read"]');
      await ada.judge('access-key-new-filled');
      await ada.press('#access-key-create');
      const credential = await ada.text('#secret');
      assert.match(credential, /^gk_live_/);
      const ask = (ip) => on.admin('POST', '/v1/verify', { credential, scopes: ['orders:read'], ip });
      assert.deepEqual([(await ask('192.0.2.9')).valid, (await ask('198.51.100.9')).valid], [true, false]);
      await ada.open(`/console/access-keys?q=${encodeURIComponent(`Bounded ${look.name}`)}`);
      assert.match(await ada.text('tbody'), new RegExp(`Robot ${look.name}`));
      assert.match(await ada.text('tbody'), /2099|2100/);
      await ada.leave();
    });

    test('the life of a key', async () => {
      const name = `Key ${look.name}`;
      const ada = await on.operator({ look });
      await create(ada, name);
      await ada.judge('access-key-created');
      const first = await takeSecret(ada);
      assert.equal((await verify(first)).valid, true);
      assert.equal((await verify(first, 'orders:write')).valid, false);

      // Found by its name, and shown without its secret.
      await ada.open(`/console/access-keys?q=${encodeURIComponent(look.name)}`);
      await ada.press(`main table a:has-text("${name}")`);
      const home = new URL(ada.page.url()).pathname;
      assert.ok(!(await ada.page.content()).includes(first), 'the secret is shown once');
      await ada.judge('access-key');

      await ada.press(`a[href="${home}/edit"]`);
      await ada.page.fill('input[name=description], textarea[name=description]', 'Changed');
      await ada.judge('access-key-edit');
      await ada.press('form.stack button[type=submit]');
      assert.match(await ada.text(), /Changed/);

      // Rotated: both secrets work, the page tells that the old one is still used, and "finish now" ends it.
      await ada.press(`a[href="${home}/rotate"]`);
      await ada.judge('access-key-rotate');
      await ada.page.click('#access-key-rotate');
      await ada.page.waitForSelector('#secret');
      const second = await takeSecret(ada);
      assert.notEqual(second, first);
      assert.deepEqual([(await verify(first)).valid, (await verify(second)).valid], [true, true]);
      await ada.open(`${home}/secrets`);
      await ada.judge('access-key-secrets');
      await ada.press('a[href$="/finish"]');
      await ada.press('#access-key-finish');
      assert.deepEqual([(await verify(first)).valid, (await verify(second)).valid], [false, true]);

      await ada.open(`${home}/usage`);
      await ada.page.click('details summary');
      await ada.judge('access-key-usage');
      await ada.open(`${home}/usage?days=30`);
      assert.equal(await ada.page.locator('figure.chart').first().locator('tbody tr').count(), 30);

      await ada.open(home);
      await ada.press('#access-key-disable');
      assert.equal((await verify(second)).valid, false);
      await ada.press('#access-key-enable');
      await ada.press(`a[href="${home}/revoke"]`);
      await ada.judge('access-key-revoke');
      await ada.press('#access-key-revoke');
      assert.equal((await verify(second)).valid, false);
      await ada.press(`a[href="${home}/delete"]`);
      await ada.page.fill('#access-key-delete-confirm', 'another name');
      await ada.press('#access-key-delete');
      assert.match(await ada.text('#notice'), /exactly as it is written/);
      await ada.page.fill('#access-key-delete-confirm', name);
      await ada.press('#access-key-delete');
      await ada.openMissing(home);
      await ada.leave();
    });
  });
}

test('the refusal at the limit is explained', async () => {
  const ada = await on.operator();
  await create(ada, 'Limited');
  const secret = await ada.text('#secret');
  const answers = [];
  for (let request = 0; request < 6; request += 1) answers.push((await verify(secret)).valid);
  assert.deepEqual(answers, [true, true, true, true, true, false]);
  await ada.open('/console/access-keys?q=Limited');
  await ada.press('main table a:has-text("Limited")');
  const id = new URL(ada.page.url()).pathname.split('/').pop();
  await ada.open('/console/explain');
  await ada.page.fill('#explain-what', id);
  await ada.press('#explain');
  assert.ok(await ada.page.locator('.steps li').count() > 4);
  assert.match(await ada.text('.steps .bad >> xpath=..'), /limit|minute/i);
  await ada.judge('explained');
  await ada.leave();
});
