//! The pages of the audit log, of explanations, alerts, webhooks, logout tokens and signing keys.

use std::sync::Arc;

use grantor::config::Config;
use grantor::crypto::random;
use grantor::domain::alert::{AlertRule, AlertSubject, NewAlert};
use grantor::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use grantor::domain::client::Status;
use grantor::flows::access_keys;
use grantor::flows::caller::Caller;
use grantor::flows::{alerts, audit_checkpoints};
use serde_json::json;

use crate::alerts_support::*;
use crate::console_support::*;
use crate::doors_support::key_members;
use crate::support::*;

on_both!(
    the_log_is_read_filtered_and_paged,
    days_are_those_of_the_reader,
    one_event_is_shown_whole,
    the_log_is_taken_away,
    the_chain_is_verified_from_the_page,
    why_a_credential_is_refused,
    why_a_request_was_refused,
    a_pasted_secret_is_not_shown_again,
    alerts_and_webhooks,
    logout_tokens_on_their_way,
    signing_keys_are_rotated_with_confirmation,
    what_strangers_wrote_is_text,
    roles_decide,
    forms_are_tied_to_the_session,
    everything_is_said_in_german,
);

/// Nobody answers there.
fn with_webhook(config: &mut Config) {
    ops(config, "127.0.0.1:9".parse().unwrap());
}

fn write(test: &TestServer, events: Vec<NewAuditEvent>) {
    let now = test.clock.now();
    let write = move |connection: &mut grantor::store::StoreConnection| {
        events.iter().try_for_each(|event| connection.insert_audit_event(event, now))
    };
    test.server.store.write(write).unwrap();
}

fn event(action: AuditAction, user: &str, detail: &str) -> NewAuditEvent {
    let source = Source {
        address: "192.0.2.7".parse().ok(),
        user_agent: Some("Test/1.0".to_owned()),
        request_id: Some("req-77".to_owned()),
        ..Source::default()
    };
    NewAuditEvent::success(action, Actor::User(user.to_owned()), source).on("client", "shop").detail(detail)
}

fn the_log_is_read_filtered_and_paged(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    write(
        &test,
        vec![
            event(AuditAction::ClientUpdated, "uma", "the-first"),
            event(AuditAction::ConsentGranted, "udo", "the-second"),
        ],
    );
    let (browser, page) = visit(&test, "ada", "/console/audit");
    assert_has(
        &page,
        &["<h1>Audit log</h1>", "client.updated", "the-first", "the-second", "/console/audit?actor_id=uma", "not yet"],
    );
    for (query, has, lacks) in [
        ("q=sho", "the-first", "login.succeeded"),
        ("actor_id=udo", "the-second", "the-first"),
        ("action=client.updated&class=&outcome=", "the-first", "the-second"),
        ("class=access", "the-second", "the-first"),
        ("since=2026-01-01&until=2026-01-01&target_id=shop", "the-first", "login.succeeded"),
        ("address=192.0.2.7&order=oldest", "the-first", "login.succeeded"),
    ] {
        let page = browser.get(&format!("/console/audit?{query}"));
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(page.body.contains(has) && !page.body.contains(lacks), "{query}: {}", page.body);
    }
    let page = browser.get("/console/audit?actor_id=uma&outcome=success");
    assert_has(&page, &["value=\"uma\"", "<option value=\"success\" selected>"]);
    assert_has(&browser.get("/console/audit?since=2027-01-01"), &["No event is like this"]);
    for wrong in ["since=soon", "class=gossip"] {
        assert_eq!(browser.get(&format!("/console/audit?{wrong}")).status, 400, "{wrong}");
    }
    write(&test, (0..60).map(|number| event(AuditAction::ClientUpdated, "uma", &format!("n-{number}-"))).collect());
    let page = browser.get("/console/audit?actor_id=uma");
    assert!(page.body.contains("n-59-") && page.body.contains("n-10-") && !page.body.contains("n-9-"));
    let next =
        page.body.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let next = browser.get(&next.replace("&amp;", "&").replace("&#38;", "&"));
    assert_has(&next, &["n-9-", "the-first", "First page"]);
    assert!(page.body.len() < 100_000, "{}", page.body.len());
}

