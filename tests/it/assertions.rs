//! private_key_jwt and client_secret_jwt (RFC 7523, OpenID Connect Core §9).

use std::io::Write as _;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use grantor::domain::client::Status;
use grantor::domain::client_metadata::AssertionAudience;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::purge::purge;
use grantor::protocol::client_auth_method::ClientAuthMethod;
use serde_json::{Value, json};

use crate::alerts_support::Receiver;
use crate::assertions_support::*;
use crate::support::*;

on_both!(
    each_algorithm_works_at_each_endpoint,
    claims_that_are_not_good_are_refused,
    the_audience_is_the_issuer_or_what_is_registered,
    clocks_may_be_ten_seconds_apart,
    an_assertion_is_used_once,
    one_of_eight_callers_wins,
    each_client_keeps_to_its_method,
    the_registration_names_the_algorithm,
    a_secret_that_makes_macs_is_never_sent,
    keys_are_found_by_kid_or_tried,
    published_keys_are_read_and_read_again,
    a_slow_jwks_uri_holds_up_its_own_client_only,
    what_a_jwks_uri_may_answer,
    registrations_that_cannot_work_are_refused,
    failures_are_counted,
    a_disabled_client_is_told_so,
);

/// The refusal, in the RFC's form, with this sentence in it.
#[track_caller]
fn assert_refused(answer: &Answer, sentence: &str) {
    answer.assert_error(401, "invalid_client");
    let description = text(&answer.json()["error_description"]);
    assert!(description.contains(sentence), "{description}");
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"grantor\", charset=\"UTF-8\"");
}

fn each_algorithm_works_at_each_endpoint(engine: Engine) {
    let test = TestServer::start(engine);
    let (rsa, ec, ed) = (Key::rsa(), Key::ec(), Key::ed());
    let made = test.client(key_members("app", Some(jwks(&[(&rsa, None), (&ec, None), (&ed, None)]))));
    assert_eq!(made.secret, None, "there is nothing to keep but the key");
    let secret = test.client(ClientMembers {
        token_endpoint_auth_method: Some(ClientAuthMethod::ClientSecretJwt),
        ..key_members("mac", None)
    });
    let mac = Key::Secret(secret.secret.clone().unwrap().into_bytes());
    let cases = [("RS256", &rsa), ("PS256", &rsa), ("ES256", &ec), ("EdDSA", &ed), ("HS256", &mac)];
    for (alg, key) in cases {
        let id = if alg == "HS256" { "mac" } else { "app" };
        let assertion = || signed(&json!({ "alg": alg }), &assertion_claims(&test, id, &json!({})), key);
        let issued = ask_with(&test, &assertion());
        assert_eq!(issued.status, 200, "{alg}: {}", issued.body);
        let token = text(&issued.json()["access_token"]);
        let active = post_assertion(&test, "/oauth/introspect", &assertion(), &[("token", &token)]);
        assert_eq!((active.status.as_u16(), &active.json()["active"]), (200, &json!(true)), "{alg}");
        // A client_id beside it must be the same (RFC 7521 §4.2).
        let named = [("token", token.as_str()), ("client_id", id)];
        assert_eq!(post_assertion(&test, "/oauth/revoke", &assertion(), &named).status, 200, "{alg}");
        let other = [("token", token.as_str()), ("client_id", if id == "app" { "mac" } else { "app" })];
        assert_refused(&post_assertion(&test, "/oauth/revoke", &assertion(), &other), "client_assertion");
        let query = authorize_query(&TestClient { id: id.to_owned(), secret: None }, &[]);
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let query: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(post_assertion(&test, "/oauth/par", &assertion(), &query).status, 201, "{alg}");
        let device = post_assertion(&test, "/oauth/device_authorization", &assertion(), &[]);
        assert_eq!(device.status, 200, "{alg}: {}", device.body);
    }
}

/// A client `app` with one P-256 key.
fn with_key(test: &TestServer, change: impl FnOnce(&mut ClientMembers)) -> Key {
    let key = Key::ec();
    let mut members = key_members("app", Some(jwks(&[(&key, Some("k1"))])));
    change(&mut members);
    test.client(members);
    key
}

/// What the token endpoint says to an assertion of `app` with these changed claims.
fn say(test: &TestServer, key: &Key, changes: Value) -> Answer {
    ask_with(test, &signed(&json!({ "alg": "ES256", "kid": "k1" }), &assertion_claims(test, "app", &changes), key))
}

