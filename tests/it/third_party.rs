//! The flows driven by clients that nobody here wrote: the crate `oauth2`; and a resource server that validates tokens
//! offline from the JWKS with the key types of the crate `openidconnect`, whose RSA is not ours.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use grantor::flows::caller::Caller;
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::protocol::signing_alg::SigningAlg;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IntrospectionUrl, PkceCodeChallenge, RedirectUrl, RefreshToken, RequestTokenError, ResourceOwnerPassword,
    ResourceOwnerUsername, RevocationUrl, Scope, StandardRevocableToken, TokenIntrospectionResponse, TokenResponse,
    TokenUrl,
};
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, JsonWebKeyId};
use serde_json::Value;

use crate::support::*;

on_both!(
    oauth2_gets_and_renews_tokens_by_code_and_pkce,
    oauth2_works_without_a_secret,
    oauth2_uses_the_other_grants,
    oauth2_introspects_and_revokes,
    a_resource_server_validates_offline_across_a_rotation,
);

/// What `oauth2` asks of whoever carries its requests.
fn carry(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http_client().execute(reqwest::blocking::Request::try_from(request)?)?;
    let mut response = oauth2::http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    Ok(response.body(answer.bytes()?.to_vec()).unwrap())
}

/// A client of the crate, set up from the metadata document alone.
macro_rules! library_client {
    ($test:expr, $client:expr) => {{
        let metadata = Answer::of(http_client().get($test.url("/.well-known/oauth-authorization-server"))).json();
        let library = BasicClient::new(ClientId::new($client.id.clone()))
            .set_auth_uri(AuthUrl::new(text(&metadata["authorization_endpoint"])).unwrap())
            .set_token_uri(TokenUrl::new(text(&metadata["token_endpoint"])).unwrap())
            .set_introspection_url(IntrospectionUrl::new(text(&metadata["introspection_endpoint"])).unwrap())
            // The crate wants https here; see `revoke` below.
            .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
        match &$client.secret {
            Some(secret) => library.set_client_secret(ClientSecret::new(secret.clone())),
            None => library,
        }
    }};
}

/// Takes a user through the address that the library made; the code and the state that come back.
fn authorize(test: &TestServer, address: &url::Url) -> (AuthorizationCode, String) {
    let browser = Browser::new(test);
    let query = address.query().unwrap();
    let login = browser.get(&format!("/oauth/authorize?{query}"));
    assert_eq!(login.location().path(), "/login");
    let answer = browser.follow(&browser.sign_in(query, "ada", PASSWORD));
    assert_eq!(answer.parameter("iss").as_deref(), Some(test.server.config.server.issuer.as_str()));
    (AuthorizationCode::new(answer.parameter("code").unwrap()), answer.parameter("state").unwrap())
}

fn oauth2_gets_and_renews_tokens_by_code_and_pkce(engine: Engine) {
    let test = TestServer::start_now(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        let library = library_client!(test, client).set_auth_type(auth_type);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state) = library
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("read".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let (code, returned) = authorize(&test, &address);
        assert_eq!(&returned, state.secret());
        let tokens = library.exchange_code(code).set_pkce_verifier(verifier).request(&carry).unwrap();
        assert_eq!(tokens.token_type(), &oauth2::basic::BasicTokenType::Bearer);
        assert_eq!(tokens.expires_in(), Some(std::time::Duration::from_secs(900)));
        assert_eq!(tokens.scopes(), Some(&vec![Scope::new("read".to_owned())]));
        let first = tokens.refresh_token().unwrap();
        let renewed = library.exchange_refresh_token(first).request(&carry).unwrap();
        assert_ne!(renewed.access_token().secret(), tokens.access_token().secret());
        let second = renewed.refresh_token().unwrap();
        assert_ne!(second.secret(), first.secret());
        assert!(library.exchange_refresh_token(second).request(&carry).is_ok());
    }
}

