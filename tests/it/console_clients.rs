//! Clients in the console: the wizard, the page of a client, its secret, and the trial of its code flow.

use grantor::domain::client::{Client, Status};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::scopes::{self, NewScope};
use grantor::protocol::client_auth_method::ClientAuthMethod;
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::redirect_uri::RedirectUri;
use grantor::protocol::scope::Scope;

use crate::console_support::*;
use crate::support::*;

const NEW: &str = "/console/clients/new";

on_both!(
    the_wizard_sets_what_is_safe,
    the_wizard_comes_back_with_what_was_typed,
    a_list_is_searched_and_paged,
    a_client_is_edited,
    a_secret_is_rotated_in_two_steps,
    a_client_is_disabled_enabled_and_revoked,
    support_only_disables,
    what_an_operator_does_not_hold_is_not_theirs_to_change,
    what_is_registered_is_text,
    a_trial_runs_the_flow,
    a_trial_tells_a_refusal,
    the_address_of_trials_is_for_nothing_else,
    the_answer_of_a_trial_is_for_who_asked,
    a_trial_needs_the_right_to_act_as_the_client,
);

fn find(test: &TestServer, id: &str) -> Client {
    clients::show(&test.server, &Caller::command_line(), id).unwrap()
}

/// The client that a page leads to.
fn client_of(page: &Answer) -> String {
    let (_, rest) = page.body.rsplit_once("href=\"/console/clients/").unwrap_or_else(|| panic!("{page:?}"));
    rest.split('"').next().unwrap().to_owned()
}

/// A client with the code grant, of somebody else: people are asked.
fn shop(test: &TestServer, scope: &str) -> TestClient {
    test.client(ClientMembers {
        client_id: Some("shop".to_owned()),
        client_name: Some("Shop".to_owned()),
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        redirect_uris: Some(vec![RedirectUri::parse(REDIRECT_URI).unwrap()]),
        scope: Some(Scope::parse(scope).unwrap()),
        ..ClientMembers::default()
    })
}

fn define(test: &TestServer, name: &str) {
    let (name, description) = (name.to_owned(), "Read orders".to_owned());
    let new = NewScope { name, description, resource: None, privileged: false };
    scopes::create(&test.server, &Caller::command_line(), new).unwrap();
}

