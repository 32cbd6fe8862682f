//! Personal access tokens: what they say, what they open, how they end.

use grantor::domain::ids::ClientId;
use grantor::domain::page::PageRequest;
use grantor::flows::account::personal_tokens::{self, NewPersonalToken};
use grantor::flows::account::{Carrier, grantable_scopes};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::explain::{self, Hypothetical, Named};
use grantor::flows::purge;
use grantor::flows::users::{self, NewPassword, UserEdit};
use grantor::protocol::scope::Scope;
use serde_json::{Value, json};

use crate::account_support::*;
use crate::logout_support::sid;
use crate::support::*;

on_both!(
    it_is_an_access_token_like_others,
    it_holds_nothing_that_its_person_does_not,
    what_cannot_be_made_is_refused,
    what_a_role_loses_the_token_loses,
    revoked_it_opens_no_door,
    it_ends_with_the_password_and_the_account,
    none_is_made_in_a_session_that_has_ended,
    what_it_makes_does_not_outlast_it,
    nobody_touches_those_of_others,
    they_are_listed_until_they_end_and_then_purged,
    a_deployment_may_have_none,
    there_are_not_too_many,
    operators_are_told_why_one_is_refused,
);

fn all() -> PageRequest {
    PageRequest::new(None, Some(200))
}

fn verdict(test: &TestServer, api: &TestClient, credential: &str) -> Value {
    let request = http_client().post(test.url("/v1/verify")).basic_auth(&api.id, api.secret.as_ref());
    Answer::of(request.json(&json!({ "credential": credential }))).json()
}

fn get(test: &TestServer, path: &str, token: &str) -> Answer {
    Answer::of(http_client().get(test.url(path)).bearer_auth(token))
}

fn it_is_an_access_token_like_others(engine: Engine) {
    let test = TestServer::start(engine);
    let ada = test.user("ada", &[]);
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let made = make_token(&test, &person(&test, "ada"), &["orders:read", "openid", "email"]).unwrap();
    let claims = claims(&made.text);
    let now = test.clock.now().timestamp();
    assert_eq!((text(&claims["sub"]), text(&claims["scope"])), (ada.clone(), "orders:read openid email".to_owned()));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 3600)));
    assert_eq!(claims["client_id"], claims["personal_token_id"]);
    assert_eq!((text(&claims["client_id"]), text(&claims["jti"])), (made.token.id.0.clone(), made.token.jti.clone()));
    assert_eq!(claims["aud"], test.server.config.default_resource().as_str());
    assert_eq!(claims["grant_id"], Value::Null);
    assert!(ClientId::is_reserved(made.token.id.as_str()), "no client can have this name");
    assert!(test.is_active(&api, &made.text));
    let verdict = verdict(&test, &api, &made.text);
    assert_eq!((&verdict["code"], &verdict["subject"]), (&json!("valid"), &json!(ada)), "{verdict}");
    let userinfo = get(&test, "/oauth/userinfo", &made.text);
    assert_eq!((userinfo.status.as_u16(), text(&userinfo.json()["sub"])), (200, ada));
    assert_eq!(get(&test, "/v1/users", &made.text).status, 401, "it is not for the admin API");
}

fn it_holds_nothing_that_its_person_does_not(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    test.user("auditor", &["auditor"]);
    test.user("root", &["admin"]);
    define(&test, "orders:read", false);
    define(&test, "payouts", true);
    let offered = |name: &str| -> Vec<String> {
        let scopes = grantable_scopes(&test.server, &person(&test, name).user, Carrier::PersonalToken);
        scopes.into_iter().map(|(name, _)| name).collect()
    };
    let plain = offered("ada");
    assert_eq!(plain, ["address", "email", "openid", "orders:read", "phone", "profile"]);
    assert!(offered("auditor").contains(&"audit-events:read".to_owned()));
    assert!(offered("root").contains(&"users:write".to_owned()) && !offered("root").contains(&"payouts".to_owned()));
    for scope in ["payouts", "admin", "users:read", "own-access-keys:read", "offline_access", "undefined"] {
        let refused = make_token(&test, &person(&test, "ada"), &["orders:read", scope]);
        assert_eq!(refusal(refused), format!("you cannot hand out {scope}: you do not hold it"));
    }
    let admin = make_token(&test, &person(&test, "root"), &["admin"]).unwrap();
    let users = get(&test, "/v1/users", &admin.text);
    assert_eq!(users.status, 200, "{}", users.body);
    let reader = make_token(&test, &person(&test, "auditor"), &["audit-events:read"]).unwrap();
    assert_eq!(get(&test, "/v1/audit-events", &reader.text).status, 200);
    assert_eq!(get(&test, "/v1/users", &reader.text).status, 403);
}

