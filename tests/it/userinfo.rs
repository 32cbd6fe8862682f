//! The userinfo endpoint (OpenID Connect Core §5.3, RFC 6750): how it is asked, what it tells, and when it does not.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use grantor::crypto::jwt::{self, Signed};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::users::{self, UserEdit};
use grantor::protocol::origin::Origin;
use grantor::protocol::scope::Scope;
use grantor::protocol::signing_alg::SigningAlg;
use reqwest::Method;
use serde_json::{Value, json};

use crate::openid_support::*;
use crate::support::*;

on_both!(
    every_scope_gives_its_claims,
    what_is_not_known_is_left_out,
    claims_are_given_by_name,
    the_token_comes_in_header_or_form,
    it_does_not_come_in_the_address,
    tokens_that_are_not_good_are_refused,
    a_replayed_code_shows_here,
    what_was_revoked_or_lost_is_refused,
    a_signed_answer,
    pages_of_registered_origins_may_ask,
    only_from_allowed_addresses,
);

fn names(answer: &Answer) -> Vec<String> {
    answer.json().as_object().unwrap().keys().cloned().collect()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str, challenge: &str) {
    answer.assert_error(status, error);
    assert_eq!(answer.header("www-authenticate"), challenge);
}

const INVALID_TOKEN: &str = "Bearer realm=\"grantor\", error=\"invalid_token\"";
const INVALID_REQUEST: &str = "Bearer realm=\"grantor\", error=\"invalid_request\"";

fn every_scope_gives_its_claims(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let profile = [
        "birthdate",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "picture",
        "preferred_username",
        "profile",
        "sub",
        "updated_at",
        "website",
        "zoneinfo",
    ];
    for (scope, expected) in [
        ("openid", &["sub"][..]),
        ("openid profile", &profile),
        ("openid email", &["email", "email_verified", "sub"]),
        ("openid address", &["address", "sub"]),
        ("openid phone", &["phone_number", "phone_number_verified", "sub"]),
    ] {
        let tokens = openid_tokens(&test, &client, "ada", scope);
        let answer = userinfo(&test, &text(&tokens["access_token"]));
        assert_eq!((answer.status.as_u16(), answer.header("cache-control").as_str()), (200, "no-store"));
        let mut told = names(&answer);
        told.sort();
        assert_eq!(told, expected, "{scope}");
        assert_eq!(
            (&answer.json()["sub"], &answer.json()["sub"]),
            (&json!(user), &claims(&text(&tokens["id_token"]))["sub"])
        );
    }
    let told = userinfo(&test, &text(&openid_tokens(&test, &client, "ada", EVERYTHING)["access_token"])).json();
    let mut expected = whole_profile();
    let own = json!({ "sub": user, "name": "Ada Lovelace", "email": "ada@ada.example", "updated_at": start_time().timestamp() });
    expected.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    assert_eq!(told, expected);
    assert!(told["updated_at"].is_i64() && told["email_verified"] == true && told["phone_number_verified"] == false);
}

fn what_is_not_known_is_left_out(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.client(openid_members("app"));
    let token = text(&openid_tokens(&test, &client, "ada", EVERYTHING)["access_token"]);
    let told = || userinfo(&test, &token).json();
    let now = start_time().timestamp();
    assert_eq!(told(), json!({ "sub": user, "preferred_username": "ada", "updated_at": now }));
    let edit = UserEdit {
        email: Some(Some("a@a.example".to_owned())),
        profile: Some(json!({ "address": {} })),
        ..UserEdit::default()
    };
    users::update(&test.server, &Caller::command_line(), &user, edit).unwrap();
    let expected = json!({ "sub": user, "preferred_username": "ada", "updated_at": now, "email": "a@a.example", "email_verified": false });
    assert_eq!(told(), expected);
}

fn claims_are_given_by_name(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(third_party_members("app"));
    let wanted =
        json!({ "userinfo": { "name": { "essential": true }, "phone_number": null, "made_up": null } }).to_string();
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let changes = [("scope", "openid"), ("claims", wanted.as_str())];
    // People are asked for what the client will see.
    let page = settle(&browser, ask(&browser, &client, &changes));
    assert!(page.body.contains("<code>profile</code>") && page.body.contains("<code>phone</code>"), "{}", page.body);
    let tokens = exchange(&test, &client, &walk(&browser, &client, "ada", &changes));
    assert_eq!(tokens["scope"], "openid");
    let mut told = names(&userinfo(&test, &text(&tokens["access_token"])));
    told.sort();
    assert_eq!(told, ["name", "phone_number", "sub"]);
    assert!(claims(&text(&tokens["id_token"])).get("name").is_none());
}

