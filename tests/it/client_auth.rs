//! Client authentication (RFC 6749 §2.3): exactly one method at a time, and an answer that gives nothing away.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use grantor::config::Config;
use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::usage;

use crate::support::*;

on_both!(
    each_method_works,
    halves_of_basic_are_form_encoded,
    one_method_at_a_time,
    malformed_headers_are_refused,
    absent_credentials_are_refused,
    an_unknown_client_and_a_wrong_secret_look_alike,
    a_public_client_proves_nothing_by_a_secret,
    a_confidential_client_needs_its_secret,
    a_disabled_client_is_told_so_once_it_has_proven_itself,
    a_chosen_secret_works_like_a_random_one,
    guesses_of_a_chosen_secret_are_throttled,
    guesses_of_others_do_not_lock_a_client_out,
    an_old_secret_works_until_its_grace_ends,
    without_grace_an_old_secret_ends_at_once,
    every_endpoint_authenticates_alike,
);

const FAILED: &str = "client authentication failed";
const OTHER_METHOD: &str = "the client is registered for another authentication method";

fn basic(joined: &str) -> String {
    format!("Basic {}", STANDARD.encode(joined))
}

/// A client credentials request with these Authorization headers and these further parameters.
fn ask(test: &TestServer, headers: &[&str], form: &[(&str, &str)]) -> Answer {
    let mut request = http_client().post(test.url("/oauth/token"));
    for header in headers {
        request = request.header("authorization", *header);
    }
    let mut parameters = vec![("grant_type", "client_credentials")];
    parameters.extend(form);
    Answer::of(request.form(&parameters))
}

fn secret(client: &TestClient) -> &str {
    client.secret.as_deref().unwrap()
}

/// RFC 6749 §5.2: 401 with the scheme named.
#[track_caller]
fn assert_refused(answer: &Answer, description: &str) {
    answer.assert_error(401, "invalid_client");
    assert_eq!(text(&answer.json()["error_description"]), description);
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"grantor\", charset=\"UTF-8\"");
    assert_eq!(answer.header("content-type"), "application/json");
}

fn each_method_works(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let header = basic(&format!("{}:{}", client.id, secret(&client)));
    assert_eq!(ask(&test, &[&header], &[]).status, 200);
    // The scheme is case-insensitive (RFC 9110 §11.1).
    assert_eq!(ask(&test, &[&header.replace("Basic", "bAsIc")], &[]).status, 200);
    let post = [("client_id", client.id.as_str()), ("client_secret", secret(&client))];
    assert_eq!(ask(&test, &[], &post).status, 200);
    // A public client by its client_id alone: it gets as far as its token.
    let public = test.public();
    let unknown = [("grant_type", "refresh_token"), ("refresh_token", "rt_x")];
    test.token(&public, &unknown).assert_error(400, "invalid_grant");
}

fn halves_of_basic_are_form_encoded(engine: Engine) {
    let test = TestServer::start(engine);
    let (id, chosen) = ("we~b.1", "a b+c%20d:e&f=\"g\"");
    test.client(ClientMembers { client_secret: Some(chosen.to_owned()), ..confidential_members(id) });
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    assert_eq!(ask(&test, &[&basic(&format!("{}:{}", encode(id), encode(chosen)))], &[]).status, 200);
    // Unencoded, the plus sign is a space and so is %20: another secret.
    assert_refused(&ask(&test, &[&basic(&format!("{id}:{chosen}"))], &[]), FAILED);
}

