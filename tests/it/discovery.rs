//! What the server publishes of itself (RFC 8414, RFC 7517 §5), who may read it from a browser, and how it answers what it
//! does not serve.

use grantor::config::HiddenText;
use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::protocol::origin::Origin;
use grantor::protocol::signing_alg::SigningAlg;
use insta::{allow_duplicates, assert_json_snapshot};
use reqwest::Method;
use serde_json::Value;

use crate::support::*;

on_both!(
    the_metadata_document,
    the_openid_document_is_the_same,
    an_issuer_with_a_path_is_found_by_each_form,
    the_jwks_document,
    error_bodies,
    documents_have_validators,
    the_jwks_changes_with_the_keys,
    head_answers_like_get,
    registered_origins_may_read,
    other_origins_may_not,
    addresses_and_methods_that_do_not_exist,
    health,
    metrics_are_behind_their_token,
    metrics_do_not_exist_without_a_token,
);

const METADATA: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/.well-known/jwks.json";

/// A request with these headers.
fn send(test: &TestServer, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = http_client().request(method, test.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request)
}

fn get(test: &TestServer, path: &str) -> Answer {
    send(test, Method::GET, path, &[])
}

/// The JSON of an answer, with the issuer written as ISSUER.
fn stable(test: &TestServer, answer: &Answer) -> Value {
    serde_json::from_str(&answer.body.replace(&test.server.config.server.issuer, "ISSUER")).unwrap()
}

fn the_metadata_document(engine: Engine) {
    let test = TestServer::start(engine);
    for (name, privileged) in [("books:read", false), ("books:burn", true)] {
        let new = NewScope { name: name.to_owned(), description: "Books".to_owned(), resource: None, privileged };
        scopes::create(&test.server, &Caller::command_line(), new).unwrap();
    }
    let answer = get(&test, METADATA);
    assert_eq!((answer.status.as_u16(), answer.header("content-type").as_str()), (200, "application/json"));
    allow_duplicates! {
        assert_json_snapshot!(stable(&test, &answer), @r#"
    {
      "acr_values_supported": [
        "1"
      ],
      "authorization_endpoint": "ISSUER/oauth/authorize",
      "authorization_response_iss_parameter_supported": true,
      "backchannel_logout_session_supported": true,
      "backchannel_logout_supported": true,
      "claim_types_supported": [
        "normal"
      ],
      "claims_parameter_supported": true,
      "claims_supported": [
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "sid",
        "at_hash",
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
        "email",
        "email_verified",
        "address",
        "phone_number",
        "phone_number_verified"
      ],
      "code_challenge_methods_supported": [
        "S256"
      ],
      "device_authorization_endpoint": "ISSUER/oauth/device_authorization",
      "display_values_supported": [
        "page"
      ],
      "end_session_endpoint": "ISSUER/logout",
      "frontchannel_logout_session_supported": true,
      "frontchannel_logout_supported": true,
      "grant_types_supported": [
        "authorization_code",
        "refresh_token",
        "password",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:grantor:params:oauth:grant-type:workflow",
        "urn:ietf:params:oauth:grant-type:device_code"
      ],
      "id_token_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA"
      ],
      "introspection_endpoint": "ISSUER/oauth/introspect",
      "introspection_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt"
      ],
      "introspection_endpoint_auth_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA",
        "HS256"
      ],
      "issuer": "ISSUER",
      "jwks_uri": "ISSUER/.well-known/jwks.json",
      "prompt_values_supported": [
        "none",
        "login",
        "consent",
        "select_account"
      ],
      "pushed_authorization_request_endpoint": "ISSUER/oauth/par",
      "request_object_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA"
      ],
      "request_parameter_supported": false,
      "request_uri_parameter_supported": false,
      "require_pushed_authorization_requests": false,
      "require_request_uri_registration": false,
      "response_modes_supported": [
        "query",
        "form_post"
      ],
      "response_types_supported": [
        "code"
      ],
      "revocation_endpoint": "ISSUER/oauth/revoke",
      "revocation_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "none"
      ],
      "revocation_endpoint_auth_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA",
        "HS256"
      ],
      "scopes_supported": [
        "address",
        "books:read",
        "email",
        "offline_access",
        "openid",
        "phone",
        "profile"
      ],
      "subject_types_supported": [
        "public",
        "pairwise"
      ],
      "token_endpoint": "ISSUER/oauth/token",
      "token_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "none"
      ],
      "token_endpoint_auth_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA",
        "HS256"
      ],
      "ui_locales_supported": [
        "en",
        "de"
      ],
      "userinfo_endpoint": "ISSUER/oauth/userinfo",
      "userinfo_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA"
      ]
    }
    "#);
    }
}

