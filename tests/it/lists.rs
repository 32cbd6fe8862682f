//! Lists that are searched, filtered and ordered, page by page; and how long that takes with many rows.

use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use grantor::domain::search::{ListFilter, SearchText};
use grantor::flows::caller::Caller;
use grantor::store::StoreConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access_keys::made;
use crate::admin_api::Admin;
use crate::support::*;

on_both!(
    keys_are_found_by_words_of_theirs_and_their_owners,
    keys_are_ordered_and_paged_in_every_order,
    keys_are_filtered_by_their_standing,
    a_common_word_is_found_too,
    common_words_that_hardly_ever_meet_are_looked_for_in_steps,
    what_is_renamed_is_found_by_its_new_name_only,
    what_is_deleted_leaves_no_words,
    clients_users_and_accounts_are_searched_alike,
    workflows_are_searched_too,
    what_is_wrong_in_a_list_is_said,
    what_was_there_before_is_found_after_the_migration,
    many_rows_are_listed_in_time,
);

/// The names, or what else this member is, of a list.
pub fn listed(admin: &Admin, path: &str, member: &str) -> Vec<String> {
    let page = admin.get(path).ok();
    page["items"].as_array().unwrap().iter().map(|item| text(&item[member])).collect()
}

fn keys(admin: &Admin, query: &str) -> Vec<String> {
    listed(admin, &format!("/v1/access-keys?{query}"), "name")
}

fn make(admin: &Admin, body: Value) -> String {
    made(&admin.post("/v1/access-keys", &body)).0
}

fn keys_are_found_by_words_of_theirs_and_their_owners(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let account = text(&admin.post("/v1/service-accounts", &json!({ "name": "night-shift robot" })).json()["id"]);
    let deploy = make(&admin, json!({ "name": "CI-Deploy (Zürich)", "owner": null }));
    make(&admin, json!({ "name": "deputy", "owner": null }));
    make(&admin, json!({ "name": "worker", "owner": { "type": "service_account", "id": account } }));
    make(&admin, json!({ "name": "mine" }));
    assert_eq!(keys(&admin, "q=deploy"), ["CI-Deploy (Zürich)"]);
    assert_eq!(keys(&admin, "q=DEP"), ["CI-Deploy (Zürich)", "deputy"]);
    assert_eq!(keys(&admin, "q=zürich%20ci"), ["CI-Deploy (Zürich)"]);
    assert_eq!(keys(&admin, "q=ci%20deputy"), Vec::<String>::new(), "every term must be met");
    assert_eq!(keys(&admin, "q=eploy"), Vec::<String>::new(), "words are found by how they begin");
    assert_eq!(keys(&admin, "q=night-sh"), ["worker"], "by its owner's name");
    assert_eq!(keys(&admin, "q=root"), ["mine"]);
    assert_eq!(keys(&admin, "q=robot%20worker"), ["worker"], "one term of its own, one of its owner's");
    assert_eq!(keys(&admin, &format!("q={deploy}")), ["CI-Deploy (Zürich)"]);
    let masked = text(&admin.get(&format!("/v1/access-keys/{deploy}")).ok()["masked"]);
    assert_eq!(keys(&admin, &format!("q={masked}")), ["CI-Deploy (Zürich)"]);
    assert_eq!(keys(&admin, "q=...").len(), 0, "nothing that could be found");
    assert_eq!(keys(&admin, "q=%20").len(), 4, "nothing is looked for");
    assert_eq!(keys(&admin, "q=depl%25yment").len(), 0, "a sign is no pattern");
    // Names that somebody may not see are not found out by searching.
    let narrow = admin.with("access-keys:read");
    assert_eq!((keys(&narrow, "q=night-sh").len(), keys(&narrow, "q=worker").len()), (0, 1));
    let wider = admin.with("access-keys:read service-accounts:read");
    assert_eq!((keys(&wider, "q=night-sh").len(), keys(&wider, "q=root").len()), (1, 0));
    assert_eq!(keys(&admin, "q=dep&environment=live&sort=-name"), ["deputy", "CI-Deploy (Zürich)"]);
}

