//! Every door with every state of an access key: the code, the status, the headers and the body, exactly.

use grantor::domain::client::Status;
use grantor::domain::credential::Verdict;
use grantor::flows::access_keys::NewAccessKey;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::doors_support::*;
use crate::support::*;

on_both!(
    a_hidden_address_is_on_no_allow_list,
    verification_of_every_state,
    introspection_of_every_state,
    forward_authentication_of_every_state,
    exchange_of_every_state,
    the_admin_api_with_every_state,
    two_credentials_at_once,
    what_forward_authentication_is_asked_wrongly,
    revocation_counts_at_once_on_every_instance,
);

/// The identity headers: every answer to a proxy has them all.
const IDENTITY: [&str; 11] = [
    "x-auth-subject",
    "x-auth-credential-id",
    "x-auth-credential-type",
    "x-auth-owner-type",
    "x-auth-client-id",
    "x-auth-username",
    "x-auth-roles",
    "x-auth-scopes",
    "x-auth-environment",
    "x-auth-projects",
    "x-auth-plan",
];

fn verification_of_every_state(engine: Engine) {
    let world = World::start(engine);
    for case in world.key_cases(None, "orders:read", "orders:write") {
        let address = case.from.rsplit(", ").next().unwrap();
        let asked = json!({ "credential": case.secret, "scopes": ["orders:read"], "project": "alpha", "ip": address,
            "method": "GET", "path": "/orders/7" });
        if case.verdict == Verdict::RateLimitExceeded {
            assert_eq!(world.verify(&asked).json()["code"], "valid");
        }
        let answer = world.verify(&asked);
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store".to_owned()));
        let body = answer.json();
        let valid = case.verdict == Verdict::Valid;
        assert_eq!((&body["valid"], &body["code"]), (&json!(valid), &json!(case.verdict.as_str())), "{}", case.name);
        match case.verdict {
            Verdict::RateLimitExceeded => {
                assert_eq!(
                    (&body["message"], &body["retry_after"]),
                    (&json!("Rate limit of 1 requests/minute exceeded"), &json!(60))
                );
                let limit = json!({ "window_seconds": 60, "limit": 1, "remaining": 0,
                    "reset": test_time(&world) + 60 });
                assert_eq!(body["limits"], json!([limit]));
            }
            verdict => assert_eq!(body["message"], verdict.public_text(), "{}", case.name),
        }
        // Of what is not known, and of what belongs to another environment, nothing more is said.
        let members = body.as_object().unwrap().len();
        let told = !matches!(case.verdict, Verdict::Unknown | Verdict::WrongEnvironment);
        assert_eq!(members > 3, told, "{}: {body}", case.name);
        let missing = if case.name == "missing scope" { json!(["orders:read"]) } else { json!([]) };
        assert_eq!(body.get("missing_scopes").unwrap_or(&json!([])), &missing, "{}", case.name);
        let rotating = case.name == "in grace" || case.name == "past grace";
        assert_eq!(body.get("rotating").is_some_and(|rotating| rotating == true), rotating, "{}", case.name);
    }
    // Neither the header of the API server's own request nor its own address is the end client's.
    let cases = world.key_cases(None, "orders:read", "orders:write");
    let office = cases.iter().find(|case| case.name == "right address").unwrap();
    let request = http_client().post(world.test.url("/v1/verify")).header("x-forwarded-for", OFFICE);
    let request = request.basic_auth(&world.api.id, world.api.secret.as_ref());
    let answer = Answer::of(request.json(&json!({ "credential": office.secret })));
    assert_eq!(answer.json()["code"], "address_not_allowed");
}

