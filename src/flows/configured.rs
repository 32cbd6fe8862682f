//! What the configuration offers to access keys: environments and plans, for whoever manages keys.

use serde::Serialize;

use crate::crypto::secret::KEY_LENGTH;
use crate::domain::limits::Limits;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::protocol::resource::Resource;

/// An environment as configured.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ConfiguredEnvironment {
    /// Its name, the `env` claim of its tokens.
    pub name: String,
    /// Does what names no environment belong to it?
    pub is_default: bool,
    /// What its access keys start with.
    pub access_key_prefix: String,
    /// The regular expression of its access keys, for secret scanners.
    pub access_key_pattern: String,
    /// Its own audiences; the first is the default.
    #[schema(value_type = Vec<String>)]
    pub resources: Vec<Resource>,
    /// The limits of a credential that has none of its own and no plan.
    #[serde(flatten)]
    pub limits: Limits,
    /// What no credential may exceed within any 60 seconds.
    pub max_requests_per_minute: Option<u32>,
    /// What no credential may exceed within any hour.
    pub max_requests_per_hour: Option<u32>,
}

/// A plan as configured.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ConfiguredPlan {
    /// Its name.
    pub name: String,
    /// Its limits.
    #[serde(flatten)]
    pub limits: Limits,
}

/// The configured environments, by name.
pub fn list_environments(server: &Server, caller: &Caller) -> FlowResult<Vec<ConfiguredEnvironment>> {
    caller.require("access-keys:read")?;
    let described = server.environments.iter().map(|environment| ConfiguredEnvironment {
        name: environment.name.clone(),
        is_default: environment.name == server.config.server.default_environment,
        access_key_prefix: environment.access_key_prefix.clone(),
        // Nothing to escape: a prefix holds letters, digits, '-' and '_' only.
        access_key_pattern: format!(r"\b{}[0-9A-Za-z]{{{KEY_LENGTH}}}\b", environment.access_key_prefix),
        resources: environment.resources.clone(),
        limits: environment.default_limits,
        max_requests_per_minute: environment.most.requests_per_minute,
        max_requests_per_hour: environment.most.requests_per_hour,
    });
    Ok(described.collect())
}

/// The configured plans, by name.
pub fn list_plans(server: &Server, caller: &Caller) -> FlowResult<Vec<ConfiguredPlan>> {
    caller.require("access-keys:read")?;
    let plans = server.config.plans.0.iter();
    Ok(plans.map(|(name, limits)| ConfiguredPlan { name: name.clone(), limits: *limits }).collect())
}
