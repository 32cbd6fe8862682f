//! The metadata of clients at the API and on the command line, and `sector_identifier_uri`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use grantor::flows::caller::Caller;
use grantor::flows::clients;
use grantor::protocol::redirect_uri::RedirectUri;
use serde_json::{Value, json};

use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(metadata_is_checked_at_the_api, a_sector_is_proven_by_its_list, the_command_line_names_metadata);

fn metadata_is_checked_at_the_api(engine: Engine) {
    let test = TestServer::start(engine);
    let admin = test.admin_token("clients:read clients:write");
    let http = http_client();
    let create = |members: &Value| {
        let mut body = json!({ "client_id": "app", "redirect_uris": [REDIRECT_URI] });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Answer::of(http.post(test.url("/v1/clients")).bearer_auth(&admin).json(&body))
    };
    for (member, value) in [
        ("logo_uri", json!("http://app.example/logo")),
        ("policy_uri", json!("https://u:p@app.example/")),
        ("backchannel_logout_uri", json!("https://app.example/#f")),
        ("frontchannel_logout_uri", json!("https://elsewhere.example/")),
        ("initiate_login_uri", json!("http://127.0.0.1/")),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "x" }] })),
        ("default_max_age", json!(u32::MAX)),
        ("contacts", json!([""])),
    ] {
        let answer = create(&json!({ member: value }));
        assert_eq!(answer.status, 400, "{member}: {}", answer.body);
        assert!(text(&answer.json()["detail"]).contains(member.split("_uri").next().unwrap()), "{}", answer.body);
    }
    let said = json!({ "logo_uri": "https://app.example/logo", "frontchannel_logout_uri": "https://app.example/out" });
    let made = create(&said);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.json()["logo_uri"], said["logo_uri"]);
    let patch = |body: &Value| Answer::of(http.patch(test.url("/v1/clients/app")).bearer_auth(&admin).json(body));
    // A rule between two members holds for edits of the other one too.
    assert_eq!(patch(&json!({ "redirect_uris": ["https://moved.example/cb"] })).status, 400);
    let gone = patch(&json!({ "logo_uri": null, "frontchannel_logout_uri": null }));
    assert_eq!((gone.status.as_u16(), gone.json().get("logo_uri")), (200, None));
}

/// Answers every request with this list; its address.
pub fn list_server(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/sector.json")
}

fn a_sector_is_proven_by_its_list(engine: Engine) {
    let test = TestServer::start_with(engine, |config| config.outbound.danger_allow_private_targets = true);
    let hosts = ["https://a.example/cb", "https://b.example/cb"];
    let create = |id: &str, uri: &str| {
        let mut members = confidential_members(id);
        members.redirect_uris = Some(hosts.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect());
        members.subject_type = Some(grantor::domain::client_metadata::SubjectType::Pairwise);
        members.sector_identifier_uri = Some(Some(uri.to_owned()));
        clients::create(&test.server, &Caller::command_line(), members).map(drop).map_err(|error| format!("{error:?}"))
    };
    let complete = list_server(json!(hosts).to_string());
    create("good", &complete).unwrap();
    assert!(
        create("short", &list_server(json!(["https://a.example/cb"]).to_string())).unwrap_err().contains("b.example")
    );
    assert!(create("object", &list_server("{}".to_owned())).unwrap_err().contains("list"));
    assert!(create("text", &list_server("https://a.example/cb".to_owned())).unwrap_err().contains("JSON"));
    let large = format!("[\"{}\"]", "x".repeat(100_000));
    assert!(create("large", &list_server(large)).unwrap_err().contains("cannot be fetched"));
    // Nothing tells whether a name or an address of the inside is there.
    let refusals: std::collections::BTreeSet<String> = [
        "http://127.0.0.1:1/x",
        "https://127.0.0.1:1/x",
        "https://no-such-name.invalid/x",
        &list_server("x".repeat(70_000)),
    ]
    .map(|uri| create("nobody", uri).unwrap_err())
    .into();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    // An edit of something else asks nobody again; another redirect URI does.
    let edit = |uris: &[&str]| {
        let members = clients::ClientMembers {
            redirect_uris: Some(uris.iter().map(|uri| RedirectUri::parse(uri).unwrap()).collect()),
            ..Default::default()
        };
        test.advance(1);
        clients::update(&test.server, &Caller::command_line(), "good", members)
            .map(drop)
            .map_err(|error| format!("{error:?}"))
    };
    edit(&hosts[..1]).unwrap();
    assert!(edit(&["https://a.example/cb", "https://c.example/cb"]).unwrap_err().contains("c.example"));
}

fn the_command_line_names_metadata(engine: Engine) {
    let database = TestServer::seeded(engine);
    let keys = database.folder.path().join("keys.json");
    std::fs::write(&keys, json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "abc" }] }).to_string()).unwrap();
    let run = |arguments: &[&str]| Ended::of(grantor_on(&database).args(arguments), "");
    let created = run(&[
        "client",
        "create",
        "--json",
        "--id",
        "app",
        "--redirect-uri",
        REDIRECT_URI,
        "--logo-uri",
        "https://app.example/logo",
        "--policy-uri",
        "https://app.example/policy",
        "--tos-uri",
        "https://app.example/tos",
        "--post-logout-redirect-uri",
        "https://app.example/bye",
        "--backchannel-logout-uri",
        "https://app.example/back",
        "--frontchannel-logout-uri",
        "https://app.example/front",
        "--jwks",
        keys.to_str().unwrap(),
        "--id-token-alg",
        "EdDSA",
        "--subject-type",
        "pairwise",
        "--default-max-age",
        "60",
        "--auth-method",
        "client_secret_post",
        "--contact",
        "ops@app.example",
        "--application-type",
        "native",
    ])
    .json();
    for (member, value) in [
        ("logo_uri", json!("https://app.example/logo")),
        ("post_logout_redirect_uris", json!(["https://app.example/bye"])),
        ("id_token_signed_response_alg", json!("EdDSA")),
        ("subject_type", json!("pairwise")),
        ("default_max_age", json!(60)),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("application_type", json!("native")),
        ("contacts", json!(["ops@app.example"])),
    ] {
        assert_eq!(created[member], value, "{member}");
    }
    assert_eq!(created["jwks"]["keys"][0]["crv"], "Ed25519");
    let uri = "https://app.example/jwks";
    let edited = run(&["client", "edit", "app", "--json", "--jwks-uri", uri, "--logo-uri", ""]).json();
    assert_eq!((&edited["jwks_uri"], edited.get("jwks"), edited.get("logo_uri")), (&json!(uri), None, None));
    let shown = run(&["client", "show", "app"]);
    for word in ["backchannel_logout_uri", "https://app.example/back", "EdDSA", "pairwise"] {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    run(&["client", "edit", "app", "--tos-uri", "http://app.example/"]).assert_refused(3, "tos_uri", "");
    run(&["client", "edit", "app", "--id-token-alg", "none"]);
    assert_eq!(run(&["client", "edit", "app", "--id-token-alg", "none"]).code, 2);
    let token = run(&["registration-token", "create", "--description", "partner", "--max-uses", "2", "--json"]).json();
    assert!(text(&token["token"]).starts_with("ia_"));
    let listed = run(&["registration-token", "list"]);
    assert!(listed.out.contains("partner") && listed.out.contains("0 of 2"), "{listed:?}");
    let id = text(&token["id"]);
    assert_eq!(run(&["registration-token", "revoke", &id]).code, 0);
    run(&["registration-token", "revoke", &id]).assert_refused(3, "registration token", "");
}
