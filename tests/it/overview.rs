//! The overview: figures by hour, the busiest credentials, limits nearly reached, what ends or is overdue, health.

use std::time::Duration;

use grantor::domain::alert::{AlertRule, AlertSubject, NewAlert};
use grantor::domain::hour_figures::HourFigure;
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::alerts;
use grantor::flows::caller::Caller;
use grantor::flows::purge::purge;
use grantor::flows::usage::flush;
use grantor::jobs;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access_keys::{made, used, with_key};
use crate::admin_api::{Admin, token};
use crate::support::*;

on_both!(
    a_day_is_shown_by_hours,
    hours_add_up_over_instances_and_come_back_after_a_failure,
    the_busiest_credentials_come_first,
    who_came_near_a_limit_is_told,
    what_ends_and_what_is_overdue_is_told,
    each_part_is_for_those_who_may_read_it,
    database_keys_and_jobs_are_told,
    old_hours_go,
);

fn show(admin: &Admin) -> Value {
    admin.get("/v1/overview").ok()
}

fn write_down(test: &TestServer) {
    assert_eq!(flush(&test.server).failed, None);
}

/// The same admin with a token of now.
fn again<'a>(admin: &Admin<'a>) -> Admin<'a> {
    let token = token(admin.test, &admin.tool, "root", "admin");
    Admin { token, test: admin.test, http: admin.http.clone(), tool: admin.tool.clone(), id: admin.id.clone() }
}

fn a_day_is_shown_by_hours(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    write_down(&test);
    let empty = show(&admin);
    let hours = empty["activity"]["hours"].as_array().unwrap();
    assert_eq!((hours.len(), &hours[23]["hour"]), (24, &json!("2026-01-01T12:00:00Z")));
    assert_eq!(hours[0]["hour"], "2025-12-31T13:00:00Z");
    assert_eq!(hours[23]["tokens"], 1, "the admin's own");
    let (_, secret) =
        made(&admin.post("/v1/access-keys", &json!({ "name": "a", "scopes": ["projects:read"], "owner": null })));
    let before = hours[23]["requests"].as_i64().unwrap();
    test.advance(3_600);
    let admin = again(&admin);
    assert_eq!(used(&test, &secret), 200);
    assert_eq!(with_key(&test, &secret, Method::GET, "/v1/users", None).status, 403);
    assert_eq!(admin.get("/v1/projects/none").status, 404);
    test.token(&admin.tool, &[("grant_type", "nonsense")]).assert_error(400, "unsupported_grant_type");
    write_down(&test);
    let shown = show(&admin);
    let hour = &shown["activity"]["hours"][23];
    assert_eq!(hour["hour"], "2026-01-01T13:00:00Z");
    assert_eq!((&hour["refused"], &hour["failed"], &hour["tokens"]), (&json!(3), &json!(0), &json!(1)));
    // What was asked before the clock moved and written behind it counts then.
    assert!(hour["requests"].as_i64().unwrap() >= 5, "{hour}");
    assert!(hour["valid"].as_i64().unwrap() >= 1, "{hour}");
    assert_eq!(shown["activity"]["hours"][22]["requests"].as_i64().unwrap(), before);
}

fn hours_add_up_over_instances_and_come_back_after_a_failure(engine: Engine) {
    let test = TestServer::start(engine);
    let other = test.sibling();
    for server in [&test, &other] {
        server.server.metrics.token_issued("password");
        write_down(server);
    }
    let tokens = |test: &TestServer| {
        let rows = test.server.store.read(|connection| connection.list_hour_figures(0)).unwrap();
        rows.iter().filter(|(_, figure, _)| *figure == HourFigure::Tokens).map(|(.., number)| *number).sum::<i64>()
    };
    assert_eq!(tokens(&test), 2);
    let taken = {
        test.server.metrics.token_issued("password");
        test.server.metrics.hours.take()
    };
    test.server.metrics.hours.put_back(taken);
    test.server.metrics.token_issued("password");
    write_down(&test);
    assert_eq!(tokens(&test), 4);
    write_down(&test);
    assert_eq!(tokens(&test), 4, "what is written is not written again");
}