fn the_openid_document_is_the_same(engine: Engine) {
    let test = TestServer::start(engine);
    let (oauth, openid) = (get(&test, METADATA), get(&test, OPENID));
    assert_eq!((openid.status.as_u16(), &openid.body), (200, &oauth.body));
    assert_eq!(openid.header("content-type"), "application/json");
    let document = openid.json();
    // Discovery §3 and §4.3: what must be there.
    for member in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "scopes_supported",
        "claims_supported",
        "grant_types_supported",
    ] {
        assert!(document.get(member).is_some(), "{member}");
    }
    for (member, value) in document.as_object().unwrap() {
        let is_address = member.ends_with("_endpoint") || member.ends_with("_uri");
        assert!(!is_address || text(value).starts_with(&test.server.config.server.issuer), "{member}");
        let lists_none = value.as_array().is_some_and(|values| values.contains(&Value::from("none")));
        assert!(!lists_none || !member.contains("_signing_alg_"), "{member}");
    }
}

fn an_issuer_with_a_path_is_found_by_each_form(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.server.issuer.push_str("/tenant"));
    let origin = format!("http://{}", test.server.config.server.bind);
    for path in [
        "/tenant/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/tenant",
    ] {
        let document = Answer::of(http_client().get(format!("{origin}{path}"))).json();
        assert_eq!(document["issuer"], test.server.config.server.issuer, "{path}");
        assert_eq!(document["userinfo_endpoint"], format!("{origin}/tenant/oauth/userinfo"));
    }
    assert_eq!(Answer::of(http_client().get(format!("{origin}/.well-known/openid-configuration"))).status, 404);
}

fn the_jwks_document(engine: Engine) {
    let test = TestServer::start(engine);
    let answer = get(&test, JWKS);
    assert_eq!((answer.status.as_u16(), answer.header("content-type").as_str()), (200, "application/json"));
    let mut set = answer.json();
    let keys = set["keys"].as_array().unwrap().clone();
    for (key, replaced) in keys.iter().zip(set["keys"].as_array_mut().unwrap()) {
        assert_eq!(text(&key["kid"]).len(), 43);
        replaced["kid"] = "KID".into();
        for (member, length) in [("n", 342), ("x", 43), ("y", 43)] {
            if let Some(value) = key.get(member) {
                assert_eq!(text(value).len(), length, "{key}");
                replaced[member] = member.to_uppercase().into();
            }
        }
    }
    allow_duplicates! {
        assert_json_snapshot!(set, @r#"
    {
      "keys": [
        {
          "alg": "RS256",
          "e": "AQAB",
          "kid": "KID",
          "kty": "RSA",
          "n": "N",
          "use": "sig"
        },
        {
          "alg": "PS256",
          "e": "AQAB",
          "kid": "KID",
          "kty": "RSA",
          "n": "N",
          "use": "sig"
        },
        {
          "alg": "ES256",
          "crv": "P-256",
          "kid": "KID",
          "kty": "EC",
          "use": "sig",
          "x": "X",
          "y": "Y"
        },
        {
          "alg": "EdDSA",
          "crv": "Ed25519",
          "kid": "KID",
          "kty": "OKP",
          "use": "sig",
          "x": "X"
        }
      ]
    }
    "#);
    }
    // Nothing private, whatever members there are.
    for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(keys.iter().all(|key| key.get(member).is_none()), "{member}");
    }
}

