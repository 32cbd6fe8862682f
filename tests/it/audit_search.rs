//! The audit log is searched, exported and verified by the API: every filter, both orders, pages to the end, and bounded work.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use grantor::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use grantor::domain::audit_filter::AuditFilter;
use grantor::domain::page::PageRequest;
use grantor::flows::caller::Caller;
use grantor::flows::{audit, audit_checkpoints, audit_verifications};
use grantor::store::DatabaseUrl;
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    every_filter_finds_its_events,
    a_search_finds_what_is_and_what_begins_so,
    pages_lead_to_the_end_in_both_orders,
    a_rare_combination_is_found_step_by_step,
    wrong_parameters_are_refused,
    an_export_has_everything_once,
    an_export_runs_nothing_in_a_spreadsheet,
    the_chain_is_verified_on_demand,
    a_long_verification_goes_on_by_itself,
    a_broken_chain_is_said,
    a_forged_verification_counts_for_nothing,
    a_verification_is_due_once_a_day,
);

struct Log {
    test: TestServer,
    token: String,
}

impl Log {
    fn start(engine: Engine) -> Self {
        let test = TestServer::start(engine);
        let token = test.admin_token("audit-events:read");
        Self { test, token }
    }

    fn get(&self, path: &str) -> Answer {
        Answer::of(http_client().get(self.test.url(path)).bearer_auth(&self.token))
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(http_client().post(self.test.url(path)).bearer_auth(&self.token).json(body))
    }

    /// The details of the events that a query finds.
    #[track_caller]
    fn found(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("/v1/audit-events?{query}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let items = answer.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["detail"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn write(&self, events: Vec<NewAuditEvent>) {
        self.write_at(self.test.clock.now(), events);
    }

    fn write_at(&self, now: DateTime<Utc>, events: Vec<NewAuditEvent>) {
        let write = move |connection: &mut grantor::store::StoreConnection| {
            events.iter().try_for_each(|event| connection.insert_audit_event(event, now))
        };
        self.test.server.store.write(write).unwrap();
    }

    fn sql(&self, statement: &str) {
        match DatabaseUrl::parse(&self.test.database.url).unwrap() {
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                connection.batch_execute(statement).unwrap();
            }
            DatabaseUrl::Postgres(url) => PgConnection::establish(&url).unwrap().batch_execute(statement).unwrap(),
        }
    }
}

fn source(address: &str, request: &str) -> Source {
    Source {
        address: address.parse().ok(),
        user_agent: Some("=cmd|' /C calc'!A0".to_owned()),
        request_id: Some(request.to_owned()),
        ..Source::default()
    }
}

fn some_events(log: &Log) {
    let event = |action, actor, from: Source, detail: &str| NewAuditEvent::success(action, actor, from).detail(detail);
    let user = |id: &str| Actor::User(id.to_owned());
    log.write(vec![
        event(AuditAction::ClientUpdated, user("uma"), source("192.0.2.1", "req-1"), "one").on("client", "shop"),
        event(AuditAction::ConsentGranted, user("udo"), source("192.0.2.2", "req-2"), "two")
            .on("client", "shop")
            .through("shop"),
        NewAuditEvent::failure(
            AuditAction::ClientUpdated,
            Actor::AccessKey("ak_7".to_owned()),
            source("2001:db8::1", "req-3"),
        )
        .detail("three")
        .on("client", "shop-two"),
    ]);
    let later = log.test.clock.now() + TimeDelta::days(1);
    log.write_at(
        later,
        vec![event(AuditAction::UserDisabled, Actor::CommandLine, Source::default(), "four").on("user", "uma")],
    );
}

fn every_filter_finds_its_events(engine: Engine) {
    let log = Log::start(engine);
    some_events(&log);
    let day = (start_time() + TimeDelta::hours(12)).to_rfc3339().replace("+00:00", "Z");
    for (query, expected) in [
        ("target_id=shop", vec!["two", "one"]),
        ("target_id=shop&action=client.updated", vec!["one"]),
        ("target_id=shop&outcome=failure", vec![]),
        ("target_kind=user&target_id=uma", vec!["four"]),
        ("actor_id=uma", vec!["one"]),
        ("actor_kind=access_key", vec!["three"]),
        ("actor_kind=command_line&action=user.disabled", vec!["four"]),
        ("client_id=shop", vec!["two"]),
        ("address=192.0.2.2", vec!["two"]),
        ("address=2001:DB8:0::1", vec!["three"]),
        ("request_id=req-3", vec!["three"]),
        ("request_id=req-3&outcome=failure", vec!["three"]),
        ("outcome=failure&action=client.updated", vec!["three"]),
        ("class=access&target_id=shop", vec!["two"]),
        ("action=client.updated&order=oldest", vec!["one", "three"]),
        (&format!("since={day}&target_kind=user"), vec!["four"]),
        (&format!("until={day}&q=shop"), vec!["three", "two", "one"]),
        (&format!("until={day}&actor_id=uma"), vec!["one"]),
        (&format!("since={day}&actor_id=uma"), vec![]),
        ("actor_id=nobody", vec![]),
        ("actor_id=%27%20OR%201=1%20--", vec![]),
    ] {
        assert_eq!(log.found(query), expected, "{query}");
    }
}

