//! Back-Channel Logout: which clients are told, with what, how often, and by whom.

use std::io::Write as _;
use std::sync::Barrier;
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::crypto::jwt::{self, Signed};
use grantor::domain::logout_delivery::{LogoutDelivery, LogoutDeliveryFilter};
use grantor::domain::page::PageRequest;
use grantor::domain::webhook_delivery::DeliveryStatus;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::users::{self, NewPassword};
use grantor::flows::{logout_deliveries, purge};
use grantor::jobs;
use grantor::protocol::signing_alg::SigningAlg;
use serde_json::{Value, json};

use crate::alerts_support::{Received, Receiver};
use crate::logout_support::*;
use crate::support::*;

on_both!(
    every_client_of_the_session_is_told,
    a_client_is_told_by_its_own_algorithm,
    what_failed_is_tried_again_and_given_up,
    whoever_ends_a_session_tells_its_clients,
    what_does_not_end_a_session_tells_nobody,
    private_addresses_are_not_called,
    of_many_threads_one_sends,
    another_instance_sends_what_is_left,
    it_goes_out_at_once,
    a_client_that_fails_rests_with_all_that_waits_for_it,
    clients_that_do_not_answer_hold_up_nobody,
    deliveries_are_seen_and_go,
);

fn start(engine: Engine) -> TestServer {
    TestServer::start_with(engine, |config| config.outbound.danger_allow_private_targets = true)
}

fn told(test: &TestServer, id: &str, receiver: &Receiver) -> TestClient {
    test.client(ClientMembers {
        backchannel_logout_uri: Some(Some(format!("http://{}/logout?client={id}", receiver.address))),
        backchannel_logout_session_required: Some(true),
        ..members(id)
    })
}

fn deliver(test: &TestServer) -> usize {
    logout_deliveries::deliver_due(&test.server, &|| true).unwrap()
}

fn list(test: &TestServer) -> Vec<LogoutDelivery> {
    let page = PageRequest::new(None, None);
    let filter = LogoutDeliveryFilter::default();
    logout_deliveries::list(&test.server, &Caller::command_line(), &filter, &page).unwrap().items
}

/// The logout token of a request, its header, and its claims, verified by the server's published keys.
fn token(test: &TestServer, received: &Received) -> (Value, Value) {
    assert!(received.line.starts_with("POST /logout?client="), "{}", received.line);
    assert_eq!(received.header("content-type"), "application/x-www-form-urlencoded");
    let token = received.body.strip_prefix("logout_token=").unwrap();
    assert!(!token.contains('&'), "nothing else");
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let verified = jwt::verify_as::<Value>("logout+jwt", None, token, (&test.server.keyring(), test.clock.now()));
    let Signed::Claims(claims) = verified else { panic!("not signed by the server") };
    (serde_json::from_slice(&header).unwrap(), *claims)
}

fn every_client_of_the_session_is_told(engine: Engine) {
    let test = start(engine);
    let user = test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[200, 204]);
    let (one, two) = (told(&test, "one", &receiver), told(&test, "two", &receiver));
    let elsewhere = told(&test, "elsewhere", &receiver);
    let silent = test.client(members("silent"));
    let browser = Browser::new(&test);
    for client in [&one, &one, &two, &silent] {
        tokens(&test, &browser, client, "ada", "read offline_access");
    }
    let sid = sid(&test, &user);
    tokens(&test, &Browser::new(&test), &elsewhere, "ada", "read");
    confirm(&browser, "/logout");
    assert_eq!(list(&test).len(), 2, "durable with the end of the session");
    assert_eq!((deliver(&test), deliver(&test)), (2, 0));
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    let now = test.clock.now().timestamp();
    let mut ids = Vec::new();
    for (received, client) in received.iter().zip(["one", "two"]) {
        let (header, claims) = token(&test, received);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
        ids.push(text(&claims["jti"]));
        let expected = json!({
            "iss": test.server.config.server.issuer,
            "sub": user,
            "aud": client,
            "iat": now,
            "exp": now + 120,
            "jti": claims["jti"],
            "sid": sid,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        assert_eq!(claims, expected, "and no nonce");
    }
    assert_ne!(ids[0], ids[1]);
    assert!(list(&test).iter().all(|delivery| delivery.status == DeliveryStatus::Delivered));
}

fn a_client_is_told_by_its_own_algorithm(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[200]);
    let browser = Browser::new(&test);
    for alg in SigningAlg::ALL {
        let client = told(&test, alg.as_str(), &receiver);
        let members = ClientMembers { id_token_signed_response_alg: Some(alg), ..ClientMembers::default() };
        clients::update(&test.server, &Caller::command_line(), &client.id, members).unwrap();
        tokens(&test, &browser, &client, "ada", "read");
    }
    confirm(&browser, "/logout");
    assert_eq!(deliver(&test), 4);
    for received in receiver.received() {
        let (header, claims) = token(&test, &received);
        assert_eq!(header["alg"], claims["aud"]);
    }
}

