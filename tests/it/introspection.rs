//! Introspection (RFC 7662): what is true of a token now, to those who may ask, at every instance at once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use grantor::domain::client::Status;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::signing_keys::{self, RotationMode};
use grantor::flows::users;
use grantor::protocol::resource::Resource;
use grantor::protocol::signing_alg::SigningAlg;
use serde_json::{Value, json};

use crate::support::*;

on_both!(
    an_active_token_is_described,
    an_inactive_token_is_not_described,
    only_those_who_may_ask_are_answered,
    a_caller_learns_nothing_of_tokens_that_are_not_its_affair,
    forged_tokens_are_inactive,
    a_token_of_another_issuer_is_inactive,
    tokens_expire_by_the_clock,
    a_disabled_client_or_user_makes_tokens_inactive,
    a_hint_changes_nothing,
    requests_that_cannot_be_read_are_refused,
    a_key_of_another_instance_is_known_at_once,
    tokens_of_a_compromised_key_are_inactive,
);

fn introspect(test: &TestServer, caller: &TestClient, token: &str) -> Value {
    let answer = test.post_as(caller, "/oauth/introspect", &[("token", token)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!((answer.header("cache-control").as_str(), answer.header("pragma").as_str()), ("no-store", "no-cache"));
    answer.json()
}

fn machine_token(test: &TestServer, client: &TestClient) -> String {
    text(&test.token(client, &[("grant_type", "client_credentials")]).json()["access_token"])
}

/// Access and refresh token of ada.
fn user_tokens(test: &TestServer, client: &TestClient) -> (String, String) {
    let parameters = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    let tokens = test.token(client, &parameters).json();
    (text(&tokens["access_token"]), text(&tokens["refresh_token"]))
}

fn an_active_token_is_described(engine: Engine) {
    let test = TestServer::start(engine);
    let user = test.user("Ada", &["support"]);
    let client = test.confidential();
    let (access, refresh) = user_tokens(&test, &client);
    let (issuer, then) = (&test.server.config.server.issuer, start_time().timestamp());
    test.advance(10);
    assert_eq!(
        introspect(&test, &client, &access),
        json!({
            "active": true, "scope": "read write", "client_id": "web", "username": "Ada", "token_type": "Bearer",
            "exp": then + 900, "iat": then, "nbf": then, "sub": user, "aud": issuer, "iss": issuer,
            "jti": claims(&access)["jti"], "auth_time": then, "roles": ["support"], "env": "live",
        })
    );
    assert_eq!(
        introspect(&test, &client, &refresh),
        json!({
            "active": true, "scope": "read write", "client_id": "web", "username": "Ada",
            "token_type": "refresh_token", "exp": then + 14 * 86_400, "iat": then, "sub": user, "aud": issuer,
            "iss": issuer, "auth_time": then, "env": "live",
        })
    );
    let machine = machine_token(&test, &client);
    assert_eq!(
        introspect(&test, &client, &machine),
        json!({
            "active": true, "scope": "read write", "client_id": "web", "token_type": "Bearer", "exp": then + 910,
            "iat": then + 10, "nbf": then + 10, "sub": "web", "aud": issuer, "iss": issuer,
            "jti": claims(&machine)["jti"], "env": "live",
        })
    );
}

/// RFC 7662 §2.2: nothing but `active` of a token that is not.
#[track_caller]
fn assert_inactive(test: &TestServer, caller: &TestClient, token: &str) {
    let answer = test.post_as(caller, "/oauth/introspect", &[("token", token)]);
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, r#"{"active":false}"#));
}

fn an_inactive_token_is_not_described(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let (_, refresh) = user_tokens(&test, &client);
    let other = if refresh.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{other}", &refresh[..refresh.len() - 1]);
    let long = "x".repeat(20_000);
    let well_formed = grantor::crypto::secret::SecretKind::RefreshToken.generate().unwrap();
    for garbage in ["x", "...", "a.b.c", "rt_", "🙈", &mistyped, &long, &well_formed, client.secret.as_ref().unwrap()]
    {
        assert_inactive(&test, &client, garbage);
    }
    // A rotated refresh token is spent, though its grace lets it be presented again.
    let next = test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).json();
    assert_inactive(&test, &client, &refresh);
    assert!(test.is_active(&client, &text(&next["refresh_token"])));
}

fn only_those_who_may_ask_are_answered(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let token = machine_token(&test, &client);
    let may_not = test.client(ClientMembers { may_introspect: Some(false), ..confidential_members("may-not") });
    let refused = test.post_as(&may_not, "/oauth/introspect", &[("token", &token)]);
    refused.assert_error(403, "unauthorized_client");
    assert_eq!(refused.json()["error_description"], "the client may not introspect tokens");
    test.post_as(&test.public(), "/oauth/introspect", &[("token", &token)]).assert_error(403, "unauthorized_client");
    // A token is not a credential here.
    let bearer = http_client().post(test.url("/oauth/introspect")).bearer_auth(&token).form(&[("token", &token)]);
    Answer::of(bearer).assert_error(401, "invalid_client");
}

fn a_caller_learns_nothing_of_tokens_that_are_not_its_affair(engine: Engine) {
    const API: &str = "https://api.example";
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let with_resources = |id: &str, resources: &[&str]| {
        let resources = resources.iter().map(|text| Resource::parse(text).unwrap()).collect();
        test.client(ClientMembers { resources: Some(resources), ..confidential_members(id) })
    };
    let client = with_resources("web", &[API]);
    let resource_server = with_resources("api", &[API]);
    let stranger = with_resources("stranger", &["https://other.example"]);
    let (access, refresh) = user_tokens(&test, &client);
    assert!(test.is_active(&client, &access));
    // RFC 7662 §4: the resource server that the token is for.
    assert_eq!(introspect(&test, &resource_server, &access)["aud"], API);
    assert_inactive(&test, &stranger, &access);
    // A refresh token is for nobody but its client.
    assert!(test.is_active(&client, &refresh));
    assert_inactive(&test, &resource_server, &refresh);
    assert_inactive(&test, &stranger, &refresh);
}

/// A JWT of this header and these claims, signed by the server's own key.
fn signed(test: &TestServer, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let body = format!("{}.{}", part(header), part(claims));
    let keyring = test.server.keyring();
    let signature =
        keyring.signing_key(SigningAlg::RS256, test.clock.now()).unwrap().pair.sign(body.as_bytes()).unwrap();
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn forged_tokens_are_inactive(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let token = machine_token(&test, &client);
    let (body, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = body.split_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let altered_signature = format!("{body}.{flipped}{}", &signature[1..]);
    let mut wider = claims(&token);
    wider["scope"] = json!("read write admin");
    let altered_payload = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(wider.to_string()));
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    for forged in [
        altered_signature,
        altered_payload,
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{body}."),
        body.to_owned(),
        format!("{token}.{signature}"),
        format!("{token}="),
    ] {
        assert_inactive(&test, &client, &forged);
    }
    let claims = claims(&token);
    let kid = test.server.keyring().signing_key(SigningAlg::RS256, test.clock.now()).unwrap().kid.clone();
    let header = json!({ "typ": "at+jwt", "alg": "RS256", "kid": kid });
    assert!(test.is_active(&client, &signed(&test, &header, &claims)));
    // Signed by the right key, and still not an access token for now (RFC 9068 §4, RFC 8725 §3.1, §3.11).
    let changed = |value: &Value, member: &str, to: Value| {
        let mut value = value.clone();
        value[member] = to;
        value
    };
    let now = test.clock.now().timestamp();
    for (header, claims) in [
        (changed(&header, "typ", json!("JWT")), claims.clone()),
        (changed(&header, "typ", Value::Null), claims.clone()),
        (changed(&header, "alg", json!("HS256")), claims.clone()),
        (changed(&header, "alg", json!("PS256")), claims.clone()),
        (changed(&header, "alg", json!("none")), claims.clone()),
        (changed(&header, "kid", json!("another")), claims.clone()),
        (changed(&header, "kid", Value::Null), claims.clone()),
        (header.clone(), changed(&claims, "nbf", json!(now + 1))),
        (header.clone(), changed(&claims, "exp", json!(now))),
        (header.clone(), changed(&claims, "iss", json!("https://other.example"))),
        (header.clone(), changed(&claims, "client_id", json!("nobody"))),
        (header.clone(), changed(&claims, "exp", json!("soon"))),
        (header.clone(), json!({})),
        (header.clone(), json!([])),
    ] {
        assert_inactive(&test, &client, &signed(&test, &header, &claims));
    }
}

fn a_token_of_another_issuer_is_inactive(engine: Engine) {
    // Both sign with the same key: only the issuer tells them apart.
    let (test, other) = (TestServer::start(engine), TestServer::start(engine));
    let (client, same_id) = (test.confidential(), other.confidential());
    let token = machine_token(&other, &same_id);
    assert!(other.is_active(&same_id, &token));
    assert_inactive(&test, &client, &token);
}

fn tokens_expire_by_the_clock(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let lifetimes = ClientMembers {
        access_token_lifetime: Some(Some(60)),
        refresh_token_lifetime: Some(Some(120)),
        ..confidential_members("web")
    };
    let client = test.client(lifetimes);
    let (access, refresh) = user_tokens(&test, &client);
    test.advance(59);
    assert!(test.is_active(&client, &access));
    test.advance(1);
    assert_inactive(&test, &client, &access);
    test.advance(59);
    assert!(test.is_active(&client, &refresh));
    test.advance(1);
    assert_inactive(&test, &client, &refresh);
}

fn a_disabled_client_or_user_makes_tokens_inactive(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    let user = test.user("ada", &[]);
    let client = test.confidential();
    let observer = test.client(confidential_members("observer"));
    let (access, refresh) = user_tokens(&test, &client);
    let machine = machine_token(&test, &client);
    let set = |status| clients::set_status(&test.server, &Caller::command_line(), &client.id, status).unwrap();
    assert!(sibling.is_active(&observer, &access) && sibling.is_active(&observer, &machine));
    set(Status::Inactive);
    assert_inactive(&sibling, &observer, &access);
    assert_inactive(&sibling, &observer, &machine);
    set(Status::Active);
    assert!(sibling.is_active(&observer, &access) && sibling.is_active(&observer, &machine));
    assert!(sibling.is_active(&client, &refresh));
    users::set_active(&test.server, &Caller::command_line(), &user, false).unwrap();
    assert_inactive(&sibling, &client, &access);
    assert_inactive(&sibling, &client, &refresh);
    assert!(sibling.is_active(&client, &machine));
    // Enabled again, the user has to sign in again.
    users::set_active(&test.server, &Caller::command_line(), &user, true).unwrap();
    assert_inactive(&sibling, &client, &access);
    assert_inactive(&sibling, &client, &refresh);
    let (access, refresh) = user_tokens(&test, &client);
    let password = users::NewPassword(zeroize::Zeroizing::new("another fine password".to_owned()));
    users::set_password(&test.server, &Caller::command_line(), &user, &password).unwrap();
    assert_inactive(&sibling, &client, &access);
    assert_inactive(&sibling, &client, &refresh);
}

fn a_hint_changes_nothing(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let (access, refresh) = user_tokens(&test, &client);
    for token in [access, refresh] {
        let plain = introspect(&test, &client, &token);
        for hint in ["access_token", "refresh_token", "nonsense", ""] {
            let parameters = [("token", token.as_str()), ("token_type_hint", hint)];
            let answer = test.post_as(&client, "/oauth/introspect", &parameters);
            assert_eq!((answer.status.as_u16(), answer.json()), (200, plain.clone()), "{hint}");
        }
    }
}

fn requests_that_cannot_be_read_are_refused(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        for (parameters, description) in [
            (&[][..], "parameter 'token' is missing"),
            (&[("token", "")], "parameter 'token' is missing"),
            (&[("token", "a"), ("token", "b")], "parameter 'token' is repeated"),
            (
                &[("token", "a"), ("token_type_hint", "x"), ("token_type_hint", "x")],
                "parameter 'token_type_hint' is repeated",
            ),
            (&[("token", "\0")], "a parameter holds a NUL character"),
        ] {
            let answer = test.post_as(&client, path, parameters);
            answer.assert_error(400, "invalid_request");
            assert_eq!(answer.json()["error_description"], description);
        }
        let json = http_client().post(test.url(path)).basic_auth(&client.id, client.secret.as_ref()).json(&json!({}));
        Answer::of(json).assert_error(400, "invalid_request");
    }
}

fn a_key_of_another_instance_is_known_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let sibling = test.sibling();
    let old = machine_token(&test, &client);
    test.advance(2);
    signing_keys::rotate(&test.server, &Caller::command_line(), RotationMode::AtOnce, SigningAlg::RS256).unwrap();
    let new = machine_token(&test, &client);
    assert_ne!(old.split('.').next(), new.split('.').next());
    for instance in [&test, &sibling] {
        assert!(instance.is_active(&client, &new));
        assert!(instance.is_active(&client, &old));
    }
}

fn tokens_of_a_compromised_key_are_inactive(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    let old = machine_token(&test, &client);
    test.advance(2);
    signing_keys::rotate(&test.server, &Caller::command_line(), RotationMode::Compromised, SigningAlg::RS256).unwrap();
    assert_inactive(&test, &client, &old);
    assert!(test.is_active(&client, &machine_token(&test, &client)));
}
