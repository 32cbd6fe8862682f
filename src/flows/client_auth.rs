//! Client authentication (RFC 6749 §2.3, RFC 7521 §4.2): the one mechanism of every endpoint at which clients authenticate.

use zeroize::Zeroizing;

use crate::crypto::client_keys::is_made_with_secret;
use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::secret::SecretKind;
use crate::domain::alert::AlertSubject;
use crate::domain::audit_event::Source;
use crate::domain::client::{Client, ClientSecret, SecretVerifier, Status};
use crate::domain::client_assertion::{self, AssertionFault, AssertionRules};
use crate::domain::credential::is_allowed_address;
use crate::domain::denial::Denial;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, alerts, chosen_secret, client_keys, discovery, verdict};
use crate::protocol::client_assertion::ClientAssertion;
use crate::protocol::credentials::{CredentialsError, PresentedCredentials, Proof};

/// Authenticates the client that these credentials claim.
///
/// An unknown client and a wrong random secret get the same answer after the same work; only a secret that a person chose
/// costs more, and tells by its time that such a client exists, which its identifier, being public, tells anyway. Whether a
/// client with a secret sends it by Basic or in the body is its own choice: RFC 6749 §2.3.1 obliges the server to take Basic
/// from each of them.
pub fn authenticate(
    server: &Server,
    presented: Result<PresentedCredentials, CredentialsError>,
    source: &Source,
) -> FlowResult<Client> {
    let presented = presented.map_err(unusable)?;
    let (client, proven) = match &presented.proof {
        Proof::Assertion(assertion) => by_assertion(server, &presented.client_id, assertion, source)?,
        Proof::Secret(secret) => by_secret(server, &presented.client_id, Some(secret), source)?,
        Proof::Nothing => by_secret(server, &presented.client_id, None, source)?,
    };
    if client.status != Status::Active {
        return Err(Denial::ClientInactive.into());
    }
    if !is_allowed_address(&client.allowed_addresses, source.address) {
        return Err(Denial::ClientAddressNotAllowed.into());
    }
    if !client.is_public() {
        verdict::note_use(server, client.client_id.0.clone(), proven.map(|secret| secret.id.0), source.address);
    }
    Ok(client)
}

/// The client that sends its secret, or is public and sends nothing.
fn by_secret(
    server: &Server,
    client_id: &str,
    secret: Option<&Zeroizing<String>>,
    source: &Source,
) -> FlowResult<(Client, Option<ClientSecret>)> {
    let (client, secrets) = load(server, client_id, Secrets::live_if(secret.is_some()))?;
    let sends_secret = |client: &Client| client.token_endpoint_auth_method.sends_secret();
    // A secret that makes HMACs must never be sent: it is not even looked at.
    let proven = match secret {
        Some(secret) if client.as_ref().is_none_or(sends_secret) => find_secret(server, secret, secrets, source)?,
        _ => None,
    };
    let client = client.ok_or_else(|| failed(server, None, source))?;
    match (sends_secret(&client), client.is_public(), secret.is_some()) {
        (true, _, true) if proven.is_none() => Err(failed(server, Some(&client), source)),
        (true, _, true) | (_, true, false) => Ok((client, proven)),
        _ => Err(Denial::ClientAuthMethodNotRegistered.into()),
    }
}

/// The client that sends an assertion (RFC 7523 §3). What is wrong with it counts as a failed authentication.
fn by_assertion(
    server: &Server,
    client_id: &str,
    assertion: &ClientAssertion,
    source: &Source,
) -> FlowResult<(Client, Option<ClientSecret>)> {
    let (client, secrets) = load(server, client_id, Secrets::live_if(assertion.alg.is_symmetric()))?;
    let client = client.ok_or_else(|| failed(server, None, source))?;
    if !client.token_endpoint_auth_method.sends_assertion() {
        return Err(Denial::ClientAuthMethodNotRegistered.into());
    }
    match check_assertion(server, &client, assertion, secrets) {
        Ok(proven) => Ok((client, proven)),
        Err(FlowError::Denied(denial)) => {
            let subject = AlertSubject::new("client", client.client_id.as_str());
            alerts::authentication_failed(server, Some(subject), Some(source));
            Err(denial.into())
        }
        Err(failed) => Err(failed),
    }
}

fn check_assertion(
    server: &Server,
    client: &Client,
    assertion: &ClientAssertion,
    secrets: Vec<ClientSecret>,
) -> FlowResult<Option<ClientSecret>> {
    let refuse = |fault| Denial::ClientAssertionRefused(fault);
    let rules = AssertionRules {
        issuer: &server.config.server.issuer,
        endpoints: &discovery::client_endpoints(server),
        max_lifetime: server.config.authorization.client_assertion_max_lifetime,
        now: server.clock.now(),
    };
    let used = client_assertion::check(assertion, client, &rules).map_err(refuse)?;
    let proven = if assertion.alg.is_symmetric() {
        let made_with = |secret: &ClientSecret| -> FlowResult<bool> {
            let Some(sealed) = &secret.sealed else { return Ok(false) };
            let plain = server.keys.secret_sealing.open(secret.id.as_str(), sealed)?;
            Ok(is_made_with_secret(assertion, &plain))
        };
        let mut found = None;
        for secret in secrets {
            if found.is_none() && made_with(&secret)? {
                found = Some(secret);
            }
        }
        Some(found.ok_or(refuse(AssertionFault::Signature))?)
    } else {
        client_keys::check_signature(server, client, assertion)?;
        None
    };
    // Only now: whoever cannot sign must not use up identifiers.
    let client_id = client.client_id.0.clone();
    let won = server.store.write(move |connection| connection.consume_assertion(&client_id, &used.jti, used.until))?;
    if won { Ok(proven) } else { Err(refuse(AssertionFault::Replayed).into()) }
}

