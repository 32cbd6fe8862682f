// The flows driven by oauth4webapi, which checks every answer against the RFCs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import * as oauth from 'oauth4webapi';

import { Browser, PageShown } from './support/browser.js';
import { startServer } from './support/server.js';

const HTTP = { [oauth.allowInsecureRequests]: true };

let server;
let as;
let confidential;
let publicClient;

before(async () => {
  server = await startServer();
  const issuer = new URL(server.issuer);
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...HTTP }));
  const { confidential_client, public_client } = server.demo;
  confidential = withAuth(confidential_client, oauth.ClientSecretBasic(confidential_client.client_secret));
  publicClient = withAuth(public_client, oauth.None());
});

after(() => server?.stop());

/** A client in the form in which the helpers below take it. */
function withAuth({ client_id, redirect_uri, redirect_uris, scope }, auth) {
  return { client: { client_id }, auth, redirectUri: redirect_uri ?? redirect_uris[0], scope };
}

async function newPublicClient(members) {
  return withAuth(await server.newPublicClient(members), oauth.None());
}

function authorizationUrl({ client, redirectUri, scope }, extra) {
  const url = new URL(as.authorization_endpoint);
  const parameters = { client_id: client.client_id, response_type: 'code', redirect_uri: redirectUri, scope, ...extra };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** Sends the user through the browser, checks the answer (state, iss) and returns the code with what belongs to it. */
async function authorize(app, { browser = new Browser(server.issuer), decision, ...extra } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const challenge = { code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' };
  const url = authorizationUrl(app, { ...challenge, state, ...extra });
  const { parameters, shown, ...rest } = await browser.authorize(url, { ...server.demo.user, decision });
  return { callback: oauth.validateAuthResponse(as, app.client, parameters, state), verifier, shown, parameters, ...rest };
}

async function redeem(app, { callback, verifier }, redirectUri = app.redirectUri) {
  const { client, auth } = app;
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, callback, redirectUri, verifier, HTTP);
  return oauth.processAuthorizationCodeResponse(as, client, response);
}

async function signIn(app, options) {
  return redeem(app, await authorize(app, options));
}

async function refresh({ client, auth }, refreshToken, additionalParameters) {
  const options = { additionalParameters, ...HTTP };
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, refreshToken, options);
  return oauth.processRefreshTokenResponse(as, client, response);
}

async function clientCredentials({ client, auth }, parameters = {}) {
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, HTTP);
  return oauth.processClientCredentialsResponse(as, client, response);
}

async function introspect({ client, auth }, token, additionalParameters) {
  const response = await oauth.introspectionRequest(as, client, auth, token, { additionalParameters, ...HTTP });
  return oauth.processIntrospectionResponse(as, client, response);
}

async function revoke({ client, auth }, token, additionalParameters) {
  const response = await oauth.revocationRequest(as, client, auth, token, { additionalParameters, ...HTTP });
  return oauth.processRevocationResponse(response);
}

/** Expects the JSON error of RFC 6749 §5.2. */
function refusedWith(error, status = 400) {
  return (thrown) => {
    assert.ok(thrown instanceof oauth.ResponseBodyError, String(thrown));
    assert.equal(thrown.error, error);
    assert.equal(thrown.status, status);
    assert.equal(thrown.response.headers.get('cache-control'), 'no-store');
    return true;
  };
}

/** Expects an error that was redirected to the client. */
function redirectedWith(error) {
  return (thrown) => {
    assert.ok(thrown instanceof oauth.AuthorizationResponseError, String(thrown));
    assert.equal(thrown.error, error);
    return true;
  };
}

describe('discovery', () => {
  test('the metadata names the issuer, this server\'s endpoints and only S256', () => {
    for (const name of ['authorization', 'token', 'introspection', 'revocation']) {
      assert.equal(new URL(as[`${name}_endpoint`]).origin, server.issuer);
    }
    assert.deepEqual(as.response_types_supported, ['code']);
    assert.deepEqual(as.code_challenge_methods_supported, ['S256']);
    assert.equal(as.authorization_response_iss_parameter_supported, true);
  });

  for (const [name, path] of [['metadata', '/.well-known/oauth-authorization-server'], ['JWKS', '/.well-known/jwks.json']]) {
    test(`the ${name} can be cached and asked for by its ETag`, async () => {
      const first = await fetch(`${server.issuer}${path}`);
      await first.body.cancel();
      assert.match(first.headers.get('cache-control'), /max-age=[1-9]/);
      const again = await fetch(`${server.issuer}${path}`, { headers: { 'if-none-match': first.headers.get('etag') } });
      assert.equal(again.status, 304);
      assert.equal(again.headers.get('etag'), first.headers.get('etag'));
    });
  }
});

