//! The pages of access keys, their usage, and the overview: from the first key to the last, in the roles that there are.

use std::time::{Duration, Instant};

use grantor::domain::access_key::Owner;
use grantor::domain::client::Status;
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::projects::{self, NewProject};
use grantor::flows::service_accounts::{self, NewServiceAccount};
use grantor::flows::usage::flush;
use reqwest::Method;
use serde_json::json;

use crate::access_keys::{used, with_key};
use crate::console_support::*;
use crate::lists::{fill, wanted_rows};
use crate::support::*;

on_both!(
    a_key_from_the_form_to_its_first_use,
    a_refused_form_comes_back_as_it_was,
    every_field_of_a_key_is_kept,
    keys_are_searched_filtered_ordered_and_paged,
    a_rotation_shows_who_still_uses_the_old_secret,
    a_key_is_disabled_revoked_and_deleted,
    dangerous_pages_ask_for_the_password,
    usage_is_drawn_and_told,
    usage_of_a_client_is_shown_too,
    the_overview_says_how_things_stand,
    roles_decide_what_can_be_done,
    forms_of_others_do_nothing,
    what_was_typed_is_text_everywhere,
    keys_of_nobody_are_not_found,
    pages_speak_german,
    projects_beyond_the_list_are_chosen_by_name,
    pages_stay_small_with_long_lists,
    pages_are_made_in_time_with_many_rows,
);

const HOME: &str = "/console/access-keys";

fn key(test: &TestServer, name: &str) -> access_keys::AccessKeyWithSecret {
    let new = NewAccessKey {
        name: name.to_owned(),
        scopes: vec!["projects:read".to_owned()],
        owner: Some(None),
        ..NewAccessKey::default()
    };
    access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}")).unwrap()
}

fn stored(test: &TestServer, id: &str) -> grantor::domain::access_key::AccessKey {
    test.server.store.read(|connection| connection.find_access_key(id)).unwrap().unwrap()
}

/// What stands between two parts of a page.
#[track_caller]
fn between<'a>(page: &'a Answer, start: &str, end: &str) -> &'a str {
    let rest = page.body.split_once(start).unwrap_or_else(|| panic!("no {start} in {}", page.body)).1;
    rest.split_once(end).unwrap().0
}

fn a_key_from_the_form_to_its_first_use(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", HOME);
    assert_has(&page, &["<h1>API keys</h1>", "There are no API keys yet", "New API key"]);
    let page = browser.get(&format!("{HOME}/new"));
    assert_has(&page, &["projects:read", "See projects", "In 90 days", "The platform itself"]);
    let fields = [
        ("name", "Deploys"),
        ("owner_kind", "platform"),
        ("environment", "live"),
        ("scope", "projects:read"),
        ("expiry", "90"),
        ("projects", "all"),
    ];
    let made = send(&browser, &page, &format!("{HOME}/new"), &fields);
    assert_eq!((made.status.as_u16(), made.header("cache-control").as_str()), (200, "no-store"));
    assert_has(&made, &["API key created", "This is shown only now", "The secret of Deploys", "download-env"]);
    let secret = between(&made, "<code id=\"secret\">", "</code>").to_owned();
    assert_eq!(used(&test, &secret), 200);
    // Without script the same lines come as a file.
    let lines = format!("API_KEY={secret}");
    assert!(made.body.contains(&format!("value=\"{lines}\"")));
    let file = send(&browser, &made, "/console/env-file", &[("env", &lines)]);
    assert_eq!(file.body, format!("{lines}\n"));
    assert!(file.header("content-disposition").contains("attachment"));
    // Seen once: no page shows it again.
    let list = browser.get(HOME);
    assert_has(&list, &["Deploys", "...", "the platform", "active"]);
    let id = between(&list, &format!("href=\"{HOME}/ak_"), "\"").to_owned();
    for path in
        [HOME.to_owned(), format!("{HOME}/ak_{id}"), format!("{HOME}/ak_{id}/secrets"), format!("{HOME}/ak_{id}/edit")]
    {
        assert!(!browser.get(&path).body.contains(&secret), "{path}");
    }
    assert_eq!(flush(&test.server).failed, None);
    assert_has(&browser.get(&format!("{HOME}/ak_{id}/secrets")), &["127.0.0.1", "Current secret"]);
    assert!(
        test.events("access_key.created").iter().any(|event| event.client_id.as_deref() == Some("grantor-console"))
    );
}

