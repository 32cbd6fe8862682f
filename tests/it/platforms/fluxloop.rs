//! FluxLoop, "API Keys".

use reqwest::Method;
use serde_json::{Value, json};

use crate::platforms::{Platform, assert_form, assert_refused};
use crate::support::*;

on_both!(
    keys_have_an_environment,
    a_key_is_created_as_the_form_has_it,
    every_expiry_of_the_form,
    the_command_line_does_it_too,
    projects_and_permissions_are_kept_apart,
    a_key_is_regenerated_at_once_and_deleted_by_name,
    a_thousand_requests_an_hour,
    usage_is_viewed,
    alerts_are_raised,
    operators_have_roles_and_are_audited,
);

const DAY: u64 = 86_400;
const SCOPES: &str = "scenarios:read results:upload scenarios:create scenarios:delete projects:manage";

fn started(engine: Engine) -> Platform {
    let platform = Platform::start(engine, "fluxloop", SCOPES);
    for project in ["customer-support-bot", "sales-assistant", "analytics-agent"] {
        platform.post("/v1/projects", &json!({ "id": project }));
    }
    platform
}

/// "My Development Key" of the form.
fn development_key() -> Value {
    json!({
        "name": "My Development Key", "description": "For local development on MacBook", "environment": "dev",
        "projects": ["customer-support-bot", "sales-assistant"],
        "scopes": ["scenarios:read", "results:upload", "scenarios:create"], "expires_in": 90 * DAY,
    })
}

