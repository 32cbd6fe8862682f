//! `/v1/verify`: who may ask, what they are told and what not, tokens and client secrets, batches, the order of the questions.

use grantor::domain::access_key::Owner;
use grantor::domain::client::Status;
use grantor::flows::access_keys::{self, AccessKeyEdit, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::users;
use grantor::protocol::resource::Resource;
use serde_json::{Value, json};

use crate::doors_support::*;
use crate::support::*;

on_both!(
    who_may_ask,
    what_is_not_the_callers_own_looks_unknown,
    a_caller_of_another_environment,
    everything_that_a_verdict_tells,
    access_tokens_are_judged_alike,
    clients_with_their_secrets_are_judged_alike,
    a_chosen_secret_past_its_grace_is_expired,
    a_batch_in_order_or_not_at_all,
    malformed_questions,
    the_order_of_the_questions,
);

fn bearer(world: &World, secret: &str, asked: &Value) -> Answer {
    Answer::of(http_client().post(world.test.url("/v1/verify")).bearer_auth(secret).json(asked))
}

fn who_may_ask(engine: Engine) {
    let world = World::start(engine);
    let asked = json!({ "credential": world.reader().secret });
    let refused = |answer: Answer, status: u16, code: &str| {
        assert_eq!(
            (answer.status.as_u16(), text(&answer.json()["code"])),
            (status, code.to_owned()),
            "{}",
            answer.body
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
        answer
    };
    let nobody = Answer::of(http_client().post(world.test.url("/v1/verify")).json(&asked));
    let both_ways = |answer: Answer| {
        let answer = refused(answer, 401, "invalid_request");
        let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        let bearer = world.test.bearer_challenge();
        assert_eq!(challenges, ["Basic realm=\"grantor\", charset=\"UTF-8\"", &bearer]);
    };
    both_ways(nobody);
    let reported = http_client().post(world.test.url("/v1/usage")).json(&json!({ "events": [] }));
    both_ways(Answer::of(reported));
    let wrong = TestClient { secret: Some("cs_wrong".to_owned()), ..world.api.clone() };
    let challenge = refused(world.verify_as(&wrong, &asked), 401, "invalid_client").header("www-authenticate");
    assert!(challenge.starts_with("Basic "), "{challenge}");
    let not_registered = world.test.client(worker_members("worker"));
    refused(world.verify_as(&not_registered, &asked), 403, "unauthorized_client");
    let disabled = world.test.client(confidential_members("disabled-api"));
    set_client_status(&world.test, &disabled, Status::Inactive);
    refused(world.verify_as(&disabled, &asked), 401, "invalid_client");
    // An access key that holds credentials:verify, for the admin API and for its own.
    let issuer = Resource::parse(&world.test.server.config.server.issuer).unwrap();
    let both = vec![world.test.server.admin_resource.clone(), issuer];
    let verifier = |scope: &str, resources: Vec<Resource>| {
        world.key(NewAccessKey { resources: Some(resources), ..key_members("verifier", &[scope]) }).secret
    };
    assert_eq!(bearer(&world, &verifier("credentials:verify", both.clone()), &asked).json()["code"], "valid");
    refused(bearer(&world, &verifier("users:read", both.clone()), &asked), 403, "insufficient_scope");
    refused(bearer(&world, &verifier("credentials:verify", both[1..].to_vec()), &asked), 401, "invalid_token");
    // With no API of its own, nothing is its affair.
    let answer = bearer(&world, &verifier("credentials:verify", both[..1].to_vec()), &asked);
    assert_eq!(answer.json()["code"], "unknown");
    refused(bearer(&world, "nonsense", &asked), 401, "invalid_token");
}

fn what_is_not_the_callers_own_looks_unknown(engine: Engine) {
    let world = World::start(engine);
    let elsewhere = || Some(vec![Resource::parse("https://other.example").unwrap()]);
    let other = world.test.client(ClientMembers { resources: elsewhere(), ..confidential_members("other-api") });
    let key = world.reader();
    let revoked = world.reader();
    world.set_status(&revoked, Status::Revoked);
    let unknown = grantor::crypto::secret::generate_prefixed("gk_live_").unwrap().to_string();
    let asked = |secret: &str| json!({ "credential": secret, "scopes": ["orders:write"] });
    let expected = world.verify_as(&other, &asked(&unknown)).shape();
    let token = text(&world.exchange(&key.secret, &[]).json()["access_token"]);
    for secret in [&key.secret, &revoked.secret, &token, "nonsense"] {
        assert_eq!(world.verify_as(&other, &asked(secret)).shape(), expected);
    }
    let client = json!({ "client_id": world.api.id, "client_secret": world.api.secret, "scopes": ["orders:write"] });
    assert_eq!(world.verify_as(&other, &client).shape(), expected);
    // Naming the audience of another makes it no more the caller's affair.
    let issuer = &world.test.server.config.server.issuer;
    let named = json!({ "credential": key.secret, "audience": issuer });
    assert_eq!(world.verify_as(&other, &named).shape(), expected);
    // A credential for both is the affair of both, each for its own part.
    let resources = Some(vec![Resource::parse(issuer).unwrap(), Resource::parse("https://other.example").unwrap()]);
    let shared = world.key(NewAccessKey { resources, ..key_members("shared", &["orders:read"]) });
    for client in [&world.api, &other] {
        assert_eq!(world.verify_as(client, &json!({ "credential": shared.secret })).json()["code"], "valid");
    }
    let of_other = world.key(NewAccessKey { resources: elsewhere(), ..key_members("other's", &["orders:read"]) });
    assert_eq!(world.verdict(&of_other.secret)["code"], "unknown");
    let narrowed = json!({ "credential": shared.secret, "audience": "https://third.example" });
    assert_eq!(world.verify(&narrowed).json()["code"], "wrong_audience");
}

fn a_caller_of_another_environment(engine: Engine) {
    let world = World::start(engine);
    let of_test =
        |client_id: &str| ClientMembers { environment: Some("test".to_owned()), ..confidential_members(client_id) };
    let there = world.test.client(of_test("test-api"));
    let here = world.reader();
    let token = text(&world.exchange(&here.secret, &[]).json()["access_token"]);
    let foreign = NewAccessKey { environment: Some("test".to_owned()), ..key_members("foreign", &["orders:read"]) };
    let foreign = world.key(foreign);
    let (foreign_id, foreign) = (foreign.id, foreign.secret);
    let foreign_token = text(&world.exchange(&foreign, &[]).json()["access_token"]);
    assert_eq!(claims(&foreign_token)["env"], "test");
    let expected = json!({ "valid": false, "code": "wrong_environment",
        "message": "the credential belongs to another environment" });
    for (client, good, bad) in [
        (&world.api, [&here.secret, &token], [&foreign, &foreign_token]),
        (&there, [&foreign, &foreign_token], [&here.secret, &token]),
    ] {
        for secret in good {
            assert_eq!(world.verify_as(client, &json!({ "credential": secret })).json()["code"], "valid");
            assert!(world.test.is_active(client, secret));
        }
        for secret in bad {
            // What the caller says of the environment changes nothing.
            for environment in ["live", "test"] {
                let asked = json!({ "credential": secret, "environment": environment });
                assert_eq!(world.verify_as(client, &asked).json(), expected);
            }
            assert!(!world.test.is_active(client, secret));
        }
    }
    // The prefix alone says so: whether there is such a key is not told, and none is counted for the question.
    let prefix = &world.test.server.environment("test").unwrap().access_key_prefix;
    let nobodys = grantor::crypto::secret::generate_prefixed(prefix).unwrap().to_string();
    assert_eq!(world.verdict(&nobodys), expected);
    assert_eq!(world.verdict(&nobodys[..nobodys.len() - 1])["code"], "unknown");
    let (head, signature) = foreign_token.rsplit_once('.').unwrap();
    let altered = format!("{head}.{}", signature.chars().rev().collect::<String>());
    assert_eq!(world.verdict(&altered)["code"], "unknown");
    assert_eq!(grantor::flows::usage::flush(&world.test.server).failed, None);
    let used = world.test.server.store.read(|connection| connection.list_usage(Some(&foreign_id), 0)).unwrap();
    assert!(!used.is_empty() && used.iter().all(|(key, _)| key.outcome == "valid"), "{used:?}");
    let mine = json!({ "credential": here.secret, "environment": "test" });
    assert_eq!(world.verify(&mine).json()["code"], "wrong_environment");
    // At the token endpoint, too.
    let tester = ClientMembers { environment: Some("test".to_owned()), ..worker_members("test-worker") };
    let tester = world.test.client(tester);
    let answer = world.test.token(&tester, &exchange_form(&here.secret, &[]));
    answer.assert_error(400, "invalid_request");
    assert_eq!(answer.json()["error_description"], "the credential belongs to another environment");
}

fn everything_that_a_verdict_tells(engine: Engine) {
    let world = World::start(engine);
    let user = world.test.user("ada", &["support"]);
    let key = world.key(NewAccessKey {
        owner: Some(Some(Owner::User(user.clone()))),
        projects: vec!["alpha".to_owned()],
        requests_per_minute: Some(10),
        expires_in: Some(86_400),
        ..key_members("Ada's laptop", &["orders:read", "orders:write"])
    });
    let secret = key.secret.clone();
    world.rotate(&key, 600);
    let asked = json!({ "credential": secret, "scopes": ["orders:read", "orders:delete"] });
    let expected = json!({
        "valid": false,
        "code": "insufficient_scope",
        "message": "the credential lacks a scope that this needs",
        "credential_type": "access_key",
        "credential_id": key.id,
        "name": "Ada's laptop",
        "subject": user,
        "owner": { "type": "user", "id": user },
        "client_id": null,
        "user": { "id": user, "username": "ada", "roles": ["support"] },
        "environment": "live",
        "scopes": ["orders:read", "orders:write"],
        "missing_scopes": ["orders:delete"],
        "resources": [world.test.server.config.server.issuer],
        "projects": ["alpha"],
        "plan": null,
        "expires_at": "2026-01-01T12:10:00Z",
        "limits": [],
        "rotating": true,
        "rotating_until": "2026-01-01T12:10:00Z",
    });
    assert_eq!(world.verify(&asked).json(), expected);
    let answer = world.verdict(&secret);
    let reset = world.test.clock.now().timestamp() + 60;
    let limit = json!({ "window_seconds": 60, "limit": 10, "remaining": 9, "reset": reset });
    assert_eq!((&answer["valid"], &answer["limits"]), (&json!(true), &json!([limit])));
    // Keys of a person stop with the person.
    users::set_active(&world.test.server, &Caller::command_line(), &user, false).unwrap();
    assert_eq!(world.verdict(&secret)["code"], "inactive");
}

fn access_tokens_are_judged_alike(engine: Engine) {
    let world = World::start(engine);
    let worker = world.test.client(worker_members("worker"));
    let issue = |client: &TestClient| {
        let answer = world.test.token(client, &[("grant_type", "client_credentials"), ("scope", "orders:read")]);
        text(&answer.json()["access_token"])
    };
    let code = |token: &str| text(&world.verdict(token)["code"]);
    let token = issue(&worker);
    let answer = world.verdict(&token);
    assert_eq!((&answer["credential_type"], &answer["credential_id"]), (&json!("access_token"), &json!("worker")));
    assert_eq!((&answer["scopes"], &answer["rotating"]), (&json!(["orders:read"]), &json!(false)));
    assert_eq!(world.forward_bearer("caddy", "?scope=orders:read", &token).header("x-auth-client-id"), "worker");
    assert_eq!(world.forward_bearer("caddy", "?scope=orders:write", &token).status, 403);
    // Altered, cut, not one at all.
    let (head, signature) = token.rsplit_once('.').unwrap();
    let altered = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for garbage in [&altered, head, &token[..token.len() - 4], "", "x.y.z"] {
        if !garbage.is_empty() {
            assert_eq!(code(garbage), "unknown");
            assert_eq!(world.forward_bearer("caddy", "", garbage).status, 401);
        }
    }
    // Its own end, its own revocation, its client's.
    world.test.advance(900);
    assert_eq!(code(&token), "expired");
    let token = issue(&worker);
    let revoked = world.test.post_as(&worker, "/oauth/revoke", &[("token", &token)]);
    assert_eq!((revoked.status.as_u16(), code(&token)), (200, "revoked".to_owned()));
    let token = issue(&worker);
    set_client_status(&world.test, &worker, Status::Inactive);
    assert_eq!(code(&token), "inactive");
    assert_eq!(world.forward_bearer("nginx", "", &token).header("x-auth-error"), "inactive");
    set_client_status(&world.test, &worker, Status::Revoked);
    assert_eq!(code(&token), "revoked");
    // A user's, by code.
    let user = world.test.user("ada", &[]);
    let web = world.test.client(confidential_members("web"));
    let token = text(&world.test.code_tokens(&web, "ada")["access_token"]);
    let answer = world.verdict(&token);
    assert_eq!((&answer["subject"], &answer["user"]["username"]), (&json!(user), &json!("ada")));
    users::set_active(&world.test.server, &Caller::command_line(), &user, false).unwrap();
    assert_ne!(code(&token), "valid");
}

fn clients_with_their_secrets_are_judged_alike(engine: Engine) {
    let world = World::start(engine);
    let worker = world.test.client(worker_members("worker"));
    let secret = worker.secret.clone().unwrap();
    let ask = |id: &str, secret: &str, more: &[(&str, Value)]| {
        let mut asked = json!({ "client_id": id, "client_secret": secret });
        for (name, value) in more {
            asked[*name] = value.clone();
        }
        world.verify(&asked).json()
    };
    let code = |secret: &str| text(&ask("worker", secret, &[])["code"]);
    let forward = |secret: &str| {
        let basic =
            Answer::of(http_client().get(world.test.url("/v1/forward-auth/caddy")).basic_auth("worker", Some(secret)));
        let pair = world.forward("caddy", "", &[("x-client-id", "worker"), ("x-client-secret", secret)]);
        assert_eq!(basic.status, pair.status);
        pair.status.as_u16()
    };
    let answer = ask("worker", &secret, &[("scopes", json!(["orders:read"]))]);
    assert_eq!((&answer["code"], &answer["credential_type"]), (&json!("valid"), &json!("client_secret")));
    assert_eq!((&answer["subject"], forward(&secret)), (&json!("worker"), 200));
    assert_eq!(ask("worker", &secret, &[("scopes", json!(["orders:delete"]))])["code"], "insufficient_scope");
    for (id, secret) in [("worker", "cs_wrong"), ("nobody", secret.as_str()), ("worker", &secret[..secret.len() - 1])] {
        assert_eq!(ask(id, secret, &[]).as_object().unwrap().len(), 3, "{id}");
        assert_eq!(ask(id, secret, &[])["code"], "unknown");
    }
    assert_eq!(forward("cs_wrong"), 401);
    // In grace and past it.
    let rotated = clients::rotate_secret(&world.test.server, &Caller::command_line(), "worker", 60).unwrap();
    let next = rotated.client_secret.unwrap();
    let answer = ask("worker", &secret, &[]);
    assert_eq!((&answer["rotating"], &answer["rotating_until"]), (&json!(true), &json!("2026-01-01T12:01:00Z")));
    assert_eq!(ask("worker", &next, &[])["rotating"], false);
    world.test.advance(60);
    assert_eq!((code(&secret), code(&next)), ("expired".into(), "valid".into()));
    let told = ask("worker", &secret, &[]);
    assert_eq!((&told["credential_id"], &told["expires_at"]), (&json!("worker"), &json!("2026-01-01T12:01:00Z")));
    assert_eq!(told["message"], "the credential has expired: use a new one");
    let pair = [("x-client-id", "worker"), ("x-client-secret", secret.as_str())];
    let proxied = world.forward("caddy", "", &pair);
    assert_eq!((proxied.status.as_u16(), proxied.header("x-auth-error")), (401, "expired".to_owned()));
    assert_eq!(proxied.header("x-auth-subject"), "");
    // The token endpoint says no more than ever.
    let old = TestClient { secret: Some(secret.clone()), ..worker.clone() };
    world.test.token(&old, &[("grant_type", "client_credentials")]).assert_error(401, "invalid_client");
    // Whose affair it is not learns nothing of it, and after a day nobody knows it any more.
    let elsewhere = Some(vec![Resource::parse("https://other.example").unwrap()]);
    let other = world.test.client(ClientMembers { resources: elsewhere, ..confidential_members("another-api") });
    let asked = json!({ "client_id": "worker", "client_secret": secret });
    assert_eq!(world.verify_as(&other, &asked).json()["code"], "unknown");
    // Address, limit, status, environment.
    let edit = |members: ClientMembers| {
        clients::update(&world.test.server, &Caller::command_line(), "worker", members).unwrap();
    };
    edit(ClientMembers {
        allowed_addresses: Some(vec!["203.0.113.0/24".parse().unwrap()]),
        ..ClientMembers::default()
    });
    assert_eq!(code(&next), "address_not_allowed");
    assert_eq!(ask("worker", &next, &[("ip", json!(OFFICE))])["code"], "valid");
    edit(ClientMembers {
        allowed_addresses: Some(Vec::new()),
        requests_per_minute: Some(Some(1)),
        ..ClientMembers::default()
    });
    world.test.advance(60);
    assert_eq!((code(&next), code(&next), forward(&next)), ("valid".into(), "rate_limit_exceeded".into(), 429));
    set_client_status(&world.test, &worker, Status::Inactive);
    assert_eq!((code(&next), forward(&next)), ("inactive".into(), 401));
    set_client_status(&world.test, &worker, Status::Revoked);
    assert_eq!(code(&next), "revoked");
    let tester = ClientMembers { environment: Some("test".to_owned()), ..worker_members("tester") };
    let tester = world.test.client(tester);
    assert_eq!(ask("tester", tester.secret.as_deref().unwrap(), &[])["code"], "wrong_environment");
}

fn a_chosen_secret_past_its_grace_is_expired(engine: Engine) {
    let world = World::start_with(engine, |config| config.login.failures_per_account = 3);
    let chosen = "hunter2 and more";
    world.test.client(ClientMembers { client_secret: Some(chosen.to_owned()), ..worker_members("imported") });
    let code = |secret: &str| {
        let asked = json!({ "client_id": "imported", "client_secret": secret });
        text(&world.verify(&asked).json()["code"])
    };
    let rotated = clients::rotate_secret(&world.test.server, &Caller::command_line(), "imported", 60).unwrap();
    let next = rotated.client_secret.unwrap();
    world.test.advance(60);
    assert_eq!((code("a guess"), code("a guess")), ("unknown".into(), "unknown".into()));
    assert_eq!((code(chosen), code(&next)), ("expired".into(), "valid".into()));
    // What has ended did not clear the guesses: the next one is the last that is looked at.
    assert_eq!(code("a guess"), "unknown");
    let events = || world.test.events("client.throttled").len();
    assert_eq!((events(), code("a guess"), events()), (0, "unknown".into(), 1));
    assert_eq!((code(chosen), code(&next)), ("expired".into(), "valid".into()));
    let old = TestClient { id: "imported".to_owned(), secret: Some(chosen.to_owned()) };
    world.test.token(&old, &[("grant_type", "client_credentials")]).assert_error(401, "invalid_client");
}

fn a_batch_in_order_or_not_at_all(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(NewAccessKey { requests_per_minute: Some(2), ..key_members("slow", &["orders:read"]) });
    let ask = |items: Value| {
        let request = http_client().post(world.test.url("/v1/verify/batch"));
        let request = request.basic_auth(&world.api.id, world.api.secret.as_ref());
        Answer::of(request.json(&json!({ "items": items })))
    };
    let item = json!({ "credential": key.secret });
    // One that cannot be read: nothing is judged, nothing counted.
    for items in [json!([item, { "credential": key.secret, "cost": 5000 }]), json!([]), json!(vec![item.clone(); 101])]
    {
        let answer = ask(items);
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (400, json!("invalid_request")));
    }
    let answer = ask(json!([item, { "credential": "nonsense" }, item, item])).json();
    let codes: Vec<_> = answer["items"].as_array().unwrap().iter().map(|item| text(&item["code"])).collect();
    assert_eq!(codes, ["valid", "unknown", "valid", "rate_limit_exceeded"]);
    assert_eq!(ask(json!(vec![json!({ "credential": "x" }); 100])).status, 200);
}

fn malformed_questions(engine: Engine) {
    let world = World::start(engine);
    let secret = world.reader().secret;
    for (member, value) in [
        ("scope", json!("orders:read")),
        ("scopes", json!(["two words"])),
        ("scopes", json!("orders:read")),
        ("ip", json!("300.1.1.1")),
        ("cost", json!(1001)),
        ("cost", json!(-1)),
        ("cost", json!(null)),
        ("environment", json!("staging")),
        ("audience", json!("no uri")),
        ("operation", json!("x".repeat(101))),
        ("project", json!("a\u{7}b")),
        ("credential", json!(null)),
        ("credential", json!(7)),
    ] {
        let mut asked = json!({ "credential": secret });
        asked[member] = value.clone();
        let answer = world.verify(&asked);
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (400, &json!("invalid_request")),
            "{member} {value}"
        );
        assert!(!answer.body.contains(&secret), "{}", answer.body);
    }
    // A repeated member and a list are read by nobody as the same.
    let [repeated, list] =
        [format!(r#"{{"credential": "{secret}", "credential": "{secret}"}}"#), format!(r#"["{secret}"]"#)];
    for body in [repeated, list] {
        let request = http_client().post(world.test.url("/v1/verify")).header("content-type", "application/json");
        let request = request.basic_auth(&world.api.id, world.api.secret.as_ref());
        assert_eq!(Answer::of(request.body(body)).status, 400);
    }
    for (kind, body, status) in [("text/plain", "{}", 415), ("application/json", "{", 400)] {
        let request = http_client().post(world.test.url("/v1/verify")).header("content-type", kind).body(body);
        assert_eq!(Answer::of(request.try_clone().unwrap()).status, 401, "{kind} {body}");
        let request = request.basic_auth(&world.api.id, world.api.secret.as_ref());
        assert_eq!(Answer::of(request).status.as_u16(), status, "{kind} {body}");
    }
    assert_eq!(world.verify(&json!({})).status, 400);
    assert_eq!(Answer::of(http_client().get(world.test.url("/v1/verify"))).status, 405);
}

/// A key with everything wrong at once, mended one by one from the first question on.
fn the_order_of_the_questions(engine: Engine) {
    let world = World::start(engine);
    let key = world.key(NewAccessKey {
        projects: vec!["beta".to_owned()],
        allowed_addresses: Some(vec!["203.0.113.0/24".parse().unwrap()]),
        requests_per_minute: Some(1),
        expires_in: Some(60),
        ..key_members("wrong", &["orders:write"])
    });
    let spend = world.verify(&json!({ "credential": key.secret, "ip": OFFICE, "project": "beta" }));
    assert_eq!(spend.json()["code"], "valid");
    world.set_status(&key, Status::Inactive);
    world.test.advance(59);
    let edit = |edit: AccessKeyEdit| {
        access_keys::update(&world.test.server, &Caller::command_line(), &key.id, edit).unwrap();
    };
    let ask = |environment: &str, ip: &str, audience: &str| {
        let query = format!("?env={environment}&audience={audience}&scope=orders:read&project=alpha");
        let headers = [("x-api-key", key.secret.as_str()), ("x-forwarded-for", ip)];
        world.forward("caddy", &query, &headers).header("x-auth-error")
    };
    let (elsewhere, issuer) = ("https://other.example", world.test.server.config.server.issuer.clone());
    assert_eq!(ask("test", HERE, elsewhere), "wrong_environment");
    assert_eq!(ask("live", HERE, elsewhere), "inactive");
    world.set_status(&key, Status::Active);
    world.test.advance(1);
    assert_eq!(ask("live", HERE, elsewhere), "expired");
    // Its limit is still used up: the one use leaves as the key ends, and this is another.
    edit(AccessKeyEdit { expires_at: Some(None), ..AccessKeyEdit::default() });
    let again = world.verify(&json!({ "credential": key.secret, "ip": OFFICE, "project": "beta" }));
    assert_eq!(again.json()["code"], "valid");
    assert_eq!(ask("live", HERE, elsewhere), "address_not_allowed");
    assert_eq!(ask("live", OFFICE, elsewhere), "wrong_audience");
    assert_eq!(ask("live", OFFICE, &issuer), "insufficient_scope");
    edit(AccessKeyEdit { scopes: Some(vec!["orders:read".to_owned()]), ..AccessKeyEdit::default() });
    assert_eq!(ask("live", OFFICE, &issuer), "wrong_project");
    edit(AccessKeyEdit { projects: Some(vec!["alpha".to_owned()]), ..AccessKeyEdit::default() });
    assert_eq!(ask("live", OFFICE, &issuer), "rate_limit_exceeded");
    edit(AccessKeyEdit { requests_per_minute: Some(Some(2)), ..AccessKeyEdit::default() });
    assert_eq!(ask("live", OFFICE, &issuer), "");
    world.set_status(&key, Status::Revoked);
    assert_eq!(ask("live", HERE, elsewhere), "revoked");
}
