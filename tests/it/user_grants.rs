//! What acts as a user, seen and ended by operators one by one: connected apps and personal tokens.

use grantor::flows::clients::ClientMembers;
use grantor::flows::usage;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::json;

use crate::account_support::{define, make_token, person};
use crate::admin_api::Admin;
use crate::console_support::{assert_has, done, send, start, visit};
use crate::lists::listed;
use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(
    apps_of_a_user_are_listed_and_disconnected,
    personal_tokens_of_a_user_are_listed_and_revoked,
    nobody_ends_what_is_of_somebody_above,
    the_console_ends_them_one_by_one,
    ones_own_apps_come_in_pages,
    the_command_line_ends_them_too,
);

/// Some apps that ada has let in, one a minute; the tokens of each.
fn apps(test: &TestServer, number: usize) -> Vec<(TestClient, String)> {
    let one = |number: usize| {
        test.advance(60);
        let id = format!("app.{number}");
        let app = test.client(ClientMembers {
            client_name: Some(format!("App {number}")),
            scope: Some(Scope::parse("read write").unwrap()),
            ..confidential_members(&id)
        });
        let token = text(&test.code_tokens(&app, "ada")["access_token"]);
        (app, token)
    };
    (0..number).map(one).collect()
}

fn apps_of_a_user_are_listed_and_disconnected(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let ada = test.user("ada", &[]);
    test.user("bob", &[]);
    let apps = apps(&test, 3);
    let admin = Admin { token: crate::admin_api::token(&test, &admin.tool, "root", "admin"), ..admin };
    let list = |query: &str| listed(&admin, &format!("/v1/users/ada/connected-clients{query}"), "client_id");
    assert_eq!(list(""), ["app.2", "app.1", "app.0"], "the one that was used last first");
    let page = admin.get("/v1/users/ada/connected-clients?limit=2").ok();
    let app = &page["items"][1];
    assert_eq!((&app["client_name"], &app["scope"]), (&json!("App 1"), &json!("read write")));
    assert_eq!(app["since"], json!(start_time() + chrono::TimeDelta::seconds(120)));
    assert_eq!(list(&format!("?limit=2&cursor={}", text(&page["next_cursor"]))), ["app.0"]);
    admin.get("/v1/users/ada/connected-clients?cursor=nonsense").problem(400, "invalid_request");
    assert_eq!(listed(&admin, &format!("/v1/users/{ada}/connected-clients"), "client_id").len(), 3);
    assert_eq!(listed(&admin, "/v1/users/bob/connected-clients", "client_id").len(), 0);
    let end = |admin: &Admin, user: &str, client: &str| {
        admin.send(Method::DELETE, &format!("/v1/users/{user}/connected-clients/{client}"), None)
    };
    end(&admin.with("users:read"), "ada", "app.1").problem(403, "insufficient_scope");
    end(&admin.with("credentials:disable"), "ada", "app.1").problem(403, "insufficient_scope");
    end(&admin, "bob", "app.1").problem(404, "not_found");
    end(&admin, "nobody", "app.1").problem(404, "not_found");
    assert_eq!(end(&admin.with("users:write"), "ada", "app.1").status, 204);
    end(&admin, "ada", "app.1").problem(404, "not_found");
    assert_eq!(list(""), ["app.2", "app.0"]);
    let active: Vec<_> = apps.iter().map(|(_, token)| test.is_active(&apps[0].0, token)).collect();
    assert_eq!(active, [true, false, true]);
    let event = &test.events("consent.withdrawn")[0];
    assert_eq!((event.actor_id.as_ref(), event.target_id.as_deref()), (Some(&admin.id), Some("app.1")));
    assert_eq!(event.detail, Some(format!("of user {ada}, grants: 1")));
}

fn personal_tokens_of_a_user_are_listed_and_revoked(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let ada = test.user("ada", &[]);
    test.user("bob", &[]);
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let (first, second) = (
        make_token(&test, &person(&test, "ada"), &["orders:read"]).unwrap(),
        make_token(&test, &person(&test, "ada"), &["orders:read"]).unwrap(),
    );
    assert!(test.is_active(&api, &first.text));
    usage::flush(&test.server);
    let page = admin.get("/v1/users/ada/personal-tokens?limit=1").ok();
    assert_eq!((&page["items"][0]["id"], &page["items"][0]["scope"]), (&json!(second.token.id), &json!("orders:read")));
    assert!(!page.to_string().contains(&second.text));
    let rest = format!("/v1/users/{ada}/personal-tokens?limit=1&cursor={}", text(&page["next_cursor"]));
    assert_eq!(listed(&admin, &rest, "id"), [first.token.id.as_str()]);
    let end = |admin: &Admin, user: &str, id: &str| {
        admin.send(Method::DELETE, &format!("/v1/users/{user}/personal-tokens/{id}"), None)
    };
    let id = first.token.id.as_str();
    end(&admin, "bob", id).problem(404, "not_found");
    end(&admin.with("users:read"), "ada", id).problem(403, "insufficient_scope");
    end(&admin.with("credentials:disable"), "ada", id).problem(403, "insufficient_scope");
    assert_eq!(end(&admin.with("users:write"), "ada", id).status, 204);
    end(&admin, "ada", id).problem(409, "conflict");
    assert_eq!((test.is_active(&api, &first.text), test.is_active(&api, &second.text)), (false, true));
    assert_eq!(listed(&admin, "/v1/users/ada/personal-tokens", "id"), [second.token.id.as_str()]);
    let event = &test.events("personal_token.revoked")[0];
    assert_eq!((event.actor_id.as_ref(), event.target_id.as_deref()), (Some(&admin.id), Some(id)));
    assert_eq!(event.detail, Some(format!("of user {ada}")));
}

