//! What the tests of logout share: a user signed in at clients, hints as the server signs them.

use grantor::crypto::jwt;
use grantor::domain::login_session::LoginSession;
use grantor::flows::clients::ClientMembers;
use grantor::protocol::redirect_uri::RedirectUri;
use grantor::protocol::scope::Scope;
use grantor::protocol::signing_alg::SigningAlg;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::support::*;

/// Where clients of these tests get their user back.
pub const BYE: &str = "https://app.example/bye";

/// Members of a client that knows of logout.
pub fn members(client_id: &str) -> ClientMembers {
    ClientMembers {
        post_logout_redirect_uris: Some(vec![RedirectUri::parse(BYE).unwrap()]),
        scope: Some(Scope::parse("read offline_access").unwrap()),
        ..confidential_members(client_id)
    }
}

/// The sessions of a user.
pub fn sessions(test: &TestServer, user: &str) -> Vec<LoginSession> {
    test.server.store.read(|connection| connection.list_login_sessions_of_user(user)).unwrap()
}

/// The one session of a user.
pub fn sid(test: &TestServer, user: &str) -> String {
    let mut sessions = sessions(test, user);
    assert_eq!(sessions.len(), 1);
    sessions.remove(0).sid
}

/// The claims of an ID token for this client.
pub fn hint_claims(test: &TestServer, client: &str, user: &str, sid: &str) -> Value {
    let now = test.clock.now().timestamp();
    let issuer = &test.server.config.server.issuer;
    json!({ "iss": issuer, "sub": user, "aud": client, "exp": now + 900, "iat": now, "auth_time": now, "sid": sid })
}

/// Claims signed by the server as a token of this type.
pub fn sign(test: &TestServer, alg: SigningAlg, typ: &str, claims: &Value) -> String {
    let keyring = test.server.keyring();
    jwt::sign_as(typ, claims, keyring.signing_key(alg, test.clock.now()).unwrap()).unwrap()
}

/// An ID token for this client.
pub fn hint(test: &TestServer, client: &TestClient, user: &str, sid: &str) -> String {
    sign(test, SigningAlg::RS256, "JWT", &hint_claims(test, &client.id, user, sid))
}

/// The address of a logout request.
pub fn logout_path(parameters: &[(&str, &str)]) -> String {
    format!("/logout?{}", Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// Is somebody signed in here?
pub fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/login").body.contains("You are signed in")
}

/// Confirms on the page at this address.
pub fn confirm(browser: &Browser<'_>, path: &str) -> Answer {
    let page = browser.get(path);
    assert!(page.body.contains("<button id=\"logout-confirm\" type=\"submit\">"), "{}", page.body);
    browser.post(path, &[("csrf", &csrf(&page))])
}

/// Tokens of a code for this client in this browser, where the user is signed in or signs in for it.
pub fn tokens(test: &TestServer, browser: &Browser<'_>, client: &TestClient, username: &str, scope: &str) -> Value {
    let query = authorize_query(client, &[("scope", scope)]);
    let mut answer = browser.get(&format!("/oauth/authorize?{query}"));
    if answer.location().path().ends_with("/login") {
        answer = browser.follow(&browser.sign_in(&query, username, PASSWORD));
    }
    let code = answer.parameter("code").unwrap_or_else(|| panic!("no code: {answer:?}"));
    let answer = test.token(client, &code_parameters(&code));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}
