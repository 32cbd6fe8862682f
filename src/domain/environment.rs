//! Environments: `live` and `test` by default. What is registered in one is refused in another.

use std::time::Duration;

/// The environment that a client belongs to where none is named.
pub const DEFAULT_ENVIRONMENT: &str = "live";

/// The rules of an environment, as configured.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name, the `env` claim of its tokens.
    pub name: String,
    /// Lifetime of access tokens where the client has none of its own; None means the server's default.
    pub access_token_lifetime: Option<Duration>,
}