fn a_refused_form_comes_back_as_it_was(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let path = format!("{HOME}/new");
    let (browser, page) = visit(&test, "ada", &path);
    for (fields, told) in [
        (vec![("name", ""), ("expiry", "90")], "name"),
        (vec![("name", "kept"), ("expiry", "custom"), ("expires_on", "soon")], "expires_on must be a day"),
        (vec![("name", "kept"), ("expiry", "custom"), ("expires_on", "2020-01-01")], "must be in the future"),
        (vec![("name", "kept"), ("expiry", "400")], "one of those offered"),
        (vec![("name", "kept"), ("expiry", "never"), ("requests_per_minute", "many")], "whole number"),
        (vec![("name", "kept"), ("expiry", "never"), ("allowed_addresses", "10.0.0.0/8\n300.1.1.1")], "300.1.1.1"),
        (vec![("name", "kept"), ("expiry", "never"), ("projects", "chosen")], "at least one project"),
        (vec![("name", "kept"), ("expiry", "never"), ("owner_kind", "service_account")], "name the service account"),
        (
            vec![("name", "kept"), ("expiry", "never"), ("owner_kind", "user"), ("owner", "nobody")],
            "there is no user of this name",
        ),
        (vec![("name", "kept"), ("expiry", "never"), ("more_scopes", "a\"b")], "scope token"),
    ] {
        let again = send(&browser, &page, &path, &fields);
        assert!(again.status.is_client_error(), "{fields:?}: {}", again.body);
        assert_has(&again, &[told, "access-key-create"]);
        if fields.contains(&("name", "kept")) {
            assert!(again.body.contains("value=\"kept\""), "{}", again.body);
        }
    }
    assert_has(&browser.get(HOME), &["There are no API keys yet"]);
}

