//! What happens when something breaks: the database, the process, the network's edge; and two instances on one database.
//! Longer than most files: the proxy, the load and the TLS client that break things are here with their tests.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use grantor::clock::Clock;
use grantor::config::Config;
use reqwest::blocking::Client as HttpClient;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use serde_json::json;

use crate::process::{Ended, Running, free_port, grantor_on, wait_for};
use crate::support::*;

on_both!(
    kill_9_loses_nothing_that_was_answered,
    sigterm_finishes_what_is_under_way,
    a_code_is_single_use_across_instances,
    a_refresh_token_is_single_use_across_instances,
    a_reuse_at_one_instance_is_seen_by_the_other,
    what_one_instance_refuses_the_other_refuses_at_once,
);

// --- a database that is down ---------------------------------------------------------------------------------------

/// A TCP proxy that can be cut: what is connected breaks, and nothing more connects.
struct Proxy {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (cut, sockets) = (Arc::clone(&is_cut), Arc::clone(&open));
        // It ends with the process: nothing waits for it.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut sockets = sockets.lock().unwrap();
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(target) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                sockets.extend([client, server]);
            }
        });
        Self { address, is_cut, open }
    }

    fn cut(&self) {
        let mut open = self.open.lock().unwrap();
        self.is_cut.store(true, Ordering::SeqCst);
        for socket in open.drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn restore(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

/// Asserts the three ways in which a failure of the database is told.
fn assert_unavailable(test: &TestServer, client: &TestClient, admin: &str) {
    let answer = test.token(client, &[("grant_type", "client_credentials")]);
    answer.assert_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "2");
    assert!(!answer.body.contains("libpq") && !answer.body.contains("127.0.0.1"), "{}", answer.body);
    let problem = Answer::of(http_client().get(test.url("/v1/clients")).bearer_auth(admin));
    assert_eq!((problem.status.as_u16(), problem.header("retry-after")), (503, "2".to_owned()), "{}", problem.body);
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.json()["code"], "temporarily_unavailable");
    let page = Browser::new(test).get(&format!("/oauth/authorize?{}", authorize_query(client, &[])));
    assert_eq!(page.status, 503);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let ready = Answer::of(http_client().get(test.url("/health/ready")));
    assert_eq!((ready.status.as_u16(), ready.header("retry-after")), (503, "2".to_owned()));
    // The process lives, and what needs no database is there.
    assert_eq!(Answer::of(http_client().get(test.url("/health/live"))).status, 200);
    assert_eq!(Answer::of(http_client().get(test.url("/.well-known/jwks.json"))).status, 200);
}

#[test]
fn a_postgres_that_goes_away_and_comes_back() {
    if !postgres_is_there() {
        return;
    }
    let direct = TestServer::seeded(Engine::Postgres);
    let mut url = url::Url::parse(&direct.url).unwrap();
    let target = url.socket_addrs(|| Some(5432)).unwrap()[0];
    let proxy = Proxy::to(target);
    url.set_ip_host(proxy.address.ip()).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let database = Arc::new(TestDatabase { url: url.into(), folder: direct.folder });
    let quick = |config: &mut Config| config.database.connect_timeout = Duration::from_millis(300);
    let test = TestServer::start_on(database, Clock::fixed(start_time()), quick);
    test.user("ada", &[]);
    let client = test.confidential();
    let refresh = text(&test.code_tokens(&client, "ada")["refresh_token"]);
    let admin = test.admin_token("admin");
    for _ in 0..2 {
        proxy.cut();
        assert_unavailable(&test, &client, &admin);
        let renewed = test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
        renewed.assert_error(503, "temporarily_unavailable");
        proxy.restore();
        // Without a restart.
        wait_for("recovery", 20, || {
            Answer::of(http_client().get(test.url("/health/ready"))).status.is_success().then_some(())
        });
        assert_eq!(test.token(&client, &[("grant_type", "client_credentials")]).status, 200);
    }
    let renewed = test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    assert_eq!(renewed.status, 200, "what was refused for lack of a database was not used up: {}", renewed.body);
}

