//! Dynamic client registration (RFC 7591, OpenID Connect Registration) and its management (RFC 7592), over HTTP.

use std::thread;

use grantor::domain::registration::RegistrationMode;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::purge::purge;
use grantor::flows::registration_tokens::{self, NewRegistrationToken};
use grantor::protocol::origin::Origin;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    a_client_registers_itself_and_signs_people_in,
    everything_registered_is_in_the_answer,
    a_public_client_gets_no_secret_and_must_use_pkce,
    registration_is_closed_by_default,
    an_initial_access_token_is_needed_and_counts,
    one_use_is_one_client_under_a_race,
    a_client_reads_replaces_and_ends_its_registration,
    only_its_own_token_manages_a_registration,
    an_update_keeps_what_operators_set,
    unused_registrations_expire,
    a_registration_that_ended_leaves_nothing_but_events,
    the_pages_of_a_browser_app_may_ask,
    every_step_leaves_an_event,
    tokens_are_made_listed_and_revoked_at_the_api,
);

/// A server that registers clients in this mode.
pub fn server(engine: Engine, mode: RegistrationMode) -> TestServer {
    TestServer::start_with(engine, |config| config.registration.mode = mode)
}

/// A registration request, with a token where there is one.
pub fn register(test: &TestServer, token: Option<&str>, body: &Value) -> Answer {
    let request = http_client().post(test.url("/oauth/register")).json(body);
    Answer::of(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
}

/// The least that a web application says.
pub fn web() -> Value {
    json!({ "redirect_uris": [REDIRECT_URI] })
}

/// A registered client.
#[track_caller]
pub fn made(answer: &Answer) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

/// A request to a registration.
pub fn manage(test: &TestServer, method: Method, client: &Value, token: Option<&str>, body: Option<&Value>) -> Answer {
    let uri = text(&client["registration_client_uri"]);
    assert!(uri.starts_with(&test.server.config.server.issuer), "{uri}");
    let mut request = http_client().request(method, uri);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    Answer::of(request)
}

fn own_token(client: &Value) -> String {
    text(&client["registration_access_token"])
}

fn test_client(client: &Value) -> TestClient {
    TestClient { id: text(&client["client_id"]), secret: client["client_secret"].as_str().map(str::to_owned) }
}

/// A code by a registered client, which asks for consent, without PKCE.
fn code(test: &TestServer, client: &TestClient, username: &str) -> String {
    let browser = Browser::new(test);
    let plain = [("code_challenge", ""), ("code_challenge_method", ""), ("scope", "openid")];
    let query = authorize_query(client, &plain);
    browser.sign_in(&query, username, PASSWORD);
    browser.decide(&query, "allow").parameter("code").unwrap()
}

fn a_client_registers_itself_and_signs_people_in(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    test.user("ada", &[]);
    let client = made(&register(&test, None, &web()));
    let test_client = test_client(&client);
    let code = code(&test, &test_client, "ada");
    let parameters = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT_URI)];
    let answer = test.token(&test_client, &parameters);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let metadata = Answer::of(http_client().get(test.url("/.well-known/oauth-authorization-server"))).json();
    assert_eq!(metadata["registration_endpoint"], format!("{}/oauth/register", test.server.config.server.issuer));
}

fn everything_registered_is_in_the_answer(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let client = made(&register(&test, None, &web()));
    assert_eq!(client["client_id_issued_at"], start_time().timestamp());
    assert_eq!(client["client_secret_expires_at"], 0);
    assert!(text(&client["client_secret"]).starts_with("cs_"));
    assert!(own_token(&client).starts_with("rg_"));
    for (member, value) in [
        ("redirect_uris", json!([REDIRECT_URI])),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("grant_types", json!(["authorization_code"])),
        ("response_types", json!(["code"])),
        ("application_type", json!("web")),
        ("subject_type", json!("public")),
        ("id_token_signed_response_alg", json!("RS256")),
        ("scope", json!(test.server.config.registration.scope.to_string())),
    ] {
        assert_eq!(client[member], value, "{member}");
    }
    assert_eq!(client.get("assertion_audience"), None);
    let said = json!({
        "redirect_uris": ["https://app.example/cb", "https://app.example/cb2"],
        "client_name": "An app", "client_uri": "https://app.example/", "logo_uri": "https://app.example/logo.png",
        "policy_uri": "https://app.example/policy", "tos_uri": "https://app.example/tos", "contacts": ["ops@app.example"],
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "scope": "openid email", "software_id": "4711", "software_version": "1.0",
        "initiate_login_uri": "https://app.example/login", "post_logout_redirect_uris": ["https://app.example/bye"],
        "backchannel_logout_uri": "https://app.example/back", "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://app.example/front", "frontchannel_logout_session_required": true,
        "jwks_uri": "https://app.example/jwks", "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "RS256", "subject_type": "pairwise", "default_max_age": 3600,
        "require_auth_time": true, "default_acr_values": ["1"], "require_pushed_authorization_requests": true,
        "application_type": "web",
    });
    let mut sent = said.clone();
    // RFC 7591 §2: what is not known is ignored; RFC 7592 §2.2: a null is as good as nothing.
    sent["client_name#de"] = json!("Eine App");
    sent["first_party"] = json!(true);
    sent["may_introspect"] = json!(true);
    sent["roles"] = json!(["admin"]);
    sent["sector_identifier_uri"] = Value::Null;
    let client = made(&register(&test, None, &sent));
    for (member, value) in said.as_object().unwrap() {
        assert_eq!(client[member], *value, "{member}");
    }
    for member in ["client_name#de", "first_party", "may_introspect", "roles"] {
        assert_eq!(client.get(member), None, "{member}");
    }
    let id = text(&client["client_id"]);
    let stored = test.server.store.read(|connection| connection.find_client(&id)).unwrap().unwrap();
    assert!(!stored.first_party && !stored.may_introspect && stored.roles.is_empty());
}

