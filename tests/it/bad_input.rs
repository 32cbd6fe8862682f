//! Malformed requests at every endpoint: the RFC's error in its proper form, never a 5xx, never the end of the server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::blocking::Client as HttpClient;

use crate::support::*;

on_both!(
    the_token_endpoint_names_each_mistake,
    the_other_form_endpoints_name_each_mistake,
    credentials_that_cannot_be_read_are_refused,
    content_types_and_sizes_are_held_to,
    the_authorization_endpoint_keeps_its_errors_until_it_trusts,
    the_authorization_endpoint_redirects_what_it_trusts,
    pages_survive_bad_forms,
    odd_methods_are_refused,
    raw_garbage_is_answered_or_dropped,
    random_requests_never_break_the_server,
);

fn form(test: &TestServer, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = http_client().post(test.url(path)).header("content-type", "application/x-www-form-urlencoded");
    Answer::of(request.body(body.into()))
}

/// The server is well: it issues a token.
#[track_caller]
fn assert_well(test: &TestServer, client: &TestClient) {
    let answer = test.token(client, &[("grant_type", "client_credentials")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(Answer::of(http_client().get(test.url("/health/ready"))).status, 200);
}

fn the_token_endpoint_names_each_mistake(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let id = format!("client_id={}&client_secret={}", client.id, client.secret.as_ref().unwrap());
    let long = "x".repeat(60_000);
    let cc = "grant_type=client_credentials";
    for (body, status, error) in [
        (String::new(), 400, "invalid_request"),
        (id.clone(), 400, "invalid_request"),
        (format!("{id}&grant_type="), 400, "invalid_request"),
        (format!("{id}&grant_type=unknown"), 400, "unsupported_grant_type"),
        (format!("{id}&grant_type=implicit"), 400, "unsupported_grant_type"),
        (format!("{id}&grant_type=CLIENT_CREDENTIALS"), 400, "unsupported_grant_type"),
        (format!("{id}&grant_type={long}"), 400, "unsupported_grant_type"),
        (format!("{id}&{cc}&{cc}"), 400, "invalid_request"),
        (format!("{id}&{cc}&scope=read&scope=write"), 400, "invalid_request"),
        (format!("{id}&{cc}&client_id={}", client.id), 400, "invalid_request"),
        (format!("{id}&{cc}&client_secret=x"), 400, "invalid_request"),
        (format!("{id}&{cc}&scope=%22"), 400, "invalid_scope"),
        (format!("{id}&{cc}&scope=a%5Cb"), 400, "invalid_scope"),
        (format!("{id}&{cc}&scope=%C3%A4"), 400, "invalid_scope"),
        (format!("{id}&{cc}&scope=unknown"), 400, "invalid_scope"),
        (format!("{id}&{cc}&scope={}", "x".repeat(5_000)), 400, "invalid_scope"),
        (format!("{id}&{cc}&resource=relative"), 400, "invalid_target"),
        (format!("{id}&{cc}&resource=https://a.example/%23x"), 400, "invalid_target"),
        (format!("{id}&{cc}&resource=https://unknown.example"), 400, "invalid_target"),
        (format!("{id}&{cc}&x=%FF"), 400, "invalid_request"),
        (format!("{id}&{cc}&%C3%28=x"), 400, "invalid_request"),
        (format!("{id}&{cc}&x=%00"), 400, "invalid_request"),
        (format!("{id}&{cc}&scope=read%00"), 400, "invalid_request"),
        (format!("{id}&grant_type=authorization_code"), 400, "invalid_request"),
        (format!("{id}&grant_type=authorization_code&code=x&code=y"), 400, "invalid_request"),
        (format!("{id}&grant_type=authorization_code&code=x"), 400, "invalid_grant"),
        (format!("{id}&grant_type=authorization_code&code={long}"), 400, "invalid_grant"),
        (format!("{id}&grant_type=authorization_code&code=x&code_verifier=short"), 400, "invalid_request"),
        (format!("{id}&grant_type=authorization_code&code=x&redirect_uri=%20"), 400, "invalid_grant"),
        (format!("{id}&grant_type=refresh_token"), 400, "invalid_request"),
        (format!("{id}&grant_type=refresh_token&refresh_token=rt_x"), 400, "invalid_grant"),
        (format!("{id}&grant_type=refresh_token&refresh_token={long}"), 400, "invalid_grant"),
        (format!("{id}&grant_type=password&username=a"), 400, "invalid_request"),
        (format!("{id}&grant_type=password&password=a"), 400, "invalid_request"),
        (format!("{id}&grant_type=password&username={long}&password=a"), 400, "invalid_grant"),
        (format!("{id}&grant_type=password&username=a&password={long}"), 400, "invalid_grant"),
        (format!("{id}&grant_type=password&username=%0A%1B&password=a"), 400, "invalid_grant"),
        (cc.to_owned(), 401, "invalid_client"),
        (format!("{cc}&client_id="), 401, "invalid_client"),
        (format!("{cc}&client_id=nobody&client_secret=x"), 401, "invalid_client"),
        (format!("{cc}&client_id={long}&client_secret={}", "x".repeat(4_000)), 401, "invalid_client"),
        (format!("{cc}&client_id=web&client_secret=wrong"), 401, "invalid_client"),
        (format!("{cc}&client_id=web"), 401, "invalid_client"),
        (format!("{cc}&client_id=%0D%0AX-Injected:1&client_secret=x"), 401, "invalid_client"),
    ] {
        let answer = form(&test, "/oauth/token", body.clone());
        let shown: String = body.chars().take(200).collect();
        assert_eq!(
            (answer.status.as_u16(), text(&answer.json()["error"])),
            (status, error.to_owned()),
            "{shown}: {}",
            answer.body
        );
        answer.assert_error(status, error);
        let description = text(&answer.json()["error_description"]);
        assert!(
            description.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E)),
            "{description}"
        );
        assert!(description.len() < 300, "what came in is not sent back: {description}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401, "{shown}");
    }
    // Odd, and fine: unknown parameters, empty ones, an empty scope.
    for odd in ["&unknown=1&unknown=2", "&scope=", "&&&=&=x", "&scope=+read++", "&x=%zz%", "&resource="] {
        assert_eq!(form(&test, "/oauth/token", format!("{id}&{cc}{odd}")).status, 200, "{odd}");
    }
    assert_well(&test, &client);
}

fn the_other_form_endpoints_name_each_mistake(engine: Engine) {
    let test = TestServer::start(engine);
    let (client, app) = (test.confidential(), test.public());
    let id = format!("client_id={}&client_secret={}", client.id, client.secret.as_ref().unwrap());
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        for (body, status, error) in [
            (String::new(), 400, "invalid_request"),
            (id.clone(), 400, "invalid_request"),
            (format!("{id}&token="), 400, "invalid_request"),
            (format!("{id}&token=a&token=b"), 400, "invalid_request"),
            (format!("{id}&token=a&token_type_hint=a&token_type_hint=b"), 400, "invalid_request"),
            (format!("{id}&token=%00"), 400, "invalid_request"),
            (format!("{id}&token=%FF"), 400, "invalid_request"),
            ("token=a".to_owned(), 401, "invalid_client"),
            ("token=a&client_id=nobody".to_owned(), 401, "invalid_client"),
            ("token=a&client_id=web".to_owned(), 401, "invalid_client"),
            ("token=a&client_id=web&client_secret=wrong".to_owned(), 401, "invalid_client"),
            (format!("token=a&client_id={}&client_secret=x", app.id), 401, "invalid_client"),
        ] {
            let answer = form(&test, path, body.clone());
            assert_eq!(
                (answer.status.as_u16(), text(&answer.json()["error"])),
                (status, error.to_owned()),
                "{path} {body}"
            );
            answer.assert_error(status, error);
        }
        // What is no token of ours is unknown, and that is an answer.
        let jwt = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.e30.";
        for token in ["x", "a.b.c", "...", jwt, &"x".repeat(60_000), "rt_", "%F0%9F%92%A9", "%0A"] {
            let answer = form(&test, path, format!("{id}&token={token}&token_type_hint=surprise"));
            let wanted = if path == "/oauth/introspect" { "{\"active\":false}" } else { "" };
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, wanted), "{path} {}", &token[..1]);
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    form(&test, "/oauth/introspect", format!("client_id={}&token=a", app.id)).assert_error(403, "unauthorized_client");
    assert_eq!(form(&test, "/oauth/revoke", format!("client_id={}&token=a", app.id)).status, 200);
    assert_well(&test, &client);
}

