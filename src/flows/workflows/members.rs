//! What a request says of a workflow, for creating and for editing, and whether it holds.

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::domain::project::check_texts;
use crate::domain::workflow::Workflow;
use crate::flows::Server;
use crate::flows::access_keys::scope_of;
use crate::flows::member::not_null;
use crate::protocol::origin::Origin;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Lifetime of a workflow's tokens where none is named, in seconds.
pub(super) const DEFAULT_LIFETIME: u32 = 300;
/// The longest: what a page holds is easily taken from it.
const MAX_LIFETIME: u32 = 900;

/// A workflow to make. No `Debug`: it holds a secret.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each member is that of Workflow, which documents it")]
pub struct NewWorkflow {
    pub client_id: String,
    /// A secret of the client that works now. It is not kept.
    #[schema(value_type = String)]
    pub client_secret: EnteredSecret,
    pub name: String,
    pub scopes: Vec<String>,
    /// Those that its scopes belong to, else the client's first, where absent.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub resources: Option<Vec<Resource>>,
    #[schema(value_type = Vec<String>)]
    #[serde(default)]
    pub allowed_origins: Vec<Origin>,
    /// 10 to 900 seconds; 300 where absent.
    #[serde(default, deserialize_with = "not_null")]
    pub access_token_lifetime: Option<u32>,
}

/// A client secret as it was entered. No `Debug`.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "String")]
pub struct EnteredSecret(pub Zeroizing<String>);

impl From<String> for EnteredSecret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// An edit: a member that is left out stays as it is. The client cannot be edited.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each member is that of Workflow, which documents it")]
pub struct WorkflowEdit {
    #[serde(default, deserialize_with = "not_null")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    pub scopes: Option<Vec<String>>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub resources: Option<Vec<Resource>>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub allowed_origins: Option<Vec<Origin>>,
    #[serde(default, deserialize_with = "not_null")]
    pub access_token_lifetime: Option<u32>,
    /// A secret of the client that works now: needed where the edit widens what the workflow may do. It is not kept.
    #[schema(value_type = Option<String>)]
    #[serde(default, deserialize_with = "not_null")]
    pub client_secret: Option<EnteredSecret>,
}

/// Does `after` allow what `before` did not? What a workflow is bound to was bound by whoever entered the client's secret.
pub(super) fn widens(before: &Workflow, after: &Workflow) -> bool {
    let origins = || after.allowed_origins.iter().any(|origin| !before.allowed_origins.contains(origin));
    // Without origins it is for callers that are not browsers, which can be anybody who knows two public identifiers.
    let opened = after.allowed_origins.is_empty() && !before.allowed_origins.is_empty();
    !after.scope.is_subset_of(&before.scope)
        || after.resources.iter().any(|resource| !before.resources.contains(resource))
        || after.access_token_lifetime > before.access_token_lifetime
        || opened
        || origins()
}

impl WorkflowEdit {
    /// Changes the workflow.
    pub(super) fn apply(self, workflow: &mut Workflow) -> Result<(), Denial> {
        macro_rules! overlay {
            ($($name:ident),*) => { $(if let Some(value) = self.$name { workflow.$name = value; })* };
        }
        overlay!(name, resources, allowed_origins, access_token_lifetime);
        if let Some(scopes) = self.scopes {
            workflow.scope = scope_of(&scopes)?;
        }
        Ok(())
    }
}

/// The audiences of a workflow that names none.
pub(super) fn default_resources(server: &Server, client: &Client, scope: &Scope) -> Vec<Resource> {
    let definitions = server.scopes();
    let mut resources: Vec<Resource> = Vec::new();
    let owned = scope.iter().filter_map(|token| definitions.find(token)).filter_map(|found| found.resource.clone());
    for resource in owned {
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    if resources.is_empty() {
        resources.extend(client.resources.first().cloned());
    }
    resources
}

/// Checks a workflow within itself and against its client: it holds no more than the client, and nothing privileged.
pub(super) fn check(server: &Server, client: &Client, workflow: &mut Workflow) -> Result<(), Denial> {
    let refuse = |text: String| Err(Denial::InvalidMember(text));
    check_texts(&workflow.name, "").map_err(|text| Denial::InvalidMember(text.to_owned()))?;
    if !(10..=MAX_LIFETIME).contains(&workflow.access_token_lifetime) {
        return refuse(format!("access_token_lifetime must be 10 to {MAX_LIFETIME} seconds"));
    }
    if let Some(token) = workflow.scope.iter().find(|token| !client.scope.contains(token)) {
        return refuse(format!("the client is not registered for the scope {token}"));
    }
    // A public identifier entitles to nothing that a role must hold.
    if let Some(token) = workflow.scope.iter().find(|token| server.is_privileged(token)) {
        return refuse(format!("the scope {token} is privileged: no workflow may hold it"));
    }
    if workflow.resources.is_empty() || workflow.resources.len() > 50 || workflow.allowed_origins.len() > 50 {
        return refuse("resources takes 1 to 50 entries, allowed_origins at most 50".to_owned());
    }
    if let Some(resource) = workflow.resources.iter().find(|resource| !client.resources.contains(resource)) {
        return refuse(format!("the client is not registered for the resource {resource}"));
    }
    if workflow.resources.contains(&server.admin_resource) {
        return refuse("a workflow is not for the admin API".to_owned());
    }
    let definitions = server.scopes();
    let elsewhere = |token: &&str| {
        let resource = definitions.find(token).and_then(|found| found.resource.as_ref());
        resource.is_some_and(|resource| !workflow.resources.contains(resource))
    };
    if let Some(token) = workflow.scope.iter().find(elsewhere) {
        return refuse(format!("the scope {token} belongs to a resource that is not among the resources"));
    }
    let mut seen: Vec<Origin> = Vec::new();
    workflow.allowed_origins.retain(|origin| {
        let is_new = !seen.contains(origin);
        if is_new {
            seen.push(origin.clone());
        }
        is_new
    });
    Ok(())
}
