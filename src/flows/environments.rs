//! What an environment allows to what is registered in it: audiences, limits, plans.

use ipnet::IpNet;

use crate::crypto::secret::is_well_formed_prefixed;
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::domain::environment::Environment;
use crate::domain::limits::Limits;
use crate::domain::role;
use crate::flows::Server;
use crate::protocol::resource::Resource;

/// Most networks in an allow-list.
const MAX_NETWORKS: usize = 100;

impl Server {
    /// The rules of an environment; None when it is not configured (any more).
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    /// The environment whose access keys look like this; None for a mistyped, cut or foreign one.
    pub fn environment_of_key(&self, secret: &str) -> Option<&Environment> {
        self.environments.iter().find(|found| is_well_formed_prefixed(&found.access_key_prefix, secret))
    }

    /// Is this scope granted only to principals whose roles hold it?
    pub fn is_privileged(&self, token: &str) -> bool {
        role::is_admin_api_scope(token) || self.scopes().find(token).is_some_and(|found| found.privileged)
    }

    /// The limits that a plan gives; none for a plan that is not configured.
    pub fn plan(&self, name: Option<&str>) -> Limits {
        name.and_then(|name| self.config.plans.0.get(name)).copied().unwrap_or_default()
    }

    /// The limits of a credential: its own, else its plan's, else its environment's, never above the environment's cap.
    pub fn limits(&self, environment: &str, own: Limits, plan: Option<&str>) -> Limits {
        let Some(environment) = self.environment(environment) else { return own.or(self.plan(plan)) };
        own.or(self.plan(plan)).or(environment.default_limits).capped(environment.most)
    }

    /// The limits of a client.
    pub fn limits_of_client(&self, client: &Client) -> Limits {
        self.limits(&client.environment, client.limits, client.plan.as_deref())
    }
}

/// The environment of this name, as a member of a registration.
pub fn find<'a>(server: &'a Server, name: &str) -> Result<&'a Environment, Denial> {
    let refused = || Denial::InvalidMember(format!("there is no environment '{name}' in the configuration"));
    server.environment(name).ok_or_else(refused)
}

/// Refuses audiences that belong to other environments only. The admin API belongs to the default environment.
pub fn check_resources(server: &Server, environment: &Environment, resources: &[Resource]) -> Result<(), Denial> {
    let is_default = environment.name == server.config.server.default_environment;
    let elsewhere = |resource: &&Resource| {
        let mine = environment.resources.contains(resource);
        let owned = server.environments.iter().any(|other| other.resources.contains(resource));
        !mine && (owned || (**resource == server.admin_resource && !is_default))
    };
    match resources.iter().find(elsewhere) {
        None => Ok(()),
        Some(resource) => {
            Err(Denial::InvalidMember(format!("{resource} belongs to another environment than '{}'", environment.name)))
        }
    }
}

/// Refuses a plan that is not configured, and limits of zero or above the environment's cap.
pub fn check_limits(
    server: &Server,
    environment: &Environment,
    limits: Limits,
    plan: Option<&str>,
) -> Result<(), Denial> {
    if let Some(unknown) = plan.filter(|name| !server.config.plans.0.contains_key(*name)) {
        return Err(Denial::InvalidMember(format!("there is no plan '{unknown}' in the configuration")));
    }
    if limits.windows().any(|(_, limit)| limit == 0 || limit > 1_000_000_000) {
        return Err(Denial::InvalidMember("limits must be 1 to 1000000000".to_owned()));
    }
    if limits.exceed(environment.most) {
        let most = environment.most;
        let said: Vec<_> = [("minute", most.requests_per_minute), ("hour", most.requests_per_hour)]
            .into_iter()
            .filter_map(|(window, most)| most.map(|most| format!("{most} a {window}")))
            .collect();
        return Err(Denial::InvalidMember(format!(
            "the environment '{}' allows at most {}",
            environment.name,
            said.join(", ")
        )));
    }
    Ok(())
}

/// Refuses an allow-list that is too long.
pub fn check_addresses(networks: &[IpNet]) -> Result<(), Denial> {
    if networks.len() > MAX_NETWORKS {
        return Err(Denial::InvalidMember(format!("allowed_addresses takes at most {MAX_NETWORKS} networks")));
    }
    Ok(())
}
