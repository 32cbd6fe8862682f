//! What is known of a person (OpenID Connect Core §5.1): kept, merged and checked, by the API and the command line.

use grantor::flows::caller::Caller;
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::users::{self, UserEdit};
use reqwest::Method;
use serde_json::{Value, json};

use crate::openid_support::*;
use crate::support::*;

on_both!(
    the_api_keeps_and_merges_a_profile,
    the_api_refuses_what_no_profile_holds,
    another_address_is_not_proven,
    the_scopes_are_there_from_the_start,
);

struct Api<'a> {
    test: &'a TestServer,
    token: String,
}

impl Api<'_> {
    fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::of(http_client().request(method, self.test.url(path)).bearer_auth(&self.token).json(body))
    }
}

fn the_api_keeps_and_merges_a_profile(engine: Engine) {
    let test = TestServer::start(engine);
    let api = Api { test: &test, token: test.admin_token("users:read users:write") };
    let new = json!({ "username": "ada", "password": PASSWORD, "profile": whole_profile() });
    let made = api.send(Method::POST, "/v1/users", &new);
    assert_eq!((made.status.as_u16(), &made.json()["profile"]), (201, &whole_profile()));
    let path = "/v1/users/ada";
    let shown = Answer::of(http_client().get(test.url(path)).bearer_auth(&api.token)).json();
    assert_eq!(shown["profile"], whole_profile());
    // RFC 7396: members stay, are replaced, or go.
    let edit = json!({ "profile": { "nickname": "A", "gender": null, "address": { "region": "Westminster", "country": null } } });
    let edited = api.send(Method::PATCH, path, &edit).json();
    let mut expected = whole_profile();
    expected["nickname"] = "A".into();
    expected.as_object_mut().unwrap().remove("gender");
    expected["address"]["region"] = "Westminster".into();
    expected["address"].as_object_mut().unwrap().remove("country");
    assert_eq!(edited["profile"], expected);
    let same = api.send(Method::PATCH, path, &json!({ "name": "Ada" })).json();
    assert_eq!(same["profile"], expected);
    let without = api.send(Method::PATCH, path, &json!({ "profile": { "address": null } })).json();
    assert_eq!(without["profile"].get("address"), None);
    let emptied = api.send(Method::PATCH, path, &json!({ "profile": null })).json();
    assert_eq!(emptied.get("profile"), None);
}

fn the_api_refuses_what_no_profile_holds(engine: Engine) {
    let test = TestServer::start(engine);
    let api = Api { test: &test, token: test.admin_token("users:read users:write") };
    test.user("ada", &[]);
    for (member, bad) in [
        ("given_name", json!("")),
        ("family_name", json!("x".repeat(201))),
        ("nickname", json!("a\u{202e}b")),
        ("profile", json!("javascript:alert(1)")),
        ("picture", json!("http://a.example/a.png")),
        ("website", json!("a.example")),
        ("birthdate", json!("10.12.1815")),
        ("zoneinfo", json!("Europe Vienna")),
        ("locale", json!("de_AT")),
        ("phone_number", json!("01 234567")),
        ("email_verified", json!("true")),
        ("address", json!("Vienna")),
        ("address", json!(["Vienna"])),
        ("address", json!([null, "1 Main Street"])),
        ("address", json!({ "planet": "Earth" })),
        ("address", json!({ "country": "" })),
        ("sub", json!("x")),
    ] {
        let edit = json!({ "profile": { member: bad } });
        for (method, path, body) in [
            (Method::PATCH, "/v1/users/ada", edit.clone()),
            (Method::POST, "/v1/users", json!({ "username": "eve", "password": PASSWORD, "profile": edit["profile"] })),
        ] {
            let refused = api.send(method, path, &body);
            assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!("invalid_request")), "{body}");
        }
    }
    let refused = api.send(Method::PATCH, "/v1/users/ada", &json!({ "profile": "x" }));
    assert_eq!(refused.json()["detail"], "profile: must be an object");
}

fn another_address_is_not_proven(engine: Engine) {
    let test = TestServer::start(engine);
    let id = known_user(&test, "ada");
    let edit = |email: Option<&str>, profile: Value| {
        let edit = UserEdit {
            email: email.map(|email| Some(email.to_owned())),
            profile: Some(profile),
            ..UserEdit::default()
        };
        users::update(&test.server, &Caller::command_line(), &id, edit).unwrap().profile
    };
    assert_eq!(edit(Some("ada@ada.example"), json!({ "nickname": "A" })).email_verified, Some(true));
    assert_eq!(edit(Some("other@ada.example"), json!({})).email_verified, None);
    assert_eq!(edit(Some("third@ada.example"), json!({ "email_verified": true })).email_verified, Some(true));
    assert_eq!(edit(None, json!({ "phone_number": "+43 1 234567" })).phone_number_verified, None);
    assert_eq!(edit(None, json!({ "phone_number_verified": true })).phone_number_verified, Some(true));
}

fn the_scopes_are_there_from_the_start(engine: Engine) {
    let test = TestServer::start(engine);
    let caller = Caller::command_line();
    for name in EVERYTHING.split(' ') {
        let scope = scopes::show(&test.server, &caller, name).unwrap();
        assert!(!scope.privileged && scope.resource.is_none() && !scope.description.is_empty());
        let refused = scopes::delete(&test.server, &caller, name).err().unwrap();
        assert!(format!("{refused:?}").contains("OpenID Connect"), "{refused:?}");
        let new = |description: &str, privileged| NewScope {
            name: name.to_owned(),
            description: description.to_owned(),
            resource: None,
            privileged,
        };
        assert!(scopes::update(&test.server, &caller, new("Reworded", true)).is_err());
        scopes::update(&test.server, &caller, new("Reworded", false)).unwrap();
    }
    // The operator's words stay.
    let sibling = test.sibling();
    assert_eq!(scopes::show(&sibling.server, &caller, "openid").unwrap().description, "Reworded");
}
