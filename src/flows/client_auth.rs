//! Client authentication (RFC 6749 §2.3): the one mechanism for the token, introspection and revocation endpoints.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::secret::SecretKind;
use crate::domain::alert::AlertSubject;
use crate::domain::client::{Client, ClientSecret, SecretVerifier, Status};
use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::{Server, alerts};
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};

/// Most requests that wait at once for a secret that a person chose to be hashed: these requests share few threads with
/// all the others.
const MAX_WAITING_CHECKS: usize = 4;

/// Authenticates the client that these credentials claim.
///
/// An unknown client and a wrong random secret get the same answer after the same work; only a secret that a person chose
/// costs more, and tells by its time that such a client exists, which its identifier, being public, tells anyway. Whether a client with a secret sends it
/// by Basic or in the body is its own choice: RFC 6749 §2.3.1 obliges the server to take Basic from each of them.
pub fn authenticate(server: &Server, presented: Result<PresentedCredentials, CredentialsError>) -> FlowResult<Client> {
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
        Some(secret) => is_any(server, secret, &secrets)?,
        None => false,
    };
    let client = client.ok_or(Denial::ClientAuthFailed)?;
    match (client.is_public(), presented.secret.is_some()) {
        (false, true) if !proven => {
            let subject = AlertSubject::new("client", client.client_id.as_str());
            alerts::authentication_failed(server, Some(subject), None);
            return Err(Denial::ClientAuthFailed.into());
        }
        (false, true) | (true, false) => {}
        (false, false) | (true, true) => return Err(Denial::ClientAuthMethodNotRegistered.into()),
    }
    if client.status != Status::Active {
        return Err(Denial::ClientInactive.into());
    }
    Ok(client)
}

/// Is this one of the client's live secrets? Random ones first: they cost a digest; one that a person chose costs argon2id.
fn is_any(server: &Server, presented: &Zeroizing<String>, secrets: &[ClientSecret]) -> FlowResult<bool> {
    let digest = server.keys.digest(SecretKind::ClientSecret, presented);
    let mut proven = false;
    for secret in secrets {
        if let SecretVerifier::Digest(stored) = &secret.verifier {
            proven |= digests_are_equal(stored, &digest);
        }
    }
    for secret in secrets {
        if let (false, SecretVerifier::PasswordHash(hash)) = (proven, &secret.verifier) {
            let (hashing, hash, presented) = (Arc::clone(&server.passwords), hash.clone(), presented.clone());
            proven = server
                .password_pool
                .run_few(MAX_WAITING_CHECKS, move || hashing.verify(&presented, Some(&hash)))??
                .matches;
        }
    }
    Ok(proven)
}
