//! Access keys over the admin API: their form, their life cycle, rotation, leak reports. Whose they are and what they may
//! hold: `access_key_owners`.

use grantor::config::Config;
use grantor::domain::limits::Limits;
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::caller::Caller;
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin_api::Admin;
use crate::support::*;

on_both!(
    a_key_is_made_and_its_secret_shown_once,
    every_member_is_kept,
    unusable_keys_are_refused,
    a_lifetime_has_a_configured_end,
    keys_are_listed_masked_and_by_filter,
    an_edit_changes_what_it_names,
    an_edit_stays_under_the_cap,
    an_edit_of_something_else_is_not_held_up,
    a_rotated_secret_ends_when_it_was_told_to,
    at_most_two_secrets_work,
    one_of_many_rotations_wins,
    a_disabled_key_returns_and_a_revoked_one_does_not,
    a_key_is_deleted_by_its_name,
    a_key_has_its_environment_audience_and_networks,
    a_key_is_limited_at_the_admin_api,
    a_reported_key_ends_and_the_answer_says_nothing,
    an_old_secret_does_not_end_the_key,
    reports_are_limited_per_address,
    each_step_leaves_an_event,
    environments_and_plans_are_shown,
);

/// A call with an access key instead of a token.
pub fn with_key(test: &TestServer, secret: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = http_client().request(method, test.url(path)).bearer_auth(secret);
    Answer::of(match body {
        Some(body) => request.json(body),
        None => request,
    })
}

/// The status of a call to the admin API with this secret, by a key that may read projects.
pub fn used(test: &TestServer, secret: &str) -> u16 {
    with_key(test, secret, Method::GET, "/v1/projects", None).status.as_u16()
}

/// The id and the secret of a new key.
#[track_caller]
pub fn made(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 201, "{}", answer.body);
    (text(&answer.json()["id"]), text(&answer.json()["secret"]))
}

/// A key of the platform that may read projects here.
fn reader(admin: &Admin, name: &str) -> (String, String) {
    made(&admin.post("/v1/access-keys", &json!({ "name": name, "scopes": ["projects:read"], "owner": null })))
}

/// The checksum as the documents describe it, written down a second time.
fn checksum(text: &str) -> String {
    let mut number = crc32fast::hash(text.as_bytes());
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut found = [b'0'; 6];
    for place in found.iter_mut().rev() {
        *place = digits[usize::try_from(number % 62).unwrap()];
        number /= 62;
    }
    String::from_utf8(found.to_vec()).unwrap()
}

#[track_caller]
fn assert_form(prefix: &str, secret: &str) {
    let rest = secret.strip_prefix(prefix).unwrap_or_else(|| panic!("{secret}"));
    assert!(rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{secret}");
    let (body, last) = secret.split_at(secret.len() - 6);
    assert_eq!(last, checksum(body));
}

fn a_key_is_made_and_its_secret_shown_once(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.environments.0.get_mut("live").unwrap().access_key_prefix = Some("sk_".to_owned());
    });
    let admin = Admin::new(&test);
    let scopes = json!(["read:objects", "write:objects", "read:buckets"]);
    let answer = admin.post("/v1/access-keys", &json!({ "name": "production-server", "scopes": scopes }));
    let (id, secret) = made(&answer);
    let body = answer.created(&test, &format!("/v1/access-keys/{id}"));
    assert!(id.starts_with("ak_") && id.len() == 35, "{id}");
    assert_form("sk_", &secret);
    let masked = format!("{}...{}", &secret[..7], &secret[31..]);
    let mut wanted = json!({
        "id": id, "name": "production-server", "description": "", "environment": "live",
        "owner": { "type": "user", "id": admin.id }, "scopes": scopes,
        "resources": [test.server.config.server.issuer], "projects": [], "plan": null, "requests_per_minute": null,
        "requests_per_hour": null, "allowed_addresses": [], "status": "active", "masked": masked,
        "expires_at": null, "created_at": "2026-01-01T12:00:00Z", "created_by": format!("user:{}", admin.id),
        "updated_at": "2026-01-01T12:00:00Z", "rotated_at": null, "last_used_at": null, "last_used_address": null,
    });
    assert_eq!(admin.get(&format!("/v1/access-keys/{id}")).ok(), wanted);
    wanted["secret"] = json!(secret);
    assert_eq!(body, wanted);
    let listed = admin.get("/v1/access-keys").body;
    let seen = admin.get(&format!("/v1/access-keys/{id}/secrets"));
    assert!(listed.contains(&masked) && !listed.contains(&secret) && !seen.body.contains(&secret));
    assert_eq!(seen.ok()["items"][0]["masked"], json!(masked));
}

