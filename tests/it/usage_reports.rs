//! What API servers report of the use of credentials: who may, on what, in which form.

use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::flows::projects::{self, NewProject};
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;
use serde_json::{Value, json};

use crate::doors_support::exchange_form;
use crate::support::*;
use crate::usage::{key, reader, usage, write_down};

on_both!(
    reports_make_success_rate_time_and_units,
    an_event_that_breaks_a_rule_is_rejected_alone,
    a_report_is_on_what_is_ones_own,
    only_resource_servers_report,
    a_bearer_reports_too,
    whoever_is_limited_to_projects_reports_of_them_only,
);

fn report(test: &TestServer, client: &TestClient, events: &Value) -> Answer {
    let request = http_client().post(test.url("/v1/usage")).basic_auth(&client.id, client.secret.as_ref());
    Answer::of(request.json(&json!({ "events": events })))
}

fn reports_make_success_rate_time_and_units(engine: Engine) {
    let test = TestServer::start(engine);
    let api = test.confidential();
    let key = key(&test, "backend");
    let id = key.key.id.as_str();
    let events = json!([
        { "credential_id": id, "operation": "render", "project": "one", "status": 200, "duration_ms": 12.5, "units": 7 },
        { "credential_id": id, "operation": "render", "project": "one", "status": 204, "duration_ms": 17.5 },
        { "credential_id": id, "operation": "render", "project": "two", "status": 503, "duration_ms": 30, "requests": 2 },
        { "credential_id": id, "status": 404, "outcome": "quota" },
        { "credential_id": id, "outcome": "success", "requests": 5, "at": "2025-12-26T00:00:00Z" },
    ]);
    let answer = report(&test, &api, &events);
    assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "accepted": 5, "rejected": [] })));
    let admin = reader(&test);
    let path = format!("/v1/access-keys/{id}/usage?days=7");
    assert_eq!(usage(&test, &admin, &path)["total_requests"], 0, "nothing is written on the way of the request");
    write_down(&test);
    let summary = usage(&test, &admin, &path);
    assert_eq!((&summary["total_requests"], &summary["success_rate"]), (&json!(10), &json!(0.7)));
    // 60 ms over the four requests that say how long they took.
    assert_eq!((&summary["average_response_time_ms"], &summary["units"]), (&json!(15.0), &json!(7)));
    assert_eq!(
        summary["errors"],
        json!([{ "kind": "server_error", "requests": 2 }, { "kind": "quota", "requests": 1 }])
    );
    assert_eq!((&summary["days"][0]["reported"], &summary["days"][6]["reported"]), (&json!(5), &json!(5)));
    assert_eq!(summary["by_project"][0], json!({ "project": "", "requests": 6, "share": 0.6 }));
    assert_eq!(summary["last_used_at"], Value::Null);
}

fn an_event_that_breaks_a_rule_is_rejected_alone(engine: Engine) {
    let test = TestServer::start(engine);
    let api = test.confidential();
    let breaches = [
        ("invalid_operation", json!({ "operation": "x".repeat(101) })),
        ("invalid_operation", json!({ "operation": "a\nb" })),
        ("invalid_project", json!({ "project": "a b" })),
        ("invalid_outcome", json!({ "outcome": "Success" })),
        ("invalid_outcome", json!({ "outcome": "" })),
        ("invalid_outcome", json!({ "outcome": "x".repeat(41) })),
        ("invalid_status", json!({ "status": 99 })),
        ("invalid_status", json!({ "status": 600, "outcome": "success" })),
        ("invalid_duration_ms", json!({ "duration_ms": -1 })),
        ("invalid_duration_ms", json!({ "duration_ms": 86_400_001 })),
        ("invalid_units", json!({ "units": -1 })),
        ("invalid_units", json!({ "units": 1_000_000_000_001_i64 })),
        ("invalid_requests", json!({ "requests": 0 })),
        ("invalid_requests", json!({ "requests": 1_000_001 })),
        ("invalid_at", json!({ "at": "2026-01-01T12:01:01Z" })),
        ("invalid_at", json!({ "at": "2025-12-25T11:59:59Z" })),
        ("unknown", json!({ "credential_id": "nobody" })),
        ("unknown", json!({ "credential_id": "a b\u{1}" })),
    ];
    let mut events = vec![json!({ "credential_id": "web" })];
    for (_, breach) in &breaches {
        let mut event = breach.clone();
        event.as_object_mut().unwrap().entry("credential_id").or_insert(json!("web"));
        events.push(event);
    }
    events.push(json!({ "credential_id": "web", "at": "2025-12-25T12:00:00Z", "status": 301 }));
    events.push(json!({ "credential_id": "web", "at": "2026-01-01T12:01:00Z", "outcome": "own_word_1" }));
    let answer = report(&test, &api, &json!(events)).json();
    let wanted: Vec<Value> =
        breaches.iter().enumerate().map(|(index, (code, _))| json!({ "index": index + 1, "code": code })).collect();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(3), &json!(wanted)));
    // The form of the whole.
    let many: Vec<Value> = (0..501).map(|_| json!({ "credential_id": "web" })).collect();
    for events in [json!([]), json!(many), json!([{}]), json!([{ "credential_id": "web", "what": 1 }]), json!("x")] {
        let answer = report(&test, &api, &events);
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!("invalid_request")), "{events}");
    }
    assert_eq!(report(&test, &api, &json!(many[..500])).json()["accepted"], 500);
    let large = json!([{ "credential_id": "web", "operation": "x".repeat(65_536) }]);
    assert_eq!(report(&test, &api, &large).status, 413);
}

