//! The life of a client's secret: at most two work, rotation has one winner, who still uses which, limits as events.

use std::thread;

use grantor::config::EnvironmentConfig;
use grantor::domain::usage::SecretUse;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::error::FlowError;
use grantor::protocol::grant_type::GrantType;
use serde_json::json;

use crate::admin_api::Admin;
use crate::support::*;

on_both!(
    at_most_two_secrets_work,
    a_grace_period_is_finished_at_will,
    of_racing_rotations_one_wins,
    it_is_shown_who_uses_which_secret,
    changed_limits_are_an_event,
    an_environment_gives_prefixes,
);

fn rotate(test: &TestServer, id: &str, grace: u32) -> TestClient {
    let made = clients::rotate_secret(&test.server, &Caller::command_line(), id, grace);
    TestClient::from(made.map_err(|error| format!("{error:?}")).unwrap())
}

fn works(test: &TestServer, client: &TestClient) -> bool {
    test.token(client, &[("grant_type", "client_credentials")]).status == 200
}

fn at_most_two_secrets_work(engine: Engine) {
    let test = TestServer::start(engine);
    let first = test.confidential();
    let second = rotate(&test, "web", 1000);
    assert!(works(&test, &first) && works(&test, &second));
    // A second rotation ends the one that was being replaced already.
    let third = rotate(&test, "web", 1000);
    assert_eq!([&first, &second, &third].map(|client| works(&test, client)), [false, true, true]);
    test.advance(999);
    assert_eq!([&first, &second, &third].map(|client| works(&test, client)), [false, true, true]);
    test.advance(1);
    assert_eq!([&first, &second, &third].map(|client| works(&test, client)), [false, false, true]);
    let fourth = rotate(&test, "web", 0);
    assert!(!works(&test, &third) && works(&test, &fourth));
    let too_long = clients::rotate_secret(&test.server, &Caller::command_line(), "web", 2_592_001);
    assert!(matches!(too_long, Err(FlowError::Denied(_))));
    assert!(works(&test, &fourth));
}

fn a_grace_period_is_finished_at_will(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let first = test.confidential();
    let path = "/v1/clients/web/finish-rotation";
    let sentence = admin.send(reqwest::Method::POST, path, None).problem(409, "conflict");
    assert_eq!(sentence, "no secret of this client is being replaced");
    let second = rotate(&test, "web", 1000);
    admin.send(reqwest::Method::POST, path, None).ok();
    assert!(!works(&test, &first) && works(&test, &second));
    admin.send(reqwest::Method::POST, path, None).problem(409, "conflict");
    let events = test.events("client_secret.rotation_finished");
    assert_eq!((events.len(), events[0].target_id.as_deref()), (1, Some("web")));
    admin.send(reqwest::Method::POST, "/v1/clients/absent/finish-rotation", None).problem(404, "not_found");
}

fn of_racing_rotations_one_wins(engine: Engine) {
    let test = TestServer::start(engine);
    test.confidential();
    for round in 1..=5 {
        // The clock stands still: the same microsecond for all of them.
        let made: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| clients::rotate_secret(&test.server, &Caller::command_line(), "web", 60)))
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let won: Vec<_> = made.into_iter().filter_map(Result::ok).map(TestClient::from).collect();
        assert!(!won.is_empty());
        let live = test.server.store.read(|connection| connection.find_live_client_secrets("web", test.clock.now()));
        let live = live.unwrap();
        assert_eq!(live.iter().filter(|secret| secret.expires_at.is_none()).count(), 1, "round {round}");
        assert!(live.len() <= 2, "round {round}");
        assert_eq!(won.iter().filter(|client| works(&test, client)).count(), won.len().min(2), "round {round}");
    }
    // Of two that read the same state, the loser is told.
    let read_at = clients::show(&test.server, &Caller::command_line(), "web").unwrap();
    rotate(&test, "web", 60);
    let stale = read_at.updated_at;
    assert!(!test.server.store.write(move |connection| connection.update_client(&read_at, stale)).unwrap());
}

