//! What must hold between settings; each refusal says what to change.

use std::time::Duration;

use url::{Host, Url};

use crate::config::{COUNTERS_IN_MEMORY, Config, ConfigError, TlsVersion, fail};
use crate::domain::environment::Environment;
use crate::domain::ids::ClientId;
use crate::domain::limits::Limits;
use crate::protocol::resource::Resource;

impl Config {
    pub(super) fn check_names(&self) -> Result<(), ConfigError> {
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

    pub(super) fn check_environments(&self) -> Result<(), ConfigError> {
        let default = &self.server.default_environment;
        if !self.environments.0.contains_key(default) {
            return fail(format!(
                "environments must hold '{default}', which server.default_environment names: what is registered \
                 without naming one belongs to it"
            ));
        }
        let environments: Vec<_> = self.environments.0.keys().filter_map(|name| self.environment(name)).collect();
        let mut seen = Vec::new();
        check_audiences(&environments, &self.admin_resource())?;
        for environment in &environments {
            check_key_prefix(environment, &environments)?;
            let own = [environment.access_key_prefix.as_str(), environment.client_id_prefix.as_str()];
            for prefix in own.into_iter().chain(environment.client_secret_prefix.as_deref()) {
                check_prefix(prefix)?;
            }
            if ClientId::is_reserved(&environment.client_id_prefix) {
                return fail(format!(
                    "environments.{}.client_id_prefix must not start with ak_, pt_, sa_ or wf_: those are of other things",
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
    pub(super) fn check_issuer(&self) -> Result<(), ConfigError> {
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
    pub(super) fn check_listener(&self) -> Result<(), ConfigError> {
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

    pub(super) fn check_tokens(&self) -> Result<(), ConfigError> {
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

    pub(super) fn check_authorization(&self) -> Result<(), ConfigError> {
        let authorization = &self.authorization;
        let within = |time: Duration, least: u64, most: u64| (least..=most).contains(&time.as_secs());
        if !within(authorization.pushed_request_lifetime, 60, 90) {
            return fail("authorization.pushed_request_lifetime must be between 60s and 90s");
        }
        if !within(authorization.device_code_lifetime, 60, 1800) {
            return fail("authorization.device_code_lifetime must be between 1m and 30m: whoever waits can be tricked");
        }
        if !within(authorization.client_assertion_max_lifetime, 60, 86_400) {
            return fail("authorization.client_assertion_max_lifetime must be between 1m and 1day");
        }
        Ok(())
    }

    pub(super) fn check_keys_and_passwords(&self) -> Result<(), ConfigError> {
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
}

/// What a secret or identifier may start with: it must need no escaping in a header, a URL or a file of variables.
fn check_prefix(prefix: &str) -> Result<(), ConfigError> {
    if prefix.len() > 32 || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return fail(format!("'{prefix}': a prefix has at most 32 letters, digits, '-' and '_'"));
    }
    Ok(())
}

/// What other secrets of the server start with, JWTs, and identifiers, which are no secrets: none may be taken for another.
const RESERVED_PREFIXES: [&str; 15] =
    ["rt_", "ac_", "ls_", "co_", "cf_", "cs_", "pr_", "dc_", "rg_", "ia_", "eyJ", "ak_", "pt_", "sa_", "wf_"];

/// Access keys of an environment must be told from every other kind of secret.
fn check_key_prefix(environment: &Environment, all: &[Environment]) -> Result<(), ConfigError> {
    let (name, prefix) = (&environment.name, environment.access_key_prefix.as_str());
    let own_secrets = environment.client_secret_prefix.as_deref();
    for (setting, prefix) in [("access_key_prefix", Some(prefix)), ("client_secret_prefix", own_secrets)] {
        // `cs_` is the prefix of client secrets where none is set.
        let is_taken = |reserved: &&&str| {
            prefix.is_some_and(|prefix| prefix.starts_with(**reserved))
                && (setting, **reserved) != ("client_secret_prefix", "cs_")
        };
        if let Some(reserved) = RESERVED_PREFIXES.iter().find(is_taken) {
            return fail(format!(
                "environments.{name}.{setting} must not start with '{reserved}', as other secrets, tokens or identifiers do"
            ));
        }
    }
    if own_secrets == Some("") {
        return fail(format!(
            "environments.{name}.client_secret_prefix must not be empty: leave it out for the usual form"
        ));
    }
    match all.iter().find(|other| other.client_secret_prefix.as_deref() == Some(prefix)) {
        None => Ok(()),
        Some(other) => fail(format!(
            "environments.{name}.access_key_prefix must differ from environments.{}.client_secret_prefix",
            other.name
        )),
    }
}

/// An audience tells which environment a token is for, and whether it is for the admin API.
fn check_audiences(environments: &[Environment], admin: &Resource) -> Result<(), ConfigError> {
    for (number, environment) in environments.iter().enumerate() {
        for resource in &environment.resources {
            if resource.is_like(admin) {
                return fail(format!(
                    "environments.{}: {resource} is the audience of the admin API, which no environment may have as its own",
                    environment.name
                ));
            }
            if let Some(other) = environments
                .iter()
                .skip(number + 1)
                .find(|other| other.resources.iter().any(|theirs| theirs.is_like(resource)))
            {
                return fail(format!(
                    "environments.{} and environments.{} share the audience {resource}: give each its own resources",
                    environment.name, other.name
                ));
            }
        }
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