fn nobody_ends_what_is_of_somebody_above(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.roles.0.insert("usher".to_owned(), Scope::parse("users:read users:write").unwrap());
    });
    let admin = Admin::new(&test);
    test.user("usher", &["usher"]);
    let token = crate::admin_api::token(&test, &admin.tool, "usher", "users:read users:write");
    let usher = Admin { token, http: admin.http.clone(), tool: admin.tool.clone(), id: admin.id.clone(), test: &test };
    assert_eq!(listed(&usher, "/v1/users/root/connected-clients", "client_id"), ["tool"]);
    let refused = usher.send(Method::DELETE, "/v1/users/root/connected-clients/tool", None);
    refused.problem(403, "insufficient_scope");
    assert_eq!(admin.send(Method::DELETE, "/v1/users/usher/connected-clients/tool", None).status, 204);
    assert_eq!(usher.get("/v1/users").status, 401);
}

fn the_console_ends_them_one_by_one(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    test.user("root", &["owner"]);
    test.user("sue", &["support"]);
    let apps = apps(&test, 2);
    define(&test, "orders:read", false);
    let made = make_token(&test, &person(&test, "ada"), &["orders:read"]).unwrap();
    let id = person(&test, "ada").user.id;
    let (browser, page) = visit(&test, "root", &format!("/console/users/{id}"));
    let all_keys = format!("/console/access-keys?owner={id}");
    assert_has(&page, &[&format!("/console/users/{id}/apps"), &format!("/console/users/{id}/tokens"), &all_keys]);
    let home = format!("/console/users/{id}/apps");
    let listed = browser.get(&home);
    assert_has(&listed, &["App 0", "App 1", "end-app.1"]);
    let after = done(&browser, &listed, &format!("{home}/end"), &[("client_id", "app.1"), ("password", PASSWORD)]);
    assert!(after.body.contains("App 0") && !after.body.contains("App 1"), "{}", after.body);
    assert!(!test.is_active(&apps[0].0, &apps[1].1) && test.is_active(&apps[0].0, &apps[0].1));
    let home = format!("/console/users/{id}/tokens");
    let listed = browser.get(&home);
    assert_has(&listed, &["backup script", "orders:read"]);
    let after = done(&browser, &listed, &format!("{home}/end"), &[("token_id", made.token.id.as_str())]);
    assert_has(&after, &["This user has no personal tokens."]);
    assert_eq!(test.events("personal_token.revoked").len(), 1);
    // Support sees them, and ends none.
    let (support, page) = visit(&test, "sue", &format!("/console/users/{id}/apps"));
    assert!(page.body.contains("App 0") && !page.body.contains("end-app.0"), "{}", page.body);
    let form = support.get("/account/password");
    let path = format!("/console/users/{id}/apps/end");
    let refused = send(&support, &form, &path, &[("client_id", "app.0"), ("password", PASSWORD)]);
    assert_eq!(refused.status, 403, "{}", refused.body);
}

fn ones_own_apps_come_in_pages(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    apps(&test, 1);
    let user = person(&test, "ada").user.id;
    for number in 0..60 {
        let id = format!("many{number:02}");
        test.client(ClientMembers { client_name: Some(format!("Many {number:02}.")), ..confidential_members(&id) });
        let (user, now) = (user.clone(), test.clock.now());
        let scope = Scope::parse("read").unwrap();
        test.server.store.write(move |connection| connection.extend_consent(user.as_str(), &id, &scope, now)).unwrap();
    }
    let (browser, first) = visit(&test, "ada", "/account/apps");
    let shown = |page: &Answer| (0..60).filter(|number| page.body.contains(&format!("Many {number:02}."))).count();
    let (_, next) = first.body.split_once("cursor=").unwrap_or_else(|| panic!("{}", first.body));
    let second = browser.get(&format!("/account/apps?cursor={}", next.split('"').next().unwrap()));
    assert!(shown(&first) < 60 && shown(&second) > 0);
    assert_eq!(shown(&first) + shown(&second), 60);
}

fn the_command_line_ends_them_too(engine: Engine) {
    // The command line has the real clock.
    let test = TestServer::start_now(engine);
    test.user("ada", &[]);
    apps(&test, 1);
    define(&test, "orders:read", false);
    let made = make_token(&test, &person(&test, "ada"), &["orders:read"]).unwrap();
    let run = |line: &[&str]| Ended::of(grantor_on(&test.database).args(line), "");
    let listed = run(&["user", "connected-clients", "ada"]);
    assert!(listed.code == 0 && listed.out.contains("app.0"), "{listed:?}");
    assert_eq!(run(&["user", "disconnect", "ada", "app.0"]).code, 0);
    assert_ne!(run(&["user", "disconnect", "ada", "app.0"]).code, 0);
    let id = made.token.id.as_str();
    let listed = run(&["user", "personal-tokens", "ada", "--json"]);
    assert!(listed.code == 0 && listed.out.contains(made.token.id.as_str()), "{listed:?}");
    assert_eq!(run(&["user", "revoke-personal-token", "ada", id]).code, 0);
    assert_eq!(test.events("personal_token.revoked")[0].actor_kind, "command_line");
}
