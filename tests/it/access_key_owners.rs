//! Whose access keys are, service accounts and projects: what an owner loses the key loses, and nobody makes a key that
//! holds more than they do.

use grantor::flows::clients::ClientMembers;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access_keys::{made, used, with_key};
use crate::admin_api::{Admin, every_scope, token};
use crate::support::*;

on_both!(
    the_key_of_a_user_stops_with_them,
    the_key_of_a_service_account_stops_with_it_alone,
    the_key_of_a_client_stops_with_it,
    what_an_owner_loses_the_key_loses,
    a_key_holds_no_more_than_its_owner,
    a_user_token_hands_out_what_it_holds,
    a_client_token_hands_out_what_it_holds,
    an_access_key_hands_out_what_it_holds,
    a_key_of_some_projects_makes_no_key_of_others,
    service_accounts_are_managed,
    unusable_service_accounts_are_refused,
    projects_are_managed,
);

fn owner(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id })
}

/// A key of this owner that may read projects.
#[track_caller]
fn reader(admin: &Admin, owner: &Value) -> (String, String) {
    made(&admin.post("/v1/access-keys", &json!({ "name": "key", "scopes": ["projects:read"], "owner": owner })))
}

/// Roles that hold single scopes of the admin API.
fn with_roles(config: &mut grantor::config::Config) {
    for (name, scope) in [
        ("reader", "projects:read"),
        ("keeper", "access-keys:write projects:read"),
        ("manager", "access-keys:write users:write service-accounts:write clients:write projects:read"),
    ] {
        config.roles.0.insert(name.to_owned(), Scope::parse(scope).unwrap());
    }
}

fn the_key_of_a_user_stops_with_them(engine: Engine) {
    let test = TestServer::start_with(engine, with_roles);
    let admin = Admin::new(&test);
    let ada = test.user("ada", &["reader"]);
    let (id, secret) = reader(&admin, &owner("user", &ada));
    assert_eq!(used(&test, &secret), 200);
    admin.send(Method::POST, "/v1/users/ada/disable", None).ok();
    assert_eq!(used(&test, &secret), 401);
    assert_eq!(admin.get(&format!("/v1/access-keys/{id}")).ok()["status"], "active", "the key itself stands");
    let body = json!({ "name": "k", "owner": owner("user", &ada) });
    let detail = admin.post("/v1/access-keys", &body).problem(400, "invalid_request");
    assert_eq!(detail, format!("there is no active user '{ada}'"));
    admin.send(Method::POST, "/v1/users/ada/enable", None).ok();
    assert_eq!(used(&test, &secret), 200);
}

fn the_key_of_a_service_account_stops_with_it_alone(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let body = json!({ "name": "worker", "scopes": ["projects:read"] });
    let account = text(&admin.post("/v1/service-accounts", &body).json()["id"]);
    let (_, secret) = reader(&admin, &owner("service_account", &account));
    let act = |verb: &str| admin.send(Method::POST, &format!("/v1/service-accounts/worker/{verb}"), None);
    assert_eq!(used(&test, &secret), 200);
    act("disable").ok();
    assert_eq!(used(&test, &secret), 401);
    act("enable").ok();
    // Whoever made it may leave: it is nobody's own.
    test.user("other", &["admin"]);
    let other = Admin {
        token: token(&test, &admin.tool, "other", "admin"),
        http: http_client(),
        tool: admin.tool.clone(),
        ..admin
    };
    other.send(Method::POST, "/v1/users/root/disable", None).ok();
    assert_eq!(used(&test, &secret), 200);
    other.send(Method::POST, "/v1/service-accounts/worker/revoke", None).ok();
    assert_eq!(used(&test, &secret), 401);
    other.send(Method::POST, "/v1/service-accounts/worker/enable", None).problem(409, "conflict");
}

fn the_key_of_a_client_stops_with_it(engine: Engine) {
    let test = TestServer::start_with(engine, with_roles);
    let admin = Admin::new(&test);
    let robot = test.client(ClientMembers {
        scope: Some(Scope::parse("read projects:read").unwrap()),
        roles: Some(vec!["reader".to_owned()]),
        ..confidential_members("robot")
    });
    let (_, secret) = reader(&admin, &owner("client", &robot.id));
    assert_eq!(used(&test, &secret), 200);
    admin.send(Method::POST, "/v1/clients/robot/disable", None).ok();
    assert_eq!(used(&test, &secret), 401);
    admin.send(Method::POST, "/v1/clients/robot/enable", None).ok();
    assert_eq!(used(&test, &secret), 200);
    admin.send(Method::POST, "/v1/clients/robot/revoke", None).ok();
    assert_eq!(used(&test, &secret), 401);
}

