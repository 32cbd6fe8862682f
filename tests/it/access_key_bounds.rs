//! What a restricted credential does not escape by what it makes: a key's end, networks, limits and projects; a person who
//! manages only their own keys; names that pass for others.

use grantor::flows::caller::Caller;
use grantor::flows::clients;
use grantor::flows::clients::ClientMembers;
use grantor::flows::scopes::{self, NewScope};
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access_keys::{made, used, with_key};
use crate::admin_api::{Admin, every_scope, token};
use crate::doors_support::exchange_form;
use crate::support::*;

on_both!(
    a_client_does_not_pass_for_something_else,
    a_client_named_like_a_key_is_not_its_client,
    whoever_is_limited_to_projects_writes_keys_only,
    whoever_is_limited_to_projects_changes_keys_of_theirs_only,
    a_restricted_key_makes_no_freer_one,
    a_restricted_key_rotates_no_freer_one,
    admin_is_not_bound,
    people_manage_their_own_keys,
    people_hand_out_ordinary_scopes_to_their_own_keys,
    people_hand_out_what_their_client_is_registered_for,
    people_see_the_use_of_their_own_keys,
    people_give_themselves_no_plan,
    lists_may_be_null,
    names_hold_no_marks_of_direction,
    times_and_networks_are_sensible,
    the_admin_api_is_the_default_of_its_environment_only,
);

fn a_client_does_not_pass_for_something_else(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for id in ["ak_1", "pt_1", "sa_worker", "wf_0123456789abcdef0123456789abcdef"] {
        let body = json!({ "client_id": id, "redirect_uris": ["https://a.example/"] });
        let detail = admin.post("/v1/clients", &body).problem(400, "invalid_request");
        assert_eq!(detail, "client_id must not start with ak_, pt_, sa_ or wf_");
    }
}

/// One that is there from before such names were refused.
fn a_client_named_like_a_key_is_not_its_client(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (id, secret) =
        made(&admin.post("/v1/access-keys", &json!({ "name": "k", "owner": null, "scopes": ["projects:read"] })));
    let web = test.confidential();
    let mut client = clients::show(&test.server, &Caller::command_line(), &web.id).unwrap();
    client.client_id = id.into();
    client.status = grantor::domain::client::Status::Inactive;
    test.server.store.write(move |connection| connection.insert_client(&client)).unwrap();
    let form = exchange_form(&secret, &[]);
    let answer = Answer::of(http_client().post(test.url("/oauth/token")).form(&form));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(used(&test, &text(&answer.json()["access_token"])), 200, "that client has nothing to do with it");
}

/// Two projects, and a key limited to the first.
fn limited(admin: &Admin, scopes: &Value) -> String {
    for project in ["alpha", "beta"] {
        admin.post("/v1/projects", &json!({ "id": project }));
    }
    let body = json!({ "name": "limited", "scopes": scopes, "projects": ["alpha"], "owner": null,
        "resources": [admin.test.server.admin_resource.as_str()] });
    made(&admin.post("/v1/access-keys", &body)).1
}

fn whoever_is_limited_to_projects_writes_keys_only(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let secret = limited(&admin, &json!(["admin"]));
    let call = |method, path, body: &Value| with_key(&test, &secret, method, path, Some(body));
    for (path, body) in [
        ("/v1/clients", json!({ "redirect_uris": ["https://a.example/"] })),
        ("/v1/users", json!({ "username": "bob", "password": PASSWORD })),
        ("/v1/service-accounts", json!({ "name": "worker" })),
        ("/v1/projects", json!({ "id": "gamma" })),
        ("/v1/scopes", json!({ "name": "photos", "description": "See photos" })),
        ("/v1/signing-keys/rotate", json!({ "mode": "at_once" })),
    ] {
        let detail = call(Method::POST, path, &body).problem(403, "insufficient_scope");
        assert!(detail.contains("limited to projects"), "{path}: {detail}");
    }
    call(Method::DELETE, "/v1/projects/beta", &json!({})).problem(403, "insufficient_scope");
    made(&call(Method::POST, "/v1/access-keys", &json!({ "name": "k", "projects": ["alpha"] })));
    assert_eq!(used(&test, &secret), 200, "it may read");
}

