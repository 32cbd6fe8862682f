//! Real proxies with the very files of examples/proxies: what reaches the API behind them, and what the client is told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, Once};

use grantor::flows::access_keys::NewAccessKey;
use serde_json::json;

use crate::doors_support::*;
use crate::process::{Running, free_port, wait_for};
use crate::support::*;

on_both!(nginx_lets_through_and_refuses, caddy_lets_through_and_refuses);

/// The API behind a proxy: answers every request with 200, and keeps the heads of all of them.
struct DemoApi {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl DemoApi {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&seen);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if let Some(head) = read_head(&connection) {
                    heads.lock().unwrap().push(head);
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\norders";
                    let _ = (&connection).write_all(answer.as_bytes());
                }
            }
        });
        Self { port, seen }
    }

    /// The heads of the requests since the last look, in lower case.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn read_head(connection: &TcpStream) -> Option<String> {
    let mut head = String::new();
    let mut reader = BufReader::new(connection);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head.to_ascii_lowercase())
}

/// Is the program installed? Says aloud, past the capture of the test runner, when it is not.
fn is_there(program: &str, said: &'static Once) -> bool {
    let there = Command::new("sh").args(["-c", &format!("PATH=$PATH:/usr/sbin:/sbin command -v {program}")]).output();
    let there = there.is_ok_and(|output| output.status.success());
    if !there {
        said.call_once(|| {
            let text =
                format!("\nSKIPPED: the tests with {program}, which is not installed; scripts/test installs it\n");
            let _ = std::io::stderr().write_all(text.as_bytes());
        });
    }
    there
}

/// A proxy with the example of this name, its ports replaced, between its clients, the API and the server.
struct Proxy {
    world: World,
    api: DemoApi,
    running: Running,
}