fn claims_that_are_not_good_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let key = with_key(&test, |_| ());
    let now = test.clock.now().timestamp();
    assert_eq!(say(&test, &key, json!({})).status, 200);
    for (changes, sentence) in [
        (json!({ "iss": null }), "iss and sub"),
        (json!({ "iss": "other" }), "iss and sub"),
        (json!({ "aud": null }), "aud of the"),
        (json!({ "aud": "https://other.example" }), "aud of the"),
        (json!({ "exp": null }), "must have an exp"),
        (json!({ "exp": now - 10 }), "has expired"),
        (json!({ "exp": now + 611 }), "too far ahead"),
        (json!({ "exp": 1e300 }), "too far ahead"),
        (json!({ "iat": -1e300 }), "not valid yet"),
        (json!({ "jti": null }), "must have a jti"),
        (json!({ "jti": "" }), "must have a jti"),
        (json!({ "jti": "x".repeat(256) }), "must have a jti"),
        (json!({ "exp": "soon" }), "not a signed JWT"),
    ] {
        assert_refused(&say(&test, &key, changes.clone()), sentence);
    }
    // Whoever has no name is nobody; who has another name than the one beside it neither.
    assert_refused(&say(&test, &key, json!({ "sub": null })), "no client credentials");
    assert_refused(&say(&test, &key, json!({ "sub": "nobody" })), "client authentication failed");
    let claims = assertion_claims(&test, "app", &json!({ "sub": null }));
    let unnamed = signed(&json!({ "alg": "ES256" }), &claims, &key);
    let form = [("grant_type", "client_credentials"), ("client_id", "app")];
    assert_refused(&post_assertion(&test, "/oauth/token", &unnamed, &form), "iss and sub");
    let good = signed(&json!({ "alg": "ES256" }), &assertion_claims(&test, "app", &json!({})), &key);
    let bad = format!("{}A.{}", good.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1);
    assert_refused(&ask_with(&test, &bad), "client_assertion");
    assert_refused(&ask_with(&test, "x"), "not a signed JWT");
    assert_refused(&ask_with(&test, &"x".repeat(20_000)), "not a signed JWT");
    let none = good.split('.').nth(1).unwrap();
    assert_refused(&ask_with(&test, &format!("eyJhbGciOiJub25lIn0.{none}.")), "must be signed");
    let other_type = [("grant_type", "client_credentials"), ("client_assertion", good.as_str())];
    for form_type in ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"] {
        let mut form = other_type.to_vec();
        form.push(("client_assertion_type", form_type));
        assert_refused(&Answer::of(http_client().post(test.url("/oauth/token")).form(&form)), "client_assertion_type");
    }
    let twice = [("grant_type", "client_credentials"), ("client_secret", "x")];
    post_assertion(&test, "/oauth/token", &good, &twice).assert_error(400, "invalid_request");
    assert_eq!(ask_with(&test, &good).status, 200, "nothing of all this has used it up");
}

fn the_audience_is_the_issuer_or_what_is_registered(engine: Engine) {
    let test = TestServer::start(engine);
    let key = with_key(&test, |_| ());
    let issuer = test.server.config.server.issuer.clone();
    let (token, par) = (format!("{issuer}/oauth/token"), format!("{issuer}/oauth/par"));
    for aud in [json!([&issuer]), json!(&token), json!(format!("{issuer}/")), json!([])] {
        assert_refused(&say(&test, &key, json!({ "aud": aud })), "aud of the");
    }
    let wider =
        ClientMembers { assertion_audience: Some(AssertionAudience::IssuerOrEndpoint), ..ClientMembers::default() };
    clients::update(&test.server, &Caller::command_line(), "app", wider).unwrap();
    for aud in [json!(&issuer), json!([&issuer]), json!(&token), json!(["https://other.example", &par])] {
        let answer = say(&test, &key, json!({ "aud": aud }));
        assert_eq!(answer.status, 200, "{aud}: {}", answer.body);
    }
    for aud in [json!("https://other.example"), json!([]), json!(format!("{issuer}/v1"))] {
        assert_refused(&say(&test, &key, json!({ "aud": aud })), "aud of the");
    }
}

