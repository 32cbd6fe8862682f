//! People and their own accounts: profile, password, sessions, clients that they let in, access keys, usage.

use std::sync::Barrier;

use grantor::domain::client::Status;
use grantor::domain::page::PageRequest;
use grantor::domain::profile::Profile;
use grantor::flows::access_keys::{AccessKeyEdit, NewAccessKey};
use grantor::flows::account::password::{self, PasswordChange};
use grantor::flows::account::profile::{self, OwnProfile};
use grantor::flows::account::{Carrier, access_keys, connected_clients, grantable_scopes, sessions, usage};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::users::{self, NewPassword, UserEdit};
use grantor::protocol::scope::Scope;
use serde_json::json;
use zeroize::Zeroizing;

use crate::account_support::*;
use crate::logout_support::{is_signed_in, members, sid, tokens};
use crate::support::*;

on_both!(
    people_edit_what_is_theirs_of_a_profile,
    an_edit_does_not_pass_over_another,
    whoever_knows_the_old_password_sets_another,
    guesses_of_the_old_password_are_throttled,
    of_two_changes_one_knew_the_password,
    sessions_say_where_and_when,
    a_person_ends_their_own_sessions_only,
    connected_clients_are_summed_up_and_let_in_no_more,
    people_have_access_keys_of_their_own,
    roles_reach_no_further_here,
    a_deployment_decides_who_has_access_keys,
    own_usage_is_summed_up,
);

const NEW_PASSWORD: &str = "another long enough sentence";

