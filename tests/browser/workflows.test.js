// A workflow: made by whoever knows the client's secret, used by a front end, ended.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const GRANT = 'urn:grantor:params:oauth:grant-type:workflow';
const ORIGIN = 'https://shop.example';

const on = stage();

for (const look of LOOKS) {
  describe(look.name, () => {
    test('made, authorized, used, ended, revoked', async () => {
      const { client_id, client_secret } = await on.admin('POST', '/v1/clients', {
        client_name: `Shop ${look.name}`, grant_types: ['client_credentials'], scope: 'orders:read',
      });
      const name = `Embed ${look.name}`;
      const ada = await on.operator({ look });
      await ada.open('/console/workflows');
      await ada.judge('workflows');
      await ada.press('a[href="/console/workflows/new"]');
      await ada.write({
        'workflow-create-client_id': client_id, 'workflow-create-client_secret': 'not the secret',
        'workflow-create-name': name, 'workflow-create-allowed_origins': ORIGIN,
      });
      await ada.page.check('input[name=scope][value="orders:read"]');
      await ada.judge('workflow-new');
      await ada.press('#workflow-create');
      await ada.told(/./);
      assert.equal(await ada.page.inputValue('#workflow-create-client_secret'), '', 'a secret is not sent back');
      await ada.page.fill('#workflow-create-client_secret', client_secret);
      await ada.press('#workflow-create');
      await ada.told(/has been created/);
      await ada.judge('workflow');
      const home = new URL(ada.page.url()).pathname;
      const id = home.split('/').pop();
      assert.ok(!(await ada.page.content()).includes(client_secret));

      const token = async () => {
        const body = new URLSearchParams({ grant_type: GRANT, client_id, workflow_id: id });
        const answer = await fetch(`${on.server.issuer}/oauth/token`, { method: 'POST', headers: { origin: ORIGIN }, body });
        return (await answer.json()).access_token;
      };
      await ada.press(`a[href="${home}/edit"]`);
      await ada.page.fill('#workflow-save-name', `${name} again`);
      await ada.judge('workflow-edit');
      await ada.press('#workflow-save');
      await ada.told(/have been saved/);
      await ada.press(`a[href="${home}/authorize"]`);
      await ada.judge('workflow-authorize');
      await ada.page.fill('#workflow-authorize-client_secret', client_secret);
      await ada.press('#workflow-authorize');
      await ada.told(/is authorized/);
      const first = await token();
      assert.equal((await on.verify(first, 'orders:read')).valid, true);
      await ada.press(`a[href="${home}/invalidate"]`);
      await ada.judge('workflow-invalidate');
      await ada.press('#workflow-invalidate');
      await ada.told(/tokens of the workflow have ended/);
      assert.equal((await on.verify(first, 'orders:read')).valid, false);
      assert.equal(await token(), undefined, 'until somebody enters the secret again');

      await ada.press(`a[href="${home}/disable"]`);
      await ada.press('#disable-submit');
      await ada.told(/has been disabled/);
      await ada.press('#enable');
      await ada.press(`a[href="${home}/revoke"]`);
      await ada.judge('workflow-revoke');
      await ada.page.fill('#revoke-submit-confirm', `${name} again`);
      await ada.press('#revoke-submit');
      await ada.told(/has been revoked/);
      assert.ok(await ada.lacks(`a[href="${home}/authorize"]`));
      await ada.open(`/console/workflows?client=${client_id}`);
      assert.equal(await ada.page.locator('tbody tr').count(), 1);
      await ada.judge('workflows-of-client');
      await ada.leave();
    });
  });
}