fn one_method_at_a_time(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let header = basic(&format!("{}:{}", client.id, secret(&client)));
    let twice = [
        ask(&test, &[&header], &[("client_secret", secret(&client))]),
        ask(&test, &[&header], &[("client_id", &client.id), ("client_secret", secret(&client))]),
        ask(&test, &[&header, &header], &[]),
        ask(&test, &[&header, "Bearer x"], &[]),
        ask(&test, &[&header], &[("client_id", "another")]),
    ];
    for answer in twice {
        // RFC 6749 §5.2: "utilizes more than one mechanism for authenticating the client".
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["error_description"], "more than one client authentication method was used");
        assert_eq!(answer.header("www-authenticate"), "");
    }
    for name in ["client_id", "client_secret"] {
        let mut form = vec![("client_id", client.id.as_str()), ("client_secret", secret(&client))];
        form.push(*form.iter().find(|(key, _)| *key == name).unwrap());
        let answer = ask(&test, &[], &form);
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["error_description"], format!("parameter '{name}' is repeated"));
    }
    // The same client_id beside Basic is no second method.
    assert_eq!(ask(&test, &[&header], &[("client_id", &client.id)]).status, 200);
}

fn malformed_headers_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let not_utf8 = format!("Basic {}", STANDARD.encode([b'w', b':', 0xFF, 0xFE]));
    let nul = basic(&format!("{}:a%00b", client.id));
    let (no_colon, no_id) = (basic(&client.id), basic(":secret"));
    let trailing = format!("{}!", basic("web:x"));
    let headers =
        ["Basic", "Basic ", "Basic ???", "Bearer abc", "Digest x", &not_utf8, &nul, &no_colon, &no_id, &trailing];
    for header in headers {
        assert_refused(&ask(&test, &[header], &[]), "the Authorization header is malformed");
    }
}

fn absent_credentials_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    assert_refused(&ask(&test, &[], &[]), "no client credentials were presented");
    // An empty parameter counts as omitted (RFC 6749 §3.2).
    assert_refused(&ask(&test, &[], &[("client_id", "")]), "no client credentials were presented");
    assert_refused(&ask(&test, &[], &[("client_secret", "x")]), "no client credentials were presented");
}

fn an_unknown_client_and_a_wrong_secret_look_alike(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let other = test.client(confidential_members("other"));
    let known = ask(&test, &[&basic(&format!("{}:wrong", client.id))], &[]);
    assert_refused(&known, FAILED);
    let unknown = ask(&test, &[&basic(&format!("nobody:{}", secret(&client)))], &[]);
    assert_eq!(known.shape(), unknown.shape());
    // Another client's secret is as wrong as any, also in the body.
    let foreign = ask(&test, &[], &[("client_id", &client.id), ("client_secret", secret(&other))]);
    assert_eq!(known.shape(), foreign.shape());
    let cut = &secret(&client)[..secret(&client).len() - 1];
    assert_eq!(known.shape(), ask(&test, &[&basic(&format!("{}:{cut}", client.id))], &[]).shape());
}

fn a_public_client_proves_nothing_by_a_secret(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    let form = [("client_id", client.id.as_str()), ("client_secret", "anything")];
    assert_refused(&ask(&test, &[], &form), OTHER_METHOD);
    assert_refused(&ask(&test, &[&basic(&format!("{}:anything", client.id))], &[]), OTHER_METHOD);
    assert_refused(&ask(&test, &[&basic(&format!("{}:", client.id))], &[]), OTHER_METHOD);
}

fn a_confidential_client_needs_its_secret(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    assert_refused(&ask(&test, &[], &[("client_id", &client.id)]), OTHER_METHOD);
    assert_refused(&ask(&test, &[], &[("client_id", &client.id), ("client_secret", "")]), OTHER_METHOD);
    assert_refused(&ask(&test, &[&basic(&format!("{}:", client.id))], &[]), FAILED);
}

fn a_disabled_client_is_told_so_once_it_has_proven_itself(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let right = basic(&format!("{}:{}", client.id, secret(&client)));
    let wrong = basic(&format!("{}:wrong", client.id));
    for status in [Status::Inactive, Status::Active, Status::Revoked] {
        clients::set_status(&test.server, &Caller::command_line(), &client.id, status).unwrap();
        if status == Status::Active {
            assert_eq!(ask(&test, &[&right], &[]).status, 200);
        } else {
            assert_refused(&ask(&test, &[&right], &[]), "this client is disabled");
        }
        assert_refused(&ask(&test, &[&wrong], &[]), FAILED);
    }
}

