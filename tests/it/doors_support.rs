//! What the tests of the doors share: a server with an API behind it, credentials in every state, and a caller for each door.

use grantor::crypto::secret;
use grantor::domain::client::Status;
use grantor::domain::credential::Verdict;
use grantor::flows::access_keys::{self, NewAccessKey};
use grantor::flows::caller::Caller;
use grantor::flows::clients::{self, ClientMembers};
use grantor::flows::projects::{self, NewProject};
use grantor::protocol::grant_type::GrantType;
use grantor::protocol::resource::Resource;
use grantor::protocol::scope::Scope;
use serde_json::{Value, json};

use crate::support::*;

/// What an access key is called at the token endpoint.
pub const ACCESS_KEY_TYPE: &str = "urn:grantor:params:oauth:token-type:access_key";
/// The address that requests come from where a case says nothing else.
pub const HERE: &str = "192.0.2.1";
/// The one network of allow-lists.
pub const OFFICE: &str = "203.0.113.9";

/// A server behind a trusted proxy, with two projects and an API server that may ask.
pub struct World {
    /// The server.
    pub test: TestServer,
    /// The API server.
    pub api: TestClient,
}

/// An access key: its id and its secret.
#[derive(Clone)]
pub struct TestKey {
    /// `ak_...`
    pub id: String,
    /// The secret.
    pub secret: String,
}

/// A credential in some state, and what every door must make of it.
pub struct Case {
    /// What it is.
    pub name: &'static str,
    /// The secret.
    pub secret: String,
    /// `X-Forwarded-For`.
    pub from: &'static str,
    /// The verdict where scope and project are asked.
    pub verdict: Verdict,
    /// The status for proxies.
    pub status: u16,
}

