//! The command line: the real binary, on SQLite. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 refused.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use grantor::domain::role::ADMIN_API_SCOPES;
use grantor::domain::standard_claims::OPENID_SCOPES;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::LineEnding;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Ended, free_port, grantor, grantor_on, wait_for};
use crate::support::*;

// --- dev -----------------------------------------------------------------------------------------------------------

/// `grantor dev`, once it has printed what it prints at the start.
struct Dev {
    child: Child,
    port: u16,
    /// What it printed: the first line with `--json`, all up to the last line of the guide without.
    said: String,
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(folder: &Path, json: bool) -> Self {
        for _ in 0..5 {
            let port = free_port();
            let mut command = grantor();
            command.args(["dev", "--port", &port.to_string(), "--data"]).arg(folder);
            if json {
                command.arg("--json");
            }
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut said = String::new();
            while out.read_line(&mut said).unwrap() > 0 {
                if json || said.contains("The other commands work on the same data") {
                    return Self { child, port, said };
                }
            }
            // Another test took the port between our asking and the start.
            assert_eq!(child.wait().unwrap().code(), Some(1));
        }
        panic!("no free port");
    }

    /// Ends it as an operator would.
    fn stop(mut self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let code = wait_for("the end", 20, || self.child.try_wait().unwrap());
        assert_eq!(code.code(), Some(0));
    }
}

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn dev_prints_one_object_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("made for it");
    let dev = Dev::start(&data, true);
    let said: Value = serde_json::from_str(&dev.said).unwrap();
    assert_eq!(members(&said), BTreeSet::from(["issuer", "user", "admin", "confidential_client", "public_client"]));
    assert_eq!(said["issuer"], format!("http://127.0.0.1:{}", dev.port));
    for user in ["user", "admin"] {
        assert_eq!(members(&said[user]), BTreeSet::from(["username", "password"]));
    }
    let (web, app) = (&said["confidential_client"], &said["public_client"]);
    assert_eq!(members(web), BTreeSet::from(["client_id", "client_secret", "redirect_uri", "scope"]));
    assert_eq!(members(app), BTreeSet::from(["client_id", "redirect_uri", "scope"]));
    // At this very moment it answers, to each pair of credentials.
    let token = |said: &Value, who: &str, scope: &str| {
        let (web, user) = (&said["confidential_client"], &said[who]);
        let form = [
            ("grant_type", "password"),
            ("username", user["username"].as_str().unwrap()),
            ("password", user["password"].as_str().unwrap()),
            ("scope", scope),
        ];
        let request = http_client().post(format!("{}/oauth/token", text(&said["issuer"])));
        Answer::of(request.basic_auth(text(&web["client_id"]), web["client_secret"].as_str()).form(&form))
    };
    let refresh = text(&token(&said, "user", &text(&web["scope"])).json()["refresh_token"]);
    assert_eq!(token(&said, "admin", "admin").status, 200);
    assert_eq!(token(&said, "user", "admin").status, 400);
    for file in ["root.key", "dev.json", "grantor.toml"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&data), 0o700);
    let left: BTreeSet<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 1, "everything is in the folder");
    dev.stop();
    let again = Dev::start(&data, true);
    let second: Value = serde_json::from_str(&again.said).unwrap();
    for kept in ["user", "admin", "confidential_client", "public_client"] {
        assert_eq!(second[kept], said[kept], "{kept}");
    }
    assert_eq!(token(&second, "user", "orders:read").status, 200);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    let request = http_client().post(format!("{}/oauth/token", text(&second["issuer"])));
    let request = request.basic_auth(text(&web["client_id"]), web["client_secret"].as_str()).form(&form);
    assert_eq!(Answer::of(request).status, 200, "tokens are kept too");
}

