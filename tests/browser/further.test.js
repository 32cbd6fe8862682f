// Pages that no link leads to: of devices, of signing in and out, of requests and forms that are refused. In every look, and
// in German.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS, MORE_LOOKS } from './support/browser.js';
import { NASTY, fill } from './support/data.js';
import { stage } from './support/stage.js';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const PASSWORD = 'a long enough passphrase';
const SHOP = 'https://shop.example/';
const NAME = `${NASTY}${'W'.repeat(30)}`;

const LANGUAGES = [
  { lang: 'en', options: { look: LOOKS[1] }, looks: [LOOKS[0], ...MORE_LOOKS] },
  { lang: 'de', options: { look: LOOKS[1], locale: 'de-AT' }, looks: [] },
];

const known = {};
const on = stage(async ({ server, admin }) => {
  // The password is asked for each time.
  await server.restart('\n[console]\nproof_lifetime = "0s"\n');
  Object.assign(known, await fill(server));
  known.television = await admin('POST', '/v1/clients', {
    client_name: `Television ${NAME}`, token_endpoint_auth_method: 'none', grant_types: [DEVICE], scope: 'orders:read',
  });
});

/** The code that a device shows. */
async function userCode() {
  const body = new URLSearchParams({ client_id: known.television.client_id, scope: 'orders:read' });
  const answer = await fetch(`${on.server.issuer}/oauth/device_authorization`, { method: 'POST', body });
  return (await answer.json()).user_code;
}

for (const { lang, options, looks } of LANGUAGES) {
  describe(lang, () => {
    const who = { username: `hopper-${lang}`, password: PASSWORD, name: `Hopper ${NAME}` };

    /** Judges the page on which this is. */
    async function judge(person, name, selector) {
      await person.page.waitForSelector(selector);
      assert.equal(await person.page.getAttribute('html', 'lang'), lang, name);
      await person.judge(`further-${name}-${lang}`, ...looks);
      assert.ok(await person.lacks('img[src=x]'), `markup of somebody's on ${name}`);
    }

    test('a device', async () => {
      const grace = await on.as(on.server.demo.user, options);
      await grace.open('/device');
      await judge(grace, 'device', '#device-submit');
      await grace.page.fill('#user_code', 'BCDF-GHJK');
      await grace.press('#device-submit');
      await judge(grace, 'device-unknown', '#device-error');
      for (const [decision, page] of [['allow', 'connected'], ['deny', 'refused']]) {
        await grace.page.goto(new URL('/device', on.server.issuer).href);
        await grace.page.fill('#user_code', await userCode());
        await grace.press('#device-submit');
        if (decision === 'allow') await judge(grace, 'device-consent', '#device-allow');
        await grace.press(`#device-${decision}`);
        await judge(grace, `device-${page}`, 'h1');
        assert.ok(await grace.lacks('form, #device-error'), page);
      }
      await grace.leave();
    });

    test('signing in, and out', async () => {
      await on.admin('POST', '/v1/users', who);
      const { client_id, redirect_uris: [redirect_uri] } = known.client;
      const request = new URLSearchParams({ response_type: 'code', client_id, redirect_uri, scope: 'openid', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' });
      const grace = await on.stranger(options);
      await grace.open(`/oauth/authorize?${request}`);
      await grace.write({ username: who.username, password: 'wrong' });
      await grace.press('#login-submit');
      await judge(grace, 'login-refused', '#login-error');
      await grace.signIn(who, '/account');
      await grace.open('/login');
      await judge(grace, 'signed-in', '#logout-confirm');
      await grace.open('/logout');
      await judge(grace, 'logout', '#logout-confirm');
      await grace.press('#logout-confirm');
      assert.equal(new URL(grace.page.url()).pathname, '/logout');
      await judge(grace, 'signed-out', 'h1');
      assert.ok(await grace.lacks('#logout-confirm'));
      await grace.leave();
    });

    test('an app asks to sign out', async () => {
      const grace = await on.stranger(options);
      const app = await on.admin('POST', '/v1/clients', {
        client_name: `Office ${NAME}`, grant_types: ['password'], scope: 'openid', post_logout_redirect_uris: [SHOP],
      });
      const answer = await fetch(`${on.server.issuer}/oauth/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${app.client_id}:${app.client_secret}`)}` },
        body: new URLSearchParams({ grant_type: 'password', scope: 'openid', ...on.server.demo.user }),
      });
      const { id_token } = await answer.json();
      await grace.signIn(on.server.demo.user, '/account');
      await grace.open(`/logout?${new URLSearchParams({ id_token_hint: id_token })}`);
      await judge(grace, 'logout-asked', 'p.lead');
      await grace.leave();
    });

    test('a request that is rejected', async () => {
      const grace = await on.stranger(options);
      const response = await grace.open('/oauth/authorize?client_id=nobody&response_type=code');
      assert.equal(response.status(), 400);
      await judge(grace, 'rejected', 'h1');
      await grace.leave();
    });

    test('one more question', async () => {
      const ada = await on.operator(options);
      await ada.open('/account/access-keys');
      await ada.press('tbody a[href^="/account/access-keys/ak_"]');
      const home = new URL(ada.page.url()).pathname;
      await ada.open(`${home}/rotate`);
      await judge(ada, 'with-password', '#key-rotate-password');
      await ada.open(home);
      // To close is not asked about; to open again is.
      await ada.press('#key-disable');
      await ada.press('#key-enable');
      await judge(ada, 'one-more-question', '#password-proof');
      await ada.page.fill('#password-proof-password', 'wrong');
      await ada.press('#password-proof');
      await judge(ada, 'one-more-question-again', '#notice.bad');
      await ada.page.fill('#password-proof-password', on.server.demo.admin.password);
      await ada.press('#password-proof');
      await ada.told(/./);
      await ada.leave();
    });
  });
}