fn days_are_those_of_the_reader(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    // At noon of 2026-01-01 in UTC.
    write(&test, vec![event(AuditAction::ClientUpdated, "uma", "at-noon")]);
    let (browser, page) = visit(&test, "ada", "/console/audit");
    assert_has(&page, &["<span class=\"hint\" id=\"filter-since-zone\">UTC</span>", "name=\"since_offset\""]);
    for (query, is_found) in [
        ("since=2026-01-01", true),
        // There the day begins at that very moment, or a minute later.
        ("since=2026-01-01&since_offset=-720", true),
        ("since=2026-01-01&since_offset=-721", false),
        ("until=2025-12-31", false),
        ("until=2025-12-31&until_offset=-720", false),
        ("until=2025-12-31&until_offset=-721", true),
        ("since=2026-01-02&since_offset=840", true),
    ] {
        let page = browser.get(&format!("/console/audit?target_id=shop&{query}"));
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        assert_eq!(page.body.contains("at-noon"), is_found, "{query}");
        let export = browser.get(&format!("/console/audit/export?target_id=shop&{query}"));
        assert_eq!(export.body.contains("at-noon"), is_found, "{query}");
    }
    // What was asked for stays, with its zone, also without script.
    let page = browser.get("/console/audit?since=2026-01-01&since_offset=540&until=&until_offset=");
    assert_has(&page, &["value=\"2026-01-01\"", ">UTC+09:00</span>", "id=\"filter-since-offset\" value=\"540\""]);
    assert_has(&page, &["since=2026-01-01&#38;since_offset=540&#38;format=csv"]);
    for wrong in ["x", "1081", "1.5"] {
        assert_eq!(browser.get(&format!("/console/audit?since=2026-01-01&since_offset={wrong}")).status, 400);
    }
}

fn one_event_is_shown_whole(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    write(&test, vec![event(AuditAction::ClientUpdated, "uma", "a detail")]);
    let (browser, page) = visit(&test, "ada", "/console/audit?actor_id=uma");
    let path = page.body.split("href=\"/console/audit/").map(|rest| rest.split('"').next().unwrap());
    let id = path.skip(1).find(|id| id.bytes().all(|byte| byte.is_ascii_digit())).unwrap();
    let shown = browser.get(&format!("/console/audit/{id}"));
    assert_has(
        &shown,
        &["<h1>client.updated</h1>", "Test/1.0", "req-77", "Place in the chain", "a detail", "administration"],
    );
    for gone in ["999999", "x", "-1"] {
        assert_eq!(browser.get(&format!("/console/audit/{gone}")).status, 404, "{gone}");
    }
}

fn the_log_is_taken_away(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    write(
        &test,
        vec![event(AuditAction::ClientUpdated, "uma", "=1+1"), event(AuditAction::ClientUpdated, "udo", "other")],
    );
    let (browser, page) = visit(&test, "ada", "/console/audit?actor_id=uma&order=oldest");
    assert!(page.body.contains("/console/audit/export?actor_id=uma"), "{}", page.body);
    let csv = browser.get("/console/audit/export?actor_id=uma&order=oldest&format=csv");
    assert_eq!((csv.status.as_u16(), csv.header("content-disposition").contains("audit-events.csv")), (200, true));
    assert!(csv.body.contains("\"'=1+1\"") && !csv.body.contains("other"), "{}", csv.body);
    let lines = browser.get("/console/audit/export?format=jsonl");
    assert!(lines.body.lines().last().unwrap().contains("\"record\":\"end\""));
    assert_eq!(test.events("audit_events.exported").len(), 2);
    // Whoever is not signed in is sent to sign in.
    assert_eq!(Browser::new(&test).get("/console/audit/export").status, 303);
}

fn the_chain_is_verified_from_the_page(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    let (browser, page) = visit(&test, "ada", "/console/audit");
    assert_has(&page, &["Is the log whole?", "verify-whole"]);
    let verified = done(&browser, &page, "/console/audit/verify", &[("whole", "true")]);
    assert_has(&verified, &["Everything that was checked is whole.", "up to event"]);
    audit_checkpoints::take_checkpoint(&test.server).unwrap();
    write(&test, vec![event(AuditAction::ClientUpdated, "uma", "a detail")]);
    assert_has(&done(&browser, &page, "/console/audit/verify", &[("whole", "false")]), &["Latest events verified"]);
    sql(&test, "UPDATE audit_events SET detail = 'nothing' WHERE detail = 'a detail'");
    let broken = done(&browser, &page, "/console/audit/verify", &[("whole", "true")]);
    assert_has(&broken, &["The log is broken, as was found at", "was altered", "badge bad"]);
}

