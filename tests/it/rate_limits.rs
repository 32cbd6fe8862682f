//! Rate limits: per address over HTTP, and counters that instances share in Redis, also when that is down.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use grantor::clock::Clock;
use grantor::config::{Config, HiddenText, WhenCountersFail};
use grantor::counters::rate_limits::{CountersDown, RateLimits, RateVerdict, Window};

use crate::support::*;

on_both!(
    the_token_endpoint_is_limited_per_address,
    hidden_addresses_are_counted_as_one,
    the_login_form_is_limited_per_address,
    exempt_addresses_and_a_limit_of_zero_are_not_counted,
    without_counters_the_setting_decides,
    instances_with_one_engine_share_the_limit,
);

const MINUTE: Window = Window { limit: 10, seconds: 60 };
/// A machine that runs all tests at once is slow to answer.
const PATIENCE: Duration = Duration::from_secs(5);

fn behind_proxy(config: &mut Config) {
    config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    config.limits.token_requests_per_minute_per_address = 3;
    config.limits.login_requests_per_minute_per_address = 2;
}

/// A form posted for an address behind the proxy.
fn post_from(test: &TestServer, path: &str, address: &str) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", "nobody")];
    Answer::of(http_client().post(test.url(path)).header("x-forwarded-for", address).form(&form))
}

fn the_token_endpoint_is_limited_per_address(engine: Engine) {
    let test = TestServer::start_with(engine, behind_proxy);
    for _ in 0..3 {
        post_from(&test, "/oauth/token", "192.0.2.1").assert_error(401, "invalid_client");
        test.advance(1);
    }
    let refused = post_from(&test, "/oauth/token", "192.0.2.1");
    refused.assert_error(429, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "57");
    let text = "too many requests from this address: try again in 57 seconds";
    assert_eq!(refused.json()["error_description"], text);
    assert_eq!(refused.header("content-type"), "application/json");
    // Before anything is read of it.
    let json = http_client().post(test.url("/oauth/token")).header("x-forwarded-for", "192.0.2.1");
    Answer::of(json.header("content-type", "application/json").body("{")).assert_error(429, "temporarily_unavailable");
    // Others are not held up, nor is another endpoint.
    post_from(&test, "/oauth/token", "192.0.2.2").assert_error(401, "invalid_client");
    assert_eq!(post_from(&test, "/login", "192.0.2.1").status, 403);
    // A stranger may write what it likes left of its own address.
    post_from(&test, "/oauth/token", "198.51.100.9, 192.0.2.1").assert_error(429, "temporarily_unavailable");
    // What was refused is not counted: there is room as soon as the first has left.
    test.advance(56);
    assert_eq!(post_from(&test, "/oauth/token", "192.0.2.1").header("retry-after"), "1");
    test.advance(1);
    post_from(&test, "/oauth/token", "192.0.2.1").assert_error(401, "invalid_client");
    post_from(&test, "/oauth/token", "192.0.2.1").assert_error(429, "temporarily_unavailable");
    // IPv6: one subscriber has a /64.
    for last in 1..=3 {
        post_from(&test, "/oauth/token", &format!("2001:db8::{last}")).assert_error(401, "invalid_client");
    }
    post_from(&test, "/oauth/token", "2001:db8::ffff:1").assert_error(429, "temporarily_unavailable");
    post_from(&test, "/oauth/token", "2001:db8:0:1::1").assert_error(401, "invalid_client");
}

/// The proxy is on this machine and so exempt; whom it hides is not.
fn hidden_addresses_are_counted_as_one(engine: Engine) {
    let test = TestServer::start_with(engine, behind_proxy);
    let post = |lines: &[&[u8]]| {
        let mut request = http_client().post(test.url("/oauth/token"));
        for line in lines {
            request = request.header("x-forwarded-for", reqwest::header::HeaderValue::from_bytes(line).unwrap());
        }
        Answer::of(request.form(&[("grant_type", "client_credentials"), ("client_id", "nobody")]))
    };
    for lines in [&[b"\xe9".as_slice()][..], &[b"192.0.2.1", b"\xe9"], &[b"192.0.2.2, unknown"]] {
        post(lines).assert_error(401, "invalid_client");
    }
    post(&[b"192.0.2.3", b"192.0.2.4, \xe9"]).assert_error(429, "temporarily_unavailable");
    post(&[b"\xe9, 192.0.2.1"]).assert_error(401, "invalid_client");
    post(&[]).assert_error(401, "invalid_client");
}

