//! RP-Initiated Logout and Front-Channel Logout: who is asked, where the browser goes, what ends with the session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::protocol::redirect_uri::RedirectUri;
use grantor::protocol::signing_alg::SigningAlg;
use serde_json::{Value, json};

use crate::logout_support::*;
use crate::support::*;

on_both!(
    the_metadata_tells_of_logout,
    a_hint_for_this_session_signs_out_without_a_question,
    a_hint_may_be_old_and_of_any_algorithm,
    a_hint_of_a_retired_key_is_good_while_that_is_published,
    a_client_may_post,
    everything_else_is_asked_first,
    without_a_hint_the_browser_stays,
    forged_hints_count_for_nothing,
    the_browser_goes_only_where_the_client_registered,
    clients_must_be_known_and_agree,
    the_question_is_tied_to_the_browser,
    what_was_granted_without_offline_access_ends,
    who_signs_in_once_more_goes_on_in_the_session,
    another_user_ends_the_session,
    pages_of_clients_are_loaded,
);

#[track_caller]
fn assert_rejected(answer: &Answer, sentence: &str) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (400, String::new()), "{}", answer.body);
    assert!(answer.body.contains("<h1>Request rejected</h1>"), "{}", answer.body);
    assert!(answer.body.contains(sentence), "{sentence}: {}", answer.body);
}

/// Nothing of the request counts: the user is asked, and the browser stays.
fn assert_asked(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (200, String::new()), "{}", answer.body);
    assert!(answer.body.contains("logout-confirm") && !answer.body.contains("http-equiv"), "{}", answer.body);
    assert!(!answer.header("content-security-policy").contains("example"), "{:?}", answer.headers);
}

fn the_metadata_tells_of_logout(engine: Engine) {
    let test = TestServer::start(engine);
    let metadata = Answer::of(http_client().get(test.url("/.well-known/oauth-authorization-server"))).json();
    assert_eq!(metadata["end_session_endpoint"], format!("{}/logout", test.server.config.server.issuer));
    for member in
        ["frontchannel_logout", "frontchannel_logout_session", "backchannel_logout", "backchannel_logout_session"]
    {
        assert_eq!(metadata[format!("{member}_supported")], true, "{member}");
    }
}

fn a_hint_for_this_session_signs_out_without_a_question(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    tokens(&test, &browser, &client, "ada", "read");
    let hint = hint(&test, &client, &user, &sid(&test, &user));
    let path = logout_path(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", BYE),
        ("state", "a state & more"),
        ("client_id", &client.id),
        ("logout_hint", "ada"),
        ("ui_locales", "de en"),
        ("error", "made_up"),
    ]);
    let done = browser.get(&path);
    assert_eq!(done.header("location"), format!("{BYE}?state=a+state+%26+more"), "state alone is echoed");
    assert_eq!(done.status, 303);
    assert!(sessions(&test, &user).is_empty() && !is_signed_in(&browser));
    // OpenID Connect Core §3.1.2.6: who is signed out is not signed in silently.
    let query = authorize_query(&client, &[("prompt", "none")]);
    let silent = browser.get(&format!("/oauth/authorize?{query}"));
    assert_eq!(silent.parameter("error").as_deref(), Some("login_required"));
    let events = test.events("logout.done");
    assert_eq!((events.len(), events[0].actor_id.as_deref()), (1, Some(user.as_str())));
    assert_eq!(events[0].client_id.as_deref(), Some("web"));
    // Again: there is no session any more, and the client still gets its user back.
    assert_eq!(browser.get(&path).header("location"), format!("{BYE}?state=a+state+%26+more"));
    assert_eq!(test.events("logout.done").len(), 1);
    // Without an address, and without state.
    tokens(&test, &browser, &client, "ada", "read");
    let hint = hint_of_now(&test, &client, &user);
    let page = browser.get(&logout_path(&[("id_token_hint", &hint), ("state", "x")]));
    assert_eq!((page.status.as_u16(), page.body.contains("<h1>You are signed out</h1>")), (200, true));
    tokens(&test, &browser, &client, "ada", "read");
    let hint = hint_of_now(&test, &client, &user);
    let back = browser.get(&logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]));
    assert_eq!(back.header("location"), BYE);
}

