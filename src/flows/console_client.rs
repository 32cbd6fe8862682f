//! The client that the console and the account pages are: the server keeps it as it has to be.

use crate::domain::audit_event::AuditAction;
use crate::domain::client::{Client, Status};
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::clients::{self, ClientMembers};
use crate::flows::console::{CLIENT_ID, is_wanted, redirect_uri, scope};
use crate::flows::error::{FlowError, FlowResult};
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::redirect_uri::RedirectUri;

/// Registers the client, or brings it up to date: a new version knows more scopes, and the issuer may have moved.
pub fn ensure_client(server: &Server) -> FlowResult<()> {
    if !is_wanted(server) {
        return Ok(());
    }
    let caller = Caller::server();
    let uri = RedirectUri::parse(&redirect_uri(server)).map_err(|error| Denial::InvalidMember(error.to_string()))?;
    let members = ClientMembers {
        client_name: Some(server.config.brand.name.clone()),
        token_endpoint_auth_method: Some(ClientAuthMethod::None),
        grant_types: Some(vec![GrantType::AuthorizationCode]),
        redirect_uris: Some(vec![uri]),
        scope: Some(scope()),
        resources: Some(vec![server.admin_resource.clone()]),
        first_party: Some(true),
        require_pkce: Some(true),
        ..ClientMembers::default()
    };
    match server.store.read(|connection| connection.find_client(CLIENT_ID))? {
        None => {
            match clients::create(server, &caller, ClientMembers { client_id: Some(CLIENT_ID.to_owned()), ..members }) {
                // Another instance was faster.
                Ok(_) | Err(FlowError::Denied(Denial::Conflict(_))) => Ok(()),
                Err(error) => Err(error),
            }
        }
        Some(known) => {
            if known.status != Status::Active {
                revive_client(server, &caller)?;
            }
            if is_current(&known, &members) {
                return Ok(());
            }
            clients::update(server, &caller, CLIENT_ID, members).map(drop)
        }
    }
}

/// A version before this one let operators stop it, and revoked it was for good: there would be no pages for ever.
fn revive_client(server: &Server, caller: &Caller) -> FlowResult<()> {
    let event = caller.event(AuditAction::ClientEnabled, "client", CLIENT_ID);
    let now = server.clock.now();
    server.store.write(move |connection| {
        connection.update_client_status(CLIENT_ID, &[Status::Inactive, Status::Revoked], Status::Active, now)?;
        connection.insert_audit_event(&event, now)
    })?;
    Ok(())
}

fn is_current(known: &Client, wanted: &ClientMembers) -> bool {
    wanted.redirect_uris.as_ref() == Some(&known.redirect_uris)
        && wanted.scope.as_ref() == Some(&known.scope)
        && wanted.resources.as_ref() == Some(&known.resources)
        && wanted.client_name.as_ref() == Some(&known.client_name)
        && known.first_party
        && known.require_pkce
        && known.is_public()
}