fn every_field_of_a_key_is_kept(engine: Engine) {
    let test = start_with(engine, |config| {
        config.plans.0.insert(
            "small".to_owned(),
            grantor::domain::limits::Limits { requests_per_minute: Some(10), requests_per_hour: None },
        );
    });
    test.user("ada", &["owner"]);
    let caller = Caller::command_line();
    for id in ["alpha", "beta"] {
        let new = NewProject { id: id.to_owned(), name: Some(format!("Project {id}")), description: String::new() };
        projects::create(&test.server, &caller, new).unwrap();
    }
    let account = NewServiceAccount {
        name: "robot".to_owned(),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        ..NewServiceAccount::default()
    };
    let account = service_accounts::create(&test.server, &caller, account).unwrap();
    let path = format!("{HOME}/new");
    let (browser, page) = visit(&test, "ada", &path);
    assert_has(&page, &["Project alpha", "small"]);
    let fields = [
        ("name", "Exports"),
        ("description", "Nightly\r\nexports"),
        ("owner_kind", "service_account"),
        ("owner", "robot"),
        ("environment", "test"),
        ("projects", "chosen"),
        ("project", "alpha"),
        ("project", "beta"),
        ("more_scopes", " read  write "),
        ("expiry", "custom"),
        ("expires_on", "2026-06-30"),
        ("expires_on_offset", "540"),
        ("plan", "small"),
        ("requests_per_minute", "5"),
        ("requests_per_hour", "50"),
        ("allowed_addresses", "192.0.2.7\r\n10.0.0.0/8, 2001:db8::/32"),
    ];
    let made = send(&browser, &page, &path, &fields);
    assert_has(&made, &["API key created"]);
    let id = format!("ak_{}", between(&made, &format!("href=\"{HOME}/ak_"), "\""));
    let key = stored(&test, &id);
    assert_eq!(key.owner, Some(Owner::ServiceAccount(account.id.0)));
    assert_eq!((key.environment.as_str(), key.plan.as_deref()), ("test", Some("small")));
    assert_eq!(key.projects.len(), 2);
    assert_eq!(key.scope.to_string(), "read write");
    assert_eq!(key.expires_at.unwrap().to_rfc3339(), "2026-06-29T15:00:00+00:00");
    assert_eq!((key.limits.requests_per_minute, key.limits.requests_per_hour), (Some(5), Some(50)));
    assert_eq!(key.allowed_addresses.len(), 3);
    let shown = browser.get(&format!("{HOME}/{id}"));
    assert_has(
        &shown,
        &["robot (service account)", "alpha", "5 a minute, 50 an hour", "10.0.0.0/8", "Nightly exports"],
    );
    // Saved as it comes, nothing changes.
    let edit = browser.get(&format!("{HOME}/{id}/edit"));
    assert_has(&edit, &["value=\"Exports\"", "Nightly exports", "value=\"read write\"", "As it is"]);
    let same = [
        ("name", "Exports"),
        ("description", "Nightly\r\nexports"),
        ("projects", "chosen"),
        ("project", "alpha"),
        ("project", "beta"),
        ("more_scopes", "read write"),
        ("expiry", "keep"),
        ("expires_on", ""),
        ("plan", "small"),
        ("requests_per_minute", "5"),
        ("requests_per_hour", "50"),
        ("allowed_addresses", "10.0.0.0/8\r\n192.0.2.7/32\r\n2001:db8::/32"),
    ];
    assert_has(&done(&browser, &edit, &format!("{HOME}/{id}/edit"), &same), &["The changes have been saved"]);
    let after = stored(&test, &id);
    assert_eq!(
        (after.expires_at, after.scope.to_string(), after.limits),
        (key.expires_at, key.scope.to_string(), key.limits)
    );
    // And each can be changed.
    let other = [
        ("name", "Imports"),
        ("projects", "all"),
        ("project", "alpha"),
        ("more_scopes", "read"),
        ("expiry", "30"),
        ("plan", ""),
    ];
    done(&browser, &edit, &format!("{HOME}/{id}/edit"), &other);
    let after = stored(&test, &id);
    assert_eq!((after.name.as_str(), after.description.as_str(), after.projects.len()), ("Imports", "", 0));
    assert_eq!((after.scope.to_string().as_str(), after.plan), ("read", None));
    assert_eq!(after.expires_at.unwrap() - test.clock.now(), chrono::TimeDelta::days(30));
    assert!(after.allowed_addresses.is_empty() && after.limits.requests_per_minute.is_none());
    let refused = send(&browser, &edit, &format!("{HOME}/{id}/edit"), &[("name", ""), ("expiry", "keep")]);
    assert!(refused.status.is_client_error());
    assert_has(&refused, &["access-key-save"]);
}

fn keys_are_searched_filtered_ordered_and_paged(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    for number in 0..60 {
        key(&test, &format!("{} {number:02}", if number % 2 == 0 { "even" } else { "odd" }));
        test.advance(1);
    }
    let (browser, page) = visit(&test, "ada", HOME);
    let names = |page: &Answer| -> Vec<String> {
        let table = page.body.split("<tbody>").nth(1).unwrap_or_default();
        let rows = table.split("<tr>").skip(1);
        rows.filter_map(|row| Some(row.split_once("\">")?.1.split_once("</a>")?.0.to_owned())).collect()
    };
    assert_eq!((names(&page).len(), names(&page)[0].as_str()), (50, "odd 59"), "the newest first");
    let next = between(&page, "<nav class=\"pager\"", "</nav>").to_owned();
    let href =
        next.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let second = browser.get(&href);
    assert_eq!((names(&second).len(), names(&second)[9].as_str()), (10, "even 00"));
    assert_has(&second, &["First page"]);
    let by_name = browser.get(&format!("{HOME}?sort=name"));
    assert_eq!(names(&by_name)[0], "even 00");
    assert_has(&by_name, &["aria-sort=\"ascending\"", "sort=-name"]);
    assert_eq!(names(&browser.get(&format!("{HOME}?sort=-name")))[0], "odd 59");
    let found = browser.get(&format!("{HOME}?q=odd&sort=name"));
    assert_eq!((names(&found).len(), names(&found)[0].as_str()), (30, "odd 01"));
    assert_has(&found, &["value=\"odd\""]);
    assert_eq!(names(&browser.get(&format!("{HOME}?status=revoked"))).len(), 0);
    assert_has(&browser.get(&format!("{HOME}?status=revoked")), &["No key is like that"]);
    let few = names(&browser.get(&format!("{HOME}?unused=30&environment=live&q=even%2004")));
    // The secret of another may end in 04, too.
    assert!(few.contains(&"even 04".to_owned()) && few.len() < 5, "{few:?}");
    // What nobody offered is no filter, and breaks nothing.
    assert_eq!(names(&browser.get(&format!("{HOME}?status=lost&sort=size&cursor=x&unused=5&environment="))).len(), 50);
    // A cursor of another order begins anew.
    assert_eq!(names(&browser.get(&href.replace("cursor=", "sort=name&cursor=")))[0], "even 00");
}

