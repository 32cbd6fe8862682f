//! The end of a client: what goes with it, in which steps, and that nobody comes after it under its name.

use std::cell::Cell;

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl as _};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::purge::purge;
use grantor::protocol::origin::Origin;
use grantor::protocol::scope::Scope;
use grantor::store::StoreConnection;
use reqwest::Method;
use serde_json::json;

use crate::access_keys::made;
use crate::admin_api::Admin;
use crate::console_support::{assert_has, send, start, visit};
use crate::lists::{execute, listed};
use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(
    a_deleted_client_takes_along_all_that_it_was_given,
    an_identifier_is_not_used_twice,
    many_rows_go_in_batches,
    one_of_many_deletes_it,
    the_client_of_the_console_stays,
    whoever_holds_less_deletes_nothing,
    its_name_is_typed_in_the_console,
    the_command_line_deletes_too,
);

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn count(test: &TestServer, from: &str) -> i64 {
    let query = format!("SELECT COUNT(*) AS number FROM {from}");
    let found: Vec<Count> = test
        .server
        .store
        .read(|connection| {
            Ok(match connection {
                StoreConnection::Sqlite(connection) => diesel::sql_query(&query).load(connection)?,
                StoreConnection::Postgres(connection) => diesel::sql_query(&query).load(connection)?,
            })
        })
        .unwrap();
    found[0].number
}

/// Whatever names the client, but for events, usage and the note that there was one.
fn left(test: &TestServer) -> Vec<&'static str> {
    let all = [
        "clients WHERE client_id = 'web'",
        "client_secrets WHERE client_id = 'web'",
        "client_origins WHERE client_id = 'web'",
        "grants WHERE client_id = 'web'",
        "authorization_codes WHERE client_id = 'web'",
        "refresh_tokens WHERE grant_id NOT IN (SELECT id FROM grants)",
        "consents WHERE client_id = 'web'",
        "logout_deliveries WHERE client_id = 'web'",
        "pushed_requests WHERE client_id = 'web'",
        "device_authorizations WHERE client_id = 'web'",
        "used_assertions WHERE client_id = 'web'",
        "workflows WHERE client_id = 'web'",
        "access_keys WHERE client_id = 'web'",
        "secret_uses WHERE credential_id = 'web'",
        "search_words WHERE kind = 'client' AND id = 'web'",
        "client_registrations WHERE client_id = 'web'",
        "deleted_clients WHERE client_id = 'web' AND removed_at IS NULL",
    ];
    all.into_iter().filter(|from| count(test, from) > 0).collect()
}

fn delete(admin: &Admin, name: &str) -> Answer {
    admin.send(Method::DELETE, &format!("/v1/clients/web?name={name}"), None)
}

/// A client of somebody else, for which people are asked.
fn web(test: &TestServer) -> TestClient {
    test.client(ClientMembers {
        client_name: Some("Shop".to_owned()),
        first_party: Some(false),
        allowed_origins: Some(vec![Origin::parse("https://shop.example").unwrap()]),
        scope: Some(Scope::parse("read write offline_access openid").unwrap()),
        ..confidential_members("web")
    })
}

