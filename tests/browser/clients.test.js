// "What are you building?" from each answer to a client with a snippet of its own, its code flow tried, and its life.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const KINDS = [
  { kind: 'single-page-app', redirect: 'https://spa.example/callback', secret: false },
  { kind: 'web-app', redirect: 'https://web.example/callback', secret: true },
  { kind: 'native-app', redirect: 'com.example.app:/callback', secret: false },
  { kind: 'machine', secret: true },
  { kind: 'resource-server', secret: true },
];

const on = stage();

/** Runs the code flow in the console: ends on the page with the decoded tokens. */
async function tryFlow(ada, client_id) {
  await ada.open(`/console/clients/${client_id}`);
  await ada.press(`a[href="/console/clients/${client_id}/try"]`);
  const scopes = ada.page.locator('input[name=scope]');
  for (let box = 0; box < await scopes.count(); box += 1) {
    await scopes.nth(box).setChecked(['openid', 'orders:read'].includes(await scopes.nth(box).getAttribute('value')));
  }
  await ada.judge('client-try');
  await ada.page.click('#try-begin');
  await ada.page.waitForSelector('.notice.good, #consent-allow');
  if (!(await ada.lacks('#consent-allow'))) await ada.press('#consent-allow');
  const shown = await ada.text();
  for (const part of ['RS256', client_id, on.server.issuer, '"sub"', '"exp"', 'orders:read']) assert.ok(shown.includes(part), `${part} in ${shown}`);
}

for (const look of LOOKS) {
  describe(look.name, () => {
    for (const { kind, redirect, secret } of KINDS) {
      test(`a ${kind}`, async () => {
        const name = `My ${kind} ${look.name}`;
        const ada = await on.operator({ look });
        await ada.open('/console/clients/new');
        await ada.press(`a[href="/console/clients/new/${kind}"]`);
        await ada.page.fill('#client-create-client_name', name);
        if (redirect) await ada.page.fill('#client-create-redirect_uris', redirect);
        const scope = ada.page.locator('input[name=scope][value="orders:read"]');
        if (await scope.count() > 0) await scope.check();
        await ada.judge(`client-new-${kind}`);
        await ada.press('#client-create');
        assert.equal(await ada.page.locator('#secret').count(), secret ? 1 : 0);
        await ada.judge(`client-created-${kind}`);
        const snippets = (await ada.page.locator('.snippet').allInnerTexts()).join('\n');
        assert.ok(snippets.includes(on.server.issuer), 'the snippet has the issuer');
        const { items } = await on.admin('GET', '/v1/clients?limit=200');
        const made = items.find(({ client_name }) => client_name === name);
        assert.ok(snippets.includes(made.client_id), 'the snippet has the client_id');
        assert.equal(made.token_endpoint_auth_method === 'none', !secret);
        assert.deepEqual(made.redirect_uris, redirect ? [redirect] : []);
        if (redirect) {
          assert.equal(made.require_pkce, true);
          await tryFlow(ada, made.client_id);
          await ada.judge(`client-tried-${kind}`);
        }
        await ada.leave();
      });
    }

    test('a code flow that is refused says why', async () => {
      const ada = await on.operator({ look });
      const { client_id } = await on.server.newPublicClient();
      await ada.open(`/console/clients/${client_id}/try`);
      await ada.page.click('#try-begin');
      await ada.page.waitForSelector('#consent-deny');
      await ada.judge('client-try-consent');
      await ada.press('#consent-deny');
      assert.match(await ada.text(), /access_denied/);
      await ada.judge('client-try-refused');
      await ada.leave();
    });

    test('a client is edited, disabled, enabled and revoked', async () => {
      const client_name = `Lived ${look.name}`;
      const { client_id, client_secret } = await on.admin('POST', '/v1/clients', {
        client_name, grant_types: ['client_credentials'], scope: 'orders:read',
      });
      const token = async () => {
        const headers = { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` };
        const body = new URLSearchParams({ grant_type: 'client_credentials' });
        return (await (await fetch(`${on.server.issuer}/oauth/token`, { method: 'POST', headers, body })).json()).access_token;
      };
      const ada = await on.operator({ look });
      await ada.open(`/console/clients?q=${encodeURIComponent(client_name)}`);
      assert.equal(await ada.page.locator('tbody tr').count(), 1);
      await ada.press('main table a[href^="/console/clients/"]');
      await ada.press('a[href$="/edit"]');
      await ada.page.fill('#client-save-description', 'Counts at night');
      await ada.judge('client-edit');
      await ada.press('#client-save');
      await ada.told(/have been saved/);
      assert.match(await ada.text('.lead'), /Counts at night/);
      const first = await token();
      assert.equal((await on.verify(first, 'orders:read')).valid, true);
      await ada.press('a[href$="/disable"]');
      await ada.judge('client-disable');
      await ada.press('#disable-submit');
      assert.deepEqual([(await on.verify(first, 'orders:read')).valid, await token()], [false, undefined]);
      await ada.judge('client-disabled');
      await ada.press('#enable');
      assert.ok(await token());
      await ada.press('a[href$="/revoke"]');
      await ada.judge('client-revoke');
      await ada.page.fill('#revoke-submit-confirm', client_name);
      await ada.press('#revoke-submit');
      await ada.told(/has been revoked/);
      assert.equal(await token(), undefined);
      await ada.leave();
    });
  });
}