fn a_rotation_shows_who_still_uses_the_old_secret(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, "Deploys");
    let path = format!("{HOME}/{}", made.key.id);
    assert_eq!(used(&test, &made.secret), 200);
    let (browser, page) = visit(&test, "ada", &format!("{path}/rotate"));
    assert_has(&page, &["Rotate the secret", "Grace period", "One week"]);
    test.advance(60);
    let rotated = send(&browser, &page, &format!("{path}/rotate"), &[("grace", "604800")]);
    assert_has(&rotated, &["New secret", "This is shown only now"]);
    let secret = between(&rotated, "<code id=\"secret\">", "</code>").to_owned();
    assert_eq!(flush(&test.server).failed, None);
    let shown = browser.get(&path);
    assert_has(&shown, &["This key is being rotated"]);
    let progress = browser.get(&format!("{path}/secrets"));
    assert_has(&progress, &["Old secret", "Current secret", "Nobody has used the old secret since", "Finish now"]);
    test.advance(60);
    assert_eq!((used(&test, &made.secret), used(&test, &secret)), (200, 200));
    assert_eq!(flush(&test.server).failed, None);
    assert_has(
        &browser.get(&format!("{path}/secrets")),
        &["The old secret is still used, from one address", "127.0.0.1"],
    );
    let page = browser.get(&format!("{path}/finish"));
    assert_has(&page, &["ends now. Whatever still uses it is refused"]);
    let finished = done(&browser, &page, &format!("{path}/finish"), &[]);
    assert_has(&finished, &["The rotation is finished"]);
    assert_eq!((used(&test, &made.secret), used(&test, &secret)), (401, 200));
    let again = send(&browser, &page, &format!("{path}/finish"), &[]);
    assert_eq!(again.status, 409);
    assert_has(&again, &["no secret of this access key is being replaced"]);
    assert!(!test.events("access_key.secrets_read").is_empty());
    let page = browser.get(&format!("{path}/rotate"));
    assert_eq!(send(&browser, &page, &format!("{path}/rotate"), &[("grace", "999999999")]).status, 400);
}

fn a_key_is_disabled_revoked_and_deleted(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, "Deploys");
    let path = format!("{HOME}/{}", made.key.id);
    let (browser, page) = visit(&test, "ada", &path);
    assert_has(&page, &["access-key-disable", "Revoke", "Delete", "Rotate"]);
    let disabled = done(&browser, &page, &format!("{path}/disable"), &[]);
    assert_has(&disabled, &["It has been disabled", "access-key-enable"]);
    assert_eq!(used(&test, &made.secret), 401);
    let enabled = done(&browser, &disabled, &format!("{path}/enable"), &[]);
    assert_has(&enabled, &["It has been enabled", "active"]);
    assert_eq!(used(&test, &made.secret), 200);
    let ask = browser.get(&format!("{path}/revoke"));
    assert_has(&ask, &["is refused from now on, for good"]);
    let revoked = done(&browser, &ask, &format!("{path}/revoke"), &[]);
    assert_has(&revoked, &["It has been revoked", "revoked"]);
    assert!(!revoked.body.contains("access-key-enable") && !revoked.body.contains("/rotate\""));
    assert_eq!(used(&test, &made.secret), 401);
    let ask = browser.get(&format!("{path}/delete"));
    assert_has(&ask, &["Type “Deploys” to go on"]);
    for typed in ["", "deploys", "Deploy"] {
        let refused = send(&browser, &ask, &format!("{path}/delete"), &[("confirm", typed)]);
        assert!(refused.status.is_client_error(), "{typed}");
        assert_has(&refused, &["Type the name exactly as it is written"]);
    }
    assert_eq!(stored(&test, made.key.id.as_str()).status, Status::Revoked);
    let gone = done(&browser, &ask, &format!("{path}/delete"), &[("confirm", "Deploys")]);
    assert_has(&gone, &["It has been deleted", "There are no API keys yet"]);
    assert_eq!(browser.get(&path).status, 404);
}

