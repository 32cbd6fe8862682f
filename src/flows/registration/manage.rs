//! Reading, replacing and ending a registration by its own token (RFC 7592 §2). The token stays the same: a client that
//! loses an answer must not lose its registration.

use serde_json::{Map, Value};

use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, Source};
use crate::domain::client::{Client, SecretVerifier, Status};
use crate::domain::client_metadata::ClientMetadata;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::clients;
use crate::flows::error::FlowResult;
use crate::flows::registration::request::{RegistrationRequest, check_redirects};
use crate::flows::registration::{as_metadata, caller, grantable, invalid_metadata, origins, response};
use crate::protocol::scope::Scope;

/// The client, if this is its registration access token. RFC 7592 §2: one answer for a wrong token, an unknown client, and
/// one that is disabled.
fn authenticate(server: &Server, client_id: &str, bearer: Option<&str>) -> FlowResult<Client> {
    let token = bearer.ok_or(Denial::BearerMissing)?;
    if !SecretKind::RegistrationAccessToken.is_well_formed(token) {
        return Err(Denial::BearerInvalid.into());
    }
    let digest = server.keys.digest(SecretKind::RegistrationAccessToken, token);
    let (registration, client) = server
        .store
        .read(|connection| Ok((connection.find_client_registration(client_id)?, connection.find_client(client_id)?)))?;
    let known = registration.is_some_and(|registration| digests_are_equal(&registration.digest, &digest));
    let client = client.filter(|client| known && client.status == Status::Active);
    Ok(client.ok_or(Denial::BearerInvalid)?)
}

fn itself(server: &Server, client: &Client, source: Source) -> Caller {
    let roles = server.roles.scope_of(&client.roles);
    let held = Scope::from_tokens(client.scope.iter().chain(roles.iter()));
    caller(Actor::Client(client.client_id.0.clone()), held, source)
}

/// The registration as it stands. The secret is not kept, so it is not shown again.
pub fn read(server: &Server, client_id: &str, bearer: Option<&str>) -> FlowResult<Map<String, Value>> {
    let client = authenticate(server, client_id, bearer)?;
    Ok(response::build(server, &client, bearer.unwrap_or_default(), None))
}

/// Replaces the registration: what is left out takes its default. What operators have set beside it stays.
pub fn update(
    server: &Server,
    client_id: &str,
    bearer: Option<&str>,
    said: Map<String, Value>,
    source: Source,
) -> FlowResult<Map<String, Value>> {
    let before = authenticate(server, client_id, bearer)?;
    let request = RegistrationRequest::read(said)?;
    if request.client_id.as_deref() != Some(client_id) {
        return Err(invalid_metadata("client_id must be that of the registration (RFC 7592 section 2.2)").into());
    }
    check_secret(server, client_id, request.client_secret.as_deref())?;
    let scope = grantable(server, request.scope.as_ref(), Some(&before.scope))?;
    let fresh = clients::blank(server, client_id.to_owned());
    let mut client = Client {
        client_name: fresh.client_name,
        token_endpoint_auth_method: fresh.token_endpoint_auth_method,
        grant_types: fresh.grant_types,
        redirect_uris: fresh.redirect_uris,
        metadata: ClientMetadata {
            assertion_audience: before.metadata.assertion_audience,
            ..ClientMetadata::default()
        },
        ..before.clone()
    };
    clients::apply(&mut client, request.members);
    client.scope = scope;
    client.allowed_origins = origins::after_update(&before, &client);
    check_redirects(client.metadata.application_type, &client.redirect_uris, !server.config.is_https())?;
    let caller = itself(server, &before, source);
    let client = clients::store_edit(server, &caller, &before, client).map_err(as_metadata)?;
    Ok(response::build(server, &client, bearer.unwrap_or_default(), None))
}

/// RFC 7592 §2.2: a secret that is sent must be the current one; a client cannot choose its own.
fn check_secret(server: &Server, client_id: &str, said: Option<&str>) -> FlowResult<()> {
    let Some(said) = said else { return Ok(()) };
    let (digest, now) = (server.keys.digest(SecretKind::ClientSecret, said), server.clock.now());
    let live = server.store.read(|connection| connection.find_live_client_secrets(client_id, now))?;
    let is_current = live.iter().any(|secret| match &secret.verifier {
        SecretVerifier::Digest(stored) => digests_are_equal(stored, &digest),
        SecretVerifier::PasswordHash(_) => false,
    });
    if is_current { Ok(()) } else { Err(invalid_metadata("client_secret is not that of the client").into()) }
}

/// Ends the registration: the client is deleted, and nothing issued to it is good any more.
pub fn deregister(server: &Server, client_id: &str, bearer: Option<&str>, source: Source) -> FlowResult<()> {
    let client = authenticate(server, client_id, bearer)?;
    let event = itself(server, &client, source).event(AuditAction::ClientDeregistered, "client", client_id);
    let (id, name, now) = (client_id.to_owned(), client.client_name, server.clock.now());
    let done = server.store.write(move |connection| {
        let done = connection.delete_client(&id, &name, now)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if !done {
        return Err(Denial::BearerInvalid.into());
    }
    clients::begin_to_remove(server, client_id);
    Ok(())
}