fn what_failed_is_tried_again_and_given_up(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[500, 400, 302, 201, 200]);
    let client = told(&test, "web", &receiver);
    let browser = Browser::new(&test);
    tokens(&test, &browser, &client, "ada", "read");
    confirm(&browser, "/logout");
    // With up to a fifth more, so that what failed together does not come back together.
    for (attempt, wait) in [6, 360, 2_160, 8_640].into_iter().enumerate() {
        assert_eq!((deliver(&test), deliver(&test)), (1, 0), "attempt {attempt}");
        let delivery = &list(&test)[0];
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, attempt as i64 + 1));
        assert!(delivery.last_error.as_deref().unwrap().starts_with("status "));
        test.advance(wait);
    }
    assert_eq!(deliver(&test), 1);
    assert_eq!(list(&test)[0].status, DeliveryStatus::Delivered);
    let tokens_sent: Vec<_> = receiver.received().iter().map(|received| token(&test, received).1).collect();
    let ids: std::collections::BTreeSet<_> = tokens_sent.iter().map(|claims| text(&claims["jti"])).collect();
    assert_eq!(ids.len(), 5, "a fresh token at each attempt");
    let last = tokens_sent.last().unwrap();
    assert_eq!(last["iat"], test.clock.now().timestamp(), "so that a late one has not expired");
    // One that never answers is given up, which is seen.
    let dead = Receiver::with_statuses(&[500]);
    let client = told(&test, "dead", &dead);
    self::tokens(&test, &browser, &client, "ada", "read");
    confirm(&browser, "/logout");
    for wait in [6, 360, 2_160, 8_640, 21_600, 43_200, 90_000] {
        assert_eq!(deliver(&test), 1);
        test.advance(wait);
    }
    assert_eq!((deliver(&test), dead.received().len()), (0, 7));
    let delivery = &list(&test)[0];
    assert_eq!((delivery.status, delivery.last_error.as_deref()), (DeliveryStatus::Dead, Some("status 500")));
    let events = test.events("logout.not_delivered");
    assert_eq!((events.len(), events[0].target_id.as_deref()), (1, Some("dead")));
    let metrics = test.server.metrics.encode().unwrap();
    assert!(metrics.contains("grantor_logout_delivery_attempts_total{outcome=\"dead\"} 1"), "{metrics}");
    // A client that has taken its address back is not called.
    let gone = Receiver::with_statuses(&[200]);
    let client = told(&test, "gone", &gone);
    self::tokens(&test, &browser, &client, "ada", "read");
    confirm(&browser, "/logout");
    let members = ClientMembers { backchannel_logout_uri: Some(None), ..ClientMembers::default() };
    clients::update(&test.server, &Caller::command_line(), "gone", members).unwrap();
    assert_eq!((deliver(&test), gone.received().len()), (1, 0));
    assert_eq!(list(&test)[0].status, DeliveryStatus::Dead);
}

fn whoever_ends_a_session_tells_its_clients(engine: Engine) {
    let test = start(engine);
    let user = test.user("ada", &[]);
    test.user("bob", &[]);
    let receiver = Receiver::with_statuses(&[200]);
    let client = told(&test, "web", &receiver);
    let caller = Caller::command_line();
    let sign_in = |browser: &Browser<'_>| tokens(&test, browser, &client, "ada", "read offline_access");
    // An operator disables the account: every browser of the user.
    let (one, two) = (Browser::new(&test), Browser::new(&test));
    sign_in(&one);
    sign_in(&two);
    users::set_active(&test.server, &caller, &user, false).unwrap();
    assert_eq!((deliver(&test), list(&test).len()), (2, 2));
    users::set_active(&test.server, &caller, &user, true).unwrap();
    // A new password.
    sign_in(&one);
    let password = NewPassword(zeroize::Zeroizing::new(PASSWORD.to_owned()));
    users::set_password(&test.server, &caller, &user, &password).unwrap();
    assert_eq!((deliver(&test), list(&test).len()), (1, 3));
    // Somebody else signs in over it.
    let form = csrf(&two.get("/login"));
    sign_in(&two);
    two.post("/login", &[("csrf", form.as_str()), ("username", "bob"), ("password", PASSWORD)]).location();
    assert_eq!((deliver(&test), list(&test).len()), (1, 4));
    assert!(list(&test).iter().all(|delivery| delivery.user_id.0 == user));
    let sessions: std::collections::BTreeSet<_> = list(&test).into_iter().map(|delivery| delivery.sid).collect();
    assert_eq!((sessions.len(), receiver.received().len()), (4, 4));
}

