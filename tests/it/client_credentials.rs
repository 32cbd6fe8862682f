//! The client credentials grant (RFC 6749 §4.4), its tokens (RFC 9068), and what the token endpoint cannot read (§5.2).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use grantor::config::EnvironmentConfig;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::scopes::{self, NewScope};
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;
use grantor::protocol::signing_alg::SigningAlg;
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    the_answer_and_the_claims_are_exact,
    scope_follows_request_and_registration,
    privileged_scopes_are_asked_for_by_name_and_held_by_role,
    resource_chooses_the_audience,
    a_scope_of_a_resource_brings_its_audience,
    a_grant_that_is_not_registered_is_refused,
    lifetimes_by_client_environment_and_server,
    issuance_is_audited_by_setting_and_always_counted,
    requests_that_cannot_be_read_are_refused,
    a_body_may_have_64_kib,
);

fn ask(test: &TestServer, client: &TestClient, further: &[(&str, &str)]) -> Answer {
    let mut parameters = vec![("grant_type", "client_credentials")];
    parameters.extend(further);
    test.token(client, &parameters)
}

#[track_caller]
fn granted(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    claims(&text(&answer.json()["access_token"]))
}

fn members(client_id: &str) -> ClientMembers {
    ClientMembers {
        grant_types: Some(vec![GrantType::ClientCredentials]),
        redirect_uris: None,
        ..confidential_members(client_id)
    }
}

fn the_answer_and_the_claims_are_exact(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(members("machine"));
    let answer = ask(&test, &client, &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((answer.header("cache-control").as_str(), answer.header("pragma").as_str()), ("no-store", "no-cache"));
    let body = answer.json();
    let token = text(&body["access_token"]);
    // RFC 6749 §4.4.3: no refresh token.
    assert_eq!(
        body,
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": "read write" })
    );
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let kid = test.server.keyring().signing_key(SigningAlg::RS256, start_time()).unwrap().kid.clone();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header, json!({ "typ": "at+jwt", "alg": "RS256", "kid": kid }));
    let (issuer, now, claims) = (&test.server.config.server.issuer, start_time().timestamp(), claims(&token));
    assert_eq!(
        claims,
        json!({
            "iss": issuer, "sub": "machine", "aud": issuer, "client_id": "machine", "exp": now + 900, "iat": now,
            "nbf": now, "jti": claims["jti"], "scope": "read write", "env": "live",
        })
    );
    // Two tokens of the same moment are two tokens.
    assert_ne!(granted(&ask(&test, &client, &[]))["jti"], claims["jti"]);
    assert!(text(&claims["jti"]).len() >= 22, "{claims}");
}

fn scope_follows_request_and_registration(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(members("machine"));
    let narrowed = ask(&test, &client, &[("scope", "write")]);
    assert_eq!(narrowed.json()["scope"], "write");
    assert_eq!(granted(&narrowed)["scope"], "write");
    assert_eq!(ask(&test, &client, &[("scope", "write read write")]).json()["scope"], "write read");
    // An empty one counts as omitted.
    assert_eq!(ask(&test, &client, &[("scope", "")]).json()["scope"], "read write");
    for wrong in ["other", "read other", "READ", "read\tx", "a\"b", "a\\b"] {
        let answer = ask(&test, &client, &[("scope", wrong)]);
        answer.assert_error(400, "invalid_scope");
        let description = text(&answer.json()["error_description"]);
        // RFC 6749 §5.2: what a description may hold.
        assert!(description.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)));
    }
}

fn privileged_scopes_are_asked_for_by_name_and_held_by_role(engine: Engine) {
    let test = TestServer::start(engine);
    let scope = Some(Scope::parse("read clients:read clients:write admin").unwrap());
    let without = test.client(ClientMembers { scope: scope.clone(), ..members("without") });
    let support = ClientMembers { scope, roles: Some(vec!["support".to_owned()]), ..members("support") };
    let support = test.client(support);
    for client in [&without, &support] {
        assert_eq!(ask(&test, client, &[]).json()["scope"], "read");
    }
    let refused = ask(&test, &without, &[("scope", "clients:read")]);
    refused.assert_error(400, "invalid_scope");
    assert_eq!(refused.json()["error_description"], "nothing of the requested scope can be granted here");
    let admin = format!("{}/v1", test.server.config.server.issuer);
    let held = granted(&ask(&test, &support, &[("scope", "clients:read")]));
    assert_eq!((&held["scope"], &held["aud"]), (&json!("clients:read"), &json!(admin)));
    assert_eq!(ask(&test, &support, &[("scope", "clients:read clients:write")]).json()["scope"], "clients:read");
    ask(&test, &support, &[("scope", "clients:write")]).assert_error(400, "invalid_scope");
    ask(&test, &support, &[("scope", "admin")]).assert_error(400, "invalid_scope");
}

