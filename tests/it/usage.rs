//! Usage: counted in memory, written down, summed up, removed.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use grantor::clock::Clock;
use grantor::domain::client::Status;
use grantor::domain::usage::{SecretUse, UsageCount, UsageKey, UsageSource, day_of};
use grantor::flows::access_keys::{self, AccessKeyWithSecret, NewAccessKey};
use grantor::flows::alerts;
use grantor::flows::caller::Caller;
use grantor::flows::purge::purge;
use grantor::flows::usage::{NewAddress, flush};
use grantor::flows::verdict::{self, Presented, Question};
use grantor::store::{MAX_ADDRESSES, StoreConnection};
use reqwest::blocking::Client as HttpClient;
use serde_json::{Value, json};

use crate::process::{Ended, Running, grantor_on, wait_for};
use crate::support::*;

on_both!(
    counts_add_up_over_flushes_and_instances,
    instances_that_write_at_once_do_not_block_each_other,
    what_cannot_be_written_is_put_back,
    a_row_that_cannot_be_added_does_not_hold_up_the_others,
    a_day_ends_at_midnight_utc,
    every_day_is_there_and_shares_add_up,
    last_use_and_new_addresses_are_known,
    a_secret_used_from_everywhere_has_a_bounded_list,
    old_counts_and_addresses_go,
    a_crash_loses_one_interval_and_a_clean_stop_nothing,
    the_command_line_draws_a_chart,
);

/// A key of the platform for the API.
pub fn key(test: &TestServer, name: &str) -> AccessKeyWithSecret {
    let new = NewAccessKey { name: name.to_owned(), scopes: vec!["read".to_owned()], ..NewAccessKey::default() };
    access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}")).unwrap()
}

/// Presents a key at a door of the API.
fn present(test: &TestServer, key: &AccessKeyWithSecret, operation: &str, address: &str) -> &'static str {
    let presented = Presented::Bearer(key.secret.clone().into());
    let question = Question {
        environment: "live".to_owned(),
        audiences: vec![test.server.config.default_resource()],
        operation: operation.to_owned(),
        address: address.parse().ok(),
        ..Question::default()
    };
    verdict::judge(&test.server, &presented, &question).map_err(|error| format!("{error:?}")).unwrap().verdict.as_str()
}

/// Writes usage down, which must work.
pub fn write_down(test: &TestServer) -> Vec<NewAddress> {
    let flushed = flush(&test.server);
    assert_eq!(flushed.failed, None);
    flushed.new_addresses
}

/// The usage as the API tells it.
pub fn usage(test: &TestServer, admin: &str, path: &str) -> Value {
    let answer = Answer::of(http_client().get(test.url(path)).bearer_auth(admin));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// A token that reads usage.
pub fn reader(test: &TestServer) -> String {
    let admin = test.client(grantor::flows::clients::ClientMembers {
        scope: Some(grantor::protocol::scope::Scope::parse("usage:read").unwrap()),
        roles: Some(vec!["admin".to_owned()]),
        ..confidential_members("reader")
    });
    test.user("root", &["admin"]);
    let parameters =
        [("grant_type", "password"), ("username", "root"), ("password", PASSWORD), ("scope", "usage:read")];
    text(&test.token(&admin, &parameters).json()["access_token"])
}

fn rows(test: &TestServer, id: &str) -> Vec<(UsageKey, UsageCount)> {
    test.server.store.read(|connection| connection.list_usage(Some(id), 0)).unwrap()
}

fn requests(test: &TestServer, id: &str) -> i64 {
    rows(test, id).iter().map(|(_, count)| count.requests).sum()
}

fn counted(id: &str, requests: i64) -> (UsageKey, UsageCount) {
    let key = UsageKey {
        credential_id: id.to_owned(),
        day: day_of(start_time()),
        source: UsageSource::Door,
        operation: String::new(),
        project: String::new(),
        outcome: "valid".to_owned(),
    };
    (key, UsageCount { requests, ..UsageCount::default() })
}

fn counts_add_up_over_flushes_and_instances(engine: Engine) {
    let test = TestServer::start(engine);
    let other = test.sibling();
    let key = key(&test, "backend");
    let id = key.key.id.as_str();
    for _ in 0..3 {
        assert_eq!(present(&test, &key, "pull", "192.0.2.1"), "valid");
        assert_eq!(present(&other, &key, "pull", "192.0.2.1"), "valid");
    }
    assert!(rows(&test, id).is_empty(), "counting waits for no database");
    write_down(&test);
    assert_eq!(requests(&test, id), 3);
    write_down(&other);
    write_down(&other);
    present(&test, &key, "push", "192.0.2.1");
    write_down(&test);
    assert_eq!(requests(&test, id), 7);
    assert_eq!(rows(&test, id).len(), 2);
    access_keys::set_status(&test.server, &Caller::command_line(), id, Status::Inactive).unwrap();
    assert_eq!(present(&test, &key, "pull", "192.0.2.1"), "inactive");
    write_down(&test);
    assert!(rows(&test, id).iter().any(|(key, count)| key.outcome == "inactive" && count.requests == 1));
}

fn instances_that_write_at_once_do_not_block_each_other(engine: Engine) {
    let test = TestServer::start(engine);
    let other = test.sibling();
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        for (instance, server) in [&test, &other].into_iter().enumerate() {
            let barrier = &barrier;
            scope.spawn(move || {
                for _ in 0..3 {
                    for number in 0..700 {
                        // Counted in opposite orders.
                        let number = if instance == 0 { number } else { 699 - number };
                        let (key, count) = counted(&format!("ak_{number}"), 1);
                        server.server.usage.count(key, count);
                        verdict::note_use(&server.server, format!("ak_{number}"), None, "192.0.2.1".parse().ok());
                    }
                    barrier.wait();
                    write_down(server);
                }
            });
        }
    });
    assert!((0..700).all(|number| requests(&test, &format!("ak_{number}")) == 6));
    let uses = test.server.store.read(|connection| connection.list_secret_uses("ak_7")).unwrap();
    assert_eq!((uses.len(), uses[0].uses), (1, 6));
}

