//! What the pages say is so: states, figures and outcomes as they are, refusals where they belong, in the reader's language.

use grantor::domain::access_key::Owner;
use grantor::domain::alert::{AlertRule, AlertSubject, NewAlert};
use grantor::domain::limits::WindowState;
use grantor::domain::signing_key::SigningKeyState;
use grantor::domain::usage::{UsageCount, UsageKey, UsageSource, day_of};
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::audit_verifications::{self, Beginning};
use grantor::flows::caller::Caller;
use grantor::flows::projects::{self, NewProject};
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::flows::usage::flush;
use grantor::flows::{alerts, audit_checkpoints, verdict};
use grantor::protocol::signing_alg::SigningAlg;
use reqwest::Method;
use serde_json::json;

use crate::alerts_support::{Receiver, ops};
use crate::console_support::*;
use crate::support::*;

on_both!(
    the_next_change_of_a_key_is_that_of_the_published_one,
    a_key_at_once_ends_the_one_that_a_schedule_left_signing,
    a_broken_chain_stays_red_until_the_whole_is_whole,
    a_broken_chain_raises_one_alert,
    large_usage_is_summed_up,
    forms_and_lists_stay_small,
    figures_are_counted,
    old_secrets_from_unknown_places_are_told,
    rotating_twice_says_what_ends,
    a_test_that_is_refused_is_told,
    links_lead_somewhere,
    wrong_methods_are_pages,
    an_unknown_owner_is_told_beside_the_form,
    events_are_found_by_username,
    a_wrong_day_keeps_the_filters,
    germans_read_german,
);

const KEYS: &str = "/console/access-keys";

fn key(test: &TestServer, name: &str, owner: Option<Owner>) -> access_keys::AccessKeyWithSecret {
    let scopes = vec!["projects:read".to_owned()];
    let new = NewAccessKey { name: name.to_owned(), scopes, owner: Some(owner), ..NewAccessKey::default() };
    access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}")).unwrap()
}

fn german(browser: &Browser<'_>, path: &str) -> Answer {
    Answer::of(browser.request(Method::GET, path).header("accept-language", "de"))
}

fn rotate(test: &TestServer, mode: RotationMode) -> String {
    signing_keys::rotate(&test.server, &Caller::command_line(), mode, SigningAlg::ES256).unwrap().kid
}

fn the_next_change_of_a_key_is_that_of_the_published_one(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    rotate(&test, RotationMode::Scheduled);
    let (_, page) = visit(&test, "ada", "/console/signing-keys");
    let takes_over = test.clock.now() + test.server.config.signing_keys.publish_ahead;
    let told = page.body.split_once("Next rotation of ES256").unwrap().1.split_once("datetime=\"").unwrap().1;
    assert_eq!(told.split('"').next().unwrap(), takes_over.format("%Y-%m-%dT%H:%M:%SZ").to_string());
}

fn a_key_at_once_ends_the_one_that_a_schedule_left_signing(engine: Engine) {
    let test = start(engine);
    let planned = rotate(&test, RotationMode::Scheduled);
    test.advance(60);
    let now = rotate(&test, RotationMode::AtOnce);
    let of_es256 = || {
        let keys = signing_keys::list(&test.server, &Caller::command_line()).unwrap();
        keys.into_iter().filter(|(key, _)| key.alg == SigningAlg::ES256).collect::<Vec<_>>()
    };
    for (key, state) in of_es256() {
        let expected = if key.kid == now { SigningKeyState::Active } else { SigningKeyState::Retired };
        assert_eq!(state, expected, "{}", key.kid);
        assert!(key.kid == now || key.retired_at == Some(test.clock.now()), "{}", key.kid);
    }
    assert_eq!(of_es256().len(), 3);
    let keyring = test.server.keyring();
    assert_eq!(keyring.signing_key(SigningAlg::ES256, test.clock.now()).unwrap().kid, now);
    // What was planned never signs, and what was out stays published.
    test.advance(2 * 86_400);
    assert_eq!(test.server.keyring().signing_key(SigningAlg::ES256, test.clock.now()).unwrap().kid, now);
    assert_ne!(planned, now);
}

