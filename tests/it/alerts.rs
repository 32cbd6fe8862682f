//! Alerts are said once, signed, delivered at least once and never to where they must not go.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use grantor::config::HiddenText;
use grantor::config::alerts::Texts;
use grantor::domain::alert::{AlertFilter, AlertRule};
use grantor::domain::page::PageRequest;
use grantor::domain::webhook_delivery::DeliveryStatus;
use grantor::flows::Server;
use grantor::flows::alerts;
use grantor::flows::caller::Caller;
use grantor::flows::purge::purge;
use grantor::outbound::client::{HttpClient, check_target};
use grantor::outbound::trust::TrustedRoots;
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use crate::alerts_support::*;
use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(
    an_alert_arrives_signed,
    both_secrets_sign_while_one_is_replaced,
    a_failed_delivery_is_tried_again_until_it_is_dead,
    gone_is_dead_at_once,
    the_same_is_not_said_again_within_the_cooldown,
    of_two_instances_one_speaks_and_one_delivers,
    a_lost_lease_runs_out,
    an_endpoint_gets_only_what_it_wants,
    many_failed_authentications_raise_alerts,
    a_webhook_is_tried_by_the_api,
    lists_are_filtered_and_refuse_what_they_do_not_know,
    mail_is_sent_and_a_refused_one_is_tried_again,
    alerts_are_removed_in_time,
    the_jobs_carry_an_alert_from_the_queue_to_its_endpoint,
);

fn started(engine: Engine, receiver: &Receiver) -> TestServer {
    TestServer::start_with(engine, |config| ops(config, receiver.address))
}

/// Signs as Standard Webhooks describes it, without the code under test.
fn expected_signature(secret: &str, received: &Received) -> String {
    let octets = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let signed =
        format!("{}.{}.{}", received.header("webhook-id"), received.header("webhook-timestamp"), received.body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &octets), signed.as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

fn all_alerts(test: &TestServer) -> Vec<grantor::domain::alert::Alert> {
    let page = PageRequest::new(None, Some(200));
    alerts::list(&test.server, &Caller::command_line(), &AlertFilter::default(), &page).unwrap().items
}

fn an_alert_arrives_signed(engine: Engine) {
    let receiver = Receiver::with_statuses(&[204]);
    let test = started(engine, &receiver);
    assert!(alerts::raise(&test.server, &alert(&test, "web")));
    assert_eq!(deliver(&test), 1);
    let [received] = receiver.received().try_into().unwrap();
    assert_eq!(received.line, "POST /hook HTTP/1.1");
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("webhook-timestamp"), start_time().timestamp().to_string());
    assert_eq!(received.header("webhook-signature"), expected_signature(SECRET, &received));
    let body = received.json();
    assert_eq!((&body["type"], &body["timestamp"]), (&json!("alert.error_share"), &json!("2026-01-01T12:00:00Z")));
    assert_eq!(body["data"]["subject"], json!({ "kind": "client", "id": "web" }));
    assert_eq!(body["data"]["detail"], json!({ "requests": 100, "errors": 6 }));
    assert_eq!(received.header("webhook-id"), format!("msg_{}", text(&body["data"]["alert_id"])));
    let [delivery] = deliveries(&test).try_into().unwrap();
    assert_eq!((delivery.status, delivery.attempts, delivery.last_error), (DeliveryStatus::Delivered, 1, None));
    assert_eq!(delivery.finished_at, Some(start_time()));
    assert_eq!(deliver(&test), 0, "once is enough");
    assert_eq!(all_alerts(&test)[0].rule, AlertRule::ErrorShare);
}

fn both_secrets_sign_while_one_is_replaced(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200]);
    let test = TestServer::start_with(engine, |config| {
        ops(config, receiver.address);
        config.webhooks.0.get_mut("ops").unwrap().old_secret = Some(HiddenText(OLD_SECRET.to_owned()));
    });
    alerts::raise(&test.server, &alert(&test, "web"));
    deliver(&test);
    let [received] = receiver.received().try_into().unwrap();
    let both = [SECRET, OLD_SECRET].map(|secret| expected_signature(secret, &received)).join(" ");
    assert_eq!(received.header("webhook-signature"), both);
}

