//! The device authorization grant (RFC 8628).

use std::sync::Barrier;

use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::purge::purge;
use grantor::flows::users;
use grantor::protocol::grant_type::GrantType;
use serde_json::Value;

use crate::support::*;

on_both!(
    a_device_gets_its_tokens,
    the_answer_to_a_device,
    who_may_ask,
    polling_has_rules,
    a_denied_device_is_told_so,
    codes_expire,
    a_device_code_is_used_once,
    one_of_eight_polls_wins,
    another_client_gets_nothing,
    codes_are_typed_as_people_type,
    the_pages_work_without_script,
    signing_in_leads_back,
    a_form_without_its_token_is_refused,
    guesses_are_throttled,
    a_code_is_decided_on_once,
    what_was_lost_since_is_lost,
    confidential_devices_and_refresh_tokens,
    requests_are_limited_by_address,
);

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A client on a device: public, and not first-party.
fn tv(test: &TestServer) -> TestClient {
    test.client(ClientMembers {
        client_name: Some("Living room TV".to_owned()),
        grant_types: Some(vec![GrantType::DeviceCode, GrantType::RefreshToken]),
        redirect_uris: Some(Vec::new()),
        first_party: Some(false),
        ..public_members("tv")
    })
}

fn begin(test: &TestServer, client: &TestClient) -> Value {
    let answer = test.post_as(client, "/oauth/device_authorization", &[("scope", "read")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn poll(test: &TestServer, client: &TestClient, begun: &Value) -> Answer {
    test.token(client, &[("grant_type", GRANT), ("device_code", begun["device_code"].as_str().unwrap())])
}

fn signed_in<'a>(test: &'a TestServer, username: &str) -> Browser<'a> {
    let browser = Browser::new(test);
    assert_eq!(browser.sign_in("", username, PASSWORD).status, 303);
    browser
}

/// The page that asks about this code, and the answer to it.
fn decide(browser: &Browser<'_>, user_code: &str, decision: &str) -> Answer {
    let page = browser.get(&format!("/device?user_code={user_code}"));
    browser.post("/device", &[("csrf", &csrf(&page)), ("user_code", user_code), ("decision", decision)])
}

fn type_in(browser: &Browser<'_>, text: &str) -> Answer {
    let page = browser.get("/device");
    browser.post("/device", &[("csrf", &csrf(&page)), ("user_code", text)])
}

fn a_device_gets_its_tokens(engine: Engine) {
    let test = TestServer::start(engine);
    let ada = test.user("ada", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    let browser = signed_in(&test, "ada");
    poll(&test, &client, &begun).assert_error(400, "authorization_pending");
    let done = decide(&browser, &text(&begun["user_code"]), "allow");
    assert!(done.status == 200 && done.body.contains("The device is connected"), "{}", done.body);
    let answer = poll(&test, &client, &begun);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["scope"]), (&"Bearer".into(), &"read".into()));
    let claims = claims(&text(&tokens["access_token"]));
    assert_eq!((text(&claims["sub"]), text(&claims["client_id"])), (ada, client.id.clone()));
    let refreshed = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(test.token(&client, &refreshed).status, 200);
    let event = &test.events("consent.device_granted")[0];
    assert_eq!((event.target_id.as_deref(), event.detail.as_deref()), (Some("tv"), Some("read")));
    // It is not remembered: the next code is asked about again.
    let next = begin(&test, &client);
    let page = browser.get(&format!("/device?user_code={}", text(&next["user_code"])));
    assert!(page.body.contains("device-allow"));
}