fn what_cannot_be_made_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("root", &["admin"]);
    define(&test, "orders:read", false);
    let person = person(&test, "root");
    let day = test.server.config.tokens.access_token_max_lifetime.as_secs();
    let make = |name: &str, scopes: &[&str], expires_in| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        personal_tokens::create(&test.server, &person, NewPersonalToken { name: name.to_owned(), scopes, expires_in })
    };
    assert!(refusal(make("", &["orders:read"], 60)).contains("name"));
    assert!(refusal(make("a\u{202e}b", &["orders:read"], 60)).contains("name"));
    assert!(refusal(make("x", &[], 60)).contains("at least one scope"));
    assert!(refusal(make("x", &["a b"], 60)).contains("scope token"));
    for expires_in in [0, day + 1, u64::MAX] {
        assert_eq!(refusal(make("x", &["orders:read"], expires_in)), "a personal token must end within 1 day");
    }
    assert!(make("x", &["orders:read"], day).is_ok());
    let shared = refusal(make("x", &["orders:read", "users:read"], 60));
    assert!(shared.contains("cannot be for others too"), "{shared}");
}

fn what_a_role_loses_the_token_loses(engine: Engine) {
    let test = TestServer::start(engine);
    let id = test.user("auditor", &["auditor"]);
    let made = make_token(&test, &person(&test, "auditor"), &["audit-events:read"]).unwrap();
    assert_eq!(get(&test, "/v1/audit-events", &made.text).status, 200);
    let edit = UserEdit { roles: Some(Vec::new()), ..UserEdit::default() };
    users::update(&test.server, &Caller::command_line(), &id, edit).unwrap();
    assert_eq!(get(&test, "/v1/audit-events", &made.text).status, 403);
}

fn revoked_it_opens_no_door(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("root", &["admin"]);
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let person = person(&test, "root");
    let (made, admin) =
        (make_token(&test, &person, &["orders:read", "openid"]), make_token(&test, &person, &["users:read"]));
    let (made, admin) = (made.unwrap(), admin.unwrap());
    let sibling = test.sibling();
    assert!(sibling.is_active(&api, &made.text));
    assert_eq!(get(&test, "/v1/users", &admin.text).status, 200);
    for token in [&made, &admin] {
        personal_tokens::revoke(&test.server, &person, token.token.id.as_str()).unwrap();
    }
    for server in [&test, &sibling] {
        assert!(!server.is_active(&api, &made.text));
        assert_eq!(verdict(server, &api, &made.text)["code"], "revoked");
        assert_eq!(get(server, "/oauth/userinfo", &made.text).status, 401);
        assert_eq!(get(server, "/v1/users", &admin.text).status, 401);
    }
    let tool = test.client(ClientMembers {
        scope: Some(grantor::protocol::scope::Scope::parse("tokens:read").unwrap()),
        ..confidential_members("tool")
    });
    let parameters =
        [("grant_type", "password"), ("username", "root"), ("password", PASSWORD), ("scope", "tokens:read")];
    let token = text(&test.token(&tool, &parameters).json()["access_token"]);
    let listed = get(&test, "/v1/revoked-tokens", &token).json();
    let jtis: Vec<_> = listed["items"].as_array().unwrap().iter().map(|one| text(&one["jti"])).collect();
    assert!(jtis.contains(&made.token.jti), "whoever checks tokens without asking is told");
    let again = personal_tokens::revoke(&test.server, &person, made.token.id.as_str());
    assert_eq!(refusal(again), "the personal token is revoked already");
    assert_eq!(test.events("personal_token.created").len(), 2);
    assert_eq!(test.events("personal_token.revoked").len(), 2);
}

