// The same server through openid-client, the higher-level client that many web applications use.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import * as client from 'openid-client';

import { Browser } from './support/browser.js';
import { startServer } from './support/server.js';

const OPTIONS = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] };

let server;
let confidential;

before(async () => {
  server = await startServer();
  const { client_id, client_secret } = server.demo.confidential_client;
  confidential = await client.discovery(new URL(server.issuer), client_id, client_secret, undefined, OPTIONS);
});

after(() => server?.stop());

/** The way that openid-client's documentation shows: build the address, send the user there, hand in the callback. */
async function signIn(config, { redirect_uri, scope }) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri,
    scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
  });
  const { parameters } = await new Browser(server.issuer).authorize(url, server.demo.user);
  return client.authorizationCodeGrant(config, parameters, { pkceCodeVerifier, expectedState });
}

test('discovery by the oauth2 algorithm finds the server and what it can do', () => {
  const metadata = confidential.serverMetadata();
  assert.equal(metadata.issuer, server.issuer);
  assert.equal(metadata.supportsPKCE(), true);
});

test('client credentials grant, by openid-client\'s default authentication', async () => {
  const tokens = await client.clientCredentialsGrant(confidential, { scope: 'orders:read' });
  assert.equal(tokens.scope, 'orders:read');
  assert.ok(tokens.expiresIn() > 0);
});

test('client credentials grant with client_secret_basic', async () => {
  const { client_id, client_secret } = server.demo.confidential_client;
  const auth = client.ClientSecretBasic(client_secret);
  const basic = await client.discovery(new URL(server.issuer), client_id, undefined, auth, OPTIONS);
  assert.equal((await client.clientCredentialsGrant(basic, { scope: 'orders:read' })).scope, 'orders:read');
});

test('a confidential client signs a user in and refreshes', async () => {
  const first = await signIn(confidential, server.demo.confidential_client);
  const second = await client.refreshTokenGrant(confidential, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(second.scope, first.scope);
});

test('a public client signs a user in and refreshes', async () => {
  const { client_id } = server.demo.public_client;
  const config = await client.discovery(new URL(server.issuer), client_id, undefined, client.None(), OPTIONS);
  const first = await signIn(config, server.demo.public_client);
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  const third = await client.refreshTokenGrant(config, second.refresh_token, { scope: 'orders:read' });
  assert.notEqual(third.refresh_token, second.refresh_token);
  assert.equal(third.scope, 'orders:read');
});

test('introspection and revocation', async () => {
  const { access_token } = await client.clientCredentialsGrant(confidential, { scope: 'orders:read' });
  assert.equal((await client.tokenIntrospection(confidential, access_token)).active, true);
  await client.tokenRevocation(confidential, access_token);
  assert.deepEqual(await client.tokenIntrospection(confidential, access_token), { active: false });
});

test('a refusal arrives as the RFC\'s error', async () => {
  await assert.rejects(client.refreshTokenGrant(confidential, 'rt_made-up'), (thrown) => {
    assert.ok(thrown instanceof client.ResponseBodyError, String(thrown));
    assert.equal(thrown.error, 'invalid_grant');
    return true;
  });
});
