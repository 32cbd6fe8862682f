//! Lists of clients: ordered, filtered, paged; at the API, in the console, on the command line; and how long that takes.

use std::time::Instant;

use grantor::flows::clients::ClientMembers;
use grantor::protocol::client_auth_method::ClientAuthMethod;
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::redirect_uri::RedirectUri;
use serde_json::json;

use crate::admin_api::Admin;
use crate::console_support::{assert_has, start, visit};
use crate::lists::{execute, listed, wanted_rows};
use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(
    clients_are_ordered_and_paged_in_every_order,
    clients_are_filtered,
    the_last_use_is_told,
    the_console_orders_and_filters,
    the_command_line_orders_and_filters,
    many_clients_are_listed_in_time,
);

fn make(test: &TestServer, id: &str, name: &str, grants: &[GrantType], public: bool) {
    test.client(ClientMembers {
        client_id: Some(id.to_owned()),
        client_name: Some(name.to_owned()),
        grant_types: Some(grants.to_vec()),
        redirect_uris: Some(vec![RedirectUri::parse(REDIRECT_URI).unwrap()]),
        token_endpoint_auth_method: public.then_some(ClientAuthMethod::None),
        ..ClientMembers::default()
    });
}

/// Six clients, made one after another; the last use of every other one is noted.
fn six(test: &TestServer) {
    let code = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    for (number, (id, name)) in
        [("f.1", "delta"), ("e.2", "Alpha"), ("d.3", "charlie"), ("c.4", "Bravo"), ("b.5", "alpha"), ("a.6", "echo")]
            .into_iter()
            .enumerate()
    {
        test.advance(1);
        make(
            test,
            id,
            name,
            if number < 4 { &code } else { &[GrantType::ClientCredentials] },
            number % 3 == 0 && number < 4,
        );
        if number % 2 == 0 {
            let at = start_time() - chrono::TimeDelta::hours(i64::try_from(number).unwrap());
            test.server.store.write(move |connection| connection.note_client_use(id, at)).unwrap();
        }
    }
}

fn clients_are_ordered_and_paged_in_every_order(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    six(&test);
    let whole = |query: &str| -> Vec<String> {
        let all = listed(&admin, &format!("/v1/clients?{query}"), "client_id");
        all.into_iter().filter(|id| id != "tool").collect()
    };
    assert_eq!(whole(""), ["a.6", "b.5", "c.4", "d.3", "e.2", "f.1"], "by identifier");
    assert_eq!(whole("sort=created"), ["f.1", "e.2", "d.3", "c.4", "b.5", "a.6"]);
    assert_eq!(whole("sort=name"), ["b.5", "e.2", "c.4", "d.3", "f.1", "a.6"]);
    assert_eq!(whole("sort=last_used"), ["a.6", "c.4", "e.2", "b.5", "d.3", "f.1"], "never comes first");
    for sort in ["client_id", "created", "name", "last_used"] {
        let mut backwards = whole(&format!("sort=-{sort}"));
        backwards.reverse();
        assert_eq!(backwards, whole(&format!("sort={sort}")), "{sort}");
        for sort in [sort.to_owned(), format!("-{sort}")] {
            for filter in ["", "&status=active", "&grant=authorization_code", "&type=public", "&q=a"] {
                let (mut found, mut cursor) = (Vec::new(), String::new());
                loop {
                    let page = admin.get(&format!("/v1/clients?sort={sort}&limit=2{filter}{cursor}")).ok();
                    found.extend(page["items"].as_array().unwrap().iter().map(|item| text(&item["client_id"])));
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    cursor = format!("&cursor={next}");
                }
                found.retain(|id| id != "tool");
                assert_eq!(found, whole(&format!("sort={sort}{filter}")), "{sort}{filter}");
            }
        }
    }
    let refused = |query: &str| admin.get(&format!("/v1/clients?{query}")).problem(400, "invalid_request");
    assert!(refused("sort=size").contains("sort must be"));
    assert!(refused("type=secret").contains("public or confidential"));
    assert!(refused("grant=implicit").contains("grant must be"));
    assert!(refused("status=lost").contains("status must be"));
    for (sort, cursor) in [("name", "a.6"), ("created", "x.6"), ("last_used", "web"), ("client_id", "a%20b")] {
        assert!(refused(&format!("sort={sort}&cursor={cursor}")).contains("cursor"), "{sort}");
    }
}

