//! Every setting, read once, typed. A TOML file overlaid by `GRANTOR_SECTION__NAME` environment variables; unknown
//! settings are refused. What weakens the server is named `danger_...`. `examples/grantor.toml` documents each with its
//! default, and a test holds the two together.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::environment::Environment;
use crate::domain::limits::Limits;
use crate::domain::role::Roles;
use crate::protocol::bearer::bearer_token;
use crate::protocol::resource::Resource;

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
    pub authorization: AuthorizationConfig,
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
    pub registration: RegistrationConfig,
    pub seed: SeedConfig,
    pub brand: BrandConfig,
    pub console: ConsoleConfig,
    pub account: AccountConfig,
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
mod checks;
pub mod pages;
mod registration;
mod sections;

pub use alerts::{AlertConfig, MailConfig, OutboundConfig, WebhookConfig, Webhooks};
pub use pages::{AccountConfig, BrandConfig, ConsoleConfig};
pub use registration::{RegistrationConfig, SeedConfig};
pub use sections::*;

/// The value of `limits.counters` that names no engine.
pub const COUNTERS_IN_MEMORY: &str = "memory";

/// A secret setting: never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct HiddenText(pub String);

impl std::fmt::Debug for HiddenText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(hidden)")
    }
}

/// A variable of the environment that is no setting: a seed names those that hold its secrets.
#[allow(clippy::disallowed_methods, reason = "the environment is read here")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
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
        self.check_authorization()?;
        self.check_keys_and_passwords()?;
        self.check_names()?;
        self.check_environments()?;
        if self.audit.checkpoint_interval < Duration::from_secs(1) {
            return fail("audit.checkpoint_interval must be at least 1s");
        }
        self.check_alerts()?;
        self.check_registration()?;
        self.check_pages()?;
        // RFC 6750 §2.1: another one could never be presented.
        let usable = |token: &HiddenText| token.0.len() >= 16 && bearer_token(&format!("Bearer {}", token.0)).is_some();
        if !self.metrics.token.as_ref().is_none_or(usable) {
            return fail("metrics.token must have at least 16 characters, only of A-Z a-z 0-9 - . _ ~ + / =");
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

    /// The path of the admin API's metadata (RFC 9728 §3.1); None where its resource is not at the issuer's host.
    pub fn admin_resource_metadata_path(&self) -> Option<String> {
        let resource = Url::parse(self.admin_resource().as_str()).ok()?;
        let is_here = resource.origin().ascii_serialization() == self.issuer_origin() && resource.query().is_none();
        let path = resource.path().trim_end_matches('/');
        is_here.then(|| format!("/.well-known/oauth-protected-resource{path}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn unknown_and_unsafe_settings_are_refused() {
        assert!(error("[server]\nissuerr = 'x'").contains("issuerr"));
        assert!(error("[environments.live]\naccess_key_prefix = 'rt_x_'").contains("rt_"));
        assert!(error("[environments.live]\naccess_key_prefix = 'eyJx'").contains("eyJ"));
        let same = "[environments.live]\naccess_key_prefix = 'sk_'\n[environments.test]\nclient_secret_prefix = 'sk_'";
        assert!(error(same).contains("client_secret_prefix"));
        let shared = "[environments.live]\nresources = ['https://a.example']\n[environments.test]\nresources = ['https://b.example', 'https://a.example']";
        assert!(error(shared).contains("https://a.example"));
        for like in ["https://A.example", "https://a.example/", "https://a.example:443"] {
            let alike = format!(
                "[environments.live]\nresources = ['https://a.example']\n[environments.test]\nresources = ['{like}']"
            );
            assert!(error(&alike).contains("share the audience"), "{like}");
        }
        for prefix in ["access_key_prefix = 'ak_'", "access_key_prefix = 'wf_x_'", "client_secret_prefix = 'rt_'"] {
            assert!(error(&format!("[environments.live]\n{prefix}")).contains("must not start with"), "{prefix}");
        }
        assert!(error("[environments.live]\nclient_secret_prefix = ''").contains("must not be empty"));
        let implied = "[environments.live]\n[environments.test]\nresources = ['http://127.0.0.1:8080']";
        assert!(error(implied).contains("share the audience"));
        let admin = "[environments.live]\nresources = ['http://127.0.0.1:8080/v1']";
        assert!(error(admin).contains("admin API"));
        assert!(error("[environments.live]\n[environments.v1]").contains("admin API"), "by its name alone");
        assert!(error("[surver]\n").contains("surver"));
        assert!(error("[server]\nbind = '0.0.0.0:80'").contains("plain HTTP"));
        assert!(error("[server]\nissuer = 'http://login.example.com'").contains("https"));
        assert!(error("[server]\nissuer = 'https://login.example.com/'").contains("end with"));
        assert!(error("[passwords]\nmemory_kib = 1024").contains("OWASP"));
        assert!(error("[limits]\ncounters = 'http://hunter2@localhost'").contains("redis://"));
        assert!(!error("[limits]\ncounters = 'http://hunter2@localhost'").contains("hunter2"));
        assert!(error("[limits]\nwhen_counters_fail = 'maybe'").contains("maybe"));
        assert!(error("[tokens]\nauthorization_code_lifetime = '5m'").contains("60s"));
        assert!(error("[environments.live]\nclient_id_prefix = 'ak_live_'").contains("ak_, pt_, sa_ or wf_"));
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