fn why_a_credential_is_refused(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["support"]);
    let key =
        access_keys::create(&test.server, &Caller::command_line(), key_members("nightly", &["orders:read"])).unwrap();
    let (browser, page) = visit(&test, "ada", "/console/explain");
    assert_has(&page, &["<h1>Why was this refused?</h1>", "Paste the identifier"]);
    let id = key.key.id.as_str();
    let fine = send(&browser, &page, "/console/explain", &[("what", id)]);
    assert_has(&fine, &["nightly", "Such a request would pass.", "Is there such a credential", "passed", "not asked"]);
    let lacking = send(&browser, &page, "/console/explain", &[("what", id), ("scope", "orders:write")]);
    assert_has(&lacking, &["It lacks a scope.", "failed", "missing: orders:write", "value=\"orders:write\""]);
    access_keys::set_status(&test.server, &Caller::command_line(), id, Status::Revoked).unwrap();
    assert_has(
        &browser.get(&format!("/console/explain?credential_id={id}")),
        &["It was revoked, for good.", "access key: revoked"],
    );
    assert_has(&send(&browser, &page, "/console/explain", &[("what", "ak_nothing")]), &["No such credential"]);
    let wrong = send(&browser, &page, "/console/explain", &[("what", id), ("address", "here")]);
    assert_eq!(wrong.status, 400);
    assert_has(&wrong, &["address must be one IP address", "value=\"here\""]);
    assert_eq!(send(&browser, &page, "/console/explain", &[("what", " ")]).status, 400);
}

fn why_a_request_was_refused(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["support"]);
    let api = test.confidential();
    let key =
        access_keys::create(&test.server, &Caller::command_line(), key_members("nightly", &["orders:read"])).unwrap();
    let request = http_client().post(test.url("/v1/verify")).basic_auth(&api.id, api.secret.as_ref());
    let answer =
        Answer::of(request.json(&json!({ "credential": key.secret, "scopes": ["orders:write"], "ip": "192.0.2.9" })));
    let id = answer.header("x-request-id");
    let (browser, page) = visit(&test, "ada", &format!("/console/explain?request_id={id}"));
    let parts = [
        "Verification by an API",
        "Missing scopes",
        "orders:write",
        "192.0.2.9",
        "credential_id=ak_",
        "Has it the scopes?",
    ];
    assert_has(&page, &parts);
    assert_has(&send(&browser, &page, "/console/explain", &[("what", &id)]), &parts);
    let other = random::opaque_id().unwrap();
    assert_has(
        &send(&browser, &page, "/console/explain", &[("what", &other)]),
        &["No refusal of this request is kept"],
    );
}

fn a_pasted_secret_is_not_shown_again(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["support"]);
    let key =
        access_keys::create(&test.server, &Caller::command_line(), key_members("nightly", &["orders:read"])).unwrap();
    let (browser, page) = visit(&test, "ada", "/console/explain");
    let found = send(&browser, &page, "/console/explain", &[("what", &format!(" {} ", key.secret))]);
    assert_has(&found, &["nightly", &key.key.masked]);
    assert!(!found.body.contains(&key.secret));
    let wrong = send(&browser, &page, "/console/explain", &[("what", &key.secret), ("address", "here")]);
    assert!(wrong.status == 400 && !wrong.body.contains(&key.secret));
    // In an address it is refused, with what to do.
    let refused = browser.get(&format!("/console/explain?credential_id={}", key.secret));
    assert_eq!(refused.status, 400);
    assert!(!refused.body.contains(&key.secret));
}

