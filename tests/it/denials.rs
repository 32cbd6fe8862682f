//! Each refusal that a code or refresh token can meet at the token endpoint: status, error word, sentence and headers.

use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::users::{self, NewPassword, UserEdit};
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;

use crate::support::*;

on_both!(
    refusals_of_a_code,
    refusals_of_a_refresh_token,
    a_user_made_inactive_behind_a_grant_is_refused,
    a_resource_must_have_been_granted,
    what_a_client_lost_its_tokens_lose,
    what_a_user_lost_their_tokens_lose,
);

#[track_caller]
fn assert_refused(answer: &Answer, error: &str, description: &str) {
    answer.assert_error(400, error);
    assert_eq!(answer.json(), serde_json::json!({ "error": error, "error_description": description }));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((answer.header("www-authenticate"), answer.header("retry-after")), (String::new(), String::new()));
}

fn refresh(test: &TestServer, client: &TestClient, token: &str, further: &[(&str, &str)]) -> Answer {
    let mut parameters = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    parameters.extend(further);
    test.token(client, &parameters)
}

fn set_password(test: &TestServer, user: &str) {
    let password = NewPassword(zeroize::Zeroizing::new(PASSWORD.to_owned()));
    users::set_password(&test.server, &Caller::command_line(), user, &password).unwrap();
}

fn refusals_of_a_code(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let (client, other) = (test.public(), test.client(public_members("other")));
    let browser = Browser::new(&test);
    let code = browser.code(&client, "ada");
    let unknown = grantor::crypto::secret::SecretKind::AuthorizationCode.generate().unwrap();
    let not_valid = "the authorization code is not valid";
    for garbage in ["x", "ac_x", &unknown] {
        assert_refused(&test.token(&client, &code_parameters(garbage)), "invalid_grant", not_valid);
    }
    assert_refused(&test.token(&other, &code_parameters(&code)), "invalid_grant", not_valid);
    let mut changed = code_parameters(&code);
    changed[2].1 = "https://app.example/other";
    let sentence = "the redirect_uri is not that of the authorization request";
    assert_refused(&test.token(&client, &changed), "invalid_grant", sentence);
    let wrong = "w".repeat(43);
    let mut changed = code_parameters(&code);
    changed[3].1 = &wrong;
    assert_refused(&test.token(&client, &changed), "invalid_grant", "the code_verifier does not match");
    test.advance(60);
    let expired = test.token(&client, &code_parameters(&code));
    assert_refused(&expired, "invalid_grant", "the authorization code has expired");
    let code = browser.code(&client, "ada");
    assert_eq!(test.token(&client, &code_parameters(&code)).status, 200);
    let replayed = test.token(&client, &code_parameters(&code));
    assert_refused(&replayed, "invalid_grant", "the authorization code was used before");
    let event = &test.events("authorization_code.replayed")[0];
    assert_eq!((event.outcome.as_str(), event.client_id.as_deref()), ("failure", Some("app")));
    // The password was set anew between the answer and its exchange.
    let code = browser.code(&client, "ada");
    set_password(&test, &user);
    let revoked = test.token(&client, &code_parameters(&code));
    assert_refused(&revoked, "invalid_grant", "the authorization has been revoked");
}

fn refusals_of_a_refresh_token(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let lifetime = ClientMembers { refresh_token_lifetime: Some(Some(100)), ..public_members("app") };
    let (client, other) = (test.client(lifetime), test.client(public_members("other")));
    let first = |client: &TestClient| text(&test.code_tokens(client, "ada")["refresh_token"]);
    let token = first(&client);
    let unknown = grantor::crypto::secret::SecretKind::RefreshToken.generate().unwrap();
    for (client, token) in [(&client, "x"), (&client, "rt_x"), (&client, &**unknown), (&other, &token)] {
        assert_refused(&refresh(&test, client, token, &[]), "invalid_grant", "the refresh token is not valid");
    }
    let sentence = "the requested scope exceeds what was granted";
    assert_refused(&refresh(&test, &client, &token, &[("scope", "read other")]), "invalid_scope", sentence);
    test.advance(100);
    assert_refused(&refresh(&test, &client, &token, &[]), "invalid_grant", "the refresh token has expired");
    let token = first(&client);
    let successor = text(&refresh(&test, &client, &token, &[]).json()["refresh_token"]);
    test.advance(31);
    assert_refused(&refresh(&test, &client, &token, &[]), "invalid_grant", "the refresh token was used before");
    assert_refused(&refresh(&test, &client, &successor, &[]), "invalid_grant", "the refresh token has been revoked");
    let reused = test.events("refresh_token.reused");
    assert_eq!((reused.len(), reused[0].outcome.as_str()), (1, "failure"));
    let token = first(&client);
    set_password(&test, &user);
    assert_refused(&refresh(&test, &client, &token, &[]), "invalid_grant", "the refresh token has been revoked");
}

/// Switches the account in the database alone, as a disabling does that is under way at the same moment.
fn switch_account(test: &TestServer, status: Status) {
    let found = test.server.store.read(|connection| connection.find_user_by_username("ada")).unwrap();
    let user = grantor::domain::user::User { status, ..found.unwrap().user };
    assert!(
        test.server
            .store
            .write(move |connection| connection.update_user_status(user.id.as_str(), user.status, start_time()))
            .unwrap()
    );
}