fn a_failed_delivery_is_tried_again_until_it_is_dead(engine: Engine) {
    let receiver = Receiver::with_statuses(&[500, 301, 400, 503, 429, 500, 500, 200]);
    let test = started(engine, &receiver);
    alerts::raise(&test.server, &alert(&test, "web"));
    assert_eq!(deliver(&test), 1);
    for (number, wait) in [5_u64, 300, 1_800, 7_200, 18_000, 36_000].into_iter().enumerate() {
        let delivery = deliveries(&test).remove(0);
        assert_eq!(delivery.status, DeliveryStatus::Pending);
        assert_eq!(delivery.attempts, i64::try_from(number).unwrap() + 1);
        let due = (delivery.next_attempt_at - test.clock.now()).num_seconds();
        let wait = i64::try_from(wait).unwrap();
        assert!((wait..=wait * 6 / 5).contains(&due), "{due} for {wait}");
        test.advance(u64::try_from(due).unwrap().saturating_sub(1));
        assert_eq!(deliver(&test), 0, "not yet");
        test.advance(2);
        assert_eq!(deliver(&test), 1);
    }
    let dead = deliveries(&test).remove(0);
    assert_eq!((dead.status, dead.attempts), (DeliveryStatus::Dead, 7));
    assert_eq!(dead.last_error.as_deref(), Some("status 500"));
    test.advance(400_000);
    assert_eq!(deliver(&test), 0);
    // By hand it is tried afresh, and is the same message.
    let again = alerts::resend(&test.server, &Caller::command_line(), &dead.id).unwrap();
    assert_eq!((again.status, again.attempts), (DeliveryStatus::Pending, 0));
    let twice = alerts::resend(&test.server, &Caller::command_line(), &dead.id);
    assert!(format!("{twice:?}").contains("pending already"));
    assert_eq!(deliver(&test), 1);
    assert_eq!(deliveries(&test)[0].status, DeliveryStatus::Delivered);
    let received = receiver.received();
    assert_eq!(received.len(), 8);
    assert!(received.iter().all(|one| one.header("webhook-id") == received[0].header("webhook-id")));
    assert!(received.iter().all(|one| one.header("webhook-signature") == expected_signature(SECRET, one)));
    assert_eq!(test.events("webhook_delivery.resent").len(), 1);
}

fn gone_is_dead_at_once(engine: Engine) {
    let receiver = Receiver::with_statuses(&[410]);
    let test = started(engine, &receiver);
    alerts::raise(&test.server, &alert(&test, "web"));
    deliver(&test);
    let delivery = deliveries(&test).remove(0);
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Dead, 1));
}

fn the_same_is_not_said_again_within_the_cooldown(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200]);
    let test = started(engine, &receiver);
    assert!(alerts::raise(&test.server, &alert(&test, "web")));
    assert!(alerts::raise(&test.server, &alert(&test, "app")), "another subject");
    assert!(alerts::raise(&test.server, &alert(&test, "web").apart_by("x")), "told apart");
    test.advance(3_599);
    assert!(!alerts::raise(&test.server, &alert(&test, "web")));
    test.advance(1);
    assert!(alerts::raise(&test.server, &alert(&test, "web")));
    assert!(!alerts::raise(&test.server, &alert(&test, "web")));
    let long = alert(&test, "long").silent_until(test.clock.now() + Duration::from_secs(86_400));
    assert!(alerts::raise(&test.server, &long));
    test.advance(86_399);
    assert!(!alerts::raise(&test.server, &alert(&test, "long")));
    assert_eq!(all_alerts(&test).len(), 5);
}