fn a_public_client_gets_no_secret_and_must_use_pkce(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let mut said = web();
    said["token_endpoint_auth_method"] = json!("none");
    let client = made(&register(&test, None, &said));
    assert_eq!((client.get("client_secret"), client.get("client_secret_expires_at")), (None, None));
    let query = authorize_query(&test_client(&client), &[("code_challenge", ""), ("code_challenge_method", "")]);
    let answer = Browser::new(&test).get(&format!("/oauth/authorize?{query}"));
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"));
    // A setting asks it of the others too.
    let strict = TestServer::start_with(engine, |config| {
        config.registration.mode = RegistrationMode::Open;
        config.registration.require_pkce = true;
    });
    let client = made(&register(&strict, None, &web()));
    let query = authorize_query(&test_client(&client), &[("code_challenge", ""), ("code_challenge_method", "")]);
    let answer = Browser::new(&strict).get(&format!("/oauth/authorize?{query}"));
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"));
}

fn registration_is_closed_by_default(engine: Engine) {
    let test = TestServer::start(engine);
    register(&test, None, &web()).assert_error(403, "access_denied");
    let metadata = Answer::of(http_client().get(test.url("/.well-known/oauth-authorization-server"))).json();
    assert_eq!(metadata.get("registration_endpoint"), None);
    assert_eq!(Answer::of(http_client().get(test.url("/oauth/register"))).status, 405);
}

/// An initial access token.
fn initial(test: &TestServer, max_uses: Option<u32>, lifetime: Option<u64>) -> (String, String) {
    let new = NewRegistrationToken { description: "partners".to_owned(), max_uses, lifetime };
    let made = registration_tokens::create(&test.server, &Caller::command_line(), new);
    let made = made.map_err(|error| format!("{error:?}")).unwrap();
    (made.registration_token.id.0, made.token)
}

fn an_initial_access_token_is_needed_and_counts(engine: Engine) {
    let test = server(engine, RegistrationMode::InitialAccessToken);
    let answer = register(&test, None, &web());
    answer.assert_error(401, "invalid_request");
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"grantor\"");
    let refused = |token: &str| {
        let answer = register(&test, Some(token), &web());
        answer.assert_error(401, "invalid_token");
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{answer:?}");
    };
    let unknown = grantor::crypto::secret::SecretKind::InitialAccessToken.generate().unwrap();
    refused(&unknown);
    refused("nonsense");
    let (_, two) = initial(&test, Some(2), None);
    // What is refused for its metadata costs no use.
    register(&test, Some(&two), &json!({})).assert_error(400, "invalid_redirect_uri");
    made(&register(&test, Some(&two), &web()));
    let client = made(&register(&test, Some(&two), &web()));
    refused(&two);
    refused(&own_token(&client));
    let (_, brief) = initial(&test, None, Some(60));
    made(&register(&test, Some(&brief), &web()));
    test.advance(60);
    refused(&brief);
    let (id, revoked) = initial(&test, None, None);
    registration_tokens::revoke(&test.server, &Caller::command_line(), &id)
        .map_err(|error| format!("{error:?}"))
        .unwrap();
    refused(&revoked);
    // Expired ones go in the end.
    test.advance(2 * 86_400);
    purge(&test.server, &|| true).map_err(|error| format!("{error:?}")).unwrap();
    let page = grantor::domain::page::PageRequest::new(None, None);
    let left = registration_tokens::list(&test.server, &Caller::command_line(), &page).ok().unwrap();
    assert_eq!(left.items.len(), 2, "the spent and the revoked one have no end");
}