/// A log with a break that a whole walk found.
fn broken(test: &TestServer) -> (Browser<'_>, Answer) {
    test.user("ada", &["owner"]);
    test.confidential();
    let (browser, page) = visit(test, "ada", "/console/audit");
    sql(test, "UPDATE audit_events SET detail = 'nothing' WHERE action = 'client.created' AND target_id = 'web'");
    audit_checkpoints::take_checkpoint(&test.server).unwrap();
    let found = done(&browser, &page, "/console/audit/verify", &[("whole", "true")]);
    assert_has(&found, &["The log is broken, as was found at 2026-01-01 12:00 UTC", "was altered", "Break found"]);
    (browser, page)
}

fn a_broken_chain_stays_red_until_the_whole_is_whole(engine: Engine) {
    let test = start(engine);
    let (browser, page) = broken(&test);
    test.advance(60);
    for _ in 0..2 {
        let recent = done(&browser, &page, "/console/audit/verify", &[("whole", "false")]);
        assert_has(&recent, &["The log is broken, as was found at 2026-01-01 12:00 UTC", "was altered"]);
        assert!(!recent.body.contains("Everything that was checked is whole."));
    }
    let claimed = browser.get("/console/audit?done=chain-verified");
    assert_has(&claimed, &["The log is broken"]);
    assert!(!claimed.body.contains("Everything that was checked is whole."));
    assert_has(&german(&browser, "/console/audit"), &["ist nicht das, was dort verkettet wurde"]);
    // Many looks at the latest events do not push it out.
    for _ in 0..210 {
        audit_verifications::verify(&test.server, &Caller::command_line(), Beginning::LastCheckpoint).unwrap();
    }
    assert_has(&browser.get("/console/audit"), &["The log is broken, as was found at 2026-01-01 12:00 UTC"]);
    sql(&test, "UPDATE audit_verifications SET state = 'whole', broken = NULL WHERE state = 'broken'");
    assert_has(&browser.get("/console/audit"), &["was not written by this server"]);
    let fresh = start(engine);
    fresh.user("bea", &["auditor"]);
    let (_, page) = visit(&fresh, "bea", "/console/audit?done=chain-verified");
    assert_has(&page, &["Nothing has been verified yet."]);
    assert!(!page.body.contains("Everything that was checked is whole."));
}

fn a_broken_chain_raises_one_alert(engine: Engine) {
    let test = start(engine);
    let (browser, page) = broken(&test);
    send(&browser, &page, "/console/audit/verify", &[("whole", "true")]);
    let listed = browser.get("/console/alerts?rule=audit_chain");
    assert_eq!(listed.body.matches("<td>The audit log was altered</td>").count(), 1, "{}", listed.body);
    test.server.jobs.add("audit-verify", std::time::Duration::from_secs(10));
    test.server.jobs.ran("audit-verify", None, test.clock.now());
    let overview = browser.get("/console");
    assert_has(&overview, &["The log is broken", "found the audit log broken", "The audit log was altered"]);
    // Whoever may not read the log is not told of it here.
    test.user("sup", &["support"]);
    let (_, page) = visit(&test, "sup", "/console");
    assert!(!page.body.contains("The log is broken"));
}

fn count(test: &TestServer, id: &str, (operation, project): (String, &str), requests: i64) {
    let key = UsageKey {
        credential_id: id.to_owned(),
        day: day_of(test.clock.now()),
        source: UsageSource::Door,
        operation,
        project: project.to_owned(),
        outcome: "valid".to_owned(),
    };
    let count = UsageCount { requests, ..UsageCount::default() };
    test.server.store.write(move |connection| connection.add_usage(&key, count)).unwrap();
}