#[test]
fn an_sqlite_file_that_is_locked_and_freed() {
    let test = TestServer::start(Engine::Sqlite);
    test.user("ada", &[]);
    let client = test.confidential();
    let refresh = text(&test.code_tokens(&client, "ada")["refresh_token"]);
    let renew = || test.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    let path = test.database.url.strip_prefix("sqlite:").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    // Each write waits as long as the busy timeout says: both at once.
    let (renewed, ready) = thread::scope(|scope| {
        let renewed = scope.spawn(renew);
        let ready = scope.spawn(|| Answer::of(http_client().get(test.url("/health/ready"))));
        // What only reads goes on meanwhile.
        assert_eq!(test.token(&client, &[("grant_type", "client_credentials")]).status, 200);
        (renewed.join().unwrap(), ready.join().unwrap())
    });
    renewed.assert_error(503, "temporarily_unavailable");
    assert_eq!(renewed.header("retry-after"), "2");
    assert_eq!((ready.status.as_u16(), ready.header("retry-after")), (503, "2".to_owned()));
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(Answer::of(http_client().get(test.url("/health/ready"))).status, 200);
    assert_eq!(renew().status, 200);
}

// --- a process that dies -------------------------------------------------------------------------------------------

/// What one caller was told before the server died.
#[derive(Debug, Default)]
struct Told {
    refresh_token: String,
    answers: usize,
    /// Codes that were answered with tokens, each with its refresh token.
    exchanged: Vec<(String, String)>,
}

fn post(http: &HttpClient, url: &str, client: &TestClient, form: &[(&str, &str)]) -> Option<Answer> {
    let request = http.post(url).basic_auth(&client.id, client.secret.as_ref()).form(form);
    let response = request.send().ok()?;
    let (status, headers) = (response.status(), response.headers().clone());
    // An answer that was cut off was not given.
    Some(Answer { status, headers, body: response.text().ok()? })
}

/// Renews its token and exchanges its codes, over and over, until the server is gone.
fn load(url: &str, client: &TestClient, mut told: Told, codes: &[String]) -> Told {
    let http = http_client();
    let mut codes = codes.iter();
    loop {
        let form = [("grant_type", "refresh_token"), ("refresh_token", &*told.refresh_token)];
        let Some(answer) = post(&http, url, client, &form) else { return told };
        assert_eq!(answer.status, 200, "{}", answer.body);
        told.refresh_token = text(&answer.json()["refresh_token"]);
        told.answers += 1;
        let Some(code) = codes.next() else { continue };
        let Some(answer) = post(&http, url, client, &code_parameters(code)) else { return told };
        assert_eq!(answer.status, 200, "{}", answer.body);
        told.exchanged.push((code.clone(), text(&answer.json()["refresh_token"])));
        told.answers += 1;
    }
}

