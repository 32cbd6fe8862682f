//! Every way by which a restricted credential could free itself: by what knows of no restriction, by a key of another place,
//! by limits that came by a plan, by a key of somebody else, by a client that is restricted.

use grantor::config::Config;
use grantor::domain::limits::Limits;
use grantor::flows::clients::ClientMembers;
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access_keys::{made, used, with_key};
use crate::admin_api::{Admin, every_scope, token};
use crate::doors_support::exchange_form;
use crate::support::*;

on_both!(
    a_restricted_key_writes_nothing_but_keys_and_usage,
    a_key_makes_keys_of_its_own_place_only,
    limits_that_came_by_a_plan_are_limits,
    an_edit_is_judged_as_a_whole,
    a_restricted_key_leaves_others_alone,
    a_restricted_key_may_end_itself,
    a_restricted_client_bounds_those_who_come_through_it,
    people_end_their_keys_through_a_restricted_client,
);

const END: &str = "2026-02-01T00:00:00Z";

fn with_plans(config: &mut Config) {
    for (name, limit) in [("free", 60), ("pro", 600)] {
        let limits = Limits { requests_per_minute: Some(limit), requests_per_hour: None };
        config.plans.0.insert(name.to_owned(), limits);
    }
    let scope = Scope::parse("access-keys:write own-access-keys:write clients:write projects:read").unwrap();
    config.roles.0.insert("keeper".to_owned(), scope);
}

/// A key of the platform for the admin API, with these members beside.
fn asking(admin: &Admin, scopes: &Value, more: &Value) -> (String, String) {
    let mut body = json!({ "name": "asking", "owner": null, "scopes": scopes,
        "resources": [admin.test.server.admin_resource.as_str()] });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    made(&admin.post("/v1/access-keys", &body))
}

/// An access token that the key is exchanged for.
fn exchanged(test: &TestServer, secret: &str) -> String {
    let answer = Answer::of(http_client().post(test.url("/oauth/token")).form(&exchange_form(secret, &[])));
    assert_eq!(answer.status, 200, "{}", answer.body);
    text(&answer.json()["access_token"])
}

/// A request to make a key.
fn make(test: &TestServer, bearer: &str, body: &Value) -> Answer {
    with_key(test, bearer, Method::POST, "/v1/access-keys", Some(body))
}

fn edit(test: &TestServer, bearer: &str, id: &str, body: &Value) -> Answer {
    with_key(test, bearer, Method::PATCH, &format!("/v1/access-keys/{id}"), Some(body))
}

fn post(test: &TestServer, bearer: &str, id: &str, verb: &str) -> Answer {
    with_key(test, bearer, Method::POST, &format!("/v1/access-keys/{id}/{verb}"), Some(&json!({})))
}

#[track_caller]
fn escapes(answer: &Answer) -> String {
    let detail = answer.problem(403, "insufficient_scope");
    assert!(detail.contains("the credential that asks"), "{detail}");
    detail
}