fn it_ends_with_the_password_and_the_account(engine: Engine) {
    let test = TestServer::start(engine);
    let (ada, bob) = (test.user("ada", &[]), test.user("bob", &[]));
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let caller = Caller::command_line();
    let token = |name: &str| make_token(&test, &person(&test, name), &["orders:read"]).unwrap().text;
    let (of_ada, of_bob) = (token("ada"), token("bob"));
    let password = NewPassword(zeroize::Zeroizing::new("another long enough sentence".to_owned()));
    users::set_password(&test.server, &caller, &ada, &password).unwrap();
    assert_eq!((test.is_active(&api, &of_ada), test.is_active(&api, &of_bob)), (false, true));
    users::set_active(&test.server, &caller, &bob, false).unwrap();
    assert!(!test.is_active(&api, &of_bob));
    users::set_active(&test.server, &caller, &bob, true).unwrap();
    assert!(!test.is_active(&api, &of_bob), "for good");
}

fn none_is_made_in_a_session_that_has_ended(engine: Engine) {
    let test = TestServer::start(engine);
    let ada = test.user("ada", &[]);
    define(&test, "orders:read", false);
    Browser::new(&test).sign_in("", "ada", PASSWORD);
    let person = person_in(&test, "ada", &sid(&test, &ada));
    make_token(&test, &person, &["orders:read"]).unwrap();
    users::set_active(&test.server, &Caller::command_line(), &ada, false).unwrap();
    assert!(refusal(make_token(&test, &person, &["orders:read"])).contains("sign in"), "disabled");
    users::set_active(&test.server, &Caller::command_line(), &ada, true).unwrap();
    assert!(refusal(make_token(&test, &person, &["orders:read"])).contains("sign in"), "the session has ended");
}

fn what_it_makes_does_not_outlast_it(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        let scopes = "own-access-keys:read own-access-keys:write users:read users:write";
        let scope = grantor::protocol::scope::Scope::parse(scopes).unwrap();
        config.roles.0.insert("developer".to_owned(), scope);
    });
    test.user("dev", &["developer"]);
    let made = make_token(&test, &person(&test, "dev"), &["own-access-keys:write", "users:write"]).unwrap();
    let post =
        |path: &str, body: &Value| Answer::of(http_client().post(test.url(path)).bearer_auth(&made.text).json(body));
    let endless = post("/v1/access-keys", &json!({ "name": "endless", "resources": [format!("{}/v1", test.url(""))] }));
    assert_eq!(endless.status, 403, "{}", endless.body);
    let user = post("/v1/users", &json!({ "username": "eve", "password": PASSWORD }));
    assert_eq!(user.status, 403, "{}", user.body);
    let body = json!({ "name": "short", "resources": [format!("{}/v1", test.url(""))], "expires_in": 600 });
    let short = post("/v1/access-keys", &body);
    assert_eq!(short.status, 201, "{}", short.body);
}

fn nobody_touches_those_of_others(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    test.user("root", &["admin"]);
    define(&test, "orders:read", false);
    let made = make_token(&test, &person(&test, "ada"), &["orders:read"]).unwrap();
    let (root, id) = (person(&test, "root"), made.token.id.as_str());
    assert_eq!(refusal(personal_tokens::show(&test.server, &root, id)), "there is no such personal token");
    assert_eq!(refusal(personal_tokens::revoke(&test.server, &root, id)), "there is no such personal token");
    assert_eq!(personal_tokens::list(&test.server, &root, &all()).unwrap().items.len(), 0);
    let named = ClientMembers { client_id: Some(id.to_owned()), ..confidential_members("x") };
    let refused = clients::create(&test.server, &Caller::command_line(), named);
    assert!(refusal(refused).contains("pt_"), "no client takes its place");
}