fn a_search_finds_what_is_and_what_begins_so(engine: Engine) {
    let log = Log::start(engine);
    some_events(&log);
    for (query, expected) in [
        ("q=shop", vec!["three", "two", "one"]),
        ("q=shop-", vec!["three"]),
        ("q=uma", vec!["four", "one"]),
        // Of two characters only what is exactly so.
        ("q=um", vec![]),
        ("q=req-2", vec!["two"]),
        ("q=192.0.2.", vec!["two", "one"]),
        ("q=client.updated", vec!["three", "one"]),
        ("q=user.dis", vec!["four"]),
        ("q=ak_7&outcome=failure", vec!["three"]),
        ("q=shop&order=oldest", vec!["one", "two", "three"]),
        ("q=shop&client_id=shop", vec!["two"]),
        ("q=shop&actor_id=uma", vec!["one"]),
        ("q=%25", vec![]),
        ("q=sho_", vec![]),
        ("q=%20%20shop-two%20", vec!["three"]),
        ("q=SHOP", vec![]),
    ] {
        assert_eq!(log.found(query), expected, "{query}");
    }
    // So many values begin so that the log itself is walked: the same is found.
    let many = (0..20).map(|number| {
        let event = NewAuditEvent::success(AuditAction::ClientCreated, Actor::Server, Source::default());
        event.on("client", &format!("many-{number}")).detail("many")
    });
    log.write(many.collect());
    assert_eq!(log.found("q=many"), ["many"; 20]);
    assert_eq!(log.found("q=many&order=oldest&limit=5").len(), 5);
    assert_eq!(log.found("q=many-1"), ["many"; 11]);
}

fn pages_lead_to_the_end_in_both_orders(engine: Engine) {
    let log = Log::start(engine);
    let events = (0..57).map(|number| {
        let event = NewAuditEvent::success(AuditAction::ClientUpdated, Actor::Server, Source::default());
        event.on("client", if number % 2 == 0 { "even" } else { "odd-one" }).detail(number.to_string())
    });
    log.write(events.collect());
    for (query, expected) in [
        ("action=client.updated", (0..57).rev().collect::<Vec<i32>>()),
        ("action=client.updated&order=oldest", (0..57).collect()),
        ("target_id=even&action=client.updated", (0..57).rev().filter(|number| number % 2 == 0).collect()),
        ("q=odd&order=oldest", (0..57).filter(|number| number % 2 == 1).collect()),
    ] {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let from = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = log.get(&format!("/v1/audit-events?limit=10&{query}{from}")).json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 10);
            found.extend(items.iter().map(|item| text(&item["detail"]).parse::<i32>().unwrap()));
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{query}");
    }
}

/// One event among more than a page may look at: a short page leads on to it.
fn a_rare_combination_is_found_step_by_step(engine: Engine) {
    let log = Log::start(engine);
    let event = |detail: &str| {
        let event = NewAuditEvent::success(AuditAction::ClientUpdated, Actor::Server, Source::default());
        event.on("client", "busy").detail(detail)
    };
    let rare = NewAuditEvent::failure(AuditAction::ConsentDenied, Actor::Server, Source::default());
    log.write(vec![rare.on("client", "busy").detail("rare")]);
    for _ in 0..6 {
        log.write((0..1_000).map(|_| event("common")).collect());
    }
    let page = log.get("/v1/audit-events?target_id=busy&class=access").json();
    assert_eq!(page["items"], json!([]));
    let cursor = text(&page["next_cursor"]);
    let page = log.get(&format!("/v1/audit-events?target_id=busy&class=access&cursor={cursor}")).json();
    assert_eq!((&page["items"][0]["detail"], &page["next_cursor"]), (&json!("rare"), &Value::Null));
    // An export goes on by itself.
    let export = log.get("/v1/audit-events/export?target_id=busy&class=access");
    let lines: Vec<Value> = export.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["detail"], &lines[1]["events"], lines.len()), (&json!("rare"), &json!(1), 2));
}

