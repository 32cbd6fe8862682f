//! What OpenID Connect adds to the authorization endpoint (Core §3.1.2): `prompt`, `max_age`, hints, `claims`, and what is
//! taken without effect.

use grantor::flows::clients::ClientMembers;
use grantor::protocol::redirect_uri::RedirectUri;
use grantor::protocol::scope::Scope;
use serde_json::json;

use crate::openid_support::*;
use crate::support::*;

on_both!(
    prompt_login_asks_once,
    who_signs_in_again_keeps_the_session,
    a_proof_of_another_session_or_request_is_none,
    a_proof_does_not_last,
    max_age_is_strict,
    a_registered_max_age_counts_where_none_is_asked,
    prompt_consent_asks_again_and_once,
    prompt_none_shows_no_page,
    a_hint_expects_a_user,
    a_hint_must_be_our_id_token_for_this_client,
    a_subject_asked_for_by_claims_must_be_met,
    a_login_hint_is_filled_in,
    what_is_tolerated,
    what_is_not_supported,
    consent_is_remembered_for_prompt_none,
    a_native_public_client_is_asked_about_each_time,
    unknown_scopes_are_ignored_and_the_rest_is_told,
    the_redirect_uri_is_required,
    it_works_by_post_and_form_post,
    the_pages_show_who_asks,
);

const LOGIN: &str = "id=\"login-submit\"";
const CONSENT: &str = "id=\"consent-allow\"";

/// Where a request ends in this browser: at a page, or at the client.
fn ends(browser: &Browser<'_>, client: &TestClient, changes: &[(&str, &str)]) -> Answer {
    settle(browser, ask(browser, client, changes))
}

#[track_caller]
fn assert_error(answer: &Answer, error: &str) {
    assert_eq!(answer.parameter("error").as_deref(), Some(error), "{answer:?}");
}

fn auth_time(test: &TestServer, client: &TestClient, answer: &Answer) -> i64 {
    claims(&text(&exchange(test, client, answer)["id_token"]))["auth_time"].as_i64().unwrap()
}

