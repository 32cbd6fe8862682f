//! AetherFlow, "API Authentication & Security". TLS is in `transport`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::platforms::{Platform, assert_form, assert_refused};
use crate::support::*;

on_both!(
    a_third_party_gets_a_code_and_a_token,
    a_personal_token_is_a_jwt_that_can_be_revoked,
    an_api_key_is_limited_to_operations,
    plans_limit_by_minute_and_hour,
    sensitive_operations_are_kept_to_addresses,
    keys_are_rotated_managed_and_audited,
    nothing_secret_is_stored_in_the_clear,
);

fn started(engine: Engine) -> Platform {
    Platform::start(
        engine,
        "aetherflow",
        "workflows:read workflows:write read:workflows write:workflows execute:workflows",
    )
}

/// fetch('https://api.aetherflow.com/v2/workflows', { headers: { 'Authorization': `Bearer ${AETHERFLOW_JWT_TOKEN}` } })
fn v2(platform: &Platform, scope: &str, token: &str) -> Answer {
    let headers = [("authorization", &*format!("Bearer {token}")), ("content-type", "application/json")];
    platform.call(&format!("env=live&scope={scope}"), "GET /v2/workflows", &headers)
}

/// curl -X GET "https://api.aetherflow.com/v1/workflows" -H "X-API-Key: YOUR_API_KEY"
fn v1(platform: &Platform, scope: &str, key: &str) -> Answer {
    let headers = [("x-api-key", key), ("content-type", "application/json"), ("x-forwarded-for", "203.0.113.9")];
    platform.call(&format!("env=live&scope={scope}"), "GET /v1/workflows", &headers)
}

