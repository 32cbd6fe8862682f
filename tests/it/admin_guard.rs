//! The guard of the admin API: tokens and scopes on every route, what may be handed out, unusable requests, the audit of
//! every action, the OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};

use grantor::domain::access_key::{AccessKey, AccessKeySecret, Owner};
use grantor::domain::ids::{AccessKeyId, AccessKeySecretId};
use grantor::domain::role::{ADMIN_API_SCOPES, DISABLE_SCOPE};
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin_api::{Admin, every_scope, token};
use crate::support::*;

on_both!(
    every_route_needs_its_scope,
    a_client_may_call_for_itself,
    tokens_that_are_not_for_this_api_are_refused,
    nobody_hands_out_what_they_do_not_hold,
    nobody_takes_over_an_admin,
    unusable_bodies_are_refused,
    bodies_have_a_limit,
    unusable_path_segments_name_nothing,
    what_is_not_there_is_a_problem,
    every_action_leaves_an_event,
    events_are_found_by_filter,
    the_document_describes_every_route,
);

/// A route with a request for it, the scope it needs, and the statuses of two such requests in a row.
type Route = (Method, &'static str, Value, &'static str, [u16; 2]);

/// Every route of the API, in an order in which each finds what it needs.
fn routes() -> Vec<Route> {
    let (get, post) = (Method::GET, Method::POST);
    let none = Value::Null;
    let photos = json!({ "name": "photos", "description": "See photos" });
    let rotate = json!({ "mode": "at_once" });
    let workflow = json!({ "client_id": "web", "client_secret": "wrong", "name": "Kiosk", "scopes": ["read"] });
    vec![
        (get.clone(), "/v1/clients", none.clone(), "clients:read", [200, 200]),
        (post.clone(), "/v1/clients", json!({ "redirect_uris": ["https://a.example/"] }), "clients:write", [201, 201]),
        (get.clone(), "/v1/clients/web", none.clone(), "clients:read", [200, 200]),
        (Method::PATCH, "/v1/clients/web", json!({}), "clients:write", [200, 200]),
        (post.clone(), "/v1/clients/web/rotate-secret", json!({ "grace_seconds": 9 }), "clients:write", [200, 200]),
        (get.clone(), "/v1/clients/web/secrets", none.clone(), "clients:read", [200, 200]),
        (post.clone(), "/v1/clients/web/finish-rotation", none.clone(), "clients:write", [200, 409]),
        (post.clone(), "/v1/clients/web/disable", none.clone(), "clients:write", [200, 200]),
        (post.clone(), "/v1/clients/web/enable", none.clone(), "clients:write", [200, 200]),
        (post.clone(), "/v1/clients/web/revoke", none.clone(), "clients:write", [200, 409]),
        (Method::DELETE, "/v1/clients/web?name=nobody", none.clone(), "clients:write", [400, 400]),
        (get.clone(), "/v1/registration-tokens", none.clone(), "clients:read", [200, 200]),
        (post.clone(), "/v1/registration-tokens", json!({ "max_uses": 1 }), "clients:write", [201, 201]),
        (Method::DELETE, "/v1/registration-tokens/bob", none.clone(), "clients:write", [404, 404]),
        (get.clone(), "/v1/users", none.clone(), "users:read", [200, 200]),
        (post.clone(), "/v1/users", json!({ "username": "bob", "password": PASSWORD }), "users:write", [201, 409]),
        (get.clone(), "/v1/users/bob", none.clone(), "users:read", [200, 200]),
        (Method::PATCH, "/v1/users/bob", json!({}), "users:write", [200, 200]),
        (post.clone(), "/v1/users/bob/set-password", json!({ "password": PASSWORD }), "users:write", [200, 200]),
        (post.clone(), "/v1/users/bob/disable", none.clone(), "users:write", [200, 200]),
        (post.clone(), "/v1/users/bob/enable", none.clone(), "users:write", [200, 200]),
        (get.clone(), "/v1/sessions", none.clone(), "users:read", [200, 200]),
        (get.clone(), "/v1/users/bob/sessions", none.clone(), "users:read", [200, 200]),
        (Method::DELETE, "/v1/users/bob/sessions", none.clone(), "users:write", [204, 204]),
        (Method::DELETE, "/v1/users/bob/sessions/0f", none.clone(), "users:write", [404, 404]),
        (get.clone(), "/v1/users/bob/connected-clients", none.clone(), "users:read", [200, 200]),
        (Method::DELETE, "/v1/users/bob/connected-clients/0f", none.clone(), "users:write", [404, 404]),
        (get.clone(), "/v1/users/bob/personal-tokens", none.clone(), "users:read", [200, 200]),
        (Method::DELETE, "/v1/users/bob/personal-tokens/0f", none.clone(), "users:write", [404, 404]),
        (get.clone(), "/v1/scopes", none.clone(), "scopes:read", [200, 200]),
        (post.clone(), "/v1/scopes", photos.clone(), "scopes:write", [201, 409]),
        (get.clone(), "/v1/scopes/photos", none.clone(), "scopes:read", [200, 200]),
        (Method::PUT, "/v1/scopes/photos", photos, "scopes:write", [200, 200]),
        (Method::DELETE, "/v1/scopes/photos", none.clone(), "scopes:write", [204, 404]),
        (get.clone(), "/v1/signing-keys", none.clone(), "signing-keys:read", [200, 200]),
        (post.clone(), "/v1/signing-keys/rotate", rotate, "signing-keys:write", [200, 200]),
        (get.clone(), "/v1/audit-events", none.clone(), "audit-events:read", [200, 200]),
        (get.clone(), "/v1/audit-checkpoints", none.clone(), "audit-events:read", [200, 200]),
        (get.clone(), "/v1/audit-events/export", none.clone(), "audit-events:read", [200, 200]),
        (get.clone(), "/v1/audit-chain", none.clone(), "audit-events:read", [200, 200]),
        (get.clone(), "/v1/audit-verifications", none.clone(), "audit-events:read", [200, 200]),
        (post.clone(), "/v1/audit-verifications", json!({}), "audit-events:read", [200, 200]),
        (get.clone(), "/v1/explain?credential_id=ak_0", none.clone(), "access-keys:read", [200, 200]),
        (post.clone(), "/v1/explain", json!({ "credential_id": "ak_0" }), "access-keys:read", [200, 200]),
        (get.clone(), "/v1/refusals", none.clone(), "access-keys:read", [200, 200]),
        (get.clone(), "/v1/logout-deliveries", none.clone(), "clients:read", [200, 200]),
        (get.clone(), "/v1/overview", none.clone(), "usage:read", [200, 200]),
        (get.clone(), "/v1/alerts", none.clone(), "alerts:read", [200, 200]),
        (get.clone(), "/v1/webhook-deliveries", none.clone(), "alerts:read", [200, 200]),
        (post.clone(), "/v1/webhook-deliveries/bob/resend", none.clone(), "alerts:write", [404, 404]),
        (post.clone(), "/v1/webhooks/photos/test", none.clone(), "alerts:write", [404, 404]),
        (get.clone(), "/v1/revoked-tokens", none.clone(), "tokens:read", [200, 200]),
        (post.clone(), "/v1/verify", json!({ "credential": "x" }), "credentials:verify", [200, 200]),
        (
            post.clone(),
            "/v1/verify/batch",
            json!({ "items": [{ "credential": "x" }] }),
            "credentials:verify",
            [200, 200],
        ),
        (post.clone(), "/v1/usage", json!({ "events": [{ "credential_id": "web" }] }), "usage:write", [202, 202]),
        (get.clone(), "/v1/access-keys/ak_none/usage", none.clone(), "usage:read", [404, 404]),
        (get.clone(), "/v1/clients/web/usage", none.clone(), "usage:read", [200, 200]),
        (get.clone(), "/v1/workflows", none.clone(), "client-workflows:read", [200, 200]),
        (post.clone(), "/v1/workflows", workflow, "client-workflows:write", [400, 400]),
        (get, "/v1/workflows/bob", none.clone(), "client-workflows:read", [404, 404]),
        (Method::PATCH, "/v1/workflows/bob", json!({}), "client-workflows:write", [404, 404]),
        (
            post.clone(),
            "/v1/workflows/bob/authorize",
            json!({ "client_secret": "x" }),
            "client-workflows:write",
            [404, 404],
        ),
        (post.clone(), "/v1/workflows/bob/invalidate", none.clone(), "client-workflows:write", [404, 404]),
        (post.clone(), "/v1/workflows/bob/disable", none.clone(), "client-workflows:write", [404, 404]),
        (post.clone(), "/v1/workflows/bob/enable", none.clone(), "client-workflows:write", [404, 404]),
        (post, "/v1/workflows/bob/revoke", none, "client-workflows:write", [404, 404]),
    ]
    .into_iter()
    .chain(key_routes())
    .collect()
}