/// The command line sends its key, FLUXLOOP_API_KEY, as a bearer.
fn sync(platform: &Platform, question: &str, key: &str) -> Answer {
    let headers = [("authorization", format!("Bearer {key}")), ("x-forwarded-for", "203.0.113.9".to_owned())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    platform.call(question, "GET /v1/scenarios", &headers)
}

fn keys_have_an_environment(engine: Engine) {
    let platform = started(engine);
    let environments = ["dev", "stg", "prod", "ci"];
    let keys = environments.map(|name| platform.key(&json!({ "name": name, "environment": name })).1);
    for (name, key) in environments.iter().zip(&keys) {
        assert_form(key, &format!("flux_{name}_"));
        for door in environments {
            let answer = sync(&platform, &format!("env={door}"), key);
            match door == *name {
                true => assert_eq!(answer.status, 200, "{}", answer.body),
                false => assert_refused(&answer, 401, "wrong_environment"),
            }
        }
    }
}

fn a_key_is_created_as_the_form_has_it(engine: Engine) {
    let platform = started(engine);
    let made = platform.post("/v1/access-keys", &development_key());
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    assert_form(&secret, "flux_dev_");
    assert_eq!(made["expires_at"], "2026-04-01T12:00:00Z");
    let shown = platform.read(&format!("/v1/access-keys/{id}"));
    // flux_dev_abc1...mno34, "never used"; "You won't be able to see it again."
    assert_eq!(shown["masked"], format!("{}...{}", &secret[..13], &secret[secret.len() - 4..]));
    assert_eq!(shown["last_used_at"], Value::Null);
    assert!(!shown.to_string().contains(&secret) && !platform.read("/v1/access-keys").to_string().contains(&secret));
    assert_eq!(shown["projects"], json!(["customer-support-bot", "sales-assistant"]));
    assert_eq!(
        (&shown["description"], &shown["environment"]),
        (&json!("For local development on MacBook"), &json!("dev"))
    );
    assert_eq!(shown["created_at"], "2026-01-01T12:00:00Z");
    assert!(text(&shown["created_by"]).starts_with("user:"));
    assert_eq!(sync(&platform, "env=dev&scope=scenarios:read&project=sales-assistant", &secret).status, 200);
    platform.settle();
    // "last used: 2 hours ago"
    let shown = platform.read(&format!("/v1/access-keys/{id}"));
    assert_eq!(
        (&shown["last_used_at"], &shown["last_used_address"]),
        (&json!("2026-01-01T12:00:00Z"), &json!("203.0.113.9"))
    );
    // The list, by project.
    let of =
        |project: &str| platform.read(&format!("/v1/access-keys?project={project}"))["items"].as_array().unwrap().len();
    assert_eq!((of("sales-assistant"), of("analytics-agent")), (1, 0));
}

fn every_expiry_of_the_form(engine: Engine) {
    let platform = started(engine);
    let key = |extra: Value| {
        let mut body = json!({ "name": "key", "environment": "dev" });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        platform.key(&body).1
    };
    let keys = [
        (30, key(json!({ "expires_in": 30 * DAY }))),
        (45, key(json!({ "expires_at": "2026-02-15T12:00:00Z" }))),
        (90, key(json!({ "expires_in": 90 * DAY }))),
        (365, key(json!({ "expires_in": 365 * DAY }))),
    ];
    let never = key(json!({}));
    let mut today = 0;
    for (days, key) in &keys {
        platform.advance((days - today) * DAY - 1);
        assert_eq!(sync(&platform, "env=dev", key).status, 200, "{days}");
        platform.advance(1);
        assert_refused(&sync(&platform, "env=dev", key), 401, "expired");
        today = *days;
    }
    assert_eq!(sync(&platform, "env=dev", &never).status, 200);
}

/// fluxloop apikeys create --name "CI/CD Pipeline" --scope customer-support-bot --expires 90d
fn the_command_line_does_it_too(engine: Engine) {
    let platform = started(engine);
    let create = [
        "access-key",
        "create",
        "--name",
        "CI/CD Pipeline",
        "--project",
        "customer-support-bot",
        "--environment",
        "ci",
        "--scope",
        "scenarios:read results:upload",
        "--expires",
        "90d",
    ];
    let made = platform.cli(&[&["--json"], &create[..]].concat()).json();
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    assert_form(&secret, "flux_ci_");
    assert_eq!(made["projects"], json!(["customer-support-bot"]));
    assert!(made["expires_at"].is_string());
    assert_eq!(sync(&platform, "env=ci&scope=results:upload", &secret).status, 200);
    let listed = platform.cli(&["access-key", "list"]);
    assert!(listed.code == 0 && listed.out.contains("CI/CD Pipeline") && !listed.out.contains(&secret), "{listed:?}");
    // fluxloop apikeys rotate --key-id abc123
    let rotated = text(&platform.cli(&["--json", "access-key", "rotate", &id]).json()["secret"]);
    // The command line has the machine's clock, by which alone the old one is over.
    assert_eq!(sync(&platform, "env=ci", &rotated).status, 200);
    // .fluxloop/.env: FLUXLOOP_API_KEY=flux_...
    let env = platform.test.database.folder.path().join(".env");
    let written = platform.cli(&[&create[..], &["--env-file", env.to_str().unwrap()]].concat());
    assert_eq!(written.code, 0, "{written:?}");
    let file = std::fs::read_to_string(&env).unwrap();
    let from_file = file.trim().strip_prefix("FLUXLOOP_API_KEY=").unwrap().trim_matches(['"', '\'']).to_owned();
    assert_eq!(sync(&platform, "env=ci", &from_file).status, 200, "{file}");
    assert!(!written.out.contains(&from_file));
    // fluxloop apikeys delete --key-id abc123
    let wrong = platform.cli(&["access-key", "delete", &id, "--name", "Another"]);
    assert_ne!(wrong.code, 0);
    let deleted = platform.cli(&["access-key", "delete", &id, "--name", "CI/CD Pipeline"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    assert_refused(&sync(&platform, "env=ci", &rotated), 401, "unknown");
}

fn projects_and_permissions_are_kept_apart(engine: Engine) {
    let platform = started(engine);
    let (_, key) = platform.key(&json!({
        "name": "reader", "environment": "dev", "projects": ["customer-support-bot"], "scopes": ["scenarios:read"],
    }));
    assert_eq!(sync(&platform, "env=dev&scope=scenarios:read&project=customer-support-bot", &key).status, 200);
    assert_refused(&sync(&platform, "env=dev&project=analytics-agent", &key), 403, "wrong_project");
    // "Permission denied. Current permissions: Read scenarios. Upload results (required)"
    let refused = sync(&platform, "env=dev&scope=results:upload", &key);
    assert_refused(&refused, 403, "insufficient_scope");
    let error = &refused.json()["error"];
    assert_eq!((&error["scopes"], &error["required_scopes"]), (&json!(["scenarios:read"]), &json!(["results:upload"])));
    let api = platform.api_server("dev");
    let told = platform.verify(&api, &json!({ "credential": key, "scopes": ["scenarios:read", "results:upload"] }));
    assert_eq!((&told["scopes"], &told["missing_scopes"]), (&json!(["scenarios:read"]), &json!(["results:upload"])));
    // "All Projects"
    let (_, all) = platform.key(&json!({ "name": "all", "environment": "dev", "scopes": ["scenarios:read"] }));
    assert_eq!(sync(&platform, "env=dev&project=analytics-agent", &all).status, 200);
}

fn a_key_is_regenerated_at_once_and_deleted_by_name(engine: Engine) {
    let platform = started(engine);
    let (id, old) = platform.key(&development_key());
    let path = format!("/v1/access-keys/{id}");
    // "The old key is immediately deactivated."
    let new = text(&platform.post(&format!("{path}/rotate"), &json!({}))["secret"]);
    assert_refused(&sync(&platform, "env=dev", &old), 401, "expired");
    assert_eq!(sync(&platform, "env=dev", &new).status, 200);
    // Or with a grace period, in which it shows who uses the old one.
    let newest = text(&platform.post(&format!("{path}/rotate"), &json!({ "grace_seconds": 7 * DAY }))["secret"]);
    let told = platform.verify(&platform.api_server("dev"), &json!({ "credential": new }));
    assert_eq!((&told["rotating"], &told["rotating_until"]), (&json!(true), &json!("2026-01-08T12:00:00Z")));
    assert_eq!(platform.read(&format!("{path}/secrets"))["items"].as_array().unwrap().len(), 2);
    platform.post(&format!("{path}/finish-rotation"), &json!({}));
    assert_refused(&sync(&platform, "env=dev", &new), 401, "expired");
    // Edit name, limit and status; id, secret and environment cannot be edited.
    let edited = platform.patch(&path, &json!({ "name": "Renamed", "requests_per_hour": 500, "status": "inactive" }));
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_refused(&sync(&platform, "env=dev", &newest), 401, "inactive");
    assert!(platform.patch(&path, &json!({ "environment": "prod" })).status.is_client_error());
    // "Type the key name to confirm."
    let delete =
        |name: &str| platform.api(Method::DELETE, &format!("{path}?name={name}"), &Value::Null).status.as_u16();
    assert!((400..500).contains(&delete("My+Development+Key")));
    assert_eq!(delete("Renamed"), 204);
    // "Invalid API key: regenerated or deleted, expired, typo in key value"
    assert_refused(&sync(&platform, "env=dev", &newest), 401, "unknown");
    assert_refused(&sync(&platform, "env=dev", "flux_dev_abc123def456ghi789jkl012mno34"), 401, "unknown");
}

fn a_thousand_requests_an_hour(engine: Engine) {
    let platform = started(engine);
    let (id, key) = platform.key(&development_key());
    let first = sync(&platform, "env=dev&cost=1000", &key);
    assert_eq!((first.status.as_u16(), first.header("x-ratelimit-limit").as_str()), (200, "1000"));
    assert_eq!(first.header("x-ratelimit-remaining"), "0");
    platform.advance(45 * 60);
    // "Retry after: 15 minutes"
    let refused = sync(&platform, "env=dev", &key);
    assert_refused(&refused, 429, "rate_limit_exceeded");
    assert_eq!(refused.header("retry-after"), "900");
    let error = &refused.json()["error"];
    assert_eq!(
        (&error["message"], &error["retry_after"]),
        (&json!("Rate limit of 1000 requests/hour exceeded"), &json!(900))
    );
    platform.advance(15 * 60);
    assert_eq!(sync(&platform, "env=dev", &key).status, 200);
    // "Contact support for higher limits."
    assert_eq!(platform.patch(&format!("/v1/access-keys/{id}"), &json!({ "plan": "team" })).status, 200);
    assert_eq!(sync(&platform, "env=dev", &key).header("x-ratelimit-limit"), "10000");
}

fn usage_is_viewed(engine: Engine) {
    let platform = started(engine);
    let (id, key) = platform.key(&development_key());
    let used = |operation: &str, project: &str, times: u32| {
        for _ in 0..times {
            let question = format!("env=dev&operation={operation}&project={project}");
            assert_eq!(sync(&platform, &question, &key).status, 200);
        }
    };
    used("Pull+scenarios", "customer-support-bot", 5);
    platform.advance(DAY);
    used("Upload+results", "sales-assistant", 3);
    used("Create+scenarios", "customer-support-bot", 2);
    platform.settle();
    let usage = platform.read(&format!("/v1/access-keys/{id}/usage?days=7"));
    let days: Vec<_> = usage["days"].as_array().unwrap().iter().map(|day| day["requests"].as_i64().unwrap()).collect();
    assert_eq!((&days[..], &usage["total_requests"]), (&[0, 0, 0, 0, 0, 5, 5][..], &json!(10)));
    assert_eq!(usage["average_per_day"], json!(1.4));
    let operations = usage["by_operation"].as_array().unwrap();
    assert_eq!(operations[0], json!({ "operation": "Pull scenarios", "requests": 5, "share": 0.5 }));
    assert_eq!(operations.len(), 3);
    assert_eq!(usage["by_project"][0], json!({ "project": "customer-support-bot", "requests": 7, "share": 0.7 }));
}

/// "Access from unexpected locations. Unusually high request volumes. Failed authentication attempts." "Rotate keys every 3
/// months."
fn alerts_are_raised(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = platform.key(&json!({ "name": "one", "environment": "dev" }));
    let path = format!("/v1/access-keys/{id}");
    platform.assert_alerts("dev", (&path, &id), &json!({ "credential": secret }));
}

fn operators_have_roles_and_are_audited(engine: Engine) {
    let platform = started(engine);
    let (id, _) = platform.key(&development_key());
    platform.test.user("max", &["maintainer"]);
    platform.test.user("aud", &["auditor"]);
    let max = platform.token_of("max", "access-keys:read access-keys:write scenarios:read");
    let make = |token: &str, scope: &str| {
        let body = json!({ "name": "one", "environment": "dev", "scopes": [scope] });
        platform.api_as(token, Method::POST, "/v1/access-keys", &body).status.as_u16()
    };
    // Nobody hands out more than they hold.
    assert_eq!((make(&max, "scenarios:read"), make(&max, "scenarios:delete")), (201, 403));
    let aud = platform.token_of("aud", "access-keys:read audit-events:read");
    assert_eq!(make(&aud, "scenarios:read"), 403);
    assert_eq!(platform.api_as(&aud, Method::GET, "/v1/audit-events", &json!(null)).status, 200);
    platform.read(&format!("/v1/access-keys/{id}/secrets"));
    platform.post(&format!("/v1/access-keys/{id}/rotate"), &json!({}));
    for action in ["access_key.created", "access_key.secrets_read", "access_key.rotated"] {
        platform.assert_audited(action, &id);
    }
}
