//! Defining scopes.

use serde::Deserialize;

use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::domain::role;
use crate::domain::scope_definition::{ScopeDefinition, ScopeDefinitions};
use crate::domain::standard_claims::is_openid_scope;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::protocol::resource::Resource;
use crate::protocol::scope::is_scope_token;
use crate::store::StoreError;

/// A scope to define.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScope {
    /// The scope token (RFC 6749 §3.3).
    pub name: String,
    /// What it allows, for the person asked to consent.
    pub description: String,
    /// The resource it is for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub resource: Option<Resource>,
    /// Is it granted only to principals whose roles hold it?
    #[serde(default)]
    pub privileged: bool,
}

fn check(new: &NewScope) -> Result<(), Denial> {
    let refuse = |text: &str| Err(Denial::InvalidMember(text.to_owned()));
    if !is_scope_token(&new.name) || new.name.len() > 100 {
        return refuse("name must be a scope token of at most 100 characters (RFC 6749 §3.3)");
    }
    if new.description.trim().is_empty() || new.description.len() > 500 || new.description.chars().any(char::is_control)
    {
        return refuse("description must have 1 to 500 bytes and no control characters");
    }
    if role::is_admin_api_scope(&new.name) {
        return refuse("this scope belongs to the admin API and cannot be changed");
    }
    if is_openid_scope(&new.name) && (new.privileged || new.resource.is_some()) {
        return refuse(
            "this scope belongs to OpenID Connect: it has no resource, is not privileged, and only its description can be changed",
        );
    }
    Ok(())
}

fn definition(server: &Server, new: NewScope) -> ScopeDefinition {
    let NewScope { name, description, resource, privileged } = new;
    ScopeDefinition { name, description, resource, privileged, created_at: server.clock.now() }
}

/// Reads every definition into memory, where each issued token looks them up. Other instances do so within
/// `signing_keys.reload_interval`.
pub fn reload(server: &Server) -> Result<(), StoreError> {
    let all = server.store.read(|connection| connection.list_all_scopes())?;
    server.set_scopes(ScopeDefinitions::new(all));
    Ok(())
}

/// Defines a scope.
pub fn create(server: &Server, caller: &Caller, new: NewScope) -> FlowResult<ScopeDefinition> {
    caller.require("scopes:write")?;
    check(&new)?;
    let scope = definition(server, new);
    let (row, now) = (scope.clone(), server.clock.now());
    let event = caller.event(AuditAction::ScopeCreated, "scope", &scope.name);
    let written = server.store.write(move |connection| {
        connection.insert_scope(&row)?;
        connection.insert_audit_event(&event, now)
    });
    reload(server)?;
    match written {
        Ok(()) => Ok(scope),
        Err(StoreError::Conflict(_)) => {
            Err(Denial::Conflict("a scope of this name is defined already".to_owned()).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Replaces a definition; the name stays.
pub fn update(server: &Server, caller: &Caller, new: NewScope) -> FlowResult<ScopeDefinition> {
    caller.require("scopes:write")?;
    check(&new)?;
    let found = show(server, &Caller::server(), &new.name)?;
    if found.privileged {
        caller.may_hand_out([new.name.as_str()])?;
    }
    let scope = ScopeDefinition { created_at: found.created_at, ..definition(server, new) };
    let (row, now) = (scope.clone(), server.clock.now());
    let event = caller.event(AuditAction::ScopeUpdated, "scope", &scope.name);
    let done = server.store.write(move |connection| {
        let done = connection.update_scope(&row)?;
        connection.insert_audit_event(&event, now)?;
        Ok(done)
    })?;
    reload(server)?;
    if done { Ok(scope) } else { Err(Denial::NotFound("scope").into()) }
}

/// One definition.
pub fn show(server: &Server, caller: &Caller, name: &str) -> FlowResult<ScopeDefinition> {
    caller.require("scopes:read")?;
    let found = server.store.read(|connection| connection.find_scope(name))?;
    found.ok_or(FlowError::Denied(Denial::NotFound("scope")))
}

/// A page of definitions.
pub fn list(server: &Server, caller: &Caller, page: &PageRequest) -> FlowResult<Page<ScopeDefinition>> {
    caller.require("scopes:read")?;
    Ok(server.store.read(|connection| connection.list_scopes(page))?)
}

/// Removes a definition. Clients registered for the scope keep it; it just has no description any more.
pub fn delete(server: &Server, caller: &Caller, name: &str) -> FlowResult<()> {
    caller.require("scopes:write")?;
    if role::is_admin_api_scope(name) {
        return Err(
            Denial::InvalidMember("this scope belongs to the admin API and cannot be removed".to_owned()).into()
        );
    }
    if is_openid_scope(name) {
        let text = "this scope belongs to OpenID Connect and cannot be removed";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    }
    if show(server, &Caller::server(), name)?.privileged {
        // Undefined, it would be granted to everybody whose client is registered for it.
        caller.may_hand_out([name])?;
    }
    let (name, now) = (name.to_owned(), server.clock.now());
    let event = caller.event(AuditAction::ScopeDeleted, "scope", &name);
    let done = server.store.write(move |connection| {
        let done = connection.delete_scope(&name)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    reload(server)?;
    if done { Ok(()) } else { Err(Denial::NotFound("scope").into()) }
}