fn alerts_and_webhooks(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (_, page) = visit(&test, "ada", "/console/alerts");
    assert_has(&page, &["There are no alerts.", "Alerts go nowhere yet"]);
    let test = start_with(engine, with_webhook);
    test.user("ada", &["admin"]);
    let (browser, page) = visit(&test, "ada", "/console/webhooks");
    assert_has(&page, &["<code>ops</code>", "test-ops", "There are no deliveries like this"]);
    let subject = AlertSubject::new("access_key", "ak_9");
    let detail = json!({ "limit": 60, "used": 55 });
    let alert = NewAlert::new(AlertRule::LimitShare, subject, detail, test.clock.now());
    assert!(alerts::raise(&test.server, &alert));
    let listed = browser.get("/console/alerts");
    assert_has(&listed, &["A limit is nearly used up", "ak_9", "limit: 60, used: 55", "/console/webhooks?alert_id="]);
    assert!(!listed.body.contains("go nowhere"));
    assert_has(&browser.get("/console/alerts?rule=volume"), &["There are no alerts."]);
    assert_has(&browser.get("/console/alerts?subject_id=ak_9&rule=limit_share"), &["limit: 60", "value=\"ak_9\""]);
    let listed = browser.get("/console/webhooks?status=pending&endpoint=ops");
    assert_has(&listed, &["alert.limit_share", "badge warn\">pending"]);
    assert!(!listed.body.contains("id=\"resend-"), "what is pending is not sent again");
    assert_has(&browser.get("/console/webhooks?status=dead"), &["There are no deliveries like this"]);
    sql(&test, "UPDATE webhook_deliveries SET status = 'dead', last_error = 'no answer', finished_at = 1");
    let listed = browser.get("/console/webhooks?status=dead");
    assert_has(&listed, &["given up", "no answer"]);
    let id = listed.body.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let sent = done(&browser, &listed, "/console/webhooks/resend", &[("id", id)]);
    assert_has(&sent, &["It is on its way again."]);
    assert_eq!(send(&browser, &listed, "/console/webhooks/resend", &[("id", id)]).status, 409);
    assert_eq!(send(&browser, &listed, "/console/webhooks/resend", &[]).status, 404);
    assert_eq!(test.events("webhook_delivery.resent").len(), 1);
    // A test that does not arrive leads to what became of it.
    let tried = send(&browser, &page, "/console/webhooks/test", &[("endpoint", "ops")]);
    assert!(tried.header("location").starts_with("/console/webhooks?tested=1&alert_id="));
    assert_eq!(send(&browser, &page, "/console/webhooks/test", &[("endpoint", "other")]).status, 404);
    let receiver = Receiver::with_statuses(&[200]);
    let test = start_with(engine, |config| ops(config, receiver.address));
    test.user("ada", &["admin"]);
    let (browser, page) = visit(&test, "ada", "/console/webhooks");
    let arrived = done(&browser, &page, "/console/webhooks/test", &[("endpoint", "ops")]);
    assert_has(&arrived, &["The test has arrived.", "badge good\">delivered", "alert.test"]);
    assert_eq!((receiver.received().len(), test.events("webhook.tested").len()), (1, 1));
}

fn logout_tokens_on_their_way(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["support"]);
    let user = test.user("uma", &[]);
    let (browser, page) = visit(&test, "ada", "/console/logout-deliveries");
    assert_has(&page, &["There are no logout tokens like this"]);
    let client = test.confidential();
    let id = random::id(test.clock.now()).unwrap();
    sql(
        &test,
        &format!(
            "INSERT INTO logout_deliveries (id, client_id, user_id, sid, status, attempts, next_attempt_at, created_at, last_error) \
             VALUES ('{id}', '{}', '{user}', 'sid-1', 'pending', 2, 1767268800000000, 1767268800000000, 'no answer')",
            client.id
        ),
    );
    let listed = browser.get("/console/logout-deliveries?status=pending&client_id=web");
    assert_has(&listed, &["<code>web</code>", "no answer", "pending"]);
    assert_has(&browser.get("/console/logout-deliveries?status=dead"), &["There are no logout tokens like this"]);
}

