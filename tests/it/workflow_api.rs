//! Workflows as operators manage them: the admin API and the command line.

use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin_api::Admin;
use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(
    a_workflow_is_made_shown_and_listed,
    a_wrong_secret_makes_no_workflow,
    secrets_cannot_be_found_out_by_trying,
    a_workflow_holds_no_more_than_its_client,
    each_change_is_an_event,
    the_state_says_why,
);

fn members(client: &TestClient) -> Value {
    json!({ "client_id": client.id, "client_secret": client.secret, "name": "Kiosk", "scopes": ["read"] })
}

fn with(mut members: Value, name: &str, value: Value) -> Value {
    members[name] = value;
    members
}

fn make(admin: &Admin, client: &TestClient) -> String {
    let answer = admin.post("/v1/workflows", &members(client));
    let id = text(&answer.json()["id"]);
    answer.created(admin.test, &format!("/v1/workflows/{id}"));
    id
}

fn a_workflow_is_made_shown_and_listed(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (client, other) = (test.confidential(), test.client(confidential_members("other")));
    let full = with(members(&client), "allowed_origins", json!(["https://shop.example", "https://shop.example"]));
    let answer = admin.post("/v1/workflows", &with(full, "access_token_lifetime", json!(60)));
    assert!(!answer.body.contains(client.secret.as_deref().unwrap()));
    let made = answer.json();
    let id = text(&made["id"]);
    assert!(id.starts_with("wf_") && id.len() == 35, "{id}");
    let at = "2026-01-01T12:00:00Z";
    assert_eq!(
        made,
        json!({
            "id": id, "name": "Kiosk", "client_id": "web", "scopes": ["read"], "status": "active", "state": "active",
            "resources": [test.server.config.server.issuer], "allowed_origins": ["https://shop.example"],
            "access_token_lifetime": 60, "authorized_at": at, "authorized_until": null, "created_at": at,
            "updated_at": at,
        })
    );
    assert_eq!(admin.get(&format!("/v1/workflows/{id}")).ok(), made);
    let others = make(&admin, &other);
    let ids = |query: &str| {
        let page = admin.get(&format!("/v1/workflows{query}")).ok();
        page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect::<Vec<_>>()
    };
    assert_eq!(ids("?client_id=web"), [id.as_str()]);
    assert_eq!(ids("?client_id=other"), [others]);
    assert_eq!(ids("").len(), 2);
    assert_eq!(admin.collect("/v1/workflows", 1).len(), 2);
    admin.get("/v1/workflows?cursor=nonsense").problem(400, "invalid_request");
    admin.get("/v1/workflows?client_id=a%20b").problem(400, "invalid_request");
    admin.get("/v1/workflows?surprise=1").problem(400, "invalid_request");
    // The operator sees what hangs on a secret before it is ended.
    assert_eq!(admin.get("/v1/clients/web/secrets").ok()[0]["workflows"], json!([id]));
}

fn a_wrong_secret_makes_no_workflow(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (client, other) = (test.confidential(), test.client(confidential_members("other")));
    test.public();
    let mut sentences = Vec::new();
    for (id, secret) in
        [("web", other.secret.as_deref().unwrap()), ("web", "x"), ("absent", "x"), ("app", "x"), ("a b", "x")]
    {
        let body = with(with(members(&client), "client_secret", json!(secret)), "client_id", json!(id));
        sentences.push(admin.post("/v1/workflows", &body).problem(400, "invalid_request"));
    }
    assert!(sentences[0].starts_with("Invalid client secret"), "{sentences:?}");
    assert!(sentences.iter().all(|sentence| *sentence == sentences[0]), "{sentences:?}");
    let failures = test.events("workflow.created");
    assert_eq!((failures.len(), failures[0].outcome.as_str()), (4, "failure"));
    clients::set_status(&test.server, &Caller::command_line(), "web", Status::Inactive).unwrap();
    admin.post("/v1/workflows", &members(&client)).problem(409, "conflict");
    assert!(admin.get("/v1/workflows").ok()["items"].as_array().unwrap().is_empty());
}

