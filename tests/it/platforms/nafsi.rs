//! Nafsi AI, "API Key Management".

use reqwest::Method;
use serde_json::{Value, json};

use crate::platforms::{Platform, assert_form, assert_refused};
use crate::support::*;

on_both!(
    a_client_is_created_and_calls_the_api,
    the_limit_counts_the_last_sixty_seconds,
    limits_are_edited_within_their_environment,
    environments_do_not_mix,
    a_secret_is_regenerated_with_a_grace_period,
    inactive_returns_and_revoked_does_not,
    a_workflow_needs_no_secret_in_the_front_end,
    usage_is_viewed,
    operators_have_roles_and_are_audited,
    alerts_are_raised,
);

const DAY: u64 = 86_400;
const ORIGIN: &str = "https://shop.example";

fn started(engine: Engine) -> Platform {
    Platform::start(engine, "nafsi", "verifications:create")
}

/// "Create New Client": name, environment, rate limit. Answers client_id and client_secret.
fn create(platform: &Platform, environment: &str) -> (String, String) {
    let limit = if environment == "production" { 100 } else { 10 };
    let made = platform.post(
        "/v1/clients",
        &json!({
            "client_name": "Production iOS App", "environment": environment, "requests_per_minute": limit,
            "grant_types": ["client_credentials"], "scope": "verifications:create", "description": "For our customers",
        }),
    );
    (text(&made["client_id"]), text(&made["client_secret"]))
}

/// fetch('https://api.nafsi.ai/v1/verify', { headers: { 'X-Client-ID', 'X-Client-Secret' } })
fn verify(platform: &Platform, environment: &str, (id, secret): (&str, &str)) -> Answer {
    let headers = [("x-client-id", id), ("x-client-secret", secret), ("x-forwarded-for", "203.0.113.9")];
    platform.call(&format!("env={environment}&scope=verifications:create"), "POST /v1/verify", &headers)
}

fn a_client_is_created_and_calls_the_api(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = create(&platform, "production");
    assert!(id.starts_with("nafsi_live_"), "{id}");
    assert_form(&secret, "sk_live_");
    let (test_id, test_secret) = create(&platform, "sandbox");
    assert!(test_id.starts_with("nafsi_test_"), "{test_id}");
    assert_form(&test_secret, "sk_test_");
    let used = verify(&platform, "production", (&id, &secret));
    assert_eq!(used.status, 200, "{}", used.body);
    assert_eq!(
        (used.header("x-auth-client-id"), used.header("x-auth-credential-type")),
        (id.clone(), "client_secret".to_owned())
    );
    // The API server may ask by itself instead of the proxy.
    let api = platform.api_server("production");
    let told =
        platform.verify(&api, &json!({ "client_id": id, "client_secret": secret, "scopes": ["verifications:create"] }));
    assert_eq!((&told["valid"], &told["name"]), (&json!(true), &json!("Production iOS App")));
    // "The client secret will not be shown again."
    for path in ["/v1/clients".to_owned(), format!("/v1/clients/{id}"), format!("/v1/clients/{id}/secrets")] {
        assert!(!platform.read(&path).to_string().contains(&secret), "{path}");
    }
    let shown = platform.read(&format!("/v1/clients/{id}"));
    assert_eq!((&shown["client_name"], &shown["environment"]), (&json!("Production iOS App"), &json!("production")));
    assert_eq!((&shown["created_at"], &shown["status"]), (&json!("2026-01-01T12:00:00Z"), &json!("active")));
    assert_eq!((&shown["requests_per_minute"], &shown["description"]), (&json!(100), &json!("For our customers")));
    platform.assert_audited("client.created", &id);
    // "Invalid or revoked credentials": 401.
    assert_refused(&verify(&platform, "production", (&id, "sk_live_abc123xyz789")), 401, "unknown");
    assert_refused(&verify(&platform, "production", (&test_id, &secret)), 401, "unknown");
}