fn what_does_not_end_a_session_tells_nobody(engine: Engine) {
    let test = start(engine);
    let user = test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[200]);
    let client = told(&test, "web", &receiver);
    let browser = Browser::new(&test);
    let form = csrf(&browser.get("/login"));
    tokens(&test, &browser, &client, "ada", "read");
    // The same user signs in once more; then the session expires, and its row is purged.
    browser.post("/login", &[("csrf", form.as_str()), ("username", "ada"), ("password", PASSWORD)]).location();
    assert!(list(&test).is_empty());
    test.advance(13 * 3600);
    assert!(!is_signed_in(&browser));
    users::set_active(&test.server, &Caller::command_line(), &user, false).unwrap();
    purge::purge(&test.server, &|| true).unwrap();
    assert!(list(&test).is_empty() && sessions(&test, &user).is_empty());
    // Nor does a request to sign out that nobody confirmed, or that found no session.
    browser.get("/logout");
    confirm(&browser, "/logout");
    assert_eq!((deliver(&test), receiver.received().len()), (0, 0));
}

fn private_addresses_are_not_called(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[200]);
    let id = "web";
    let client = test.client(members(id));
    let mut stored = test.server.store.read(|connection| connection.find_client(id)).unwrap().unwrap();
    let before = stored.updated_at;
    stored.metadata.backchannel_logout_uri = Some(format!("http://{}/logout", receiver.address));
    assert!(test.server.store.write(move |connection| connection.update_client(&stored, before)).unwrap());
    let browser = Browser::new(&test);
    tokens(&test, &browser, &client, "ada", "read");
    confirm(&browser, "/logout");
    assert_eq!((deliver(&test), receiver.received().len()), (1, 0));
    assert_eq!(list(&test)[0].last_error.as_deref(), Some("the URL must be https"));
}

fn of_many_threads_one_sends(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[200]);
    let client = told(&test, "web", &receiver);
    let browser = Browser::new(&test);
    let sibling = test.sibling_with(|config| config.outbound.danger_allow_private_targets = true);
    tokens(&test, &browser, &client, "ada", "read");
    confirm(&browser, "/logout");
    let barrier = Barrier::new(6);
    let made: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|number| {
                let (instance, barrier) = (if number % 2 == 0 { &test } else { &sibling }, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    deliver(instance)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((made, receiver.received().len()), (1, 1));
}

fn another_instance_sends_what_is_left(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[200]);
    let client = told(&test, "web", &receiver);
    let browser = Browser::new(&test);
    tokens(&test, &browser, &client, "ada", "read");
    confirm(&browser, "/logout");
    // The first instance took it and died before it sent.
    let (id, now) = (list(&test)[0].id.clone(), test.clock.now());
    let until = now + Duration::from_secs(120);
    assert!(test.server.store.write(move |connection| connection.lease_logout_delivery(&id, until, now)).unwrap());
    let sibling = test.sibling_with(|config| config.outbound.danger_allow_private_targets = true);
    drop(test);
    assert_eq!(deliver(&sibling), 0, "until the lease has run out");
    sibling.advance(120);
    assert_eq!((deliver(&sibling), receiver.received().len()), (1, 1));
}

fn it_goes_out_at_once(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let (sender, arrived) = mpsc::channel();
    let receiver = Receiver::start(Box::new(move |_, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = sender.send(());
    }));
    let client = told(&test, "web", &receiver);
    let browser = Browser::new(&test);
    tokens(&test, &browser, &client, "ada", "read");
    let running = jobs::start(&test.server).unwrap();
    confirm(&browser, "/logout");
    arrived.recv_timeout(Duration::from_secs(10)).expect("the job sends it by itself");
    drop(running);
}