fn the_wizard_sets_what_is_safe(engine: Engine) {
    let test = start(engine);
    define(&test, "orders:read");
    test.user("ada", &["owner"]);
    let (browser, page) = visit(&test, "ada", NEW);
    assert_has(&page, &["What are you building?", "single-page-app", "web-app", "native-app", "machine"]);
    let make = |kind: &str, fields: &[(&str, &str)]| {
        let path = format!("{NEW}/{kind}");
        let form = browser.get(&path);
        assert_eq!(form.status, 200, "{kind}");
        let mut all = vec![("client_name", "Shop"), ("scope", "orders:read")];
        all.extend(fields);
        let made = send(&browser, &form, &path, &all);
        assert_eq!(made.status, 200, "{kind}: {}", made.body);
        (find(&test, &client_of(&made)), made)
    };
    let issuer = test.server.config.server.issuer.as_str();

    let (spa, page) = make("single-page-app", &[("redirect_uris", "https://shop.example/a\nhttps://shop.example/b")]);
    assert!(spa.is_public() && spa.require_pkce && !spa.first_party);
    assert_eq!(spa.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!(spa.allowed_origins.len(), 1);
    assert_eq!(spa.scope.to_string(), "orders:read offline_access");
    assert_has(&page, &["oauth4webapi", spa.client_id.as_str(), "https://shop.example/a", issuer]);
    assert!(!page.body.contains("download-env"), "there is no secret");

    let (web, page) = make("web-app", &[("redirect_uris", "https://shop.example/a")]);
    assert_eq!(web.token_endpoint_auth_method, ClientAuthMethod::ClientSecretBasic);
    assert!(web.require_pkce && web.grant_types == [GrantType::AuthorizationCode]);
    assert_has(&page, &["download-env", "CLIENT_SECRET=", web.client_id.as_str(), "openid-client", "orders:read"]);
    let (away, _) = make("web-app", &[("redirect_uris", "https://shop.example/a"), ("offline", "yes")]);
    assert!(away.allows_grant(GrantType::RefreshToken));

    let (native, page) = make("native-app", &[("redirect_uris", "http://127.0.0.1/callback")]);
    assert!(native.is_public() && native.allowed_origins.is_empty());
    assert_has(&page, &["createServer", "http://127.0.0.1/callback"]);

    let (machine, page) = make("machine", &[("allowed_addresses", "127.0.0.0/8")]);
    assert_eq!(machine.grant_types, [GrantType::ClientCredentials]);
    assert_eq!(machine.allowed_addresses.len(), 1);
    assert_has(&page, &["curl -s -u", "scope=orders:read", "CLIENT_SECRET="]);
    let (_, rest) = page.body.split_once("<code id=\"secret\">").unwrap();
    let secret = Some(rest.split('<').next().unwrap().to_owned());
    let known = TestClient { id: machine.client_id.0, secret };
    assert_eq!(test.token(&known, &[("grant_type", "client_credentials")]).status, 200);
    let (by_key, page) = make("machine", &[("jwks_uri", "https://shop.example/jwks.json")]);
    assert_eq!(by_key.token_endpoint_auth_method, ClientAuthMethod::PrivateKeyJwt);
    assert_has(&page, &["PrivateKeyJwt", "needs none"]);

    let (api, page) = make("resource-server", &[]);
    assert!(api.may_introspect && api.scope.is_empty() && !api.is_public());
    assert_has(&page, &["/oauth/introspect"]);
    assert_eq!(browser.get(&format!("{NEW}/rocket")).status, 404);
}

fn the_wizard_comes_back_with_what_was_typed(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let path = format!("{NEW}/web-app");
    let (browser, form) = visit(&test, "ada", &path);
    for (uris, said) in [("http://shop.example/plain", "redirect"), ("", "redirect_uris"), ("no uri", "redirect")] {
        let refused = send(&browser, &form, &path, &[("client_name", "My shop"), ("redirect_uris", uris)]);
        assert_eq!(refused.status, 400, "{uris}: {}", refused.body);
        assert_has(&refused, &["value=\"My shop\"", "role=\"alert\"", said]);
    }
    let machine = format!("{NEW}/machine");
    let refused = send(&browser, &form, &machine, &[("client_name", "Job"), ("jwks", "{no json")]);
    assert_has(&refused, &["jwks must be a JSON Web Key Set", "{no json"]);
}

fn a_list_is_searched_and_paged(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["auditor"]);
    for number in 0..60 {
        let name = if number == 7 { "Zebra".to_owned() } else { format!("App {number}") };
        let id = format!("app-{number:02}");
        test.client(ClientMembers { client_name: Some(name), ..public_members(&id) });
    }
    clients::set_status(&test.server, &Caller::command_line(), "app-03", Status::Inactive).unwrap();
    let (browser, page) = visit(&test, "ada", "/console/clients");
    assert_has(&page, &["rel=\"next\"", "app-59", "name=\"q\""]);
    assert!(page.body.len() < 100_000 && !page.body.contains("New client"));
    let (_, rest) = page.body.split_once("rel=\"next\"").unwrap();
    assert!(rest.contains("page-next"));
    let next = page.body.split("href=\"").find(|part| part.contains("cursor=")).unwrap();
    let second = browser.get(&next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&"));
    assert_has(&second, &["rel=\"first\"", "app-00"]);
    assert!(!second.body.contains("app-59"), "the newest first");
    let found = browser.get("/console/clients?q=zeb");
    assert!(found.body.contains("app-07") && !found.body.contains("app-08"));
    let disabled = browser.get("/console/clients?status=inactive");
    assert!(disabled.body.contains("app-03") && !disabled.body.contains("app-04"));
    assert_has(&browser.get("/console/clients?q=nothing"), &["Nothing was found"]);
    assert_eq!(browser.get("/console/clients?cursor=%00&status=x").status, 200);
}

fn a_client_is_edited(engine: Engine) {
    let test = start(engine);
    define(&test, "orders:read");
    test.user("ada", &["owner"]);
    shop(&test, "orders:read legacy");
    let path = "/console/clients/shop/edit";
    let (browser, form) = visit(&test, "ada", path);
    assert_has(&form, &["Read orders", "value=\"legacy\"", REDIRECT_URI]);
    let mut fields = vec![
        ("client_name", "The shop"),
        ("description", "Sells"),
        ("redirect_uris", "https://shop.example/a https://shop.example/b"),
        ("allowed_origins", "https://shop.example"),
        ("scope", "orders:read"),
        ("more_scope", "legacy more"),
        ("resources", test.server.config.server.issuer.as_str()),
        ("first_party", "yes"),
        ("require_pkce", "yes"),
        ("may_introspect", "no"),
        ("requests_per_minute", "60"),
        ("requests_per_hour", ""),
        ("allowed_addresses", "127.0.0.1"),
        ("access_token_lifetime", "120"),
        ("refresh_token_lifetime", ""),
        ("logo_uri", "https://shop.example/logo.png"),
        ("contacts", "ops@shop.example"),
        ("post_logout_redirect_uris", "https://shop.example/"),
        ("backchannel_logout_uri", "https://shop.example/logout"),
    ];
    let page = done(&browser, &form, path, &fields);
    assert_has(&page, &["have been saved", "The shop", "Sells", "https://shop.example/logo.png", "127.0.0.1/32"]);
    let client = find(&test, "shop");
    assert_eq!(client.scope.to_string(), "orders:read legacy more");
    assert_eq!((client.redirect_uris.len(), client.limits.requests_per_minute), (2, Some(60)));
    assert_eq!(client.access_token_lifetime, Some(120));
    assert!(client.first_party && client.require_pkce);
    fields.retain(|(name, _)| *name != "access_token_lifetime");
    fields.push(("access_token_lifetime", "soon"));
    let refused = send(&browser, &form, path, &fields);
    assert_eq!(refused.status, 400);
    assert_has(&refused, &["access_token_lifetime must be a whole number", "value=\"The shop\"", "value=\"soon\""]);
    assert_eq!(browser.get("/console/clients/nobody/edit").status, 404);
}

fn a_secret_is_rotated_in_two_steps(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let before = test.confidential();
    let (browser, page) = visit(&test, "ada", "/console/clients/web");
    assert_has(&page, &["Secrets", "current", "Rotate the secret"]);
    assert!(!page.body.contains(before.secret.as_deref().unwrap()));
    let path = "/console/clients/web/rotate";
    let ask = browser.get(path);
    assert_has(&ask, &["one week", "Who uses which secret"]);
    assert_has(&send(&browser, &ask, path, &[]), &["choose how long the old secret works"]);
    let made = send(&browser, &ask, path, &[("grace", "86400")]);
    assert_eq!(made.status, 200, "{}", made.body);
    let (_, rest) = made.body.split_once("<code id=\"secret\">").unwrap();
    let after = TestClient { secret: Some(rest.split('<').next().unwrap().to_owned()), ..before.clone() };
    let works = |client: &TestClient| test.token(client, &[("grant_type", "client_credentials")]).status == 200;
    assert!(works(&before) && works(&after));
    let page = browser.get("/console/clients/web");
    assert_has(&page, &["being replaced", "id=\"finish\""]);
    assert!(!page.body.contains(after.secret.as_deref().unwrap()), "shown once");
    let finished = done(&browser, &page, "/console/clients/web/finish", &[]);
    assert_has(&finished, &["The old secret has ended."]);
    assert!(!works(&before) && works(&after));
    assert_eq!(send(&browser, &page, "/console/clients/web/finish", &[]).status, 409);
    // What gives a secret away asks for the password.
    test.advance(301);
    let ask = browser.get(path);
    assert_eq!(send(&browser, &ask, path, &[("grace", "0")]).status, 403);
    assert_eq!(send(&browser, &ask, path, &[("grace", "0"), ("password", PASSWORD)]).status, 200);
    assert!(!works(&after));
}

fn a_client_is_disabled_enabled_and_revoked(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["admin"]);
    shop(&test, "read");
    let (browser, page) = visit(&test, "ada", "/console/clients/shop/disable");
    assert_has(&page, &["“Shop” is refused until it is enabled again"]);
    let disabled = done(&browser, &page, "/console/clients/shop/disable", &[]);
    assert_has(&disabled, &["It has been disabled.", "id=\"enable\""]);
    assert_eq!(find(&test, "shop").status, Status::Inactive);
    let enabled = done(&browser, &disabled, "/console/clients/shop/enable", &[]);
    assert_has(&enabled, &["It has been enabled."]);
    let ask = browser.get("/console/clients/shop/revoke");
    assert_has(&send(&browser, &ask, "/console/clients/shop/revoke", &[("confirm", "shop")]), &["Type the name"]);
    test.advance(301);
    let fields = [("confirm", "Shop"), ("password", "wrong")];
    assert_eq!(send(&browser, &ask, "/console/clients/shop/revoke", &fields).status, 403);
    let fields = [("confirm", "Shop"), ("password", PASSWORD)];
    let page = done(&browser, &ask, "/console/clients/shop/revoke", &fields);
    assert_has(&page, &["It has been revoked."]);
    assert!(!page.body.contains("/console/clients/shop/edit") && !page.body.contains("id=\"enable\""));
    assert_eq!(find(&test, "shop").status, Status::Revoked);
    assert_eq!(send(&browser, &ask, "/console/clients/shop/enable", &[]).status, 409);
}