const BOOKS: &str = "https://books.example/api";
const SHOPS: &str = "https://shops.example";

fn two_resources(test: &TestServer) -> TestClient {
    test.client(ClientMembers {
        resources: Some([BOOKS, SHOPS].map(|text| Resource::parse(text).unwrap()).to_vec()),
        scope: Some(Scope::parse("read shop").unwrap()),
        ..members("machine")
    })
}

fn resource_chooses_the_audience(engine: Engine) {
    let test = TestServer::start(engine);
    let client = two_resources(&test);
    let audience = |further: &[(&str, &str)]| granted(&ask(&test, &client, further))["aud"].clone();
    assert_eq!(audience(&[]), BOOKS);
    assert_eq!(audience(&[("resource", SHOPS)]), SHOPS);
    assert_eq!(audience(&[("resource", SHOPS), ("resource", BOOKS)]), json!([SHOPS, BOOKS]));
    for wrong in ["https://other.example", "https://books.example/api/", "relative", "https://books.example/api#x"] {
        ask(&test, &client, &[("resource", wrong)]).assert_error(400, "invalid_target");
        ask(&test, &client, &[("resource", SHOPS), ("resource", wrong)]).assert_error(400, "invalid_target");
    }
    let answer = ask(&test, &client, &[("resource", "https://other.example")]);
    assert_eq!(answer.json()["error_description"], "the client is not registered for the requested resource");
}

fn a_scope_of_a_resource_brings_its_audience(engine: Engine) {
    let test = TestServer::start(engine);
    let shop = NewScope {
        name: "shop".to_owned(),
        description: "Buy things".to_owned(),
        resource: Some(Resource::parse(SHOPS).unwrap()),
        privileged: false,
    };
    scopes::create(&test.server, &Caller::command_line(), shop).unwrap();
    let client = two_resources(&test);
    let get = |further: &[(&str, &str)]| {
        let claims = granted(&ask(&test, &client, further));
        (claims["aud"].clone(), text(&claims["scope"]))
    };
    assert_eq!(get(&[]), (json!([BOOKS, SHOPS]), "read shop".to_owned()));
    assert_eq!(get(&[("scope", "shop")]), (json!(SHOPS), "shop".to_owned()));
    // A token for one resource does not carry the scopes of another.
    assert_eq!(get(&[("resource", BOOKS)]), (json!(BOOKS), "read".to_owned()));
    assert_eq!(get(&[("resource", SHOPS)]), (json!(SHOPS), "read shop".to_owned()));
    ask(&test, &client, &[("resource", BOOKS), ("scope", "shop")]).assert_error(400, "invalid_scope");
}

fn a_grant_that_is_not_registered_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let machine = test.client(members("machine"));
    let code_only = Some(vec![GrantType::AuthorizationCode]);
    let web = test.client(ClientMembers { grant_types: code_only, ..confidential_members("web") });
    let refused = [
        ask(&test, &web, &[]),
        test.token(&web, &[("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)]),
        test.token(&web, &[("grant_type", "refresh_token"), ("refresh_token", "rt_x")]),
        test.token(&machine, &[("grant_type", "authorization_code"), ("code", "ac_x")]),
    ];
    for answer in refused {
        answer.assert_error(400, "unauthorized_client");
        assert_eq!(answer.json()["error_description"], "the client is not registered for this grant");
        assert_eq!(answer.header("www-authenticate"), "");
    }
}

fn lifetimes_by_client_environment_and_server(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        let of_test =
            EnvironmentConfig { access_token_lifetime: Some(Duration::from_secs(120)), ..EnvironmentConfig::default() };
        config.environments.0.insert("test".to_owned(), of_test);
    });
    let client = |id: &str, environment: &str, lifetime: Option<u32>| {
        test.client(ClientMembers {
            environment: Some(environment.to_owned()),
            access_token_lifetime: Some(lifetime),
            ..members(id)
        })
    };
    let lifetime = |client: &TestClient| {
        let answer = ask(&test, client, &[]);
        let claims = granted(&answer);
        let expires_in = answer.json()["expires_in"].as_i64().unwrap();
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), expires_in);
        (expires_in, text(&claims["env"]))
    };
    assert_eq!(lifetime(&client("live", "live", None)), (900, "live".to_owned()));
    assert_eq!(lifetime(&client("live-own", "live", Some(3600))), (3600, "live".to_owned()));
    assert_eq!(lifetime(&client("test", "test", None)), (120, "test".to_owned()));
    let own = client("test-own", "test", Some(60));
    assert_eq!(lifetime(&own), (60, "test".to_owned()));
    let back = ClientMembers { access_token_lifetime: Some(None), ..ClientMembers::default() };
    clients::update(&test.server, &Caller::command_line(), "test-own", back).unwrap();
    assert_eq!(lifetime(&own).0, 120);
}