fn the_answer_to_a_device(engine: Engine) {
    let test = TestServer::start(engine);
    let client = tv(&test);
    let issuer = test.server.config.server.issuer.clone();
    let answer = test.post_as(&client, "/oauth/device_authorization", &[]);
    assert_eq!((answer.status.as_u16(), answer.header("cache-control").as_str()), (200, "no-store"));
    let body = answer.json();
    let code = text(&body["user_code"]);
    let letters = |part: &str| part.len() == 4 && part.chars().all(|letter| "BCDFGHJKLMNPQRSTVWXZ".contains(letter));
    assert!(code.split_once('-').is_some_and(|(first, second)| letters(first) && letters(second)), "{code}");
    assert_eq!(text(&body["verification_uri"]), format!("{issuer}/device"));
    assert_eq!(text(&body["verification_uri_complete"]), format!("{issuer}/device?user_code={code}"));
    assert_eq!((&body["expires_in"], &body["interval"]), (&600.into(), &5.into()));
    assert!(text(&body["device_code"]).len() > 40);
    assert_eq!(body.as_object().unwrap().len(), 6);
    let metadata = Answer::of(http_client().get(test.url("/.well-known/oauth-authorization-server"))).json();
    assert_eq!(text(&metadata["device_authorization_endpoint"]), format!("{issuer}/oauth/device_authorization"));
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&GRANT.into()));
}

fn who_may_ask(engine: Engine) {
    let test = TestServer::start(engine);
    let (client, other) = (tv(&test), test.public());
    let path = "/oauth/device_authorization";
    test.post_as(&other, path, &[]).assert_error(400, "unauthorized_client");
    let polled = test.token(&other, &[("grant_type", GRANT), ("device_code", "dc_x")]);
    polled.assert_error(400, "unauthorized_client");
    let unknown = TestClient { id: "nobody".to_owned(), secret: None };
    test.post_as(&unknown, path, &[]).assert_error(401, "invalid_client");
    test.post_as(&client, path, &[("scope", "read admin")]).assert_error(400, "invalid_scope");
    test.post_as(&client, path, &[("scope", "a\"b")]).assert_error(400, "invalid_scope");
    test.post_as(&client, path, &[("resource", "https://other.example")]).assert_error(400, "invalid_target");
    test.post_as(&client, path, &[("resource", "relative")]).assert_error(400, "invalid_target");
    test.post_as(&client, path, &[("scope", "read"), ("scope", "read")]).assert_error(400, "invalid_request");
    test.token(&client, &[("grant_type", GRANT)]).assert_error(400, "invalid_request");
    clients::set_status(&test.server, &Caller::command_line(), &client.id, Status::Inactive).unwrap();
    test.post_as(&client, path, &[]).assert_error(401, "invalid_client");
    assert_eq!(Answer::of(http_client().get(test.url(path))).status, 405);
}

fn polling_has_rules(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    let expect = |error: &str| poll(&test, &client, &begun).assert_error(400, error);
    expect("authorization_pending");
    test.advance(5);
    expect("authorization_pending");
    test.advance(4);
    expect("slow_down");
    // From now on ten seconds, and they are kept.
    test.advance(9);
    expect("slow_down");
    test.advance(14);
    expect("slow_down");
    test.advance(20);
    expect("authorization_pending");
    test.advance(19);
    expect("slow_down");
    // Whoever is allowed in is let in, however early it comes.
    decide(&signed_in(&test, "ada"), &text(&begun["user_code"]), "allow");
    assert_eq!(poll(&test, &client, &begun).status, 200);
}

fn a_denied_device_is_told_so(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    let done = decide(&signed_in(&test, "ada"), &text(&begun["user_code"]), "deny");
    assert!(done.status == 200 && done.body.contains("The device is not connected"));
    for _ in 0..2 {
        poll(&test, &client, &begun).assert_error(400, "access_denied");
    }
    assert_eq!(test.events("consent.device_denied").len(), 1);
}

