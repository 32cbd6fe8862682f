//! The account pages in a browser: journeys, and what must not be possible on them.

use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::flows::users::{self, UserEdit};
use grantor::protocol::scope::Scope;
use serde_json::json;

use crate::account_support::*;
use crate::console_support::{SCRIPT, assert_escaped, assert_has, done, send, sign_in, start, start_with, visit};
use crate::logout_support::{is_signed_in, members, sessions, tokens};
use crate::support::*;

on_both!(
    a_profile_is_edited,
    another_email_address_takes_the_password,
    a_password_is_changed,
    a_changed_password_gives_a_fresh_session,
    sessions_are_seen_and_ended,
    apps_are_disconnected,
    access_keys_from_new_to_deleted,
    what_makes_a_credential_asks_for_the_password,
    personal_tokens_are_made_and_revoked,
    usage_is_shown,
    what_is_not_offered_is_not_there,
    forms_are_tied_to_the_session,
    what_is_somebody_elses_is_not_there,
    what_people_typed_is_text,
    every_page_speaks_german_and_is_small,
    operators_see_and_end_sessions,
    whoever_only_reads_ends_no_sessions,
);

const NEW_PASSWORD: &str = "another long enough sentence";
const PAGES: [&str; 9] = [
    "/account",
    "/account/password",
    "/account/sessions",
    "/account/apps",
    "/account/access-keys",
    "/account/access-keys/new",
    "/account/tokens",
    "/account/tokens/new",
    "/account/usage",
];

/// The secret that a page shows.
#[track_caller]
fn secret(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("<code id=\"secret\">").unwrap_or_else(|| panic!("no secret: {page:?}"));
    rest.split('<').next().unwrap().to_owned()
}

