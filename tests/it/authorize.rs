//! The authorization endpoint (RFC 6749 §4.1.1, §4.1.2): who may be redirected, with what, and how.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::redirect_uri::RedirectUri;
use grantor::protocol::scope::Scope;
use url::Url;

use crate::support::*;

on_both!(
    an_untrusted_client_or_redirect_uri_never_redirects,
    a_disabled_client_never_redirects,
    a_missing_redirect_uri_is_fine_where_there_is_one,
    every_other_error_goes_to_the_client,
    errors_that_need_a_user_come_after_sign_in,
    a_denied_consent_goes_to_the_client,
    with_prompt_none_no_page_is_shown,
    a_client_without_the_grant_is_told_so,
    pkce_can_be_lifted_for_a_confidential_client_only,
    a_query_in_the_redirect_uri_is_kept,
    form_post_is_a_form_that_posts_itself,
    a_post_is_repeated_as_a_get,
    a_native_app_may_choose_its_loopback_port,
    a_private_use_scheme_is_redirected_to,
    a_very_long_state_comes_back,
    what_is_not_text_never_redirects,
    an_issuer_with_a_path_has_all_its_routes_below_it,
);

fn get(test: &TestServer, query: &str) -> Answer {
    Answer::of(http_client().get(test.url(&format!("/oauth/authorize?{query}"))))
}

/// A page of this server, with this sentence, that leads nowhere.
#[track_caller]
fn assert_page(answer: &Answer, status: u16, sentence: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("location"), "");
    assert!(!answer.body.contains("http-equiv") && !answer.body.contains("<script"), "{}", answer.body);
    assert!(answer.body.contains(&format!("role=\"alert\">{sentence}</p>")), "{}", answer.body);
}

/// The redirect of an error: RFC 6749 §4.1.2.1 with `iss` (RFC 9207 §2).
#[track_caller]
fn assert_redirected_error(test: &TestServer, answer: &Answer, error: &str, state: Option<&str>) -> String {
    let location = answer.location();
    assert_eq!(location.as_str().split('?').next(), Some(REDIRECT_URI));
    let names: Vec<String> = location.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let expected = if state.is_some() {
        &["error", "error_description", "state", "iss"][..]
    } else {
        &["error", "error_description", "iss"]
    };
    assert_eq!(names, expected, "{location}");
    assert_eq!(answer.parameter("error").as_deref(), Some(error), "{location}");
    assert_eq!(answer.parameter("state").as_deref(), state);
    assert_eq!(answer.parameter("iss").as_deref(), Some(test.server.config.server.issuer.as_str()));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let description = answer.parameter("error_description").unwrap();
    // RFC 6749 §4.1.2.1: %x20-21 / %x23-5B / %x5D-7E.
    let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    assert!(description.bytes().all(allowed), "{description}");
    description
}

fn an_untrusted_client_or_redirect_uri_never_redirects(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    let several = test.client(ClientMembers {
        redirect_uris: Some(vec![
            RedirectUri::parse(REDIRECT_URI).unwrap(),
            RedirectUri::parse("https://app.example/other").unwrap(),
        ]),
        ..public_members("several")
    });
    let unknown = "there is no client with this client_id";
    let nobody = TestClient { id: "nobody".to_owned(), secret: None };
    assert_page(&get(&test, &authorize_query(&nobody, &[])), 400, unknown);
    assert_page(&get(&test, &authorize_query(&client, &[("client_id", "APP")])), 400, unknown);
    let missing = "parameter &#39;client_id&#39; is missing";
    assert_page(&get(&test, &authorize_query(&client, &[("client_id", "")])), 400, missing);
    assert_page(&get(&test, ""), 400, missing);
    for uri in [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback#",
        "https://app.example:443/callback",
        "https://APP.example/callback",
        "https://app.example/%63allback",
        "https://app.example/x/../callback",
        "https://user@app.example/callback",
        "http://app.example/callback",
        "https://app.example.evil.example/callback",
        "//app.example/callback",
        "/callback",
        "::::",
        "javascript:alert(1)",
        "https://evil.example\\@app.example/callback",
        "https://app.example/callback\r\nSet-Cookie: x=y",
    ] {
        let query = authorize_query(&client, &[("redirect_uri", uri)]);
        assert_page(&get(&test, &query), 400, "the redirect_uri is not registered for this client");
    }
    let query = authorize_query(&client, &[]);
    let twice = format!("{query}&client_id={}", client.id);
    assert_page(&get(&test, &twice), 400, "parameter &#39;client_id&#39; is repeated");
    let twice = format!("{query}&redirect_uri=https://app.example/callback");
    assert_page(&get(&test, &twice), 400, "parameter &#39;redirect_uri&#39; is repeated");
    let none = authorize_query(&several, &[("redirect_uri", "")]);
    let sentence = "redirect_uri is required: the client has none or several registered";
    assert_page(&get(&test, &none), 400, sentence);
    // Neither do the pages that carry the request on.
    for page in ["login", "consent"] {
        let query = authorize_query(&client, &[("redirect_uri", "https://evil.example/")]);
        let answer = Answer::of(http_client().get(test.url(&format!("/{page}?{query}"))));
        assert_page(&answer, 400, "the redirect_uri is not registered for this client");
    }
}