fn one_use_is_one_client_under_a_race(engine: Engine) {
    let test = server(engine, RegistrationMode::InitialAccessToken);
    let (_, token) = initial(&test, Some(1), None);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| register(&test, Some(&token), &web()).status.as_u16())).collect();
        tries.into_iter().map(|tried| tried.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 7, "{statuses:?}");
}

fn a_client_reads_replaces_and_ends_its_registration(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let mut said = web();
    said["client_name"] = json!("Before");
    said["policy_uri"] = json!("https://app.example/policy");
    let client = made(&register(&test, None, &said));
    let token = own_token(&client);
    let read = manage(&test, Method::GET, &client, Some(&token), None);
    assert_eq!((read.status.as_u16(), read.header("cache-control")), (200, "no-store".to_owned()));
    let mut expected = client.clone();
    expected.as_object_mut().unwrap().remove("client_secret");
    expected.as_object_mut().unwrap().remove("client_secret_expires_at");
    assert_eq!(read.json(), expected);
    let put = |body: &Value| manage(&test, Method::PUT, &client, Some(&token), Some(body));
    test.advance(1);
    let replaced = put(&json!({
        "client_id": client["client_id"], "client_secret": client["client_secret"], "client_name": "After",
        "redirect_uris": ["https://app.example/other"], "scope": "openid",
    }));
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    let now = replaced.json();
    assert_eq!((&now["client_name"], &now["scope"]), (&json!("After"), &json!("openid")));
    assert_eq!(now["redirect_uris"], json!(["https://app.example/other"]));
    assert_eq!(now.get("policy_uri"), None, "what is left out is gone");
    assert_eq!(now["registration_access_token"], token.as_str());
    assert_eq!(manage(&test, Method::GET, &client, Some(&token), None).json(), now);
    for (body, error) in [
        (json!({ "redirect_uris": [REDIRECT_URI] }), "invalid_client_metadata"),
        (json!({ "client_id": "other", "redirect_uris": [REDIRECT_URI] }), "invalid_client_metadata"),
        (json!({ "client_id": client["client_id"] }), "invalid_redirect_uri"),
        (
            json!({ "client_id": client["client_id"], "client_secret": "mine", "redirect_uris": [REDIRECT_URI] }),
            "invalid_client_metadata",
        ),
        (
            json!({ "client_id": client["client_id"], "token_endpoint_auth_method": "none", "redirect_uris": [REDIRECT_URI] }),
            "invalid_client_metadata",
        ),
        (
            json!({ "client_id": client["client_id"], "client_id_issued_at": 1, "redirect_uris": [REDIRECT_URI] }),
            "invalid_client_metadata",
        ),
    ] {
        put(&body).assert_error(400, error);
    }
    let ended = manage(&test, Method::DELETE, &client, Some(&token), None);
    assert_eq!((ended.status.as_u16(), ended.body.as_str()), (204, ""));
    manage(&test, Method::GET, &client, Some(&token), None).assert_error(401, "invalid_token");
    manage(&test, Method::DELETE, &client, Some(&token), None).assert_error(401, "invalid_token");
    let parameters = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", REDIRECT_URI)];
    test.token(&test_client(&client), &parameters).assert_error(401, "invalid_client");
}

fn only_its_own_token_manages_a_registration(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let (client, other) = (made(&register(&test, None, &web())), made(&register(&test, None, &web())));
    test.confidential();
    let by_operator =
        json!({ "registration_client_uri": format!("{}/oauth/register/web", test.server.config.server.issuer) });
    let nobody =
        json!({ "registration_client_uri": format!("{}/oauth/register/nobody", test.server.config.server.issuer) });
    let body = json!({ "client_id": client["client_id"], "redirect_uris": [REDIRECT_URI] });
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let body = (method == Method::PUT).then_some(&body);
        let answer = manage(&test, method.clone(), &client, None, body);
        answer.assert_error(401, "invalid_request");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"grantor\"");
        for (target, token) in [
            (&client, own_token(&other)),
            (&client, "nonsense".to_owned()),
            (&client, text(&client["client_secret"])),
            (&by_operator, own_token(&client)),
            (&nobody, own_token(&client)),
        ] {
            manage(&test, method.clone(), target, Some(&token), body).assert_error(401, "invalid_token");
        }
    }
    // A client that an operator has disabled is not managed by its token either.
    let id = text(&client["client_id"]);
    let inactive = grantor::domain::client::Status::Inactive;
    grantor::flows::clients::set_status(&test.server, &Caller::command_line(), &id, inactive).ok().unwrap();
    manage(&test, Method::GET, &client, Some(&own_token(&client)), None).assert_error(401, "invalid_token");
}

