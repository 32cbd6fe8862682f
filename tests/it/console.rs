//! The console: signing in as an OAuth client, its session, its forms, and the pages of projects.

use std::time::Duration;

use grantor::flows::caller::Caller;
use grantor::flows::console::CLIENT_ID;
use grantor::flows::{clients, scopes, users};

use crate::console_support::*;
use crate::support::*;

/// The name of the session's cookie over plain http.
const COOKIE: &str = "grantor-console";

on_both!(
    signing_in_is_a_code_flow_with_pkce,
    the_page_that_was_wanted_comes_after_signing_in,
    an_answer_to_another_browser_signs_nobody_in,
    a_session_is_new_after_signing_in,
    a_session_ends,
    signing_out_ends_both_sessions,
    roles_decide,
    projects_from_new_to_deleted,
    a_dangerous_action_asks_for_the_password,
    every_change_asks_for_the_password,
    an_idle_session_is_not_renewed_by_a_longer_login,
    nobody_shuts_themselves_out,
    admins_make_keys_for_the_platform_but_none_that_is_an_owner,
    forms_are_tied_to_the_session,
    what_people_typed_is_text,
    pages_are_strict,
    pages_speak_german,
    without_console_there_is_none,
);

fn signing_in_is_a_code_flow_with_pkce(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let browser = Browser::new(&test);
    let sent = browser.get("/console/projects");
    let location = sent.location();
    let parameter =
        |name: &str| location.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    assert_eq!(location.path(), "/oauth/authorize");
    assert_eq!(parameter("client_id").as_deref(), Some(CLIENT_ID));
    assert_eq!(parameter("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(parameter("response_type").as_deref(), Some("code"));
    assert!(parameter("state").is_some_and(|state| state.len() >= 43));
    let page = sign_in(&browser, "ada", "/console/projects");
    assert_eq!(page.status, 200);
    assert_has(&page, &["<h1>Projects</h1>", "ada", "sign-out", "There are no projects yet"]);
    // Where somebody else's console is open, nobody can be made to use another's.
    let client = clients::show(&test.server, &Caller::command_line(), CLIENT_ID).unwrap();
    assert!(client.first_party && client.require_pkce && client.is_public());
}

fn the_page_that_was_wanted_comes_after_signing_in(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (_, page) = visit(&test, "ada", "/console/projects/new?x=%2F%2Fevil.example");
    assert_has(&page, &["<h1>New project</h1>"]);
    // A page that somebody else chose is not led to.
    for other in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2Fconsole%2F%2Fevil.example", "%2Flogin"] {
        let browser = Browser::new(&test);
        browser.get("/console/projects");
        let sent = browser.cookies();
        let asked = browser.follow(&browser.get("/console/projects"));
        let is_new = |name: &String| name.starts_with("grantor-departure-") && !sent.contains(name);
        let name = browser.cookies().into_iter().find(is_new).unwrap();
        let planted = browser.cookie(&name).unwrap();
        for name in [name.clone(), format!("__Host-{name}")] {
            browser.set_cookie(&name, &format!("{}~{other}", planted.split('~').next().unwrap()));
        }
        let signed_in = browser.sign_in(asked.location().query().unwrap(), "ada", PASSWORD);
        assert_eq!(browser.follow(&browser.follow(&signed_in)).header("location"), "/console", "{other}");
    }
}

fn an_answer_to_another_browser_signs_nobody_in(engine: Engine) {
    let test = start(engine);
    test.user("mallory", &[]);
    let mallory = Browser::new(&test);
    let asked = mallory.follow(&mallory.get("/console/projects"));
    let query = asked.location().query().unwrap().to_owned();
    let signed_in = mallory.sign_in(&query, "mallory", PASSWORD);
    let answer = mallory.follow(&signed_in).location();
    assert_eq!(answer.path(), "/console/callback");
    let (path, query) = (answer.path().to_owned(), answer.query().unwrap().to_owned());
    for victim in [Browser::new(&test), {
        let browser = Browser::new(&test);
        browser.get("/console/projects");
        browser
    }] {
        let refused = victim.get(&format!("{path}?{query}"));
        assert_eq!((refused.status.as_u16(), refused.header("set-cookie").contains("console=co_")), (400, false));
        assert_has(&refused, &["This sign-in was not begun in this browser"]);
    }
    let tampered = mallory.get(&format!("{path}?{}", query.replace("iss=", "iss=x")));
    assert_eq!(tampered.status, 400);
    assert_eq!(mallory.get(&format!("{path}?{query}")).status, 303);
}

fn a_session_is_new_after_signing_in(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    // One that an attacker could have planted, of a good form and even of a session of their own.
    test.user("mallory", &[]);
    let (mallory, _) = visit(&test, "mallory", "/console/projects");
    let planted = mallory.cookie(COOKIE).unwrap();
    test.advance(1801);
    let victim = Browser::new(&test);
    victim.set_cookie(COOKIE, &planted);
    victim.set_cookie("__Host-grantor-console", &planted);
    assert_eq!(sign_in(&victim, "ada", "/console/projects").status, 200);
    assert_ne!(victim.cookie(COOKIE).unwrap(), planted);
    let attacker = Browser::new(&test);
    attacker.set_cookie(COOKIE, &planted);
    assert_eq!(attacker.get("/console/projects").status, 303);
}

fn a_session_ends(engine: Engine) {
    let test = start_with(engine, |config| {
        config.console.session_idle_timeout = Duration::from_secs(600);
        config.console.session_lifetime = Duration::from_secs(3600);
    });
    let ada = test.user("ada", &["owner"]);
    let (browser, _) = visit(&test, "ada", "/console/projects");
    for _ in 0..5 {
        test.advance(590);
        assert_eq!(browser.get("/console/projects").status, 200, "used within the idle time");
    }
    test.advance(655);
    assert_eq!(browser.get("/console/projects").status, 303, "its lifetime is over");
    let (browser, _) = visit(&test, "ada", "/console/projects");
    test.advance(601);
    assert_eq!(browser.get("/console/projects").status, 303, "idle");
    let (browser, _) = visit(&test, "ada", "/console/projects");
    users::set_active(&test.server, &Caller::command_line(), &ada, false).unwrap();
    assert_eq!(browser.get("/console/projects").status, 303, "the user is disabled");
}

fn signing_out_ends_both_sessions(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console/projects");
    let cookie = browser.cookie(COOKIE).unwrap();
    let left = send(&browser, &page, "/console/sign-out", &[]);
    assert_has(&left, &["You are signed out"]);
    assert_eq!(browser.cookie(COOKIE), None);
    let copied = Browser::new(&test);
    copied.set_cookie(COOKIE, &cookie);
    copied.set_cookie("grantor-browser", &browser.cookie("grantor-browser").unwrap());
    assert_eq!(copied.get("/console/projects").status, 303);
    let asked = browser.follow(&browser.get("/console/projects"));
    assert_eq!(asked.location().path(), "/login", "the login session has ended too");
    assert_eq!(test.events("console_session.ended").len(), 1);
    // And the other way round: the end of the login session ends that of the console.
    let (browser, _) = visit(&test, "ada", "/console/projects");
    let question = browser.get("/logout");
    browser.post("/logout", &[("csrf", &csrf(&question))]);
    assert_eq!(browser.get("/console/projects").status, 303);
}

fn roles_decide(engine: Engine) {
    let test = start(engine);
    for role in ["owner", "admin", "support", "auditor"] {
        test.user(role, &[role]);
        let (browser, page) = visit(&test, role, "/console/projects");
        assert_eq!(page.status, 200, "{role}");
        let writes = ["owner", "admin"].contains(&role);
        assert_eq!(page.body.contains("New project"), writes, "{role}");
        assert_eq!(page.body.contains("/console/audit"), role != "support", "{role}");
        let form = browser.get("/console/projects/new");
        assert_eq!(form.status, if writes { 200 } else { 403 }, "{role}");
        let sent = send(&browser, &page, "/console/projects/new", &[("id", role), ("name", role)]);
        assert_eq!(sent.status, if writes { 303 } else { 403 }, "{role}");
    }
    test.user("nobody", &[]);
    let (browser, page) = visit(&test, "nobody", "/console/projects");
    assert_eq!(page.status, 403);
    assert!(!page.body.contains("/console/audit") && page.body.contains("/account/password"));
    assert_eq!(browser.get("/console").header("location"), "/account");
    // Whoever loses a role loses what it opened at once.
    let (browser, _) = visit(&test, "owner", "/console/projects");
    let edit = users::UserEdit { roles: Some(Vec::new()), ..users::UserEdit::default() };
    users::update(&test.server, &Caller::command_line(), "owner", edit).unwrap();
    assert_ne!(browser.get("/console/projects").status, 200);
}

fn projects_from_new_to_deleted(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (browser, page) = visit(&test, "ada", "/console/projects/new");
    let refused = send(&browser, &page, "/console/projects/new", &[("id", "no good"), ("name", "Shop")]);
    assert_eq!(refused.status, 400);
    assert_has(&refused, &["id must be 1 to 64", "value=\"no good\"", "value=\"Shop\"", "role=\"alert\""]);
    // As browsers send the lines of a text area.
    let fields = [("id", "shop"), ("name", "Shop"), ("description", "Sells\r\nall")];
    let listed = done(&browser, &page, "/console/projects/new", &fields);
    assert_has(&listed, &["It has been created.", "/console/projects/shop/edit", "<code>shop</code>", "Sells\nall"]);
    let edit = browser.get("/console/projects/shop/edit");
    let fields = [("name", "The shop"), ("description", "")];
    assert_has(&done(&browser, &edit, "/console/projects/shop/edit", &fields), &["have been saved", "The shop"]);
    let ask = browser.get("/console/projects/shop/delete");
    assert_has(&ask, &["Type “The shop” to go on"]);
    let wrong = send(&browser, &ask, "/console/projects/shop/delete", &[("confirm", "shop")]);
    assert_eq!(wrong.status, 400);
    assert_has(&wrong, &["Type the name exactly", "value=\"shop\""]);
    let listed = done(&browser, &ask, "/console/projects/shop/delete", &[("confirm", "The shop")]);
    assert_has(&listed, &["It has been deleted.", "There are no projects yet"]);
    assert_eq!(browser.get("/console/projects/shop/edit").status, 404);
}

fn a_dangerous_action_asks_for_the_password(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (browser, page) = visit(&test, "ada", "/console/projects/new");
    done(&browser, &page, "/console/projects/new", &[("id", "shop"), ("name", "Shop")]);
    test.advance(301);
    let path = "/console/projects/shop/delete";
    let ask = browser.get(path);
    assert_has(&ask, &["type=\"password\"", "autocomplete=\"current-password\""]);
    let without = send(&browser, &ask, path, &[("confirm", "Shop")]);
    assert_eq!(without.status, 403);
    assert_has(&without, &["Give your password once more."]);
    let wrong = send(&browser, &ask, path, &[("confirm", "Shop"), ("password", "wrong")]);
    assert_eq!(wrong.status, 403);
    assert_has(&wrong, &["The password is wrong."]);
    assert_eq!(test.events("login.failed").len(), 1);
    assert_has(&done(&browser, &ask, path, &[("confirm", "Shop"), ("password", PASSWORD)]), &["It has been deleted."]);
    // For a while it is not asked for again.
    done(&browser, &page, "/console/projects/new", &[("id", "shop"), ("name", "Shop")]);
    assert!(!browser.get(path).body.contains("type=\"password\""));
}

fn every_change_asks_for_the_password(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console/projects");
    test.advance(301);
    let fields = [("username", "eve"), ("new_password", "a passphrase for eve"), ("roles", "owner")];
    for path in ["users/new", "access-keys/new", "service-accounts/new", "clients/new/machine", "scopes/new"] {
        let asked = send(&browser, &page, &format!("/console/{path}"), &fields);
        assert_eq!(asked.status, 403, "{path}");
        assert_has(&asked, &["password-proof", "Give your password once more.", "name=\"roles\" value=\"owner\""]);
    }
    let asked = send(&browser, &page, "/console/users/new", &fields);
    let mut proven = fields.to_vec();
    proven.push(("password", "wrong"));
    assert_has(&send(&browser, &asked, "/console/users/new", &proven), &["The password is wrong."]);
    assert!(users::show(&test.server, &Caller::command_line(), "eve").is_err());
    proven.pop();
    proven.push(("password", PASSWORD));
    assert_eq!(send(&browser, &asked, "/console/users/new", &proven).status, 303);
    assert_eq!(users::show(&test.server, &Caller::command_line(), "eve").unwrap().roles, ["owner"]);
}

fn an_idle_session_is_not_renewed_by_a_longer_login(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, _) = visit(&test, "ada", "/console/projects");
    test.advance(1801);
    let asked = browser.follow(&browser.get("/console/projects"));
    assert_eq!(asked.location().path(), "/login", "the login session lives on, but the password is asked for");
}