fn of_two_instances_one_speaks_and_one_delivers(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200]);
    let one = started(engine, &receiver);
    let database = Arc::clone(&one.database);
    let two = TestServer::start_on(database, one.clock.clone(), |config| ops(config, receiver.address));
    let said = AtomicUsize::new(0);
    let on_both_at_once = |work: &(dyn Fn(&Server) + Sync)| {
        std::thread::scope(|scope| {
            for test in [&one, &two, &one, &two] {
                scope.spawn(|| work(&test.server));
            }
        });
    };
    for round in 0..5 {
        // A new key, and then one whose silence is over.
        one.advance(3_600);
        for id in ["web", &format!("client-{round}")] {
            let alert = alert(&one, id);
            on_both_at_once(&|server| {
                said.fetch_add(usize::from(alerts::raise(server, &alert)), Ordering::SeqCst);
            });
        }
        on_both_at_once(&|server| {
            alerts::deliver_due(server, &|| true).unwrap();
        });
    }
    assert_eq!(said.load(Ordering::SeqCst), 10);
    assert_eq!(all_alerts(&one).len(), 10);
    let mut ids: Vec<_> = receiver.received().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), receiver.received().len()), (10, 10));
}

fn a_lost_lease_runs_out(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200]);
    let test = started(engine, &receiver);
    alerts::raise(&test.server, &alert(&test, "web"));
    let (id, now) = (deliveries(&test)[0].id.clone(), test.clock.now());
    // An instance leases it and dies.
    let lease = now + Duration::from_secs(120);
    let (leased, again) = test
        .server
        .store
        .write(move |connection| {
            let leased = connection.lease_webhook_delivery(&id, lease, now)?;
            Ok((leased, connection.lease_webhook_delivery(&id, lease, now)?))
        })
        .unwrap();
    assert!(leased && !again);
    test.advance(119);
    assert_eq!(deliver(&test), 0);
    test.advance(1);
    assert_eq!(deliver(&test), 1);
    assert_eq!(deliveries(&test)[0].attempts, 2);
}

fn an_endpoint_gets_only_what_it_wants(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200]);
    let test = TestServer::start_with(engine, |config| {
        ops(config, receiver.address);
        let mut other = config.webhooks.0["ops"].clone();
        other.events = Texts(vec!["alert.volume".to_owned()]);
        config.webhooks.0.insert("other".to_owned(), other);
    });
    alerts::raise(&test.server, &alert(&test, "web"));
    let endpoints: Vec<_> = deliveries(&test).into_iter().map(|delivery| delivery.endpoint).collect();
    assert_eq!(endpoints, ["ops"]);
}

fn many_failed_authentications_raise_alerts(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200]);
    let test = TestServer::start_with(engine, |config| {
        ops(config, receiver.address);
        config.alerts.failed_authentications = 3;
        config.login.failures_per_account = 4;
    });
    let ada = test.user("ada", &[]);
    let client = test.confidential();
    let wrong = TestClient { secret: Some("wrong".to_owned()), ..client.clone() };
    for _ in 0..2 {
        test.token(&wrong, &[("grant_type", "client_credentials")]).assert_error(401, "invalid_client");
    }
    assert_eq!(alerts::raise_queued(&test.server).unwrap(), 0);
    for _ in 0..4 {
        test.token(&wrong, &[("grant_type", "client_credentials")]).assert_error(401, "invalid_client");
    }
    assert_eq!(alerts::raise_queued(&test.server).unwrap(), 2, "client and address; the sixth is silent");
    let log_in = |name: &str| {
        let parameters = [("grant_type", "password"), ("username", name), ("password", "not the password")];
        test.token(&client, &parameters).status
    };
    for _ in 0..5 {
        log_in("ada");
    }
    for _ in 0..3 {
        log_in("hunter2-typed-into-the-wrong-field");
    }
    // The account, and that it is now refused for a while; the address is silent.
    assert_eq!(alerts::raise_queued(&test.server).unwrap(), 2);
    let mut about: Vec<_> = all_alerts(&test)
        .into_iter()
        .map(|alert| (alert.subject_kind, alert.subject_id, alert.detail["throttled"] == json!(true)))
        .collect();
    about.sort();
    let row = |kind: &str, id: &str, throttled| (kind.to_owned(), id.to_owned(), throttled);
    assert_eq!(
        about,
        [
            row("address", "127.0.0.1", false),
            row("client", "web", false),
            row("user", &ada, false),
            row("user", &ada, true)
        ]
    );
    while deliver(&test) > 0 {}
    assert_eq!(receiver.received().len(), 4);
    let sent = format!("{:?}", receiver.received());
    assert!(!sent.contains("hunter2") && !sent.contains("not the password") && !sent.contains("wrong"));
}