/// The routes of access keys and of what they belong to; `ak_0` is a key of the caller's.
fn key_routes() -> Vec<Route> {
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    let none = Value::Null;
    let (name, grace) = (json!({ "name": "key" }), json!({ "grace_seconds": 60 }));
    let (keys, accounts, projects) = ("access-keys:write", "service-accounts:write", "projects:write");
    vec![
        (get.clone(), "/v1/access-keys", none.clone(), "access-keys:read", [200, 200]),
        (post.clone(), "/v1/access-keys", name, keys, [201, 201]),
        (get.clone(), "/v1/access-keys/ak_0", none.clone(), "access-keys:read", [200, 200]),
        (get.clone(), "/v1/access-keys/ak_0/secrets", none.clone(), "access-keys:read", [200, 200]),
        (patch.clone(), "/v1/access-keys/ak_0", json!({}), keys, [200, 200]),
        (post.clone(), "/v1/access-keys/ak_0/rotate", grace, keys, [200, 200]),
        (post.clone(), "/v1/access-keys/ak_0/finish-rotation", none.clone(), keys, [200, 409]),
        (post.clone(), "/v1/access-keys/ak_0/disable", none.clone(), keys, [200, 200]),
        (post.clone(), "/v1/access-keys/ak_0/enable", none.clone(), keys, [200, 200]),
        (post.clone(), "/v1/access-keys/ak_0/revoke", none.clone(), keys, [200, 409]),
        (delete.clone(), "/v1/access-keys/ak_0?name=key", none.clone(), keys, [204, 404]),
        (get.clone(), "/v1/service-accounts", none.clone(), "service-accounts:read", [200, 200]),
        (post.clone(), "/v1/service-accounts", json!({ "name": "worker" }), accounts, [201, 409]),
        (get.clone(), "/v1/service-accounts/worker", none.clone(), "service-accounts:read", [200, 200]),
        (patch.clone(), "/v1/service-accounts/worker", json!({}), accounts, [200, 200]),
        (post.clone(), "/v1/service-accounts/worker/disable", none.clone(), accounts, [200, 200]),
        (post.clone(), "/v1/service-accounts/worker/enable", none.clone(), accounts, [200, 200]),
        (post.clone(), "/v1/service-accounts/worker/revoke", none.clone(), accounts, [200, 409]),
        (get.clone(), "/v1/projects", none.clone(), "projects:read", [200, 200]),
        (post, "/v1/projects", json!({ "id": "alpha" }), projects, [201, 409]),
        (get.clone(), "/v1/projects/alpha", none.clone(), "projects:read", [200, 200]),
        (patch, "/v1/projects/alpha", json!({}), projects, [200, 200]),
        (delete, "/v1/projects/alpha", none.clone(), projects, [204, 404]),
        (get.clone(), "/v1/environments", none.clone(), "access-keys:read", [200, 200]),
        (get, "/v1/plans", none, "access-keys:read", [200, 200]),
    ]
}

