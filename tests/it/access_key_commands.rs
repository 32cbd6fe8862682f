//! `grantor access-key`, `service-account` and `project`: the real binary beside a running server, on SQLite.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::{Value, json};

use crate::access_keys::used;
use crate::process::{Ended, grantor_on};
use crate::support::*;

struct Shell {
    test: TestServer,
}

impl Shell {
    fn new() -> Self {
        Self { test: TestServer::start_now(Engine::Sqlite) }
    }

    fn run(&self, line: &str) -> Ended {
        let mut command = grantor_on(&self.test.database);
        command.env("GRANTOR_SERVER__ISSUER", &self.test.server.config.server.issuer);
        // '+' stands for a space within a word.
        Ended::of(command.args(line.split(' ').map(|word| word.replace('+', " "))), "")
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).json()
    }

    #[track_caller]
    fn text(&self, line: &str) -> String {
        let ended = self.run(line);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{line}: {ended:?}");
        ended.out
    }
}

#[test]
fn a_scope_that_nobody_defined_is_remarked_on() {
    let shell = Shell::new();
    let undefined = shell.run("access-key create --name typo --scope projects:raed+projects:read");
    assert_eq!(
        (undefined.code, undefined.err.trim_end()),
        (0, "grantor: warning: nobody has defined the scope projects:raed: check for typing errors")
    );
}

#[test]
fn keys_are_managed() {
    let shell = Shell::new();
    let made = shell.json("access-key create --name my+key --scope projects:read");
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    assert_eq!((&made["owner"], &made["created_by"]), (&Value::Null, &json!("command_line")));
    assert_eq!(used(&shell.test, &secret), 200, "the running server knows it at once");
    let masked = text(&made["masked"]);
    let table = shell.text("access-key list");
    assert!(table.starts_with("ID") && table.contains(&masked) && table.contains("platform"), "{table}");
    assert!(!table.contains(&secret) && !shell.text(&format!("access-key show {id}")).contains(&secret));
    assert_eq!(shell.json(&format!("access-key show {id}"))["name"], "my key");
    let edited = shell
        .json(&format!("access-key edit {id} --description x --requests-per-minute 5 --allowed-address 127.0.0.1"));
    assert_eq!((&edited["requests_per_minute"], &edited["allowed_addresses"]), (&json!(5), &json!(["127.0.0.1/32"])));
    let edited = shell.json(&format!("access-key edit {id} --no-limits --all-addresses"));
    assert_eq!((&edited["requests_per_minute"], &edited["allowed_addresses"]), (&Value::Null, &json!([])));
    assert_eq!((&edited["description"], &edited["scopes"]), (&json!("x"), &json!(["projects:read"])));
    let second = text(&shell.json(&format!("access-key rotate {id} --grace 7d"))["secret"]);
    assert_eq!((used(&shell.test, &secret), used(&shell.test, &second)), (200, 200));
    assert_eq!(shell.json(&format!("access-key secrets {id}"))["items"].as_array().unwrap().len(), 2);
    assert!(shell.text(&format!("access-key secrets {id}")).contains("current"));
    shell.text(&format!("access-key finish-rotation {id}"));
    assert_eq!((used(&shell.test, &secret), used(&shell.test, &second)), (401, 200));
    let third = shell.text(&format!("access-key rotate {id}"));
    assert!(third.contains("(shown this once)"), "{third}");
    assert_eq!(used(&shell.test, &second), 401);
    assert_eq!(shell.json(&format!("access-key disable {id}"))["status"], "inactive");
    assert_eq!(shell.json("access-key list --status inactive")["items"].as_array().unwrap().len(), 1);
    assert_eq!(shell.json("access-key list --status active --environment live"), json!({ "items": [] }));
    assert_eq!(shell.json(&format!("access-key enable {id}"))["status"], "active");
    shell.run(&format!("access-key revoke {id}")).assert_refused(2, "for good", "--yes");
    assert_eq!(shell.json(&format!("access-key revoke {id} --yes"))["status"], "revoked");
    shell.run(&format!("access-key enable {id}")).assert_refused(3, "final", "");
    shell.run(&format!("access-key delete {id} --name my")).assert_refused(3, "name", "");
    assert_eq!(shell.json(&format!("access-key delete {id} --name my+key")), json!({ "deleted": id }));
    shell.run(&format!("access-key show {id}")).assert_refused(3, "no such access key", "");
}

