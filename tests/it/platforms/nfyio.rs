//! NFYio, "API Authentication".

use reqwest::Method;
use serde_json::{Value, json};

use crate::platforms::{Platform, assert_form, assert_refused};
use crate::support::*;

on_both!(
    an_api_key_is_created_and_used,
    scopes_and_admin,
    a_password_becomes_a_jwt_and_is_refreshed,
    the_dashboard_manages_keys,
    use_is_seen,
    alerts_are_raised,
);

const SCOPES: &str = "read:objects write:objects read:buckets write:buckets read:agents write:agents read:networking \
                      write:networking";

fn started(engine: Engine) -> Platform {
    Platform::start(engine, "nfyio", SCOPES)
}

/// The body of the page's request.
fn production_server() -> Value {
    json!({ "name": "production-server", "scopes": ["read:objects", "write:objects", "read:buckets"] })
}

fn buckets(platform: &Platform, question: &str, header: &str, value: &str) -> Answer {
    let question = format!("env=live&{question}");
    platform.call(&question, "GET /v1/buckets", &[(header, value), ("x-forwarded-for", "203.0.113.9")])
}

fn an_api_key_is_created_and_used(engine: Engine) {
    let platform = started(engine);
    // curl -X POST https://api.yourdomain.com/v1/access-keys -H "Authorization: Bearer $ADMIN_TOKEN"
    let made = platform.post("/v1/access-keys", &production_server());
    assert!(text(&made["id"]).starts_with("ak_"));
    assert_form(&text(&made["secret"]), "sk_");
    assert_eq!(made["name"], "production-server");
    assert_eq!(made["scopes"], json!(["read:objects", "write:objects", "read:buckets"]));
    assert_eq!(made["created_at"], "2026-01-01T12:00:00Z");
    assert_eq!(made["expires_at"], Value::Null, "until revoked");
    let secret = text(&made["secret"]);
    // Authorization: Bearer sk_...
    let first = buckets(&platform, "scope=read:buckets", "authorization", &format!("Bearer {secret}"));
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.header("x-auth-credential-id"), text(&made["id"]));
    // X-API-Key: sk_...
    assert_eq!(buckets(&platform, "scope=read:buckets", "x-api-key", &secret).status, 200);
    // Without an administrator there is no key.
    let nobody = Answer::of(http_client().post(platform.test.url("/v1/access-keys")).json(&production_server()));
    assert_eq!(nobody.status, 401);
    // Shown once: neither the key nor the list has it.
    let id = text(&made["id"]);
    for path in ["/v1/access-keys".to_owned(), format!("/v1/access-keys/{id}"), format!("/v1/access-keys/{id}/secrets")]
    {
        assert!(!platform.read(&path).to_string().contains(&secret), "{path}");
    }
}

fn scopes_and_admin(engine: Engine) {
    let platform = started(engine);
    let (_, backup) = platform.key(&json!({ "name": "backup", "scopes": ["read:objects", "read:buckets"] }));
    assert_eq!(buckets(&platform, "scope=read:objects+read:buckets", "x-api-key", &backup).status, 200);
    let refused = buckets(&platform, "scope=write:buckets", "x-api-key", &backup);
    assert_refused(&refused, 403, "insufficient_scope");
    assert_eq!(refused.json()["error"]["required_scopes"], json!(["write:buckets"]));
    // "admin: Full access (use sparingly)"
    let (_, admin) = platform.key(&json!({ "name": "everything", "scopes": ["admin"] }));
    for scope in SCOPES.split(' ').chain(["admin"]) {
        assert_eq!(buckets(&platform, &format!("scope={scope}"), "x-api-key", &admin).status, 200, "{scope}");
    }
    let api = platform.api_server("live");
    let told = platform.verify(&api, &json!({ "credential": admin, "scopes": ["write:networking"] }));
    assert_eq!((&told["valid"], &told["missing_scopes"]), (&json!(true), &json!([])));
    // Who is not an administrator makes neither such a key nor one for the admin API.
    platform.test.user("sam", &["support"]);
    let sam = platform.token_of("sam", "access-keys:read");
    let body = json!({ "name": "mine", "scopes": ["admin"] });
    assert_eq!(platform.api_as(&sam, Method::POST, "/v1/access-keys", &body).status, 403);
}

