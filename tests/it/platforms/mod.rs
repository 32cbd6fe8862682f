//! The five platforms of the requirement, each set up by its file in `examples/` alone, and what its page describes done to
//! the letter of the requests. Where the page calls the platform's own API, the test is the proxy or the API server in front
//! of it, and asks this server for the verdict.

mod aetherflow;
mod fluxloop;
mod nafsi;
mod nexaflow;
mod nfyio;
mod transport;

use std::cell::RefCell;
use std::path::PathBuf;

use grantor::config::{Config, ServerConfig};
use grantor::flows::alerts;
use grantor::flows::clients::ClientMembers;
use grantor::flows::usage;
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Ended, grantor, grantor_on};
use crate::support::*;

/// The example's file.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.toml"))
}

/// The example's settings on a test's address, database and root key; everything else is as shipped.
pub fn settings(name: &str, base: &Config) -> Config {
    let shipped = Config::from_toml(&std::fs::read_to_string(file(name)).unwrap()).unwrap();
    Config {
        server: ServerConfig {
            issuer: base.server.issuer.clone(),
            bind: base.server.bind,
            workers: base.server.workers,
            shutdown_timeout: base.server.shutdown_timeout,
            ..shipped.server
        },
        database: base.database.clone(),
        root_key: base.root_key.clone(),
        passwords: base.passwords.clone(),
        ..shipped
    }
}

/// A server that is set up as a platform.
pub struct Platform {
    name: &'static str,
    /// The server.
    pub test: TestServer,
    dashboard: TestClient,
    token: RefCell<Option<String>>,
}

impl Platform {
    /// Starts the server with the example's file, an administrator, and a dashboard that may hand out the platform's scopes.
    pub fn start(engine: Engine, name: &'static str, scopes: &str) -> Self {
        let test = TestServer::start_with(engine, |config| *config = settings(name, config));
        let words = "admin access-keys:read access-keys:write own-access-keys:read own-access-keys:write service-accounts:read service-accounts:write clients:read \
                     projects:read usage:read audit-events:read alerts:read client-workflows:read client-workflows:write";
        let dashboard = test.client(ClientMembers {
            scope: Some(Scope::parse(&format!("{words} {scopes}")).unwrap()),
            // Its tokens are for the admin API only, also where they hold scopes of the platform to hand them out.
            resources: Some(vec![test.server.admin_resource.clone()]),
            grant_types: Some(vec![GrantType::Password]),
            ..confidential_members("dashboard")
        });
        test.user("root", &["admin"]);
        Self { name, test, dashboard, token: RefCell::default() }
    }

    /// A person's token for the admin API.
    pub fn token_of(&self, username: &str, scope: &str) -> String {
        let form = [("grant_type", "password"), ("username", username), ("password", PASSWORD), ("scope", scope)];
        let answer = self.test.token(&self.dashboard, &form);
        assert_eq!(answer.status, 200, "{}", answer.body);
        text(&answer.json()["access_token"])
    }

    /// The administrator's token.
    pub fn admin_token(&self) -> String {
        self.token.borrow_mut().get_or_insert_with(|| self.token_of("root", "admin")).clone()
    }

    /// Moves the clock. Tokens of before may be over.
    pub fn advance(&self, seconds: u64) {
        self.test.advance(seconds);
        self.token.take();
    }

    /// A request to the admin API with this token.
    pub fn api_as(&self, token: &str, method: Method, path: &str, body: &Value) -> Answer {
        let request = http_client().request(method.clone(), self.test.url(path)).bearer_auth(token);
        Answer::of(if method == Method::GET || method == Method::DELETE { request } else { request.json(body) })
    }

    /// A request of the administrator.
    pub fn api(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.api_as(&self.admin_token(), method, path, body)
    }

    /// What the administrator reads at a path.
    #[track_caller]
    pub fn read(&self, path: &str) -> Value {
        let answer = self.api(Method::GET, path, &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// What the administrator makes or does by POST.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.api(Method::POST, path, body);
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        answer.json()
    }

    /// What the administrator edits.
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.api(Method::PATCH, path, body)
    }

    /// An access key made by the administrator: its id and its secret.
    #[track_caller]
    pub fn key(&self, body: &Value) -> (String, String) {
        let made = self.post("/v1/access-keys", body);
        (text(&made["id"]), text(&made["secret"]))
    }

    /// A request to the platform's own API, as the proxy in front of it asks about it. `question` is the proxy's
    /// configuration, `headers` are the request's own.
    pub fn call(&self, question: &str, request: &str, headers: &[(&str, &str)]) -> Answer {
        let (method, path) = request.split_once(' ').unwrap();
        let mut asked = http_client()
            .get(self.test.url(&format!("/v1/forward-auth/traefik?{question}")))
            .header("x-forwarded-method", method)
            .header("x-forwarded-uri", path);
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        Answer::of(asked)
    }

    /// The platform's API server of an environment: a client that may ask.
    pub fn api_server(&self, environment: &str) -> TestClient {
        self.test.client(ClientMembers {
            client_id: Some(format!("api-{environment}")),
            environment: Some(environment.to_owned()),
            grant_types: Some(vec![GrantType::ClientCredentials]),
            may_introspect: Some(true),
            ..ClientMembers::default()
        })
    }