#[test]
fn owners_projects_and_ends_are_named() {
    let shell = Shell::new();
    shell.text("project create alpha --name Alpha");
    shell.text("project create beta");
    let account = text(&shell.json("service-account create --name worker --scope a+b --scope c")["id"]);
    let ada = shell.test.user("ada", &[]);
    let robot = shell.test.confidential();
    let make = |more: &str| shell.json(&format!("access-key create --name k {more}"));
    let owned = make(
        "--service-account worker --scope a+c --project alpha --project beta --environment test --requests-per-hour 9",
    );
    assert_eq!(owned["owner"], json!({ "type": "service_account", "id": account }));
    assert_eq!((&owned["scopes"], &owned["projects"]), (&json!(["a", "c"]), &json!(["alpha", "beta"])));
    assert_eq!((&owned["environment"], &owned["requests_per_hour"]), (&json!("test"), &json!(9)));
    assert_eq!(make("--user ada")["owner"], json!({ "type": "user", "id": ada }));
    assert_eq!(make(&format!("--client {}", robot.id))["owner"]["id"], json!(robot.id));
    assert_eq!(make("--expires never")["expires_at"], Value::Null);
    assert_eq!(make("--expires 2099-01-31")["expires_at"], "2099-01-31T00:00:00Z");
    let life = make("--expires 90d");
    let time = |name: &str| text(&life[name]).parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let seconds = (time("created_at") - time("expires_at")).num_seconds() + 90 * 86_400;
    assert!((0..60).contains(&seconds), "the end is worked out a moment before the key is made: {life}");
    let id = text(&life["id"]);
    assert_eq!(shell.json(&format!("access-key edit {id} --expires never"))["expires_at"], Value::Null);
    assert_eq!(shell.json("access-key list --project alpha")["items"].as_array().unwrap().len(), 1);
    assert_eq!(shell.json(&format!("access-key list --owner {account}"))["items"].as_array().unwrap().len(), 1);
    for (line, code, word) in [
        ("access-key create --name k --service-account absent", 3, "no such service account"),
        ("access-key create --name k --user absent", 3, "no such user"),
        ("access-key create --name k --client absent", 3, "no such client"),
        ("access-key create --name k --project absent", 3, "absent"),
        ("access-key create --name k --service-account worker --scope d", 3, "the owner does not hold d"),
        ("access-key create --name k --environment test --requests-per-minute 601", 3, "at most 600"),
        ("access-key create --name k --expires 2020-01-01", 3, "future"),
        ("access-key rotate ak_0", 3, "no such access key"),
    ] {
        shell.run(line).assert_refused(code, word, "");
    }
    for line in [
        "access-key create",
        "access-key create --name k --expires soon",
        "access-key create --name k --user a --client b",
        "access-key create --name k --env-variable A",
        "access-key list --status lost",
    ] {
        assert_eq!(shell.run(line).code, 2, "{line}");
    }
    assert!(shell.text("project list").contains("Alpha"));
    assert_eq!(shell.json("project edit alpha --description x")["description"], "x");
    shell.run("project delete alpha").assert_refused(3, "limited to this project", "");
    assert_eq!(shell.json("project create gone --name Gone")["name"], "Gone");
    assert!(shell.text("project delete gone").contains("gone is deleted"));
    shell.run("project show gone").assert_refused(3, "no such project", "");
    assert_eq!(shell.json("service-account edit worker --no-scopes --description y")["scopes"], json!([]));
    assert_eq!(shell.json("service-account disable worker")["status"], "inactive");
    assert_eq!(shell.json("service-account enable worker")["status"], "active");
    shell.run("service-account revoke worker").assert_refused(2, "for good", "--yes");
    assert_eq!(shell.json("service-account revoke worker --yes")["status"], "revoked");
    assert!(shell.text("service-account list").contains("revoked"));
    assert_eq!(shell.json("service-account show worker")["description"], "y");
}

