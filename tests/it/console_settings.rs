//! Scopes, environments, plans and workflows in the console; and what holds for every form of these sections.

use grantor::domain::limits::Limits;
use grantor::flows::caller::Caller;
use grantor::flows::scopes::{self, NewScope};
use grantor::flows::{clients, service_accounts, users};

use crate::console_support::*;
use crate::support::*;

on_both!(
    scopes_from_new_to_deleted,
    what_the_server_needs_stays,
    environments_and_plans_are_shown,
    workflows_from_new_to_revoked,
    what_settings_say_is_text,
    every_form_is_checked,
    every_page_speaks_german,
);

fn scopes_from_new_to_deleted(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    let (browser, form) = visit(&test, "adam", "/console/scopes/new");
    let new = "/console/scopes/new";
    for (name, resource, said) in [
        ("two words", "", "name must be a scope token"),
        ("admin", "", "belongs to the admin API"),
        ("openid", "https://api.example", "belongs to OpenID Connect"),
        ("orders:read", "no address", "resource"),
    ] {
        let fields = [("name", name), ("description", "Read orders"), ("resource", resource)];
        let refused = send(&browser, &form, new, &fields);
        assert!(refused.status.is_client_error(), "{name}");
        assert_has(&refused, &[said, "value=\"Read orders\""]);
    }
    let name = "https://api.example/orders?x=1&y=2";
    let fields = [("name", name), ("description", "Read orders"), ("resource", "https://api.example/")];
    let list = done(&browser, &form, new, &fields);
    assert_has(&list, &["It has been created.", "Read orders", "https://api.example/"]);
    assert_eq!(send(&browser, &form, new, &fields).status, 409);
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
    let path = format!("/console/scopes/edit?{query}");
    assert!(list.body.replace("&amp;", "&").contains(&path), "{}", list.body);
    let edit = browser.get(&path);
    assert_has(&edit, &["value=\"Read orders\""]);
    let saved = done(&browser, &edit, &path, &[("description", "See orders"), ("privileged", "yes")]);
    assert_has(&saved, &["have been saved", "See orders", "privileged"]);
    let path = format!("/console/scopes/delete?{query}");
    let ask = browser.get(&path);
    assert_has(&send(&browser, &ask, &path, &[("confirm", "orders")]), &["Type the name exactly"]);
    // Who does not hold a privileged scope cannot take its definition away.
    assert_eq!(send(&browser, &ask, &path, &[("confirm", name)]).status, 403);
    test.user("olga", &["owner"]);
    let (olga, ask) = visit(&test, "olga", &path);
    assert_has(&done(&olga, &ask, &path, &[("confirm", name)]), &["It has been deleted."]);
    assert_eq!(browser.get(&path).status, 404);
}

fn what_the_server_needs_stays(engine: Engine) {
    let test = start(engine);
    test.user("olga", &["owner"]);
    let (browser, list) = visit(&test, "olga", "/console/scopes");
    assert!(!list.body.contains("edit?name=clients"), "the admin API's are not offered");
    assert_has(&list, &["/console/scopes/edit?name=openid"]);
    let edit = browser.get("/console/scopes/edit?name=openid");
    assert!(!edit.body.contains("/console/scopes/delete") && !edit.body.contains("name=\"resource\""));
    let path = "/console/scopes/edit?name=openid";
    assert_has(&done(&browser, &edit, path, &[("description", "Know who you are")]), &["Know who you are"]);
    for (path, fields) in [
        ("/console/scopes/delete?name=openid", [("confirm", "openid")]),
        ("/console/scopes/edit?name=admin", [("description", "Everything")]),
    ] {
        assert_eq!(send(&browser, &edit, path, &fields).status, 400, "{path}");
    }
}

fn environments_and_plans_are_shown(engine: Engine) {
    let test = start_with(engine, |config| {
        let limits = Limits { requests_per_minute: Some(321), requests_per_hour: None };
        config.plans.0.insert("gold".to_owned(), limits);
    });
    test.user("alan", &["auditor"]);
    let (_, page) = visit(&test, "alan", "/console/environments");
    assert_has(&page, &["live", "default", "gold", "321", "Pattern for secret scanners"]);
    let empty = start(engine);
    empty.user("alan", &["auditor"]);
    assert_has(&visit(&empty, "alan", "/console/environments").1, &["No plan is configured"]);
}