fn what_an_owner_loses_the_key_loses(engine: Engine) {
    let test = TestServer::start_with(engine, with_roles);
    let admin = Admin::new(&test);
    let ada = test.user("ada", &["reader"]);
    let account = text(
        &admin.post("/v1/service-accounts", &json!({ "name": "worker", "scopes": ["projects:read"] })).json()["id"],
    );
    let registered = ClientMembers {
        scope: Some(Scope::parse("projects:read").unwrap()),
        roles: Some(vec!["reader".to_owned()]),
        ..confidential_members("robot")
    };
    test.client(registered);
    for (owned, path, less, more) in [
        (owner("user", &ada), "/v1/users/ada", json!({ "roles": [] }), json!({ "roles": ["reader"] })),
        (
            owner("service_account", &account),
            "/v1/service-accounts/worker",
            json!({ "scopes": [] }),
            json!({ "scopes": ["projects:read"] }),
        ),
        (owner("client", "robot"), "/v1/clients/robot", json!({ "roles": [] }), json!({ "roles": ["reader"] })),
        (
            owner("client", "robot"),
            "/v1/clients/robot",
            json!({ "scope": "read" }),
            json!({ "scope": "projects:read" }),
        ),
    ] {
        let (_, secret) = reader(&admin, &owned);
        assert_eq!(used(&test, &secret), 200, "{owned}");
        admin.patch(path, &less).ok();
        with_key(&test, &secret, Method::GET, "/v1/projects", None).problem(403, "insufficient_scope");
        admin.patch(path, &more).ok();
        assert_eq!(used(&test, &secret), 200, "{owned}");
    }
}

fn a_key_holds_no_more_than_its_owner(engine: Engine) {
    let test = TestServer::start_with(engine, with_roles);
    let admin = Admin::new(&test);
    let ada = test.user("ada", &["reader"]);
    let account = text(&admin.post("/v1/service-accounts", &json!({ "name": "worker", "scopes": ["a"] })).json()["id"]);
    test.client(ClientMembers {
        scope: Some(Scope::parse("a projects:read").unwrap()),
        ..confidential_members("robot")
    });
    for (owned, good, bad) in [
        (owner("user", &ada), json!(["anything", "projects:read"]), "users:read"),
        (owner("service_account", &account), json!(["a"]), "b"),
        (owner("client", "robot"), json!(["a"]), "b"),
        // Registered for it, but no role gives it.
        (owner("client", "robot"), json!([]), "projects:read"),
    ] {
        let body = json!({ "name": "k", "owner": owned, "scopes": [bad] });
        let detail = admin.post("/v1/access-keys", &body).problem(400, "invalid_request");
        assert_eq!(detail, format!("the owner does not hold {bad}"));
        let (id, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "k", "owner": owned, "scopes": good })));
        let detail =
            admin.patch(&format!("/v1/access-keys/{id}"), &json!({ "scopes": [bad] })).problem(400, "invalid_request");
        assert_eq!(detail, format!("the owner does not hold {bad}"));
    }
    // The name of a service account is not its id.
    admin
        .post("/v1/access-keys", &json!({ "name": "k", "owner": owner("service_account", "worker") }))
        .problem(400, "invalid_request");
}

