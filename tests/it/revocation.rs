//! Revocation (RFC 7009): at once, everywhere, of one's own tokens only.

use std::sync::Barrier;

use grantor::flows::clients::ClientMembers;
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    a_revoked_access_token_is_alone_in_it,
    a_revoked_refresh_token_takes_its_family_along,
    a_spent_refresh_token_still_revokes,
    a_public_client_revokes_its_own,
    another_clients_token_is_refused,
    what_is_not_valid_is_revoked_already,
    a_hint_changes_nothing,
    twice_is_once,
    of_many_at_once_all_succeed_and_one_is_recorded,
    revocation_is_seen_by_a_sibling_at_once,
    revoked_access_tokens_are_listed_until_they_expire,
    a_revoked_token_opens_the_admin_api_no_more,
);

/// RFC 7009 §2.2: 200, and nothing to read.
#[track_caller]
fn revoke(test: &TestServer, client: &TestClient, token: &str) {
    let answer = test.post_as(client, "/oauth/revoke", &[("token", token)]);
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
}

fn login(test: &TestServer, client: &TestClient) -> (String, String) {
    let parameters = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    let tokens = test.token(client, &parameters).json();
    (text(&tokens["access_token"]), text(&tokens["refresh_token"]))
}

fn refresh(test: &TestServer, client: &TestClient, token: &str) -> Answer {
    test.token(client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn a_revoked_access_token_is_alone_in_it(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let ((access, family), (other, _)) = (login(&test, &client), login(&test, &client));
    revoke(&test, &client, &access);
    assert!(!test.is_active(&client, &access));
    assert!(test.is_active(&client, &other));
    assert!(test.is_active(&client, &family));
    let renewed = refresh(&test, &client, &family).json();
    assert!(test.is_active(&client, &text(&renewed["access_token"])));
    let event = &test.events("token.revoked")[0];
    assert_eq!(event.target_id, Some(text(&claims(&access)["jti"])));
    assert_eq!((event.actor_id.as_deref(), event.outcome.as_str()), (Some("web"), "success"));
}

fn a_revoked_refresh_token_takes_its_family_along(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let ((first, token), (other_access, other)) = (login(&test, &client), login(&test, &client));
    let renewed = refresh(&test, &client, &token).json();
    let (second, token) = (text(&renewed["access_token"]), text(&renewed["refresh_token"]));
    revoke(&test, &client, &token);
    for token in [&first, &second, &token] {
        assert!(!test.is_active(&client, token));
    }
    let refused = refresh(&test, &client, &token);
    refused.assert_error(400, "invalid_grant");
    assert_eq!(refused.json()["error_description"], "the refresh token has been revoked");
    assert!(test.is_active(&client, &other_access) && test.is_active(&client, &other));
    assert_eq!(refresh(&test, &client, &other).status, 200);
    assert_eq!(test.events("grant.revoked").len(), 1);
}

fn a_spent_refresh_token_still_revokes(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let (_, spent) = login(&test, &client);
    let successor = text(&refresh(&test, &client, &spent).json()["refresh_token"]);
    revoke(&test, &client, &spent);
    refresh(&test, &client, &successor).assert_error(400, "invalid_grant");
}

fn a_public_client_revokes_its_own(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let (client, observer) = (test.public(), test.confidential());
    let tokens = test.code_tokens(&client, "ada");
    let (access, token) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    assert!(test.is_active(&observer, &access));
    revoke(&test, &client, &token);
    assert!(!test.is_active(&observer, &access));
    refresh(&test, &client, &token).assert_error(400, "invalid_grant");
}

fn another_clients_token_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let others = [test.client(confidential_members("other")), test.public()];
    let (access, token) = login(&test, &client);
    for other in &others {
        for token in [&access, &token] {
            let refused = test.post_as(other, "/oauth/revoke", &[("token", token)]);
            refused.assert_error(400, "unauthorized_client");
            assert_eq!(refused.json()["error_description"], "the token was issued to another client");
            assert!(test.is_active(&client, token));
        }
    }
    assert_eq!(test.events("token.revoked").len() + test.events("grant.revoked").len(), 0);
}

fn what_is_not_valid_is_revoked_already(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let (access, token) = login(&test, &client);
    let unknown = grantor::crypto::secret::SecretKind::RefreshToken.generate().unwrap();
    let (body, signature) = access.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let altered = format!("{body}.{flipped}{}", &signature[1..]);
    for garbage in ["x", "a.b.c", "rt_x", &unknown, &altered] {
        revoke(&test, &client, garbage);
    }
    assert!(test.is_active(&client, &access) && test.is_active(&client, &token));
    test.advance(900);
    revoke(&test, &client, &access);
    assert!(test.events("token.revoked").is_empty());
}

fn a_hint_changes_nothing(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    for hint in ["refresh_token", "access_token", "nonsense"] {
        let (access, token) = login(&test, &client);
        for token in [access, token] {
            let parameters = [("token", token.as_str()), ("token_type_hint", hint)];
            assert_eq!(test.post_as(&client, "/oauth/revoke", &parameters).status, 200);
            assert!(!test.is_active(&client, &token));
        }
    }
}

fn twice_is_once(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let (access, token) = login(&test, &client);
    for _ in 0..3 {
        revoke(&test, &client, &access);
        revoke(&test, &client, &token);
    }
    assert_eq!((test.events("token.revoked").len(), test.events("grant.revoked").len()), (1, 1));
}

fn of_many_at_once_all_succeed_and_one_is_recorded(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let (access, token) = login(&test, &client);
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (test, client, barrier) = (&test, &client, &barrier);
            let token = if number % 2 == 0 { &access } else { &token };
            scope.spawn(move || {
                barrier.wait();
                revoke(test, client, token);
            });
        }
    });
    assert_eq!((test.events("token.revoked").len(), test.events("grant.revoked").len()), (1, 1));
    assert!(!test.is_active(&client, &access) && !test.is_active(&client, &token));
}