fn secrets_cannot_be_found_out_by_trying(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let (client, other) = (test.confidential(), test.client(confidential_members("other")));
    let wrong = with(members(&client), "client_secret", json!("x"));
    for _ in 0..30 {
        admin.post("/v1/workflows", &wrong).problem(400, "invalid_request");
    }
    // Not even the right one now: the answer tells nothing.
    let refused = admin.post("/v1/workflows", &members(&client));
    refused.problem(429, "temporarily_unavailable");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 60);
    make(&admin, &other);
    test.advance(60);
    make(&admin, &client);
}

fn a_workflow_holds_no_more_than_its_client(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let scope = grantor::protocol::scope::Scope::parse("read clients:read").unwrap();
    let client = test.client(ClientMembers { scope: Some(scope), ..confidential_members("web") });
    let base = members(&client);
    for (name, value, word) in [
        ("scopes", json!(["write"]), "not registered for the scope write"),
        ("scopes", json!(["clients:read"]), "privileged"),
        ("scopes", json!(["a b"]), "scope token"),
        ("resources", json!(["https://other.example"]), "https://other.example"),
        ("resources", json!([]), "resources"),
        ("access_token_lifetime", json!(901), "10 to 900"),
        ("access_token_lifetime", json!(9), "10 to 900"),
        ("name", json!(" "), "name"),
        ("allowed_origins", json!(["https://shop.example/"]), "origin"),
        ("surprise", json!(1), "surprise"),
    ] {
        let detail = admin.post("/v1/workflows", &with(base.clone(), name, value)).problem(400, "invalid_request");
        assert!(detail.contains(word), "{word}: {detail}");
    }
    let path = format!("/v1/workflows/{}", make(&admin, &client));
    for body in [json!({ "scopes": ["write"] }), json!({ "client_id": "x" }), json!({ "access_token_lifetime": 901 })] {
        admin.patch(&path, &body).problem(400, "invalid_request");
    }
    let edited = admin.patch(&path, &json!({ "name": "Till", "access_token_lifetime": 200 })).ok();
    assert_eq!((&edited["name"], &edited["scopes"]), (&json!("Till"), &json!(["read"])));
    assert_eq!(edited["authorized_at"], "2026-01-01T12:00:00Z", "to narrow needs no secret and ends no token");
    // Whoever may edit workflows, and holds no more than that, cannot widen one past whoever entered the secret.
    let secret = client.secret.clone().unwrap();
    for (name, value) in [("allowed_origins", json!(["https://evil.example"])), ("access_token_lifetime", json!(201))] {
        let wider = json!({ name: value });
        let detail = admin.patch(&path, &wider).problem(400, "invalid_request");
        assert!(detail.contains("client_secret"), "{detail}");
        admin.patch(&path, &with(wider, "client_secret", json!("cs_wrong"))).problem(400, "invalid_request");
    }
    let entered = json!({ "access_token_lifetime": 201, "client_secret": secret });
    assert_eq!(admin.patch(&path, &entered).ok()["access_token_lifetime"], 201);
}

fn each_change_is_an_event(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let client = test.confidential();
    let id = make(&admin, &client);
    let post = |verb: &str| admin.send(Method::POST, &format!("/v1/workflows/{id}/{verb}"), None);
    admin.patch(&format!("/v1/workflows/{id}"), &json!({ "name": "Till" })).ok();
    post("invalidate").ok();
    post("invalidate").problem(409, "conflict");
    let body = json!({ "client_secret": client.secret });
    admin.post(&format!("/v1/workflows/{id}/authorize"), &body).ok();
    for verb in ["disable", "enable", "revoke"] {
        post(verb).ok();
    }
    for verb in ["disable", "enable", "revoke", "invalidate"] {
        post(verb).problem(409, "conflict");
    }
    admin.patch(&format!("/v1/workflows/{id}"), &json!({})).problem(409, "conflict");
    for verb in ["created", "updated", "invalidated", "authorized", "disabled", "enabled", "revoked"] {
        let events = test.events(&format!("workflow.{verb}"));
        assert_eq!((events.len(), events[0].target_id.as_deref()), (1, Some(&*id)), "{verb}");
        assert_eq!((events[0].actor_id.as_deref(), events[0].outcome.as_str()), (Some(&*admin.id), "success"));
    }
}

