// What access is made of: service accounts, scopes, projects, environments and plans.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const PLANS = `
[plans.free]
requests_per_minute = 60
requests_per_hour = 1000
`;

const on = stage(({ server }) => server.restart(PLANS));

for (const look of LOOKS) {
  describe(look.name, () => {
    test('a service account, with a key of its own', async () => {
      const ada = await on.operator({ look });
      await ada.open('/console/service-accounts');
      await ada.judge('service-accounts');
      await ada.press('a[href="/console/service-accounts/new"]');
      await ada.judge('service-account-new');
      await ada.write({ 'account-create-name': `Nightly ${look.name}`, 'account-create-description': 'Runs at night' });
      await ada.page.check('input[name=scope][value="orders:read"]');
      await ada.page.selectOption('#account-create-plan', 'free');
      await ada.press('#account-create');
      await ada.told(/has been created/);
      await ada.judge('service-account');
      const home = new URL(ada.page.url()).pathname;
      const id = home.split('/').pop();
      await ada.press(`a[href="${home}/edit"]`);
      await ada.page.check('input[name=scope][value="orders:write"]');
      await ada.judge('service-account-edit');
      await ada.press('#account-save');
      await ada.told(/have been saved/);
      assert.match(await ada.text('.facts'), /orders:write/);

      const { secret } = await on.admin('POST', '/v1/access-keys', { name: 'Of the night', owner: { type: 'service_account', id }, scopes: ['orders:write'] });
      assert.equal((await on.verify(secret, 'orders:write')).valid, true);
      await ada.press(`a[href^="/console/access-keys?owner=${id}"]`);
      assert.match(await ada.text('tbody'), /Of the night/);
      await ada.open(`${home}/disable`);
      await ada.judge('service-account-disable');
      await ada.press('#disable-submit');
      assert.equal((await on.verify(secret, 'orders:write')).valid, false, 'with the owner the key stops');
      await ada.press('#enable');
      assert.equal((await on.verify(secret, 'orders:write')).valid, true);
      await ada.press(`a[href="${home}/revoke"]`);
      await ada.judge('service-account-revoke');
      await ada.page.fill('#revoke-submit-confirm', `Nightly ${look.name}`);
      await ada.press('#revoke-submit');
      await ada.told(/has been revoked/);
      assert.equal((await on.verify(secret, 'orders:write')).valid, false);
      assert.ok(await ada.lacks('#enable'), 'there is no way back');
      await ada.leave();
    });

    test('a scope', async () => {
      const name = `parcels:${look.name}`;
      const ada = await on.operator({ look });
      await ada.open('/console/scopes');
      await ada.judge('scopes');
      await ada.press('a[href="/console/scopes/new"]');
      await ada.write({ 'scope-create-name': name, 'scope-create-description': 'See parcels' });
      await ada.page.check('input[name=privileged]');
      await ada.judge('scope-new');
      await ada.press('#scope-create');
      await ada.told(/has been created/);
      const edit = `/console/scopes/edit?name=${encodeURIComponent(name)}`;
      await ada.press(`main table a[href="${edit}"]`);
      await ada.page.fill('#scope-save-description', 'See parcels and their way');
      await ada.page.uncheck('input[name=privileged]');
      await ada.judge('scope-edit');
      await ada.press('#scope-save');
      await ada.told(/have been saved/);
      assert.match(await ada.text('tbody'), /See parcels and their way/);
      await ada.open('/console/access-keys/new');
      assert.match(await ada.text(), /See parcels and their way/, 'offered with what it allows');
      await ada.open(edit);
      await ada.press('a.danger');
      await ada.judge('scope-delete');
      await ada.page.fill('#scope-delete-confirm', name);
      await ada.press('#scope-delete');
      await ada.told(/has been deleted/);
      assert.ok(await ada.lacks(`main table a[href="${edit}"]`));
      await ada.leave();
    });

    test('a project keeps a key to itself', async () => {
      const id = `shop-${look.name}`;
      const ada = await on.operator({ look });
      await ada.open('/console/projects/new');
      await ada.write({ 'project-create-id': id, 'project-create-name': 'The shop' });
      await ada.press('#project-create');
      await ada.press(`a[href="/console/projects/${id}/edit"]`);
      await ada.page.fill('#project-save-name', 'The other shop');
      await ada.press('#project-save');
      await ada.told(/have been saved/);
      assert.match(await ada.text('tbody'), /The other shop/);

      await ada.open('/console/access-keys/new');
      await ada.page.fill('#access-key-create-name', `Of the shop ${look.name}`);
      await ada.page.check('input[name=scope][value="orders:read"]');
      await ada.page.check('input[name=projects][value=chosen]');
      await ada.page.check(`input[name=project][value="${id}"]`);
      await ada.page.click('#access-key-create');
      await ada.page.waitForSelector('#secret');
      const secret = await ada.text('#secret');
      const ask = (project) => on.admin('POST', '/v1/verify', { credential: secret, scopes: ['orders:read'], project });
      assert.equal((await ask(id)).valid, true);
      assert.equal((await ask('elsewhere')).valid, false);
      await ada.leave();
    });

    test('environments and plans', async () => {
      const ada = await on.operator({ look });
      await ada.open('/console/environments');
      const shown = await ada.text();
      for (const part of ['live', 'test', 'gk_live_', 'free', '1000']) assert.ok(shown.includes(part), part);
      await ada.judge('environments');
      await ada.leave();
    });
  });
}