fn wrong_parameters_are_refused(engine: Engine) {
    let log = Log::start(engine);
    for query in [
        "outcome=maybe",
        "class=gossip",
        "order=sideways",
        "since=yesterday",
        "actor=uma",
        "q=%00",
        "cursor=x",
        "limit=0",
        "limit=201",
        "action=a&action=b",
    ] {
        let answer = log.get(&format!("/v1/audit-events?{query}"));
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!("invalid_request")), "{query}");
    }
    for query in ["format=xml", "limit=5", "cursor=7", "outcome=maybe"] {
        assert_eq!(log.get(&format!("/v1/audit-events/export?{query}")).status, 400, "{query}");
    }
    // Who may not read it may neither export nor verify it.
    let client = log.test.confidential();
    log.test.user("sue", &[]);
    let token = text(&log.test.code_tokens(&client, "sue")["access_token"]);
    for path in ["/v1/audit-events", "/v1/audit-events/export", "/v1/audit-chain", "/v1/audit-verifications"] {
        assert_eq!(Answer::of(http_client().get(log.test.url(path))).status, 401, "{path}");
        assert_eq!(Answer::of(http_client().get(log.test.url(path)).bearer_auth(&token)).status, 401, "{path}");
    }
    assert_eq!(log.post("/v1/audit-verifications", &json!({ "all": true })).status, 400);
}

fn an_export_has_everything_once(engine: Engine) {
    let log = Log::start(engine);
    let events = (0..2_300).map(|number| {
        NewAuditEvent::success(AuditAction::ClientUpdated, Actor::Server, Source::default()).detail(number.to_string())
    });
    log.write(events.collect());
    let export = log.get("/v1/audit-events/export?action=client.updated&order=oldest");
    assert_eq!(
        (export.status.as_u16(), export.header("content-type"), export.header("content-disposition")),
        (200, "application/x-ndjson".to_owned(), "attachment; filename=\"audit-events.jsonl\"".to_owned())
    );
    let lines: Vec<Value> = export.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2_301);
    assert!((0..2_300).all(|number| lines[number]["detail"].as_str() == Some(number.to_string().as_str())));
    assert_eq!((&lines[2_300]["record"], &lines[2_300]["events"]), (&json!("end"), &json!(2_300)));
    assert_eq!(lines[2_300]["chain"]["is_sealed"], true);
    let chain = export.header("audit-chain");
    assert!(chain.contains("sealed=true; verified=never"), "{chain}");
    log.post("/v1/audit-verifications", &json!({ "whole": true }));
    let export = log.get("/v1/audit-events/export?format=csv&action=client.updated");
    let chain = export.header("audit-chain");
    assert!(chain.contains("; verified=whole; verified-until="), "{chain}");
    assert_eq!(export.header("content-type"), "text/csv; charset=utf-8; header=present");
    let lines: Vec<&str> = export.body.split("\r\n").collect();
    assert_eq!(lines.len(), 2_302);
    assert!(lines[0].starts_with("id,occurred_at,action,class,outcome,"), "{}", lines[0]);
    assert!(lines[1].contains("2299") && lines[2_300].contains(",0,"), "{}", lines[1]);
    // That somebody took it is an event, and not part of what was taken.
    let taken = log.test.events("audit_events.exported");
    assert_eq!(taken.len(), 2);
    assert_eq!((taken[0].actor_kind.as_str(), taken[0].target_id.as_deref()), ("user", Some("csv")));
    let export = log.get("/v1/audit-events/export?action=audit_events.exported");
    assert_eq!(export.body.lines().count(), 3);
}

fn an_export_runs_nothing_in_a_spreadsheet(engine: Engine) {
    let log = Log::start(engine);
    some_events(&log);
    let export = log.get("/v1/audit-events/export?format=csv&request_id=req-1");
    assert!(export.body.contains(",\"'=cmd|' /C calc'!A0\","), "{}", export.body);
}