fn the_busiest_credentials_come_first(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let key = |name: &str| {
        made(&admin.post("/v1/access-keys", &json!({ "name": name, "scopes": ["projects:read"], "owner": null })))
    };
    let ((quiet, quiet_secret), (busy, busy_secret)) = (key("quiet"), key("busy"));
    assert_eq!(used(&test, &quiet_secret), 200);
    for _ in 0..3 {
        assert_eq!(used(&test, &busy_secret), 200);
    }
    assert_eq!(with_key(&test, &busy_secret, Method::GET, "/v1/users", None).status, 403);
    write_down(&test);
    let shown = show(&admin);
    let busiest: Vec<&Value> = shown["activity"]["busiest"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["credential_id"].as_str().unwrap().starts_with("ak_"))
        .collect();
    assert_eq!((&busiest[0]["credential_id"], &busiest[0]["name"]), (&json!(busy), &json!("busy")));
    assert!(busiest[0]["requests"].as_i64().unwrap() >= 3, "{busiest:?}");
    assert_eq!(busiest[1]["credential_id"], json!(quiet));
    admin.send(Method::DELETE, &format!("/v1/access-keys/{busy}?name=busy"), None);
    let shown = show(&admin);
    let gone = shown["activity"]["busiest"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["credential_id"] == json!(busy))
        .cloned();
    assert_eq!(gone.unwrap()["name"], Value::Null);
}

fn who_came_near_a_limit_is_told(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, secret) = made(&admin.post(
        "/v1/access-keys",
        &json!({ "name": "limited", "scopes": ["projects:read"], "owner": null, "requests_per_minute": 5 }),
    ));
    for _ in 0..3 {
        assert_eq!(used(&test, &secret), 200);
    }
    let of_key = |shown: &Value| {
        shown["activity"]["near_limits"]
            .as_array()
            .unwrap()
            .iter()
            .find(|near| near["credential_id"] == json!(id))
            .cloned()
    };
    assert_eq!(of_key(&show(&admin)), None);
    assert_eq!(used(&test, &secret), 200);
    let near = of_key(&show(&admin)).unwrap();
    assert_eq!(
        (&near["limit"], &near["seconds"], &near["used"], &near["exceeded"]),
        (&json!(5), &json!(60), &json!(4), &json!(false))
    );
    assert_eq!(used(&test, &secret), 200);
    assert_eq!(used(&test, &secret), 429);
    assert_eq!(of_key(&show(&admin)).unwrap()["exceeded"], true);
    test.advance(3_700);
    assert_eq!(of_key(&show(&again(&admin))), None);
}

