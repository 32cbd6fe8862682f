//! The pages for people: sign-in, consent, sign-out; their forms, cookies, headers and sessions.

use std::time::Duration;

use grantor::flows::caller::Caller;
use grantor::flows::clients::ClientMembers;
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::users;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use reqwest::blocking::RequestBuilder;

use crate::support::*;

on_both!(
    pages_have_stable_ids_and_labels,
    a_form_without_its_token_is_refused,
    a_form_from_elsewhere_is_refused,
    cookies_of_an_http_issuer,
    cookies_of_an_https_issuer,
    pages_carry_strict_headers,
    an_https_issuer_is_not_served_in_the_clear,
    consent_names_client_user_and_scopes,
    consent_is_remembered_and_asked_again_for_more,
    a_first_party_client_is_not_asked_about,
    what_people_typed_is_escaped,
    a_wrong_password_shows_the_form_again,
    a_throttled_login_says_when,
    signing_in_ends_the_session_before,
    a_session_ends_when_idle,
    a_session_ends_at_its_end,
    a_disabled_user_is_signed_out,
    signing_out_takes_a_click,
    who_is_signed_in_is_not_asked_again,
    forms_that_cannot_be_read_are_refused,
    the_stylesheet_may_be_kept,
);

const STALE: &str = "the form is stale: go back, reload the page and try again";

#[track_caller]
fn assert_contains(page: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(page.body.contains(part), "no {part} in {}", page.body);
    }
}

fn third_party(client_id: &str) -> ClientMembers {
    ClientMembers { first_party: Some(false), ..public_members(client_id) }
}

fn define_scope(test: &TestServer, name: &str, description: &str) {
    let new =
        NewScope { name: name.to_owned(), description: description.to_owned(), resource: None, privileged: false };
    scopes::create(&test.server, &Caller::command_line(), new).unwrap();
}

fn pages_have_stable_ids_and_labels(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(third_party("app"));
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    let login = browser.get(&format!("/login?{query}"));
    assert_eq!(login.status, 200);
    assert_contains(
        &login,
        &[
            "<html lang=\"en\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<label for=\"username\">",
            "<input id=\"username\" name=\"username\" type=\"text\" autocomplete=\"username\"",
            "<label for=\"password\">",
            "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\"",
            "<button id=\"login-submit\" type=\"submit\">",
            "<strong>app</strong>",
        ],
    );
    assert!(!login.body.contains("<script") && !login.body.contains("role=\"alert\""), "{}", login.body);
    browser.sign_in(&query, "ada", PASSWORD);
    let consent = browser.get(&format!("/consent?{query}"));
    assert_contains(
        &consent,
        &[
            "<button id=\"consent-allow\" type=\"submit\" name=\"decision\" value=\"allow\">",
            "<button id=\"consent-deny\" class=\"quiet\" type=\"submit\" name=\"decision\" value=\"deny\">",
        ],
    );
    assert!(!consent.body.contains("<script"));
    assert_contains(&browser.get("/logout"), &["<button id=\"logout-confirm\" type=\"submit\">"]);
}

/// Posts a form of one of the pages with this token and these headers.
fn submit(browser: &Browser<'_>, path: &str, csrf: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let mut form = vec![("username", "ada"), ("password", PASSWORD), ("decision", "allow")];
    form.extend(csrf.map(|csrf| ("csrf", csrf)));
    let mut request = browser.request(Method::POST, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.form(&form))
}

#[track_caller]
fn assert_stale(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (403, String::new()), "{}", answer.body);
    assert_contains(answer, &[STALE]);
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 0);
}

/// Every form there is, by its address.
fn forms(client: &TestClient) -> Vec<String> {
    let query = authorize_query(client, &[]);
    vec![format!("/login?{query}"), "/login".to_owned(), format!("/consent?{query}"), "/logout".to_owned()]
}

