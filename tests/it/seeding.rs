//! Seeding: clients, users and scopes from a file, by hand and at each start.

use std::path::PathBuf;

use grantor::flows::Server;
use grantor::flows::caller::Caller;
use grantor::flows::seed::{self, Seed, SeedOutcome};
use serde_json::{Value, json};

use crate::process::{Ended, Running, grantor_on};
use crate::support::*;

on_both!(
    a_seed_is_applied_once_and_then_only_what_differs,
    secrets_come_from_files_and_the_environment,
    seeded_people_and_clients_work,
    unusable_seeds_are_refused_with_what_is_wrong,
    a_dry_run_writes_nothing,
    two_instances_seed_at_the_same_moment,
    a_server_seeds_at_its_start,
);

const SEED: &str = r#"
[[scopes]]
name = "orders:read"
description = "See orders"

[[users]]
username = "ada"
name = "Ada Lovelace"
email = "ada@example.com"
password = "correct horse battery staple"
roles = ["support"]
given_name = "Ada"
address = { country = "GB" }

[[users]]
username = "bob"
status = "inactive"

[[clients]]
client_id = "shop"
client_name = "Shop"
client_secret = "a secret of the shop"
redirect_uris = ["https://app.example/callback"]
grant_types = ["authorization_code", "refresh_token"]
scope = "orders:read"
first_party = true
logo_uri = "https://app.example/logo.png"

[[clients]]
client_id = "app"
token_endpoint_auth_method = "none"
redirect_uris = ["com.example.app:/cb"]
application_type = "native"
"#;

