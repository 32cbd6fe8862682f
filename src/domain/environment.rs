//! Environments: `live` and `test` by default. What is registered in one is refused in another.

use std::time::Duration;

use crate::domain::limits::Limits;
use crate::protocol::resource::Resource;

/// The environment that a client or access key belongs to where none is named and the configuration says no other.
pub const DEFAULT_ENVIRONMENT: &str = "live";

/// The rules of an environment, as configured.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name, the `env` claim of its tokens.
    pub name: String,
    /// Lifetime of access tokens where the client has none of its own; None means the server's default.
    pub access_token_lifetime: Option<Duration>,
    /// What its access keys start with, such as `nxf_live_`.
    pub access_key_prefix: String,
    /// What the generated `client_id` of its clients start with.
    pub client_id_prefix: String,
    /// What the secrets of its clients start with; None means the server's own form.
    pub client_secret_prefix: Option<String>,
    /// Its own audiences; the first is the default of what is registered in it.
    pub resources: Vec<Resource>,
    /// The limits of a credential that has none of its own and no plan.
    pub default_limits: Limits,
    /// What no credential may exceed.
    pub most: Limits,
}