describe('authorization code with PKCE', () => {
  test('a public client signs a user in through login and consent', async () => {
    const app = await newPublicClient();
    const authorized = await authorize(app);
    assert.deepEqual(authorized.shown, ['login', 'consent']);
    const tokens = await redeem(app, authorized);
    assert.equal(tokens.token_type, 'bearer');
    assert.equal(tokens.scope, app.scope);
    assert.equal(tokens.expires_in, 900);
    assert.match(tokens.refresh_token, /^rt_/);
  });

  test('the demo\'s public client signs a user in', async () => {
    const tokens = await signIn(publicClient);
    assert.match(tokens.refresh_token, /^rt_/);
  });

  test('a confidential first-party client signs a user in by login alone, with client_secret_basic', async () => {
    const authorized = await authorize(confidential);
    assert.deepEqual(authorized.shown, ['login']);
    assert.equal((await redeem(confidential, authorized)).scope, confidential.scope);
  });

  test('a confidential client redeems its code with client_secret_post', async () => {
    const post = { ...confidential, auth: oauth.ClientSecretPost(server.demo.confidential_client.client_secret) };
    assert.equal((await signIn(post)).scope, post.scope);
  });

  test('a user who is signed in sees no login page again', async () => {
    const browser = new Browser(server.issuer);
    await authorize(confidential, { browser });
    assert.deepEqual((await authorize(confidential, { browser })).shown, []);
  });

  test('a browser that keeps Secure cookies on a loopback address signs in too', async () => {
    const browser = new Browser(server.issuer, { keepSecure: true });
    const app = await newPublicClient();
    assert.deepEqual((await authorize(app, { browser })).shown, ['login', 'consent']);
    // A public client on the loopback is asked about each time (RFC 8252 section 8.6).
    assert.deepEqual((await authorize(app, { browser })).shown, ['consent']);
  });

  test('cookies are out of reach of scripts and of other sites', async () => {
    const browser = new Browser(server.issuer);
    await authorize(confidential, { browser });
    assert.ok(browser.cookieLines.length > 0);
    for (const line of browser.cookieLines) {
      assert.match(line, /; ?HttpOnly/i);
      assert.match(line, /; ?SameSite=(Lax|Strict)/i);
      assert.match(line, /; ?Path=\/(;|$)/i);
      assert.doesNotMatch(line, /; ?Domain=/i);
    }
  });

  test('response_mode=form_post posts code, state and iss to the redirect URI', async () => {
    const app = await newPublicClient();
    const authorized = await authorize(app, { response_mode: 'form_post' });
    assert.equal(authorized.redirectUri, app.redirectUri);
    assert.deepEqual([...authorized.parameters.keys()].sort(), ['code', 'iss', 'state']);
    assert.match((await redeem(app, authorized)).refresh_token, /^rt_/);
  });

  test('a native app may use any port of its loopback redirect URI', async () => {
    const app = await newPublicClient();
    const native = { ...app, redirectUri: app.redirectUri.replace(':9000/', ':54321/') };
    assert.match((await signIn(native)).refresh_token, /^rt_/);
  });

  test('a very long state comes back unchanged', async () => {
    const state = 'state-'.repeat(500);
    const { parameters } = await new Browser(server.issuer).authorize(
      authorizationUrl(confidential, {
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()),
        code_challenge_method: 'S256',
      }),
      server.demo.user,
    );
    assert.ok(oauth.validateAuthResponse(as, confidential.client, parameters, state).get('code'));
  });

  test('a wrong code_verifier is invalid_grant', async () => {
    const authorized = await authorize(publicClient);
    const stolen = { ...authorized, verifier: oauth.generateRandomCodeVerifier() };
    await assert.rejects(redeem(publicClient, stolen), refusedWith('invalid_grant'));
  });

  test('an absent code_verifier is refused', async () => {
    const authorized = await authorize(publicClient);
    await assert.rejects(redeem(publicClient, { ...authorized, verifier: oauth.nopkce }), refusedWith('invalid_grant'));
  });

  test('another redirect_uri at the exchange is invalid_grant', async () => {
    const authorized = await authorize(publicClient);
    const other = publicClient.redirectUri.replace(':9000/', ':9001/');
    await assert.rejects(redeem(publicClient, authorized, other), refusedWith('invalid_grant'));
  });

  test('a code of one client is invalid_grant for another', async () => {
    const authorized = await authorize(publicClient);
    await assert.rejects(redeem({ ...confidential, redirectUri: publicClient.redirectUri }, authorized), refusedWith('invalid_grant'));
  });

  test('a replayed code is invalid_grant and revokes what was issued from it', async () => {
    const authorized = await authorize(confidential);
    const tokens = await redeem(confidential, authorized);
    await assert.rejects(redeem(confidential, authorized), refusedWith('invalid_grant'));
    assert.deepEqual(await introspect(confidential, tokens.access_token), { active: false });
    await assert.rejects(refresh(confidential, tokens.refresh_token), refusedWith('invalid_grant'));
  });

  test('of parallel exchanges of one code, at most one gets tokens and none of them survives', async () => {
    const authorized = await authorize(confidential);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => redeem(confidential, authorized)));
    const won = results.filter(({ status }) => status === 'fulfilled');
    assert.equal(won.length, 1);
    for (const { reason } of results.filter(({ status }) => status === 'rejected')) refusedWith('invalid_grant')(reason);
    assert.deepEqual(await introspect(confidential, won[0].value.access_token), { active: false });
  });
});