fn an_update_keeps_what_operators_set(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let client = made(&register(&test, None, &web()));
    let id = text(&client["client_id"]);
    let members = grantor::flows::clients::ClientMembers {
        scope: Some(Scope::parse("openid orders:read").unwrap()),
        requests_per_minute: Some(Some(7)),
        require_pkce: Some(true),
        description: Some("known to us".to_owned()),
        ..Default::default()
    };
    test.advance(1);
    grantor::flows::clients::update(&test.server, &Caller::command_line(), &id, members).ok().unwrap();
    test.advance(1);
    let body =
        json!({ "client_id": id, "redirect_uris": [REDIRECT_URI], "scope": "openid orders:read orders:write email" });
    let answer = manage(&test, Method::PUT, &client, Some(&own_token(&client)), Some(&body));
    assert_eq!(answer.json()["scope"], "openid orders:read email", "{}", answer.body);
    let stored = test.server.store.read(|connection| connection.find_client(&id)).unwrap().unwrap();
    assert_eq!((stored.limits.requests_per_minute, stored.require_pkce), (Some(7), true));
    assert_eq!(stored.description, "known to us");
}

fn unused_registrations_expire(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    test.user("ada", &[]);
    test.confidential();
    let (used, unused) = (made(&register(&test, None, &web())), made(&register(&test, None, &web())));
    code(&test, &test_client(&used), "ada");
    let clear = || purge(&test.server, &|| true).map_err(|error| format!("{error:?}")).unwrap();
    let exists = |client: &Value| {
        let id = text(&client["client_id"]);
        test.server.store.read(|connection| connection.find_client(&id)).unwrap().is_some()
    };
    test.advance(7 * 86_400 - 1);
    clear();
    assert!(exists(&used) && exists(&unused));
    test.advance(2);
    clear();
    assert!(exists(&used) && !exists(&unused));
    manage(&test, Method::GET, &unused, Some(&own_token(&unused)), None).assert_error(401, "invalid_token");
    // Long after its one grant has gone, too.
    test.advance(365 * 86_400);
    clear();
    assert!(exists(&used));
    let web = json!({ "client_id": "web" });
    assert!(exists(&web), "operators' own clients are not touched");
    assert_eq!(
        test.events("client.registration_expired")[0].target_id,
        unused["client_id"].as_str().map(str::to_owned)
    );
}

fn a_registration_that_ended_leaves_nothing_but_events(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    test.user("ada", &[]);
    let (used, unused) = (made(&register(&test, None, &web())), made(&register(&test, None, &web())));
    let client = test_client(&used);
    let browser = Browser::new(&test);
    let query = authorize_query(&client, &[("scope", "openid")]);
    browser.sign_in(&query, "ada", PASSWORD);
    let code = browser.decide(&query, "allow").parameter("code").unwrap();
    assert_eq!(test.token(&client, &code_parameters(&code)).status, 200);
    for client in [&used, &unused] {
        assert_eq!(manage(&test, Method::DELETE, client, Some(&own_token(client)), None).status, 204);
    }
    let is_there = |client: &Value| {
        let id = text(&client["client_id"]);
        test.server.store.read(|connection| connection.find_client(&id)).unwrap().is_some()
    };
    assert_eq!((is_there(&used), is_there(&unused)), (false, false), "with all that was issued");
    purge(&test.server, &|| true).unwrap();
    let again = ClientMembers { client_id: Some(text(&used["client_id"])), ..confidential_members("x") };
    let again = clients::create(&test.server, &Caller::command_line(), again).err().unwrap();
    assert!(format!("{again:?}").contains("is not used twice"), "{again:?}");
    assert_eq!(test.events("client.deregistered").len(), 2);
    assert!(test.events("client.registration_expired").is_empty());
    manage(&test, Method::GET, &used, Some(&own_token(&used)), None).assert_error(401, "invalid_token");
}