fn clocks_may_be_ten_seconds_apart(engine: Engine) {
    let test = TestServer::start(engine);
    let key = with_key(&test, |_| ());
    let now = test.clock.now().timestamp();
    for good in [
        json!({ "iat": now + 10 }),
        json!({ "nbf": now + 10 }),
        json!({ "iat": null }),
        json!({ "iat": now - 3600 }),
        json!({ "exp": now - 9 }),
        json!({ "exp": now + 610 }),
        json!({ "exp": now as f64 + 0.5 }),
    ] {
        let answer = say(&test, &key, good.clone());
        assert_eq!(answer.status, 200, "{good}: {}", answer.body);
    }
    for bad in
        [json!({ "iat": now + 11 }), json!({ "nbf": now + 11 }), json!({ "iat": now + 61 }), json!({ "nbf": now + 61 })]
    {
        assert_refused(&say(&test, &key, bad), "not valid yet");
    }
}

fn an_assertion_is_used_once(engine: Engine) {
    let test = TestServer::start(engine);
    let key = with_key(&test, |_| ());
    let twin = Key::ec();
    test.client(key_members("twin", Some(jwks(&[(&twin, None)]))));
    let claims = assertion_claims(&test, "app", &json!({ "jti": "one" }));
    let assertion = signed(&json!({ "alg": "ES256" }), &claims, &key);
    assert_eq!(ask_with(&test, &assertion).status, 200);
    assert_refused(&ask_with(&test, &assertion), "used before");
    assert_refused(&say(&test, &key, json!({ "jti": "one" })), "used before");
    let sibling = test.sibling();
    let there = ask_with(&sibling, &assertion);
    assert_eq!(there.status, 401, "every instance knows, whatever its name is");
    let claims = assertion_claims(&test, "twin", &json!({ "jti": "one" }));
    assert_eq!(ask_with(&test, &signed(&json!({ "alg": "ES256" }), &claims, &twin)).status, 200, "another client's");
    // It is forgotten only once it could not be used any more.
    test.advance(69);
    purge(&test.server, &|| true).unwrap();
    assert_refused(&ask_with(&test, &assertion), "used before");
    test.advance(1);
    assert_refused(&ask_with(&test, &assertion), "has expired");
    test.advance(1);
    purge(&test.server, &|| true).unwrap();
    assert_eq!(say(&test, &key, json!({ "jti": "one" })).status, 200);
}

fn one_of_eight_callers_wins(engine: Engine) {
    let test = TestServer::start(engine);
    let key = with_key(&test, |_| ());
    let claims = assertion_claims(&test, "app", &json!({}));
    let assertion = signed(&json!({ "alg": "ES256" }), &claims, &key);
    let barrier = Barrier::new(8);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            ask_with(&test, &assertion)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_refused(refused, "used before");
    }
}

fn each_client_keeps_to_its_method(engine: Engine) {
    let test = TestServer::start(engine);
    let key = with_key(&test, |_| ());
    let (web, public) = (test.confidential(), test.client(public_members("spa")));
    let other = "registered for another authentication method";
    for id in [&web.id, &public.id] {
        let claims = assertion_claims(&test, id, &json!({}));
        assert_refused(&ask_with(&test, &signed(&json!({ "alg": "ES256" }), &claims, &key)), other);
        let secret = Key::Secret(web.secret.clone().unwrap().into_bytes());
        assert_refused(&ask_with(&test, &signed(&json!({ "alg": "HS256" }), &claims, &secret)), other);
    }
    for secret in [Some("x".to_owned()), None] {
        let impostor = TestClient { id: "app".to_owned(), secret };
        assert_refused(&test.token(&impostor, &[("grant_type", "client_credentials")]), other);
    }
    // RFC 8725 §2.1: the public key is no secret.
    let claims = assertion_claims(&test, "app", &json!({}));
    let public_part = key.jwk(Some("k1")).to_string().into_bytes();
    let confused = signed(&json!({ "alg": "HS256", "kid": "k1" }), &claims, &Key::Secret(public_part));
    assert_refused(&ask_with(&test, &confused), "another algorithm");
}

fn the_registration_names_the_algorithm(engine: Engine) {
    let test = TestServer::start(engine);
    let key = Key::rsa();
    let mut members = key_members("app", Some(jwks(&[(&key, None)])));
    members.token_endpoint_auth_signing_alg = Some(Some("PS256".to_owned()));
    test.client(members);
    let with = |alg: &str| signed(&json!({ "alg": alg }), &assertion_claims(&test, "app", &json!({})), &key);
    assert_eq!(ask_with(&test, &with("PS256")).status, 200);
    assert_refused(&ask_with(&test, &with("RS256")), "another algorithm");
}