/// Whoever hides is neither the proxy nor who stands left of it in the header.
fn a_hidden_address_is_on_no_allow_list(engine: Engine) {
    let world = World::start(engine);
    let network = |network: &str| vec![network.parse().unwrap()];
    for (list, line) in [(network("203.0.113.0/24"), OFFICE), (network("127.0.0.0/8"), "127.0.0.1")] {
        let key = world.key(NewAccessKey { allowed_addresses: Some(list), ..key_members("near", &["orders:read"]) });
        let ask = |lines: &[&[u8]]| {
            let mut request = http_client().get(world.test.url("/v1/forward-auth/caddy"));
            for line in lines {
                request = request.header("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
            }
            Answer::of(request.header("x-api-key", &key.secret)).status.as_u16()
        };
        assert_eq!(ask(&[line.as_bytes()]), 200);
        let one_line = [line.as_bytes(), b", \xe9"].concat();
        for lines in [&[b"\xe9".as_slice()][..], &[b"unknown"], &[&one_line], &[line.as_bytes(), b"\xe9"]] {
            assert_eq!(ask(lines), 403, "{lines:?}");
        }
    }
}

fn test_time(world: &World) -> i64 {
    world.test.clock.now().timestamp()
}

fn introspection_of_every_state(engine: Engine) {
    let world = World::start(engine);
    for case in world.key_cases(None, "orders:read", "orders:write") {
        let answer = world.test.post_as(&world.api, "/oauth/introspect", &[("token", &case.secret)]);
        assert_eq!(answer.status, 200);
        // It knows neither address nor scope nor project, and counts nothing: those are for doors that do.
        let standing = [
            Verdict::Valid,
            Verdict::AddressNotAllowed,
            Verdict::InsufficientScope,
            Verdict::WrongProject,
            Verdict::RateLimitExceeded,
        ];
        let active = standing.contains(&case.verdict);
        assert_eq!(answer.json()["active"], active, "{}", case.name);
        if !active {
            assert_eq!(answer.json(), json!({ "active": false }), "{}", case.name);
        }
    }
    let key = world.reader();
    let answer = world.test.post_as(&world.api, "/oauth/introspect", &[("token", &key.secret)]).json();
    let issuer = &world.test.server.config.server.issuer;
    let expected = json!({ "active": true, "scope": "orders:read", "client_id": key.id, "token_type": "access_key",
        "sub": key.id, "aud": issuer, "iss": issuer, "jti": key.id, "env": "live" });
    assert_eq!(answer, expected);
    let other = world.test.client(grantor::flows::clients::ClientMembers {
        resources: Some(vec![grantor::protocol::resource::Resource::parse("https://other.example").unwrap()]),
        ..confidential_members("other-api")
    });
    assert!(!world.test.is_active(&other, &key.secret), "a key is not the affair of an API that it is not for");
}

/// The challenge of RFC 6750 §3 for a status and verdict.
fn challenge(case: &Case) -> &'static str {
    match (case.status, case.verdict) {
        (401, _) => "Bearer realm=\"grantor\", error=\"invalid_token\"",
        (_, Verdict::InsufficientScope) => {
            "Bearer realm=\"grantor\", error=\"insufficient_scope\", scope=\"orders:read\""
        }
        _ => "",
    }
}

fn body_of(case: &Case) -> Value {
    let mut error = json!({ "code": case.verdict.as_str(), "message": case.verdict.public_text() });
    match case.verdict {
        Verdict::RateLimitExceeded => {
            error["message"] = json!("Rate limit of 1 requests/minute exceeded");
            error["retry_after"] = json!(60);
        }
        Verdict::InsufficientScope => {
            error["required_scopes"] = json!(["orders:read"]);
            error["scopes"] = json!(["orders:write"]);
        }
        _ => {}
    }
    json!({ "error": error })
}

fn forward_authentication_of_every_state(engine: Engine) {
    let world = World::start(engine);
    let query = "?scope=orders:read&project=alpha";
    for (dialect, rewrites) in [("nginx", true), ("traefik", false), ("caddy", false), ("haproxy", false)] {
        for case in world.key_cases(None, "orders:read", "orders:write") {
            let ask = || world.forward(dialect, query, &[("x-api-key", &case.secret), ("x-forwarded-for", case.from)]);
            if case.verdict == Verdict::RateLimitExceeded {
                assert_eq!(ask().status, 200);
            }
            let answer = ask();
            let status = if rewrites && case.status == 429 { 403 } else { case.status };
            assert_eq!(answer.status.as_u16(), status, "{dialect} {}: {}", case.name, answer.body);
            assert_eq!(answer.header("cache-control"), "no-store");
            for name in IDENTITY {
                let value = answer.headers.get(name).map(HeaderValue::as_bytes);
                assert!(value.is_some_and(|value| status == 200 || value.is_empty()), "{dialect} {} {name}", case.name);
            }
            if status == 200 {
                assert_eq!(
                    (answer.header("x-auth-scopes"), answer.header("x-auth-projects")),
                    ("orders:read".into(), "alpha".into())
                );
                assert_eq!(
                    (answer.header("x-auth-credential-type"), answer.header("x-auth-error")),
                    ("access_key".into(), String::new())
                );
                continue;
            }
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(answer.json(), body_of(&case), "{dialect} {}", case.name);
            assert_eq!(answer.header("x-auth-error"), case.verdict.as_str());
            assert_eq!(answer.header("www-authenticate"), challenge(&case), "{dialect} {}", case.name);
            let over = case.status == 429;
            assert_eq!(answer.header("retry-after"), if over { "60" } else { "" });
            if rewrites {
                assert_eq!(answer.header("x-auth-status"), case.status.to_string());
                assert_eq!(answer.header("x-auth-error-body"), answer.body);
            }
        }
    }
}