fn whoever_is_limited_to_projects_changes_keys_of_theirs_only(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let secret = limited(&admin, &json!(["access-keys:write", "projects:read", "admin"]));
    for projects in [json!([]), json!(["beta"]), json!(["alpha", "beta"])] {
        let (id, _) =
            made(&admin.post("/v1/access-keys", &json!({ "name": "k", "owner": null, "projects": projects })));
        let path = format!("/v1/access-keys/{id}");
        let post = |verb: &str| with_key(&test, &secret, Method::POST, &format!("{path}/{verb}"), Some(&json!({})));
        for edit in [json!({ "scopes": ["projects:read"] }), json!({ "name": "x" }), json!({ "projects": ["alpha"] })] {
            with_key(&test, &secret, Method::PATCH, &path, Some(&edit)).problem(403, "insufficient_scope");
        }
        for verb in ["rotate", "finish-rotation", "disable", "enable", "revoke"] {
            post(verb).problem(403, "insufficient_scope");
        }
        with_key(&test, &secret, Method::DELETE, &format!("{path}?name=k"), None).problem(403, "insufficient_scope");
    }
    let body = json!({ "name": "k", "owner": null, "projects": ["alpha"] });
    let (id, _) = made(&admin.post("/v1/access-keys", &body));
    with_key(&test, &secret, Method::POST, &format!("/v1/access-keys/{id}/revoke"), None).ok();
    let deleted = with_key(&test, &secret, Method::DELETE, &format!("/v1/access-keys/{id}?name=k"), None);
    assert_eq!(deleted.status, 204, "{}", deleted.body);
}

/// A key that is restricted in everything, and may make keys.
fn restricted(admin: &Admin, scopes: &Value) -> (String, String) {
    let body = json!({
        "name": "restricted", "owner": null, "scopes": scopes, "expires_at": "2026-02-01T00:00:00Z",
        "allowed_addresses": ["127.0.0.0/8", "2001:db8::/32"], "requests_per_minute": 500, "requests_per_hour": 5000,
        "resources": [admin.test.server.admin_resource.as_str()],
    });
    made(&admin.post("/v1/access-keys", &body))
}

fn within(test: &TestServer) -> Value {
    json!({
        "resources": [test.server.admin_resource.as_str()],
        "name": "k", "expires_at": "2026-02-01T00:00:00Z", "allowed_addresses": ["127.0.0.1", "2001:db8:1::/48"],
        "requests_per_minute": 500, "requests_per_hour": 4999,
    })
}

fn beyond() -> Vec<(&'static str, Value)> {
    vec![
        ("expires_at", json!(null)),
        ("expires_at", json!("2026-02-01T00:00:01Z")),
        ("allowed_addresses", json!([])),
        ("allowed_addresses", json!(["127.0.0.1", "192.0.2.1"])),
        ("allowed_addresses", json!(["126.0.0.0/7"])),
        ("requests_per_minute", json!(null)),
        ("requests_per_minute", json!(501)),
        ("requests_per_hour", json!(null)),
        ("requests_per_hour", json!(5001)),
    ]
}

fn a_restricted_key_makes_no_freer_one(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (own, secret) = restricted(&admin, &json!(["access-keys:write"]));
    let answer = Answer::of(http_client().post(test.url("/oauth/token")).form(&exchange_form(&secret, &[])));
    assert_eq!(answer.status, 200, "{}", answer.body);
    // A token that it was exchanged for ends sooner, but stands for the key.
    for bearer in [secret, text(&answer.json()["access_token"])] {
        let make = |body: &Value| with_key(&test, &bearer, Method::POST, "/v1/access-keys", Some(body));
        let (id, _) = made(&make(&within(&test)));
        for (name, value) in beyond() {
            let mut body = within(&test);
            body[name] = value.clone();
            make(&body).problem(403, "insufficient_scope");
            for key in [&id, &own] {
                let edit = json!({ name: value });
                let path = format!("/v1/access-keys/{key}");
                let detail =
                    with_key(&test, &bearer, Method::PATCH, &path, Some(&edit)).problem(403, "insufficient_scope");
                assert!(detail.contains("the credential that asks"), "{detail}");
            }
        }
        let edit = json!({ "expires_at": "2026-01-05T00:00:00Z", "requests_per_minute": 1, "allowed_addresses": ["127.0.0.2"] });
        with_key(&test, &bearer, Method::PATCH, &format!("/v1/access-keys/{id}"), Some(&edit)).ok();
    }
}

