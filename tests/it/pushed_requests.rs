//! Pushed authorization requests (RFC 9126).

use std::sync::Barrier;

use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::purge::purge;
use grantor::protocol::origin::Origin;
use reqwest::Method;

use crate::support::*;

on_both!(
    a_pushed_request_leads_to_a_code,
    clients_authenticate_as_at_the_token_endpoint,
    a_request_is_checked_when_it_is_pushed,
    the_pages_carry_it_and_a_visit_does_not_use_it_up,
    an_answer_uses_it_up,
    one_of_eight_answers_wins,
    an_error_uses_it_up_too,
    only_its_client_and_only_in_time,
    people_have_time_once_they_have_come,
    parameters_beside_it_are_ignored,
    it_can_be_required,
    methods_and_origins,
    expired_ones_are_purged,
);

/// Pushes these parameters as this client.
fn push(test: &TestServer, client: &TestClient, query: &str) -> Answer {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request = http_client().post(test.url("/oauth/par"));
    let request = match &client.secret {
        Some(secret) => request.basic_auth(&client.id, Some(secret)),
        None => request,
    };
    Answer::of(request.form(&pairs))
}

/// Pushes a good request with these changes; the query that stands for it.
fn pushed(test: &TestServer, client: &TestClient, changes: &[(&str, &str)]) -> String {
    let answer = push(test, client, &authorize_query(client, changes));
    assert_eq!(answer.status, 201, "{}", answer.body);
    refer(client, &text(&answer.json()["request_uri"]))
}

fn refer(client: &TestClient, request_uri: &str) -> String {
    let pairs = [("client_id", client.id.as_str()), ("request_uri", request_uri)];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn authorize(browser: &Browser<'_>, query: &str) -> Answer {
    browser.get(&format!("/oauth/authorize?{query}"))
}

#[track_caller]
fn assert_gone(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, String::new()), "{}", answer.body);
    let sentence = "the request_uri is not valid, has expired or was used";
    assert!(answer.body.contains("Request rejected") && answer.body.contains(sentence), "{}", answer.body);
}

fn a_pushed_request_leads_to_a_code(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let answer = push(&test, &client, &authorize_query(&client, &[]));
    assert_eq!((answer.status.as_u16(), answer.header("cache-control").as_str()), (201, "no-store"), "{}", answer.body);
    let body = answer.json();
    assert_eq!((body.as_object().unwrap().len(), &body["expires_in"]), (2, &serde_json::json!(60)));
    let request_uri = text(&body["request_uri"]);
    let reference = request_uri.strip_prefix("urn:ietf:params:oauth:request_uri:").unwrap();
    assert!(reference.len() > 40, "256 bits");
    let again = push(&test, &client, &authorize_query(&client, &[])).json();
    assert_ne!(again["request_uri"], body["request_uri"]);
    let browser = Browser::new(&test);
    let query = refer(&client, &request_uri);
    let answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert_eq!(answer.location().as_str().split('?').next(), Some(REDIRECT_URI));
    assert_eq!(answer.parameter("state").as_deref(), Some("a state"));
    let code = answer.parameter("code").unwrap();
    assert_eq!(test.token(&client, &code_parameters(&code)).status, 200);
}

fn clients_authenticate_as_at_the_token_endpoint(engine: Engine) {
    let test = TestServer::start(engine);
    let (client, public) = (test.confidential(), test.public());
    let query = authorize_query(&client, &[]);
    let bare = TestClient { secret: None, ..client.clone() };
    push(&test, &bare, &query).assert_error(401, "invalid_client");
    let wrong = TestClient { secret: Some("wrong".to_owned()), ..client.clone() };
    push(&test, &wrong, &query).assert_error(401, "invalid_client");
    push(&test, &bare, "response_type=code").assert_error(401, "invalid_client");
    let secret = client.secret.clone().unwrap();
    let in_body = push(&test, &bare, &format!("{query}&client_secret={secret}"));
    assert_eq!(in_body.status, 201, "{}", in_body.body);
    let reference = text(&in_body.json()["request_uri"]);
    let reference = reference.rsplit(':').next().unwrap();
    let digest = test.server.keys.digest(grantor::crypto::secret::SecretKind::PushedRequest, reference);
    let stored = test.server.store.read(|connection| connection.find_pushed_request(&digest)).unwrap().unwrap();
    assert!(stored.parameters.contains("code_challenge=") && !stored.parameters.contains("secret"), "{stored:?}");
    assert_eq!(push(&test, &public, &authorize_query(&public, &[])).status, 201);
    // Who authenticated by Basic need not say who it is once more, and cannot say otherwise.
    let unnamed = push(&test, &client, &authorize_query(&client, &[("client_id", "")]));
    assert_eq!(unnamed.status, 201, "{}", unnamed.body);
    test.user("ada", &[]);
    let query = refer(&client, &text(&unnamed.json()["request_uri"]));
    let browser = Browser::new(&test);
    let answered = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert!(answered.parameter("code").is_some());
    push(&test, &client, &authorize_query(&public, &[])).assert_error(400, "invalid_request");
    clients::set_status(&test.server, &Caller::command_line(), &client.id, Status::Inactive).unwrap();
    push(&test, &client, &authorize_query(&client, &[])).assert_error(401, "invalid_client");
}