fn support_only_disables(engine: Engine) {
    let test = start(engine);
    test.user("sam", &["support"]);
    shop(&test, "read");
    let (browser, page) = visit(&test, "sam", "/console/clients/shop");
    assert_has(&page, &["/console/clients/shop/disable"]);
    for hidden in ["/edit", "/rotate", "/try", "/revoke"] {
        let path = format!("/console/clients/shop{hidden}");
        assert!(!page.body.contains(&path), "{hidden}");
        assert_eq!(browser.get(&path).status, 403, "{hidden}");
        assert_eq!(send(&browser, &page, &path, &[("confirm", "Shop")]).status, 403, "{hidden}");
    }
    let ask = browser.get("/console/clients/shop/disable");
    assert_has(&done(&browser, &ask, "/console/clients/shop/disable", &[]), &["It has been disabled."]);
    assert_eq!(send(&browser, &ask, "/console/clients/shop/enable", &[]).status, 403);
    assert_eq!(find(&test, "shop").status, Status::Inactive);
    assert_eq!(test.events("client.disabled").len(), 1);
    test.user("alan", &["auditor"]);
    let (browser, page) = visit(&test, "alan", "/console/clients/shop");
    assert!(!page.body.contains("/console/clients/shop/disable"));
    assert_eq!(browser.get("/console/clients/shop/disable").status, 403);
}