fn the_login_form_is_limited_per_address(engine: Engine) {
    let test = TestServer::start_with(engine, behind_proxy);
    for _ in 0..2 {
        assert_eq!(post_from(&test, "/login", "192.0.2.1").status, 403);
    }
    let refused = post_from(&test, "/login", "192.0.2.1");
    assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "60"));
    assert_eq!(refused.header("content-type"), "text/html; charset=utf-8");
    assert!(refused.body.contains("too many requests from this address: try again in 60 seconds"), "{}", refused.body);
    let shown = Answer::of(http_client().get(test.url("/login")).header("x-forwarded-for", "192.0.2.1"));
    assert_eq!(shown.status, 200);
    assert_eq!(post_from(&test, "/login", "192.0.2.2").status, 403);
    post_from(&test, "/oauth/token", "192.0.2.1").assert_error(401, "invalid_client");
    test.advance(60);
    assert_eq!(post_from(&test, "/login", "192.0.2.1").status, 403);
}

fn exempt_addresses_and_a_limit_of_zero_are_not_counted(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        behind_proxy(config);
        config.limits.login_requests_per_minute_per_address = 0;
        config.limits.exempt_addresses.push("198.51.100.0/24".parse().unwrap());
    });
    for _ in 0..5 {
        // The proxy itself, and this machine.
        let form = [("grant_type", "client_credentials"), ("client_id", "nobody")];
        Answer::of(http_client().post(test.url("/oauth/token")).form(&form)).assert_error(401, "invalid_client");
        post_from(&test, "/oauth/token", "127.0.0.7").assert_error(401, "invalid_client");
        post_from(&test, "/oauth/token", "::1").assert_error(401, "invalid_client");
        post_from(&test, "/oauth/token", "198.51.100.9").assert_error(401, "invalid_client");
        assert_eq!(post_from(&test, "/login", "192.0.2.1").status, 403);
    }
}

fn without_counters_the_setting_decides(engine: Engine) {
    let nobody = SilentEngine::start();
    let with = |setting| {
        TestServer::start_with(engine, |config| {
            behind_proxy(config);
            config.limits.counters = HiddenText(nobody.url());
            config.limits.when_counters_fail = setting;
        })
    };
    let open = with(WhenCountersFail::Open);
    for _ in 0..5 {
        post_from(&open, "/oauth/token", "192.0.2.1").assert_error(401, "invalid_client");
    }
    let counted = open.server.metrics.encode().unwrap();
    assert!(counted.contains("grantor_limits_uncounted_total 5"), "{counted}");
    let closed = with(WhenCountersFail::Closed);
    let refused = post_from(&closed, "/oauth/token", "192.0.2.1");
    refused.assert_error(503, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(post_from(&closed, "/login", "192.0.2.1").status, 503);
    // What is not counted needs no counters.
    post_from(&closed, "/oauth/token", "127.0.0.1").assert_error(401, "invalid_client");
}

fn instances_with_one_engine_share_the_limit(engine: Engine) {
    let Some(url) = redis_url() else { return };
    let test = TestServer::start_with(engine, |config| {
        behind_proxy(config);
        config.limits.counters = HiddenText(url.clone());
        config.limits.counters_timeout = PATIENCE;
    });
    let issuer = test.server.config.server.issuer.clone();
    let sibling = TestServer::start_on(Arc::clone(&test.database), test.clock.clone(), |config| {
        behind_proxy(config);
        config.server.issuer = issuer;
        config.limits.counters = HiddenText(url);
        config.limits.counters_timeout = PATIENCE;
    });
    for server in [&test, &sibling, &test] {
        post_from(server, "/oauth/token", "192.0.2.1").assert_error(401, "invalid_client");
    }
    for server in [&test, &sibling] {
        let refused = post_from(server, "/oauth/token", "192.0.2.1");
        refused.assert_error(429, "temporarily_unavailable");
        assert_eq!(refused.header("retry-after"), "60");
    }
    test.advance(60);
    post_from(&sibling, "/oauth/token", "192.0.2.1").assert_error(401, "invalid_client");
}

fn prefix() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("test:{}:{}:", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst))
}