fn credentials_that_cannot_be_read_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let secret = client.secret.clone().unwrap();
    let basic = |joined: &[u8]| format!("Basic {}", STANDARD.encode(joined)).into_bytes();
    let good = basic(format!("web:{secret}").as_bytes());
    let send = |path: &str, headers: &[Vec<u8>], body: &str| {
        let mut request =
            http_client().post(test.url(path)).header("content-type", "application/x-www-form-urlencoded");
        for header in headers {
            request = request.header("authorization", reqwest::header::HeaderValue::from_bytes(header).unwrap());
        }
        Answer::of(request.body(body.to_owned()))
    };
    for (path, body) in [
        ("/oauth/token", "grant_type=client_credentials"),
        ("/oauth/introspect", "token=x"),
        ("/oauth/revoke", "token=x"),
    ] {
        assert_eq!(send(path, std::slice::from_ref(&good), body).status, 200, "{path}");
        for bad in [
            b"Basic".to_vec(),
            b"Basic ".to_vec(),
            b"Basic ???".to_vec(),
            b"Basic YQ".to_vec(),
            b"basic".to_vec(),
            b"Digest a=b".to_vec(),
            b"Bearer abc".to_vec(),
            b"\xff\xfe".to_vec(),
            basic(b"web"),
            basic(b":"),
            basic(format!(":{secret}").as_bytes()),
            basic(b"web:wrong"),
            basic(b"web:\xff"),
            basic(b"%FF:x"),
            basic(b"web:%00"),
            basic(b"\x00:x"),
            basic(&[b'a'; 6_000]),
            basic(format!("web:{secret}:").as_bytes()),
            [b"Basic  x".as_slice(), &good].concat(),
            [good.as_slice(), b", Basic x"].concat(),
        ] {
            let answer = send(path, std::slice::from_ref(&bad), body);
            answer.assert_error(401, "invalid_client");
            assert_eq!(answer.header("www-authenticate"), "Basic realm=\"grantor\", charset=\"UTF-8\"");
        }
        // RFC 6749 §2.3: exactly one method at a time.
        let two = [
            send(path, &[good.clone(), good.clone()], body),
            send(path, std::slice::from_ref(&good), &format!("{body}&client_secret={secret}")),
            send(path, std::slice::from_ref(&good), &format!("{body}&client_id=web&client_secret={secret}")),
            send(path, std::slice::from_ref(&good), &format!("{body}&client_id=other")),
        ];
        for answer in two {
            assert!(matches!(answer.status.as_u16(), 400 | 401), "{}", answer.body);
            let error = text(&answer.json()["error"]);
            assert_eq!(error, if answer.status == 400 { "invalid_request" } else { "invalid_client" });
        }
        assert_eq!(send(path, std::slice::from_ref(&good), &format!("{body}&client_id=web")).status, 200);
    }
    assert_well(&test, &client);
}