fn start(engine: Engine, example: &str, port_in_file: u16, command: impl Fn(&Path) -> Command) -> Proxy {
    let world = World::start(engine);
    let api = DemoApi::start();
    let text = std::fs::read_to_string(format!("{}/examples/proxies/{example}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let folder = world.test.database.folder.path().join("proxy");
    std::fs::create_dir(&folder).unwrap();
    for _ in 0..5 {
        let port = free_port();
        let replaced = text
            .replace("127.0.0.1:8080", &world.test.server.config.server.bind.to_string())
            .replace("127.0.0.1:8090", &format!("127.0.0.1:{}", api.port))
            .replace(&format!("127.0.0.1:{port_in_file}"), &format!("127.0.0.1:{port}"));
        std::fs::write(folder.join(example), replaced).unwrap();
        let mut running = Running::spawn(&mut command(&folder), port, &folder);
        let serves = wait_for("the proxy", 30, || {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() { Some(true) } else { running.ended().map(|_| false) }
        });
        if serves {
            return Proxy { world, api, running };
        }
        let said = running.said();
        assert!(said.contains("in use"), "{said}");
    }
    panic!("no free port");
}

fn nginx_lets_through_and_refuses(engine: Engine) {
    static SAID: Once = Once::new();
    if !is_there("nginx", &SAID) {
        return;
    }
    let proxy = start(engine, "nginx.conf", 8088, |folder| {
        let mut command = Command::new("nginx");
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        // One process, which ends when it is killed: no master that would leave its workers behind.
        command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-g", "master_process off;"]);
        command
    });
    check(&proxy);
}

fn caddy_lets_through_and_refuses(engine: Engine) {
    static SAID: Once = Once::new();
    if !is_there("caddy", &SAID) {
        return;
    }
    let proxy = start(engine, "Caddyfile", 8089, |folder| {
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
        command.env("HOME", folder).env("XDG_CONFIG_HOME", folder).env("XDG_DATA_HOME", folder);
        command
    });
    check(&proxy);
}

impl Proxy {
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = http_client().get(format!("http://127.0.0.1:{}{path}", self.running.port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request)
    }
}

/// What every proxy must do.
fn check(proxy: &Proxy) {
    let world = &proxy.world;
    let reader =
        world.key(NewAccessKey { projects: vec!["alpha".to_owned()], ..key_members("reader", &["orders:read"]) });
    let slow = world.key(NewAccessKey { requests_per_minute: Some(1), ..key_members("slow", &["orders:read"]) });
    let local = |network: &str| NewAccessKey {
        allowed_addresses: Some(vec![network.parse().unwrap()]),
        ..key_members("local", &["orders:read"])
    };
    let (here, office) = (world.key(local("127.0.0.0/8")), world.key(local("203.0.113.0/24")));

    // 200: the API is told who asks, whatever the client says, and does not get the credential.
    let smuggled = [
        ("x-api-key", reader.secret.as_str()),
        ("x-auth-subject", "root"),
        ("x-auth-roles", "admin"),
        ("x-auth-plan", "unlimited"),
        ("x-auth-scopes", "everything"),
        ("x-auth-status", "200"),
    ];
    let answer = proxy.get("/orders/7?page=2", &smuggled);
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "orders"), "{}", proxy.running.said());
    let seen = proxy.api.take();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let head = &seen[0];
    assert!(head.starts_with("get /orders/7?page=2 http/1.1\r\n"), "{head}");
    for line in
        [format!("x-auth-subject: {}", reader.id), "x-auth-scopes: orders:read".into(), "x-auth-projects: alpha".into()]
    {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
    }
    for word in ["root", "admin", "unlimited", "everything", "x-auth-status: 200", &reader.secret.to_ascii_lowercase()]
    {
        assert!(!head.contains(word), "{word}: {head}");
    }
    // By Authorization, and with a client's identifier and secret.
    assert_eq!(proxy.get("/orders", &[("authorization", &format!("Bearer {}", reader.secret))]).status, 200);
    let worker = world.test.client(worker_members("worker"));
    let pair = [("x-client-id", worker.id.as_str()), ("x-client-secret", worker.secret.as_deref().unwrap())];
    assert_eq!(proxy.get("/orders", &pair).status, 200);
    let heads = proxy.api.take();
    assert!(
        heads.iter().all(|head| !head.contains("authorization:") && !head.contains("x-client-secret")),
        "{heads:?}"
    );
    assert!(heads[1].contains("x-auth-client-id: worker\r\n"), "{heads:?}");

    // 401.
    let none = proxy.get("/orders", &[]);
    assert_eq!((none.status.as_u16(), none.json()["error"]["code"].clone()), (401, json!("missing_credential")));
    assert_eq!(none.headers.get_all("www-authenticate").iter().count(), 1, "{:?}", none.headers);
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"grantor\"");
    let wrong = proxy.get("/orders", &[("authorization", "Bearer gk_live_nonsense")]);
    assert_eq!((wrong.status.as_u16(), wrong.json()["error"]["code"].clone()), (401, json!("unknown")));
    assert_eq!(wrong.header("www-authenticate"), "Bearer realm=\"grantor\", error=\"invalid_token\"");
    assert_eq!(wrong.header("content-type"), "application/json");

    // 400: two credentials.
    let two = proxy.get("/orders", &[("authorization", "Bearer x"), ("x-api-key", &reader.secret)]);
    assert_eq!((two.status.as_u16(), two.json()["error"]["code"].clone()), (400, json!("more_than_one_credential")));

    // 403: a scope that this part needs.
    let lacking = proxy.get("/admin/orders", &[("x-api-key", &reader.secret)]);
    let code = json!("insufficient_scope");
    assert_eq!((lacking.status.as_u16(), lacking.json()["error"]["code"].clone()), (403, code));
    assert_eq!(lacking.json()["error"]["required_scopes"], json!(["orders:write"]));
    let challenge = "Bearer realm=\"grantor\", error=\"insufficient_scope\", scope=\"orders:write\"";
    assert_eq!(lacking.header("www-authenticate"), challenge);

    // The address is the peer's, whatever it says.
    assert_eq!(proxy.get("/orders", &[("x-api-key", &here.secret)]).status, 200);
    assert_eq!(proxy.api.take().len(), 1);
    let forged = [("x-api-key", office.secret.as_str()), ("x-forwarded-for", "203.0.113.9")];
    let forged = proxy.get("/orders", &forged);
    assert_eq!((forged.status.as_u16(), forged.json()["error"]["code"].clone()), (403, json!("address_not_allowed")));

    // What grantor says is neither taken away nor written beside it.
    let key = ("x-api-key", reader.secret.as_str());
    for named in ["X-Auth-Projects", "close, x-auth-projects, x-auth-scopes", "X-Auth-Subject"] {
        let status = proxy.get("/orders", &[key, ("connection", named)]).status.as_u16();
        let heads = proxy.api.take();
        assert!(status == 200 || (status == 400 && heads.is_empty()), "{named}: {status} {heads:?}");
        let whole = |head: &String| {
            head.contains("x-auth-projects: alpha\r\n") && head.contains("x-auth-scopes: orders:read\r\n")
        };
        assert!(heads.iter().all(whole), "{named}: {heads:?}");
    }
    let underscored =
        ["x_auth_projects", "x-auth_projects", "X_Auth-Projects", "X_AUTH_SUBJECT", "x-auth-credential_id"];
    for name in underscored {
        assert_eq!(proxy.get("/orders", &[key, (name, "smuggled")]).status, 200, "{name}");
        let heads = proxy.api.take();
        assert!(heads.len() == 1 && !heads[0].contains("smuggled"), "{name}: {heads:?}");
    }
    // The limit is told on success, too, and only where there is one.
    let told = world.key(NewAccessKey { requests_per_minute: Some(9), ..key_members("told", &["orders:read"]) });
    let answer = proxy.get("/orders", &[("x-api-key", &told.secret)]);
    assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("9".into(), "8".into()));
    assert!(!answer.header("ratelimit").is_empty() && !answer.header("ratelimit-policy").is_empty());
    assert!(!proxy.api.take()[0].contains("ratelimit"), "it is not for the API");
    let unlimited = proxy.get("/orders", &[key]);
    assert!(unlimited.headers.get("x-ratelimit-limit").is_none());
    proxy.api.take();
    // A credential for all projects says so.
    let all = world.key(key_members("all", &["orders:read"]));
    assert_eq!(proxy.get("/orders", &[("x-api-key", &all.secret)]).status, 200);
    assert!(proxy.api.take()[0].contains("x-auth-projects: *\r\n"));
    // The part needs its scope without the slash, too.
    for path in ["/admin", "/admin/", "/admin?x=1"] {
        assert_eq!(proxy.get(path, &[key]).status, 403, "{path}");
    }

    // 429, with everything that the platforms document.
    assert_eq!(proxy.get("/orders", &[("x-api-key", &slow.secret)]).status, 200);
    assert_eq!(proxy.api.take().len(), 1);
    let over = proxy.get("/orders", &[("x-api-key", &slow.secret)]);
    let message = "Rate limit of 1 requests/minute exceeded";
    let error = json!({ "code": "rate_limit_exceeded", "message": message, "retry_after": 60 });
    assert_eq!((over.status.as_u16(), over.json()), (429, json!({ "error": error })));
    let reset = (world.test.clock.now().timestamp() + 60).to_string();
    for (name, value) in [
        ("retry-after", "60"),
        ("content-type", "application/json"),
        ("x-ratelimit-limit", "1"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", &reset),
        ("ratelimit", "\"minute\";r=0;t=60"),
        ("ratelimit-policy", "\"minute\";q=1;w=60"),
    ] {
        assert_eq!(over.header(name), value, "{name}");
    }
    assert_eq!(proxy.api.take(), Vec::<String>::new(), "the API sees nothing of what is refused");
}