fn codes_expire(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let (begun, allowed) = (begin(&test, &client), begin(&test, &client));
    let browser = signed_in(&test, "ada");
    decide(&browser, &text(&allowed["user_code"]), "allow");
    test.advance(599);
    poll(&test, &client, &begun).assert_error(400, "authorization_pending");
    test.advance(1);
    poll(&test, &client, &begun).assert_error(400, "expired_token");
    poll(&test, &client, &allowed).assert_error(400, "expired_token");
    let page = browser.get(&format!("/device?user_code={}", text(&begun["user_code"])));
    assert!(page.status == 400 && page.body.contains("not valid, or no longer"), "{}", page.body);
    test.advance(86_401);
    purge(&test.server, &|| true).unwrap();
    poll(&test, &client, &begun).assert_error(400, "invalid_grant");
}

fn a_device_code_is_used_once(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    decide(&signed_in(&test, "ada"), &text(&begun["user_code"]), "allow");
    assert_eq!(poll(&test, &client, &begun).status, 200);
    poll(&test, &client, &begun).assert_error(400, "invalid_grant");
    for wrong in ["x", "dc_x", begun["user_code"].as_str().unwrap()] {
        test.token(&client, &[("grant_type", GRANT), ("device_code", wrong)]).assert_error(400, "invalid_grant");
    }
}

fn one_of_eight_polls_wins(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    decide(&signed_in(&test, "ada"), &text(&begun["user_code"]), "allow");
    let barrier = Barrier::new(8);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask = || {
            barrier.wait();
            poll(&test, &client, &begun)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.assert_error(400, "invalid_grant");
    }
}

fn another_client_gets_nothing(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let thief =
        test.client(ClientMembers { grant_types: Some(vec![GrantType::DeviceCode]), ..public_members("thief") });
    let begun = begin(&test, &client);
    poll(&test, &thief, &begun).assert_error(400, "invalid_grant");
    decide(&signed_in(&test, "ada"), &text(&begun["user_code"]), "allow");
    poll(&test, &thief, &begun).assert_error(400, "invalid_grant");
    assert_eq!(poll(&test, &client, &begun).status, 200, "and it was not used up");
}

fn codes_are_typed_as_people_type(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let code = text(&begin(&test, &client)["user_code"]);
    let browser = signed_in(&test, "ada");
    let bare = code.replace('-', "");
    for typed in [code.clone(), bare.to_lowercase(), format!(" {} {} ", &bare[..4], &bare[4..]), bare.clone()] {
        let answer = type_in(&browser, &typed);
        let location = answer.location();
        assert_eq!((location.path(), answer.parameter("user_code").as_deref()), ("/device", Some(code.as_str())));
        assert!(browser.follow(&answer).body.contains(&code));
    }
    for wrong in ["", "BBBB-BBBB", "nonsense", &"x".repeat(100)] {
        let answer = type_in(&browser, wrong);
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.body.contains("id=\"device-error\">this code is not valid, or no longer<"), "{}", answer.body);
    }
    let token = csrf(&browser.get("/device"));
    let request = browser.request(reqwest::Method::POST, "/device").header("accept-language", "de");
    let german = Answer::of(request.form(&[("csrf", token.as_str()), ("user_code", "BBBB-BBBB")]));
    assert!(german.body.contains("dieser Code ist ungültig oder gilt nicht mehr"), "{}", german.body);
}

