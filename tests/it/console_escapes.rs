//! Ways around what the pages ask for, and forms that say something other than they should.

use grantor::domain::client::Status;
use grantor::flows::access_keys::{self, AccessKeyEdit, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::console::CLIENT_ID;
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::users::{self, UserEdit};
use grantor::protocol::scope::Scope;

use crate::access_keys::used;
use crate::console_support::*;
use crate::support::*;

on_both!(
    another_spelling_of_an_address_is_the_same_address,
    the_client_of_the_pages_is_the_servers,
    a_client_of_the_pages_that_was_revoked_comes_back,
    absurd_clocks_are_refused,
    who_does_not_hold_a_key_does_not_unlock_it,
    spaces_around_a_name_need_not_be_typed,
    a_field_that_came_twice_is_refused,
    a_time_that_is_none_ends_no_secret,
    own_keys_are_closed_without_the_password,
    many_scopes_make_no_large_page,
    roles_that_were_taken_are_not_introspected,
);

fn key(test: &TestServer, name: &str, scope: &str) -> access_keys::AccessKeyWithSecret {
    let new = NewAccessKey {
        name: name.to_owned(),
        scopes: vec![scope.to_owned()],
        owner: Some(None),
        ..NewAccessKey::default()
    };
    access_keys::create(&test.server, &Caller::command_line(), new).map_err(|error| format!("{error:?}")).unwrap()
}

fn stored(test: &TestServer, id: &str) -> grantor::domain::access_key::AccessKey {
    test.server.store.read(|connection| connection.find_access_key(id)).unwrap().unwrap()
}

fn another_spelling_of_an_address_is_the_same_address(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let eve = test.user("eve", &[]);
    let (browser, page) = visit(&test, "ada", "/console/projects/new");
    // What makes something is taken once, whatever the address looks like.
    let id = page.body.split("name=\"once\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = |name: &'static str| {
        [("id", name), ("name", name), ("once", &*id)].map(|(name, value)| (name, value.to_owned()))
    };
    for (path, name, status) in [("/console/projects/new", "one", 303), ("/console/project%73/new", "two", 409)] {
        let fields = fields(name);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(send(&browser, &page, path, &fields).status, status, "{path}");
    }
    test.advance(301);
    let own = send(&browser, &page, "/account/access-keys/new", &[("name", "Mine"), ("life", "30")]);
    assert_eq!(own.status, 403);
    for path in [
        format!("/consol%65/users/{eve}/edit"),
        format!("/%63onsole/users/{eve}/edit"),
        format!("/console/users/{eve}/edi%74"),
        "/console/access-key%73/new".to_owned(),
        "/account/access%2Dkeys/new".to_owned(),
        "/accoun%74/access-keys/new".to_owned(),
    ] {
        let fields = [("username", "eve"), ("roles", "owner"), ("name", "Mine"), ("life", "30"), ("expiry", "never")];
        let asked = send(&browser, &page, &path, &fields);
        assert_eq!(asked.status, 403, "{path}: {}", asked.body);
        assert_has(&asked, &["Give your password once more."]);
    }
    assert!(users::show(&test.server, &Caller::command_line(), "eve").unwrap().roles.is_empty());
    assert!(test.events("access_key.created").is_empty());
}

fn the_client_of_the_pages_is_the_servers(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let path = format!("/console/clients/{CLIENT_ID}");
    let (browser, page) = visit(&test, "ada", &path);
    for what in ["edit", "disable", "revoke", "delete", "try"] {
        assert!(!page.body.contains(&format!("{path}/{what}\"")), "{what} is offered");
        let name = test.server.config.brand.name.as_str();
        let fields = [("confirm", name), ("password", PASSWORD), ("redirect_uris", "https://evil.example/cb")];
        let sent = send(&browser, &page, &format!("{path}/{what}"), &fields);
        assert_eq!(sent.status, 409, "{what}: {}", sent.body);
        assert_has(&sent, &["the client of these pages, which the server keeps"]);
    }
    let stored = || clients::show(&test.server, &Caller::command_line(), CLIENT_ID).unwrap();
    let before = stored();
    let elsewhere = ClientMembers { client_name: Some("Elsewhere".to_owned()), ..ClientMembers::default() };
    assert!(clients::update(&test.server, &Caller::command_line(), CLIENT_ID, elsewhere).is_err());
    for to in [Status::Inactive, Status::Revoked, Status::Active] {
        assert!(clients::set_status(&test.server, &Caller::command_line(), CLIENT_ID, to).is_err(), "{to:?}");
    }
    assert_eq!((stored().status, stored().redirect_uris), (Status::Active, before.redirect_uris));
}

fn a_client_of_the_pages_that_was_revoked_comes_back(engine: Engine) {
    let test = start(engine);
    for was in [Status::Inactive, Status::Revoked] {
        let (from, now) = ([Status::Active, Status::Inactive, Status::Revoked], test.server.clock.now());
        let set = move |connection: &mut grantor::store::StoreConnection| {
            connection.update_client_status(CLIENT_ID, &from, was, now)
        };
        assert!(test.server.store.write(set).unwrap());
        grantor::flows::console_client::ensure_client(&test.server).map_err(|error| format!("{error:?}")).unwrap();
        let found = clients::show(&test.server, &Caller::command_line(), CLIENT_ID).unwrap();
        assert_eq!(found.status, Status::Active, "{was:?}");
    }
    assert_eq!(test.events("client.enabled").len(), 2);
}

fn absurd_clocks_are_refused(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let nobody = Browser::new(&test);
    let (browser, page) = visit(&test, "ada", "/console/access-keys/new");
    for offset in ["-9223372036854775808", "9223372036854775807", "-1081", "x"] {
        for path in ["/console/audit", "/console/audit/export"] {
            let asked = format!("{path}?since=2026-01-01&since_offset={offset}");
            assert!([303, 400].contains(&nobody.get(&asked).status.as_u16()), "{asked}");
            assert_eq!(browser.get(&asked).status, 400, "{asked}");
        }
        let fields =
            [("name", "Soon"), ("expiry", "custom"), ("expires_on", "2027-01-01"), ("expires_on_offset", offset)];
        assert_eq!(send(&browser, &page, "/console/access-keys/new", &fields).status, 400, "{offset}");
    }
}

fn who_does_not_hold_a_key_does_not_unlock_it(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    test.user("warden", &["admin"]);
    let made = key(&test, "Backup", "admin");
    let path = format!("/console/access-keys/{}", made.key.id);
    let (owner, page) = visit(&test, "ada", &path);
    let (warden, shown) = visit(&test, "warden", &path);
    let fields = [
        ("name", "Backup"),
        ("scope", "admin"),
        ("projects", "all"),
        ("expiry", "keep"),
        ("requests_per_minute", "900"),
    ];
    let edited = send(&warden, &shown, &format!("{path}/edit"), &fields);
    assert_eq!(edited.status, 403, "{}", edited.body);
    assert_has(&edited, &["you cannot hand out admin"]);
    // To stop it is not to become it; to start it again is.
    assert_eq!(send(&warden, &shown, &format!("{path}/disable"), &[]).status, 303);
    let enabled = send(&warden, &shown, &format!("{path}/enable"), &[]);
    assert_eq!(enabled.status, 403, "{}", enabled.body);
    let scope = Scope::parse("access-keys:read access-keys:write").unwrap();
    let manager = Caller { held: scope, ..Caller::command_line() };
    let start = |caller: &Caller| {
        let edit = AccessKeyEdit { status: Some(Status::Active), ..AccessKeyEdit::default() };
        access_keys::update(&test.server, caller, made.key.id.as_str(), edit)
    };
    assert!(start(&manager).is_err(), "nor by an edit");
    assert_eq!(stored(&test, made.key.id.as_str()).status, Status::Inactive);
    assert_eq!(send(&owner, &page, &format!("{path}/enable"), &[]).status, 303);
    assert_eq!(send(&owner, &page, &format!("{path}/edit"), &fields).status, 303);
}

fn spaces_around_a_name_need_not_be_typed(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, " spaced ", "projects:read");
    let path = format!("/console/access-keys/{}/delete", made.key.id);
    let (browser, page) = visit(&test, "ada", &path);
    assert_eq!(send(&browser, &page, &path, &[("confirm", "space")]).status, 400);
    assert_eq!(send(&browser, &page, &path, &[("confirm", "spaced")]).status, 303);
}