fn hint_of_now(test: &TestServer, client: &TestClient, user: &str) -> String {
    hint(test, client, user, &sid(test, user))
}

fn a_hint_may_be_old_and_of_any_algorithm(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    for alg in SigningAlg::ALL {
        browser.sign_in("", "ada", PASSWORD).location();
        let mut claims = hint_claims(&test, &client.id, &user, &sid(&test, &user));
        claims["exp"] = (test.clock.now().timestamp() - 86_400).into();
        let hint = sign(&test, alg, "JWT", &claims);
        let done = browser.get(&logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]));
        assert_eq!(done.header("location"), BYE, "{alg:?}");
        assert!(!is_signed_in(&browser));
    }
}

fn a_hint_of_a_retired_key_is_good_while_that_is_published(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD).location();
    let hint = hint_of_now(&test, &client, &user);
    let rotate = |mode| signing_keys::rotate(&test.server, &Caller::command_line(), mode, SigningAlg::RS256).unwrap();
    rotate(RotationMode::AtOnce);
    let path = logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]);
    assert_eq!(browser.get(&path).header("location"), BYE);
    rotate(RotationMode::Compromised);
    assert_asked(&browser.get(&path));
    // A sibling that has not read the new key yet reads it now.
    test.advance(1);
    let sibling = test.sibling();
    rotate(RotationMode::AtOnce);
    let hint = self::hint(&test, &client, &user, "gone");
    let elsewhere = Browser::new(&sibling);
    let path = logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]);
    test.advance(1);
    assert_eq!(elsewhere.get(&path).header("location"), BYE);
}

fn a_client_may_post(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD).location();
    let hint = hint_of_now(&test, &client, &user);
    let form = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s")];
    // As from another site: no session cookie comes with it.
    let request = http_client().post(test.url("/logout")).header("origin", "https://app.example");
    let repeated = Answer::of(request.form(&form));
    assert_eq!(repeated.location().path(), "/logout");
    assert!(is_signed_in(&browser), "nothing has happened yet");
    let done = browser.follow(&repeated);
    assert_eq!(done.header("location"), format!("{BYE}?state=s"));
    assert!(!is_signed_in(&browser));
    // With nothing at all, the question is asked.
    let bare = browser.post("/logout", &[]);
    assert!(browser.follow(&bare).body.contains("logout-confirm"));
    let long = "x".repeat(61_000);
    assert_rejected(&browser.post("/logout", &[("state", &long)]), "the logout request is too long");
}

fn everything_else_is_asked_first(engine: Engine) {
    let test = TestServer::start(engine);
    let (user, other) = (test.user("ada", &[]), test.user("bob", &[]));
    let client = test.client(members("web"));
    let claims = |sub: &str, sid: &str| hint_claims(&test, &client.id, sub, sid);
    let mut without_sid = claims(&user, "");
    without_sid.as_object_mut().unwrap().remove("sid");
    for (case, claims) in [
        ("another session of the same user", claims(&user, "another")),
        ("another user's session", claims(&other, "another")),
        ("no session named", without_sid),
    ] {
        let browser = Browser::new(&test);
        browser.sign_in("", "ada", PASSWORD).location();
        let hint = sign(&test, SigningAlg::RS256, "JWT", &claims);
        let path = logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s")]);
        let page = browser.get(&path);
        assert_eq!((page.status.as_u16(), page.header("location")), (200, String::new()), "{case}");
        assert!(page.body.contains("<strong>web</strong> asks to sign you out"), "{case}: {}", page.body);
        assert!(page.header("content-security-policy").contains("form-action 'self' https://app.example"));
        assert!(is_signed_in(&browser), "{case}");
        let done = confirm(&browser, &path);
        assert_eq!(done.header("location"), format!("{BYE}?state=s"), "{case}");
        assert!(!is_signed_in(&browser), "{case}");
    }
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD).location();
    for path in ["/logout".to_owned(), logout_path(&[("state", "s")]), logout_path(&[("client_id", "web")])] {
        let page = browser.get(&path);
        assert!(page.body.contains("logout-confirm") && !page.body.contains("web</strong>"), "{path}");
        assert!(is_signed_in(&browser), "{path}");
    }
    let done = confirm(&browser, "/logout");
    assert!(done.body.contains("<h1>You are signed out</h1>"));
    assert!(!is_signed_in(&browser));
}