fn error_bodies(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let wrong = TestClient { secret: Some("wrong".to_owned()), ..client.clone() };
    let bodies = [
        test.token(&wrong, &[("grant_type", "client_credentials")]).json(),
        test.token(&client, &[("grant_type", "x")]).json(),
        test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", "x")]).json(),
        get(&test, "/nothing").json(),
        get(&test, "/v1/clients").json(),
    ];
    allow_duplicates! {
        assert_json_snapshot!(bodies, @r#"
    [
      {
        "error": "invalid_client",
        "error_description": "client authentication failed"
      },
      {
        "error": "unsupported_grant_type",
        "error_description": "this grant_type is not supported"
      },
      {
        "error": "invalid_grant",
        "error_description": "the refresh token is not valid"
      },
      {
        "code": "not_found",
        "detail": "there is nothing at this address",
        "status": 404,
        "title": "Not Found",
        "type": "about:blank"
      },
      {
        "code": "invalid_request",
        "detail": "an access token is required",
        "status": 401,
        "title": "Unauthorized",
        "type": "about:blank"
      }
    ]
    "#);
    }
}

fn documents_have_validators(engine: Engine) {
    let test = TestServer::start(engine);
    for path in [METADATA, JWKS] {
        let answer = get(&test, path);
        let etag = answer.header("etag");
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10, "{etag}");
        // A third of publish_ahead at most, so that a key is in every cache before it signs.
        assert_eq!(answer.header("cache-control"), "public, max-age=900");
        assert_eq!(answer.header("vary"), "Origin");
        let weak = format!("W/{etag}");
        let several = format!("\"x\", {etag} ,\"y\"");
        for matching in [etag.as_str(), &weak, &several, "*"] {
            let unchanged = send(&test, Method::GET, path, &[("if-none-match", matching)]);
            assert_eq!((unchanged.status.as_u16(), unchanged.body.as_str()), (304, ""), "{matching}");
            assert_eq!(unchanged.header("etag"), etag);
            assert_eq!(unchanged.header("cache-control"), "public, max-age=900");
        }
        let lines = send(&test, Method::GET, path, &[("if-none-match", "\"x\""), ("if-none-match", &etag)]);
        assert_eq!(lines.status, 304);
        for other in ["\"x\"", "", "garbage", etag.trim_matches('"')] {
            let changed = send(&test, Method::GET, path, &[("if-none-match", other)]);
            assert_eq!((changed.status.as_u16(), &changed.body), (200, &answer.body), "{other}");
        }
        // Every instance gives the same.
        let sibling = send(&test.sibling(), Method::GET, path, &[("if-none-match", &etag)]);
        assert_eq!(sibling.status, 304);
    }
}

fn the_jwks_changes_with_the_keys(engine: Engine) {
    let test = TestServer::start(engine);
    let kids = |answer: &Answer| -> Vec<String> {
        let keys = answer.json()["keys"].as_array().unwrap().clone();
        keys.iter().filter(|key| key["alg"] == "RS256").map(|key| text(&key["kid"])).collect()
    };
    let before = get(&test, JWKS);
    let rotate =
        |mode| signing_keys::rotate(&test.server, &Caller::command_line(), mode, SigningAlg::RS256).unwrap().kid;
    let old = kids(&before)[0].clone();
    // Published before it signs.
    let new = rotate(RotationMode::Scheduled);
    let both = get(&test, JWKS);
    assert_ne!(both.header("etag"), before.header("etag"));
    let mut published = kids(&both);
    published.sort();
    let mut expected = vec![old.clone(), new.clone()];
    expected.sort();
    assert_eq!(published, expected);
    let client = test.confidential();
    let signer = || {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let token = text(&test.token(&client, &[("grant_type", "client_credentials")]).json()["access_token"]);
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        text(&serde_json::from_slice::<Value>(&header).unwrap()["kid"])
    };
    assert_eq!(signer(), old);
    test.advance(86_400 - 1);
    assert_eq!(signer(), old);
    test.advance(1);
    assert_eq!(signer(), new);
    // The old one stays until its last token can have expired: access_token_max_lifetime, a day.
    test.advance(86_400 - 1);
    assert_eq!(kids(&get(&test, JWKS)).len(), 2);
    test.advance(1);
    assert_eq!(kids(&get(&test, JWKS)), [new]);
}

