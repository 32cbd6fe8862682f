// A resource server that validates access tokens offline with jose, from nothing but the JWKS, across a key rotation.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose';

import { startServer } from './support/server.js';

let server;
let jwksUri;

before(async () => {
  server = await startServer();
  const metadata = await (await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).json();
  jwksUri = new URL(metadata.jwks_uri);
});

after(() => server?.stop());

async function clientToken() {
  const { client_id, client_secret } = server.demo.confidential_client;
  const response = await fetch(`${server.issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'orders:read', client_id, client_secret }),
  });
  assert.equal(response.status, 200);
  return (await response.json()).access_token;
}

async function publishedKids() {
  return (await (await fetch(jwksUri)).json()).keys.map(({ kid }) => kid);
}

/** No cool-down, so that a key that is new is looked for at once; a real one waits at most half a minute. */
function newResourceServer() {
  const keys = createRemoteJWKSet(jwksUri, { cooldownDuration: 0 });
  return {
    keys,
    accept: (token, options) =>
      jwtVerify(token, keys, { issuer: server.issuer, audience: server.issuer, typ: 'at+jwt', algorithms: ['RS256'], ...options }),
  };
}

function rotateAtOnce() {
  return server.admin('POST', '/v1/signing-keys/rotate', { mode: 'at_once' });
}

function altered(token, part, change) {
  const parts = token.split('.');
  const value = JSON.parse(Buffer.from(parts[part], 'base64url'));
  parts[part] = Buffer.from(JSON.stringify({ ...value, ...change })).toString('base64url');
  return parts.join('.');
}

test('an access token is accepted with the claims of RFC 9068', async () => {
  const { payload, protectedHeader } = await newResourceServer().accept(await clientToken());
  assert.deepEqual(Object.keys(protectedHeader).sort(), ['alg', 'kid', 'typ']);
  assert.equal(protectedHeader.alg, 'RS256');
  assert.equal(protectedHeader.typ, 'at+jwt');
  assert.equal(payload.sub, server.demo.confidential_client.client_id);
  assert.equal(payload.client_id, payload.sub);
  assert.equal(payload.scope, 'orders:read');
  assert.equal(payload.exp - payload.iat, 900);
  assert.equal(payload.nbf, payload.iat);
  assert.ok(payload.jti);
});

test('each token has a jti of its own', async () => {
  const { accept } = newResourceServer();
  const [one, two] = await Promise.all([clientToken(), clientToken()]);
  assert.notEqual((await accept(one)).payload.jti, (await accept(two)).payload.jti);
});

test('the JWKS holds public signing keys of every algorithm and nothing private', async () => {
  const { keys } = await (await fetch(jwksUri)).json();
  const members = { RSA: ['e', 'n'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'] };
  const kinds = { RS256: 'RSA', PS256: 'RSA', ES256: 'EC', EdDSA: 'OKP' };
  for (const key of keys) {
    assert.deepEqual(Object.keys(key).sort(), ['alg', 'kid', 'kty', 'use', ...members[key.kty]].sort());
    assert.deepEqual([key.kty, key.use], [kinds[key.alg], 'sig']);
  }
  assert.deepEqual([...new Set(keys.map(({ alg }) => alg))].sort(), Object.keys(kinds).sort());
});

test('a token from before a rotation and one from after it are both accepted by one resource server', async () => {
  const { accept } = newResourceServer();
  const before = await clientToken();
  await accept(before);
  await rotateAtOnce();
  const next = await clientToken();
  const [oldKid, newKid] = [before, next].map((token) => decodeProtectedHeader(token).kid);
  assert.notEqual(oldKid, newKid);
  assert.equal((await accept(next)).protectedHeader.kid, newKid);
  assert.equal((await accept(before)).protectedHeader.kid, oldKid);
  const published = await publishedKids();
  assert.ok(published.includes(oldKid) && published.includes(newKid), `${oldKid} and ${newKid} in ${published}`);
});

test('a resource server that starts after two rotations still accepts the oldest token', async () => {
  const oldest = await clientToken();
  await rotateAtOnce();
  await rotateAtOnce();
  const { accept } = newResourceServer();
  await accept(oldest);
  await accept(await clientToken());
});

test('the ETag of the JWKS changes with a rotation', async () => {
  const etag = async () => {
    const response = await fetch(jwksUri);
    await response.body.cancel();
    return response.headers.get('etag');
  };
  const first = await etag();
  await rotateAtOnce();
  assert.notEqual(await etag(), first);
});

for (const [what, alter, error] of [
  ['another scope', (token) => altered(token, 1, { scope: 'admin' }), errors.JWSSignatureVerificationFailed],
  ['another subject', (token) => altered(token, 1, { sub: 'someone-else' }), errors.JWSSignatureVerificationFailed],
  ['a later expiry', (token) => altered(token, 1, { exp: 4102444800 }), errors.JWSSignatureVerificationFailed],
  ['alg none and no signature', (token) => altered(token, 0, { alg: 'none' }).replace(/[^.]*$/, ''), errors.JOSEAlgNotAllowed],
  ['alg HS256', (token) => altered(token, 0, { alg: 'HS256' }), errors.JOSEAlgNotAllowed],
  ['a kid that was never published', (token) => altered(token, 0, { kid: 'unknown' }), errors.JWKSNoMatchingKey],
]) {
  test(`a token altered to have ${what} is refused`, async () => {
    const token = await clientToken();
    const { accept } = newResourceServer();
    await accept(token);
    await assert.rejects(accept(alter(token)), error);
  });
}

test('a token is refused where another issuer, audience or type is expected', async () => {
  const token = await clientToken();
  const { accept } = newResourceServer();
  for (const [claim, options] of [
    ['iss', { issuer: 'https://other.example' }],
    ['aud', { audience: 'https://other.example' }],
    ['typ', { typ: 'JWT' }],
  ]) {
    await assert.rejects(accept(token, options), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim });
  }
});

test('an expired token is refused', async () => {
  const { accept } = newResourceServer();
  await assert.rejects(accept(await clientToken(), { currentDate: new Date(Date.now() + 901_000) }), errors.JWTExpired);
});
