//! The authorization code grant (RFC 6749 §4.1, RFC 7636, RFC 9207).

use std::sync::Barrier;

use grantor::flows::clients::ClientMembers;
use serde_json::json;

use crate::support::*;

on_both!(
    a_public_client_gets_tokens_by_pkce,
    every_exchange_error_is_invalid_grant,
    a_replayed_code_revokes_what_it_gave,
    of_many_exchanges_one_wins,
    a_code_lives_sixty_seconds,
);

fn a_public_client_gets_tokens_by_pkce(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[("scope", "read")]);
    let first = browser.get(&format!("/oauth/authorize?{query}"));
    assert_eq!(first.location().path(), "/login");
    let signed_in = browser.sign_in(&query, "ada", PASSWORD);
    assert_eq!(signed_in.location().path(), "/oauth/authorize");
    let answer = browser.follow(&signed_in);
    assert_eq!(answer.location().as_str().split('?').next(), Some(REDIRECT_URI));
    assert_eq!(answer.parameter("state").as_deref(), Some("a state"));
    assert_eq!(answer.parameter("iss").as_deref(), Some(test.server.config.server.issuer.as_str()));
    let code = answer.parameter("code").unwrap();
    let tokens = test.token(&client, &code_parameters(&code));
    assert_eq!(tokens.header("cache-control"), "no-store");
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 900);
    assert_eq!(tokens["scope"], "read");
    assert!(text(&tokens["refresh_token"]).starts_with("rt_"));
    let claims = claims(&text(&tokens["access_token"]));
    let issuer = &test.server.config.server.issuer;
    let now = start_time().timestamp();
    assert_eq!(
        claims,
        json!({
            "iss": issuer, "sub": user, "aud": issuer, "client_id": "app", "exp": now + 900, "iat": now, "nbf": now,
            "jti": claims["jti"], "scope": "read", "env": "live", "auth_time": now, "roles": [],
            "grant_id": claims["grant_id"],
        })
    );
}

fn every_exchange_error_is_invalid_grant(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let other = test.client(public_members("other"));
    let code = Browser::new(&test).code(&client, "ada");
    let exchange = |client: &TestClient, changes: &[(&str, &str)]| {
        let mut parameters = code_parameters(&code).to_vec();
        parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()).copied());
        test.token(client, &parameters)
    };
    let wrong = "a".repeat(43);
    exchange(&client, &[("code_verifier", &wrong)]).assert_error(400, "invalid_grant");
    exchange(&client, &[("code_verifier", "")]).assert_error(400, "invalid_grant");
    exchange(&client, &[("redirect_uri", "https://app.example/other")]).assert_error(400, "invalid_grant");
    exchange(&client, &[("redirect_uri", "")]).assert_error(400, "invalid_grant");
    exchange(&client, &[("code", "nonsense")]).assert_error(400, "invalid_grant");
    exchange(&other, &[]).assert_error(400, "invalid_grant");
    exchange(&client, &[("code_verifier", "short")]).assert_error(400, "invalid_request");
    // None of these used it up.
    assert_eq!(exchange(&client, &[]).status, 200);
}

fn a_replayed_code_revokes_what_it_gave(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let code = Browser::new(&test).code(&client, "ada");
    let tokens = test.token(&client, &code_parameters(&code)).json();
    let active = |token: &str| test.post_as(&client, "/oauth/introspect", &[("token", token)]).json()["active"].clone();
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    assert_eq!((active(&access), active(&refresh)), (json!(true), json!(true)));
    test.advance(45);
    test.token(&client, &code_parameters(&code)).assert_error(400, "invalid_grant");
    assert_eq!((active(&access), active(&refresh)), (json!(false), json!(false)));
    let again = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    test.token(&client, &again).assert_error(400, "invalid_grant");
}

fn of_many_exchanges_one_wins(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let code = Browser::new(&test).code(&client, "ada");
    let barrier = Barrier::new(8);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    test.token(&client, &code_parameters(&code)).status.as_u16()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
}

fn a_code_lives_sixty_seconds(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { access_token_lifetime: Some(Some(60)), ..public_members("app") });
    let browser = Browser::new(&test);
    let code = browser.code(&client, "ada");
    test.advance(59);
    assert_eq!(test.token(&client, &code_parameters(&code)).json()["expires_in"], 60);
    let code = browser.code(&client, "ada");
    test.advance(60);
    test.token(&client, &code_parameters(&code)).assert_error(400, "invalid_grant");
}