fn keys_are_ordered_and_paged_in_every_order(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for (number, name) in ["delta", "Alpha", "charlie", "Bravo", "alpha", "echo"].into_iter().enumerate() {
        let end = (number % 3 != 0).then(|| format!("2026-0{}-01T00:00:00Z", number + 2));
        let id = make(&admin, json!({ "name": name, "owner": null, "expires_at": end }));
        if number % 2 == 0 {
            let at = start_time() - chrono::TimeDelta::hours(i64::try_from(number).unwrap());
            test.server.store.write(move |connection| connection.note_access_key_use(&id, at, "192.0.2.1")).unwrap();
        }
        test.advance(1);
    }
    let whole = |sort: &str| keys(&admin, &format!("sort={sort}"));
    assert_eq!(whole("created"), ["delta", "Alpha", "charlie", "Bravo", "alpha", "echo"]);
    assert_eq!(whole("name"), ["Alpha", "alpha", "Bravo", "charlie", "delta", "echo"]);
    assert_eq!(whole("expires"), ["Alpha", "charlie", "alpha", "echo", "delta", "Bravo"], "no end comes last");
    assert_eq!(whole("last_used"), ["Alpha", "Bravo", "echo", "alpha", "charlie", "delta"], "never comes first");
    for sort in ["created", "name", "expires", "last_used"] {
        let mut backwards = whole(&format!("-{sort}"));
        backwards.reverse();
        assert_eq!(backwards, whole(sort), "{sort}");
        for sort in [sort.to_owned(), format!("-{sort}")] {
            for filter in ["", "&last_used_before=2027-01-01T00:00:00Z", "&status=active&environment=live"] {
                let (mut found, mut cursor) = (Vec::new(), String::new());
                loop {
                    let path = format!("/v1/access-keys?sort={sort}&limit=2{filter}{cursor}");
                    let page = admin.get(&path).ok();
                    found.extend(page["items"].as_array().unwrap().iter().map(|item| text(&item["name"])));
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    cursor = format!("&cursor={next}");
                }
                assert_eq!(found, whole(&sort), "{sort}{filter}");
            }
        }
    }
}

fn keys_are_filtered_by_their_standing(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let make = |name: &str, end: Option<&str>| make(&admin, json!({ "name": name, "owner": null, "expires_at": end }));
    make("ended", Some("2026-01-01T13:00:00Z"));
    make("soon", Some("2026-01-20T00:00:00Z"));
    make("later", Some("2026-06-01T00:00:00Z"));
    make("never", None);
    let gone = make("gone", Some("2026-01-21T00:00:00Z"));
    admin.send(Method::POST, &format!("/v1/access-keys/{gone}/revoke"), None).ok();
    assert_eq!(keys(&admin, "status=expiring"), ["ended", "soon"]);
    test.advance(7_200);
    let admin = Admin { token: crate::admin_api::token(&test, &admin.tool, "root", "admin"), ..admin };
    assert_eq!(keys(&admin, "status=expired"), ["ended"]);
    assert_eq!(keys(&admin, "status=expiring"), ["soon"]);
    assert_eq!(keys(&admin, "status=revoked"), ["gone"]);
    assert_eq!(keys(&admin, "status=active"), ["ended", "soon", "later", "never"]);
}

