//! Every setting, read once, typed. A TOML file overlaid by `GRANTOR_SECTION__NAME` environment variables; unknown
//! settings are refused. What weakens the server is named `danger_...`. `examples/grantor.toml` documents each with its
//! default, and a test holds the two together.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};
use url::{Host, Url};

use crate::domain::audit_chain::AuditClass;
use crate::domain::environment::{DEFAULT_ENVIRONMENT, Environment};
use crate::domain::ids::ClientId;
use crate::domain::limits::Limits;
use crate::domain::role::{ADMIN_SCOPE, Roles};
use crate::protocol::bearer::bearer_token;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// The annotated file with every setting and its default.
pub const ANNOTATED: &str = include_str!("../examples/grantor.toml");

/// A setting that cannot be used, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "examples/grantor.toml documents each section and setting")]
pub struct Config {
    pub server: ServerConfig,
    pub database: DatabaseConfig,
    pub root_key: RootKeyConfig,
    pub tokens: TokenConfig,
    pub signing_keys: SigningKeyConfig,
    pub passwords: PasswordConfig,
    pub login: LoginConfig,
    pub limits: LimitsConfig,
    pub environments: Environments,
    pub plans: Plans,
    pub roles: RoleConfig,
    pub access_keys: AccessKeyConfig,
    pub forward_auth: ForwardAuthConfig,
    pub usage: UsageConfig,
    pub audit: AuditConfig,
    pub metrics: MetricsConfig,
    pub alerts: AlertConfig,
    pub webhooks: Webhooks,
    pub mail: MailConfig,
    pub outbound: OutboundConfig,
    pub log: LogConfig,
}

macro_rules! section {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[allow(missing_docs, reason = "examples/grantor.toml documents each section and setting")]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

// After the macro, which it uses.
pub mod alerts;

pub use alerts::{AlertConfig, MailConfig, OutboundConfig, WebhookConfig, Webhooks};

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
    /// `[signing_keys]`
    SigningKeyConfig {
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

/// The value of `limits.counters` that names no engine.
pub const COUNTERS_IN_MEMORY: &str = "memory";

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
        let roles = [
            ("admin", [ADMIN_SCOPE].as_slice()),
            ("auditor", &["audit-events:read"]),
            ("support", &["clients:read", "users:read"]),
        ];
        Self(
            roles
                .into_iter()
                .map(|(name, scope)| (name.to_owned(), Scope::from_tokens(scope.iter().copied())))
                .collect(),
        )
    }
}

/// A secret setting: never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct HiddenText(pub String);

impl std::fmt::Debug for HiddenText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(hidden)")
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

fn fail<T>(text: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError(text.into()))
}