fn what_an_operator_does_not_hold_is_not_theirs_to_change(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    shop(&test, "admin");
    let (browser, page) = visit(&test, "adam", "/console/clients/shop");
    assert_eq!(page.status, 200);
    for path in ["edit", "rotate", "try"] {
        assert_eq!(browser.get(&format!("/console/clients/shop/{path}")).status, 403, "{path}");
    }
    assert_eq!(send(&browser, &page, "/console/clients/shop/revoke", &[("confirm", "Shop")]).status, 403);
    let form = browser.get(&format!("{NEW}/machine"));
    let fields = [("client_name", "Job"), ("more_scope", "admin")];
    let refused = send(&browser, &form, &format!("{NEW}/machine"), &fields);
    assert_eq!(refused.status, 403);
    assert_has(&refused, &["you cannot hand out admin"]);
}

fn what_is_registered_is_text(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let id = "evil";
    let members = ClientMembers {
        client_name: Some(SCRIPT.to_owned()),
        description: Some(SCRIPT.to_owned()),
        ..confidential_members(id)
    };
    test.client(members);
    let (browser, list) = visit(&test, "ada", "/console/clients");
    assert_escaped(&list);
    for path in ["", "/edit", "/rotate", "/try", "/disable", "/revoke"] {
        assert_escaped(&browser.get(&format!("/console/clients/{id}{path}")));
    }
    let form = browser.get(&format!("{NEW}/native-app"));
    let fields = [("client_name", SCRIPT), ("redirect_uris", "com.example:/cb?x=</script><script>alert(1)")];
    assert_escaped(&send(&browser, &form, &format!("{NEW}/native-app"), &fields));
    let found = browser.get("/console/clients?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&status=%22%3E");
    assert!(!found.body.contains("<script>alert"));
}

/// Begins a trial; the redirect of the authorization endpoint back to the console, with its answer.
fn trial_answer(browser: &Browser<'_>, decision: &str) -> Answer {
    let page = browser.get("/console/clients/shop/try");
    let begun = send(browser, &page, "/console/clients/shop/try", &[("scope", "openid"), ("scope", "read")]);
    assert_eq!(begun.status, 303, "{}", begun.body);
    let mut answer = browser.follow(&begun);
    if answer.location().path() == "/consent" {
        answer = browser.decide(answer.location().query().unwrap(), decision);
    }
    assert_eq!(answer.location().path(), "/console/clients/shop/try", "{}", answer.body);
    answer
}