fn a_disabled_client_never_redirects(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    for status in [Status::Inactive, Status::Revoked] {
        clients::set_status(&test.server, &Caller::command_line(), &client.id, status).unwrap();
        assert_page(&get(&test, &authorize_query(&client, &[])), 400, "this client is disabled");
    }
}

fn a_missing_redirect_uri_is_fine_where_there_is_one(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[("redirect_uri", "")]);
    let mut answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    for redirect_uri in [None, Some(REDIRECT_URI), Some("https://app.example/other")] {
        assert_eq!(answer.location().as_str().split('?').next(), Some(REDIRECT_URI));
        let code = answer.parameter("code").unwrap();
        let mut parameters = code_parameters(&code).to_vec();
        parameters.retain(|(name, _)| *name != "redirect_uri");
        parameters.extend(redirect_uri.map(|uri| ("redirect_uri", uri)));
        let exchanged = test.token(&client, &parameters);
        // RFC 6749 §4.1.3: required only if it was in the request, but wrong is wrong.
        let expected = if redirect_uri == Some("https://app.example/other") { 400 } else { 200 };
        assert_eq!(exchanged.status, expected, "{}", exchanged.body);
        answer = browser.get(&format!("/oauth/authorize?{query}"));
    }
}

/// Changed parameters, the error word, and what the description says.
type Refusal = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const NOT_A_SCOPE: &str = "not a scope: tokens of printable ASCII without space, ''' and ''', parted by single spaces";

const REDIRECTED: [Refusal; 18] = [
    (&[("response_type", "token")], "unsupported_response_type", "response_type must be code"),
    (&[("response_type", "code id_token")], "unsupported_response_type", "response_type must be code"),
    (&[("response_type", "")], "invalid_request", "parameter 'response_type' is missing"),
    (
        &[("code_challenge", ""), ("code_challenge_method", "")],
        "invalid_request",
        "code_challenge is required for this client (PKCE, S256)",
    ),
    (&[("code_challenge_method", "")], "invalid_request", "code_challenge_method must be S256"),
    (&[("code_challenge_method", "plain")], "invalid_request", "code_challenge_method must be S256"),
    (&[("code_challenge", "short")], "invalid_request", "code_challenge is not an S256 challenge"),
    (&[("code_challenge", "")], "invalid_request", "code_challenge_method came without a code_challenge"),
    (&[("scope", "read admin")], "invalid_scope", "the client is not registered for the requested scope"),
    (&[("scope", "a\"b")], "invalid_scope", NOT_A_SCOPE),
    (
        &[("resource", "https://other.example")],
        "invalid_target",
        "the client is not registered for the requested resource",
    ),
    (
        &[("resource", "relative")],
        "invalid_target",
        "a resource must be an absolute URI without fragment, of at most 2048 printable ASCII characters",
    ),
    (&[("scope", "read"), ("scope", "read")], "invalid_request", "parameter 'scope' is repeated"),
    (
        &[("response_type", "code"), ("response_type", "code")],
        "invalid_request",
        "parameter 'response_type' is repeated",
    ),
    (&[("response_mode", "fragment")], "invalid_request", "response_mode must be query or form_post"),
    (&[("request", "e30.e30.")], "request_not_supported", "request objects are not supported"),
    (&[("request_uri", "urn:x:y")], "request_uri_not_supported", "request_uri is not supported"),
    (
        &[("response_mode", "query"), ("response_mode", "query")],
        "invalid_request",
        "parameter 'response_mode' is repeated",
    ),
];

