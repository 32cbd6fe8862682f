//! Rotation of an access key's secret, with a grace period in which the old one still works.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::access_key::AccessKey;
use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::flows::access_keys::check::may_act_as;
use crate::flows::access_keys::{AccessKeyWithSecret, bounds, changed_at, find_to_change, make_secret, own};
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::{Server, environments};

/// Refuses a grace period above the configured most.
pub(in crate::flows) fn check_grace(server: &Server, grace_seconds: u32) -> Result<(), Denial> {
    let most = server.config.access_keys.max_grace.as_secs();
    if u64::from(grace_seconds) > most {
        return Err(Denial::InvalidMember(format!("grace_seconds must be at most {most}")));
    }
    Ok(())
}

/// Gives a key a new secret. The current one works for `grace_seconds` more, one that was being replaced already ends at
/// once: at most two work at a time.
pub fn rotate(server: &Server, caller: &Caller, id: &str, grace_seconds: u32) -> FlowResult<AccessKeyWithSecret> {
    let before = find_to_change(server, caller, id)?;
    // Whoever rotates a key gets it into their hands.
    own::may_hand_out(server, caller, &before, before.scope.iter())?;
    bounds::check_unless_self(server, caller, &before)?;
    may_act_as(server, caller, before.owner.as_ref())?;
    check_grace(server, grace_seconds)?;
    let environment = environments::find(server, &before.environment)?;
    let (text, secret) = make_secret(server, environment, &before.id)?;
    let now = server.clock.now();
    let updated_at = changed_at(server, &before);
    let key = AccessKey { masked: secret.masked.clone(), rotated_at: Some(now), updated_at, ..before.clone() };
    let event = caller
        .event(AuditAction::AccessKeyRotated, "access_key", key.id.as_str())
        .detail(format!("grace_seconds={grace_seconds}"));
    let end = now + Duration::from_secs(grace_seconds.into());
    let (stored, from, read_at) = (key.clone(), before.status, before.updated_at);
    let done = server.store.write(move |connection| {
        // The row of the key decides between two that rotate at the same moment.
        if !connection.update_access_key(&stored, from, read_at)? {
            return Ok(false);
        }
        connection.end_replaced_access_key_secrets(stored.id.as_str(), now)?;
        connection.end_current_access_key_secret(stored.id.as_str(), end)?;
        connection.insert_access_key_secret(&secret)?;
        connection.insert_audit_event(&event, now)?;
        Ok(true)
    })?;
    if !done {
        return Err(Denial::Conflict("the access key was changed meanwhile: read it again".to_owned()).into());
    }
    Ok(AccessKeyWithSecret { key, secret: text.to_string() })
}

/// Until when the secret that is being replaced goes on working; None where none is.
pub fn rotating_until(server: &Server, key: &AccessKey) -> FlowResult<Option<DateTime<Utc>>> {
    let now = server.clock.now();
    let secrets = server.store.read(|connection| connection.list_access_key_secrets(key.id.as_str()))?;
    Ok(secrets.into_iter().filter_map(|secret| secret.expires_at).filter(|end| now < *end).max())
}

/// Ends the grace period now.
pub fn finish(server: &Server, caller: &Caller, id: &str) -> FlowResult<AccessKey> {
    let key = find_to_change(server, caller, id)?;
    bounds::check_unless_own(server, caller, &key)?;
    let event = caller.event(AuditAction::AccessKeyRotationFinished, "access_key", key.id.as_str());
    let (id, now) = (key.id.0.clone(), server.clock.now());
    let ended = server.store.write(move |connection| {
        let ended = connection.end_replaced_access_key_secrets(&id, now)?;
        if ended > 0 {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(ended)
    })?;
    if ended == 0 {
        return Err(Denial::Conflict("no secret of this access key is being replaced".to_owned()).into());
    }
    Ok(key)
}
