// npm install openid-client
import * as client from 'openid-client';

const issuer = new URL(ISSUER);
const insecure = issuer.protocol === 'http:' ? { execute: [client.allowInsecureRequests] } : {};   // only for a loopback issuer
const config = await client.discovery(issuer, CLIENT_ID, process.env.CLIENT_SECRET, AUTHENTICATION, insecure);

/** Where to send the browser; keep `checks` in its session. */
export async function signIn() {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce(),
  };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope: SCOPE, state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
  });
  return { url, checks };
}

/** At the redirect URI: the tokens. `url` is the full address that was called. */
export async function finishSignIn(url, checks) {
  return client.authorizationCodeGrant(config, url, { ...checks, idTokenExpected: REQUIRE_ID_TOKEN });
}