fn a_client_that_fails_rests_with_all_that_waits_for_it(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[500, 500, 200]);
    let (bad, good) = (told(&test, "bad", &receiver), Receiver::with_statuses(&[200]));
    let good = told(&test, "good", &good);
    let log_out = |client: &TestClient| {
        let browser = Browser::new(&test);
        tokens(&test, &browser, client, "ada", "read");
        confirm(&browser, "/logout");
    };
    (0..3).for_each(|_| log_out(&bad));
    assert_eq!((deliver(&test), receiver.received().len()), (1, 1), "one attempt, not three");
    log_out(&bad);
    log_out(&good);
    assert_eq!((deliver(&test), receiver.received().len()), (1, 1), "the other client's, and nothing new to this one");
    // Two of it have the time of the rest at an instance that knows of no failure, too.
    let sibling = test.sibling_with(|config| config.outbound.danger_allow_private_targets = true);
    test.advance(4);
    let waiting = |now| {
        let due = sibling.server.store.read(move |connection| connection.find_due_logout_delivery(&[], now)).unwrap();
        due.is_some()
    };
    let fresh = list(&test).into_iter().find(|delivery| delivery.status == DeliveryStatus::Pending).unwrap();
    assert_eq!(fresh.attempts, 0);
    assert!(waiting(test.clock.now()), "the one made during the rest");
    test.advance(2);
    // What was never tried goes first; the second failure doubles the rest.
    assert_eq!((deliver(&test), receiver.received().len()), (1, 2));
    assert_eq!(list(&test).iter().filter(|delivery| delivery.attempts == 1).count(), 3, "{:?}", list(&test));
    test.advance(9);
    assert_eq!(deliver(&test), 0);
    test.advance(1);
    assert_eq!((deliver(&test), receiver.received().len()), (4, 6), "it answers: everything goes, one after the other");
    assert!(list(&test).iter().all(|delivery| delivery.status == DeliveryStatus::Delivered));
}

fn clients_that_do_not_answer_hold_up_nobody(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let (arrived, arrivals) = mpsc::channel();
    let gate = std::sync::Arc::new(Barrier::new(3));
    let receivers: Vec<Receiver> = (0..3)
        .map(|_| {
            let (arrived, gate) = (arrived.clone(), gate.clone());
            Receiver::start(Box::new(move |number, stream| {
                if number > 0 {
                    let _ = arrived.send(());
                    gate.wait();
                }
                let _ = write!(stream, "HTTP/1.1 500 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }))
        })
        .collect();
    let answering = Receiver::with_statuses(&[200]);
    let browser = Browser::new(&test);
    for (number, receiver) in receivers.iter().enumerate() {
        tokens(&test, &browser, &told(&test, &format!("silent-{number}"), receiver), "ada", "read");
    }
    confirm(&browser, "/logout");
    assert_eq!(deliver(&test), 3, "each fails once");
    test.advance(10);
    std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| deliver(&test)));
        (0..2).for_each(|_| arrivals.recv_timeout(Duration::from_secs(10)).unwrap());
        // Two wait for an answer. There is a third one due, which must wait; what is for another client goes out.
        assert_eq!(deliver(&test), 0);
        tokens(&test, &browser, &told(&test, "answering", &answering), "ada", "read");
        confirm(&browser, "/logout");
        assert_eq!((deliver(&test), answering.received().len()), (1, 1));
        gate.wait();
        // Whoever is done first goes on with the third one, which nobody lets wait any more.
        arrivals.recv_timeout(Duration::from_secs(10)).unwrap();
        let other = std::sync::Arc::clone(&gate);
        scope.spawn(move || other.wait());
        gate.wait();
        assert_eq!(threads.map(|thread| thread.join().unwrap()).into_iter().sum::<usize>(), 3);
    });
}

fn deliveries_are_seen_and_go(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let receiver = Receiver::with_statuses(&[200, 500]);
    let (one, two) = (told(&test, "one", &receiver), told(&test, "two", &receiver));
    let browser = Browser::new(&test);
    tokens(&test, &browser, &one, "ada", "read");
    tokens(&test, &browser, &two, "ada", "read");
    confirm(&browser, "/logout");
    deliver(&test);
    let (may, may_not) = (test.admin_token("clients:read"), "x");
    let get = |query: &str, token: &str| {
        Answer::of(http_client().get(test.url(&format!("/v1/logout-deliveries{query}"))).bearer_auth(token))
    };
    let clients = |query: &str| -> Vec<String> {
        let answer = get(query, &may);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["items"].as_array().unwrap().iter().map(|item| text(&item["client_id"])).collect()
    };
    assert_eq!(clients(""), ["two", "one"]);
    assert_eq!(clients("?status=delivered"), ["one"]);
    assert_eq!(clients("?client_id=two"), ["two"]);
    let first = get("?limit=1", &may).json();
    assert_eq!(clients(&format!("?cursor={}", text(&first["next_cursor"]))), ["one"]);
    for bad in ["?status=lost", "?cursor=x", "?sid=x"] {
        assert_eq!(get(bad, &may).status, 400, "{bad}");
    }
    assert_eq!(get("", may_not).status, 401);
    test.advance(91 * 86_400);
    purge::purge(&test.server, &|| true).unwrap();
    assert!(list(&test).is_empty());
}