describe('consent and refusals at the authorization endpoint', () => {
  test('consent is remembered, and asked again for a scope that is new', async () => {
    const app = await newPublicClient({ redirect_uris: ['https://app.example/callback'] });
    const browser = new Browser(server.issuer);
    const narrow = { browser, scope: 'orders:read' };
    assert.deepEqual((await authorize(app, narrow)).shown, ['login', 'consent']);
    assert.deepEqual((await authorize(app, narrow)).shown, []);
    assert.deepEqual((await authorize(app, { browser })).shown, ['consent']);
    assert.deepEqual((await authorize(app, { browser })).shown, []);
  });

  test('a user who denies sends access_denied to the client', async () => {
    await assert.rejects(authorize(await newPublicClient(), { decision: 'deny' }), redirectedWith('access_denied'));
  });

  test('a public client without PKCE is refused by redirect', async () => {
    const bare = { code_challenge: undefined, code_challenge_method: undefined };
    await assert.rejects(authorize(publicClient, bare), redirectedWith('invalid_request'));
  });

  test('code_challenge_method=plain is refused by redirect', async () => {
    await assert.rejects(authorize(publicClient, { code_challenge_method: 'plain' }), redirectedWith('invalid_request'));
  });

  test('a scope beyond the registration is refused by redirect', async () => {
    await assert.rejects(authorize(publicClient, { scope: 'admin' }), redirectedWith('invalid_scope'));
  });

  test('another response_type is refused by redirect', async () => {
    await assert.rejects(authorize(publicClient, { response_type: 'token' }), redirectedWith('unsupported_response_type'));
  });

  for (const [what, extra] of [
    ['an unknown client', { client_id: 'nobody' }],
    ['a redirect URI that is not registered', { redirect_uri: 'https://attacker.example/callback' }],
    ['a longer path than the registered redirect URI', { redirect_uri: 'http://127.0.0.1:9000/callback/more' }],
  ]) {
    test(`${what} is answered by a local page, never by redirect`, async () => {
      await assert.rejects(authorize(publicClient, extra), (thrown) => {
        assert.ok(thrown instanceof PageShown, String(thrown));
        assert.ok(thrown.status >= 400 && thrown.status < 500, `status ${thrown.status}`);
        return true;
      });
    });
  }

  test('a wrong password shows the login page again', async () => {
    const user = { username: 'nobody-of-this-name', password: 'not the password' };
    const url = authorizationUrl(confidential, {
      code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()),
      code_challenge_method: 'S256',
    });
    await assert.rejects(new Browser(server.issuer).authorize(url, user), (thrown) => {
      assert.ok(thrown instanceof PageShown, String(thrown));
      assert.match(thrown.html, /username or password is wrong/i);
      assert.doesNotMatch(thrown.html, /not the password/);
      return true;
    });
  });
});