fn a_restricted_key_rotates_no_freer_one(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (own, secret) = restricted(&admin, &json!(["access-keys:write"]));
    let rotate = |id: &str| {
        with_key(
            &test,
            &secret,
            Method::POST,
            &format!("/v1/access-keys/{id}/rotate"),
            Some(&json!({ "grace_seconds": 60 })),
        )
    };
    let (free, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "free", "owner": null })));
    rotate(&free).problem(403, "insufficient_scope");
    rotate(&own).ok();
}

fn admin_is_not_bound(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (_, secret) = restricted(&admin, &json!(["admin"]));
    made(&with_key(&test, &secret, Method::POST, "/v1/access-keys", Some(&json!({ "name": "k" }))));
}

fn self_service(config: &mut grantor::config::Config) {
    let scope = Scope::parse("own-access-keys:read own-access-keys:write").unwrap();
    config.roles.0.insert("member".to_owned(), scope);
    config.roles.0.insert("reader".to_owned(), Scope::parse("projects:read").unwrap());
    config.plans.0.insert("pro".to_owned(), grantor::domain::limits::Limits::default());
    config.environments.0.get_mut("live").unwrap().requests_per_minute = Some(60);
}

fn member(test: &TestServer, admin: &Admin, roles: &[&str]) -> (String, String) {
    let ada = test.user("ada", roles);
    for (name, privileged) in [("orders:read", false), ("orders:refund", true)] {
        let new = json!({ "name": name, "description": "Orders", "privileged": privileged });
        let new: NewScope = serde_json::from_value(new).unwrap();
        scopes::create(&test.server, &Caller::command_line(), new).unwrap();
    }
    (ada, token(test, &settings(test, admin), "ada", "own-access-keys:read own-access-keys:write"))
}

/// The client of people's settings, which may ask for what the platform has; the tool may not.
fn settings(test: &TestServer, admin: &Admin) -> TestClient {
    let scope = every_scope().union(&Scope::parse("orders:read orders:refund nobody:defined").unwrap());
    match clients::show(&test.server, &Caller::command_line(), "settings") {
        Ok(_) => {
            let secret = admin.post("/v1/clients/settings/rotate-secret", &json!({ "grace_seconds": 60 })).ok();
            TestClient { id: "settings".to_owned(), secret: Some(text(&secret["client_secret"])) }
        }
        Err(_) => test.client(ClientMembers { scope: Some(scope), ..confidential_members("settings") }),
    }
}