fn every_member_is_kept(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.plans.0.insert("pro".to_owned(), Limits { requests_per_minute: Some(9), requests_per_hour: None });
    });
    let admin = Admin::new(&test);
    for project in ["alpha", "beta"] {
        admin.post("/v1/projects", &json!({ "id": project }));
    }
    let members = json!({
        "name": "ci", "description": "builds\nand tests", "environment": "test", "owner": null, "scopes": ["a", "b"],
        "projects": ["beta", "alpha", "beta"], "resources": ["https://ci.example"], "plan": "pro",
        "requests_per_minute": 5, "requests_per_hour": 50, "allowed_addresses": ["192.0.2.77/24", "2001:db8::1"],
        "expires_at": "2026-02-01T00:00:00.1234567Z",
    });
    let answer = admin.post("/v1/access-keys", &members);
    let (id, secret) = made(&answer);
    assert_form("gk_test_", &secret);
    let mut wanted = members;
    wanted["projects"] = json!(["beta", "alpha"]);
    wanted["allowed_addresses"] = json!(["192.0.2.0/24", "2001:db8::1/128"]);
    wanted["expires_at"] = json!("2026-02-01T00:00:00.123456Z");
    for body in [answer.json(), admin.get(&format!("/v1/access-keys/{id}")).ok()] {
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(&body[name], value, "{name}");
        }
    }
    let short = admin.post("/v1/access-keys", &json!({ "name": "short", "expires_in": 3600 })).json();
    assert_eq!(short["expires_at"], "2026-01-01T13:00:00Z");
}

fn unusable_keys_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let with = |name: &str, value: Value| json!({ "name": "key", name: value });
    let owner = |kind: &str, id: &str| with("owner", json!({ "type": kind, "id": id }));
    let many: Vec<String> = (0..201).map(|number| format!("s{number}")).collect();
    let networks: Vec<String> = (0..101).map(|number| format!("10.0.{number}.0/24")).collect();
    for (body, word) in [
        (json!({}), "name"),
        (with("name", json!(" ")), "name"),
        (with("name", json!("a\u{7}")), "name"),
        (with("name", json!("x".repeat(201))), "name"),
        (with("description", json!("x".repeat(2001))), "description"),
        (with("environment", json!("nowhere")), "nowhere"),
        (with("scopes", json!("a b")), "sequence"),
        (with("scopes", json!(["a b"])), "a b"),
        (with("scopes", json!([""])), "scope"),
        (with("scopes", json!(many)), "200"),
        (with("projects", json!(["nothing"])), "nothing"),
        (with("projects", json!(["a b"])), "a b"),
        (with("resources", json!([])), "resources"),
        (with("resources", json!(["relative"])), "resource"),
        (with("plan", json!("gold")), "gold"),
        (with("requests_per_minute", json!(0)), "limits"),
        (with("requests_per_minute", json!(-1)), "integer"),
        (with("requests_per_hour", json!(2_000_000_000)), "limits"),
        (with("allowed_addresses", json!(["300.0.0.1"])), "300.0.0.1"),
        (with("allowed_addresses", json!(networks)), "100"),
        (with("expires_at", json!("2026-01-01T12:00:00Z")), "future"),
        (with("expires_at", json!("tomorrow")), "JSON"),
        (with("expires_in", json!(0)), "expires_in"),
        (with("secret", json!("gk_live_x")), "secret"),
        (with("id", json!("ak_1")), "id"),
        (owner("user", "nobody"), "nobody"),
        (owner("service_account", "sa_1"), "sa_1"),
        (owner("client", "absent"), "absent"),
        (owner("group", "x"), "group"),
        (json!({ "name": "k", "environment": "test", "resources": [test.server.admin_resource.as_str()] }), "test"),
        (json!({ "name": "k", "environment": "test", "requests_per_minute": 601 }), "at most 600 a minute"),
        (json!({ "name": "k", "expires_in": 5, "expires_at": "2026-02-01T00:00:00Z" }), "not both"),
    ] {
        let detail = admin.post("/v1/access-keys", &body).problem(400, "invalid_request");
        assert!(detail.contains(word), "{body}: {detail}");
    }
    assert_eq!(admin.get("/v1/access-keys").ok(), json!({ "items": [] }));
}