/// The refusal of credentials that cannot be used at all.
pub fn unusable(error: CredentialsError) -> Denial {
    match error {
        // RFC 6749 §5.2: a request that utilizes more than one mechanism is malformed, not badly authenticated.
        CredentialsError::Param(_) | CredentialsError::MoreThanOneMethod => Denial::MalformedRequest(error.to_string()),
        other => Denial::ClientAuthMalformed(other.to_string()),
    }
}

/// The refusal, counted for the alert on failed authentications.
fn failed(server: &Server, client: Option<&Client>, source: &Source) -> FlowError {
    let subject = client.map(|client| AlertSubject::new("client", client.client_id.as_str()));
    alerts::authentication_failed(server, subject, Some(source));
    Denial::ClientAuthFailed.into()
}

/// The client with this secret, whatever its status, and which of its live secrets that is; None when there is none.
pub fn prove(
    server: &Server,
    client_id: &str,
    secret: &Zeroizing<String>,
    source: &Source,
) -> FlowResult<Option<(Client, ClientSecret)>> {
    find_among(server, client_id, secret, Secrets::Live, source)
}

/// The same for a verdict, which tells whoever holds a secret that it has ended: one that has is found too, as long as it is
/// kept. It proves nothing.
pub fn recognise(
    server: &Server,
    client_id: &str,
    secret: &Zeroizing<String>,
    source: &Source,
) -> FlowResult<Option<(Client, ClientSecret)>> {
    find_among(server, client_id, secret, Secrets::Kept, source)
}

fn find_among(
    server: &Server,
    client_id: &str,
    secret: &Zeroizing<String>,
    wanted: Secrets,
    source: &Source,
) -> FlowResult<Option<(Client, ClientSecret)>> {
    let (client, secrets) = load(server, client_id, wanted)?;
    let sends_secret = |client: &Client| client.token_endpoint_auth_method.sends_secret();
    if !client.as_ref().is_none_or(sends_secret) {
        return Ok(None);
    }
    let found = find_secret(server, secret, secrets, source)?;
    Ok(client.zip(found))
}

/// Which secrets of a client are compared.
enum Secrets {
    None,
    Live,
    /// Those that have ended too: for doors that tell their holder so.
    Kept,
}

impl Secrets {
    const fn live_if(needed: bool) -> Self {
        if needed { Self::Live } else { Self::None }
    }
}

fn load(server: &Server, client_id: &str, wanted: Secrets) -> FlowResult<(Option<Client>, Vec<ClientSecret>)> {
    let now = server.clock.now();
    Ok(server.store.read(|connection| {
        let client = connection.find_client(client_id)?;
        // Asked for unknown clients too: the same work.
        let mut secrets = match wanted {
            Secrets::None => Vec::new(),
            Secrets::Live => connection.find_live_client_secrets(client_id, now)?,
            Secrets::Kept => connection.find_client_secrets(client_id)?,
        };
        // A chosen secret that was chosen again is the one that works.
        secrets.sort_by_key(|secret| !secret.is_live(now));
        Ok((client, secrets))
    })?)
}

/// Which of the client's secrets is this? Random ones first: they cost a digest.
fn find_secret(
    server: &Server,
    presented: &Zeroizing<String>,
    secrets: Vec<ClientSecret>,
    source: &Source,
) -> FlowResult<Option<ClientSecret>> {
    let digest = server.keys.digest(SecretKind::ClientSecret, presented);
    let mut proven = None;
    let mut chosen = Vec::new();
    for secret in secrets {
        match &secret.verifier {
            SecretVerifier::Digest(stored) if digests_are_equal(stored, &digest) => proven = Some(secret),
            SecretVerifier::Digest(_) => {}
            SecretVerifier::PasswordHash(hash) => chosen.push((hash.clone(), secret)),
        }
    }
    if proven.is_some() || chosen.is_empty() {
        return Ok(proven);
    }
    let was_proven = |(_, secret): &(String, ClientSecret)| {
        let row = secret.id.as_str();
        server.proven_secrets.holds(row, &server.keys.proven_secret(row, presented))
    };
    if let Some(known) = chosen.iter().position(was_proven) {
        return Ok(Some(chosen.swap_remove(known).1));
    }
    let Some(found) = chosen_secret::find(server, presented, chosen, source)? else { return Ok(None) };
    let row = found.id.as_str();
    server.proven_secrets.remember(row, server.keys.proven_secret(row, presented));
    Ok(Some(found))
}