fn the_pages_work_without_script(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let code = text(&begin(&test, &client)["user_code"]);
    let browser = signed_in(&test, "ada");
    let entry = browser.get("/device");
    let ask = browser.get(&format!("/device?user_code={code}"));
    for page in [&entry, &ask] {
        assert_eq!((page.status.as_u16(), page.header("cache-control").as_str()), (200, "no-store"));
        assert!(!page.body.contains("<script"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    }
    assert!(entry.body.contains("id=\"user_code\"") && entry.body.contains("id=\"device-submit\""));
    for part in [
        "<strong>Living room TV</strong>",
        "<strong>ada</strong>",
        "<button id=\"device-allow\" type=\"submit\" name=\"decision\" value=\"allow\">",
        "<button id=\"device-deny\" class=\"quiet\" type=\"submit\" name=\"decision\" value=\"deny\">",
        "id=\"device-warning\"",
        &format!("<strong id=\"device-code\">{code}</strong>"),
        "<code>read</code>",
    ] {
        assert!(ask.body.contains(part), "{part}: {}", ask.body);
    }
    // What is in the address is shown as text.
    let markup = Browser::new(&test).get("/device?user_code=%22%3E%3Cb%3E");
    assert!(markup.status == 200 && !markup.body.contains("<b>"));
}

fn signing_in_leads_back(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    let code = text(&begun["user_code"]);
    let browser = Browser::new(&test);
    // The address in full: the code is filled in, and nothing is told before somebody signs in.
    let page = browser.get(&format!("/device?user_code={code}"));
    assert!(page.body.contains(&format!("value=\"{code}\"")) && !page.body.contains("Living room TV"));
    let login = type_in(&browser, &code);
    assert_eq!((login.location().path(), login.parameter("user_code").as_deref()), ("/login", Some(code.as_str())));
    let query = format!("user_code={code}");
    let wrong = browser.sign_in(&query, "ada", "not the password");
    assert!(wrong.status == 403 && !wrong.body.contains("Living room TV"), "{}", wrong.body);
    let back = browser.sign_in(&query, "ada", PASSWORD);
    assert_eq!((back.location().path(), back.parameter("user_code").as_deref()), ("/device", Some(code.as_str())));
    let ask = browser.follow(&back);
    assert!(ask.body.contains("Living room TV"));
    // A session that is none is asked to type, and to sign in: its guesses are nobody's.
    let lost = browser.request(reqwest::Method::GET, &format!("/device?user_code={code}"));
    let lost = http_client().execute(lost.header("cookie", "grantor-session=x").build().unwrap()).unwrap();
    let lost = Answer::from(lost);
    assert!(lost.status == 200 && !lost.body.contains("Living room TV"));
    // Who is signed in already is sent back at once.
    assert_eq!(browser.get(&format!("/login?{query}")).location().path(), "/device");
    // The session ends while the page is open.
    let form = [("csrf", &*csrf(&ask)), ("user_code", &*code), ("decision", "allow")];
    test.advance(3_600);
    let begun = begin(&test, &client);
    let later = text(&begun["user_code"]);
    let form = [form[0], ("user_code", &*later), form[2]];
    assert_eq!(browser.post("/device", &form).location().path(), "/login");
    poll(&test, &client, &begun).assert_error(400, "authorization_pending");
}

fn a_form_without_its_token_is_refused(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    let code = text(&begun["user_code"]);
    let browser = signed_in(&test, "ada");
    let foreign = csrf(&Browser::new(&test).get("/device"));
    for token in ["", &foreign] {
        for decision in [None, Some("allow")] {
            let mut form = vec![("csrf", token), ("user_code", &code)];
            form.extend(decision.map(|decision| ("decision", decision)));
            assert_eq!(browser.post("/device", &form).status, 403);
        }
    }
    let page = browser.get(&format!("/device?user_code={code}"));
    let own = csrf(&page);
    let form = [("csrf", &*own), ("user_code", &*code), ("decision", "allow")];
    let request = browser.request(reqwest::Method::POST, "/device").header("origin", "https://evil.example");
    assert_eq!(Answer::of(request.form(&form)).status, 403);
    let unclear = [("csrf", &*own), ("user_code", &*code), ("decision", "maybe")];
    assert_eq!(browser.post("/device", &unclear).status, 400);
    poll(&test, &client, &begun).assert_error(400, "authorization_pending");
}

fn guesses_are_throttled(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.login.failures_per_account = 3;
        config.login.failures_per_address = 5;
    });
    test.user("ada", &[]);
    test.user("bob", &[]);
    let client = tv(&test);
    let code = text(&begin(&test, &client)["user_code"]);
    let browser = signed_in(&test, "ada");
    for _ in 0..3 {
        assert_eq!(browser.get("/device?user_code=BBBB-BBBB").status, 400);
    }
    // The right one too, on every way.
    let refused = browser.get(&format!("/device?user_code={code}"));
    assert_eq!((refused.status.as_u16(), refused.header("retry-after").as_str()), (429, "900"));
    assert!(!refused.body.contains("Living room TV"));
    assert_eq!(type_in(&browser, &code).status, 429);
    let decided = [("csrf", &*csrf(&refused)), ("user_code", &*code), ("decision", "allow")];
    assert_eq!(browser.post("/device", &decided).status, 429);
    assert_eq!(test.events("login.user_code_throttled").len(), 1);
    // By address, whoever it is and however many browsers they open.
    let other = signed_in(&test, "bob");
    for _ in 0..2 {
        assert_eq!(other.get("/device?user_code=BBBB-BBBB").status, 400);
    }
    assert_eq!(type_in(&Browser::new(&test), &code).status, 429);
    test.advance(900);
    let code = text(&begin(&test, &client)["user_code"]);
    assert_eq!(type_in(&Browser::new(&test), &code).location().path(), "/login");
}