#[test]
fn dev_refuses_the_network() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let mut command = grantor();
        command.args(["dev", "--bind", address, "--port", "0", "--data"]).arg(folder.path().join("data"));
        Ended::of(&mut command, "").assert_refused(2, &format!("not on {address}"), "grantor serve");
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn dev_refuses_a_configuration_that_it_would_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = grantor();
    command.args(["dev", "--config", "grantor.toml", "--port", "0", "--data"]).arg(folder.path().join("data"));
    Ended::of(&mut command, "").assert_refused(2, "dev reads no configuration file", "grantor serve --config");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn dev_says_that_a_port_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = grantor();
    command.args(["dev", "--port", &port, "--data"]).arg(folder.path());
    Ended::of(&mut command, "").assert_refused(1, "in use", "--port");
}

#[test]
fn each_line_of_the_guide_works_as_printed() {
    if !Command::new("sh").args(["-c", "command -v curl >/dev/null"]).status().unwrap().success() {
        use std::io::Write as _;
        let text = "\nSKIPPED: each_line_of_the_guide_works_as_printed, for there is no curl\n";
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let dev = Dev::start(&data, false);
    let shell = |line: &str| {
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let lines: Vec<&str> = dev.said.lines().collect();
    let mut seen = BTreeSet::new();
    for pair in lines.windows(2).filter(|pair| pair[0].starts_with("# ")) {
        let printed = shell(pair[1]);
        let name = pair[0].trim_start_matches("# ").split([' ', ':']).next().unwrap();
        if name == "metrics" {
            assert!(printed.contains("grantor_tokens_issued_total") && printed.ends_with("# EOF\n"), "{printed}");
        } else {
            let answer: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
            match name {
                "password" | "refresh_token" | "authorization_code" => {
                    assert!(text(&answer["access_token"]).split('.').count() == 3, "{answer}");
                    assert!(text(&answer["refresh_token"]).starts_with("rt_"), "{answer}");
                }
                "client_credentials" => {
                    assert_eq!(answer["scope"], "orders:read orders:write");
                    assert!(answer.get("refresh_token").is_none());
                }
                // Beside the two of the demo, that of the console.
                "the" => assert_eq!(answer["items"].as_array().unwrap().len(), 3),
                "an" => assert_eq!(
                    (answer["valid"].clone(), answer["scopes"].clone()),
                    (json!(true), json!(["orders:read"]))
                ),
                other => panic!("{other}"),
            }
        }
        seen.insert(name.to_owned());
    }
    let wanted = ["password", "client_credentials", "authorization_code", "refresh_token", "the", "an", "metrics"];
    assert_eq!(seen, wanted.into_iter().map(str::to_owned).collect());
    for address in lines
        .iter()
        .flat_map(|line| line.split_whitespace())
        .filter(|word| word.ends_with(".json") || word.ends_with("-server"))
    {
        assert_eq!(Answer::of(http_client().get(address)).status, 200, "{address}");
    }
    // The last line: another command on the same data, while the server runs.
    let (_, arguments) = dev.said.trim_end().rsplit_once("data: grantor ").unwrap();
    let listed = shell(&format!("{} {arguments}", env!("CARGO_BIN_EXE_grantor")));
    assert!(listed.contains("demo-confidential") && listed.contains("demo-public"), "{listed}");
}

// --- the other commands --------------------------------------------------------------------------------------------

/// A server in this process, and the binary on its database.
struct Shell {
    test: TestServer,
}

impl Shell {
    fn new() -> Self {
        Self { test: TestServer::start_now(Engine::Sqlite) }
    }

    fn run(&self, line: &str) -> Ended {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, input: &str) -> Ended {
        let mut command = grantor_on(&self.test.database);
        // The issuer decides the audience of the admin API.
        command.env("GRANTOR_SERVER__ISSUER", &self.test.server.config.server.issuer);
        Ended::of(command.args(line.split(' ')), input)
    }

    #[track_caller]
    fn text(&self, line: &str) -> String {
        let ended = self.run(line);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{line}: {ended:?}");
        ended.out
    }
}

/// The value of a field in the output for people.
#[track_caller]
fn field(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name}: {text}"))[name.len()..].trim().to_owned()
}

#[test]
fn clients_are_managed() {
    let shell = Shell::new();
    let ask = |client: &TestClient| shell.test.token(client, &[("grant_type", "client_credentials")]).status.as_u16();
    let line = "client create --id web --grant client_credentials --grant authorization_code --redirect-uri https://a.example/cb \
                --scope read --allowed-origin https://a.example --access-token-lifetime 60 --first-party true --may-introspect true --name Web";
    let printed = shell.text(&line.split_whitespace().collect::<Vec<_>>().join(" "));
    let secret = field(&printed, "client_secret").split(' ').next().unwrap().to_owned();
    assert!(printed.contains("(shown this once)") && secret.starts_with("cs_"), "{printed}");
    let web = TestClient { id: "web".to_owned(), secret: Some(secret) };
    assert_eq!(ask(&web), 200, "the running server knows it at once");
    let shown = shell.run("client show web --json").json();
    for (name, value) in [
        ("client_name", json!("Web")),
        ("grant_types", json!(["client_credentials", "authorization_code"])),
        ("scope", json!("read")),
        ("redirect_uris", json!(["https://a.example/cb"])),
        ("access_token_lifetime", json!(60)),
        ("first_party", json!(true)),
        ("allowed_origins", json!(["https://a.example"])),
        ("status", json!("active")),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert!(shown.get("client_secret").is_none());
    assert_eq!(field(&shell.text("client show web"), "access_token_lifetime"), "60 s");
    let edited = shell.run("client edit web --description Shop --json").json();
    assert_eq!((&edited["description"], &edited["scope"]), (&json!("Shop"), &json!("read")));
    assert_eq!(field(&shell.text("client edit web --may-introspect false"), "may_introspect"), "false");
    let app = shell.run("client create --public --id app --redirect-uri http://127.0.0.1/cb --json").json();
    assert_eq!((&app["token_endpoint_auth_method"], app.get("client_secret")), (&json!("none"), None));
    let rotated = shell.run("client rotate-secret web --grace 1h --json").json();
    let second = TestClient { id: "web".to_owned(), secret: rotated["client_secret"].as_str().map(str::to_owned) };
    assert_eq!((ask(&web), ask(&second)), (200, 200));
    let third = field(&shell.text("client rotate-secret web"), "client_secret");
    let third = TestClient { id: "web".to_owned(), secret: third.split(' ').next().map(str::to_owned) };
    assert_eq!((ask(&web), ask(&second), ask(&third)), (401, 401, 200));
    assert_eq!(shell.run("client disable web --json").json()["status"], "inactive");
    assert_eq!(ask(&third), 401);
    assert_eq!(field(&shell.text("client enable web"), "status"), "active");
    assert_eq!(ask(&third), 200);
    let listed = shell.run("client list --json").json();
    let ids: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|item| item["client_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["app", "grantor-console", "web"]);
    let table = shell.text("client list");
    assert!(table.starts_with("CLIENT_ID") && table.contains("\napp ") && table.contains("\nweb "), "{table}");
    assert!(shell.text("client list --limit 1").ends_with("... more: --cursor app\n"));
    assert_eq!(shell.run("client list --cursor app --json").json()["items"].as_array().unwrap().len(), 2);
    shell.run("client revoke web").assert_refused(2, "for good", "--yes");
    assert_eq!(ask(&third), 200);
    assert_eq!(shell.run("client revoke web --yes --json").json()["status"], "revoked");
    assert_eq!(ask(&third), 401);
}

#[test]
fn refused_clients_are_said() {
    let shell = Shell::new();
    shell.text("client create --id app --public --redirect-uri https://a.example/cb");
    for (line, word) in [
        ("client show absent", "no such client"),
        ("client edit absent --description x", "no such client"),
        ("client revoke absent --yes", "no such client"),
        ("client create --id app --redirect-uri https://a.example/cb", "exists already"),
        ("client create --id x", "redirect_uris"),
        ("client create --id a:b --redirect-uri https://a.example/cb", "client_id"),
        ("client create --public --grant client_credentials", "client_credentials"),
        ("client rotate-secret app", "no secret"),
        ("client edit app --require-pkce false", "require_pkce"),
        ("client edit app --environment test", "environment"),
        ("client create --redirect-uri https://a.example/cb --role nobody", "nobody"),
        ("client create --redirect-uri https://a.example/cb --access-token-lifetime 5", "access_token_lifetime"),
    ] {
        shell.run(line).assert_refused(3, word, "");
    }
    shell.text("client revoke app --yes");
    shell.run("client enable app").assert_refused(3, "final", "");
    // What the command line itself cannot read.
    for (line, word) in [
        ("client create --redirect-uri javascript:alert(1)", "private-use scheme"),
        ("client create --redirect-uri http://a.example/", "https"),
        ("client create --grant implicit", "not a grant"),
        ("client create --allowed-origin https://a.example/", "origin"),
        ("client create --refresh-token-policy never", "not a policy"),
        ("client rotate-secret app --grace never", "--grace"),
        ("client list --limit many", "--limit"),
        ("client", "Usage"),
        ("client fly", "fly"),
        ("client show", "CLIENT_ID"),
        ("--surprise", "--surprise"),
    ] {
        let ended = shell.run(line);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{line}: {ended:?}");
        assert!(ended.err.contains(word), "{line}: {ended:?}");
    }
}

#[test]
fn users_are_managed() {
    let shell = Shell::new();
    let client = shell.test.confidential();
    let sign_in = |username: &str, password: &str| {
        let form = [("grant_type", "password"), ("username", username), ("password", password)];
        shell.test.token(&client, &form).status.as_u16()
    };
    let printed = shell.text("user create ada --name Ada --email ada@a.example --role support");
    let password = field(&printed, "password").split(' ').next().unwrap().to_owned();
    assert!(printed.contains("(shown this once)") && password.len() == 20, "{printed}");
    assert_eq!(sign_in("ada", &password), 200);
    let shown = shell.run("user show ADA --json").json();
    assert_eq!(
        (&shown["roles"], &shown["email"], shown.get("password")),
        (&json!(["support"]), &json!("ada@a.example"), None)
    );
    assert_eq!(shell.run(&format!("user show {} --json", text(&shown["id"]))).json(), shown);
    let ended = shell.run_with("user create bob --password-stdin --json", "bobs good password\r\n");
    assert_eq!(ended.json().get("password"), None, "a password that was brought is not shown");
    assert_eq!(sign_in("bob", "bobs good password"), 200);
    let generated = shell.run("user set-password bob --json").json();
    assert_eq!(sign_in("bob", "bobs good password"), 400);
    assert_eq!(sign_in("bob", &text(&generated["password"])), 200);
    assert_eq!(shell.run_with("user set-password bob --password-stdin", "third password\n").code, 0);
    assert_eq!(sign_in("bob", "third password"), 200);
    assert_eq!(shell.run("user edit ada --no-roles --name Countess --json").json()["roles"], json!([]));
    assert_eq!(field(&shell.text("user edit ada --role auditor --role support"), "roles"), "auditor support");
    let edit = r#"user edit ada --profile {"nickname":"A","address":{"country":"UK"}} --birthdate 1815-12-10 --json"#;
    let profile = json!({ "nickname": "A", "address": { "country": "UK" }, "birthdate": "1815-12-10" });
    assert_eq!(shell.run(edit).json()["profile"], profile);
    let edit = r#"user edit ada --profile {"nickname":null,"address":null} --email-verified true --json"#;
    assert_eq!(shell.run(edit).json()["profile"], json!({ "birthdate": "1815-12-10", "email_verified": true }));
    assert_eq!(field(&shell.text("user show ada"), "profile"), r#"{"email_verified":true,"birthdate":"1815-12-10"}"#);
    let made = shell.run(r#"user create eve --locale de-AT --profile {"gender":"female"} --json"#).json();
    assert_eq!(made["profile"], json!({ "locale": "de-AT", "gender": "female" }));
    assert_eq!(shell.run("user disable bob --json").json()["status"], "inactive");
    assert_eq!(sign_in("bob", "third password"), 400);
    assert_eq!(field(&shell.text("user enable bob"), "status"), "active");
    assert_eq!(sign_in("bob", "third password"), 200);
    let table = shell.text("user list");
    assert!(table.starts_with("ID ") && table.contains(" ada ") && table.contains(" bob "), "{table}");
    assert_eq!(shell.run("user list --limit 1 --json").json()["items"].as_array().unwrap().len(), 1);
    for (line, input, word) in [
        ("user create ADA", "", "exists already"),
        ("user create carl --role nobody", "", "no role 'nobody'"),
        ("user create carl --password-stdin", "short\n", "at least 8"),
        ("user create carlovak --password-stdin", "carlovak2026\n", "a name that everybody knows"),
        ("user create carl --password-stdin", "zzzzzzzzzzzz\n", "a short pattern repeated"),
        ("user create carl --password-stdin", "", "at least 8"),
        ("user create carl --email nowhere", "", "email"),
        ("user create carl --birthdate yesterday", "", "birthdate"),
        (r#"user edit ada --profile {"planet":"Earth"}"#, "", "planet"),
        ("user edit ada --phone-number 123", "", "phone_number"),
        ("user show carl", "", "no such user"),
        ("user set-password carl", "", "no such user"),
        ("user disable carl", "", "no such user"),
        ("user edit ada --username bob", "", "exists already"),
    ] {
        shell.run_with(line, input).assert_refused(3, word, "");
    }
    assert_eq!(shell.run("user edit ada --role support --no-roles").code, 2);
    for (profile, word) in [("x", "JSON object"), ("[]", "JSON object"), (r#"{"planet":"Earth"}"#, "planet")] {
        let ended = shell.run(&format!("user create carl --profile {profile}"));
        assert!(ended.code == 2 && ended.err.contains(word), "{ended:?}");
    }
    assert_eq!(
        shell.run("user create dave --password secret-on-the-line").code,
        2,
        "an argument is seen by every process"
    );
}

#[test]
fn scopes_are_managed() {
    let shell = Shell::new();
    let made = shell
        .run("scope create photos --description Photos --resource https://photos.example --privileged --json")
        .json();
    assert_eq!((&made["name"], &made["privileged"]), (&json!("photos"), &json!(true)));
    assert!(shell.text("scope create books --description Books").contains("books"));
    // What the reload job of a running server does every few seconds.
    grantor::flows::scopes::reload(&shell.test.server).unwrap();
    let metadata = Answer::of(http_client().get(shell.test.url("/.well-known/oauth-authorization-server"))).json();
    let openid = ["address", "books", "email", "offline_access", "openid", "phone", "profile"];
    assert_eq!(metadata["scopes_supported"], json!(openid), "privileged ones are left out");
    let table = shell.text("scope list");
    assert!(
        table.starts_with("NAME") && table.contains("photos") && table.contains("https://photos.example"),
        "{table}"
    );
    let listed = shell.run("scope list --json").json();
    assert_eq!(listed["items"].as_array().unwrap().len(), ADMIN_API_SCOPES.len() + OPENID_SCOPES.len() + 2);
    assert_eq!(shell.run("scope delete books --json").json(), json!({ "deleted": "books" }));
    shell.text("scope delete photos");
    for (line, word) in [
        ("scope delete photos", "no such scope"),
        ("scope delete admin", "admin API"),
        ("scope create admin --description x", "admin API"),
        ("scope create a\"b --description x", "scope token"),
    ] {
        shell.run(line).assert_refused(3, word, "");
    }
    assert_eq!(shell.run("scope create x").code, 2);
    assert_eq!(shell.run("scope create x --description x --resource relative").code, 2);
}

#[test]
fn signing_keys_are_managed() {
    let shell = Shell::new();
    let client = shell.test.confidential();
    let list = || {
        let items = shell.run("signing-key list --json").json()["items"].as_array().unwrap().clone();
        items.into_iter().filter(|item| item["key"]["alg"] == "RS256").collect::<Vec<_>>()
    };
    let states = || list().iter().map(|item| text(&item["state"])).collect::<Vec<_>>();
    assert_eq!(states(), ["active"]);
    let scheduled = shell.run("signing-key rotate --json").json();
    assert_eq!(states(), ["pending", "active"]);
    shell.run("signing-key rotate").assert_refused(3, "under way", "");
    let pem = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap().to_pkcs1_pem(LineEnding::LF).unwrap();
    let file = shell.test.database.folder.path().join("key.pem");
    fs::write(&file, pem.as_bytes()).unwrap();
    let imported = shell.run(&format!("signing-key import {} --at-once --json", file.display())).json();
    assert_eq!(list().len(), 3);
    let export = || shell.run("signing-key export-public").json();
    let kids = |set: &Value| {
        let keys = set["keys"].as_array().unwrap().iter();
        keys.filter(|key| key["alg"] == "RS256").map(|key| text(&key["kid"])).collect::<BTreeSet<_>>()
    };
    assert!(kids(&export()).is_superset(&BTreeSet::from([text(&scheduled["kid"]), text(&imported["kid"])])));
    assert!(
        export()["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key["kty"] != "RSA" || members(key) == BTreeSet::from(["alg", "e", "kid", "kty", "n", "use"]))
    );
    let line = shell.text("signing-key rotate --compromised");
    assert!(line.starts_with("Key ") && line.contains("(RS256, 2048 bits) is published and signs from "), "{line}");
    assert_eq!(kids(&export()).len(), 1);
    let elliptic = shell.run("signing-key rotate --alg ES256 --at-once --json").json();
    assert_eq!((text(&elliptic["alg"]), &elliptic["bits"]), ("ES256".to_owned(), &256.into()));
    shell.run(&format!("signing-key import {} --alg EdDSA", file.display())).assert_refused(3, "not one for EdDSA", "");
    assert_eq!(shell.run("signing-key rotate --alg none").code, 2);
    let table = shell.text("signing-key list");
    assert!(table.contains(" EdDSA "), "{table}");
    assert!(table.starts_with("KID") && table.contains(" active ") && table.contains(" expired "), "{table}");
    // The running server hears of it within its reload interval; a token of the new key is known at once.
    let issued = text(&shell.test.token(&client, &[("grant_type", "client_credentials")]).json()["access_token"]);
    grantor::flows::signing_keys::reload(&shell.test.server).unwrap();
    assert!(!shell.test.is_active(&client, &issued));
    for (line, input, code, word) in [
        ("signing-key import -", "garbage", 3, "PEM"),
        ("signing-key import /nowhere/key.pem", "", 1, "/nowhere/key.pem"),
        (&*format!("signing-key import {}", file.display()), "", 3, "here already"),
    ] {
        shell.run_with(line, input).assert_refused(code, word, "");
    }
    assert_eq!(shell.run("signing-key rotate --at-once --compromised").code, 2);
}

#[test]
fn the_audit_is_read() {
    let shell = Shell::new();
    shell.text("client create --id app --public --redirect-uri https://a.example/cb");
    shell.text("client disable app");
    let events = shell.run("audit list --json").json();
    let event = &events["items"][0];
    assert_eq!(
        (&event["action"], &event["actor_kind"], &event["target_id"], &event["outcome"]),
        (&json!("client.disabled"), &json!("command_line"), &json!("app"), &json!("success"))
    );
    assert_eq!(shell.run("audit list --action client.created --json").json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(shell.run("audit list --target app --json").json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(shell.run("audit list --actor nobody --json").json(), json!({ "items": [] }));
    assert_eq!(shell.run("audit list --until 2020-01-01T00:00:00Z --json").json(), json!({ "items": [] }));
    let table = shell.text("audit list --limit 1");
    assert!(
        table.starts_with("WHEN") && table.contains("client.disabled") && table.contains("... older: --cursor "),
        "{table}"
    );
    assert_eq!(shell.run("audit list --since yesterday").code, 2);
}

#[test]
fn the_audit_is_proven() {
    let shell = Shell::new();
    shell.text("client create --id app --public --redirect-uri https://a.example/cb");
    let checkpoint = shell.run("audit checkpoint --json").json().to_string();
    assert!(shell.text("audit checkpoint").starts_with("no new event"));
    shell.text("client disable app");
    let report = shell.run("audit verify --json").json();
    let unsigned = report["sequence"].as_i64().unwrap() - report["signed_until"].as_i64().unwrap();
    assert_eq!((&report["checkpoints"], unsigned), (&json!(1), 1));
    assert!(shell.text("audit verify").starts_with("whole"));
    let kept = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(kept.path(), format!("{checkpoint}\n")).unwrap();
    let compare = format!("audit verify --checkpoint {}", kept.path().display());
    assert!(shell.text(&compare).starts_with("whole"));
    std::fs::write(kept.path(), checkpoint.replace("\"number\":1", "\"number\":2")).unwrap();
    let ended = shell.run(&compare);
    assert_eq!((ended.code, ended.err.contains("checkpoint 2")), (1, true), "{ended:?}");
    std::fs::write(kept.path(), "").unwrap();
    assert_eq!(shell.run(&compare).code, 2);
    assert_eq!(shell.text("audit adopt").trim(), "0 events were put into the chain");
    // Elsewhere: no database, no root key.
    let elsewhere = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = elsewhere.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let exported = shell.text("audit export");
    let (export, key) = (file("export.jsonl", &exported), file("key.pem", &shell.text("audit public-key")));
    let altered = file("altered.jsonl", &exported.replace("client.disabled", "client.enabled"));
    let offline = |arguments: &str| {
        let output = grantor().args(arguments.split(' ')).current_dir(elsewhere.path()).output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = offline(&format!("audit verify --file {export} --public-key {key} --json"));
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), report);
    let (code, _, err) = offline(&format!("audit verify --file {export}"));
    assert!(code == Some(0) && err.contains("compare its kid"), "{err}");
    let (code, _, err) = offline(&format!("audit verify --file {altered}"));
    assert!(code == Some(1) && err.contains("is not what was chained there"), "{err}");
    assert_eq!(offline(&format!("audit verify --file {export} --public-key {export}")).0, Some(2));
    assert_eq!(offline("audit verify --file nowhere").0, Some(2));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 3, "nothing was made there");
}

// --- settings and the root key -------------------------------------------------------------------------------------

fn config_file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn settings_are_checked_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let example = Ended::of(grantor().args(["config", "example"]), "");
    assert_eq!(example.code, 0);
    let run = |text: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = grantor();
        command.arg("--config").arg(config_file(&folder, "grantor.toml", text)).args(arguments);
        Ended::of(command.envs(variables.iter().copied()), "")
    };
    let check = |text: &str, variables: &[(&str, &str)]| run(text, &["config", "check"], variables);
    let fine = check(&example.out, &[]);
    assert_eq!((fine.code, fine.err.as_str()), (0, ""));
    assert!(
        fine.out.contains("valid: http://127.0.0.1:8080 on 127.0.0.1:8080, database sqlite:data/grantor.db"),
        "{fine:?}"
    );
    let over = check(&example.out, &[("GRANTOR_SERVER__BIND", "127.0.0.1:9999")]);
    assert!(over.out.contains("on 127.0.0.1:9999"), "{over:?}");
    for (text, variables, word) in [
        ("[server]\nissuerr = 'x'", &[][..], "issuerr"),
        ("[surver]\nissuer = 'x'", &[], "surver"),
        ("surprise = 1", &[], "surprise"),
        ("", &[("GRANTOR_SERVER__ISSUERR", "x")], "issuerr"),
        ("", &[("GRANTOR_SURPRISE", "x")], "surprise"),
        ("", &[("GRANTOR_SERVER__WORKERS", "many")], "many"),
        ("[server]\nbind = '0.0.0.0:80'", &[], "plain HTTP"),
        ("[server]\nissuer = 'http://login.example'", &[], "https"),
        ("[database]\nurl = 'mysql://x'", &[], "mysql"),
        ("[passwords]\nmemory_kib = 1024", &[], "OWASP"),
        ("not toml", &[], "grantor.toml"),
    ] {
        let refused = check(text, variables);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{text} {variables:?}: {refused:?}");
        assert!(refused.err.starts_with("error: ") && refused.err.contains(word), "{word}: {refused:?}");
        assert_eq!(run(text, &["serve"], variables).code, 2, "{text} {variables:?}");
        assert_eq!(run(text, &["client", "list"], variables).code, 2, "{text} {variables:?}");
    }
    let absent = Ended::of(grantor().args(["--config", "/nowhere/grantor.toml", "config", "check"]), "");
    absent.assert_refused(2, "/nowhere/grantor.toml", "grantor config example");
    let secret = check("[metrics]\ntoken = 'a secret metrics token'\n[root_key]\nvalue = 'secret'", &[]);
    assert!(!format!("{secret:?}").contains("secret metrics"), "{secret:?}");
}

#[test]
fn the_root_key_belongs_to_its_database() {
    let folder = tempfile::tempdir().unwrap();
    let text = |key: &str| {
        let at = |name: &str| folder.path().join(name).display().to_string();
        format!("[database]\nurl = 'sqlite:{}'\n[root_key]\nfile = '{}'\n", at("db/test.db"), at(key))
    };
    let run = |key: &str| {
        let file = config_file(&folder, "grantor.toml", &text(key));
        Ended::of(grantor().arg("--config").arg(file).args(["client", "list", "--json"]), "")
    };
    let key = folder.path().join("keys/root.key");
    let first = run("keys/root.key");
    assert_eq!(first.json()["items"][0]["client_id"], "grantor-console");
    assert!(first.err.contains("making the first signing key"), "long work is said: {first:?}");
    let mut kept = String::new();
    fs::File::open(&key).unwrap().read_to_string(&mut kept).unwrap();
    assert_eq!((kept.trim_end().len(), mode(&key)), (43, 0o600));
    assert_eq!(mode(&folder.path().join("db")), 0o700);
    let again = run("keys/root.key");
    assert_eq!((again.code, again.err.as_str()), (0, ""), "nothing is made twice");
    // World-readable.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    run("keys/root.key").assert_refused(2, "others can read this key: chmod 600", "keep and restore both together");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    // Missing: a new one would open nothing of this database, so none is made.
    run("keys/other.key").assert_refused(2, "is missing: restore it", "keep and restore both together");
    assert!(!folder.path().join("keys/other.key").exists());
    // Another one, and one that is none.
    for (name, content, word) in [
        ("wrong.key", ROOT_KEY, "not the one that this database was made with"),
        ("short.key", "AQID", "43 characters"),
        ("empty.key", "", "43 characters"),
    ] {
        let file = config_file(&folder, name, content);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        run(name).assert_refused(2, word, "keep and restore both together");
    }
    fs::write(&key, &kept).unwrap();
    assert_eq!(run("keys/root.key").code, 0, "nothing of this changed the database");
}

#[test]
fn a_database_that_is_not_there_is_said() {
    let mut command = grantor();
    command
        .env("GRANTOR_DATABASE__URL", "postgres://nobody:secret@127.0.0.1:1/nothing")
        .env("GRANTOR_ROOT_KEY__VALUE", ROOT_KEY);
    let ended = Ended::of(command.args(["client", "list"]), "");
    ended.assert_refused(1, "the database is not available", "check database.url");
    assert!(!ended.err.contains("secret"), "{ended:?}");
    let version = Ended::of(grantor().arg("--version"), "");
    assert_eq!((version.code, version.out.as_str()), (0, concat!("grantor ", env!("CARGO_PKG_VERSION"), "\n")));
}
