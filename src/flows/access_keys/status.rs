//! Disabling, enabling, revoking and deleting access keys.

use crate::domain::access_key::AccessKey;
use crate::domain::audit_event::AuditAction;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::access_keys::{bounds, changed_at, find_to_set, find_to_write, write_change};
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// The event of a change of status.
pub(super) const fn action(to: Status) -> AuditAction {
    match to {
        Status::Active => AuditAction::AccessKeyEnabled,
        Status::Inactive => AuditAction::AccessKeyDisabled,
        Status::Revoked => AuditAction::AccessKeyRevoked,
    }
}

/// Disables, enables or revokes a key. Revoking is final.
pub fn set_status(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<AccessKey> {
    let before = find_to_set(server, caller, id, to)?;
    match to {
        Status::Active => {
            caller.may_register(&before.scope, &server.scopes())?;
            bounds::check_unless_self(server, caller, &before)?;
        }
        Status::Inactive | Status::Revoked => bounds::check_unless_own(server, caller, &before)?,
    }
    let key = AccessKey { status: to, updated_at: changed_at(server, &before), ..before.clone() };
    let event = caller.event(action(to), "access_key", key.id.as_str());
    write_change(server, &before, key, vec![event])
}

/// Deletes a key for good. The name must be repeated, so that nobody deletes the wrong one.
pub fn delete(server: &Server, caller: &Caller, id: &str, name: &str) -> FlowResult<()> {
    let key = find_to_write(server, caller, id)?;
    bounds::check_unless_own(server, caller, &key)?;
    if key.name != name {
        return Err(Denial::InvalidMember("name must be the name of the access key to delete".to_owned()).into());
    }
    let event = caller.event(AuditAction::AccessKeyDeleted, "access_key", key.id.as_str()).detail(key.name.clone());
    let (id, name, now) = (key.id.0, key.name, server.clock.now());
    let done = server.store.write(move |connection| {
        let done = connection.delete_access_key(&id, &name)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if done { Ok(()) } else { Err(Denial::NotFound("access key").into()) }
}