fn a_third_party_gets_a_code_and_a_token(engine: Engine) {
    let platform = started(engine);
    platform.test.user("ada", &[]);
    let made = platform.post(
        "/v1/clients",
        &json!({
            "client_name": "Third party", "redirect_uris": [REDIRECT_URI], "scope": "workflows:read workflows:write",
            "token_endpoint_auth_method": "client_secret_post", "require_pkce": false,
        }),
    );
    let client = TestClient { id: text(&made["client_id"]), secret: Some(text(&made["client_secret"])) };
    let secret = client.secret.clone().unwrap();
    // `/oauth/authorize?client_id=...&redirect_uri=...&response_type=code&scope=workflows:read workflows:write`
    let query = format!(
        "client_id={}&redirect_uri={}&response_type=code&scope=workflows:read%20workflows:write",
        client.id,
        url::form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect::<String>(),
    );
    let browser = Browser::new(&platform.test);
    let login = browser.get(&format!("/oauth/authorize?{query}"));
    assert!(login.location().path().ends_with("/login"));
    let consent = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert!(consent.location().path().ends_with("/consent"));
    let answered = browser.decide(&query, "allow");
    let code = answered.parameter("code").unwrap_or_else(|| panic!("{answered:?}"));
    let exchange = |extra: &[(&str, &str)]| {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("client_secret", &secret)];
        form.extend(extra);
        Answer::of(http_client().post(platform.test.url("/oauth/token")).form(&form))
    };
    // As the page has it, it lacks client_id (RFC 6749 §2.3.1); and redirect_uri, which was sent before (§4.1.3).
    assert!(exchange(&[]).status.is_client_error());
    assert!(exchange(&[("client_id", &client.id)]).status.is_client_error());
    let answer = exchange(&[("client_id", &client.id), ("redirect_uri", REDIRECT_URI)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = text(&answer.json()["access_token"]);
    assert_eq!(
        (&claims(&token)["scope"], &claims(&token)["roles"]),
        (&json!("workflows:read workflows:write"), &json!([]))
    );
    assert_eq!(v2(&platform, "workflows:read+workflows:write", &token).status, 200);
    assert_eq!(
        platform.api_as(&token, Method::GET, "/v1/workflows", &Value::Null).status,
        401,
        "that API is not this one"
    );
}

/// "Generate tokens from your account settings": an access key of the user, and the JWT that it is exchanged for.
fn a_personal_token_is_a_jwt_that_can_be_revoked(engine: Engine) {
    let platform = started(engine);
    let ada = platform.test.user("ada", &["auditor", "member"]);
    for scope in ["workflows:read", "workflows:write"] {
        platform.post("/v1/scopes", &json!({ "name": scope, "description": "Workflows" }));
    }
    let settings = platform.token_of("ada", "own-access-keys:read own-access-keys:write");
    let body = json!({ "name": "laptop", "scopes": ["workflows:read", "workflows:write"] });
    let made = platform.api_as(&settings, Method::POST, "/v1/access-keys", &body);
    assert_eq!(made.status, 201, "{}", made.body);
    let (id, key) = (text(&made.json()["id"]), text(&made.json()["secret"]));
    let exchange = |scope: &str| {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", key.as_str()),
            ("subject_token_type", "urn:grantor:params:oauth:token-type:access_key"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("scope", scope),
        ];
        Answer::of(http_client().post(platform.test.url("/oauth/token")).form(&form))
    };
    let given = exchange("workflows:read");
    assert_eq!((given.status.as_u16(), &given.json()["expires_in"]), (200, &json!(86_400)), "{}", given.body);
    let jwt = text(&given.json()["access_token"]);
    let header = claims(&format!(".{}", jwt.split('.').next().unwrap()));
    assert_eq!(header["alg"], "RS256");
    let told = claims(&jwt);
    assert_eq!(
        (&told["sub"], &told["scope"], &told["roles"]),
        (&json!(ada), &json!("workflows:read"), &json!(["auditor", "member"]))
    );
    assert_eq!(v2(&platform, "workflows:read", &jwt).status, 200);
    assert_refused(&v2(&platform, "workflows:write", &jwt), 403, "insufficient_scope");
    assert_eq!(exchange("execute:workflows").status, 400, "no more than the key holds");
    // The key itself is a token too.
    assert_eq!(v2(&platform, "workflows:write", &key).header("x-auth-username"), "ada");
    // "Revoke compromised ones immediately."
    let revoked = platform.api_as(&settings, Method::POST, &format!("/v1/access-keys/{id}/revoke"), &json!({}));
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    assert_refused(&v2(&platform, "workflows:read", &jwt), 401, "revoked");
    assert_refused(&v2(&platform, "workflows:read", &key), 401, "revoked");
    assert_eq!(exchange("workflows:read").status, 400);
}

fn an_api_key_is_limited_to_operations(engine: Engine) {
    let platform = started(engine);
    let (_, key) = platform.key(&json!({ "name": "legacy", "scopes": ["read:workflows", "execute:workflows"] }));
    assert_form(&key, "af_live_");
    assert_eq!(v1(&platform, "read:workflows", &key).status, 200);
    assert_eq!(v1(&platform, "execute:workflows", &key).status, 200);
    assert_refused(&v1(&platform, "write:workflows", &key), 403, "insufficient_scope");
    // No word is wider than it says here: `admin` stands for all only where it is configured to.
    let (_, admin) = platform.key(&json!({ "name": "team", "scopes": ["admin"] }));
    assert_eq!(v1(&platform, "admin", &admin).status, 200);
    assert_refused(&v1(&platform, "read:workflows", &admin), 403, "insufficient_scope");
    // "Use different tokens for different environments."
    let (_, test) = platform.key(&json!({ "name": "try", "environment": "test", "scopes": ["read:workflows"] }));
    assert_refused(&v1(&platform, "read:workflows", &test), 401, "wrong_environment");
}

fn plans_limit_by_minute_and_hour(engine: Engine) {
    let platform = started(engine);
    for (plan, minute, hour) in [("free", 60, 1_000), ("pro", 300, 10_000), ("enterprise", 1_000, 50_000)] {
        let (_, key) = platform.key(&json!({ "name": plan, "plan": plan }));
        let used = platform.call(&format!("cost={minute}"), "GET /v1/workflows", &[("x-api-key", &key)]);
        assert_eq!((used.status.as_u16(), used.header("x-ratelimit-remaining").as_str()), (200, "0"), "{}", used.body);
        assert_eq!(used.header("ratelimit-policy"), format!("\"minute\";q={minute};w=60, \"hour\";q={hour};w=3600"));
        let refused = v1(&platform, "", &key);
        assert_refused(&refused, 429, "rate_limit_exceeded");
        assert_eq!(
            (refused.header("retry-after"), refused.header("x-ratelimit-limit")),
            ("60".to_owned(), minute.to_string())
        );
        assert_eq!(refused.json()["error"]["message"], format!("Rate limit of {minute} requests/minute exceeded"));
    }
    // The hour counts too: sixty a minute is a thousand after seventeen of them.
    let (_, key) = platform.key(&json!({ "name": "steady" }));
    let full = |cost: u32| platform.call(&format!("cost={cost}"), "GET /v1/workflows", &[("x-api-key", &key)]);
    for _ in 0..16 {
        assert_eq!(full(60).status, 200);
        platform.advance(60);
    }
    assert_eq!(full(40).status, 200);
    let refused = full(1);
    assert_refused(&refused, 429, "rate_limit_exceeded");
    assert_eq!(refused.json()["error"]["message"], "Rate limit of 1000 requests/hour exceeded");
    assert!(platform.post("/v1/access-keys", &json!({ "name": "pro", "plan": "pro" }))["plan"] == "pro");
    assert!(
        platform.api(Method::POST, "/v1/access-keys", &json!({ "name": "x", "plan": "gold" })).status.is_client_error()
    );
}

/// "Restrict API access to specific IP addresses for sensitive operations."
fn sensitive_operations_are_kept_to_addresses(engine: Engine) {
    let platform = started(engine);
    let (id, key) =
        platform.key(&json!({ "name": "office", "allowed_addresses": ["203.0.113.0/24", "2001:db8::/32"] }));
    let from =
        |address: &str| platform.call("", "GET /v1/workflows", &[("x-api-key", &key), ("x-forwarded-for", address)]);
    assert_eq!((from("203.0.113.9").status.as_u16(), from("2001:db8::7").status.as_u16()), (200, 200));
    assert_refused(&from("198.51.100.7"), 403, "address_not_allowed");
    assert_refused(&from("203.0.113.9, 198.51.100.7"), 403, "address_not_allowed");
    let api = platform.api_server("live");
    let told = platform.verify(&api, &json!({ "credential": key, "ip": "198.51.100.7" }));
    assert_eq!(told["code"], "address_not_allowed");
    assert_eq!(platform.patch(&format!("/v1/access-keys/{id}"), &json!({ "allowed_addresses": [] })).status, 200);
    assert_eq!(from("198.51.100.7").status, 200);
}

fn keys_are_rotated_managed_and_audited(engine: Engine) {
    let platform = started(engine);
    let (id, old) = platform.key(&json!({ "name": "one" }));
    let path = format!("/v1/access-keys/{id}");
    let rotated = platform.cli(&["--json", "access-key", "rotate", &id, "--grace", "1d"]).json();
    assert_eq!(
        (v1(&platform, "", &old).status.as_u16(), v1(&platform, "", &text(&rotated["secret"])).status.as_u16()),
        (200, 200)
    );
    // Settings > API Keys: list, edit, and what cannot be edited.
    let listed = platform.read("/v1/access-keys");
    assert!(listed["items"][0]["masked"].is_string() && !listed.to_string().contains(&old));
    assert_eq!(platform.patch(&path, &json!({ "name": "two", "requests_per_minute": 5 })).status, 200);
    assert!(platform.patch(&path, &json!({ "environment": "test" })).status.is_client_error());
    platform.post(&format!("{path}/revoke"), &json!({}));
    for action in ["access_key.created", "access_key.updated", "access_key.limits_changed", "access_key.revoked"] {
        platform.assert_audited(action, &id);
    }
    // "Enable audit logs to track API usage": issued tokens as well.
    let issued = platform.read("/v1/audit-events?action=token.issued");
    assert!(!issued["items"].as_array().unwrap().is_empty(), "{issued}");
    let (id, _) = platform.key(&json!({ "name": "forgotten" }));
    platform.assert_overdue(&id);
}

/// "Sensitive data is encrypted at rest using AES-256": the private keys; of the rest there is only a digest.
fn nothing_secret_is_stored_in_the_clear(engine: Engine) {
    let platform = started(engine);
    let (_, key) = platform.key(&json!({ "name": "one" }));
    let sealed = platform.test.server.store.read(|connection| connection.list_signing_keys()).unwrap();
    assert!(!sealed.is_empty());
    for key in sealed {
        // PKCS #8 begins with a sequence, a version and the identifier of RSA.
        let rsa = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
        assert!(!key.private_sealed.windows(rsa.len()).any(|found| found == rsa));
    }
    if engine == Engine::Sqlite {
        platform.test.server.close();
        for entry in std::fs::read_dir(platform.test.database.folder.path()).unwrap() {
            let content = std::fs::read(entry.unwrap().path()).unwrap();
            for secret in [key.as_bytes(), PASSWORD.as_bytes(), &key.as_bytes()["af_live_".len() + 4..]] {
                assert!(!content.windows(secret.len()).any(|found| found == secret));
            }
        }
    }
}