fn every_other_error_goes_to_the_client(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    for (changes, error, description) in REDIRECTED {
        let answer = get(&test, &authorize_query(&client, changes));
        assert_eq!(assert_redirected_error(&test, &answer, error, Some("a state")), description, "{changes:?}");
    }
    let long = get(&test, &authorize_query(&client, &[("scope", &"x".repeat(5000))]));
    assert_eq!(assert_redirected_error(&test, &long, "invalid_scope", Some("a state")), NOT_A_SCOPE);
    // A repeated state cannot be echoed; an absent one is not made up.
    let twice = get(&test, &authorize_query(&client, &[("state", "1"), ("state", "2")]));
    assert_redirected_error(&test, &twice, "invalid_request", None);
    let absent = get(&test, &authorize_query(&client, &[("state", ""), ("response_type", "token")]));
    assert_redirected_error(&test, &absent, "unsupported_response_type", None);
    // Unknown parameters are ignored (RFC 6749 §3.1), even repeated; prompting the user comes last.
    let unknown = get(&test, &format!("{}&x=1&x=2", authorize_query(&client, &[])));
    assert_eq!(unknown.location().path(), "/login");
}

fn errors_that_need_a_user_come_after_sign_in(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let scope = Some(Scope::parse("read clients:read").unwrap());
    let client = test.client(ClientMembers { scope, ..public_members("app") });
    let query = authorize_query(&client, &[("scope", "clients:read")]);
    assert_eq!(get(&test, &query).location().path(), "/login");
    let browser = Browser::new(&test);
    let answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    let description = assert_redirected_error(&test, &answer, "invalid_scope", Some("a state"));
    assert_eq!(description, "nothing of the requested scope can be granted here");
}

fn with_prompt_none_no_page_is_shown(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { first_party: Some(false), ..public_members("app") });
    let query = authorize_query(&client, &[("prompt", "none")]);
    let login = "the user has to sign in, and prompt=none forbids to ask";
    let browser = Browser::new(&test);
    let silently = || browser.get(&format!("/oauth/authorize?{query}"));
    assert_eq!(assert_redirected_error(&test, &silently(), "login_required", Some("a state")), login);
    let shown = authorize_query(&client, &[("prompt", "login consent")]);
    assert_eq!(get(&test, &shown).location().path(), "/login");
    browser.sign_in("", "ada", PASSWORD);
    let description = assert_redirected_error(&test, &silently(), "consent_required", Some("a state"));
    assert_eq!(description, "the user has to be asked for consent, and prompt=none forbids it");
    let allowed = browser.decide(&authorize_query(&client, &[]), "allow");
    assert!(allowed.parameter("code").is_some());
    let code = silently().parameter("code").unwrap();
    assert_eq!(test.token(&client, &code_parameters(&code)).status, 200);
    let mixed = get(&test, &authorize_query(&client, &[("prompt", "none login")]));
    let description = assert_redirected_error(&test, &mixed, "invalid_request", Some("a state"));
    assert_eq!(description, "prompt=none goes with no other value");
}

fn a_denied_consent_goes_to_the_client(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.client(ClientMembers { first_party: Some(false), ..public_members("app") });
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    let asked = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert_eq!(asked.location().path(), "/consent");
    for unclear in ["nonsense", ""] {
        assert_eq!(browser.decide(&query, unclear).status, 400, "neither a yes nor a no");
    }
    let answer = browser.decide(&query, "deny");
    let description = assert_redirected_error(&test, &answer, "access_denied", Some("a state"));
    assert_eq!(description, "the user did not allow it");
    assert_eq!(test.events("consent.denied").len(), 1);
    let query = authorize_query(&client, &[("response_mode", "form_post")]);
    let posted = browser.decide(&query, "deny");
    assert_eq!((posted.status.as_u16(), posted.header("location")), (200, String::new()));
    assert!(posted.body.contains("<input type=\"hidden\" name=\"error\" value=\"access_denied\">"), "{}", posted.body);
}

fn a_client_without_the_grant_is_told_so(engine: Engine) {
    let test = TestServer::start(engine);
    let grants = Some(vec![GrantType::ClientCredentials]);
    let client = test.client(ClientMembers { grant_types: grants, ..confidential_members("machine") });
    let answer = get(&test, &authorize_query(&client, &[]));
    let description = assert_redirected_error(&test, &answer, "unauthorized_client", Some("a state"));
    assert_eq!(description, "the client is not registered for this grant");
}

