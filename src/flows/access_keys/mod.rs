//! Access keys, as operators and people manage them: create, list, show, edit. Nobody makes a key that holds more than
//! they do.

mod bounds;
mod check;
mod leak;
mod members;
mod own;
mod owners;
mod rotate;
mod status;

pub use leak::report as report_leak;
pub use members::{AccessKeyEdit, NewAccessKey, scope_of};
pub use owners::{OwnerNames, owner_names};
pub(in crate::flows) use rotate::check_grace;
pub use rotate::{finish as finish_rotation, rotate, rotating_until};
pub use status::{delete, set_status};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::crypto::{random, secret};
use crate::domain::access_key::{AccessKey, AccessKeySecret, mask};
use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder};
use crate::domain::audit_event::AuditAction;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::environment::Environment;
use crate::domain::ids::{AccessKeyId, AccessKeySecretId};
use crate::domain::limits::Limits;
use crate::domain::page::{Page, PageRequest};
use crate::domain::usage::SecretUse;
use crate::flows::access_keys::check::check;
use crate::flows::access_keys::own::Reach;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, environments};
use crate::store::StoreError;

/// A key with its secret, shown this once. No `Debug`.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AccessKeyWithSecret {
    /// The key.
    #[serde(flatten)]
    pub key: AccessKey,
    /// The secret.
    pub secret: String,
}

/// A secret of a key, without the secret: who still uses it, and from where.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SecretInUse {
    /// Its identifier.
    pub id: String,
    /// Recognisable and useless.
    pub masked: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working; null while it is the current one.
    pub expires_at: Option<DateTime<Utc>>,
    /// From where it is used, the latest first; some seconds late.
    pub used_from: Vec<SecretUse>,
}

/// A new secret for a key: the text, and the row.
fn make_secret(
    server: &Server,
    environment: &Environment,
    access_key_id: &AccessKeyId,
) -> FlowResult<(Zeroizing<String>, AccessKeySecret)> {
    let now = server.clock.now();
    let text = secret::generate_prefixed(&environment.access_key_prefix)?;
    let row = AccessKeySecret {
        id: AccessKeySecretId(random::id(now)?),
        digest: server.keys.digest_access_key(&text),
        access_key_id: access_key_id.clone(),
        masked: mask(&environment.access_key_prefix, &text),
        created_at: now,
        expires_at: None,
    };
    Ok((text, row))
}

/// Makes a key. It belongs to the caller where no owner is named.
pub fn create(server: &Server, caller: &Caller, new: NewAccessKey) -> FlowResult<AccessKeyWithSecret> {
    own::to_write(caller)?;
    let now = server.clock.now();
    let mut key = new.into_key(server, caller)?;
    key.id = AccessKeyId(format!("ak_{}", random::id(now)?.replace('-', "")));
    check(server, caller, &key, None)?;
    let environment = environments::find(server, &key.environment)?;
    let (text, secret) = make_secret(server, environment, &key.id)?;
    key.masked.clone_from(&secret.masked);
    let event = caller.event(AuditAction::AccessKeyCreated, "access_key", key.id.as_str());
    let stored = key.clone();
    let written = server.store.write(move |connection| {
        connection.insert_access_key(&stored)?;
        connection.insert_access_key_secret(&secret)?;
        connection.insert_audit_event(&event, now)
    });
    written.map_err(gone)?;
    Ok(AccessKeyWithSecret { key, secret: text.to_string() })
}

/// One key.
pub fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<AccessKey> {
    find(server, own::to_read(caller)?, id)
}

/// One key whose use the caller may see.
pub(in crate::flows) fn find_to_read_usage(server: &Server, caller: &Caller, id: &str) -> FlowResult<AccessKey> {
    find(server, own::to_read_usage(caller)?, id)
}

fn find(server: &Server, reach: Reach<'_>, id: &str) -> FlowResult<AccessKey> {
    let found = server.store.read(|connection| connection.find_access_key(id))?;
    found.filter(|key| reach.covers(key)).ok_or(FlowError::Denied(Denial::NotFound("access key")))
}

/// A page of keys.
pub fn list(
    server: &Server,
    caller: &Caller,
    filter: &AccessKeyFilter,
    order: AccessKeyOrder,
    page: &PageRequest,
) -> FlowResult<Page<AccessKey>> {
    let reach = own::to_read(caller)?;
    let mut filter = filter.clone();
    filter.owner_kinds = owners::kinds_to_know(caller);
    if let Reach::Own(owner) = reach {
        if filter.owner_id.as_ref().is_some_and(|wanted| wanted != owner.id()) {
            return Ok(Page { items: Vec::new(), next_cursor: None });
        }
        filter.owner_id = Some(owner.id().to_owned());
    }
    Ok(server.store.read(|connection| connection.list_access_keys(&filter, order, page, server.clock.now()))?)
}