fn a_secret_that_makes_macs_is_never_sent(engine: Engine) {
    let test = TestServer::start(engine);
    let members = |secret: Option<&str>| ClientMembers {
        token_endpoint_auth_method: Some(ClientAuthMethod::ClientSecretJwt),
        client_secret: secret.map(str::to_owned),
        ..key_members("mac", None)
    };
    let create = |secret| clients::create(&test.server, &Caller::command_line(), members(secret));
    assert!(format!("{:?}", create(Some("only 31 characters, one too few")).err()).contains("32 to 256"));
    let brought = "a secret of 32 characters or mor";
    let made = TestClient::from(create(Some(brought)).map_err(|error| format!("{error:?}")).unwrap());
    assert_eq!(made.secret.as_deref(), Some(brought));
    let with = |secret: &str| {
        let claims = assertion_claims(&test, "mac", &json!({}));
        ask_with(&test, &signed(&json!({ "alg": "HS256" }), &claims, &Key::Secret(secret.as_bytes().to_vec())))
    };
    assert_eq!(with(brought).status, 200);
    let now = test.clock.now();
    let rows = test.server.store.read(|connection| connection.find_live_client_secrets("mac", now)).unwrap();
    let sealed = rows[0].sealed.clone().unwrap();
    assert!(!sealed.windows(8).any(|part| brought.as_bytes().starts_with(part)), "stored sealed");
    let web = test.confidential();
    let rows = test.server.store.read(|connection| connection.find_live_client_secrets(&web.id, now)).unwrap();
    assert!(rows.iter().all(|row| row.sealed.is_none()), "only where it is needed");
    assert_refused(&with("another secret of 32 characters!"), "signature");
    // Sent, it proves nothing, at no door.
    assert_refused(&test.token(&made, &[("grant_type", "client_credentials")]), "another authentication method");
    let caller = web;
    let asked = json!({ "client_id": "mac", "client_secret": brought });
    let request =
        http_client().post(test.url("/v1/verify")).basic_auth(&caller.id, caller.secret.as_ref()).json(&asked);
    assert_eq!(Answer::of(request).json()["code"], "unknown");
    // A rotation overlaps as others do.
    let rotated = clients::rotate_secret(&test.server, &Caller::command_line(), "mac", 60).unwrap_or_else(|_| panic!());
    let new = rotated.client_secret.unwrap();
    assert_eq!((with(brought).status.as_u16(), with(&new).status.as_u16()), (200, 200));
    test.advance(60);
    assert_refused(&with(brought), "signature");
    assert_eq!(with(&new).status, 200);
}

fn keys_are_found_by_kid_or_tried(engine: Engine) {
    let test = TestServer::start(engine);
    let (first, second, nameless, foreign) = (Key::ec(), Key::ec(), Key::ed(), Key::ec());
    let set = jwks(&[(&first, Some("a")), (&second, Some("b")), (&nameless, None)]);
    test.client(key_members("app", Some(set)));
    let with =
        |header: Value, key: &Key| ask_with(&test, &signed(&header, &assertion_claims(&test, "app", &json!({})), key));
    for (header, key) in [
        (json!({ "alg": "ES256", "kid": "a" }), &first),
        (json!({ "alg": "ES256", "kid": "b" }), &second),
        (json!({ "alg": "ES256" }), &first),
        (json!({ "alg": "ES256" }), &second),
        (json!({ "alg": "EdDSA" }), &nameless),
        (json!({ "alg": "EdDSA", "kid": "c" }), &nameless),
    ] {
        assert_eq!(with(header.clone(), key).status, 200, "{header}");
    }
    assert_refused(&with(json!({ "alg": "ES256", "kid": "b" }), &first), "signature");
    assert_refused(&with(json!({ "alg": "ES256" }), &foreign), "signature");
    assert_refused(&with(json!({ "alg": "ES256", "kid": "c" }), &first), "no key that fits");
    assert_refused(&with(json!({ "alg": "RS256" }), &Key::rsa()), "no key that fits");
}

