//! Users and service accounts in the console.

use grantor::domain::client::Status;
use grantor::domain::user::User;
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::{service_accounts, users};

use crate::console_support::*;
use crate::support::*;

on_both!(
    a_user_from_new_to_disabled,
    a_profile_is_edited_whole,
    nobody_gives_more_than_they_hold,
    a_password_is_set_by_whoever_may,
    support_stops_users_that_hold_no_more,
    users_are_searched_and_paged,
    service_accounts_from_new_to_revoked,
    what_people_are_called_is_text,
);

const NEW: &str = "/console/users/new";

fn find(test: &TestServer, name: &str) -> User {
    users::show(&test.server, &Caller::command_line(), name).unwrap()
}

fn a_user_from_new_to_disabled(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (browser, form) = visit(&test, "ada", NEW);
    assert_has(&form, &["autocomplete=\"new-password\"", "value=\"support\""]);
    assert!(!form.body.contains("value=\"owner\""), "what cannot be given is not offered");
    for (username, password, said) in [
        ("bob", "short", "at least 8 characters"),
        ("bob", "password", "everybody tries first"),
        ("bob", "hgfedcba", "a run of letters"),
        // The display name is sent beside it.
        ("robert", "Bob-B-Robert-99", "a name that everybody knows"),
        (" ", "a good long password", "username must have"),
        ("ADA", "a good long password", "exists already"),
    ] {
        let refused =
            send(&browser, &form, NEW, &[("username", username), ("new_password", password), ("name", "Bob B")]);
        assert!(refused.status.is_client_error(), "{username}");
        assert_has(&refused, &[said, "value=\"Bob B\""]);
        assert!(!refused.body.contains(password) || password == "password", "never sent back");
    }
    let fields = [
        ("username", "bob"),
        ("new_password", PASSWORD),
        ("name", "Bob B"),
        ("email", "bob@example.com"),
        ("roles", "support"),
    ];
    let page = done(&browser, &form, NEW, &fields);
    assert_has(&page, &["It has been created.", "bob@example.com", "<code>support</code>", "no access keys"]);
    assert_has(&page, &["/console/sessions?user=bob"]);
    let bob = find(&test, "bob");
    let key = NewAccessKey { name: "laptop".to_owned(), ..NewAccessKey::default() };
    let made = access_keys::create(&test.server, &Caller::command_line(), key).map_err(|error| format!("{error:?}"));
    assert!(made.is_ok());
    let (own, _) = visit(&test, "bob", "/console/users");
    let path = format!("/console/users/{}", bob.id);
    let ask = browser.get(&format!("{path}/disable"));
    assert_has(&ask, &["“bob” cannot sign in any more"]);
    let page = done(&browser, &ask, &format!("{path}/disable"), &[]);
    assert_has(&page, &["It has been disabled.", "id=\"enable\""]);
    assert_eq!(own.get("/console/users").status, 303, "the session has ended");
    assert_has(&done(&browser, &page, &format!("{path}/enable"), &[]), &["It has been enabled."]);
    assert_eq!(browser.get("/console/users/nobody").status, 404);
    assert_eq!(browser.get(&format!("{path}/revoke")).status, 404);
}

fn a_profile_is_edited_whole(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    test.user("bob", &[]);
    let path = format!("/console/users/{}", find(&test, "bob").id);
    let edit = format!("{path}/edit");
    let (browser, form) = visit(&test, "ada", &edit);
    let mut fields = vec![
        ("username", "robert"),
        ("name", "Robert"),
        ("email", "r@example.com"),
        ("email_verified", "yes"),
        ("roles", "auditor"),
        ("given_name", "Rob"),
        ("phone_number", "+44 20 7946 0000"),
        ("birthdate", "1990-12-31"),
        ("zoneinfo", "Europe/London"),
        ("website", "https://r.example"),
        ("locality", "London"),
        ("country", "UK"),
    ];
    let page = done(&browser, &form, &edit, &fields);
    assert_has(&page, &["have been saved", "<h1>robert</h1>", "1990-12-31", "London", "+44 20 7946 0000"]);
    let robert = find(&test, "robert");
    assert_eq!((robert.profile.email_verified, &robert.roles), (Some(true), &vec!["auditor".to_owned()]));
    assert_eq!(robert.profile.address.unwrap().locality.as_deref(), Some("London"));
    // Another address is not proven, although the box was ticked when the form was made.
    let form = browser.get(&edit);
    assert_has(&form, &["value=\"London\"", "name=\"email_verified\" type=\"checkbox\" value=\"yes\" checked"]);
    fields.retain(|(name, _)| !["email", "locality", "country", "website"].contains(name));
    fields.push(("email", "other@example.com"));
    done(&browser, &form, &edit, &fields);
    let robert = find(&test, "robert");
    assert_eq!((robert.profile.email_verified, robert.profile.address, robert.profile.website), (None, None, None));
    // What is wrong comes back.
    fields.retain(|(name, _)| *name != "email");
    fields.push(("email", "no address"));
    let refused = send(&browser, &form, &edit, &fields);
    assert_eq!(refused.status, 400);
    assert_has(&refused, &["email must be an address", "value=\"no address\""]);
    // Two edits at the same moment, and a name that is taken.
    fields.retain(|(name, _)| !["email", "username"].contains(name));
    fields.push(("username", "ada"));
    assert_eq!(send(&browser, &form, &edit, &fields).status, 409);
}