fn dangerous_pages_ask_for_the_password(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, "Deploys");
    let path = format!("{HOME}/{}", made.key.id);
    let (browser, _) = visit(&test, "ada", &path);
    let lifetime = test.server.config.console.proof_lifetime.as_secs();
    test.advance(lifetime + 1);
    for what in ["rotate", "finish", "revoke", "delete"] {
        let ask = browser.get(&format!("{path}/{what}"));
        assert_has(&ask, &["Your password"]);
        let fields = [("confirm", "Deploys"), ("grace", "0")];
        let refused = send(&browser, &ask, &format!("{path}/{what}"), &fields);
        assert!(refused.status.is_client_error(), "{what}");
        assert_has(&refused, &["Give your password once more"]);
        let wrong = send(&browser, &ask, &format!("{path}/{what}"), &[("confirm", "Deploys"), ("password", "wrong")]);
        assert_has(&wrong, &["The password is wrong"]);
    }
    assert_eq!(used(&test, &made.secret), 200, "nothing was done");
    let ask = browser.get(&format!("{path}/revoke"));
    let revoked = done(&browser, &ask, &format!("{path}/revoke"), &[("password", PASSWORD)]);
    assert_has(&revoked, &["It has been revoked"]);
}

fn usage_is_drawn_and_told(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, "Deploys");
    let path = format!("{HOME}/{}/usage", made.key.id);
    let (browser, page) = visit(&test, "ada", &path);
    assert_has(&page, &["<h1>Usage</h1>", "Nothing was asked with this credential", "7 days"]);
    for _ in 0..3 {
        assert_eq!(used(&test, &made.secret), 200);
    }
    assert_eq!(with_key(&test, &made.secret, Method::GET, "/v1/users", None).status, 403);
    assert_eq!(flush(&test.server).failed, None);
    let page = browser.get(&path);
    assert_has(
        &page,
        &[
            "Requests by day",
            "<svg",
            "<title>2026-01-01: ",
            "The figures as a table",
            "in 30 days",
            "By operation",
            "By project",
            "Success rate",
            "Response time",
        ],
    );
    let week = browser.get(&format!("{path}?days=7"));
    assert_has(&week, &["in 7 days", "30 days", "2025-12-26"]);
    assert!(!week.body.contains("2025-12-25"));
    assert_eq!(browser.get(&format!("{path}?days=1000000")).body.matches("<rect").count(), 60, "no other span");
}

fn usage_of_a_client_is_shown_too(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    test.confidential();
    let (_, page) = visit(&test, "ada", "/console/clients/web/usage");
    assert_has(&page, &["<h1>Usage</h1>", "Nothing was counted for this client"]);
}

fn the_overview_says_how_things_stand(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console");
    assert_has(
        &page,
        &[
            "<h1>Overview</h1>",
            "Requests by hour",
            "No credential came near a limit",
            "Nothing ends within 30 days",
            "No alerts in the last 7 days",
            "This server runs no jobs",
            "RS256",
            if engine == Engine::Sqlite { "SQLite" } else { "PostgreSQL" },
        ],
    );
    let new = NewAccessKey {
        name: "Limited".to_owned(),
        scopes: vec!["projects:read".to_owned()],
        owner: Some(None),
        requests_per_minute: Some(4),
        expires_in: Some(86_400),
        ..NewAccessKey::default()
    };
    let made =
        access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}")).unwrap();
    for _ in 0..5 {
        used(&test, &made.secret);
    }
    assert_eq!(flush(&test.server).failed, None);
    let page = browser.get("/console");
    assert_has(&page, &["Who asks most", "Limited</a>", "exceeded", "4 a minute", "Ends within 30 days"]);
    test.server.jobs.add("purge", Duration::from_secs(60));
    test.server.jobs.ran("purge", Some("no <room>".to_owned()), test.clock.now());
    let page = browser.get("/console");
    assert_has(&page, &["fails: purge", "no &#60;room&#62;"]);
}