fn a_chosen_secret_works_like_a_random_one(engine: Engine) {
    let test = TestServer::start(engine);
    let chosen = "hunter2 and more";
    let client =
        test.client(ClientMembers { client_secret: Some(chosen.to_owned()), ..confidential_members("imported") });
    assert_eq!(client.secret.as_deref(), Some(chosen));
    let post = |secret: &str| ask(&test, &[], &[("client_id", "imported"), ("client_secret", secret)]);
    assert_eq!(post(chosen).status, 200);
    assert_eq!(ask(&test, &[&basic("imported:hunter2+and+more")], &[]).status, 200);
    assert_refused(&post("hunter2 and More"), FAILED);
    // Replaced by a random one, it lives out its grace.
    let rotated = clients::rotate_secret(&test.server, &Caller::command_line(), "imported", 60);
    let random = rotated.map_err(|error| format!("{error:?}")).unwrap().client_secret.unwrap();
    assert!(random.starts_with("cs_"));
    assert_eq!((post(chosen).status.as_u16(), post(&random).status.as_u16()), (200, 200));
    test.advance(60);
    assert_refused(&post(chosen), FAILED);
    assert_eq!(post(&random).status, 200);
}

fn imported(test: &TestServer) -> impl Fn(&str) -> Answer {
    let members =
        ClientMembers { client_secret: Some("hunter2 and more".to_owned()), ..confidential_members("imported") };
    test.client(members);
    move |secret| ask(test, &[], &[("client_id", "imported"), ("client_secret", secret)])
}

fn guesses_of_a_chosen_secret_are_throttled(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.login.failures_per_account = 3;
        config.login.failures_per_address = 5;
    });
    let random = test.confidential();
    let post = imported(&test);
    let sibling = test.sibling();
    assert_eq!(post("hunter2 and more").status, 200);
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let wrong = TestClient { id: "imported".to_owned(), secret: Some("a wrong guess".to_owned()) };
        assert_refused(&test.post_as(&wrong, path, &[("grant_type", "client_credentials"), ("token", "x")]), FAILED);
    }
    let throttled = post("another guess");
    throttled.assert_error(429, "temporarily_unavailable");
    assert_eq!(throttled.header("retry-after"), "900");
    post("another guess").assert_error(429, "temporarily_unavailable");
    // Who has proven the secret before is not held up, nor is another instance or a random secret.
    assert_eq!(post("hunter2 and more").status, 200);
    let form = [("client_id", "imported"), ("client_secret", "hunter2 and more")];
    assert_eq!(ask(&sibling, &[], &form).status, 200);
    let wrong = TestClient { secret: Some("wrong".to_owned()), ..random.clone() };
    for _ in 0..10 {
        assert_refused(&test.token(&wrong, &[("grant_type", "client_credentials")]), FAILED);
    }
    assert_eq!(test.token(&random, &[("grant_type", "client_credentials")]).status, 200);
    let events = test.events("client.throttled");
    assert_eq!((events.len(), events[0].target_id.as_deref()), (1, Some("imported")));
    assert_eq!(events[0].address.as_deref(), Some("127.0.0.1"));
    // What is remembered dies with its row, here while guesses are still refused unseen.
    rotate(&test, &TestClient { id: "imported".to_owned(), secret: None }, 60);
    assert_eq!(post("hunter2 and more").status, 200);
    test.advance(60);
    assert_refused(&post("hunter2 and more"), FAILED);
}

