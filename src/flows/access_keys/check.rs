//! What a key may be: its texts and limits, what its environment allows, what the caller may hand out, what its owner holds.

use chrono::TimeDelta;

use crate::domain::access_key::{AccessKey, Owner};
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::project::check_texts;
use crate::domain::role;
use crate::domain::text::span;
use crate::flows::access_keys::{bounds, own};
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, environments};
use crate::protocol::scope::Scope;

/// In seconds; later times are hardly meant, and hard to write in other systems.
const LONGEST_LIFE: i64 = 3_162_240_000;

/// Checks a key as it is to become: its texts and limits, its environment, what the caller may hand out, what its owner
/// holds. `before` is what it was.
pub(super) fn check(server: &Server, caller: &Caller, key: &AccessKey, before: Option<&AccessKey>) -> FlowResult<()> {
    check_texts(&key.name, &key.description).map_err(|text| Denial::InvalidMember(text.to_owned()))?;
    // What was in order when it was set does not stop an edit of something else.
    if before.is_none() {
        environments::check_resources(server, environments::find(server, &key.environment)?, &key.resources)?;
    }
    if before.is_none_or(|before| before.limits != key.limits || before.plan != key.plan) {
        let environment = environments::find(server, &key.environment)?;
        environments::check_limits(server, environment, key.limits, key.plan.as_deref())?;
    }
    environments::check_addresses(&key.allowed_addresses)?;
    if before.is_none_or(|before| before.expires_at != key.expires_at) {
        check_expiry(server, key)?;
    }
    let is_new = |token: &&str| !before.is_some_and(|before| before.scope.contains(token));
    let added: Vec<&str> = key.scope.iter().filter(is_new).collect();
    own::may_hand_out(server, caller, key, added.iter().copied())?;
    if before.is_some_and(|before| is_protected_otherwise(before, key)) {
        // Whoever does not hold what a key gives does not take its protections away.
        caller.may_register(&key.scope, &server.scopes())?;
    }
    own::may_limit(server, caller, key, before)?;
    bounds::check(server, caller, key)?;
    if before.is_none() {
        may_act_as(server, caller, key.owner.as_ref())?;
    }
    if before.is_none() || !added.is_empty() {
        check_owner(server, key, &added)?;
    }
    if !added.is_empty() || before.is_none_or(|before| before.projects != key.projects) {
        caller.may_hand_out_projects(&key.projects)?;
    }
    if before.is_none_or(|before| before.projects != key.projects) {
        check_projects(server, key)?;
    }
    Ok(())
}

/// Does an edit change what keeps a key from being used?
fn is_protected_otherwise(before: &AccessKey, after: &AccessKey) -> bool {
    before.allowed_addresses != after.allowed_addresses
        || before.expires_at != after.expires_at
        || before.limits != after.limits
        || before.plan != after.plan
        || before.projects != after.projects
        || before.resources != after.resources
        || (before.status != after.status && after.status == Status::Active)
}

fn check_expiry(server: &Server, key: &AccessKey) -> Result<(), Denial> {
    let refuse = |text: &str| Err(Denial::InvalidMember(text.to_owned()));
    let now = server.clock.now();
    if key.expires_at.is_some_and(|end| end <= now) {
        return refuse("expires_at must be in the future");
    }
    if key.expires_at.is_some_and(|end| end - now > TimeDelta::seconds(LONGEST_LIFE)) {
        return refuse("expires_at must be within 100 years");
    }
    let within =
        |most| key.expires_at.and_then(|end| (end - key.created_at).to_std().ok()).is_some_and(|life| life <= most);
    match server.config.access_keys.max_lifetime {
        Some(most) if !within(most) => {
            refuse(&format!("an access key must expire within {} of its creation", span(most)))
        }
        _ => Ok(()),
    }
}

fn check_projects(server: &Server, key: &AccessKey) -> FlowResult<()> {
    if key.projects.len() > 100 {
        return Err(Denial::InvalidMember("projects takes at most 100 entries".to_owned()).into());
    }
    let projects = key.projects.clone();
    let unknown = server.store.read(|connection| {
        for project in projects {
            if connection.find_project(project.as_str())?.is_none() {
                return Ok(Some(project));
            }
        }
        Ok(None)
    })?;
    match unknown {
        None => Ok(()),
        Some(project) => Err(Denial::InvalidMember(format!("there is no project '{project}'")).into()),
    }
}

/// Whoever gets a key into their hands can act as its owner does: for somebody else's, that takes the right to manage them.
/// Whatever the key's own scope: APIs that look at the subject or its roles see the owner.
pub(super) fn may_act_as(server: &Server, caller: &Caller, owner: Option<&Owner>) -> FlowResult<()> {
    if owner == caller.owner.as_ref() {
        return Ok(());
    }
    caller.require(match owner {
        Some(Owner::User(_)) => "users:write",
        Some(Owner::ServiceAccount(_)) => "service-accounts:write",
        Some(Owner::Client(_)) => "clients:write",
        None => role::ADMIN_SCOPE,
    })?;
    let roles = server.store.read(|connection| {
        Ok(match owner {
            Some(Owner::User(id)) => connection.find_user(id)?.map(|user| user.roles),
            Some(Owner::Client(id)) => connection.find_client(id)?.map(|client| client.roles),
            Some(Owner::ServiceAccount(_)) | None => None,
        })
    })?;
    Ok(caller.may_hand_out(server.roles.scope_of(&roles.unwrap_or_default()).iter())?)
}

/// A key holds no more than its owner: what the owner loses later, the key loses at the door.
fn check_owner(server: &Server, key: &AccessKey, added: &[&str]) -> FlowResult<()> {
    let refuse = |text: String| Err(FlowError::from(Denial::InvalidMember(text)));
    let Some(owner) = &key.owner else { return Ok(()) };
    let Some(held) = held_by(server, owner)? else {
        return refuse(format!("there is no active {} '{}'", owner.kind().replace('_', " "), owner.id()));
    };
    match added.iter().find(|token| !held.allows(server, token)) {
        None => Ok(()),
        Some(token) => refuse(format!("the owner does not hold {token}")),
    }
}

/// What an owner holds: everything ordinary and what its roles give, or a bounded scope.
struct Held {
    bound: Option<Scope>,
    roles: Option<Scope>,
}

impl Held {
    fn allows(&self, server: &Server, token: &str) -> bool {
        let within = self.bound.as_ref().is_none_or(|bound| bound.contains(token));
        let privileged = server.is_privileged(token);
        within && (!privileged || self.roles.as_ref().is_none_or(|roles| role::holds(roles, token)))
    }
}

fn held_by(server: &Server, owner: &Owner) -> FlowResult<Option<Held>> {
    Ok(server.store.read(|connection| {
        Ok(match owner {
            Owner::User(id) => connection
                .find_user(id)?
                .filter(|user| user.status == Status::Active)
                .map(|user| Held { bound: None, roles: Some(server.roles.scope_of(&user.roles)) }),
            Owner::ServiceAccount(id) => connection
                .find_service_account(id)?
                .filter(|account| account.status == Status::Active && account.id.as_str() == id)
                .map(|account| Held { bound: Some(account.scope), roles: None }),
            Owner::Client(id) => connection
                .find_client(id)?
                .filter(|client| client.status == Status::Active)
                .map(|client| Held { roles: Some(server.roles.scope_of(&client.roles)), bound: Some(client.scope) }),
        })
    })?)
}
