// OpenID Connect and its neighbours through openid-client, by its strict defaults: what does not follow the specifications throws.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';

import { Browser } from './support/browser.js';
import { startServer } from './support/server.js';

const OPTIONS = { execute: [client.allowInsecureRequests] };
const CALLBACK = 'http://127.0.0.1:9000/callback';
const SCOPE = 'openid profile email offline_access orders:read';

let server;

before(async () => {
  server = await startServer();
});

after(() => server?.stop());

const checksOf = () => ({
  pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(),
});

async function parametersOf(checks, more = {}) {
  return {
    redirect_uri: CALLBACK, scope: SCOPE, prompt: 'consent', state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...more,
  };
}

/** A confidential client of the test's own. */
const newClient = (members) => server.admin('POST', '/v1/clients', {
  client_name: 'An app', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [CALLBACK], scope: SCOPE, ...members,
});

const discover = (made, auth) => client.discovery(new URL(server.issuer), made.client_id, made.client_secret, auth, OPTIONS);

async function signIn(config, { url, more, browser = new Browser(server.issuer) } = {}) {
  const checks = checksOf();
  const parameters = await parametersOf(checks, more);
  const to = url ? await url(parameters) : client.buildAuthorizationUrl(config, parameters);
  const { parameters: answer } = await browser.authorize(to, server.demo.user);
  return client.authorizationCodeGrant(config, answer, { ...checks, idTokenExpected: true });
}

test('a code, its ID token, userinfo, and a refreshed ID token', async () => {
  const config = await discover(await newClient());
  const tokens = await signIn(config);
  const claims = tokens.claims();
  assert.equal(claims.iss, server.issuer);
  assert.ok(claims.sid && claims.auth_time);
  assert.equal(claims.email, undefined, 'profile data is for userinfo');
  const told = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(told.preferred_username, server.demo.user.username);
  const again = await client.refreshTokenGrant(config, tokens.refresh_token);
  const kept = ({ iss, sub, aud, auth_time }) => ({ iss, sub, aud, auth_time });
  assert.deepEqual(kept(again.claims()), kept(claims));
});

for (const alg of ['PS256', 'ES256', 'EdDSA']) {
  test(`ID token and userinfo signed with ${alg}`, async () => {
    const made = await newClient({ id_token_signed_response_alg: alg, userinfo_signed_response_alg: alg });
    const metadata = { client_secret: made.client_secret, id_token_signed_response_alg: alg, userinfo_signed_response_alg: alg };
    const config = await client.discovery(new URL(server.issuer), made.client_id, metadata, undefined, {
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    });
    const tokens = await signIn(config);
    assert.equal(jose.decodeProtectedHeader(tokens.id_token).alg, alg);
    assert.equal((await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).sub, tokens.claims().sub);
  });
}

test('a request that is pushed ahead', async () => {
  const made = await newClient({ require_pushed_authorization_requests: true });
  const config = await discover(made);
  const pushed = [];
  const tokens = await signIn(config, {
    url: async (parameters) => {
      const url = await client.buildAuthorizationUrlWithPAR(config, parameters);
      pushed.push(url);
      assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
      return url;
    },
  });
  assert.equal(tokens.claims().aud, made.client_id);
  await assert.rejects(new Browser(server.issuer).authorize(pushed[0], server.demo.user), { status: 400 });
  await assert.rejects(signIn(config), 'a request that was not pushed is refused');
});

test('private_key_jwt and client_secret_jwt', async () => {
  const { privateKey, publicKey } = await jose.generateKeyPair('ES256', { extractable: true });
  const jwks = { keys: [{ ...await jose.exportJWK(publicKey), kid: 'one', alg: 'ES256', use: 'sig' }] };
  const withKey = await newClient({ token_endpoint_auth_method: 'private_key_jwt', jwks, may_introspect: true });
  assert.equal(withKey.client_secret, undefined);
  const config = await discover(withKey, client.PrivateKeyJwt({ key: privateKey, kid: 'one' }));
  const tokens = await signIn(config);
  assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, true);
  await client.tokenRevocation(config, tokens.refresh_token);
  assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });

  const withSecret = await newClient({ token_endpoint_auth_method: 'client_secret_jwt' });
  const secret = await discover(withSecret, client.ClientSecretJwt(withSecret.client_secret));
  assert.equal((await signIn(secret)).claims().aud, withSecret.client_id);
});

