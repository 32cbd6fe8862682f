//! The life of signing keys: made, published, signing, retired, gone. States follow from times in the rows, so instances
//! that share a database switch together; of those that rotate at the same moment, one wins.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::crypto::key_pair::{self, SigningKeyPair};
use crate::crypto::keyring::{Keyring, KeyringKey, decoding_key};
use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::signing_key::{SigningKey, SigningKeyState, standings};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::{Failure, FlowError, FlowResult};
use crate::protocol::signing_alg::SigningAlg;
use crate::store::{SealedSigningKey, StoreError};

/// When a new key takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationMode {
    /// Published now, signing after `publish_ahead`: nobody notices.
    Scheduled,
    /// Signing now; the old key stays published until its last token has expired.
    AtOnce,
    /// Signing now; the old keys leave the JWKS now, and every token they signed is refused from here on.
    Compromised,
}

/// Reads the keys from the database; those already parsed are kept.
pub fn reload(server: &Server) -> Result<(), Failure> {
    let now = server.clock.now();
    let before = server.keyring();
    let rows = server.store.read(|connection| connection.list_signing_keys())?;
    let mut keys = Vec::with_capacity(rows.len());
    for SealedSigningKey { key, private_sealed } in rows {
        let pair = match before.pair(&key.kid) {
            Some(pair) => pair,
            None => {
                let pkcs8 = server.keys.sealing.open(&key.kid, &private_sealed)?;
                Arc::new(SigningKeyPair::from_pkcs8(key.alg, &pkcs8)?)
            }
        };
        let decoding = decoding_key(&pair.public_jwk).map_err(|error| Failure::Internal(error.to_string()))?;
        let SigningKey { kid, active_from, retired_at, expires_at, .. } = key;
        keys.push(KeyringKey { kid, active_from, retired_at, expires_at, pair, decoding });
    }
    server.set_keyring(Keyring::new(keys, now));
    Ok(())
}

/// Reloads when the last reload is a second old: a token with an unknown key must not cost a query each. True when it did.
pub fn reload_if_stale(server: &Server) -> Result<bool, Failure> {
    if server.clock.now() - server.keyring().made_at() < chrono::TimeDelta::seconds(1) {
        return Ok(false);
    }
    reload(server)?;
    Ok(true)
}

/// The key that signs with this algorithm now.
pub fn signing_key(keyring: &Keyring, alg: SigningAlg, now: DateTime<Utc>) -> Result<&KeyringKey, Failure> {
    let missing = || Failure::Internal(format!("there is no active signing key for {}", alg.as_str()));
    keyring.signing_key(alg, now).ok_or_else(missing)
}

/// Makes the first key of each configured algorithm that has none: in a new database, and where an algorithm is new.
pub fn ensure_first(server: &Server, progress: &dyn Fn(&str)) -> Result<(), Failure> {
    let (now, keyring) = (server.clock.now(), server.keyring());
    let algorithms = &server.config.signing_keys.algorithms;
    for alg in algorithms.iter().filter(|alg| keyring.signing_key(*alg, now).is_none()) {
        progress(&format!("making the first signing key for {}", alg.as_str()));
        make_first(server, alg)?;
    }
    Ok(())
}

fn make_first(server: &Server, alg: SigningAlg) -> Result<(), Failure> {
    let (now, caller) = (server.clock.now(), Caller::server());
    let new = seal(server, (alg, generate(server, alg)?), now, now)?;
    let event = caller.event(AuditAction::SigningKeyCreated, "signing_key", &new.key.kid);
    let inserted = server.store.write(move |connection| {
        connection.insert_signing_key(&new)?;
        connection.insert_audit_event(&event, now)
    });
    match inserted {
        // Another instance was faster: its key is the key.
        Ok(()) | Err(StoreError::Conflict(_)) => reload(server),
        Err(error) => Err(error.into()),
    }
}

fn generate(server: &Server, alg: SigningAlg) -> Result<Zeroizing<Vec<u8>>, Failure> {
    Ok(key_pair::generate(alg, server.config.signing_keys.bits)?)
}

fn seal(
    server: &Server,
    (alg, pkcs8): (SigningAlg, Zeroizing<Vec<u8>>),
    created_at: DateTime<Utc>,
    active_from: DateTime<Utc>,
) -> Result<SealedSigningKey, Failure> {
    let parsed = SigningKeyPair::from_pkcs8(alg, &pkcs8)?;
    let kid = parsed.public_jwk.kid.clone();
    let private_sealed = server.keys.sealing.seal(&kid, &pkcs8)?;
    let key = SigningKey {
        kid,
        alg,
        bits: i32::try_from(parsed.bits).unwrap_or_default(),
        public_jwk: parsed.public_jwk,
        created_at,
        active_from,
        retired_at: None,
        expires_at: None,
    };
    Ok(SealedSigningKey { key, private_sealed })
}

/// Every key, newest first, with its state.
pub fn list(server: &Server, caller: &Caller) -> FlowResult<Vec<(SigningKey, SigningKeyState)>> {
    caller.require("signing-keys:read")?;
    let now = server.clock.now();
    let rows = server.store.read(|connection| connection.list_signing_keys())?;
    Ok(standings(rows.into_iter().map(|row| row.key).collect(), now))
}