impl World {
    /// With the default settings.
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| ())
    }

    /// With changed settings.
    pub fn start_with(engine: Engine, change: impl FnOnce(&mut grantor::config::Config)) -> Self {
        let test = TestServer::start_with(engine, |config| {
            config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            change(config);
        });
        for id in ["alpha", "beta"] {
            let new = NewProject { id: id.to_owned(), name: None, description: String::new() };
            projects::create(&test.server, &Caller::command_line(), new).unwrap();
        }
        let api = test.client(confidential_members("orders-api"));
        Self { test, api }
    }

    /// An access key.
    pub fn key(&self, new: NewAccessKey) -> TestKey {
        let made = access_keys::create(&self.test.server, &Caller::command_line(), new);
        let made = made.map_err(|error| format!("{error:?}")).unwrap();
        TestKey { id: made.key.id.0, secret: made.secret }
    }

    /// A key for reading orders.
    pub fn reader(&self) -> TestKey {
        self.key(key_members("reader", &["orders:read"]))
    }

    /// Changes the status of a key.
    pub fn set_status(&self, key: &TestKey, to: Status) {
        access_keys::set_status(&self.test.server, &Caller::command_line(), &key.id, to).unwrap();
    }

    /// Replaces the secret of a key; answers the new one.
    pub fn rotate(&self, key: &TestKey, grace_seconds: u32) -> String {
        access_keys::rotate(&self.test.server, &Caller::command_line(), &key.id, grace_seconds).unwrap().secret
    }

    /// Asks `/v1/verify` as the API server.
    pub fn verify(&self, asked: &Value) -> Answer {
        self.verify_as(&self.api, asked)
    }

    /// Asks `/v1/verify` as some client.
    pub fn verify_as(&self, client: &TestClient, asked: &Value) -> Answer {
        let request = http_client().post(self.test.url("/v1/verify"));
        Answer::of(request.basic_auth(&client.id, client.secret.as_ref()).json(asked))
    }

    /// The verdict on a credential alone, as JSON.
    #[track_caller]
    pub fn verdict(&self, secret: &str) -> Value {
        let answer = self.verify(&json!({ "credential": secret }));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Asks forward authentication for a request with these headers.
    pub fn forward(&self, dialect: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = http_client().get(self.test.url(&format!("/v1/forward-auth/{dialect}{query}")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request)
    }

    /// Asks forward authentication about a bearer credential that came from this machine.
    pub fn forward_bearer(&self, dialect: &str, query: &str, secret: &str) -> Answer {
        let bearer = format!("Bearer {secret}");
        // What Envoy requires comes in a header of its own; here it is nothing.
        self.forward(
            dialect,
            query,
            &[("authorization", &bearer), ("x-forwarded-for", HERE), ("x-forward-auth-query", "")],
        )
    }

    /// Exchanges an access key for an access token, without a client.
    pub fn exchange(&self, secret: &str, further: &[(&str, &str)]) -> Answer {
        self.exchange_from(HERE, secret, further)
    }

    /// The same from some address.
    pub fn exchange_from(&self, from: &str, secret: &str, further: &[(&str, &str)]) -> Answer {
        let request = http_client().post(self.test.url("/oauth/token")).header("x-forwarded-for", from);
        Answer::of(request.form(&exchange_form(secret, further)))
    }

    /// A request to the admin API with a bearer credential.
    pub fn admin(&self, path: &str, secret: &str, from: &str) -> Answer {
        let request = http_client().get(self.test.url(path)).bearer_auth(secret);
        Answer::of(request.header("x-forwarded-for", from))
    }

    /// Access keys in every state, for this resource and with this scope. The clock moves by an hour.
    pub fn key_cases(&self, resource: Option<&str>, scope: &str, other_scope: &str) -> Vec<Case> {
        let resources = resource.map(|resource| vec![Resource::parse(resource).unwrap()]);
        let members = |name: &str| NewAccessKey {
            resources: resources.clone(),
            projects: vec!["alpha".to_owned()],
            ..key_members(name, &[scope])
        };
        let good = self.key(members("good"));
        let (inactive, revoked) = (self.key(members("inactive")), self.key(members("revoked")));
        self.set_status(&inactive, Status::Inactive);
        self.set_status(&revoked, Status::Revoked);
        let expired = self.key(NewAccessKey { expires_in: Some(60), ..members("expired") });
        let (in_grace, past_grace) = (self.key(members("in grace")), self.key(members("past grace")));
        self.rotate(&in_grace, 7200);
        self.rotate(&past_grace, 60);
        let office = NewAccessKey {
            allowed_addresses: Some(vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()]),
            ..members("office")
        };
        let office = self.key(office);
        let foreign = self.test.server.environment("test").unwrap().resources.clone();
        let foreign = NewAccessKey {
            environment: Some("test".to_owned()),
            resources: Some(foreign),
            ..key_members("foreign", &[scope])
        };
        let foreign = self.key(foreign);
        let lacking = self.key(NewAccessKey { scopes: vec![other_scope.to_owned()], ..members("lacking") });
        let elsewhere = self.key(NewAccessKey { projects: vec!["beta".to_owned()], ..members("elsewhere") });
        let slow = self.key(NewAccessKey { requests_per_minute: Some(1), ..members("slow") });
        self.test.advance(3600);
        let mut mistyped = good.secret.clone();
        let last = if mistyped.pop() == Some('a') { 'b' } else { 'a' };
        mistyped.push(last);
        let truncated = good.secret[..good.secret.len() - 1].to_owned();
        let unknown = secret::generate_prefixed("gk_live_").unwrap().to_string();
        let case =
            |name, secret: &str, from, verdict, status| Case { name, secret: secret.to_owned(), from, verdict, status };
        vec![
            case("good", &good.secret, HERE, Verdict::Valid, 200),
            case("unknown", &unknown, HERE, Verdict::Unknown, 401),
            case("malformed", "gk_live_what-is-this", HERE, Verdict::Unknown, 401),
            case("truncated", &truncated, HERE, Verdict::Unknown, 401),
            case("wrong checksum", &mistyped, HERE, Verdict::Unknown, 401),
            case("wrong environment", &foreign.secret, HERE, Verdict::WrongEnvironment, 401),
            case("inactive", &inactive.secret, HERE, Verdict::Inactive, 401),
            case("revoked", &revoked.secret, HERE, Verdict::Revoked, 401),
            case("expired", &expired.secret, HERE, Verdict::Expired, 401),
            case("in grace", &in_grace.secret, HERE, Verdict::Valid, 200),
            case("past grace", &past_grace.secret, HERE, Verdict::Expired, 401),
            case("right address", &office.secret, OFFICE, Verdict::Valid, 200),
            case("right address, IPv6", &office.secret, "2001:db8::7", Verdict::Valid, 200),
            case("wrong address", &office.secret, HERE, Verdict::AddressNotAllowed, 403),
            case("forged address", &office.secret, "203.0.113.9, 192.0.2.1", Verdict::AddressNotAllowed, 403),
            case("missing scope", &lacking.secret, HERE, Verdict::InsufficientScope, 403),
            case("wrong project", &elsewhere.secret, HERE, Verdict::WrongProject, 403),
            case("over limit", &slow.secret, HERE, Verdict::RateLimitExceeded, 429),
        ]
    }
}

/// Members of a key.
pub fn key_members(name: &str, scopes: &[&str]) -> NewAccessKey {
    NewAccessKey {
        name: name.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..NewAccessKey::default()
    }
}

/// The parameters of a token exchange.
pub fn exchange_form<'a>(secret: &'a str, further: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", secret),
        ("subject_token_type", ACCESS_KEY_TYPE),
    ];
    form.extend(further);
    form
}

/// Members of a client that acts for itself.
pub fn worker_members(client_id: &str) -> ClientMembers {
    ClientMembers {
        client_id: Some(client_id.to_owned()),
        grant_types: Some(vec![GrantType::ClientCredentials, GrantType::TokenExchange]),
        scope: Some(Scope::parse("orders:read orders:write").unwrap()),
        ..ClientMembers::default()
    }
}

/// Changes the status of a client.
pub fn set_client_status(test: &TestServer, client: &TestClient, to: Status) {
    clients::set_status(&test.server, &Caller::command_line(), &client.id, to).unwrap();
}