fn a_deleted_client_takes_along_all_that_it_was_given(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let ada = test.user("ada", &[]);
    let (web, api) = (web(&test), test.client(confidential_members("api")));
    let browser = Browser::new(&test);
    let query = authorize_query(&web, &[("scope", "read openid offline_access")]);
    browser.sign_in(&query, "ada", PASSWORD);
    let code = browser.decide(&query, "allow").parameter("code").unwrap();
    let tokens = test.token(&web, &code_parameters(&code)).json();
    let unused = browser.get(&format!("/oauth/authorize?{query}")).parameter("code").unwrap();
    let own = test.token(&web, &[("grant_type", "client_credentials"), ("scope", "read")]).json();
    let device = test.post_as(&web, "/oauth/device_authorization", &[("scope", "read")]);
    assert_eq!(device.status, 200, "{}", device.body);
    assert_eq!(test.post_as(&web, "/oauth/par", &[("response_type", "code"), ("client_id", "web")]).status, 400);
    let key = json!({ "name": "key of shop", "owner": { "type": "client", "id": "web" }, "scopes": ["read"] });
    let (key, secret) = made(&admin.post("/v1/access-keys", &key));
    let workflow = json!({ "client_id": "web", "client_secret": web.secret, "name": "Kiosk", "scopes": ["read"] });
    let workflow = text(&admin.post("/v1/workflows", &workflow).json()["id"]);
    execute(
        &test,
        format!(
            "INSERT INTO logout_deliveries (id, client_id, user_id, sid, status, attempts, next_attempt_at, created_at) \
             VALUES ('1', 'web', '{ada}', 'x', 'pending', 0, 1, 1)"
        ),
    );
    let access = [text(&tokens["access_token"]), text(&own["access_token"])];
    assert!(access.iter().all(|token| test.is_active(&api, token)));
    grantor::flows::usage::flush(&test.server);
    let used = "INSERT INTO usage_days VALUES ('web', 20000, 'door', '', '', 'valid', 1, 0, 0)";
    execute(&test, used.to_owned());
    assert!(left(&test).len() > 10, "{:?}", left(&test));

    delete(&admin, "Web").problem(400, "invalid_request");
    admin.send(Method::DELETE, "/v1/clients/web", None).problem(400, "invalid_request");
    assert!(access.iter().all(|token| test.is_active(&api, token)), "nothing is done");
    let done = delete(&admin, "Shop");
    assert_eq!((done.status.as_u16(), done.body.as_str()), (204, ""));

    assert_eq!(left(&test), [""; 0]);
    for token in access.iter().chain([&secret]) {
        assert!(!test.is_active(&api, token));
        let userinfo = Answer::of(http_client().get(test.url("/oauth/userinfo")).bearer_auth(token));
        assert_eq!(userinfo.status, 401);
    }
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &text(&tokens["refresh_token"])[..])];
    test.token(&web, &refresh).assert_error(401, "invalid_client");
    test.token(&web, &code_parameters(&unused)).assert_error(401, "invalid_client");
    assert_eq!(browser.get(&format!("/oauth/authorize?{query}")).status, 400);
    let workflow_tokens =
        [("grant_type", "urn:grantor:params:oauth:grant-type:workflow"), ("workflow_id", &workflow[..])];
    assert!(test.token(&TestClient { id: "web".to_owned(), secret: None }, &workflow_tokens).status.is_client_error());
    for path in ["/v1/clients/web".to_owned(), format!("/v1/access-keys/{key}"), format!("/v1/workflows/{workflow}")] {
        admin.get(&path).problem(404, "not_found");
    }
    assert!(!listed(&admin, "/v1/clients", "client_id").contains(&"web".to_owned()));
    assert_eq!(listed(&admin, "/v1/clients?q=shop", "client_id").len(), 0);
    delete(&admin, "Shop").problem(404, "not_found");

    let event = &test.events("client.deleted")[0];
    assert_eq!((event.actor_id.as_deref(), event.detail.as_deref()), (Some(&admin.id[..]), Some("Shop")));
    for (action, id, name) in [("access_key.deleted", &key, "key of shop"), ("workflow.deleted", &workflow, "Kiosk")] {
        let event = &test.events(action)[0];
        assert_eq!((event.actor_kind.as_str(), event.target_id.as_ref()), ("server", Some(id)), "{action}");
        assert_eq!(event.detail, Some(format!("{name}, with its client web")));
    }
    assert!(count(&test, "audit_events WHERE target_id = 'web'") >= 2, "what it did is still told");
    assert!(count(&test, "usage_days WHERE credential_id = 'web'") > 0, "and how often it was used");
}

fn an_identifier_is_not_used_twice(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.user("ada", &[]);
    let web = web(&test);
    let browser = Browser::new(&test);
    let query = authorize_query(&web, &[("scope", "read")]);
    browser.sign_in(&query, "ada", PASSWORD);
    browser.decide(&query, "allow");
    let own = test.token(&web, &[("grant_type", "client_credentials"), ("scope", "read")]).json();
    assert_eq!(delete(&admin, "Shop").status, 204);
    let members = json!({ "client_id": "web", "client_name": "Shop", "grant_types": ["client_credentials"] });
    let refused = admin.post("/v1/clients", &members).problem(409, "conflict");
    assert!(refused.contains("is not used twice"), "{refused}");
    purge(&test.server, &|| true).unwrap();
    test.advance(400 * 86_400);
    purge(&test.server, &|| true).unwrap();
    let again = clients::create(&test.server, &Caller::command_line(), confidential_members("web"));
    assert!(format!("{:?}", again.err()).contains("is not used twice"), "not after years");
    // Nor beside the check: the row itself is refused.
    let like = clients::show(&test.server, &Caller::command_line(), "tool").unwrap();
    let like = grantor::domain::client::Client { client_id: "web".to_owned().into(), ..like };
    assert!(test.server.store.write(move |connection| connection.insert_client(&like)).is_err());
    assert_eq!(left(&test), [""; 0]);
    let known = test.server.store.read(|connection| connection.find_client_ids(&["web".to_owned()])).unwrap();
    assert_eq!(known, ["web"], "nor does an imported user get it for a sub");
    assert!(!test.is_active(&admin.tool, &text(&own["access_token"])));
    // What is made at each start does not keep the server from starting.
    let demo = || grantor::flows::demo::create(&test.server).map_err(|error| format!("{error:?}")).unwrap();
    let first = demo().public_client.client_id;
    clients::delete(&test.server, &Caller::command_line(), &first, "Demo mobile app").unwrap();
    assert_eq!(demo().public_client.client_id, format!("{first}-2"));
    let path = test.database.folder.path().join("seed.toml");
    let seed =
        "[[clients]]\nclient_id = \"web\"\ntoken_endpoint_auth_method = \"none\"\nredirect_uris = [\"a.example:/\"]\n";
    std::fs::write(&path, seed).unwrap();
    let seeded = Ended::of(grantor_on(&test.database).arg("seed").arg(&path), "");
    assert!(seeded.code == 0 && seeded.out.contains("unchanged"), "{seeded:?}");
}