fn a_report_is_on_what_is_ones_own(engine: Engine) {
    let test = TestServer::start(engine);
    let resource = |text: &str| Some(vec![Resource::parse(text).unwrap()]);
    let of = |id: &str, resources, environment: &str| {
        let environment = Some(environment.to_owned());
        test.client(ClientMembers { resources, environment, ..confidential_members(id) })
    };
    let api = of("api", resource("https://api.example"), "live");
    of("other", resource("https://other.example"), "live");
    of("test-app", resource("https://api.example"), "test");
    let new = |resources| {
        let new = NewAccessKey { name: "key".to_owned(), resources, ..NewAccessKey::default() };
        access_keys::create(&test.server, &Caller::command_line(), new).unwrap().key.id.0
    };
    let (own, foreign) = (new(resource("https://api.example")), new(None));
    let events: Vec<Value> =
        [own.as_str(), &foreign, "api", "other", "test-app"].iter().map(|id| json!({ "credential_id": id })).collect();
    let answer = report(&test, &api, &json!(events)).json();
    let rejected: Vec<&Value> = answer["rejected"].as_array().unwrap().iter().map(|event| &event["index"]).collect();
    assert_eq!((&answer["accepted"], rejected), (&json!(2), vec![&json!(1), &json!(3), &json!(4)]));
}

fn only_resource_servers_report(engine: Engine) {
    let test = TestServer::start(engine);
    let plain = test.client(ClientMembers { may_introspect: Some(false), ..confidential_members("plain") });
    let events = json!([{ "credential_id": "plain" }]);
    assert_eq!(report(&test, &plain, &events).status, 403);
    let wrong = TestClient { secret: Some("cs_wrong".to_owned()), ..plain.clone() };
    let answer = report(&test, &wrong, &events);
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (401, &json!("invalid_client")));
    assert!(answer.header("www-authenticate").starts_with("Basic "), "{}", answer.header("www-authenticate"));
    let body = json!({ "events": events });
    let bare = Answer::of(http_client().post(test.url("/v1/usage")).json(&body));
    let challenges: Vec<_> = bare.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(bare.status, 401);
    assert_eq!(challenges, ["Basic realm=\"grantor\", charset=\"UTF-8\"", &test.bearer_challenge()]);
    let twice = http_client().post(test.url("/v1/usage")).bearer_auth("x").basic_auth("plain", Some("x"));
    assert_eq!(Answer::of(twice.json(&body)).status, 400);
    let api = test.client(ClientMembers { may_introspect: Some(true), ..confidential_members("api") });
    for (client, status) in [(&plain, 403), (&api, 415)] {
        let form = http_client().post(test.url("/v1/usage")).basic_auth(&client.id, client.secret.as_ref());
        assert_eq!(Answer::of(form.form(&[("a", "b")])).status, status);
    }
}