fn a_form_without_its_token_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(third_party("app"));
    for path in forms(&client) {
        let (browser, other) = (Browser::new(&test), Browser::new(&test));
        if path.starts_with("/consent") {
            browser.sign_in("", "ada", PASSWORD);
        }
        let own = csrf(&browser.get(&path));
        let foreign = csrf(&other.get("/login"));
        assert_ne!(own, foreign);
        for none in [None, Some("")] {
            let answer = submit(&browser, &path, none, &[]);
            if path == "/logout" {
                // That is what a client sends: it is asked.
                assert_eq!(answer.location().path(), "/logout");
            } else {
                assert_stale(&answer);
            }
        }
        assert_stale(&submit(&browser, &path, Some("nonsense"), &[]));
        assert_stale(&submit(&browser, &path, Some(&foreign), &[]));
        // The right token in a browser without the cookie is worth nothing.
        assert_stale(&submit(&Browser::new(&test), &path, Some(&own), &[]));
        let done = submit(&browser, &path, Some(&own), &[]);
        assert!(matches!(done.status.as_u16(), 200 | 303), "{path}: {done:?}");
    }
    // Nobody was signed in, asked or signed out by what was refused.
    assert_eq!(test.events("login.succeeded").len(), 3);
    assert_eq!((test.events("login.failed").len(), test.events("consent.granted").len()), (0, 1));
}

fn a_form_from_elsewhere_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(third_party("app"));
    let issuer = test.server.config.server.issuer.clone();
    for path in forms(&client) {
        let browser = Browser::new(&test);
        if path.starts_with("/consent") {
            browser.sign_in("", "ada", PASSWORD);
        }
        let own = csrf(&browser.get(&path));
        let with_slash = format!("{issuer}/");
        for origin in ["https://evil.example", "null", "", &with_slash, "http://127.0.0.1"] {
            assert_stale(&submit(&browser, &path, Some(&own), &[("origin", origin)]));
        }
        let done = submit(&browser, &path, Some(&own), &[("origin", &issuer)]);
        assert!(matches!(done.status.as_u16(), 200 | 303), "{path}: {done:?}");
    }
}

/// The Set-Cookie lines of an answer with the random part of each secret cut out.
fn set_cookies(answer: &Answer) -> Vec<String> {
    let lines = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned());
    lines
        .map(|line| {
            let (name, rest) = line.split_once('=').unwrap();
            let (value, attributes) = rest.split_once(';').unwrap();
            format!("{name}={};{attributes}", value.get(..3).unwrap_or(value))
        })
        .collect()
}

fn cookies_of_an_http_issuer(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let browser = Browser::new(&test);
    let page = browser.get("/login");
    assert_eq!(
        set_cookies(&page),
        [
            "__Host-grantor-browser=cf_; HttpOnly; SameSite=Lax; Secure; Path=/",
            "grantor-browser=cf_; HttpOnly; SameSite=Lax; Path=/",
        ]
    );
    // Only once.
    assert!(set_cookies(&browser.get("/login")).is_empty());
    assert_eq!(
        set_cookies(&browser.sign_in("", "ada", PASSWORD)),
        [
            "__Host-grantor-session=ls_; HttpOnly; SameSite=Lax; Secure; Path=/",
            "grantor-session=ls_; HttpOnly; SameSite=Lax; Path=/",
        ]
    );
    let signed_out = submit(&browser, "/logout", Some(&csrf(&browser.get("/logout"))), &[]);
    for (line, name) in set_cookies(&signed_out).iter().zip(["__Host-grantor-session", "grantor-session"]) {
        assert!(
            line.starts_with(&format!("{name}=;")) && line.contains("Max-Age=0") && line.contains("Path=/"),
            "{line}"
        );
    }
}