fn nobody_shuts_themselves_out(engine: Engine) {
    let test = start(engine);
    let ada = test.user("ada", &["owner"]);
    test.user("bob", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console/projects");
    let disabled = send(&browser, &page, &format!("/console/users/{ada}/disable"), &[]);
    assert_eq!(disabled.status, 409);
    assert_has(&disabled, &["you cannot disable yourself"]);
    let (other, page) = visit(&test, "bob", "/console/projects");
    assert_eq!(send(&other, &page, &format!("/console/users/{ada}/disable"), &[]).status, 303);
}

fn admins_make_keys_for_the_platform_but_none_that_is_an_owner(engine: Engine) {
    let test = start(engine);
    test.user("root", &["owner"]);
    test.user("adm", &["admin"]);
    let new = scopes::NewScope {
        name: "orders:read".to_owned(),
        description: "See orders".to_owned(),
        resource: None,
        privileged: false,
    };
    scopes::create(&test.server, &Caller::command_line(), new).unwrap();
    let (browser, page) = visit(&test, "adm", "/console/access-keys/new");
    assert_has(&page, &["value=\"orders:read\""]);
    let form = |owner| {
        [
            ("name", "k"),
            ("owner_kind", owner),
            ("owner", "root"),
            ("projects", "all"),
            ("scope", "orders:read"),
            ("expiry", "30"),
        ]
    };
    let made = send(&browser, &page, "/console/access-keys/new", &form("self"));
    assert_eq!(made.status, 200, "{}", made.body);
    let refused = send(&browser, &page, "/console/access-keys/new", &form("user"));
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_has(&refused, &["you cannot hand out admin"]);
}

fn forms_are_tied_to_the_session(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    test.user("eve", &["admin"]);
    let (ada, page) = visit(&test, "ada", "/console/projects/new");
    let (_, foreign) = visit(&test, "eve", "/console/projects/new");
    let fields = [("id", "shop"), ("name", "Shop")];
    for token in [None, Some(csrf(&foreign)), Some(csrf(&page) + "x")] {
        let mut form = fields.to_vec();
        form.extend(token.as_deref().map(|token| ("csrf", token)));
        let refused = ada.post("/console/projects/new", &form);
        assert_eq!(refused.status, 403);
        assert_has(&refused, &["This form is too old"]);
    }
    let own = csrf(&page);
    let mut form = fields.to_vec();
    form.push(("csrf", &own));
    let elsewhere =
        ada.request(reqwest::Method::POST, "/console/projects/new").header("origin", "https://evil.example");
    assert_eq!(Answer::of(elsewhere.form(&form)).status, 403);
    assert_eq!(ada.post("/console/projects/new", &form).status, 303);
}

fn what_people_typed_is_text(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (browser, page) = visit(&test, "ada", "/console/projects/new");
    let fields = [("id", "shop"), ("name", SCRIPT), ("description", SCRIPT)];
    assert_escaped(&done(&browser, &page, "/console/projects/new", &fields));
    assert_escaped(&browser.get("/console/projects/shop/edit"));
    assert_escaped(&browser.get("/console/projects/shop/delete"));
    assert_escaped(&send(&browser, &page, "/console/projects/new", &[("id", SCRIPT), ("name", SCRIPT)]));
    let shown = browser.get(&format!("/console/projects?done={}", "<script>alert(1)</script>"));
    assert!(!shown.body.contains("alert(1)</script>"));
    let env = send(&browser, &page, "/console/env-file", &[("env", "API_KEY=<b>x</b>")]);
    assert_eq!(env.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(env.header("content-disposition"), "attachment; filename=\".env\"");
    assert_eq!(env.body, "API_KEY=<b>x</b>\n");
}

fn pages_are_strict(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (_, page) = visit(&test, "ada", "/console/projects");
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.body.len() < 100_000);
    for (path, kind) in [("/static/desk.js", "text/javascript"), ("/static/brand.css", "text/css")] {
        let file = Browser::new(&test).get(path);
        assert_eq!((file.status.as_u16(), file.header("content-type").starts_with(kind)), (200, true), "{path}");
        assert!(file.body.len() < 4_000 && page.body.contains(path));
    }
    assert_eq!(Browser::new(&test).get("/static/logo").status, 404);
}

fn pages_speak_german(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    let (browser, _) = visit(&test, "ada", "/console/projects");
    let german = |path: &str, languages: &str| {
        Answer::of(browser.request(reqwest::Method::GET, path).header("accept-language", languages))
    };
    let page = german("/console/projects", "fr;q=0.9, de-AT;q=0.8, en;q=0.1");
    assert_has(&page, &["<html lang=\"de\">", "Projekte", "Abmelden"]);
    assert_has(&german("/console/projects", "fr, en;q=0.5, de;q=0.4"), &["<html lang=\"en\">"]);
    assert_has(&german("/console/projects?ui_locales=de", "en"), &["<html lang=\"de\">"]);
}

fn without_console_there_is_none(engine: Engine) {
    let test = TestServer::start(engine);
    for path in ["/console", "/console/projects", "/console/callback", "/account"] {
        assert_eq!(Browser::new(&test).get(path).status, 404, "{path}");
    }
    let all = clients::list(
        &test.server,
        &Caller::command_line(),
        &grantor::domain::client_list::ClientFilter::default(),
        grantor::domain::client_list::ClientOrder::default(),
        &grantor::domain::page::PageRequest::new(None, None),
    );
    assert!(all.unwrap().items.is_empty());
}