fn signing_keys_are_rotated_with_confirmation(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (browser, page) = visit(&test, "ada", "/console/signing-keys");
    assert_has(
        &page,
        &["RS256 (2048)", "badge good\">signing", "Next rotation of ES256", "/console/signing-keys/ES256/rotate"],
    );
    test.advance(301);
    let path = "/console/signing-keys/ES256/rotate";
    let ask = browser.get(path);
    assert_has(&ask, &["Rotate ES256", "Type “ES256” to go on", "type=\"password\"", "value=\"scheduled\" checked"]);
    let good = [("mode", "scheduled"), ("confirm", "ES256"), ("password", PASSWORD)];
    for (index, value, status) in [(2, "wrong", 403), (2, "", 403), (0, "never", 400), (1, "RS256", 400)] {
        let mut fields = good;
        fields[index].1 = value;
        assert_eq!(send(&browser, &ask, path, &fields).status, status, "{fields:?}");
    }
    assert!(test.events("signing_key.rotated").is_empty());
    let listed = done(&browser, &ask, path, &good);
    assert_has(&listed, &["The key has been rotated.", "badge warn\">published"]);
    assert_eq!(test.events("signing_key.rotated").len(), 1);
    assert_eq!(browser.get("/console/signing-keys/none/rotate").status, 404);
    assert_eq!(send(&browser, &ask, "/console/signing-keys/none/rotate", &good).status, 404);
}

fn what_strangers_wrote_is_text(engine: Engine) {
    let test = start_with(engine, with_webhook);
    test.user("ada", &["admin"]);
    let source =
        Source { user_agent: Some(SCRIPT.to_owned()), request_id: Some(SCRIPT.to_owned()), ..Source::default() };
    let event = NewAuditEvent::success(AuditAction::ClientUpdated, Actor::User(SCRIPT.to_owned()), source);
    write(&test, vec![event.on("client", SCRIPT).through(SCRIPT).detail(SCRIPT)]);
    let (browser, page) = visit(&test, "ada", "/console/audit?action=client.updated&target_kind=client");
    assert_escaped(&page);
    let id = page.body.split("href=\"/console/audit/").filter_map(|rest| rest.split('"').next());
    let id = id.skip(1).find(|id| id.bytes().all(|byte| byte.is_ascii_digit())).unwrap().to_owned();
    assert_escaped(&browser.get(&format!("/console/audit/{id}")));
    let typed = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", SCRIPT).finish();
    assert_escaped(&browser.get(&format!("/console/audit?{typed}")));
    // A name, an operation, a project and what a caller claims to be.
    let name = format!("x{SCRIPT}");
    let key = access_keys::create(&test.server, &Caller::command_line(), key_members(&name, &["orders:read"])).unwrap();
    let id = key.key.id.as_str();
    assert_escaped(&browser.get(&format!("/console/explain?credential_id={id}")));
    let page = browser.get("/console/explain");
    let fields = [("what", id), ("environment", SCRIPT), ("project", SCRIPT)];
    assert_escaped(&send(&browser, &page, "/console/explain", &fields));
    let api = test.confidential();
    let request = http_client().post(test.url("/v1/verify")).basic_auth(&api.id, api.secret.as_ref());
    let asked = json!({ "credential": key.secret, "operation": SCRIPT, "project": SCRIPT, "scopes": ["orders:write"] });
    let id = Answer::of(request.json(&asked)).header("x-request-id");
    assert_escaped(&browser.get(&format!("/console/explain?request_id={id}")));
    let claimed = TestClient { id: SCRIPT.to_owned(), secret: Some("x".to_owned()) };
    let id = test.token(&claimed, &[("grant_type", "client_credentials")]).header("x-request-id");
    assert_escaped(&browser.get(&format!("/console/explain?request_id={id}")));
    let alert = NewAlert::new(
        AlertRule::Volume,
        AlertSubject::new("client", SCRIPT),
        json!({ SCRIPT: SCRIPT }),
        test.clock.now(),
    );
    assert!(alerts::raise(&test.server, &alert));
    assert_escaped(&browser.get("/console/alerts"));
    sql(
        &test,
        "UPDATE webhook_deliveries SET last_error = '\"><script>alert(1)</script>', event_type = '<img src=x>alert(1)'",
    );
    assert_escaped(&browser.get("/console/webhooks"));
}