/// Rows for lists, written as text: a thousand at a time would take minutes through the API. Every tenth key is of another
/// environment, every hundredth revoked.
pub fn fill(test: &TestServer, number: usize) {
    const WORDS: [&str; 8] = ["deploy", "build", "ci", "billing", "export", "nightly", "mobile", "partner"];
    let one = |kind: &str, id: &str, words: &[&str]| {
        words.iter().map(|word| format!("('{kind}', '{id}', '{word}')")).collect::<Vec<_>>().join(", ")
    };
    let mut statements = vec![
        "INSERT INTO service_accounts (id, name, description, scope, plan, status, created_at, updated_at) VALUES \
         ('sa_1', 'crowd', '', '', NULL, 'active', 1, 1)"
            .to_owned(),
        format!("INSERT INTO search_words (kind, id, word) VALUES {}", one("service_account", "sa_1", &["crowd"])),
    ];
    for chunk in (0..number).collect::<Vec<_>>().chunks(500) {
        let (mut rows, mut words) = (Vec::new(), Vec::new());
        for &index in chunk {
            let id = format!("ak_{:032x}", index * 7_919);
            let (first, second) = (WORDS[index % 8], WORDS[index / 8 % 8]);
            let (environment, status) =
                (if index % 10 == 0 { "test" } else { "live" }, if index % 100 == 0 { "revoked" } else { "active" });
            let end = if index % 3 == 0 {
                "NULL".to_owned()
            } else {
                (1_767_000_000_000_000 + index * 1_000_000_000).to_string()
            };
            let used = if index % 2 == 0 {
                "NULL".to_owned()
            } else {
                (1_766_000_000_000_000 + index * 7_919 % number).to_string()
            };
            let owner = if index < 20 { "'sa_1'" } else { "NULL" };
            let made = 1_760_000_000_000_000 + index;
            rows.push(format!(
                "('{id}', '{first} {second} {index}', 'what it is used for', '{environment}', {owner}, 'read write', \
                 'https://api.example', '', '', '{status}', 'gk_live_{index:06}...wxyz', {end}, {made}, 'user:1', {made}, {used})"
            ));
            let mut own = vec![first, second, "gk", "live", "wxyz", "ak"];
            own.sort_unstable();
            own.dedup();
            words.push(one("access_key", &id, &own));
            words.push(one("access_key", &id, &[&format!("n{index:06}"), "gklive", &id[3..]]));
        }
        statements.push(format!(
            "INSERT INTO access_keys (id, name, description, environment, service_account_id, scope, resources, projects, \
             allowed_addresses, status, masked, expires_at, created_at, created_by, updated_at, last_used_at) VALUES {}",
            rows.join(", ")
        ));
        statements.push(format!("INSERT INTO search_words (kind, id, word) VALUES {}", words.join(", ")));
    }
    for statement in statements {
        execute(test, statement);
    }
    if number > 10_000 {
        execute(test, "ANALYZE access_keys".to_owned());
        execute(test, "ANALYZE search_words".to_owned());
    }
}

pub fn execute(test: &TestServer, statement: String) {
    let done = test.server.store.write(move |connection| {
        connection.lift_statement_timeout()?;
        match connection {
            StoreConnection::Sqlite(connection) => connection.batch_execute(&statement)?,
            StoreConnection::Postgres(connection) => connection.batch_execute(&statement)?,
        }
        Ok(())
    });
    done.unwrap();
}

fn a_common_word_is_found_too(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    fill(&test, 1_200);
    // More rows than are looked up ahead: the list is walked.
    assert_eq!(admin.get("/v1/access-keys?q=gk&limit=100").ok()["items"].as_array().unwrap().len(), 100);
    assert_eq!(keys(&admin, "q=gk%20n000700"), ["export partner 700"]);
    assert_eq!(keys(&admin, "q=live%20wxyz&sort=-created&limit=1").len(), 1);
    assert_eq!(keys(&admin, "q=gk%20crowd&limit=200").len(), 20);
    assert_eq!(keys(&admin, "q=gk%20nobody").len(), 0);
    // Each row has two words of this beginning, so that as many rows as are looked up ahead are not all there are.
    let all = admin.collect("/v1/access-keys", 200).len();
    let mut found = 0;
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("/v1/access-keys?q=g&limit=200{cursor}")).ok();
        found += page["items"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, all);
    assert_eq!(keys(&admin, "q=ak%20live&status=revoked&limit=200").len(), 12);
}