fn a_webhook_is_tried_by_the_api(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200, 500]);
    let test = started(engine, &receiver);
    let token = test.admin_token("alerts:read alerts:write");
    let post = |path: &str| Answer::of(http_client().post(test.url(path)).bearer_auth(&token));
    let tried = post("/v1/webhooks/ops/test").json();
    assert_eq!((&tried["status"], &tried["event_type"]), (&json!("delivered"), &json!("alert.test")));
    assert_eq!(receiver.received()[0].json()["type"], "alert.test");
    let failed = post("/v1/webhooks/ops/test").json();
    assert_eq!((&failed["status"], &failed["last_error"]), (&json!("pending"), &json!("status 500")));
    assert_eq!(post("/v1/webhooks/nobody/test").status, StatusCode::NOT_FOUND);
    assert_eq!(post("/v1/webhook-deliveries/nothing/resend").status, StatusCode::NOT_FOUND);
    let resent = post(&format!("/v1/webhook-deliveries/{}/resend", text(&tried["id"])));
    assert_eq!((resent.status, &resent.json()["status"]), (StatusCode::OK, &json!("pending")));
    let again = post(&format!("/v1/webhook-deliveries/{}/resend", text(&tried["id"])));
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(test.events("webhook.tested").len(), 2);
}

fn lists_are_filtered_and_refuse_what_they_do_not_know(engine: Engine) {
    let receiver = Receiver::with_statuses(&[410, 200]);
    let test = started(engine, &receiver);
    let token = test.admin_token("alerts:read alerts:write");
    let get = |path: &str| Answer::of(http_client().get(test.url(path)).bearer_auth(&token));
    let items = |path: &str| get(path).json()["items"].as_array().unwrap().clone();
    for id in ["one", "two", "three"] {
        alerts::raise(&test.server, &alert(&test, id));
        test.advance(1);
    }
    while deliver(&test) > 0 {}
    let subjects = |items: Vec<Value>| items.iter().map(|item| text(&item["subject_id"])).collect::<Vec<_>>();
    assert_eq!(subjects(items("/v1/alerts")), ["three", "two", "one"]);
    assert_eq!(subjects(items("/v1/alerts?subject_id=two&rule=error_share")), ["two"]);
    assert_eq!(subjects(items("/v1/alerts?since=2026-01-01T12:00:01Z&until=2026-01-01T12:00:02Z")), ["two"]);
    assert!(items("/v1/alerts?rule=volume").is_empty());
    let first = get("/v1/alerts?limit=2").json();
    let rest = items(&format!("/v1/alerts?limit=2&cursor={}", text(&first["next_cursor"])));
    assert_eq!(subjects(rest), ["one"]);
    let [dead] = items("/v1/webhook-deliveries?status=dead").try_into().unwrap();
    assert_eq!(dead["last_error"], "status 410");
    assert_eq!(items("/v1/webhook-deliveries?status=delivered&endpoint=ops").len(), 2);
    let of_alert = format!("/v1/webhook-deliveries?alert_id={}", text(&dead["alert_id"]));
    assert_eq!(items(&of_alert), [dead]);
    for bad in [
        "/v1/alerts?rule=nothing",
        "/v1/alerts?since=yesterday",
        "/v1/alerts?cursor=1",
        "/v1/alerts?status=dead",
        "/v1/alerts?limit=0",
        "/v1/webhook-deliveries?status=lost",
        "/v1/webhook-deliveries?cursor=x",
        "/v1/webhook-deliveries?rule=volume",
        "/v1/webhook-deliveries?status=dead&status=dead",
    ] {
        assert_eq!(get(bad).status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

fn mail_is_sent_and_a_refused_one_is_tried_again(engine: Engine) {
    let (taking, refusing) = (MailServer::start(None), MailServer::start(Some("550 no such person here")));
    let start = |address: SocketAddr| {
        TestServer::start_with(engine, |config| {
            config.mail.smtp_url = Some(HiddenText(format!("smtp://{address}")));
            config.mail.from = Some("grantor@example.com".to_owned());
            config.mail.to = Texts(["a@example.com", "b@example.com"].map(str::to_owned).to_vec());
            config.mail.danger_plain_smtp = true;
        })
    };
    let test = start(taking.address);
    alerts::raise(&test.server, &alert(&test, "web\r\nBcc: x"));
    assert_eq!(deliver(&test), 1);
    assert_eq!(deliveries(&test)[0].status, DeliveryStatus::Delivered);
    let [mail] = taking.mails().try_into().unwrap();
    for part in ["MAIL FROM:<grantor@example.com>", "RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    assert!(mail.contains("Subject: [grantor] Many requests fail: client web??Bcc: x\r\n"), "{mail}");
    let (_, body) = mail.split_once("\r\n\r\n").unwrap();
    let encoded: String = body.lines().collect();
    let body = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    assert!(body.contains("\"errors\": 6"), "{body}");
    let test = start(refusing.address);
    alerts::raise(&test.server, &alert(&test, "web"));
    assert_eq!(deliver(&test), 1);
    let delivery = deliveries(&test).remove(0);
    assert_eq!(delivery.status, DeliveryStatus::Pending);
    assert_eq!(delivery.last_error.as_deref(), Some("the mail server answered 550"));
}

fn alerts_are_removed_in_time(engine: Engine) {
    let receiver = Receiver::with_statuses(&[200]);
    let test = started(engine, &receiver);
    alerts::raise(&test.server, &alert(&test, "web"));
    test.advance(90 * 86_400);
    alerts::raise(&test.server, &alert(&test, "web"));
    purge(&test.server, &|| true).unwrap();
    assert_eq!((all_alerts(&test).len(), deliveries(&test).len()), (2, 2), "it has only just become due");
    test.advance(1);
    purge(&test.server, &|| true).unwrap();
    assert_eq!((all_alerts(&test).len(), deliveries(&test).len()), (1, 1));
    assert!(!alerts::raise(&test.server, &alert(&test, "web")), "a silence that holds is kept");
}

/// A client whose names resolve to this.
fn resolving_to(addresses: &'static [&'static str], allow_private: bool) -> HttpClient {
    let roots = TrustedRoots::load(None).unwrap();
    let lookup =
        move |_: &str, port| Ok(addresses.iter().map(|text| SocketAddr::new(text.parse().unwrap(), port)).collect());
    HttpClient::with_lookup(&roots, allow_private, Arc::new(lookup))
}

#[test]
fn names_that_lead_inside_are_not_called() {
    let url = Url::parse("https://inside.example/hook").unwrap();
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.7"],
        &["169.254.169.254"],
        &["100.64.0.1"],
        &["0.0.0.0"],
        &["224.0.0.1"],
        &["::1"],
        &["fd00::1"],
        &["fe80::1"],
        &["::ffff:192.168.0.1"],
        &["64:ff9b::127.0.0.1"],
        &["2002:a9fe:a9fe::"],
        &["1.1.1.1", "127.0.0.1"],
    ] {
        let error = resolving_to(addresses, false).post_json(&url, &[], "{}").unwrap_err().to_string();
        assert_eq!(error, "the name has an address that may not be called", "{addresses:?}");
    }
    // The system's own way to resolve passes through the same guard, without a connection being made.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let client = HttpClient::new(&TrustedRoots::load(None).unwrap(), false);
    let port = listener.local_addr().unwrap().port();
    let local = Url::parse(&format!("https://localhost:{port}/")).unwrap();
    assert!(client.post_json(&local, &[], "{}").unwrap_err().to_string().contains("may not be called"));
    assert!(listener.accept().is_err(), "nobody came");
    assert_eq!(resolving_to(&[], false).post_json(&url, &[], "{}").unwrap_err().to_string(), "the name has no address");
}

#[test]
fn addresses_schemes_and_credentials_are_looked_at_first() {
    for (url, private) in [
        ("https://127.0.0.1/", false),
        ("https://[::1]/", false),
        ("https://169.254.169.254/latest", false),
        ("https://2130706433/", false),
        ("https://0x7f.1/", false),
        ("https://[::ffff:10.0.0.1]/", false),
        ("http://example.com/", false),
        ("ftp://example.com/", true),
        ("file:///etc/passwd", true),
        ("https://user:password@example.com/", true),
        ("https://user@example.com/", false),
    ] {
        assert!(check_target(&Url::parse(url).unwrap(), private).is_err(), "{url}");
    }
    for (url, private) in
        [("https://example.com:8443/x?y=z", false), ("http://127.0.0.1:9/", true), ("https://1.1.1.1/", false)]
    {
        assert!(check_target(&Url::parse(url).unwrap(), private).is_ok(), "{url}");
    }
    // Plain http never crosses the public internet, not even where private targets are allowed.
    let plain = Url::parse("http://outside.example/").unwrap();
    let error = resolving_to(&["1.1.1.1"], true).post_json(&plain, &[], "{}").unwrap_err();
    assert!(error.to_string().contains("may not be called"));
}

fn local_client() -> HttpClient {
    HttpClient::new(&TrustedRoots::load(None).unwrap(), true)
}

fn url_of(receiver: &Receiver) -> Url {
    Url::parse(&format!("http://{}/", receiver.address)).unwrap()
}

#[test]
fn a_redirect_is_not_followed() {
    let inside = Receiver::with_statuses(&[200]);
    let target = inside.address;
    let redirecting = Receiver::start(Box::new(move |_, stream| {
        let _ = write!(stream, "HTTP/1.1 307 X\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n");
    }));
    assert_eq!(local_client().post_json(&url_of(&redirecting), &[], "{}").unwrap().as_u16(), 307);
    assert!(inside.received().is_empty());
}

#[test]
fn slow_and_huge_answers_are_bounded() {
    let endless_body = Receiver::start(Box::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
    }));
    assert_eq!(local_client().post_json(&url_of(&endless_body), &[], "{}").unwrap().as_u16(), 200);
    let endless_head = Receiver::start(Box::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ");
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
    }));
    let error = local_client().post_json(&url_of(&endless_head), &[], "{}").unwrap_err();
    assert_eq!(error.to_string(), "the head of the answer is too large");
    // A drop now and then keeps a connection alive, but not for longer than the limit of the whole.
    let (stopped, waits) = std::sync::mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let trickling = Receiver::start(Box::new(move |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ");
        let waits = waits.lock().unwrap();
        while waits.recv_timeout(Duration::from_millis(200)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            && stream.write_all(b"x").is_ok()
        {}
    }));
    let begun = Instant::now();
    let error = local_client().post_json(&url_of(&trickling), &[], "{}").unwrap_err();
    assert_eq!(error.to_string(), "no answer in time");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop(stopped);
    let garbage = Receiver::start(Box::new(|_, stream| drop(stream.write_all(b"220 not http\r\n\r\n"))));
    assert_eq!(
        local_client().post_json(&url_of(&garbage), &[], "{}").unwrap_err().to_string(),
        "the answer is not HTTP"
    );
    let closed = Receiver::start(Box::new(|_, _| ()));
    assert!(local_client().post_json(&url_of(&closed), &[], "{}").is_err());
}