fn oauth2_works_without_a_secret(engine: Engine) {
    let test = TestServer::start_now(engine);
    test.user("ada", &[]);
    let client = test.public();
    let metadata = Answer::of(http_client().get(test.url("/.well-known/oauth-authorization-server"))).json();
    let library = BasicClient::new(ClientId::new(client.id))
        .set_auth_uri(AuthUrl::new(text(&metadata["authorization_endpoint"])).unwrap())
        .set_token_uri(TokenUrl::new(text(&metadata["token_endpoint"])).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, _) = library.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge).url();
    let (code, _) = authorize(&test, &address);
    let again = code.clone();
    let tokens = library.exchange_code(code).set_pkce_verifier(verifier).request(&carry).unwrap();
    assert!(library.exchange_refresh_token(tokens.refresh_token().unwrap()).request(&carry).is_ok());
    // The library reads our errors.
    let (_, other) = PkceCodeChallenge::new_random_sha256();
    match library.exchange_code(again).set_pkce_verifier(other).request(&carry) {
        Err(RequestTokenError::ServerResponse(error)) => {
            assert_eq!(error.error(), &oauth2::basic::BasicErrorResponseType::InvalidGrant);
            assert_eq!(error.error_description().unwrap(), "the authorization code was used before");
        }
        other => panic!("{other:?}"),
    }
}

