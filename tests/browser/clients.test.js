// "What are you building?" from each answer to a client with a snippet of its own; and a code flow tried in the console.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from '../clients/support/server.js';
import { LOOKS, Person, launch } from './support/browser.js';

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const KINDS = [
  { kind: 'single-page-app', redirect: 'https://spa.example/callback', secret: false },
  { kind: 'web-app', redirect: 'https://web.example/callback', secret: true },
  { kind: 'native-app', redirect: 'com.example.app:/callback', secret: false },
  { kind: 'machine', secret: true },
  { kind: 'resource-server', secret: true },
];

for (const { kind, redirect, secret } of KINDS) {
  test(`a ${kind}`, async () => {
    const ada = await Person.at(browser, server, { look: LOOKS[secret ? 0 : 1] });
    await ada.signIn(server.demo.admin, '/console/clients/new');
    await ada.judge('client-kinds');
    await ada.press(`a[href="/console/clients/new/${kind}"]`);
    await ada.page.fill('#client-create-client_name', `My ${kind}`);
    if (redirect) await ada.page.fill('#client-create-redirect_uris', redirect);
    const scope = ada.page.locator('input[name=scope][value="orders:read"]');
    if (await scope.count() > 0) await scope.check();
    await ada.page.click('#client-create');
    await ada.page.waitForSelector('.snippet');
    assert.equal(await ada.page.locator('#secret').count(), secret ? 1 : 0);
    await ada.judge(`client-created-${kind}`);
    const snippets = (await ada.page.locator('.snippet').allInnerTexts()).join('\n');
    assert.ok(snippets.includes(server.issuer), 'the snippet has the issuer');
    const { items } = await server.admin('GET', '/v1/clients?limit=200');
    const made = items.find(({ client_name }) => client_name === `My ${kind}`);
    assert.ok(snippets.includes(made.client_id), 'the snippet has the client_id');
    assert.equal(made.token_endpoint_auth_method === 'none', !secret);
    assert.deepEqual(made.redirect_uris, redirect ? [redirect] : []);
    if (redirect) assert.equal(made.require_pkce, true);
    await ada.leave();
  });
}

test('the code flow of a client, tried', async () => {
  const ada = await Person.at(browser, server);
  await ada.signIn(server.demo.admin, '/console/clients/demo-confidential');
  await ada.press('a[href="/console/clients/demo-confidential/try"]');
  const scopes = ada.page.locator('input[name=scope]:checked');
  while (await scopes.count() > 0) await scopes.first().uncheck();
  for (const scope of ['openid', 'orders:read']) await ada.page.check(`input[name=scope][value="${scope}"]`);
  await ada.judge('client-try');
  await ada.page.click('#try-begin');
  await ada.page.waitForSelector('main h2, #consent-allow');
  if (await ada.page.locator('#consent-allow').count() > 0) await ada.press('#consent-allow');
  const shown = await ada.text();
  for (const part of ['RS256', 'demo-confidential', server.issuer, '"sub"', '"exp"']) assert.ok(shown.includes(part), `${part} in ${shown}`);
  await ada.judge('client-tried');
  await ada.leave();
});