fn the_jobs_carry_an_alert_from_the_queue_to_its_endpoint(engine: Engine) {
    let (sender, arrivals) = std::sync::mpsc::channel();
    let receiver = Receiver::start(Box::new(move |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let _ = sender.send(());
    }));
    let test = started(engine, &receiver);
    let jobs = grantor::jobs::start(&test.server).unwrap();
    assert!(test.server.alerts.offer(alert(&test, "web")));
    arrivals.recv_timeout(Duration::from_secs(30)).unwrap();
    drop(jobs);
    assert_eq!(deliveries(&test)[0].status, DeliveryStatus::Delivered);
    assert!(test.server.metrics.encode().unwrap().contains("grantor_alerts_total{rule=\"error_share\"} 1"));
}

/// Answers one request over TLS after another, with a certificate of its own for `localhost`; gives its certificate as PEM.
fn tls_receiver() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut start = [0; 4];
            if std::io::Read::read_exact(&mut stream, &mut start).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.flush();
                // To the end of what is sent: closing on unread octets would cut off the answer.
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            }
        }
    });
    (port, made.cert.pem())
}

#[test]
fn only_certificates_that_are_trusted_are_believed() {
    let (port, certificate) = tls_receiver();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, certificate).unwrap();
    let trusting = HttpClient::new(&TrustedRoots::load(Some(&file)).unwrap(), true);
    let call = |client: &HttpClient, host: &str| {
        client.post_json(&Url::parse(&format!("https://{host}:{port}/")).unwrap(), &[], "{}")
    };
    assert_eq!(call(&trusting, "localhost").unwrap().as_u16(), 200);
    assert!(call(&trusting, "127.0.0.1").unwrap_err().to_string().starts_with("TLS: "), "another name");
    assert!(call(&local_client(), "localhost").unwrap_err().to_string().starts_with("TLS: "), "not trusted");
    std::fs::write(&file, "nothing").unwrap();
    assert!(TrustedRoots::load(Some(&file)).unwrap_err().to_string().contains("no certificate"));
}