describe('refresh token', () => {
  for (const [kind, app] of [['public', () => publicClient], ['confidential', () => confidential]]) {
    test(`each use by a ${kind} client gives a new refresh token and a new access token`, async () => {
      const first = await signIn(app());
      const second = await refresh(app(), first.refresh_token);
      const third = await refresh(app(), second.refresh_token);
      assert.equal(new Set([first, second, third].map((tokens) => tokens.refresh_token)).size, 3);
      assert.equal(new Set([first, second, third].map((tokens) => tokens.access_token)).size, 3);
      assert.equal(third.scope, first.scope);
    });
  }

  test('a consumed token presented again at once gives the same successor: a lost answer logs nobody out', async () => {
    const { refresh_token } = await signIn(publicClient);
    const lost = await refresh(publicClient, refresh_token);
    const repeated = await refresh(publicClient, refresh_token);
    assert.equal(repeated.refresh_token, lost.refresh_token);
    assert.match((await refresh(publicClient, repeated.refresh_token)).refresh_token, /^rt_/);
  });

  test('parallel uses of one token all get the same successor', async () => {
    const { refresh_token } = await signIn(publicClient);
    const all = await Promise.all(Array.from({ length: 8 }, () => refresh(publicClient, refresh_token)));
    assert.equal(new Set(all.map((tokens) => tokens.refresh_token)).size, 1);
    assert.match((await refresh(publicClient, all[0].refresh_token)).refresh_token, /^rt_/);
  });

  test('reuse after the successor was used is invalid_grant and ends the whole family', async () => {
    const first = await signIn(confidential);
    const second = await refresh(confidential, first.refresh_token);
    const third = await refresh(confidential, second.refresh_token);
    await assert.rejects(refresh(confidential, first.refresh_token), refusedWith('invalid_grant'));
    await assert.rejects(refresh(confidential, third.refresh_token), refusedWith('invalid_grant'));
    assert.deepEqual(await introspect(confidential, third.access_token), { active: false });
  });

  test('the end of one family leaves the user\'s other families alone', async () => {
    const [stolen, other] = [await signIn(confidential), await signIn(confidential)];
    const second = await refresh(confidential, stolen.refresh_token);
    await refresh(confidential, second.refresh_token);
    await assert.rejects(refresh(confidential, stolen.refresh_token), refusedWith('invalid_grant'));
    assert.match((await refresh(confidential, other.refresh_token)).refresh_token, /^rt_/);
  });

  test('scope may be narrowed for one access token and is whole again at the next refresh', async () => {
    const first = await signIn(publicClient);
    const narrow = await refresh(publicClient, first.refresh_token, { scope: 'orders:read' });
    assert.equal(narrow.scope, 'orders:read');
    assert.equal((await refresh(publicClient, narrow.refresh_token)).scope, first.scope);
  });

  test('scope cannot be widened', async () => {
    const first = await signIn(publicClient, { scope: 'orders:read' });
    const wide = refresh(publicClient, first.refresh_token, { scope: 'orders:read orders:write' });
    await assert.rejects(wide, refusedWith('invalid_scope'));
    assert.equal((await refresh(publicClient, first.refresh_token)).scope, 'orders:read');
  });

  test('another client\'s refresh token is invalid_grant and stays good for its own client', async () => {
    const { refresh_token } = await signIn(publicClient);
    await assert.rejects(refresh(confidential, refresh_token), refusedWith('invalid_grant'));
    assert.match((await refresh(publicClient, refresh_token)).refresh_token, /^rt_/);
  });

  test('something that is no refresh token is invalid_grant', async () => {
    await assert.rejects(refresh(publicClient, 'rt_made-up'), refusedWith('invalid_grant'));
  });
});

describe('client credentials', () => {
  for (const [method, auth] of [['client_secret_basic', oauth.ClientSecretBasic], ['client_secret_post', oauth.ClientSecretPost]]) {
    test(`a confidential client gets a token with ${method} and no refresh token`, async () => {
      const app = { ...confidential, auth: auth(server.demo.confidential_client.client_secret) };
      const tokens = await clientCredentials(app, { scope: 'orders:read' });
      assert.equal(tokens.scope, 'orders:read');
      assert.equal(tokens.refresh_token, undefined);
    });
  }

  test('a wrong secret is 401 invalid_client with a Basic challenge', async () => {
    const app = { ...confidential, auth: oauth.ClientSecretBasic('wrong') };
    const thrown = await clientCredentials(app).catch((error) => error);
    assert.ok(thrown instanceof oauth.WWWAuthenticateChallengeError, String(thrown));
    assert.equal(thrown.status, 401);
    assert.equal(thrown.cause[0].scheme, 'basic');
    assert.equal((await thrown.response.json()).error, 'invalid_client');
  });

  test('a public client may not use it', async () => {
    await assert.rejects(clientCredentials(publicClient), refusedWith('unauthorized_client'));
  });

  test('a scope beyond the registration is invalid_scope', async () => {
    await assert.rejects(clientCredentials(confidential, { scope: 'unheard-of' }), refusedWith('invalid_scope'));
  });

  test('a resource beyond the registration is invalid_target', async () => {
    const resource = 'https://elsewhere.example/';
    await assert.rejects(clientCredentials(confidential, { resource }), refusedWith('invalid_target'));
  });
});