fn all() -> PageRequest {
    PageRequest::new(None, Some(200))
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

fn change(old: &str, new: &str) -> PasswordChange {
    PasswordChange { old: secret(old), new: secret(new) }
}

fn people_edit_what_is_theirs_of_a_profile(engine: Engine) {
    let test = TestServer::start(engine);
    let id = test.user("ada", &[]);
    let verified = json!({
        "email_verified": true, "phone_number": "+43 1 234567", "phone_number_verified": true,
        "preferred_username": "countess", "nickname": "Ada",
    });
    let edit =
        UserEdit { email: Some(Some("ada@example.org".to_owned())), profile: Some(verified), ..UserEdit::default() };
    users::update(&test.server, &Caller::command_line(), &id, edit).unwrap();
    let wanted = Profile {
        given_name: Some("Ada".to_owned()),
        preferred_username: Some("root".to_owned()),
        phone_number: Some("+43 1 234567".to_owned()),
        email_verified: Some(true),
        ..Profile::default()
    };
    let own = OwnProfile {
        name: Some("Ada Lovelace".to_owned()),
        email: Some("ada@other.example".to_owned()),
        profile: wanted.clone(),
    };
    let user = profile::update(&test.server, &person(&test, "ada"), own.clone()).unwrap();
    assert_eq!((user.name.as_deref(), user.username.as_str()), (Some("Ada Lovelace"), "ada"));
    assert_eq!(user.profile.given_name.as_deref(), Some("Ada"));
    assert_eq!(user.profile.nickname, None, "the whole profile is replaced");
    assert_eq!(user.profile.preferred_username.as_deref(), Some("countess"), "by which clients know accounts");
    assert_eq!(user.profile.email_verified, None, "another address was not proven");
    assert_eq!(user.profile.phone_number_verified, Some(true), "the number is the same");
    let other = Profile { phone_number: Some("+43 1 765432".to_owned()), ..wanted };
    let user =
        profile::update(&test.server, &person(&test, "ada"), OwnProfile { profile: other, ..own.clone() }).unwrap();
    assert_eq!(user.profile.phone_number_verified, None);
    let stored = users::show(&test.server, &Caller::command_line(), &id).unwrap();
    assert_eq!(stored.email.as_deref(), Some("ada@other.example"));
    let wrong = Profile { website: Some("javascript:alert(1)".to_owned()), ..Profile::default() };
    let refused = profile::update(&test.server, &person(&test, "ada"), OwnProfile { profile: wrong, ..own.clone() });
    assert!(refusal(refused).contains("https URLs"));
    let refused =
        profile::update(&test.server, &person(&test, "ada"), OwnProfile { email: Some("x".to_owned()), ..own });
    assert!(refusal(refused).contains("email"));
    let event = &test.events("user.updated")[0];
    assert_eq!((event.actor_kind.as_str(), event.actor_id.as_deref()), ("user", Some(id.as_str())));
    assert_eq!((event.target_id.as_deref(), event.address.as_deref()), (Some(id.as_str()), Some("192.0.2.7")));
}

fn an_edit_does_not_pass_over_another(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let (one, other) = (person(&test, "ada"), person(&test, "ada"));
    profile::update(&test.server, &one, OwnProfile { name: Some("One".to_owned()), ..OwnProfile::default() }).unwrap();
    let late = profile::update(&test.server, &other, OwnProfile::default());
    assert_eq!(refusal(late), "the user was changed meanwhile: read it again");
}

fn whoever_knows_the_old_password_sets_another(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    define(&test, "read", false);
    let client = test.client(members("web"));
    let (here, there) = (Browser::new(&test), Browser::new(&test));
    let kept = tokens(&test, &here, &client, "ada", "read offline_access");
    let own = sid(&test, &user);
    let gone = tokens(&test, &there, &client, "ada", "read offline_access");
    let person = person_in(&test, "ada", &own);
    let personal = make_token(&test, &person, &["read"]).unwrap();
    for (new, said) in [
        ("short", "at least 8 characters"),
        ("password123", "everybody tries first"),
        ("ada", "at least 8"),
        ("xyxyxyxyxyxy", "a short pattern repeated"),
        ("Grantor 2026", "a name that everybody knows"),
        (PASSWORD, "another one than the old one"),
    ] {
        assert!(refusal(password::change(&test.server, &person, change(PASSWORD, new))).contains(said), "{new}");
    }
    let wrong = password::change(&test.server, &person, change("not this one", NEW_PASSWORD));
    assert_eq!(refusal(wrong), "the password is wrong");
    assert!(is_signed_in(&there), "what was refused ends nothing");
    password::change(&test.server, &person, change(PASSWORD, NEW_PASSWORD)).unwrap();
    assert!(is_signed_in(&here) && !is_signed_in(&there));
    for token in [&kept, &gone] {
        let refresh = text(&token["refresh_token"]);
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        assert_eq!(test.token(&client, &parameters).status, 400);
        assert!(!test.is_active(&client, &text(&token["access_token"])));
    }
    assert!(!test.is_active(&client, &personal.text));
    assert_eq!(Browser::new(&test).sign_in("", "ada", PASSWORD).status, 403);
    assert_eq!(Browser::new(&test).sign_in("", "ada", NEW_PASSWORD).status, 303);
    let events = test.events("user.password_changed");
    assert_eq!((events.len(), events[0].actor_id.as_deref()), (1, Some(user.as_str())));
    let attempts = test.events("login.failed");
    assert_eq!(attempts.len(), 2, "the wrong old one, and the log-in with it");
}

fn guesses_of_the_old_password_are_throttled(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.login.failures_per_account = 2);
    test.user("ada", &[]);
    let person = person(&test, "ada");
    let guess = || refusal(password::change(&test.server, &person, change("not this one", NEW_PASSWORD)));
    assert_eq!([guess(), guess()], ["the password is wrong"; 2]);
    assert!(guess().starts_with("too many failed attempts"));
    let right = password::change(&test.server, &person, change(PASSWORD, NEW_PASSWORD));
    assert!(refusal(right).starts_with("too many failed attempts"));
}