/// A server behind a proxy that ends TLS.
fn behind_proxy(engine: Engine) -> TestServer {
    TestServer::start_with(engine, |config| {
        config.server.issuer = "https://login.example".to_owned();
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
}

/// What such a proxy adds.
fn by_https(request: RequestBuilder) -> RequestBuilder {
    request.header("x-forwarded-proto", "https")
}

/// The name and value of the only cookie that an answer sets.
#[track_caller]
fn only_cookie(answer: &Answer) -> String {
    let lines: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].split(';').next().unwrap().to_owned()
}

fn cookies_of_an_https_issuer(engine: Engine) {
    let test = behind_proxy(engine);
    test.user("ada", &[]);
    let page = Answer::of(by_https(http_client().get(test.url("/login"))));
    assert_eq!(set_cookies(&page), ["__Host-grantor-browser=cf_; HttpOnly; SameSite=Lax; Secure; Path=/"]);
    let (browser, token) = (only_cookie(&page), csrf(&page));
    let post = |cookie: &str, origin: &str| {
        let request =
            by_https(http_client().post(test.url("/login"))).header("cookie", cookie).header("origin", origin);
        Answer::of(request.form(&[("csrf", token.as_str()), ("username", "ada"), ("password", PASSWORD)]))
    };
    // Without the prefix, another subdomain could have set it: it does not count.
    assert_stale(&post(&browser.replace("__Host-", ""), "https://login.example"));
    assert_stale(&post(&browser, "http://login.example"));
    let signed_in = post(&browser, "https://login.example");
    assert_eq!(signed_in.location().path(), "/login");
    assert_eq!(set_cookies(&signed_in), ["__Host-grantor-session=ls_; HttpOnly; SameSite=Lax; Secure; Path=/"]);
    let session = only_cookie(&signed_in);
    let see = |cookie: &str| Answer::of(by_https(http_client().get(test.url("/login"))).header("cookie", cookie)).body;
    assert!(see(&session).contains("You are signed in"));
    assert!(!see(&session.replace("__Host-", "")).contains("You are signed in"));
}

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'self'";

#[track_caller]
fn assert_headers(answer: &Answer, policy: &str, https: bool) {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("content-security-policy"), policy);
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("strict-transport-security"), if https { "max-age=31536000" } else { "" });
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

fn pages_carry_strict_headers(engine: Engine) {
    for https in [false, true] {
        let test = if https { behind_proxy(engine) } else { TestServer::start(engine) };
        let client = test.public();
        let query = authorize_query(&client, &[]);
        let get = |path: &str| Answer::of(by_https(http_client().get(test.url(path))));
        assert_headers(&get("/login"), POLICY, https);
        assert_headers(&get("/logout"), POLICY, https);
        assert_headers(&get("/oauth/authorize"), POLICY, https);
        assert_headers(&get("/login?client_id=nobody"), POLICY, https);
        assert_headers(&get(&format!("/login?{query}")), &format!("{POLICY} https://app.example"), https);
        let post = Answer::of(by_https(http_client().post(test.url("/login"))).form(&[("csrf", "x")]));
        assert_eq!(post.status, 403);
        assert_headers(&post, POLICY, https);
        for path in ["/static/style.css", "/nothing", "/.well-known/jwks.json", "/health/live", "/v1/clients"] {
            let answer = get(path);
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            let hsts = if https { "max-age=31536000" } else { "" };
            assert_eq!(answer.header("strict-transport-security"), hsts, "{path}");
        }
    }
}

fn an_https_issuer_is_not_served_in_the_clear(engine: Engine) {
    let test = behind_proxy(engine);
    let get = |path: &str, scheme: &str| {
        Answer::of(http_client().get(test.url(path)).header("x-forwarded-proto", scheme.to_owned()))
    };
    assert_eq!(get("/login", "https").status, 200);
    let refused = get("/login", "http");
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["code"], "plain_http");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    // Whoever looks after the process asks it directly.
    assert_eq!(get("/health/live", "http").status, 200);
}

fn consent_names_client_user_and_scopes(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("Ada", &[]);
    define_scope(&test, "read", "See your books");
    let client = test.client(ClientMembers { client_name: Some("Book Club".to_owned()), ..third_party("app") });
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    let asked = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert_eq!(asked.location().path(), "/consent");
    let page = browser.follow(&asked);
    assert_eq!(page.status, 200);
    assert_contains(
        &page,
        &[
            "<strong>Book Club</strong> asks for access to your account <strong>Ada</strong>.",
            "<li>See your books <code>read</code></li>",
            // Nobody has described this one: better its name than nothing.
            "<li>write <code>write</code></li>",
            "<code>https://app.example/callback</code>",
        ],
    );
    assert_headers(&page, &format!("{POLICY} https://app.example"), false);
    let narrow = browser.get(&format!("/consent?{}", authorize_query(&client, &[("scope", "read")])));
    assert!(!narrow.body.contains("<code>write</code>"), "{}", narrow.body);
    let none = test.client(ClientMembers { scope: Some(Scope::default()), ..third_party("none") });
    let page = browser.get(&format!("/consent?{}", authorize_query(&none, &[])));
    assert_contains(&page, &["It asks only to know who you are."]);
}

