//! ID tokens (OpenID Connect Core §2, §3.1.3, §12.2): when there is one, and what it says.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use grantor::flows::clients::ClientMembers;
use grantor::flows::id_token_hint;
use grantor::protocol::scope::Scope;
use serde_json::json;

use crate::openid_support::*;
use crate::support::*;

on_both!(
    an_id_token_says_who_signed_in_where_and_when,
    without_openid_nothing_changes,
    a_nonce_comes_back_as_sent,
    a_refreshed_id_token_keeps_subject_and_time,
    profile_data_only_where_it_is_asked_for_by_name,
    the_password_grant_gives_one_too,
    a_client_that_acts_for_itself_gets_none,
    refresh_tokens_need_offline_access,
    the_audience_of_the_access_token_is_not_changed,
);

fn header(token: &str) -> serde_json::Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

fn an_id_token_says_who_signed_in_where_and_when(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let browser = Browser::new(&test);
    let signed_in = start_time().timestamp();
    browser.sign_in("", "ada", PASSWORD);
    test.advance(30);
    let tokens = exchange(&test, &client, &ask(&browser, &client, &[("scope", EVERYTHING)]));
    let (id_token, access_token) = (text(&tokens["id_token"]), text(&tokens["access_token"]));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    let told = claims(&id_token);
    let now = signed_in + 30;
    assert_eq!(
        told,
        json!({
            "iss": test.server.config.server.issuer, "sub": user, "aud": "app", "exp": now + 900, "iat": now,
            "auth_time": signed_in, "acr": "1", "amr": ["pwd"], "sid": told["sid"],
            "at_hash": URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]),
        })
    );
    assert_eq!(text(&told["sid"]).len(), 32);
    let head = header(&id_token);
    assert_eq!((&head["alg"], &head["typ"]), (&json!("RS256"), &json!("JWT")));
    assert_eq!(id_token_hint::verify(&test.server, &id_token).unwrap().unwrap().sub, user);
    // Neither is taken for the other.
    assert!(id_token_hint::verify(&test.server, &access_token).unwrap().is_none());
    assert_eq!(userinfo(&test, &id_token).status, 401);
    // The same session is told again, another one is another.
    let again = exchange(&test, &client, &ask(&browser, &client, &[("scope", "openid")]));
    assert_eq!(claims(&text(&again["id_token"]))["sid"], told["sid"]);
    let other = openid_tokens(&test, &client, "ada", "openid");
    assert_ne!(claims(&text(&other["id_token"]))["sid"], told["sid"]);
}

fn without_openid_nothing_changes(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let tokens = openid_tokens(&test, &client, "ada", "read profile email");
    assert_eq!((tokens.get("id_token"), &tokens["scope"]), (None, &json!("read profile email")));
    assert!(tokens.get("refresh_token").is_some());
    let refused = userinfo(&test, &text(&tokens["access_token"]));
    assert_eq!(refused.status, 403);
    // Nobody asked, so it is no default either.
    let tokens = openid_tokens(&test, &client, "ada", "");
    assert_eq!((tokens.get("id_token"), &tokens["scope"]), (None, &json!("read write")));
}

fn a_nonce_comes_back_as_sent(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    // RFC 9700 §2.1.1: a confidential client may rely on the nonce instead of PKCE.
    let members = ClientMembers {
        require_pkce: Some(false),
        scope: Some(Scope::parse(EVERYTHING).unwrap()),
        ..confidential_members("web")
    };
    let client = test.client(members);
    let long = "n".repeat(512);
    let browser = Browser::new(&test);
    for nonce in ["n-0S6_WzA2Mj", "with space \"quotes\" & \u{e9}\u{1f511}%20+", &long] {
        let changes = [("scope", "openid"), ("nonce", nonce), ("code_challenge", ""), ("code_challenge_method", "")];
        let answer = walk(&browser, &client, "ada", &changes);
        let code = answer.parameter("code").unwrap();
        let parameters = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", REDIRECT_URI)];
        let tokens = test.token(&client, &parameters).json();
        assert_eq!(claims(&text(&tokens["id_token"]))["nonce"], nonce);
    }
    let refused = ask(&browser, &client, &[("scope", "openid"), ("nonce", &"n".repeat(4097))]);
    assert_eq!(refused.parameter("error").as_deref(), Some("invalid_request"));
}

fn a_refreshed_id_token_keeps_subject_and_time(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let (client, other) = (test.client(openid_members("app")), test.client(openid_members("other")));
    let answer = walk(&Browser::new(&test), &client, "ada", &[("scope", "openid offline_access"), ("nonce", "n")]);
    let tokens = exchange(&test, &client, &answer);
    let first = claims(&text(&tokens["id_token"]));
    test.advance(600);
    let refresh = |client: &TestClient, token: &str, scope: &str| {
        test.token(client, &[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)])
    };
    let token = text(&tokens["refresh_token"]);
    refresh(&other, &token, "").assert_error(400, "invalid_grant");
    let renewed = refresh(&client, &token, "").json();
    let second = claims(&text(&renewed["id_token"]));
    for kept in ["iss", "sub", "aud", "auth_time", "sid", "acr", "amr"] {
        assert_eq!(first[kept], second[kept], "{kept}");
    }
    assert_eq!(second["iat"].as_i64().unwrap(), first["iat"].as_i64().unwrap() + 600);
    assert_ne!(first["at_hash"], second["at_hash"]);
    assert_eq!((first["nonce"].as_str(), second.get("nonce")), (Some("n"), None));
    // Without openid there is no ID token.
    let narrowed = refresh(&client, &text(&renewed["refresh_token"]), "offline_access").json();
    assert_eq!((narrowed.get("id_token"), &narrowed["scope"]), (None, &json!("offline_access")));
}