fn write(test: &TestServer, text: &str) -> PathBuf {
    let path = test.database.folder.path().join("seed.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// Applies a seed; its outcomes by name.
fn apply(test: &TestServer, text: &str, dry_run: bool) -> Result<Vec<(String, SeedOutcome)>, String> {
    let seed = Seed::load(&write(test, text)).map_err(|error| error.to_string())?;
    let items = seed::apply(&test.server, &Caller::server(), &seed, dry_run);
    let items = items.map_err(|failed| format!("{}: {:?}", failed.item, failed.error))?;
    Ok(items.into_iter().map(|item| (item.id, item.outcome)).collect())
}

fn only(names: &[(&str, SeedOutcome)]) -> Vec<(String, SeedOutcome)> {
    names.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect()
}

fn a_seed_is_applied_once_and_then_only_what_differs(engine: Engine) {
    use SeedOutcome::{Created, Unchanged, Updated};
    let test = TestServer::start(engine);
    let all = |outcome| {
        only(&[("orders:read", outcome), ("ada", outcome), ("bob", outcome), ("shop", outcome), ("app", outcome)])
    };
    assert_eq!(apply(&test, SEED, false).unwrap(), all(Created));
    test.advance(1);
    assert_eq!(apply(&test, SEED, false).unwrap(), all(Unchanged));
    for action in ["scope.created", "user.created", "client.created"] {
        assert_eq!(test.events(action)[0].actor_kind, "server", "{action}");
    }
    assert_eq!(test.events("client.updated").len(), 0);
    let changed = SEED
        .replace("See orders", "See all orders")
        .replace("Ada Lovelace", "Ada King")
        .replace("logo.png", "logo.svg")
        .replace("a secret of the shop", "another secret of the shop");
    test.advance(1);
    let outcomes =
        only(&[("orders:read", Updated), ("ada", Updated), ("bob", Unchanged), ("shop", Updated), ("app", Unchanged)]);
    assert_eq!(apply(&test, &changed, false).unwrap(), outcomes);
    test.advance(1);
    assert_eq!(apply(&test, &changed, false).unwrap(), all(Unchanged));
    let ada = test.server.store.read(|connection| connection.find_user_by_username("ada")).unwrap().unwrap();
    assert_eq!((ada.user.name.as_deref(), ada.user.profile.given_name.as_deref()), (Some("Ada King"), Some("Ada")));
    for (action, count) in
        [("scope.updated", 1), ("user.updated", 1), ("client.updated", 1), ("client_secret.rotated", 1)]
    {
        assert_eq!(test.events(action).len(), count, "{action}");
    }
    // What operators add beside it stays, and nothing is deleted.
    assert_eq!(apply(&test, "", false).unwrap(), only(&[]));
    assert!(test.server.store.read(|connection| connection.find_client("shop")).unwrap().is_some());
}

fn seeded_people_and_clients_work(engine: Engine) {
    let test = TestServer::start(engine);
    apply(&test, SEED, false).unwrap();
    let shop = TestClient { id: "shop".to_owned(), secret: Some("a secret of the shop".to_owned()) };
    test.code_tokens(&shop, "ada");
    let browser = Browser::new(&test);
    let query = authorize_query(&shop, &[]);
    assert_eq!(browser.sign_in(&query, "bob", "!").status, 403, "no password opens an account without one");
    // A password is its owner's from then on.
    let mine = grantor::flows::users::NewPassword(zeroize::Zeroizing::new("my own password".to_owned()));
    grantor::flows::users::set_password(&test.server, &Caller::command_line(), "ada", &mine).ok().unwrap();
    test.advance(1);
    assert_eq!(apply(&test, SEED, false).unwrap()[1].1, SeedOutcome::Unchanged);
    assert_eq!(browser.sign_in(&query, "ada", "my own password").status, 303);
}

fn secrets_come_from_files_and_the_environment(engine: Engine) {
    let test = TestServer::start(engine);
    std::fs::write(test.database.folder.path().join("shop.secret"), "from the file 1\n").unwrap();
    let by_file = SEED.replace("client_secret = \"a secret of the shop\"", "client_secret_file = \"shop.secret\"");
    apply(&test, &by_file, false).unwrap();
    let good = |secret: &str| {
        let client = TestClient { id: "shop".to_owned(), secret: Some(secret.to_owned()) };
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        text(&test.token(&client, &parameters).json()["error"]) == "invalid_grant"
    };
    assert!(good("from the file 1") && !good("a secret of the shop"));
    std::fs::write(test.database.folder.path().join("shop.secret"), "from the file 2").unwrap();
    test.advance(1);
    apply(&test, &by_file, false).unwrap();
    assert!(good("from the file 2") && !good("from the file 1"), "the one before ends at once");
    let by_variable = SEED.replace("client_secret = \"a secret of the shop\"", "client_secret_env = \"SHOP_SECRET\"");
    let path = write(&test, &by_variable);
    let run = |variables: &[(&str, &str)]| {
        Ended::of(grantor_on(&test.database).arg("seed").arg(&path).arg("--json").envs(variables.iter().copied()), "")
    };
    run(&[]).assert_refused(2, "SHOP_SECRET", "");
    let done = run(&[("SHOP_SECRET", "from the variable")]).json();
    assert_eq!(done["items"][3], json!({ "kind": "client", "id": "shop", "outcome": "updated" }));
    assert!(good("from the variable"));
}

fn unusable_seeds_are_refused_with_what_is_wrong(engine: Engine) {
    let test = TestServer::start(engine);
    for (text, said) in [
        ("[[client]]\nclient_id = 'x'", "client"),
        ("clients = 7", "invalid type"),
        ("[[clients]]\nclient_name = 'x'", "number 1: client_id"),
        ("[[clients]]\nclient_id = 'x'\nsurprise = 1", "client x: unknown field `surprise`"),
        ("[[clients]]\nclient_id = 'x'\nredirect_uris = ['https://a.example/']", "client_secret_env"),
        ("[[clients]]\nclient_id = 'x'\nclient_secret = 'secret secret'\nclient_secret_env = 'X'", "exclude"),
        ("[[clients]]\nclient_id = 'x'\nclient_secret_file = 'nowhere'", "nowhere"),
        (
            "[[clients]]\nclient_id = 'x'\ntoken_endpoint_auth_method = 'none'\nredirect_uris = ['http://a.example/']",
            "loopback",
        ),
        (
            "[[clients]]\nclient_id = 'x'\ntoken_endpoint_auth_method = 'none'\nredirect_uris = ['https://a.example/']\nlogo_uri = 'http://a.example/'",
            "logo_uri",
        ),
        ("[[users]]\nname = 'x'", "username"),
        ("[[users]]\nusername = 'ada'\npassword = 'short'", "8 characters"),
        ("[[users]]\nusername = 'ada'\npassword = 'abcabcabcabc'", "short pattern"),
        ("[[users]]\nusername = 'ada'\nemail = 'ada@parcels.example'\npassword = 'parcels2026'", "everybody knows"),
        ("[[users]]\nusername = 'ada'\nroles = ['king']", "king"),
        ("[[users]]\nusername = 'ada'\npassword_hash = '{SSHA}x'", "password hash"),
        ("[[users]]\nusername = 'ada'\npassword = 'correct horse'\npassword_hash = 'x'", "hash"),
        ("[[users]]\nusername = 'ada'\nshoe_size = 44", "shoe_size"),
        (
            "[[users]]\nusername = 'ada'\n\n[[users]]\nusername = 'bob'\n[[users]]\nname = 'x'\nusername = 'Ada'\n",
            "user Ada is there twice: in lines 1 and 6",
        ),
        (
            "[[clients]]\nclient_id = 'x'\nclient_secret = 'secret secret'\n[[clients]]\nclient_id = 'x'\n",
            "client x is there twice: in lines 1 and 4",
        ),
        ("[[users]]\nusername = 'ada'\naddress = ['x', 'y']", "expected struct Address"),
        ("[[scopes]]\nname = 'a b'\ndescription = 'x'", "scope token"),
    ] {
        let error = apply(&test, text, false).unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
        assert!(!error.contains("secret secret") && !error.contains("correct horse"), "{error}");
    }
    let missing = Ended::of(grantor_on(&test.database).args(["seed", "/nowhere/seed.toml"]), "");
    missing.assert_refused(2, "/nowhere/seed.toml", "");
}

fn a_dry_run_writes_nothing(engine: Engine) {
    let test = TestServer::start(engine);
    let wanted = apply(&test, SEED, true).unwrap();
    assert!(wanted.iter().all(|(_, outcome)| *outcome == SeedOutcome::Created), "{wanted:?}");
    assert!(test.server.store.read(|connection| connection.find_client("shop")).unwrap().is_none());
    let path = write(&test, SEED);
    let run = |arguments: &[&str]| Ended::of(grantor_on(&test.database).arg("seed").arg(&path).args(arguments), "");
    assert!(run(&["--dry-run"]).out.contains("created"));
    assert_eq!(run(&["--dry-run", "--json"]).json()["items"][0]["outcome"], "created");
    assert!(run(&[]).out.contains("created"));
    assert_eq!(run(&["--json"]).json()["items"][4]["outcome"], "unchanged");
    assert_eq!(test.events("client.created")[0].actor_kind, "command_line");
}

fn two_instances_seed_at_the_same_moment(engine: Engine) {
    let test = TestServer::start(engine);
    let siblings: Vec<TestServer> = (0..3).map(|_| test.sibling()).collect();
    let path = write(&test, SEED);
    let run = |server: &Server| {
        let seed = Seed::load(&path).unwrap();
        seed::apply(server, &Caller::server(), &seed, false).map(|items| items.len())
    };
    std::thread::scope(|scope| {
        let tries: Vec<_> = siblings.iter().map(|sibling| scope.spawn(|| run(&sibling.server))).collect();
        for tried in tries {
            let done = tried.join().unwrap().map_err(|failed| format!("{}: {:?}", failed.item, failed.error));
            assert_eq!(done, Ok(5));
        }
    });
    for (action, count) in [("scope.created", 1), ("user.created", 2), ("client.created", 2)] {
        assert_eq!(test.events(action).len(), count, "{action}");
    }
}

fn a_server_seeds_at_its_start(engine: Engine) {
    let database = TestServer::seeded(engine);
    let path = database.folder.path().join("seed.toml");
    std::fs::write(&path, SEED).unwrap();
    let shown = |id: &str| Ended::of(grantor_on(&database).args(["client", "show", id, "--json"]), "");
    let running = Running::serve(&database, &[("SEED__FILE", path.to_str().unwrap())]);
    assert_eq!(shown("shop").json()["client_name"], Value::from("Shop"));
    let log = std::fs::read_to_string(&running.log).unwrap();
    assert!(log.contains("seed: client shop created") && !log.contains("a secret of the shop"), "{log}");
    drop(running);
    std::fs::write(&path, "[[clients]]\nclient_id = 'shop'\nlogo_uri = 'http://x.example/'").unwrap();
    let refused = Ended::of(grantor_on(&database).arg("serve").arg("--seed").arg(&path), "");
    refused.assert_refused(3, "client shop", "");
}