fn oauth2_uses_the_other_grants(engine: Engine) {
    let test = TestServer::start_now(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let library = library_client!(test, client);
    let machine =
        library.exchange_client_credentials().add_scope(Scope::new("write".to_owned())).request(&carry).unwrap();
    assert!(machine.refresh_token().is_none());
    assert_eq!(claims(machine.access_token().secret())["scope"], "write");
    let (username, password) =
        (ResourceOwnerUsername::new("ada".to_owned()), ResourceOwnerPassword::new(PASSWORD.to_owned()));
    let user = library.exchange_password(&username, &password).request(&carry).unwrap();
    assert!(library.exchange_refresh_token(user.refresh_token().unwrap()).request(&carry).is_ok());
    let foreign = RefreshToken::new("rt_nonsense".to_owned());
    assert!(library.exchange_refresh_token(&foreign).request(&carry).is_err());
}

fn oauth2_introspects_and_revokes(engine: Engine) {
    let test = TestServer::start_now(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    // The crate refuses to revoke over plain http: it is told an https address, and the carrier goes where that leads.
    let issuer = test.server.config.server.issuer.clone();
    let secure = issuer.replace("http:", "https:");
    let carry = |mut request: HttpRequest| {
        let address = request.uri().to_string().replace("https:", "http:");
        *request.uri_mut() = address.parse().unwrap();
        carry(request)
    };
    let library =
        library_client!(test, client).set_revocation_url(RevocationUrl::new(format!("{secure}/oauth/revoke")).unwrap());
    let (username, password) =
        (ResourceOwnerUsername::new("ada".to_owned()), ResourceOwnerPassword::new(PASSWORD.to_owned()));
    let tokens = library.exchange_password(&username, &password).request(&carry).unwrap();
    let access = tokens.access_token().clone();
    let introspect = || library.introspect(&access).request(&carry).unwrap();
    let shown = introspect();
    assert!(shown.active());
    assert_eq!((shown.username(), shown.client_id().map(|id| id.as_str())), (Some("ada"), Some("web")));
    assert_eq!(shown.iss(), Some(issuer.as_str()));
    assert_eq!(shown.exp().unwrap().timestamp() - shown.iat().unwrap().timestamp(), 900);
    let token = StandardRevocableToken::from(tokens.access_token().clone());
    library.revoke_token(token).unwrap().request(&carry).unwrap();
    assert!(!introspect().active());
    let token = StandardRevocableToken::from(tokens.refresh_token().unwrap().clone());
    library.revoke_token(token).unwrap().request(&carry).unwrap();
    assert!(library.exchange_refresh_token(tokens.refresh_token().unwrap()).request(&carry).is_err());
}

/// A resource server: it has the issuer, its own name, and the keys that it fetched when it last had to.
struct ResourceServer<'a> {
    test: &'a TestServer,
    keys: CoreJsonWebKeySet,
    fetched: u32,
}

impl<'a> ResourceServer<'a> {
    fn new(test: &'a TestServer) -> Self {
        Self { test, keys: CoreJsonWebKeySet::new(Vec::new()), fetched: 0 }
    }

    fn find(&self, kid: &str) -> Option<CoreJsonWebKey> {
        let kid = JsonWebKeyId::new(kid.to_owned());
        self.keys.keys().iter().find(|key| key.key_id() == Some(&kid)).cloned()
    }

    /// The key of this identifier; the JWKS is fetched anew when it is not known.
    fn key(&mut self, kid: &str) -> Option<CoreJsonWebKey> {
        if self.find(kid).is_none() {
            let answer = Answer::of(http_client().get(self.test.url("/.well-known/jwks.json")));
            self.keys = serde_json::from_str(&answer.body).unwrap();
            self.fetched += 1;
        }
        self.find(kid)
    }

    /// RFC 9068 §4: type, algorithm, signature, issuer, audience, time.
    fn validate(&mut self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
        let claims: Value = serde_json::from_slice(&decode(payload)?).ok()?;
        if header["typ"] != "at+jwt" || header["alg"] != "RS256" {
            return None;
        }
        let key = self.key(header["kid"].as_str()?)?;
        let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        key.verify_signature(&algorithm, signed.as_bytes(), &decode(signature)?).ok()?;
        let issuer = &self.test.server.config.server.issuer;
        let now = self.test.clock.now().timestamp();
        let in_time = claims["nbf"].as_i64()? <= now && now < claims["exp"].as_i64()?;
        (in_time && claims["iss"] == *issuer && claims["aud"] == *issuer).then_some(claims)
    }
}

fn a_resource_server_validates_offline_across_a_rotation(engine: Engine) {
    let test = TestServer::start_now(engine);
    let client = test.confidential();
    let get = || text(&test.token(&client, &[("grant_type", "client_credentials")]).json()["access_token"]);
    let mut resource_server = ResourceServer::new(&test);
    let old = get();
    assert_eq!(resource_server.validate(&old).unwrap()["client_id"], "web");
    for _ in 0..3 {
        assert!(resource_server.validate(&get()).is_some());
    }
    assert_eq!(resource_server.fetched, 1);
    // What was altered is refused, by this key too.
    let (signed, signature) = old.rsplit_once('.').unwrap();
    let mut wider = claims(&old);
    wider["scope"] = "admin".into();
    let header = signed.split('.').next().unwrap();
    let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(wider.to_string()));
    assert!(resource_server.validate(&forged).is_none());

    signing_keys::rotate(&test.server, &Caller::command_line(), RotationMode::AtOnce, SigningAlg::RS256).unwrap();
    let new = get();
    assert!(resource_server.validate(&new).is_some());
    assert_eq!(resource_server.fetched, 2);
    // The old key is still there for the tokens that it signed.
    assert!(resource_server.validate(&old).is_some());
    // Beside one key of every other algorithm.
    assert_eq!((resource_server.fetched, resource_server.keys.keys().len()), (2, SigningAlg::ALL.len() + 1));
    // Someone who fetches only now can check both.
    let mut newcomer = ResourceServer::new(&test);
    assert!(newcomer.validate(&new).is_some() && newcomer.validate(&old).is_some());

    signing_keys::rotate(&test.server, &Caller::command_line(), RotationMode::Compromised, SigningAlg::RS256).unwrap();
    let mut newcomer = ResourceServer::new(&test);
    assert!(newcomer.validate(&new).is_none() && newcomer.validate(&old).is_none());
    assert!(newcomer.validate(&get()).is_some());
}