impl Config {
    /// Reads the file, if any, and the environment over it, and checks the result.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let environment = config::Environment::with_prefix("GRANTOR").prefix_separator("_").separator("__");
        let config = Self::read(file.map(config::File::from), environment)?;
        config.check()?;
        Ok(config)
    }

    /// Reads settings from TOML text alone.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let none = config::Environment::with_prefix("GRANTOR").source(Some(std::collections::HashMap::new()));
        let config = Self::read(Some(config::File::from_str(text, config::FileFormat::Toml)), none)?;
        config.check()?;
        Ok(config)
    }

    fn read<F>(file: Option<F>, environment: config::Environment) -> Result<Self, ConfigError>
    where
        F: config::Source + Send + Sync + 'static,
    {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(file);
        }
        let read = builder.add_source(environment).build().and_then(config::Config::try_deserialize);
        read.map_err(|error| ConfigError(error.to_string()))
    }

    /// Checks what must hold between settings; each refusal says what to change.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_issuer()?;
        self.check_listener()?;
        self.check_tokens()?;
        self.check_keys_and_passwords()?;
        self.check_names()?;
        self.check_environments()?;
        if self.audit.checkpoint_interval < Duration::from_secs(1) {
            return fail("audit.checkpoint_interval must be at least 1s");
        }
        self.check_alerts()?;
        // RFC 6750 §2.1: another one could never be presented.
        let usable = |token: &HiddenText| token.0.len() >= 16 && bearer_token(&format!("Bearer {}", token.0)).is_some();
        if !self.metrics.token.as_ref().is_none_or(usable) {
            return fail("metrics.token must have at least 16 characters, only of A-Z a-z 0-9 - . _ ~ + / =");
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), ConfigError> {
        for name in self.environments.0.keys().chain(self.roles.0.keys()).chain(self.plans.0.keys()) {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            {
                return fail(format!(
                    "'{name}': names of environments, plans and roles are letters, digits, '-' and '_'"
                ));
            }
        }
        Ok(())
    }

    fn check_environments(&self) -> Result<(), ConfigError> {
        let default = &self.server.default_environment;
        if !self.environments.0.contains_key(default) {
            return fail(format!(
                "environments must hold '{default}', which server.default_environment names: what is registered \
                 without naming one belongs to it"
            ));
        }
        let environments: Vec<_> = self.environments.0.keys().filter_map(|name| self.environment(name)).collect();
        let mut seen = Vec::new();
        for environment in &environments {
            let own = [environment.access_key_prefix.as_str(), environment.client_id_prefix.as_str()];
            for prefix in own.into_iter().chain(environment.client_secret_prefix.as_deref()) {
                check_prefix(prefix)?;
            }
            if ClientId::is_reserved(&environment.client_id_prefix) {
                return fail(format!(
                    "environments.{}.client_id_prefix must not start with ak_, sa_ or wf_: those are of other things",
                    environment.name
                ));
            }
            if environment.access_key_prefix.is_empty() || seen.contains(&environment.access_key_prefix) {
                return fail(format!(
                    "environments.{}.access_key_prefix must be set and differ from that of every other environment",
                    environment.name
                ));
            }
            if environment.default_limits.exceed(environment.most) {
                return fail(format!(
                    "environments.{}: requests_per_... is above max_requests_per_...",
                    environment.name
                ));
            }
            seen.push(environment.access_key_prefix.clone());
        }
        let zero = |limits: &Limits| limits.windows().any(|(_, limit)| limit == 0);
        if environments.iter().any(|environment| zero(&environment.default_limits) || zero(&environment.most))
            || self.plans.0.values().any(zero)
        {
            return fail("limits of environments and plans must be at least 1; leave one out for none");
        }
        let lifetime = self.access_keys.exchanged_token_lifetime;
        if lifetime < Duration::from_secs(10) || lifetime > self.tokens.access_token_max_lifetime {
            return fail(
                "access_keys.exchanged_token_lifetime must be between 10s and tokens.access_token_max_lifetime",
            );
        }
        if self.usage.flush_interval < Duration::from_millis(100) || self.usage.flush_interval > Duration::from_secs(60)
        {
            return fail("usage.flush_interval must be between 100ms and 60s: what a crash may lose");
        }
        Ok(())
    }

    /// RFC 8414 §2: https, no query, no fragment. Plain http only where nothing leaves the machine.
    fn check_issuer(&self) -> Result<(), ConfigError> {
        let text = &self.server.issuer;
        let Ok(url) = Url::parse(text) else {
            return fail("server.issuer must be a URL such as https://login.example.com");
        };
        if !matches!(url.scheme(), "https" | "http") || url.query().is_some() || url.fragment().is_some() {
            return fail("server.issuer must be an https URL without query and fragment (RFC 8414 §2)");
        }
        if text.ends_with('/') {
            return fail("server.issuer must not end with '/'");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return fail("server.issuer must not hold credentials");
        }
        if url.scheme() == "http" && !is_loopback_host(&url) && !self.server.danger_plain_http {
            return fail("server.issuer with http is only for a loopback address: use https (RFC 8414 §2)");
        }
        Ok(())
    }

    /// Nothing secret crosses a network in the clear: TLS here, or a proxy in front that is named.
    fn check_listener(&self) -> Result<(), ConfigError> {
        let server = &self.server;
        if server.tls_certificate_file.is_some() != server.tls_private_key_file.is_some() {
            return fail("server.tls_certificate_file and server.tls_private_key_file come together");
        }
        if server.tls_certificate_file.is_none()
            && (server.tls_client_ca_file.is_some() || server.tls_min_version != TlsVersion::Tls12)
        {
            return fail(
                "server.tls_client_ca_file and server.tls_min_version are for TLS here: set \
                 server.tls_certificate_file, or have the proxy in front demand it",
            );
        }
        if server.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
            return fail("server.trusted_proxies must name the proxies: a network of every address trusts everybody");
        }
        let guarded = server.tls_certificate_file.is_some() || !server.trusted_proxies.is_empty();
        if !server.bind.ip().is_loopback() && !guarded && !server.danger_plain_http {
            return fail(format!(
                "server.bind = {} would serve plain HTTP to the network: set server.tls_certificate_file and \
                 server.tls_private_key_file, or server.trusted_proxies for the proxy that ends TLS",
                server.bind
            ));
        }
        if let Some(bind) = self.metrics.bind
            && !bind.ip().is_loopback()
            && self.metrics.token.is_none()
        {
            return fail("metrics.bind beyond the loopback needs metrics.token");
        }
        Ok(())
    }

    fn check_tokens(&self) -> Result<(), ConfigError> {
        let tokens = &self.tokens;
        let lifetimes = self.environments.0.values().filter_map(|environment| environment.access_token_lifetime);
        for lifetime in lifetimes.chain([tokens.access_token_lifetime]) {
            if lifetime < Duration::from_secs(10) || lifetime > tokens.access_token_max_lifetime {
                return fail("access_token_lifetime must be between 10s and tokens.access_token_max_lifetime");
            }
        }
        if tokens.access_token_max_lifetime > Duration::from_secs(7 * 86_400) {
            return fail(
                "tokens.access_token_max_lifetime must be at most 7 days: a JWT cannot be called back everywhere",
            );
        }
        let code = tokens.authorization_code_lifetime;
        if code < Duration::from_secs(1) || code > Duration::from_secs(60) {
            return fail("tokens.authorization_code_lifetime must be between 1s and 60s");
        }
        if tokens.refresh_token_lifetime < Duration::from_secs(60)
            || tokens.refresh_token_lifetime > tokens.refresh_token_max_lifetime
        {
            return fail("tokens.refresh_token_lifetime must be between 1m and tokens.refresh_token_max_lifetime");
        }
        if tokens.refresh_token_max_lifetime > Duration::from_secs(10 * 366 * 86_400) {
            return fail("tokens.refresh_token_max_lifetime must be at most 10 years");
        }
        if tokens.refresh_token_reuse_grace > Duration::from_secs(120) {
            return fail("tokens.refresh_token_reuse_grace must be at most 2m: it is a window for a stolen token too");
        }
        Ok(())
    }

    fn check_keys_and_passwords(&self) -> Result<(), ConfigError> {
        let keys = &self.signing_keys;
        if !crate::crypto::rsa_key::SIZES.contains(&keys.bits) {
            return fail("signing_keys.bits must be 2048, 3072 or 4096");
        }
        if keys.publish_ahead < keys.jwks_max_age * 2 + keys.reload_interval {
            return fail(
                "signing_keys.publish_ahead must be at least twice jwks_max_age plus reload_interval: a key must \
                         have reached every cache before it signs",
            );
        }
        if keys.rotation_interval < keys.publish_ahead * 2 {
            return fail("signing_keys.rotation_interval must be at least twice publish_ahead");
        }
        if keys.reload_interval < Duration::from_millis(100) {
            return fail("signing_keys.reload_interval must be at least 100ms");
        }
        let passwords = &self.passwords;
        // OWASP Password Storage Cheat Sheet: 19 MiB with two passes, or the equivalents it lists.
        let strong = (passwords.memory_kib >= 19_456 && passwords.iterations >= 2)
            || (passwords.memory_kib >= 47_104 && passwords.iterations >= 1)
            || (passwords.memory_kib >= 12_288 && passwords.iterations >= 3)
            || (passwords.memory_kib >= 9_216 && passwords.iterations >= 4)
            || (passwords.memory_kib >= 7_168 && passwords.iterations >= 5);
        if !strong && !passwords.danger_weak_hashing {
            return fail("passwords: memory_kib and iterations are below the OWASP minimum (19456 and 2)");
        }
        let login = &self.login;
        if login.failures_per_account == 0 || login.failures_per_address == 0 || login.failure_window.is_zero() {
            return fail("login: failures_per_account, failures_per_address and failure_window must not be zero");
        }
        let counters = &self.limits.counters.0;
        if counters != COUNTERS_IN_MEMORY
            && !["redis://", "rediss://"].iter().any(|scheme| counters.starts_with(scheme))
        {
            return fail("limits.counters must be memory, or redis://host:port/database, or rediss:// for TLS");
        }
        let patience = self.limits.counters_timeout;
        if patience < Duration::from_millis(1) || patience > Duration::from_secs(5) {
            return fail("limits.counters_timeout must be between 1ms and 5s: requests wait for it");
        }
        Ok(())
    }

    /// The path of the issuer, without trailing slash: empty for most. All routes are below it.
    pub fn base_path(&self) -> String {
        Url::parse(&self.server.issuer).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default()
    }

    /// The issuer's origin: what a browser sends as `Origin` from our own pages.
    pub fn issuer_origin(&self) -> String {
        Url::parse(&self.server.issuer).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    /// Is the issuer reached by https? Then cookies are `Secure` only, and browsers are told so (HSTS).
    pub fn is_https(&self) -> bool {
        self.server.issuer.starts_with("https:")
    }

    /// The audience of tokens for the admin API.
    pub fn admin_resource(&self) -> Resource {
        self.resource_or(self.server.admin_resource.as_ref(), "/v1")
    }

    /// The resource of clients that are registered without any.
    pub fn default_resource(&self) -> Resource {
        self.resource_or(self.server.default_resource.as_ref(), "")
    }

    fn resource_or(&self, set: Option<&Resource>, suffix: &str) -> Resource {
        set.cloned().unwrap_or_else(|| Resource::from_checked(format!("{}{suffix}", self.server.issuer)))
    }

    /// The rules of an environment; None when it is not configured.
    pub fn environment(&self, name: &str) -> Option<Environment> {
        let found = self.environments.0.get(name)?;
        let prefix = || format!("{}_{name}_", self.access_keys.prefix);
        let own = || match name == self.server.default_environment {
            true => self.default_resource(),
            false => Resource::from_checked(format!("{}/{name}", self.default_resource())),
        };
        Some(Environment {
            name: name.to_owned(),
            access_token_lifetime: found.access_token_lifetime,
            access_key_prefix: found.access_key_prefix.clone().unwrap_or_else(prefix),
            client_id_prefix: found.client_id_prefix.clone().unwrap_or_default(),
            client_secret_prefix: found.client_secret_prefix.clone(),
            resources: if found.resources.is_empty() { vec![own()] } else { found.resources.clone() },
            default_limits: Limits {
                requests_per_minute: found.requests_per_minute,
                requests_per_hour: found.requests_per_hour,
            },
            most: Limits {
                requests_per_minute: found.max_requests_per_minute,
                requests_per_hour: found.max_requests_per_hour,
            },
        })
    }

    /// The configured roles.
    pub fn roles(&self) -> Roles {
        Roles::new(self.roles.0.clone())
    }
}

