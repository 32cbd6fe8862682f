//! A server for one test: its own database, its own port, a clock that the test moves, and a browser to drive it with.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use grantor::clock::Clock;
use grantor::config::{Config, HiddenText};
use grantor::crypto::derived_keys::{DerivedKeys, RootKey};
use grantor::crypto::key_pair::{self, SigningKeyPair};
use grantor::domain::audit_event::AuditEvent;
use grantor::domain::audit_filter::AuditFilter;
use grantor::domain::page::PageRequest;
use grantor::domain::profile::Profile;
use grantor::domain::signing_key::SigningKey;
use grantor::flows::Server;
use grantor::flows::audit;
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers, ClientWithSecret};
use grantor::flows::users::{self, NewPassword, NewUser};
use grantor::http;
use grantor::protocol::client_auth_method::ClientAuthMethod;
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::pkce::CodeVerifier;
use grantor::protocol::redirect_uri::RedirectUri;
use grantor::protocol::scope::Scope;
use grantor::protocol::signing_alg::SigningAlg;
use grantor::store::{DatabaseUrl, SealedSigningKey, Store, StoreSettings};
use reqwest::StatusCode;
use reqwest::blocking::{Client as HttpClient, RequestBuilder, Response};
use reqwest::cookie::{CookieStore as _, Jar};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

/// Instantiates each named test on both databases: `sqlite::name` and `postgres::name`.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name($crate::support::Engine::Sqlite); })*
        }
        mod postgres {
            $(#[test] fn $name() {
                if $crate::support::postgres_is_there() {
                    super::$name($crate::support::Engine::Postgres);
                }
            })*
        }
    };
}

/// The root key of every test server.
pub const ROOT_KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";
/// Where the clients of most tests are answered.
pub const REDIRECT_URI: &str = "https://app.example/callback";
/// A verifier for PKCE.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The password of every test user.
pub const PASSWORD: &str = "correct horse battery staple";

/// The time at which every test starts.
pub fn start_time() -> DateTime<Utc> {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file of its own.
    Sqlite,
    /// A schema of its own.
    Postgres,
}

fn postgres_url() -> Option<String> {
    std::env::vars().find(|(name, _)| name == "TEST_POSTGRES_URL").map(|(_, url)| url)
}

/// Is there a PostgreSQL server to test on? Says aloud, past the capture of the test runner, when there is none.
pub fn postgres_is_there() -> bool {
    static SAID: Once = Once::new();
    let there = postgres_url().is_some();
    if !there {
        SAID.call_once(|| {
            let text =
                "\nSKIPPED: every postgres:: test, for TEST_POSTGRES_URL is not set; scripts/test runs them all\n";
            let _ = std::io::stderr().write_all(text.as_bytes());
        });
    }
    there
}

/// The Redis server to test on. Says aloud, past the capture of the test runner, when there is none.
pub fn redis_url() -> Option<String> {
    static SAID: Once = Once::new();
    let url = std::env::vars().find(|(name, _)| name == "TEST_REDIS_URL").map(|(_, url)| url);
    if url.is_none() {
        SAID.call_once(|| {
            let text =
                "\nSKIPPED: every test of shared counters, for TEST_REDIS_URL is not set; scripts/test runs them all\n";
            let _ = std::io::stderr().write_all(text.as_bytes());
        });
    }
    url
}

/// A database of a test's own.
pub struct TestDatabase {
    /// Its URL.
    pub url: String,
    /// Its folder, on SQLite; also for whatever else the test needs.
    pub folder: TempDir,
}

impl TestDatabase {
    /// An empty database.
    pub fn empty(engine: Engine) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.path().join("test.db").display()),
            Engine::Postgres => {
                let schema = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
                let base = postgres_url().unwrap();
                make_schema(&base, &schema);
                format!("{base}?options=-csearch_path%3D{schema}")
            }
        };
        Self { url, folder }
    }

    /// The settings that open it.
    pub fn settings(&self) -> StoreSettings {
        let url = DatabaseUrl::parse(&self.url).unwrap();
        StoreSettings { url, pool_size: 8, connect_timeout: Duration::from_secs(5) }
    }

    /// Puts the signing keys of this test run into it, so that no test waits for a key to be made.
    fn seed_signing_keys(&self) {
        let store = Store::open(&self.settings(), &|_| ()).unwrap();
        let insert = |alg| store.write(move |connection| connection.insert_signing_key(&shared_signing_key(alg)));
        SigningAlg::ALL.into_iter().try_for_each(insert).unwrap();
    }
}

fn make_schema(base: &str, schema: &str) {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, PgConnection};
    let mut connection = PgConnection::establish(base).unwrap();
    connection.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
}