fn roles_decide_what_can_be_done(engine: Engine) {
    let test = start(engine);
    for role in ["owner", "admin", "support", "auditor"] {
        test.user(role, &[role]);
    }
    test.user("nobody", &[]);
    let made = key(&test, "Deploys");
    let path = format!("{HOME}/{}", made.key.id);
    let changing = [
        "new".to_owned(),
        format!("{}/edit", made.key.id),
        format!("{}/rotate", made.key.id),
        format!("{}/revoke", made.key.id),
        format!("{}/delete", made.key.id),
        format!("{}/finish", made.key.id),
    ];
    for (role, writes) in [("owner", true), ("admin", true), ("support", false), ("auditor", false)] {
        let (browser, page) = visit(&test, role, &path);
        assert_eq!(page.status, 200, "{role}");
        assert_eq!(page.body.contains("/rotate\""), writes, "{role}");
        assert_eq!(browser.get(HOME).status, 200, "{role}");
        for page in &changing {
            let expected = if writes { 200 } else { 403 };
            assert_eq!(browser.get(&format!("{HOME}/{page}")).status, expected, "{role} {page}");
        }
        // The pages hide what the server refuses in any case.
        if !writes {
            let form = browser.get("/console");
            for what in &changing {
                let sent = send(
                    &browser,
                    &form,
                    &format!("{HOME}/{what}"),
                    &[("name", "x"), ("confirm", "Deploys"), ("expiry", "30")],
                );
                assert_eq!(sent.status, 403, "{role} {what}");
            }
        }
    }
    let (browser, page) = visit(&test, "support", &path);
    assert_has(&page, &["access-key-disable"]);
    done(&browser, &page, &format!("{path}/disable"), &[]);
    assert_eq!(used(&test, &made.secret), 401);
    assert_eq!(send(&browser, &page, &format!("{path}/enable"), &[]).status, 403);
    let (browser, page) = visit(&test, "auditor", &path);
    assert!(!page.body.contains("access-key-disable"));
    assert_eq!(send(&browser, &page, &format!("{path}/disable"), &[]).status, 403);
    let (browser, page) = visit(&test, "nobody", HOME);
    assert_eq!(page.status, 403);
    for page in [path.clone(), format!("{path}/secrets"), format!("{path}/usage")] {
        assert_eq!(browser.get(&page).status, 403, "{page}");
    }
    assert_eq!(browser.get("/console").header("location"), "/account");
}

fn forms_of_others_do_nothing(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    test.user("eve", &["owner"]);
    let made = key(&test, "Deploys");
    let path = format!("{HOME}/{}", made.key.id);
    let (ada, page) = visit(&test, "ada", &path);
    let (_, other) = visit(&test, "eve", &path);
    for what in ["disable", "rotate", "finish", "revoke", "delete", "edit"] {
        let fields = [("confirm", "Deploys"), ("grace", "0"), ("name", "x"), ("expiry", "keep")];
        let address = format!("{path}/{what}");
        assert_eq!(ada.post(&address, &fields).status, 403, "{what} without a token");
        assert_eq!(send(&ada, &other, &address, &fields).status, 403, "{what} with somebody else's token");
        let mut form = vec![("csrf", csrf(&page))];
        form.extend(fields.map(|(name, value)| (name, value.to_owned())));
        let crossed = ada.request(Method::POST, &address).form(&form).header("origin", "https://evil.example");
        assert_eq!(Answer::of(crossed).status, 403, "{what} from another site");
    }
    assert_eq!(used(&test, &made.secret), 200);
    assert_eq!(stored(&test, made.key.id.as_str()).name, "Deploys");
}