fn second(seconds: i64) -> DateTime<Utc> {
    start_time() + chrono::TimeDelta::seconds(seconds)
}

fn is_allowed(limits: &RateLimits, now: DateTime<Utc>) -> bool {
    matches!(limits.take("key", &[MINUTE], 1, now).unwrap(), RateVerdict::Allowed(_))
}

#[test]
fn an_engine_counts_as_the_memory_does() {
    let Some(url) = redis_url() else { return };
    let (memory, first) = (RateLimits::in_memory(), RateLimits::redis(&url, &prefix(), PATIENCE).unwrap());
    let windows = [MINUTE, Window { limit: 25, seconds: 120 }, Window { limit: 12, seconds: 60 }];
    // A fixed sequence that looks random: steps between nothing and eight seconds, some of them back.
    let (mut number, mut now) = (7_u64, start_time());
    let mut refused = 0;
    for _ in 0..1500 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = i64::try_from((number >> 33) % 8_000_000).unwrap();
        now += chrono::TimeDelta::microseconds(match (number >> 60) % 4 {
            0 => step,
            1 => -step / 4,
            _ => step / 50,
        });
        let cost = u32::try_from((number >> 20) % 4).unwrap();
        let cost = if (number >> 50) % 97 == 0 { 11 } else { cost };
        let expected = memory.take("key", &windows, cost, now).unwrap();
        assert_eq!(first.take("key", &windows, cost, now).unwrap(), expected);
        assert_eq!(first.peek("key", &windows, now).unwrap(), memory.peek("key", &windows, now).unwrap());
        refused += u32::from(matches!(expected, RateVerdict::Exceeded { .. }));
    }
    assert!((100..1400).contains(&refused), "{refused}");
}

#[test]
fn the_count_is_exact_under_eight_callers_of_two_instances() {
    let Some(url) = redis_url() else { return };
    let prefix = prefix();
    let instances =
        [RateLimits::redis(&url, &prefix, PATIENCE).unwrap(), RateLimits::redis(&url, &prefix, PATIENCE).unwrap()];
    let window = Window { limit: 300, seconds: 60 };
    let allowed = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let (instance, allowed) = (&instances[caller % 2], &allowed);
            scope.spawn(move || {
                for number in 0..100 {
                    let now = start_time() + chrono::TimeDelta::milliseconds(number);
                    let verdict = instance.take("key", &[window], 1, now).unwrap();
                    if matches!(verdict, RateVerdict::Allowed(_)) {
                        allowed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(allowed.into_inner(), 300);
}

#[test]
fn an_engine_that_is_down_is_told_at_once() {
    let silent = SilentEngine::start();
    let limits = RateLimits::redis(&silent.url(), &prefix(), Duration::from_millis(50)).unwrap();
    let clock = Clock::System;
    let started = clock.instant();
    assert_eq!(limits.take("key", &[MINUTE], 1, second(0)), Err(CountersDown));
    let first = clock.instant() - started;
    assert!(first < Duration::from_millis(500), "{first:?}");
    let started = clock.instant();
    for _ in 0..1000 {
        assert_eq!(limits.take("key", &[MINUTE], 1, second(0)), Err(CountersDown));
    }
    let next = clock.instant() - started;
    assert!(next < Duration::from_millis(500), "nobody asks meanwhile: {next:?}");
}

#[test]
fn an_engine_that_comes_back_is_asked_again_after_a_second() {
    let Some(url) = redis_url() else { return };
    let forwarder = Forwarder::start(&url);
    let limits = RateLimits::redis(&forwarder.url(), &prefix(), Duration::from_secs(1)).unwrap();
    assert!(is_allowed(&limits, second(0)));
    forwarder.refuse(true);
    assert_eq!(limits.take("key", &[MINUTE], 1, second(1)), Err(CountersDown));
    forwarder.refuse(false);
    assert_eq!(limits.take("key", &[MINUTE], 1, second(1)), Err(CountersDown));
    // Another thread makes the connection, in its own time.
    let mut now = 2;
    while limits.peek("key", &[MINUTE], second(now)).is_err() {
        now += 1;
        assert!(now < 50, "it was not asked again");
    }
    assert!(is_allowed(&limits, second(now)));
}

#[test]
fn connections_that_died_are_made_again() {
    let Some(url) = redis_url() else { return };
    let forwarder = Forwarder::start(&url);
    let limits = RateLimits::redis(&forwarder.url(), &prefix(), PATIENCE).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(is_allowed(&limits, second(0))));
        }
    });
    // As when the engine restarts: every connection ends, and a new one is good. No call fails for it.
    forwarder.cut();
    assert_eq!(limits.peek("key", &[MINUTE], second(0)).unwrap()[0].remaining, 6);
    assert!(is_allowed(&limits, second(0)));
}

