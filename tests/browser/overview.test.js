// What is shown of real use: the overview, the usage of a key and of a client, and who still uses an old secret.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const DAY = 86_400;
const SOMEWHERE = '203.0.113.7';

/** A token for a client that acts for itself; undefined where it is refused. */
async function token({ client_id }, secret) {
  const answer = await fetch(`${on.server.issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return (await answer.json()).access_token;
}

/** A client and a key, each used: accepted three times, refused once. */
async function use() {
  const client = await on.admin('POST', '/v1/clients', { client_name: 'Nightly robot', grant_types: ['client_credentials'], scope: 'orders:read' });
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await on.verify(await token(client, client.client_secret), 'orders:read')).valid, true);
  }
  assert.equal(await token(client, 'wrong'), undefined);
  await on.admin('POST', '/v1/projects', { id: 'shop', name: 'The shop' });
  const key = await on.admin('POST', '/v1/access-keys', {
    name: 'Checkout', scopes: ['orders:read'], expires_in: 3 * DAY, requests_per_minute: 3,
  });
  for (const scope of ['orders:read', 'orders:read', 'orders:read', 'orders:write']) {
    await on.admin('POST', '/v1/verify', { credential: key.secret, scopes: [scope], operation: 'list orders', project: 'shop' });
  }
  return { client, key };
}

let used;
const on = stage(async ({ server }) => {
  await server.restart('\n[alerts]\nrotation_age = "1s"\n');
  used = await use();
});

/** The chart has bars, and a table of the same figures for whoever does not see them; answers the sums of its columns. */
async function readChart(person, index) {
  const chart = person.page.locator('figure.chart').nth(index);
  assert.ok(await chart.locator('svg rect').count() > 0, 'there are bars');
  assert.equal(await chart.locator('svg').getAttribute('aria-hidden'), 'true');
  await chart.locator('summary').click();
  const rows = await chart.locator('tbody tr').evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent))));
  return { rows: rows.length, sums: rows.reduce((sums, row) => row.map((figure, at) => (sums[at] ?? 0) + figure), []) };
}

for (const look of LOOKS) {
  describe(look.name, () => {
    test('the overview', async () => {
      const ada = await on.operator({ look });
      await ada.openUntil('/console', /Checkout/);
      await ada.openUntil('/console', /Nightly robot/);
      const requests = await readChart(ada, 0);
      assert.equal(requests.rows, 24);
      assert.ok(requests.sums[0] >= 6 && requests.sums[1] >= 1, String(requests.sums));
      const tokens = await readChart(ada, 1);
      assert.ok(tokens.sums[0] >= 3, String(tokens.sums));
      const figures = await ada.page.locator('.tiles .figure').allInnerTexts();
      assert.equal(Number(figures[0]), requests.sums[0] + requests.sums[1], 'tile and chart agree');
      const shown = await ada.text();
      for (const part of [/nearly used up|exceeded/, /SQLite/, /RS256/, /ES256/, /EdDSA/, /purge/]) assert.match(shown, part);
      for (const heading of ['Ends within 30 days', 'Overdue for rotation']) {
        assert.match(await ada.text(`h2:has-text("${heading}") + .scroll`), /Checkout/);
      }
      await ada.judge('overview');
      await ada.press('main table a:has-text("Checkout")');
      assert.equal(new URL(ada.page.url()).pathname, `/console/access-keys/${used.key.id}`);
      await ada.leave();
    });

    test('the usage of a key and of a client', async () => {
      const ada = await on.operator({ look });
      const path = `/console/access-keys/${used.key.id}/usage`;
      await ada.openUntil(path, /list orders/);
      const month = await readChart(ada, 0);
      assert.deepEqual([month.rows, ...month.sums], [30, 3, 1]);
      for (const part of [/75\.0 %/, /shop\s+4/, /insufficient_scope|scope/]) assert.match(await ada.text(), part);
      await ada.judge('usage-of-key');
      await ada.press(`a[href="${path}?days=7"]`);
      assert.deepEqual(await readChart(ada, 0), { rows: 7, sums: [3, 1] });
      await ada.openUntil(`/console/clients/${used.client.client_id}/usage`, /Requests\s+3\s+in 30 days/);
      await ada.judge('usage-of-client');
      await ada.leave();
    });

    test('who still uses the old secret of a key', async () => {
      const key = await on.admin('POST', '/v1/access-keys', { name: `Turned ${look.name}`, scopes: ['orders:read'] });
      const ada = await on.operator({ look });
      await ada.open(`/console/access-keys/${key.id}/rotate`);
      await ada.press('#access-key-rotate');
      const next = await ada.text('#secret');
      await ada.open(`/console/access-keys/${key.id}/secrets`);
      assert.match(await ada.text(), /Nobody has used the old secret/);
      await ada.judge('rotation-unused');
      await on.admin('POST', '/v1/verify', { credential: key.secret, scopes: ['orders:read'], ip: SOMEWHERE });
      await ada.openUntil(`/console/access-keys/${key.id}/secrets`, /203\.0\.113\.7/);
      assert.match(await ada.text('.notice.warn'), /./);
      await ada.judge('rotation-used');
      await ada.press('a[href$="/finish"]');
      await ada.judge('rotation-finish');
      await ada.press('#access-key-finish');
      await ada.told(/only the new secret works/);
      assert.deepEqual([(await on.verify(key.secret, 'orders:read')).valid, (await on.verify(next, 'orders:read')).valid], [false, true]);
      await ada.leave();
    });

    test('who still uses the old secret of a client', async () => {
      const client = await on.admin('POST', '/v1/clients', {
        client_name: `Turned ${look.name}`, grant_types: ['client_credentials'], scope: 'orders:read',
      });
      const home = `/console/clients/${client.client_id}`;
      const ada = await on.operator({ look });
      await ada.open(`${home}/rotate`);
      await ada.page.check('input[name=grace][value="3600"]');
      await ada.judge('client-rotate');
      await ada.press('#rotate-submit');
      const next = await ada.text('#secret');
      await ada.judge('client-rotated');
      assert.ok(await token(client, client.client_secret), 'the old one works on');
      await ada.openUntil(`${home}/rotate`, /127\.0\.0\.1/);
      await ada.judge('client-rotation-used');
      await ada.open(home);
      await ada.judge('client-rotating');
      await ada.press('#finish');
      await ada.told(/old secret has ended/);
      assert.equal(await token(client, client.client_secret), undefined);
      assert.ok(await token(client, next));
      await ada.leave();
    });
  });
}
