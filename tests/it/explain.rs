//! "Why was this refused?": every question of the verdict is explained as the doors decide it, and refused requests are found
//! again by their identifiers.

use grantor::crypto::secret;
use grantor::domain::client::Status;
use grantor::flows::access_keys::NewAccessKey;
use grantor::flows::caller::Caller;
use grantor::flows::users;
use grantor::flows::{purge, usage};
use serde_json::{Value, json};

use crate::doors_support::*;
use crate::support::*;

on_both!(
    every_question_is_explained,
    an_explanation_says_what_the_door_says,
    an_explanation_counts_nothing,
    what_the_owner_lost_is_told,
    a_credential_is_found_by_what_is_shown_of_it,
    a_secret_does_not_belong_into_an_address,
    clients_and_tokens_are_explained,
    only_who_may_see_a_credential_is_told_of_it,
    a_refused_verification_is_found_again,
    a_refusal_of_a_proxy_is_found_again,
    a_refused_administrator_is_told_why,
    a_refused_client_is_told_why,
    refusals_are_written_and_forgotten,
    a_flood_is_a_sample,
);

struct Desk {
    world: World,
    token: String,
}

impl Desk {
    fn start(engine: Engine) -> Self {
        let world = World::start(engine);
        let new = NewAccessKey {
            resources: Some(vec![world.test.server.admin_resource.clone()]),
            ..key_members("desk", &["access-keys:read", "clients:read", "audit-events:read"])
        };
        let token = world.key(new).secret;
        Self { world, token }
    }

    fn get(&self, path: &str) -> Answer {
        Answer::of(http_client().get(self.world.test.url(path)).bearer_auth(&self.token))
    }