fn profile_data_only_where_it_is_asked_for_by_name(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let client = test.client(openid_members("app"));
    let wanted = json!({ "id_token": { "email": null, "nickname": { "essential": true }, "address": null, "roles": null,
        "auth_time": { "essential": true }, "acr": { "values": ["9"] }, "aud": { "value": "x" } } });
    let changes = [("scope", "openid"), ("claims", &*wanted.to_string())];
    let tokens = exchange(&test, &client, &walk(&Browser::new(&test), &client, "ada", &changes));
    let told = claims(&text(&tokens["id_token"]));
    assert_eq!((&told["email"], &told["nickname"]), (&json!("ada@ada.example"), &json!("Countess")));
    assert_eq!(told["address"], whole_profile()["address"]);
    assert_eq!(
        (&told["acr"], &told["aud"], told.get("roles"), told.get("name")),
        (&json!("1"), &json!("app"), None, None)
    );
    // What was asked of the one is not told by the other.
    let answered = userinfo(&test, &text(&tokens["access_token"])).json();
    assert_eq!(answered.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
    let renewed =
        test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &text(&tokens["refresh_token"]))]);
    assert_eq!(claims(&text(&renewed.json()["id_token"]))["email"], "ada@ada.example");
    // Nobody gets by name what they are not registered for.
    let narrow =
        test.client(ClientMembers { scope: Some(Scope::parse("openid phone").unwrap()), ..public_members("narrow") });
    let tokens = exchange(&test, &narrow, &walk(&Browser::new(&test), &narrow, "ada", &changes));
    assert!(claims(&text(&tokens["id_token"])).get("email").is_none());
}

fn the_password_grant_gives_one_too(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let client = test.client(ClientMembers {
        scope: Some(Scope::parse("openid email read").unwrap()),
        ..confidential_members("web")
    });
    let with = |scope| {
        test.token(
            &client,
            &[("grant_type", "password"), ("username", "ada"), ("password", PASSWORD), ("scope", scope)],
        )
        .json()
    };
    let tokens = with("openid email");
    let told = claims(&text(&tokens["id_token"]));
    assert_eq!(
        (&told["sub"], &told["aud"], told.get("sid"), told.get("nonce")),
        (&json!(user), &json!("web"), None, None)
    );
    assert_eq!(userinfo(&test, &text(&tokens["access_token"])).json()["email"], "ada@ada.example");
    assert!(with("read").get("id_token").is_none());
}

fn a_client_that_acts_for_itself_gets_none(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.client(ClientMembers {
        scope: Some(Scope::parse("openid email read").unwrap()),
        ..confidential_members("web")
    });
    let with = |scope| test.token(&client, &[("grant_type", "client_credentials"), ("scope", scope)]);
    // There is nobody whom these scopes could speak of.
    for scope in ["", "openid read"] {
        let tokens = with(scope).json();
        assert_eq!((&tokens["scope"], tokens.get("id_token")), (&json!("read"), None), "{scope}");
        assert_eq!(userinfo(&test, &text(&tokens["access_token"])).status, 403);
    }
    with("openid").assert_error(400, "invalid_scope");
}

fn refresh_tokens_need_offline_access(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let own = test.client(openid_members("own"));
    let foreign = test.client(third_party_members("foreign"));
    let without = test.client(ClientMembers {
        grant_types: Some(vec![grantor::protocol::grant_type::GrantType::AuthorizationCode]),
        ..third_party_members("without")
    });
    for (client, scope, refreshes, granted) in [
        (&own, "openid", true, "openid"),
        (&foreign, "openid", false, "openid"),
        (&foreign, "openid offline_access", true, "openid offline_access"),
        // Whoever does not speak OpenID Connect gets one as ever.
        (&foreign, "read", true, "read"),
        // Core §11: the wish of a client that could not use it is ignored.
        (&without, "openid offline_access", false, "openid"),
    ] {
        let tokens = openid_tokens(&test, client, "ada", scope);
        assert_eq!((tokens.get("refresh_token").is_some(), &tokens["scope"]), (refreshes, &json!(granted)), "{scope}");
    }
}

fn the_audience_of_the_access_token_is_not_changed(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    let books = "https://books.example";
    let resource = |text| grantor::protocol::resource::Resource::parse(text).unwrap();
    let new = grantor::flows::scopes::NewScope {
        name: "books:read".to_owned(),
        description: "Books".to_owned(),
        resource: Some(resource(books)),
        privileged: false,
    };
    let caller = grantor::flows::caller::Caller::command_line();
    grantor::flows::scopes::create(&test.server, &caller, new).unwrap();
    let issuer = test.server.config.server.issuer.clone();
    let client = test.client(ClientMembers {
        scope: Some(Scope::parse("openid books:read").unwrap()),
        resources: Some(vec![resource(&issuer), resource(books)]),
        ..public_members("app")
    });
    let tokens = openid_tokens(&test, &client, "ada", "openid books:read");
    assert_eq!(claims(&text(&tokens["access_token"]))["aud"], books);
    assert_eq!(userinfo(&test, &text(&tokens["access_token"])).status, 200);
    let tokens = openid_tokens(&test, &client, "ada", "openid");
    assert_eq!(claims(&text(&tokens["access_token"]))["aud"], issuer);
}