fn the_limit_counts_the_last_sixty_seconds(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = create(&platform, "production");
    let now = start_time().timestamp();
    for used in 1..=100 {
        let answer = verify(&platform, "production", (&id, &secret));
        assert_eq!(answer.status, 200, "{}", answer.body);
        if used == 13 {
            // X-RateLimit-Limit: 100, X-RateLimit-Remaining: 87, X-RateLimit-Reset: 1643723400
            let told = ["limit", "remaining", "reset"].map(|name| answer.header(&format!("x-ratelimit-{name}")));
            assert_eq!(told, ["100".to_owned(), "87".to_owned(), (now + 60).to_string()]);
        }
    }
    platform.advance(18);
    let refused = verify(&platform, "production", (&id, &secret));
    assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "42"));
    let body = json!({ "error": {
        "code": "rate_limit_exceeded", "message": "Rate limit of 100 requests/minute exceeded", "retry_after": 42,
    } });
    assert_eq!(refused.json(), body);
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    platform.advance(42);
    assert_eq!(
        verify(&platform, "production", (&id, &secret)).status,
        200,
        "what is older than 60 seconds counts no more"
    );
}

fn limits_are_edited_within_their_environment(engine: Engine) {
    let platform = started(engine);
    let (id, _) = create(&platform, "production");
    let (test_id, test_secret) = create(&platform, "sandbox");
    let set =
        |id: &str, limit: Value| platform.patch(&format!("/v1/clients/{id}"), &json!({ "requests_per_minute": limit }));
    // "Enterprise plans: Up to 1000/min"
    assert_eq!(set(&id, json!(1000)).status, 200);
    let beyond = set(&id, json!(1001));
    assert!(beyond.status.is_client_error() && beyond.body.contains("at most 1000 a minute"), "{}", beyond.body);
    assert_eq!(
        platform
            .patch(&format!("/v1/clients/{id}"), &json!({ "requests_per_minute": null, "plan": "enterprise" }))
            .status,
        200
    );
    // "Sandbox: Fixed at 10/min"
    let beyond = set(&test_id, json!(11));
    assert!(beyond.status.is_client_error() && beyond.body.contains("at most 10 a minute"), "{}", beyond.body);
    assert_eq!(
        platform
            .patch(&format!("/v1/clients/{test_id}"), &json!({ "requests_per_minute": null, "plan": "enterprise" }))
            .status,
        200
    );
    for _ in 0..10 {
        assert_eq!(verify(&platform, "sandbox", (&test_id, &test_secret)).header("x-ratelimit-limit"), "10");
    }
    assert_refused(&verify(&platform, "sandbox", (&test_id, &test_secret)), 429, "rate_limit_exceeded");
    platform.assert_audited("client.updated", &test_id);
}

fn environments_do_not_mix(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = create(&platform, "production");
    let (test_id, test_secret) = create(&platform, "sandbox");
    assert_eq!(verify(&platform, "sandbox", (&test_id, &test_secret)).status, 200);
    assert_refused(&verify(&platform, "production", (&test_id, &test_secret)), 401, "wrong_environment");
    assert_refused(&verify(&platform, "sandbox", (&id, &secret)), 401, "wrong_environment");
    // "You cannot edit: Client ID, Client Secret, Environment"
    for (name, value) in
        [("client_id", "nafsi_live_other"), ("client_secret", "sk_live_other"), ("environment", "sandbox")]
    {
        let refused = platform.patch(&format!("/v1/clients/{id}"), &json!({ name: value }));
        assert!(refused.status.is_client_error(), "{name}: {}", refused.body);
    }
    let edited =
        platform.patch(&format!("/v1/clients/{id}"), &json!({ "client_name": "iOS", "requests_per_minute": 50 }));
    assert_eq!(edited.status, 200, "{}", edited.body);
}