fn a_field_that_came_twice_is_refused(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/account");
    let twice = send(&browser, &page, "/account", &[("name", "Ada"), ("name", "Eve")]);
    assert_eq!(twice.status, 400);
    assert_has(&twice, &["a field came more than once"]);
    let new = browser.get("/console/access-keys/new");
    let fields = [("name", "Open"), ("expiry", "never"), ("allowed_addresses", "192.0.2.1"), ("allowed_addresses", "")];
    assert_eq!(send(&browser, &new, "/console/access-keys/new", &fields).status, 400);
    for (name, value) in [("projects", "some"), ("owner_kind", "somebody")] {
        let fields = [("name", "Open"), ("expiry", "never"), (name, value)];
        assert_eq!(send(&browser, &new, "/console/access-keys/new", &fields).status, 400, "{name}");
    }
    assert!(test.events("access_key.created").is_empty());
}

fn a_time_that_is_none_ends_no_secret(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let made = key(&test, "Deploys", "projects:read");
    let path = format!("/console/access-keys/{}/rotate", made.key.id);
    let (browser, page) = visit(&test, "ada", &path);
    for grace in ["1 day", "-1", "", "99999999999999999999"] {
        let refused = send(&browser, &page, &path, &[("grace", grace)]);
        assert_eq!(refused.status, 400, "{grace}: {}", refused.body);
        assert_has(&refused, &["choose how long the old secret works"]);
    }
    assert_eq!(used(&test, &made.secret), 200);
    assert!(test.events("access_key.rotated").is_empty());
}