/// Somebody who holds `access-keys:write` and `projects:read` and no more makes keys, and changes those of others.
fn may_not_exceed(admin: &Admin, call: &dyn Fn(Method, &str, Option<&Value>) -> Answer) {
    let ada = text(&admin.get("/v1/users/ada").ok()["id"]);
    let account = text(&admin.get("/v1/service-accounts/worker").ok()["id"]);
    let make = |body: &Value| call(Method::POST, "/v1/access-keys", Some(body));
    let (id, _) = made(&make(&json!({ "name": "k", "scopes": ["projects:read"] })));
    let path = format!("/v1/access-keys/{id}");
    for scope in ["admin", "users:read", "orders:read"] {
        make(&json!({ "name": "k", "scopes": ["projects:read", scope] })).problem(403, "insufficient_scope");
        let edit = json!({ "scopes": ["projects:read", scope] });
        call(Method::PATCH, &path, Some(&edit)).problem(403, "insufficient_scope");
    }
    for owned in [json!(null), owner("user", &ada), owner("service_account", &account), owner("client", "tool")] {
        make(&json!({ "name": "k", "owner": owned })).problem(403, "insufficient_scope");
        // Nor by rotating one that is there: that would put it into their hands.
        let (other, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "k", "owner": owned })));
        call(Method::POST, &format!("/v1/access-keys/{other}/rotate"), Some(&json!({})))
            .problem(403, "insufficient_scope");
    }
    // A key that holds more is not rotated into their hands, but may be narrowed by them, and ended.
    let more = json!({ "scopes": ["projects:read", "access-keys:read"] });
    let mine = admin.get(&path).ok()["owner"].clone();
    let wider = admin.patch(&path, &more);
    let wide = if wider.status == 200 {
        path
    } else {
        // Their owner does not hold it either.
        assert_eq!(wider.status, 400, "{mine}");
        return;
    };
    call(Method::POST, &format!("{wide}/rotate"), Some(&json!({}))).problem(403, "insufficient_scope");
    assert_eq!(
        call(Method::PATCH, &wide, Some(&json!({ "scopes": ["access-keys:read"] }))).ok()["scopes"],
        json!(["access-keys:read"])
    );
    assert_eq!(call(Method::PATCH, &wide, Some(&json!({ "scopes": [] }))).ok()["scopes"], json!([]));
    call(Method::POST, &format!("{wide}/rotate"), Some(&json!({}))).ok();
    call(Method::POST, &format!("{wide}/revoke"), None).ok();
}

fn prepared(engine: Engine) -> TestServer {
    let test = TestServer::start_with(engine, with_roles);
    test.user("ada", &[]);
    test
}

fn a_user_token_hands_out_what_it_holds(engine: Engine) {
    let test = prepared(engine);
    let admin = Admin::new(&test);
    admin.post("/v1/service-accounts", &json!({ "name": "worker" }));
    test.user("kim", &["keeper"]);
    let issued = token(&test, &admin.tool, "kim", "access-keys:write projects:read");
    may_not_exceed(&admin, &|method, path, body| with_key(&test, &issued, method, path, body));
    // An admin whose token says less holds less.
    let issued = token(&test, &admin.tool, "root", "access-keys:write projects:read");
    may_not_exceed(&admin, &|method, path, body| with_key(&test, &issued, method, path, body));
    // Who manages the owners makes keys for them.
    test.user("mia", &["manager"]);
    let issued = token(&test, &admin.tool, "mia", "access-keys:write users:write");
    let ada = text(&admin.get("/v1/users/ada").ok()["id"]);
    let body = json!({ "name": "k", "owner": owner("user", &ada) });
    made(&with_key(&test, &issued, Method::POST, "/v1/access-keys", Some(&body)));
}

fn a_client_token_hands_out_what_it_holds(engine: Engine) {
    let test = prepared(engine);
    let admin = Admin::new(&test);
    admin.post("/v1/service-accounts", &json!({ "name": "worker" }));
    let robot = test.client(ClientMembers {
        scope: Some(every_scope()),
        roles: Some(vec!["keeper".to_owned()]),
        ..confidential_members("robot")
    });
    let ask = [("grant_type", "client_credentials"), ("scope", "access-keys:write projects:read")];
    let issued = text(&test.token(&robot, &ask).json()["access_token"]);
    may_not_exceed(&admin, &|method, path, body| with_key(&test, &issued, method, path, body));
    let own = with_key(&test, &issued, Method::POST, "/v1/access-keys", Some(&json!({ "name": "k" }))).json();
    assert_eq!((&own["owner"], &own["created_by"]), (&owner("client", "robot"), &json!("client:robot")));
}