fn whoever_is_limited_to_projects_reports_of_them_only(engine: Engine) {
    let test = TestServer::start(engine);
    for id in ["one", "two", "three"] {
        let new = NewProject { id: id.to_owned(), name: None, description: String::new() };
        projects::create(&test.server, &Caller::command_line(), new).unwrap();
    }
    let resources = vec![test.server.admin_resource.clone(), test.server.config.default_resource()];
    let reporter = |projects: &[&str], scope: &str| {
        let new = NewAccessKey {
            name: "reporter".to_owned(),
            scopes: vec![scope.to_owned()],
            projects: projects.iter().map(|project| (*project).to_owned()).collect(),
            resources: Some(resources.clone()),
            ..NewAccessKey::default()
        };
        access_keys::create(&test.server, &Caller::command_line(), new).unwrap().secret
    };
    let app = key(&test, "app").key.id.0;
    let event = |project: Value| json!({ "credential_id": app, "project": project });
    let events = json!([event(json!("one")), event(json!("three")), event(json!(null)), event(json!("")), event(json!("two")),
               { "credential_id": app }, { "credential_id": "nobody", "project": "three" }]);
    let send = |bearer: &str| {
        let request = http_client().post(test.url("/v1/usage")).bearer_auth(bearer);
        let answer = Answer::of(request.json(&json!({ "events": events })));
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.json()
    };
    let wrong = |indices: &[usize]| -> Vec<Value> {
        indices.iter().map(|index| json!({ "index": index, "code": "wrong_project" })).collect()
    };
    let unknown = json!({ "index": 6, "code": "unknown" });
    let limited = reporter(&["one", "two"], "usage:write");
    let admin_api = test.server.admin_resource.as_str();
    let form = exchange_form(&limited, &[("resource", admin_api)]);
    let exchanged = Answer::of(http_client().post(test.url("/oauth/token")).form(&form));
    assert_eq!(exchanged.status, 200, "{}", exchanged.body);
    let mut rejected = wrong(&[1, 2, 3, 5]);
    rejected.push(unknown.clone());
    // `admin` is limited to them too.
    for bearer in [&limited, &reporter(&["one", "two"], "admin")] {
        assert_eq!(send(bearer), json!({ "accepted": 2, "rejected": rejected }));
    }
    assert_eq!(send(&text(&exchanged.json()["access_token"]))["rejected"], send(&limited)["rejected"]);
    assert_eq!(send(&reporter(&[], "usage:write")), json!({ "accepted": 6, "rejected": [unknown] }));
    write_down(&test);
    let rows = test.server.store.read(|connection| connection.list_usage(Some(&app), 0)).unwrap();
    let of = |project: &str| -> i64 {
        rows.iter().filter(|(key, _)| key.project == project).map(|(_, count)| count.requests).sum()
    };
    assert_eq!((of("one"), of("two"), of("three"), of("")), (5, 5, 1, 3));
}

fn a_bearer_reports_too(engine: Engine) {
    let test = TestServer::start(engine);
    let api = test.server.config.default_resource();
    let admin = test.server.admin_resource.clone();
    let make = |scopes: &[&str], resources: &[&Resource]| {
        let new = NewAccessKey {
            name: "reporter".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            resources: Some(resources.iter().map(|resource| (*resource).clone()).collect()),
            ..NewAccessKey::default()
        };
        access_keys::create(&test.server, &Caller::command_line(), new).unwrap()
    };
    let reporter = make(&["usage:write"], &[&admin, &api]);
    let for_admin_only = make(&["usage:read"], &[&admin]);
    let app = key(&test, "app");
    let send = |secret: &str| {
        let events = [&app, &for_admin_only].map(|key| json!({ "credential_id": key.key.id.as_str() }));
        let request = http_client().post(test.url("/v1/usage")).bearer_auth(secret);
        Answer::of(request.json(&json!({ "events": events })))
    };
    // The admin API is the server's own affair, whoever may call it.
    let answer = send(&reporter.secret);
    assert_eq!(answer.json(), json!({ "accepted": 1, "rejected": [{ "index": 1, "code": "unknown" }] }));
    assert_eq!(send(&for_admin_only.secret).status, 403);
    assert_eq!(send(&app.secret).status, 401);
    let tool = test.client(ClientMembers {
        scope: Some(Scope::parse("read usage:write").unwrap()),
        roles: Some(vec!["admin".to_owned()]),
        ..confidential_members("tool")
    });
    let asked = [("grant_type", "client_credentials"), ("scope", "usage:write")];
    let token = text(&test.token(&tool, &asked).json()["access_token"]);
    assert_eq!(send(&token).json()["accepted"], 1);
}
