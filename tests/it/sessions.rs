//! Login sessions at the admin API and the command line.

use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::logout_support::{is_signed_in, sid, tokens};
use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(
    operators_see_and_end_sessions,
    the_list_pages_from_the_latest_on,
    who_may_not_is_refused,
    nobody_ends_sessions_of_those_above,
);

fn call(test: &TestServer, method: Method, path: &str, token: &str) -> Answer {
    Answer::of(http_client().request(method, test.url(path)).bearer_auth(token))
}

fn operators_see_and_end_sessions(engine: Engine) {
    let test = TestServer::start(engine);
    let token = test.admin_token("users:read users:write");
    let ada = test.user("ada", &[]);
    test.user("bob", &[]);
    let client = test.client(confidential_members("web"));
    let (browser, other) = (Browser::new(&test), Browser::new(&test));
    let granted = tokens(&test, &browser, &client, "ada", "read");
    other.sign_in("", "bob", PASSWORD);
    let sid = sid(&test, &ada);
    let every = call(&test, Method::GET, "/v1/sessions", &token).json();
    assert_eq!(every["items"].as_array().unwrap().len(), 2);
    let path = format!("/v1/users/{ada}/sessions");
    let listed = call(&test, Method::GET, &path, &token).json();
    assert_eq!((text(&listed["items"][0]["sid"]), text(&listed["items"][0]["user_id"])), (sid.clone(), ada.clone()));
    assert_eq!(text(&listed["items"][0]["address"]), "127.0.0.1");
    assert_eq!(call(&test, Method::GET, "/v1/users/ada/sessions", &token).json(), listed, "by name, too");
    assert_eq!(call(&test, Method::GET, &format!("/v1/sessions?user_id={ada}"), &token).json(), listed);
    for wrong in ["/v1/users/bob/sessions/", "/v1/users/nobody/sessions/"] {
        assert_eq!(call(&test, Method::DELETE, &format!("{wrong}{sid}"), &token).status, 404);
    }
    assert_eq!(call(&test, Method::GET, "/v1/users/nobody/sessions", &token).status, 404);
    assert_eq!(call(&test, Method::DELETE, &format!("{path}/{sid}"), &token).status, 204);
    assert!(!is_signed_in(&browser) && is_signed_in(&other));
    assert!(!test.is_active(&client, &text(&granted["access_token"])));
    assert_eq!(call(&test, Method::DELETE, &format!("{path}/{sid}"), &token).status, 404);
    other.sign_in("", "bob", PASSWORD);
    Browser::new(&test).sign_in("", "bob", PASSWORD);
    assert_eq!(call(&test, Method::DELETE, "/v1/users/bob/sessions", &token).status, 204);
    assert_eq!(call(&test, Method::DELETE, "/v1/users/bob/sessions", &token).status, 204, "there are none");
    assert!(!is_signed_in(&other));
    let events = test.events("login.session_ended");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].detail.as_deref(), Some("all: 2"));
    assert_eq!(events[1].detail.as_deref(), Some(format!("of user {ada}").as_str()));
    assert!(grantor::flows::sessions::end_all(&test.server, &Caller::command_line(), "nobody").is_err());
}

fn the_list_pages_from_the_latest_on(engine: Engine) {
    let test = TestServer::start(engine);
    let token = test.admin_token("users:read");
    test.user("ada", &[]);
    for _ in 0..5 {
        Browser::new(&test).sign_in("", "ada", PASSWORD);
        test.advance(1);
    }
    // Two of one moment.
    Browser::new(&test).sign_in("", "ada", PASSWORD);
    Browser::new(&test).sign_in("", "ada", PASSWORD);
    let mut seen = Vec::new();
    let mut path = "/v1/sessions?limit=2".to_owned();
    loop {
        let page = call(&test, Method::GET, &path, &token).json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| (text(&one["created_at"]), text(&one["sid"]))));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/sessions?limit=2&cursor={cursor}");
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.reverse();
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (7, &sorted));
    for wrong in ["cursor=x", "limit=0", "user=ada"] {
        assert_eq!(call(&test, Method::GET, &format!("/v1/sessions?{wrong}"), &token).status, 400, "{wrong}");
    }
}