fn the_state_says_why(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let client = test.confidential();
    let id = make(&admin, &client);
    let path = format!("/v1/workflows/{id}");
    let state = || text(&admin.get(&path).ok()["state"]);
    let to = |status| clients::set_status(&test.server, &Caller::command_line(), "web", status).unwrap();
    let post = |verb: &str| text(&admin.send(Method::POST, &format!("{path}/{verb}"), None).ok()["state"]);
    to(Status::Inactive);
    assert_eq!(state(), "client_inactive");
    to(Status::Active);
    assert_eq!(state(), "active");
    assert_eq!(post("invalidate"), "suspended");
    assert_eq!(post("disable"), "inactive");
    assert_eq!(post("enable"), "suspended");
    let body = json!({ "client_secret": client.secret });
    assert_eq!(admin.post(&format!("{path}/authorize"), &body).ok()["state"], "active");
    to(Status::Revoked);
    assert_eq!(state(), "client_inactive");
    assert_eq!(admin.get("/v1/workflows").ok()["items"][0]["state"], "client_inactive");
    assert_eq!(post("revoke"), "revoked");
}

#[test]
fn the_command_line_does_it_all() {
    let test = TestServer::start_now(Engine::Sqlite);
    let client = test.confidential();
    let secret = client.secret.clone().unwrap();
    let run = |line: &str, input: &str| {
        let mut command = grantor_on(&test.database);
        command.env("GRANTOR_SERVER__ISSUER", &test.server.config.server.issuer);
        Ended::of(command.args(line.split(' ')), input)
    };
    let create = "workflow create --client web --name Kiosk --scope read --allowed-origin https://a.example --json";
    let made = run(create, &format!("{secret}\n")).json();
    let id = text(&made["id"]);
    assert_eq!((&made["state"], &made["scopes"]), (&json!("active"), &json!(["read"])));
    run(create, "wrong\n").assert_refused(3, "Invalid client secret", "");
    let file = test.database.folder.path().join("secret");
    std::fs::write(&file, &secret).unwrap();
    let line = format!("workflow authorize {id} --json --client-secret-file {}", file.display());
    assert_eq!(run(&line, "").json()["state"], "active");
    run(&format!("workflow authorize {id} --client-secret-file /nowhere"), "").assert_refused(1, "/nowhere", "secret");
    let widened = format!("workflow edit {id} --name Till --no-origins --json");
    run(&widened, "").assert_refused(3, "client_secret", "");
    let edited = run(&format!("{widened} --client-secret-file {}", file.display()), "").json();
    assert_eq!((&edited["name"], &edited["allowed_origins"]), (&json!("Till"), &json!([])));
    let listed = run("workflow list", "");
    assert!(listed.out.starts_with("ID ") && listed.out.contains(&id), "{listed:?}");
    assert_eq!(run("workflow list --client other --json", "").json()["items"], json!([]));
    for (verb, state) in [("invalidate", "suspended"), ("disable", "inactive"), ("enable", "suspended")] {
        assert_eq!(run(&format!("workflow {verb} {id} --json"), "").json()["state"], state);
    }
    let shown = run(&format!("workflow show {id}"), "");
    assert!(shown.out.contains("state") && shown.out.contains("suspended") && shown.err.is_empty(), "{shown:?}");
    run(&format!("workflow revoke {id}"), "").assert_refused(2, "for good", "--yes");
    assert_eq!(run(&format!("workflow revoke {id} --yes --json"), "").json()["state"], "revoked");
    run("workflow show absent", "").assert_refused(3, "no such workflow", "");
    // The client's secrets.
    run("client finish-rotation web", "").assert_refused(3, "being replaced", "");
    run("client rotate-secret web --grace 1h --json", "").json();
    let secrets = run("client secrets web --json", "").json();
    assert_eq!((secrets.as_array().unwrap().len(), &secrets[0]["workflows"]), (2, &json!([])));
    let table = run("client secrets web", "");
    assert!(table.out.starts_with("SECRET") && table.out.contains(&secret[secret.len() - 4..]), "{table:?}");
    assert_eq!(run("client finish-rotation web --json", "").json()["client_id"], "web");
    assert_eq!(run("client secrets web --json", "").json().as_array().unwrap().len(), 1);
}