fn without_a_hint_the_browser_stays(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    test.client(members("web"));
    for parameters in [
        [("post_logout_redirect_uri", BYE), ("state", "s")].as_slice(),
        &[("post_logout_redirect_uri", "https://evil.example/"), ("state", "s")],
        &[("post_logout_redirect_uri", BYE), ("client_id", "web"), ("state", "s")],
    ] {
        let browser = Browser::new(&test);
        browser.sign_in("", "ada", PASSWORD).location();
        let path = logout_path(parameters);
        assert_eq!(browser.get(&path).status, 200);
        assert!(is_signed_in(&browser));
        let done = confirm(&browser, &path);
        assert_eq!((done.status.as_u16(), done.header("location")), (200, String::new()), "{path}");
        assert!(done.body.contains("<h1>You are signed out</h1>") && !done.body.contains("http-equiv"), "{path}");
        assert!(!is_signed_in(&browser));
    }
}

/// A token with another header before the same claims and signature.
fn with_header(token: &str, header: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), token.split_once('.').unwrap().1)
}

fn forged_hints_count_for_nothing(engine: Engine) {
    let (test, foreign) = (TestServer::start(engine), TestServer::start(engine));
    let user = test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD).location();
    let claims = hint_claims(&test, &client.id, &user, &sid(&test, &user));
    let good = sign(&test, SigningAlg::RS256, "JWT", &claims);
    let keyring = test.server.keyring();
    let kid = &keyring.signing_key(SigningAlg::RS256, test.clock.now()).unwrap().kid;
    let (message, signature) = good.rsplit_once('.').unwrap();
    let mut changed = claims.clone();
    changed["sub"] = "someone else".into();
    let payload = |claims: &Value| URL_SAFE_NO_PAD.encode(claims.to_string());
    let mut other_issuer = claims.clone();
    other_issuer["iss"] = foreign.server.config.server.issuer.clone().into();
    // Keys of all test servers are the same: a key that nobody published stands for a foreign one.
    let stranger = grantor::crypto::key_pair::generate(SigningAlg::ES256, 2048).unwrap();
    let stranger = grantor::crypto::key_pair::SigningKeyPair::from_pkcs8(SigningAlg::ES256, &stranger).unwrap();
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": stranger.public_jwk.kid });
    let message_of = |header: &Value| format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), payload(&claims));
    let foreign_signed = {
        let message = message_of(&header);
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(stranger.sign(message.as_bytes()).unwrap()))
    };
    let claimed = {
        let message = message_of(&json!({ "alg": "ES256", "typ": "JWT", "kid": kid }));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(stranger.sign(message.as_bytes()).unwrap()))
    };
    let cases = [
        ("alg none", format!("{}.", message_of(&json!({ "alg": "none", "typ": "JWT" })))),
        ("alg none with a kid", format!("{}.", message_of(&json!({ "alg": "none", "typ": "JWT", "kid": kid })))),
        ("no signature", format!("{message}.")),
        ("changed claims", format!("{}.{}.{signature}", message.split('.').next().unwrap(), payload(&changed))),
        ("changed signature", format!("{message}.{}", signature.chars().rev().collect::<String>())),
        ("another algorithm", with_header(&good, &json!({ "alg": "PS256", "typ": "JWT", "kid": kid }))),
        ("a shared secret", with_header(&good, &json!({ "alg": "HS256", "typ": "JWT", "kid": kid }))),
        ("no key named", with_header(&good, &json!({ "alg": "RS256", "typ": "JWT" }))),
        ("an unknown key", foreign_signed),
        ("a foreign signature under our key", claimed),
        ("another issuer", sign(&test, SigningAlg::RS256, "JWT", &other_issuer)),
        ("an access token", sign(&test, SigningAlg::RS256, "at+jwt", &claims)),
        ("a logout token", sign(&test, SigningAlg::RS256, "logout+jwt", &claims)),
        ("no claims", sign(&test, SigningAlg::RS256, "JWT", &json!({}))),
        (
            "two audiences",
            sign(&test, SigningAlg::RS256, "JWT", &{
                let mut claims = claims.clone();
                claims["aud"] = json!(["web", "other"]);
                claims
            }),
        ),
        ("garbage", "garbage".to_owned()),
        ("too long", "x".repeat(20_000)),
    ];
    for (case, hint) in cases {
        for address in [BYE, "https://evil.example/"] {
            let path = logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", address)]);
            let answer = browser.get(&path);
            assert_eq!((answer.status.as_u16(), answer.header("location")), (200, String::new()), "{case}");
            assert_asked(&answer);
        }
    }
    assert!(is_signed_in(&browser) && test.events("logout.done").is_empty());
    // The user may still sign out, and goes nowhere.
    let token = csrf(&browser.get("/logout"));
    let path = logout_path(&[("id_token_hint", "garbage"), ("post_logout_redirect_uri", BYE)]);
    let done = browser.post(&path, &[("csrf", &token)]);
    assert_eq!((done.status.as_u16(), done.header("location")), (200, String::new()));
    assert!(done.body.contains("You are signed out") && !done.body.contains("logout-return"), "{}", done.body);
    assert!(!is_signed_in(&browser));
}

