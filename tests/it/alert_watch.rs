//! What nobody's request notices: ends, ages and unusual use of credentials; and what the doors notice on the way.

use std::time::Duration;

use grantor::domain::alert::AlertFilter;
use grantor::domain::page::PageRequest;
use grantor::domain::usage::{UsageCount, UsageKey, UsageSource, day_of};
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::alerts;
use grantor::flows::caller::Caller;
use grantor::flows::verdict::{self, Presented, Question};

use crate::doors_support::exchange_form;
use crate::support::*;

on_both!(
    ends_are_announced_once_for_each_notice,
    overdue_keys_and_secrets_are_named_once_a_week,
    errors_and_unusual_volume_are_noticed,
    ninety_percent_of_a_limit_is_said_once,
    refused_credentials_count_as_failed_authentications,
    keys_that_are_tried_at_the_token_endpoint_count_too,
);

const DAY: u64 = 86_400;

fn key(test: &TestServer, new: NewAccessKey) -> (String, String) {
    let made = access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}"));
    let made = made.unwrap();
    (made.key.id.0, made.secret)
}

fn named(name: &str) -> NewAccessKey {
    NewAccessKey { name: name.to_owned(), ..NewAccessKey::default() }
}

/// The subjects of the alerts of a rule, oldest first.
fn raised(test: &TestServer, rule: &str) -> Vec<String> {
    alerts::raise_queued(&test.server).unwrap();
    let page = PageRequest::new(None, Some(200));
    let all = alerts::list(&test.server, &Caller::command_line(), &AlertFilter::default(), &page).unwrap().items;
    all.into_iter().rev().filter(|alert| alert.rule.as_str() == rule).map(|alert| alert.subject_id).collect()
}

fn watch(test: &TestServer) {
    alerts::watch_credentials(&test.server, &|| true).unwrap();
    alerts::watch_usage(&test.server, &|| true).unwrap();
}

fn ends_are_announced_once_for_each_notice(engine: Engine) {
    let test = TestServer::start(engine);
    let (id, _) = key(&test, NewAccessKey { expires_in: Some(31 * DAY), ..named("ends") });
    key(&test, named("stays"));
    watch(&test);
    assert_eq!(raised(&test, "credential_expiring"), Vec::<String>::new());
    test.advance(2 * DAY);
    watch(&test);
    watch(&test);
    assert_eq!(raised(&test, "credential_expiring"), [id.as_str()]);
    // 7 days before, and 1 day before.
    test.advance(23 * DAY);
    watch(&test);
    test.advance(5 * DAY + DAY / 2);
    watch(&test);
    watch(&test);
    assert_eq!(raised(&test, "credential_expiring"), [id.as_str(); 3]);
    // What has ended is not spoken of.
    test.advance(DAY);
    watch(&test);
    assert_eq!(raised(&test, "credential_expiring").len(), 3);
}

fn overdue_keys_and_secrets_are_named_once_a_week(engine: Engine) {
    let test = TestServer::start(engine);
    let (id, _) = key(&test, named("old"));
    test.confidential();
    test.advance(90 * DAY);
    watch(&test);
    assert!(raised(&test, "rotation_overdue").is_empty());
    test.advance(1);
    let (fresh, _) = key(&test, named("rotated"));
    access_keys::rotate(&test.server, &Caller::command_line(), &fresh, 0)
        .map_err(|error| format!("{error:?}"))
        .unwrap();
    watch(&test);
    watch(&test);
    assert_eq!(raised(&test, "rotation_overdue"), [id.as_str(), "web"]);
    test.advance(8 * DAY);
    access_keys::rotate(&test.server, &Caller::command_line(), &id, 0).map_err(|error| format!("{error:?}")).unwrap();
    watch(&test);
    assert_eq!(raised(&test, "rotation_overdue"), [id.as_str(), "web", "web"]);
}

fn count(test: &TestServer, days_ago: i64, outcome: &str, requests: i64) {
    let key = UsageKey {
        credential_id: "ak_1".to_owned(),
        day: day_of(test.clock.now()) - days_ago,
        source: UsageSource::Door,
        operation: String::new(),
        project: String::new(),
        outcome: outcome.to_owned(),
    };
    let count = UsageCount { requests, ..UsageCount::default() };
    test.server.store.write(move |connection| connection.add_usage(&key, count)).unwrap();
}