fn consent_is_remembered_and_asked_again_for_more(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    test.user("bob", &[]);
    let client = test.client(third_party("app"));
    let other = test.client(third_party("other"));
    let browser = Browser::new(&test);
    let ask = |browser: &Browser<'_>, client: &TestClient, scope: &str| {
        browser.get(&format!("/oauth/authorize?{}", authorize_query(client, &[("scope", scope)])))
    };
    let query = |scope: &str| authorize_query(&client, &[("scope", scope)]);
    browser.sign_in("", "ada", PASSWORD);
    assert_eq!(ask(&browser, &client, "read").location().path(), "/consent");
    // A no is not remembered.
    assert_eq!(browser.decide(&query("read"), "deny").parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(ask(&browser, &client, "read").location().path(), "/consent");
    let allowed = browser.decide(&query("read"), "allow");
    let tokens = test.token(&client, &code_parameters(&allowed.parameter("code").unwrap())).json();
    assert_eq!(tokens["scope"], "read");
    assert!(ask(&browser, &client, "read").parameter("code").is_some());
    // More, another client, another user: each is asked about.
    assert_eq!(ask(&browser, &client, "read write").location().path(), "/consent");
    assert_eq!(ask(&browser, &client, "write").location().path(), "/consent");
    assert_eq!(ask(&browser, &other, "read").location().path(), "/consent");
    let elsewhere = Browser::new(&test);
    elsewhere.sign_in("", "bob", PASSWORD);
    assert_eq!(ask(&elsewhere, &client, "read").location().path(), "/consent");
    // What was allowed adds up, and holds in another browser and on another instance.
    assert!(browser.decide(&query("write"), "allow").parameter("code").is_some());
    let sibling = test.sibling();
    let elsewhere = Browser::new(&sibling);
    elsewhere.sign_in("", "ada", PASSWORD);
    assert!(ask(&elsewhere, &client, "read write").parameter("code").is_some());
    let granted = test.events("consent.granted");
    let details: Vec<_> = granted.iter().map(|event| event.detail.as_deref().unwrap()).collect();
    assert_eq!(details, ["write", "read"]);
    assert_eq!(granted[0].actor_id.as_deref(), Some(user.as_str()));
    assert_eq!((granted[0].target_id.as_deref(), granted[0].client_id.as_deref()), (Some("app"), Some("app")));
}

fn a_first_party_client_is_not_asked_about(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    let answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert!(answer.parameter("code").is_some());
    assert!(browser.get(&format!("/consent?{query}")).parameter("code").is_some());
    assert!(test.events("consent.granted").is_empty());
}

fn what_people_typed_is_escaped(engine: Engine) {
    let test = TestServer::start(engine);
    let nasty = "<script>alert(1)</script>\"'&";
    let escaped = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;";
    test.user(nasty, &[]);
    define_scope(&test, "read", nasty);
    let client = test.client(ClientMembers { client_name: Some(nasty.to_owned()), ..third_party("app") });
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[("state", nasty)]);
    let login = browser.get(&format!("/login?{query}"));
    assert_contains(&login, &[&format!("<strong>{escaped}</strong>")]);
    let raw = format!("{query}&x='\"<script>");
    for page in [
        login,
        browser.get(&format!("/login?{raw}")),
        browser.sign_in(&query, nasty, "wrong password"),
        browser.sign_in(&query, "\"autofocus onfocus=alert(1) x=\"", "wrong password"),
    ] {
        assert!(!page.body.contains("<script") && !page.body.contains("\"autofocus onfocus"), "{}", page.body);
    }
    browser.sign_in(&query, nasty, PASSWORD);
    let consent = browser.get(&format!("/consent?{query}"));
    let (name, item) = (format!("<strong>{escaped}</strong>"), format!("<li>{escaped} <code>read</code></li>"));
    assert_contains(&consent, &[&format!("{name} asks for access to your account {name}."), &item]);
    assert!(!consent.body.contains("<script"), "{}", consent.body);
    assert_contains(&browser.get("/login"), &[&format!("as <strong>{escaped}</strong>")]);
}