fn a_request_is_checked_when_it_is_pushed(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    for (changes, error) in [
        (&[("response_type", "token")][..], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("redirect_uri", "https://evil.example/")], "invalid_request"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("scope", "read admin")], "invalid_scope"),
        (&[("scope", "a\"b")], "invalid_scope"),
        (&[("resource", "https://other.example")], "invalid_target"),
        (&[("resource", "relative")], "invalid_target"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request"),
        (&[("request_uri", "https://app.example/r")], "invalid_request"),
        (&[("state", "1"), ("state", "2")], "invalid_request"),
    ] {
        push(&test, &client, &authorize_query(&client, changes)).assert_error(400, error);
    }
    let long = "x".repeat(16 * 1024);
    push(&test, &client, &authorize_query(&client, &[("state", &long)])).assert_error(400, "invalid_request");
    let machine = test.client(ClientMembers {
        grant_types: Some(vec![grantor::protocol::grant_type::GrantType::ClientCredentials]),
        ..confidential_members("machine")
    });
    push(&test, &machine, &authorize_query(&machine, &[])).assert_error(400, "unauthorized_client");
    let json = http_client().post(test.url("/oauth/par")).json(&serde_json::json!({}));
    Answer::of(json).assert_error(400, "invalid_request");
}

fn the_pages_carry_it_and_a_visit_does_not_use_it_up(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { first_party: Some(false), ..public_members("app") });
    let query = pushed(&test, &client, &[("scope", "read")]);
    let browser = Browser::new(&test);
    for _ in 0..3 {
        let login = authorize(&browser, &query).location();
        assert_eq!((login.path(), login.query()), ("/login", Some(query.as_str())));
        let page = browser.get(&format!("/login?{query}"));
        assert!(page.status == 200 && page.header("content-security-policy").contains("https://app.example"));
    }
    let onward = browser.sign_in(&query, "ada", PASSWORD);
    assert_eq!(onward.location().path(), "/oauth/authorize");
    let consent = browser.follow(&onward).location();
    assert_eq!((consent.path(), consent.query()), ("/consent", Some(query.as_str())));
    assert_eq!(authorize(&browser, &query).location().path(), "/consent");
    let answer = browser.decide(&query, "allow");
    let code = answer.parameter("code").unwrap();
    assert_eq!(test.token(&client, &code_parameters(&code)).json()["scope"], "read");
    assert_gone(&authorize(&browser, &query));
}

fn an_answer_uses_it_up(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let query = pushed(&test, &client, &[]);
    assert!(authorize(&browser, &query).parameter("code").is_some());
    for path in ["/oauth/authorize", "/login", "/consent"] {
        assert_gone(&browser.get(&format!("{path}?{query}")));
    }
}

fn one_of_eight_answers_wins(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let query = pushed(&test, &client, &[]);
    let barrier = Barrier::new(8);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            authorize(&browser, &query)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 303);
    assert_eq!((won.len(), lost.len()), (1, 7));
    assert!(won[0].parameter("code").is_some());
    lost.into_iter().for_each(assert_gone);
}

fn an_error_uses_it_up_too(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { first_party: Some(false), ..public_members("app") });
    let browser = Browser::new(&test);
    let silent = pushed(&test, &client, &[("prompt", "none")]);
    assert_eq!(authorize(&browser, &silent).parameter("error").as_deref(), Some("login_required"));
    assert_gone(&authorize(&browser, &silent));
    browser.sign_in("", "ada", PASSWORD);
    let denied = pushed(&test, &client, &[]);
    assert_eq!(browser.decide(&denied, "deny").parameter("error").as_deref(), Some("access_denied"));
    assert_gone(&authorize(&browser, &denied));
}

