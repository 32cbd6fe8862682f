//! NexaFlow, "Authentication". Mutual TLS and private CAs are in `transport`.

use reqwest::Method;
use serde_json::json;

use crate::platforms::{Platform, assert_form, assert_refused};
use crate::support::*;

on_both!(
    a_key_works_in_its_environment_only,
    scopes_are_held_one_by_one,
    a_service_account_outlives_the_person,
    a_key_is_replaced_step_by_step,
    the_dashboard_manages_keys,
);

const SCOPES: &str = "workflows:read workflows:write runs:read runs:write";

fn started(engine: Engine) -> Platform {
    Platform::start(engine, "nexaflow", SCOPES)
}

/// The SDK sends its key as a bearer.
fn call(platform: &Platform, question: &str, key: &str) -> Answer {
    platform.call(question, "GET /v1/workflows", &[("authorization", &format!("Bearer {key}"))])
}

fn a_key_works_in_its_environment_only(engine: Engine) {
    let platform = started(engine);
    let (_, live) = platform.key(&json!({ "name": "backend", "scopes": ["runs:read", "runs:write"] }));
    let (_, test) =
        platform.key(&json!({ "name": "backend test", "environment": "test", "scopes": ["runs:read", "runs:write"] }));
    assert_form(&live, "nxf_live_");
    assert_form(&test, "nxf_test_");
    assert_eq!(call(&platform, "env=live&scope=runs:read", &live).status, 200);
    assert_eq!(call(&platform, "env=test&scope=runs:read", &test).status, 200);
    assert_refused(&call(&platform, "env=live", &test), 401, "wrong_environment");
    assert_refused(&call(&platform, "env=test", &live), 401, "wrong_environment");
    // At every door: verification, introspection, token endpoint.
    let api = platform.api_server("live");
    let told = platform.verify(&api, &json!({ "credential": test }));
    assert_eq!((&told["valid"], &told["code"]), (&json!(false), &json!("wrong_environment")));
    assert!(!platform.test.is_active(&api, &test) && platform.test.is_active(&api, &live));
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", test.as_str()),
        ("subject_token_type", "urn:grantor:params:oauth:token-type:access_key"),
    ];
    assert!(platform.test.token(&api, &exchange).status.is_client_error());
}

fn scopes_are_held_one_by_one(engine: Engine) {
    let platform = started(engine);
    // "A backend service that only triggers workflows and reads their status needs runs:write and runs:read."
    let (_, backend) = platform.key(&json!({ "name": "backend", "scopes": ["runs:write", "runs:read"] }));
    assert_eq!(call(&platform, "scope=runs:write+runs:read", &backend).status, 200);
    // "It does not need workflows:write or admin."
    for scope in ["workflows:write", "admin"] {
        assert_refused(&call(&platform, &format!("scope={scope}"), &backend), 403, "insufficient_scope");
    }
    // The platform's words are its own: such a key is for its API, and not for this server's.
    let (_, editor) = platform.key(&json!({ "name": "editor", "scopes": ["workflows:read", "workflows:write"] }));
    assert_eq!(call(&platform, "scope=workflows:read+workflows:write", &editor).status, 200);
    assert_eq!(platform.api_as(&editor, Method::GET, "/v1/workflows", &json!(null)).status, 401);
    let (_, admin) = platform.key(&json!({ "name": "team", "scopes": ["admin"] }));
    for scope in ["workflows:read", "runs:write", "admin"] {
        assert_eq!(call(&platform, &format!("scope={scope}"), &admin).status, 200, "{scope}");
    }
    // Nobody hands out more than they hold.
    platform.test.user("kim", &["key_manager"]);
    let kim = platform.token_of("kim", "access-keys:read access-keys:write runs:read");
    let make = |scope: &str| {
        let body = json!({ "name": "by kim", "scopes": [scope] });
        platform.api_as(&kim, Method::POST, "/v1/access-keys", &body).status.as_u16()
    };
    assert_eq!((make("runs:read"), make("runs:write"), make("admin")), (201, 403, 403));
}

