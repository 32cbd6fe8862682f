//! Token revocation (RFC 7009).

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::domain::grant::RevocationReason;
use crate::domain::revoked_access_token::RevokedAccessToken;
use crate::flows::error::FlowResult;
use crate::flows::{Server, bearer, client_auth};
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::introspection::TokenParameter;
use crate::protocol::params::Params;

/// Revokes a token of the client. RFC 7009 §2.2: an unknown or already invalid token is a success, for the client has what
/// it wants; §2.1: a token of another client is refused.
pub fn revoke(
    server: &Server,
    params: &Params,
    presented: Result<PresentedCredentials, CredentialsError>,
    source: Source,
) -> FlowResult<()> {
    let request = TokenParameter::read(params).map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    let client = client_auth::authenticate(server, presented, &source)?;
    if SecretKind::RefreshToken.is_well_formed(&request.token) {
        refresh_token(server, &client, &request.token, source)
    } else {
        access_token(server, &client, &request.token, source)
    }
}

/// RFC 7009 §2.1: with a refresh token goes its whole grant, access tokens included.
fn refresh_token(server: &Server, client: &Client, token: &str, source: Source) -> FlowResult<()> {
    let digest = server.keys.digest(SecretKind::RefreshToken, token);
    let Some(found) = server.store.read(|connection| connection.find_refresh_token(&digest))? else { return Ok(()) };
    if found.grant.client_id != client.client_id {
        return Err(Denial::TokenOfAnotherClient.into());
    }
    let now = server.clock.now();
    let id = found.grant.id.0;
    let event = event(AuditAction::GrantRevoked, client, source).on("grant", &id);
    server.store.write(move |connection| {
        if connection.revoke_grant(&id, RevocationReason::ClientRequest, now)? {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Only this access token: introspection refuses it at once, and it is listed until it would have expired.
fn access_token(server: &Server, client: &Client, token: &str, source: Source) -> FlowResult<()> {
    let Some(claims) = bearer::verify(server, token)? else { return Ok(()) };
    if claims.client_id != client.client_id.as_str() {
        return Err(Denial::TokenOfAnotherClient.into());
    }
    let now = server.clock.now();
    let event = event(AuditAction::TokenRevoked, client, source).on("access_token", &claims.jti);
    let revoked = RevokedAccessToken {
        jti: claims.jti,
        client_id: claims.client_id,
        revoked_at: now,
        expires_at: chrono::DateTime::from_timestamp(claims.exp, 0).unwrap_or(now),
    };
    let done = server.store.write(move |connection| {
        if connection.revoke_access_token(&revoked)? {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(())
    });
    match done {
        // Two requests revoked the same token at the same moment: it is revoked.
        Ok(()) | Err(crate::store::StoreError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn event(action: AuditAction, client: &Client, source: Source) -> NewAuditEvent {
    NewAuditEvent::success(action, Actor::Client(client.client_id.0.clone()), source).through(client.client_id.as_str())
}
