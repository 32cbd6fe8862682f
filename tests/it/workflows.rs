//! Workflows at the token endpoint: who gets a token, what it says, and what ends it.

use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::workflows::{self, EnteredSecret, NewWorkflow, ShownWorkflow, WorkflowEdit};
use grantor::protocol::origin::Origin;
use serde_json::json;
use zeroize::Zeroizing;

use crate::support::*;

on_both!(
    a_token_is_short_and_narrow,
    the_origin_decides,
    cors_follows_the_workflows,
    only_its_own_client_and_no_secret,
    scope_and_resource_may_only_narrow,
    rotation_suspends_until_the_new_secret_is_entered,
    invalidation_ends_its_tokens_at_once,
    status_ends_its_tokens,
    requests_count_against_the_client,
    authorization_and_rotation_may_race,
    no_token_outlives_the_secret,
);

const GRANT: &str = "urn:grantor:params:oauth:grant-type:workflow";
const PAGE: &str = "https://shop.example";

pub fn entered(client: &TestClient) -> EnteredSecret {
    EnteredSecret(Zeroizing::new(client.secret.clone().unwrap()))
}

/// A workflow of this client for the scope `read` and these origins.
pub fn workflow(test: &TestServer, client: &TestClient, origins: &[&str]) -> String {
    let new = NewWorkflow {
        client_id: client.id.clone(),
        client_secret: entered(client),
        name: "Kiosk".to_owned(),
        scopes: vec!["read".to_owned()],
        allowed_origins: origins.iter().map(|origin| Origin::parse(origin).unwrap()).collect(),
        ..NewWorkflow::default()
    };
    let made = workflows::create(&test.server, &Caller::command_line(), new);
    made.map_err(|error| format!("{error:?}")).unwrap().workflow.id.0
}

fn ask(test: &TestServer, client_id: &str, id: &str, origin: Option<&str>, further: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", GRANT), ("client_id", client_id), ("workflow_id", id)];
    form.extend(further);
    let request = http_client().post(test.url("/oauth/token")).form(&form);
    Answer::of(match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    })
}

fn token(test: &TestServer, id: &str) -> String {
    let answer = ask(test, "web", id, None, &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    text(&answer.json()["access_token"])
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str, sentence: &str) {
    answer.assert_error(status, error);
    assert_eq!(answer.json()["error_description"], sentence);
}

fn authorize(test: &TestServer, id: &str, client: &TestClient) -> Result<ShownWorkflow, String> {
    let done = workflows::authorize(&test.server, &Caller::command_line(), id, &entered(client));
    done.map_err(|error| format!("{error:?}"))
}

fn set_status(test: &TestServer, id: &str, to: Status) {
    workflows::set_status(&test.server, &Caller::command_line(), id, to).unwrap();
}

fn rotate(test: &TestServer, grace: u32) -> TestClient {
    let made = clients::rotate_secret(&test.server, &Caller::command_line(), "web", grace);
    TestClient::from(made.map_err(|error| format!("{error:?}")).unwrap())
}

const SUSPENDED: &str = "the workflow is suspended until the client's current secret is entered for it";

fn a_token_is_short_and_narrow(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.audit.token_issuance = true);
    let client = test.confidential();
    let id = workflow(&test, &client, &[]);
    let answer = ask(&test, "web", &id, None, &[]);
    let body = answer.json();
    let token = text(&body["access_token"]);
    assert_eq!(body, json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "read" }));
    assert_eq!(answer.header("cache-control"), "no-store");
    let (issuer, now, claims) = (&test.server.config.server.issuer, start_time().timestamp(), claims(&token));
    assert_eq!(
        claims,
        json!({
            "iss": issuer, "sub": "web", "aud": issuer, "client_id": "web", "exp": now + 300, "iat": now, "nbf": now,
            "jti": claims["jti"], "scope": "read", "env": "live", "workflow_id": id,
            "workflow_authorized_at": start_time().timestamp_micros(),
        })
    );
    assert!(test.is_active(&client, &token));
    let event = &test.events("token.issued")[0];
    assert_eq!(event.detail.as_deref(), Some(&*format!("workflow {id}")));
    test.advance(300);
    assert!(!test.is_active(&client, &token));
}