#[test]
fn a_secret_is_written_into_a_file_of_variables() {
    let shell = Shell::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    let at = path.display().to_string();
    let made = shell.run(&format!("access-key create --name k --scope projects:read --env-file {at}"));
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let read = || fs::read_to_string(&path).unwrap();
    let secret = read().strip_prefix("API_KEY=").unwrap().trim_end().to_owned();
    assert_eq!(used(&shell.test, &secret), 200);
    assert!(!made.out.contains(&secret) && made.out.contains(&format!("written to {at} as API_KEY")), "{}", made.out);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    // Another line is kept, the variable is replaced, and a file that others could read is one no more.
    fs::write(&path, format!("A=1\n{}B=2", read())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let id = text(&shell.json("access-key list")["items"][0]["id"]);
    let rotated = shell.json(&format!("access-key rotate {id} --env-file {at}"));
    assert!(rotated.get("secret").is_none(), "{rotated}");
    let second = read().lines().nth(1).unwrap().strip_prefix("API_KEY=").unwrap().to_owned();
    assert_eq!(read(), format!("A=1\nAPI_KEY={second}\nB=2\n"));
    assert_eq!((used(&shell.test, &secret), used(&shell.test, &second), mode(&path)), (401, 200, 0o600));
    shell.text(&format!("access-key create --name k2 --env-file {at} --env-variable NEXAFLOW_API_KEY"));
    assert!(
        read().starts_with("A=1\n") && read().lines().last().unwrap().starts_with("NEXAFLOW_API_KEY=gk_live_"),
        "{}",
        read()
    );
    // Nothing is made that could not be kept.
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    let link = folder.path().join("link");
    symlink(&elsewhere, &link).unwrap();
    let count = || shell.json("access-key list")["items"].as_array().unwrap().len();
    for (file, variable, code, word) in [
        (link.display().to_string(), "A", 2, "link"),
        (folder.path().display().to_string(), "A", 2, "no file"),
        (format!("{}/absent/.env", folder.path().display()), "A", 1, "absent"),
        (at.clone(), "A-B", 2, "A-B"),
        (at.clone(), "2A", 2, "2A"),
    ] {
        let ended = shell.run(&format!("access-key create --name k3 --env-file {file} --env-variable {variable}"));
        assert!((ended.code, ended.err.contains(word)) == (code, true), "{ended:?}");
    }
    assert_eq!((count(), fs::read_to_string(&elsewhere).unwrap().as_str()), (2, ""));
    let refused = shell.run(&format!("access-key create --name k3 --plan gold --env-file {at}"));
    refused.assert_refused(3, "gold", "");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn a_client_secret_is_written_into_a_file_of_variables() {
    let shell = Shell::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    let at = path.display().to_string();
    let read = || fs::read_to_string(&path).unwrap();
    let grants = "--grant client_credentials";
    let made = shell.run(&format!("client create --id worker --name Worker {grants} --env-file {at}"));
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let first = read().strip_prefix("CLIENT_SECRET=").unwrap().trim_end().to_owned();
    assert!(first.starts_with("cs_"), "{first}");
    assert!(!made.out.contains(&first) && made.out.contains(&format!("written to {at} as CLIENT_SECRET")));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let rotated = shell.json(&format!("client rotate-secret worker --env-file {at} --env-variable WORKER_SECRET"));
    assert!(rotated.get("client_secret").is_none(), "{rotated}");
    let second = read().lines().nth(1).unwrap().strip_prefix("WORKER_SECRET=").unwrap().to_owned();
    assert!(second.starts_with("cs_") && second != first);
    // Nothing is made that could not be kept.
    let absent = format!("{}/absent/.env", folder.path().display());
    assert_eq!(shell.run(&format!("client create --id w2 --name W {grants} --env-file {absent}")).code, 1);
    assert_eq!(shell.run("client show w2").code, 3);
    let public =
        shell.run(&format!("client create --public --id app --redirect-uri http://127.0.0.1/cb --env-file {at}"));
    assert!((public.code, public.err.contains("no secret")) == (2, true), "{public:?}");
    assert_eq!(shell.json("client secrets worker").as_array().unwrap().len(), 1);
}