fn a_secret_is_regenerated_with_a_grace_period(engine: Engine) {
    let platform = started(engine);
    let (id, old) = create(&platform, "production");
    let path = format!("/v1/clients/{id}");
    let works = |secret: &str| verify(&platform, "production", (&id, secret)).status == 200;
    // "Day 1: Generate new secret."
    let made = platform.post(&format!("{path}/rotate-secret"), &json!({ "grace_seconds": 7 * DAY }));
    let new = text(&made["client_secret"]);
    assert_form(&new, "sk_live_");
    assert!(works(&old) && works(&new));
    // Who still uses the old one, and from where.
    platform.settle();
    let secrets = platform.read(&format!("{path}/secrets"));
    let listed = secrets.to_string();
    assert!(listed.contains("203.0.113.9") && listed.contains("2026-01-08T12:00:00Z"), "{listed}");
    // "Day 7: Old secret still works. Day 8: Revoke old secret."
    platform.advance(7 * DAY - 1);
    assert!(works(&old) && works(&new));
    platform.advance(1);
    assert!(!works(&old) && works(&new));
    assert!(
        platform
            .api(Method::POST, &format!("{path}/rotate-secret"), &json!({ "grace_seconds": 8 * DAY }))
            .status
            .is_client_error()
    );
    // At once.
    let made = platform.post(&format!("{path}/rotate-secret"), &json!({ "grace_seconds": 0 }));
    assert!(!works(&new) && works(&text(&made["client_secret"])));
    platform.assert_audited("client_secret.rotated", &id);
    platform.assert_audited("client_secret.read", &id);
    // "Use automation where possible."
    let rotated = platform.cli(&["--json", "client", "rotate-secret", &id, "--grace", "7d"]).json();
    assert!(works(&text(&rotated["client_secret"])));
}

fn inactive_returns_and_revoked_does_not(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = create(&platform, "production");
    let path = format!("/v1/clients/{id}");
    platform.post(&format!("{path}/disable"), &json!({}));
    assert_refused(&verify(&platform, "production", (&id, &secret)), 401, "inactive");
    platform.post(&format!("{path}/enable"), &json!({}));
    assert_eq!(verify(&platform, "production", (&id, &secret)).status, 200);
    // "Immediate and permanent. All API calls fail with 401 Unauthorized. Cannot be undone."
    let unsure = platform.cli(&["client", "revoke", &id]);
    assert_ne!(unsure.code, 0, "are you sure?");
    platform.post(&format!("{path}/revoke"), &json!({}));
    assert_refused(&verify(&platform, "production", (&id, &secret)), 401, "revoked");
    assert_eq!(platform.api(Method::POST, &format!("{path}/enable"), &json!({})).status, 409);
    let statuses = platform.read("/v1/clients").to_string();
    assert!(statuses.contains("\"revoked\""));
}

/// Nafsi.init({ clientId, workflowId }): what the SDK in the page asks for.
fn front_end(platform: &Platform, client_id: &str, workflow_id: &str) -> Answer {
    let form = [
        ("grant_type", "urn:grantor:params:oauth:grant-type:workflow"),
        ("client_id", client_id),
        ("workflow_id", workflow_id),
    ];
    Answer::of(http_client().post(platform.test.url("/oauth/token")).header("origin", ORIGIN).form(&form))
}

fn a_workflow_needs_no_secret_in_the_front_end(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = create(&platform, "production");
    let body = |secret: &str, name: &str| {
        json!({
            "client_id": id, "client_secret": secret, "name": name, "scopes": ["verifications:create"],
            "allowed_origins": [ORIGIN],
        })
    };
    // "Invalid client secret"
    let wrong = platform.api(Method::POST, "/v1/workflows", &body("sk_live_abc123", "KYC"));
    assert!(wrong.status.is_client_error() && wrong.body.contains("Invalid client secret"), "{}", wrong.body);
    let make = |name: &str| text(&platform.post("/v1/workflows", &body(&secret, name))["id"]);
    let (first, second) = (make("KYC"), make("Age check"));
    let works = |workflow: &str| front_end(&platform, &id, workflow).status == 200;
    let given = front_end(&platform, &id, &first);
    assert_eq!(given.status, 200, "{}", given.body);
    let bearer = format!("Bearer {}", text(&given.json()["access_token"]));
    let used = |bearer: &str| {
        platform.call("env=production&scope=verifications:create", "POST /api/verify", &[("authorization", bearer)])
    };
    assert_eq!(used(&bearer).status, 200);
    assert!(!given.body.contains("refresh_token"), "it stays at the server's side");
    // "Tokens can be invalidated independently."
    platform.post(&format!("/v1/workflows/{first}/invalidate"), &json!({}));
    assert!(!works(&first) && works(&second));
    assert_refused(&used(&bearer), 401, "revoked");
    let enter = |workflow: &str, secret: &str| {
        platform.post(&format!("/v1/workflows/{workflow}/authorize"), &json!({ "client_secret": secret }));
    };
    enter(&first, &secret);
    assert!(works(&first));
    // "All workflows using this client will lose authentication": when the old secret ends.
    let made = platform.post(&format!("/v1/clients/{id}/rotate-secret"), &json!({ "grace_seconds": 7 * DAY }));
    let new = text(&made["client_secret"]);
    assert!(works(&first) && works(&second));
    enter(&first, &new);
    platform.advance(7 * DAY);
    assert!(works(&first) && !works(&second), "until the new secret is entered");
    assert_eq!(platform.read(&format!("/v1/workflows/{second}"))["state"], "suspended");
    enter(&second, &new);
    assert!(works(&second));
    // "All associated workflows become inactive."
    platform.post(&format!("/v1/clients/{id}/revoke"), &json!({}));
    assert!(!works(&first) && !works(&second));
    assert_eq!(platform.read(&format!("/v1/workflows/{first}"))["state"], "client_inactive");
}