/// What is described beside the admin API.
const PROTOCOL: [(&str, &str); 8] = [
    ("/oauth/token", "post"),
    ("/oauth/introspect", "post"),
    ("/oauth/revoke", "post"),
    ("/oauth/userinfo", "get"),
    ("/oauth/userinfo", "post"),
    ("/oauth/par", "post"),
    ("/oauth/device_authorization", "post"),
    ("/v1/forward-auth/{dialect}", "get"),
];

/// Dynamic client registration, which speaks JSON.
const REGISTRATION: [(&str, &[&str]); 2] =
    [("/oauth/register", &["post"]), ("/oauth/register/{client_id}", &["delete", "get", "put"])];

/// The routes that need no authentication.
const PUBLIC: [&str; 1] = ["/v1/access-keys/report-leak"];

/// The path of a route as the route table writes it.
fn pattern(path: &str) -> String {
    let path =
        path.split('?').next().unwrap().replace("/clients/web", "/clients/{client_id}").replace("/photos", "/{name}");
    let path =
        path.replace("/sessions/0f", "/sessions/{sid}").replace("/personal-tokens/0f", "/personal-tokens/{token_id}");
    let path = path.replace("/connected-clients/0f", "/connected-clients/{client_id}");
    ["/bob", "/ak_0", "/ak_none", "/worker", "/alpha"].into_iter().fold(path, |path, id| path.replace(id, "/{id}"))
}

/// A key `ak_0` of this user, which must have an id that the routes can name.
fn seed_key(test: &TestServer, user_id: &str) {
    let new = NewAccessKey {
        name: "key".to_owned(),
        owner: Some(Some(Owner::User(user_id.to_owned()))),
        ..NewAccessKey::default()
    };
    let made = access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}"));
    let key = AccessKey { id: AccessKeyId("ak_0".to_owned()), ..made.unwrap().key };
    test.server
        .store
        .write(move |connection| {
            connection.insert_access_key(&key)?;
            connection.insert_access_key_secret(&AccessKeySecret {
                id: AccessKeySecretId("of ak_0".to_owned()),
                digest: vec![0; 32],
                access_key_id: key.id.clone(),
                masked: String::new(),
                created_at: start_time(),
                expires_at: None,
            })
        })
        .unwrap();
}

/// The routes of the source's route table: path to methods.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let source = include_str!("../../src/http/api/mod.rs");
    let mut table = BTreeMap::new();
    for part in source.split("web::resource(\"").skip(1) {
        let (path, rest) = part.split_once('"').unwrap();
        let methods = ["get", "post", "put", "patch", "delete"];
        let found = methods.into_iter().filter(|method| rest.contains(&format!("web::{method}()"))).map(str::to_owned);
        table.insert(format!("/v1{path}"), found.collect());
    }
    table
}