fn execute(test: &TestServer, sql: &'static str) {
    let write = move |connection: &mut StoreConnection| {
        match connection {
            StoreConnection::Sqlite(connection) => connection.batch_execute(sql)?,
            StoreConnection::Postgres(connection) => connection.batch_execute(sql)?,
        }
        Ok(())
    };
    test.server.store.write(write).unwrap();
}

fn what_cannot_be_written_is_put_back(engine: Engine) {
    let test = TestServer::start(engine);
    let key = key(&test, "backend");
    let id = key.key.id.as_str();
    present(&test, &key, "pull", "192.0.2.1");
    execute(&test, "ALTER TABLE usage_days RENAME TO away; ALTER TABLE secret_uses RENAME TO away_too");
    for _ in 0..2 {
        assert!(flush(&test.server).failed.is_some());
        present(&test, &key, "pull", "192.0.2.1");
    }
    execute(&test, "ALTER TABLE away RENAME TO usage_days; ALTER TABLE away_too RENAME TO secret_uses");
    write_down(&test);
    assert_eq!(requests(&test, id), 3);
    let uses = test.server.store.read(|connection| connection.list_secret_uses(id)).unwrap();
    assert_eq!((uses.len(), uses[0].uses), (1, 3));
}

fn a_row_that_cannot_be_added_does_not_hold_up_the_others(engine: Engine) {
    let test = TestServer::start(engine);
    let count = |id: &str, requests: i64| {
        let (key, count) = counted(id, requests);
        test.server.usage.count(key, count);
    };
    count("full", i64::MAX);
    write_down(&test);
    for id in ["after", "before", "full", "zero"] {
        count(id, 1);
    }
    write_down(&test);
    assert_eq!((requests(&test, "full"), requests(&test, "after"), requests(&test, "zero")), (i64::MAX, 1, 1));
}

fn a_day_ends_at_midnight_utc(engine: Engine) {
    let test = TestServer::start(engine);
    let key = key(&test, "backend");
    // From noon to the last second of the day, and one on.
    test.advance(12 * 3_600 - 1);
    present(&test, &key, "pull", "192.0.2.1");
    test.advance(1);
    present(&test, &key, "pull", "192.0.2.1");
    present(&test, &key, "pull", "192.0.2.1");
    write_down(&test);
    let summary = usage(&test, &reader(&test), &format!("/v1/access-keys/{}/usage?days=7", key.key.id));
    let days = summary["days"].as_array().unwrap();
    assert_eq!((&days[5]["day"], &days[5]["requests"]), (&json!("2026-01-01"), &json!(1)));
    assert_eq!((&days[6]["day"], &days[6]["requests"]), (&json!("2026-01-02"), &json!(2)));
}

