//! What a request says of an access key, for creating and for editing.

use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use ipnet::IpNet;
use serde::Deserialize;

use crate::domain::access_key::{AccessKey, Owner};
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::environment::Environment;
use crate::domain::ids::{AccessKeyId, ProjectId};
use crate::domain::limits::Limits;
use crate::domain::role;
use crate::flows::caller::Caller;
use crate::flows::member::{items, networks, not_null, present};
use crate::flows::{Server, environments};
use crate::protocol::resource::Resource;
use crate::protocol::scope::{Scope, is_scope_token};

/// A key to make. Only the name is needed.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each member is that of AccessKey, which documents it")]
pub struct NewAccessKey {
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// Where it works; the default environment where absent.
    #[serde(default, deserialize_with = "not_null")]
    pub environment: Option<String>,
    /// Whose it is; the caller's where absent, the platform's where null.
    #[serde(default, deserialize_with = "present")]
    pub owner: Option<Option<Owner>>,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub projects: Vec<String>,
    /// The audiences that accept it; the first of its environment where absent.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub resources: Option<Vec<Resource>>,
    #[serde(default)]
    pub plan: Option<String>,
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    #[serde(default)]
    pub requests_per_hour: Option<u32>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "networks")]
    pub allowed_addresses: Option<Vec<IpNet>>,
    /// When it ends; never where absent.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
    /// In how many seconds it ends, instead of `expires_at`.
    #[serde(default)]
    pub expires_in: Option<u64>,
}

/// An edit: a member that is left out stays as it is. Environment, owner and secret cannot be edited.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each member is that of AccessKey, which documents it")]
pub struct AccessKeyEdit {
    #[serde(default, deserialize_with = "not_null")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "items")]
    pub scopes: Option<Vec<String>>,
    #[serde(default, deserialize_with = "items")]
    pub projects: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pub plan: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub requests_per_minute: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub requests_per_hour: Option<Option<u32>>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "networks")]
    pub allowed_addresses: Option<Vec<IpNet>>,
    #[serde(default, deserialize_with = "present")]
    pub expires_at: Option<Option<DateTime<Utc>>>,
    /// `active` or `inactive`; `revoked` is for good.
    #[serde(default, deserialize_with = "not_null")]
    pub status: Option<Status>,
}

/// A scope from the array that a request has.
pub fn scope_of(tokens: &[String]) -> Result<Scope, Denial> {
    if tokens.len() > 200 {
        return Err(Denial::InvalidMember("scopes takes at most 200 entries".to_owned()));
    }
    match tokens.iter().find(|token| !is_scope_token(token) || token.len() > 100) {
        None => Ok(Scope::from_tokens(tokens.iter().map(String::as_str))),
        Some(token) => Err(Denial::InvalidMember(format!("'{token}' is no scope token (RFC 6749 §3.3)"))),
    }
}

fn projects_of(names: Vec<String>) -> Result<Vec<ProjectId>, Denial> {
    let mut projects: Vec<ProjectId> = Vec::new();
    for name in names {
        if !ProjectId::is_valid(&name) {
            return Err(Denial::InvalidMember(format!("there is no project '{name}'")));
        }
        if !projects.iter().any(|known| known.as_str() == name) {
            projects.push(ProjectId(name));
        }
    }
    Ok(projects)
}

/// The audience of a key that names none: the admin API where it is for nothing else, else its environment's first.
/// `admin` alone does not tell, for platforms use that word for their own API too; a key that would be good for both could
/// be used here by whoever receives it there.
fn default_resources(server: &Server, environment: &Environment, scope: &Scope) -> Vec<Resource> {
    let own = |token: &str| role::is_admin_api_scope(token) && token != role::ADMIN_SCOPE;
    let is_default = environment.name == server.config.server.default_environment;
    if is_default && !scope.is_empty() && scope.iter().all(own) {
        return vec![server.admin_resource.clone()];
    }
    environment.resources.first().cloned().into_iter().collect()
}

impl NewAccessKey {
    /// The key, still without identifier and secret.
    pub(super) fn into_key(self, server: &Server, caller: &Caller) -> Result<AccessKey, Denial> {
        let now = server.clock.now();
        let refuse = |text: &str| Denial::InvalidMember(text.to_owned());
        let name = self.environment.unwrap_or_else(|| server.config.server.default_environment.clone());
        let environment = environments::find(server, &name)?;
        let scope = scope_of(&self.scopes)?;
        let resources = self.resources.unwrap_or_else(|| default_resources(server, environment, &scope));
        if resources.is_empty() || resources.len() > 50 {
            return Err(refuse("resources takes 1 to 50 entries"));
        }
        let expires_at = match (self.expires_at, self.expires_in) {
            (Some(_), Some(_)) => return Err(refuse("expires_at or expires_in, not both")),
            // As it is stored.
            (Some(end), None) => Some(end.trunc_subsecs(6)),
            (None, Some(seconds)) if seconds > 0 && seconds <= 3_162_240_000 => {
                Some(now + Duration::from_secs(seconds))
            }
            (None, Some(_)) => return Err(refuse("expires_in must be 1 to 3162240000 seconds")),
            (None, None) => None,
        };
        Ok(AccessKey {
            id: AccessKeyId(String::new()),
            name: self.name,
            description: self.description,
            environment: name,
            owner: self.owner.unwrap_or_else(|| caller.owner.clone()),
            scope,
            resources,
            projects: projects_of(self.projects)?,
            plan: self.plan,
            limits: Limits { requests_per_minute: self.requests_per_minute, requests_per_hour: self.requests_per_hour },
            allowed_addresses: self.allowed_addresses.unwrap_or_default(),
            status: Status::Active,
            masked: String::new(),
            expires_at,
            created_at: now,
            created_by: caller.described(),
            updated_at: now,
            rotated_at: None,
            last_used_at: None,
            last_used_address: None,
        })
    }
}

impl AccessKeyEdit {
    /// Changes the key; answers the status that is asked for.
    pub(super) fn apply(self, key: &mut AccessKey) -> Result<Option<Status>, Denial> {
        macro_rules! overlay {
            ($($name:ident),*) => { $(if let Some(value) = self.$name { key.$name = value; })* };
        }
        overlay!(name, description, plan, allowed_addresses);
        if let Some(end) = self.expires_at {
            key.expires_at = end.map(|end| end.trunc_subsecs(6));
        }
        if let Some(scopes) = self.scopes {
            key.scope = scope_of(&scopes)?;
        }
        if let Some(projects) = self.projects {
            key.projects = projects_of(projects)?;
        }
        if let Some(limit) = self.requests_per_minute {
            key.limits.requests_per_minute = limit;
        }
        if let Some(limit) = self.requests_per_hour {
            key.limits.requests_per_hour = limit;
        }
        Ok(self.status)
    }
}