fn many_rows_go_in_batches(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let web = web(&test);
    let own = test.token(&web, &[("grant_type", "client_credentials"), ("scope", "read")]).json();
    for chunk in (0..2_400).collect::<Vec<_>>().chunks(400) {
        let rows = |row: &dyn Fn(&i32) -> String| chunk.iter().map(row).collect::<Vec<_>>().join(", ");
        let users = rows(&|n| format!("('u{n}', 'u{n}', 'u{n}', '!', '', 'active', 1, 1, 1)"));
        let grants = rows(&|n| format!("('g{n}', 'web', 'u{n}', 'read', '', 1, 1, 9000000000000000)"));
        let consents = rows(&|n| format!("('u{n}', 'web', 'read', 1, 1)"));
        let digest = |n: &i32| match engine {
            Engine::Sqlite => format!("x'{n:08x}'"),
            Engine::Postgres => format!("'\\x{n:08x}'"),
        };
        let tokens = rows(&|n| format!("({}, 'g{n}', 1, 9000000000000000)", digest(n)));
        execute(
            &test,
            format!(
                "INSERT INTO users (id, username, username_key, password_hash, roles, status, created_at, updated_at, \
                 password_changed_at) VALUES {users}; \
                 INSERT INTO grants (id, client_id, user_id, scope, resources, auth_time, created_at, expires_at) VALUES {grants}; \
                 INSERT INTO consents (user_id, client_id, scope, created_at, updated_at) VALUES {consents}; \
                 INSERT INTO refresh_tokens (digest, grant_id, created_at, expires_at) VALUES {tokens}"
            ),
        );
    }
    // One grant with a long family: its tokens go before it, in batches of their own.
    let family = (0..1_200).map(|n| match engine {
        Engine::Sqlite => format!("(x'ff{n:08x}', 'g0', 1, 9000000000000000)"),
        Engine::Postgres => format!("('\\xff{n:08x}', 'g0', 1, 9000000000000000)"),
    });
    let family = family.collect::<Vec<_>>().join(", ");
    execute(&test, format!("INSERT INTO refresh_tokens (digest, grant_id, created_at, expires_at) VALUES {family}"));
    assert_eq!(delete(&admin, "Shop").status, 204);
    let waiting = left(&test);
    assert!(waiting.contains(&"clients WHERE client_id = 'web'") && waiting.len() >= 3, "{waiting:?}");
    // It is gone for everybody, though rows are left.
    admin.get("/v1/clients/web").problem(404, "not_found");
    admin.patch("/v1/clients/web", &json!({ "description": "back" })).problem(404, "not_found");
    admin.send(Method::POST, "/v1/clients/web/enable", None).problem(404, "not_found");
    delete(&admin, "Shop").problem(404, "not_found");
    for query in ["", "?sort=name", "?status=revoked", "?q=shop"] {
        assert!(!listed(&admin, &format!("/v1/clients{query}"), "client_id").contains(&"web".to_owned()), "{query}");
    }
    assert!(!test.is_active(&admin.tool, &text(&own["access_token"])));
    test.token(&web, &[("grant_type", "client_credentials")]).assert_error(401, "invalid_client");
    let members = json!({ "client_id": "web", "grant_types": ["client_credentials"] });
    admin.post("/v1/clients", &members).problem(409, "conflict");
    // A purge that is stopped goes on later.
    let grants = count(&test, "grants WHERE client_id = 'web'");
    let asked = Cell::new(0);
    let stops = || {
        asked.set(asked.get() + 1);
        asked.get() < 30
    };
    purge(&test.server, &stops).unwrap();
    assert!(count(&test, "grants WHERE client_id = 'web'") <= grants && !left(&test).is_empty());
    purge(&test.server, &|| true).unwrap();
    assert_eq!(left(&test), [""; 0]);
    assert_eq!(count(&test, "users"), 2_401, "people stay");
    assert_eq!(test.events("client.deleted").len(), 1);
}