fn every_day_is_there_and_shares_add_up(engine: Engine) {
    let test = TestServer::start(engine);
    let key = key(&test, "backend");
    for (operation, times) in [("Pull scenarios", 5), ("Upload results", 3), ("", 2)] {
        (0..times).for_each(|_| assert_eq!(present(&test, &key, operation, "192.0.2.1"), "valid"));
    }
    write_down(&test);
    let admin = reader(&test);
    let path = format!("/v1/access-keys/{}/usage", key.key.id);
    let summary = usage(&test, &admin, &path);
    let days = summary["days"].as_array().unwrap();
    assert_eq!((days.len(), &days[0]["day"], &days[29]["day"]), (30, &json!("2025-12-03"), &json!("2026-01-01")));
    assert!(days[..29].iter().all(|day| day["requests"] == 0 && day["units"] == 0));
    assert_eq!(days[29]["valid"], 10);
    assert_eq!((&summary["total_requests"], &summary["average_per_day"]), (&json!(10), &json!(0.3)));
    assert_eq!((&summary["success_rate"], &summary["average_response_time_ms"]), (&json!(1.0), &Value::Null));
    assert_eq!(
        summary["by_operation"],
        json!([
            { "operation": "Pull scenarios", "requests": 5, "share": 0.5 },
            { "operation": "Upload results", "requests": 3, "share": 0.3 },
            { "operation": "", "requests": 2, "share": 0.2 },
        ])
    );
    assert_eq!((&summary["name"], &summary["from"]), (&json!("backend"), &json!(["192.0.2.1"])));
    let get = |path: &str| Answer::of(http_client().get(test.url(path)).bearer_auth(&admin)).status.as_u16();
    for (query, status) in [("?days=6", 400), ("?days=401", 400), ("?days=x", 400), ("?day=7", 400), ("?days=400", 200)]
    {
        assert_eq!(get(&format!("{path}{query}")), status, "{query}");
    }
    assert_eq!((get("/v1/access-keys/ak_none/usage"), get("/v1/clients/none/usage")), (404, 404));
}

fn last_use_and_new_addresses_are_known(engine: Engine) {
    let test = TestServer::start(engine);
    let key = key(&test, "backend");
    let id = key.key.id.0.clone();
    present(&test, &key, "", "192.0.2.1");
    assert_eq!(write_down(&test), [], "the first address of all is no news");
    test.advance(5);
    present(&test, &key, "", "192.0.2.1");
    present(&test, &key, "", "2001:db8::1");
    test.advance(5);
    present(&test, &key, "", "192.0.2.1");
    assert_eq!(write_down(&test), [NewAddress { credential_id: id.clone(), address: "2001:db8::1".to_owned() }]);
    assert_eq!(alerts::raise_queued(&test.server).unwrap(), 1);
    present(&test, &key, "", "2001:db8::1");
    assert_eq!(write_down(&test), []);
    let stored = access_keys::show(&test.server, &Caller::command_line(), &id).unwrap();
    assert_eq!(stored.last_used_at, Some(start_time() + Duration::from_secs(10)));
    // What another instance writes late does not turn the time back.
    let late = SecretUse {
        credential_id: id.clone(),
        secret_id: access_keys::secrets(&test.server, &Caller::command_line(), &id).unwrap()[0].id.clone(),
        address: "192.0.2.1".to_owned(),
        first_used_at: start_time(),
        last_used_at: start_time(),
        uses: 1,
    };
    test.server.usage.used(late);
    write_down(&test);
    let stored = access_keys::show(&test.server, &Caller::command_line(), &id).unwrap();
    assert_eq!(stored.last_used_at, Some(start_time() + Duration::from_secs(10)));
    let used = access_keys::secrets(&test.server, &Caller::command_line(), &id).unwrap()[0].used_from.clone();
    let first = used.iter().find(|used| used.address == "192.0.2.1").unwrap();
    assert_eq!((first.last_used_at, first.uses), (start_time() + Duration::from_secs(10), 4));
}

fn a_secret_used_from_everywhere_has_a_bounded_list(engine: Engine) {
    let test = TestServer::start(engine);
    for round in 0..3 {
        for number in 0..150 {
            let address = format!("10.0.{round}.{number}").parse().ok();
            verdict::note_use(&test.server, "web".to_owned(), Some("one".to_owned()), address);
        }
        write_down(&test);
    }
    let count = |connection: &mut StoreConnection| connection.list_secret_uses("web");
    let uses = test.server.store.read(count).unwrap();
    assert_eq!(uses.len(), MAX_ADDRESSES);
    purge(&test.server, &|| true).unwrap();
    test.advance(91 * 86_400);
    assert_eq!(purge(&test.server, &|| true).unwrap(), MAX_ADDRESSES + 1);
}