fn common_words_that_hardly_ever_meet_are_looked_for_in_steps(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    fill(&test, 4_500);
    let numbered = "(SELECT id, row_number() OVER (ORDER BY id) AS n FROM access_keys) AS numbered";
    let insert = "INSERT INTO search_words (kind, id, word) SELECT 'access_key', id,";
    execute(&test, format!("{insert} CASE n % 2 WHEN 0 THEN 'evenly' ELSE 'oddly' END FROM {numbered}"));
    execute(&test, format!("{insert} 'oddly' FROM {numbered} WHERE n IN (2, 2000, 2002, 4490)"));
    let met = |sort: &str| {
        let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = admin.get(&format!("/v1/access-keys?q=evenly%20oddly&sort={sort}{cursor}")).ok();
            found.extend(page["items"].as_array().unwrap().iter().map(|key| text(&key["id"])));
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        (found, pages)
    };
    let (all, pages) = met("created");
    assert_eq!((all.len(), pages), (4, 3), "{all:?}");
    for sort in ["-created", "name", "-name", "expires", "-expires", "last_used", "-last_used"] {
        let (mut found, pages) = met(sort);
        found.sort();
        assert_eq!((&found, pages), (&all, 3), "{sort}");
    }
    // A page that is full leads on from its last key, not from the end of the step.
    let first = admin.get("/v1/access-keys?q=evenly%20oddly&sort=created&limit=1").ok();
    let next = text(&first["next_cursor"]);
    let path = format!("/v1/access-keys?q=evenly%20oddly&sort=created&limit=1&cursor={next}");
    assert_eq!(listed(&admin, &path, "id"), [all[1].clone()]);
}

fn what_is_renamed_is_found_by_its_new_name_only(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let id = make(&admin, json!({ "name": "old name", "owner": null }));
    admin.patch(&format!("/v1/access-keys/{id}"), &json!({ "name": "new name" })).ok();
    assert_eq!(keys(&admin, "q=old").len(), 0);
    assert_eq!(keys(&admin, "q=new%20name"), ["new name"]);
    let before = text(&admin.get(&format!("/v1/access-keys/{id}")).ok()["masked"]);
    admin.post(&format!("/v1/access-keys/{id}/rotate"), &json!({})).ok();
    let after = text(&admin.get(&format!("/v1/access-keys/{id}")).ok()["masked"]);
    assert_eq!(keys(&admin, &format!("q={before}")).len(), 0);
    assert_eq!(keys(&admin, &format!("q={after}")).len(), 1);
    let account = text(&admin.post("/v1/service-accounts", &json!({ "name": "before" })).json()["id"]);
    admin.patch(&format!("/v1/service-accounts/{account}"), &json!({ "name": "after" })).ok();
    assert_eq!(listed(&admin, "/v1/service-accounts?q=before", "name").len(), 0);
    assert_eq!(listed(&admin, "/v1/service-accounts?q=AFTER", "name"), ["after"]);
    let user = test.user("carla", &[]);
    admin.patch(&format!("/v1/users/{user}"), &json!({ "name": "Carla Columna", "email": "c@columna.example" })).ok();
    assert_eq!(listed(&admin, "/v1/users?q=columna.ex", "username"), ["carla"]);
    admin.patch(&format!("/v1/users/{user}"), &json!({ "name": "Carla", "email": null })).ok();
    assert_eq!(listed(&admin, "/v1/users?q=columna", "username").len(), 0);
    admin.patch("/v1/clients/tool", &json!({ "client_name": "Hammer" })).ok();
    assert_eq!(listed(&admin, "/v1/clients?q=hamm", "client_id"), ["tool"]);
}

fn what_is_deleted_leaves_no_words(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let id = make(&admin, json!({ "name": "short-lived", "owner": null }));
    admin.send(Method::DELETE, &format!("/v1/access-keys/{id}?name=short-lived"), None);
    assert_eq!(keys(&admin, "q=short").len(), 0);
    // The row is gone either way; that its words are gone too shows where a key of the same id would be found by them.
    execute(
        &test,
        format!(
            "INSERT INTO access_keys (id, name, description, environment, scope, resources, projects, allowed_addresses, \
             status, masked, created_at, created_by, updated_at) VALUES ('{id}', 'again', '', 'live', '', '', '', '', \
             'active', 'x', 1, 'user:1', 1)"
        ),
    );
    assert_eq!(keys(&admin, "q=short").len(), 0);
}