test('a device', async () => {
  const made = await newClient({
    token_endpoint_auth_method: 'none', grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], redirect_uris: [],
  });
  const config = await discover(made, client.None());
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid profile' });
  assert.match(device.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  const page = await new Browser(server.issuer).approveDevice(device.verification_uri_complete, device.user_code.toLowerCase(), server.demo.user);
  assert.match(page, /The device is connected/);
  const tokens = await client.pollDeviceAuthorizationGrant(config, device);
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).preferred_username, server.demo.user.username);

  const other = await client.initiateDeviceAuthorization(config, { scope: 'openid' });
  await new Browser(server.issuer).approveDevice(other.verification_uri, other.user_code, { ...server.demo.user, decision: 'deny' });
  await assert.rejects(client.pollDeviceAuthorizationGrant(config, other), { error: 'access_denied' });
});

test('signing out, told to the other clients of the session', async () => {
  const heard = [];
  const listener = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => {
      heard.push(new URLSearchParams(body).get('logout_token'));
      response.end();
      listener.emit('heard');
    });
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  try {
    const told = await newClient({
      backchannel_logout_uri: `http://127.0.0.1:${listener.address().port}/logout`, backchannel_logout_session_required: true,
    });
    const made = await newClient({ post_logout_redirect_uris: ['http://127.0.0.1:9000/bye'] });
    const browser = new Browser(server.issuer);
    const [first, config] = [await discover(told), await discover(made)];
    const { sid } = (await signIn(first, { browser })).claims();
    const tokens = await signIn(config, { browser });
    assert.equal(tokens.claims().sid, sid);
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token, post_logout_redirect_uri: 'http://127.0.0.1:9000/bye', state: 'abc',
    });
    const { parameters } = await browser.authorize(url, server.demo.user);
    assert.equal(parameters.href, 'http://127.0.0.1:9000/bye?state=abc');
    if (heard.length === 0) await once(listener, 'heard', { signal: AbortSignal.timeout(20_000) });
    const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
    const { payload } = await jose.jwtVerify(heard[0], keys, { issuer: server.issuer, audience: told.client_id, typ: 'logout+jwt' });
    assert.equal(payload.sid, sid);
    assert.equal(payload.nonce, undefined);
    assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
    const checks = checksOf();
    const silent = client.buildAuthorizationUrl(config, await parametersOf(checks, { prompt: 'none' }));
    const { parameters: answer } = await browser.authorize(silent, server.demo.user);
    assert.equal(answer.searchParams.get('error'), 'login_required');
  } finally {
    listener.close();
    listener.closeAllConnections();
  }
});

test('an ID token of the strictest reading: oauth4webapi with nothing relaxed', async () => {
  const made = await newClient();
  const as = await oauth.processDiscoveryResponse(new URL(server.issuer), await oauth.discoveryRequest(new URL(server.issuer), { [oauth.allowInsecureRequests]: true }));
  const own = { client_id: made.client_id, require_auth_time: true };
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: made.client_id, redirect_uri: CALLBACK, scope: 'openid', state, nonce, max_age: '600',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const { parameters } = await new Browser(server.issuer).authorize(url, server.demo.user);
  const callback = oauth.validateAuthResponse(as, own, parameters, state);
  const response = await oauth.authorizationCodeGrantRequest(
    as, own, oauth.ClientSecretBasic(made.client_secret), callback, CALLBACK, verifier, { [oauth.allowInsecureRequests]: true });
  const tokens = await oauth.processAuthorizationCodeResponse(as, own, response, { expectedNonce: nonce, maxAge: 600, requireIdToken: true });
  assert.equal(tokens.refresh_token, undefined, 'offline_access was not asked for');
});