#[test]
fn an_address_that_is_no_engine_is_refused_without_repeating_it() {
    for url in ["", "memory", "http://hunter2@localhost", "redis://:hunter2@localhost:port", "redis://hunter2@host/x"] {
        let refused = RateLimits::redis(url, "x", PATIENCE).unwrap_err().to_string();
        assert!(refused.contains("redis://host:port/database") && !refused.contains("hunter2"), "{refused}");
    }
}

/// Says what a use costs. A development build is several times slower than a release.
#[test]
fn the_cost_of_a_use_is_told() {
    let windows = [Window { limit: 1000, seconds: 60 }, Window { limit: 100_000, seconds: 3600 }];
    let tell = |what: &str, limits: &RateLimits, uses: u32| {
        let keys: Vec<String> = (0..1000).map(|number| format!("access-key:ak_{number:020}")).collect();
        let started = Clock::System.instant();
        for number in 0..uses {
            let now = start_time() + chrono::TimeDelta::microseconds(i64::from(number) * 50);
            let _ = limits.take(&keys[number as usize % keys.len()], &windows, 1, now);
        }
        let each = (Clock::System.instant() - started).as_nanos() / u128::from(uses);
        println!("{what}: {each} ns a use of two windows");
    };
    tell("memory", &RateLimits::in_memory(), 100_000);
    if let Some(url) = redis_url() {
        tell("engine", &RateLimits::redis(&url, &prefix(), PATIENCE).unwrap(), 2_000);
    }
}

/// Takes connections and never answers.
struct SilentEngine(TcpListener);

impl SilentEngine {
    fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self) -> String {
        format!("redis://{}/", self.0.local_addr().unwrap())
    }
}

/// Stands between a test and the engine, so that it can cut the connections of this test alone.
struct Forwarder {
    address: SocketAddr,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    refuses: Arc<AtomicBool>,
}

impl Forwarder {
    fn start(url: &str) -> Self {
        let engine = url::Url::parse(url).unwrap();
        let target = (engine.host_str().unwrap().to_owned(), engine.port().unwrap_or(6379));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let refuses = Arc::new(AtomicBool::new(false));
        let (kept, refusing) = (Arc::clone(&streams), Arc::clone(&refuses));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if refusing.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect((target.0.as_str(), target.1)) else { continue };
                kept.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
            }
        });
        Self { address, streams, refuses }
    }

    fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Cuts the connections, and takes no new ones until told otherwise.
    fn refuse(&self, refuse: bool) {
        self.refuses.store(refuse, Ordering::SeqCst);
        self.cut();
    }

    fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