fn content_types_and_sizes_are_held_to(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let body = "grant_type=client_credentials";
    let send = |path: &str, types: &[&str], body: Vec<u8>| {
        let mut request = http_client().post(test.url(path)).basic_auth(&client.id, client.secret.as_ref());
        for content_type in types {
            request = request.header("content-type", *content_type);
        }
        Answer::of(request.body(body))
    };
    let urlencoded = "application/x-www-form-urlencoded";
    for fine in [urlencoded, "Application/X-WWW-Form-URLencoded", "application/x-www-form-urlencoded; charset=UTF-8"] {
        assert_eq!(send("/oauth/token", &[fine], body.into()).status, 200, "{fine}");
    }
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        for wrong in [
            &[][..],
            &["application/json"],
            &["multipart/form-data; boundary=x"],
            &["text/plain"],
            &[""],
            &[urlencoded, urlencoded],
        ] {
            send(path, wrong, body.into()).assert_error(400, "invalid_request");
        }
        let padded =
            |length: usize| format!("{body}&token=x&pad={}", "x".repeat(length - body.len() - 13)).into_bytes();
        assert_eq!(padded(65_537).len(), 65_537);
        send(path, &[urlencoded], padded(65_537)).assert_error(413, "invalid_request");
        assert_eq!(send(path, &[urlencoded], padded(65_536)).status, 200, "{path}");
    }
    for path in ["/oauth/authorize", "/login", "/consent", "/logout"] {
        let answer = send(path, &["application/json"], b"{}".to_vec());
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (400, "text/html; charset=utf-8".to_owned()),
            "{path}"
        );
        let answer = send(path, &[urlencoded], vec![b'x'; 65_537]);
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (413, "text/html; charset=utf-8".to_owned()),
            "{path}"
        );
    }
    assert_well(&test, &client);
}