fn they_are_listed_until_they_end_and_then_purged(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let person = person(&test, "ada");
    let made: Vec<_> = (0..3).map(|_| make_token(&test, &person, &["orders:read"]).unwrap()).collect();
    let first = personal_tokens::list(&test.server, &person, &PageRequest::new(None, Some(2))).unwrap();
    assert_eq!(first.items[0].token.id, made[2].token.id, "the newest first");
    let rest = PageRequest::new(first.next_cursor, Some(2));
    assert_eq!(personal_tokens::list(&test.server, &person, &rest).unwrap().items[0].token.id, made[0].token.id);
    assert_eq!(verdict(&test, &api, &made[0].text)["code"], "valid");
    grantor::flows::usage::flush(&test.server);
    let used = personal_tokens::list(&test.server, &person, &all()).unwrap().items;
    assert_eq!((used[2].last_used_at, used[1].last_used_at), (Some(test.clock.now()), None));
    test.advance(3600);
    assert_eq!(personal_tokens::list(&test.server, &person, &all()).unwrap().items.len(), 0);
    assert!(!test.is_active(&api, &made[0].text));
    assert_eq!(verdict(&test, &api, &made[0].text)["code"], "expired");
    // As long as the use of it is shown.
    for (days, is_left) in [(30, true), (2, false)] {
        test.advance(days * 86_400);
        purge::purge(&test.server, &|| true).unwrap();
        let id = made[0].token.id.as_str();
        let left = test.server.store.read(|connection| connection.find_personal_token(id)).unwrap();
        assert_eq!(left.is_some(), is_left);
    }
}

fn a_deployment_may_have_none(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.account.personal_tokens = false);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    assert!(!personal_tokens::are_allowed(&test.server));
    assert_eq!(refusal(make_token(&test, &person(&test, "ada"), &["orders:read"])), "there is no such page");
}

fn there_are_not_too_many(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    let person = person(&test, "ada");
    let mut made: Vec<_> = (0..100).map(|_| make_token(&test, &person, &["orders:read"]).unwrap()).collect();
    assert_eq!(refusal(make_token(&test, &person, &["orders:read"])), "you have 100 personal tokens: revoke one first");
    personal_tokens::revoke(&test.server, &person, made.remove(0).token.id.as_str()).unwrap();
    assert!(make_token(&test, &person, &["orders:read"]).is_ok());
}

fn operators_are_told_why_one_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    let person = person(&test, "ada");
    let made = make_token(&test, &person, &["orders:read"]).unwrap();
    let id = made.token.id.0.clone();
    let explain = |named: Named| {
        let explained = explain::explain(&test.server, &Caller::command_line(), named, &Hypothetical::default());
        serde_json::to_value(explained.map_err(|error| format!("{error:?}")).unwrap()).unwrap()
    };
    let both = || [Named::Id(id.clone()), Named::Secret(zeroize::Zeroizing::new(made.text.clone()))];
    for named in both() {
        let one = explain(named)["explanations"][0].clone();
        assert_eq!(
            (&one["valid"], &one["credential_id"], &one["name"]),
            (&json!(true), &json!(id), &json!("backup script"))
        );
    }
    personal_tokens::revoke(&test.server, &person, &id).unwrap();
    for named in both() {
        let one = explain(named)["explanations"][0].clone();
        assert_eq!(one["code"], "revoked", "{one}");
        let status = one["steps"].as_array().unwrap().iter().find(|step| step["step"] == "status").unwrap();
        let facts = &status["facts"];
        assert_eq!((&facts["personal_token"], &facts["user"]), (&json!("revoked"), &json!("active")), "{status}");
    }
    let unknown = explain(Named::Id("pt_00000000000000000000000000000000".to_owned()));
    assert_eq!(unknown["explanations"][0]["code"], "unknown");
    let blind = Caller { held: Scope::parse("clients:read").unwrap(), ..Caller::command_line() };
    assert!(explain::explain(&test.server, &blind, Named::Id(id.clone()), &Hypothetical::default()).is_err());
}