fn the_chain_is_verified_on_demand(engine: Engine) {
    let log = Log::start(engine);
    some_events(&log);
    let chain = log.get("/v1/audit-chain").json();
    assert_eq!((&chain["last"], &chain["last_whole"], &chain["running"]), (&Value::Null, &Value::Null, &Value::Null));
    // Without a checkpoint it begins with the first event.
    let first = log.post("/v1/audit-verifications", &json!({})).json();
    assert_eq!((&first["state"], &first["after"], &first["number"]), (&json!("whole"), &json!(0), &json!(1)));
    assert_eq!((&first["sequence"], &first["events"]), (&chain["sequence"], &chain["sequence"]));
    audit_checkpoints::take_checkpoint(&log.test.server).unwrap().unwrap();
    some_events(&log);
    let second = log.post("/v1/audit-verifications", &json!({ "whole": false })).json();
    assert_eq!(
        (&second["state"], &second["after"], &second["events"]),
        (&json!("whole"), &chain["sequence"], &json!(4))
    );
    let chain = log.get("/v1/audit-chain").json();
    assert_eq!((&chain["last"]["number"], &chain["last_whole"]["number"]), (&json!(2), &json!(1)));
    assert_eq!(chain["last"]["asked_by"].as_str().map(|by| by.starts_with("user:")), Some(true));
    let list = log.get("/v1/audit-verifications?limit=1").json();
    assert_eq!((&list["items"][0]["number"], &list["next_cursor"]), (&json!(2), &json!("2")));
    let list = log.get("/v1/audit-verifications?cursor=2").json();
    assert_eq!((&list["items"][0]["number"], list["items"].as_array().unwrap().len()), (&json!(1), 1));
}

fn a_long_verification_goes_on_by_itself(engine: Engine) {
    let log = Log::start(engine);
    let event = || NewAuditEvent::success(AuditAction::ClientUpdated, Actor::Server, Source::default());
    for number in 0..11 {
        log.write((0..1_000).map(|_| event()).collect());
        if number % 4 == 0 {
            audit_checkpoints::take_checkpoint(&log.test.server).unwrap().unwrap();
        }
    }
    let begun = log.post("/v1/audit-verifications", &json!({ "whole": true })).json();
    assert_eq!((&begun["state"], &begun["sequence"]), (&json!("running"), &json!(10_000)));
    assert_eq!(log.get("/v1/audit-chain").json()["running"]["number"], 1);
    // The job stops when it is told to, and another instance goes on with it.
    audit_verifications::work(&log.test.server, &|| false).unwrap();
    assert_eq!(log.get("/v1/audit-chain").json()["running"]["sequence"], 10_000);
    let sibling = log.test.sibling();
    audit_verifications::work(&sibling.server, &|| true).unwrap();
    let chain = log.get("/v1/audit-chain").json();
    assert_eq!((&chain["last_whole"]["state"], &chain["running"]), (&json!("whole"), &Value::Null));
    assert_eq!(
        (&chain["last_whole"]["sequence"], &chain["last_whole"]["last_checkpoint"]),
        (&chain["sequence"], &json!(3))
    );
}

fn a_broken_chain_is_said(engine: Engine) {
    let log = Log::start(engine);
    some_events(&log);
    audit_checkpoints::take_checkpoint(&log.test.server).unwrap().unwrap();
    some_events(&log);
    log.sql("UPDATE audit_events SET detail = 'nothing' WHERE detail = 'two' AND sequence < 8");
    let recent = log.post("/v1/audit-verifications", &json!({})).json();
    assert_eq!(recent["state"], "whole", "what the checkpoint covers is not looked at");
    let whole = log.post("/v1/audit-verifications", &json!({ "whole": true })).json();
    assert_eq!(whole["state"], "broken");
    assert!(text(&whole["broken"]).contains("was altered"), "{whole}");
    assert!(log.get("/v1/audit-events/export").header("audit-chain").contains("verified=broken"));
    // A checkpoint that somebody else made is no place to begin with.
    log.sql("UPDATE audit_checkpoints SET sequence = sequence + 1");
    let recent = log.post("/v1/audit-verifications", &json!({})).json();
    assert_eq!(recent["state"], "broken");
    assert!(text(&recent["broken"]).contains("no valid signature"), "{recent}");
}

fn a_forged_verification_counts_for_nothing(engine: Engine) {
    let log = Log::start(engine);
    some_events(&log);
    log.post("/v1/audit-verifications", &json!({ "whole": true }));
    log.sql("UPDATE audit_verifications SET sequence = sequence + 100");
    assert_eq!(log.get("/v1/audit-chain").json()["last"]["state"], "forged");
    // Nor does one that is said to be under way.
    log.sql("UPDATE audit_verifications SET state = 'running'");
    let chain = log.get("/v1/audit-chain").json();
    assert_eq!((&chain["last"]["state"], &chain["running"]), (&json!("forged"), &Value::Null));
    let next = log.post("/v1/audit-verifications", &json!({ "whole": true })).json();
    assert_eq!((&next["number"], &next["state"]), (&json!(2), &json!("whole")));
}