fn workflows_from_new_to_revoked(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    let client = test.confidential();
    let secret = client.secret.as_deref().unwrap();
    let (browser, page) = visit(&test, "adam", "/console/workflows");
    assert_has(&page, &["There are no workflows yet"]);
    let new = "/console/workflows/new";
    let form = browser.get(new);
    let mut fields =
        vec![("client_id", "web"), ("client_secret", "cs_wrong"), ("name", "Kiosk"), ("more_scope", "read")];
    let refused = send(&browser, &form, new, &fields);
    assert_eq!(refused.status, 400);
    assert_has(&refused, &["Invalid client secret", "value=\"Kiosk\""]);
    assert!(!refused.body.contains("cs_wrong"), "never sent back");
    fields.retain(|(name, _)| *name != "client_secret");
    fields.extend([("client_secret", secret), ("allowed_origins", "https://shop.example")]);
    let page = done(&browser, &form, new, &fields);
    assert_has(&page, &["It has been created.", "<h1>Kiosk</h1>", "https://shop.example", "300", "active"]);
    let (_, rest) = page.body.split_once("<code>wf_").unwrap();
    let path = format!("/console/workflows/wf_{}", rest.split('<').next().unwrap());
    let listed = browser.get("/console/workflows?client=web");
    assert_has(&listed, &["Kiosk", "/console/clients/web"]);
    assert_has(&browser.get("/console/workflows?client=other"), &["Nothing was found"]);

    let resource = test.server.config.server.issuer.clone();
    let edit = format!("{path}/edit");
    let mut fields = vec![("name", "Kiosk 2"), ("more_scope", "read"), ("resources", resource.as_str())];
    fields.extend([("allowed_origins", "https://shop.example"), ("access_token_lifetime", "60")]);
    assert_has(&done(&browser, &form, &edit, &fields), &["have been saved", "Kiosk 2"]);
    fields.retain(|(name, _)| *name != "more_scope");
    fields.push(("more_scope", "read write"));
    assert_has(&send(&browser, &form, &edit, &fields), &["send client_secret too"]);
    fields.push(("client_secret", secret));
    assert_has(&done(&browser, &form, &edit, &fields), &["have been saved", "<code>write</code>"]);

    let ask = browser.get(&format!("{path}/invalidate"));
    let page = done(&browser, &ask, &format!("{path}/invalidate"), &[]);
    assert_has(&page, &["The tokens of the workflow have ended.", "needs the secret"]);
    let again = browser.get(&format!("{path}/authorize"));
    assert_eq!(send(&browser, &again, &format!("{path}/authorize"), &[("client_secret", "x")]).status, 400);
    let page = done(&browser, &again, &format!("{path}/authorize"), &[("client_secret", secret)]);
    assert_has(&page, &["The workflow is authorized."]);

    test.user("sam", &["support"]);
    let (sam, ask) = visit(&test, "sam", &format!("{path}/disable"));
    assert_has(&done(&sam, &ask, &format!("{path}/disable"), &[]), &["It has been disabled."]);
    for action in ["enable", "revoke", "edit", "authorize", "invalidate"] {
        assert_eq!(send(&sam, &ask, &format!("{path}/{action}"), &fields).status, 403, "{action}");
    }
    done(&browser, &form, &format!("{path}/enable"), &[]);
    let page = done(&browser, &form, &format!("{path}/revoke"), &[("confirm", "Kiosk 2")]);
    assert_has(&page, &["It has been revoked."]);
    assert_eq!(send(&browser, &form, &edit, &fields).status, 409);
}

fn what_settings_say_is_text(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    let client = test.confidential();
    let (browser, form) = visit(&test, "adam", "/console/scopes/new");
    let name = "<script>alert(1)</script>";
    let list = done(&browser, &form, "/console/scopes/new", &[("name", name), ("description", SCRIPT)]);
    assert_escaped(&list);
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
    assert_escaped(&browser.get(&format!("/console/scopes/edit?{query}")));
    assert_escaped(&browser.get(&format!("/console/scopes/delete?{query}")));
    // The description is offered beside the boxes of other forms.
    for path in ["/console/clients/new/web-app", "/console/service-accounts/new", "/console/workflows/new"] {
        assert_escaped(&browser.get(path));
    }
    let secret = client.secret.as_deref().unwrap();
    let fields = [("client_id", "web"), ("client_secret", secret), ("name", SCRIPT), ("more_scope", "read")];
    let page = done(&browser, &form, "/console/workflows/new", &fields);
    assert_escaped(&page);
    assert_escaped(&browser.get("/console/workflows"));
    let filter = "/console/workflows?client=%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    assert_escaped(&browser.get(filter));
}