fn own_keys_are_closed_without_the_password(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let path = "/account/access-keys/new";
    let (browser, new) = visit(&test, "ada", path);
    let made = send(&browser, &new, path, &[("name", "Laptop"), ("life", "30")]);
    let id = made.body.split("/account/access-keys/ak_").nth(1).unwrap().split(['"', '/']).next().unwrap().to_owned();
    let one = format!("/account/access-keys/ak_{id}");
    let ask = browser.get(&format!("{one}/rotate"));
    assert_eq!(send(&browser, &ask, &format!("{one}/rotate"), &[("grace", "3600")]).status, 200);
    test.advance(301);
    // Somebody guesses, and so keeps the password from being asked for.
    for _ in 0..20 {
        Browser::new(&test).sign_in("", "ada", "wrong");
    }
    let page = browser.get(&one);
    let enabled = |what: &str| send(&browser, &page, &format!("{one}/{what}"), &[]);
    assert_eq!(enabled("finish-rotation").status, 303);
    assert_eq!(enabled("disable").status, 303);
    assert_eq!(enabled("enable").status, 403, "that opens it");
    assert_eq!(enabled("revoke").status, 303);
}

fn many_scopes_make_no_large_page(engine: Engine) {
    let test = start(engine);
    let root = Caller::command_line();
    for number in 0..300 {
        let name = format!("scope-{number:03}:{}", "x".repeat(80));
        let description = "What this scope lets a program do, at length. ".repeat(10);
        scopes::create(&test.server, &root, NewScope { name, description, resource: None, privileged: false }).unwrap();
    }
    test.user("ada", &[]);
    let (browser, page) = visit(&test, "ada", "/account/access-keys/new");
    let tokens = browser.get("/account/tokens/new");
    for page in [&page, &tokens] {
        assert!(page.body.len() < 100 * 1024, "{}", page.body.len());
        assert_has(page, &["scope-070", "name=\"more_scope\"", "…"]);
        assert!(!page.body.contains("scope-090"));
    }
    let last = format!("scope-299:{}", "x".repeat(80));
    let fields = [("name", "Laptop"), ("life", "30"), ("more_scope", last.as_str())];
    let made = send(&browser, &page, "/account/access-keys/new", &fields);
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.body.split("/account/access-keys/ak_").nth(1).unwrap().split(['"', '/']).next().unwrap().to_owned();
    assert!(stored(&test, &format!("ak_{id}")).scope.contains(&last));
    assert_has(&browser.get(&format!("/account/access-keys/ak_{id}/edit")), &["scope-299"]);
}

fn roles_that_were_taken_are_not_introspected(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &["support", "auditor"]);
    let client = test.confidential();
    let tokens = test.token(&client, &[("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)]).json();
    let token = text(&tokens["access_token"]);
    let roles = || test.post_as(&client, "/oauth/introspect", &[("token", &*token)]).json()["roles"].clone();
    assert_eq!(roles(), serde_json::json!(["support", "auditor"]));
    let edit = UserEdit { roles: Some(vec!["auditor".to_owned()]), ..UserEdit::default() };
    users::update(&test.server, &Caller::command_line(), &user, edit).unwrap();
    assert_eq!(roles(), serde_json::json!(["auditor"]));
}