fn a_wrong_password_shows_the_form_again(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    let wrong = browser.sign_in(&query, "Ada ", "a wrong password");
    assert_eq!(wrong.status, 403);
    assert_contains(
        &wrong,
        &[
            "<p class=\"alert\" role=\"alert\" id=\"login-error\">username or password is wrong</p>",
            "value=\"Ada \" aria-invalid=\"true\" aria-describedby=\"login-error\"",
            "<button id=\"login-submit\"",
        ],
    );
    assert!(!wrong.body.contains("a wrong password"), "{}", wrong.body);
    assert_headers(&wrong, &format!("{POLICY} https://app.example"), false);
    assert_eq!(set_cookies(&wrong), [""; 0]);
    // Unknown users get the same page, and the form of the page works.
    let unknown = browser.sign_in(&query, "nobody", "a wrong password");
    assert_eq!(unknown.body, wrong.body.replace("\"Ada \"", "\"nobody\""));
    let form = [("csrf", &*csrf(&wrong)), ("username", "ada"), ("password", PASSWORD)];
    assert_eq!(browser.post(&format!("/login?{query}"), &form).location().path(), "/oauth/authorize");
    let failed = &test.events("login.failed")[0];
    assert_eq!((failed.client_id.as_deref(), failed.target_id.as_deref()), (Some("app"), Some("nobody")));
    let succeeded = &test.events("login.succeeded")[0];
    assert_eq!((succeeded.client_id.as_deref(), succeeded.actor_kind.as_str()), (Some("app"), "user"));
}

fn a_throttled_login_says_when(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.login.failures_per_account = 2);
    test.user("ada", &[]);
    let browser = Browser::new(&test);
    for _ in 0..2 {
        assert_eq!(browser.sign_in("", "ada", "wrong password").status, 403);
    }
    test.advance(100);
    let throttled = browser.sign_in("", "ada", PASSWORD);
    assert_eq!((throttled.status.as_u16(), throttled.header("retry-after").as_str()), (429, "800"));
    assert_contains(&throttled, &["role=\"alert\"", "too many failed attempts: try again in 800 seconds"]);
    // The throttle is one for page and password grant.
    let parameters = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    test.token(&test.confidential(), &parameters).assert_error(429, "temporarily_unavailable");
    test.advance(800);
    assert_eq!(browser.sign_in("", "ada", PASSWORD).status, 303);
}

/// The session cookie that an answer sets, for use in another browser.
fn session_of(answer: &Answer) -> String {
    let lines = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let line = lines.into_iter().find(|line| line.starts_with("grantor-session=")).unwrap();
    line.split(';').next().unwrap().to_owned()
}

/// Is this session signed in?
fn lives(test: &TestServer, session: &str) -> bool {
    let page = Answer::of(http_client().get(test.url("/login")).header("cookie", session));
    assert_eq!(page.status, 200);
    page.body.contains("You are signed in")
}