fn published_keys_are_read_and_read_again(engine: Engine) {
    let (old, new) = (Key::ec(), Key::ec());
    let document = Arc::new(Mutex::new((200, jwks(&[(&old, Some("old"))]).to_string())));
    let receiver = publisher(&document);
    let test = TestServer::start_with(engine, |config| config.outbound.danger_allow_private_targets = true);
    let mut members = key_members("app", None);
    members.jwks_uri = Some(Some(format!("http://{}/keys", receiver.address)));
    test.client(members);
    let with = |kid: &str, key: &Key| {
        let claims = assertion_claims(&test, "app", &json!({}));
        ask_with(&test, &signed(&json!({ "alg": "ES256", "kid": kid }), &claims, key))
    };
    assert_eq!((with("old", &old).status.as_u16(), with("old", &old).status.as_u16()), (200, 200));
    assert_eq!(receiver.received().len(), 1, "read once");
    assert_eq!(receiver.received()[0].line, "GET /keys HTTP/1.1");
    // A key that is not known may be new, and works at once; but three readings in 30 seconds are all.
    document.lock().unwrap().1 = jwks(&[(&new, Some("new"))]).to_string();
    assert_eq!(with("new", &new).status, 200);
    assert_eq!(receiver.received().len(), 2);
    for _ in 0..3 {
        assert_refused(&with("old", &old), "no key that fits");
    }
    assert_eq!(receiver.received().len(), 3);
    document.lock().unwrap().1 = jwks(&[(&old, Some("old")), (&new, Some("new"))]).to_string();
    assert_refused(&with("old", &old), "no key that fits");
    test.advance(30);
    assert_eq!(with("old", &old).status, 200);
    assert_eq!(receiver.received().len(), 4);
    // A wrong signature with a known kid is no reason to read anything.
    test.advance(30);
    assert_refused(&with("new", &old), "signature");
    assert_eq!(receiver.received().len(), 4);
    // What was withdrawn ends within ten minutes, though nobody asks for another key.
    document.lock().unwrap().1 = jwks(&[]).to_string();
    test.advance(600);
    assert_refused(&with("new", &new), "no key that fits");
    assert_eq!(receiver.received().len(), 6, "once for its age and once more for the key");
}

fn a_slow_jwks_uri_holds_up_its_own_client_only(engine: Engine) {
    let key = Key::ec();
    let (arrived, arrivals) = std::sync::mpsc::channel();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let set = jwks(&[(&key, None)]).to_string();
    let body = set.clone();
    let slow = Receiver::start(Box::new(move |_, stream| {
        let _ = arrived.send(());
        let _ = gate.recv();
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    }));
    let quick = publisher(&Arc::new(Mutex::new((200, set))));
    let test = TestServer::start_with(engine, |config| config.outbound.danger_allow_private_targets = true);
    for (id, receiver) in [("slow", &slow), ("quick", &quick)] {
        let mut members = key_members(id, None);
        members.jwks_uri = Some(Some(format!("http://{}/keys", receiver.address)));
        test.client(members);
    }
    let ask = |id: &str| {
        let claims = assertion_claims(&test, id, &json!({}));
        ask_with(&test, &signed(&json!({ "alg": "ES256" }), &claims, &key))
    };
    std::thread::scope(|scope| {
        let asking = [(); 12].map(|()| scope.spawn(|| ask("slow")));
        arrivals.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(ask("quick").status, 200);
        // Four of the twelve find no place, and their answers are the first.
        while asking.iter().filter(|asking| asking.is_finished()).count() < 4 {
            std::thread::yield_now();
        }
        open.send(()).unwrap();
        let answers = asking.map(|asking| asking.join().unwrap());
        let busy: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
        assert_eq!(busy.len(), 4);
        for answer in busy {
            assert_eq!((answer.status.as_u16(), answer.header("retry-after").is_empty()), (503, false));
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
        }
    });
    assert_eq!(slow.received().len(), 1);
}

fn what_a_jwks_uri_may_answer(engine: Engine) {
    let key = Key::ec();
    let good = jwks(&[(&key, None)]).to_string();
    let document = Arc::new(Mutex::new((200, good.clone())));
    let receiver = publisher(&document);
    let test = TestServer::start_with(engine, |config| config.outbound.danger_allow_private_targets = true);
    let mut members = key_members("app", None);
    members.jwks_uri = Some(Some(format!("http://{}/keys", receiver.address)));
    test.client(members);
    let ask = || {
        let claims = assertion_claims(&test, "app", &json!({}));
        ask_with(&test, &signed(&json!({ "alg": "ES256" }), &claims, &key))
    };
    let private = json!({ "keys": [{ "kty": "EC", "d": "x" }] }).to_string();
    let large = format!("{good}{}", " ".repeat(64 * 1024));
    for (number, (status, body)) in [
        (500, good.clone()),
        (302, String::new()),
        (200, "x".to_owned()),
        (200, "[]".to_owned()),
        (200, private),
        (200, large),
    ]
    .into_iter()
    .enumerate()
    {
        *document.lock().unwrap() = (status, body);
        assert_refused(&ask(), "cannot be read from its jwks_uri");
        assert_refused(&ask(), "cannot be read from its jwks_uri");
        assert_eq!(receiver.received().len(), number + 1, "a failure is not repeated at once");
        test.advance(30);
    }
    *document.lock().unwrap() = (200, good);
    assert_eq!(ask().status, 200);
    // While it does not answer, what is known goes on for an hour.
    *document.lock().unwrap() = (500, String::new());
    test.advance(3_599);
    assert_eq!(ask().status, 200);
    test.advance(30);
    assert_refused(&ask(), "cannot be read from its jwks_uri");
}

