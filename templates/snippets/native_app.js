// npm install openid-client; on phones give AppAuth the same issuer, client_id and redirect URI
import { once } from 'node:events';
import { createServer } from 'node:http';
import * as client from 'openid-client';

const issuer = new URL(ISSUER);
const insecure = issuer.protocol === 'http:' ? { execute: [client.allowInsecureRequests] } : {};   // only for a loopback issuer
const config = await client.discovery(issuer, CLIENT_ID, undefined, client.None(), insecure);

const redirect = new URL(REDIRECT_URI);
const listener = createServer().listen(0, '127.0.0.1');   // any free port: on the loopback interface each one matches
await once(listener, 'listening');
redirect.port = listener.address().port;
const checks = {
  pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(),
};
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: redirect.href, scope: SCOPE, state: checks.expectedState, nonce: checks.expectedNonce,
  code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
});
console.log(`Open ${url.href}`);

const [request, response] = await once(listener, 'request');
response.end('You can close this page.');
listener.close();
const tokens = await client.authorizationCodeGrant(config, new URL(request.url, redirect), { ...checks, idTokenExpected: REQUIRE_ID_TOKEN });