fn one_of_many_deletes_it(engine: Engine) {
    let test = TestServer::start(engine);
    web(&test);
    let done: Vec<bool> = std::thread::scope(|scope| {
        let one = || clients::delete(&test.server, &Caller::command_line(), "web", "Shop").is_ok();
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
    assert_eq!(test.events("client.deleted").len(), 1);
    purge(&test.server, &|| true).unwrap();
    assert_eq!(left(&test), [""; 0]);
}

fn the_client_of_the_console_stays(engine: Engine) {
    let test = start(engine);
    let name = test.server.config.brand.name.clone();
    let refused = clients::delete(&test.server, &Caller::command_line(), "grantor-console", &name);
    assert!(format!("{:?}", refused.err()).contains("which the server keeps"));
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console/clients/grantor-console");
    assert!(!page.body.contains("/delete"), "it is not offered");
    let asked = browser.get("/console/clients/grantor-console/delete");
    let fields = [("confirm", name.as_str()), ("password", PASSWORD)];
    let sent = send(&browser, &asked, "/console/clients/grantor-console/delete", &fields);
    assert_eq!(sent.status, 409, "{}", sent.body);
    assert_eq!(browser.get("/console/clients").status, 200);
}

fn whoever_holds_less_deletes_nothing(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    test.client(ClientMembers { scope: Some(Scope::parse("users:write").unwrap()), ..confidential_members("web") });
    let writer = admin.with("clients:write");
    let name = text(&admin.get("/v1/clients/web").ok()["client_name"]);
    let refused = delete(&writer, &name);
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(delete(&admin.with("clients:write users:write"), &name).status, 204);
}

fn its_name_is_typed_in_the_console(engine: Engine) {
    let test = start(engine);
    web(&test);
    test.user("ada", &["owner"]);
    test.user("sue", &["support"]);
    let (browser, page) = visit(&test, "ada", "/console/clients/web");
    assert_has(&page, &["href=\"/console/clients/web/delete\""]);
    test.advance(test.server.config.console.proof_lifetime.as_secs() + 1);
    let asked = browser.get("/console/clients/web/delete");
    assert_has(&asked, &["Shop", "name=\"confirm\"", "name=\"password\"", "client-delete"]);
    let post = |fields: &[(&str, &str)]| send(&browser, &asked, "/console/clients/web/delete", fields);
    assert_ne!(post(&[("confirm", "Shop")]).status, 303, "the password is asked for");
    let wrong = post(&[("confirm", "shop"), ("password", PASSWORD)]);
    assert!(wrong.status.is_client_error(), "{}", wrong.body);
    assert!(clients::show(&test.server, &Caller::command_line(), "web").is_ok());
    let done = post(&[("confirm", "Shop"), ("password", PASSWORD)]);
    assert_eq!(done.status, 303, "{}", done.body);
    let list = browser.follow(&done);
    assert!(!list.body.contains("/console/clients/web\""), "{}", list.body);
    assert_eq!(left(&test), [""; 0]);
    test.client(ClientMembers { client_name: Some("Other".to_owned()), ..confidential_members("other") });
    let (support, page) = visit(&test, "sue", "/console/clients/other");
    assert!(page.body.contains("/disable") && !page.body.contains("/delete"));
    assert_eq!(support.get("/console/clients/other/delete").status, 403);
}

fn the_command_line_deletes_too(engine: Engine) {
    let test = TestServer::start(engine);
    web(&test);
    let run = |line: &[&str]| Ended::of(grantor_on(&test.database).args(line), "");
    assert_ne!(run(&["client", "delete", "web", "--name", "other"]).code, 0);
    let done = run(&["client", "delete", "web", "--name", "Shop", "--json"]);
    assert_eq!((done.code, done.out.contains("\"deleted\"")), (0, true), "{done:?}");
    assert_eq!(left(&test), [""; 0]);
}