fn registrations_that_cannot_work_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let key = Key::ec();
    let set = jwks(&[(&key, None)]);
    let create = |change: &dyn Fn(&mut ClientMembers)| {
        let mut members = key_members("app", Some(set.clone()));
        change(&mut members);
        let made = clients::create(&test.server, &Caller::command_line(), members);
        format!("{:?}", made.err().unwrap())
    };
    let uri = |uri: &str| Some(Some(uri.to_owned()));
    let mut secret = set.clone();
    secret["keys"][0]["d"] = json!("x");
    for (refusal, sentence) in [
        (create(&|members| members.jwks = None), "needs jwks"),
        (create(&|members| members.jwks = Some(Some(json!({ "keys": [] })))), "needs jwks"),
        (create(&|members| members.jwks = Some(Some(json!({})))), "must be a JWK Set"),
        (create(&|members| members.jwks = Some(Some(secret.clone()))), "public keys only"),
        (create(&|members| members.jwks_uri = uri("https://app.example/keys")), "exclude each other"),
        (create(&|members| (members.jwks, members.jwks_uri) = (None, uri("http://app.example/keys"))), "https"),
        (create(&|members| (members.jwks, members.jwks_uri) = (None, uri("https://127.0.0.1/keys"))), "not public"),
        (create(&|members| members.token_endpoint_auth_signing_alg = uri("HS256")), "RS256, PS256, ES256 or EdDSA"),
        (create(&|members| members.token_endpoint_auth_signing_alg = uri("none")), "RS256, PS256, ES256 or EdDSA"),
        (create(&|members| members.client_secret = Some("a secret, brought along".to_owned())), "no client_secret"),
        (create(&|members| members.grant_types = confidential_members("x").grant_types), "nothing to enter"),
        (
            create(&|members| {
                members.token_endpoint_auth_method = Some(ClientAuthMethod::ClientSecretJwt);
                members.token_endpoint_auth_signing_alg = uri("RS256");
            }),
            "HS256 for client_secret_jwt",
        ),
    ] {
        assert!(refusal.contains(sentence), "{refusal}");
    }
    test.client(key_members("app", Some(set)));
    let caller = Caller::command_line();
    let rotated = clients::rotate_secret(&test.server, &caller, "app", 0);
    assert!(format!("{:?}", rotated.err()).contains("has no secret"));
    for method in [ClientAuthMethod::ClientSecretBasic, ClientAuthMethod::ClientSecretJwt] {
        let edit = ClientMembers { token_endpoint_auth_method: Some(method), ..ClientMembers::default() };
        assert!(
            format!("{:?}", clients::update(&test.server, &caller, "app", edit).err()).contains("register another")
        );
    }
    test.confidential();
    let post = ClientMembers {
        token_endpoint_auth_method: Some(ClientAuthMethod::ClientSecretPost),
        ..ClientMembers::default()
    };
    assert!(clients::update(&test.server, &caller, "web", post).is_ok());
}

fn failures_are_counted(engine: Engine) {
    let receiver = crate::alerts_support::Receiver::with_statuses(&[200]);
    let test = TestServer::start_with(engine, |config| {
        crate::alerts_support::ops(config, receiver.address);
        config.alerts.failed_authentications = 3;
    });
    let key = with_key(&test, |_| ());
    for _ in 0..3 {
        assert_refused(&say(&test, &key, json!({ "iss": "other" })), "iss and sub");
    }
    assert_eq!(grantor::flows::alerts::raise_queued(&test.server).unwrap(), 2, "client and address");
}

fn a_disabled_client_is_told_so(engine: Engine) {
    let test = TestServer::start(engine);
    let key = with_key(&test, |_| ());
    clients::set_status(&test.server, &Caller::command_line(), "app", Status::Inactive).unwrap();
    assert_refused(&say(&test, &key, json!({})), "this client is disabled");
}