fn large_usage_is_summed_up(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let id = key(&test, "busy", None).key.id.0;
    for number in 0..300 {
        count(&test, &id, (format!("operation-{number}-{}", "<&\"".repeat(20)), ""), 300 - number);
    }
    let (browser, page) = visit(&test, "ada", &format!("{KEYS}/{id}/usage"));
    // The largest fifty are 300 to 251; the others add up to 250 * 251 / 2.
    assert_has(&page, &["operation-49-", "<td>250 further</td><td class=\"number\">31375</td>"]);
    assert!(!page.body.contains("operation-50-"));
    assert!(page.body.len() < 100_000, "{}", page.body.len());
    assert_has(
        &german(&browser, &format!("{KEYS}/{id}/usage")),
        &["250 weitere", "69,5 %", "<td class=\"number\">0,7 %</td>"],
    );
}

fn forms_and_lists_stay_small(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    for number in 0..110 {
        let new = NewScope {
            name: format!("orders-{number:03}:read"),
            description: "May read <orders> & more. ".repeat(18).trim().to_owned(),
            resource: None,
            privileged: false,
        };
        scopes::create(&test.server, &Caller::command_line(), new).unwrap();
    }
    for number in 0..60 {
        let name = Some(format!("Project {number} <&\"> {}", "x".repeat(100)));
        let new = NewProject { id: format!("project-{number}"), name, description: String::new() };
        projects::create(&test.server, &Caller::command_line(), new).unwrap();
    }
    let (browser, page) = visit(&test, "ada", &format!("{KEYS}/new"));
    assert_has(&page, &["orders-000:read", "…</span>", "More scopes", "More projects"]);
    assert!(page.body.len() < 100_000, "{}", page.body.len());
    let last = key(&test, "first", None).key.id.0;
    let edit = browser.get(&format!("{KEYS}/{last}/edit"));
    assert!(edit.status == 200 && edit.body.len() < 100_000, "{}", edit.body.len());
    for number in 0..50 {
        key(&test, &format!("{number} {}", "<&\"".repeat(65)), None);
    }
    let list = browser.get(KEYS);
    assert!(list.body.contains("…</a>") && list.body.len() < 100_000, "{}", list.body.len());
}

fn figures_are_counted(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    for number in 0..13 {
        let subject = AlertSubject::new("client", format!("c{number}"));
        assert!(alerts::raise(&test.server, &NewAlert::new(AlertRule::Volume, subject, json!({}), test.clock.now())));
    }
    let (browser, page) = visit(&test, "ada", "/console");
    let tile = page.body.split_once("href=\"/console/alerts\"").unwrap();
    assert!(page.body.contains(">13<"), "{}", tile.1);
    // What overflows by operation was asked on no project all the same.
    let id = key(&test, "busy", None).key.id.0;
    for number in 0..700 {
        let key = UsageKey {
            credential_id: id.clone(),
            day: day_of(test.clock.now()),
            source: UsageSource::Door,
            operation: number.to_string(),
            project: String::new(),
            outcome: "valid".to_owned(),
        };
        test.server.usage.count(key, UsageCount { requests: 1, ..UsageCount::default() });
    }
    assert_eq!(flush(&test.server).failed, None);
    let usage = browser.get(&format!("{KEYS}/{id}/usage"));
    assert_has(&usage, &["<td>not named</td><td class=\"number\">700</td><td class=\"number\">100.0 %</td>"]);
    let client = test.confidential();
    let usage = browser.get(&format!("/console/clients/{}/usage", client.id));
    assert_has(&usage, &["Nothing was counted for this client", "requests for tokens are not"]);
}