/// What a secret or identifier may start with: it must need no escaping in a header, a URL or a file of variables.
fn check_prefix(prefix: &str) -> Result<(), ConfigError> {
    if prefix.len() > 32 || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return fail(format!("'{prefix}': a prefix has at most 32 letters, digits, '-' and '_'"));
    }
    Ok(())
}

fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn unknown_and_unsafe_settings_are_refused() {
        assert!(error("[server]\nissuerr = 'x'").contains("issuerr"));
        assert!(error("[surver]\n").contains("surver"));
        assert!(error("[server]\nbind = '0.0.0.0:80'").contains("plain HTTP"));
        assert!(error("[server]\nissuer = 'http://login.example.com'").contains("https"));
        assert!(error("[server]\nissuer = 'https://login.example.com/'").contains("end with"));
        assert!(error("[passwords]\nmemory_kib = 1024").contains("OWASP"));
        assert!(error("[limits]\ncounters = 'http://hunter2@localhost'").contains("redis://"));
        assert!(!error("[limits]\ncounters = 'http://hunter2@localhost'").contains("hunter2"));
        assert!(error("[limits]\nwhen_counters_fail = 'maybe'").contains("maybe"));
        assert!(error("[tokens]\nauthorization_code_lifetime = '5m'").contains("60s"));
        assert!(error("[environments.live]\nclient_id_prefix = 'ak_live_'").contains("ak_, sa_ or wf_"));
        assert!(error("[signing_keys]\npublish_ahead = '1m'").contains("jwks_max_age"));
    }

    #[test]
    fn the_environment_lies_over_the_file() {
        let variables = [
            ("GRANTOR_SERVER__ISSUER", "https://login.example.com"),
            ("GRANTOR_SERVER__BIND", "0.0.0.0:8443"),
            ("GRANTOR_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
            ("GRANTOR_DATABASE__POOL_SIZE", "3"),
            ("GRANTOR_AUDIT__TOKEN_ISSUANCE", "true"),
            ("GRANTOR_TOKENS__ACCESS_TOKEN_LIFETIME", "5m"),
        ];
        let map = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let environment = || config::Environment::with_prefix("GRANTOR").prefix_separator("_").separator("__");
        let file = || Some(config::File::from_str("[database]\npool_size = 4", config::FileFormat::Toml));
        let read = Config::read(file(), environment().source(Some(map))).unwrap();
        assert_eq!(read.server.issuer, "https://login.example.com");
        assert_eq!(read.server.trusted_proxies.len(), 2);
        assert_eq!(read.database.pool_size, 3);
        assert!(read.audit.token_issuance);
        assert_eq!(read.tokens.access_token_lifetime, Duration::from_secs(300));
        read.check().unwrap();
        let unknown = [("GRANTOR_SERVER__ISSUERR".to_owned(), "x".to_owned())].into_iter().collect();
        assert!(Config::read(file(), environment().source(Some(unknown))).is_err());
    }

    #[test]
    fn the_annotated_file_holds_every_setting_with_its_default() {
        assert_eq!(Config::from_toml(ANNOTATED).unwrap(), Config::default());
        let defaults = serde_json::to_value(Config::default()).unwrap();
        for (section, settings) in defaults.as_object().unwrap() {
            if !matches!(section.as_str(), "environments" | "plans" | "roles" | "webhooks") {
                assert!(ANNOTATED.contains(&format!("[{section}]")), "{section}");
                for name in settings.as_object().unwrap().keys() {
                    assert!(
                        ANNOTATED.contains(&format!("\n{name} = ")) || ANNOTATED.contains(&format!("\n# {name} = ")),
                        "{section}.{name}"
                    );
                }
            }
        }
    }
}
