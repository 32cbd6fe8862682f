//! The password grant (RFC 6749 §4.3): for registered clients only, and hard to guess through.

use std::sync::Arc;

use grantor::domain::denial::Denial;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::error::FlowError;
use grantor::flows::users;
use grantor::protocol::grant_type::GrantType;
use serde_json::json;

use crate::support::*;

on_both!(
    a_right_password_gives_tokens,
    an_unknown_user_and_a_wrong_password_look_alike,
    a_disabled_user_looks_like_a_wrong_password,
    an_account_is_throttled_until_the_window_has_passed,
    a_success_gives_the_attempts_back,
    an_address_is_throttled_over_many_accounts,
    forwarded_addresses_count_only_from_a_trusted_proxy,
    failures_are_audited_and_a_flood_is_not,
    a_client_needs_the_grant,
    a_public_client_needs_the_switch_too,
    a_login_hashes_again_when_the_cost_rises,
    usernames_are_compared_without_case,
    overlong_input_is_refused_without_work,
    missing_parameters_are_named,
);

fn ask(test: &TestServer, client: &TestClient, username: &str, password: &str) -> Answer {
    test.token(client, &[("grant_type", "password"), ("username", username), ("password", password)])
}

#[track_caller]
fn assert_wrong(answer: &Answer) {
    answer.assert_error(400, "invalid_grant");
    assert_eq!(answer.body, r#"{"error":"invalid_grant","error_description":"username or password is wrong"}"#);
}

#[track_caller]
fn assert_throttled(answer: &Answer, seconds: u64) {
    answer.assert_error(429, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), seconds.to_string());
    let text = format!("too many failed attempts: try again in {seconds} seconds");
    assert_eq!(answer.json()["error_description"], text);
}

fn a_right_password_gives_tokens(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &["support"]);
    let client = test.confidential();
    let answer = ask(&test, &client, "ada", PASSWORD);
    assert_eq!(answer.status, 200);
    assert_eq!((answer.header("cache-control").as_str(), answer.header("pragma").as_str()), ("no-store", "no-cache"));
    let body = answer.json();
    let (access, refresh) = (text(&body["access_token"]), text(&body["refresh_token"]));
    assert_eq!(
        body,
        json!({
            "access_token": access, "token_type": "Bearer", "expires_in": 900, "refresh_token": refresh,
            "scope": "read write",
        })
    );
    let (issuer, now, claims) = (&test.server.config.server.issuer, start_time().timestamp(), claims(&access));
    assert_eq!(
        claims,
        json!({
            "iss": issuer, "sub": user, "aud": issuer, "client_id": "web", "exp": now + 900, "iat": now, "nbf": now,
            "jti": claims["jti"], "scope": "read write", "env": "live", "auth_time": now, "roles": ["support"],
            "grant_id": claims["grant_id"],
        })
    );
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(test.token(&client, &parameters).status, 200);
    let event = &test.events("login.succeeded")[0];
    assert_eq!(event.actor_id.as_deref(), Some(user.as_str()));
    assert_eq!((event.client_id.as_deref(), event.detail.as_deref()), (Some("web"), Some("password grant")));
}

fn an_unknown_user_and_a_wrong_password_look_alike(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let wrong = ask(&test, &client, "ada", "wrong password");
    assert_wrong(&wrong);
    assert_eq!(wrong.shape(), ask(&test, &client, "nobody", PASSWORD).shape());
    assert_eq!(wrong.shape(), ask(&test, &client, "ada'; --", PASSWORD).shape());
    assert_eq!(wrong.shape(), ask(&test, &client, "ada", &format!("{PASSWORD} ")).shape());
}

fn a_disabled_user_looks_like_a_wrong_password(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.confidential();
    let wrong = ask(&test, &client, "ada", "wrong password");
    users::set_active(&test.server, &Caller::command_line(), &user, false).unwrap();
    assert_eq!(wrong.shape(), ask(&test, &client, "ada", PASSWORD).shape());
    users::set_active(&test.server, &Caller::command_line(), &user, true).unwrap();
    assert_eq!(ask(&test, &client, "ada", PASSWORD).status, 200);
}