fn of_two_changes_one_knew_the_password(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let person = person(&test, "ada");
    let barrier = Barrier::new(4);
    let done: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let (person, barrier, test) = (&person, &barrier, &test);
                scope.spawn(move || {
                    barrier.wait();
                    let new = format!("{NEW_PASSWORD} {number}");
                    password::change(&test.server, person, change(PASSWORD, &new)).is_ok()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
    assert_eq!(test.events("user.password_changed").len(), 1);
}

fn sessions_say_where_and_when(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    let agent = "<script>alert(1)</script> Firefox";
    let page = browser.get("/login?");
    let form = [("csrf", &*csrf(&page)), ("username", "ada"), ("password", PASSWORD)];
    let request = browser.request(reqwest::Method::POST, "/login?").header("User-Agent", agent).form(&form);
    assert_eq!(Answer::of(request).status, 303);
    let person = person(&test, "ada");
    let list = || sessions::list(&test.server, &person, &all()).unwrap().items;
    let first = &list()[0];
    assert_eq!((first.address.as_deref(), first.user_agent.as_deref()), (Some("127.0.0.1"), Some(agent)));
    assert_eq!((first.created_at, first.last_used_at), (start_time(), start_time()));
    test.advance(60);
    tokens(&test, &browser, &client, "ada", "read");
    assert_eq!(list()[0].last_used_at, test.clock.now(), "a client was answered in it");
    test.advance(60);
    browser.sign_in("", "ada", PASSWORD);
    let again = &list()[0];
    assert_eq!((list().len(), &again.sid, again.created_at), (1, &first.sid, start_time()), "it goes on");
    assert_eq!(again.auth_time, test.clock.now());
    Browser::new(&test).sign_in("", "ada", PASSWORD);
    let both = list();
    assert_eq!((both.len(), &both[1].sid), (2, &first.sid), "the latest first");
    test.advance(12 * 3600);
    assert_eq!(list().len(), 0, "what has expired is not listed");
}

fn a_person_ends_their_own_sessions_only(engine: Engine) {
    let test = TestServer::start(engine);
    let (ada, bob) = (test.user("ada", &[]), test.user("bob", &["admin"]));
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    let granted = tokens(&test, &browser, &client, "ada", "read");
    let sid_of_ada = sid(&test, &ada);
    let other = Browser::new(&test);
    other.sign_in("", "bob", PASSWORD);
    let sid_of_bob = sid(&test, &bob);
    let bob = person_in(&test, "bob", &sid_of_bob);
    for id in [sid_of_ada.as_str(), "nothing", ""] {
        assert_eq!(refusal(sessions::end(&test.server, &bob, id)), "there is no such session", "an admin, too");
    }
    assert_eq!(sessions::end_others(&test.server, &bob).unwrap(), 0);
    assert!(is_signed_in(&browser) && is_signed_in(&other));
    let ada = person(&test, "ada");
    sessions::end(&test.server, &ada, &sid_of_ada).unwrap();
    assert!(!is_signed_in(&browser));
    assert!(!test.is_active(&client, &text(&granted["access_token"])), "what was granted in it ends");
    assert_eq!(refusal(sessions::end(&test.server, &ada, &sid_of_ada)), "there is no such session");
    let browsers = [Browser::new(&test), Browser::new(&test), Browser::new(&test)];
    for browser in &browsers {
        browser.sign_in("", "ada", PASSWORD);
    }
    let own = sessions::list(&test.server, &ada, &all()).unwrap().items[1].sid.clone();
    assert_eq!(sessions::end_others(&test.server, &person_in(&test, "ada", &own)).unwrap(), 2);
    assert_eq!(sessions::list(&test.server, &ada, &all()).unwrap().items[0].sid, own);
    assert_eq!(browsers.iter().filter(|browser| is_signed_in(browser)).count(), 1);
    let events = test.events("login.session_ended");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].detail.as_deref(), Some("others: 2"));
    assert_eq!(events[1].target_id.as_deref(), Some(sid_of_ada.as_str()));
}

