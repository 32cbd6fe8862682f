//! The exchange of an authorization code (RFC 6749 §4.1.3).

use zeroize::Zeroizing;

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent};
use crate::domain::authorization_code::AuthorizationCode;
use crate::domain::denial::Denial;
use crate::domain::grant::{Grant, RevocationReason};
use crate::domain::user::User;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::token::Asked;
use crate::flows::token::first_use::{self, Granted};
use crate::protocol::pkce::CodeVerifier;
use crate::protocol::token_response::TokenResponse;
use crate::store::StoreConnection;

/// What the client presents.
pub struct Presented {
    /// The code.
    pub code: Zeroizing<String>,
    /// The redirect URI.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier.
    pub code_verifier: Option<CodeVerifier>,
}

/// Redeems a code.
pub fn redeem(server: &Server, asked: &Asked, presented: Presented) -> FlowResult<TokenResponse> {
    if !SecretKind::AuthorizationCode.is_well_formed(&presented.code) {
        return Err(Denial::CodeUnknown.into());
    }
    let digest = server.keys.digest(SecretKind::AuthorizationCode, &presented.code);
    let (code, grant, user) = load(server, &digest)?;
    let verifier = presented.code_verifier.as_ref();
    let now = server.clock.now();
    if let Err(denial) = code.redeem(&asked.client, presented.redirect_uri.as_deref(), verifier, now) {
        if denial == Denial::CodeReplayed {
            revoke_replayed(server, asked, &grant)?;
        }
        return Err(denial.into());
    }
    let granted = Granted { grant: &grant, user: &user, nonce: code.nonce.as_deref() };
    // RFC 6749 §4.1.2: single use. Of any number of callers, one consumes it.
    let consume = move |connection: &mut StoreConnection| connection.consume_authorization_code(&digest, now);
    match first_use::issue(server, asked, &granted, consume)? {
        Some(response) => Ok(response),
        None => {
            revoke_replayed(server, asked, &grant)?;
            Err(Denial::CodeReplayed.into())
        }
    }
}

fn load(server: &Server, digest: &[u8]) -> FlowResult<(AuthorizationCode, Grant, User)> {
    let found = server.store.read(|connection| {
        let Some(code) = connection.find_authorization_code(digest)? else { return Ok(None) };
        let grant = connection.find_grant(code.grant_id.as_str())?;
        Ok(grant.map(|(grant, user)| (code, grant, user)))
    })?;
    Ok(found.ok_or(Denial::CodeUnknown)?)
}

/// RFC 6749 §4.1.2: a code used more than once: revoke all tokens issued on it.
fn revoke_replayed(server: &Server, asked: &Asked, grant: &Grant) -> FlowResult<()> {
    let now = server.clock.now();
    let id = grant.id.0.clone();
    let actor = Actor::Client(asked.client.client_id.0.clone());
    let event = NewAuditEvent::failure(AuditAction::CodeReplayed, actor, asked.source.clone())
        .on("grant", &id)
        .through(asked.client.client_id.as_str());
    server.store.write(move |connection| {
        connection.revoke_grant(&id, RevocationReason::CodeReplay, now)?;
        connection.insert_audit_event(&event, now)
    })?;
    Ok(())
}