fn an_account_is_throttled_until_the_window_has_passed(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.login.failures_per_account = 3);
    test.user("ada", &[]);
    test.user("bob", &[]);
    let client = test.confidential();
    for name in ["ada", "nobody"] {
        for _ in 0..3 {
            assert_wrong(&ask(&test, &client, name, "wrong password"));
        }
    }
    // Now not even the right one; an unknown name is throttled alike.
    assert_throttled(&ask(&test, &client, "ada", PASSWORD), 900);
    assert_throttled(&ask(&test, &client, "ADA", PASSWORD), 900);
    assert_throttled(&ask(&test, &client, "nobody", PASSWORD), 900);
    assert_eq!(ask(&test, &client, "bob", PASSWORD).status, 200);
    test.advance(899);
    assert_throttled(&ask(&test, &client, "ada", PASSWORD), 1);
    test.advance(1);
    assert_eq!(ask(&test, &client, "ada", PASSWORD).status, 200);
}

fn a_success_gives_the_attempts_back(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.login.failures_per_account = 3;
        config.login.failures_per_address = 7;
    });
    test.user("ada", &[]);
    let client = test.confidential();
    for _ in 0..3 {
        assert_wrong(&ask(&test, &client, "ada", "wrong password"));
        assert_wrong(&ask(&test, &client, "ada", "wrong password"));
        assert_eq!(ask(&test, &client, "ada", PASSWORD).status, 200);
    }
    // The six failures still count against the address: a good account of one's own resets nothing there.
    assert_wrong(&ask(&test, &client, "ada", "wrong password"));
    assert_throttled(&ask(&test, &client, "ada", PASSWORD), 900);
}

fn an_address_is_throttled_over_many_accounts(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.login.failures_per_address = 4);
    test.user("ada", &[]);
    let client = test.confidential();
    for number in 0..4 {
        assert_wrong(&ask(&test, &client, &format!("user-{number}"), PASSWORD));
    }
    assert_throttled(&ask(&test, &client, "ada", PASSWORD), 900);
    test.advance(900);
    assert_eq!(ask(&test, &client, "ada", PASSWORD).status, 200);
}

fn from_address(test: &TestServer, client: &TestClient, forwarded: &str, password: &str) -> Answer {
    let request = http_client().post(test.url("/oauth/token")).header("x-forwarded-for", forwarded);
    let form = [("grant_type", "password"), ("username", "ada"), ("password", password)];
    Answer::of(request.basic_auth(&client.id, client.secret.as_ref()).form(&form))
}

fn forwarded_addresses_count_only_from_a_trusted_proxy(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.login.failures_per_address = 1;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    test.user("ada", &[]);
    let client = test.confidential();
    assert_wrong(&from_address(&test, &client, "198.51.100.7", "wrong password"));
    assert_throttled(&from_address(&test, &client, "198.51.100.7", PASSWORD), 900);
    // What the stranger wrote to the left of its own address does not help it.
    assert_throttled(&from_address(&test, &client, "203.0.113.9, 198.51.100.7", PASSWORD), 900);
    assert_eq!(from_address(&test, &client, "198.51.100.8", PASSWORD).status, 200);
    assert_eq!(test.events("login.failed")[0].address.as_deref(), Some("198.51.100.7"));
    // Nor does an address that cannot be read: whoever the proxy hides is counted as one.
    assert_wrong(&from_address(&test, &client, "unknown", "wrong password"));
    assert_eq!(test.events("login.failed")[0].address, None);
    assert_throttled(&from_address(&test, &client, "198.51.100.9, nobody", PASSWORD), 900);
    assert_eq!(from_address(&test, &client, "198.51.100.9", PASSWORD).status, 200);

    let test = TestServer::start_with(engine, |config| config.login.failures_per_address = 1);
    test.user("ada", &[]);
    let client = test.confidential();
    assert_wrong(&from_address(&test, &client, "198.51.100.7", "wrong password"));
    assert_throttled(&from_address(&test, &client, "198.51.100.8", PASSWORD), 900);
    assert_eq!(test.events("login.failed")[0].address.as_deref(), Some("127.0.0.1"));
}

fn failures_are_audited_and_a_flood_is_not(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.login.failures_per_account = 2);
    test.user("ada", &[]);
    let client = test.confidential();
    for _ in 0..6 {
        ask(&test, &client, "ada", "wrong password");
    }
    let failed = test.events("login.failed");
    assert_eq!(failed.len(), 2);
    assert_eq!((failed[0].outcome.as_str(), failed[0].actor_kind.as_str()), ("failure", "anonymous"));
    assert_eq!((failed[0].target_kind.as_deref(), failed[0].target_id.as_deref()), (Some("username"), Some("ada")));
    assert_eq!(failed[0].client_id.as_deref(), Some("web"));
    assert_eq!(test.events("login.throttled").len(), 1);
    let counted = test.server.metrics.encode().unwrap();
    assert!(counted.contains("\ngrantor_logins_throttled_total 4\n"), "{counted}");
}