fn guesses_of_others_do_not_lock_a_client_out(engine: Engine) {
    let settings = |config: &mut Config| {
        config.login.failures_per_account = 3;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    };
    let test = TestServer::start_with(engine, settings);
    drop(imported(&test));
    let post = |test: &TestServer, from: &str, secret: &str| {
        let form = [("grant_type", "client_credentials"), ("client_id", "imported"), ("client_secret", secret)];
        let request = http_client().post(test.url("/oauth/token")).header("x-forwarded-for", from);
        Answer::of(request.header("x-forwarded-proto", "https").form(&form)).status.as_u16()
    };
    let right = "hunter2 and more";
    assert_eq!(post(&test, "198.51.100.7", right), 200);
    assert_eq!(usage::flush(&test.server).failed, None);
    // Another instance knows as little as this one after a restart.
    let restarted = test.sibling_with(settings);
    let wrong = |from: &str| [(); 4].map(|()| post(&restarted, from, "a wrong guess"));
    assert_eq!(wrong("203.0.113.1"), [401, 401, 401, 429]);
    assert_eq!(post(&restarted, "203.0.113.1", right), 429);
    assert_eq!(post(&restarted, "192.0.2.1", right), 200, "one address locks nobody else out");
    // Guesses from many addresses are locked, but not where the secret was used before.
    let restarted = test.sibling_with(settings);
    for last in 1..=10 {
        (0..3).for_each(|_| assert_eq!(post(&restarted, &format!("203.0.113.{last}"), "a wrong guess"), 401));
    }
    assert_eq!([post(&restarted, "192.0.2.2", right), post(&restarted, "198.51.100.7", right)], [429, 200]);
    assert_eq!(test.events("client.throttled").len(), 2);
}

fn rotate(test: &TestServer, client: &TestClient, grace: u32) -> String {
    let rotated = clients::rotate_secret(&test.server, &Caller::command_line(), &client.id, grace);
    rotated.map_err(|error| format!("{error:?}")).unwrap().client_secret.unwrap()
}

fn an_old_secret_works_until_its_grace_ends(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let post = |secret: &str| ask(&test, &[], &[("client_id", &client.id), ("client_secret", secret)]);
    let first = secret(&client).to_owned();
    let second = rotate(&test, &client, 100);
    test.advance(99);
    assert_eq!((post(&first).status.as_u16(), post(&second).status.as_u16()), (200, 200));
    // At most two work: a second rotation ends the first secret, whatever its grace.
    let third = rotate(&test, &client, 1000);
    assert_refused(&post(&first), FAILED);
    assert_eq!((post(&second).status.as_u16(), post(&third).status.as_u16()), (200, 200));
    test.advance(1000);
    assert_refused(&post(&second), FAILED);
    assert_eq!(post(&third).status, 200);
    let events = test.events("client_secret.rotated");
    let details: Vec<_> = events.iter().map(|event| event.detail.as_deref().unwrap()).collect();
    assert_eq!(details, ["grace_seconds=1000", "grace_seconds=100"]);
}

fn without_grace_an_old_secret_ends_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let new = rotate(&test, &client, 0);
    assert_refused(&test.token(&client, &[("grant_type", "client_credentials")]), FAILED);
    let client = TestClient { secret: Some(new), ..client };
    assert_eq!(test.token(&client, &[("grant_type", "client_credentials")]).status, 200);
}

fn every_endpoint_authenticates_alike(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let wrong = TestClient { secret: Some("wrong".to_owned()), ..client.clone() };
    let none = TestClient { secret: None, ..client.clone() };
    let unknown = TestClient { id: "nobody".to_owned(), ..client.clone() };
    let parameters = [("grant_type", "client_credentials"), ("token", "x")];
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        assert_eq!(test.post_as(&client, path, &parameters).status, 200);
        assert_refused(&test.post_as(&wrong, path, &parameters), FAILED);
        assert_refused(&test.post_as(&none, path, &parameters), OTHER_METHOD);
        assert_refused(&test.post_as(&unknown, path, &parameters), FAILED);
        let absent = Answer::of(http_client().post(test.url(path)).form(&parameters));
        assert_refused(&absent, "no client credentials were presented");
    }
}