fn people_manage_their_own_keys(engine: Engine) {
    let test = TestServer::start_with(engine, self_service);
    let admin = Admin::new(&test);
    let (ada, bearer) = member(&test, &admin, &["member"]);
    let call = |method, path: &str, body: Option<&Value>| with_key(&test, &bearer, method, path, body);
    let post = |path: &str, body: Value| call(Method::POST, path, Some(&body));
    let (theirs, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "theirs" })));
    let (platform, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "platform", "owner": null })));
    let (mine, _) = made(&post("/v1/access-keys", json!({ "name": "mine", "scopes": ["orders:read"] })));
    let ids = |query: &str| -> Vec<String> {
        let page = call(Method::GET, &format!("/v1/access-keys{query}"), None).ok();
        page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect()
    };
    assert_eq!(ids(""), [mine.as_str()]);
    assert_eq!(ids(&format!("?owner={ada}")), [mine.as_str()]);
    assert_eq!(ids(&format!("?owner={}", admin.id)), Vec::<String>::new());
    let path = format!("/v1/access-keys/{mine}");
    assert_eq!(call(Method::GET, &path, None).ok()["owner"], json!({ "type": "user", "id": ada }));
    call(Method::GET, &format!("{path}/secrets"), None).ok();
    call(Method::PATCH, &path, Some(&json!({ "description": "x" }))).ok();
    post(&format!("{path}/rotate"), json!({ "grace_seconds": 60 })).ok();
    for verb in ["finish-rotation", "disable", "enable", "revoke"] {
        post(&format!("{path}/{verb}"), json!({})).ok();
    }
    assert_eq!(call(Method::DELETE, &format!("{path}?name=mine"), None).status, 204);
    for other in [theirs, platform] {
        let path = format!("/v1/access-keys/{other}");
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::GET, format!("{path}/secrets")),
            (Method::PATCH, path.clone()),
            (Method::POST, format!("{path}/rotate")),
            (Method::POST, format!("{path}/finish-rotation")),
            (Method::POST, format!("{path}/disable")),
            (Method::POST, format!("{path}/enable")),
            (Method::POST, format!("{path}/revoke")),
            (Method::DELETE, format!("{path}?name=theirs")),
        ] {
            let body = json!({});
            let body = (method == Method::PATCH || method == Method::POST).then_some(&body);
            call(method, &path, body).problem(404, "not_found");
        }
    }
    for owner in [json!(null), json!({ "type": "user", "id": admin.id }), json!({ "type": "client", "id": "tool" })] {
        post("/v1/access-keys", json!({ "name": "k", "owner": owner })).problem(403, "insufficient_scope");
    }
    post("/v1/users", json!({ "username": "bob", "password": PASSWORD })).problem(403, "insufficient_scope");
    // The right to read is not the right to write.
    let bearer = token(&test, &admin.tool, "ada", "own-access-keys:read");
    let refused = with_key(&test, &bearer, Method::POST, "/v1/access-keys", Some(&json!({ "name": "k" })));
    refused.problem(403, "insufficient_scope");
}

fn people_hand_out_ordinary_scopes_to_their_own_keys(engine: Engine) {
    let test = TestServer::start_with(engine, self_service);
    let admin = Admin::new(&test);
    let (_, bearer) = member(&test, &admin, &["member", "reader"]);
    let with = |bearer: &str, scope: &str| {
        let body = json!({ "name": "k", "scopes": [scope] });
        with_key(&test, bearer, Method::POST, "/v1/access-keys", Some(&body))
    };
    made(&with(&bearer, "orders:read"));
    made(&with(&bearer, "own-access-keys:read"));
    for scope in ["orders:refund", "nobody:defined", "admin", "projects:read"] {
        with(&bearer, scope).problem(403, "insufficient_scope");
    }
    let wider = token(&test, &settings(&test, &admin), "ada", "own-access-keys:write projects:read");
    made(&with(&wider, "projects:read"));
    // A key hands out no more than it holds itself.
    let (_, secret) = made(&with(&bearer, "own-access-keys:write"));
    with(&secret, "orders:read").problem(403, "insufficient_scope");
    made(&with(&secret, "own-access-keys:write"));
}

/// What a client may not ask for it does not get by way of a key that it makes for whoever comes through it.
fn people_hand_out_what_their_client_is_registered_for(engine: Engine) {
    let test = TestServer::start_with(engine, self_service);
    let admin = Admin::new(&test);
    let (_, wide) = member(&test, &admin, &["member"]);
    let narrow = token(&test, &admin.tool, "ada", "own-access-keys:read own-access-keys:write");
    let make = |bearer: &str, scope: &str| {
        let body = json!({ "name": "k", "scopes": [scope] });
        with_key(&test, bearer, Method::POST, "/v1/access-keys", Some(&body))
    };
    let (id, _) = made(&make(&wide, "orders:read"));
    let detail = make(&narrow, "orders:read").problem(403, "insufficient_scope");
    assert_eq!(detail, "you cannot hand out orders:read: you do not hold it");
    let path = format!("/v1/access-keys/{id}");
    let edit =
        |bearer: &str, scopes: Value| with_key(&test, bearer, Method::PATCH, &path, Some(&json!({ "scopes": scopes })));
    let rotate = |bearer: &str| {
        with_key(&test, bearer, Method::POST, &format!("{path}/rotate"), Some(&json!({ "grace_seconds": 0 })))
    };
    // Whoever rotates a key gets it into their hands.
    rotate(&narrow).problem(403, "insufficient_scope");
    rotate(&wide).ok();
    edit(&narrow, json!([])).ok();
    edit(&narrow, json!(["orders:read"])).problem(403, "insufficient_scope");
    edit(&wide, json!(["orders:read"])).ok();
    // The registration as it is now.
    admin.patch("/v1/clients/settings", &json!({ "scope": every_scope().to_string() })).ok();
    make(&wide, "orders:read").problem(403, "insufficient_scope");
}