fn a_password_becomes_a_jwt_and_is_refreshed(engine: Engine) {
    let platform = started(engine);
    platform.test.user("user@example.com", &["support"]);
    let client = json!({
        "client_id": "your_client_id", "client_secret": "your_client_secret", "client_name": "Web application",
        "grant_types": ["password", "refresh_token"], "scope": SCOPES,
        "token_endpoint_auth_method": "client_secret_post",
    });
    platform.post("/v1/clients", &client);
    let url = platform.test.url("/oauth/token");
    // -d "grant_type=password" -d "client_id=..." -d "client_secret=..." -d "username=user@example.com" -d "password=..."
    let form = [
        ("grant_type", "password"),
        ("client_id", "your_client_id"),
        ("client_secret", "your_client_secret"),
        ("username", "user@example.com"),
        ("password", PASSWORD),
    ];
    let answer = Answer::of(http_client().post(&url).form(&form));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(text(&tokens["refresh_token"]).starts_with("rt_"));
    let jwt = text(&tokens["access_token"]);
    assert!(jwt.starts_with("eyJ"));
    assert_eq!(header_of(&jwt)["alg"], "RS256");
    // "JWTs are short-lived and include user/role claims."
    let told = claims(&jwt);
    assert_eq!(told["roles"], json!(["support"]));
    assert!(text(&told["scope"]).contains("read:buckets") && !text(&told["scope"]).contains("admin"), "{told}");
    let used = buckets(&platform, "scope=read:buckets", "authorization", &format!("Bearer {jwt}"));
    assert_eq!((used.status.as_u16(), used.header("x-auth-username").as_str()), (200, "user@example.com"));
    // When it has expired the refresh token gets a new one.
    platform.advance(3600);
    let over = buckets(&platform, "", "authorization", &format!("Bearer {jwt}"));
    assert_refused(&over, 401, "expired");
    let refresh_token = text(&tokens["refresh_token"]);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "your_client_id"),
        ("client_secret", "your_client_secret"),
        ("refresh_token", &refresh_token),
    ];
    let answer = Answer::of(http_client().post(&url).form(&form));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let fresh = answer.json();
    assert_eq!((&fresh["token_type"], &fresh["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(text(&fresh["refresh_token"]).starts_with("rt_"));
    let bearer = format!("Bearer {}", text(&fresh["access_token"]));
    assert_eq!(buckets(&platform, "scope=read:buckets", "authorization", &bearer).status, 200);
}

fn header_of(jwt: &str) -> Value {
    // The claims of a token whose second part is this one's first.
    claims(&format!(".{}", jwt.split('.').next().unwrap()))
}

/// "Via Dashboard: Settings, Access Keys, Create Key": the use cases behind it.
fn the_dashboard_manages_keys(engine: Engine) {
    let platform = started(engine);
    let mut body = production_server();
    body["description"] = json!("The machines in Ghent");
    let (id, secret) = platform.key(&body);
    let path = format!("/v1/access-keys/{id}");
    let shown = platform.read(&path);
    assert_eq!(shown["description"], "The machines in Ghent");
    assert_eq!(shown["masked"], format!("{}...{}", &secret[..7], &secret[secret.len() - 4..]));
    assert!(text(&shown["created_by"]).starts_with("user:"));
    let edited = platform.patch(&path, &json!({ "name": "renamed", "requests_per_minute": 7, "status": "inactive" }));
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_refused(&buckets(&platform, "", "x-api-key", &secret), 401, "inactive");
    assert_eq!(platform.patch(&path, &json!({ "status": "active" })).status, 200);
    assert_eq!(buckets(&platform, "", "x-api-key", &secret).header("x-ratelimit-limit"), "7");
    for fixed in ["id", "secret", "environment"] {
        assert!(platform.patch(&path, &json!({ fixed: "other" })).status.is_client_error(), "{fixed}");
    }
    let listed = platform.read("/v1/access-keys?status=active");
    assert_eq!(listed["items"][0]["name"], "renamed");
    platform.post(&format!("{path}/revoke"), &json!({}));
    assert_refused(&buckets(&platform, "", "x-api-key", &secret), 401, "revoked");
}

/// "Monitor usage: Watch for unusual API patterns that may indicate compromise."
fn use_is_seen(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = platform.key(&production_server());
    assert_eq!(buckets(&platform, "scope=read:buckets", "x-api-key", &secret).status, 200);
    platform.settle();
    let shown = platform.read(&format!("/v1/access-keys/{id}"));
    assert_eq!(
        (&shown["last_used_at"], &shown["last_used_address"]),
        (&json!("2026-01-01T12:00:00Z"), &json!("203.0.113.9"))
    );
    let usage = platform.read(&format!("/v1/access-keys/{id}/usage"));
    assert_eq!(
        (&usage["total_requests"], &usage["by_operation"][0]["operation"]),
        (&json!(1), &json!("GET /v1/buckets"))
    );
}

fn alerts_are_raised(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = platform.key(&production_server());
    let path = format!("/v1/access-keys/{id}");
    platform.assert_alerts("live", (&path, &id), &json!({ "credential": secret }));
}