fn the_pages_of_a_browser_app_may_ask(engine: Engine) {
    let test = server(engine, RegistrationMode::Open);
    let allowed = |origin: &str| {
        let asked = http_client().request(Method::OPTIONS, test.url("/oauth/token")).header("origin", origin);
        Answer::of(asked).header("access-control-allow-origin") == origin
    };
    let uris = json!(["https://one.example/cb", "https://one.example/silent", "https://two.example:8443/"]);
    let app = json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" });
    let client = made(&register(&test, None, &app));
    assert!(allowed("https://one.example") && allowed("https://two.example:8443"));
    // Neither a client with a secret nor a native app has pages that ask.
    made(&register(&test, None, &json!({ "redirect_uris": ["https://three.example/"] })));
    made(&register(
        &test,
        None,
        &json!({ "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none", "application_type": "native" }),
    ));
    assert!(!allowed("https://three.example") && !allowed("http://127.0.0.1"));
    // They follow the redirect URIs; what an operator added stays.
    let id = text(&client["client_id"]);
    let origins = ["https://one.example", "https://two.example:8443", "https://added.example"];
    let members = ClientMembers {
        allowed_origins: Some(origins.iter().map(|origin| Origin::parse(origin).unwrap()).collect()),
        ..ClientMembers::default()
    };
    test.advance(1);
    clients::update(&test.server, &Caller::command_line(), &id, members).ok().unwrap();
    let body = json!({ "client_id": id, "redirect_uris": ["https://one.example/cb", "https://four.example/cb"],
        "token_endpoint_auth_method": "none" });
    test.advance(1);
    let put = manage(&test, Method::PUT, &client, Some(&own_token(&client)), Some(&body));
    assert_eq!(put.status, 200, "{}", put.body);
    for (origin, expected) in [
        ("https://one.example", true),
        ("https://two.example:8443", false),
        ("https://four.example", true),
        ("https://added.example", true),
    ] {
        assert_eq!(allowed(origin), expected, "{origin}");
    }
    manage(&test, Method::DELETE, &client, Some(&own_token(&client)), None);
    assert!(!allowed("https://one.example"));
}

fn every_step_leaves_an_event(engine: Engine) {
    let test = server(engine, RegistrationMode::InitialAccessToken);
    let (id, initial) = initial(&test, None, None);
    let client = made(&register(&test, Some(&initial), &web()));
    let client_id = text(&client["client_id"]);
    let body = json!({ "client_id": client_id, "redirect_uris": [REDIRECT_URI] });
    test.advance(1);
    manage(&test, Method::PUT, &client, Some(&own_token(&client)), Some(&body));
    manage(&test, Method::DELETE, &client, Some(&own_token(&client)), None);
    registration_tokens::revoke(&test.server, &Caller::command_line(), &id).ok().unwrap();
    for (action, actor, target) in [
        ("registration_token.created", "command_line", &id),
        ("client.registered", "anonymous", &client_id),
        ("client.updated", "client", &client_id),
        ("client.deregistered", "client", &client_id),
        ("registration_token.revoked", "command_line", &id),
    ] {
        let events = test.events(action);
        assert_eq!(events.len(), 1, "{action}");
        assert_eq!((events[0].actor_kind.as_str(), events[0].target_id.as_ref()), (actor, Some(target)), "{action}");
    }
    let registered = &test.events("client.registered")[0];
    assert_eq!(registered.detail, Some(format!("registration_token={id}")));
    assert_eq!(registered.address.as_deref(), Some("127.0.0.1"));
}

fn tokens_are_made_listed_and_revoked_at_the_api(engine: Engine) {
    let test = server(engine, RegistrationMode::InitialAccessToken);
    let admin = test.admin_token("clients:read clients:write");
    let http = http_client();
    let url = test.url("/v1/registration-tokens");
    let post = |body: &Value| Answer::of(http.post(&url).bearer_auth(&admin).json(body));
    let answer = post(&json!({ "description": "partner", "max_uses": 3, "lifetime": 60 }));
    let made_token = made(&answer);
    assert!(answer.header("location").ends_with(&text(&made_token["id"])));
    assert!(text(&made_token["token"]).starts_with("ia_"));
    made(&register(&test, made_token["token"].as_str(), &web()));
    let listed = Answer::of(http.get(&url).bearer_auth(&admin)).json();
    let listed = &listed["items"][0];
    assert_eq!(
        (&listed["uses"], &listed["max_uses"], &listed["description"]),
        (&json!(1), &json!(3), &json!("partner"))
    );
    assert_eq!(listed.get("token"), None);
    for bad in [json!({ "max_uses": 0 }), json!({ "lifetime": 0 }), json!({ "description": "\u{202e}" })] {
        assert_eq!(post(&bad).status, 400, "{bad}");
    }
    let one = format!("{url}/{}", text(&made_token["id"]));
    assert_eq!(Answer::of(http.delete(&one).bearer_auth(&admin)).status, 204);
    assert_eq!(Answer::of(http.delete(&one).bearer_auth(&admin)).status, 404);
    register(&test, made_token["token"].as_str(), &web()).assert_error(401, "invalid_token");
}