    /// The verdict, as the API server asks for it.
    #[track_caller]
    pub fn verify(&self, api_server: &TestClient, question: &Value) -> Value {
        let answer = self.as_api_server(api_server, "/v1/verify", question);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// A request of the API server.
    pub fn as_api_server(&self, api_server: &TestClient, path: &str, body: &Value) -> Answer {
        let request = http_client().post(self.test.url(path)).basic_auth(&api_server.id, api_server.secret.as_ref());
        Answer::of(request.json(body))
    }

    /// Runs the command line with the example's file.
    pub fn cli(&self, arguments: &[&str]) -> Ended {
        let mut command = grantor_on(&self.test.database);
        command
            .env("GRANTOR_SERVER__ISSUER", &self.test.server.config.server.issuer)
            .arg("--config")
            .arg(file(self.name));
        Ended::of(command.args(arguments), "")
    }

    /// Does what the server's jobs do now and then: writes usage, raises alerts.
    pub fn settle(&self) {
        let server = &self.test.server;
        usage::flush(server);
        alerts::watch_usage(server, &|| true).unwrap();
        alerts::watch_credentials(server, &|| true).unwrap();
        alerts::raise_queued(server).unwrap();
    }

    /// Asserts that an administrator hears, under this rule, of something that contains this word.
    #[track_caller]
    pub fn assert_alert(&self, rule: &str, word: &str) {
        self.settle();
        let page = self.read(&format!("/v1/alerts?rule={rule}"));
        assert!(page.to_string().contains(word), "{rule} of {word}: {page}");
    }

    /// Uses a credential as no operator would like it, and asserts every alert: 90 % of the limit, errors over 5 %, unusual
    /// volume, a new address, failed authentications, and a secret that is older than 90 days. `path` is where the
    /// credential `id` is edited, `credential` how the API server of the environment presents it.
    pub fn assert_alerts(&self, environment: &str, (path, id): (&str, &str), credential: &Value) {
        let api = self.api_server(environment);
        let ask = |credential: &Value, times: usize, address: &str, cost: u32| {
            let mut item = credential.clone();
            item["ip"] = json!(address);
            item["cost"] = json!(cost);
            let answer = self.as_api_server(&api, "/v1/verify/batch", &json!({ "items": vec![item; times] }));
            assert_eq!(answer.status, 200, "{}", answer.body);
        };
        assert_eq!(self.patch(path, &json!({ "requests_per_minute": 10 })).status, 200);
        ask(credential, 8, "203.0.113.9", 1);
        self.settle();
        assert!(!self.read("/v1/alerts").to_string().contains(id), "nothing out of the usual");
        ask(credential, 1, "203.0.113.9", 1);
        self.assert_alert("limit_share", id);
        let event =
            |outcome: &str, requests: u32| json!({ "credential_id": id, "outcome": outcome, "requests": requests });
        let report = json!({ "events": [event("success", 94), event("server_error", 6)] });
        assert_eq!(self.as_api_server(&api, "/v1/usage", &report).status, 202);
        self.assert_alert("error_share", id);
        ask(credential, 1, "198.51.100.7", 0);
        self.assert_alert("new_address", "198.51.100.7");
        let wrong = json!({ "credential": "sk_wrong" });
        ask(&wrong, 20, "192.0.2.66", 1);
        self.assert_alert("failed_authentications", "192.0.2.66");
        for _ in 0..4 {
            self.advance(86_400);
            ask(credential, 1, "203.0.113.9", 0);
            self.settle();
        }
        self.advance(86_400);
        (0..11).for_each(|_| ask(credential, 100, "203.0.113.9", 0));
        self.assert_alert("volume", id);
        self.assert_overdue(id);
    }

    /// Asserts the reminder after 90 days.
    pub fn assert_overdue(&self, id: &str) {
        self.advance(91 * 86_400);
        self.assert_alert("rotation_overdue", id);
    }

    /// Asserts that the audit log tells who did this to what, and from where.
    #[track_caller]
    pub fn assert_audited(&self, action: &str, id: &str) {
        let page = self.read(&format!("/v1/audit-events?action={action}"));
        let found = page["items"].as_array().unwrap().iter().find(|event| event["target_id"] == json!(id)).cloned();
        let event = found.unwrap_or_else(|| panic!("{action} of {id}: {page}"));
        assert_eq!((&event["actor_kind"], &event["address"]), (&json!("user"), &json!("127.0.0.1")), "{event}");
    }
}

/// Asserts the form of a secret: what it starts with, then 32 letters and digits.
#[track_caller]
pub fn assert_form(secret: &str, prefix: &str) {
    let rest = secret.strip_prefix(prefix).unwrap_or_else(|| panic!("{secret} does not start with {prefix}"));
    assert!(rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{secret}");
}

/// Asserts a refusal at the platform's API and the cause that an honest caller can act on.
#[track_caller]
pub fn assert_refused(answer: &Answer, status: u16, code: &str) {
    let told = answer.json();
    assert_eq!((answer.status.as_u16(), &told["error"]["code"]), (status, &json!(code)), "{}", answer.body);
    assert!(!text(&told["error"]["message"]).is_empty());
}

#[test]
fn every_example_can_be_used_as_shipped() {
    for name in ["nexaflow", "nafsi", "fluxloop", "nfyio", "aetherflow"] {
        let ended = Ended::of(grantor().args(["config", "check", "--config"]).arg(file(name)), "");
        assert_eq!(ended.code, 0, "{name}: {ended:?}");
    }
}