fn signing_in_ends_the_session_before(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let browser = Browser::new(&test);
    let form = csrf(&browser.get("/login"));
    let sign_in = || {
        let form = [("csrf", form.as_str()), ("username", "ada"), ("password", PASSWORD)];
        session_of(&browser.post("/login", &form))
    };
    let first = sign_in();
    assert!(lives(&test, &first));
    let second = sign_in();
    assert_ne!(first, second);
    assert!(!lives(&test, &first) && lives(&test, &second));
    // A value that someone planted is never taken over.
    let planted = grantor::crypto::secret::SecretKind::LoginSession.generate().unwrap();
    let victim = Browser::new(&test);
    let form = csrf(&victim.get("/login"));
    let page = Answer::of(http_client().get(test.url("/login")));
    let cookie = page.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned());
    let cookie = cookie.into_iter().find(|line| line.starts_with("grantor-browser=")).unwrap();
    let cookie = format!("grantor-session={}; {}", *planted, cookie.split(';').next().unwrap());
    let request = http_client().post(test.url("/login")).header("cookie", cookie);
    let token = csrf(&page);
    assert_ne!(token, form);
    let done = Answer::of(request.form(&[("csrf", token.as_str()), ("username", "ada"), ("password", PASSWORD)]));
    assert!(lives(&test, &session_of(&done)));
    assert!(!lives(&test, &format!("grantor-session={}", *planted)));
    // Garbage is nobody.
    assert!(!lives(&test, "grantor-session=x") && !lives(&test, "grantor-session="));
}

fn a_session_ends_when_idle(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.login.session_idle_timeout = Duration::from_secs(100);
        config.login.session_lifetime = Duration::from_secs(250);
    });
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    let session = session_of(&browser.sign_in(&query, "ada", PASSWORD));
    let authorize = || browser.get(&format!("/oauth/authorize?{query}"));
    test.advance(99);
    assert!(authorize().parameter("code").is_some());
    // Used at 99, it is good until 199.
    test.advance(99);
    assert!(lives(&test, &session) && lives(&test.sibling(), &session));
    test.advance(1);
    assert!(!lives(&test, &session) && !lives(&test.sibling(), &session));
    assert_eq!(authorize().location().path(), "/login");
}

fn a_session_ends_at_its_end(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.login.session_idle_timeout = Duration::from_secs(100);
        config.login.session_lifetime = Duration::from_secs(250);
    });
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    browser.sign_in(&query, "ada", PASSWORD);
    let signed_in_at = test.clock.now().timestamp();
    let authorize = || browser.get(&format!("/oauth/authorize?{query}"));
    for wait in [90, 90, 69] {
        test.advance(wait);
        let code = authorize().parameter("code").unwrap();
        let tokens = test.token(&client, &code_parameters(&code)).json();
        // RFC 9068 §2.2.1: when the user signed in, not when the token was made.
        assert_eq!(claims(&text(&tokens["access_token"]))["auth_time"], signed_in_at);
    }
    test.advance(1);
    assert_eq!(authorize().location().path(), "/login");
}

fn a_disabled_user_is_signed_out(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let browser = Browser::new(&test);
    let session = session_of(&browser.sign_in("", "ada", PASSWORD));
    users::set_active(&test.server, &Caller::command_line(), &user, false).unwrap();
    assert!(!lives(&test, &session));
    users::set_active(&test.server, &Caller::command_line(), &user, true).unwrap();
    assert!(!lives(&test, &session));
    let session = session_of(&browser.sign_in("", "ada", PASSWORD));
    let password = users::NewPassword(zeroize::Zeroizing::new("another fine password".to_owned()));
    users::set_password(&test.server, &Caller::command_line(), &user, &password).unwrap();
    assert!(!lives(&test, &session));
}

fn signing_out_takes_a_click(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let session = session_of(&browser.sign_in("", "ada", PASSWORD));
    let page = browser.get("/logout");
    assert!(lives(&test, &session));
    let done = browser.post("/logout", &[("csrf", &csrf(&page))]);
    assert_eq!(done.status, 200);
    assert_contains(&done, &["You are signed out"]);
    assert!(!lives(&test, &session));
    let answer = browser.get(&format!("/oauth/authorize?{}", authorize_query(&client, &[])));
    assert_eq!(answer.location().path(), "/login");
    let events = test.events("logout.done");
    assert_eq!((events.len(), events[0].actor_id.as_deref()), (1, Some(user.as_str())));
    // Again, without a session: nothing happens, and nothing breaks.
    assert_eq!(browser.post("/logout", &[("csrf", &csrf(&browser.get("/logout")))]).status, 200);
    assert_eq!(test.events("logout.done").len(), 1);
}

