//! Token exchange (RFC 8693): an access key becomes a short-lived access token with a subset of what it may do.

use std::time::Duration;

use grantor::domain::access_key::Owner;
use grantor::domain::client::Status;
use grantor::flows::access_keys::{self, AccessKeyEdit, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;
use serde_json::{Value, json};

use crate::doors_support::*;
use crate::support::*;

on_both!(
    a_key_becomes_a_token_for_the_same,
    scope_and_audience_can_only_be_narrowed,
    a_token_lives_no_longer_than_what_it_came_from,
    a_client_may_stand_beside_the_key,
    malformed_exchanges,
    what_the_key_loses_its_tokens_lose_at_once,
);

#[track_caller]
fn token_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    text(&answer.json()["access_token"])
}

fn a_key_becomes_a_token_for_the_same(engine: Engine) {
    let world = World::start(engine);
    let user = world.test.user("ada", &["support"]);
    let key = world.key(NewAccessKey {
        owner: Some(Some(Owner::User(user.clone()))),
        projects: vec!["alpha".to_owned(), "beta".to_owned()],
        ..key_members("laptop", &["orders:read", "orders:write"])
    });
    let answer = world.exchange(&key.secret, &[]);
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut body = answer.json();
    let token = text(&body["access_token"]);
    body["access_token"] = json!("...");
    let expected = json!({ "access_token": "...", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer", "expires_in": 300, "scope": "orders:read orders:write" });
    assert_eq!(body, expected);
    let claims = claims(&token);
    let issuer = &world.test.server.config.server.issuer;
    for (name, value) in [
        ("iss", json!(issuer)),
        ("aud", json!(issuer)),
        ("sub", json!(user)),
        ("client_id", json!(key.id)),
        ("access_key_id", json!(key.id)),
        ("env", json!("live")),
        ("projects", json!(["alpha", "beta"])),
        ("roles", json!(["support"])),
        ("scope", json!("orders:read orders:write")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    // At every door it is the key, by another name.
    let verdict = world.verify(&json!({ "credential": token, "project": "gamma" })).json();
    assert_eq!((&verdict["code"], &verdict["credential_id"]), (&json!("wrong_project"), &json!(key.id)));
    assert_eq!(
        world.forward_bearer("nginx", "?project=alpha", &token).header("x-auth-credential-type"),
        "access_token"
    );
    let told = world.test.post_as(&world.api, "/oauth/introspect", &[("token", &token)]).json();
    assert_eq!(
        (&told["active"], &told["token_type"], &told["username"]),
        (&json!(true), &json!("Bearer"), &json!("ada"))
    );
    // The platform's own key speaks of itself.
    let own = world.reader();
    assert_eq!(crate::support::claims(&token_of(&world.exchange(&own.secret, &[])))["sub"], json!(own.id));
}

fn scope_and_audience_can_only_be_narrowed(engine: Engine) {
    let world = World::start(engine);
    let issuer = world.test.server.config.server.issuer.clone();
    let admin = world.test.server.admin_resource.clone();
    let other = "https://other.example";
    let resources = vec![Resource::parse(&issuer).unwrap(), Resource::parse(other).unwrap(), admin.clone()];
    let key = NewAccessKey { resources: Some(resources), ..key_members("wide", &["orders:read", "orders:write"]) };
    let secret = world.key(key).secret;
    let claims_of = |further: &[(&str, &str)]| claims(&token_of(&world.exchange(&secret, further)));
    assert_eq!(claims_of(&[("scope", "orders:read")])["scope"], "orders:read");
    // A token for the admin API is for nothing else.
    assert_eq!(claims_of(&[])["aud"], json!([issuer, other]));
    assert_eq!(claims_of(&[("resource", other)])["aud"], other);
    assert_eq!(claims_of(&[("audience", other)])["aud"], other);
    assert_eq!(claims_of(&[("resource", &issuer), ("audience", other)])["aud"], json!([issuer, other]));
    assert_eq!(claims_of(&[("resource", admin.as_str())])["aud"], admin.as_str());
    let refused = |further: &[(&str, &str)], error: &str| world.exchange(&secret, further).assert_error(400, error);
    refused(&[("scope", "orders:read orders:delete")], "invalid_scope");
    refused(&[("scope", "\"")], "invalid_scope");
    refused(&[("resource", "https://third.example")], "invalid_target");
    refused(&[("resource", other), ("resource", "https://third.example")], "invalid_target");
    refused(&[("audience", "orders")], "invalid_target");
    refused(&[("resource", other), ("resource", admin.as_str())], "invalid_target");
}

fn a_token_lives_no_longer_than_what_it_came_from(engine: Engine) {
    let world =
        World::start_with(engine, |config| config.access_keys.exchanged_token_lifetime = Duration::from_secs(200));
    let lifetime = |secret: &str| world.exchange(secret, &[]).json()["expires_in"].clone();
    let key = world.reader();
    assert_eq!(lifetime(&key.secret), 200);
    let brief = world.key(NewAccessKey { expires_in: Some(90), ..key_members("brief", &["orders:read"]) });
    assert_eq!(lifetime(&brief.secret), 90);
    world.test.advance(60);
    let last = world.exchange(&brief.secret, &[]);
    assert_eq!(last.json()["expires_in"], 30);
    world.rotate(&key, 40);
    assert_eq!(lifetime(&key.secret), 40, "a secret that is being replaced");
    world.test.advance(30);
    assert_eq!(world.verdict(&token_of(&last))["code"], "expired");
}

fn a_client_may_stand_beside_the_key(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(key_members("wide", &["orders:read", "orders:delete"]));
    let worker = world.test.client(worker_members("worker"));
    let answer = world.test.token(&worker, &exchange_form(&key.secret, &[]));
    let token = token_of(&answer);
    // It gets what both hold, and says who asked.
    assert_eq!((&claims(&token)["client_id"], &claims(&token)["scope"]), (&json!("worker"), &json!("orders:read")));
    assert_eq!(world.verdict(&token)["client_id"], "worker");
    world
        .test
        .token(&worker, &exchange_form(&key.secret, &[("scope", "orders:delete")]))
        .assert_error(400, "invalid_scope");
    // A public client names itself.
    let app = ClientMembers {
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::TokenExchange]),
        scope: Some(Scope::parse("orders:read").unwrap()),
        ..public_members("app")
    };
    let app = world.test.client(app);
    assert_eq!(claims(&token_of(&world.test.token(&app, &exchange_form(&key.secret, &[]))))["client_id"], "app");
    let wrong = TestClient { secret: Some("cs_wrong".to_owned()), ..worker.clone() };
    world.test.token(&wrong, &exchange_form(&key.secret, &[])).assert_error(401, "invalid_client");
    let not_registered =
        ClientMembers { grant_types: Some(vec![GrantType::ClientCredentials]), ..worker_members("plain") };
    let not_registered = world.test.client(not_registered);
    world.test.token(&not_registered, &exchange_form(&key.secret, &[])).assert_error(400, "unauthorized_client");
    // The client's end is the end of its tokens.
    set_client_status(&world.test, &worker, Status::Inactive);
    assert_eq!(world.verdict(&token)["code"], "inactive");
}

fn malformed_exchanges(engine: Engine) {
    let world = World::start(engine);
    let secret = world.reader().secret;
    let token = token_of(&world.exchange(&secret, &[]));
    let post = |form: &[(&str, &str)]| Answer::of(http_client().post(world.test.url("/oauth/token")).form(form));
    let (grant, kind) =
        (("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("subject_token_type", ACCESS_KEY_TYPE));
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    let refused: [Vec<(&str, &str)>; 8] = [
        vec![grant, kind],
        vec![grant, ("subject_token", &secret)],
        vec![
            grant,
            ("subject_token", &secret),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ],
        // Only access keys are exchanged: a token cannot prolong itself.
        vec![grant, ("subject_token", &token), kind],
        vec![grant, ("subject_token", &token), ("subject_token_type", jwt)],
        exchange_form(&secret, &[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")]),
        exchange_form(&secret, &[("actor_token", &token), ("actor_token_type", jwt)]),
        exchange_form(&secret, &[("scope", "a"), ("scope", "b")]),
    ];
    for form in refused {
        post(&form).assert_error(400, "invalid_request");
    }
    assert_eq!(world.exchange(&secret, &[("requested_token_type", jwt)]).status, 200);
    // Other grants need a client.
    post(&[("grant_type", "client_credentials")]).assert_error(401, "invalid_client");
}

fn what_the_key_loses_its_tokens_lose_at_once(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(key_members("wide", &["orders:read", "orders:write"]));
    let token = token_of(&world.exchange(&key.secret, &[]));
    let told = || -> Value { world.test.post_as(&world.api, "/oauth/introspect", &[("token", &token)]).json() };
    let edit = |edit: AccessKeyEdit| {
        access_keys::update(&world.test.server, &Caller::command_line(), &key.id, edit).unwrap();
    };
    assert_eq!(told()["scope"], "orders:read orders:write");
    edit(AccessKeyEdit { scopes: Some(vec!["orders:read".to_owned()]), ..AccessKeyEdit::default() });
    assert_eq!(told()["scope"], "orders:read");
    assert_eq!(
        world.verify(&json!({ "credential": token, "scopes": ["orders:write"] })).json()["code"],
        "insufficient_scope"
    );
    edit(AccessKeyEdit {
        allowed_addresses: Some(vec!["203.0.113.0/24".parse().unwrap()]),
        ..AccessKeyEdit::default()
    });
    assert_eq!(world.verdict(&token)["code"], "address_not_allowed");
    edit(AccessKeyEdit { allowed_addresses: Some(Vec::new()), ..AccessKeyEdit::default() });
    // Its end is brought forward, behind which the token would still live.
    let soon = world.test.clock.now() + Duration::from_secs(10);
    edit(AccessKeyEdit { expires_at: Some(Some(soon)), ..AccessKeyEdit::default() });
    world.test.advance(10);
    assert_eq!((&told()["active"], &world.verdict(&token)["code"]), (&json!(false), &json!("expired")));
    edit(AccessKeyEdit { expires_at: Some(None), ..AccessKeyEdit::default() });
    assert_eq!(told()["active"], true);
    world.set_status(&key, Status::Inactive);
    assert_eq!((&told()["active"], &world.verdict(&token)["code"]), (&json!(false), &json!("inactive")));
    access_keys::delete(&world.test.server, &Caller::command_line(), &key.id, "wide").unwrap();
    assert_eq!((&told()["active"], &world.verdict(&token)["code"]), (&json!(false), &json!("unknown")));
}