fn the_origin_decides(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let (pages, servers) = (workflow(&test, &client, &[PAGE, "http://localhost:3000"]), workflow(&test, &client, &[]));
    for origin in [PAGE, "http://localhost:3000"] {
        assert_eq!(ask(&test, "web", &pages, Some(origin), &[]).status, 200);
    }
    let sentence = "the workflow may not be used from this origin";
    for origin in ["https://other.example", "null", "http://shop.example", "https://shop.example:8443", ""] {
        assert_refused(&ask(&test, "web", &pages, Some(origin), &[]), 400, "invalid_grant", sentence);
    }
    // A page cannot leave it out.
    assert_refused(&ask(&test, "web", &pages, None, &[]), 400, "invalid_grant", sentence);
    let twice = http_client().post(test.url("/oauth/token")).header("origin", PAGE).header("origin", PAGE).form(&[
        ("grant_type", GRANT),
        ("client_id", "web"),
        ("workflow_id", &*pages),
    ]);
    assert_refused(&Answer::of(twice), 400, "invalid_grant", sentence);
    assert_eq!(ask(&test, "web", &servers, None, &[]).status, 200);
    assert_refused(&ask(&test, "web", &servers, Some(PAGE), &[]), 400, "invalid_grant", sentence);
}

fn cors_follows_the_workflows(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let allowed = |origin: &str| {
        let request = http_client().request(reqwest::Method::OPTIONS, test.url("/oauth/token"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        Answer::of(request).header("access-control-allow-origin")
    };
    assert_eq!(allowed(PAGE), "");
    let id = workflow(&test, &client, &[PAGE]);
    assert_eq!((allowed(PAGE), allowed("https://other.example")), (PAGE.to_owned(), String::new()));
    assert_eq!(ask(&test, "web", &id, Some(PAGE), &[]).header("access-control-allow-origin"), PAGE);
    set_status(&test, &id, Status::Inactive);
    assert_eq!(allowed(PAGE), "");
    set_status(&test, &id, Status::Active);
    assert_eq!(allowed(PAGE), PAGE);
    clients::set_status(&test.server, &Caller::command_line(), "web", Status::Inactive).unwrap();
    assert_eq!(allowed(PAGE), "");
    clients::set_status(&test.server, &Caller::command_line(), "web", Status::Active).unwrap();
    let edit = WorkflowEdit {
        allowed_origins: Some(Vec::new()),
        client_secret: Some(entered(&client)),
        ..WorkflowEdit::default()
    };
    workflows::update(&test.server, &Caller::command_line(), &id, edit).unwrap();
    assert_eq!(allowed(PAGE), "");
}

fn only_its_own_client_and_no_secret(engine: Engine) {
    let test = TestServer::start(engine);
    let (client, other) = (test.confidential(), test.client(confidential_members("other")));
    let (id, others) = (workflow(&test, &client, &[]), workflow(&test, &other, &[]));
    let unknown = "there is no such workflow of this client";
    for wrong in [&*others, "wf_00000000000000000000000000000000", "x"] {
        assert_refused(&ask(&test, "web", wrong, None, &[]), 400, "invalid_grant", unknown);
    }
    let absent = ask(&test, "absent", &id, None, &[]);
    assert_refused(&absent, 401, "invalid_client", "there is no client with this client_id");
    ask(&test, "web", "", None, &[]).assert_error(400, "invalid_request");
    let secret = client.secret.as_deref().unwrap();
    let sentence = "a workflow is used without client_secret: it must not be where a front end is";
    let with = ask(&test, "web", &id, None, &[("client_secret", secret)]);
    assert_refused(&with, 400, "invalid_request", sentence);
    let basic = test.token(&client, &[("grant_type", GRANT), ("workflow_id", &id)]);
    assert_refused(&basic, 400, "invalid_request", sentence);
    let addresses =
        ClientMembers { allowed_addresses: Some(vec!["192.0.2.0/24".parse().unwrap()]), ..ClientMembers::default() };
    clients::update(&test.server, &Caller::command_line(), "web", addresses).unwrap();
    let elsewhere = ask(&test, "web", &id, None, &[]);
    assert_refused(&elsewhere, 401, "invalid_client", "this client may not be used from this address");
    clients::set_status(&test.server, &Caller::command_line(), "web", Status::Inactive).unwrap();
    assert_refused(&ask(&test, "web", &id, None, &[]), 401, "invalid_client", "this client is disabled");
}

fn scope_and_resource_may_only_narrow(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let id = workflow(&test, &client, &[]);
    let edit = |scopes: &[&str]| {
        let scopes = Some(scopes.iter().map(|scope| (*scope).to_owned()).collect());
        let edit = WorkflowEdit { scopes, client_secret: Some(entered(&client)), ..WorkflowEdit::default() };
        workflows::update(&test.server, &Caller::command_line(), &id, edit).map_err(|error| format!("{error:?}"))
    };
    edit(&["read", "write"]).unwrap();
    assert_eq!(ask(&test, "web", &id, None, &[("scope", "write")]).json()["scope"], "write");
    edit(&["read"]).unwrap();
    let widened = ask(&test, "web", &id, None, &[("scope", "read write")]);
    assert_refused(&widened, 400, "invalid_scope", "the requested scope exceeds what was granted");
    let elsewhere = ask(&test, "web", &id, None, &[("resource", "https://other.example")]);
    assert_refused(&elsewhere, 400, "invalid_target", "the requested resource was not granted");
    assert!(edit(&["read", "delete"]).unwrap_err().contains("not registered for the scope delete"));
    // What the client loses, the workflow loses.
    let narrower = ClientMembers {
        scope: Some(grantor::protocol::scope::Scope::parse("write").unwrap()),
        ..ClientMembers::default()
    };
    clients::update(&test.server, &Caller::command_line(), "web", narrower).unwrap();
    let lost = ask(&test, "web", &id, None, &[]);
    assert_refused(&lost, 400, "invalid_scope", "nothing of the requested scope can be granted here");
}

fn rotation_suspends_until_the_new_secret_is_entered(engine: Engine) {
    let test = TestServer::start(engine);
    let first = test.confidential();
    let id = workflow(&test, &first, &[]);
    let second = rotate(&test, 1000);
    let show = || {
        let shown = workflows::show(&test.server, &Caller::command_line(), &id).unwrap();
        (shown.state.as_str(), shown.authorized_until)
    };
    let end = start_time() + std::time::Duration::from_secs(1000);
    assert_eq!(show(), ("active", Some(end)));
    test.advance(900);
    let before = token(&test, &id);
    test.advance(100);
    assert_eq!(show(), ("suspended", None));
    assert_refused(&ask(&test, "web", &id, None, &[]), 400, "invalid_grant", SUSPENDED);
    assert!(!test.is_active(&second, &before));
    // The old secret does not do any more, the new one does.
    assert!(authorize(&test, &id, &first).unwrap_err().contains("Invalid client secret"));
    authorize(&test, &id, &second).unwrap();
    assert_eq!(show(), ("active", None));
    assert!(test.is_active(&second, &token(&test, &id)));
    assert!(!test.is_active(&second, &before));
    // At once, without a grace period: its tokens too.
    let running = token(&test, &id);
    let third = rotate(&test, 0);
    assert!(!test.is_active(&third, &running));
    assert_refused(&ask(&test, "web", &id, None, &[]), 400, "invalid_grant", SUSPENDED);
    let authorized = test.events("workflow.authorized");
    assert_eq!(authorized.iter().map(|event| event.outcome.as_str()).collect::<Vec<_>>(), ["success", "failure"]);
}

fn invalidation_ends_its_tokens_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let (id, other) = (workflow(&test, &client, &[]), workflow(&test, &client, &[]));
    let (ended, stays) = (token(&test, &id), token(&test, &other));
    // All within one microsecond.
    workflows::invalidate(&test.server, &Caller::command_line(), &id).unwrap();
    assert!(!test.is_active(&client, &ended) && test.is_active(&client, &stays));
    assert_refused(&ask(&test, "web", &id, None, &[]), 400, "invalid_grant", SUSPENDED);
    assert!(workflows::invalidate(&test.server, &Caller::command_line(), &id).is_err());
    authorize(&test, &id, &client).unwrap();
    let fresh = token(&test, &id);
    assert!(!test.is_active(&client, &ended) && test.is_active(&client, &fresh));
    authorize(&test, &id, &client).unwrap();
    assert!(!test.is_active(&client, &fresh) && test.is_active(&client, &token(&test, &id)));
    assert!(test.is_active(&client, &stays));
}

fn status_ends_its_tokens(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let id = workflow(&test, &client, &[]);
    let issued = token(&test, &id);
    set_status(&test, &id, Status::Inactive);
    assert!(!test.is_active(&client, &issued));
    assert_refused(&ask(&test, "web", &id, None, &[]), 400, "invalid_grant", "the workflow is disabled");
    set_status(&test, &id, Status::Active);
    assert!(test.is_active(&client, &issued));
    set_status(&test, &id, Status::Revoked);
    assert!(!test.is_active(&client, &issued));
    assert_refused(&ask(&test, "web", &id, None, &[]), 400, "invalid_grant", "the workflow is disabled");
    assert!(workflows::set_status(&test.server, &Caller::command_line(), &id, Status::Active).is_err());
    assert!(authorize(&test, &id, &client).unwrap_err().contains("final"));
}

fn requests_count_against_the_client(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(ClientMembers { requests_per_minute: Some(Some(3)), ..confidential_members("web") });
    let (one, other) = (workflow(&test, &client, &[]), workflow(&test, &client, &[]));
    // What is refused is not counted.
    for _ in 0..5 {
        ask(&test, "web", &one, Some(PAGE), &[]).assert_error(400, "invalid_grant");
    }
    for id in [&one, &other, &one] {
        assert_eq!(ask(&test, "web", id, None, &[]).status, 200);
    }
    let refused = ask(&test, "web", &other, None, &[]);
    refused.assert_error(429, "temporarily_unavailable");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
    test.advance(seconds);
    assert_eq!(ask(&test, "web", &other, None, &[]).status, 200);
}

fn authorization_and_rotation_may_race(engine: Engine) {
    let test = TestServer::start(engine);
    let mut client = test.confidential();
    let id = workflow(&test, &client, &[]);
    for _ in 0..8 {
        let old = client.clone();
        let (_, new) = std::thread::scope(|scope| {
            let entering = scope.spawn(|| authorize(&test, &id, &old));
            let rotating = scope.spawn(|| rotate(&test, 0));
            (entering.join().unwrap(), rotating.join().unwrap())
        });
        client = new;
        // Whichever came first, the old secret entitles to nothing.
        assert_refused(&ask(&test, "web", &id, None, &[]), 400, "invalid_grant", SUSPENDED);
        authorize(&test, &id, &client).unwrap();
        token(&test, &id);
    }
}

fn no_token_outlives_the_secret(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let id = workflow(&test, &client, &[]);
    rotate(&test, 100);
    assert_eq!(ask(&test, "web", &id, None, &[]).json()["expires_in"], 100);
    test.advance(99);
    assert_eq!(ask(&test, "web", &id, None, &[]).json()["expires_in"], 1);
    test.clock.advance(std::time::Duration::from_millis(500));
    assert_refused(&ask(&test, "web", &id, None, &[]), 400, "invalid_grant", SUSPENDED);
}