fn issuance_is_audited_by_setting_and_always_counted(engine: Engine) {
    for audited in [false, true] {
        let test = TestServer::start_with(engine, |config| config.audit.token_issuance = audited);
        let client = test.client(members("machine"));
        let claims = granted(&ask(&test, &client, &[]));
        let counted = test.server.metrics.encode().unwrap();
        assert!(counted.contains("\ngrantor_tokens_issued_total{grant_type=\"client_credentials\"} 1\n"), "{counted}");
        let events = test.events("token.issued");
        assert_eq!(events.len(), usize::from(audited));
        for event in events {
            assert_eq!((event.outcome.as_str(), event.actor_kind.as_str()), ("success", "client"));
            assert_eq!(event.actor_id.as_deref(), Some("machine"));
            assert_eq!(event.client_id.as_deref(), Some("machine"));
            assert_eq!(event.target_kind.as_deref(), Some("access_token"));
            assert_eq!(event.target_id, Some(text(&claims["jti"])));
            assert_eq!(event.address.as_deref(), Some("127.0.0.1"));
            assert_eq!(event.occurred_at, start_time());
        }
    }
}

/// A token request with these Content-Type headers and this body.
fn send(test: &TestServer, client: &TestClient, content_types: &[&str], body: String) -> Answer {
    let mut request = http_client().post(test.url("/oauth/token"));
    for content_type in content_types {
        request = request.header("content-type", *content_type);
    }
    Answer::of(request.basic_auth(&client.id, client.secret.as_ref()).body(body))
}

const FORM: &str = "application/x-www-form-urlencoded";

fn requests_that_cannot_be_read_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(members("machine"));
    let send = |content_types: &[&str], body: &str| send(&test, &client, content_types, body.to_owned());
    let good = "grant_type=client_credentials";
    assert_eq!(send(&["Application/X-WWW-Form-URLencoded; charset=utf-8"], good).status, 200);
    assert_eq!(send(&[FORM], &format!("&&{good}&unknown=1&unknown=2&")).status, 200);
    for content_types in [&[][..], &["application/json"], &["text/plain"], &[FORM, FORM]] {
        let answer = send(content_types, good);
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["error_description"], "the body must be application/x-www-form-urlencoded");
    }
    let refused = [
        ("", "invalid_request", "parameter 'grant_type' is missing"),
        ("grant_type=", "invalid_request", "parameter 'grant_type' is missing"),
        ("grant_type=x", "unsupported_grant_type", "this grant_type is not supported"),
        ("grant_type=implicit", "unsupported_grant_type", "this grant_type is not supported"),
        ("grant_type=password&grant_type=password", "invalid_request", "parameter 'grant_type' is repeated"),
        ("grant_type=client_credentials&scope=read&scope=write", "invalid_request", "parameter 'scope' is repeated"),
        ("grant_type=client_credentials&x=%00", "invalid_request", "a parameter holds a NUL character"),
        ("grant_type=client_credentials&x=%ff", "invalid_request", "a parameter is not UTF-8"),
        ("grant_type=authorization_code", "invalid_request", "parameter 'code' is missing"),
        ("grant_type=authorization_code&code=x&code=y", "invalid_request", "parameter 'code' is repeated"),
        (
            "grant_type=authorization_code&code=x&code_verifier=short",
            "invalid_request",
            "parameter 'code_verifier' is malformed",
        ),
        ("grant_type=refresh_token", "invalid_request", "parameter 'refresh_token' is missing"),
    ];
    for (body, error, description) in refused {
        let answer = send(&[FORM], body);
        answer.assert_error(400, error);
        assert_eq!(answer.json()["error_description"], description, "{body}");
    }
}

fn a_body_may_have_64_kib(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(members("machine"));
    let send = |length: usize| {
        let start = "grant_type=client_credentials&padding=";
        send(&test, &client, &[FORM], format!("{start}{}", "x".repeat(length - start.len())))
    };
    assert_eq!(send(64 * 1024).status, 200);
    for length in [64 * 1024 + 1, 200 * 1024] {
        let answer = send(length);
        answer.assert_error(413, "invalid_request");
        assert_eq!(answer.json()["error_description"], "the body must have at most 64 KiB");
    }
}