fn what_ends_and_what_is_overdue_is_told(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let make = |name: &str, end: Option<&str>| {
        made(&admin.post("/v1/access-keys", &json!({ "name": name, "owner": null, "expires_at": end }))).0
    };
    make("later", Some("2026-08-01T00:00:00Z"));
    let ending = make("ending", Some("2026-01-10T00:00:00Z"));
    let rotated = make("rotated", None);
    admin.post(&format!("/v1/access-keys/{rotated}/rotate"), &json!({ "grace_seconds": 86_400 })).ok();
    let shown = show(&admin);
    let rows: Vec<(String, String)> = shown["credentials"]["ending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["kind"]), text(&row["id"])))
        .collect();
    let expected = [("access_key_secret", rotated.clone()), ("access_key", ending.clone())]
        .map(|(kind, id)| (kind.to_owned(), id));
    assert_eq!(rows, expected);
    assert_eq!(shown["credentials"]["overdue"], json!([]));
    for number in 0..12 {
        make(&format!("many {number}"), Some("2026-01-20T00:00:00Z"));
    }
    let shown = show(&admin);
    assert_eq!(shown["credentials"]["ending"].as_array().unwrap().len(), 10);
    assert_eq!(shown["credentials"]["more_ending"], true);
    test.advance(91 * 86_400);
    let admin = again(&admin);
    let shown = show(&admin);
    assert_eq!(shown["credentials"]["more_overdue"], true);
    assert_eq!(shown["credentials"]["overdue"].as_array().unwrap().len(), 10);
    admin.send(Method::POST, &format!("/v1/access-keys/{rotated}/rotate"), Some(&json!({}))).ok();
    let shown = show(&admin);
    assert!(!shown["credentials"]["overdue"].as_array().unwrap().iter().any(|row| row["id"] == json!(rotated)));
}

fn each_part_is_for_those_who_may_read_it(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let alert = NewAlert::new(AlertRule::Test, AlertSubject::server(), json!({}), test.clock.now());
    assert!(alerts::raise(&test.server, &alert));
    let parts = |scope: &str| {
        let shown = show(&admin.with(scope));
        ["activity", "credentials", "alerts", "health"].map(|part| !shown[part].is_null())
    };
    assert_eq!(parts("admin"), [true; 4]);
    assert_eq!(parts("usage:read"), [true, false, false, false]);
    assert_eq!(parts("usage:read access-keys:read clients:read"), [true, true, false, false]);
    assert_eq!(parts("usage:read alerts:read"), [true, false, true, false]);
    assert_eq!(parts("usage:read signing-keys:read"), [true, false, false, true]);
    assert_eq!(show(&admin)["alerts"][0]["rule"], "test");
    assert_eq!(admin.with("access-keys:read clients:read").get("/v1/overview").status, 403);
    assert_eq!(Answer::of(http_client().get(test.url("/v1/overview"))).status, 401);
    admin.get("/v1/overview?days=3").problem(400, "invalid_request");
    test.advance(8 * 86_400);
    assert_eq!(show(&again(&admin))["alerts"], json!([]));
}

fn database_keys_and_jobs_are_told(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let health = show(&admin)["health"].clone();
    let kind = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    assert_eq!(health["database"]["kind"], kind);
    assert_eq!(health["database"]["size"].is_i64(), engine == Engine::Sqlite);
    assert!(health["database"]["latency_ms"].as_f64().unwrap() < 5_000.0);
    let keys = health["signing_keys"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["alg"] == "RS256" && key["next_published"] == false), "{keys:?}");
    assert_eq!(health["jobs"], json!([]), "no jobs run in this process");
    let running = jobs::start(&test.server).unwrap();
    test.server.jobs.ran("usage", Some("no room".to_owned()), test.clock.now());
    let jobs = show(&admin)["health"]["jobs"].clone();
    let job = |name: &str| jobs.as_array().unwrap().iter().find(|job| job["name"] == name).cloned().unwrap();
    assert!(job("usage")["backlog"].is_i64() && job("logout")["backlog"] == 0, "{jobs}");
    assert!(job("audit-checkpoint")["backlog"].as_i64().unwrap() > 0);
    assert_eq!(job("purge")["backlog"], Value::Null);
    drop(running);
    let since = test.clock.now();
    test.server.jobs.ran("purge", Some("no room".to_owned()), since);
    test.advance(60);
    test.server.jobs.ran("purge", Some("no room".to_owned()), test.clock.now());
    let jobs = show(&admin)["health"]["jobs"].clone();
    let purge = jobs.as_array().unwrap().iter().find(|job| job["name"] == "purge").unwrap().clone();
    assert_eq!((&purge["error"], &purge["failing_since"]), (&json!("no room"), &json!(since)));
}

fn old_hours_go(engine: Engine) {
    let test = TestServer::start(engine);
    let key = access_keys::create(
        &test.server,
        &Caller::command_line(),
        NewAccessKey { name: "a".to_owned(), ..NewAccessKey::default() },
    )
    .map_err(|error| format!("{error:?}"))
    .unwrap();
    used(&test, &key.secret);
    test.server.metrics.token_issued("password");
    write_down(&test);
    let hours = || {
        test.server
            .store
            .read(|connection| {
                Ok(connection.list_hour_figures(0)?.len() + connection.list_busiest_credentials(0, 10)?.len())
            })
            .unwrap()
    };
    let before = hours();
    assert!(before >= 2, "{before}");
    test.clock.advance(Duration::from_secs(8 * 86_400));
    let purged = || purge(&test.server, &|| true).map_err(|error| format!("{error:?}")).unwrap();
    purged();
    assert_eq!(hours(), before, "kept for eight days");
    test.clock.advance(Duration::from_secs(3_600));
    purged();
    assert_eq!(hours(), 0);
}