fn pkce_can_be_lifted_for_a_confidential_client_only(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let strict = test.confidential();
    let refused = get(&test, &authorize_query(&strict, &without));
    assert_redirected_error(&test, &refused, "invalid_request", Some("a state"));
    let lifted = test.client(ClientMembers { require_pkce: Some(false), ..confidential_members("lifted") });
    let browser = Browser::new(&test);
    let query = authorize_query(&lifted, &without);
    let mut answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    // RFC 9700 §4.8.2: a verifier for a code without a challenge is a downgrade.
    let code = answer.parameter("code").unwrap();
    let exchanged = test.token(&lifted, &code_parameters(&code));
    exchanged.assert_error(400, "invalid_grant");
    assert_eq!(exchanged.json()["error_description"], "the code_verifier does not match");
    answer = browser.get(&format!("/oauth/authorize?{query}"));
    let code = answer.parameter("code").unwrap();
    assert_eq!(test.token(&lifted, &code_parameters(&code)[..3]).status, 200);
    // Who sends a challenge all the same is held to it.
    let code = browser.code(&lifted, "ada");
    test.token(&lifted, &code_parameters(&code)[..3]).assert_error(400, "invalid_grant");
    assert_eq!(test.token(&lifted, &code_parameters(&code)).status, 200);
    let public = ClientMembers { require_pkce: Some(false), ..public_members("public") };
    assert!(clients::create(&test.server, &Caller::command_line(), public).is_err());
}

fn a_query_in_the_redirect_uri_is_kept(engine: Engine) {
    let test = TestServer::start(engine);
    let uri = "https://app.example/callback?tenant=a%20b&x=";
    let client = test
        .client(ClientMembers { redirect_uris: Some(vec![RedirectUri::parse(uri).unwrap()]), ..public_members("app") });
    let answer = get(&test, &authorize_query(&client, &[("redirect_uri", uri), ("response_type", "token")]));
    assert!(answer.header("location").starts_with(&format!("{uri}&error=unsupported_response_type&")));
}

/// The value of each hidden input of a page, as HTML.
fn hidden_inputs(page: &Answer) -> Vec<(String, String)> {
    let inputs = page.body.split("<input type=\"hidden\" name=\"").skip(1);
    let read = |input: &str| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        (name.to_owned(), rest.split_once("\">").unwrap().0.to_owned())
    };
    inputs.map(read).collect()
}

fn form_post_is_a_form_that_posts_itself(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let browser = Browser::new(&test);
    let state = "\"><script>alert(1)</script>&amp;'";
    let query = authorize_query(&client, &[("response_mode", "form_post"), ("state", state)]);
    let page = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert!(page.body.contains(&format!("<form method=\"post\" action=\"{REDIRECT_URI}\">")), "{}", page.body);
    let inputs = hidden_inputs(&page);
    let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    let escaped = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#38;amp;&#39;";
    assert_eq!(inputs[1].1, escaped);
    assert_eq!(inputs[2].1, test.server.config.server.issuer);
    // The one script is the one that the policy allows.
    let (_, rest) = page.body.split_once("<script>").unwrap();
    let (script, after) = rest.split_once("</script>").unwrap();
    assert_eq!(script, "document.forms[0].submit()");
    assert!(!after.contains("<script"));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
    assert_eq!(
        page.header("content-security-policy"),
        format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self' https://app.example; script-src 'sha256-{}'",
            STANDARD.encode(digest)
        )
    );
    assert!(page.body.contains("<noscript>") && page.body.contains("<button type=\"submit\">"));
    assert_eq!(test.token(&client, &code_parameters(&inputs[0].1)).status, 200);
    // Errors travel the same way.
    let query = authorize_query(&client, &[("response_mode", "form_post"), ("response_type", "token")]);
    let inputs = hidden_inputs(&get(&test, &query));
    let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["error", "error_description", "state", "iss"]);
    assert_eq!(inputs[0].1, "unsupported_response_type");
}

