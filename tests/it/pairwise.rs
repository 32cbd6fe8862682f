//! Pairwise subjects (OpenID Connect Core §8): a client knows users by identifiers of its sector, and by nothing else.

use grantor::domain::client_metadata::SubjectType;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::redirect_uri::RedirectUri;
use grantor::protocol::scope::Scope;
use serde_json::{Value, json};

use crate::client_metadata::list_server;
use crate::openid_support::*;
use crate::support::*;

on_both!(
    a_sector_has_its_own_subjects,
    every_token_and_answer_says_the_same,
    what_is_asked_elsewhere_names_nobody,
    the_admin_api_still_knows_who_calls,
    several_hosts_need_a_sector,
    a_hint_carries_the_pairwise_subject,
    nobody_joins_a_sector_by_naming_it,
);

fn pairwise(client_id: &str) -> ClientMembers {
    ClientMembers { subject_type: Some(SubjectType::Pairwise), ..openid_members(client_id) }
}

fn uris(uris: &[&str]) -> Option<Vec<RedirectUri>> {
    Some(uris.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect())
}

fn sub(tokens: &Value) -> String {
    text(&claims(&text(&tokens["id_token"]))["sub"])
}

/// A server that reads the list behind a `sector_identifier_uri` from this machine.
fn start_with_sectors(engine: Engine) -> TestServer {
    TestServer::start_with(engine, |config| config.outbound.danger_allow_private_targets = true)
}

fn a_sector_has_its_own_subjects(engine: Engine) {
    let test = start_with_sectors(engine);
    let user = known_user(&test, "ada");
    known_user(&test, "bob");
    let first = test.client(pairwise("first"));
    let same_host = test.client(ClientMembers {
        redirect_uris: uris(&[REDIRECT_URI, "https://app.example/other"]),
        ..pairwise("second")
    });
    let elsewhere = ClientMembers {
        sector_identifier_uri: Some(Some(list_server(json!([REDIRECT_URI]).to_string()))),
        ..pairwise("third")
    };
    let (elsewhere, public) = (test.client(elsewhere), test.client(openid_members("public")));
    let of = |client: &TestClient, name: &str| sub(&openid_tokens(&test, client, name, "openid"));
    let ada = of(&first, "ada");
    assert!(ada != user && ada.len() == 43);
    assert_eq!((&of(&first, "ada"), &of(&same_host, "ada")), (&ada, &ada));
    assert_ne!(of(&elsewhere, "ada"), ada);
    assert_ne!(of(&first, "bob"), ada);
    assert_eq!(of(&public, "ada"), user);
    // It is the same on another instance, and after a restart.
    let sibling = test.sibling();
    let tokens = openid_tokens(&sibling, &first, "ada", "openid");
    assert_eq!(sub(&tokens), ada);
}

fn every_token_and_answer_says_the_same(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let client = test.client(pairwise("app"));
    let tokens = openid_tokens(&test, &client, "ada", "openid offline_access");
    let own = sub(&tokens);
    let access_token = text(&tokens["access_token"]);
    assert_eq!(claims(&access_token)["sub"], own);
    assert_eq!(userinfo(&test, &access_token).json(), json!({ "sub": own }));
    let renewed = test
        .token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &text(&tokens["refresh_token"]))])
        .json();
    assert_eq!((sub(&renewed), &claims(&text(&renewed["access_token"]))["sub"]), (own.clone(), &json!(own)));
    for token in [&tokens["access_token"], &tokens["id_token"], &renewed["access_token"], &renewed["id_token"]] {
        assert!(!claims(&text(token)).to_string().contains(&user));
    }
}

fn what_is_asked_elsewhere_names_nobody(engine: Engine) {
    let test = TestServer::start(engine);
    let user = known_user(&test, "ada");
    let scope = Some(Scope::parse("openid offline_access read").unwrap());
    let members = ClientMembers { subject_type: Some(SubjectType::Pairwise), scope, ..confidential_members("web") };
    let client = test.client(members);
    let tokens = openid_tokens(&test, &client, "ada", "openid offline_access read");
    let own = sub(&tokens);
    for token in ["access_token", "refresh_token"] {
        let answer = test.post_as(&client, "/oauth/introspect", &[("token", &text(&tokens[token]))]);
        assert_eq!((&answer.json()["active"], &answer.json()["sub"]), (&json!(true), &json!(own)), "{token}");
        assert!(!answer.body.contains(&user) && answer.json().get("username").is_none(), "{}", answer.body);
    }
    let request = http_client().post(test.url("/v1/verify")).basic_auth("web", client.secret.as_deref());
    let verified = Answer::of(request.json(&json!({ "credential": text(&tokens["access_token"]) })));
    let credential = verified.json();
    assert_eq!((&verified.json()["valid"], &credential["subject"]), (&json!(true), &json!(own)), "{}", verified.body);
    assert_eq!(credential["user"], json!({ "id": own, "roles": [] }));
    assert!(!verified.body.contains(&user), "{}", verified.body);
    // Revocation and its traces go by the grant.
    test.post_as(&client, "/oauth/revoke", &[("token", &text(&tokens["refresh_token"]))]);
    assert!(!test.is_active(&client, &text(&tokens["access_token"])));
}

