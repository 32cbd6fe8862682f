//! `/`, addresses where nothing is, the icon, HEAD; and what browsers are told in their language.

use grantor::config::Config;

use crate::console_support::*;
use crate::support::*;

on_both!(
    a_browser_gets_pages_and_machines_get_json,
    the_start_leads_to_what_is_open,
    there_is_an_icon,
    head_is_get_without_the_body,
    below_a_path_all_is_the_same,
    a_rejected_request_is_told_in_the_language_of_the_reader,
    refusals_are_told_in_german,
);

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

fn as_browser(test: &TestServer, path: &str) -> Answer {
    Answer::of(Browser::new(test).request(reqwest::Method::GET, path).header("accept", HTML))
}

fn a_browser_gets_pages_and_machines_get_json(engine: Engine) {
    let test = start(engine);
    for path in ["/console/x", "/account/x", "/nothing", "/console/access-keys/a/b/c/d"] {
        let page = as_browser(&test, path);
        assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8".to_owned()));
        assert_has(&page, &["<h1>Nothing is here</h1>", "href=\"/account\"", "href=\"/console\"", "rel=\"icon\""]);
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(!page.body.contains("sign-out"));
        let json = Browser::new(&test).get(path);
        assert_eq!((json.status.as_u16(), json.json()["code"].as_str()), (404, Some("not_found")), "{path}");
    }
    // The API is for machines, whoever asks.
    assert_eq!(as_browser(&test, "/v1/nothing").json()["code"], "not_found");
    let german = Browser::new(&test).request(reqwest::Method::GET, "/console/x").header("accept", HTML);
    assert_has(&Answer::of(german.header("accept-language", "de")), &["<h1>Hier ist nichts</h1>"]);
    // What somebody wrote into the address is not on the page.
    assert!(!as_browser(&test, "/console/%3Cscript%3Ealert(1)").body.contains("alert(1)"));
}

fn the_start_leads_to_what_is_open(engine: Engine) {
    let test = start(engine);
    let page = as_browser(&test, "/");
    assert_eq!(page.status, 200);
    assert_has(&page, &["href=\"/account\"", "href=\"/console\"", "Your account", "Console for operators"]);
    let json = Browser::new(&test).get("/");
    assert_eq!((json.status.as_u16(), json.json()["code"].as_str()), (404, Some("not_found")));
    let without = |change: fn(&mut Config)| {
        let test = start_with(engine, change);
        as_browser(&test, "/").body
    };
    let page = without(|config| config.console.enabled = false);
    assert!(page.contains("href=\"/account\"") && !page.contains("href=\"/console\""), "{page}");
    let page = without(|config| config.account.enabled = false);
    assert!(!page.contains("href=\"/account\"") && page.contains("href=\"/console\""), "{page}");
}

fn there_is_an_icon(engine: Engine) {
    let test = start(engine);
    for path in ["/favicon.ico", "/static/icon?v=1"] {
        let icon = Browser::new(&test).get(path);
        assert_eq!((icon.status.as_u16(), icon.header("content-type")), (200, "image/svg+xml".to_owned()), "{path}");
        assert!(icon.header("content-security-policy").contains("sandbox") && icon.body.contains("#1f4fa3"));
    }
    assert_eq!(Browser::new(&test).get("/favicon.ico").header("cache-control"), "public, max-age=86400");
    let login = Browser::new(&test).get("/login?client_id=none");
    assert_has(&login, &["<link rel=\"icon\" href=\"/static/icon?v="]);
}

fn head_is_get_without_the_body(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, _) = visit(&test, "ada", "/console");
    for path in ["/", "/console", "/console/projects", "/account", "/login", "/logout", "/device", "/static/style.css"]
    {
        let ask = |method| Answer::of(browser.request(method, path).header("accept", HTML));
        let (get, head) = (ask(reqwest::Method::GET), ask(reqwest::Method::HEAD));
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-security-policy"), get.header("content-security-policy"), "{path}");
        assert!(get.status.is_redirection() || head.header("content-length").parse::<usize>().unwrap() > 0, "{path}");
    }
    // The connection is as good as before.
    assert_eq!(browser.get("/console/projects").status, 200);
}