fn old_secrets_from_unknown_places_are_told(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, "rotated", None).key;
    let caller = Caller::command_line();
    let old = access_keys::secrets(&test.server, &caller, made.id.as_str()).unwrap();
    assert_eq!(old.len(), 1);
    let secret = test.server.store.read(|connection| connection.list_access_key_secrets(made.id.as_str())).unwrap();
    let secret_id = secret.first().unwrap().id.0.clone();
    access_keys::rotate(&test.server, &caller, made.id.as_str(), 86_400).map_err(|error| format!("{error:?}")).unwrap();
    test.advance(60);
    verdict::note_use(&test.server, made.id.0.clone(), Some(secret_id), None);
    assert_eq!(flush(&test.server).failed, None);
    let (_, page) = visit(&test, "ada", &format!("{KEYS}/{}/secrets", made.id));
    assert_has(&page, &["still used, also from addresses that are not known here", "other or unknown addresses"]);
    assert!(!page.body.contains("from one address"));
}

fn rotating_twice_says_what_ends(engine: Engine) {
    let test = start(engine);
    let id = test.user("ada", &["owner"]);
    let (browser, _) = visit(&test, "ada", "/console");
    for (owner, home) in [(None, KEYS), (Some(Owner::User(id)), "/account/access-keys")] {
        let made = key(&test, "rotated", owner).key.id;
        let path = format!("{home}/{made}/rotate");
        let told = "which was to work until 2026-01-02 12:00 UTC, ends at once";
        assert!(!browser.get(&path).body.contains("ends at once"));
        let caller = Caller::command_line();
        access_keys::rotate(&test.server, &caller, made.as_str(), 86_400)
            .map_err(|error| format!("{error:?}"))
            .unwrap();
        assert_has(&browser.get(&path), &[told]);
        assert_has(&german(&browser, &path), &["endet sofort"]);
    }
}

fn a_test_that_is_refused_is_told(engine: Engine) {
    let receiver = Receiver::with_statuses(&[410, 500]);
    let test = start_with(engine, |config| ops(config, receiver.address));
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console/webhooks");
    let gone = done(&browser, &page, "/console/webhooks/test", &[("endpoint", "ops")]);
    assert_has(&gone, &["The test was refused for good", "410", "badge bad\">given up"]);
    let failed = done(&browser, &page, "/console/webhooks/test", &[("endpoint", "ops")]);
    assert_has(&failed, &["The test has not arrived yet", "500", "badge warn\">pending"]);
}

fn links_lead_somewhere(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (named, gone) = (key(&test, "kept-key", None).key.id.0, key(&test, "gone-key", None).key.id.0);
    let window = WindowState { limit: 10, seconds: 60, remaining: 1, reset_after: 60 };
    for id in [&named, &gone] {
        test.server.near_limits.note(id, &window, false, test.clock.now());
    }
    access_keys::delete(&test.server, &Caller::command_line(), &gone, "gone-key").unwrap();
    let (browser, page) = visit(&test, "ada", "/console");
    assert_has(&page, &[&format!("<a href=\"{KEYS}/{named}\">kept-key</a>"), &format!("<code>{gone}</code>")]);
    assert!(!page.body.contains(&format!("href=\"{KEYS}/{gone}\"")));
    let form = browser.get("/console/projects/new");
    for id in ["new", ".", ".."] {
        let refused = send(&browser, &form, "/console/projects/new", &[("id", id), ("name", "x")]);
        assert_eq!(refused.status, 400, "{id}");
        assert_has(&refused, &["id must not be new, . or .."]);
        let members = confidential_members(id);
        let refused = grantor::flows::clients::create(&test.server, &Caller::command_line(), members);
        assert!(format!("{:?}", refused.err()).contains("client_id must not be new"), "{id}");
    }
    for path in ["/console/", "/account/"] {
        let sent = browser.get(path);
        assert_eq!((sent.status.as_u16(), sent.header("location").as_str()), (303, path.trim_end_matches('/')));
    }
}