fn connected_clients_are_summed_up_and_let_in_no_more(engine: Engine) {
    let test = TestServer::start(engine);
    let (ada, _) = (test.user("ada", &[]), test.user("bob", &[]));
    define(&test, "read", false);
    let third = ClientMembers {
        first_party: Some(false),
        client_name: Some("<b>Third</b>".to_owned()),
        scope: Some(Scope::parse("read write offline_access").unwrap()),
        ..members("third")
    };
    let (third, web) = (test.client(third), test.client(members("web")));
    let browser = Browser::new(&test);
    let query = authorize_query(&third, &[("scope", "read")]);
    browser.sign_in(&query, "ada", PASSWORD);
    browser.decide(&query, "allow");
    test.advance(60);
    let granted = tokens(&test, &browser, &third, "ada", "read");
    let web_tokens = tokens(&test, &browser, &web, "ada", "read offline_access");
    test.advance(60);
    let refresh = text(&web_tokens["refresh_token"]);
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let refreshed = test.token(&web, &parameters).json();
    let of_bob = tokens(&test, &Browser::new(&test), &web, "bob", "read");
    let person_of = |name: &str| person(&test, name);
    let list = |name: &str| connected_clients::list(&test.server, &person_of(name), &all()).unwrap().items;
    let listed = list("ada");
    let names: Vec<_> = listed.iter().map(|one| one.client.client_id.as_str()).collect();
    assert_eq!(names, ["web", "third"], "the one that was used last first");
    assert_eq!(listed[0].last_used_at, Some(test.clock.now()), "a refresh is a use");
    assert_eq!(listed[1].scopes, [("read".to_owned(), "May read".to_owned())]);
    assert_eq!(listed[1].since, start_time());
    let one =
        |after| connected_clients::list(&test.server, &person_of("ada"), &PageRequest::new(after, Some(1))).unwrap();
    let first = one(None);
    let second = one(first.next_cursor.clone());
    assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (1, 1, None));
    assert_eq!(second.items[0].client.client_id.as_str(), "third");
    assert_eq!(list("bob").len(), 1);
    for (name, client) in [("bob", "third"), ("ada", "nothing")] {
        let refused = connected_clients::disconnect(&test.server, &person_of(name), client);
        assert_eq!(refusal(refused), "there is no such connected client");
    }
    connected_clients::disconnect(&test.server, &person_of("ada"), "web").unwrap();
    connected_clients::disconnect(&test.server, &person_of("ada"), "third").unwrap();
    for token in [&granted, &refreshed] {
        assert!(!test.is_active(&web, &text(&token["access_token"])));
    }
    let refresh = text(&refreshed["refresh_token"]);
    let again = test.token(&web, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    assert_eq!(again.status, 400);
    assert!(test.is_active(&web, &text(&of_bob["access_token"])), "those of others stay");
    assert_eq!((list("ada").len(), list("bob").len()), (0, 1));
    assert!(browser.get(&format!("/oauth/authorize?{query}")).location().path().ends_with("/consent"), "it must ask");
    let events = test.events("consent.withdrawn");
    assert_eq!(events.len(), 2);
    assert_eq!((events[0].actor_id.as_deref(), events[0].target_id.as_deref()), (Some(ada.as_str()), Some("third")));
    tokens(&test, &Browser::new(&test), &web, "ada", "read");
    assert_eq!(list("ada").len(), 1);
    clients::set_status(&test.server, &Caller::command_line(), "web", Status::Revoked).unwrap();
    assert_eq!(list("ada").len(), 0, "a revoked client holds nothing");
}

fn new_key(name: &str, scopes: &[&str]) -> NewAccessKey {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    NewAccessKey { name: name.to_owned(), scopes, ..NewAccessKey::default() }
}

fn people_have_access_keys_of_their_own(engine: Engine) {
    let test = TestServer::start(engine);
    let ada = test.user("ada", &[]);
    define(&test, "orders:read", false);
    define(&test, "payouts", true);
    let person = person(&test, "ada");
    let offered: Vec<String> =
        grantable_scopes(&test.server, &person.user, Carrier::AccessKey).into_iter().map(|(name, _)| name).collect();
    assert_eq!(offered, ["orders:read"]);
    let made = access_keys::create(&test.server, &person, new_key("laptop", &["orders:read"])).unwrap();
    assert_eq!(made.key.owner.as_ref().unwrap().id(), ada);
    let id = made.key.id.0.clone();
    for scope in ["payouts", "admin", "users:read", "own-access-keys:write", "undefined"] {
        let refused = access_keys::create(&test.server, &person, new_key("more", &[scope]));
        assert!(!refusal(refused).is_empty(), "{scope}");
    }
    let plan = NewAccessKey { plan: Some("gold".to_owned()), ..new_key("more", &[]) };
    assert!(!refusal(access_keys::create(&test.server, &person, plan)).is_empty());
    let rotated = access_keys::rotate(&test.server, &person, &id, 60).unwrap();
    assert_ne!(rotated.secret, made.secret);
    assert_eq!(access_keys::secrets(&test.server, &person, &id).unwrap().len(), 2);
    access_keys::finish_rotation(&test.server, &person, &id).unwrap();
    let edit = AccessKeyEdit { name: Some("desk".to_owned()), ..AccessKeyEdit::default() };
    assert_eq!(access_keys::update(&test.server, &person, &id, edit).unwrap().name, "desk");
    access_keys::set_status(&test.server, &person, &id, Status::Revoked).unwrap();
    assert_eq!(access_keys::show(&test.server, &person, &id).unwrap().status, Status::Revoked);
    access_keys::delete(&test.server, &person, &id, "desk").unwrap();
    assert_eq!(access_keys::list(&test.server, &person, &all()).unwrap().items.len(), 0);
    let created = &test.events("access_key.created")[0];
    assert_eq!((created.actor_kind.as_str(), created.actor_id.as_deref()), ("user", Some(ada.as_str())));
}