/// One private key of each algorithm for all test servers of this process, sealed under [`ROOT_KEY`].
fn shared_signing_key(alg: SigningAlg) -> SealedSigningKey {
    static PKCS8: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let made =
        PKCS8.get_or_init(|| SigningAlg::ALL.map(|alg| key_pair::generate(alg, 2048).unwrap().to_vec()).to_vec());
    let pkcs8 = &made[SigningAlg::ALL.iter().position(|known| *known == alg).unwrap()];
    let parsed = SigningKeyPair::from_pkcs8(alg, pkcs8).unwrap();
    let keys = DerivedKeys::derive(&RootKey::parse(ROOT_KEY).unwrap()).unwrap();
    let kid = parsed.public_jwk.kid.clone();
    let private_sealed = keys.sealing.seal(&kid, pkcs8).unwrap();
    // Long before every test, so that it signs whatever the clock says.
    let long_ago = start_time() - Duration::from_secs(3600);
    let key = SigningKey {
        kid,
        alg,
        bits: i32::try_from(parsed.bits).unwrap(),
        public_jwk: parsed.public_jwk,
        created_at: long_ago,
        active_from: long_ago,
        retired_at: None,
        expires_at: None,
    };
    SealedSigningKey { key, private_sealed }
}

/// A running server.
pub struct TestServer {
    /// The server inside, to look into and to set up.
    pub server: Arc<Server>,
    /// Its clock, fixed unless the test chose the system's.
    pub clock: Clock,
    /// Its database.
    pub database: Arc<TestDatabase>,
    handle: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // Not awaited: the server stops by itself, and its thread ends with it.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl TestServer {
    /// A server with the defaults and a fixed clock.
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| ())
    }

    /// A server with changed settings and a fixed clock.
    pub fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(Arc::new(Self::seeded(engine)), Clock::fixed(start_time()), change)
    }

    /// A server on the system clock, for clients that look at a clock of their own.
    pub fn start_now(engine: Engine) -> Self {
        Self::start_on(Arc::new(Self::seeded(engine)), Clock::System, |_| ())
    }

    /// A database with a signing key for each algorithm.
    pub fn seeded(engine: Engine) -> TestDatabase {
        let database = TestDatabase::empty(engine);
        database.seed_signing_keys();
        database
    }

    /// Another instance on the same database and clock, as behind a load balancer.
    pub fn sibling(&self) -> Self {
        self.sibling_with(|_| ())
    }

    /// The same with changed settings.
    pub fn sibling_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let issuer = self.server.config.server.issuer.clone();
        Self::start_on(Arc::clone(&self.database), self.clock.clone(), |config| {
            config.server.issuer = issuer;
            change(config);
        })
    }

    /// A server on this database with this clock.
    pub fn start_on(database: Arc<TestDatabase>, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Config::default();
        config.server.bind = address;
        config.server.issuer = format!("http://{address}");
        config.server.workers = 1;
        config.server.shutdown_timeout = Duration::from_secs(1);
        config.database.url.clone_from(&database.url);
        config.root_key.value = Some(HiddenText(ROOT_KEY.to_owned()));
        // Tests hash a lot.
        config.passwords.danger_weak_hashing = true;
        config.passwords.memory_kib = 64;
        config.passwords.iterations = 1;
        // Most tests want one role that may everything, and count clients.
        config.roles.0.insert("admin".to_owned(), Scope::from_tokens(["admin"]));
        config.console.enabled = false;
        config.account.enabled = false;
        change(&mut config);
        let server = Arc::new(Server::open(config, clock.clone(), &|_| ()).unwrap());
        let (sender, receiver) = std::sync::mpsc::channel();
        let inside = Arc::clone(&server);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let running = http::serve(inside, listener, None).unwrap();
                sender.send(running.handle()).unwrap();
                running.await.unwrap();
            });
        });
        Self { server, clock, database, handle: receiver.recv().unwrap(), thread: Some(thread) }
    }

    /// The address of a path, with what an issuer with a path puts before it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{}{path}", self.server.config.server.bind, self.server.config.base_path())
    }

    /// What a 401 of the admin API challenges a bearer with.
    pub fn bearer_challenge(&self) -> String {
        let place = format!("{}/.well-known/oauth-protected-resource/v1", self.server.config.server.issuer);
        format!("Bearer realm=\"grantor\", resource_metadata=\"{place}\"")
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Registers a client.
    pub fn client(&self, members: ClientMembers) -> TestClient {
        let made = clients::create(&self.server, &Caller::command_line(), members);
        TestClient::from(made.map_err(|error| format!("{error:?}")).unwrap())
    }

    /// A first-party confidential client with every grant.
    pub fn confidential(&self) -> TestClient {
        self.client(confidential_members("web"))
    }

    /// A first-party public client.
    pub fn public(&self) -> TestClient {
        self.client(public_members("app"))
    }

    /// A user with [`PASSWORD`] and these roles.
    pub fn user(&self, username: &str, roles: &[&str]) -> String {
        let new = NewUser {
            username: username.to_owned(),
            password: NewPassword(zeroize::Zeroizing::new(PASSWORD.to_owned())),
            name: None,
            email: None,
            profile: Profile::default(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        };
        let made = users::create(&self.server, &Caller::command_line(), new);
        made.map_err(|error| format!("{error:?}")).unwrap().id.0
    }

    /// A token request with the client's credentials by Basic, or its client_id in the body where it has no secret.
    pub fn token(&self, client: &TestClient, parameters: &[(&str, &str)]) -> Answer {
        self.post_as(client, "/oauth/token", parameters)
    }

    /// A form posted with the client's credentials.
    pub fn post_as(&self, client: &TestClient, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let mut form: Vec<(&str, &str)> = parameters.to_vec();
        let request = http_client().post(self.url(path));
        let request = match &client.secret {
            Some(secret) => request.basic_auth(&client.id, Some(secret)),
            None => {
                form.push(("client_id", &client.id));
                request
            }
        };
        Answer::of(request.form(&form))
    }

    /// Tokens for a user by the code flow, in a browser of its own.
    pub fn code_tokens(&self, client: &TestClient, username: &str) -> Value {
        let code = Browser::new(self).code(client, username);
        let answer = self.token(client, &code_parameters(&code));
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    /// What introspection says of a token to this client: is it active?
    pub fn is_active(&self, caller: &TestClient, token: &str) -> bool {
        let answer = self.post_as(caller, "/oauth/introspect", &[("token", token)]);
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()["active"].as_bool().unwrap()
    }

    /// The audit events of an action, newest first.
    pub fn events(&self, action: &str) -> Vec<AuditEvent> {
        let filter = AuditFilter { action: Some(action.to_owned()), ..AuditFilter::default() };
        audit::list(&self.server, &Caller::command_line(), &filter, &PageRequest::new(None, Some(200))).unwrap().items
    }

    /// An access token of an admin for the admin API, with this scope.
    pub fn admin_token(&self, scope: &str) -> String {
        let client = self.client(ClientMembers {
            client_id: Some("admin-tool".to_owned()),
            scope: Some(Scope::parse("admin clients:read clients:write users:read users:write scopes:read scopes:write signing-keys:read signing-keys:write audit-events:read tokens:read alerts:read alerts:write").unwrap()),
            ..confidential_members("admin-tool")
        });
        self.user("root", &["admin"]);
        let parameters = [("grant_type", "password"), ("username", "root"), ("password", PASSWORD), ("scope", scope)];
        text(&self.token(&client, &parameters).json()["access_token"])
    }
}

/// Members of a confidential client with every grant.
pub fn confidential_members(client_id: &str) -> ClientMembers {
    ClientMembers {
        client_id: Some(client_id.to_owned()),
        grant_types: Some(GrantType::ALL.to_vec()),
        redirect_uris: Some(vec![RedirectUri::parse(REDIRECT_URI).unwrap()]),
        scope: Some(Scope::parse("read write").unwrap()),
        first_party: Some(true),
        may_introspect: Some(true),
        ..ClientMembers::default()
    }
}

/// Members of a public client with code and refresh grants.
pub fn public_members(client_id: &str) -> ClientMembers {
    ClientMembers {
        token_endpoint_auth_method: Some(ClientAuthMethod::None),
        grant_types: Some(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]),
        may_introspect: Some(false),
        ..confidential_members(client_id)
    }
}

/// A registered client with what it authenticates by.
#[derive(Clone)]
pub struct TestClient {
    /// `client_id`.
    pub id: String,
    /// `client_secret`, where it has one.
    pub secret: Option<String>,
}

impl From<ClientWithSecret> for TestClient {
    fn from(made: ClientWithSecret) -> Self {
        Self { id: made.client.client_id.0, secret: made.client_secret }
    }
}

/// The parameters that exchange a code got by [`Browser::code`].
pub fn code_parameters(code: &str) -> [(&'static str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)]
}

/// An HTTP client that follows nothing and keeps nothing.
pub fn http_client() -> HttpClient {
    HttpClient::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(60)).build().unwrap()
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Sends a request and reads the answer.
    pub fn of(request: RequestBuilder) -> Self {
        Self::from(request.send().unwrap())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// Asserts status and error code of an OAuth error in JSON (RFC 6749 §5.2), and that it may not be stored.
    #[track_caller]
    pub fn assert_error(&self, status: u16, error: &str) {
        assert_eq!((self.status.as_u16(), text(&self.json()["error"]).as_str()), (status, error), "{}", self.body);
        assert_eq!(self.header("cache-control"), "no-store");
    }

    /// The address of a redirect.
    #[track_caller]
    pub fn location(&self) -> Url {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        let location = self.header("location");
        Url::parse(&location).or_else(|_| Url::parse("http://relative.invalid").unwrap().join(&location)).unwrap()
    }

    /// Everything of it but when it was and which it was: what must not differ between two refusals that may not be told apart.
    pub fn shape(&self) -> (u16, Vec<(String, Vec<u8>)>, String) {
        let telling = self.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
        let mut headers: Vec<_> =
            telling.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned())).collect();
        headers.sort();
        (self.status.as_u16(), headers, self.body.clone())
    }

    /// A parameter of the redirect's query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.location().query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self { status: response.status(), headers: response.headers().clone(), body: response.text().unwrap() }
    }
}