fn below_a_path_all_is_the_same(engine: Engine) {
    let test = start_with(engine, |config| {
        config.server.issuer = format!("{}/auth", config.server.issuer);
    });
    let origin = test.url("/").trim_end_matches("/auth/").to_owned();
    let ask = |path: &str| {
        let asked = reqwest::blocking::Client::new().get(format!("{origin}{path}")).header("accept", HTML);
        Answer::of(asked)
    };
    for path in ["/auth", "/auth/"] {
        let page = ask(path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert_has(&page, &["href=\"/auth/account\"", "href=\"/auth/console\"", "href=\"/auth/static/icon?v="]);
    }
    assert_eq!((ask("/favicon.ico").status.as_u16(), ask("/auth/favicon.ico").status.as_u16()), (200, 200));
    assert_eq!((ask("/auth/nothing").status.as_u16(), ask("/nothing").status.as_u16()), (404, 404));
}

fn a_rejected_request_is_told_in_the_language_of_the_reader(engine: Engine) {
    let test = start(engine);
    let path = "/oauth/authorize?client_id=none&response_type=code";
    let ask = |path: &str, languages: &str| {
        Answer::of(Browser::new(&test).request(reqwest::Method::GET, path).header("accept-language", languages))
    };
    let english = ask(path, "fr, en;q=0.5");
    assert_eq!(english.status, 400);
    assert_has(&english, &["<h1>Request rejected</h1>", "there is no client with this client_id", "lang=\"en\""]);
    for german in [ask(path, "de-AT"), ask(&format!("{path}&ui_locales=de"), "en")] {
        let said = "es gibt keinen Client mit dieser client_id";
        assert_has(&german, &["<h1>Anfrage abgelehnt</h1>", said, "lang=\"de\"", "Gehen Sie zur Anwendung"]);
        assert!(!german.body.contains("there is no client"));
    }
    let repeated = ask("/oauth/authorize?client_id=a&client_id=b", "de");
    assert_has(&repeated, &["der Parameter „client_id“ kommt mehrfach vor"]);
    // What clients read stays in the words of the RFCs.
    let json = Browser::new(&test).request(reqwest::Method::POST, "/oauth/token").header("accept-language", "de");
    let json = Answer::of(json.form(&[("grant_type", "refresh_token"), ("client_id", "none")]));
    assert_eq!(json.json()["error_description"], "parameter 'refresh_token' is missing");
}

fn refusals_are_told_in_german(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", "/console/projects/new");
    let german = |path: &str, fields: &[(&str, &str)]| {
        let token = csrf(&page);
        let form: Vec<_> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        let sent = browser.request(reqwest::Method::POST, path).header("accept-language", "de");
        Answer::of(sent.form(&form))
    };
    let lower = |text: &str| text.to_owned();
    for (path, fields, said) in [
        ("/console/projects/new", vec![("id", "a b"), ("name", "x")], lower("id muss aus 1 bis 64 der Zeichen")),
        ("/console/projects/new", vec![("id", "x"), ("name", "")], lower("name muss 1 bis 200 Bytes haben")),
        (
            "/console/scopes/new",
            vec![("name", "a\"b"), ("description", "x")],
            lower("name muss ein Scope mit höchstens"),
        ),
        (
            "/console/users/new",
            vec![("username", "bob"), ("new_password", "short")],
            lower("das Passwort muss mindestens 8 Zeichen haben"),
        ),
        ("/account/access-keys/new", vec![("name", "x"), ("life", "date")], lower("wählen Sie einen Tag")),
    ] {
        let refused = german(path, &fields);
        assert!(refused.status.is_client_error(), "{path}");
        assert_has(&refused, &[&said, "Der Server hat dies abgelehnt: "]);
    }
    let ask = |path: &str| Answer::of(browser.request(reqwest::Method::GET, path).header("accept-language", "de"));
    assert_has(&ask("/console/scopes"), &["Registrierte Clients sehen", "Ihre E-Mail-Adresse sehen"]);
    assert_has(&ask("/console/access-keys/new"), &["Das Audit-Log lesen"]);
    // What somebody wrote is told as it was written.
    assert_eq!(
        german("/console/scopes/new", &[("name", "parcels"), ("description", "See registered parcels")]).status,
        303
    );
    assert_has(&ask("/console/scopes"), &["See registered parcels"]);
}