fn a_client_needs_the_grant(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let public = test.public();
    ask(&test, &public, "ada", PASSWORD).assert_error(400, "unauthorized_client");
    // Without the refresh grant, no refresh token.
    let only = ClientMembers { grant_types: Some(vec![GrantType::Password]), ..confidential_members("only") };
    let answer = ask(&test, &test.client(only), "ada", PASSWORD);
    assert_eq!((answer.status.as_u16(), answer.json().get("refresh_token")), (200, None));
}

fn a_public_client_needs_the_switch_too(engine: Engine) {
    let members = || ClientMembers { grant_types: Some(vec![GrantType::Password]), ..public_members("app") };
    let test = TestServer::start_with(engine, |config| config.tokens.danger_public_password_grant = true);
    test.user("ada", &[]);
    let client = test.client(members());
    assert_eq!(ask(&test, &client, "ada", PASSWORD).status, 200);
    let sibling = test.sibling();
    ask(&sibling, &client, "ada", PASSWORD).assert_error(400, "unauthorized_client");
    let again = ClientMembers { client_id: Some("other".to_owned()), ..members() };
    let refused = clients::create(&sibling.server, &Caller::command_line(), again).map(drop).unwrap_err();
    let sentence = "password is only for confidential clients".to_owned();
    assert_eq!(refused, FlowError::Denied(Denial::InvalidMember(sentence.clone())));
    let edit = ClientMembers { client_name: Some("App".to_owned()), ..ClientMembers::default() };
    let refused = clients::update(&sibling.server, &Caller::command_line(), "app", edit).map(drop).unwrap_err();
    assert_eq!(refused, FlowError::Denied(Denial::InvalidMember(sentence)));
}

fn a_login_hashes_again_when_the_cost_rises(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let stored = || {
        let found = test.server.store.read(|connection| connection.find_user_by_username("ada")).unwrap();
        found.unwrap().password_hash
    };
    let before = stored();
    assert!(before.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{before}");
    assert_eq!(ask(&test, &client, "ada", PASSWORD).status, 200);
    assert_eq!(stored(), before);
    let issuer = test.server.config.server.issuer.clone();
    let dearer = TestServer::start_on(Arc::clone(&test.database), test.clock.clone(), |config| {
        config.server.issuer = issuer;
        config.passwords.iterations = 2;
    });
    assert_wrong(&ask(&dearer, &client, "ada", "wrong password"));
    assert_eq!(stored(), before);
    assert_eq!(ask(&dearer, &client, "ada", PASSWORD).status, 200);
    let after = stored();
    assert!(after.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{after}");
    assert_eq!(ask(&dearer, &client, "ada", PASSWORD).status, 200);
    assert_eq!(stored(), after);
}

fn usernames_are_compared_without_case(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("Ada.Löve", &[]);
    let client = test.confidential();
    for name in ["ada.löve", "ADA.LÖVE", "Ada.Löve", " ada.löve "] {
        let answer = ask(&test, &client, name, PASSWORD);
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        let token = text(&answer.json()["access_token"]);
        assert_eq!(claims(&token)["sub"], user);
        let shown = test.post_as(&client, "/oauth/introspect", &[("token", &token)]).json();
        assert_eq!(shown["username"], "Ada.Löve");
    }
    // Passwords are not.
    assert_wrong(&ask(&test, &client, "Ada.Löve", &PASSWORD.to_uppercase()));
}

fn overlong_input_is_refused_without_work(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.login.failures_per_address = 1);
    test.user("ada", &[]);
    let client = test.confidential();
    let (long, longest) = ("x".repeat(1025), "x".repeat(60_000));
    for (username, password) in [("ada", long.as_str()), (&long, PASSWORD), ("ada", &longest), (&longest, PASSWORD)] {
        assert_wrong(&ask(&test, &client, username, password));
    }
    // Neither hashed, nor counted, nor written down.
    assert!(test.events("login.failed").is_empty());
    assert_wrong(&ask(&test, &client, "ada", &"x".repeat(1024)));
    assert_eq!(test.events("login.failed").len(), 1);
    assert_throttled(&ask(&test, &client, "ada", PASSWORD), 900);
}

fn missing_parameters_are_named(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    for (sent, missing) in [("username", "password"), ("password", "username")] {
        let answer = test.token(&client, &[("grant_type", "password"), (sent, "x")]);
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["error_description"], format!("parameter '{missing}' is missing"));
    }
}