fn head_answers_like_get(engine: Engine) {
    let test = TestServer::start(engine);
    for path in [METADATA, JWKS, "/health/live", "/health/ready"] {
        let (full, head) = (get(&test, path), send(&test, Method::HEAD, path, &[]));
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""), "{path}");
        for name in ["content-type", "cache-control", "etag", "vary", "content-length"] {
            assert_eq!(head.header(name), full.header(name), "{path} {name}");
        }
    }
}

const ORIGIN: &str = "https://app.example";

fn with_origins(test: &TestServer, client_id: &str, origins: &[&str]) -> TestClient {
    let origins = origins.iter().map(|origin| Origin::parse(origin).unwrap()).collect();
    test.client(ClientMembers { allowed_origins: Some(origins), ..public_members(client_id) })
}

fn registered_origins_may_read(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    with_origins(&test, "app", &[ORIGIN, "http://localhost:3000"]);
    for origin in [ORIGIN, "http://localhost:3000"] {
        for path in [METADATA, JWKS, "/oauth/token", "/oauth/revoke"] {
            let asked = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization"),
            ];
            let preflight = send(&test, Method::OPTIONS, path, &asked);
            assert_eq!((preflight.status.as_u16(), preflight.body.as_str()), (204, ""), "{path}");
            assert_eq!(preflight.header("access-control-allow-origin"), origin);
            assert_eq!(preflight.header("access-control-allow-methods"), "GET, POST");
            assert_eq!(preflight.header("access-control-allow-headers"), "authorization, content-type");
            assert_eq!(preflight.header("access-control-max-age"), "600");
            assert_eq!(preflight.header("access-control-allow-credentials"), "");
            assert_eq!(preflight.header("vary"), "Origin");
        }
        for path in [METADATA, JWKS] {
            let answer = send(&test, Method::GET, path, &[("origin", origin)]);
            assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin").as_str()), (200, origin));
            assert_eq!(answer.header("vary"), "Origin");
        }
        // A refusal is read too, and so are the headers that say what to do.
        for path in ["/oauth/token", "/oauth/revoke"] {
            let request = http_client().post(test.url(path)).header("origin", origin);
            let answer = Answer::of(request.form(&[("grant_type", "refresh_token")]));
            assert!(answer.status.is_client_error(), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-expose-headers"), "retry-after, www-authenticate");
            assert_eq!(answer.header("vary"), "Origin");
        }
    }
}

#[track_caller]
fn assert_not_allowed(answer: &Answer) {
    for (name, _) in &answer.headers {
        assert!(!name.as_str().starts_with("access-control-"), "{name}");
    }
}

fn other_origins_may_not(engine: Engine) {
    let test = TestServer::start(engine);
    let client = with_origins(&test, "app", &[ORIGIN]);
    let everywhere = |origin: &str| {
        let mut answers: Vec<Answer> = [METADATA, JWKS]
            .map(|path| send(&test, Method::GET, path, &[("origin", origin)]))
            .into_iter()
            .inspect(|answer| assert_eq!(answer.status, 200))
            .collect();
        for path in [METADATA, JWKS, "/oauth/token", "/oauth/revoke"] {
            answers.push(send(&test, Method::OPTIONS, path, &[("origin", origin)]));
        }
        answers.push(send(&test, Method::POST, "/oauth/token", &[("origin", origin)]));
        answers
    };
    let others = [
        "null",
        "https://evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example/",
        "https://app.example.evil.example",
        "https://APP.example",
        "*",
        "%",
        "",
    ];
    for origin in others {
        for answer in everywhere(origin) {
            assert_not_allowed(&answer);
            assert_eq!(answer.header("vary"), "Origin", "{origin}");
        }
    }
    // Endpoints that only servers and people call know no CORS at all.
    for path in ["/oauth/introspect", "/oauth/authorize", "/login", "/v1/clients", "/health/live"] {
        assert_not_allowed(&send(&test, Method::OPTIONS, path, &[("origin", ORIGIN)]));
        assert_not_allowed(&send(&test, Method::POST, path, &[("origin", ORIGIN)]));
        assert_not_allowed(&send(&test, Method::GET, path, &[("origin", ORIGIN)]));
    }
    // With its client goes the origin, unless another still has it.
    let set = |id: &str, status| clients::set_status(&test.server, &Caller::command_line(), id, status).unwrap();
    let allowed = || everywhere(ORIGIN).iter().all(|answer| answer.header("access-control-allow-origin") == ORIGIN);
    assert!(allowed());
    set(&client.id, Status::Inactive);
    everywhere(ORIGIN).iter().for_each(assert_not_allowed);
    set(&client.id, Status::Active);
    assert!(allowed());
    with_origins(&test, "other", &[ORIGIN]);
    set(&client.id, Status::Revoked);
    assert!(allowed());
    let without = ClientMembers { allowed_origins: Some(Vec::new()), ..ClientMembers::default() };
    clients::update(&test.server, &Caller::command_line(), "other", without).unwrap();
    everywhere(ORIGIN).iter().for_each(assert_not_allowed);
}