fn a_lifetime_has_a_configured_end(engine: Engine) {
    let day = |config: &mut Config| config.access_keys.max_lifetime = Some(std::time::Duration::from_secs(86_400));
    let test = TestServer::start_with(engine, day);
    let admin = Admin::new(&test);
    let end = |end: Value| admin.post("/v1/access-keys", &json!({ "name": "k", "expires_at": end }));
    end(Value::Null).problem(400, "invalid_request");
    end(json!("2026-01-02T12:00:01Z")).problem(400, "invalid_request");
    let (id, _) = made(&end(json!("2026-01-02T12:00:00Z")));
    let path = format!("/v1/access-keys/{id}");
    admin.patch(&path, &json!({ "expires_at": null })).problem(400, "invalid_request");
    assert_eq!(admin.patch(&path, &json!({ "name": "other" })).ok()["name"], "other");
    let endless =
        TestServer::start_with(engine, |config| config.access_keys.max_lifetime = Some(std::time::Duration::MAX));
    let admin = Admin::new(&endless);
    assert_eq!(admin.post("/v1/access-keys", &json!({ "name": "k", "expires_in": 60 })).status, 201, "no overflow");
}

fn keys_are_listed_masked_and_by_filter(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    admin.post("/v1/projects", &json!({ "id": "alpha" }));
    let account = text(&admin.post("/v1/service-accounts", &json!({ "name": "worker" })).json()["id"]);
    let make = |body: Value| made(&admin.post("/v1/access-keys", &body)).0;
    let mine = make(json!({ "name": "mine" }));
    let worker = make(json!({ "name": "worker", "owner": { "type": "service_account", "id": account } }));
    let alpha = make(json!({ "name": "alpha", "projects": ["alpha"], "owner": null }));
    let other = make(json!({ "name": "other", "environment": "test", "owner": null }));
    let off = make(json!({ "name": "off", "owner": null }));
    admin.send(Method::POST, &format!("/v1/access-keys/{off}/disable"), None).ok();
    let now = start_time();
    let id = worker.clone();
    test.server.store.write(move |connection| connection.note_access_key_use(&id, now, "192.0.2.1")).unwrap();
    let ids = |query: &str| -> Vec<String> {
        let page = admin.get(&format!("/v1/access-keys?{query}")).ok();
        page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect()
    };
    let all = [&mine, &worker, &alpha, &other, &off];
    assert_eq!(ids("").iter().collect::<Vec<_>>(), all, "in the order in which they were made");
    assert_eq!(ids(&format!("owner={}", admin.id)), [mine.as_str()]);
    assert_eq!(ids(&format!("owner={account}")), [worker.as_str()]);
    assert_eq!(ids("project=alpha"), [alpha.as_str()]);
    assert_eq!(ids("environment=test"), [other.as_str()]);
    assert_eq!(ids("status=inactive"), [off.as_str()]);
    assert_eq!(ids("status=revoked"), Vec::<String>::new());
    assert_eq!(ids("last_used_before=2026-01-01T12:00:00Z").len(), 4, "never counts as before");
    assert_eq!(ids("last_used_before=2026-01-01T12:00:01Z").len(), 5);
    assert_eq!(
        ids("environment=live&status=active&last_used_before=2026-01-01T12:00:00Z&project=alpha"),
        [alpha.as_str()]
    );
    assert_eq!(ids("owner=nobody"), Vec::<String>::new());
    let page = admin.get("/v1/access-keys?limit=2&environment=live").ok();
    assert_eq!(page["next_cursor"], json!(worker));
    assert_eq!(ids(&format!("environment=live&cursor={worker}")), [alpha.as_str(), off.as_str()]);
    assert_eq!(admin.collect("/v1/access-keys", 2).len(), 5);
    let used = admin.get(&format!("/v1/access-keys/{worker}")).ok();
    assert_eq!(
        (&used["last_used_at"], &used["last_used_address"]),
        (&json!("2026-01-01T12:00:00Z"), &json!("192.0.2.1"))
    );
    for query in ["status=lost", "last_used_before=yesterday", "cursor=x", "limit=0", "limit=201", "ownr=x"] {
        admin.get(&format!("/v1/access-keys?{query}")).problem(400, "invalid_request");
    }
}

