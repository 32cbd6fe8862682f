//! The access keys that are somebody's own, by the use cases that operators have; of those of others nobody learns anything
//! here, whatever their roles hold.

use crate::domain::access_key::{AccessKey, Owner};
use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder};
use crate::domain::audit_event::Actor;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::domain::role;
use crate::domain::usage_summary::UsageSummary;
use crate::flows::access_keys::{self, AccessKeyEdit, AccessKeyWithSecret, NewAccessKey, SecretInUse};
use crate::flows::account::{Carrier, Person, grantable};
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, usage_summaries};
use crate::protocol::scope::Scope;

/// What lets people manage the keys that are theirs.
const OWN: [&str; 2] = ["own-access-keys:read", "own-access-keys:write"];

/// May this person have access keys? By a role, or because the deployment lets everybody (`account.access_keys`).
pub fn are_allowed(server: &Server, person: &Person) -> bool {
    let held = server.roles.scope_of(&person.user.roles);
    server.config.account.access_keys || OWN.iter().all(|scope| role::holds(&held, scope))
}

/// Refuses whoever may have none.
pub fn check_allowed(server: &Server, person: &Person) -> FlowResult<()> {
    Ok(caller(server, person).map(drop)?)
}

/// The person as a caller of the use cases: holding the right to manage their own keys, what their roles hold, and every
/// ordinary scope.
fn caller(server: &Server, person: &Person) -> Result<Caller, Denial> {
    if !are_allowed(server, person) {
        return Err(Denial::BearerScopeMissing(OWN[1]));
    }
    let roles = server.roles.scope_of(&person.user.roles);
    let ordinary = grantable(server, &person.user, Carrier::AccessKey);
    Ok(Caller {
        actor: Actor::User(person.id()),
        client_id: person.client_id.clone(),
        owner: Some(Owner::User(person.id())),
        held: roles.union(&ordinary).union(&Scope::from_tokens(OWN)),
        projects: Vec::new(),
        bounds: None,
        source: person.source.clone(),
    })
}

/// The person as a caller for one of their own keys. Roles may reach every key: here only their own.
fn caller_for(server: &Server, person: &Person, id: &str) -> FlowResult<(Caller, AccessKey)> {
    let caller = caller(server, person)?;
    let key = access_keys::show(server, &caller, id)?;
    if key.owner == caller.owner { Ok((caller, key)) } else { Err(FlowError::Denied(Denial::NotFound("access key"))) }
}

/// A page of own keys.
pub fn list(server: &Server, person: &Person, page: &PageRequest) -> FlowResult<Page<AccessKey>> {
    let filter = AccessKeyFilter { owner_id: Some(person.id()), ..AccessKeyFilter::default() };
    access_keys::list(server, &caller(server, person)?, &filter, AccessKeyOrder::default(), page)
}

/// One of the own keys.
pub fn show(server: &Server, person: &Person, id: &str) -> FlowResult<AccessKey> {
    caller_for(server, person, id).map(|(_, key)| key)
}

/// Makes a key, for whoever asks and for nobody else.
pub fn create(server: &Server, person: &Person, new: NewAccessKey) -> FlowResult<AccessKeyWithSecret> {
    access_keys::create(server, &caller(server, person)?, NewAccessKey { owner: None, ..new })
}

/// Edits a key.
pub fn update(server: &Server, person: &Person, id: &str, edit: AccessKeyEdit) -> FlowResult<AccessKey> {
    access_keys::update(server, &caller_for(server, person, id)?.0, id, edit)
}

/// Gives a key a new secret; the old one works for `grace_seconds` more.
pub fn rotate(server: &Server, person: &Person, id: &str, grace_seconds: u32) -> FlowResult<AccessKeyWithSecret> {
    access_keys::rotate(server, &caller_for(server, person, id)?.0, id, grace_seconds)
}

/// Ends the grace period now.
pub fn finish_rotation(server: &Server, person: &Person, id: &str) -> FlowResult<AccessKey> {
    access_keys::finish_rotation(server, &caller_for(server, person, id)?.0, id)
}

/// The secrets of a key that work now.
pub fn secrets(server: &Server, person: &Person, id: &str) -> FlowResult<Vec<SecretInUse>> {
    access_keys::secrets(server, &caller_for(server, person, id)?.0, id)
}

/// Disables, enables or revokes a key.
pub fn set_status(server: &Server, person: &Person, id: &str, to: Status) -> FlowResult<AccessKey> {
    access_keys::set_status(server, &caller_for(server, person, id)?.0, id, to)
}

/// Deletes a key for good; the name must be repeated.
pub fn delete(server: &Server, person: &Person, id: &str, name: &str) -> FlowResult<()> {
    access_keys::delete(server, &caller_for(server, person, id)?.0, id, name)
}

/// The use of a key over the last `days` days, today included.
pub fn usage(server: &Server, person: &Person, id: &str, days: i64) -> FlowResult<UsageSummary> {
    usage_summaries::of_access_key(server, &caller_for(server, person, id)?.0, id, days)
}