fn revocation_is_seen_by_a_sibling_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    test.user("ada", &[]);
    let client = test.confidential();
    let ((access, _), (_, token)) = (login(&test, &client), login(&sibling, &client));
    assert!(sibling.is_active(&client, &access) && test.is_active(&client, &token));
    revoke(&test, &client, &access);
    assert!(!sibling.is_active(&client, &access));
    revoke(&sibling, &client, &token);
    assert!(!test.is_active(&client, &token));
    refresh(&test, &client, &token).assert_error(400, "invalid_grant");
}

fn listed(test: &TestServer, bearer: &str) -> Value {
    let answer = Answer::of(http_client().get(test.url("/v1/revoked-tokens")).bearer_auth(bearer));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn revoked_access_tokens_are_listed_until_they_expire(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { access_token_lifetime: Some(Some(100)), ..confidential_members("web") });
    let admin = test.admin_token("tokens:read");
    let (access, _) = login(&test, &client);
    assert_eq!(listed(&test, &admin)["items"], json!([]));
    test.advance(10);
    revoke(&test, &client, &access);
    let item = json!({
        "jti": claims(&access)["jti"], "client_id": "web", "revoked_at": "2026-01-01T12:00:10Z",
        "expires_at": "2026-01-01T12:01:40Z",
    });
    assert_eq!(listed(&test, &admin)["items"], json!([item]));
    test.advance(89);
    assert_eq!(listed(&test.sibling(), &admin)["items"], json!([item]));
    test.advance(1);
    assert_eq!(listed(&test, &admin)["items"], json!([]));
}

fn a_revoked_token_opens_the_admin_api_no_more(engine: Engine) {
    let test = TestServer::start(engine);
    let bearer = test.admin_token("tokens:read");
    listed(&test, &bearer);
    let client = TestClient { id: "admin-tool".to_owned(), secret: Some(String::new()) };
    let rotated = grantor::flows::clients::rotate_secret(
        &test.server,
        &grantor::flows::caller::Caller::command_line(),
        &client.id,
        0,
    );
    let secret = rotated.map_err(|error| format!("{error:?}")).unwrap().client_secret;
    revoke(&test, &TestClient { secret, ..client }, &bearer);
    let answer = Answer::of(http_client().get(test.url("/v1/revoked-tokens")).bearer_auth(&bearer));
    assert_eq!(answer.status, 401);
    let challenge = format!("{}, error=\"invalid_token\"", test.bearer_challenge());
    assert_eq!(answer.header("www-authenticate"), challenge);
}