fn every_route_needs_its_scope(engine: Engine) {
    let test = TestServer::start(engine);
    test.confidential();
    let all = Admin::new(&test);
    seed_key(&test, &all.id);
    let mut admins: BTreeMap<&str, Admin> = BTreeMap::new();
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (method, path, body, scope, [first, second]) in routes() {
        let body = (!body.is_null()).then_some(&body);
        let name = format!("{method} {path}");
        let mut bare = all.http.request(method.clone(), test.url(path));
        if let Some(body) = body {
            bare = bare.json(body);
        }
        let answer = Answer::of(bare);
        answer.problem(401, "invalid_request");
        let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        let bearer = test.bearer_challenge();
        let both = ["Basic realm=\"grantor\", charset=\"UTF-8\"", &bearer];
        assert_eq!(challenges, if is_for_resource_servers(path) { &both[..] } else { &both[1..] }, "{name}");
        // Every other scope of the API together is not enough.
        // With `own-...` people do the same to what is theirs: access_key_bounds.
        let own = format!("own-{scope}");
        let own_usage = scope == "usage:read" && path.starts_with("/v1/access-keys");
        let stops = path.ends_with("/disable");
        let enough = |other: &str| {
            other == "admin"
                || other == scope
                || other == own
                || (own_usage && other == "own-access-keys:read")
                || (stops && other == DISABLE_SCOPE)
        };
        let others = ADMIN_API_SCOPES.iter().map(|(name, _)| *name).filter(|other| !enough(other));
        let others = all.with(&Scope::from_tokens(others).to_string());
        let answer = others.send(method.clone(), path, body);
        assert_eq!(answer.problem(403, "insufficient_scope"), format!("this needs the scope {scope}"), "{name}");
        let challenge = format!("Bearer realm=\"grantor\", error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!(answer.header("www-authenticate"), challenge, "{name}");
        let one = admins.entry(scope).or_insert_with(|| all.with(scope)).send(method.clone(), path, body);
        assert_eq!(one.status, first, "{name}: {}", one.body);
        // `admin` holds every scope of the API.
        let any = all.send(method.clone(), path, body);
        assert_eq!(any.status, second, "{name}: {}", any.body);
        seen.entry(pattern(path)).or_default().insert(method.as_str().to_lowercase());
    }
    let mut wanted = table();
    wanted.remove("/v1/openapi.json");
    wanted.retain(|path, _| !PUBLIC.contains(&path.as_str()));
    assert_eq!(seen, wanted, "this test goes through every route");
}

fn a_client_may_call_for_itself(engine: Engine) {
    let test = TestServer::start(engine);
    let support = ClientMembers {
        scope: Some(every_scope()),
        roles: Some(vec!["support".to_owned()]),
        ..confidential_members("robot")
    };
    let robot = test.client(support);
    let ask = |scope: &str| test.token(&robot, &[("grant_type", "client_credentials"), ("scope", scope)]);
    let issued = text(&ask("clients:read users:read").json()["access_token"]);
    let get = |path: &str| Answer::of(http_client().get(test.url(path)).bearer_auth(&issued));
    get("/v1/clients").ok();
    get("/v1/scopes").problem(403, "insufficient_scope");
    ask("clients:write").assert_error(400, "invalid_scope");
    ask("admin").assert_error(400, "invalid_scope");
    // Privileged scopes are granted only when asked for by name, and then nothing is left (RFC 6749 §3.3).
    test.token(&robot, &[("grant_type", "client_credentials")]).assert_error(400, "invalid_scope");
}

#[track_caller]
fn assert_invalid(answer: &Answer) {
    answer.problem(401, "invalid_token");
    let challenge = answer.header("www-authenticate");
    let ends = challenge.starts_with("Bearer realm=\"grantor\", resource_metadata=\"http")
        && challenge.ends_with("/.well-known/oauth-protected-resource/v1\", error=\"invalid_token\"");
    assert!(ends, "{challenge}");
}

fn tokens_that_are_not_for_this_api_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let get = |token: &str| Answer::of(admin.http.get(test.url("/v1/clients")).bearer_auth(token));
    get(&admin.token).ok();
    // Garbage, a cut signature, another type of token.
    let (head, _) = admin.token.rsplit_once('.').unwrap();
    for garbage in ["x", "a.b.c", &admin.token[1..], head, &format!("{head}."), &format!("{}A", admin.token)] {
        assert_invalid(&get(garbage));
    }
    // The right signature, for another audience.
    let other = [("grant_type", "client_credentials"), ("scope", "read")];
    let web = test.confidential();
    assert_invalid(&get(&text(&test.token(&web, &other).json()["access_token"])));
    // Without the scheme, with another, twice, or in the query (RFC 6750 §2.3 is not supported).
    let request = || admin.http.get(test.url("/v1/clients"));
    for header in [admin.token.clone(), format!("Basic {}", admin.token), "Bearer".to_owned(), "Bearer a b".to_owned()]
    {
        let answer = Answer::of(request().header("authorization", header));
        answer.problem(401, "invalid_request");
    }
    let twice = request().bearer_auth(&admin.token).header("authorization", format!("Bearer {}", admin.token));
    Answer::of(twice).problem(401, "invalid_request");
    Answer::of(admin.http.get(test.url(&format!("/v1/clients?access_token={}", admin.token))))
        .problem(401, "invalid_request");
    // Revoked, expired, its user or client disabled.
    let revoked = admin.with("clients:read").token;
    assert_eq!(test.post_as(&admin.tool, "/oauth/revoke", &[("token", &revoked)]).status, 200);
    assert_invalid(&get(&revoked));
    let old = admin.with("clients:read").token;
    test.advance(899);
    get(&old).ok();
    test.advance(1);
    assert_invalid(&get(&old));
    let fresh = admin.with("admin");
    test.user("boss", &["admin"]);
    let boss = token(&test, &admin.tool, "boss", "admin");
    fresh.post("/v1/users/boss/disable", &json!({})).ok();
    assert_invalid(&get(&boss));
    fresh.post("/v1/clients/tool/disable", &json!({})).ok();
    assert_invalid(&get(&fresh.token));
}