    #[track_caller]
    fn explain(&self, query: &str) -> Value {
        let answer = self.get(&format!("/v1/explain?{query}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    fn post(&self, body: &Value) -> Answer {
        Answer::of(http_client().post(self.world.test.url("/v1/explain")).bearer_auth(&self.token).json(body))
    }

    /// The refusal of this answer's request.
    #[track_caller]
    fn refusal(&self, answer: &Answer) -> Value {
        let id = answer.header("x-request-id");
        assert!(!id.is_empty(), "{answer:?}");
        let found = self.explain(&format!("request_id={id}"));
        assert_eq!(found["refusals"].as_array().unwrap().len(), 1, "{found}");
        found["refusals"][0].clone()
    }
}

/// The answers of an explanation or refusal, by question.
fn outcomes(explained: &Value) -> Vec<(String, String)> {
    let steps = explained["steps"].as_array().unwrap();
    steps.iter().map(|step| (text(&step["step"]), text(&step["outcome"]))).collect()
}

fn failed(explained: &Value) -> Vec<String> {
    let failed = outcomes(explained).into_iter().filter(|(_, outcome)| outcome == "failed");
    failed.map(|(step, _)| step).collect()
}

fn facts(explained: &Value, step: &str) -> Value {
    let steps = explained["steps"].as_array().unwrap();
    steps.iter().find(|found| found["step"] == step).unwrap()["facts"].clone()
}

fn every_question_is_explained(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.key(NewAccessKey {
        allowed_addresses: Some(vec!["203.0.113.0/24".parse().unwrap()]),
        projects: vec!["alpha".to_owned()],
        expires_in: Some(600),
        requests_per_minute: Some(1),
        ..key_members("narrow", &["orders:read"])
    });
    let about = |query: &str| desk.explain(&format!("credential_id={}{query}", key.id))["explanations"][0].clone();
    let open = about("");
    assert_eq!(
        (&open["valid"], &open["code"], &open["credential_type"]),
        (&json!(true), &json!("valid"), &json!("access_key"))
    );
    let not_asked: Vec<_> = outcomes(&open).into_iter().filter(|(_, outcome)| outcome == "not_asked").collect();
    let expected = ["environment", "address", "audience", "scope", "project"];
    assert_eq!(not_asked.into_iter().map(|(step, _)| step).collect::<Vec<_>>(), expected);
    assert_eq!(facts(&open, "address"), json!({ "held": "203.0.113.0/24" }));
    assert_eq!(facts(&open, "status"), json!({ "access_key": "active" }));
    assert_eq!(facts(&open, "rate"), json!({ "limits": "1 of 1 left in 60 s" }));
    for (query, step, code) in [
        ("&environment=test", "environment", "wrong_environment"),
        ("&address=192.0.2.1", "address", "address_not_allowed"),
        ("&audience=https://elsewhere.example", "audience", "wrong_audience"),
        ("&scope=orders:write", "scope", "insufficient_scope"),
        ("&project=beta", "project", "wrong_project"),
    ] {
        let found = about(query);
        assert_eq!((&failed(&found)[..], &found["code"]), (&[step.to_owned()][..], &json!(code)), "{query}");
    }
    let right = about("&environment=live&address=203.0.113.9&scope=orders:read&project=alpha");
    assert_eq!(right["code"], "valid");
    assert!(outcomes(&right).iter().filter(|(step, _)| step != "audience").all(|(_, outcome)| outcome == "passed"));
    // Whatever else is wrong is told too; the first decides.
    let wrong = about("&environment=test&scope=orders:write&project=beta");
    assert_eq!(
        (failed(&wrong), &wrong["code"]),
        (vec!["environment".to_owned(), "scope".to_owned(), "project".to_owned()], &json!("wrong_environment"))
    );
    assert_eq!(facts(&wrong, "scope")["missing"], "orders:write");
    let office = json!({ "credential": key.secret, "ip": OFFICE, "project": "alpha" });
    assert_eq!(desk.world.verify(&office).json()["code"], "valid");
    assert_eq!((failed(&about("")), &about("")["code"]), (vec!["rate".to_owned()], &json!("rate_limit_exceeded")));
    desk.world.test.advance(600);
    assert_eq!(failed(&about("")), ["expiry"]);
    desk.world.set_status(&key, Status::Inactive);
    assert_eq!((failed(&about(""))[0].as_str(), &about("")["code"]), ("status", &json!("inactive")));
    desk.world.set_status(&key, Status::Revoked);
    assert_eq!(about("")["code"], "revoked");
    let unknown = desk.explain("credential_id=ak_none")["explanations"][0].clone();
    assert_eq!((failed(&unknown), &unknown["code"]), (vec!["known".to_owned()], &json!("unknown")));
    assert!(outcomes(&unknown)[1..].iter().all(|(_, outcome)| outcome == "not_asked"));
}

/// The explanation of a secret, asked what the door is asked, comes to the door's verdict, in every state.
fn an_explanation_says_what_the_door_says(engine: Engine) {
    let desk = Desk::start(engine);
    for case in desk.world.key_cases(None, "orders:read", "orders:write") {
        let address = case.from.rsplit(", ").next().unwrap();
        let asked = json!({ "credential": case.secret, "scopes": ["orders:read"], "project": "alpha", "ip": address });
        let mut said = desk.world.verify(&asked).json();
        if case.verdict == grantor::domain::credential::Verdict::RateLimitExceeded {
            said = desk.world.verify(&asked).json();
        }
        let question = json!({ "credential": case.secret, "scope": "orders:read", "project": "alpha", "address": address,
            "environment": "live" });
        let answer = desk.post(&question);
        assert_eq!(answer.status, 200, "{}: {}", case.name, answer.body);
        let explained = answer.json()["explanations"][0].clone();
        assert_eq!(explained["code"], said["code"], "{}: {explained}", case.name);
        assert!(!answer.body.contains(&case.secret), "{}", case.name);
    }
}

fn an_explanation_counts_nothing(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.key(NewAccessKey { requests_per_minute: Some(1), ..key_members("slow", &["orders:read"]) });
    for _ in 0..5 {
        let found = desk.explain(&format!("credential_id={}&scope=orders:read", key.id));
        assert_eq!(found["explanations"][0]["code"], "valid");
    }
    assert_eq!(desk.world.verdict(&key.secret)["code"], "valid");
    assert_eq!(desk.world.verdict(&key.secret)["code"], "rate_limit_exceeded");
}

fn what_the_owner_lost_is_told(engine: Engine) {
    let desk = Desk::start(engine);
    let test = &desk.world.test;
    let user = test.user("sue", &["support"]);
    let owner = grantor::domain::access_key::Owner::User(user.clone());
    let key = desk
        .world
        .key(NewAccessKey { owner: Some(Some(owner)), ..key_members("hers", &["users:read", "orders:read"]) });
    let edit = serde_json::from_value(json!({ "roles": [] })).unwrap();
    users::update(&test.server, &Caller::command_line(), &user, edit).unwrap();
    let about = || desk.explain(&format!("credential_id={}&scope=users:read", key.id))["explanations"][0].clone();
    assert_eq!(failed(&about()), ["scope"]);
    assert_eq!(facts(&about(), "scope")["lost_by_owner"], "users:read");
    users::set_active(&test.server, &Caller::command_line(), &user, false).unwrap();
    assert_eq!(failed(&about()), ["status", "scope"]);
    assert_eq!(facts(&about(), "status"), json!({ "access_key": "active", "user": "inactive" }));
}

fn a_credential_is_found_by_what_is_shown_of_it(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.reader();
    let masked = text(&desk.explain(&format!("credential_id={}", key.id))["explanations"][0]["masked"]);
    let ids = |shown: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("credential_id", shown).finish();
        let found = desk.explain(&query)["explanations"].as_array().unwrap().clone();
        found.iter().map(|found| found["credential_id"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&masked), [key.id.as_str()]);
    assert_eq!(ids(&masked.replace("...", "\u{2026}")), [key.id.as_str()]);
    let first = masked.split("...").next().unwrap();
    assert!(ids(first).contains(&key.id));
    // What all begin with finds several, and a wildcard is none.
    desk.world.reader();
    assert!(ids("gk_live_").len() >= 2);
    assert_eq!(ids("gk%live%"), [""]);
    assert_eq!(ids("gk_"), [""]);
}

fn a_secret_does_not_belong_into_an_address(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.reader();
    let answer = desk.get(&format!("/v1/explain?credential_id={}", key.secret));
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("in the body of a POST") && !answer.body.contains(&key.secret), "{}", answer.body);
    let answer = desk.post(&json!({ "credential": key.secret }));
    assert_eq!(answer.json()["explanations"][0]["credential_id"], key.id);
    for (body, status) in [
        (json!({}), 400),
        (json!({ "credential": "a", "credential_id": "b" }), 400),
        (json!({ "credential_id": "b", "scope": "a\u{7}b" }), 400),
        (json!({ "credential_id": "b", "what": 1 }), 400),
    ] {
        assert_eq!(desk.post(&body).status, status, "{body}");
    }
    for query in ["", "request_id=a&credential_id=b", "credential_id=a&address=here", "credential_id=%00", "what=1"] {
        assert_eq!(desk.get(&format!("/v1/explain?{query}")).status, 400, "{query}");
    }
}

fn clients_and_tokens_are_explained(engine: Engine) {
    let desk = Desk::start(engine);
    let worker = desk.world.test.client(worker_members("worker"));
    let tokens = desk.world.test.token(&worker, &[("grant_type", "client_credentials")]);
    let token = text(&tokens.json()["access_token"]);
    let client = desk.explain("credential_id=worker&scope=orders:read")["explanations"][0].clone();
    assert_eq!((&client["code"], &client["credential_type"]), (&json!("valid"), &json!("client_secret")));
    let of_token =
        || desk.post(&json!({ "credential": token, "scope": "orders:write" })).json()["explanations"][0].clone();
    assert_eq!((&of_token()["code"], &of_token()["credential_type"]), (&json!("valid"), &json!("access_token")));
    set_client_status(&desk.world.test, &worker, Status::Inactive);
    assert_eq!(
        (failed(&of_token()), facts(&of_token(), "status")["client"].clone()),
        (vec!["status".to_owned()], json!("inactive"))
    );
    desk.world.test.advance(86_400);
    assert_eq!(failed(&of_token()), ["status", "expiry"]);
}

fn only_who_may_see_a_credential_is_told_of_it(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.reader();
    let with = |scopes: &[&str]| {
        let resources = Some(vec![desk.world.test.server.admin_resource.clone()]);
        desk.world.key(NewAccessKey { resources, ..key_members("some", scopes) }).secret
    };
    let ask = |secret: &str, query: &str| {
        Answer::of(http_client().get(desk.world.test.url(&format!("/v1/explain?{query}"))).bearer_auth(secret))
    };
    let (auditor, clients, keys) = (with(&["audit-events:read"]), with(&["clients:read"]), with(&["access-keys:read"]));
    let (by_key, by_client) = (format!("credential_id={}", key.id), "credential_id=orders-api");
    for (secret, query, status) in [
        (&auditor, by_key.as_str(), 403),
        (&auditor, by_client, 403),
        (&auditor, "credential_id=gk_live_abcd", 403),
        (&auditor, "request_id=none", 403),
        (&clients, &by_key, 403),
        (&clients, by_client, 200),
        (&clients, "request_id=none", 403),
        (&keys, &by_key, 200),
        (&keys, "request_id=none", 200),
    ] {
        assert_eq!(ask(secret, query).status.as_u16(), status, "{query}");
    }
    assert_eq!(Answer::of(http_client().get(desk.world.test.url(&format!("/v1/explain?{by_key}")))).status, 401);
    // The latest refusals of it stand beside, for whoever may see what they speak of.
    desk.world.verify(&json!({ "credential": key.secret, "scopes": ["orders:write"] }));
    usage::flush(&desk.world.test.server);
    assert_eq!(ask(&keys, &by_key).json()["refusals"].as_array().unwrap().len(), 1);
    assert_eq!(ask(&clients, by_client).json()["refusals"], json!([]));
}

fn a_refused_verification_is_found_again(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.reader();
    let answer = desk.world.verify(
        &json!({ "credential": key.secret, "scopes": ["orders:write"], "ip": "192.0.2.7", "operation": "orders.create" }),
    );
    let refusal = desk.refusal(&answer);
    assert_eq!(
        (&refusal["door"], &refusal["code"], &refusal["step"], &refusal["credential_id"], &refusal["asked_by"]),
        (&json!("verify"), &json!("insufficient_scope"), &json!("scope"), &json!(key.id), &json!("orders-api"))
    );
    assert_eq!(
        (&refusal["address"], &refusal["asked"]["missing_scope"]),
        (&json!("192.0.2.7"), &json!("orders:write"))
    );
    assert_eq!(refusal["asked"]["operation"], "orders.create");
    let steps = outcomes(&refusal);
    assert_eq!((failed(&refusal), steps.last().unwrap().1.as_str()), (vec!["scope".to_owned()], "not_asked"));
    assert!(steps.iter().take_while(|(step, _)| step != "scope").all(|(_, outcome)| outcome == "passed"));
    // What is unknown is told by what is shown of it, and never in full.
    let unknown = secret::generate_prefixed("gk_live_").unwrap();
    let answer = desk.world.verify(&json!({ "credential": *unknown }));
    let refusal = desk.refusal(&answer);
    assert_eq!((&refusal["step"], &refusal["credential_id"]), (&json!("known"), &Value::Null));
    assert!(text(&refusal["asked"]["presented"]).contains("...") && !refusal.to_string().contains(&**unknown));
    // A key of another API is unknown to this one; the operator sees why.
    let foreign = grantor::protocol::resource::Resource::parse("https://other.example").unwrap();
    let foreign =
        desk.world.key(NewAccessKey { resources: Some(vec![foreign]), ..key_members("other", &["orders:read"]) });
    let refusal = desk.refusal(&desk.world.verify(&json!({ "credential": foreign.secret })));
    assert_eq!(
        (&refusal["step"], &refusal["asked"]["presented"]),
        (&json!("known"), &json!(format!("{}: not for the API that asks", foreign.id)))
    );
    // What is let in leaves nothing.
    let answer = desk.world.verify(&json!({ "credential": key.secret }));
    let found = desk.explain(&format!("request_id={}", answer.header("x-request-id")));
    assert_eq!(found["refusals"], json!([]));
    // The caller itself.
    let asked = http_client().post(desk.world.test.url("/v1/verify")).json(&json!({ "credential": key.secret }));
    let refusal = desk.refusal(&Answer::of(asked));
    assert_eq!((&refusal["step"], failed(&refusal)), (&json!("caller"), vec!["caller".to_owned()]));
    // Several of one batch.
    let batch = http_client().post(desk.world.test.url("/v1/verify/batch"));
    let batch = batch.basic_auth(&desk.world.api.id, desk.world.api.secret.as_ref());
    let items = json!({ "items": [{ "credential": "x" }, { "credential": key.secret }, { "credential": key.secret, "project": "no" , "scopes": ["y"] }] });
    let answer = Answer::of(batch.json(&items));
    let found = desk.explain(&format!("request_id={}", answer.header("x-request-id")));
    assert_eq!(found["refusals"].as_array().unwrap().len(), 2, "{found}");
}

fn a_refusal_of_a_proxy_is_found_again(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.reader();
    let good = desk.world.forward_bearer("caddy", "", &key.secret);
    assert_eq!((good.status.as_u16(), good.header("x-request-id")), (200, String::new()));
    let refused = desk.world.forward_bearer("caddy", "?scope=orders:write", &key.secret);
    let refusal = desk.refusal(&refused);
    assert_eq!(
        (&refusal["door"], &refusal["step"], &refusal["address"]),
        (&json!("forward_auth"), &json!("scope"), &json!(HERE))
    );
    let nothing = desk.world.forward("nginx", "", &[]);
    let refusal = desk.refusal(&nothing);
    assert_eq!((&refusal["code"], failed(&refusal)), (&json!("missing_credential"), vec!["presented".to_owned()]));
}

fn a_refused_administrator_is_told_why(engine: Engine) {
    let desk = Desk::start(engine);
    let url = desk.world.test.url("/v1/users");
    let answer = Answer::of(http_client().get(&url).bearer_auth(&desk.token));
    assert_eq!(answer.status, 403);
    let refusal = desk.refusal(&answer);
    assert_eq!((&refusal["door"], failed(&refusal)), (&json!("admin_api"), vec!["permission".to_owned()]));
    assert!(text(&refusal["message"]).contains("users:read") && refusal["credential_id"].is_string(), "{refusal}");
    let refusal = desk.refusal(&Answer::of(http_client().get(&url)));
    assert_eq!(failed(&refusal), ["presented"]);
    let key = desk.world.reader();
    desk.world.set_status(&key, Status::Revoked);
    let refusal = desk.refusal(&Answer::of(http_client().get(&url).bearer_auth(&key.secret)));
    assert_eq!((failed(&refusal), &refusal["credential_id"]), (vec!["status".to_owned()], &json!(key.id)));
    let refusal = desk.refusal(&Answer::of(http_client().get(&url).bearer_auth("nonsense")));
    assert_eq!(failed(&refusal), ["known"]);
    let refusal = desk.refusal(&desk.get("/v1/clients/none"));
    assert_eq!(failed(&refusal), ["request"]);
}

fn a_refused_client_is_told_why(engine: Engine) {
    let desk = Desk::start(engine);
    let test = &desk.world.test;
    let worker = test.client(worker_members("worker"));
    let grant = ("grant_type", "client_credentials");
    let wrong = TestClient { id: worker.id.clone(), secret: Some("nonsense".to_owned()) };
    for (answer, step, proven) in [
        (test.token(&worker, &[grant, ("scope", "orders:fly")]), "scope", true),
        (test.token(&worker, &[grant, ("resource", "https://elsewhere.example")]), "audience", true),
        (test.token(&worker, &[("grant_type", "password"), ("username", "a"), ("password", "b")]), "grant_type", true),
        (test.token(&wrong, &[grant]), "client", false),
        (test.token(&worker, &[("grant_type", "fortune")]), "request", false),
    ] {
        let refusal = desk.refusal(&answer);
        assert_eq!((&refusal["door"], failed(&refusal)), (&json!("token"), vec![step.to_owned()]), "{refusal}");
        assert_eq!(refusal["credential_id"].is_string(), proven, "{refusal}");
    }
    let refusal = desk.refusal(&desk.world.exchange("gk_live_nonsense", &[]));
    assert_eq!((&refusal["door"], failed(&refusal)), (&json!("token_exchange"), vec!["known".to_owned()]));
    let key = desk.world.reader();
    desk.world.set_status(&key, Status::Inactive);
    let refusal = desk.refusal(&desk.world.exchange(&key.secret, &[]));
    assert_eq!((&refusal["door"], failed(&refusal)), (&json!("token_exchange"), vec!["status".to_owned()]));
}

fn refusals_are_written_and_forgotten(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.reader();
    let server = &desk.world.test.server;
    let answer = desk.world.verify(&json!({ "credential": key.secret, "scopes": ["orders:write"] }));
    let before = desk.refusal(&answer);
    usage::flush(server);
    assert_eq!(desk.refusal(&answer), before);
    // Another instance knows it then, and lists it.
    let sibling = desk.world.test.sibling();
    let list = |query: &str| {
        let request = http_client().get(sibling.url(&format!("/v1/refusals?{query}"))).bearer_auth(&desk.token);
        Answer::of(request).json()["items"].clone()
    };
    assert_eq!(list(&format!("credential_id={}", key.id)), json!([before]));
    assert_eq!(list("credential_id=ak_other"), json!([]));
    desk.world.test.advance(6 * 86_400);
    purge::purge(server, &|| true).unwrap();
    assert_eq!(list("").as_array().unwrap().len(), 1);
    desk.world.test.advance(86_401);
    purge::purge(server, &|| true).unwrap();
    assert_eq!(list(""), json!([]));
    assert_eq!(desk.get("/v1/refusals?cursor=x").status, 400);
}

fn a_flood_is_a_sample(engine: Engine) {
    let desk = Desk::start(engine);
    let key = desk.world.reader();
    for _ in 0..20 {
        desk.world.verify(&json!({ "credential": key.secret, "scopes": ["orders:write"] }));
        desk.world.verify(&json!({ "credential": "nonsense", "ip": "192.0.2.66" }));
    }
    usage::flush(&desk.world.test.server);
    let list = desk.get("/v1/refusals?limit=200").json()["items"].as_array().unwrap().clone();
    let of = |id: Value| list.iter().filter(|refusal| refusal["credential_id"] == id).count();
    assert_eq!((of(json!(key.id)), of(Value::Null)), (5, 5));
}