fn an_access_key_hands_out_what_it_holds(engine: Engine) {
    let test = prepared(engine);
    let admin = Admin::new(&test);
    admin.post("/v1/service-accounts", &json!({ "name": "worker" }));
    // Of a person who could do everything.
    let body = json!({ "name": "root's", "scopes": ["access-keys:write", "projects:read"] });
    let (id, secret) = made(&admin.post("/v1/access-keys", &body));
    may_not_exceed(&admin, &|method, path, body| with_key(&test, &secret, method, path, body));
    let body = json!({ "name": "k", "scopes": ["projects:read"] });
    let own = with_key(&test, &secret, Method::POST, "/v1/access-keys", Some(&body)).json();
    assert_eq!((&own["owner"], &own["created_by"]), (&owner("user", &admin.id), &json!(format!("access_key:{id}"))));
    // Without the scope, nothing at all.
    let (_, secret) = made(&admin.post("/v1/access-keys", &json!({ "name": "k", "scopes": ["projects:read"] })));
    let answer = with_key(&test, &secret, Method::POST, "/v1/access-keys", Some(&json!({ "name": "k" })));
    assert_eq!(answer.problem(403, "insufficient_scope"), "this needs the scope access-keys:write");
}

fn a_key_of_some_projects_makes_no_key_of_others(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for project in ["alpha", "beta"] {
        admin.post("/v1/projects", &json!({ "id": project }));
    }
    let body = json!({ "name": "k", "scopes": ["access-keys:write"], "projects": ["alpha"] });
    let (id, secret) = made(&admin.post("/v1/access-keys", &body));
    let make = |projects: Value| {
        let body = json!({ "name": "k", "projects": projects, "resources": [test.server.admin_resource.as_str()] });
        with_key(&test, &secret, Method::POST, "/v1/access-keys", Some(&body))
    };
    make(json!([])).problem(403, "insufficient_scope");
    make(json!(["alpha", "beta"])).problem(403, "insufficient_scope");
    let (narrow, _) = made(&make(json!(["alpha"])));
    let edit =
        |id: &str, body: Value| with_key(&test, &secret, Method::PATCH, &format!("/v1/access-keys/{id}"), Some(&body));
    for key in [&id, &narrow] {
        edit(key, json!({ "projects": [] })).problem(403, "insufficient_scope");
        edit(key, json!({ "projects": ["beta"] })).problem(403, "insufficient_scope");
        assert_eq!(edit(key, json!({ "description": "x" })).ok()["projects"], json!(["alpha"]));
    }
    let (wide, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "wide" })));
    let rotated = with_key(&test, &secret, Method::POST, &format!("/v1/access-keys/{wide}/rotate"), Some(&json!({})));
    rotated.problem(403, "insufficient_scope");
}

fn service_accounts_are_managed(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.plans.0.insert("pro".to_owned(), grantor::domain::limits::Limits::default());
    });
    let admin = Admin::new(&test);
    let body = json!({ "name": "worker", "description": "builds", "scopes": ["a", "b"], "plan": "pro" });
    let answer = admin.post("/v1/service-accounts", &body);
    let id = text(&answer.json()["id"]);
    let mut wanted = answer.created(&test, &format!("/v1/service-accounts/{id}"));
    let full = json!({
        "id": id, "name": "worker", "description": "builds", "scopes": ["a", "b"], "plan": "pro", "status": "active",
        "created_at": "2026-01-01T12:00:00Z", "updated_at": "2026-01-01T12:00:00Z",
    });
    assert_eq!(wanted, full);
    assert!(id.starts_with("sa_") && id.len() == 35, "{id}");
    for name in [&id, "worker"] {
        assert_eq!(admin.get(&format!("/v1/service-accounts/{name}")).ok(), wanted);
    }
    test.advance(1);
    wanted["name"] = json!("builder");
    wanted["scopes"] = json!(["b"]);
    wanted["plan"] = json!(null);
    wanted["updated_at"] = json!("2026-01-01T12:00:01Z");
    let edit = json!({ "name": "builder", "scopes": ["b"], "plan": null });
    assert_eq!(admin.patch("/v1/service-accounts/worker", &edit).ok(), wanted);
    assert_eq!(test.events("service_account.updated")[0].detail.as_deref(), Some("plan pro to none"));
    admin.get("/v1/service-accounts/worker").problem(404, "not_found");
    for name in ["one", "two", "three"] {
        admin.post("/v1/service-accounts", &json!({ "name": name }));
    }
    assert_eq!(admin.collect("/v1/service-accounts", 2).len(), 4);
    for verb in ["disable", "enable", "revoke"] {
        admin.send(Method::POST, &format!("/v1/service-accounts/{id}/{verb}"), None).ok();
    }
    for verb in ["disable", "enable", "revoke"] {
        admin.send(Method::POST, &format!("/v1/service-accounts/{id}/{verb}"), None).problem(409, "conflict");
    }
    admin.patch(&format!("/v1/service-accounts/{id}"), &json!({})).problem(409, "conflict");
    let found = admin.get(&format!("/v1/audit-events?target_id={id}")).ok();
    let actions: Vec<String> =
        found["items"].as_array().unwrap().iter().rev().map(|event| text(&event["action"])).collect();
    let wanted = ["created", "updated", "disabled", "enabled", "revoked"].map(|verb| format!("service_account.{verb}"));
    assert_eq!(actions, wanted);
}