fn exchange_of_every_state(engine: Engine) {
    let world = World::start(engine);
    for case in world.key_cases(None, "orders:read", "orders:write") {
        let ask = || world.exchange_from(case.from, &case.secret, &[]);
        if case.verdict == Verdict::RateLimitExceeded {
            assert_eq!(ask().status, 200);
        }
        let answer = ask();
        match case.verdict {
            // A key alone is in its own environment; what it may do is what its token may do.
            Verdict::Valid | Verdict::WrongEnvironment | Verdict::InsufficientScope | Verdict::WrongProject => {
                assert_eq!(answer.status, 200, "{}: {}", case.name, answer.body);
            }
            Verdict::RateLimitExceeded => {
                answer.assert_error(429, "temporarily_unavailable");
                assert_eq!(answer.json()["error_description"], "Rate limit of 1 requests/minute exceeded");
                assert_eq!(
                    (answer.header("retry-after"), answer.header("x-ratelimit-remaining")),
                    ("60".into(), "0".into())
                );
            }
            refused => {
                // RFC 8693 §2.2.2.
                answer.assert_error(400, "invalid_request");
                assert_eq!(answer.json()["error_description"], refused.public_text(), "{}", case.name);
            }
        }
    }
}

fn the_admin_api_with_every_state(engine: Engine) {
    let world = World::start(engine);
    let resource = world.test.server.admin_resource.clone();
    let mut cases = world.key_cases(Some(resource.as_str()), "clients:read", "users:read");
    for case in &mut cases {
        let ask = || world.admin("/v1/clients", &case.secret, case.from);
        if case.verdict == Verdict::RateLimitExceeded {
            let passed = ask();
            assert_eq!((passed.status.as_u16(), passed.header("x-ratelimit-remaining")), (200, "0".to_owned()));
            assert_eq!(passed.header("ratelimit-policy"), "\"minute\";q=1;w=60");
        }
        let answer = ask();
        let (status, code) = match case.verdict {
            // It asks for no project.
            Verdict::Valid | Verdict::WrongProject => (200, json!(null)),
            Verdict::AddressNotAllowed => (403, json!("access_denied")),
            Verdict::InsufficientScope => (403, json!("insufficient_scope")),
            Verdict::RateLimitExceeded => (429, json!("rate_limit_exceeded")),
            _ => (401, json!("invalid_token")),
        };
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (status, &code), "{}: {}", case.name, answer.body);
        if status == 429 {
            assert_eq!(answer.header("retry-after"), "60");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.json()["detail"], "Rate limit of 1 requests/minute exceeded");
            assert_eq!(answer.header("x-ratelimit-limit"), "1");
            assert_eq!(answer.header("ratelimit"), "\"minute\";r=0;t=60");
        } else if case.verdict == Verdict::InsufficientScope {
            let challenge = "Bearer realm=\"grantor\", error=\"insufficient_scope\", scope=\"clients:read\"";
            assert_eq!(answer.header("www-authenticate"), challenge);
        } else if status == 401 {
            let challenge = format!("{}, error=\"invalid_token\"", world.test.bearer_challenge());
            assert_eq!(answer.header("www-authenticate"), challenge);
        }
    }
    // A key for an API is none for the administration.
    let answer = world.admin("/v1/clients", &world.reader().secret, HERE);
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (401, json!("invalid_token")));
    // A token that came from a key is counted as that key.
    let slow = cases.iter().find(|case| case.name == "over limit").unwrap();
    world.test.advance(60);
    let token = text(&world.exchange(&slow.secret, &[]).json()["access_token"]);
    assert_eq!(world.admin("/v1/clients", &token, HERE).status, 429);
    world.test.advance(60);
    assert_eq!(world.admin("/v1/clients", &token, HERE).status, 200);
    assert_eq!(world.admin("/v1/clients", &token, HERE).status, 429);
}