fn an_edit_changes_what_it_names(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    admin.post("/v1/projects", &json!({ "id": "alpha" }));
    let (id, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "key", "scopes": ["a", "b"], "plan": null })));
    let path = format!("/v1/access-keys/{id}");
    let mut wanted = admin.get(&path).ok();
    test.advance(60);
    let edit = json!({
        "name": "new", "description": "what for", "scopes": ["a"], "projects": ["alpha"], "requests_per_minute": 7,
        "requests_per_hour": 70, "allowed_addresses": ["192.0.2.1"], "expires_at": "2026-06-01T00:00:00Z",
    });
    for (name, value) in edit.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    wanted["allowed_addresses"] = json!(["192.0.2.1/32"]);
    wanted["updated_at"] = json!("2026-01-01T12:01:00Z");
    assert_eq!(admin.patch(&path, &edit).ok(), wanted);
    assert_eq!(admin.get(&path).ok(), wanted);
    test.advance(60);
    let nulls = json!({ "requests_per_minute": null, "requests_per_hour": null, "expires_at": null, "plan": null,
        "allowed_addresses": [], "projects": [], "scopes": [], "status": "inactive" });
    let emptied = admin.patch(&path, &nulls).ok();
    for (name, value) in nulls.as_object().unwrap() {
        assert_eq!(&emptied[name], value, "{name}");
    }
    for fixed in [
        json!({ "environment": "test" }),
        json!({ "owner": null }),
        json!({ "secret": "x" }),
        json!({ "id": "x" }),
        json!({ "masked": "x" }),
        json!({ "resources": ["https://a.example"] }),
        json!({ "name": null }),
    ] {
        admin.patch(&path, &fixed).problem(400, "invalid_request");
    }
    assert_eq!(admin.patch(&path, &json!({ "status": "revoked" })).ok()["status"], "revoked");
    admin.patch(&path, &json!({ "status": "active" })).problem(409, "conflict");
    admin.patch(&format!("{path}0"), &json!({})).problem(404, "not_found");
}

fn an_edit_stays_under_the_cap(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "key", "environment": "test" })));
    let path = format!("/v1/access-keys/{id}");
    let detail = admin.patch(&path, &json!({ "requests_per_minute": 601 })).problem(400, "invalid_request");
    assert_eq!(detail, "the environment 'test' allows at most 600 a minute");
    admin.patch(&path, &json!({ "plan": "gold" })).problem(400, "invalid_request");
    assert_eq!(admin.patch(&path, &json!({ "requests_per_minute": 600 })).ok()["requests_per_minute"], 600);
    let event = &test.events("access_key.limits_changed")[0];
    assert_eq!(event.detail.as_deref(), Some("default/min default/h plan none to 600/min default/h plan none"));
    assert_eq!(test.events("access_key.limits_changed").len(), 1, "only where limits change");
}

fn an_edit_of_something_else_is_not_held_up(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.user("ada", &[]);
    let ada = text(&admin.get("/v1/users/ada").ok()["id"]);
    let new =
        json!({ "name": "key", "environment": "test", "scopes": ["a", "b"], "owner": { "type": "user", "id": ada } });
    let (id, _) = made(&admin.post("/v1/access-keys", &new));
    admin.send(Method::POST, "/v1/users/ada/disable", None).ok();
    // A sibling that knows the environment no more, and an owner who is disabled.
    let issuer = test.server.config.server.issuer.clone();
    let sibling = TestServer::start_on(std::sync::Arc::clone(&test.database), test.clock.clone(), |config| {
        config.server.issuer = issuer;
        config.environments.0.remove("test");
    });
    let there = Admin {
        test: &sibling,
        http: http_client(),
        tool: admin.tool.clone(),
        token: admin.token.clone(),
        id: String::new(),
    };
    let path = format!("/v1/access-keys/{id}");
    assert_eq!(there.patch(&path, &json!({ "scopes": ["a"], "status": "inactive" })).ok()["scopes"], json!(["a"]));
    there.patch(&path, &json!({ "scopes": ["a", "c"] })).problem(400, "invalid_request");
    there.patch(&path, &json!({ "requests_per_minute": 5 })).problem(400, "invalid_request");
}

