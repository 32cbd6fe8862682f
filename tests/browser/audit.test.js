// The audit log, explanations, alerts, webhooks and signing keys, as operators use them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

let key;
const on = stage(async ({ admin }) => {
  key = await admin('POST', '/v1/access-keys', { name: 'Nightly', scopes: ['orders:read'] });
});

for (const look of LOOKS) {
  describe(look.name, () => {
    test('an event is searched, opened and taken away, and the log proven', async () => {
      const ada = await on.operator({ look });
      await ada.open('/console/audit');
      await ada.judge('audit');
      await ada.page.fill('#filter-q', key.id);
      await ada.press('#filter-apply');
      assert.match(await ada.text('tbody'), /access_key\.created/);
      assert.doesNotMatch(await ada.text('tbody'), /login\.succeeded/);
      await ada.judge('audit-found');
      await ada.press('tbody a[href^="/console/audit/"]');
      assert.match(await ada.text('main'), /Place in the chain/);
      await ada.judge('audit-event');
      await ada.open(`/console/audit?q=${key.id}`);
      const [download] = await Promise.all([
        ada.page.waitForEvent('download'),
        ada.page.click('a[href^="/console/audit/export"]'),
      ]);
      assert.equal(download.suggestedFilename(), 'audit-events.csv');
      assert.match(await readFile(await download.path(), 'utf8'), /access_key\.created/);
      await ada.press('#verify-whole');
      assert.match(await ada.text('#notice'), /is whole/);
      await ada.judge('audit-verified');
      await ada.leave();
    });

    test('why a request was refused, and what would pass', async () => {
      const ada = await on.operator({ look });
      await ada.open('/console/explain');
      await ada.judge('explain');
      await ada.page.fill('#explain-what', key.secret);
      await ada.page.fill('#explain-scope', 'orders:write');
      await ada.press('#explain');
      assert.match(await ada.text('.steps'), /missing: orders:write/);
      assert.ok(!(await ada.page.content()).includes(key.secret));
      await ada.judge('explain-refused');
      await ada.page.fill('#explain-what', key.id);
      await ada.page.fill('#explain-scope', 'orders:read');
      await ada.press('#explain');
      assert.match(await ada.text('main'), /would pass/);
      const refused = await fetch(new URL('/v1/users', on.server.issuer), { headers: { authorization: `Bearer ${key.secret}` } });
      await ada.page.fill('#explain-what', refused.headers.get('x-request-id'));
      await ada.press('#explain');
      assert.match(await ada.text('main'), /Admin API/);
      await ada.judge('explain-request');
      await ada.leave();
    });

    test('alerts, webhooks and logout tokens say what comes next', async () => {
      const ada = await on.operator({ look });
      await ada.open('/console/alerts');
      assert.match(await ada.text('main'), /Alerts go nowhere yet/);
      await ada.judge('alerts');
      await ada.open('/console/webhooks');
      assert.match(await ada.text('main'), /No webhook is configured/);
      await ada.judge('webhooks');
      await ada.open('/console/logout-deliveries');
      await ada.judge('logout-deliveries');
      await ada.leave();
    });

    test('a signing key is rotated after a question', async () => {
      const ada = await on.operator({ look });
      await ada.open('/console/signing-keys');
      await ada.judge('signing-keys');
      const alg = look === LOOKS[0] ? 'ES256' : 'EdDSA';
      await ada.press(`a[href="/console/signing-keys/${alg}/rotate"]`);
      await ada.judge('signing-key-rotate');
      await ada.page.fill('#signing-key-rotate-confirm', alg);
      await ada.press('#signing-key-rotate');
      assert.match(await ada.text('#notice'), /has been rotated/);
      await ada.judge('signing-keys-rotated');
      await ada.leave();
    });
  });
}
