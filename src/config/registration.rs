//! The sections of dynamic client registration and of seeding.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigError, fail};
use crate::domain::client_metadata::AssertionAudience;
use crate::domain::registration::RegistrationMode;
use crate::domain::role;
use crate::protocol::scope::Scope;

section!(
    /// `[registration]`
    RegistrationConfig {
        mode: RegistrationMode = RegistrationMode::Closed,
        scope: Scope = Scope::from_tokens(["openid", "profile", "email", "address", "phone", "offline_access"]),
        require_pkce: bool = false,
        assertion_audience: AssertionAudience = AssertionAudience::IssuerOrEndpoint,
        max_clients: u32 = 10_000,
        #[serde(with = "humantime_serde")]
        unused_lifetime: Duration = Duration::from_secs(7 * 86_400),
    }
);
section!(
    /// `[seed]`
    SeedConfig {
        file: Option<PathBuf> = None,
    }
);

impl Config {
    pub(super) fn check_registration(&self) -> Result<(), ConfigError> {
        let registration = &self.registration;
        if let Some(scope) = registration.scope.iter().find(|scope| role::is_admin_api_scope(scope)) {
            return fail(format!(
                "registration.scope must not hold {scope}: no client gives itself what administers this server"
            ));
        }
        if registration.unused_lifetime < Duration::from_secs(3600) {
            return fail("registration.unused_lifetime must be at least 1h: a client needs time for its first log-in");
        }
        Ok(())
    }
}