fn what_was_typed_is_text_everywhere(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let caller = Caller::command_line();
    let project = NewProject { id: "alpha".to_owned(), name: Some(SCRIPT.to_owned()), description: String::new() };
    projects::create(&test.server, &caller, project).unwrap();
    let account = NewServiceAccount {
        name: SCRIPT.to_owned(),
        scopes: vec!["projects:read".to_owned()],
        ..NewServiceAccount::default()
    };
    let account = service_accounts::create(&test.server, &caller, account).unwrap();
    let scope = grantor::flows::scopes::NewScope {
        name: "odd".to_owned(),
        description: SCRIPT.to_owned(),
        resource: None,
        privileged: false,
    };
    grantor::flows::scopes::create(&test.server, &caller, scope).unwrap();
    let new = NewAccessKey {
        name: SCRIPT.to_owned(),
        description: SCRIPT.to_owned(),
        owner: Some(Some(Owner::ServiceAccount(account.id.0))),
        scopes: vec!["projects:read".to_owned()],
        projects: vec!["alpha".to_owned()],
        expires_in: Some(86_400),
        ..NewAccessKey::default()
    };
    let made = access_keys::create(&test.server, &caller, new).map_err(|error| format!("{error:?}")).unwrap();
    used(&test, &made.secret);
    assert_eq!(flush(&test.server).failed, None);
    let path = format!("{HOME}/{}", made.key.id);
    let (browser, page) = visit(&test, "ada", &path);
    assert_escaped(&page);
    let mut pages = vec!["/console".to_owned(), HOME.to_owned(), format!("{HOME}/new")];
    pages.extend(["secrets", "edit", "rotate", "revoke", "delete", "usage"].map(|what| format!("{path}/{what}")));
    for path in pages {
        assert_escaped(&browser.get(&path));
    }
    let query: String = url::form_urlencoded::byte_serialize(SCRIPT.as_bytes()).collect();
    assert_escaped(&browser.get(&format!("{HOME}?q={query}")));
    for name in ["owner", "environment", "project", "status", "sort", "cursor", "done"] {
        let page = browser.get(&format!("{HOME}?{name}={query}"));
        assert!(!page.body.contains("<script>alert"), "{name}");
    }
    let form = browser.get(&format!("{HOME}/new"));
    for name in [
        "name",
        "description",
        "more_scopes",
        "owner",
        "expires_on",
        "requests_per_minute",
        "allowed_addresses",
        "plan",
        "environment",
    ] {
        let mut fields = vec![("expiry", "custom"), ("owner_kind", "user")];
        fields.push((name, SCRIPT));
        let page = send(&browser, &form, &format!("{HOME}/new"), &fields);
        assert!(page.status.is_client_error(), "{name}");
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{name}: {}", page.body);
    }
    let rotated = send(&browser, &form, &format!("{path}/rotate"), &[("grace", "0")]);
    assert_escaped(&rotated);
}

fn keys_of_nobody_are_not_found(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, _) = visit(&test, "ada", HOME);
    for id in ["ak_00000000000000000000000000000000", "x", "%3Cscript%3E", "ak_1%2F..%2F.."] {
        for what in ["", "/edit", "/secrets", "/usage", "/rotate", "/finish", "/revoke", "/delete"] {
            let page = browser.get(&format!("{HOME}/{id}{what}"));
            assert_eq!(page.status, 404, "{id}{what}");
            assert!(!page.body.contains("<script>"), "{id}");
        }
    }
}

fn pages_speak_german(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, "Deploys");
    let (browser, _) = visit(&test, "ada", HOME);
    let path = format!("{HOME}/{}", made.key.id);
    for (path, part) in [
        ("/console".to_owned(), "<h1>Übersicht</h1>"),
        (HOME.to_owned(), "Langlebige Geheimnisse"),
        (format!("{HOME}/new"), "Neuer API-Schlüssel"),
        (path.clone(), "Wer ihn benutzt"),
        (format!("{path}/secrets"), "Jetziges Geheimnis"),
        (format!("{path}/rotate"), "Übergangszeit"),
        (format!("{path}/usage"), "<h1>Nutzung</h1>"),
    ] {
        let page = Answer::of(browser.request(Method::GET, &path).header("accept-language", "de-AT,de;q=0.9"));
        assert_has(&page, &["<html lang=\"de\">", part]);
    }
}