fn nobody_hands_out_what_they_do_not_hold(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let members = |scope: &str, roles: &[&str]| ClientMembers {
        scope: Some(Scope::parse(scope).unwrap()),
        roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
        ..confidential_members("x")
    };
    test.client(ClientMembers { client_id: Some("plain".to_owned()), ..members("read", &[]) });
    test.client(ClientMembers { client_id: Some("strong".to_owned()), ..members("users:write", &[]) });
    test.client(ClientMembers { client_id: Some("robot".to_owned()), ..members("read", &["admin"]) });
    let writer = admin.with("clients:write");
    let escalates = |answer: &Answer, scope: &str| {
        let detail = answer.problem(403, "insufficient_scope");
        assert!(detail.contains(scope), "{detail}");
        assert_eq!(answer.header("www-authenticate"), "", "no other token of this caller would help");
    };
    let new = |scope: &str, roles: &[&str]| {
        let body = json!({ "grant_types": ["client_credentials"], "scope": scope, "roles": roles });
        writer.post("/v1/clients", &body)
    };
    for scope in ADMIN_API_SCOPES.map(|(scope, _)| scope).into_iter().filter(|scope| *scope != "clients:write") {
        escalates(&new(&format!("read {scope}"), &[]), scope);
    }
    escalates(&new("", &["admin"]), "admin");
    escalates(&new("", &["support"]), "clients:read");
    assert_eq!(new("read clients:write", &[]).status, 201, "what it holds itself");
    escalates(&writer.patch("/v1/clients/plain", &json!({ "scope": "read admin" })), "admin");
    escalates(&writer.patch("/v1/clients/plain", &json!({ "roles": ["admin"] })), "admin");
    // Whoever can change a client can become it: not even a harmless change.
    for (client, scope) in [("strong", "users:write"), ("robot", "admin"), ("tool", "admin")] {
        let path = format!("/v1/clients/{client}");
        escalates(&writer.patch(&path, &json!({ "redirect_uris": ["https://evil.example/"] })), scope);
        escalates(&writer.patch(&path, &json!({ "scope": "read", "roles": [] })), scope);
        for action in ["rotate-secret", "disable", "enable", "revoke"] {
            escalates(&writer.post(&format!("{path}/{action}"), &json!({})), scope);
        }
    }
    let clients = admin.collect("/v1/clients", 200);
    assert_eq!(clients.len(), 5);
    assert!(clients.iter().all(|client| client["status"] == "active" && client["updated_at"] == client["created_at"]));
    for action in ["client.updated", "client.disabled", "client.revoked", "client_secret.rotated"] {
        assert!(test.events(action).is_empty(), "{action}");
    }
    // Enough is enough.
    let both = admin.with("clients:write users:write");
    assert_eq!(both.post("/v1/clients/strong/rotate-secret", &json!({})).status, 200);
}

fn nobody_takes_over_an_admin(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.roles.0.insert("usher".to_owned(), Scope::parse("users:read users:write").unwrap());
    });
    let admin = Admin::new(&test);
    test.user("ada", &[]);
    test.user("usher", &["usher"]);
    let usher = admin_as(&admin, "usher", "users:write");
    let escalates = |answer: &Answer| answer.problem(403, "insufficient_scope");
    for path in ["/v1/users/root".to_owned(), format!("/v1/users/{}", admin.id)] {
        escalates(&usher.post(&format!("{path}/set-password"), &json!({ "password": "mine, all mine" })));
        escalates(&usher.post(&format!("{path}/disable"), &json!({})));
        escalates(&usher.post(&format!("{path}/enable"), &json!({})));
        escalates(&usher.patch(&path, &json!({ "name": "Nobody" })));
        escalates(&usher.patch(&path, &json!({ "roles": [] })));
        escalates(&usher.patch(&path, &json!({ "username": "renamed" })));
    }
    for role in ["admin", "auditor", "support", "usher"] {
        let new = json!({ "username": format!("new-{role}"), "password": PASSWORD, "roles": [role] });
        escalates(&usher.post("/v1/users", &new));
        escalates(&usher.patch("/v1/users/ada", &json!({ "roles": [role] })));
        escalates(&usher.patch("/v1/users/usher", &json!({ "roles": ["usher", role] })));
    }
    assert_eq!(admin.collect("/v1/users", 200).len(), 3);
    assert_eq!(admin.get("/v1/users/usher").ok()["roles"], json!(["usher"]));
    assert!(!token(&test, &admin.tool, "root", "admin").is_empty());
    for action in ["user.updated", "user.password_set", "user.disabled"] {
        assert!(test.events(action).is_empty(), "{action}");
    }
    // Of what they hold they may give.
    let full = admin_as(&admin, "usher", "users:read users:write");
    assert_eq!(full.patch("/v1/users/ada", &json!({ "roles": ["usher"] })).ok()["roles"], json!(["usher"]));
    full.post("/v1/users/ada/set-password", &json!({ "password": "a fresh password" })).ok();
}

/// Another user with a token of this scope.
fn admin_as<'a>(admin: &Admin<'a>, username: &str, scope: &str) -> Admin<'a> {
    Admin {
        test: admin.test,
        http: admin.http.clone(),
        tool: admin.tool.clone(),
        token: token(admin.test, &admin.tool, username, scope),
        id: String::new(),
    }
}