fn clients_users_and_accounts_are_searched_alike(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    for name in ["anna", "annette", "berta"] {
        test.user(name, &[]);
        admin.post("/v1/service-accounts", &json!({ "name": format!("{name} account") }));
        let members = json!({ "client_id": format!("{name}-web"), "client_name": format!("Web of {name}"),
            "grant_types": ["client_credentials"] });
        assert_eq!(admin.post("/v1/clients", &members).status, 201);
    }
    let annette = text(&admin.get("/v1/users/annette").ok()["id"]);
    admin.send(Method::POST, &format!("/v1/users/{annette}/disable"), None).ok();
    admin.send(Method::POST, "/v1/clients/annette-web/disable", None).ok();
    admin.send(Method::POST, "/v1/service-accounts/annette%20account/disable", None).ok();
    for (path, member, names) in [
        ("/v1/users", "username", ["anna", "annette"]),
        ("/v1/clients", "client_id", ["anna-web", "annette-web"]),
        ("/v1/service-accounts", "name", ["anna account", "annette account"]),
    ] {
        let mut found = listed(&admin, &format!("{path}?q=ann"), member);
        found.sort_unstable();
        assert_eq!(found, names);
        assert_eq!(listed(&admin, &format!("{path}?q=ann&status=inactive"), member), names[1..]);
        assert_eq!(listed(&admin, &format!("{path}?q=anna&status=active"), member), names[..1]);
        let first = admin.get(&format!("{path}?q=ann&limit=1")).ok();
        let cursor = text(&first["next_cursor"]);
        let second = listed(&admin, &format!("{path}?q=ann&limit=1&cursor={cursor}"), member);
        assert_eq!(second.len(), 1);
        assert_ne!(text(&first["items"][0][member]), second[0]);
        admin.get(&format!("{path}?status=expired")).problem(400, "invalid_request");
        assert_eq!(admin.with("audit-events:read").get(&format!("{path}?q=ann")).status, 403);
    }
}

fn workflows_are_searched_too(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let web = test.confidential();
    let workflow = |name: &str| {
        let body = json!({ "client_id": "web", "client_secret": web.secret, "name": name, "scopes": ["read"] });
        text(&admin.post("/v1/workflows", &body).json()["id"])
    };
    let (kiosk, _) = (workflow("Kiosk at the door"), workflow("Kitchen"));
    let found = |query: &str| listed(&admin, &format!("/v1/workflows?{query}"), "name");
    assert_eq!(found("q=kiosk"), ["Kiosk at the door"]);
    assert_eq!((found("q=ki").len(), found("q=ki&client_id=tool").len(), found("q=zzz").len()), (2, 0, 0));
    assert_eq!(found(&format!("q={kiosk}")), ["Kiosk at the door"]);
    admin.patch(&format!("/v1/workflows/{kiosk}"), &json!({ "name": "Screen" })).ok();
    assert_eq!((found("q=kiosk").len(), found("q=screen&client_id=web").len()), (0, 1));
    admin.send(Method::POST, &format!("/v1/workflows/{kiosk}/disable"), None).ok();
    assert_eq!(
        (found("status=inactive"), found("status=active")),
        (vec!["Screen".to_owned()], vec!["Kitchen".to_owned()])
    );
    // Those of before have no words until the migration makes them.
    let words = || {
        let id = kiosk.clone();
        test.server.store.read(move |connection| Ok(search_words(connection, &id))).unwrap()
    };
    let before = words();
    let folder = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let path = format!("{}/migrations/{folder}/2026-11-23-000014_client_life/up.sql", env!("CARGO_MANIFEST_DIR"));
    let migration = std::fs::read_to_string(path).unwrap();
    let fill = migration.split("-- Workflows are searched").nth(1).unwrap().split_once('\n').unwrap().1;
    execute(&test, "DELETE FROM search_words".to_owned());
    execute(&test, fill.split("CREATE TRIGGER").next().unwrap().to_owned());
    assert_eq!(words(), before);
}

fn what_is_wrong_in_a_list_is_said(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let refused = |query: &str| admin.get(&format!("/v1/access-keys?{query}")).problem(400, "invalid_request");
    assert!(refused("sort=size").contains("sort must be"));
    assert!(refused("status=lost").contains("expiring"));
    let id = make(&admin, json!({ "name": "one", "owner": null }));
    for (sort, cursor) in [("name", id.clone()), ("created", format!("{id}.5")), ("expires", format!("{id}.x"))] {
        assert!(refused(&format!("sort={sort}&cursor={cursor}")).contains("cursor"), "{sort}");
    }
}