fn nobody_gives_more_than_they_hold(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    test.user("olga", &["owner"]);
    test.user("bob", &[]);
    let (browser, form) = visit(&test, "adam", NEW);
    let fields = [("username", "eve"), ("new_password", PASSWORD), ("roles", "owner")];
    let refused = send(&browser, &form, NEW, &fields);
    assert_eq!(refused.status, 403);
    assert_has(&refused, &["you cannot hand out admin"]);
    let bob = format!("/console/users/{}", find(&test, "bob").id);
    let refused =
        send(&browser, &form, &format!("{bob}/edit"), &[("username", "bob"), ("roles", "owner"), ("roles", "admin")]);
    assert_eq!(refused.status, 403);
    assert!(find(&test, "bob").roles.is_empty());
    // Whoever can change an account can become it.
    let olga = format!("/console/users/{}", find(&test, "olga").id);
    for (action, fields) in [
        ("edit", vec![("username", "olga")]),
        ("password", vec![("new_password", "another good password")]),
        ("disable", vec![]),
    ] {
        assert_eq!(send(&browser, &form, &format!("{olga}/{action}"), &fields).status, 403, "{action}");
    }
    assert_eq!(find(&test, "olga").roles, ["owner"]);
    let (browser, form) = visit(&test, "olga", &format!("{bob}/edit"));
    done(&browser, &form, &format!("{bob}/edit"), &[("username", "bob"), ("roles", "owner")]);
    assert_eq!(find(&test, "bob").roles, ["owner"]);
}

fn a_password_is_set_by_whoever_may(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    let bob = test.user("bob", &["auditor"]);
    let (own, _) = visit(&test, "bob", "/console/users");
    let path = format!("/console/users/{bob}/password");
    let (browser, form) = visit(&test, "adam", &path);
    assert_has(&form, &["“bob” is signed out everywhere"]);
    assert_has(&send(&browser, &form, &path, &[("new_password", "short")]), &["at least 8 characters"]);
    test.advance(301);
    let fields = [("new_password", "a new long password")];
    assert_eq!(send(&browser, &form, &path, &fields).status, 403, "the operator's own password is asked for");
    let fields = [("new_password", "a new long password"), ("password", PASSWORD)];
    assert_has(&done(&browser, &form, &path, &fields), &["The password has been set."]);
    assert_eq!(own.get("/console/users").status, 303);
    assert_eq!(test.events("user.password_set").len(), 1);
}

fn support_stops_users_that_hold_no_more(engine: Engine) {
    let test = start(engine);
    test.user("sam", &["support"]);
    test.user("bob", &[]);
    test.user("alan", &["auditor"]);
    let (browser, page) = visit(&test, "sam", "/console/users/bob");
    assert_has(&page, &["/disable"]);
    let bob = format!("/console/users/{}", find(&test, "bob").id);
    assert!(!page.body.contains(&format!("{bob}/edit")) && !page.body.contains(&format!("{bob}/password")));
    for path in [NEW, &format!("{bob}/edit"), &format!("{bob}/password")] {
        assert_eq!(browser.get(path).status, 403, "{path}");
        assert_eq!(send(&browser, &page, path, &[("username", "x")]).status, 403, "{path}");
    }
    let ask = browser.get(&format!("{bob}/disable"));
    assert_has(&done(&browser, &ask, &format!("{bob}/disable"), &[]), &["It has been disabled."]);
    assert_eq!(send(&browser, &ask, &format!("{bob}/enable"), &[]).status, 403);
    assert_eq!(find(&test, "bob").status, Status::Inactive);
    // An auditor reads what support does not.
    let alan = format!("/console/users/{}/disable", find(&test, "alan").id);
    assert_eq!(send(&browser, &ask, &alan, &[]).status, 403);
    let (browser, page) = visit(&test, "alan", "/console/users");
    assert_eq!(browser.get(&format!("{bob}/disable")).status, 403);
    assert_eq!(send(&browser, &page, &format!("{bob}/disable"), &[]).status, 403);
}

