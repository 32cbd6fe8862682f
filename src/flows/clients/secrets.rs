//! The life of a client's secret: made, shown once, replaced with an overlap, and who still uses the old one from where.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::clock::later;
use crate::crypto::random;
use crate::crypto::secret::{self, SecretKind};
use crate::domain::audit_event::AuditAction;
use crate::domain::client::{Client, ClientSecret, SecretVerifier};
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientSecretId, WorkflowId};
use crate::domain::usage::SecretUse;
use crate::flows::Server;
use crate::flows::access_keys::check_grace;
use crate::flows::caller::Caller;
use crate::flows::clients::{ClientWithSecret, find, find_to_change};
use crate::flows::error::FlowResult;
use crate::flows::password_check;
use crate::protocol::client_auth_method::ClientAuthMethod;

/// A secret of a client, without the secret: who still uses it, and from where.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ClientSecretInUse {
    /// Its identifier.
    pub id: String,
    /// Its last four characters, to tell secrets apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working; null while it is the current one.
    pub expires_at: Option<DateTime<Utc>>,
    /// From where it is used, the latest first; some seconds late.
    pub used_from: Vec<SecretUse>,
    /// The workflows it was entered for, at most 200: they are suspended when it stops working.
    pub workflows: Vec<WorkflowId>,
}