/// The secrets of a key that work now: who still uses the old one, and from where. That somebody looked is an event.
pub fn secrets(server: &Server, caller: &Caller, id: &str) -> FlowResult<Vec<SecretInUse>> {
    let key = find(server, own::to_read(caller)?, id)?;
    let now = server.clock.now();
    let (secrets, uses) = server.store.read(|connection| {
        Ok((connection.list_access_key_secrets(key.id.as_str())?, connection.list_secret_uses(key.id.as_str())?))
    })?;
    let event = caller.event(AuditAction::AccessKeySecretsRead, "access_key", key.id.as_str());
    server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    let live = secrets.into_iter().filter(|secret| secret.expires_at.is_none_or(|end| now < end));
    Ok(live
        .map(|secret| SecretInUse {
            used_from: uses.iter().filter(|used| used.secret_id == secret.id.as_str()).cloned().collect(),
            id: secret.id.0,
            masked: secret.masked,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
        })
        .collect())
}

/// Edits a key.
pub fn update(server: &Server, caller: &Caller, id: &str, edit: AccessKeyEdit) -> FlowResult<AccessKey> {
    let before = find_to_change(server, caller, id)?;
    let mut key = before.clone();
    let status = edit.apply(&mut key)?;
    // One event more, and the same write: an edit is never half done.
    key.status = status.unwrap_or(before.status);
    check(server, caller, &key, Some(&before))?;
    key.updated_at = changed_at(server, &before);
    let mut events = vec![caller.event(AuditAction::AccessKeyUpdated, "access_key", key.id.as_str())];
    if before.limits != key.limits || before.plan != key.plan {
        let detail =
            format!("{} to {}", said(before.limits, before.plan.as_deref()), said(key.limits, key.plan.as_deref()));
        events.push(caller.event(AuditAction::AccessKeyLimitsChanged, "access_key", key.id.as_str()).detail(detail));
    }
    if before.status != key.status {
        events.push(caller.event(status::action(key.status), "access_key", key.id.as_str()));
    }
    write_change(server, &before, key, events)
}

/// Limits and plan in words, for events.
pub(super) fn said(limits: Limits, plan: Option<&str>) -> String {
    let number = |limit: Option<u32>| limit.map_or_else(|| "default".to_owned(), |limit| limit.to_string());
    format!(
        "{}/min {}/h plan {}",
        number(limits.requests_per_minute),
        number(limits.requests_per_hour),
        plan.unwrap_or("none")
    )
}

/// A key that the caller may change or remove. Whoever is limited to projects leaves those of others alone.
fn find_to_write(server: &Server, caller: &Caller, id: &str) -> FlowResult<AccessKey> {
    find_within(server, caller, own::to_write(caller)?, id)
}

fn find_within(server: &Server, caller: &Caller, reach: own::Reach<'_>, id: &str) -> FlowResult<AccessKey> {
    let key = find(server, reach, id)?;
    caller.may_hand_out_projects(&key.projects)?;
    Ok(key)
}

/// A key that can still be changed.
fn find_to_change(server: &Server, caller: &Caller, id: &str) -> FlowResult<AccessKey> {
    changeable(find_to_write(server, caller, id)?)
}

/// A key whose status can still be changed, to this one.
fn find_to_set(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<AccessKey> {
    changeable(find_within(server, caller, own::to_set(caller, to)?, id)?)
}

fn changeable(key: AccessKey) -> FlowResult<AccessKey> {
    if key.status == Status::Revoked {
        return Err(Denial::Conflict("the access key is revoked, which is final".to_owned()).into());
    }
    Ok(key)
}

/// The time of a change. Always later than the one before, for it tells whether somebody else was faster: a clock that
/// stands still or goes back must not let two changes pass for one.
fn changed_at(server: &Server, before: &AccessKey) -> DateTime<Utc> {
    server.clock.now().max(before.updated_at + TimeDelta::microseconds(1))
}

/// What a key refers to was removed while it was written.
fn gone(error: StoreError) -> FlowError {
    match error {
        StoreError::Conflict(_) => {
            Denial::Conflict("a project or the owner of the access key was removed meanwhile".to_owned()).into()
        }
        other => other.into(),
    }
}

fn write_change(
    server: &Server,
    before: &AccessKey,
    key: AccessKey,
    events: Vec<crate::domain::audit_event::NewAuditEvent>,
) -> FlowResult<AccessKey> {
    let (stored, from, read_at, now) = (key.clone(), before.status, before.updated_at, server.clock.now());
    let done = server.store.write(move |connection| {
        let done = connection.update_access_key(&stored, from, read_at)?;
        if done {
            events.iter().try_for_each(|event| connection.insert_audit_event(event, now))?;
        }
        Ok(done)
    });
    let done = done.map_err(gone)?;
    let changed = || Denial::Conflict("the access key was changed meanwhile: read it again".to_owned());
    if done { Ok(key) } else { Err(changed().into()) }
}
