//! What a client cannot register for itself, and how many may.

use grantor::domain::registration::RegistrationMode;
use grantor::flows::caller::Caller;
use grantor::flows::scopes::{self, NewScope};
use serde_json::{Value, json};

use crate::registration::{made, register, server, web};
use crate::support::*;

on_both!(
    unusable_metadata_is_refused_with_its_word,
    bodies_that_are_no_metadata_are_refused,
    nobody_registers_more_than_the_settings_allow,
    web_applications_are_answered_by_https,
    there_is_an_end_to_registrations,
    an_address_registers_only_so_often,
);

fn unusable_metadata_is_refused_with_its_word(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let rsa = json!({ "kty": "RSA", "n": "a".repeat(342), "e": "AQAB" });
    let mut private = rsa.clone();
    private["d"] = json!("secret");
    for (member, value, error) in [
        ("redirect_uris", json!(["https://app.example/cb#fragment"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["http://app.example/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["com.example.app:/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["javascript:alert(1)"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["https://*.example/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("redirect_uris", json!(REDIRECT_URI), "invalid_redirect_uri"),
        ("redirect_uris", json!([7]), "invalid_redirect_uri"),
        ("redirect_uris", json!(vec![REDIRECT_URI; 21]), "invalid_redirect_uri"),
        ("initiate_login_uri", json!("http://app.example/login"), "invalid_client_metadata"),
        ("logo_uri", json!("http://app.example/logo"), "invalid_client_metadata"),
        ("backchannel_logout_uri", json!("https://app.example/#x"), "invalid_client_metadata"),
        ("frontchannel_logout_uri", json!("https://other.example/"), "invalid_client_metadata"),
        ("post_logout_redirect_uris", json!(["https://app.example/#x"]), "invalid_client_metadata"),
        ("grant_types", json!(["password"]), "invalid_client_metadata"),
        ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
        ("grant_types", json!(["implicit", "authorization_code"]), "invalid_client_metadata"),
        ("grant_types", json!(["refresh_token"]), "invalid_client_metadata"),
        ("grant_types", json!([]), "invalid_client_metadata"),
        ("response_types", json!(["token"]), "invalid_client_metadata"),
        ("response_types", json!(["code id_token"]), "invalid_client_metadata"),
        ("response_types", json!([]), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("tls_client_auth"), "invalid_client_metadata"),
        ("token_endpoint_auth_signing_alg", json!("none"), "invalid_client_metadata"),
        ("id_token_signed_response_alg", json!("none"), "invalid_client_metadata"),
        ("id_token_signed_response_alg", json!("HS256"), "invalid_client_metadata"),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP"), "invalid_client_metadata"),
        ("userinfo_signed_response_alg", json!("RS1"), "invalid_client_metadata"),
        ("subject_type", json!("private"), "invalid_client_metadata"),
        ("application_type", json!("desktop"), "invalid_client_metadata"),
        ("default_max_age", json!(-1), "invalid_client_metadata"),
        ("scope", json!("two  spaces\u{7f}"), "invalid_client_metadata"),
        ("scope", json!(["openid"]), "invalid_client_metadata"),
        ("client_name", json!("\u{202e}evil"), "invalid_client_metadata"),
        ("client_name", json!(7), "invalid_client_metadata"),
        ("jwks", json!({ "keys": [private] }), "invalid_client_metadata"),
        ("jwks", json!({ "keys": [] }), "invalid_client_metadata"),
        ("jwks_uri", json!("http://app.example/jwks"), "invalid_client_metadata"),
        ("registration_access_token", json!("x"), "invalid_client_metadata"),
        // Nothing answers there, and this server may not ask its own machine.
        ("sector_identifier_uri", json!("https://127.0.0.1:1/"), "invalid_client_metadata"),
    ] {
        let mut said = web();
        said[member] = value.clone();
        let answer = register(&test, None, &said);
        assert_eq!(answer.status, 400, "{member} {value}: {}", answer.body);
        answer.assert_error(400, error);
    }
    let mut both = web();
    both["jwks"] = json!({ "keys": [rsa] });
    both["jwks_uri"] = json!("https://app.example/jwks");
    register(&test, None, &both).assert_error(400, "invalid_client_metadata");
    let mut hosts =
        json!({ "redirect_uris": ["https://a.example/", "https://b.example/"], "subject_type": "pairwise" });
    register(&test, None, &hosts).assert_error(400, "invalid_client_metadata");
    hosts["subject_type"] = json!("public");
    made(&register(&test, None, &hosts));
    assert_eq!(test.events("client.registered").len(), 1);
}

fn bodies_that_are_no_metadata_are_refused(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let http = http_client();
    let post = |body: &str| {
        let request = http.post(test.url("/oauth/register")).header("content-type", "application/json");
        Answer::of(request.body(body.to_owned()))
    };
    for body in ["", "[]", "{", "\"x\"", r#"{"redirect_uris": ["https://a.example/"], "redirect_uris": []}"#] {
        post(body).assert_error(400, "invalid_client_metadata");
    }
    let form = http.post(test.url("/oauth/register")).form(&[("redirect_uris", REDIRECT_URI)]);
    assert_eq!(Answer::of(form).status, 400);
    let large = format!(r#"{{"client_name": "{}"}}"#, "x".repeat(70_000));
    assert_eq!(post(&large).status, 413);
    assert_eq!(Answer::of(http.get(test.url("/oauth/register"))).status, 405);
}

fn nobody_registers_more_than_the_settings_allow(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.registration.mode = RegistrationMode::Open;
        config.registration.scope = grantor::protocol::scope::Scope::parse("openid email orders:read").unwrap();
    });
    let orders = NewScope {
        name: "orders:read".to_owned(),
        description: "See orders".to_owned(),
        resource: None,
        privileged: true,
    };
    scopes::create(&test.server, &Caller::command_line(), orders).ok().unwrap();
    let scope = |wanted: Option<&str>| {
        let mut said = web();
        if let Some(wanted) = wanted {
            said["scope"] = json!(wanted);
        }
        register(&test, None, &said)
    };
    assert_eq!(made(&scope(None))["scope"], "openid email", "a privileged scope is never given");
    assert_eq!(made(&scope(Some("openid admin clients:write orders:read profile")))["scope"], "openid");
    scope(Some("admin")).assert_error(400, "invalid_client_metadata");
    scope(Some("orders:read")).assert_error(400, "invalid_client_metadata");
    let unsafe_setting = grantor::config::Config::from_toml("[registration]\nscope = 'openid admin'").unwrap_err();
    assert!(unsafe_setting.to_string().contains("admin"));
}

fn web_applications_are_answered_by_https(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.registration.mode = RegistrationMode::Open;
        config.server.issuer = "https://login.example.com".to_owned();
    });
    let loopback = |kind: &str| json!({ "redirect_uris": ["http://127.0.0.1/cb"], "application_type": kind });
    register(&test, None, &loopback("web")).assert_error(400, "invalid_redirect_uri");
    made(&register(&test, None, &loopback("native")));
    made(&register(&test, None, &json!({ "redirect_uris": ["com.example.app:/cb"], "application_type": "native" })));
    // A server on this machine is for trying things.
    let here = server(engine, RegistrationMode::Open);
    made(&register(&here, None, &loopback("web")));
}

fn there_is_an_end_to_registrations(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.registration.mode = RegistrationMode::Open;
        config.registration.max_clients = 2;
    });
    let client = made(&register(&test, None, &web()));
    made(&register(&test, None, &web()));
    register(&test, None, &web()).assert_error(403, "access_denied");
    let end = http_client().delete(client["registration_client_uri"].as_str().unwrap());
    Answer::of(end.bearer_auth(client["registration_access_token"].as_str().unwrap()));
    made(&register(&test, None, &web()));
}

fn an_address_registers_only_so_often(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.registration.mode = RegistrationMode::Open;
        config.limits.registration_requests_per_minute_per_address = 2;
        config.limits.exempt_addresses.clear();
    });
    let client: Value = made(&register(&test, None, &web()));
    made(&register(&test, None, &web()));
    let answer = register(&test, None, &web());
    answer.assert_error(429, "temporarily_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    let read = http_client().get(client["registration_client_uri"].as_str().unwrap());
    assert_eq!(Answer::of(read.bearer_auth("guess")).status, 429, "guesses too");
    test.advance(61);
    made(&register(&test, None, &web()));
}