/// What an older version has stored has no words until the migration makes them.
fn what_was_there_before_is_found_after_the_migration(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    let id = make(&admin, json!({ "name": "CI-Deploy of_old", "owner": null }));
    let words = |id: &str| {
        let id = id.to_owned();
        test.server.store.read(move |connection| Ok(search_words(connection, &id))).unwrap()
    };
    let before = words(&id);
    assert!(before.len() >= 6, "{before:?}");
    let folder = if engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    let path = format!("{}/migrations/{folder}/2026-11-23-000010_console_keys/up.sql", env!("CARGO_MANIFEST_DIR"));
    let migration = std::fs::read_to_string(path).unwrap();
    let start = if engine == Engine::Sqlite { "WITH RECURSIVE" } else { "INSERT INTO search_words" };
    let end = "CREATE INDEX search_words_word";
    let fill = &migration[migration.find(start).unwrap()..migration.find(end).unwrap()];
    execute(&test, "DELETE FROM search_words".to_owned());
    assert_eq!(words(&id), Vec::<String>::new());
    execute(&test, fill.to_owned());
    assert_eq!(words(&id), before);
    let search = ListFilter { search: SearchText::parse("root"), ..ListFilter::default() };
    let page = grantor::domain::page::PageRequest::new(None, None);
    let found = grantor::flows::users::list(&test.server, &Caller::command_line(), &search, &page);
    assert_eq!(found.map_err(|error| format!("{error:?}")).unwrap().items.len(), 1);
}

fn search_words(connection: &mut StoreConnection, id: &str) -> Vec<String> {
    use diesel::RunQueryDsl as _;
    #[derive(diesel::QueryableByName)]
    struct Word {
        #[diesel(sql_type = diesel::sql_types::Text)]
        word: String,
    }
    let query = format!("SELECT word FROM search_words WHERE id = '{id}'");
    let rows: Vec<Word> = match connection {
        StoreConnection::Sqlite(connection) => diesel::sql_query(query).load(connection).unwrap(),
        StoreConnection::Postgres(connection) => diesel::sql_query(query).load(connection).unwrap(),
    };
    let mut words: Vec<String> = rows.into_iter().map(|row| row.word).collect();
    words.sort_unstable();
    words
}

/// How many rows tests of speed have: few where nobody asks for more.
pub fn wanted_rows() -> usize {
    let asked = std::env::vars().find(|(name, _)| name == "TEST_ROWS");
    asked.map_or(2_000, |(_, value)| value.parse().unwrap())
}

/// Says how long each list takes with TEST_ROWS keys; a few by default, so that every list is at least walked.
fn many_rows_are_listed_in_time(engine: Engine) {
    let rows = wanted_rows();
    let test = TestServer::start(engine);
    let admin = Admin::new(&test);
    fill(&test, rows);
    let mut slowest = std::time::Duration::ZERO;
    for query in [
        "",
        "sort=-created",
        "sort=name",
        "sort=-expires",
        "sort=-last_used",
        "status=revoked&sort=name",
        "status=inactive&sort=-name",
        "status=inactive&sort=-created",
        "status=active&environment=nowhere&sort=expires",
        "status=expired&sort=-created",
        "status=expiring&sort=name",
        "last_used_before=2025-12-17T00:00:00Z&sort=-created",
        "last_used_before=2020-01-01T00:00:00Z&status=inactive&sort=name",
        "owner=sa_1&sort=name",
        "q=n000123",
        "q=crowd&sort=name",
        "q=deploy&sort=-created",
        "q=deploy%20billing&sort=name",
        "q=gk%20live&sort=-last_used",
        "q=deploy&status=revoked&sort=name",
        "q=zzz",
    ] {
        let path = format!("/v1/access-keys?limit=50&{query}");
        let mut best = std::time::Duration::MAX;
        for _ in 0..3 {
            let started = Instant::now();
            admin.get(&path).ok();
            best = best.min(started.elapsed());
        }
        if rows > 10_000 {
            eprintln!("{engine:?} {rows} keys: {:6.1} ms  {query}", best.as_secs_f64() * 1_000.0);
        }
        slowest = slowest.max(best);
    }
    assert!(slowest.as_secs() < 2, "{slowest:?}");
}