fn it_is_shown_who_uses_which_secret(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let first = test.confidential();
    let ids: Vec<String> = {
        rotate(&test, "web", 600);
        let now = test.clock.now();
        let mut live = test.server.store.read(|connection| connection.find_live_client_secrets("web", now)).unwrap();
        live.sort_by_key(|secret| secret.expires_at.is_none());
        live.into_iter().map(|secret| secret.id.0).collect()
    };
    let used = SecretUse {
        credential_id: "web".to_owned(),
        secret_id: ids[0].clone(),
        address: "192.0.2.7".to_owned(),
        first_used_at: start_time(),
        last_used_at: start_time(),
        uses: 3,
    };
    test.server.store.write(move |connection| connection.add_secret_uses("web", &[used])).unwrap();
    let answer = admin.get("/v1/clients/web/secrets");
    let shown = answer.ok();
    let secret = first.secret.unwrap();
    assert!(!answer.body.contains(&secret));
    assert_eq!(shown.as_array().unwrap().len(), 2);
    assert_eq!((&shown[0]["id"], &shown[1]["id"]), (&json!(ids[0]), &json!(ids[1])));
    assert_eq!(shown[0]["last_four"], secret[secret.len() - 4..]);
    assert_eq!((&shown[0]["expires_at"], &shown[1]["expires_at"]), (&json!("2026-01-01T12:10:00Z"), &json!(null)));
    let from = &shown[0]["used_from"][0];
    assert_eq!((&from["address"], &from["uses"]), (&json!("192.0.2.7"), &json!(3)));
    assert_eq!(shown[1]["used_from"], json!([]));
    let events = test.events("client_secret.read");
    assert_eq!((events.len(), events[0].target_id.as_deref()), (1, Some("web")));
    test.advance(600);
    assert_eq!(admin.get("/v1/clients/web/secrets").ok().as_array().unwrap().len(), 1);
    admin.get("/v1/clients/absent/secrets").problem(404, "not_found");
}

fn changed_limits_are_an_event(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.plans.0.insert("pro".to_owned(), grantor::domain::limits::Limits::default());
    });
    let admin = Admin::new(&test);
    test.confidential();
    admin.patch("/v1/clients/web", &json!({ "description": "no limit" })).ok();
    assert!(test.events("client.limits_changed").is_empty());
    admin.patch("/v1/clients/web", &json!({ "requests_per_minute": 250 })).ok();
    admin.patch("/v1/clients/web", &json!({ "plan": "pro" })).ok();
    admin.patch("/v1/clients/web", &json!({ "allowed_addresses": ["192.0.2.0/24"] })).ok();
    let details: Vec<_> = test.events("client.limits_changed").into_iter().map(|event| event.detail.unwrap()).collect();
    assert_eq!(
        details,
        [
            "250/min default/h plan pro from anywhere to 250/min default/h plan pro from 192.0.2.0/24",
            "250/min default/h plan none from anywhere to 250/min default/h plan pro from anywhere",
            "default/min default/h plan none from anywhere to 250/min default/h plan none from anywhere",
        ]
    );
    assert_eq!(test.events("client.updated").len(), 4);
}

fn an_environment_gives_prefixes(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        let production = EnvironmentConfig {
            client_id_prefix: Some("nafsi_live_".to_owned()),
            client_secret_prefix: Some("sk_live_".to_owned()),
            ..EnvironmentConfig::default()
        };
        config.environments.0.insert("live".to_owned(), production);
    });
    let made = test.client(ClientMembers {
        client_id: None,
        grant_types: Some(vec![GrantType::ClientCredentials]),
        ..confidential_members("unused")
    });
    let is_form = |client: &TestClient| {
        let secret = client.secret.as_deref().unwrap();
        client.id.starts_with("nafsi_live_") && secret.starts_with("sk_live_") && secret.len() == 8 + 32
    };
    assert!(is_form(&made), "{} {:?}", made.id, made.secret);
    assert!(works(&test, &made));
    let rotated = rotate(&test, &made.id, 0);
    assert!(is_form(&rotated) && works(&test, &rotated) && !works(&test, &made));
}