fn who_may_not_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let token = test.admin_token("users:read clients:read");
    test.user("ada", &[]);
    for path in ["/v1/users/ada/sessions", "/v1/users/ada/sessions/x"] {
        let refused = call(&test, Method::DELETE, path, &token);
        assert_eq!((refused.status.as_u16(), text(&refused.json()["code"])), (403, "insufficient_scope".to_owned()));
    }
    let narrow = test
        .client(ClientMembers { scope: Some(Scope::parse("clients:read").unwrap()), ..confidential_members("narrow") });
    let parameters =
        [("grant_type", "password"), ("username", "root"), ("password", PASSWORD), ("scope", "clients:read")];
    let token = text(&test.token(&narrow, &parameters).json()["access_token"]);
    for path in ["/v1/sessions", "/v1/users/ada/sessions"] {
        assert_eq!(call(&test, Method::GET, path, &token).status, 403);
    }
    assert_eq!(Answer::of(http_client().get(test.url("/v1/sessions"))).status, 401);
}

fn nobody_ends_sessions_of_those_above(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        let scope = Scope::parse("users:read users:write").unwrap();
        config.roles.0.insert("helpdesk".to_owned(), scope);
    });
    let admin = test.admin_token("users:read");
    test.user("desk", &["helpdesk"]);
    let client = test.client(ClientMembers {
        scope: Some(Scope::parse("users:read users:write").unwrap()),
        ..confidential_members("desk-tool")
    });
    let parameters =
        [("grant_type", "password"), ("username", "desk"), ("password", PASSWORD), ("scope", "users:read users:write")];
    let token = text(&test.token(&client, &parameters).json()["access_token"]);
    let browser = Browser::new(&test);
    browser.sign_in("", "root", PASSWORD);
    let listed = call(&test, Method::GET, "/v1/users/root/sessions", &admin).json();
    let path = format!("/v1/users/root/sessions/{}", text(&listed["items"][0]["sid"]));
    assert_eq!(call(&test, Method::DELETE, &path, &token).status, 403);
    assert_eq!(call(&test, Method::DELETE, "/v1/users/root/sessions", &token).status, 403);
    assert!(is_signed_in(&browser));
}

#[test]
fn the_command_line_sees_and_ends_them() {
    let test = TestServer::start_now(Engine::Sqlite);
    test.user("ada", &[]);
    let browsers = [Browser::new(&test), Browser::new(&test), Browser::new(&test)];
    for browser in &browsers {
        browser.sign_in("", "ada", PASSWORD);
    }
    let run = |line: &str| {
        let mut command = grantor_on(&test.database);
        command.env("GRANTOR_SERVER__ISSUER", &test.server.config.server.issuer);
        Ended::of(command.args(line.split(' ')), "")
    };
    let listed = run("session list --user ada --limit 2 --json").json();
    let sids: Vec<String> = listed["items"].as_array().unwrap().iter().map(|one| text(&one["sid"])).collect();
    assert_eq!(sids.len(), 2);
    let rest = run(&format!("session list --cursor {} --json", text(&listed["next_cursor"]))).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    let table = run("session list");
    assert!(table.out.starts_with("SID") && table.out.contains(&sids[0]), "{table:?}");
    assert_eq!(run(&format!("session end ada {} --json", sids[0])).json(), json!({ "ended": 1 }));
    assert_eq!(run(&format!("session end ada {}", sids[0])).code, 3, "it has ended");
    assert!(!is_signed_in(&browsers[2]) && is_signed_in(&browsers[0]));
    assert_eq!(run("session end ada").code, 2, "which one?");
    assert_eq!(run("session end ada --all").out.trim(), "2 ended");
    assert!(!is_signed_in(&browsers[0]));
    assert_eq!(run("session list --user nobody").code, 3);
}