fn wrong_methods_are_pages(engine: Engine) {
    let test = start(engine);
    let browser = Browser::new(&test);
    let id = key(&test, "a", None).key.id.0;
    for path in [format!("{KEYS}/{id}/disable"), "/console/sign-out".to_owned()] {
        let ask = |accept: &str| Answer::of(browser.request(Method::GET, &path).header("accept", accept));
        let page = ask("text/html,*/*;q=0.8");
        assert_eq!((page.status.as_u16(), page.header("allow").as_str()), (405, "POST"), "{path}");
        assert_has(&page, &["<h1>Nothing to see here</h1>", "only takes what a form sends"]);
        assert_eq!(ask("application/json").json()["code"], "method_not_allowed");
    }
}

fn an_unknown_owner_is_told_beside_the_form(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let path = format!("{KEYS}/new");
    let (browser, page) = visit(&test, "ada", &path);
    for (kind, said) in [
        ("service_account", "there is no service account of this name"),
        ("client", "there is no client with this client_id"),
        ("user", "there is no user of this name"),
    ] {
        let fields = [("name", "typed-name"), ("owner_kind", kind), ("owner", "nobody"), ("expiry", "90")];
        let refused = send(&browser, &page, &path, &fields);
        assert_eq!(refused.status, 400, "{kind}");
        assert_has(&refused, &[said, "value=\"typed-name\"", "value=\"nobody\"", "access-key-create"]);
    }
}

fn events_are_found_by_username(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    let id = test.user("carla.jones", &[]);
    let (browser, _) = visit(&test, "ada", "/console/audit");
    for query in ["q=carla.jones", "q=Carla.Jones&class=administration", "q=carla.jones&action=user.created"] {
        let page = browser.get(&format!("/console/audit?{query}"));
        assert_has(&page, &["user.created", &format!("target_id={id}")]);
        assert!(!page.body.contains("login.succeeded"), "{query}");
    }
    assert_has(&browser.get("/console/audit?q=carla.jones&action=login.succeeded"), &["No event is like this"]);
    assert_has(&browser.get("/console/audit?q=carla"), &["No event is like this", "A username in full"]);
    let export = browser.get("/console/audit/export?q=carla.jones&format=csv");
    assert!(export.body.contains("user.created") && !export.body.contains("login.succeeded"), "{}", export.body);
}

fn a_wrong_day_keeps_the_filters(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    let (browser, _) = visit(&test, "ada", "/console/audit");
    let page = browser.get("/console/audit?since=soon&actor_id=uma&outcome=failure");
    assert_eq!(page.status, 400);
    let parts =
        ["since must be a day such as 2027-01-31", "value=\"uma\"", "value=\"failure\" selected", "filter-apply"];
    assert_has(&page, &parts);
}

fn germans_read_german(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", &format!("{KEYS}/new"));
    let post = |path: &str, fields: &[(&str, &str)]| {
        let token = csrf(&page);
        let form: Vec<_> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        Answer::of(browser.request(Method::POST, path).header("accept-language", "de").form(&form))
    };
    let key = [("name", "x"), ("owner_kind", "platform"), ("expiry", "90")];
    let with = |name: &'static str, value: &'static str| [key.to_vec(), vec![(name, value)]].concat();
    assert_has(&post(&format!("{KEYS}/new"), &with("allowed_addresses", "foo")), &["ist keine Adresse und kein Netz"]);
    assert_has(
        &post("/console/explain", &[("what", "ak_1"), ("address", "here")]),
        &["muss eine einzelne IP-Adresse sein"],
    );
    let long = [("name", "x"), ("scope", "projects:read"), ("lifetime", "99999999")];
    assert_has(&post("/account/tokens/new", &long), &["ein persönliches Token muss innerhalb von 1 Tag enden"]);
    let wanted = |languages: &str| {
        Answer::of(browser.request(Method::GET, "/console/audit").header("accept-language", languages)).body
    };
    assert!(wanted("de;q=0").contains("lang=\"en\"") && wanted("de;q=0.1").contains("lang=\"de\""));
}
