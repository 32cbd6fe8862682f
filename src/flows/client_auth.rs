//! Client authentication (RFC 6749 §2.3): the one mechanism for the token, introspection and revocation endpoints.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::counters::login_throttle::{Attempt, Throttled};
use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::password::PasswordError;
use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::{Client, ClientSecret, SecretVerifier, Status};
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::store::StoreError;

/// Most requests that wait at once for a secret that a person chose to be hashed: these requests share few threads with
/// all the others.
const MAX_WAITING_CHECKS: usize = 4;

/// Authenticates the client that these credentials claim.
///
/// An unknown client and a wrong random secret get the same answer after the same work; only a secret that a person chose
/// costs more, and tells by its time that such a client exists, which its identifier, being public, tells anyway. Whether a
/// client with a secret sends it by Basic or in the body is its own choice: RFC 6749 §2.3.1 obliges the server to take
/// Basic from each of them.
pub fn authenticate(
    server: &Server,
    presented: Result<PresentedCredentials, CredentialsError>,
    source: &Source,
) -> FlowResult<Client> {
    let presented = presented.map_err(|error| match error {
        // RFC 6749 §5.2: a request that utilizes more than one mechanism is malformed, not badly authenticated.
        CredentialsError::Param(_) | CredentialsError::MoreThanOneMethod => Denial::MalformedRequest(error.to_string()),
        other => Denial::ClientAuthMalformed(other.to_string()),
    })?;
    let now = server.clock.now();
    let (client, secrets) = server.store.read(|connection| {
        let client = connection.find_client(&presented.client_id)?;
        // Asked for unknown clients too: the same work.
        let secrets = match &presented.secret {
            Some(_) => connection.find_live_client_secrets(&presented.client_id, now)?,
            None => Vec::new(),
        };
        Ok((client, secrets))
    })?;
    let proven = match &presented.secret {
        Some(secret) => is_any(server, &presented.client_id, secret, &secrets, source)?,
        None => false,
    };
    let client = client.ok_or(Denial::ClientAuthFailed)?;
    match (client.is_public(), presented.secret.is_some()) {
        (false, true) if !proven => return Err(Denial::ClientAuthFailed.into()),
        (false, true) | (true, false) => {}
        (false, false) | (true, true) => return Err(Denial::ClientAuthMethodNotRegistered.into()),
    }
    if client.status != Status::Active {
        return Err(Denial::ClientInactive.into());
    }
    Ok(client)
}

/// Is this one of the client's live secrets? Random ones first: they cost a digest.
fn is_any(
    server: &Server,
    client_id: &str,
    presented: &Zeroizing<String>,
    secrets: &[ClientSecret],
    source: &Source,
) -> FlowResult<bool> {
    let digest = server.keys.digest(SecretKind::ClientSecret, presented);
    let mut proven = false;
    let mut chosen = Vec::new();
    for secret in secrets {
        match &secret.verifier {
            SecretVerifier::Digest(stored) => proven |= digests_are_equal(stored, &digest),
            SecretVerifier::PasswordHash(hash) => chosen.push((secret.id.0.clone(), hash.clone())),
        }
    }
    if proven || chosen.is_empty() {
        return Ok(proven);
    }
    let was_proven =
        |(row, _): &(String, String)| server.proven_secrets.holds(row, &server.keys.proven_secret(row, presented));
    if chosen.iter().any(was_proven) {
        return Ok(true);
    }
    let Some(row) = find_chosen(server, client_id, presented, chosen, source)? else { return Ok(false) };
    let digest = server.keys.proven_secret(&row, presented);
    server.proven_secrets.remember(&row, digest);
    Ok(true)
}

/// The row whose hash the presented secret meets. It costs argon2id, and failures are counted like those of log-ins: what
/// a person chose can be guessed.
fn find_chosen(
    server: &Server,
    client_id: &str,
    presented: &Zeroizing<String>,
    chosen: Vec<(String, String)>,
    source: &Source,
) -> FlowResult<Option<String>> {
    let attempt = Attempt { account: client_id.to_owned(), address: source.address, now: server.clock.now() };
    let (hashing, throttle) = (Arc::clone(&server.passwords), Arc::clone(&server.client_throttle));
    let (presented, counted) = (presented.clone(), attempt.clone());
    let found = server.password_pool.run_few(MAX_WAITING_CHECKS, move |memory| {
        let check = || -> Result<Option<String>, PasswordError> {
            for (row, hash) in chosen {
                if hashing.verify(&presented, Some(&hash), memory)?.matches {
                    return Ok(Some(row));
                }
            }
            Ok(None)
        };
        throttle.attempt(&counted, check, |found| found.as_ref().is_ok_and(Option::is_none))
    })?;
    match found {
        Ok(found) => {
            let found = found?;
            if found.is_some() {
                server.client_throttle.succeeded(&attempt);
            }
            Ok(found)
        }
        Err(throttled) => Err(refuse_throttled(server, client_id, throttled, source)?.into()),
    }
}

/// As with log-ins, the first refusal is audited and the others are counted.
fn refuse_throttled(
    server: &Server,
    client_id: &str,
    throttled: Throttled,
    source: &Source,
) -> Result<Denial, StoreError> {
    server.metrics.login_throttled();
    if throttled.first {
        let event = NewAuditEvent::failure(AuditAction::ClientThrottled, Actor::Anonymous, source.clone())
            .on("client", client_id);
        let now = server.clock.now();
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    }
    Ok(Denial::LoginThrottled(throttled.retry_after))
}