fn path_of(answer: &Answer) -> String {
    let location = answer.location();
    format!("{}?{}", location.path(), location.query().unwrap())
}

fn a_trial_runs_the_flow(engine: Engine) {
    let test = start(engine);
    let ada = test.user("ada", &["owner"]);
    shop(&test, "openid read offline_access");
    let (browser, page) = visit(&test, "ada", "/console/clients/shop/try");
    assert_has(&page, &["try-begin", "value=\"openid\" checked", "value=\"offline_access\""]);
    assert!(!page.body.contains("value=\"offline_access\" checked"));
    let answer = trial_answer(&browser, "allow");
    let shown = browser.follow(&answer);
    assert_eq!(shown.status, 200, "{}", shown.body);
    let quoted = |text: &str| text.replace('"', "&#34;");
    assert_has(&shown, &["The flow works", "ID token: claims", &quoted("\"aud\": \"shop\""), &ada, "at+jwt", "eyJ"]);
    assert!(!shown.body.contains("<code id=\"secret\">"));
    let longest = shown.body.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').map(str::len).max();
    assert!(longest.unwrap() < 100, "no signature and no whole token");
    let (_, rest) = shown.body.split_once(&quoted("\"grant_id\": \"")).unwrap();
    let grant = rest.split('&').next().unwrap();
    let (grant, _) = test.server.store.read(|connection| connection.find_grant(grant)).unwrap().unwrap();
    assert!(grant.revoked_at.is_some() && grant.client_id.as_str() == "shop");
    let begun = test.events("client.trial_begun");
    let ended = test.events("client.trial_ended");
    assert_eq!((begun.len(), ended.len(), ended[0].outcome.as_str()), (1, 1, "success"));
    // The answer is good once, and so is the request.
    assert_ne!(browser.follow(&answer).status, 200);
    // A second trial asks anew.
    assert_eq!(browser.follow(&trial_answer(&browser, "allow")).status, 200);
}

fn a_trial_tells_a_refusal(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    shop(&test, "openid read");
    let (browser, _) = visit(&test, "ada", "/console/clients/shop");
    let shown = browser.follow(&trial_answer(&browser, "deny"));
    assert_has(&shown, &["access_denied", "refused the request", "Try again"]);
    assert_eq!(test.events("client.trial_ended")[0].outcome, "failure");
    // The words of an answer are text, whoever wrote them.
    let answer = path_of(&trial_answer(&browser, "deny"));
    let forged = answer.replace("error=access_denied", "error=%3Cscript%3Ealert(1)%3C/script%3E");
    assert_escaped(&browser.get(&forged));
}

fn the_address_of_trials_is_for_nothing_else(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    let client = shop(&test, "openid read");
    let address = format!("{}/console/clients/shop/try", test.server.config.server.issuer);
    let (browser, page) = visit(&test, "ada", "/console/clients/shop/try");
    // In the query, alone and with a guess at the mark.
    for mark in ["", "x"] {
        let query = authorize_query(&client, &[("redirect_uri", &address), ("console_trial", mark)]);
        let refused = browser.get(&format!("/oauth/authorize?{query}"));
        assert_eq!((refused.status.as_u16(), refused.header("location")), (400, String::new()), "{mark}");
    }
    // Pushed by the client itself, which is known.
    for mark in ["", "x"] {
        let mut pushed: Vec<(String, String)> = url::form_urlencoded::parse(
            authorize_query(&client, &[("redirect_uri", &address), ("console_trial", mark)]).as_bytes(),
        )
        .into_owned()
        .collect();
        pushed.retain(|(name, _)| name != "client_id");
        let pushed: Vec<_> = pushed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(test.post_as(&client, "/oauth/par", &pushed).status, 400, "{mark}");
    }
    // The console's own request: what comes with the browser changes nothing of it, and it is its own client's only.
    let begun = send(&browser, &page, "/console/clients/shop/try", &[("scope", "read")]);
    let sent = begun.location();
    let query = sent.query().unwrap();
    test.client(public_members("other"));
    let foreign = browser.get(&format!("/oauth/authorize?{}", query.replace("client_id=shop", "client_id=other")));
    assert_eq!(foreign.status, 400);
    let mut moved = browser.get(&format!("/oauth/authorize?{query}&redirect_uri=https%3A%2F%2Fevil.example%2F"));
    if moved.location().path() == "/consent" {
        moved = browser.decide(moved.location().query().unwrap(), "allow");
    }
    assert!(moved.header("location").starts_with(&address), "{moved:?}");
    // The code is the console's to redeem: the verifier is not known elsewhere.
    let answer = trial_answer(&browser, "allow");
    let code = answer.parameter("code").unwrap();
    let body = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &address)];
    test.token(&client, &body).assert_error(400, "invalid_grant");
    // An ordinary code is none of a trial.
    let state = path_of(&trial_answer(&browser, "allow"));
    let ordinary = {
        let query = authorize_query(&client, &[("scope", "read")]);
        let mut answer = browser.get(&format!("/oauth/authorize?{query}"));
        if answer.location().path() == "/consent" {
            answer = browser.decide(&query, "allow");
        }
        answer.parameter("code").unwrap()
    };
    let taken = state.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let swapped = browser.get(&state.replace(&taken, &ordinary));
    assert_eq!(swapped.status, 400, "{}", swapped.body);
    assert!(!swapped.body.contains("grant_id"));
}