fn prompt_login_asks_once(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let third = test.client(third_party_members("third"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let now = start_time().timestamp();
    for (prompt, moved) in [("login", 10), ("select_account", 20)] {
        test.advance(10);
        let changes = [("scope", "openid"), ("prompt", prompt)];
        let page = ends(&browser, &client, &changes);
        assert!(page.body.contains(LOGIN), "{page:?}");
        let done = settle(&browser, submit(&browser, &page, &as_user("ada")));
        assert_eq!(auth_time(&test, &client, &done), now + moved);
        // It was for that request only, and the session goes on for others.
        assert!(ends(&browser, &client, &changes).body.contains(LOGIN));
        assert!(ends(&browser, &client, &[("scope", "openid")]).parameter("code").is_some());
    }
    // A wrong password shows the form again.
    let page = ends(&browser, &client, &[("scope", "openid"), ("prompt", "login")]);
    let wrong = submit(&browser, &page, &[("username", "ada"), ("password", "wrong password")]);
    assert!(wrong.status == 403 && wrong.body.contains(LOGIN));
    let done = settle(&browser, submit(&browser, &wrong, &as_user("ada")));
    assert!(done.parameter("code").is_some());
    // With the consent page behind it, and both asked for.
    for prompt in ["login", "login consent"] {
        let page = ends(&browser, &third, &[("scope", "openid"), ("prompt", prompt)]);
        assert!(page.body.contains(LOGIN));
        let page = settle(&browser, submit(&browser, &page, &as_user("ada")));
        assert!(page.body.contains(CONSENT), "{page:?}");
        let done = settle(&browser, submit(&browser, &page, &[("decision", "allow")]));
        assert!(done.parameter("code").is_some(), "{done:?}");
    }
}

fn who_signs_in_again_keeps_the_session(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    test.user("bob", &[]);
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    let sid = |username: &str| {
        let page = ends(&browser, &client, &[("scope", "openid"), ("prompt", "login")]);
        let done = settle(&browser, submit(&browser, &page, &as_user(username)));
        text(&claims(&text(&exchange(&test, &client, &done)["id_token"]))["sid"])
    };
    let first = sid("ada");
    assert_eq!(sid("ada"), first);
    let other = sid("bob");
    assert_ne!(other, first);
    assert_ne!(sid("ada"), first);
}

fn a_proof_of_another_session_or_request_is_none(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    let page = ends(&browser, &client, &[("scope", "openid"), ("prompt", "login")]);
    let onward = submit(&browser, &page, &as_user("ada"));
    let location = onward.location();
    let query = location.query().unwrap();
    assert!(query.contains("login_proof="));
    let at = |browser: &Browser<'_>, query: &str| settle(browser, browser.get(&format!("/oauth/authorize?{query}")));
    // Another browser, with a session of its own.
    let other = Browser::new(&test);
    other.sign_in("", "ada", PASSWORD);
    assert!(at(&other, query).body.contains(LOGIN));
    // Another request, another proof.
    assert!(at(&browser, &query.replace("a+state", "another")).body.contains(LOGIN));
    assert!(at(&browser, &format!("{query}&nonce=1")).body.contains(LOGIN));
    let (request, _) = query.split_once("&login_proof=").unwrap();
    for forged in ["", "x", &"A".repeat(43)] {
        assert!(at(&browser, &format!("{request}&login_proof={forged}")).body.contains(LOGIN));
    }
    assert!(at(&browser, query).parameter("code").is_some());
    // Signing in elsewhere does not make it one.
    browser.sign_in("", "ada", PASSWORD);
}

fn a_proof_does_not_last(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    let page = ends(&browser, &client, &[("scope", "openid"), ("prompt", "login")]);
    let onward = submit(&browser, &page, &as_user("ada"));
    test.advance(15 * 60);
    let page = settle(&browser, onward);
    assert!(page.body.contains(LOGIN));
    // The stale proof is replaced, not repeated.
    let done = settle(&browser, submit(&browser, &page, &as_user("ada")));
    assert!(done.parameter("code").is_some(), "{done:?}");
}

fn max_age_is_strict(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let with = |max_age: &str| ends(&browser, &client, &[("scope", "openid"), ("max_age", max_age)]);
    test.advance(10);
    let done = with("10");
    assert_eq!(auth_time(&test, &client, &done), start_time().timestamp());
    test.advance(1);
    assert!(with("10").body.contains(LOGIN) && with("0").body.contains(LOGIN));
    assert!(with("11").parameter("code").is_some() && with("99999999999").parameter("code").is_some());
    let silent = ends(&browser, &client, &[("scope", "openid"), ("max_age", "10"), ("prompt", "none")]);
    assert_error(&silent, "login_required");
    // However long the rest takes, one log-in is enough; also for none at all.
    for max_age in ["1", "0"] {
        let page = with(max_age);
        let onward = submit(&browser, &page, &as_user("ada"));
        test.advance(5);
        let time = auth_time(&test, &client, &settle(&browser, onward));
        assert_eq!(time, test.clock.now().timestamp() - 5);
    }
    for bad in ["-1", "x", "1.5"] {
        assert_error(&with(bad), "invalid_request");
    }
}

fn a_registered_max_age_counts_where_none_is_asked(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(ClientMembers { default_max_age: Some(Some(60)), ..openid_members("app") });
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let plain = || ends(&browser, &client, &[("scope", "openid")]);
    assert!(plain().parameter("code").is_some());
    test.advance(61);
    let page = plain();
    assert!(page.body.contains(LOGIN));
    assert!(ends(&browser, &client, &[("scope", "openid"), ("max_age", "100")]).parameter("code").is_some());
    assert!(settle(&browser, submit(&browser, &page, &as_user("ada"))).parameter("code").is_some());
}

fn prompt_consent_asks_again_and_once(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    for client in [test.client(third_party_members("third")), test.client(openid_members("own"))] {
        let changes = [("scope", "openid email offline_access"), ("prompt", "consent")];
        for _ in 0..2 {
            let page = ends(&browser, &client, &changes);
            assert!(page.body.contains(CONSENT) && page.body.contains("Keep this access while you are away"));
            let done = settle(&browser, submit(&browser, &page, &[("decision", "allow")]));
            assert!(done.parameter("code").is_some());
        }
        let page = ends(&browser, &client, &changes);
        assert_error(&settle(&browser, submit(&browser, &page, &[("decision", "deny")])), "access_denied");
        assert!(ends(&browser, &client, &[("scope", "openid")]).parameter("code").is_some());
    }
}

fn prompt_none_shows_no_page(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(third_party_members("app"));
    let browser = Browser::new(&test);
    let silent = |changes: &[(&str, &str)]| {
        let mut all = vec![("scope", "openid"), ("prompt", "none")];
        all.extend(changes);
        ask(&browser, &client, &all)
    };
    assert_error(&silent(&[]), "login_required");
    assert_error(&silent(&[("response_mode", "query"), ("max_age", "1")]), "login_required");
    browser.sign_in("", "ada", PASSWORD);
    assert_error(&silent(&[]), "consent_required");
    let posted = silent(&[("response_mode", "form_post")]);
    assert!(posted.body.contains("name=\"error\" value=\"consent_required\""), "{posted:?}");
    for both in ["none login", "none consent", "login none"] {
        assert_error(&ask(&browser, &client, &[("scope", "openid"), ("prompt", both)]), "invalid_request");
    }
}

fn consent_is_remembered_for_prompt_none(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(third_party_members("app"));
    let browser = Browser::new(&test);
    let answer = walk(&browser, &client, "ada", &[("scope", "openid email offline_access")]);
    let before = exchange(&test, &client, &answer);
    let silent = ask(&browser, &client, &[("scope", "openid email offline_access"), ("prompt", "none")]);
    let after = exchange(&test, &client, &silent);
    let told = |tokens: &serde_json::Value, name: &str| claims(&text(&tokens["id_token"]))[name].clone();
    for same in ["sub", "auth_time", "sid"] {
        assert_eq!(told(&before, same), told(&after, same));
    }
    assert!(after.get("refresh_token").is_some());
    let wider = ask(&browser, &client, &[("scope", "openid email phone"), ("prompt", "none")]);
    assert_error(&wider, "consent_required");
    let by_name = json!({ "userinfo": { "phone_number": null } }).to_string();
    let wider = ask(&browser, &client, &[("scope", "openid email"), ("prompt", "none"), ("claims", &by_name)]);
    assert_error(&wider, "consent_required");
}

fn a_native_public_client_is_asked_about_each_time(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let native = ["http://127.0.0.1/cb", "http://localhost:3000/cb", "com.example.app:/cb"];
    let uris = || {
        let uris = native.iter().chain(&[REDIRECT_URI]);
        Some(uris.map(|uri| RedirectUri::parse(uri).unwrap()).collect())
    };
    let public = test.client(ClientMembers { redirect_uris: uris(), ..third_party_members("app") });
    let first_party = test.client(ClientMembers { redirect_uris: uris(), ..openid_members("own") });
    let confidential = test.client(ClientMembers {
        token_endpoint_auth_method: None,
        redirect_uris: uris(),
        ..third_party_members("web")
    });
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let at = |client: &TestClient, uri: &str, prompt: &str| {
        let answer = ask(&browser, client, &[("scope", "openid"), ("redirect_uri", uri), ("prompt", prompt)]);
        if answer.location().path().ends_with("/consent") { browser.follow(&answer) } else { answer }
    };
    for uri in native {
        for _ in 0..2 {
            let page = at(&public, uri, "");
            assert!(page.body.contains(CONSENT), "{uri}: {page:?}");
            let allowed = submit(&browser, &page, &[("decision", "allow")]);
            let answer = if allowed.header("location").starts_with(uri) { allowed } else { browser.follow(&allowed) };
            assert!(answer.parameter("code").is_some(), "{uri}: {answer:?}");
        }
        assert_error(&at(&public, uri, "none"), "consent_required");
        assert!(at(&first_party, uri, "none").parameter("code").is_some(), "{uri}");
    }
    // What was allowed is remembered where https tells who asks, and for a client that proves who it is.
    assert!(at(&public, REDIRECT_URI, "none").parameter("code").is_some());
    let page = at(&confidential, native[0], "");
    submit(&browser, &page, &[("decision", "allow")]);
    assert!(at(&confidential, native[0], "none").parameter("code").is_some());
}

fn unknown_scopes_are_ignored_and_the_rest_is_told(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let few = test.client(ClientMembers { scope: Some(Scope::parse("openid read").unwrap()), ..openid_members("few") });
    let browser = Browser::new(&test);
    let answer = walk(&browser, &client, "ada", &[("scope", "openid email never:heard of:it")]);
    assert_eq!(exchange(&test, &client, &answer)["scope"], "openid email");
    // A scope that there is must be registered; and without openid nothing is ignored.
    for scope in ["openid email", "openid users:read", "read never:heard"] {
        assert_error(&ask(&browser, &few, &[("scope", scope)]), "invalid_scope");
        assert_error(&ask(&Browser::new(&test), &few, &[("scope", scope)]), "invalid_scope");
    }
    let ahead = |scope: &str| {
        let query = authorize_query(&client, &[("scope", scope)]);
        let form: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Answer::of(http_client().post(test.url("/oauth/par")).form(&form))
    };
    assert_eq!(ahead("openid never:heard").status, 201);
    ahead("read never:heard").assert_error(400, "invalid_scope");
}

fn the_redirect_uri_is_required(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    let without = |scope: &str| ask(&browser, &client, &[("scope", scope), ("redirect_uri", "")]);
    let page = without("read openid");
    assert!(page.status == 400 && page.body.contains("redirect_uri is required"), "{page:?}");
    assert_eq!(without("read").status, 303);
}

fn a_hint_expects_a_user(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    test.user("bob", &[]);
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    let hint = text(&exchange(&test, &client, &walk(&browser, &client, "ada", &[("scope", "openid")]))["id_token"]);
    // An expired one will do.
    test.advance(1000);
    let with = |prompt: &str| {
        let answer = ask(&browser, &client, &[("scope", "openid"), ("prompt", prompt), ("id_token_hint", &hint)]);
        settle(&browser, answer)
    };
    assert!(with("none").parameter("code").is_some() && with("").parameter("code").is_some());
    browser.sign_in("", "bob", PASSWORD);
    assert_error(&with("none"), "login_required");
    let page = with("");
    assert!(page.body.contains(LOGIN));
    // Whoever signs in then is taken or refused, and not asked for ever.
    let refused = settle(&browser, submit(&browser, &page, &as_user("bob")));
    assert_error(&refused, "login_required");
    assert_eq!(
        refused.parameter("error_description").as_deref(),
        Some("another user is signed in than the one asked for")
    );
    let taken = settle(&browser, submit(&browser, &with(""), &as_user("ada")));
    assert!(taken.parameter("code").is_some());
    let nobody = Browser::new(&test);
    let silent = ask(&nobody, &client, &[("scope", "openid"), ("prompt", "none"), ("id_token_hint", &hint)]);
    assert_error(&silent, "login_required");
}

fn a_hint_must_be_our_id_token_for_this_client(engine: Engine) {
    let test = TestServer::start(engine);
    let foreign = TestServer::start(engine);
    for server in [&test, &foreign] {
        known_user(server, "ada");
    }
    let (client, other) = (test.client(openid_members("app")), test.client(openid_members("other")));
    let abroad = foreign.client(openid_members("app"));
    let own = openid_tokens(&test, &client, "ada", "openid");
    let hint = text(&own["id_token"]);
    let (signed, _) = hint.rsplit_once('.').unwrap();
    let payload = hint.split('.').nth(1).unwrap();
    let browser = Browser::new(&test);
    for bad in [
        "x",
        &text(&own["access_token"]),
        &format!("{signed}."),
        // {"alg":"none","typ":"JWT"}
        &format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."),
        &text(&openid_tokens(&test, &other, "ada", "openid")["id_token"]),
        &text(&openid_tokens(&foreign, &abroad, "ada", "openid")["id_token"]),
    ] {
        assert_error(&ask(&browser, &client, &[("scope", "openid"), ("id_token_hint", bad)]), "invalid_request");
    }
}

fn a_subject_asked_for_by_claims_must_be_met(engine: Engine) {
    let test = TestServer::start(engine);
    let ada = known_user(&test, "ada");
    let bob = test.user("bob", &[]);
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let with = |member: &str, sub: &str, prompt: &str| {
        let mut wanted = json!({});
        wanted[member] = json!({ "sub": { "value": sub } });
        settle(
            &browser,
            ask(&browser, &client, &[("scope", "openid"), ("prompt", prompt), ("claims", &wanted.to_string())]),
        )
    };
    for member in ["id_token", "userinfo"] {
        assert!(with(member, &ada, "none").parameter("code").is_some());
        assert_error(&with(member, &bob, "none"), "login_required");
        let page = with(member, &bob, "");
        assert!(page.body.contains(LOGIN));
        assert_error(&settle(&browser, submit(&browser, &page, &as_user("ada"))), "login_required");
    }
}

fn a_login_hint_is_filled_in(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    let page = |hint: &str| ends(&browser, &client, &[("scope", "openid"), ("login_hint", hint)]).body;
    assert!(page("ada@ada.example").contains("value=\"ada@ada.example\""));
    let quoted = page("\"><script>alert(1)</script>");
    assert!(quoted.contains(LOGIN) && !quoted.contains("<script>"));
    assert!(page(&"x".repeat(101)).contains("value=\"\""));
}

fn what_is_tolerated(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    for (name, value) in [
        ("display", "popup"),
        ("display", "hologram"),
        ("ui_locales", "se fr-CA xx"),
        ("claims_locales", "de"),
        ("acr_values", "1 2"),
        ("acr_values", "urn:example:gold"),
        ("prompt", "create"),
        ("extra", "foobar"),
        ("claims", r#"{"id_token":{"acr":{"values":["urn:example:gold"]}},"x":1}"#),
        ("claims", r#"{"id_token":{"acr":{"essential":true,"values":["urn:example:gold","1"]}}}"#),
        ("claims", r#"{"userinfo":{"name#ja-Kana-JP":null}}"#),
    ] {
        let answer = ends(&browser, &client, &[("scope", "openid"), (name, value)]);
        let told = claims(&text(&exchange(&test, &client, &answer)["id_token"]));
        assert_eq!(told["acr"], "1", "{name}={value}");
    }
}

fn what_is_not_supported(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    for (name, value, error) in [
        ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
        ("request_uri", "https://app.example/request.jwt", "request_uri_not_supported"),
        ("registration", "{}", "registration_not_supported"),
        // OpenID Connect Core §5.5.1.1: what is essential and cannot be met is a failed authentication.
        (
            "claims",
            r#"{"id_token":{"acr":{"essential":true,"values":["urn:example:gold"]}}}"#,
            "unmet_authentication_requirements",
        ),
        ("claims", "not json", "invalid_request"),
        ("claims", "[]", "invalid_request"),
        ("claims", r#"{"userinfo":{"name":1}}"#, "invalid_request"),
    ] {
        assert_error(&ask(&browser, &client, &[("scope", "openid"), (name, value)]), error);
    }
}

fn it_works_by_post_and_form_post(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD);
    let query = authorize_query(&client, &[("scope", "openid"), ("response_mode", "form_post"), ("nonce", "a b")]);
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let form: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = settle(&browser, browser.post("/oauth/authorize", &form));
    let (_, rest) = page.body.split_once("name=\"code\" value=\"").unwrap_or_else(|| panic!("{page:?}"));
    let tokens = test.token(&client, &code_parameters(rest.split('"').next().unwrap())).json();
    assert_eq!(claims(&text(&tokens["id_token"]))["nonce"], "a b");
}

fn the_pages_show_who_asks(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let at = |path: &str| Some(Some(format!("https://cdn.app.example/{path}")));
    let client = test.client(ClientMembers {
        logo_uri: at("logo.png"),
        policy_uri: at("privacy"),
        tos_uri: at("terms"),
        client_uri: at(""),
        ..third_party_members("app")
    });
    let plain = test.client(third_party_members("plain"));
    let browser = Browser::new(&test);
    let shows = [
        "<img class=\"logo\" src=\"https://cdn.app.example/logo.png\" alt=\"\"",
        "<a href=\"https://cdn.app.example/privacy\" rel=\"noopener noreferrer\" target=\"_blank\">Privacy policy</a>",
        "<a href=\"https://cdn.app.example/terms\"",
        "<a href=\"https://cdn.app.example/\"",
    ];
    let login = ends(&browser, &client, &[("scope", "openid profile")]);
    let form = [("username", "ada"), ("password", "wrong")];
    let again = submit(&browser, &login, &form);
    browser.sign_in("", "ada", PASSWORD);
    let page = ends(&browser, &client, &[("scope", "openid profile")]);
    for page in [&login, &again, &page] {
        assert!(page.header("content-security-policy").contains("img-src 'self' https://cdn.app.example;"));
        assert!(shows.iter().all(|part| page.body.contains(part)), "{}", page.body);
    }
    for part in ["Sign you in and recognise you when you come back", "id=\"consent-deny\""] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let login = ends(&Browser::new(&test), &plain, &[("scope", "openid")]);
    assert!(login.body.contains("login-submit") && !login.body.contains("<img"), "{}", login.body);
    let page = ends(&browser, &plain, &[("scope", "openid")]);
    assert!(!page.body.contains("<img") && !page.body.contains("class=\"links\""));
    assert!(page.header("content-security-policy").contains("img-src 'self';"));
}