fn a_rotated_secret_ends_when_it_was_told_to(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, first) = reader(&admin, "key");
    let path = format!("/v1/access-keys/{id}");
    let rotate = |grace: u32| admin.post(&format!("{path}/rotate"), &json!({ "grace_seconds": grace })).ok();
    test.advance(10);
    let second = text(&rotate(100)["secret"]);
    assert_form("gk_live_", &second);
    assert_eq!((used(&test, &first), used(&test, &second)), (200, 200));
    let seen = admin.get(&format!("{path}/secrets")).ok();
    assert_eq!(seen["items"].as_array().unwrap().len(), 2);
    assert_eq!(seen["items"][0]["expires_at"], "2026-01-01T12:01:50Z");
    assert_eq!(seen["items"][1]["expires_at"], Value::Null);
    assert_eq!(admin.get(&path).ok()["rotated_at"], "2026-01-01T12:00:10Z");
    test.advance(99);
    assert_eq!((used(&test, &first), used(&test, &second)), (200, 200));
    test.advance(1);
    assert_eq!((used(&test, &first), used(&test, &second)), (401, 200), "at its end, not after it");
    assert_eq!(admin.get(&format!("{path}/secrets")).ok()["items"].as_array().unwrap().len(), 1);
    let third = text(&rotate(0)["secret"]);
    assert_eq!((used(&test, &second), used(&test, &third)), (401, 200), "no grace: at once");
    admin.post(&format!("{path}/rotate"), &json!({ "grace_seconds": 30 * 86_400 + 1 })).problem(400, "invalid_request");
    admin.post(&format!("{path}/rotate"), &json!({ "grace_seconds": -1 })).problem(400, "invalid_request");
    assert_eq!(used(&test, &third), 200, "a refused rotation changes nothing");
}

fn at_most_two_secrets_work(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, first) = reader(&admin, "key");
    let path = format!("/v1/access-keys/{id}");
    let rotate = || text(&admin.post(&format!("{path}/rotate"), &json!({ "grace_seconds": 1000 })).ok()["secret"]);
    let (second, third) = (rotate(), rotate());
    assert_eq!([&first, &second, &third].map(|secret| used(&test, secret)), [401, 200, 200]);
    assert_eq!(admin.send(Method::POST, &format!("{path}/finish-rotation"), None).ok()["status"], "active");
    assert_eq!([&first, &second, &third].map(|secret| used(&test, secret)), [401, 401, 200]);
    admin.send(Method::POST, &format!("{path}/finish-rotation"), None).problem(409, "conflict");
    // What has ended is kept for a day and then removed.
    let left = |seconds: u64| {
        test.advance(seconds);
        grantor::flows::purge::purge(&test.server, &|| true).unwrap();
        let id = id.clone();
        test.server.store.read(|connection| connection.list_access_key_secrets(&id)).unwrap().len()
    };
    assert_eq!((left(3600), left(86_400)), (3, 1));
    assert_eq!(used(&test, &third), 200);
}

fn one_of_many_rotations_wins(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, _) = reader(&admin, "key");
    let path = format!("/v1/access-keys/{id}/rotate");
    let barrier = std::sync::Barrier::new(8);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let rotate = || {
            barrier.wait();
            admin.post(&path, &json!({ "grace_seconds": 60 }))
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let secrets: Vec<String> =
        answers.iter().filter(|answer| answer.status == 200).map(|answer| text(&answer.json()["secret"])).collect();
    assert!(!secrets.is_empty());
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.problem(409, "conflict");
    }
    let rows = test.server.store.read(|connection| connection.list_access_key_secrets(&id)).unwrap();
    assert_eq!(rows.len(), 1 + secrets.len());
    assert_eq!(rows.iter().filter(|row| row.expires_at.is_none()).count(), 1, "exactly one is current");
    let live = rows.iter().filter(|row| row.expires_at.is_none_or(|end| end > start_time())).count();
    assert_eq!(live, 2, "and one at most is in grace");
    // Two at one moment, for sure: both have read the same state.
    let stored = test.server.store.read(|connection| connection.find_access_key(&id)).unwrap().unwrap();
    let later = grantor::domain::access_key::AccessKey {
        updated_at: stored.updated_at + chrono::TimeDelta::microseconds(1),
        ..stored.clone()
    };
    let update = || {
        let later = later.clone();
        let (from, read_at) = (stored.status, stored.updated_at);
        test.server.store.write(move |connection| connection.update_access_key(&later, from, read_at)).unwrap()
    };
    assert_eq!((update(), update()), (true, false));
}