fn people_see_the_use_of_their_own_keys(engine: Engine) {
    let test = TestServer::start_with(engine, self_service);
    let admin = Admin::new(&test);
    let (_, bearer) = member(&test, &admin, &["member", "reader"]);
    let own = json!({ "name": "mine", "scopes": ["own-access-keys:read"] });
    let (mine, secret) = made(&with_key(&test, &bearer, Method::POST, "/v1/access-keys", Some(&own)));
    let (theirs, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "theirs" })));
    let (platform, _) = made(&admin.post("/v1/access-keys", &json!({ "name": "platform", "owner": null })));
    let usage = |bearer: &str, id: &str| {
        with_key(&test, bearer, Method::GET, &format!("/v1/access-keys/{id}/usage?days=7"), None)
    };
    assert_eq!(usage(&secret, &mine).ok()["total_requests"], 0);
    crate::usage::write_down(&test);
    for bearer in [&bearer, &secret] {
        let told = usage(bearer, &mine).ok();
        assert_eq!((&told["name"], &told["total_requests"]), (&json!("mine"), &json!(1)));
        assert_eq!(told["last_used_address"], "127.0.0.1");
        for other in [theirs.as_str(), &platform, "ak_none"] {
            usage(bearer, other).problem(404, "not_found");
        }
    }
    with_key(&test, &bearer, Method::GET, "/v1/clients/settings/usage", None).problem(403, "insufficient_scope");
    let other = token(&test, &admin.tool, "ada", "own-access-keys:write");
    assert_eq!(usage(&other, &mine).problem(403, "insufficient_scope"), "this needs the scope usage:read");
    assert_eq!(usage(&admin.token, &mine).ok()["name"], "mine");
}

fn people_give_themselves_no_plan(engine: Engine) {
    let test = TestServer::start_with(engine, self_service);
    let admin = Admin::new(&test);
    let (ada, bearer) = member(&test, &admin, &["member"]);
    let make = |body: &Value| with_key(&test, &bearer, Method::POST, "/v1/access-keys", Some(body));
    make(&json!({ "name": "k", "plan": "pro" })).problem(403, "insufficient_scope");
    make(&json!({ "name": "k", "requests_per_minute": 61 })).problem(403, "insufficient_scope");
    let (id, _) = made(&make(&json!({ "name": "k", "requests_per_minute": 60 })));
    let edit =
        |id: &str, body: &Value| with_key(&test, &bearer, Method::PATCH, &format!("/v1/access-keys/{id}"), Some(body));
    edit(&id, &json!({ "plan": "pro" })).problem(403, "insufficient_scope");
    edit(&id, &json!({ "requests_per_minute": 61 })).problem(403, "insufficient_scope");
    let body = json!({ "name": "k", "plan": "pro", "owner": { "type": "user", "id": ada } });
    let (given, _) = made(&admin.post("/v1/access-keys", &body));
    assert_eq!(edit(&given, &json!({ "name": "mine" })).ok()["plan"], "pro");
    edit(&given, &json!({ "plan": null })).problem(403, "insufficient_scope");
}

