//! Nobody hands out, keeps or passes on more than they hold now.

use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::users::{self, UserEdit};
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::json;

use crate::support::*;

on_both!(
    a_demoted_admin_is_none_at_once,
    a_privileged_scope_of_the_house_is_not_handed_out,
    an_admin_token_is_for_nothing_else,
    edits_at_one_moment_do_not_undo_a_disable,
);

fn call(test: &TestServer, token: &str, method: Method, path: &str, body: &serde_json::Value) -> Answer {
    Answer::of(http_client().request(method, test.url(path)).bearer_auth(token).json(body))
}

fn a_demoted_admin_is_none_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let token = test.admin_token("admin");
    let list = || call(&test, &token, Method::GET, "/v1/users", &json!(null)).status.as_u16();
    assert_eq!(list(), 200);
    let edit = UserEdit { roles: Some(Vec::new()), ..UserEdit::default() };
    users::update(&test.server, &Caller::command_line(), "root", edit).unwrap();
    assert_eq!(list(), 403);
}

fn a_privileged_scope_of_the_house_is_not_handed_out(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.roles.0.insert("clerk".to_owned(), Scope::parse("orders:refund").unwrap());
        let keeper = "clients:write users:write scopes:write scopes:read";
        config.roles.0.insert("keeper".to_owned(), Scope::parse(keeper).unwrap());
    });
    let (name, description) = ("orders:refund".to_owned(), "Refund".to_owned());
    let new = NewScope { name, description, resource: None, privileged: true };
    scopes::create(&test.server, &Caller::command_line(), new).unwrap();
    test.user("kim", &["keeper"]);
    let tool = test.client(ClientMembers {
        scope: Some(Scope::parse("clients:write users:write scopes:write").unwrap()),
        ..confidential_members("tool")
    });
    let scope = ("scope", "clients:write users:write scopes:write");
    let parameters = [("grant_type", "password"), ("username", "kim"), ("password", PASSWORD), scope];
    let token = text(&test.token(&tool, &parameters).json()["access_token"]);
    let client = json!({ "grant_types": ["client_credentials"], "scope": "orders:refund", "roles": ["clerk"] });
    let user = json!({ "username": "lee", "password": PASSWORD, "roles": ["clerk"] });
    let lifted = json!({ "name": "orders:refund", "description": "Refund", "privileged": false });
    for (method, path, body) in [
        (Method::POST, "/v1/clients", &client),
        (Method::POST, "/v1/users", &user),
        (Method::PUT, "/v1/scopes/orders:refund", &lifted),
        (Method::DELETE, "/v1/scopes/orders:refund", &json!(null)),
    ] {
        let answer = call(&test, &token, method, path, body);
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (403, &json!("insufficient_scope")), "{path}");
    }
}

fn an_admin_token_is_for_nothing_else(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &["admin"]);
    let scope = Some(Scope::parse("read admin").unwrap());
    let client = test.client(ClientMembers { scope, ..confidential_members("web") });
    let ask = |scope: &str| {
        let parameters = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD), ("scope", scope)];
        test.token(&client, &parameters)
    };
    ask("read admin").assert_error(400, "invalid_target");
    assert_eq!(claims(&text(&ask("admin").json()["access_token"]))["aud"], json!(test.server.admin_resource.as_str()));
    assert_eq!(ask("read").status, 200);
}

fn edits_at_one_moment_do_not_undo_a_disable(engine: Engine) {
    let test = TestServer::start_now(engine);
    let (user, client) = (test.user("ada", &[]), test.confidential());
    let caller = Caller::command_line();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..10 {
                    let name = Some(Some(format!("Ada {number}")));
                    let _ = users::update(&test.server, &caller, &user, UserEdit { name, ..UserEdit::default() });
                    let description = Some(format!("edit {number}"));
                    let members = ClientMembers { description, ..ClientMembers::default() };
                    let _ = clients::update(&test.server, &caller, &client.id, members);
                }
            });
        }
        scope.spawn(|| {
            users::set_active(&test.server, &caller, &user, false).unwrap();
            clients::set_status(&test.server, &caller, &client.id, grantor::domain::client::Status::Inactive).unwrap();
        });
    });
    assert_eq!(users::show(&test.server, &caller, &user).unwrap().status.as_str(), "inactive");
    assert_eq!(clients::show(&test.server, &caller, &client.id).unwrap().status.as_str(), "inactive");
}
