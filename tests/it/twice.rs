//! Forms that make something, sent twice; and tabs that sign in at the same moment.

use grantor::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder};
use grantor::domain::page::PageRequest;
use grantor::flows::access_keys;
use grantor::flows::caller::Caller;
use grantor::flows::clients;

use crate::console_support::*;
use crate::support::*;

on_both!(
    a_form_that_makes_something_is_taken_once,
    every_form_that_makes_something_has_an_id,
    of_two_at_once_one_makes_it,
    what_was_refused_can_be_sent_again,
    an_id_is_good_for_its_session_alone,
    two_tabs_sign_in_at_the_same_moment,
    the_departures_of_a_browser_are_bounded,
);

const KEYS: &str = "/console/access-keys/new";

fn keys(test: &TestServer) -> usize {
    let (filter, order, page) = (AccessKeyFilter::default(), AccessKeyOrder::default(), PageRequest::new(None, None));
    access_keys::list(&test.server, &Caller::command_line(), &filter, order, &page).unwrap().items.len()
}

/// The id in the form of a page.
#[track_caller]
fn once(page: &Answer) -> String {
    let rest = page.body.split("name=\"once\" value=\"").nth(1).unwrap_or_else(|| panic!("no id in {}", page.body));
    rest.split('"').next().unwrap().to_owned()
}

fn key<'a>(name: &'a str, once: &'a str) -> [(&'a str, &'a str); 4] {
    [("name", name), ("expiry", "never"), ("owner_kind", "platform"), ("once", once)]
}

fn a_form_that_makes_something_is_taken_once(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", KEYS);
    let id = once(&page);
    let made = send(&browser, &page, KEYS, &key("nightly", &id));
    assert_has(&made, &["API key created", "Store it before you leave"]);
    // Again, and from another form of the same page.
    for name in ["nightly", "another"] {
        let again = send(&browser, &page, KEYS, &key(name, &id));
        assert_eq!(again.status, 409, "{}", again.body);
        assert_has(&again, &["Sent twice", "href=\"/console/access-keys\"", "it was done then, and not again"]);
        assert!(!again.body.contains("name=\"once\""));
    }
    assert_eq!(keys(&test), 1);
    // The next page makes the next key.
    let page = browser.get(KEYS);
    assert_ne!(once(&page), id);
    assert_eq!(send(&browser, &page, KEYS, &key("second", &once(&page))).status, 200);
    assert_eq!(keys(&test), 2);
    // It stays used while the session lives, on every instance; afterwards its row goes.
    let left = |test: &TestServer| {
        let count = |connection: &mut grantor::store::StoreConnection| {
            connection.purge_used_assertions(start_time() + chrono::Duration::days(400), 10)
        };
        test.server.store.write(count).unwrap()
    };
    assert_eq!(left(&test), 2);
}

fn every_form_that_makes_something_has_an_id(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, _) = visit(&test, "ada", "/console");
    for path in [
        KEYS,
        "/console/clients/new/web-app",
        "/console/clients/new/machine",
        "/console/users/new",
        "/console/service-accounts/new",
        "/console/workflows/new",
        "/console/scopes/new",
        "/console/projects/new",
        "/account/access-keys/new",
        "/account/tokens/new",
        "/console/signing-keys/RS256/rotate",
    ] {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}");
        let (nonce, proof) = once(&page).split_once('.').map(|(nonce, proof)| (nonce.len(), proof.len())).unwrap();
        assert_eq!((nonce, proof), (22, 43), "{path}");
    }
    // What makes nothing has none.
    assert!(!browser.get("/account/password").body.contains("name=\"once\""));
}

fn of_two_at_once_one_makes_it(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", KEYS);
    let id = once(&page);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sent = || send(&browser, &page, KEYS, &key("raced", &id)).status.as_u16();
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(sent)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    assert_eq!(keys(&test), 1);
}