fn two_credentials_at_once(engine: Engine) {
    let world = World::start(engine);
    let key = world.reader();
    let bearer = format!("Bearer {}", key.secret);
    let secret = world.api.secret.as_deref().unwrap();
    let both: [&[(&str, &str)]; 4] = [
        &[("authorization", &bearer), ("x-api-key", &key.secret)],
        &[("x-api-key", &key.secret), ("x-client-id", &world.api.id), ("x-client-secret", secret)],
        &[("authorization", &bearer), ("x-client-id", &world.api.id)],
        &[("x-api-key", &key.secret), ("x-api-key", &key.secret)],
    ];
    for headers in both {
        for (dialect, status) in [("nginx", 401), ("caddy", 400), ("envoy/orders", 400)] {
            let with_query = [headers, &[("x-forward-auth-query", "")]].concat();
            let answer = world.forward(dialect, "", &with_query);
            assert_eq!(answer.status.as_u16(), status, "{headers:?}");
            let message = json!({ "code": "more_than_one_credential", "message": "send one credential, not several" });
            assert_eq!(answer.json(), json!({ "error": message }));
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"grantor\", error=\"invalid_request\"");
            assert_eq!(answer.header("x-auth-error"), "more_than_one_credential");
            assert_eq!(answer.header("x-auth-status"), if dialect == "nginx" { "400" } else { "" });
            assert_eq!(answer.headers.get("x-auth-subject").map(HeaderValue::is_empty), Some(true));
        }
    }
    let asked = json!({ "credential": key.secret, "client_id": world.api.id, "client_secret": secret });
    let answer = world.verify(&asked);
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (400, json!("invalid_request")));
    let answer = world.verify(&json!({ "client_id": world.api.id }));
    assert_eq!(answer.json()["detail"], "send credential, or client_id with client_secret, and not both");
    let twice = [("token", key.secret.as_str()), ("token", &key.secret)];
    world.test.post_as(&world.api, "/oauth/introspect", &twice).assert_error(400, "invalid_request");
    world.exchange(&key.secret, &[("subject_token", &key.secret)]).assert_error(400, "invalid_request");
    // The caller of /v1/verify and of the admin API, too, authenticates once.
    let mut headers = HeaderMap::new();
    for value in [bearer.as_str(), "Basic b3JkZXJzOng="] {
        headers.append("authorization", HeaderValue::from_str(value).unwrap());
    }
    let verify = http_client().post(world.test.url("/v1/verify")).headers(headers.clone());
    assert_eq!(Answer::of(verify.json(&json!({ "credential": "x" }))).status, 400);
    assert_eq!(Answer::of(http_client().get(world.test.url("/v1/clients")).headers(headers)).status, 401);
    // What a proxy would have read beside it does not go unseen, whichever of them would be good.
    let reader = NewAccessKey {
        resources: Some(vec![world.test.server.admin_resource.clone()]),
        ..key_members("admin's", &["clients:read", "credentials:verify", "usage:write"])
    };
    let good = format!("Bearer {}", world.key(reader).secret);
    let get = |headers: &[(&str, &str)]| {
        let request = http_client().get(world.test.url("/v1/clients"));
        Answer::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
    };
    assert_eq!(get(&[("authorization", &good), ("x-api-key", "")]).status, 200);
    for other in ["x-api-key", "x-client-id", "x-client-secret"] {
        for bearer in [good.as_str(), "Bearer nonsense", "Basic b3JkZXJzOng="] {
            let refused = get(&[("authorization", bearer), (other, "x")]);
            assert_eq!(refused.status, 400, "{}", refused.body);
            assert_eq!(refused.json()["code"], "invalid_request");
        }
        assert_eq!(get(&[(other, "x")]).status, 401, "alone it is not looked at here");
        for (path, body) in [("/v1/verify", json!({ "credential": "x" })), ("/v1/usage", json!({ "events": [] }))] {
            let post = || http_client().post(world.test.url(path)).header(other, "x").json(&body);
            for request in [post().header("authorization", &good), post().basic_auth(&world.api.id, Some(secret))] {
                let refused = Answer::of(request);
                assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!("invalid_request")));
            }
        }
        let unreadable = http_client().post(world.test.url("/v1/clients")).header("authorization", &good);
        assert_eq!(Answer::of(unreadable.header(other, "x").body("{")).status, 400);
    }
}