fn the_authorization_endpoint_keeps_its_errors_until_it_trusts(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    test.client(public_members("gone"));
    grantor::flows::clients::set_status(
        &test.server,
        &grantor::flows::caller::Caller::command_line(),
        "gone",
        grantor::domain::client::Status::Revoked,
    )
    .unwrap();
    let good = authorize_query(&client, &[]);
    let without = |name: &str| authorize_query(&client, &[(name, "")]);
    let redirect = |uri: &str| authorize_query(&client, &[("redirect_uri", uri)]);
    for query in [
        String::new(),
        "%FF".to_owned(),
        format!("{good}&x=%FF"),
        format!("{good}&x=%00"),
        format!("{good}&client_id=web"),
        format!("{good}&redirect_uri=https://app.example/callback"),
        without("client_id"),
        authorize_query(&client, &[("client_id", "nobody")]),
        authorize_query(&client, &[("client_id", "gone")]),
        redirect("https://evil.example/"),
        redirect("https://app.example/callback/"),
        redirect("https://app.example/callback?x=1"),
        redirect("https://app.example/callback#x"),
        redirect("javascript:alert(1)"),
        redirect("//app.example/callback"),
        redirect("https://app.example\\@evil.example/callback"),
        redirect(&"x".repeat(9_000)),
        authorize_query(&client, &[("client_id", &"x".repeat(9_000))]),
    ] {
        for path in ["/oauth/authorize", "/login", "/consent"] {
            if path != "/oauth/authorize" && query.is_empty() {
                continue;
            }
            let answer = Browser::new(&test).get(&format!("{path}?{query}"));
            let shown: String = query.chars().take(150).collect();
            assert_eq!(answer.status, 400, "{path}?{shown}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            assert!(!answer.headers.contains_key("location"), "{path}?{shown}");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
            assert!(!answer.body.contains("alert(1)"), "{path}?{shown}");
        }
    }
    assert_well(&test, &client);
}

fn the_authorization_endpoint_redirects_what_it_trusts(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let cc = test.client(grantor::flows::clients::ClientMembers {
        grant_types: Some(vec![grantor::protocol::grant_type::GrantType::ClientCredentials]),
        ..confidential_members("machine")
    });
    let state = "s".repeat(8_000);
    let odd_state = "\" <script>&=#ä\u{1F4A9}\r\n";
    for (client, changes, error) in [
        (&client, vec![("response_type", "")], "invalid_request"),
        (&client, vec![("response_type", "token")], "unsupported_response_type"),
        (&client, vec![("response_type", "code id_token")], "unsupported_response_type"),
        (&client, vec![("response_mode", "fragment")], "invalid_request"),
        (&client, vec![("code_challenge", "")], "invalid_request"),
        (&client, vec![("code_challenge_method", "")], "invalid_request"),
        (&client, vec![("code_challenge_method", "plain")], "invalid_request"),
        (&client, vec![("code_challenge", "short")], "invalid_request"),
        (&client, vec![("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&client, vec![("scope", "a\"b")], "invalid_scope"),
        (&client, vec![("scope", "unknown")], "invalid_scope"),
        (&client, vec![("resource", "relative")], "invalid_target"),
        (&client, vec![("resource", "https://unknown.example")], "invalid_target"),
        (&client, vec![("request", "eyJ")], "request_not_supported"),
        (&client, vec![("request_uri", "https://a.example/")], "request_uri_not_supported"),
        (&cc, vec![], "unauthorized_client"),
        (&client, vec![("response_type", "token"), ("state", &state)], "unsupported_response_type"),
        (&client, vec![("response_type", "token"), ("state", odd_state)], "unsupported_response_type"),
    ] {
        let answer = Browser::new(&test).get(&format!("/oauth/authorize?{}", authorize_query(client, &changes)));
        let sent = changes.iter().find(|(name, _)| *name == "state").map_or("a state", |(_, value)| value);
        assert_eq!(answer.parameter("error").as_deref(), Some(error), "{changes:?}: {answer:?}");
        assert_eq!(answer.parameter("state").as_deref(), Some(sent));
        assert_eq!(answer.parameter("iss").as_deref(), Some(test.server.config.server.issuer.as_str()));
        assert_eq!(answer.parameter("code"), None);
        assert!(answer.header("location").starts_with(&format!("{REDIRECT_URI}?")));
    }
    for repeated in [
        "state=1",
        "scope=read&scope=write",
        "response_type=code",
        "code_challenge_method=S256",
        "response_mode=query&response_mode=query",
    ] {
        let query = format!("{}&{repeated}", authorize_query(&client, &[]));
        let answer = Browser::new(&test).get(&format!("/oauth/authorize?{query}"));
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{repeated}");
    }
    assert_well(&test, &client);
}

fn pages_survive_bad_forms(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client =
        test.client(grantor::flows::clients::ClientMembers { first_party: Some(false), ..confidential_members("web") });
    let query = authorize_query(&client, &[]);
    let browser = Browser::new(&test);
    let token = csrf(&browser.get(&format!("/login?{query}")));
    let long = "x".repeat(60_000);
    let login = format!("/login?{query}");
    for (form, status) in [
        (vec![], 403),
        (vec![("csrf", "wrong"), ("username", "ada"), ("password", PASSWORD)], 403),
        (vec![("csrf", &*token), ("csrf", &*token), ("username", "ada"), ("password", PASSWORD)], 400),
        (vec![("csrf", &*token), ("username", "ada"), ("username", "bob"), ("password", PASSWORD)], 400),
        (vec![("csrf", &*token), ("username", "a\0"), ("password", PASSWORD)], 400),
        (vec![("csrf", &*token)], 403),
        (vec![("csrf", &*token), ("username", &*long), ("password", "x")], 403),
        (vec![("csrf", &*token), ("username", "ada"), ("password", &*long)], 403),
        (vec![("csrf", &*token), ("username", "<script>"), ("password", "x")], 403),
    ] {
        let answer = browser.post(&login, &form);
        assert_eq!(answer.status, status, "{:?}", form.first());
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert!(!answer.body.contains("<script>"));
    }
    assert_eq!(browser.sign_in(&query, "ada", PASSWORD).status, 303);
    let consent = format!("/consent?{query}");
    let token = csrf(&browser.get(&consent));
    for (form, status) in [
        (vec![("csrf", &*token)], 400),
        (vec![("csrf", &*token), ("decision", "maybe")], 400),
        (vec![("csrf", &*token), ("decision", "allow"), ("decision", "deny")], 400),
        (vec![("csrf", "wrong"), ("decision", "allow")], 403),
        (vec![("decision", "allow")], 403),
    ] {
        let answer = browser.post(&consent, &form);
        assert_eq!(answer.status, status, "{form:?}: {}", answer.body);
    }
    assert!(test.events("consent.granted").is_empty());
    // Cookies of any kind.
    for cookie in ["", "=", ";;;", "session=\u{ff}", "__Host-session=x; session=x", &"x".repeat(6_000)] {
        let Ok(value) = reqwest::header::HeaderValue::from_bytes(cookie.as_bytes()) else { continue };
        let answer =
            Answer::of(http_client().get(test.url(&format!("/oauth/authorize?{query}"))).header("cookie", value));
        assert_eq!(answer.location().path(), "/login");
    }
    assert_well(&test, &client);
}

fn odd_methods_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let odd = Method::from_bytes(b"BREW").unwrap();
    for (path, methods) in [
        ("/oauth/token", vec![Method::GET, Method::PUT, Method::DELETE, Method::HEAD, odd.clone()]),
        ("/oauth/introspect", vec![Method::GET, Method::PUT, odd.clone()]),
        ("/oauth/revoke", vec![Method::GET, Method::PATCH, odd.clone()]),
        ("/oauth/authorize", vec![Method::PUT, Method::DELETE, odd.clone()]),
        ("/login", vec![Method::PUT, odd.clone()]),
        ("/consent", vec![Method::PATCH, odd.clone()]),
        ("/logout", vec![Method::DELETE]),
        ("/.well-known/jwks.json", vec![Method::POST, odd.clone()]),
        ("/.well-known/oauth-authorization-server", vec![Method::PUT]),
        ("/health/live", vec![Method::POST]),
        ("/health/ready", vec![Method::POST]),
    ] {
        for method in methods {
            let answer = Answer::of(http_client().request(method.clone(), test.url(path)).body("x"));
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
        }
    }
    for path in [
        "/",
        "/nothing",
        "/oauth",
        "/oauth/token/",
        "/oauth//token",
        "/.well-known/",
        "/metrics",
        "/%00",
        "/%ff",
        "/..%2f..%2fetc%2fpasswd",
        "/static/",
        "/static/..%2fCargo.toml",
    ] {
        let answer = Answer::of(http_client().get(test.url(path)));
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (404, "application/problem+json".to_owned()),
            "{path}"
        );
        assert_eq!(answer.json()["code"], "not_found", "{path}");
    }
    assert_well(&test, &client);
}

