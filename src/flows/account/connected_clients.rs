//! The clients that somebody has let in, and letting them in no more.

use chrono::{DateTime, Utc};

use crate::domain::audit_event::AuditAction;
use crate::domain::client::{Client, Status};
use crate::domain::denial::Denial;
use crate::domain::grant::RevocationReason;
use crate::flows::account::Person;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, token};

/// A client that holds something of a user, or gets it without a question.
pub struct ConnectedClient {
    /// The client.
    pub client: Client,
    /// What it may do as the user, with descriptions.
    pub scopes: Vec<(String, String)>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it last got a token. None where consent is remembered and nothing is granted.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The clients that somebody has let in, the one that was used last first. Revoked clients hold nothing any more, and these
/// pages themselves are none to be let in.
pub fn list(server: &Server, person: &Person) -> FlowResult<Vec<ConnectedClient>> {
    let (user_id, now) = (person.id(), server.clock.now());
    let found = server.store.read(|connection| {
        let connections = connection.list_connected_clients(&user_id, now)?;
        let with_client = connections.into_iter().map(|one| Ok((connection.find_client(one.client_id.as_str())?, one)));
        with_client.collect::<Result<Vec<_>, _>>()
    })?;
    let mut clients: Vec<_> = found
        .into_iter()
        .filter_map(|(client, connection)| Some((client?, connection)))
        .filter(|(client, _)| client.status != Status::Revoked && !is_page(person, client.client_id.as_str()))
        .map(|(client, connection)| ConnectedClient {
            scopes: token::describe(server, &connection.scope),
            client,
            since: connection.since,
            last_used_at: connection.last_used_at,
        })
        .collect();
    clients.sort_by_key(|client| std::cmp::Reverse(client.last_used_at.unwrap_or(client.since)));
    Ok(clients)
}

fn is_page(person: &Person, client_id: &str) -> bool {
    person.client_id.as_deref() == Some(client_id)
}

fn unknown() -> FlowError {
    FlowError::Denied(Denial::NotFound("connected client"))
}

/// One of them.
pub fn show(server: &Server, person: &Person, client_id: &str) -> FlowResult<ConnectedClient> {
    let found = list(server, person)?.into_iter().find(|connected| connected.client.client_id.as_str() == client_id);
    found.ok_or_else(unknown)
}

/// Revokes all that a client was granted, with its refresh tokens, and forgets the consent: it has to ask again.
pub fn disconnect(server: &Server, person: &Person, client_id: &str) -> FlowResult<()> {
    if is_page(person, client_id) {
        return Err(unknown());
    }
    let (user_id, client_id, now) = (person.id(), client_id.to_owned(), server.clock.now());
    let event = person.event(AuditAction::ConsentWithdrawn, "client", &client_id);
    let done = server.store.write(move |connection| {
        let both = (user_id.as_str(), client_id.as_str());
        let grants = connection.revoke_grants_of_user_to_client(both, RevocationReason::UserRequest, now)?;
        let forgotten = connection.delete_consent(&user_id, &client_id)?;
        let done = grants > 0 || forgotten;
        if done {
            connection.insert_audit_event(&event.detail(format!("grants: {grants}")), now)?;
        }
        Ok(done)
    })?;
    if done { Ok(()) } else { Err(unknown()) }
}