fn old_counts_and_addresses_go(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.usage.retention = Duration::from_secs(30 * 86_400);
        config.usage.address_retention = Duration::from_secs(10 * 86_400);
    });
    for number in 0..1_200 {
        let (mut key, count) = counted(&format!("ak_{number}"), 1);
        key.day -= number % 3;
        test.server.usage.count(key, count);
        verdict::note_use(&test.server, format!("ak_{number}"), None, "192.0.2.1".parse().ok());
    }
    write_down(&test);
    let left = || test.server.store.read(|connection| connection.list_usage(None, 0)).unwrap().len();
    test.advance(10 * 86_400);
    // The busiest of the hour are kept for eight days: overview.
    assert_eq!(purge(&test.server, &|| true).unwrap(), 50);
    test.advance(1);
    assert_eq!((purge(&test.server, &|| true).unwrap(), left()), (1_200, 1_200));
    // On the thirtieth day the two days before are gone.
    test.advance(20 * 86_400);
    assert_eq!((purge(&test.server, &|| true).unwrap(), left()), (800, 400));
    test.advance(86_400);
    assert_eq!((purge(&test.server, &|| true).unwrap(), left()), (400, 0));
}

fn a_crash_loses_one_interval_and_a_clean_stop_nothing(engine: Engine) {
    let database = Arc::new(TestServer::seeded(engine));
    let test = TestServer::start_on(Arc::clone(&database), Clock::System, |_| ());
    let client = test.confidential();
    let report = |running: &Running| {
        let http = HttpClient::new().post(running.url("/v1/usage")).basic_auth(&client.id, client.secret.as_ref());
        let answer = Answer::of(http.json(&json!({ "events": [{ "credential_id": client.id }] })));
        assert_eq!((answer.status.as_u16(), &answer.json()["accepted"]), (202, &json!(1)), "{}", answer.body);
    };
    let stop = |mut running: Running, signal: &str| {
        running.signal(signal);
        wait_for("the end", 20, || running.ended());
    };
    let lazy = [("USAGE__FLUSH_INTERVAL", "60s")];
    let running = Running::serve(&database, &lazy);
    report(&running);
    stop(running, "KILL");
    assert_eq!(requests(&test, &client.id), 0, "lost with the process");
    let running = Running::serve(&database, &lazy);
    report(&running);
    stop(running, "TERM");
    assert_eq!(requests(&test, &client.id), 1, "written at a clean stop");
    let running = Running::serve(&database, &[("USAGE__FLUSH_INTERVAL", "100ms")]);
    report(&running);
    wait_for("the interval", 20, || (requests(&test, &client.id) == 2).then_some(()));
    stop(running, "KILL");
}

fn the_command_line_draws_a_chart(engine: Engine) {
    // The command line has the system's clock.
    let test = TestServer::start_now(engine);
    let key = key(&test, "My Development Key");
    for (operation, times) in [("Pull scenarios", 3), ("Upload results", 1)] {
        (0..times).for_each(|_| assert_eq!(present(&test, &key, operation, "192.0.2.1"), "valid"));
    }
    write_down(&test);
    let command = |arguments: &[&str]| Ended::of(grantor_on(&test.database).args(arguments), "");
    let id = key.key.id.as_str();
    let said = command(&["access-key", "usage", id, "--days", "7"]).out;
    assert!(said.starts_with(&format!("Usage of My Development Key ({id})\n\nLast 7 days (UTC):\n")), "{said}");
    assert!(said.contains(&format!(" {} 4 requests\n", "█".repeat(40))), "{said}");
    assert_eq!(said.matches(" 0 requests\n").count(), 6, "{said}");
    for line in ["Total requests: 4", "Average per day: 0.6", "- Pull scenarios: 3 (75%)", "- Upload results: 1 (25%)"]
    {
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
    }
    let client = test.confidential();
    let told = command(&["client", "usage", &client.id, "--json"]).json();
    assert_eq!((told["days"].as_array().unwrap().len(), &told["total_requests"]), (30, &json!(0)));
    command(&["access-key", "usage", "ak_none"]).assert_refused(3, "no such access key", "");
    command(&["client", "usage", "web", "--days", "3"]).assert_refused(3, "days must be 7 to 400", "");
}