/// Sends octets as they are and reads what comes back until the server closes. `None` when it only closed.
fn raw(test: &TestServer, octets: &[u8]) -> Option<u16> {
    let mut socket = TcpStream::connect(test.server.config.server.bind).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // A server that has seen enough may close while we still write.
    let _ = socket.write_all(octets);
    let _ = socket.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let line = String::from_utf8_lossy(&answer).lines().next().map(str::to_owned)?;
    let status = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "));
    Some(status.unwrap_or_else(|| panic!("not HTTP: {line}"))[..3].parse().unwrap())
}

fn raw_garbage_is_answered_or_dropped(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let post = |rest: &str| {
        format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n{rest}")
            .into_bytes()
    };
    let many: String = (0..300).map(|number| format!("X-{number}: x\r\n")).collect();
    let garbage: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"\0".to_vec(),
        b"\r\n\r\n".to_vec(),
        b"\xff\xfe\xfd\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost a\r\n\r\n".to_vec(),
        b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        [b"GET /".as_slice(), &vec![b'a'; 200_000], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat(),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n").into_bytes(),
        post("Content-Length: -1\r\n\r\n"),
        post("Content-Length: x\r\n\r\n"),
        post("Content-Length: 99999999999999999999999\r\n\r\n"),
        post("Content-Length: 10\r\n\r\nabc"),
        post("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        post("Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
        post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        post("Transfer-Encoding: gzip\r\n\r\nabc"),
        post("Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc"),
    ];
    for octets in garbage {
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(60)]).into_owned();
        let answer = raw(&test, &octets);
        assert!(answer.is_none_or(|status| (400..500).contains(&status)), "{shown:?}: {answer:?}");
        // Neither the connection nor the one worker behind it was lost.
        assert_eq!(Answer::of(http_client().get(test.url("/health/live"))).status, 200, "{shown:?}");
    }
    // The Host header decides nothing: the issuer is a setting.
    let mut socket = TcpStream::connect(test.server.config.server.bind).unwrap();
    socket.write_all(b"GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("evil.example"), "{answer}");
    assert_well(&test, &client);
}