fn a_disabled_key_returns_and_a_revoked_one_does_not(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, secret) = reader(&admin, "key");
    let path = format!("/v1/access-keys/{id}");
    let act = |verb: &str| admin.send(Method::POST, &format!("{path}/{verb}"), None);
    assert_eq!(act("disable").ok()["status"], "inactive");
    assert_eq!(used(&test, &secret), 401);
    assert_eq!(act("enable").ok()["status"], "active");
    assert_eq!(used(&test, &secret), 200);
    assert_eq!(act("revoke").ok()["status"], "revoked");
    assert_eq!(used(&test, &secret), 401);
    for verb in ["enable", "disable", "revoke", "finish-rotation"] {
        act(verb).problem(409, "conflict");
    }
    admin.post(&format!("{path}/rotate"), &json!({})).problem(409, "conflict");
    admin.patch(&path, &json!({ "name": "x" })).problem(409, "conflict");
    assert_eq!(admin.get(&path).ok()["status"], "revoked");
}

fn a_key_is_deleted_by_its_name(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, secret) = reader(&admin, "my key");
    let path = format!("/v1/access-keys/{id}");
    for query in ["", "?name=", "?name=my", "?name=my+key&name=my+key", "?name=my+key&force=1"] {
        admin.send(Method::DELETE, &format!("{path}{query}"), None).problem(400, "invalid_request");
    }
    assert_eq!(used(&test, &secret), 200);
    let gone = admin.send(Method::DELETE, &format!("{path}?name=my%20key"), None);
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (204, ""));
    assert_eq!(used(&test, &secret), 401);
    admin.get(&path).problem(404, "not_found");
    admin.send(Method::DELETE, &format!("{path}?name=my+key"), None).problem(404, "not_found");
}

fn a_key_has_its_environment_audience_and_networks(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let admin = Admin::new(&test);
    let make = |more: Value| {
        let mut body = json!({ "name": "key", "scopes": ["projects:read"], "owner": null });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        made(&admin.post("/v1/access-keys", &body)).1
    };
    let refused =
        |secret: &str| with_key(&test, secret, Method::GET, "/v1/projects", None).problem(401, "invalid_token");
    let good = make(json!({}));
    assert_eq!(used(&test, &good), 200);
    // Whoever holds a key is told what is wrong with it.
    let told = |secret: &str| refused(secret);
    let elsewhere = told(&make(json!({ "environment": "test", "resources": ["https://api.example"] })));
    assert_eq!(elsewhere, "the credential belongs to another environment");
    let other = told(&make(json!({ "resources": ["https://api.example"] })));
    assert!(other.contains("not for this API") && other.contains("`resources`"), "{other}");
    // A test key with the audience of the admin API cannot be made; if it could, it would not pass.
    let (id, secret) =
        made(&admin.post("/v1/access-keys", &json!({ "name": "t", "environment": "test", "owner": null })));
    let mut stored = test.server.store.read(|connection| connection.find_access_key(&id)).unwrap().unwrap();
    stored.resources = vec![test.server.admin_resource.clone()];
    stored.scope = grantor::protocol::scope::Scope::parse("projects:read").unwrap();
    let (status, read_at) = (stored.status, stored.updated_at);
    test.server.store.write(move |connection| connection.update_access_key(&stored, status, read_at)).unwrap();
    refused(&secret);
    // Mistyped, cut, and of nobody.
    refused(&good[..good.len() - 1]);
    refused(&format!("{}{}", &good[..good.len() - 1], if good.ends_with('0') { '1' } else { '0' }));
    refused(&{
        let body = format!("gk_live_{}", "0".repeat(26));
        format!("{body}{}", checksum(&body))
    });
    let near = make(json!({ "allowed_addresses": ["192.0.2.0/24"] }));
    let from = |address: &str| {
        let request = http_client().get(test.url("/v1/projects")).bearer_auth(&near).header("x-forwarded-for", address);
        Answer::of(request)
    };
    assert_eq!(from("192.0.2.9").status, 200);
    from("198.51.100.1").problem(403, "access_denied");
    from("192.0.2.9, 198.51.100.1").problem(403, "access_denied");
    let short = make(json!({ "expires_in": 60 }));
    assert_eq!(used(&test, &short), 200);
    test.advance(60);
    assert_eq!(told(&short), "the credential has expired: use a new one");
}