describe('introspection', () => {
  test('an access token of a user is described', async () => {
    const tokens = await signIn(confidential);
    const found = await introspect(confidential, tokens.access_token);
    assert.equal(found.active, true);
    assert.equal(found.token_type, 'Bearer');
    assert.equal(found.client_id, confidential.client.client_id);
    assert.equal(found.username, server.demo.user.username);
    assert.equal(found.scope, tokens.scope);
    assert.equal(found.iss, server.issuer);
    assert.equal(found.exp - found.iat, tokens.expires_in);
    assert.ok(found.sub && found.jti && found.auth_time <= found.iat);
  });

  test('a refresh token is described to its own client, whatever the hint says', async () => {
    const { refresh_token } = await signIn(confidential);
    for (const hint of [undefined, { token_type_hint: 'refresh_token' }, { token_type_hint: 'access_token' }]) {
      const found = await introspect(confidential, refresh_token, hint);
      assert.equal(found.active, true);
      assert.equal(found.client_id, confidential.client.client_id);
    }
  });

  test('a consumed refresh token is not active', async () => {
    const { refresh_token } = await signIn(confidential);
    await refresh(confidential, refresh_token);
    assert.deepEqual(await introspect(confidential, refresh_token), { active: false });
  });

  test('of something that is no token, nothing is said', async () => {
    assert.deepEqual(await introspect(confidential, 'no-token-at-all'), { active: false });
  });

  test('a public client may not ask', async () => {
    const { access_token } = await signIn(publicClient);
    await assert.rejects(introspect(publicClient, access_token), (thrown) => {
      const refusal = thrown instanceof oauth.ResponseBodyError || thrown instanceof oauth.WWWAuthenticateChallengeError;
      assert.ok(refusal && thrown.status >= 400 && thrown.status < 500, String(thrown));
      return true;
    });
  });
});

describe('revocation', () => {
  test('a revoked access token is inactive at once, and only that one', async () => {
    const tokens = await signIn(confidential);
    await revoke(confidential, tokens.access_token);
    assert.deepEqual(await introspect(confidential, tokens.access_token), { active: false });
    const next = await refresh(confidential, tokens.refresh_token);
    assert.equal((await introspect(confidential, next.access_token)).active, true);
  });

  test('with a refresh token its whole grant goes, access tokens included', async () => {
    const tokens = await signIn(confidential);
    await revoke(confidential, tokens.refresh_token, { token_type_hint: 'refresh_token' });
    assert.deepEqual(await introspect(confidential, tokens.access_token), { active: false });
    await assert.rejects(refresh(confidential, tokens.refresh_token), refusedWith('invalid_grant'));
  });

  test('a public client revokes its own refresh token', async () => {
    const { refresh_token } = await signIn(publicClient);
    await revoke(publicClient, refresh_token);
    await assert.rejects(refresh(publicClient, refresh_token), refusedWith('invalid_grant'));
  });

  test('revoking twice, or something that is no token, is a success', async () => {
    const { access_token } = await signIn(confidential);
    await revoke(confidential, access_token);
    await revoke(confidential, access_token);
    await revoke(confidential, 'no-token-at-all');
  });

  test('a client cannot revoke another client\'s token', async () => {
    const { refresh_token } = await signIn(publicClient);
    await assert.rejects(revoke(confidential, refresh_token), oauth.ResponseBodyError);
    assert.match((await refresh(publicClient, refresh_token)).refresh_token, /^rt_/);
  });
});

describe('a resource server with oauth4webapi', () => {
  const present = (token) => new Request('http://api.example/orders', { headers: { authorization: `Bearer ${token}` } });
  const audienceOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).aud;

  test('a user\'s access token passes the checks of RFC 9068', async () => {
    const { access_token } = await signIn(publicClient);
    const claims = await oauth.validateJwtAccessToken(as, present(access_token), server.issuer, HTTP);
    assert.equal(claims.client_id, publicClient.client.client_id);
    assert.equal(claims.scope, publicClient.scope);
    assert.notEqual(claims.sub, claims.client_id);
  });

  test('a client\'s own access token has the client as its subject', async () => {
    const { access_token } = await clientCredentials(confidential, { scope: 'orders:read' });
    const claims = await oauth.validateJwtAccessToken(as, present(access_token), server.issuer, HTTP);
    assert.equal(claims.sub, confidential.client.client_id);
  });

  test('a token for one resource is refused by another', async () => {
    const { access_token } = await clientCredentials(confidential, { scope: 'orders:read', resource: server.issuer });
    assert.equal(audienceOf(access_token), server.issuer);
    const elsewhere = oauth.validateJwtAccessToken(as, present(access_token), 'https://api.example/', HTTP);
    await assert.rejects(elsewhere, { code: oauth.JWT_CLAIM_COMPARISON });
  });
});