/// A small generator (xorshift64*), so that a failure can be repeated from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    fn octets(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next().to_be_bytes()[0]).collect()
    }
}

const PATHS: [&str; 19] = [
    "/oauth/token",
    "/oauth/token",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/authorize",
    "/login",
    "/consent",
    "/logout",
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/health/ready",
    "/metrics",
    "/static/style.css",
    "/v1/clients",
    "/v1/users",
    "/v1/scopes",
    "/v1/signing-keys",
    "/v1/audit-events",
    "/v1/revoked-tokens",
];
const WORDS: [&str; 44] = [
    "grant_type",
    "client_credentials",
    "authorization_code",
    "refresh_token",
    "password",
    "code",
    "client_id",
    "web",
    "client_secret",
    "scope",
    "read",
    "write",
    "admin",
    "resource",
    "https://a.example",
    "redirect_uri",
    "https://app.example/callback",
    "state",
    "response_type",
    "code_challenge",
    "S256",
    "code_challenge_method",
    "token",
    "rt_",
    "username",
    "ada",
    "csrf",
    "decision",
    "allow",
    "limit",
    "cursor",
    "-1",
    "99999999999999999999",
    "%00",
    "%ff",
    "%",
    "+",
    "\u{0}",
    "\u{feff}",
    "ä\u{301}",
    "\u{1F4A9}",
    "null",
    "[[[[",
    "'; DROP TABLE users; --",
];