fn a_service_account_outlives_the_person(engine: Engine) {
    let platform = started(engine);
    let bob = platform.test.user("bob", &[]);
    let personal = json!({ "name": "bob's", "scopes": ["runs:read"], "owner": { "type": "user", "id": bob } });
    let (_, personal) = platform.key(&personal);
    // "Create a new service account and assign the minimum required scopes. Generate an API key for that service account."
    let account =
        platform.post("/v1/service-accounts", &json!({ "name": "deployer", "scopes": ["runs:read", "runs:write"] }));
    let owner = json!({ "type": "service_account", "id": account["id"] });
    let (id, deployer) = platform.key(&json!({ "name": "deployer 1", "scopes": ["runs:write"], "owner": owner }));
    let wider = json!({ "name": "deployer 2", "scopes": ["workflows:write"], "owner": owner });
    assert!(
        platform.api(Method::POST, "/v1/access-keys", &wider).status.is_client_error(),
        "more than the account holds"
    );
    assert_eq!(call(&platform, "scope=runs:read", &personal).status, 200);
    assert_eq!(call(&platform, "scope=runs:write", &deployer).header("x-auth-owner-type"), "service_account");
    // "Service account keys are not tied to an individual user's account and are not revoked if that user leaves."
    platform.post(&format!("/v1/users/{bob}/disable"), &json!({}));
    assert_refused(&call(&platform, "scope=runs:read", &personal), 401, "inactive");
    assert_eq!(call(&platform, "scope=runs:write", &deployer).status, 200);
    assert_eq!(platform.read(&format!("/v1/access-keys/{id}"))["owner"], owner);
    let account = text(&account["id"]);
    platform.post(&format!("/v1/service-accounts/{account}/disable"), &json!({}));
    assert_refused(&call(&platform, "scope=runs:write", &deployer), 401, "inactive");
}

fn a_key_is_replaced_step_by_step(engine: Engine) {
    let platform = started(engine);
    let body = json!({ "name": "backend", "scopes": ["runs:read"] });
    let (old_id, old) = platform.key(&body);
    // "Create a new key. Update your application. Deploy and verify the new key is working. Revoke the old key."
    let (id, new) = platform.key(&body);
    assert_eq!((call(&platform, "", &old).status.as_u16(), call(&platform, "", &new).status.as_u16()), (200, 200));
    platform.post(&format!("/v1/access-keys/{old_id}/revoke"), &json!({}));
    assert_refused(&call(&platform, "", &old), 401, "revoked");
    let again = platform.patch(&format!("/v1/access-keys/{old_id}"), &json!({ "status": "active" }));
    assert_eq!(again.status, 409, "revoking is final");
    // The same by one automatable step, with an overlap.
    let rotated = platform.cli(&["--json", "access-key", "rotate", &id, "--grace", "1h"]).json();
    assert_eq!(
        (call(&platform, "", &new).status.as_u16(), call(&platform, "", &text(&rotated["secret"])).status.as_u16()),
        (200, 200)
    );
    // "Recommended: every 90 days"
    let (id, _) = platform.key(&json!({ "name": "forgotten" }));
    platform.assert_overdue(&id);
}

/// "Settings > API Keys"
fn the_dashboard_manages_keys(engine: Engine) {
    let platform = started(engine);
    let (id, secret) = platform.key(&json!({ "name": "one", "scopes": ["runs:read"] }));
    let listed = platform.read("/v1/access-keys");
    assert!(listed.to_string().contains(&id) && !listed.to_string().contains(&secret));
    assert_eq!(listed["items"][0]["masked"], format!("{}...{}", &secret[..13], &secret[secret.len() - 4..]));
    let path = format!("/v1/access-keys/{id}");
    let edit = json!({ "name": "two", "requests_per_minute": 5, "scopes": [] });
    assert_eq!(platform.patch(&path, &edit).status, 200);
    assert_refused(&call(&platform, "scope=runs:read", &secret), 403, "insufficient_scope");
    assert!(platform.patch(&path, &json!({ "environment": "test" })).status.is_client_error());
    let env = platform.test.database.folder.path().join(".env");
    let ended = platform.cli(&[
        "access-key",
        "create",
        "--name",
        "three",
        "--scope",
        "runs:read",
        "--env-file",
        env.to_str().unwrap(),
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(std::fs::read_to_string(env).unwrap().contains("NEXAFLOW_API_KEY=nxf_live_"));
}
