//! The clients that somebody has let in, and letting them in no more.

use chrono::{DateTime, Utc};

use crate::domain::audit_event::{AuditAction, NewAuditEvent};
use crate::domain::client::{Client, Status};
use crate::domain::connected_client::ConnectionPlace;
use crate::domain::denial::Denial;
use crate::domain::grant::RevocationReason;
use crate::domain::page::{Page, PageRequest};
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

impl ConnectedClient {
    fn place(&self) -> ConnectionPlace {
        ConnectionPlace::of(&self.client.client_id, self.since, self.last_used_at)
    }
}

/// A page of the clients that somebody has let in, the one that was used last first. These pages themselves are none to be
/// let in.
pub fn list(server: &Server, person: &Person, page: &PageRequest) -> FlowResult<Page<ConnectedClient>> {
    let mut clients = all_of(server, person.user.id.as_str())?;
    clients.retain(|connected| !is_page(person, connected.client.client_id.as_str()));
    Ok(page_of(clients, page))
}

/// A page of the clients that a user has let in.
pub(in crate::flows) fn list_of(
    server: &Server,
    user_id: &str,
    page: &PageRequest,
) -> FlowResult<Page<ConnectedClient>> {
    Ok(page_of(all_of(server, user_id)?, page))
}

fn page_of(mut clients: Vec<ConnectedClient>, page: &PageRequest) -> Page<ConnectedClient> {
    if let Some(place) = page.after.as_deref().and_then(ConnectionPlace::parse) {
        clients.retain(|client| client.place().key() > place.key());
    }
    Page::from_rows(clients, page.limit, |client| client.place().cursor())
}

/// All of them, in order: what they hold is summed up anyway. Revoked clients hold nothing any more.
fn all_of(server: &Server, user_id: &str) -> FlowResult<Vec<ConnectedClient>> {
    let now = server.clock.now();
    let found = server.store.read(|connection| {
        let connections = connection.list_connected_clients(user_id, now)?;
        let with_client = connections.into_iter().map(|one| Ok((connection.find_client(one.client_id.as_str())?, one)));
        with_client.collect::<Result<Vec<_>, _>>()
    })?;
    let mut clients: Vec<_> = found
        .into_iter()
        .filter_map(|(client, connection)| Some((client?, connection)))
        .filter(|(client, _)| client.status != Status::Revoked)
        .map(|(client, connection)| ConnectedClient {
            scopes: token::describe(server, &connection.scope),
            client,
            since: connection.since,
            last_used_at: connection.last_used_at,
        })
        .collect();
    clients.sort_by(|one, other| one.place().key().cmp(&other.place().key()));
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
    if is_page(person, client_id) {
        return Err(unknown());
    }
    let all = all_of(server, person.user.id.as_str())?;
    all.into_iter().find(|connected| connected.client.client_id.as_str() == client_id).ok_or_else(unknown)
}

/// Revokes all that a client was granted, with its refresh tokens, and forgets the consent: it has to ask again.
pub fn disconnect(server: &Server, person: &Person, client_id: &str) -> FlowResult<()> {
    if is_page(person, client_id) {
        return Err(unknown());
    }
    let event = person.event(AuditAction::ConsentWithdrawn, "client", client_id);
    withdraw(server, (person.user.id.as_str(), client_id), RevocationReason::UserRequest, event)
}

/// The same for whoever may: `event` is left with the number of grants.
pub(in crate::flows) fn withdraw(
    server: &Server,
    (user_id, client_id): (&str, &str),
    reason: RevocationReason,
    event: NewAuditEvent,
) -> FlowResult<()> {
    let (user_id, client_id, now) = (user_id.to_owned(), client_id.to_owned(), server.clock.now());
    let of = event.detail.as_deref().map(|of| format!("{of}, ")).unwrap_or_default();
    let done = server.store.write(move |connection| {
        let both = (user_id.as_str(), client_id.as_str());
        let grants = connection.revoke_grants_of_user_to_client(both, reason, now)?;
        let forgotten = connection.delete_consent(&user_id, &client_id)?;
        let done = grants > 0 || forgotten;
        if done {
            connection.insert_audit_event(&event.detail(format!("{of}grants: {grants}")), now)?;
        }
        Ok(done)
    })?;
    if done { Ok(()) } else { Err(unknown()) }
}