fn only_its_client_and_only_in_time(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.authorization.pushed_request_lifetime = std::time::Duration::from_secs(90);
    });
    let (client, other) = (test.public(), test.client(public_members("other")));
    let answer = push(&test, &client, &authorize_query(&client, &[])).json();
    assert_eq!(answer["expires_in"], 90);
    let request_uri = text(&answer["request_uri"]);
    let browser = Browser::new(&test);
    assert_gone(&authorize(&browser, &refer(&other, &request_uri)));
    let mistyped = format!("{}0", &request_uri[..request_uri.len() - 1]);
    if mistyped != request_uri {
        assert_gone(&authorize(&browser, &refer(&client, &mistyped)));
    }
    assert_gone(&authorize(&browser, &refer(&client, "urn:ietf:params:oauth:request_uri:x")));
    let unnamed = authorize(&browser, &format!("request_uri={request_uri}"));
    assert!(unnamed.status == 400 && unnamed.body.contains("client_id"), "{}", unnamed.body);
    // Other forms are not ours: the authorization endpoint refuses them as before.
    let foreign = authorize(&browser, &authorize_query(&client, &[("request_uri", "https://app.example/r")]));
    assert_eq!(foreign.parameter("error").as_deref(), Some("request_uri_not_supported"));
    test.advance(89);
    let late = pushed(&test, &client, &[]);
    assert_eq!(authorize(&browser, &refer(&client, &request_uri)).location().path(), "/login");
    test.advance(90);
    assert_gone(&authorize(&browser, &late));
}

fn people_have_time_once_they_have_come(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let query = pushed(&test, &client, &[]);
    let browser = Browser::new(&test);
    assert_eq!(authorize(&browser, &query).location().path(), "/login");
    test.advance(599);
    assert_eq!(authorize(&browser, &query).location().path(), "/login");
    let answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert!(answer.parameter("code").is_some());
    let slow = pushed(&test, &client, &[("prompt", "login")]);
    browser.get(&format!("/login?{slow}"));
    test.advance(600);
    assert_gone(&authorize(&browser, &slow));
}

fn parameters_beside_it_are_ignored(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let query = pushed(&test, &client, &[("scope", "read")]);
    let beside = "state=other&scope=write&redirect_uri=https%3A%2F%2Fevil.example%2F&response_type=token";
    let answer = authorize(&browser, &format!("{query}&{beside}"));
    assert_eq!(answer.location().as_str().split('?').next(), Some(REDIRECT_URI));
    assert_eq!(answer.parameter("state").as_deref(), Some("a state"));
    let code = answer.parameter("code").unwrap();
    assert_eq!(test.token(&client, &code_parameters(&code)).json()["scope"], "read");
}

fn it_can_be_required(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client =
        test.client(ClientMembers { require_pushed_authorization_requests: Some(true), ..public_members("strict") });
    let lax = test.client(public_members("lax"));
    let everywhere = TestServer::start_on(std::sync::Arc::clone(&test.database), test.clock.clone(), |config| {
        config.authorization.require_pushed_authorization_requests = true;
    });
    for (server, client, refused) in [(&test, &client, true), (&test, &lax, false), (&everywhere, &lax, true)] {
        let browser = Browser::new(server);
        browser.sign_in("", "ada", PASSWORD);
        let answer = authorize(&browser, &authorize_query(client, &[]));
        assert_eq!(answer.parameter("error").as_deref(), refused.then_some("invalid_request"));
        let answer = authorize(&browser, &pushed(server, client, &[]));
        assert!(answer.parameter("code").is_some(), "{answer:?}");
    }
    let metadata = |server: &TestServer| {
        Answer::of(http_client().get(server.url("/.well-known/oauth-authorization-server"))).json()
    };
    assert_eq!(metadata(&test)["require_pushed_authorization_requests"], false);
    assert_eq!(metadata(&everywhere)["require_pushed_authorization_requests"], true);
}

fn methods_and_origins(engine: Engine) {
    let test = TestServer::start(engine);
    let origin = "https://app.example";
    let client = test
        .client(ClientMembers { allowed_origins: Some(vec![Origin::parse(origin).unwrap()]), ..public_members("app") });
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = Answer::of(http_client().request(method, test.url("/oauth/par")));
        assert_eq!(answer.status, 405);
        assert!(answer.header("allow").contains("POST"), "{}", answer.header("allow"));
    }
    for path in ["/oauth/par", "/oauth/device_authorization"] {
        let preflight = http_client().request(Method::OPTIONS, test.url(path)).header("origin", origin);
        assert_eq!(Answer::of(preflight).header("access-control-allow-origin"), origin);
        let posted = http_client().post(test.url(path)).header("origin", origin).form(&[("client_id", &client.id)]);
        assert_eq!(Answer::of(posted).header("access-control-allow-origin"), origin);
    }
}

fn expired_ones_are_purged(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    pushed(&test, &client, &[]);
    assert_eq!(purge(&test.server, &|| true).unwrap(), 0);
    test.advance(61);
    assert_eq!(purge(&test.server, &|| true).unwrap(), 1);
}
