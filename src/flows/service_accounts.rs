//! Service accounts, as operators manage them.

use chrono::TimeDelta;
use serde::Deserialize;

use crate::crypto::random;
use crate::domain::audit_event::AuditAction;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::ids::ServiceAccountId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::project::check_texts;
use crate::domain::search::ListFilter;
use crate::domain::service_account::ServiceAccount;
use crate::flows::Server;
use crate::flows::access_keys::scope_of;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::member::{items, not_null, present};
use crate::store::StoreError;

/// A service account to make.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewServiceAccount {
    /// Unique, for people.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The most that its keys may hold.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The plan of its keys that have none of their own.
    #[serde(default)]
    pub plan: Option<String>,
}

/// An edit of a service account: what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountEdit {
    /// Unique, for people.
    #[serde(default, deserialize_with = "not_null")]
    pub name: Option<String>,
    /// For people.
    #[serde(default, deserialize_with = "not_null")]
    pub description: Option<String>,
    /// The most that its keys may hold.
    #[serde(default, deserialize_with = "items")]
    pub scopes: Option<Vec<String>>,
    /// The plan of its keys that have none of their own.
    #[serde(default, deserialize_with = "present")]
    pub plan: Option<Option<String>>,
}

fn check(server: &Server, account: &ServiceAccount) -> Result<(), Denial> {
    check_texts(&account.name, &account.description).map_err(|text| Denial::InvalidMember(text.to_owned()))?;
    if account.name.starts_with("sa_") {
        return Err(Denial::InvalidMember("a name starting with sa_ would be taken for an id".to_owned()));
    }
    match account.plan.as_deref().filter(|name| !server.config.plans.0.contains_key(*name)) {
        None => Ok(()),
        Some(unknown) => Err(Denial::InvalidMember(format!("there is no plan '{unknown}' in the configuration"))),
    }
}

/// Makes a service account that may hold no more than the caller does.
pub fn create(server: &Server, caller: &Caller, new: NewServiceAccount) -> FlowResult<ServiceAccount> {
    caller.require("service-accounts:write")?;
    let now = server.clock.now();
    let account = ServiceAccount {
        id: ServiceAccountId(format!("sa_{}", random::id(now)?.replace('-', ""))),
        name: new.name,
        description: new.description,
        scope: scope_of(&new.scopes)?,
        plan: new.plan,
        status: Status::Active,
        created_at: now,
        updated_at: now,
    };
    caller.may_hand_out(account.scope.iter())?;
    check(server, &account)?;
    let event = caller.event(AuditAction::ServiceAccountCreated, "service_account", account.id.as_str());
    let stored = account.clone();
    let written = server.store.write(move |connection| {
        connection.insert_service_account(&stored)?;
        connection.insert_audit_event(&event, now)
    });
    match written {
        Ok(()) => Ok(account),
        Err(StoreError::Conflict(_)) => Err(taken()),
        Err(error) => Err(error.into()),
    }
}

fn taken() -> FlowError {
    Denial::Conflict("a service account of this name exists already".to_owned()).into()
}

/// One service account, by id or name.
pub fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<ServiceAccount> {
    caller.require("service-accounts:read")?;
    find(server, id)
}

fn find(server: &Server, id: &str) -> FlowResult<ServiceAccount> {
    let found = server.store.read(|connection| connection.find_service_account(id))?;
    found.ok_or(FlowError::Denied(Denial::NotFound("service account")))
}

/// A page of service accounts.
pub fn list(
    server: &Server,
    caller: &Caller,
    filter: &ListFilter,
    page: &PageRequest,
) -> FlowResult<Page<ServiceAccount>> {
    caller.require("service-accounts:read")?;
    Ok(server.store.read(|connection| connection.list_service_accounts(filter, page))?)
}

fn find_to_change(server: &Server, caller: &Caller, id: &str) -> FlowResult<ServiceAccount> {
    caller.require("service-accounts:write")?;
    changeable(find(server, id)?)
}

fn changeable(account: ServiceAccount) -> FlowResult<ServiceAccount> {
    if account.status == Status::Revoked {
        return Err(Denial::Conflict("the service account is revoked, which is final".to_owned()).into());
    }
    Ok(account)
}

/// Edits a service account. What it loses, its keys lose at once.
pub fn update(server: &Server, caller: &Caller, id: &str, edit: ServiceAccountEdit) -> FlowResult<ServiceAccount> {
    let before = find_to_change(server, caller, id)?;
    let scope = edit.scopes.map(|scopes| scope_of(&scopes)).transpose()?;
    let account = ServiceAccount {
        name: edit.name.unwrap_or_else(|| before.name.clone()),
        description: edit.description.unwrap_or_else(|| before.description.clone()),
        scope: scope.unwrap_or_else(|| before.scope.clone()),
        plan: edit.plan.unwrap_or_else(|| before.plan.clone()),
        ..before.clone()
    };
    caller.may_hand_out(account.scope.iter().filter(|token| !before.scope.contains(token)))?;
    check(server, &account)?;
    write_change(server, caller, &before, account, AuditAction::ServiceAccountUpdated)
}

/// Disables, enables or revokes a service account, and with it its keys. Revoking is final.
pub fn set_status(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<ServiceAccount> {
    caller.require_to_set(to, "service-accounts:write")?;
    let before = changeable(find(server, id)?)?;
    let action = match to {
        Status::Active => AuditAction::ServiceAccountEnabled,
        Status::Inactive => AuditAction::ServiceAccountDisabled,
        Status::Revoked => AuditAction::ServiceAccountRevoked,
    };
    let account = ServiceAccount { status: to, ..before.clone() };
    write_change(server, caller, &before, account, action)
}

fn write_change(
    server: &Server,
    caller: &Caller,
    before: &ServiceAccount,
    mut account: ServiceAccount,
    action: AuditAction,
) -> FlowResult<ServiceAccount> {
    let now = server.clock.now();
    // Later than the change before, for it tells whether somebody else was faster.
    account.updated_at = now.max(before.updated_at + TimeDelta::microseconds(1));
    let mut event = caller.event(action, "service_account", account.id.as_str());
    if before.plan != account.plan {
        let said = |plan: &Option<String>| plan.clone().unwrap_or_else(|| "none".to_owned());
        event = event.detail(format!("plan {} to {}", said(&before.plan), said(&account.plan)));
    }
    let (stored, from, read_at) = (account.clone(), before.status, before.updated_at);
    let done = server.store.write(move |connection| {
        let done = connection.update_service_account(&stored, from, read_at)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    });
    match done {
        Ok(true) => Ok(account),
        Ok(false) => {
            Err(Denial::Conflict("the service account was changed meanwhile: read it again".to_owned()).into())
        }
        Err(StoreError::Conflict(_)) => Err(taken()),
        Err(error) => Err(error.into()),
    }
}