/// A value made of known words, noise, or both.
fn value(random: &mut Random) -> Vec<u8> {
    match random.below(5) {
        0 => random.octets(40),
        1 => Vec::new(),
        2 => random.pick(&WORDS).repeat(random.below(200) + 1).into_bytes(),
        _ => random.pick(&WORDS).as_bytes().to_vec(),
    }
}

fn body(random: &mut Random, secret: &str) -> Vec<u8> {
    if random.below(4) == 0 {
        return random.octets(2_000);
    }
    if random.below(4) == 0 {
        let name =
            random.pick(&["client_id", "redirect_uris", "username", "name", "scope", "roles", "mode", "surprise"]);
        let value = random.pick(&[
            "null",
            "1",
            "\"x\"",
            "[]",
            "{}",
            "[1]",
            "\"\\u0000\"",
            "1e400",
            "true",
            "[\"https://a.example/\"]",
        ]);
        return format!("{{\"{name}\":{value},\"description\":{value}}}").into_bytes();
    }
    let mut octets =
        if random.below(2) == 0 { format!("client_id=web&client_secret={secret}&").into_bytes() } else { Vec::new() };
    for _ in 0..random.below(8) {
        let (name, value) = (random.pick(&WORDS), value(random));
        octets.extend(name.as_bytes());
        octets.push(b'=');
        let encoded: String = url::form_urlencoded::byte_serialize(&value).collect();
        octets.extend(if random.below(8) == 0 { value } else { encoded.into_bytes() });
        octets.push(b'&');
    }
    octets
}

fn request(random: &mut Random, test: &TestServer, http: &HttpClient, (secret, token): (&str, &str)) -> Answer {
    let query: String = url::form_urlencoded::byte_serialize(&value(random)).collect();
    let suffix = ["", "?", "/"][random.below(3)].to_owned() + if random.below(2) == 0 { &query } else { "" };
    let method =
        ["GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"][random.below(10)];
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = http.request(method, test.url(&format!("{}{suffix}", random.pick(&PATHS))));
    let types = [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain",
        "",
    ];
    request = request.header("content-type", random.pick(&types));
    for name in ["authorization", "cookie", "origin", "if-none-match", "x-forwarded-for", "accept", "user-agent"] {
        let made = match random.below(6) {
            0 => value(random),
            1 => format!("Basic {}", STANDARD.encode(format!("web:{secret}"))).into_bytes(),
            2 if name == "authorization" => format!("Bearer {token}").into_bytes(),
            _ => continue,
        };
        if let Ok(header) = reqwest::header::HeaderValue::from_bytes(&made) {
            request = request.header(name, header);
        }
    }
    Answer::of(request.body(body(random, secret)))
}

fn random_requests_never_break_the_server(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let token = test
        .admin_token("clients:read clients:write users:read scopes:read scopes:write audit-events:read tokens:read");
    let secret = client.secret.clone().unwrap();
    let http = http_client();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..600 {
        let seed = random.0;
        let answer = request(&mut random, &test, &http, (&secret, &token));
        assert!(
            !answer.status.is_server_error(),
            "request {number}, seed {seed:#x}: {} {}",
            answer.status,
            answer.body
        );
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
    }
    // It was not all refused at the door.
    assert!(statuses.len() >= 6 && statuses[&200] > 20, "{statuses:?}");
    let gone = test.server.store.read(|connection| connection.find_client("web")).unwrap();
    assert!(gone.is_some());
    assert_well(&test, &client);
}
