//! The sections, but for those of alerts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::alerts::Texts;
use crate::config::{COUNTERS_IN_MEMORY, HiddenText};
use crate::domain::audit_chain::AuditClass;
use crate::domain::environment::DEFAULT_ENVIRONMENT;
use crate::domain::limits::Limits;
use crate::domain::role::{ADMIN_API_SCOPES, ADMIN_SCOPE, DISABLE_SCOPE};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;
use crate::protocol::signing_alg::SigningAlg;

section!(
    /// `[server]`
    ServerConfig {
        issuer: String = "http://127.0.0.1:8080".to_owned(),
        bind: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)),
        workers: usize = 0,
        #[serde(deserialize_with = "list_or_text")]
        trusted_proxies: Vec<IpNet> = Vec::new(),
        tls_certificate_file: Option<PathBuf> = None,
        tls_private_key_file: Option<PathBuf> = None,
        tls_client_ca_file: Option<PathBuf> = None,
        tls_min_version: TlsVersion = TlsVersion::Tls12,
        #[serde(with = "humantime_serde")]
        shutdown_timeout: Duration = Duration::from_secs(30),
        default_environment: String = DEFAULT_ENVIRONMENT.to_owned(),
        default_resource: Option<Resource> = None,
        admin_resource: Option<Resource> = None,
        admin_passes_every_scope: bool = false,
        danger_plain_http: bool = false,
    }
);
section!(
    /// `[database]`
    DatabaseConfig {
        url: String = "sqlite:data/grantor.db".to_owned(),
        pool_size: u32 = 8,
        #[serde(with = "humantime_serde")]
        connect_timeout: Duration = Duration::from_secs(3),
        #[serde(with = "humantime_serde")]
        purge_interval: Duration = Duration::from_secs(600),
    }
);
section!(
    /// `[root_key]`
    RootKeyConfig {
        file: PathBuf = PathBuf::from("keys/root.key"),
        #[serde(skip_serializing)]
        value: Option<HiddenText> = None,
    }
);
section!(
    /// `[tokens]`
    TokenConfig {
        #[serde(with = "humantime_serde")]
        access_token_lifetime: Duration = Duration::from_secs(900),
        #[serde(with = "humantime_serde")]
        access_token_max_lifetime: Duration = Duration::from_secs(24 * 3600),
        #[serde(with = "humantime_serde")]
        authorization_code_lifetime: Duration = Duration::from_secs(60),
        #[serde(with = "humantime_serde")]
        refresh_token_lifetime: Duration = Duration::from_secs(14 * 86_400),
        #[serde(with = "humantime_serde")]
        refresh_token_max_lifetime: Duration = Duration::from_secs(90 * 86_400),
        #[serde(with = "humantime_serde")]
        refresh_token_reuse_grace: Duration = Duration::from_secs(30),
        danger_public_password_grant: bool = false,
    }
);
section!(
    /// `[authorization]`
    AuthorizationConfig {
        #[serde(with = "humantime_serde")]
        pushed_request_lifetime: Duration = Duration::from_secs(60),
        require_pushed_authorization_requests: bool = false,
        #[serde(with = "humantime_serde")]
        device_code_lifetime: Duration = Duration::from_secs(600),
        #[serde(with = "humantime_serde")]
        client_assertion_max_lifetime: Duration = Duration::from_secs(600),
    }
);
section!(
    /// `[signing_keys]`
    SigningKeyConfig {
        algorithms: SigningAlgs = SigningAlgs(SigningAlg::ALL.to_vec()),
        bits: usize = 2048,
        #[serde(with = "humantime_serde")]
        rotation_interval: Duration = Duration::from_secs(90 * 86_400),
        #[serde(with = "humantime_serde")]
        publish_ahead: Duration = Duration::from_secs(86_400),
        #[serde(with = "humantime_serde")]
        jwks_max_age: Duration = Duration::from_secs(900),
        #[serde(with = "humantime_serde")]
        reload_interval: Duration = Duration::from_secs(5),
    }
);
section!(
    /// `[passwords]`
    PasswordConfig {
        memory_kib: u32 = 19_456,
        iterations: u32 = 2,
        parallelism: u32 = 1,
        threads: usize = 0,
        queue: usize = 128,
        danger_weak_hashing: bool = false,
    }
);
section!(
    /// `[login]`
    LoginConfig {
        #[serde(with = "humantime_serde")]
        session_lifetime: Duration = Duration::from_secs(12 * 3600),
        #[serde(with = "humantime_serde")]
        session_idle_timeout: Duration = Duration::from_secs(3600),
        failures_per_account: u32 = 10,
        failures_per_address: u32 = 50,
        #[serde(with = "humantime_serde")]
        failure_window: Duration = Duration::from_secs(900),
    }
);
section!(
    /// `[limits]`
    LimitsConfig {
        #[serde(skip_serializing)]
        counters: HiddenText = HiddenText(COUNTERS_IN_MEMORY.to_owned()),
        #[serde(with = "humantime_serde")]
        counters_timeout: Duration = Duration::from_millis(50),
        when_counters_fail: WhenCountersFail = WhenCountersFail::Open,
        token_requests_per_minute_per_address: u32 = 3000,
        login_requests_per_minute_per_address: u32 = 120,
        device_requests_per_minute_per_address: u32 = 60,
        leak_reports_per_minute_per_address: u32 = 60,
        registration_requests_per_minute_per_address: u32 = 60,
        #[serde(deserialize_with = "list_or_text")]
        exempt_addresses: Vec<IpNet> = loopback(),
    }
);
section!(
    /// One `[environments.NAME]`
    EnvironmentConfig {
        #[serde(with = "humantime_serde")]
        access_token_lifetime: Option<Duration> = None,
        access_key_prefix: Option<String> = None,
        client_id_prefix: Option<String> = None,
        client_secret_prefix: Option<String> = None,
        resources: Vec<Resource> = Vec::new(),
        requests_per_minute: Option<u32> = None,
        requests_per_hour: Option<u32> = None,
        max_requests_per_minute: Option<u32> = None,
        max_requests_per_hour: Option<u32> = None,
    }
);
section!(
    /// `[access_keys]`
    AccessKeyConfig {
        prefix: String = "gk".to_owned(),
        env_variable: String = "API_KEY".to_owned(),
        #[serde(with = "humantime_serde")]
        max_lifetime: Option<Duration> = None,
        #[serde(with = "humantime_serde")]
        max_grace: Duration = Duration::from_secs(30 * 86_400),
        #[serde(with = "humantime_serde")]
        exchanged_token_lifetime: Duration = Duration::from_secs(300),
    }
);
section!(
    /// `[forward_auth]`
    ForwardAuthConfig {
        #[serde(deserialize_with = "list_or_text")]
        callers: Vec<IpNet> = loopback(),
    }
);
section!(
    /// `[usage]`
    UsageConfig {
        #[serde(with = "humantime_serde")]
        flush_interval: Duration = Duration::from_secs(2),
        #[serde(with = "humantime_serde")]
        retention: Duration = Duration::from_secs(400 * 86_400),
        #[serde(with = "humantime_serde")]
        address_retention: Duration = Duration::from_secs(90 * 86_400),
    }
);
section!(
    /// `[audit]`
    AuditConfig {
        token_issuance: bool = false,
        #[serde(with = "humantime_serde")]
        retention: Duration = Duration::from_secs(400 * 86_400),
        #[serde(with = "humantime_serde")]
        retention_security: Option<Duration> = None,
        #[serde(with = "humantime_serde")]
        retention_administration: Option<Duration> = None,
        #[serde(with = "humantime_serde")]
        retention_access: Option<Duration> = None,
        #[serde(with = "humantime_serde")]
        checkpoint_interval: Duration = Duration::from_secs(600),
        #[serde(with = "humantime_serde")]
        verify_interval: Duration = Duration::from_secs(86_400),
        #[serde(with = "humantime_serde")]
        refusal_retention: Duration = Duration::from_secs(7 * 86_400),
    }
);
impl AuditConfig {
    /// For how long events of this class are kept.
    pub fn retention_of(&self, class: AuditClass) -> Duration {
        match class {
            AuditClass::Security => self.retention_security,
            AuditClass::Administration => self.retention_administration,
            AuditClass::Access => self.retention_access,
        }
        .unwrap_or(self.retention)
    }
}