fn unusable_bodies_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.confidential();
    let admin = Admin::new(&test);
    let send = |content_type: Option<&str>, body: Vec<u8>| {
        let request = admin.http.post(test.url("/v1/clients")).bearer_auth(&admin.token).body(body);
        Answer::of(match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        })
    };
    // A stranger is not told what is wrong with it.
    for path in ["/v1/clients", "/v1/verify", "/v1/verify/batch", "/v1/usage"] {
        let request = admin.http.post(test.url(path)).header("content-type", "application/json").body("{");
        Answer::of(request).problem(401, "invalid_request");
    }
    let listed = admin.http.get(test.url("/v1/clients?nonsense=1"));
    Answer::of(listed).problem(401, "invalid_request");
    let good = br#"{"redirect_uris":["https://a.example/"]}"#.to_vec();
    for fine in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(send(Some(fine), good.clone()).status, 201, "{fine}");
    }
    for wrong in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/json-patch+json")]
    {
        let answer = send(wrong, good.clone());
        assert_eq!(answer.problem(415, "invalid_request"), "the body must be application/json");
    }
    let deep = [b"[".repeat(60_000)].concat();
    let deep_members = [br#"{"a":"#.repeat(10_000)].concat();
    let nul = |text: &str| text.replace("NUL", "\\u0000").into_bytes();
    for body in [
        Vec::new(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"text\"".to_vec(),
        b"1e999".to_vec(),
        b"{}{}".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"client_name\":\"\xff\"}".to_vec(),
        b"{'a':1}".to_vec(),
        br#"{"client_name":"\ud800"}"#.to_vec(),
        deep,
        deep_members,
        nul(r#"{"redirect_uris":["https://a.example/"],"client_name":"aNULb"}"#),
        nul(r#"{"redirect_uris":["https://a.example/"],"NUL":1}"#),
        nul(r#"{"redirect_uris":["https://a.example/NUL"]}"#),
        b"\xef\xbb\xbf{}".to_vec(),
    ] {
        let shown = String::from_utf8_lossy(&body).chars().take(60).collect::<String>();
        let answer = send(Some("application/json"), body);
        assert_eq!(answer.status, 400, "{shown}: {}", answer.body);
        answer.problem(400, "invalid_request");
    }
    assert_eq!(admin.collect("/v1/clients", 200).len(), 4);
}

fn bodies_have_a_limit(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let padded = |length: usize| {
        let body = r#"{"name":"big","description":"x"}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let send = |length: usize| {
        let request = admin.http.post(test.url("/v1/scopes")).bearer_auth(&admin.token);
        Answer::of(request.header("content-type", "application/json").body(padded(length)))
    };
    assert_eq!(send(65_537).problem(413, "invalid_request"), "the body must have at most 64 KiB");
    assert_eq!(send(65_536).status, 201);
}

fn unusable_path_segments_name_nothing(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let long = "x".repeat(5_000);
    for segment in [
        "%00",
        "a%00b",
        "%0a",
        "%0d%0aX-Injected:%201",
        "%7f",
        "%c2%85",
        "%ff",
        "%c3%28",
        "..%2f..",
        "%2e%2e%2f",
        &long,
        "'--",
        "%25",
    ] {
        for kind in ["clients", "users", "scopes"] {
            let path = format!("/v1/{kind}/{segment}");
            let answer = admin.get(&path);
            assert_eq!(answer.status, 404, "{path}: {}", answer.body);
            answer.problem(404, "not_found");
            assert!(!answer.headers.contains_key("x-injected"));
        }
        for (method, path, body) in [
            (Method::PATCH, format!("/v1/clients/{segment}"), json!({})),
            (Method::POST, format!("/v1/clients/{segment}/revoke"), json!({})),
            (Method::POST, format!("/v1/clients/{segment}/rotate-secret"), json!({})),
            (Method::PATCH, format!("/v1/users/{segment}"), json!({})),
            (Method::POST, format!("/v1/users/{segment}/disable"), json!({})),
            (Method::POST, format!("/v1/users/{segment}/set-password"), json!({ "password": PASSWORD })),
            (Method::DELETE, format!("/v1/scopes/{segment}"), Value::Null),
        ] {
            let answer = admin.send(method, &path, Some(&body));
            assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        }
    }
    for (path, what) in [("/v1/clients/absent", "client"), ("/v1/users/absent", "user"), ("/v1/scopes/absent", "scope")]
    {
        assert_eq!(admin.get(path).problem(404, "not_found"), format!("there is no such {what}"));
    }
}

fn what_is_not_there_is_a_problem(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for path in [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/clients/",
        "/v1/clients/a/b",
        "/v1/clients/a/rotate-secret/b",
        "/v2/clients",
    ] {
        admin.get(path).problem(404, "not_found");
    }
    for (method, path) in [
        (Method::DELETE, "/v1/clients"),
        (Method::PUT, "/v1/clients/tool"),
        (Method::GET, "/v1/clients/tool/revoke"),
        (Method::DELETE, "/v1/users/root"),
        (Method::POST, "/v1/audit-events"),
        (Method::POST, "/v1/audit-checkpoints"),
        (Method::POST, "/v1/openapi.json"),
    ] {
        let answer = admin.send(method.clone(), path, None);
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
        answer.problem(405, "method_not_allowed");
        assert!(!answer.header("allow").is_empty(), "RFC 9110 §15.5.6");
    }
}

fn every_action_leaves_an_event(engine: Engine) {
    let test = TestServer::start(engine);
    test.confidential();
    let admin = Admin::new(&test);
    let photos = json!({ "name": "photos", "description": "See photos" });
    let act = |method: Method, path: &str, body: Value| {
        let request = admin.http.request(method, test.url(path)).bearer_auth(&admin.token);
        let answer = Answer::of(request.header("user-agent", "test tool/1.0").json(&body));
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        answer
    };
    let ada = act(Method::POST, "/v1/users", json!({ "username": "ada", "password": PASSWORD })).json();
    let id = text(&ada["id"]);
    let events: [(Method, &str, Value, &str, &str, &str); 14] = [
        (
            Method::POST,
            "/v1/clients",
            json!({ "client_id": "newer", "redirect_uris": ["https://a.example/"] }),
            "client.created",
            "client",
            "newer",
        ),
        (Method::PATCH, "/v1/clients/web", json!({ "description": "x" }), "client.updated", "client", "web"),
        (Method::POST, "/v1/clients/web/rotate-secret", json!({}), "client_secret.rotated", "client", "web"),
        (Method::POST, "/v1/clients/web/disable", json!({}), "client.disabled", "client", "web"),
        (Method::POST, "/v1/clients/web/enable", json!({}), "client.enabled", "client", "web"),
        (Method::POST, "/v1/clients/web/revoke", json!({}), "client.revoked", "client", "web"),
        (Method::PATCH, "/v1/users/ada", json!({ "name": "Ada" }), "user.updated", "user", &id),
        (Method::POST, "/v1/users/ada/set-password", json!({ "password": PASSWORD }), "user.password_set", "user", &id),
        (Method::POST, "/v1/users/ada/disable", json!({}), "user.disabled", "user", &id),
        (Method::POST, "/v1/users/ada/enable", json!({}), "user.enabled", "user", &id),
        (Method::POST, "/v1/scopes", photos.clone(), "scope.created", "scope", "photos"),
        (Method::PUT, "/v1/scopes/photos", photos, "scope.updated", "scope", "photos"),
        (Method::DELETE, "/v1/scopes/photos", json!({}), "scope.deleted", "scope", "photos"),
        (Method::POST, "/v1/signing-keys/rotate", json!({}), "signing_key.rotated", "signing_key", ""),
    ];
    for (method, path, body, action, kind, target) in events {
        test.advance(1);
        let answer = act(method, path, body);
        let target = if target.is_empty() { text(&answer.json()["kid"]) } else { target.to_owned() };
        let listed = admin.get("/v1/audit-events?limit=1").ok()["items"][0].clone();
        let mut wanted = json!({
            "id": listed["id"], "occurred_at": test.clock.now(), "action": action, "outcome": "success", "actor_kind": "user",
            "actor_id": admin.id, "target_kind": kind, "target_id": target, "client_id": "tool", "address": "127.0.0.1",
            "user_agent": "test tool/1.0", "request_id": answer.header("x-request-id"),
        });
        match action {
            "client_secret.rotated" => wanted["detail"] = json!("grace_seconds=0"),
            "signing_key.rotated" => wanted["detail"] = json!("Scheduled"),
            _ => {}
        }
        for of_the_chain in ["sequence", "class", "hash"] {
            wanted[of_the_chain] = listed[of_the_chain].clone();
        }
        assert_eq!(listed, wanted);
        assert!(answer.header("x-request-id").len() >= 22);
    }
    // Reading leaves none, and neither do refusals.
    let before = test.events("client.updated").len();
    admin.patch("/v1/clients/newer", &json!({ "environment": "test" })).problem(400, "invalid_request");
    assert_eq!(test.events("client.updated").len(), before);
}

fn events_are_found_by_filter(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for name in ["one", "two"] {
        test.advance(60);
        let body = json!({ "client_id": name, "redirect_uris": ["https://a.example/"] });
        assert_eq!(admin.post("/v1/clients", &body).status, 201);
        admin.post(&format!("/v1/clients/{name}/disable"), &json!({})).ok();
    }
    let find = |query: &str| -> Vec<String> {
        let page = admin.get(&format!("/v1/audit-events?{query}")).ok();
        let items = page["items"].as_array().unwrap();
        items.iter().map(|event| format!("{} {}", text(&event["action"]), text(&event["target_id"]))).collect()
    };
    let by_root = format!("actor_id={}", admin.id);
    assert_eq!(find("action=client.disabled"), ["client.disabled two", "client.disabled one"]);
    assert_eq!(find("target_id=one"), ["client.disabled one", "client.created one"]);
    assert_eq!(find("target_id=one&action=client.created"), ["client.created one"]);
    assert_eq!(find(&format!("{by_root}&target_id=two")), ["client.disabled two", "client.created two"]);
    let (first, second) = ("2026-01-01T12:01:00Z", "2026-01-01T12:02:00Z");
    assert_eq!(find(&format!("since={second}")), ["client.disabled two", "client.created two"]);
    assert_eq!(find(&format!("since={first}&until={second}")), ["client.disabled one", "client.created one"]);
    assert_eq!(find(&format!("since={first}&until={first}")), [""; 0]);
    assert_eq!(find("since=2026-01-01T13:02:00%2B01:00"), ["client.disabled two", "client.created two"]);
    assert_eq!(find("action=nothing.done"), [""; 0]);
    assert_eq!(find("actor_id=nobody"), [""; 0]);
    let page = admin.get(&format!("/v1/audit-events?{by_root}&action=client.disabled&limit=1")).ok();
    assert_eq!(page["items"][0]["target_id"], "two");
    let next = text(&page["next_cursor"]);
    let next = admin.get(&format!("/v1/audit-events?{by_root}&action=client.disabled&limit=1&cursor={next}")).ok();
    assert_eq!((&next["items"][0]["target_id"], next.get("next_cursor")), (&json!("one"), None));
    for bad in
        ["since=yesterday", "until=1767268800", "since=2026-01-01", "since=2026-01-01T12:00:00", "action=a&action=b"]
    {
        admin.get(&format!("/v1/audit-events?{bad}")).problem(400, "invalid_request");
    }
}

fn collect_refs<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect_refs(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_refs(item, found)),
        _ => {}
    }
}

fn the_document_describes_every_route(engine: Engine) {
    let test = TestServer::start(engine);
    let answer = Answer::of(http_client().get(test.url("/v1/openapi.json")));
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json".to_owned()));
    assert_eq!(answer.header("cache-control"), "public, max-age=900");
    let again = http_client().get(test.url("/v1/openapi.json")).header("if-none-match", answer.header("etag"));
    assert_eq!(Answer::of(again).status, 304);
    let document = answer.json();
    assert!(text(&document["openapi"]).starts_with("3.1."), "{}", document["openapi"]);
    let mut wanted = table();
    wanted.remove("/v1/openapi.json");
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        described.insert(path.clone(), item.as_object().unwrap().keys().cloned().collect());
    }
    for (path, method) in PROTOCOL {
        let of_path = PROTOCOL.iter().filter(|(other, _)| *other == path).map(|(_, method)| (*method).to_owned());
        let methods = described.get(path).unwrap_or_else(|| panic!("{path} is not described"));
        assert_eq!(*methods, of_path.collect::<BTreeSet<_>>(), "{path}");
        let operation = &document["paths"][path][method];
        let responses: BTreeSet<_> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let good = if path == "/oauth/par" { "201" } else { "200" };
        assert!(responses.is_superset(&BTreeSet::from([good, "400", "401"])), "{path}: {responses:?}");
        let form = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
        assert_eq!(form.is_object(), method == "post", "{path}");
    }
    described.retain(|path, _| PROTOCOL.iter().all(|(protocol, _)| protocol != path));
    for (path, methods) in REGISTRATION {
        let found = described.remove(path).unwrap_or_else(|| panic!("{path} is not described"));
        assert_eq!(found, methods.iter().map(|method| (*method).to_owned()).collect(), "{path}");
        for method in methods {
            assert!(document["paths"][path][*method]["responses"]["401"].is_object(), "{method} {path}");
        }
    }
    assert_eq!(described, wanted);
    let mut refs = BTreeSet::new();
    collect_refs(&document, &mut refs);
    assert!(refs.len() > 10, "{refs:?}");
    for reference in refs {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads away"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    // Each operation names its scope, its success, and its problems; parameters in the path are declared.
    let scopes: BTreeMap<String, &str> = routes()
        .into_iter()
        .map(|(method, path, _, scope, _)| (format!("{} {}", method.as_str().to_lowercase(), pattern(path)), scope))
        .collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        let protocol = PROTOCOL.iter().map(|(path, _)| path).chain(REGISTRATION.iter().map(|(path, _)| path));
        if protocol.into_iter().any(|protocol| protocol == path) {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            if PUBLIC.contains(&path.as_str()) {
                assert_eq!(operation["security"], json!([{}]), "{name}");
                continue;
            }
            // Resource servers may come as clients too.
            let bearer = json!({ "bearer": [scopes[&name]] });
            let security =
                if is_for_resource_servers(path) { json!([{ "client": [] }, bearer]) } else { json!([&bearer]) };
            let security = match path.ends_with("/disable") {
                true => json!([bearer, { "bearer": [DISABLE_SCOPE] }]),
                false => security,
            };
            assert_eq!(operation["security"], security, "{name}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.contains_key("4XX") && responses.len() == if path.starts_with("/v1/verify") { 3 } else { 2 },
                "{name}"
            );
            let declared = operation["parameters"]
                .as_array()
                .map_or(0, |all| all.iter().filter(|one| one["in"] == "path").count());
            assert_eq!(declared, path.matches('{').count(), "{name}");
            assert_eq!(operation.get("requestBody").is_some(), has_body(&name), "{name}");
        }
    }
    let resource = Resource::parse(&format!("{}/v1", test.server.config.server.issuer)).unwrap();
    assert_eq!(test.server.admin_resource, resource);
}

/// Do resource servers ask here, beside administrators?
fn is_for_resource_servers(path: &str) -> bool {
    path.starts_with("/v1/verify") || path == "/v1/usage"
}

/// Does this route take a body?
fn has_body(route: &str) -> bool {
    let found = routes()
        .into_iter()
        .find(|(method, path, ..)| format!("{} {}", method.as_str().to_lowercase(), pattern(path)) == route);
    found.is_some_and(|(_, _, body, ..)| !body.is_null())
}