fn a_verification_is_due_once_a_day(engine: Engine) {
    let log = Log::start(engine);
    let all = PageRequest::new(None, None);
    let count = || audit_verifications::list(&log.test.server, &Caller::command_line(), &all).unwrap().items.len();
    let work = || audit_verifications::work(&log.test.server, &|| true).unwrap();
    work();
    work();
    assert_eq!(count(), 1);
    log.test.advance(86_399);
    work();
    assert_eq!(count(), 1);
    log.test.advance(1);
    work();
    assert_eq!(count(), 2);
    let never = log.test.sibling_with(|config| config.audit.verify_interval = std::time::Duration::ZERO);
    log.test.advance(200_000);
    audit_verifications::work(&never.server, &|| true).unwrap();
    assert_eq!(count(), 2);
}

mod measure {
    //! Not part of the suite: it fills a million events. `cargo test --test it audit_search::measure -- --ignored --nocapture`
    use super::*;

    fn fill(log: &Log, engine: Engine) {
        let random = if engine == Engine::Sqlite { "(abs(random()) % 1000000)" } else { "(random() * 999999)::int" };
        let series = if engine == Engine::Sqlite {
            "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 1000000) SELECT i FROM s)"
        } else {
            "(SELECT generate_series(1, 1000000)::bigint AS i)"
        };
        log.sql(&format!(
            "INSERT INTO audit_events (occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, client_id, \
             address, user_agent, request_id, detail, class) \
             SELECT 1767225600000000 + i * 2592000, CASE {random} % 5 WHEN 0 THEN 'login.failed' WHEN 1 THEN 'token.revoked' ELSE 'login.succeeded' END, \
             CASE {random} % 100 WHEN 0 THEN 'failure' ELSE 'success' END, 'user', 'user-' || ({random} % 10000), 'client', \
             'client-' || ({random} % 100000), 'app-' || ({random} % 50), '192.0.2.' || ({random} % 250), 'Mozilla/5.0 (X11; Linux x86_64)', \
             'request-' || i, 'a detail', CASE {random} % 3 WHEN 0 THEN 'access' ELSE 'security' END FROM {series} AS s"
        ));
        log.sql(if engine == Engine::Sqlite { "SELECT 1" } else { "ANALYZE audit_events" });
    }

    fn run(engine: Engine) {
        let log = Log::start(engine);
        fill(&log, engine);
        let caller = Caller::command_line();
        let some = |text: &str| Some(text.to_owned());
        let none = AuditFilter::default;
        let late = "2026-01-25T00:00:00Z".parse().ok();
        let cases = [
            ("newest", none()),
            ("oldest", AuditFilter { oldest_first: true, ..none() }),
            ("actor", AuditFilter { actor_id: some("user-77"), ..none() }),
            ("actor, failures", AuditFilter { actor_id: some("user-77"), outcome: some("failure"), ..none() }),
            ("action", AuditFilter { action: some("login.failed"), ..none() }),
            ("action, nothing found", AuditFilter { action: some("login.failed"), target_kind: some("x"), ..none() }),
            ("class, nothing found", AuditFilter { class: some("access"), target_kind: some("x"), ..none() }),
            ("failures", AuditFilter { outcome: some("failure"), ..none() }),
            ("client, class", AuditFilter { client_id: some("app-7"), class: some("access"), ..none() }),
            ("request", AuditFilter { request_id: some("request-500000"), ..none() }),
            ("search exact", AuditFilter { search: some("user-7"), ..none() }),
            ("search prefix, many", AuditFilter { search: some("user-"), ..none() }),
            ("search prefix, few", AuditFilter { search: some("request-77777"), ..none() }),
            ("search, eight values of some columns", AuditFilter { search: some("client-9999"), ..none() }),
            ("search, nothing", AuditFilter { search: some("nothing-at-all"), ..none() }),
            ("until", AuditFilter { until: late, ..none() }),
            ("since, oldest first", AuditFilter { since: late, oldest_first: true, ..none() }),
            ("time and address", AuditFilter { since: late, address: some("192.0.2.7"), ..none() }),
        ];
        for (name, filter) in cases {
            let mut slowest = 0.0_f64;
            for _ in 0..5 {
                let began = std::time::Instant::now();
                let page = PageRequest::new(None, None);
                let found = audit::list(&log.test.server, &caller, &filter, &page).unwrap();
                let took = began.elapsed().as_secs_f64() * 1000.0;
                slowest = slowest.max(took);
                std::hint::black_box(found);
            }
            println!("{engine:?} {name}: slowest of five {slowest:.1} ms");
        }
    }

    #[test]
    #[ignore = "fills a million events"]
    fn sqlite() {
        run(Engine::Sqlite);
    }

    #[test]
    #[ignore = "fills a million events"]
    fn postgres() {
        run(Engine::Postgres);
    }
}