fn the_answer_of_a_trial_is_for_who_asked(engine: Engine) {
    let test = start(engine);
    test.user("ada", &["owner"]);
    test.user("mallory", &["owner"]);
    shop(&test, "openid read");
    let (mallory, _) = visit(&test, "mallory", "/console/clients/shop");
    let (ada, page) = visit(&test, "ada", "/console/clients/shop");
    let answer = path_of(&trial_answer(&mallory, "allow"));
    // Another session, nobody's session, a changed answer, another client.
    let refused = ada.get(&answer);
    assert_eq!(refused.status, 400);
    assert_has(&refused, &["not begun in this browser"]);
    assert_eq!(Browser::new(&test).get(&answer).status, 303);
    for (from, to) in [("state=", "state=x"), ("iss=", "iss=x"), ("state=", "other=")] {
        assert_eq!(mallory.get(&answer.replace(from, to)).status, 400, "{from} {to}");
    }
    test.client(confidential_members("web"));
    assert_eq!(mallory.get(&answer.replace("/shop/", "/web/")).status, 400);
    assert_eq!(mallory.get(&answer).status, 200, "until here nothing was used up");
    // A form of another page or browser begins nothing.
    assert_eq!(ada.post("/console/clients/shop/try", &[("scope", "read")]).status, 403);
    let foreign = mallory.get("/console/clients/shop/try");
    assert_eq!(send(&ada, &foreign, "/console/clients/shop/try", &[("scope", "read")]).status, 403);
    // Somebody else signs in in this browser: the console is theirs no more.
    let answer = path_of(&trial_answer(&ada, "allow"));
    let left = send(&ada, &page, "/console/sign-out", &[]);
    assert_eq!(left.status, 200);
    assert_eq!(ada.get(&answer).status, 303);
}

fn a_trial_needs_the_right_to_act_as_the_client(engine: Engine) {
    let test = start(engine);
    test.user("adam", &["admin"]);
    shop(&test, "openid read");
    let job = ClientMembers { grant_types: Some(vec![GrantType::ClientCredentials]), ..confidential_members("job") };
    test.client(job);
    let (browser, page) = visit(&test, "adam", "/console/clients/shop/try");
    // Only what the client is registered for.
    let more = send(&browser, &page, "/console/clients/shop/try", &[("scope", "write")]);
    assert_eq!(more.status, 400, "{}", more.body);
    assert_eq!(browser.get("/console/clients/job/try").status, 400);
    clients::set_status(&test.server, &Caller::command_line(), "shop", Status::Inactive).unwrap();
    assert_eq!(browser.get("/console/clients/shop/try").status, 409);
    assert_eq!(send(&browser, &page, "/console/clients/shop/try", &[("scope", "read")]).status, 409);
    assert!(test.events("client.trial_begun").is_empty());
    for role in ["support", "auditor"] {
        test.user(role, &[role]);
        let (browser, page) = visit(&test, role, "/console/clients");
        assert_eq!(browser.get("/console/clients/shop/try").status, 403, "{role}");
        assert_eq!(send(&browser, &page, "/console/clients/shop/try", &[]).status, 403, "{role}");
    }
}