fn usage_is_viewed(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = create(&platform, "production");
    let api = platform.api_server("production");
    assert_eq!(verify(&platform, "production", (&id, &secret)).status, 200);
    let event = |workflow: &str, outcome: &str, requests: u32, units: u32| {
        json!({
            "credential_id": id, "operation": "verify", "project": workflow, "outcome": outcome, "requests": requests,
            "units": units, "duration_ms": f64::from(requests) * 250.0,
        })
    };
    let report = json!({ "events": [event("wf_kyc", "success", 6, 6), event("wf_age", "success", 3, 3), event("wf_kyc", "document_unreadable", 1, 0)] });
    let taken = platform.as_api_server(&api, "/v1/usage", &report);
    assert_eq!((taken.status.as_u16(), &taken.json()["accepted"]), (202, &json!(3)), "{}", taken.body);
    platform.settle();
    let usage = platform.read(&format!("/v1/clients/{id}/usage"));
    // "Total requests (last 30 days), success rate, average response time, verifications by workflow, units consumed, error
    // breakdown"
    assert_eq!(usage["days"].as_array().unwrap().len(), 30);
    assert_eq!((&usage["total_requests"], &usage["success_rate"]), (&json!(10), &json!(0.9)));
    assert_eq!((&usage["average_response_time_ms"], &usage["units"]), (&json!(250.0), &json!(9)));
    assert_eq!(usage["by_project"][0], json!({ "project": "wf_kyc", "requests": 7, "share": 0.7 }));
    assert_eq!(usage["errors"], json!([{ "kind": "document_unreadable", "requests": 1 }]));
    // "Last Used: Last API call timestamp"
    assert_eq!(
        (&usage["last_used_at"], &usage["last_used_address"]),
        (&json!("2026-01-01T12:00:00Z"), &json!("203.0.113.9"))
    );
}

/// "Limit who can access secrets. Use role-based access control. Audit secret access."
fn operators_have_roles_and_are_audited(engine: Engine) {
    let platform = started(engine);
    let (id, _) = create(&platform, "production");
    platform.test.user("dev", &["developer"]);
    platform.test.user("aud", &["auditor"]);
    let dev = platform.token_of("dev", "clients:read usage:read");
    let aud = platform.token_of("aud", "audit-events:read");
    let status =
        |token: &str, method: Method, path: &str| platform.api_as(token, method, path, &json!({})).status.as_u16();
    assert_eq!(status(&dev, Method::GET, &format!("/v1/clients/{id}")), 200);
    assert_eq!(status(&dev, Method::POST, &format!("/v1/clients/{id}/rotate-secret")), 403);
    assert_eq!(status(&dev, Method::POST, &format!("/v1/clients/{id}/revoke")), 403);
    assert_eq!(status(&dev, Method::GET, "/v1/audit-events"), 403);
    assert_eq!(status(&aud, Method::GET, "/v1/audit-events"), 200);
    assert_eq!(status(&aud, Method::GET, &format!("/v1/clients/{id}")), 403);
    platform.read(&format!("/v1/clients/{id}/secrets"));
    platform.assert_audited("client_secret.read", &id);
}

/// "Configure alerts for: Rate limit approaching (90% of limit), High error rates (> 5%), Unusual usage patterns, Failed
/// authentication attempts"
fn alerts_are_raised(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = create(&platform, "production");
    let credential = json!({ "client_id": id, "client_secret": secret });
    platform.assert_alerts("production", (&format!("/v1/clients/{id}"), &id), &credential);
}