fn a_user_made_inactive_behind_a_grant_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let code = Browser::new(&test).code(&client, "ada");
    let token = text(&test.code_tokens(&client, "ada")["refresh_token"]);
    switch_account(&test, Status::Inactive);
    let sentence = "the user's account is not active";
    assert_refused(&test.token(&client, &code_parameters(&code)), "invalid_grant", sentence);
    assert_refused(&refresh(&test, &client, &token, &[]), "invalid_grant", sentence);
    // Neither was used up by it.
    switch_account(&test, Status::Active);
    assert_eq!(test.token(&client, &code_parameters(&code)).status, 200);
    assert_eq!(refresh(&test, &client, &token, &[]).status, 200);
}

const BOOKS: &str = "https://books.example";
const SHOPS: &str = "https://shops.example";

fn resources(texts: &[&str]) -> Option<Vec<Resource>> {
    Some(texts.iter().map(|text| Resource::parse(text).unwrap()).collect())
}

fn a_resource_must_have_been_granted(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { resources: resources(&[BOOKS, SHOPS]), ..public_members("app") });
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[("resource", BOOKS)]);
    let code = browser.follow(&browser.sign_in(&query, "ada", PASSWORD)).parameter("code").unwrap();
    let with = |resource| {
        let mut parameters = code_parameters(&code).to_vec();
        parameters.push(("resource", resource));
        parameters
    };
    let sentence = "the requested resource was not granted";
    assert_refused(&test.token(&client, &with(SHOPS)), "invalid_target", sentence);
    let tokens = test.token(&client, &with(BOOKS)).json();
    assert_eq!(claims(&text(&tokens["access_token"]))["aud"], BOOKS);
    let token = text(&tokens["refresh_token"]);
    assert_refused(&refresh(&test, &client, &token, &[("resource", SHOPS)]), "invalid_target", sentence);
    let renewed = refresh(&test, &client, &token, &[("resource", BOOKS)]);
    assert_eq!(renewed.status, 200);
    // Both granted, a token may still be for one of them (RFC 8707 §2.2).
    let query = authorize_query(&client, &[("resource", BOOKS), ("resource", SHOPS)]);
    let code = browser.get(&format!("/oauth/authorize?{query}")).parameter("code").unwrap();
    let tokens = test.token(&client, &code_parameters(&code)).json();
    assert_eq!(claims(&text(&tokens["access_token"]))["aud"], serde_json::json!([BOOKS, SHOPS]));
    let narrowed = refresh(&test, &client, &text(&tokens["refresh_token"]), &[("resource", SHOPS)]).json();
    assert_eq!(claims(&text(&narrowed["access_token"]))["aud"], SHOPS);
    let back = refresh(&test, &client, &text(&narrowed["refresh_token"]), &[]).json();
    assert_eq!(claims(&text(&back["access_token"]))["aud"], serde_json::json!([BOOKS, SHOPS]));
}

fn what_a_client_lost_its_tokens_lose(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { resources: resources(&[BOOKS]), ..public_members("app") });
    let tokens = test.code_tokens(&client, "ada");
    assert_eq!(tokens["scope"], "read write");
    let update = |members| clients::update(&test.server, &Caller::command_line(), &client.id, members).unwrap();
    update(ClientMembers { scope: Some(Scope::parse("write").unwrap()), ..ClientMembers::default() });
    let renewed = refresh(&test, &client, &text(&tokens["refresh_token"]), &[]).json();
    assert_eq!(renewed["scope"], "write");
    update(ClientMembers { resources: resources(&[SHOPS]), ..ClientMembers::default() });
    let refused = refresh(&test, &client, &text(&renewed["refresh_token"]), &[]);
    assert_refused(&refused, "invalid_target", "the client is not registered for the requested resource");
    let named = refresh(&test, &client, &text(&renewed["refresh_token"]), &[("resource", BOOKS)]);
    assert_refused(&named, "invalid_target", "the client is not registered for the requested resource");
}

fn what_a_user_lost_their_tokens_lose(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &["support"]);
    let scope = Some(Scope::parse("clients:read users:read").unwrap());
    let client = test.client(ClientMembers { scope, ..public_members("app") });
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[("scope", "clients:read")]);
    let code = browser.follow(&browser.sign_in(&query, "ada", PASSWORD)).parameter("code").unwrap();
    let tokens = test.token(&client, &code_parameters(&code)).json();
    assert_eq!(tokens["scope"], "clients:read");
    assert_eq!(claims(&text(&tokens["access_token"]))["roles"], serde_json::json!(["support"]));
    let edit = UserEdit { roles: Some(Vec::new()), ..UserEdit::default() };
    users::update(&test.server, &Caller::command_line(), &user, edit).unwrap();
    let refused = refresh(&test, &client, &text(&tokens["refresh_token"]), &[]);
    assert_refused(&refused, "invalid_scope", "nothing of the requested scope can be granted here");
}