fn a_post_is_repeated_as_a_get(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    let pairs = |text: &str| -> Vec<(String, String)> {
        let mut pairs: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        pairs.sort();
        pairs
    };
    let query = authorize_query(&client, &[("state", "ä+b &=")]);
    let post = |query: &str, content_type: &str, body: &str| {
        let request = http_client().post(test.url(&format!("/oauth/authorize{query}")));
        Answer::of(request.header("content-type", content_type.to_owned()).body(body.to_owned()))
    };
    let form = "application/x-www-form-urlencoded";
    let answer = post("", form, &query);
    let location = answer.location();
    assert_eq!(location.path(), "/oauth/authorize");
    assert_eq!(pairs(location.query().unwrap()), pairs(&query));
    assert_eq!(get(&test, location.query().unwrap()).location().path(), "/login");
    // What came in both places is repeated.
    let answer = post("?state=1", form, &query);
    let error = get(&test, answer.location().query().unwrap());
    assert_redirected_error(&test, &error, "invalid_request", None);
    // What no address can hold is refused here, not by whoever is sent there.
    let with_state = |state: &str| {
        let body = format!("{}&state={state}", authorize_query(&client, &[("state", "")]));
        post("", form, &body)
    };
    let longest = with_state(&"x".repeat(59_000));
    assert_eq!(get(&test, longest.location().query().unwrap()).location().path(), "/login");
    let sentence = "the authorization request is too long";
    assert_page(&with_state(&"x".repeat(61_000)), 400, sentence);
    // Each of these takes three times its room there.
    assert_page(&with_state(&"~".repeat(21_000)), 400, sentence);
    assert_page(&post("", "text/plain", &query), 400, "the body must be application/x-www-form-urlencoded");
    assert_page(&post("", form, "x=%ff"), 400, "a parameter is not UTF-8");
    assert_page(&post("", form, &"x".repeat(64 * 1024 + 1)), 413, "the body must have at most 64 KiB");
}

/// A code for ada of a request with this redirect URI, and the address that it came to.
fn code_to(test: &TestServer, client: &TestClient, redirect_uri: &str) -> (String, String) {
    let browser = Browser::new(test);
    let query = authorize_query(client, &[("redirect_uri", redirect_uri)]);
    let answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    (answer.parameter("code").unwrap(), answer.header("location").split('?').next().unwrap().to_owned())
}

fn a_native_app_may_choose_its_loopback_port(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let registered = ["http://127.0.0.1/cb", "http://[::1]:1234/cb", "http://localhost:3000/cb"];
    let client = test.client(ClientMembers {
        redirect_uris: Some(registered.map(|uri| RedirectUri::parse(uri).unwrap()).to_vec()),
        ..public_members("app")
    });
    for uri in ["http://127.0.0.1:49152/cb", "http://[::1]:5/cb", "http://[::1]/cb", "http://localhost:3000/cb"] {
        let (code, came_to) = code_to(&test, &client, uri);
        assert_eq!(came_to, uri);
        let exchange = |redirect_uri: &str| {
            let mut parameters = code_parameters(&code);
            parameters[2].1 = redirect_uri;
            test.token(&client, &parameters)
        };
        // The exchange is held to the port of the request, not to the registration (RFC 6749 §4.1.3).
        exchange("http://127.0.0.1/cb").assert_error(400, "invalid_grant");
        assert_eq!(exchange(uri).status, 200);
    }
    for uri in [
        "http://127.0.0.1:49152/other",
        "https://127.0.0.1:49152/cb",
        "http://127.0.0.2:49152/cb",
        "http://127.0.0.1:49152@evil.example/cb",
        "http://127.0.0.1:0/cb",
        "http://localhost:3001/cb",
    ] {
        let answer = get(&test, &authorize_query(&client, &[("redirect_uri", uri)]));
        assert_page(&answer, 400, "the redirect_uri is not registered for this client");
    }
}

fn a_private_use_scheme_is_redirected_to(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    for (number, uri) in ["com.example.app:/oauth", "com.example.app://host/oauth"].into_iter().enumerate() {
        let client = test.client(ClientMembers {
            redirect_uris: Some(vec![RedirectUri::parse(uri).unwrap()]),
            ..public_members(&format!("app-{number}"))
        });
        let (code, came_to) = code_to(&test, &client, uri);
        assert_eq!(came_to, uri);
        let mut parameters = code_parameters(&code);
        parameters[2].1 = uri;
        assert_eq!(test.token(&client, &parameters).status, 200);
        // The form of the login page may end there.
        let query = authorize_query(&client, &[("redirect_uri", uri)]);
        let login = Browser::new(&test).get(&format!("/login?{query}"));
        assert!(login.header("content-security-policy").ends_with("; form-action 'self' com.example.app:"));
    }
}