section!(
    /// `[metrics]`
    MetricsConfig {
        bind: Option<SocketAddr> = None,
        #[serde(skip_serializing)]
        token: Option<HiddenText> = None,
    }
);
section!(
    /// `[log]`
    LogConfig {
        filter: String = "info,actix_http::h1=off".to_owned(),
    }
);

/// What happens to a request that cannot be counted because the shared counters do not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenCountersFail {
    /// It is served, uncounted.
    Open,
    /// It is answered 503.
    Closed,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the versions are their own description")]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// Every address of this machine.
fn loopback() -> Vec<IpNet> {
    let networks = [IpNet::new(Ipv4Addr::LOCALHOST.into(), 8), IpNet::new(Ipv6Addr::LOCALHOST.into(), 128)];
    networks.into_iter().flatten().map(|network| network.trunc()).collect()
}

/// Signature algorithms: a list in TOML, or one text with commas, as an environment variable must be. RS256 is always among
/// them (OpenID Connect Discovery §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SigningAlgs(Vec<SigningAlg>);

impl SigningAlgs {
    /// Each of them, once, in the order of the metadata document.
    pub fn iter(&self) -> impl Iterator<Item = SigningAlg> {
        SigningAlg::ALL.into_iter().filter(|alg| *alg == SigningAlg::RS256 || self.0.contains(alg))
    }

