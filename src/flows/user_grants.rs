//! What people have let in and made for themselves, one by one, for operators: the clients that act as a user, and the
//! personal tokens. Ending these is ending a part of an account, so it takes what disabling the account takes.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::audit_event::AuditAction;
use crate::domain::grant::RevocationReason;
use crate::domain::ids::ClientId;
use crate::domain::page::{Page, PageRequest};
use crate::flows::account::connected_clients::{self, ConnectedClient};
use crate::flows::account::personal_tokens::{self, PersonalTokenInUse};
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::{Server, users};

/// A client that acts as a user.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ConnectedApp {
    /// The client.
    pub client_id: ClientId,
    /// Its name.
    pub client_name: String,
    /// What it may do, and what it gets without a question; space-delimited.
    pub scope: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it last got a token; null where consent is remembered and nothing is granted.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl From<ConnectedClient> for ConnectedApp {
    fn from(connected: ConnectedClient) -> Self {
        let scope: Vec<String> = connected.scopes.into_iter().map(|(name, _)| name).collect();
        Self {
            client_id: connected.client.client_id,
            client_name: connected.client.client_name,
            scope: scope.join(" "),
            since: connected.since,
            last_used_at: connected.last_used_at,
        }
    }
}

/// A page of the clients that a user has let in, the one that was used last first.
pub fn list_apps(
    server: &Server,
    caller: &Caller,
    id_or_name: &str,
    page: &PageRequest,
) -> FlowResult<Page<ConnectedApp>> {
    let user = users::show(server, caller, id_or_name)?;
    Ok(connected_clients::list_of(server, user.id.as_str(), page)?.map(ConnectedApp::from))
}

/// Revokes all that a user granted a client, with its refresh tokens, and forgets the consent.
pub fn disconnect(server: &Server, caller: &Caller, id_or_name: &str, client_id: &str) -> FlowResult<()> {
    let user = users::find_to_change(server, caller, id_or_name)?;
    let event = caller.event(AuditAction::ConsentWithdrawn, "client", client_id);
    let event = event.detail(format!("of user {}", user.id));
    let both = (user.id.as_str(), client_id);
    connected_clients::withdraw(server, both, RevocationReason::OperatorRequest, event)
}

/// A page of the personal tokens of a user that are of use, the newest first.
pub fn list_tokens(
    server: &Server,
    caller: &Caller,
    id_or_name: &str,
    page: &PageRequest,
) -> FlowResult<Page<PersonalTokenInUse>> {
    let user = users::show(server, caller, id_or_name)?;
    personal_tokens::list_of(server, user.id.as_str(), page)
}

/// Revokes a personal token of a user.
pub fn revoke_token(server: &Server, caller: &Caller, id_or_name: &str, token_id: &str) -> FlowResult<()> {
    let user = users::find_to_change(server, caller, id_or_name)?;
    let token = personal_tokens::find_of(server, &user.id, token_id)?;
    let event = caller.event(AuditAction::PersonalTokenRevoked, "personal_token", token_id);
    personal_tokens::end(server, token, event.detail(format!("of user {}", user.id)))
}