fn addresses_and_methods_that_do_not_exist(engine: Engine) {
    let test = TestServer::start(engine);
    for path in
        ["/", "/oauth", "/oauth/token/", "/oauth/Token", "/.well-known/", "/v1/nothing", "/static/../Cargo.toml"]
    {
        for method in [Method::GET, Method::POST] {
            // A browser has a page there.
            if path == "/" && method == Method::POST {
                continue;
            }
            let answer = send(&test, method, path, &[]);
            assert_eq!(
                (answer.status.as_u16(), answer.header("content-type").as_str()),
                (404, "application/problem+json")
            );
            assert_eq!(answer.json()["code"], "not_found");
        }
    }
    let wrong: [(Method, &str); 10] = [
        (Method::POST, "/"),
        (Method::GET, "/oauth/token"),
        (Method::GET, "/oauth/introspect"),
        (Method::GET, "/oauth/revoke"),
        (Method::PUT, "/oauth/token"),
        (Method::DELETE, "/oauth/authorize"),
        (Method::POST, METADATA),
        (Method::POST, JWKS),
        (Method::PUT, "/login"),
        (Method::POST, "/health/live"),
    ];
    for (method, path) in wrong {
        let answer = send(&test, method.clone(), path, &[]);
        assert_eq!(answer.status, 405, "{method} {path}");
        // RFC 9110 §15.5.6: must say what is allowed.
        assert_ne!(answer.header("allow"), "", "{method} {path}");
        assert_eq!(answer.json()["code"], "method_not_allowed", "{method} {path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
}

fn health(engine: Engine) {
    let test = TestServer::start(engine);
    for (path, body) in [("/health/live", "ok\n"), ("/health/ready", "ready\n")] {
        let answer = get(&test, path);
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, body));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

fn metrics_are_behind_their_token(engine: Engine) {
    let token = "a-long-enough-token";
    let test = TestServer::start_with(engine, |config| config.metrics.token = Some(HiddenText(token.to_owned())));
    let client = test.confidential();
    test.token(&client, &[("grant_type", "client_credentials")]);
    test.token(&client, &[("grant_type", "x")]);
    for headers in [
        &[][..],
        &[("authorization", "Bearer wrong")],
        &[("authorization", "Bearer ")],
        &[("authorization", token)],
        &[("authorization", "Basic YTpi")],
    ] {
        let refused = send(&test, Method::GET, "/metrics", headers);
        assert_eq!((refused.status.as_u16(), refused.json()["code"].as_str()), (401, Some("invalid_token")));
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"metrics\"");
    }
    let bearer = format!("Bearer {token}");
    let answer = send(&test, Method::GET, "/metrics", &[("authorization", &bearer)]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    for line in [
        "grantor_http_requests_total{endpoint=\"token\",status=\"200\"} 1",
        "grantor_http_requests_total{endpoint=\"token\",status=\"400\"} 1",
        "grantor_http_requests_total{endpoint=\"metrics\",status=\"401\"} 5",
        "grantor_tokens_issued_total{grant_type=\"client_credentials\"} 1",
        "grantor_denials_total{error=\"unsupported_grant_type\"} 1",
    ] {
        assert!(answer.body.lines().any(|held| held == line), "no {line} in {}", answer.body);
    }
    assert!(answer.body.ends_with("# EOF\n"));
}

fn metrics_do_not_exist_without_a_token(engine: Engine) {
    let test = TestServer::start(engine);
    let answer = send(&test, Method::GET, "/metrics", &[("authorization", "Bearer x")]);
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (404, Some("not_found")));
}