fn kill_9_loses_nothing_that_was_answered(engine: Engine) {
    let test = TestServer::start_now(engine);
    test.user("ada", &[]);
    let client = test.confidential();
    let browser = Browser::new(&test);
    let prepared: Vec<(String, Vec<String>)> = (0..8)
        .map(|_| {
            let tokens = test.token(&client, &code_parameters(&browser.code(&client, "ada"))).json();
            (text(&tokens["refresh_token"]), (0..5).map(|_| browser.code(&client, "ada")).collect())
        })
        .collect();
    let mut running = Running::serve(&test.database, &[]);
    let url = running.url("/oauth/token");
    let started = Clock::System.instant();
    let told: Vec<Told> = thread::scope(|scope| {
        let callers: Vec<_> = prepared
            .iter()
            .map(|(refresh_token, codes)| {
                let told = Told { refresh_token: refresh_token.clone(), ..Told::default() };
                let (url, client) = (&url, &client);
                scope.spawn(move || load(url, client, told, codes))
            })
            .collect();
        wait_for("two seconds of load", 10, || {
            (Clock::System.instant() - started > Duration::from_secs(2)).then_some(())
        });
        running.child.kill().unwrap();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(running.child.wait().unwrap().code(), None, "it was killed");
    assert!(told.iter().map(|told| told.answers).sum::<usize>() > 40, "{told:?}");
    let running = Running::serve(&test.database, &[]);
    let url = running.url("/oauth/token");
    let http = http_client();
    for told in told {
        let renew =
            |token: &str| post(&http, &url, &client, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
        // Renewed once more by a request whose answer was lost, at most: then it is given again.
        assert_eq!(renew(&told.refresh_token).unwrap().status, 200);
        for (code, refresh_token) in told.exchanged {
            assert_eq!(renew(&refresh_token).unwrap().status, 200);
            let replay = post(&http, &url, &client, &code_parameters(&code)).unwrap();
            replay.assert_error(400, "invalid_grant");
        }
    }
}

fn sigterm_finishes_what_is_under_way(engine: Engine) {
    let test = TestServer::start_now(engine);
    let client = test.confidential();
    let mut running = Running::serve(&test.database, &[("SERVER__SHUTDOWN_TIMEOUT", "20s")]);
    let body =
        format!("grant_type=client_credentials&client_id={}&client_secret={}", client.id, client.secret.unwrap());
    let mut socket = TcpStream::connect(("127.0.0.1", running.port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    socket.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "now the request is under way");
    let (half, rest) = body.split_at(body.len() / 2);
    socket.write_all(half.as_bytes()).unwrap();
    running.signal("TERM");
    // It takes nothing new.
    wait_for("a closed listener", 10, || TcpStream::connect(("127.0.0.1", running.port)).err().map(drop));
    assert_eq!(running.ended(), None, "it waits for the request");
    socket.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"access_token\":"), "{answer}");
    assert_eq!(wait_for("the end", 20, || running.ended()), 0);
    assert!(running.said().contains("stopped"), "{}", running.said());
}

#[test]
fn after_a_clean_stop_the_file_alone_is_the_database() {
    let test = TestServer::start_now(Engine::Sqlite);
    test.user("ada", &[]);
    let (client, database) = (test.confidential(), Arc::clone(&test.database));
    drop(test);
    let mut running = Running::serve(&database, &[]);
    let form = [("grant_type", "password"), ("username", "ada"), ("password", PASSWORD)];
    let tokens = post(&http_client(), &running.url("/oauth/token"), &client, &form).unwrap().json();
    running.signal("TERM");
    assert_eq!(wait_for("the end", 20, || running.ended()), 0);
    let copy = TestDatabase::empty(Engine::Sqlite);
    let path = |database: &TestDatabase| database.url.strip_prefix("sqlite:").unwrap().to_owned();
    std::fs::copy(path(&database), path(&copy)).unwrap();
    let copied = TestServer::start_on(Arc::new(copy), Clock::System, |_| ());
    let renew = [("grant_type", "refresh_token"), ("refresh_token", &*text(&tokens["refresh_token"]))];
    assert_eq!(copied.token(&client, &renew).status, 200);
    // Writing has ended, also for whoever is still there.
    copied.server.close();
    assert!(copied.server.store.write(|_| Ok(())).is_err());
}

#[test]
fn a_malformed_request_is_no_error_of_ours() {
    let test = TestServer::start_now(Engine::Sqlite);
    let running = Running::serve(&test.database, &[("LOG__FILTER", &Config::default().log.filter)]);
    for malformed in ["GET / HTTP/1.1\r\nHost: x\r\nna me: x\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{0}\r\n\r\n"] {
        let mut socket = TcpStream::connect(("127.0.0.1", running.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(malformed.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = socket.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert!(!running.said().contains("ERROR"), "{}", running.said());
}

#[test]
fn sigint_ends_an_idle_server_at_once() {
    let test = TestServer::start_now(Engine::Sqlite);
    let mut running = Running::serve(&test.database, &[]);
    running.signal("INT");
    assert_eq!(wait_for("the end", 10, || running.ended()), 0);
}

#[test]
fn a_port_that_is_taken_is_said() {
    let test = TestServer::start_now(Engine::Sqlite);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = grantor_on(&test.database);
    command.arg("serve").env("GRANTOR_SERVER__BIND", taken.local_addr().unwrap().to_string());
    let ended = Ended::of(command.env("GRANTOR_LOG__FILTER", "off"), "");
    ended.assert_refused(1, "in use", "another server");
}

// --- the edge ------------------------------------------------------------------------------------------------------

fn with_proxies(engine: Engine, issuer: &'static str, networks: &[&str]) -> TestServer {
    let networks: Vec<_> = networks.iter().map(|network| network.parse().unwrap()).collect();
    TestServer::start_with(engine, move |config| {
        issuer.clone_into(&mut config.server.issuer);
        config.server.trusted_proxies = networks;
    })
}

#[test]
fn plain_http_through_a_proxy_is_refused() {
    let test = with_proxies(Engine::Sqlite, "https://login.example", &["127.0.0.0/8"]);
    let ask = |path: &str, protocol: Option<&str>| {
        let request = http_client().get(format!("http://{}{path}", test.server.config.server.bind));
        Answer::of(match protocol {
            Some(protocol) => request.header("x-forwarded-proto", protocol),
            None => request,
        })
    };
    let refused = ask("/.well-known/jwks.json", Some("http"));
    assert_eq!((refused.status.as_u16(), refused.header("content-type")), (403, "application/problem+json".to_owned()));
    assert_eq!(refused.json()["code"], "plain_http");
    assert_eq!(ask("/oauth/authorize?client_id=x", Some("HTTP")).status, 403);
    let served = ask("/.well-known/jwks.json", Some("https"));
    assert_eq!(served.status, 200);
    assert_eq!(served.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(ask("/.well-known/jwks.json", Some("https, http")).status, 403);
    let silent = ask("/.well-known/jwks.json", None);
    assert_eq!((silent.status.as_u16(), &silent.json()["code"]), (403, &json!("plain_http")), "it must say so");
    assert_eq!(ask("/health/ready", None).status, 200);
    assert_eq!(ask("/health/live", Some("http")).status, 200, "a proxy asks for health by itself");
}

/// An address of this machine that is not the loopback, where there is one. No packet is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("203.0.113.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn plain_http_from_a_stranger_is_refused() {
    let Some(own) = own_address() else {
        let text =
            "\nSKIPPED: plain_http_from_a_stranger_is_refused, for this machine has no address but the loopback\n";
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    };
    let test = TestServer::start_now(Engine::Sqlite);
    let settings = [
        ("SERVER__BIND", "0.0.0.0:{port}"),
        ("SERVER__ISSUER", "https://login.example"),
        ("SERVER__TRUSTED_PROXIES", "198.51.100.0/24"),
    ];
    let running = Running::serve(&test.database, &settings);
    let ask = |host: IpAddr, forged: bool| {
        let request =
            http_client().get(format!("http://{}/.well-known/jwks.json", SocketAddr::new(host, running.port)));
        let request = if forged { request.header("x-forwarded-proto", "https") } else { request };
        Answer::of(request).status.as_u16()
    };
    assert_eq!(ask(own, false), 403);
    assert_eq!(ask(own, true), 403, "a stranger's word on the protocol does not count");
    assert_eq!(ask("127.0.0.1".parse().unwrap(), false), 200, "nothing leaves the machine");
    drop(running);
    // And without proxies or TLS it does not even start.
    let mut command = grantor_on(&test.database);
    command
        .arg("serve")
        .env("GRANTOR_SERVER__BIND", "0.0.0.0:1")
        .env("GRANTOR_SERVER__ISSUER", "https://login.example");
    Ended::of(&mut command, "").assert_refused(2, "plain HTTP", "config example");
}

#[test]
fn forwarded_addresses_count_only_from_trusted_proxies() {
    let fail = |test: &TestServer, forwarded: &[&str]| {
        let client = test.client(confidential_members(&format!("c{}", forwarded.concat().len())));
        let mut request = http_client()
            .post(format!("http://{}/oauth/token", test.server.config.server.bind))
            .header("x-forwarded-proto", "https");
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let form = [("grant_type", "password"), ("username", "nobody"), ("password", "wrong password")];
        Answer::of(request.basic_auth(&client.id, client.secret.as_ref()).form(&form))
            .assert_error(400, "invalid_grant");
        test.events("login.failed")[0].address.clone().unwrap_or_else(|| "unknown".to_owned())
    };
    let open = TestServer::start(Engine::Sqlite);
    assert_eq!(fail(&open, &["198.51.100.7"]), "127.0.0.1", "nobody is trusted");
    let test = with_proxies(Engine::Sqlite, "https://login.example", &["127.0.0.1/32", "10.0.0.0/8"]);
    assert_eq!(fail(&test, &[]), "127.0.0.1");
    assert_eq!(fail(&test, &["198.51.100.7"]), "198.51.100.7");
    assert_eq!(fail(&test, &["1.1.1.1, 198.51.100.8"]), "198.51.100.8", "what a client wrote itself is left of it");
    assert_eq!(fail(&test, &["1.1.1.1", "198.51.100.9, 10.1.2.3"]), "198.51.100.9");
    assert_eq!(fail(&test, &["2001:db8::1"]), "2001:db8::1");
    assert_eq!(fail(&test, &["not an address"]), "unknown");
    assert_eq!(fail(&test, &["1.1.1.1, unknown"]), "unknown");
    let other = with_proxies(Engine::Sqlite, "https://login.example", &["10.0.0.0/8"]);
    assert_eq!(fail(&other, &["198.51.100.7"]), "127.0.0.1");
}

// --- TLS -----------------------------------------------------------------------------------------------------------

/// Puts a fresh self-signed certificate and its key into these files.
fn make_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// GET over TLS of exactly this version, trusting only this certificate.
fn get_over_tls(
    port: u16,
    path: &str,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).map_err(std::io::Error::other)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let connection = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(("127.0.0.1", port))?);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    assert_eq!(stream.conn.protocol_version(), Some(version.version));
    Ok(answer)
}

#[test]
fn tls_is_served_and_its_certificate_read_again() {
    use rustls::version::{TLS12, TLS13};
    let test = TestServer::start_now(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let first = make_certificate(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let settings = [
        ("SERVER__ISSUER", "https://localhost:{port}"),
        ("SERVER__TLS_CERTIFICATE_FILE", &*file("tls.crt")),
        ("SERVER__TLS_PRIVATE_KEY_FILE", &*file("tls.key")),
    ];
    let mut running = Running::serve(&test.database, &settings);
    let path = "/.well-known/oauth-authorization-server";
    let get = |trusted: &CertificateDer<'static>, version| get_over_tls(running.port, path, trusted, version);
    for version in [&TLS12, &TLS13] {
        let answer = get(&first, version).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains(&format!("\"issuer\":\"https://localhost:{}\"", running.port)), "{answer}");
        assert!(answer.to_lowercase().contains("strict-transport-security: max-age=31536000"), "{answer}");
    }
    // Plain HTTP gets no HTTP answer there.
    assert!(http_client().get(running.url(path)).send().is_err());
    // A file that cannot be used changes nothing.
    std::fs::write(folder.path().join("tls.crt"), "garbage").unwrap();
    running.signal("HUP");
    wait_for("a complaint", 10, || running.said().contains("the certificate in use stays").then_some(()));
    assert!(get(&first, &TLS13).is_ok());
    let second = make_certificate(folder.path());
    running.signal("HUP");
    wait_for("the new certificate", 10, || get(&second, &TLS13).ok());
    assert!(get(&second, &TLS12).is_ok());
    assert!(get(&first, &TLS13).is_err(), "the old one is no longer shown");
    assert_eq!(running.ended(), None);
}

#[test]
fn tls_files_that_cannot_be_used_are_said() {
    let test = TestServer::start_now(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("other.key"), other.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    for (certificate, key, word) in [
        ("absent", "tls.key", "absent"),
        ("tls.crt", "absent", "absent"),
        ("empty", "tls.key", "no certificate"),
        ("tls.key", "tls.key", "no certificate"),
        ("tls.crt", "empty", "empty"),
        ("tls.crt", "other.key", "other.key"),
    ] {
        for arguments in [&["serve"][..], &["config", "check"]] {
            let mut command = grantor_on(&test.database);
            command.args(arguments).env("GRANTOR_SERVER__BIND", format!("127.0.0.1:{}", free_port()));
            command.env("GRANTOR_SERVER__TLS_CERTIFICATE_FILE", file(certificate)).env("GRANTOR_LOG__FILTER", "off");
            let ended = Ended::of(command.env("GRANTOR_SERVER__TLS_PRIVATE_KEY_FILE", file(key)), "");
            ended.assert_refused(2, word, "");
        }
    }
}

// --- two instances -------------------------------------------------------------------------------------------------

/// Runs this work on eight threads at once, by turns on two instances.
fn on_two<T: Send>(test: &TestServer, work: impl Fn(&TestServer) -> T + Sync) -> Vec<T> {
    let sibling = test.sibling();
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (barrier, work) = (&barrier, &work);
                let instance = if number % 2 == 0 { test } else { &sibling };
                scope.spawn(move || {
                    barrier.wait();
                    work(instance)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn a_code_is_single_use_across_instances(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let code = Browser::new(&test).code(&client, "ada");
    let answers = on_two(&test, |instance| instance.token(&client, &code_parameters(&code)));
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    // The seven were replays: what the one got is revoked.
    let won = answers.iter().find(|answer| answer.status == 200).unwrap();
    let refresh = text(&won.json()["refresh_token"]);
    let renewed = test.sibling().token(&client, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    renewed.assert_error(400, "invalid_grant");
}

fn a_refresh_token_is_single_use_across_instances(engine: Engine) {
    let test = TestServer::start(engine);
    test.user("ada", &[]);
    let client = test.public();
    let token = text(&test.code_tokens(&client, "ada")["refresh_token"]);
    let renew = |instance: &TestServer, token: &str| {
        instance.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let answers = on_two(&test, |instance| renew(instance, &token));
    let successors: Vec<String> = answers.iter().map(|answer| text(&answer.json()["refresh_token"])).collect();
    assert!(successors.iter().all(|successor| *successor == successors[0]), "{successors:?}");
    assert_eq!(renew(&test.sibling(), &successors[0]).status, 200);
}

fn a_reuse_at_one_instance_is_seen_by_the_other(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    test.user("ada", &[]);
    let client = test.public();
    let old = text(&test.code_tokens(&client, "ada")["refresh_token"]);
    let renew = |instance: &TestServer, token: &str| {
        instance.token(&client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let new = text(&renew(&sibling, &old).json()["refresh_token"]);
    test.advance(31);
    renew(&test, &old).assert_error(400, "invalid_grant");
    renew(&sibling, &new).assert_error(400, "invalid_grant");
    assert_eq!(sibling.events("refresh_token.reused").len(), 1);
}

fn what_one_instance_refuses_the_other_refuses_at_once(engine: Engine) {
    let test = TestServer::start(engine);
    let sibling = test.sibling();
    test.user("ada", &[]);
    let (client, witness) = (test.confidential(), test.client(confidential_members("witness")));
    let admin = test.admin_token("admin");
    let act = |path: &str| {
        let answer = Answer::of(http_client().post(test.url(path)).bearer_auth(&admin).json(&json!({})));
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    let browser = Browser::new(&test);
    let get = || {
        let tokens = test.token(&client, &code_parameters(&browser.code(&client, "ada"))).json();
        (text(&tokens["access_token"]), text(&tokens["refresh_token"]))
    };
    // An access token alone.
    let (access, refresh) = get();
    assert!(sibling.is_active(&client, &access));
    assert_eq!(test.post_as(&client, "/oauth/revoke", &[("token", &access)]).status, 200);
    assert!(!sibling.is_active(&client, &access));
    assert!(sibling.is_active(&client, &refresh));
    // A refresh token with all that came from its grant.
    let (access, refresh) = get();
    assert_eq!(test.post_as(&client, "/oauth/revoke", &[("token", &refresh)]).status, 200);
    assert!(!sibling.is_active(&client, &access) && !sibling.is_active(&client, &refresh));
    // A user.
    let (access, refresh) = get();
    act("/v1/users/ada/disable");
    assert!(!sibling.is_active(&client, &access) && !sibling.is_active(&client, &refresh));
    let renew = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    sibling.token(&client, &renew).assert_error(400, "invalid_grant");
    act("/v1/users/ada/enable");
    // A client, and its secret.
    let ask = || sibling.token(&client, &[("grant_type", "client_credentials")]);
    let issued = text(&ask().json()["access_token"]);
    act("/v1/clients/web/disable");
    ask().assert_error(401, "invalid_client");
    assert!(!sibling.is_active(&witness, &issued));
    act("/v1/clients/web/enable");
    assert_eq!(ask().status, 200);
    act("/v1/clients/web/rotate-secret");
    ask().assert_error(401, "invalid_client");
}
