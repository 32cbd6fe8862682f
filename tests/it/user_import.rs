//! `grantor user import`: people of other systems, with the hashes of their passwords.

use std::path::{Path, PathBuf};

use grantor::clock::Clock;
use grantor::store::UserWithPassword;
use serde_json::{Value, json};

use crate::process::{Ended, grantor_on};
use crate::support::*;

on_both!(
    people_sign_in_with_the_passwords_that_they_had,
    a_second_run_skips_and_updates,
    bad_lines_are_named,
    an_import_stops_at_a_bad_line_or_goes_on,
    an_import_that_was_cut_off_is_run_again,
    accounts_without_a_password_are_closed,
);

/// Hashes of [`PASSWORD`], as other systems made them.
const HASHES: [(&str, &str); 8] = [
    ("bcrypt", "$2y$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"),
    ("bcrypt-django", "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuaBT8mpw5tGdD3eO40znWcQP/dT9hEVK"),
    ("pbkdf2-sha1", "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$wmIXv0mv7iouqkc9CKjRvCX21po"),
    ("pbkdf2-sha256", "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES+wqLsOT5YmiRBplI"),
    (
        "pbkdf2-sha512",
        "pbkdf2_sha512$1000$djangosalt$W4O9JSOytwPDbvPxJu85Ql6Xh6nBvYpoU0Gq0g4mnKrwjqeX39zkK8xfPEt3V8QYNUaEvOBBTpO+2Mdy3SUqzQ==",
    ),
    ("pbkdf2-django", "pbkdf2_sha256$1000$djangosalt$88j730hNlmgRpKNE1Xryye28W+/5SkbhIUTmwgrwT7g="),
    ("scrypt", "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$0Pz6RuN9WCY6OfE3FYH5Myx0JqvNjul84VbFyWLBf4g"),
    ("scrypt-crypt", "$7$26..../....saltsalt$t6iP.4oXE2MK/ybtCoRglylGKh1mPwUBgfHp4CW3l90"),
];

fn write(folder: &Path, lines: &[Value]) -> PathBuf {
    let path = folder.join("users.jsonl");
    std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    path
}

fn import(test: &TestServer, lines: &[Value], arguments: &[&str]) -> Ended {
    let path = write(test.database.folder.path(), lines);
    Ended::of(grantor_on(&test.database).args(["user", "import", "--json"]).arg(path).args(arguments), "")
}

/// The counts that were printed: created, updated, skipped, failed.
#[track_caller]
fn counts(ended: &Ended) -> [u64; 4] {
    let said: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    ["created", "updated", "skipped", "failed"].map(|name| said["counts"][name].as_u64().unwrap())
}

fn account(test: &TestServer, username: &str) -> UserWithPassword {
    test.server.store.read(|connection| connection.find_user_by_username(username)).unwrap().unwrap()
}