#[test]
fn the_command_line_tries_lists_and_sends_again() {
    let receiver = Receiver::with_statuses(&[204, 410]);
    let test = TestServer::start_now(Engine::Sqlite);
    let run = |line: &str| {
        let mut command = grantor_on(&test.database);
        command.env("GRANTOR_OUTBOUND__DANGER_ALLOW_PRIVATE_TARGETS", "true");
        command.env("GRANTOR_WEBHOOKS__OPS__URL", format!("http://{}/", receiver.address));
        command
            .env("GRANTOR_WEBHOOKS__OPS__SECRET", SECRET)
            .env("GRANTOR_WEBHOOKS__OPS__EVENTS", "alert.test, alert.volume");
        Ended::of(command.args(line.split(' ')), "")
    };
    let tried = run("alert test ops");
    assert_eq!(tried.code, 0, "{tried:?}");
    assert!(tried.out.contains("to ops is delivered."), "{tried:?}");
    assert_eq!(receiver.received()[0].header("webhook-signature"), expected_signature(SECRET, &receiver.received()[0]));
    let failed = run("alert test ops --json");
    assert_eq!((failed.code, failed.err.contains("status 410")), (1, true), "{failed:?}");
    let dead = run("alert deliveries --status dead --json").json();
    let [dead] = dead["items"].as_array().unwrap().as_slice() else { panic!("{dead}") };
    assert_eq!(dead["endpoint"], "ops");
    let again = run(&format!("alert resend {} --json", text(&dead["id"])));
    assert_eq!(again.json()["status"], "pending");
    let listed = run("alert list --rule test");
    assert!(listed.out.starts_with("WHEN") && listed.out.contains("webhook ops"), "{listed:?}");
    assert_eq!(run("alert list --rule nothing").code, 2);
    assert_eq!(run("alert deliveries --status lost").code, 2);
    run("alert test nobody").assert_refused(3, "no such webhook", "");
    run("alert resend nothing").assert_refused(3, "no such delivery", "");
    assert!(!format!("{:?}", run("config check")).contains("whsec_"));
}
