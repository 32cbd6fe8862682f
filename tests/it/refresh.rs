//! The refresh grant (RFC 6749 §6, RFC 9700 §4.14.2).

use std::sync::Barrier;

use grantor::domain::client::RefreshTokenPolicy;
use grantor::flows::clients::ClientMembers;

use crate::support::*;

on_both!(
    each_use_gives_a_successor,
    a_lost_answer_does_not_log_a_phone_out,
    what_has_expired_is_not_repeated,
    an_access_token_ends_with_its_grant,
    a_reuse_revokes_the_family_only,
    parallel_uses_get_the_same_successor,
    without_grace_parallel_uses_are_reuse,
    lifetimes_slide_and_end,
    scope_may_narrow_and_never_widen,
    a_kept_token_stays,
    another_clients_token_is_unknown,
);

fn refresh(test: &TestServer, client: &TestClient, token: &str) -> Answer {
    test.token(client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn first(test: &TestServer, client: &TestClient) -> String {
    text(&test.code_tokens(client, "ada")["refresh_token"])
}

fn next(answer: &Answer) -> String {
    text(&answer.json()["refresh_token"])
}

fn each_use_gives_a_successor(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let mut token = first(&test, &client);
    let mut seen = vec![token.clone()];
    for _ in 0..5 {
        token = next(&refresh(&test, &client, &token));
        assert!(!seen.contains(&token));
        seen.push(token.clone());
        test.advance(60);
    }
}

fn a_lost_answer_does_not_log_a_phone_out(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let token = first(&test, &client);
    let lost = next(&refresh(&test, &client, &token));
    test.advance(30);
    let again = next(&refresh(&test, &client, &token));
    assert_eq!(lost, again);
    assert_eq!(refresh(&test, &client, &again).status, 200);
    // Now the successor has been used: the old token is a thief's.
    refresh(&test, &client, &token).assert_error(400, "invalid_grant");
}

fn what_has_expired_is_not_repeated(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let lifetimes = ClientMembers {
        refresh_token_lifetime: Some(Some(60)),
        refresh_token_max_lifetime: Some(Some(110)),
        ..public_members("app")
    };
    let client = test.client(lifetimes);
    let token = first(&test, &client);
    test.advance(59);
    let successor = next(&refresh(&test, &client, &token));
    assert_eq!(next(&refresh(&test, &client, &token)), successor);
    test.advance(1);
    let late = refresh(&test, &client, &token);
    late.assert_error(400, "invalid_grant");
    assert_eq!(late.json()["error_description"], "the refresh token has expired");
    // It was no theft: the family lives, to its own end.
    test.advance(49);
    let last = next(&refresh(&test, &client, &successor));
    test.advance(1);
    for token in [&successor, &last] {
        let late = refresh(&test, &client, token);
        assert_eq!(late.json()["error_description"], "the refresh token has expired");
    }
}

fn an_access_token_ends_with_its_grant(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let most = |client_id| ClientMembers {
        refresh_token_lifetime: Some(Some(100)),
        refresh_token_max_lifetime: Some(Some(250)),
        ..confidential_members(client_id)
    };
    let client = test.client(most("web"));
    let tokens = test.code_tokens(&client, "ada");
    assert_eq!(tokens["expires_in"], 250);
    test.advance(99);
    let renewed = refresh(&test, &client, &text(&tokens["refresh_token"])).json();
    assert_eq!(renewed["expires_in"], 151);
    let access = text(&renewed["access_token"]);
    assert_eq!(claims(&access)["exp"], start_time().timestamp() + 250);
    test.advance(150);
    assert!(test.is_active(&client, &access));
    test.advance(1);
    assert!(!test.is_active(&client, &access));
    // The password grant alike.
    let form = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    assert_eq!(test.token(&client, &form).json()["expires_in"], 250);
    // A token that speaks of no user has no grant.
    assert_eq!(test.token(&client, &[("grant_type", "client_credentials")]).json()["expires_in"], 900);
}

fn a_reuse_revokes_the_family_only(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let (token, other_family) = (first(&test, &client), first(&test, &client));
    let successor = next(&refresh(&test, &client, &token));
    test.advance(31);
    refresh(&test, &client, &token).assert_error(400, "invalid_grant");
    refresh(&test, &client, &successor).assert_error(400, "invalid_grant");
    assert_eq!(refresh(&test, &client, &other_family).status, 200);
}

fn race(test: &TestServer, client: &TestClient, token: &str) -> Vec<Answer> {
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    refresh(test, client, token)
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    })
}

fn parallel_uses_get_the_same_successor(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let token = first(&test, &client);
    let answers = race(&test, &client, &token);
    let successors: Vec<String> = answers.iter().map(next).collect();
    assert!(successors.iter().all(|successor| *successor == successors[0]), "{successors:?}");
    assert_eq!(refresh(&test, &client, &successors[0]).status, 200);
}

fn without_grace_parallel_uses_are_reuse(engine: Engine) {
    let test =
        TestServer::start_with(engine, |config| config.tokens.refresh_token_reuse_grace = std::time::Duration::ZERO);
    test.user("ada", &[]);
    let client = test.public();
    let token = first(&test, &client);
    let answers = race(&test, &client, &token);
    let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    // The losers were reuse, and took the family along.
    refresh(&test, &client, &next(won[0])).assert_error(400, "invalid_grant");
}

fn lifetimes_slide_and_end(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let lifetimes = ClientMembers {
        refresh_token_lifetime: Some(Some(100)),
        refresh_token_max_lifetime: Some(Some(250)),
        ..public_members("app")
    };
    let client = test.client(lifetimes);
    let unused = first(&test, &client);
    let mut token = first(&test, &client);
    for _ in 0..2 {
        test.advance(99);
        token = next(&refresh(&test, &client, &token));
    }
    refresh(&test, &client, &unused).assert_error(400, "invalid_grant");
    test.advance(51);
    token = next(&refresh(&test, &client, &token));
    test.advance(1);
    refresh(&test, &client, &token).assert_error(400, "invalid_grant");
}

fn scope_may_narrow_and_never_widen(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let token = first(&test, &client);
    let ask = |token: &str, scope: &str| {
        test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)])
    };
    ask(&token, "read admin").assert_error(400, "invalid_scope");
    let narrowed = ask(&token, "read");
    assert_eq!(narrowed.json()["scope"], "read");
    // RFC 6749 §6: the new refresh token has the scope of the old one.
    assert_eq!(ask(&next(&narrowed), "read write").json()["scope"], "read write");
}

fn a_kept_token_stays(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let keep = ClientMembers {
        refresh_token_policy: Some(RefreshTokenPolicy::Keep),
        refresh_token_lifetime: Some(Some(100)),
        ..confidential_members("web")
    };
    let client = test.client(keep);
    let token = first(&test, &client);
    for _ in 0..4 {
        test.advance(90);
        assert_eq!(next(&refresh(&test, &client, &token)), token);
    }
    test.advance(100);
    refresh(&test, &client, &token).assert_error(400, "invalid_grant");
}

fn another_clients_token_is_unknown(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let (client, other) = (test.public(), test.client(public_members("other")));
    let token = first(&test, &client);
    refresh(&test, &other, &token).assert_error(400, "invalid_grant");
    assert_eq!(refresh(&test, &client, &token).status, 200);
}