/// Every form of these sections, and a page that shows it (the same address, where there is one).
fn forms(test: &TestServer) -> Vec<(String, bool)> {
    let caller = Caller::command_line();
    let client = test.confidential();
    let user = test.user("somebody", &[]);
    let new = service_accounts::NewServiceAccount { name: "ci".to_owned(), ..Default::default() };
    let account = service_accounts::create(&test.server, &caller, new).unwrap().id;
    let workflow = grantor::flows::workflows::NewWorkflow {
        client_id: "web".to_owned(),
        client_secret: client.secret.unwrap().into(),
        name: "Kiosk".to_owned(),
        scopes: vec!["read".to_owned()],
        ..Default::default()
    };
    let workflow = grantor::flows::workflows::create(&test.server, &caller, workflow).unwrap().workflow.id;
    let (name, description) = ("orders".to_owned(), "Orders".to_owned());
    let scope = NewScope { name, description, resource: None, privileged: false };
    scopes::create(&test.server, &caller, scope).unwrap();
    let mut all: Vec<(String, bool)> = Vec::new();
    let mut add = |home: &str, shown: &[&str], others: &[&str]| {
        all.extend(shown.iter().map(|action| (format!("{home}{action}"), true)));
        all.extend(others.iter().map(|action| (format!("{home}{action}"), false)));
    };
    let kinds = ["single-page-app", "web-app", "native-app", "machine", "resource-server"];
    kinds.iter().for_each(|kind| add("/console/clients/new/", &[kind], &[]));
    let client = ["/edit", "/rotate", "/try", "/disable", "/revoke"];
    add("/console/clients/web", &client, &["/enable", "/finish"]);
    add("/console/users", &["/new"], &[]);
    add(&format!("/console/users/{user}"), &["/edit", "/password", "/disable"], &["/enable"]);
    add("/console/service-accounts", &["/new"], &[]);
    add(&format!("/console/service-accounts/{account}"), &["/edit", "/disable", "/revoke"], &["/enable"]);
    add("/console/workflows", &["/new"], &[]);
    let actions = ["/edit", "/authorize", "/invalidate", "/disable", "/revoke"];
    add(&format!("/console/workflows/{workflow}"), &actions, &["/enable"]);
    add("/console/scopes", &["/new", "/edit?name=orders", "/delete?name=orders"], &[]);
    all
}

fn every_form_is_checked(engine: Engine) {
    let test = start(engine);
    let forms = forms(&test);
    test.user("olga", &["owner"]);
    test.user("eve", &["owner"]);
    test.user("alan", &["auditor"]);
    let (olga, own) = visit(&test, "olga", "/console/users/new");
    let (_, foreign) = visit(&test, "eve", "/console/users/new");
    let (alan, page) = visit(&test, "alan", "/console/users");
    for (path, is_shown) in &forms {
        if *is_shown {
            let shown = olga.get(path);
            assert_eq!(shown.status, 200, "{path}");
            assert_has(
                &shown,
                &["<main id=\"main\"", "<h1>", &format!("action=\"{}", path.split('?').next().unwrap())],
            );
            assert!(shown.body.len() < 100_000, "{path}");
            assert_eq!(alan.get(path).status, 403, "{path}");
        }
        // Without a token, with that of another session, from another site.
        assert_eq!(olga.post(path, &[]).status, 403, "{path}");
        assert_eq!(send(&olga, &foreign, path, &[]).status, 403, "{path}");
        let token = csrf(&own);
        let elsewhere = olga.request(reqwest::Method::POST, path).header("origin", "https://evil.example");
        assert_eq!(Answer::of(elsewhere.form(&[("csrf", token.as_str())])).status, 403, "{path}");
        // Somebody who only reads.
        assert_eq!(send(&alan, &page, path, &[]).status, 403, "{path}");
        // Nobody.
        let nobody = Browser::new(&test);
        assert!([303, 403].contains(&nobody.post(path, &[]).status.as_u16()), "{path}");
    }
    // Nothing of all that has changed anything.
    let caller = Caller::command_line();
    let client = clients::show(&test.server, &caller, "web").unwrap();
    let user = users::show(&test.server, &caller, "somebody").unwrap();
    assert_eq!((client.status.as_str(), user.status.as_str()), ("active", "active"));
    assert_eq!(client.updated_at, client.created_at);
}

fn every_page_speaks_german(engine: Engine) {
    let test = start(engine);
    let mut paths: Vec<String> = forms(&test).into_iter().filter(|(_, shown)| *shown).map(|(path, _)| path).collect();
    let sections = ["clients", "clients/new", "clients/web", "users", "service-accounts", "workflows", "scopes"];
    paths.extend(sections.iter().map(|section| format!("/console/{section}")));
    paths.push("/console/environments".to_owned());
    test.user("olga", &["owner"]);
    let (browser, _) = visit(&test, "olga", "/console/users");
    for path in paths {
        let page = Answer::of(browser.request(reqwest::Method::GET, &path).header("accept-language", "de"));
        assert_eq!(page.status, 200, "{path}");
        assert_has(&page, &["<html lang=\"de\">"]);
    }
}
