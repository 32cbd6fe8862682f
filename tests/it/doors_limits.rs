//! Limits at the doors, with a clock that stands still: sliding, exact, resolved, told.

use std::collections::BTreeMap;

use grantor::config::{Config, HiddenText, WhenCountersFail};
use grantor::domain::access_key::Owner;
use grantor::domain::limits::Limits;
use grantor::flows::access_keys::{self, AccessKeyEdit, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::flows::service_accounts::{self, NewServiceAccount};
use serde_json::{Value, json};

use crate::doors_support::*;
use crate::support::*;

on_both!(
    a_burst_at_the_edge_of_a_window_does_not_double_the_limit,
    the_count_is_exact_under_eight_callers,
    own_limits_then_the_plans_then_the_environments_under_its_cap,
    what_counts_and_what_does_not,
    headers_tell_of_every_window,
    without_counters_the_setting_decides,
);

fn limited(per_minute: Option<u32>, per_hour: Option<u32>) -> NewAccessKey {
    NewAccessKey {
        requests_per_minute: per_minute,
        requests_per_hour: per_hour,
        ..key_members("limited", &["orders:read"])
    }
}

fn a_burst_at_the_edge_of_a_window_does_not_double_the_limit(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(limited(Some(4), None));
    // The clock starts at a full minute: a counter of fixed minutes would begin anew after the next second.
    world.test.advance(59);
    let use_it = || world.verdict(&key.secret);
    for _ in 0..4 {
        assert_eq!(use_it()["code"], "valid");
    }
    world.test.advance(2);
    for _ in 0..4 {
        assert_eq!((&use_it()["code"], &use_it()["retry_after"]), (&json!("rate_limit_exceeded"), &json!(58)));
    }
    world.test.advance(57);
    assert_eq!(use_it()["retry_after"], 1);
    world.test.advance(1);
    // What was refused did not count: all four are free again, and they leave one by one.
    for _ in 0..2 {
        assert_eq!(use_it()["code"], "valid");
    }
    world.test.advance(30);
    for _ in 0..2 {
        assert_eq!(use_it()["code"], "valid");
    }
    assert_eq!(use_it()["retry_after"], 30);
    world.test.advance(30);
    let states: Vec<_> = (0..3).map(|_| text(&use_it()["code"])).collect();
    assert_eq!(states, ["valid", "valid", "rate_limit_exceeded"]);
    // The hour slides as well, and whichever stays full longer is told.
    let key = world.key(limited(Some(2), Some(3)));
    let codes = |times: usize| (0..times).map(|_| text(&world.verdict(&key.secret)["code"])).collect::<Vec<_>>();
    assert_eq!(codes(3), ["valid", "valid", "rate_limit_exceeded"]);
    world.test.advance(60);
    assert_eq!(codes(1), ["valid"]);
    let refused = world.verdict(&key.secret);
    assert_eq!(
        (&refused["message"], &refused["retry_after"]),
        (&json!("Rate limit of 3 requests/hour exceeded"), &json!(3540))
    );
}

fn the_count_is_exact_under_eight_callers(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(limited(Some(50), None));
    let token = text(&world.exchange(&key.secret, &[]).json()["access_token"]);
    let passed: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let (world, key, token) = (&world, &key, &token);
                // Through every door, with the key and with a token that came from it: all are one count.
                scope.spawn(move || {
                    let passes = |number: usize| match (caller + number) % 3 {
                        0 => world.verdict(&key.secret)["valid"] == true,
                        1 => world.forward_bearer("caddy", "", token).status == 200,
                        _ => world.forward_bearer("nginx", "", &key.secret).status == 200,
                    };
                    (0..12).filter(|number| passes(*number)).count()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!(passed, 49, "the exchange was the first of fifty");
}

fn limits_of(answer: &Value) -> Vec<(u64, u64)> {
    let number = |value: &Value| value.as_u64().unwrap();
    let limits = answer["limits"].as_array().unwrap_or_else(|| panic!("{answer}"));
    limits.iter().map(|limit| (number(&limit["window_seconds"]), number(&limit["limit"]))).collect()
}

fn configured(config: &mut Config) {
    let limits = |per_minute, per_hour| Limits { requests_per_minute: per_minute, requests_per_hour: per_hour };
    config.plans.0 =
        BTreeMap::from([("pro".to_owned(), limits(Some(7), Some(70))), ("huge".to_owned(), limits(Some(9000), None))]);
    let live = config.environments.0.get_mut("live").unwrap();
    live.requests_per_minute = Some(5);
    live.max_requests_per_minute = Some(10);
}

fn own_limits_then_the_plans_then_the_environments_under_its_cap(engine: Engine) {
    let world = World::start_with(engine, configured);
    let told = |new: NewAccessKey| limits_of(&world.verdict(&world.key(new).secret));
    let with_plan = |plan: &str, new: NewAccessKey| NewAccessKey { plan: Some(plan.to_owned()), ..new };
    assert_eq!(told(limited(None, None)), [(60, 5)]);
    assert_eq!(told(limited(None, Some(40))), [(60, 5), (3600, 40)]);
    assert_eq!(told(with_plan("pro", limited(None, None))), [(60, 7), (3600, 70)]);
    assert_eq!(told(with_plan("pro", limited(Some(3), None))), [(60, 3), (3600, 70)]);
    assert_eq!(told(with_plan("huge", limited(None, None))), [(60, 10)]);
    let account = NewServiceAccount {
        name: "robot".to_owned(),
        scopes: vec!["orders:read".to_owned()],
        plan: Some("pro".to_owned()),
        ..NewServiceAccount::default()
    };
    let account = service_accounts::create(&world.test.server, &Caller::command_line(), account).unwrap();
    let owned = NewAccessKey { owner: Some(Some(Owner::ServiceAccount(account.id.0))), ..limited(None, None) };
    assert_eq!(told(owned.clone()), [(60, 7), (3600, 70)]);
    assert_eq!(told(with_plan("huge", owned)), [(60, 10)]);
    // The other environment has its own.
    let foreign = world.key(NewAccessKey { environment: Some("test".to_owned()), ..limited(None, None) });
    let members = ClientMembers { environment: Some("test".to_owned()), ..confidential_members("test-api") };
    let there = world.test.client(members);
    assert_eq!(limits_of(&world.verify_as(&there, &json!({ "credential": foreign.secret })).json()), [(60, 60)]);
    // Nothing gets above the cap: not at the start, not by an edit.
    let caller = Caller::command_line();
    assert!(access_keys::create(&world.test.server, &caller, limited(Some(11), None)).is_err());
    let key = world.key(limited(Some(10), None));
    for (limit, fine) in [(Some(11), false), (Some(9), true), (Some(0), false), (None, true)] {
        let edit = AccessKeyEdit { requests_per_minute: Some(limit), ..AccessKeyEdit::default() };
        assert_eq!(access_keys::update(&world.test.server, &caller, &key.id, edit).is_ok(), fine, "{limit:?}");
    }
    // A client, by its secret and by its tokens.
    let client = ClientMembers { plan: Some(Some("pro".to_owned())), ..worker_members("worker") };
    let client = world.test.client(client);
    let asked = json!({ "client_id": client.id, "client_secret": client.secret });
    assert_eq!(limits_of(&world.verify(&asked).json()), [(60, 7), (3600, 70)]);
    let token = text(&world.test.token(&client, &[("grant_type", "client_credentials")]).json()["access_token"]);
    let answer = world.verdict(&token);
    assert_eq!(limits_of(&answer), [(60, 7), (3600, 70)]);
    assert_eq!(answer["limits"][0]["remaining"], 5, "one count for both");
}

fn what_counts_and_what_does_not(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(limited(Some(5), None));
    let remaining =
        || world.verify(&json!({ "credential": key.secret, "cost": 0 })).json()["limits"][0]["remaining"].clone();
    assert_eq!(remaining(), 5);
    // Refusals, questions without a cost, introspection.
    for asked in [json!({ "scopes": ["orders:write"] }), json!({ "environment": "test" }), json!({ "cost": 0 })] {
        let mut asked = asked;
        asked["credential"] = json!(key.secret);
        world.verify(&asked);
    }
    assert!(world.test.is_active(&world.api, &key.secret));
    world.exchange(&key.secret, &[("scope", "orders:write")]).assert_error(400, "invalid_scope");
    world.exchange(&key.secret, &[("resource", "https://other.example")]).assert_error(400, "invalid_target");
    assert_eq!(remaining(), 5);
    // A use that costs more than is left is refused, and the cheaper one still passes.
    let cost = |cost: u32| world.verify(&json!({ "credential": key.secret, "cost": cost })).json();
    assert_eq!((&cost(4)["code"], &remaining()), (&json!("valid"), &json!(1)));
    assert_eq!(cost(2)["message"], "Rate limit of 5 requests/minute exceeded");
    assert_eq!(world.forward_bearer("caddy", "?cost=2", &key.secret).status, 429);
    assert_eq!(world.forward_bearer("caddy", "?cost=1", &key.secret).status, 200);
    assert_eq!(remaining(), 0);
    // Rotation does not free anything, and others are not held up.
    let next = world.rotate(&key, 60);
    assert_eq!(world.verdict(&next)["code"], "rate_limit_exceeded");
    assert_eq!(world.verdict(&world.key(limited(Some(5), None)).secret)["code"], "valid");
}

fn headers_tell_of_every_window(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(limited(Some(2), Some(100)));
    let now = world.test.clock.now().timestamp();
    for (dialect, query) in [("nginx", ""), ("envoy", "/orders")] {
        let answer = world.forward_bearer(dialect, query, &key.secret);
        let left = if dialect == "nginx" { 1 } else { 0 };
        let told = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-policy", "ratelimit"];
        let expected = [
            "2".to_owned(),
            left.to_string(),
            (now + 60).to_string(),
            "\"minute\";q=2;w=60, \"hour\";q=100;w=3600".to_owned(),
            format!("\"minute\";r={left};t=60, \"hour\";r={};t=3600", 98 + left),
        ];
        assert_eq!(told.map(|name| answer.header(name)), expected);
        assert_eq!(answer.header("retry-after"), "");
    }
    let unlimited = world.forward_bearer("nginx", "", &world.reader().secret);
    assert_eq!((unlimited.header("x-ratelimit-limit"), unlimited.header("ratelimit")), (String::new(), String::new()));
}

fn without_counters_the_setting_decides(engine: Engine) {
    let with = |setting| {
        World::start_with(engine, |config| {
            // Nobody listens there.
            config.limits.counters = HiddenText("redis://127.0.0.1:1/".to_owned());
            config.limits.when_counters_fail = setting;
            config.limits.exempt_addresses = vec!["0.0.0.0/0".parse().unwrap()];
        })
    };
    let open = with(WhenCountersFail::Open);
    let key = open.key(limited(Some(1), None));
    for _ in 0..3 {
        let verdict = open.verdict(&key.secret);
        assert_eq!((&verdict["code"], &verdict["limits"]), (&json!("valid"), &json!([])));
        assert_eq!(open.forward_bearer("nginx", "", &key.secret).status, 200);
    }
    let closed = with(WhenCountersFail::Closed);
    let key = closed.key(limited(Some(1), None));
    let answers = [
        closed.verify(&json!({ "credential": key.secret })),
        closed.forward_bearer("nginx", "", &key.secret),
        closed.forward_bearer("caddy", "", &key.secret),
        closed.exchange(&key.secret, &[]),
    ];
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "2".to_owned()), "{}", answer.body);
    }
    // What has no limit needs no counters.
    assert_eq!(closed.verdict(&closed.reader().secret)["code"], "valid");
}