fn who_is_signed_in_is_not_asked_again(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("Ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    assert_eq!(browser.sign_in("", "ada", PASSWORD).location().path(), "/login");
    assert_contains(&browser.get("/login"), &["You are signed in", "as <strong>Ada</strong>", "logout-confirm"]);
    let query = authorize_query(&client, &[]);
    let onward = browser.get(&format!("/login?{query}"));
    assert_eq!(onward.header("location"), format!("/oauth/authorize?{query}"));
    assert!(browser.follow(&onward).parameter("code").is_some());
    // A form that was open in another tab when the session ended decides nothing any more.
    let third = test.client(third_party("third"));
    let query = authorize_query(&third, &[]);
    let form = csrf(&browser.get(&format!("/consent?{query}")));
    browser.post("/logout", &[("csrf", &csrf(&browser.get("/logout")))]);
    let answer = browser.post(&format!("/consent?{query}"), &[("csrf", &form), ("decision", "allow")]);
    assert_eq!(answer.status, 403);
    // Nor does it when somebody else has signed in meanwhile.
    test.user("bob", &[]);
    browser.sign_in("", "bob", PASSWORD).location();
    assert_eq!(browser.post(&format!("/consent?{query}"), &[("csrf", &form), ("decision", "allow")]).status, 403);
    assert!(test.events("consent.granted").is_empty());
}

fn forms_that_cannot_be_read_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let browser = Browser::new(&test);
    let token = csrf(&browser.get("/login"));
    let send = |path: &str, content_type: &str, body: String| {
        let request = browser.request(Method::POST, path).header("content-type", content_type.to_owned());
        Answer::of(request.body(body))
    };
    let form = "application/x-www-form-urlencoded";
    for path in ["/login", "/consent", "/logout"] {
        for (content_type, body, status, sentence) in [
            ("text/plain", format!("csrf={token}"), 400, "the body must be application/x-www-form-urlencoded"),
            (
                "multipart/form-data; boundary=x",
                String::new(),
                400,
                "the body must be application/x-www-form-urlencoded",
            ),
            (form, format!("csrf={token}&csrf={token}"), 400, "parameter &#39;csrf&#39; is repeated"),
            (form, "csrf=%ff".to_owned(), 400, "a parameter is not UTF-8"),
            (form, "csrf=%00".to_owned(), 400, "a parameter holds a NUL character"),
            (form, "x".repeat(64 * 1024 + 1), 413, "the body must have at most 64 KiB"),
        ] {
            let answer = send(path, content_type, body);
            assert_eq!(answer.status.as_u16(), status, "{path} {sentence}");
            assert_contains(&answer, &[sentence]);
            assert_headers(&answer, POLICY, false);
        }
    }
    for missing in ["username=ada", "password=x", "username=&password="] {
        let answer = send("/login", form, format!("csrf={token}&{missing}"));
        assert_eq!(answer.status, 403, "{missing}");
        assert_contains(&answer, &["username or password is wrong"]);
    }
    let long = "x".repeat(3000);
    let answer = send("/login", form, format!("csrf={token}&username={long}&password={long}"));
    assert_eq!(answer.status, 403);
}

fn the_stylesheet_may_be_kept(engine: Engine) {
    let test = TestServer::start(engine);
    let page = Answer::of(http_client().get(test.url("/login")));
    let (_, rest) = page.body.split_once("<link rel=\"stylesheet\" href=\"").unwrap();
    let path = rest.split('"').next().unwrap();
    let (bare, version) = path.split_once("?v=").unwrap();
    assert!(bare == "/static/style.css" && version.len() >= 8, "{path}");
    let style = Answer::of(http_client().get(test.url(path)));
    assert_eq!((style.status.as_u16(), style.header("content-type").as_str()), (200, "text/css; charset=utf-8"));
    assert_eq!(style.header("cache-control"), "public, max-age=31536000, immutable");
    // The policy lets pages load nothing from elsewhere, and the stylesheet does not try.
    assert!(!style.body.contains("url(") && !style.body.contains("@import"));
}