fn the_admin_api_still_knows_who_calls(engine: Engine) {
    let test = TestServer::start(engine);
    let root = test.user("root", &["admin"]);
    let scope = Some(Scope::parse("users:read users:write").unwrap());
    let members = ClientMembers { subject_type: Some(SubjectType::Pairwise), scope, ..confidential_members("tool") };
    let client = test.client(members);
    let parameters =
        [("grant_type", "password"), ("username", "root"), ("password", PASSWORD), ("scope", "users:write users:read")];
    let token = text(&test.token(&client, &parameters).json()["access_token"]);
    assert_ne!(claims(&token)["sub"], root);
    let new = json!({ "username": "eve", "password": PASSWORD });
    let made = Answer::of(http_client().post(test.url("/v1/users")).bearer_auth(&token).json(&new));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(test.events("user.created")[0].actor_id.as_deref(), Some(root.as_str()));
}

fn several_hosts_need_a_sector(engine: Engine) {
    let test = start_with_sectors(engine);
    let hosts = ["https://app.example/callback", "https://app2.example/callback"];
    let members = ClientMembers { redirect_uris: uris(&hosts), ..pairwise("app") };
    let made = clients::create(&test.server, &Caller::command_line(), members.clone());
    assert!(format!("{:?}", made.err().unwrap()).contains("sector_identifier_uri"));
    test.client(ClientMembers { sector_identifier_uri: Some(Some(list_server(json!(hosts).to_string()))), ..members });
}

fn a_hint_carries_the_pairwise_subject(engine: Engine) {
    let test = TestServer::start(engine);
    known_user(&test, "ada");
    known_user(&test, "bob");
    let client = test.client(pairwise("app"));
    let browser = Browser::new(&test);
    let hint = text(&exchange(&test, &client, &walk(&browser, &client, "ada", &[("scope", "openid")]))["id_token"]);
    let changes = [("scope", "openid"), ("prompt", "none"), ("id_token_hint", hint.as_str())];
    assert!(ask(&browser, &client, &changes).parameter("code").is_some());
    browser.sign_in("", "bob", PASSWORD);
    assert_eq!(ask(&browser, &client, &changes).parameter("error").as_deref(), Some("login_required"));
}

/// Without a code that went to the host, or with another host since, a client is not of that host's sector.
fn nobody_joins_a_sector_by_naming_it(engine: Engine) {
    let test = start_with_sectors(engine);
    known_user(&test, "ada");
    let victim = test.client(pairwise("victim"));
    let of = |client: &TestClient| sub(&openid_tokens(&test, client, "ada", "openid"));
    let ada = of(&victim);
    // By a grant in which nothing is sent to the host.
    let device = test.client(ClientMembers {
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::DeviceCode]),
        ..pairwise("device")
    });
    assert_ne!(of(&device), ada);
    // By moving there later: what was granted under the old name ends.
    let moving = test.client(ClientMembers {
        redirect_uris: uris(&["https://evil.example/cb", REDIRECT_URI]),
        sector_identifier_uri: Some(Some(list_server(json!(["https://evil.example/cb", REDIRECT_URI]).to_string()))),
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        ..pairwise("moving")
    });
    let tokens = openid_tokens(&test, &moving, "ada", "openid offline_access");
    assert_eq!(userinfo(&test, &text(&tokens["access_token"])).status, 200);
    test.advance(1);
    let members = ClientMembers {
        redirect_uris: uris(&[REDIRECT_URI]),
        sector_identifier_uri: Some(None),
        ..ClientMembers::default()
    };
    clients::update(&test.server, &Caller::command_line(), "moving", members).unwrap();
    assert_eq!(userinfo(&test, &text(&tokens["access_token"])).status, 401);
    // Apps on people's own machines are sectors of their own.
    let native =
        |id: &str| test.client(ClientMembers { redirect_uris: uris(&["http://127.0.0.1/cb"]), ..pairwise(id) });
    let [one, other] = [native("one"), native("other")].map(|client| {
        let client = test.server.store.read(move |connection| connection.find_client(&client.id)).unwrap().unwrap();
        grantor::flows::subject::sector(&client)
    });
    assert_ne!(one, other);
}
