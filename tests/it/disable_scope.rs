//! `credentials:disable` at the admin API: who holds it stops things and starts none.

use grantor::config::Config;
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::flows::service_accounts::{self, NewServiceAccount};
use grantor::flows::workflows::{self, NewWorkflow};
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    support_stops_every_kind_of_credential,
    support_does_nothing_else,
    a_user_who_holds_more_is_not_stopped,
    stopping_does_not_need_what_the_stopped_holds,
    the_document_tells_both_scopes,
);

const SCOPES: &str = "access-keys:read clients:read service-accounts:read client-workflows:read users:read \
                      credentials:disable access-keys:write clients:write users:write";

fn call(test: &TestServer, token: &str, method: Method, path: &str, body: &Value) -> Answer {
    Answer::of(http_client().request(method, test.url(path)).bearer_auth(token).json(body))
}

fn start(engine: Engine) -> TestServer {
    TestServer::start_with(engine, |config| config.roles = Config::default().roles)
}

/// An access token of a user of this role.
fn token(test: &TestServer, role: &str) -> String {
    let tool = test.client(ClientMembers {
        scope: Some(Scope::parse(SCOPES).unwrap()),
        ..confidential_members(&format!("tool-{role}"))
    });
    test.user(role, &[role]);
    let parameters = [("grant_type", "password"), ("username", role), ("password", PASSWORD), ("scope", SCOPES)];
    text(&test.token(&tool, &parameters).json()["access_token"])
}

/// One of each: its address.
fn things(test: &TestServer) -> Vec<String> {
    let caller = Caller::command_line();
    let client = test.confidential();
    let user = test.user("bob", &[]);
    let key = NewAccessKey { name: "ci".to_owned(), ..NewAccessKey::default() };
    let key = access_keys::create(&test.server, &caller, key).unwrap_or_else(|_| panic!("no key")).key.id;
    let new = NewServiceAccount { name: "ci".to_owned(), ..NewServiceAccount::default() };
    let account = service_accounts::create(&test.server, &caller, new).unwrap().id;
    let workflow = NewWorkflow {
        client_id: "web".to_owned(),
        client_secret: client.secret.unwrap().into(),
        name: "Kiosk".to_owned(),
        scopes: vec!["read".to_owned()],
        ..NewWorkflow::default()
    };
    let workflow = workflows::create(&test.server, &caller, workflow).unwrap().workflow.id;
    vec![
        format!("/v1/access-keys/{key}"),
        format!("/v1/service-accounts/{account}"),
        format!("/v1/workflows/{workflow}"),
        "/v1/clients/web".to_owned(),
        format!("/v1/users/{user}"),
    ]
}

fn support_stops_every_kind_of_credential(engine: Engine) {
    let test = start(engine);
    let (things, support) = (things(&test), token(&test, "support"));
    for thing in &things {
        let answer = call(&test, &support, Method::POST, &format!("{thing}/disable"), &json!(null));
        assert_eq!(answer.status, 200, "{thing}: {}", answer.body);
        let shown = call(&test, &support, Method::GET, thing, &json!(null)).json();
        assert_eq!(shown["status"], "inactive", "{thing}");
    }
    for action in ["access_key", "service_account", "workflow", "client", "user"] {
        assert_eq!(test.events(&format!("{action}.disabled")).len(), 1, "{action}");
    }
}

fn support_does_nothing_else(engine: Engine) {
    let test = start(engine);
    let (things, support) = (things(&test), token(&test, "support"));
    for thing in &things {
        call(&test, &support, Method::POST, &format!("{thing}/disable"), &json!(null));
        for (method, action, body) in [
            (Method::POST, "/enable", json!(null)),
            (Method::POST, "/revoke", json!(null)),
            (Method::POST, "/rotate", json!({})),
            (Method::POST, "/rotate-secret", json!({})),
            (Method::POST, "/invalidate", json!(null)),
            (Method::POST, "/set-password", json!({ "password": "a good long password" })),
            (Method::PATCH, "", json!({ "name": "other" })),
            (Method::PATCH, "", json!({ "status": "active" })),
            (Method::DELETE, "", json!({ "name": "ci" })),
        ] {
            let answer = call(&test, &support, method, &format!("{thing}{action}"), &body);
            assert!([400, 403, 404, 405].contains(&answer.status.as_u16()), "{thing}{action}: {}", answer.body);
        }
        let shown = call(&test, &support, Method::GET, thing, &json!(null)).json();
        assert_eq!(shown["status"], "inactive", "{thing}");
    }
    // Who only reads stops nothing.
    let auditor = token(&test, "auditor");
    for thing in &things {
        assert_eq!(call(&test, &auditor, Method::POST, &format!("{thing}/disable"), &json!(null)).status, 403);
    }
}

fn a_user_who_holds_more_is_not_stopped(engine: Engine) {
    let test = start(engine);
    let support = token(&test, "support");
    for (role, expected) in [("owner", 403), ("admin", 403), ("auditor", 403)] {
        let user = test.user(&format!("a-{role}"), &[role]);
        let answer = call(&test, &support, Method::POST, &format!("/v1/users/{user}/disable"), &json!(null));
        assert_eq!(answer.status.as_u16(), expected, "{role}");
    }
    let user = test.user("colleague", &["support"]);
    let admin = token(&test, "admin");
    let answer = call(&test, &admin, Method::POST, &format!("/v1/users/{user}/disable"), &json!(null));
    assert_eq!(answer.status, 403, "through a client that is registered for less");
}

fn stopping_does_not_need_what_the_stopped_holds(engine: Engine) {
    let test = start(engine);
    let support = token(&test, "support");
    let scope = Some(Scope::parse("admin").unwrap());
    test.client(ClientMembers { scope, ..confidential_members("strong") });
    let stop = |path: &str| call(&test, &support, Method::POST, path, &json!(null)).status.as_u16();
    assert_eq!(stop("/v1/clients/strong/disable"), 200);
    assert_eq!(stop("/v1/clients/nobody/disable"), 404);
    let strong = clients_write_only(&test);
    let answer = call(&test, &strong, Method::POST, "/v1/clients/strong/disable", &json!(null));
    assert_eq!(answer.status, 403, "who may change clients is still asked whether they hold what these hold");
}

/// A token that may change clients, but has not the scope to stop things.
fn clients_write_only(test: &TestServer) -> String {
    let scope = "clients:write clients:read";
    let tool =
        test.client(ClientMembers { scope: Some(Scope::parse(scope).unwrap()), ..confidential_members("writer") });
    test.user("wim", &["admin"]);
    let parameters = [("grant_type", "password"), ("username", "wim"), ("password", PASSWORD), ("scope", scope)];
    text(&test.token(&tool, &parameters).json()["access_token"])
}

fn the_document_tells_both_scopes(engine: Engine) {
    let test = start(engine);
    let document = Answer::of(http_client().get(test.url("/v1/openapi.json"))).json();
    let paths = document["paths"].as_object().unwrap();
    let mut seen = 0;
    for (path, item) in paths.iter().filter(|(path, _)| path.ends_with("/disable")) {
        let security = item["post"]["security"].as_array().unwrap();
        assert_eq!(security.len(), 2, "{path}");
        assert_eq!(security[1], json!({ "bearer": ["credentials:disable"] }), "{path}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}