/// A JSON string.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// The claims of a JWT, unverified.
pub fn claims(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A browser with its cookies.
pub struct Browser<'a> {
    test: &'a TestServer,
    http: HttpClient,
    jar: Arc<Jar>,
}

impl<'a> Browser<'a> {
    /// A fresh browser.
    pub fn new(test: &'a TestServer) -> Self {
        let jar = Arc::new(Jar::default());
        let builder = HttpClient::builder().redirect(reqwest::redirect::Policy::none()).cookie_provider(jar.clone());
        Self { test, http: builder.build().unwrap(), jar }
    }

    /// The value of one of its cookies.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let all = self.jar.cookies(&self.test.url("/").parse().unwrap())?;
        let mut pairs = all.to_str().unwrap().split("; ").filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// The names of its cookies.
    pub fn cookies(&self) -> Vec<String> {
        let all = self.jar.cookies(&self.test.url("/").parse().unwrap());
        let all = all.map(|all| all.to_str().unwrap().to_owned()).unwrap_or_default();
        all.split("; ").filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned()).collect()
    }

    /// Gives it a cookie.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.jar.add_cookie_str(&format!("{name}={value}; Path=/"), &self.test.url("/").parse().unwrap());
    }

    /// A request to a path of the server, to add headers to.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.test.url(path))
    }

    /// GET a path of the server.
    pub fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(self.test.url(path)))
    }

    /// POST a form to a path of the server.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.http.post(self.test.url(path)).form(form))
    }

    /// Follows an answer's redirect within the server.
    pub fn follow(&self, answer: &Answer) -> Answer {
        let location = answer.location();
        let base = self.test.server.config.base_path();
        let path = location.path().strip_prefix(&base).unwrap();
        self.get(&location.query().map_or(path.to_owned(), |query| format!("{path}?{query}")))
    }

    /// Signs in by the form at `/login?query`.
    pub fn sign_in(&self, query: &str, username: &str, password: &str) -> Answer {
        let page = self.get(&format!("/login?{query}"));
        let form = [("csrf", &*csrf(&page)), ("username", username), ("password", password)];
        self.post(&format!("/login?{query}"), &form)
    }

    /// Decides on the consent page at `/consent?query`.
    pub fn decide(&self, query: &str, decision: &str) -> Answer {
        let page = self.get(&format!("/consent?{query}"));
        self.post(&format!("/consent?{query}"), &[("csrf", &csrf(&page)), ("decision", decision)])
    }

    /// An authorization code of a first-party client for this user.
    pub fn code(&self, client: &TestClient, username: &str) -> String {
        let query = authorize_query(client, &[]);
        let mut answer = self.get(&format!("/oauth/authorize?{query}"));
        if answer.location().path().ends_with("/login") {
            answer = self.follow(&self.sign_in(&query, username, PASSWORD));
        }
        answer.parameter("code").unwrap_or_else(|| panic!("no code: {answer:?}"))
    }
}

/// The hidden form token of a page.
#[track_caller]
pub fn csrf(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {page:?}"));
    rest.split('"').next().unwrap().to_owned()
}

/// The query of an authorization request with PKCE; `changes` replace parameters, or remove them when empty.
pub fn authorize_query(client: &TestClient, changes: &[(&str, &str)]) -> String {
    let challenge = CodeVerifier::parse(VERIFIER).unwrap().challenge();
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", &client.id),
        ("redirect_uri", REDIRECT_URI),
        ("state", "a state"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