fn a_very_long_state_comes_back(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    // 8 KiB, of which some triple on the way.
    let state = "s ä%&=+\u{1F648}".chars().cycle().take(6000).collect::<String>();
    assert!(state.len() >= 8 * 1024);
    let query = authorize_query(&client, &[("state", &state)]);
    let browser = Browser::new(&test);
    let answer = browser.get(&format!("/oauth/authorize?{query}"));
    assert_eq!(answer.location().path(), "/login");
    let answer = browser.follow(&browser.sign_in(&query, "ada", PASSWORD));
    assert!(answer.parameter("code").is_some());
    assert_eq!(answer.parameter("state").as_deref(), Some(state.as_str()));
    let refused = get(&test, &authorize_query(&client, &[("state", &state), ("response_type", "token")]));
    assert_redirected_error(&test, &refused, "unsupported_response_type", Some(&state));
}

fn what_is_not_text_never_redirects(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.public();
    let query = authorize_query(&client, &[("state", "")]);
    for (tail, sentence) in [
        ("state=%00", "a parameter holds a NUL character"),
        ("state=%ff", "a parameter is not UTF-8"),
        ("%ff=x", "a parameter is not UTF-8"),
        ("state=%C0%80", "a parameter is not UTF-8"),
        ("state=%ED%A0%80", "a parameter is not UTF-8"),
    ] {
        for path in ["oauth/authorize", "login", "consent"] {
            let answer = Answer::of(http_client().get(test.url(&format!("/{path}?{query}&{tail}"))));
            assert_page(&answer, 400, sentence);
        }
    }
    // Half an escape is text like any other.
    let answer = get(&test, &format!("{query}&state=%zz%4&response_type=x"));
    assert_redirected_error(&test, &answer, "invalid_request", Some("%zz%4"));
}

fn an_issuer_with_a_path_has_all_its_routes_below_it(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.server.issuer.push_str("/tenant/a"));
    test.user("ada", &[]);
    let client = test.confidential();
    let issuer = test.server.config.server.issuer.clone();
    let origin = issuer.strip_suffix("/tenant/a").unwrap();
    let at = |path: &str| Answer::of(http_client().get(format!("{origin}{path}")));
    // RFC 8414 §3.1: the well-known part before the path; and below it, for those who append.
    let inserted = at("/.well-known/oauth-authorization-server/tenant/a");
    let appended = at("/tenant/a/.well-known/oauth-authorization-server");
    assert_eq!((inserted.status.as_u16(), &inserted.body), (200, &appended.body));
    let metadata = inserted.json();
    assert_eq!(metadata["issuer"], issuer);
    for (member, path) in [
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("jwks_uri", "/.well-known/jwks.json"),
        ("revocation_endpoint", "/oauth/revoke"),
        ("introspection_endpoint", "/oauth/introspect"),
    ] {
        assert_eq!(metadata[member], format!("{issuer}{path}"));
        assert_eq!(at(path).status, 404, "{path}");
        assert_ne!(at(&format!("/tenant/a{path}")).status, 404, "{path}");
    }
    for path in ["/login", "/consent", "/logout", "/health/live", "/health/ready", "/static/style.css", "/v1/clients"] {
        assert_eq!(at(path).status, 404, "{path}");
        assert_ne!(at(&format!("/tenant/a{path}")).status, 404, "{path}");
    }
    assert_eq!(at("/tenant/ab/login").status, 404);
    assert_eq!(at("/.well-known/oauth-authorization-server").status, 404);
    // The whole flow, by the links that the server itself gives.
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[]);
    let page = browser.follow(&browser.get(&format!("/oauth/authorize?{query}")));
    assert!(page.body.contains("action=\"/tenant/a/login?"), "{}", page.body);
    assert!(page.body.contains("href=\"/tenant/a/static/style.css?v="), "{}", page.body);
    let code = browser.code(&client, "ada");
    let tokens = test.token(&client, &code_parameters(&code)).json();
    let access = text(&tokens["access_token"]);
    let claims = claims(&access);
    assert_eq!((&claims["iss"], &claims["aud"]), (&issuer.clone().into(), &issuer.clone().into()));
    assert!(test.is_active(&client, &access));
    let answer = browser.get(&format!("/oauth/authorize?{query}"));
    assert_eq!(answer.parameter("iss"), Some(issuer));
    assert!(Url::parse(&answer.header("location")).is_ok());
}