fn the_browser_goes_only_where_the_client_registered(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let uris = [BYE, "https://app.example/q?a=b", "http://127.0.0.1:4000/bye"];
    let uris = uris.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect();
    let client = test.client(ClientMembers { post_logout_redirect_uris: Some(uris), ..members("web") });
    let other = "https://other.example/bye";
    test.client(ClientMembers {
        post_logout_redirect_uris: Some(vec![RedirectUri::parse(other).unwrap()]),
        ..members("other")
    });
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD).location();
    let hint = hint_of_now(&test, &client, &user);
    for address in [
        "https://app.example/bye/",
        "https://app.example/bye?foo=bar",
        "https://app.example/bye#x",
        "https://APP.example/bye",
        "https://app.example:443/bye",
        "https://app.example/q",
        "https://app.example/q?a=b&c=d",
        "http://app.example/bye",
        "http://127.0.0.1:4001/bye",
        "https://app.example.evil.example/bye",
        "https://app.example@evil.example/bye",
        "//evil.example",
        "javascript:alert(1)",
        "https://evil.example/",
        other,
        REDIRECT_URI,
    ] {
        let path = logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", address), ("state", "s")]);
        assert_asked(&browser.get(&path));
    }
    // Also where no hint would lead there.
    let path = logout_path(&[("client_id", "web"), ("post_logout_redirect_uri", "https://evil.example/")]);
    assert_asked(&browser.get(&path));
    let repeated = format!("{}&post_logout_redirect_uri=x", logout_path(&[("post_logout_redirect_uri", BYE)]));
    assert_rejected(&browser.get(&repeated), "is repeated");
    assert!(is_signed_in(&browser), "a refused request ends nothing");
    let path = logout_path(&[
        ("id_token_hint", &hint),
        ("post_logout_redirect_uri", "https://app.example/q?a=b"),
        ("state", "s"),
    ]);
    assert_eq!(browser.get(&path).header("location"), "https://app.example/q?a=b&state=s");
}