fn a_code_is_decided_on_once(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    test.user("eve", &[]);
    let client = tv(&test);
    let begun = begin(&test, &client);
    let code = text(&begun["user_code"]);
    let (ada, eve) = (signed_in(&test, "ada"), signed_in(&test, "eve"));
    let page = csrf(&eve.get(&format!("/device?user_code={code}")));
    assert_eq!(decide(&ada, &code, "allow").status, 200);
    let late = eve.post("/device", &[("csrf", &page), ("user_code", &code), ("decision", "deny")]);
    assert_eq!(late.status, 400);
    assert_eq!(poll(&test, &client, &begun).status, 200);
}

fn what_was_lost_since_is_lost(engine: Engine) {
    let test = TestServer::start(engine);
    let ada = test.user("ada", &[]);
    let client = tv(&test);
    let browser = signed_in(&test, "ada");
    let begun = begin(&test, &client);
    decide(&browser, &text(&begun["user_code"]), "allow");
    users::set_active(&test.server, &Caller::command_line(), &ada, false).unwrap();
    poll(&test, &client, &begun).assert_error(400, "invalid_grant");
    // A disabled client's code is not even asked about.
    test.user("bob", &[]);
    let begun = begin(&test, &client);
    clients::set_status(&test.server, &Caller::command_line(), &client.id, Status::Inactive).unwrap();
    let page = signed_in(&test, "bob").get(&format!("/device?user_code={}", text(&begun["user_code"])));
    assert_eq!(page.status, 400);
}

fn confidential_devices_and_refresh_tokens(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers {
        grant_types: Some(vec![GrantType::DeviceCode]),
        redirect_uris: Some(Vec::new()),
        ..confidential_members("kiosk")
    });
    let begun = begin(&test, &client);
    // A first-party client is asked about as well: somebody else may hold the device.
    let page = signed_in(&test, "ada").get(&format!("/device?user_code={}", text(&begun["user_code"])));
    assert!(page.body.contains("device-allow"));
    decide(&signed_in(&test, "ada"), &text(&begun["user_code"]), "allow");
    let bare = TestClient { secret: None, ..client.clone() };
    poll(&test, &bare, &begun).assert_error(401, "invalid_client");
    let tokens = poll(&test, &client, &begun).json();
    assert!(tokens.get("access_token").is_some() && tokens.get("refresh_token").is_none(), "{tokens}");
}

fn requests_are_limited_by_address(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.limits.device_requests_per_minute_per_address = 2;
        config.limits.exempt_addresses = Vec::new();
    });
    let client = tv(&test);
    begin(&test, &client);
    begin(&test, &client);
    let third = test.post_as(&client, "/oauth/device_authorization", &[]);
    assert_eq!(third.status, 429, "{}", third.body);
    assert!(!third.header("retry-after").is_empty());
}