fn users_are_searched_and_paged(engine: Engine) {
    let test = start(engine);
    for number in 0..55 {
        test.user(&format!("user-{number:02}"), if number == 0 { &["auditor"] } else { &[] });
    }
    let (browser, page) = visit(&test, "user-00", "/console/users");
    assert_has(&page, &["rel=\"next\"", "user-00"]);
    assert!(!page.body.contains("user-54") && !page.body.contains("New user"));
    let found = browser.get("/console/users?q=user-54");
    // An identifier of somebody else's may begin with 54 too.
    assert!(found.body.contains("user-54</a>") && !found.body.contains("rel=\"next\""));
    assert_has(&browser.get("/console/users?status=inactive"), &["Nothing was found"]);
}

fn service_accounts_from_new_to_revoked(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    const HOME: &str = "/console/service-accounts";
    let (browser, page) = visit(&test, "adam", HOME);
    assert_has(&page, &["There are no service accounts yet", "New service account"]);
    let new = format!("{HOME}/new");
    let form = browser.get(&new);
    let refused = send(&browser, &form, &new, &[("name", "ci"), ("more_scope", "admin")]);
    assert_eq!(refused.status, 403);
    assert_has(&refused, &["you cannot hand out admin", "value=\"ci\""]);
    let fields = [("name", "ci"), ("description", "Builds"), ("more_scope", "usage:write clients:read")];
    let page = done(&browser, &form, &new, &fields);
    assert_has(&page, &["It has been created.", "<h1>ci</h1>", "Builds", "<code>clients:read</code>"]);
    assert_eq!(send(&browser, &form, &new, &fields).status, 409);
    let account = service_accounts::show(&test.server, &Caller::command_line(), "ci").unwrap();
    let path = format!("{HOME}/{}", account.id);
    let edit = browser.get(&format!("{path}/edit"));
    let page = done(&browser, &edit, &format!("{path}/edit"), &[("name", "ci"), ("more_scope", "clients:read")]);
    assert_has(&page, &["have been saved"]);
    assert!(!page.body.contains("usage:write"));
    test.user("sam", &["support"]);
    let (sam, ask) = visit(&test, "sam", &format!("{path}/disable"));
    assert_has(&ask, &["All access keys of “ci”"]);
    assert_has(&done(&sam, &ask, &format!("{path}/disable"), &[]), &["It has been disabled."]);
    for action in ["enable", "revoke", "edit"] {
        assert_eq!(send(&sam, &ask, &format!("{path}/{action}"), &[("confirm", "ci")]).status, 403, "{action}");
    }
    done(&browser, &edit, &format!("{path}/enable"), &[]);
    let page = done(&browser, &edit, &format!("{path}/revoke"), &[("confirm", "ci")]);
    assert_has(&page, &["It has been revoked."]);
    assert_eq!(send(&browser, &edit, &format!("{path}/edit"), &[("name", "ci")]).status, 409);
}

fn what_people_are_called_is_text(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    let (browser, form) = visit(&test, "adam", NEW);
    let username = "<script>alert(1)</script>";
    let fields = [
        ("username", username),
        ("new_password", PASSWORD),
        ("name", SCRIPT),
        ("email", "\"><script>alert(1)@x.example"),
    ];
    assert_escaped(&done(&browser, &form, NEW, &fields));
    let path = format!("/console/users/{}", find(&test, username).id);
    for path in ["/console/users", &path, &format!("{path}/edit"), &format!("{path}/disable")] {
        assert_escaped(&browser.get(path));
    }
    let edit = [("username", username), ("nickname", SCRIPT), ("locality", SCRIPT), ("website", SCRIPT)];
    assert_escaped(&send(&browser, &form, &format!("{path}/edit"), &edit));
    let new = "/console/service-accounts/new";
    let page = done(&browser, &form, new, &[("name", SCRIPT), ("description", SCRIPT)]);
    assert_escaped(&page);
    assert_escaped(&browser.get("/console/service-accounts"));
}