fn unusable_service_accounts_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    admin.post("/v1/service-accounts", &json!({ "name": "worker" }));
    admin.post("/v1/service-accounts", &json!({ "name": "other" }));
    for body in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "sa_worker" }),
        json!({ "name": "x", "scopes": ["a b"] }),
        json!({ "name": "x", "plan": "gold" }),
        json!({ "name": "x", "id": "sa_1" }),
        json!({ "name": "x", "status": "active" }),
    ] {
        admin.post("/v1/service-accounts", &body).problem(400, "invalid_request");
    }
    admin.post("/v1/service-accounts", &json!({ "name": "worker" })).problem(409, "conflict");
    admin.patch("/v1/service-accounts/other", &json!({ "name": "worker" })).problem(409, "conflict");
    admin.patch("/v1/service-accounts/other", &json!({ "name": null })).problem(400, "invalid_request");
    admin.get("/v1/service-accounts/absent").problem(404, "not_found");
    admin.get("/v1/service-accounts?cursor=worker").problem(400, "invalid_request");
    // Nobody gives one more than they hold.
    let some = admin.with("service-accounts:write");
    some.post("/v1/service-accounts", &json!({ "name": "x", "scopes": ["users:read"] }))
        .problem(403, "insufficient_scope");
    some.patch("/v1/service-accounts/worker", &json!({ "scopes": ["users:read"] })).problem(403, "insufficient_scope");
    let own = some.post("/v1/service-accounts", &json!({ "name": "x", "scopes": ["service-accounts:write"] }));
    assert_eq!(own.status, 201, "{}", own.body);
}

fn projects_are_managed(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let made_project = admin.post("/v1/projects", &json!({ "id": "alpha" })).created(&test, "/v1/projects/alpha");
    let mut wanted = json!({
        "id": "alpha", "name": "alpha", "description": "", "created_at": "2026-01-01T12:00:00Z",
        "updated_at": "2026-01-01T12:00:00Z",
    });
    assert_eq!(made_project, wanted);
    admin.post("/v1/projects", &json!({ "id": "alpha" })).problem(409, "conflict");
    for body in [
        json!({}),
        json!({ "id": "" }),
        json!({ "id": "a b" }),
        json!({ "id": "x".repeat(65) }),
        json!({ "id": "x", "name": " " }),
        json!({ "id": "x", "owner": "me" }),
    ] {
        admin.post("/v1/projects", &body).problem(400, "invalid_request");
    }
    test.advance(1);
    wanted["name"] = json!("Alpha");
    wanted["updated_at"] = json!("2026-01-01T12:00:01Z");
    assert_eq!(admin.patch("/v1/projects/alpha", &json!({ "name": "Alpha" })).ok(), wanted);
    assert_eq!(admin.get("/v1/projects/alpha").ok(), wanted);
    admin.patch("/v1/projects/alpha", &json!({ "id": "beta" })).problem(400, "invalid_request");
    for id in ["beta", "gamma", "delta"] {
        admin.post("/v1/projects", &json!({ "id": id }));
    }
    let ids: Vec<_> = admin.collect("/v1/projects", 3).iter().map(|project| text(&project["id"])).collect();
    assert_eq!(ids, ["alpha", "beta", "delta", "gamma"]);
    let (key, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "k", "projects": ["alpha", "beta"] })));
    let delete = |id: &str| admin.send(Method::DELETE, &format!("/v1/projects/{id}"), None);
    assert_eq!(delete("alpha").problem(409, "conflict"), "access keys are limited to this project");
    admin.patch(&format!("/v1/access-keys/{key}"), &json!({ "projects": ["beta"] })).ok();
    assert_eq!(delete("alpha").status, 204);
    delete("alpha").problem(404, "not_found");
    admin.get("/v1/projects/alpha").problem(404, "not_found");
    for (action, count) in [("project.created", 4), ("project.updated", 1), ("project.deleted", 1)] {
        assert_eq!(test.events(action).len(), count, "{action}");
    }
}