fn what_was_refused_can_be_sent_again(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", KEYS);
    let id = once(&page);
    let refused = send(&browser, &page, KEYS, &key("", &id));
    assert_eq!(refused.status, 400);
    // Back in the browser, or on the page that came back.
    assert_ne!(once(&refused), id);
    assert_eq!(send(&browser, &page, KEYS, &key("kept", &id)).status, 200);
    assert_eq!(send(&browser, &refused, KEYS, &key("other", &once(&refused))).status, 200);
    assert_eq!(keys(&test), 2);
    // The question for the password does not use it up either.
    let page = browser.get(KEYS);
    let id = once(&page);
    test.advance(1000);
    let asked = send(&browser, &page, KEYS, &key("proven", &id));
    assert_eq!((asked.status.as_u16(), once(&asked)), (403, id.clone()));
    let mut form = key("proven", &id).to_vec();
    form.push(("password", PASSWORD));
    assert_eq!(send(&browser, &asked, KEYS, &form).status, 200);
    assert_eq!(keys(&test), 3);
}

fn an_id_is_good_for_its_session_alone(engine: Engine) {
    let test = start(engine);
    for name in ["ada", "bob"] {
        test.user(name, &["owner"]);
    }
    let (_, theirs) = visit(&test, "bob", KEYS);
    let (browser, page) = visit(&test, "ada", KEYS);
    let own = once(&page);
    let (nonce, proof) = own.split_once('.').unwrap();
    for wrong in [once(&theirs), "x".to_owned(), format!("x.{proof}"), format!("{nonce}."), format!("{nonce}.{proof}x")]
    {
        let refused = send(&browser, &page, KEYS, &key("stolen", &wrong));
        assert_eq!(refused.status, 403, "{wrong}: {}", refused.body);
    }
    assert_eq!(keys(&test), 0);
    // It uses up nothing at another address.
    let project = [("id", "shop"), ("name", "Shop"), ("once", own.as_str())];
    assert_eq!(send(&browser, &page, "/console/projects/new", &project).status, 303);
    assert_eq!(send(&browser, &page, KEYS, &key("mine", &own)).status, 200);
    assert!(clients::show(&test.server, &Caller::command_line(), "shop").is_err());
}

/// Where this answer sends a browser that is to sign in: the query of the log-in page.
fn login_query(browser: &Browser<'_>, sent: &Answer) -> String {
    browser.follow(sent).location().query().unwrap().to_owned()
}

/// Goes on to the page that was wanted.
fn arrive(browser: &Browser<'_>, mut answer: Answer) -> Answer {
    for _ in 0..4 {
        if answer.status != 303 {
            break;
        }
        answer = browser.follow(&answer);
    }
    answer
}

fn two_tabs_sign_in_at_the_same_moment(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let browser = Browser::new(&test);
    let (first, second) = (browser.get("/console/projects"), browser.get("/account"));
    let (one, other) = (login_query(&browser, &first), login_query(&browser, &second));
    assert_ne!(one, other);
    // In the order in which they left, the first before the second.
    let page = arrive(&browser, browser.sign_in(&one, "ada", PASSWORD));
    assert_has(&page, &["<h1>Projects</h1>"]);
    let page = arrive(&browser, browser.get(&format!("/oauth/authorize?{other}")));
    assert_has(&page, &["<h1>Profile</h1>"]);
    // What has come back is gone: the same answer signs nobody in once more.
    assert!(!browser.cookies().iter().any(|name| name.contains("departure")), "{:?}", browser.cookies());
}

fn the_departures_of_a_browser_are_bounded(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let browser = Browser::new(&test);
    let sent: Vec<_> = (0..20).map(|_| browser.get("/console/projects")).collect();
    let departures = || browser.cookies().into_iter().filter(|name| name.starts_with("grantor-departure-")).count();
    assert_eq!(departures(), 6);
    let last = sent.last().unwrap();
    let page = arrive(&browser, browser.sign_in(&login_query(&browser, last), "ada", PASSWORD));
    assert_has(&page, &["<h1>Projects</h1>"]);
    // A page with an endless address is come back to without its query.
    let long = format!("/console/projects?q={}", "x".repeat(2000));
    let other = Browser::new(&test);
    let query = login_query(&other, &other.get(&long));
    let page = arrive(&other, other.sign_in(&query, "ada", PASSWORD));
    assert_has(&page, &["<h1>Projects</h1>"]);
}