/// The state of a secret that works now, without where it is used from.
pub struct ClientSecretState {
    /// Its last four characters.
    pub last_four: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working; None while it is the current one.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used; some seconds late.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A random secret and its row, or the row of one that was brought along.
pub(super) fn make_secret(
    server: &Server,
    client: &Client,
    brought: Option<String>,
) -> FlowResult<(Zeroizing<String>, ClientSecret)> {
    let now = server.clock.now();
    // RFC 7518 §3.2: a key for HS256 has at least 32 octets.
    let makes_macs = client.token_endpoint_auth_method == ClientAuthMethod::ClientSecretJwt;
    let least = if makes_macs { 32 } else { 8 };
    let (text, verifier) = match brought {
        None => {
            let prefix = server.environment(&client.environment).and_then(|own| own.client_secret_prefix.as_deref());
            let text = match prefix {
                Some(prefix) => secret::generate_prefixed(prefix)?,
                None => SecretKind::ClientSecret.generate()?,
            };
            let digest = server.keys.digest(SecretKind::ClientSecret, &text);
            (text, SecretVerifier::Digest(digest))
        }
        Some(text) => {
            let text = Zeroizing::new(text);
            if text.len() < least || text.len() > 256 || !text.bytes().all(|byte| matches!(byte, 0x20..=0x7E)) {
                let rule = format!("client_secret must be {least} to 256 printable ASCII characters");
                return Err(Denial::InvalidMember(rule).into());
            }
            let verifier = match makes_macs {
                // It is never sent, so it is never compared: a slow hash would protect nothing.
                true => SecretVerifier::Digest(server.keys.digest(SecretKind::ClientSecret, &text)),
                false => SecretVerifier::PasswordHash(password_check::hash_new(server, &text)?),
            };
            (text, verifier)
        }
    };
    let last_four = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
    let id = ClientSecretId(random::id(now)?);
    let seal = || server.keys.secret_sealing.seal(id.as_str(), text.as_bytes());
    let sealed = makes_macs.then(seal).transpose()?;
    let row = ClientSecret {
        id,
        client_id: client.client_id.clone(),
        verifier,
        last_four,
        created_at: now,
        expires_at: None,
        sealed,
    };
    Ok((text, row))
}

/// Gives a client a new secret. The current one works for `grace_seconds` more, so that nothing stops while the new one is
/// rolled out; one that was being replaced already ends at once: at most two work at a time.
pub fn rotate(server: &Server, caller: &Caller, client_id: &str, grace_seconds: u32) -> FlowResult<ClientWithSecret> {
    let mut client = find_to_change(server, caller, client_id)?;
    if !client.has_secret() {
        let what = if client.is_public() { "a public client" } else { "a client with private_key_jwt" };
        return Err(Denial::Conflict(format!("{what} has no secret")).into());
    }
    check_grace(server, grace_seconds)?;
    let (text, row) = make_secret(server, &client, None)?;
    let (now, read_at) = (server.clock.now(), client.updated_at);
    let end = now + Duration::from_secs(grace_seconds.into());
    let event = caller
        .event(AuditAction::ClientSecretRotated, "client", client.client_id.as_str())
        .detail(format!("grace_seconds={grace_seconds}"));
    client.updated_at = later(now, read_at);
    let stored = client.clone();
    let done = server.store.write(move |connection| {
        // The row of the client decides between two that rotate at the same moment.
        if !connection.update_client(&stored, read_at)? {
            return Ok(false);
        }
        connection.end_replaced_client_secrets(stored.client_id.as_str(), now)?;
        connection.end_current_client_secret(stored.client_id.as_str(), end)?;
        connection.insert_client_secret(&row)?;
        connection.insert_audit_event(&event, now)?;
        Ok(true)
    })?;
    if !done {
        return Err(Denial::Conflict("the client was changed meanwhile: read it again".to_owned()).into());
    }
    Ok(ClientWithSecret { client, client_secret: Some(text.to_string()) })
}

/// Is this text the current secret of the client?
pub(in crate::flows) fn has_secret(server: &Server, client_id: &str, text: &Zeroizing<String>) -> FlowResult<bool> {
    let now = server.clock.now();
    let live = server.store.read(|connection| connection.find_live_client_secrets(client_id, now))?;
    for secret in live.iter().filter(|secret| secret.expires_at.is_none()) {
        if is_secret(server, secret, text)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Replaces the secret by one that was brought along, at once.
pub(in crate::flows) fn replace(
    server: &Server,
    caller: &Caller,
    client_id: &str,
    brought: &Zeroizing<String>,
) -> FlowResult<()> {
    let client = find_to_change(server, caller, client_id)?;
    if client.is_public() {
        return Err(Denial::Conflict("a public client has no secret".to_owned()).into());
    }
    let now = server.clock.now();
    let (_, row) = make_secret(server, &client, Some(brought.to_string()))?;
    let event = caller.event(AuditAction::ClientSecretRotated, "client", client_id).detail("grace_seconds=0");
    let mut stored = client;
    let read_at = stored.updated_at;
    stored.updated_at = later(now, read_at);
    let done = server.store.write(move |connection| {
        // The row of the client decides between two that replace at the same moment.
        if !connection.update_client(&stored, read_at)? {
            return Ok(false);
        }
        connection.end_replaced_client_secrets(stored.client_id.as_str(), now)?;
        connection.end_current_client_secret(stored.client_id.as_str(), now)?;
        connection.insert_client_secret(&row)?;
        connection.insert_audit_event(&event, now)?;
        Ok(true)
    })?;
    if done { Ok(()) } else { Err(Denial::Conflict("the client was changed meanwhile".to_owned()).into()) }
}

/// Is this text that secret?
fn is_secret(server: &Server, secret: &ClientSecret, text: &Zeroizing<String>) -> FlowResult<bool> {
    match &secret.verifier {
        SecretVerifier::Digest(digest) => {
            Ok(bool::from(server.keys.digest(SecretKind::ClientSecret, text).as_slice().ct_eq(digest)))
        }
        SecretVerifier::PasswordHash(hash) => password_check::is_password(server, text, hash),
    }
}

/// Ends the grace period now: only the current secret works from here on.
pub fn finish_rotation(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Client> {
    let client = find_to_change(server, caller, client_id)?;
    let event = caller.event(AuditAction::ClientSecretRotationFinished, "client", client.client_id.as_str());
    let (id, now) = (client.client_id.0.clone(), server.clock.now());
    let ended = server.store.write(move |connection| {
        let ended = connection.end_replaced_client_secrets(&id, now)?;
        if ended > 0 {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(ended)
    })?;
    if ended == 0 {
        return Err(Denial::Conflict("no secret of this client is being replaced".to_owned()).into());
    }
    Ok(client)
}

/// The states of the secrets that work now, the current one last.
pub fn list_states(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Vec<ClientSecretState>> {
    caller.require("clients:read")?;
    let now = server.clock.now();
    let (secrets, uses) = server.store.read(|connection| {
        Ok((connection.find_live_client_secrets(client_id, now)?, connection.list_secret_uses(client_id)?))
    })?;
    let state = |secret: ClientSecret| ClientSecretState {
        last_used_at: uses
            .iter()
            .filter(|used| used.secret_id == secret.id.as_str())
            .map(|used| used.last_used_at)
            .max(),
        last_four: secret.last_four,
        created_at: secret.created_at,
        expires_at: secret.expires_at,
    };
    let mut states: Vec<_> = secrets.into_iter().map(state).collect();
    states.sort_by_key(|secret| (secret.expires_at.is_none(), secret.created_at));
    Ok(states)
}

/// The secrets of a client that work now, the oldest first. That somebody looked is an event.
pub fn list(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Vec<ClientSecretInUse>> {
    caller.require("clients:read")?;
    let client = find(server, client_id)?;
    let now = server.clock.now();
    let (secrets, uses, bound) = server.store.read(|connection| {
        let secrets = connection.find_live_client_secrets(client.client_id.as_str(), now)?;
        let uses = connection.list_secret_uses(client.client_id.as_str())?;
        Ok((secrets, uses, connection.list_workflow_secrets(client.client_id.as_str())?))
    })?;
    let event = caller.event(AuditAction::ClientSecretsRead, "client", client.client_id.as_str());
    server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    let mut shown: Vec<_> = secrets
        .into_iter()
        .map(|secret| ClientSecretInUse {
            used_from: uses.iter().filter(|used| used.secret_id == secret.id.as_str()).cloned().collect(),
            workflows: bound.iter().filter(|(_, id)| *id == secret.id.0).map(|(id, _)| id.clone()).collect(),
            id: secret.id.0,
            last_four: secret.last_four,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
        })
        .collect();
    // The current one has no end.
    shown.sort_by_key(|secret| (secret.expires_at.is_none(), secret.created_at));
    Ok(shown)
}