fn the_token_comes_in_header_or_form(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let token = text(&openid_tokens(&test, &client, "ada", "openid")["access_token"]);
    let url = test.url("/oauth/userinfo");
    let http = http_client();
    for request in [
        http.get(&url).bearer_auth(&token),
        http.post(&url).bearer_auth(&token),
        http.post(&url).bearer_auth(&token).form(&[("x", "y")]),
        http.post(&url).form(&[("access_token", &token)]),
    ] {
        let answer = Answer::of(request);
        assert_eq!((answer.status.as_u16(), answer.header("content-type").as_str()), (200, "application/json"));
        assert_eq!(answer.json(), json!({ "sub": user }));
    }
    let twice = Answer::of(http.post(&url).bearer_auth(&token).form(&[("access_token", &token)]));
    assert_refused(&twice, 400, "invalid_request", INVALID_REQUEST);
    let twice = Answer::of(http.post(&url).form(&[("access_token", &token), ("access_token", &token)]));
    assert_refused(&twice, 400, "invalid_request", INVALID_REQUEST);
    let json = Answer::of(http.post(&url).json(&json!({ "access_token": token })));
    assert_refused(&json, 400, "invalid_request", INVALID_REQUEST);
    assert_eq!(Answer::of(http.put(&url).bearer_auth(&token)).status, 405);
}

fn it_does_not_come_in_the_address(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let token = text(&openid_tokens(&test, &client, "ada", "openid")["access_token"]);
    let url = test.url(&format!("/oauth/userinfo?access_token={token}"));
    // RFC 6750 §2.3, also beside a header.
    for request in [http_client().get(&url), http_client().get(&url).bearer_auth(&token), http_client().post(&url)] {
        assert_refused(&Answer::of(request), 400, "invalid_request", INVALID_REQUEST);
    }
}

fn tokens_that_are_not_good_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let tokens = openid_tokens(&test, &client, "ada", "openid offline_access");
    let token = text(&tokens["access_token"]);
    // RFC 6750 §3.1: nothing is said to a request without authentication.
    let none = Answer::of(http_client().get(test.url("/oauth/userinfo")));
    assert_eq!((none.status.as_u16(), none.header("www-authenticate").as_str()), (401, "Bearer realm=\"grantor\""));
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([1; 256]));
    for bad in ["x", &forged, &text(&tokens["id_token"]), &text(&tokens["refresh_token"])] {
        assert_refused(&userinfo(&test, bad), 401, "invalid_token", INVALID_TOKEN);
    }
    let basic = Answer::of(http_client().get(test.url("/oauth/userinfo")).basic_auth("app", Some("x")));
    assert_refused(&basic, 401, "invalid_token", INVALID_TOKEN);
    let narrow = text(&openid_tokens(&test, &client, "ada", "email")["access_token"]);
    let challenge = "Bearer realm=\"grantor\", error=\"insufficient_scope\", scope=\"openid\"";
    assert_refused(&userinfo(&test, &narrow), 403, "insufficient_scope", challenge);
    test.advance(900);
    assert_refused(&userinfo(&test, &token), 401, "invalid_token", INVALID_TOKEN);
}

fn a_replayed_code_shows_here(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let answer = walk(&Browser::new(&test), &client, "ada", &[("scope", "openid")]);
    let token = text(&exchange(&test, &client, &answer)["access_token"]);
    assert_eq!(userinfo(&test, &token).status, 200);
    test.advance(30);
    test.token(&client, &code_parameters(&answer.parameter("code").unwrap())).assert_error(400, "invalid_grant");
    assert_refused(&userinfo(&test, &token), 401, "invalid_token", INVALID_TOKEN);
}