fn lists_may_be_null(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    admin.post("/v1/projects", &json!({ "id": "alpha" }));
    let lists = json!({ "name": "k", "scopes": ["a"], "projects": ["alpha"], "allowed_addresses": ["127.0.0.1"] });
    let (id, _) = made(&admin.post("/v1/access-keys", &lists));
    for name in ["scopes", "projects", "allowed_addresses"] {
        let edited = admin.patch(&format!("/v1/access-keys/{id}"), &json!({ name: null })).ok();
        assert_eq!(edited[name], json!([]), "{name}");
    }
    admin.post("/v1/service-accounts", &json!({ "name": "worker", "scopes": ["a"] }));
    assert_eq!(admin.patch("/v1/service-accounts/worker", &json!({ "scopes": null })).ok()["scopes"], json!([]));
}

fn names_hold_no_marks_of_direction(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for mark in ['\u{7}', '\u{85}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
        let name = format!("pay{mark}roll");
        for (path, body) in [
            ("/v1/access-keys", json!({ "name": name })),
            ("/v1/service-accounts", json!({ "name": name })),
            ("/v1/projects", json!({ "id": "x", "name": name })),
            ("/v1/users", json!({ "username": name, "password": PASSWORD })),
            ("/v1/users", json!({ "username": "bob", "name": name, "password": PASSWORD })),
            ("/v1/clients", json!({ "client_name": name, "redirect_uris": ["https://a.example/"] })),
        ] {
            admin.post(path, &body).problem(400, "invalid_request");
        }
    }
    made(&admin.post("/v1/access-keys", &json!({ "name": "مفتاح 鍵" })));
}

fn times_and_networks_are_sensible(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let with = |name: &str, value: Value| admin.post("/v1/access-keys", &json!({ "name": "k", name: value }));
    let detail = with("expires_at", json!("9999-12-31T00:00:00Z")).problem(400, "invalid_request");
    assert_eq!(detail, "expires_at must be within 100 years");
    made(&with("expires_at", json!("2125-12-31T00:00:00Z")));
    made(&with("expires_in", json!(3_162_240_000_u64)));
    let mapped = with("allowed_addresses", json!(["::ffff:127.0.0.1", "::ffff:192.0.2.9/120", "::ffff:0:0/95"]));
    assert_eq!(
        mapped.json()["allowed_addresses"],
        json!(["127.0.0.1/32", "192.0.2.0/24", "::fffe:0:0/95"]),
        "{}",
        mapped.body
    );
    let body =
        json!({ "name": "k", "owner": null, "scopes": ["projects:read"], "allowed_addresses": ["::ffff:127.0.0.1"] });
    let (_, secret) = made(&admin.post("/v1/access-keys", &body));
    assert_eq!(used(&test, &secret), 200);
}

fn the_admin_api_is_the_default_of_its_environment_only(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.environments.0.get_mut("test").unwrap().resources =
            vec![grantor::protocol::resource::Resource::parse("https://test.example").unwrap()];
    });
    let admin = Admin::new(&test);
    let make = |environment: &str| {
        let body = json!({ "name": "k", "owner": null, "environment": environment, "scopes": ["projects:read"] });
        let answer = admin.post("/v1/access-keys", &body);
        made(&answer);
        answer.json()["resources"].clone()
    };
    assert_eq!(make("live"), json!([test.server.admin_resource.as_str()]));
    assert_eq!(make("test"), json!(["https://test.example"]));
}

/// A client that registers itself for nothing of this: only people serve themselves.
#[test]
fn a_client_does_not_serve_itself() {
    let test = TestServer::start_with(Engine::Sqlite, self_service);
    let robot = test.client(ClientMembers {
        scope: Some(Scope::parse("own-access-keys:write").unwrap()),
        roles: Some(vec!["member".to_owned()]),
        resources: Some(vec![test.server.admin_resource.clone()]),
        ..confidential_members("robot")
    });
    let ask = [("grant_type", "client_credentials"), ("scope", "own-access-keys:write")];
    let bearer = text(&test.token(&robot, &ask).json()["access_token"]);
    let answer = with_key(&test, &bearer, Method::POST, "/v1/access-keys", Some(&json!({ "name": "k" })));
    answer.problem(403, "insufficient_scope");
}