fn a_key_is_limited_at_the_admin_api(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let body = json!({ "name": "key", "scopes": ["projects:read"], "requests_per_minute": 2, "owner": null });
    let (id, secret) = made(&admin.post("/v1/access-keys", &body));
    assert_eq!([(); 3].map(|()| used(&test, &secret)), [200, 200, 429]);
    let refused = with_key(&test, &secret, Method::GET, "/v1/projects", None);
    assert_eq!(refused.header("retry-after"), "60");
    // An edit counts at once, and does not forget what was used.
    admin.patch(&format!("/v1/access-keys/{id}"), &json!({ "requests_per_minute": 3 })).ok();
    assert_eq!([(); 2].map(|()| used(&test, &secret)), [200, 429]);
}

fn report(test: &TestServer, secret: &str) -> Answer {
    Answer::of(http_client().post(test.url("/v1/access-keys/report-leak")).json(&json!({ "secret": secret })))
}

fn a_reported_key_ends_and_the_answer_says_nothing(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, secret) = reader(&admin, "key");
    let unknown = format!("gk_live_{}", "0".repeat(26));
    let unknown = format!("{unknown}{}", checksum(&unknown));
    let told = report(&test, &secret);
    assert_eq!((told.status.as_u16(), told.header("cache-control")), (202, "no-store".to_owned()));
    assert_eq!(used(&test, &secret), 401);
    assert_eq!(admin.get(&format!("/v1/access-keys/{id}")).ok()["status"], "revoked");
    for other in [&secret, &unknown, "", "hunter2", &secret[..20], &"x".repeat(10_000)] {
        assert_eq!(report(&test, other).shape(), told.shape(), "{other}");
    }
    let events = test.events("access_key.leak_reported");
    let outcomes: Vec<_> =
        events.iter().rev().map(|event| (event.outcome.as_str(), event.target_id.as_deref())).collect();
    // What has not the form of a key of ours leaves nothing: anybody could fill the log with it.
    assert_eq!(outcomes, [("success", Some(id.as_str())), ("failure", None), ("failure", None)]);
    assert_eq!(events[0].actor_kind, "anonymous");
    for body in [json!({}), json!({ "secret": 5 }), json!({ "secret": "x", "more": 1 }), json!({ "secret": "a\u{0}b" })]
    {
        Answer::of(http_client().post(test.url("/v1/access-keys/report-leak")).json(&body))
            .problem(400, "invalid_request");
    }
    // No page of another origin learns anything, whoever it is registered for.
    let request = http_client().post(test.url("/v1/access-keys/report-leak")).header("origin", "https://a.example");
    let answer = Answer::of(request.json(&json!({ "secret": unknown })));
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (202, String::new()));
}

fn an_old_secret_does_not_end_the_key(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, first) = reader(&admin, "key");
    let rotate = || {
        let answer = admin.post(&format!("/v1/access-keys/{id}/rotate"), &json!({ "grace_seconds": 1000 }));
        text(&answer.ok()["secret"])
    };
    let second = rotate();
    assert_eq!(report(&test, &first).status, 202);
    assert_eq!((used(&test, &first), used(&test, &second)), (401, 200), "the leaked one ends, its successor stays");
    assert_eq!(report(&test, &first).status, 202);
    assert_eq!(used(&test, &second), 200, "what has ended ends nothing more");
    assert_eq!(report(&test, &second).status, 202);
    assert_eq!(used(&test, &second), 401);
}

