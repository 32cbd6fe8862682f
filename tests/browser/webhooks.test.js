// Alerts, and the webhooks that carry them: one that fails at first, one that wants nothing more, and sending again.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { startReceiver } from './support/receiver.js';
import { stage } from './support/stage.js';

const FAILURES = 3;

const receiver = await startReceiver();
after(() => receiver.stop());

const settings = () => `
[alerts]
failed_authentications = ${FAILURES}

[webhooks.ops]
url = "${receiver.address}"
secret = "whsec_${btoa('a secret of thirty-two octets...')}"
events = ["*"]
`;

const on = stage(({ server }) => server.restart(settings()));

for (const look of LOOKS) {
  describe(look.name, () => {
    test('a test arrives, is refused for good, and is sent again', async () => {
      const ada = await on.operator({ look });
      await ada.open('/console/webhooks');
      assert.match(await ada.text(), /ops/);
      await ada.judge('webhooks-configured');
      await ada.press('#test-ops');
      await ada.told(/The test has arrived/);
      await receiver.next('alert.test');
      assert.match(await ada.text('tbody:below(h2)'), /alert\.test/);
      await ada.judge('webhook-tested');

      // 500: it will be tried again. 410: nobody wants it, until an operator says so.
      receiver.answer('alert.test', 500);
      await ada.press('#test-ops');
      await receiver.next('alert.test');
      assert.equal(new URL(ada.page.url()).searchParams.get('tested'), '1');
      assert.match(await ada.text(), /500/);
      await ada.judge('webhook-failed');
      await receiver.next('alert.test');

      receiver.answer('alert.test', 410);
      await ada.open('/console/webhooks');
      await ada.press('#test-ops');
      await receiver.next('alert.test');
      assert.match(await ada.text(), /410/);
      await ada.judge('webhook-refused');
      await ada.open('/console/webhooks?status=dead');
      assert.match(await ada.text(), /410/);
      await ada.judge('webhook-dead');
      await ada.press('button[id^="resend-"]');
      await ada.told(/on its way again/);
      await receiver.next('alert.test');
      await ada.judge('webhook-resent');
      await ada.leave();
    });

    test('an alert is seen, and where it went', async () => {
      const username = `target-${look.name}`;
      await on.admin('POST', '/v1/users', { username, password: 'a long enough passphrase' });
      const intruder = await on.stranger({ look });
      await intruder.open('/account');
      for (let failure = 0; failure <= FAILURES; failure += 1) {
        await intruder.write({ username, password: `guess ${failure}` });
        await intruder.press('#login-submit');
      }
      await intruder.judge('login-refused');
      await intruder.leave();
      await receiver.next('alert.failed_authentications');

      const ada = await on.operator({ look });
      await ada.open('/console/alerts');
      await ada.page.selectOption('#filter-rule', 'failed_authentications');
      await ada.press('#filter-apply');
      assert.ok(await ada.page.locator('tbody tr').count() > 0);
      assert.match(await ada.text('tbody'), /authentications fail|sign-ins/i);
      await ada.judge('alerts-raised');
      await ada.press('tbody a[href^="/console/webhooks?alert_id="]');
      assert.match(await ada.text(), /alert\.failed_authentications/);
      await ada.judge('alert-deliveries');
      await ada.open('/console');
      assert.match(await ada.text('.tiles'), /alerts/i);
      await ada.leave();
    });
  });
}