fn clients_are_filtered(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    six(&test);
    admin.post("/v1/clients/e.2/disable", &json!({})).ok();
    let found = |query: &str| listed(&admin, &format!("/v1/clients?{query}"), "client_id");
    assert_eq!(found("type=public"), ["c.4", "f.1"]);
    assert_eq!(found("type=confidential&grant=authorization_code"), ["d.3", "e.2", "tool"]);
    assert_eq!(found("grant=client_credentials&sort=name"), ["b.5", "a.6", "tool"]);
    assert_eq!(found("grant=urn:ietf:params:oauth:grant-type:device_code"), ["tool"]);
    assert_eq!(found("status=inactive"), ["e.2"]);
    assert_eq!(found("status=inactive&type=public").len(), 0);
    assert_eq!(found("q=alpha&grant=client_credentials"), ["b.5"]);
}

fn the_last_use_is_told(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let web = test.confidential();
    let last = || admin.get("/v1/clients/web").ok()["last_used_at"].clone();
    assert!(last().is_null());
    test.advance(60);
    let used = test.clock.now();
    assert_eq!(test.token(&web, &[("grant_type", "client_credentials"), ("scope", "read")]).status, 200);
    grantor::flows::usage::flush(&test.server);
    assert_eq!(last(), json!(used));
    // An edit of what was read before does not take it back.
    test.advance(60);
    admin.patch("/v1/clients/web", &json!({ "description": "x" })).ok();
    assert_eq!(last(), json!(used));
    let earlier = used - chrono::TimeDelta::hours(1);
    test.server.store.write(move |connection| connection.note_client_use("web", earlier)).unwrap();
    assert_eq!(last(), json!(used), "another instance may be late");
}