fn what_was_revoked_or_lost_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let tokens = || openid_tokens(&test, &client, "ada", "openid email offline_access");
    let (first, second) = (tokens(), tokens());
    let access = |tokens: &Value| text(&tokens["access_token"]);
    test.post_as(&client, "/oauth/revoke", &[("token", &access(&first))]);
    assert_refused(&userinfo(&test, &access(&first)), 401, "invalid_token", INVALID_TOKEN);
    assert_eq!(userinfo(&test, &access(&second)).status, 200);
    test.post_as(&client, "/oauth/revoke", &[("token", &text(&second["refresh_token"]))]);
    assert_refused(&userinfo(&test, &access(&second)), 401, "invalid_token", INVALID_TOKEN);
    // What the client loses, its tokens lose.
    let third = access(&tokens());
    let update = |scope: &str| {
        let members = ClientMembers { scope: Some(Scope::parse(scope).unwrap()), ..ClientMembers::default() };
        clients::update(&test.server, &Caller::command_line(), "app", members).unwrap()
    };
    update("openid");
    assert_eq!(names(&userinfo(&test, &third)), ["sub"]);
    update("email");
    assert_eq!(userinfo(&test, &third).status, 403);
    update(EVERYTHING);
    users::set_active(&test.server, &Caller::command_line(), &user, false).unwrap();
    assert_refused(&userinfo(&test, &third), 401, "invalid_token", INVALID_TOKEN);
}

fn a_signed_answer(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let members =
        ClientMembers { userinfo_signed_response_alg: Some(Some(SigningAlg::RS256)), ..openid_members("app") };
    let client = test.client(members);
    let tokens = openid_tokens(&test, &client, "ada", "openid email");
    let answer = userinfo(&test, &text(&tokens["access_token"]));
    assert_eq!(
        (answer.header("content-type").as_str(), answer.header("cache-control").as_str()),
        ("application/jwt", "no-store")
    );
    let issuer = &test.server.config.server.issuer;
    let expected =
        json!({ "iss": issuer, "aud": "app", "sub": user, "email": "ada@ada.example", "email_verified": true });
    assert_eq!(claims(&answer.body), expected);
    let (keyring, now) = (test.server.keyring(), test.clock.now());
    let verified = jwt::verify_as::<Value>("JWT", None, &answer.body, (&keyring, now));
    assert!(matches!(verified, Signed::Claims(claims) if claims["sub"] == user.as_str()));
    // It is no ID token, whatever it is used for.
    assert!(grantor::flows::id_token_hint::verify(&test.server, &answer.body).unwrap().is_none());
}

fn pages_of_registered_origins_may_ask(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let members = ClientMembers {
        allowed_origins: Some(vec![Origin::parse("https://app.example").unwrap()]),
        ..openid_members("app")
    };
    let client = test.client(members);
    let token = text(&openid_tokens(&test, &client, "ada", "openid")["access_token"]);
    for method in [Method::GET, Method::POST] {
        let with = |origin: &str| {
            Answer::of(
                http_client()
                    .request(method.clone(), test.url("/oauth/userinfo"))
                    .bearer_auth(&token)
                    .header("origin", origin),
            )
        };
        assert_eq!(with("https://app.example").header("access-control-allow-origin"), "https://app.example");
        assert_eq!(with("https://evil.example").header("access-control-allow-origin"), "");
    }
    let preflight = Answer::of(
        http_client().request(Method::OPTIONS, test.url("/oauth/userinfo")).header("origin", "https://app.example"),
    );
    assert_eq!(
        (preflight.status.as_u16(), preflight.header("access-control-allow-headers").as_str()),
        (204, "authorization, content-type")
    );
    // A page can read why it was refused.
    let refused = Answer::of(
        http_client().get(test.url("/oauth/userinfo")).bearer_auth("x").header("origin", "https://app.example"),
    );
    assert!(refused.header("access-control-expose-headers").contains("www-authenticate"));
}

fn only_from_allowed_addresses(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let token = text(&openid_tokens(&test, &client, "ada", "openid")["access_token"]);
    let members =
        ClientMembers { allowed_addresses: Some(vec!["192.0.2.0/24".parse().unwrap()]), ..ClientMembers::default() };
    clients::update(&test.server, &Caller::command_line(), "app", members).unwrap();
    userinfo(&test, &token).assert_error(403, "access_denied");
}