fn roles_reach_no_further_here(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    test.user("root", &["admin"]);
    define(&test, "orders:read", false);
    let (ada, root) = (person(&test, "ada"), person(&test, "root"));
    let made = access_keys::create(&test.server, &ada, new_key("laptop", &["orders:read"])).unwrap();
    let id = made.key.id.0;
    let gone = "there is no such access key";
    assert_eq!(access_keys::list(&test.server, &root, &all()).unwrap().items.len(), 0);
    assert_eq!(refusal(access_keys::show(&test.server, &root, &id)), gone);
    assert_eq!(refusal(access_keys::update(&test.server, &root, &id, AccessKeyEdit::default())), gone);
    assert_eq!(refusal(access_keys::rotate(&test.server, &root, &id, 0)), gone);
    assert_eq!(refusal(access_keys::finish_rotation(&test.server, &root, &id)), gone);
    assert_eq!(refusal(access_keys::secrets(&test.server, &root, &id)), gone);
    assert_eq!(refusal(access_keys::set_status(&test.server, &root, &id, Status::Revoked)), gone);
    assert_eq!(refusal(access_keys::delete(&test.server, &root, &id, "laptop")), gone);
    assert_eq!(refusal(access_keys::usage(&test.server, &root, &id, 30)), gone);
    let own = access_keys::create(&test.server, &root, new_key("tool", &["admin", "orders:read"])).unwrap();
    assert_eq!(own.key.owner.unwrap().id(), root.user.id.as_str(), "what their role holds they may hand out");
    let named = NewAccessKey { owner: Some(None), ..new_key("platform", &["admin"]) };
    let made = access_keys::create(&test.server, &root, named).unwrap();
    assert_eq!(made.key.owner.unwrap().id(), root.user.id.as_str(), "never for anybody else");
}

fn a_deployment_decides_who_has_access_keys(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.account.access_keys = false;
        let own = Scope::parse("own-access-keys:read own-access-keys:write").unwrap();
        config.roles.0.insert("developer".to_owned(), own);
    });
    test.user("ada", &[]);
    test.user("dev", &["developer"]);
    test.user("root", &["admin"]);
    for (name, allowed) in [("ada", false), ("dev", true), ("root", true)] {
        let person = person(&test, name);
        assert_eq!(access_keys::are_allowed(&test.server, &person), allowed, "{name}");
        assert_eq!(access_keys::list(&test.server, &person, &all()).is_ok(), allowed, "{name}");
        assert_eq!(access_keys::create(&test.server, &person, new_key("one", &[])).is_ok(), allowed, "{name}");
    }
}

fn own_usage_is_summed_up(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    define(&test, "orders:read", false);
    let api = test.client(confidential_members("orders-api"));
    let person = person(&test, "ada");
    let key = access_keys::create(&test.server, &person, new_key("laptop", &["orders:read"])).unwrap();
    access_keys::create(&test.server, &person, new_key("unused", &[])).unwrap();
    let token = make_token(&test, &person, &["orders:read"]).unwrap();
    let ask = |credential: &str| {
        let request = http_client().post(test.url("/v1/verify")).basic_auth(&api.id, api.secret.as_ref());
        let answer = Answer::of(request.json(&json!({ "credential": credential })));
        assert_eq!(answer.json()["code"], "valid", "{}", answer.body);
    };
    [&key.secret, &key.secret, &token.text].into_iter().for_each(|secret| ask(secret));
    grantor::flows::usage::flush(&test.server);
    let own = usage::of_own(&test.server, &person, 7).unwrap();
    assert_eq!((own.total.total_requests, own.total.days.len()), (3, 7));
    let each: Vec<_> = own.credentials.iter().map(|one| (one.name.as_str(), one.total_requests)).collect();
    assert_eq!(each, [("laptop", 2), ("backup script", 1)]);
    assert!(refusal(usage::of_own(&test.server, &person, 1)).starts_with("days must be"));
    let users_set = NewPassword(secret(NEW_PASSWORD));
    users::set_password(&test.server, &Caller::command_line(), "ada", &users_set).unwrap();
    let own = usage::of_own(&test.server, &person, 7).unwrap();
    assert_eq!((own.total.total_requests, own.credentials.len()), (3, 2), "the token ended, its use did not");
}
