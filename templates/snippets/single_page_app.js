// npm install oauth4webapi
import * as oauth from 'oauth4webapi';

const issuer = new URL(ISSUER);
const client = { client_id: CLIENT_ID };
const redirectUri = REDIRECT_URI;
const options = { [oauth.allowInsecureRequests]: issuer.protocol === 'http:' };   // only ever true for a loopback issuer
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));

/** Sends the browser to sign in. */
export async function signIn() {
  const saved = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
  sessionStorage.setItem('sign-in', JSON.stringify(saved));
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: client.client_id, redirect_uri: redirectUri, scope: SCOPE,
    state: saved.state, nonce: saved.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(saved.verifier), code_challenge_method: 'S256',
  });
  location.assign(url);
}

/** At the redirect URI: the tokens. Keep them in memory. */
export async function finishSignIn() {
  const { verifier, state, nonce } = JSON.parse(sessionStorage.getItem('sign-in'));
  sessionStorage.removeItem('sign-in');
  const callback = oauth.validateAuthResponse(as, client, new URL(location.href), state);
  return oauth.processAuthorizationCodeResponse(as, client, await oauth.authorizationCodeGrantRequest(
    as, client, oauth.None(), callback, redirectUri, verifier, options), { expectedNonce: nonce, requireIdToken: REQUIRE_ID_TOKEN });
}
