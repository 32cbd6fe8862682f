//! Protected resource metadata of the admin API (RFC 9728).

use grantor::protocol::resource::Resource;
use serde_json::{Value, json};

use crate::support::*;

on_both!(the_admin_api_describes_itself, an_issuer_with_a_path_has_it_where_the_rfc_says, a_401_says_where_that_is);

fn get(test: &TestServer, path: &str) -> Answer {
    Answer::of(http_client().get(format!("http://{}{path}", test.server.config.server.bind)))
}

fn the_admin_api_describes_itself(engine: Engine) {
    let test = TestServer::start(engine);
    let issuer = test.server.config.server.issuer.clone();
    let plain = get(&test, "/.well-known/oauth-protected-resource");
    let of_path = get(&test, "/.well-known/oauth-protected-resource/v1");
    assert_eq!((plain.status.as_u16(), of_path.status.as_u16()), (200, 200));
    assert_eq!(plain.body, of_path.body);
    assert_eq!(of_path.header("content-type"), "application/json");
    assert!(!of_path.header("etag").is_empty());
    let mut body = of_path.json();
    let scopes = body["scopes_supported"].take();
    let scopes: Vec<&str> = scopes.as_array().unwrap().iter().map(|scope| scope.as_str().unwrap()).collect();
    assert!(scopes.contains(&"admin") && scopes.contains(&"clients:read"));
    assert_eq!(
        body,
        json!({ "resource": format!("{issuer}/v1"), "authorization_servers": [issuer], "scopes_supported": Value::Null,
            "bearer_methods_supported": ["header"], "resource_name": "grantor admin API" })
    );
}

fn an_issuer_with_a_path_has_it_where_the_rfc_says(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.server.issuer.push_str("/auth"));
    let issuer = test.server.config.server.issuer.clone();
    for path in ["/auth/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/auth/v1"] {
        assert_eq!(get(&test, path).json()["resource"], format!("{issuer}/v1"), "{path}");
    }
    assert_eq!(get(&test, "/.well-known/oauth-protected-resource/v1").status, 404);
}

fn a_401_says_where_that_is(engine: Engine) {
    let test = TestServer::start(engine);
    let issuer = test.server.config.server.issuer.clone();
    let bare = get(&test, "/v1/clients");
    let place = format!("resource_metadata=\"{issuer}/.well-known/oauth-protected-resource/v1\"");
    assert_eq!(
        (bare.status.as_u16(), bare.header("www-authenticate")),
        (401, format!("Bearer realm=\"grantor\", {place}"))
    );
    let wrong = Answer::of(http_client().get(test.url("/v1/clients")).bearer_auth("x"));
    let challenge = format!("Bearer realm=\"grantor\", {place}, error=\"invalid_token\"");
    assert_eq!((wrong.status.as_u16(), wrong.header("www-authenticate")), (401, challenge));
    // A resource of another host is not described here.
    let elsewhere = TestServer::start_with(engine, |config| {
        config.server.admin_resource = Some(Resource::parse("https://admin.example/api").unwrap());
    });
    assert_eq!(get(&elsewhere, "/v1/clients").header("www-authenticate"), "Bearer realm=\"grantor\"");
    let plain = get(&elsewhere, "/.well-known/oauth-protected-resource");
    assert_eq!(plain.json()["resource"], "https://admin.example/api");
}
