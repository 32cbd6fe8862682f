//! The client credentials grant (RFC 6749 §4.4): no user, no refresh token (§4.4.3), no write.

use crate::domain::audit_event::Actor;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::token::mint::{self, Subject};
use crate::flows::token::{Asked, Wanted, authority, issued};
use crate::protocol::token_response::TokenResponse;

/// Issues an access token to the client itself.
pub fn redeem(server: &Server, asked: &Asked) -> FlowResult<TokenResponse> {
    let client = &asked.client;
    let wanted = Wanted {
        client,
        scope: asked.scope.as_ref(),
        resources: &asked.resources,
        roles: &client.roles,
        of_user: false,
        grant: None,
    };
    let authority = authority::decide(server, &wanted)?;
    let minted = mint::mint(server, client, &Subject::Client, &authority)?;
    if let Some(event) = issued(server, asked, Actor::Client(client.client_id.0.clone()), &minted) {
        let now = server.clock.now();
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    }
    Ok(minted.respond(None, &authority))
}