fn projects_beyond_the_list_are_chosen_by_name(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    for number in 0..205 {
        let project = NewProject { id: format!("p-{number:03}"), name: None, description: String::new() };
        projects::create(&test.server, &Caller::command_line(), project).unwrap();
    }
    let (browser, page) = visit(&test, "ada", &format!("{HOME}/new"));
    assert!(!page.body.contains("p-204"));
    assert_has(&page, &["name=\"more_projects\"", "Not all projects are listed above"]);
    let fields = [
        ("name", "beyond"),
        ("owner_kind", "platform"),
        ("projects", "chosen"),
        ("project", "p-000"),
        ("more_projects", "p-204  p-203"),
        ("expiry", "90"),
    ];
    let made = send(&browser, &page, &format!("{HOME}/new"), &fields);
    assert_eq!(made.status, 200, "{}", made.body);
    let list = browser.get(&format!("{HOME}?project=p-204"));
    assert_has(&list, &["beyond", "name=\"project\"", "value=\"p-204\"", "too many to choose from"]);
    assert!(!browser.get(&format!("{HOME}?project=p-100")).body.contains("beyond"));
    let (_, id) = list.body.split_once(&format!("href=\"{HOME}/ak_")).unwrap();
    let id = format!("ak_{}", id.split('"').next().unwrap());
    let edit = browser.get(&format!("{HOME}/{id}/edit"));
    let kept = between(&edit, "name=\"more_projects\"", ">");
    assert!(kept.contains("p-203 p-204") || kept.contains("p-204 p-203"), "{kept}");
}

fn pages_stay_small_with_long_lists(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let caller = Caller::command_line();
    for number in 0..100 {
        let project = NewProject {
            id: format!("project-{number}"),
            name: Some("A project with a rather long name".to_owned()),
            description: String::new(),
        };
        projects::create(&test.server, &caller, project).unwrap();
    }
    for number in 0..50 {
        let new = NewAccessKey {
            name: format!("An access key with a rather long name {number}"),
            owner: Some(None),
            projects: (0..20).map(|number| format!("project-{number}")).collect(),
            requests_per_minute: Some(1_000),
            requests_per_hour: Some(10_000),
            ..NewAccessKey::default()
        };
        access_keys::create(&test.server, &caller, new).map_err(|error| format!("{error:?}")).unwrap();
    }
    let (browser, page) = visit(&test, "ada", HOME);
    assert!(page.body.len() < 100_000, "{}", page.body.len());
    for path in [format!("{HOME}/new"), "/console".to_owned()] {
        let page = browser.get(&path);
        assert!(page.status == 200 && page.body.len() < 100_000, "{path}: {}", page.body.len());
    }
    let first = json!(page.body.matches("<tr>").count());
    assert_eq!(first, 51);
}

/// Says how long each page takes with TEST_ROWS keys.
fn pages_are_made_in_time_with_many_rows(engine: Engine) {
    let rows = wanted_rows();
    let test = start(engine);
    test.user("ada", &["owner"]);
    fill(&test, rows);
    let (browser, _) = visit(&test, "ada", HOME);
    let id = format!("ak_{:032x}", 7_919 * 5);
    for path in [
        "/console".to_owned(),
        HOME.to_owned(),
        format!("{HOME}?sort=-last_used&status=active"),
        format!("{HOME}?q=nightly&sort=name"),
        format!("{HOME}?status=expiring&environment=test"),
        format!("{HOME}/{id}"),
        format!("{HOME}/{id}/secrets"),
        format!("{HOME}/{id}/usage"),
        format!("{HOME}/{id}/edit"),
    ] {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let started = Instant::now();
            let page = browser.get(&path);
            assert!(page.status == 200 && page.body.len() < 100_000, "{path}: {}", page.body);
            best = best.min(started.elapsed());
        }
        if rows > 10_000 {
            eprintln!("{engine:?} {rows} keys: {:6.1} ms  {path}", best.as_secs_f64() * 1_000.0);
        }
        assert!(best.as_secs() < 2, "{path}: {best:?}");
    }
}