/// What knows of no restriction.
fn elsewhere() -> [(Method, &'static str, Value); 9] {
    [
        (Method::POST, "/v1/clients", json!({ "grant_types": ["client_credentials"], "scope": "read" })),
        (Method::PATCH, "/v1/clients/tool", json!({ "description": "x" })),
        (Method::POST, "/v1/clients/tool/rotate-secret", json!({})),
        (Method::POST, "/v1/users", json!({ "username": "bob", "password": PASSWORD })),
        (Method::POST, "/v1/users/root/set-password", json!({ "password": PASSWORD })),
        (Method::POST, "/v1/service-accounts", json!({ "name": "worker" })),
        (Method::POST, "/v1/projects", json!({ "id": "gamma" })),
        (Method::POST, "/v1/scopes", json!({ "name": "photos", "description": "See photos" })),
        (Method::POST, "/v1/signing-keys/rotate", json!({ "mode": "at_once" })),
    ]
}

fn a_restricted_key_writes_nothing_but_keys_and_usage(engine: Engine) {
    let test = TestServer::start_with(engine, with_plans);
    let admin = Admin::new(&test);
    let scopes = json!([
        "access-keys:write",
        "clients:write",
        "users:write",
        "service-accounts:write",
        "projects:write",
        "scopes:write",
        "signing-keys:write",
        "usage:write",
        "projects:read",
        "clients:read",
    ]);
    let account = json!({ "name": "limited", "scopes": scopes, "plan": "free" });
    let account = text(&admin.post("/v1/service-accounts", &account).json()["id"]);
    for restriction in [
        json!({ "expires_at": END }),
        json!({ "allowed_addresses": ["127.0.0.0/8"] }),
        json!({ "requests_per_minute": 500 }),
        json!({ "requests_per_hour": 500 }),
        json!({ "plan": "free" }),
        json!({ "owner": { "type": "service_account", "id": account } }),
    ] {
        let (_, secret) = asking(&admin, &scopes, &restriction);
        for bearer in [exchanged(&test, &secret), secret] {
            for (method, path, body) in elsewhere() {
                let detail = escapes(&with_key(&test, &bearer, method, path, Some(&body)));
                assert!(detail.contains("has an end, networks or limits"), "{detail}");
            }
            assert_eq!(used(&test, &bearer), 200, "it may read");
            with_key(&test, &bearer, Method::GET, "/v1/clients", None).ok();
            let report = json!({ "events": [{ "credential_id": "tool" }] });
            assert_eq!(with_key(&test, &bearer, Method::POST, "/v1/usage", Some(&report)).status, 202);
        }
    }
    // Without restrictions, and with `admin`, nothing is escaped.
    let (_, free) = asking(&admin, &scopes, &json!({}));
    assert_eq!(with_key(&test, &free, Method::POST, "/v1/projects", Some(&json!({ "id": "one" }))).status, 201);
    let (_, wide) = asking(&admin, &json!(["admin"]), &json!({ "expires_at": END }));
    assert_eq!(with_key(&test, &wide, Method::POST, "/v1/projects", Some(&json!({ "id": "two" }))).status, 201);
}

fn a_key_makes_keys_of_its_own_place_only(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (here, api) = (test.server.admin_resource.to_string(), test.server.config.default_resource().to_string());
    let scopes = json!(["access-keys:write"]);
    let (_, secret) = asking(&admin, &scopes, &json!({}));
    for bearer in [exchanged(&test, &secret), secret] {
        made(&make(&test, &bearer, &json!({ "name": "k", "resources": [here] })));
        let detail = escapes(&make(&test, &bearer, &json!({ "name": "k", "resources": [here, api] })));
        assert!(detail.ends_with(&format!("{api} is not")), "{detail}");
        // Nor by leaving out which.
        escapes(&make(&test, &bearer, &json!({ "name": "k" })));
        let there = json!({ "name": "k", "environment": "test", "resources": [format!("{api}/test")] });
        let detail = escapes(&make(&test, &bearer, &there));
        assert_eq!(detail, "environment must be that of the credential that asks");
        let mut free = there.clone();
        free["owner"] = json!(null);
        let (foreign, _) = made(&admin.post("/v1/access-keys", &free));
        let other = json!({ "name": "k", "owner": null, "resources": [api] });
        let (other, _) = made(&admin.post("/v1/access-keys", &other));
        for id in [foreign, other] {
            escapes(&edit(&test, &bearer, &id, &json!({ "description": "x" })));
            for verb in ["rotate", "finish-rotation", "disable", "enable", "revoke"] {
                escapes(&post(&test, &bearer, &id, verb));
            }
        }
    }
    // With the audience it may hand it out; a person's token is not bound in that.
    let (_, both) = asking(&admin, &scopes, &json!({ "resources": [here, api] }));
    made(&make(&test, &both, &json!({ "name": "k" })));
    let person = token(&test, &admin.tool, "root", "access-keys:write");
    made(&make(&test, &person, &json!({ "name": "k", "environment": "test", "resources": [format!("{api}/test")] })));
    let (_, wide) = asking(&admin, &json!(["admin"]), &json!({}));
    made(&make(&test, &wide, &json!({ "name": "k", "resources": [api] })));
}

fn limits_that_came_by_a_plan_are_limits(engine: Engine) {
    let test = TestServer::start_with(engine, with_plans);
    let admin = Admin::new(&test);
    let scopes = json!(["access-keys:write"]);
    let here = test.server.admin_resource.to_string();
    let account = json!({ "name": "limited", "scopes": scopes, "plan": "free" });
    let account = text(&admin.post("/v1/service-accounts", &account).json()["id"]);
    let owner = json!({ "type": "service_account", "id": account });
    for (more, by_account) in [(json!({ "plan": "free" }), false), (json!({ "owner": owner }), true)] {
        let (id, secret) = asking(&admin, &scopes, &more);
        for more in [
            json!({ "plan": "pro", "requests_per_minute": 10_000 }),
            json!({ "plan": "pro" }),
            json!({ "requests_per_minute": 61 }),
        ] {
            escapes(&edit(&test, &secret, &id, &more));
            let mut body = json!({ "name": "k", "resources": [here] });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            escapes(&make(&test, &secret, &body));
        }
        // What has neither is limited by its service account's plan, or by nothing.
        let plain = make(&test, &secret, &json!({ "name": "k", "resources": [here] }));
        let without = edit(&test, &secret, &id, &json!({ "plan": null }));
        if by_account {
            made(&plain);
            without.ok();
        } else {
            escapes(&plain);
            escapes(&without);
        }
        made(&make(
            &test,
            &secret,
            &json!({ "name": "k", "resources": [here], "plan": "pro", "requests_per_minute": 60 }),
        ));
        made(&make(&test, &secret, &json!({ "name": "k", "resources": [here], "plan": "free" })));
        edit(&test, &secret, &id, &json!({ "requests_per_minute": 59 })).ok();
        escapes(&edit(&test, &secret, &id, &json!({ "requests_per_minute": 60 })));
    }
    // Those of the environment count, too, though they are everybody's.
    let test = TestServer::start_with(engine, |config| {
        with_plans(config);
        config.environments.0.get_mut("live").unwrap().requests_per_minute = Some(100);
    });
    let admin = Admin::new(&test);
    let here = test.server.admin_resource.to_string();
    let (_, secret) = asking(&admin, &json!(["access-keys:write", "projects:write"]), &json!({}));
    let with = |more: Value| {
        let mut body = json!({ "name": "k", "resources": [here] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        make(&test, &secret, &body)
    };
    made(&with(json!({})));
    made(&with(json!({ "plan": "free" })));
    escapes(&with(json!({ "plan": "pro" })));
    escapes(&with(json!({ "requests_per_minute": 101 })));
    assert_eq!(with_key(&test, &secret, Method::POST, "/v1/projects", Some(&json!({ "id": "one" }))).status, 201);
}

/// A key within the restrictions of [`bounded`].
fn within(test: &TestServer) -> Value {
    json!({ "name": "k", "owner": null, "resources": [test.server.admin_resource.as_str()], "expires_at": END,
        "allowed_addresses": ["127.0.0.1"], "requests_per_minute": 500 })
}

fn bounded(admin: &Admin) -> (String, String) {
    let more = json!({ "expires_at": END, "allowed_addresses": ["127.0.0.0/8"], "requests_per_minute": 500 });
    asking(admin, &json!(["access-keys:write", "projects:read"]), &more)
}

fn an_edit_is_judged_as_a_whole(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (own, secret) = bounded(&admin);
    let here = test.server.admin_resource.to_string();
    let free = json!({ "name": "free", "owner": null, "resources": [here], "scopes": ["a"] });
    let (free, _) = made(&admin.post("/v1/access-keys", &free));
    for change in [
        json!({ "scopes": ["projects:read"] }),
        json!({ "scopes": [] }),
        json!({ "name": "other" }),
        json!({ "status": "inactive" }),
        json!({ "status": "revoked" }),
        // Some of what it lacks is not enough.
        json!({ "expires_at": END, "requests_per_minute": 500 }),
        json!({ "allowed_addresses": ["127.0.0.1"], "requests_per_minute": 500 }),
        json!({ "expires_at": END, "allowed_addresses": ["127.0.0.1"] }),
    ] {
        escapes(&edit(&test, &secret, &free, &change));
    }
    let all =
        json!({ "expires_at": END, "allowed_addresses": ["127.0.0.1"], "requests_per_minute": 500, "scopes": [] });
    edit(&test, &secret, &free, &all).ok();
    edit(&test, &secret, &free, &json!({ "scopes": ["projects:read"] })).ok();
    edit(&test, &secret, &own, &json!({ "name": "renamed" })).ok();
    edit(&test, &secret, &own, &json!({ "scopes": ["access-keys:write"] })).ok();
    edit(&test, &secret, &own, &json!({ "requests_per_minute": 400 })).ok();
    escapes(&edit(&test, &secret, &own, &json!({ "requests_per_minute": 500 })));
}

fn a_restricted_key_leaves_others_alone(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (_, secret) = bounded(&admin);
    let delete = |id: &str| with_key(&test, &secret, Method::DELETE, &format!("/v1/access-keys/{id}?name=k"), None);
    for (name, value) in
        [("expires_at", json!(null)), ("allowed_addresses", json!([])), ("requests_per_minute", json!(501))]
    {
        let mut body = within(&test);
        body[name] = value;
        let (id, _) = made(&admin.post("/v1/access-keys", &body));
        admin.post(&format!("/v1/access-keys/{id}/rotate"), &json!({ "grace_seconds": 60 })).ok();
        for verb in ["rotate", "finish-rotation", "disable", "enable", "revoke"] {
            escapes(&post(&test, &secret, &id, verb));
        }
        escapes(&delete(&id));
    }
    let (id, _) = made(&admin.post("/v1/access-keys", &within(&test)));
    post(&test, &secret, &id, "rotate").ok();
    for verb in ["disable", "enable", "revoke"] {
        post(&test, &secret, &id, verb).ok();
    }
    assert_eq!(delete(&id).status, 204);
}

fn a_restricted_key_may_end_itself(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for verb in ["disable", "revoke"] {
        let (id, secret) = bounded(&admin);
        let path = format!("/v1/access-keys/{id}/rotate");
        let rotated = with_key(&test, &secret, Method::POST, &path, Some(&json!({ "grace_seconds": 60 }))).ok();
        assert_eq!((&rotated["expires_at"], &rotated["requests_per_minute"]), (&json!(END), &json!(500)));
        let next = text(&rotated["secret"]);
        post(&test, &next, &id, "finish-rotation").ok();
        assert_eq!((used(&test, &secret), used(&test, &next)), (401, 200));
        post(&test, &next, &id, verb).ok();
        assert_eq!(used(&test, &next), 401);
    }
    let (id, secret) = bounded(&admin);
    let deleted = with_key(&test, &secret, Method::DELETE, &format!("/v1/access-keys/{id}?name=asking"), None);
    assert_eq!(deleted.status, 204);
    // A token of less gets no secret of more.
    let (id, secret) = bounded(&admin);
    let form = exchange_form(&secret, &[("scope", "access-keys:write")]);
    let narrow = Answer::of(http_client().post(test.url("/oauth/token")).form(&form));
    let narrow = text(&narrow.json()["access_token"]);
    post(&test, &narrow, &id, "rotate").problem(403, "insufficient_scope");
    post(&test, &narrow, &id, "revoke").ok();
}

/// A client with one of its restrictions.
fn restricted_client(test: &TestServer, id: &str, restriction: &str) -> TestClient {
    let members = ClientMembers {
        scope: Some(every_scope()),
        roles: Some(vec!["keeper".to_owned()]),
        resources: Some(vec![test.server.admin_resource.clone()]),
        ..confidential_members(id)
    };
    test.client(match restriction {
        "networks" => ClientMembers { allowed_addresses: Some(vec!["127.0.0.0/8".parse().unwrap()]), ..members },
        "limits" => ClientMembers { requests_per_minute: Some(Some(600)), ..members },
        _ => ClientMembers { plan: Some(Some("pro".to_owned())), ..members },
    })
}

fn a_restricted_client_bounds_those_who_come_through_it(engine: Engine) {
    let test = TestServer::start_with(engine, with_plans);
    let admin = Admin::new(&test);
    test.user("kim", &["keeper"]);
    let api = Resource::parse(test.server.config.default_resource().as_str()).unwrap().to_string();
    for restriction in ["networks", "limits", "plan"] {
        let client = restricted_client(&test, restriction, restriction);
        let asked = [("grant_type", "client_credentials"), ("scope", "access-keys:write clients:write projects:read")];
        let own = text(&test.token(&client, &asked).json()["access_token"]);
        let person = token(&test, &client, "kim", "access-keys:write clients:write");
        let serves_self = token(&test, &client, "kim", "own-access-keys:write");
        let good = match restriction {
            "networks" => json!({ "name": "k", "allowed_addresses": ["127.0.0.1"] }),
            "limits" => json!({ "name": "k", "requests_per_minute": 600 }),
            _ => json!({ "name": "k", "plan": "free" }),
        };
        for bearer in [&own, &person, &serves_self] {
            escapes(&make(&test, bearer, &json!({ "name": "k" })));
            if restriction != "plan" || bearer != &serves_self {
                let (id, _) = made(&make(&test, bearer, &good));
                let freed = match restriction {
                    "networks" => json!({ "allowed_addresses": [] }),
                    "limits" => json!({ "requests_per_minute": null }),
                    _ => json!({ "plan": null }),
                };
                escapes(&edit(&test, bearer, &id, &freed));
                post(&test, bearer, &id, "rotate").ok();
            }
        }
        // Not bound in audience and environment, nor by an end.
        let mut there = good.clone();
        there["resources"] = json!([format!("{api}/test")]);
        there["environment"] = json!("test");
        made(&make(&test, &person, &there));
        let client = json!({ "grant_types": ["client_credentials"], "scope": "read" });
        for bearer in [&own, &person] {
            escapes(&with_key(&test, bearer, Method::POST, "/v1/clients", Some(&client)));
        }
    }
    let wide = restricted_client(&test, "wide", "limits");
    let wide = token(&test, &wide, "root", "admin");
    made(&make(&test, &wide, &json!({ "name": "k" })));
    let body = json!({ "grant_types": ["client_credentials"], "scope": "read" });
    assert_eq!(with_key(&test, &wide, Method::POST, "/v1/clients", Some(&body)).status, 201);
    // Without restrictions, as before.
    made(&make(&test, &token(&test, &admin.tool, "kim", "access-keys:write"), &json!({ "name": "k" })));
}

fn people_end_their_keys_through_a_restricted_client(engine: Engine) {
    let test = TestServer::start_with(engine, with_plans);
    let admin = Admin::new(&test);
    let kim = test.user("kim", &["keeper"]);
    let client = restricted_client(&test, "settings", "limits");
    let bearer = token(&test, &client, "kim", "own-access-keys:write");
    let body = json!({ "name": "k", "owner": { "type": "user", "id": kim } });
    let (id, _) = made(&admin.post("/v1/access-keys", &body));
    admin.post(&format!("/v1/access-keys/{id}/rotate"), &json!({ "grace_seconds": 60 })).ok();
    escapes(&post(&test, &bearer, &id, "rotate"));
    for verb in ["finish-rotation", "disable"] {
        post(&test, &bearer, &id, verb).ok();
    }
    escapes(&post(&test, &bearer, &id, "enable"));
    post(&test, &bearer, &id, "revoke").ok();
    let deleted = with_key(&test, &bearer, Method::DELETE, &format!("/v1/access-keys/{id}?name=k"), None);
    assert_eq!(deleted.status, 204);
    // Those of others only where they are within.
    let person = token(&test, &client, "kim", "access-keys:write");
    let (other, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "k" })));
    escapes(&post(&test, &person, &other, "revoke"));
}