fn people_sign_in_with_the_passwords_that_they_had(engine: Engine) {
    let test = TestServer::start_with(engine, |config| {
        config.passwords.memory_kib = 7_168;
        config.passwords.iterations = 5;
    });
    let client = test.confidential();
    let mut lines: Vec<Value> =
        HASHES.iter().map(|(name, hash)| json!({ "username": name, "password_hash": hash })).collect();
    // argon2 of another kind and cost than ours.
    for (name, kind) in [("argon2i", argon2::Algorithm::Argon2i), ("argon2d", argon2::Algorithm::Argon2d)] {
        use argon2::PasswordHasher as _;
        let params = argon2::Params::new(256, 2, 1, None).unwrap();
        let hashing = argon2::Argon2::new(kind, argon2::Version::V0x13, params);
        let salt = argon2::password_hash::SaltString::encode_b64(b"0123456789abcdef").unwrap();
        let hash = hashing.hash_password(PASSWORD.as_bytes(), &salt).unwrap().to_string();
        lines.push(json!({ "username": name, "password_hash": hash }));
    }
    lines[0]["id"] = json!("auth0|4711");
    assert_eq!(counts(&import(&test, &lines, &[])), [10, 0, 0, 0]);
    let attempt = |name: &str, password: &str| {
        let parameters = [("grant_type", "password"), ("username", name), ("password", password)];
        test.token(&client, &parameters)
    };
    for line in &lines {
        let name = text(&line["username"]);
        assert_eq!(Some(account(&test, &name).password_hash.as_str()), line["password_hash"].as_str());
        attempt(&name, "correct horse battery stapl").assert_error(400, "invalid_grant");
        for _ in 0..2 {
            let answer = attempt(&name, PASSWORD);
            assert_eq!(answer.status, 200, "{name}: {}", answer.body);
            let hash = account(&test, &name).password_hash;
            assert!(hash.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{name}: upgraded by the log-in: {hash}");
        }
        attempt(&name, "wrong").assert_error(400, "invalid_grant");
    }
    let token = text(&attempt("bcrypt", PASSWORD).json()["access_token"]);
    assert_eq!(claims(&token)["sub"], "auth0|4711");
    // The same by the login page.
    let browser = Browser::new(&test);
    assert_eq!(browser.sign_in(&authorize_query(&client, &[]), "scrypt", PASSWORD).status, 303);
    // A later import does not bring an old hash back.
    test.advance(1);
    assert_eq!(counts(&import(&test, &lines, &[])), [0, 0, 10, 0]);
    assert!(account(&test, "bcrypt").password_hash.starts_with("$argon2id$"));
    let admin = test.admin_token("users:read");
    let one = http_client().get(test.url("/v1/users/auth0%7C4711")).bearer_auth(&admin);
    assert_eq!(Answer::of(one).json()["username"], "bcrypt");
    let next = http_client().get(test.url("/v1/users?cursor=auth0%7C4711")).bearer_auth(&admin);
    assert_eq!(Answer::of(next).status, 200);
}

fn a_second_run_skips_and_updates(engine: Engine) {
    let test = TestServer::start(engine);
    let lines = vec![
        json!({ "id": "u1", "username": "ada", "name": "Ada", "email": "ada@example.com", "email_verified": true,
            "given_name": "Ada", "address": { "country": "GB" }, "roles": ["support"] }),
        json!({ "id": 4712, "username": "Bob", "status": "inactive", "name": null }),
        json!({ "username": "eve" }),
    ];
    assert_eq!(counts(&import(&test, &lines, &["--dry-run"])), [3, 0, 0, 0]);
    assert_eq!(counts(&import(&test, &lines, &[])), [3, 0, 0, 0]);
    let ada = account(&test, "ada").user;
    assert_eq!(
        (ada.id.as_str(), ada.profile.email_verified, ada.roles),
        ("u1", Some(true), vec!["support".to_owned()])
    );
    assert_eq!(account(&test, "BOB").user.id.as_str(), "4712");
    assert_eq!(counts(&import(&test, &lines, &[])), [0, 0, 3, 0]);
    let mut changed = lines.clone();
    changed[0] = json!({ "id": "u1", "username": "ada.l", "nickname": "A" });
    changed[1]["status"] = json!("active");
    assert_eq!(counts(&import(&test, &changed, &["--keep-existing"])), [0, 0, 3, 0]);
    assert_eq!(counts(&import(&test, &changed, &[])), [0, 2, 1, 0]);
    let ada = account(&test, "ada.l").user;
    assert_eq!(
        (ada.name.as_deref(), ada.profile.nickname.as_deref()),
        (Some("Ada"), Some("A")),
        "what is not said stays"
    );
    assert_eq!(account(&test, "bob").user.status, grantor::domain::client::Status::Active);
    let events = test.events("users.imported");
    let details: Vec<_> =
        events.iter().map(|event| (event.target_id.clone().unwrap(), event.detail.clone().unwrap())).collect();
    assert_eq!(details[0], ("lines 1-3".to_owned(), "created=0 updated=2".to_owned()));
    assert_eq!((details.len(), details[1].1.as_str()), (2, "created=3 updated=0"));
}

fn bad_lines_are_named(engine: Engine) {
    let test = TestServer::start(engine);
    test.confidential();
    test.user("taken", &[]);
    let folder = test.database.folder.path();
    let cases = [
        ("not json", "not a JSON object"),
        ("[]", "not a JSON object"),
        (r#"{"name": "x"}"#, "username is missing"),
        (r#"{"username": " x"}"#, "username"),
        (r#"{"username": "a", "roles": ["king"]}"#, "king"),
        (r#"{"username": "b", "roles": "admin"}"#, "roles"),
        (r#"{"username": "c", "email": "nobody"}"#, "email"),
        (r#"{"username": "d", "status": "gone"}"#, "status"),
        (r#"{"username": "e", "id": "a b"}"#, "id"),
        (r#"{"username": "f", "id": "ak_1"}"#, "id"),
        (r#"{"username": "g", "id": "web"}"#, "client"),
        (r#"{"username": "h", "password_hash": "$1$salt$qJH7.N4xYta3aEG/dfqo/0"}"#, "no known form"),
        (
            r#"{"username": "i", "password_hash": "$2b$31$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG"}"#,
            "costs more",
        ),
        (
            r#"{"username": "j", "password_hash": "$scrypt$ln=30,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg"}"#,
            "costs more",
        ),
        (r#"{"username": "k", "shoe_size": 44}"#, "shoe_size"),
        (r#"{"username": "l", "website": "javascript:alert(1)"}"#, "website"),
        (r#"{"username": "m", "email_verified": "yes"}"#, "profile"),
        (r#"{"username": "TAKEN", "id": "other"}"#, "username"),
    ];
    let mut content: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    content.push_str("\n{\"username\": \"good\"}\r\n{\"username\": \"GOOD\"}\n");
    content.push_str(&format!("{{\"username\": \"{}\"}}\n{{\"username\": \"last\"}}", "x".repeat(70_000)));
    let path = folder.join("users.jsonl");
    std::fs::write(&path, content).unwrap();
    let errors = folder.join("errors.jsonl");
    let mut command = grantor_on(&test.database);
    command.args(["user", "import", "--json", "--continue-on-error", "--errors"]).arg(&errors).arg(&path);
    let ended = Ended::of(&mut command, "");
    assert_eq!((ended.code, counts(&ended)), (1, [2, 0, 0, 20]), "{ended:?}");
    let text = std::fs::read_to_string(&errors).unwrap();
    let mut found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    found.sort_by_key(|failure| failure["line"].as_u64());
    for (number, (line, said)) in cases.iter().enumerate() {
        assert_eq!(found[number]["line"], number + 1);
        assert!(found[number]["error"].as_str().unwrap().contains(said), "{line}: {}", found[number]);
    }
    assert_eq!((&found[18]["line"], &found[19]["line"]), (&json!(21), &json!(22)));
    assert!(!text.contains("qJH7.N4xYta3aEG"), "no hash is repeated");
}

fn an_import_stops_at_a_bad_line_or_goes_on(engine: Engine) {
    let test = TestServer::start(engine);
    let lines = [json!({ "username": "ada" }), json!({ "username": "" }), json!({ "username": "bob" })];
    let stopped = import(&test, &lines, &[]);
    assert_eq!((stopped.code, counts(&stopped)), (1, [1, 0, 0, 1]), "{stopped:?}");
    assert!(stopped.err.contains("line 2") && stopped.err.contains("--continue-on-error"), "{stopped:?}");
    let went_on = import(&test, &lines, &["--continue-on-error"]);
    assert_eq!((went_on.code, counts(&went_on)), (1, [1, 0, 1, 1]), "{went_on:?}");
    let piped = Ended::of(grantor_on(&test.database).args(["user", "import", "-"]), "{\"username\": \"eve\"}\n");
    assert_eq!((piped.code, piped.out.as_str()), (0, "1 created, 0 updated, 0 skipped, 0 failed\n"), "{piped:?}");
    let missing = Ended::of(grantor_on(&test.database).args(["user", "import", "/nowhere"]), "");
    missing.assert_refused(1, "/nowhere", "");
}

fn an_import_that_was_cut_off_is_run_again(engine: Engine) {
    let test = TestServer::start(engine);
    let lines: Vec<Value> =
        (0..2500).map(|n| json!({ "id": format!("u{n}"), "username": format!("user{n}") })).collect();
    assert_eq!(counts(&import(&test, &lines[..1700], &[])), [1700, 0, 0, 0]);
    // A batch of which only some are there.
    assert_eq!(counts(&import(&test, &lines, &[])), [800, 0, 1700, 0]);
    assert_eq!(counts(&import(&test, &lines, &[])), [0, 0, 2500, 0]);
}

fn accounts_without_a_password_are_closed(engine: Engine) {
    let test = TestServer::start(engine);
    let client = test.confidential();
    assert_eq!(counts(&import(&test, &[json!({ "username": "ada" })], &[])), [1, 0, 0, 0]);
    for password in ["!", "password", PASSWORD] {
        let parameters = [("grant_type", "password"), ("username", "ada"), ("password", password)];
        test.token(&client, &parameters).assert_error(400, "invalid_grant");
    }
}

/// How long 100,000 people take: `cargo test --test it user_import::a_hundred_thousand -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn a_hundred_thousand() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let test = TestServer::start(engine);
        let hash = HASHES[0].1;
        let line = |n: u32| {
            json!({ "id": format!("u{n}"), "username": format!("user{n}"), "email": format!("user{n}@example.com"),
                "name": format!("User {n}"), "given_name": "User", "password_hash": hash })
        };
        let lines: Vec<Value> = (0..100_000).map(line).collect();
        for _ in 0..2 {
            let started = Clock::System.instant();
            let ended = import(&test, &lines, &[]);
            eprintln!("{engine:?}: {:?} in {:?}", counts(&ended), Clock::System.instant() - started);
        }
    }
}