fn roles_decide(engine: Engine) {
    let test = start_with(engine, with_webhook);
    for role in ["owner", "admin", "support", "auditor"] {
        test.user(role, &[role]);
        let (browser, start) = visit(&test, role, "/console/explain");
        let reads_audit = role != "support";
        let event = format!("/console/audit/{}", test.events("login.succeeded")[0].id);
        let writes = ["owner", "admin"].contains(&role);
        for (path, may) in [
            ("/console/audit", reads_audit),
            ("/console/audit/export?actor_id=none", reads_audit),
            (event.as_str(), reads_audit),
            ("/console/explain", true),
            ("/console/alerts", true),
            ("/console/webhooks", true),
            ("/console/logout-deliveries", true),
            ("/console/signing-keys", true),
            ("/console/signing-keys/ES256/rotate", writes),
        ] {
            assert_eq!(browser.get(path).status, if may { 200 } else { 403 }, "{role} {path}");
        }
        assert_eq!(browser.get("/console/webhooks").body.contains("test-ops"), writes, "{role}");
        assert_eq!(browser.get("/console/signing-keys").body.contains("/rotate\""), writes, "{role}");
        let rotate = [("mode", "scheduled"), ("confirm", "ES256"), ("password", PASSWORD)];
        for (path, fields, may) in [
            ("/console/audit/verify", &[("whole", "false")][..], reads_audit),
            ("/console/webhooks/test", &[("endpoint", "none")][..], writes),
            ("/console/webhooks/resend", &[("id", "none")][..], writes),
            ("/console/signing-keys/ES256/rotate", &rotate[..], writes),
        ] {
            assert_eq!(send(&browser, &start, path, fields).status != 403, may, "{role} {path}");
        }
        test.advance(7_200);
    }
    test.user("nobody", &[]);
    let (browser, _) = visit(&test, "nobody", "/console/explain");
    for path in ["/console/audit", "/console/explain", "/console/alerts", "/console/webhooks", "/console/signing-keys"]
    {
        assert_eq!(browser.get(path).status, 403, "{path}");
    }
}

fn forms_are_tied_to_the_session(engine: Engine) {
    let test = start_with(engine, with_webhook);
    let test = Arc::new(test);
    test.user("ada", &["owner"]);
    test.user("eve", &["owner"]);
    let (ada, page) = visit(&test, "ada", "/console/explain");
    let (_, foreign) = visit(&test, "eve", "/console/explain");
    let (own, foreign) = (csrf(&page), csrf(&foreign));
    for (path, fields) in [
        ("/console/audit/verify", vec![("whole", "true")]),
        ("/console/webhooks/test", vec![("endpoint", "ops")]),
        ("/console/webhooks/resend", vec![("id", "x")]),
        ("/console/explain", vec![("what", "ak_1")]),
        ("/console/signing-keys/ES256/rotate", vec![("mode", "scheduled"), ("confirm", "ES256")]),
    ] {
        for token in [None, Some(foreign.as_str())] {
            let mut form = fields.clone();
            form.extend(token.map(|token| ("csrf", token)));
            let refused = ada.post(path, &form);
            assert_eq!(refused.status, 403, "{path}");
            assert_has(&refused, &["This form is too old"]);
        }
        let mut form = fields;
        form.push(("csrf", &own));
        let request = ada.request(reqwest::Method::POST, path).header("origin", "https://evil.example");
        assert_eq!(Answer::of(request.form(&form)).status, 403, "{path}");
    }
    assert!(test.events("signing_key.rotated").is_empty() && test.events("webhook.tested").is_empty());
}

fn everything_is_said_in_german(engine: Engine) {
    let test = start_with(engine, with_webhook);
    test.user("ada", &["owner"]);
    let (browser, _) = visit(&test, "ada", "/console/audit");
    for (path, parts) in [
        ("/console/audit", ["Protokoll", "Ganze Kette prüfen"]),
        ("/console/explain", ["Warum wurde das abgelehnt?", "Erklären"]),
        ("/console/alerts", ["Warnungen", "Es gibt keine Warnungen"]),
        ("/console/webhooks", ["Probe senden", "Eingerichtete Ziele"]),
        ("/console/logout-deliveries", ["Abmelde-Tokens", "aufgegeben"]),
        ("/console/signing-keys", ["Signaturschlüssel", "Nächster Wechsel von RS256"]),
        ("/console/signing-keys/RS256/rotate", ["RS256 ersetzen", "Planmäßig"]),
    ] {
        let request = browser.request(reqwest::Method::GET, path).header("accept-language", "de");
        assert_has(&Answer::of(request), &parts);
    }
}