/// Makes a new key that takes over from the current one of its algorithm.
pub fn rotate(server: &Server, caller: &Caller, mode: RotationMode, alg: SigningAlg) -> FlowResult<SigningKey> {
    caller.require("signing-keys:write")?;
    // Before a key is made, which takes a while.
    find_current(server, alg)?;
    take_over(server, caller, mode, (alg, generate(server, alg)?), AuditAction::SigningKeyRotated)
}

/// Brings in a key from elsewhere (PEM), which takes over from the current one of its algorithm: of the one named, or the
/// one that its kind is for.
pub fn import(
    server: &Server,
    caller: &Caller,
    mode: RotationMode,
    pem: &str,
    alg: Option<SigningAlg>,
) -> FlowResult<SigningKey> {
    caller.require("signing-keys:write")?;
    let key = key_pair::from_pem(pem, alg).map_err(|error| Denial::InvalidMember(error.to_string()))?;
    take_over(server, caller, mode, key, AuditAction::SigningKeyImported)
}

/// Rotates each algorithm whose current key's time has come; answers the new keys. For the job of every instance; the losers
/// notice and reload. Also algorithms that are configured no more: clients may still be registered for them.
pub fn rotate_if_due(server: &Server) -> FlowResult<Vec<SigningKey>> {
    let keys = &server.config.signing_keys;
    let due = |key: &SigningKey| server.clock.now() >= key.active_from + keys.rotation_interval - keys.publish_ahead;
    let mut made = Vec::new();
    for alg in list_current(server)?.into_iter().filter(due).map(|key| key.alg) {
        match rotate(server, &Caller::server(), RotationMode::Scheduled, alg) {
            Ok(key) => made.push(key),
            Err(FlowError::Denied(Denial::Conflict(_))) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// Removes the keys whose last token has expired, each with its event; answers how many this call removed.
pub fn remove_expired(server: &Server) -> Result<usize, StoreError> {
    let now = server.clock.now();
    let rows = server.store.read(|connection| connection.list_signing_keys())?;
    let mut removed = 0;
    for key in rows.into_iter().map(|row| row.key).filter(|key| !key.is_published(now)) {
        let event = Caller::server().event(AuditAction::SigningKeyRemoved, "signing_key", &key.kid);
        let gone = server.store.write(move |connection| {
            let gone = connection.delete_signing_key(&key.kid, now)?;
            if gone {
                connection.insert_audit_event(&event, now)?;
            }
            Ok(gone)
        })?;
        removed += usize::from(gone);
    }
    if removed > 0 {
        server.metrics.purged("signing_keys", removed);
    }
    Ok(removed)
}

fn list_current(server: &Server) -> Result<Vec<SigningKey>, StoreError> {
    let rows = server.store.read(|connection| connection.list_signing_keys())?;
    Ok(rows.into_iter().map(|row| row.key).filter(|key| key.retired_at.is_none()).collect())
}

fn find_current(server: &Server, alg: SigningAlg) -> FlowResult<SigningKey> {
    let missing = || Denial::Conflict(format!("there is no key for {} (signing_keys.algorithms)", alg.as_str()));
    Ok(list_current(server)?.into_iter().find(|key| key.alg == alg).ok_or_else(missing)?)
}

fn take_over(
    server: &Server,
    caller: &Caller,
    mode: RotationMode,
    (alg, pkcs8): (SigningAlg, Zeroizing<Vec<u8>>),
    action: AuditAction,
) -> FlowResult<SigningKey> {
    let now = server.clock.now();
    let conflict = |text: &str| FlowError::from(Denial::Conflict(text.to_owned()));
    let current = find_current(server, alg)?;
    if mode == RotationMode::Scheduled && now < current.active_from {
        return Err(conflict("a rotation is under way already: its key is published and will sign soon"));
    }
    let active_from = match mode {
        RotationMode::Scheduled => now + server.config.signing_keys.publish_ahead,
        RotationMode::AtOnce | RotationMode::Compromised => now,
    };
    // The last token of the old key is signed at `active_from` and lives for `access_token_max_lifetime` at most.
    let gone = match mode {
        RotationMode::Compromised => now,
        _ => active_from + server.config.tokens.access_token_max_lifetime,
    };
    let new = seal(server, (alg, pkcs8), now, active_from)?;
    let made = new.key.clone();
    let event = caller.event(action, "signing_key", &made.kid).detail(format!("{mode:?}"));
    let written = server.store.write(move |connection| {
        if !connection.retire_signing_key(&current.kid, active_from, gone)? {
            return Ok(false);
        }
        match mode {
            RotationMode::Scheduled => {}
            // Where a scheduled rotation was under way, the key that still signs ends now, too, and not when that planned it.
            RotationMode::AtOnce => connection.retire_signing_keys(alg, now)?,
            RotationMode::Compromised => connection.shorten_signing_keys(alg, now)?,
        }
        connection.insert_signing_key(&new)?;
        connection.insert_audit_event(&event, now)?;
        Ok(true)
    });
    reload(server)?;
    match written {
        Ok(true) => Ok(made),
        Ok(false) => Err(conflict("another rotation was faster")),
        Err(StoreError::Conflict(_)) => Err(conflict("this key is here already, or another rotation was faster")),
        Err(error) => Err(error.into()),
    }
}