/// The first identifier with this prefix on a page.
#[track_caller]
fn id_on(page: &Answer, prefix: &str) -> String {
    let at = page.body.find(prefix).unwrap_or_else(|| panic!("no {prefix} on {page:?}"));
    page.body[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn a_profile_is_edited(engine: Engine) {
    let test = start(engine);
    let id = test.user("ada", &[]);
    let profile = json!({ "address": { "formatted": "1 Street\nLondon", "locality": "London" } });
    let edit = UserEdit { profile: Some(profile), ..UserEdit::default() };
    users::update(&test.server, &Caller::command_line(), &id, edit).unwrap();
    let (browser, page) = visit(&test, "ada", "/account");
    assert_has(&page, &["<h1>Profile</h1>", "value=\"London\"", "autocomplete=\"given-name\"", "id=\"profile-save\""]);
    let fields = [
        ("name", " Ada Lovelace "),
        ("given_name", "Ada"),
        ("email", "ada@example.org"),
        ("birthdate", "1815-12-10"),
        ("street_address", "12 St James's Square\r\nWest"),
        ("locality", "London"),
    ];
    let saved = done(&browser, &page, "/account", &fields);
    assert_has(&saved, &["The changes have been saved.", "value=\"Ada Lovelace\"", "ada@example.org", "not verified"]);
    let user = users::show(&test.server, &Caller::command_line(), &id).unwrap();
    let address = user.profile.address.unwrap();
    assert_eq!(address.street_address.as_deref(), Some("12 St James's Square\nWest"));
    assert_eq!(address.formatted, None, "it told another address");
    let wrong = send(&browser, &saved, "/account", &[("name", "Ada"), ("birthdate", "tomorrow")]);
    assert_eq!(wrong.status, 400);
    assert_has(&wrong, &["role=\"alert\"", "birthdate must be", "value=\"tomorrow\""]);
    // What is not in the form is not edited.
    let forged = [("username", "root"), ("roles", "admin"), ("email_verified", "true"), ("email", "ada@example.org")];
    done(&browser, &saved, "/account", &forged);
    let user = users::show(&test.server, &Caller::command_line(), &id).unwrap();
    assert_eq!((user.username.as_str(), user.roles.len(), user.profile.email_verified), ("ada", 0, None));
}

fn another_email_address_takes_the_password(engine: Engine) {
    let test = start(engine);
    let id = test.user("ada", &[]);
    let (browser, _) = visit(&test, "ada", "/account");
    test.advance(301);
    let page = browser.get("/account");
    assert_has(&page, &["type=\"password\"", "Only needed when you change your email address."]);
    done(&browser, &page, "/account", &[("name", "Ada")]);
    let without = send(&browser, &page, "/account", &[("name", "Ada"), ("email", "ada@example.org")]);
    assert_eq!(without.status, 403);
    assert_has(&without, &["Give your password once more.", "value=\"ada@example.org\""]);
    let wrong = send(&browser, &page, "/account", &[("email", "ada@example.org"), ("password", "wrong")]);
    assert_eq!(wrong.status, 403);
    let email = || users::show(&test.server, &Caller::command_line(), &id).unwrap().email;
    assert_eq!(email(), None);
    done(&browser, &page, "/account", &[("email", "ada@example.org"), ("password", PASSWORD)]);
    assert_eq!(email().as_deref(), Some("ada@example.org"));
}

fn a_password_is_changed(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let (browser, page) = visit(&test, "ada", "/account/password");
    let (other, _) = visit(&test, "ada", "/account");
    assert_has(&page, &["autocomplete=\"new-password\"", "autocomplete=\"current-password\"", "longer is better"]);
    let path = "/account/password";
    let form = |old, new, again| [("old_password", old), ("new_password", new), ("new_password_again", again)];
    let differ = send(&browser, &page, path, &form(PASSWORD, NEW_PASSWORD, "something else"));
    assert_has(&differ, &["The two new passwords differ", "role=\"alert\""]);
    let short = send(&browser, &page, path, &form(PASSWORD, "short", "short"));
    assert_eq!(short.status, 400);
    assert_has(&short, &["at least 8 characters"]);
    let wrong = send(&browser, &page, path, &form("not this one", NEW_PASSWORD, NEW_PASSWORD));
    assert_eq!(wrong.status, 403);
    assert!(!wrong.body.contains(NEW_PASSWORD), "passwords are never sent back");
    assert_eq!(test.events("login.failed").len(), 1);
    let mut answer = send(&browser, &page, path, &form(PASSWORD, NEW_PASSWORD, NEW_PASSWORD));
    while answer.status == 303 {
        answer = browser.follow(&answer);
    }
    assert_has(&answer, &["Your password has been changed", "<h1>Password</h1>"]);
    assert!(is_signed_in(&browser) && !is_signed_in(&other));
    assert!(other.get("/account").status == 303, "the pages are closed there, too");
    assert_eq!(Browser::new(&test).sign_in("", "ada", NEW_PASSWORD).status, 303);
}

fn a_changed_password_gives_a_fresh_session(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    let (browser, page) = visit(&test, "ada", "/account/password");
    let form = [("old_password", PASSWORD), ("new_password", NEW_PASSWORD), ("new_password_again", NEW_PASSWORD)];
    let changed = send(&browser, &page, "/account/password", &form);
    // The session in which it was changed is not gone on with: whoever had a copy of its cookie is out.
    let next = browser.follow(&changed);
    assert_eq!(next.location().path(), "/oauth/authorize");
    assert_eq!(send(&browser, &page, "/account", &[("name", "x")]).status, 303, "an old form does nothing");
}

fn sessions_are_seen_and_ended(engine: Engine) {
    let test = start(engine);
    let ada = test.user("ada", &[]);
    let (browser, page) = visit(&test, "ada", "/account/sessions");
    assert_has(&page, &["<h1>Sessions</h1>", "this browser", "127.0.0.1"]);
    assert!(!page.body.contains("end-others"), "there is one only");
    test.advance(5);
    let (second, _) = visit(&test, "ada", "/account");
    test.advance(5);
    let (third, _) = visit(&test, "ada", "/account");
    let page = browser.get("/account/sessions");
    assert_has(&page, &["id=\"end-others\"", "Sign out everywhere else"]);
    let own = sessions(&test, &ada).into_iter().min_by_key(|session| session.created_at).unwrap().sid;
    let latest = sessions(&test, &ada).into_iter().max_by_key(|session| session.created_at).unwrap().sid;
    assert!(!page.body.contains(&format!("/account/sessions/{own}/end")), "one signs out of this one");
    let path = format!("/account/sessions/{latest}/end");
    assert_has(&done(&browser, &page, &path, &[]), &["The session has ended."]);
    assert!(!is_signed_in(&third) && is_signed_in(&second));
    assert_eq!(third.get("/account").status, 303, "its pages are closed, too");
    assert_eq!(send(&browser, &page, &path, &[]).status, 404);
    let page = done(&browser, &page, "/account/sessions/end-others", &[]);
    assert_has(&page, &["You are signed out everywhere else."]);
    assert!(is_signed_in(&browser) && !is_signed_in(&second));
}

fn apps_are_disconnected(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    define(&test, "photos", false);
    let client = test.client(ClientMembers {
        client_name: Some("Photo book".to_owned()),
        scope: Some(Scope::parse("photos offline_access").unwrap()),
        ..members("book")
    });
    let (browser, page) = visit(&test, "ada", "/account/apps");
    assert_has(&page, &["<h1>Connected apps</h1>", "No app has access to your account."]);
    let granted = tokens(&test, &browser, &client, "ada", "photos offline_access");
    let listed = browser.get("/account/apps");
    assert_has(&listed, &["Photo book", "May photos", "/account/apps/book/disconnect"]);
    assert!(!listed.body.contains("grantor-console"), "these pages are no app");
    assert_eq!(browser.get("/account/apps/grantor-console/disconnect").status, 404);
    assert_eq!(send(&browser, &page_with_form(&browser), "/account/apps/grantor-console/disconnect", &[]).status, 404);
    let ask = browser.get("/account/apps/book/disconnect");
    assert_has(&ask, &["Disconnect this app?", "id=\"app-disconnect\""]);
    assert!(test.is_active(&client, &text(&granted["access_token"])));
    let listed = done(&browser, &ask, "/account/apps/book/disconnect", &[]);
    assert_has(&listed, &["The app has no access any more.", "No app has access"]);
    assert!(!test.is_active(&client, &text(&granted["access_token"])));
    assert_eq!(browser.get("/account/apps/book/disconnect").status, 404);
    let event = &test.events("consent.withdrawn")[0];
    assert_eq!((event.target_id.as_deref(), event.client_id.as_deref()), (Some("book"), Some("grantor-console")));
}

/// Any page with a form of this session.
fn page_with_form(browser: &Browser<'_>) -> Answer {
    browser.get("/account")
}

fn access_keys_from_new_to_deleted(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    define(&test, "orders:write", false);
    define(&test, "payouts", true);
    let home = "/account/access-keys";
    let (browser, page) = visit(&test, "ada", home);
    assert_has(&page, &["<h1>API keys</h1>", "You have no API key. Create one", "/account/access-keys/new"]);
    let new = browser.get("/account/access-keys/new");
    assert_has(&new, &["orders:read", "May orders:write", "key-create-life", "never"]);
    assert!(!new.body.contains("payouts") && !new.body.contains("openid"), "only what they hold, and of use");
    let path = "/account/access-keys/new";
    for (fields, said) in [
        (vec![("name", ""), ("life", "30")], "name must have"),
        (vec![("name", "Laptop"), ("life", "date"), ("until", "someday")], "until must be a day"),
        (vec![("name", "Laptop"), ("life", "date"), ("until", "2025-12-01")], "must be in the future"),
        (vec![("name", "Laptop"), ("life", "30"), ("addresses", "here")], "is not an address or network"),
        (vec![("name", "Laptop"), ("life", "soon")], "how long the key lives"),
    ] {
        let refused = send(&browser, &new, path, &fields);
        assert_eq!(refused.status, 400, "{said}");
        assert_has(&refused, &[said]);
    }
    let forged = send(&browser, &new, path, &[("name", "Laptop"), ("life", "30"), ("scope", "payouts")]);
    assert!(forged.status.is_client_error(), "{}", forged.status);
    let fields = [
        ("name", "Laptop"),
        ("life", "date"),
        ("until", "2026-03-31"),
        ("scope", "orders:read"),
        ("scope", "orders:write"),
        ("addresses", "127.0.0.1\r\n192.0.2.0/24"),
    ];
    let made = send(&browser, &new, path, &fields);
    assert_eq!((made.status.as_u16(), made.header("cache-control").as_str()), (200, "no-store"));
    assert_has(&made, &["This is shown only now", "id=\"download-env\"", "data-copy=\"secret\""]);
    let (first, id) = (secret(&made), id_on(&made, "ak_"));
    assert!(first.starts_with("gk_live_") && made.body.contains(&format!("API_KEY={first}")));
    let listed = browser.get(home);
    assert_has(&listed, &["Laptop", "active", "2026-04-01"]);
    let one = format!("{home}/{id}");
    let shown = browser.get(&one);
    assert_has(&shown, &["orders:read", "192.0.2.0/24", "id=\"key-disable\""]);
    assert!(!listed.body.contains(&first) && !shown.body.contains(&first), "never again");
    let edit = browser.get(&format!("{one}/edit"));
    assert_has(&edit, &["value=\"Laptop\"", "checked"]);
    let fields = [("name", "Desk"), ("scope", "orders:read")];
    assert_has(&done(&browser, &edit, &format!("{one}/edit"), &fields), &["<h1>Desk</h1>", "have been saved"]);
    let ask = browser.get(&format!("{one}/rotate"));
    let rotated = send(&browser, &ask, &format!("{one}/rotate"), &[("grace", "3600")]);
    assert_ne!(secret(&rotated), first);
    let shown = browser.get(&one);
    assert_has(&shown, &["Rotation under way", "id=\"finish-rotation\""]);
    let finished = done(&browser, &shown, &format!("{one}/finish-rotation"), &[]);
    assert_has(&finished, &["The old secret works no longer."]);
    assert!(!finished.body.contains("Rotation under way"));
    assert_has(&done(&browser, &shown, &format!("{one}/disable"), &[]), &["has been disabled", "id=\"key-enable\""]);
    assert_has(&done(&browser, &shown, &format!("{one}/enable"), &[]), &["has been enabled"]);
    assert_has(&browser.get(&format!("{one}/revoke")), &["Revoke this key?"]);
    let revoked = done(&browser, &shown, &format!("{one}/revoke"), &[]);
    assert_has(&revoked, &["has been revoked", "revoked</span>"]);
    assert!(!revoked.body.contains("key-enable"), "for good");
    let ask = browser.get(&format!("{one}/delete"));
    let wrong = send(&browser, &ask, &format!("{one}/delete"), &[("confirm", "desk")]);
    assert_eq!(wrong.status, 400);
    let listed = done(&browser, &ask, &format!("{one}/delete"), &[("confirm", "Desk")]);
    assert_has(&listed, &["It has been deleted.", "You have no API key."]);
    assert_eq!(browser.get(&one).status, 404);
}

fn what_makes_a_credential_asks_for_the_password(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    let (browser, new) = visit(&test, "ada", "/account/access-keys/new");
    let made = send(&browser, &new, "/account/access-keys/new", &[("name", "Laptop"), ("life", "30")]);
    let id = id_on(&made, "ak_");
    test.advance(301);
    let rotate = format!("/account/access-keys/{id}/rotate");
    let delete = format!("/account/access-keys/{id}/delete");
    for (path, fields) in [
        ("/account/access-keys/new", vec![("name", "More"), ("life", "30")]),
        (&rotate, vec![("grace", "0")]),
        (&delete, vec![("confirm", "Laptop")]),
        ("/account/tokens/new", vec![("name", "Script"), ("scope", "orders:read"), ("lifetime", "3600")]),
    ] {
        let page = browser.get(path);
        assert_has(&page, &["type=\"password\""]);
        let without = send(&browser, &page, path, &fields);
        assert_eq!(without.status, 403, "{path}");
        assert_has(&without, &["Give your password once more."]);
        let mut wrong = fields.clone();
        wrong.push(("password", "wrong"));
        assert_eq!(send(&browser, &page, path, &wrong).status, 403, "{path}");
    }
    assert_eq!(test.events("access_key.created").len(), 1);
    let page = browser.get(&rotate);
    let rotated = send(&browser, &page, &rotate, &[("grace", "0"), ("password", PASSWORD)]);
    assert!(secret(&rotated).starts_with("gk_live_"));
}

fn personal_tokens_are_made_and_revoked(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let (browser, page) = visit(&test, "ada", "/account/tokens");
    assert_has(&page, &["<h1>Personal tokens</h1>", "You have no personal token."]);
    let new = browser.get("/account/tokens/new");
    assert_has(&new, &["May orders:read", "8 hours", "1 day"]);
    assert!(!new.body.contains("7 days") && !new.body.contains("users:read"), "beyond the most, and beyond the person");
    let path = "/account/tokens/new";
    let none = send(&browser, &new, path, &[("name", "Script"), ("lifetime", "3600")]);
    assert_has(&none, &["choose at least one scope", "value=\"Script\""]);
    let long = [("name", "Script"), ("lifetime", "999999999"), ("scope", "orders:read")];
    assert_has(&send(&browser, &new, path, &long), &["must end within 1 day"]);
    let fields = [("name", "Script"), ("lifetime", "3600"), ("scope", "orders:read")];
    let made = send(&browser, &new, path, &fields);
    assert_eq!(made.status, 200);
    let token = secret(&made);
    assert!(test.is_active(&api, &token) && made.body.contains(&format!("ACCESS_TOKEN={token}")));
    let listed = browser.get("/account/tokens");
    assert_has(&listed, &["Script", "orders:read", "2026-01-01 13:00 UTC"]);
    assert!(!listed.body.contains(&token));
    let revoke = format!("/account/tokens/{}/revoke", id_on(&listed, "pt_"));
    let ask = browser.get(&revoke);
    assert_has(&ask, &["Revoke this token?"]);
    assert_has(&done(&browser, &ask, &revoke, &[]), &["It has been revoked.", "You have no personal token."]);
    assert!(!test.is_active(&api, &token));
    assert_eq!(send(&browser, &ask, &revoke, &[]).status, 409);
}

fn usage_is_shown(engine: Engine) {
    let test = start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let (browser, page) = visit(&test, "ada", "/account/usage");
    assert_has(&page, &["<h1>Usage</h1>", "Create an API key first.", "/account/usage?days=30"]);
    let new = browser.get("/account/access-keys/new");
    let fields = [("name", "Laptop"), ("life", "30"), ("scope", "orders:read")];
    let made = send(&browser, &new, "/account/access-keys/new", &fields);
    for _ in 0..3 {
        let request = http_client().post(test.url("/v1/verify")).basic_auth(&api.id, api.secret.as_ref());
        let answer = Answer::of(request.json(&json!({ "credential": secret(&made) })));
        assert_eq!(answer.json()["code"], "valid", "{}", answer.body);
    }
    grantor::flows::usage::flush(&test.server);
    let shown = browser.get("/account/usage");
    assert_has(&shown, &["Laptop", "100.0 %", "<span class=\"figure\">3</span>", "<svg", "The figures as a table"]);
    let longer = browser.get("/account/usage?days=30");
    assert_has(&longer, &["in the last 30 days", "2025-12-03"]);
    assert_has(&browser.get("/account/usage?days=9999"), &["in the last 7 days"]);
}

fn what_is_not_offered_is_not_there(engine: Engine) {
    let test = start_with(engine, |config| {
        config.account.access_keys = false;
        config.account.personal_tokens = false;
    });
    test.user("ada", &[]);
    test.user("root", &["admin"]);
    let (browser, page) = visit(&test, "ada", "/account");
    assert!(!page.body.contains("/account/access-keys") && !page.body.contains("/account/tokens"));
    assert_has(&browser.get("/account/access-keys"), &["API keys of your own are not offered here."]);
    assert_has(&browser.get("/account/tokens"), &["Personal tokens are not offered here."]);
    assert_eq!(browser.get("/account/access-keys/new").status, 403);
    assert_eq!(browser.get("/account/tokens/new").status, 404);
    let made = send(&browser, &page, "/account/access-keys/new", &[("name", "x"), ("life", "30")]);
    assert_eq!(made.status, 403);
    assert_eq!(send(&browser, &page, "/account/tokens/new", &[("name", "x")]).status, 404);
    let (root, page) = visit(&test, "root", "/account");
    assert_has(&page, &["/account/access-keys"]);
    assert_has(&root.get("/account/access-keys/new"), &["id=\"key-create\""]);
}

/// Every address to which a form goes, with what it would need to do something.
fn forms(key: &str, token: &str, sid: &str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let key = |what: &str| format!("/account/access-keys/{key}/{what}");
    vec![
        ("/account".to_owned(), vec![("name", "Eve")]),
        (
            "/account/password".to_owned(),
            vec![("old_password", PASSWORD), ("new_password", NEW_PASSWORD), ("new_password_again", NEW_PASSWORD)],
        ),
        ("/account/sessions/end-others".to_owned(), vec![]),
        (format!("/account/sessions/{sid}/end"), vec![]),
        ("/account/apps/book/disconnect".to_owned(), vec![]),
        ("/account/access-keys/new".to_owned(), vec![("name", "x"), ("life", "30")]),
        (key("edit"), vec![("name", "x")]),
        (key("rotate"), vec![("grace", "0")]),
        (key("finish-rotation"), vec![]),
        (key("disable"), vec![]),
        (key("enable"), vec![]),
        (key("revoke"), vec![]),
        (key("delete"), vec![("confirm", "Laptop")]),
        ("/account/tokens/new".to_owned(), vec![("name", "x"), ("scope", "orders:read"), ("lifetime", "60")]),
        (format!("/account/tokens/{token}/revoke"), vec![]),
    ]
}

/// Ada with an access key, a personal token, an app and a second session; the identifiers of the first two and of the last.
fn with_everything<'a>(test: &'a TestServer) -> (Browser<'a>, Answer, [String; 3]) {
    let ada = test.user("ada", &[]);
    define(test, "orders:read", false);
    let client = test.client(ClientMembers {
        client_name: Some(SCRIPT.to_owned()),
        scope: Some(Scope::parse("orders:read offline_access").unwrap()),
        ..members("book")
    });
    let (browser, page) = visit(test, "ada", "/account");
    tokens(test, &browser, &client, "ada", "orders:read");
    let new = [("name", "Laptop"), ("life", "30"), ("scope", "orders:read")];
    let key = id_on(&send(&browser, &page, "/account/access-keys/new", &new), "ak_");
    let new = [("name", "Script"), ("scope", "orders:read"), ("lifetime", "3600")];
    send(&browser, &page, "/account/tokens/new", &new);
    let token = id_on(&browser.get("/account/tokens"), "pt_");
    test.advance(1);
    Browser::new(test).sign_in("", "ada", PASSWORD);
    let other = sessions(test, &ada).into_iter().max_by_key(|session| session.created_at).unwrap().sid;
    (browser, page, [key, token, other])
}

/// What there is of Ada's, so that it can be told whether it changed.
fn everything(test: &TestServer, ada: &Browser<'_>) -> Vec<String> {
    let main = |page: &str| ada.get(page).body.split_once("<main").unwrap().1.to_owned();
    let mut seen: Vec<_> =
        ["/account", "/account/sessions", "/account/apps", "/account/access-keys", "/account/tokens"]
            .map(|page| main(page).replace(&csrf_on(&main(page)), ""))
            .to_vec();
    seen.push(test.events("access_key.rotated").len().to_string());
    seen
}

fn csrf_on(body: &str) -> String {
    body.split_once("name=\"csrf\" value=\"").map(|(_, rest)| rest.split('"').next().unwrap()).unwrap_or("-").to_owned()
}

fn forms_are_tied_to_the_session(engine: Engine) {
    let test = start(engine);
    let (browser, page, [key, token, sid]) = with_everything(&test);
    test.user("eve", &[]);
    let (_, foreign) = visit(&test, "eve", "/account");
    let before = everything(&test, &browser);
    for (path, fields) in forms(&key, &token, &sid) {
        for forged in [None, Some(csrf(&foreign)), Some(csrf(&page) + "x")] {
            let mut form = fields.clone();
            form.extend(forged.as_deref().map(|token| ("csrf", token)));
            assert_eq!(browser.post(&path, &form).status, 403, "{path}");
        }
        let own = csrf(&page);
        let mut form = fields.clone();
        form.push(("csrf", &own));
        let elsewhere = browser.request(reqwest::Method::POST, &path).header("origin", "https://evil.example");
        assert_eq!(Answer::of(elsewhere.form(&form)).status, 403, "{path}");
        let changing_by_get = browser.get(&path);
        assert!(!matches!(changing_by_get.status.as_u16(), 303), "{path}");
    }
    assert_eq!(everything(&test, &browser), before, "nothing was done");
    assert!(is_signed_in(&browser));
}

fn what_is_somebody_elses_is_not_there(engine: Engine) {
    let test = start(engine);
    let (browser, _, [key, token, sid]) = with_everything(&test);
    test.user("root", &["owner"]);
    let before = everything(&test, &browser);
    let (root, page) = visit(&test, "root", "/account");
    for (path, fields) in forms(&key, &token, &sid).into_iter().filter(|(path, _)| {
        [&key, &token, &sid].into_iter().any(|id| path.contains(id.as_str())) || path.contains("book")
    }) {
        let sent = send(&root, &page, &path, &fields);
        assert_eq!(sent.status, 404, "{path}");
        assert!(!sent.body.contains("Laptop"));
        assert!(matches!(root.get(&path).status.as_u16(), 404 | 405), "{path}");
    }
    assert_eq!(root.get(&format!("/account/access-keys/{key}")).status, 404);
    for page in ["/account/access-keys", "/account/tokens", "/account/apps", "/account/usage"] {
        let shown = root.get(page);
        assert!(!shown.body.contains("Laptop") && !shown.body.contains("Script"), "{page}");
    }
    assert_eq!(everything(&test, &browser), before);
}

fn what_people_typed_is_text(engine: Engine) {
    let test = start(engine);
    test.user("root", &["owner"]);
    let (browser, page, _) = with_everything(&test);
    let other = Browser::new(&test);
    let fresh = csrf(&other.get("/login?"));
    let request = other.request(reqwest::Method::POST, "/login?").header("User-Agent", SCRIPT);
    let form = [("csrf", fresh.as_str()), ("username", "ada"), ("password", PASSWORD)];
    assert_eq!(Answer::of(request.form(&form)).status, 303);
    assert_escaped(&browser.get("/account/sessions"));
    assert_escaped(&browser.get("/account/apps"));
    assert_escaped(&browser.get("/account/apps/book/disconnect"));
    for field in ["name", "given_name", "nickname", "gender", "street_address", "locality", "country"] {
        done(&browser, &page, "/account", &[(field, SCRIPT)]);
        assert_escaped(&browser.get("/account"));
    }
    for field in ["email", "website", "picture", "phone_number", "zoneinfo"] {
        assert_escaped(&send(&browser, &page, "/account", &[(field, SCRIPT)]));
    }
    let new = [("name", SCRIPT), ("description", SCRIPT), ("life", "30"), ("scope", "orders:read")];
    let made = send(&browser, &page, "/account/access-keys/new", &new);
    assert_escaped(&made);
    let one = format!("/account/access-keys/{}", id_on(&made, "ak_"));
    for what in ["", "/edit", "/rotate", "/revoke", "/delete"] {
        assert_escaped(&browser.get(&format!("{one}{what}")));
    }
    assert_escaped(&browser.get("/account/access-keys"));
    let api = test.client(confidential_members("orders-api"));
    let request = http_client().post(test.url("/v1/verify")).basic_auth(&api.id, api.secret.as_ref());
    assert_eq!(Answer::of(request.json(&json!({ "credential": secret(&made) }))).status, 200);
    grantor::flows::usage::flush(&test.server);
    assert_escaped(&browser.get("/account/usage"));
    for field in ["name", "description", "until", "addresses"] {
        let refused = send(&browser, &page, "/account/access-keys/new", &[(field, SCRIPT), ("life", "date")]);
        assert_escaped(&refused);
    }
    let new = [("name", SCRIPT), ("scope", "orders:read"), ("lifetime", "3600")];
    assert_escaped(&send(&browser, &page, "/account/tokens/new", &new));
    let listed = browser.get("/account/tokens");
    assert_escaped(&listed);
    assert_escaped(&browser.get(&format!("/account/tokens/{}/revoke", id_on(&listed, "pt_"))));
    assert_escaped(&send(&browser, &page, "/account/tokens/new", &[("name", SCRIPT)]));
    let (root, shown) = visit(&test, "root", "/console/sessions");
    assert_escaped(&shown);
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("user", SCRIPT).finish();
    assert_escaped(&root.get(&format!("/console/sessions?{query}")));
}

fn every_page_speaks_german_and_is_small(engine: Engine) {
    let test = start(engine);
    let (browser, _, [key, token, _]) = with_everything(&test);
    for _ in 0..3 {
        Browser::new(&test).sign_in("", "ada", PASSWORD);
    }
    let key = |what: &str| format!("/account/access-keys/{key}{what}");
    let more = [key(""), key("/edit"), key("/rotate"), key("/revoke"), key("/delete")];
    let token = format!("/account/tokens/{token}/revoke");
    let apps = "/account/apps/book/disconnect";
    for path in PAGES.into_iter().chain(more.iter().map(String::as_str)).chain([&*token, apps]) {
        let english = browser.get(path);
        assert_eq!(english.status, 200, "{path}");
        assert_has(&english, &["<html lang=\"en\">", "<main id=\"main\""]);
        let request = browser.request(reqwest::Method::GET, path).header("accept-language", "de");
        let german = Answer::of(request);
        assert_has(&german, &["<html lang=\"de\">", "Abmelden"]);
        assert!(english.body.len() < 100_000 && german.body.len() < 100_000);
        assert_eq!(english.header("cache-control"), "no-store", "{path}");
    }
}

fn operators_see_and_end_sessions(engine: Engine) {
    let test = start(engine);
    test.user("root", &["admin"]);
    test.user("ada", &[]);
    let ada = Browser::new(&test);
    ada.sign_in("", "ada", PASSWORD);
    test.advance(1);
    let (browser, page) = visit(&test, "root", "/console/sessions");
    assert_has(&page, &["<h1>Sessions</h1>", ">ada</a>", ">root</a>", "name=\"user\""]);
    let one = browser.get("/console/sessions?user=ada");
    assert!(one.body.contains(">ada</a>") && !one.body.contains(">root</a>"));
    assert_has(&browser.get("/console/sessions?user=nobody"), &["signed in nowhere, or there is no such user"]);
    let user = users::show(&test.server, &Caller::command_line(), "ada").unwrap().id.0;
    let sid = sessions(&test, &user).remove(0).sid;
    let fields = [("user_id", user.as_str()), ("sid", sid.as_str()), ("user", "ada")];
    let ended = done(&browser, &one, "/console/sessions/end", &fields);
    assert_has(&ended, &["The session has ended.", "signed in nowhere"]);
    assert!(!is_signed_in(&ada));
    assert_eq!(send(&browser, &one, "/console/sessions/end", &fields).status, 404);
    assert_eq!(send(&browser, &one, "/console/sessions/end", &[]).status, 404);
    let event = &test.events("login.session_ended")[0];
    assert_eq!((event.target_id.as_deref(), event.client_id.as_deref()), (Some(&*sid), Some("grantor-console")));
    // Back is a page of the console, whatever the form says.
    ada.sign_in("", "ada", PASSWORD);
    let sid = sessions(&test, &user).remove(0).sid;
    let fields = [("user_id", user.as_str()), ("sid", &sid), ("user", "//evil.example/\r\nx")];
    let sent = send(&browser, &one, "/console/sessions/end", &fields);
    assert_eq!(sent.location().path(), "/console/sessions");
    assert!(sent.header("location").starts_with("/console/sessions?user=%2F%2Fevil"));
}

fn whoever_only_reads_ends_no_sessions(engine: Engine) {
    let test = start(engine);
    for (name, roles) in [("support", ["support"]), ("auditor", ["auditor"])] {
        test.user(name, &roles);
    }
    test.user("owner", &["owner"]);
    let ada = test.user("ada", &[]);
    let signed_in = Browser::new(&test);
    signed_in.sign_in("", "ada", PASSWORD);
    let sid = sessions(&test, &ada).remove(0).sid;
    let fields = [("user_id", ada.as_str()), ("sid", sid.as_str())];
    for name in ["support", "auditor"] {
        let (browser, page) = visit(&test, name, "/console/sessions");
        assert_has(&page, &[">ada</a>"]);
        assert!(!page.body.contains("/console/sessions/end"), "{name}");
        assert_eq!(send(&browser, &page, "/console/sessions/end", &fields).status, 403, "{name}");
    }
    let browser = Browser::new(&test);
    sign_in(&browser, "ada", "/account");
    let refused = browser.get("/console/sessions");
    assert_eq!(refused.status, 403);
    assert_has(&refused, &["users:read"]);
    assert!(is_signed_in(&signed_in));
}