fn what_forward_authentication_is_asked_wrongly(engine: Engine) {
    let world = World::start(engine);
    let key = world.reader();
    // Nothing, and what cannot be read.
    let none = world.forward("nginx", "", &[]);
    assert_eq!((none.status.as_u16(), none.header("www-authenticate")), (401, "Bearer realm=\"grantor\"".to_owned()));
    assert_eq!(none.json()["error"]["code"], "missing_credential");
    let unreadable: [&[(&str, &str)]; 5] = [
        &[("authorization", "Digest username=x")],
        &[("authorization", "Bearer")],
        &[("authorization", "Basic !!!")],
        &[("x-client-id", "orders-api")],
        &[("x-client-secret", "x")],
    ];
    for headers in unreadable {
        let answer = world.forward("nginx", "", headers);
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"]["code"].clone()),
            (401, json!("malformed_credential"))
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"grantor\", error=\"invalid_token\"");
    }
    // The proxy's configuration is wrong: nobody passes.
    let wrong = [
        "?scop=orders:read",
        "?scope=a&scope=b",
        "?env=staging",
        "?audience=no-uri",
        "?cost=1001",
        "?scope=%22",
        "?project=%00",
    ];
    for query in wrong {
        let answer = world.forward_bearer("nginx", query, &key.secret);
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (400, json!("invalid_request")), "{query}");
    }
    for path in ["apache", "nginx/orders", "caddy/"] {
        assert_eq!(world.forward_bearer(path, "", &key.secret).status, 404, "{path}");
    }
    // Audience and environment.
    assert_eq!(
        world.forward_bearer("caddy", "?audience=https%3A%2F%2Fother.example", &key.secret).header("x-auth-error"),
        "wrong_audience"
    );
    assert_eq!(world.forward_bearer("caddy", "?env=test", &key.secret).header("x-auth-error"), "wrong_environment");
    // Envoy: the query is the end client's, and says nothing; the requirement is a header that Envoy sets.
    let bearer = format!("Bearer {}", key.secret);
    let envoy = |path: &str, required: &str| {
        let mut headers = vec![("authorization", bearer.as_str()), ("x-forwarded-for", HERE)];
        headers.push(("x-forward-auth-query", required));
        world.forward("envoy", path, &headers)
    };
    assert_eq!(envoy("/orders/7?page=2&scope=", "scope=orders:read").status, 200);
    assert_eq!(envoy("/orders/7?scope=orders:read", "scope=orders:write").status, 403);
    assert_eq!(envoy("/", "").status, 200);
    assert_eq!(envoy("/", "scop=x").status, 400);
    let bare = [("authorization", bearer.as_str()), ("x-forwarded-for", HERE)];
    assert_eq!(world.forward("envoy", "/orders", &bare).status, 400, "it does not say what is required");
    assert_eq!(envoy("?scope=orders:write/orders", "").status, 400, "a query in path_prefix would not be asked");
    // Strangers may not try credentials here.
    let closed = World::start_with(engine, |config| {
        config.forward_auth.callers = Vec::new();
        config.server.trusted_proxies = Vec::new();
    });
    let answer = closed.forward_bearer("nginx", "", &closed.reader().secret);
    assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (403, json!("access_denied")));
    // A proxy that may ask and is not trusted: nobody knows where the request came from.
    let untrusted = World::start_with(engine, |config| config.server.trusted_proxies = Vec::new());
    let here = grantor::flows::access_keys::NewAccessKey {
        allowed_addresses: Some(vec!["127.0.0.0/8".parse().unwrap(), "192.0.2.0/24".parse().unwrap()]),
        ..key_members("local", &["orders:read"])
    };
    let answer = untrusted.forward_bearer("nginx", "", &untrusted.key(here).secret);
    assert_eq!(answer.header("x-auth-error"), "address_not_allowed");
}

fn revocation_counts_at_once_on_every_instance(engine: Engine) {
    let world = World::start(engine);
    let sibling = world.test.sibling();
    let there = |secret: &str| {
        let request = http_client().post(sibling.url("/v1/verify"));
        let request = request.basic_auth(&world.api.id, world.api.secret.as_ref());
        text(&Answer::of(request.json(&json!({ "credential": secret }))).json()["code"])
    };
    let key = world.reader();
    let token = text(&world.exchange(&key.secret, &[]).json()["access_token"]);
    assert_eq!((there(&key.secret), there(&token)), ("valid".into(), "valid".into()));
    world.set_status(&key, Status::Inactive);
    assert_eq!((there(&key.secret), there(&token)), ("inactive".into(), "inactive".into()));
    world.set_status(&key, Status::Active);
    assert_eq!((there(&key.secret), there(&token)), ("valid".into(), "valid".into()));
    let next = world.rotate(&key, 0);
    assert_eq!((there(&key.secret), there(&next)), ("expired".into(), "valid".into()));
    world.set_status(&key, Status::Revoked);
    assert_eq!((there(&next), there(&token)), ("revoked".into(), "revoked".into()));
}
