//! A browser at the console: signs in through the authorization endpoint as people do, and sends the forms that it is shown.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use grantor::config::Config;
use grantor::store::DatabaseUrl;

use crate::support::*;

/// A server with the console and the account pages.
pub fn start(engine: Engine) -> TestServer {
    start_with(engine, |_| ())
}

/// The same with other settings.
pub fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::start_with(engine, |config| {
        let roles = Config::default().roles;
        config.roles = roles;
        config.console.enabled = true;
        config.account.enabled = true;
        change(config);
    })
}

/// Opens a page, signing in as this user on the way.
pub fn visit<'a>(test: &'a TestServer, username: &str, path: &str) -> (Browser<'a>, Answer) {
    let browser = Browser::new(test);
    let page = sign_in(&browser, username, path);
    (browser, page)
}

/// Opens a page in a browser that is not signed in.
pub fn sign_in(browser: &Browser<'_>, username: &str, path: &str) -> Answer {
    let sent = browser.get(path);
    assert_eq!(sent.status, 303, "{}", sent.body);
    let asked = browser.follow(&sent);
    let login = browser.follow(&asked);
    let query = asked.location().query().unwrap().to_owned();
    assert!(login.body.contains("login-submit"), "{}", login.body);
    let mut answer = browser.sign_in(&query, username, PASSWORD);
    for _ in 0..4 {
        if answer.status != 303 {
            break;
        }
        answer = browser.follow(&answer);
    }
    answer
}

/// Sends the form of a page, with the token that is on it.
pub fn send(browser: &Browser<'_>, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = csrf(page);
    let mut form = vec![("csrf", token.as_str())];
    form.extend(fields);
    browser.post(path, &form)
}

/// Sends the form of a page and follows to where it leads.
#[track_caller]
pub fn done(browser: &Browser<'_>, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = send(browser, page, path, fields);
    assert_eq!(answer.status, 303, "{}", answer.body);
    browser.follow(&answer)
}

/// The page has each of these.
#[track_caller]
pub fn assert_has(page: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(page.body.contains(part), "no {part} in {}", page.body);
    }
    assert!(!page.body.contains('\u{27e6}'), "a text is missing: {}", page.body);
}

/// What somebody may try to have run: in every field that is shown somewhere.
pub const SCRIPT: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

/// The page shows what was typed, and none of it as markup.
#[track_caller]
pub fn assert_escaped(page: &Answer) {
    assert!(page.body.contains("alert(1)"), "not shown at all: {}", page.body);
    assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{}", page.body);
}

/// Does to the database what no use case would.
pub fn sql(test: &TestServer, statement: &str) {
    match DatabaseUrl::parse(&test.database.url).unwrap() {
        DatabaseUrl::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
            connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            connection.batch_execute(statement).unwrap();
        }
        DatabaseUrl::Postgres(url) => PgConnection::establish(&url).unwrap().batch_execute(statement).unwrap(),
    }
}