    /// Is it one of them?
    pub fn contains(&self, alg: SigningAlg) -> bool {
        self.iter().any(|known| known == alg)
    }
}

impl From<Vec<SigningAlg>> for SigningAlgs {
    fn from(algorithms: Vec<SigningAlg>) -> Self {
        Self(algorithms)
    }
}

impl<'de> Deserialize<'de> for SigningAlgs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Texts(names) = Texts::deserialize(deserializer)?;
        let parsed = names.iter().map(|name| name.parse()).collect::<Result<_, _>>();
        parsed.map(Self).map_err(serde::de::Error::custom)
    }
}

/// `[environments]`: name to rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Environments(pub BTreeMap<String, EnvironmentConfig>);

impl Default for Environments {
    fn default() -> Self {
        let test = EnvironmentConfig {
            requests_per_minute: Some(60),
            max_requests_per_minute: Some(600),
            ..EnvironmentConfig::default()
        };
        Self(
            [(DEFAULT_ENVIRONMENT, EnvironmentConfig::default()), ("test", test)]
                .map(|(name, rules)| (name.to_owned(), rules))
                .into(),
        )
    }
}

/// `[plans]`: name to limits. None by default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plans(pub BTreeMap<String, Limits>);

/// `[roles]`: name to scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleConfig(pub BTreeMap<String, Scope>);

impl Default for RoleConfig {
    fn default() -> Self {
        let names = || ADMIN_API_SCOPES.iter().map(|(name, _)| *name);
        let role = |name: &str, holds: &dyn Fn(&str) -> bool| {
            (name.to_owned(), Scope::from_tokens(names().filter(|scope| holds(scope))))
        };
        let reads = |scope: &str| scope.ends_with(":read");
        Self(BTreeMap::from([
            role("owner", &|scope| scope == ADMIN_SCOPE),
            role("admin", &|scope| scope != ADMIN_SCOPE),
            role("support", &|scope| scope == DISABLE_SCOPE || (reads(scope) && scope != "audit-events:read")),
            role("auditor", &reads),
        ]))
    }
}

/// A list in TOML, or one text with commas, as an environment variable must be.
fn list_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ListOrText {
        List(Vec<String>),
        Text(String),
    }
    let items = match ListOrText::deserialize(deserializer)? {
        ListOrText::List(items) => items,
        ListOrText::Text(text) => {
            text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
        }
    };
    let network = |item: &String| {
        item.parse::<IpNet>()
            .or_else(|_| item.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| serde::de::Error::custom(format!("'{item}' is not an address or network such as 10.0.0.0/8")))
    };
    items.iter().map(network).collect()
}