fn errors_and_unusual_volume_are_noticed(engine: Engine) {
    let test = TestServer::start(engine);
    for days_ago in 1..=8 {
        count(&test, days_ago, "valid", 1000);
    }
    count(&test, 0, "valid", 950);
    count(&test, 0, "insufficient_scope", 50);
    watch(&test);
    // Five percent is not over five percent, and a thousand is what every day brings.
    assert!(raised(&test, "error_share").is_empty() && raised(&test, "volume").is_empty());
    count(&test, 0, "insufficient_scope", 10);
    watch(&test);
    assert_eq!(raised(&test, "error_share"), ["ak_1"]);
    count(&test, 0, "valid", 2500);
    watch(&test);
    watch(&test);
    assert_eq!(raised(&test, "volume"), ["ak_1"]);
    // The next day is quiet, which is known when it is over.
    test.advance(DAY);
    count(&test, 0, "valid", 10);
    watch(&test);
    assert_eq!(raised(&test, "volume").len(), 1);
    test.advance(DAY);
    watch(&test);
    watch(&test);
    assert_eq!(raised(&test, "volume").len(), 2);
}

fn judge(test: &TestServer, secret: &str, address: &str) -> String {
    let question = Question {
        environment: "live".to_owned(),
        audiences: vec![test.server.config.default_resource()],
        address: address.parse().ok(),
        ..Question::default()
    };
    let presented = Presented::Bearer(zeroize::Zeroizing::new(secret.to_owned()));
    verdict::judge(&test.server, &presented, &question).unwrap().verdict.as_str().to_owned()
}

fn ninety_percent_of_a_limit_is_said_once(engine: Engine) {
    let test = TestServer::start(engine);
    let (id, secret) = key(&test, NewAccessKey { requests_per_minute: Some(10), ..named("limited") });
    for _ in 0..8 {
        assert_eq!(judge(&test, &secret, "192.0.2.1"), "valid");
    }
    assert!(raised(&test, "limit_share").is_empty());
    for _ in 0..2 {
        assert_eq!(judge(&test, &secret, "192.0.2.1"), "valid");
    }
    assert_eq!(judge(&test, &secret, "192.0.2.1"), "rate_limit_exceeded");
    assert_eq!(raised(&test, "limit_share"), [id.as_str()]);
    // Again in the next window, but silent within the cool-down.
    test.advance(61);
    for _ in 0..10 {
        judge(&test, &secret, "192.0.2.1");
    }
    assert_eq!(raised(&test, "limit_share").len(), 1);
    test.clock.advance(Duration::from_secs(3600));
    for _ in 0..10 {
        judge(&test, &secret, "192.0.2.1");
    }
    assert_eq!(raised(&test, "limit_share").len(), 2);
}

fn refused_credentials_count_as_failed_authentications(engine: Engine) {
    let test = TestServer::start(engine);
    let (id, secret) = key(&test, named("gone"));
    access_keys::set_status(&test.server, &Caller::command_line(), &id, grantor::domain::client::Status::Revoked)
        .map_err(|error| format!("{error:?}"))
        .unwrap();
    for number in 0..20 {
        assert_eq!(judge(&test, &secret, &format!("192.0.2.{number}")), "revoked");
    }
    assert_eq!(raised(&test, "failed_authentications"), [id.as_str()]);
    for _ in 0..20 {
        assert_eq!(judge(&test, "no such key", "198.51.100.9"), "unknown");
    }
    assert_eq!(raised(&test, "failed_authentications"), [id.as_str(), "198.51.100.9"]);
}

fn keys_that_are_tried_at_the_token_endpoint_count_too(engine: Engine) {
    let test = TestServer::start(engine);
    let exchange = |secret: &str| {
        let form = exchange_form(secret, &[]);
        let answer = Answer::of(http_client().post(test.url("/oauth/token")).form(&form));
        answer.assert_error(400, "invalid_request");
    };
    let unknown = || grantor::crypto::secret::generate_prefixed("gk_live_").unwrap().to_string();
    // What does not look like a key is a mistake, not an attempt.
    for _ in 0..20 {
        exchange("no such key");
    }
    for _ in 0..19 {
        exchange(&unknown());
    }
    assert!(raised(&test, "failed_authentications").is_empty());
    exchange(&unknown());
    assert_eq!(raised(&test, "failed_authentications"), ["127.0.0.1"]);
}
