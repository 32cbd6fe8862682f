// Dynamic registration (RFC 7591, RFC 7592) through openid-client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import * as client from 'openid-client';

import { Browser } from './support/browser.js';
import { startServer } from './support/server.js';

const CALLBACK = 'http://127.0.0.1:9000/callback';
const execute = [client.allowInsecureRequests];

let server;

before(async () => {
  server = await startServer();
  await server.restart('\n[registration]\nmode = "initial_access_token"\n');
});

after(() => server?.stop());

const metadata = (more) => ({
  client_name: 'Registered by itself', redirect_uris: [CALLBACK], application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], ...more,
});

async function token() {
  const printed = await server.shell('grantor --json registration-token create --description test');
  return Object.values(JSON.parse(printed)).find((value) => String(value).startsWith('ia_'));
}

test('a client registers itself, signs a user in, reads its registration and takes it back', async () => {
  const config = await client.dynamicClientRegistration(
    new URL(server.issuer), metadata(), undefined, { initialAccessToken: await token(), execute });
  const registered = config.clientMetadata();
  assert.ok(registered.client_id && registered.client_secret && registered.registration_access_token);
  const checks = { expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  // No PKCE: what the Basic profile of OpenID Connect asks of a confidential client is the nonce.
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK, scope: 'openid email', state: checks.expectedState, nonce: checks.expectedNonce,
  });
  const { parameters } = await new Browser(server.issuer).authorize(url, server.demo.user);
  const tokens = await client.authorizationCodeGrant(config, parameters, { ...checks, idTokenExpected: true });
  assert.equal(tokens.claims().aud, registered.client_id);

  const own = (method) => fetch(registered.registration_client_uri, {
    method, headers: { authorization: `Bearer ${registered.registration_access_token}` },
  });
  assert.equal((await (await own('GET')).json()).client_name, 'Registered by itself');
  assert.equal((await own('DELETE')).status, 204);
  assert.equal((await own('GET')).status, 401);
});

test('without a token nobody registers, and bad metadata is told apart', async () => {
  const register = (more, options) => client.dynamicClientRegistration(new URL(server.issuer), metadata(more), undefined, { execute, ...options });
  await assert.rejects(register());
  await assert.rejects(register({ redirect_uris: ['https://app.example/#fragment'] }, { initialAccessToken: await token() }),
    { error: 'invalid_redirect_uri' });
  await assert.rejects(register({ initiate_login_uri: 'http://app.example/login' }, { initialAccessToken: await token() }),
    { error: 'invalid_client_metadata' });
});