fn reports_are_limited_per_address(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        config.limits.leak_reports_per_minute_per_address = 2;
    });
    let from = |address: &str| {
        let request = http_client().post(test.url("/v1/access-keys/report-leak")).header("x-forwarded-for", address);
        Answer::of(request.json(&json!({ "secret": "x" })))
    };
    assert_eq!([(); 2].map(|()| from("192.0.2.1").status.as_u16()), [202, 202]);
    let refused = from("192.0.2.1");
    refused.problem(429, "temporarily_unavailable");
    assert_eq!(from("192.0.2.2").status, 202);
    test.advance(60);
    assert_eq!(from("192.0.2.1").status, 202);
}

fn each_step_leaves_an_event(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, _) = reader(&admin, "key");
    let path = format!("/v1/access-keys/{id}");
    admin.patch(&path, &json!({ "description": "x", "requests_per_hour": 9, "status": "inactive" })).ok();
    admin.send(Method::POST, &format!("{path}/enable"), None).ok();
    admin.send(Method::POST, &format!("{path}/disable"), None).ok();
    admin.post(&format!("{path}/rotate"), &json!({ "grace_seconds": 60 })).ok();
    admin.get(&format!("{path}/secrets")).ok();
    admin.send(Method::POST, &format!("{path}/finish-rotation"), None).ok();
    admin.send(Method::POST, &format!("{path}/revoke"), None).ok();
    admin.send(Method::DELETE, &format!("{path}?name=key"), None);
    let found = admin.get(&format!("/v1/audit-events?target_id={id}")).ok();
    let actions: Vec<String> =
        found["items"].as_array().unwrap().iter().rev().map(|event| text(&event["action"])).collect();
    assert_eq!(
        actions,
        [
            "created",
            "updated",
            "limits_changed",
            "disabled",
            "enabled",
            "disabled",
            "rotated",
            "secrets_read",
            "rotation_finished",
            "revoked",
            "deleted"
        ]
        .map(|verb| format!("access_key.{verb}"))
    );
    for event in found["items"].as_array().unwrap() {
        assert_eq!((&event["actor_kind"], &event["actor_id"]), (&json!("user"), &json!(admin.id)));
        assert_eq!((&event["target_kind"], &event["address"]), (&json!("access_key"), &json!("127.0.0.1")));
    }
    // A key is an actor of its own.
    let body = json!({ "name": "robot", "owner": null, "scopes": ["projects:write"] });
    let (robot, secret) = made(&admin.post("/v1/access-keys", &body));
    with_key(&test, &secret, Method::POST, "/v1/projects", Some(&json!({ "id": "alpha" })))
        .created(&test, "/v1/projects/alpha");
    let event = &test.events("project.created")[0];
    assert_eq!((event.actor_kind.as_str(), event.actor_id.as_deref()), ("access_key", Some(robot.as_str())));
}

fn environments_and_plans_are_shown(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.plans.0.insert("pro".to_owned(), Limits { requests_per_minute: Some(9), requests_per_hour: None });
    });
    let admin = Admin::new(&test);
    let plans = json!({ "items": [{ "name": "pro", "requests_per_minute": 9, "requests_per_hour": null }] });
    assert_eq!(admin.get("/v1/plans").ok(), plans);
    let issuer = &test.server.config.server.issuer;
    let wanted = json!({ "items": [
        { "name": "live", "is_default": true, "access_key_prefix": "gk_live_",
          "access_key_pattern": r"\bgk_live_[0-9A-Za-z]{32}\b", "resources": [issuer], "requests_per_minute": null,
          "requests_per_hour": null, "max_requests_per_minute": null, "max_requests_per_hour": null },
        { "name": "test", "is_default": false, "access_key_prefix": "gk_test_",
          "access_key_pattern": r"\bgk_test_[0-9A-Za-z]{32}\b", "resources": [format!("{issuer}/test")],
          "requests_per_minute": 60, "requests_per_hour": null, "max_requests_per_minute": 600,
          "max_requests_per_hour": null },
    ] });
    assert_eq!(admin.get("/v1/environments").ok(), wanted);
    admin.get("/v1/plans?limit=1").problem(400, "invalid_request");
    // The command line names no owner: the platform itself.
    let new = NewAccessKey { name: "cli".to_owned(), ..NewAccessKey::default() };
    let made = access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}"));
    assert_eq!(made.map(|made| (made.key.owner, made.key.created_by)), Ok((None, "command_line".to_owned())));
}