/// Where each of these stands on a page, all of them after one another.
fn assert_in_order(page: &Answer, ids: &[&str]) {
    let places: Vec<_> = ids.iter().map(|id| page.body.find(&format!("/console/clients/{id}\""))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{ids:?} {places:?}");
}

fn the_console_orders_and_filters(engine: Engine) {
    let test = start(engine);
    six(&test);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console/clients");
    assert_in_order(&page, &["a.6", "b.5", "c.4", "d.3", "e.2", "f.1"]);
    assert_has(&page, &["sort=name", "sort=last_used", "name=\"type\"", "name=\"grant\""]);
    assert_in_order(&browser.get("/console/clients?sort=name"), &["b.5", "e.2", "c.4", "d.3", "f.1", "a.6"]);
    let public = browser.get("/console/clients?type=public&sort=created");
    assert_in_order(&public, &["f.1", "c.4"]);
    assert!(!public.body.contains("/console/clients/a.6\""));
    assert_has(&public, &["type=public", "sort=-created"]);
    let machines = browser.get("/console/clients?grant=client_credentials&status=active");
    assert!(machines.body.contains("a.6") && !machines.body.contains("/console/clients/f.1\""));
    assert_has(&browser.get("/console/clients?grant=password"), &["Nothing was found"]);
    let shown = browser.get("/console/clients/a.6");
    assert_has(&shown, &["Last used"]);
}

fn the_command_line_orders_and_filters(engine: Engine) {
    let test = TestServer::start(engine);
    six(&test);
    let list = |line: &[&str]| {
        let line: Vec<&str> = ["client", "list", "--json"].iter().chain(line).copied().collect();
        let ended = Ended::of(grantor_on(&test.database).args(&line), "");
        assert_eq!(ended.code, 0, "{ended:?}");
        let page: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        let ids = page["items"].as_array().unwrap().iter().map(|item| text(&item["client_id"]));
        ids.filter(|id| id != "grantor-console").collect::<Vec<_>>()
    };
    assert_eq!(list(&["--sort", "-name", "--limit", "3"]), ["a.6", "f.1"]);
    assert_eq!(list(&["--type", "public", "--sort", "created"]), ["f.1", "c.4"]);
    assert_eq!(list(&["--grant", "client_credentials"]), ["a.6", "b.5"]);
    assert_eq!(Ended::of(grantor_on(&test.database).args(["client", "list", "--type", "x"]), "").code, 2);
}

/// Says how long each list takes with TEST_ROWS clients; a few by default, so that every list is at least walked.
fn many_clients_are_listed_in_time(engine: Engine) {
    let (rows, test) = (wanted_rows(), TestServer::start(engine));
    let admin = Admin::new(&test);
    for chunk in (0..rows).collect::<Vec<_>>().chunks(500) {
        let row = |n: &usize| {
            let status = if n.is_multiple_of(100) { "revoked" } else { "active" };
            let method = if n.is_multiple_of(7) { "none" } else { "client_secret_basic" };
            let grants = if n % 1_000 == 1 { "password" } else { "authorization_code refresh_token" };
            let used = if n.is_multiple_of(2) {
                "NULL".to_owned()
            } else {
                (1_766_000_000_000_000 + n * 7_919 % rows).to_string()
            };
            format!(
                "('c{:06}', 'Shop {n}', '', 'live', '{status}', '{method}', '{grants}', '', '', '', '', '', {yes}, {no}, {no}, \
                 'rotate', {}, 1, '', '{{}}', {used})",
                n * 7_919 % 1_000_000,
                1_760_000_000_000_000 + n,
                yes = if engine == Engine::Sqlite { "1" } else { "true" },
                no = if engine == Engine::Sqlite { "0" } else { "false" },
            )
        };
        let words = |n: &usize| {
            let id = n * 7_919 % 1_000_000;
            format!("('client', 'c{id:06}', 'shop'), ('client', 'c{id:06}', 'n{n}')")
        };
        let (clients, words): (Vec<_>, Vec<_>) = chunk.iter().map(|n| (row(n), words(n))).unzip();
        execute(
            &test,
            format!(
                "INSERT INTO clients (client_id, client_name, description, environment, status, token_endpoint_auth_method, \
                 grant_types, redirect_uris, scope, resources, allowed_origins, roles, require_pkce, first_party, \
                 may_introspect, refresh_token_policy, created_at, updated_at, allowed_addresses, metadata, last_used_at) \
                 VALUES {}; INSERT INTO search_words (kind, id, word) VALUES {}",
                clients.join(", "),
                words.join(", ")
            ),
        );
    }
    if rows > 10_000 {
        execute(&test, "ANALYZE clients".to_owned());
        execute(&test, "ANALYZE search_words".to_owned());
    }
    let mut slowest = std::time::Duration::ZERO;
    for query in [
        "",
        "sort=-created",
        "sort=name",
        "sort=-last_used",
        "status=revoked&sort=name",
        "status=inactive&sort=-last_used",
        "type=public&sort=-created",
        "grant=password&sort=name",
        "grant=client_credentials&status=inactive",
        "q=shop&sort=-name",
        "q=n123",
        "q=zzz",
    ] {
        let mut best = std::time::Duration::MAX;
        for _ in 0..3 {
            let started = Instant::now();
            admin.get(&format!("/v1/clients?limit=50&{query}")).ok();
            best = best.min(started.elapsed());
        }
        if rows > 10_000 {
            eprintln!("{engine:?} {rows} clients: {:6.1} ms  {query}", best.as_secs_f64() * 1_000.0);
        }
        slowest = slowest.max(best);
    }
    assert!(slowest.as_secs() < 2, "{slowest:?}");
}