fn clients_must_be_known_and_agree(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.client(members("web"));
    test.client(members("other"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD).location();
    let hint = hint_of_now(&test, &client, &user);
    let asked = |parameters: &[(&str, &str)]| assert_asked(&browser.get(&logout_path(parameters)));
    asked(&[("id_token_hint", &hint), ("client_id", "other")]);
    asked(&[("client_id", "nobody")]);
    let gone = TestClient { id: "gone".to_owned(), secret: None };
    let of_nobody = hint_of_now(&test, &gone, &user);
    asked(&[("id_token_hint", &of_nobody)]);
    clients::set_status(&test.server, &Caller::command_line(), "web", Status::Inactive).unwrap();
    asked(&[("id_token_hint", &hint)]);
    assert!(is_signed_in(&browser));
    assert!(confirm(&browser, "/logout").body.contains("You are signed out"));
}

fn the_question_is_tied_to_the_browser(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    browser.sign_in("", "ada", PASSWORD).location();
    let foreign = csrf(&Browser::new(&test).get("/logout"));
    let own = csrf(&browser.get("/logout"));
    let issuer = test.server.config.server.issuer.clone();
    let send = |token: &str, origin: &str| {
        let request = browser.request(reqwest::Method::POST, "/logout").header("origin", origin);
        Answer::of(request.form(&[("csrf", token)]))
    };
    for (token, origin) in [(foreign.as_str(), issuer.as_str()), ("nonsense", &issuer), (&own, "https://evil.example")]
    {
        let refused = send(token, origin);
        assert_eq!((refused.status.as_u16(), refused.header("location")), (403, String::new()), "{token} {origin}");
        assert!(is_signed_in(&browser));
    }
    // A form without a token is a client's request, and asks.
    let repeated = browser.post("/logout", &[("client_id", client.id.as_str()), ("decision", "yes")]);
    assert_eq!(repeated.location().path(), "/logout");
    assert!(browser.follow(&repeated).body.contains("logout-confirm") && is_signed_in(&browser));
    assert_eq!(send(&own, &issuer).status, 200);
    assert!(!is_signed_in(&browser));
}

fn refresh(test: &TestServer, client: &TestClient, tokens: &Value) -> Answer {
    assert!(tokens["refresh_token"].is_string(), "{tokens}");
    let token = text(&tokens["refresh_token"]);
    test.token(client, &[("grant_type", "refresh_token"), ("refresh_token", &token)])
}

fn what_was_granted_without_offline_access_ends(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let (client, other) = (test.client(members("web")), test.client(members("other")));
    let (browser, elsewhere) = (Browser::new(&test), Browser::new(&test));
    let bound = tokens(&test, &browser, &client, "ada", "read");
    let offline = tokens(&test, &browser, &client, "ada", "read offline_access");
    let of_other = tokens(&test, &browser, &other, "ada", "read");
    let in_another = tokens(&test, &elsewhere, &client, "ada", "read");
    let parameters = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    let without_session = test.token(&client, &parameters);
    assert_eq!(without_session.status, 200, "{}", without_session.body);
    let without_session = without_session.json();
    let code = browser
        .get(&format!("/oauth/authorize?{}", authorize_query(&client, &[("scope", "read")])))
        .parameter("code")
        .unwrap();
    confirm(&browser, "/logout");
    let is_active = |tokens: &Value| test.is_active(&client, &text(&tokens["access_token"]));
    assert!(!is_active(&bound) && !is_active(&of_other));
    assert!(is_active(&offline) && is_active(&in_another) && is_active(&without_session));
    refresh(&test, &client, &bound).assert_error(400, "invalid_grant");
    refresh(&test, &other, &of_other).assert_error(400, "invalid_grant");
    assert_eq!(refresh(&test, &client, &offline).status, 200);
    assert_eq!(refresh(&test, &client, &in_another).status, 200);
    // A code that was on its way is good for nothing.
    test.token(&client, &code_parameters(&code)).assert_error(400, "invalid_grant");
    assert!(is_signed_in(&elsewhere));
}

fn who_signs_in_once_more_goes_on_in_the_session(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    let form = csrf(&browser.get("/login"));
    let sign_in =
        || browser.post("/login", &[("csrf", form.as_str()), ("username", "ada"), ("password", PASSWORD)]).location();
    sign_in();
    let first = sid(&test, &user);
    let before = tokens(&test, &browser, &client, "ada", "read");
    test.advance(60);
    sign_in();
    assert_eq!(sid(&test, &user), first, "for clients it is the same session");
    assert_eq!(sessions(&test, &user)[0].auth_time, test.clock.now());
    assert!(test.is_active(&client, &text(&before["access_token"])));
    // Once it has expired, it is another one.
    test.advance(12 * 3600);
    assert!(!is_signed_in(&browser));
    sign_in();
    assert_ne!(sid(&test, &user), first);
}

fn another_user_ends_the_session(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    test.user("bob", &[]);
    let client = test.client(members("web"));
    let browser = Browser::new(&test);
    let form = csrf(&browser.get("/login"));
    let before = tokens(&test, &browser, &client, "ada", "read");
    browser.post("/login", &[("csrf", form.as_str()), ("username", "bob"), ("password", PASSWORD)]).location();
    assert!(sessions(&test, &user).is_empty() && is_signed_in(&browser));
    assert!(!test.is_active(&client, &text(&before["access_token"])));
}

fn pages_of_clients_are_loaded(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("ada", &[]);
    let with_page = |id: &str, uri: &str, session_required: bool| {
        test.client(ClientMembers {
            frontchannel_logout_uri: Some(Some(uri.to_owned())),
            frontchannel_logout_session_required: Some(session_required),
            ..members(id)
        })
    };
    let one = with_page("one", "https://app.example/out?a=1&b=2", true);
    let two = with_page("two", "https://app.example/plain", false);
    let unused = with_page("unused", "https://app.example/unused", true);
    let bare = test.client(members("bare"));
    let browser = Browser::new(&test);
    for client in [&one, &two, &bare] {
        tokens(&test, &browser, client, "ada", "read");
    }
    tokens(&test, &Browser::new(&test), &unused, "ada", "read");
    let own = sessions(&test, &user).into_iter().map(|session| session.sid);
    let own = own.into_iter().find(|sid| {
        let clients = test.server.store.read(|connection| connection.list_clients_of_session(sid)).unwrap();
        clients.len() == 3
    });
    let sid = own.unwrap();
    let hint = self::hint(&test, &bare, &user, &sid);
    let path = logout_path(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "\"><b>")]);
    let page = browser.get(&path);
    assert_eq!((page.status.as_u16(), page.header("location")), (200, String::new()), "loaded before it goes on");
    let issuer: String = url::form_urlencoded::byte_serialize(test.server.config.server.issuer.as_bytes()).collect();
    let framed = format!("https://app.example/out?a=1&#38;b=2&#38;iss={issuer}&#38;sid={sid}");
    for part in [
        "<h1>You are signed out</h1>",
        &format!("<iframe src=\"{framed}\" hidden"),
        "<iframe src=\"https://app.example/plain\" hidden",
        &format!("<meta http-equiv=\"refresh\" content=\"2; url={BYE}?state=%22%3E%3Cb%3E\">"),
        &format!("<a id=\"logout-return\" href=\"{BYE}?state=%22%3E%3Cb%3E\">"),
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert_eq!(page.body.matches("<iframe").count(), 2);
    assert!(!page.body.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(policy.ends_with("; frame-src https://app.example") && policy.contains("default-src 'none'"), "{policy}");
    // Without an address to go to, it is the last page.
    let query = authorize_query(&two, &[]);
    browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    let page = confirm(&browser, "/logout");
    assert!(page.body.contains("app.example/plain\"") && !page.body.contains("http-equiv"), "{}", page.body);
    // What a browser would run in our page is never loaded.
    let update = ClientMembers {
        frontchannel_logout_uri: Some(Some("javascript:alert(1)".to_owned())),
        ..ClientMembers::default()
    };
    if clients::update(&test.server, &Caller::command_line(), "two", update).is_ok() {
        browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
        assert!(!confirm(&browser, "/logout").body.contains("<iframe"));
    }
}
