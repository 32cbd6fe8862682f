//! The exchange of an authorization code (RFC 6749 §4.1.3): mint first, then one short write in which one caller wins.

use zeroize::Zeroizing;

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent};
use crate::domain::authorization_code::AuthorizationCode;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::grant::{Grant, RevocationReason};
use crate::domain::user::User;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::token::id_token::{self, Authentication};
use crate::flows::token::mint::{self, Subject};
use crate::flows::token::{Asked, Authority, Wanted, authority, issued};
use crate::protocol::pkce::CodeVerifier;
use crate::protocol::token_response::TokenResponse;

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
    if grant.revoked_at.is_some() {
        return Err(Denial::GrantRevoked.into());
    }
    if user.status != Status::Active {
        return Err(Denial::UserInactive.into());
    }
    let wanted = Wanted {
        client: &asked.client,
        scope: None,
        resources: &asked.resources,
        roles: &user.roles,
        of_user: true,
        grant: Some(&grant),
    };
    let authority = authority::decide(server, &wanted)?;
    issue(server, asked, (digest, &code), (&grant, &user), &authority)
}

fn load(server: &Server, digest: &[u8]) -> FlowResult<(AuthorizationCode, Grant, User)> {
    let found = server.store.read(|connection| {
        let Some(code) = connection.find_authorization_code(digest)? else { return Ok(None) };
        let grant = connection.find_grant(code.grant_id.as_str())?;
        Ok(grant.map(|(grant, user)| (code, grant, user)))
    })?;
    Ok(found.ok_or(Denial::CodeUnknown)?)
}

fn issue(
    server: &Server,
    asked: &Asked,
    (code_digest, code): (Vec<u8>, &AuthorizationCode),
    (grant, user): (&Grant, &User),
    authority: &Authority,
) -> FlowResult<TokenResponse> {
    let now = server.clock.now();
    let minted = mint::mint(server, &asked.client, &Subject::User(user, grant), authority)?;
    let authentication = Authentication { client: &asked.client, user, grant, nonce: code.nonce.as_deref() };
    let id_token = id_token::issue(server, &authentication, authority, &minted)?;
    let may_refresh = mint::may_refresh(&asked.client, &authority.scope);
    let refresh = may_refresh.then(|| SecretKind::RefreshToken.generate()).transpose()?;
    let digest = refresh.as_ref().map(|text| server.keys.digest(SecretKind::RefreshToken, text));
    let expiry = mint::refresh_token_expiry(server, &asked.client, grant, now);
    let event = issued(server, asked, Actor::User(user.id.0.clone()), &minted);
    let grant_id = grant.id.clone();
    let won = server.store.write(move |connection| {
        // RFC 6749 §4.1.2: single use. Of any number of callers, one consumes it.
        if !connection.consume_authorization_code(&code_digest, now)? {
            return Ok(false);
        }
        if let Some(digest) = &digest {
            connection.insert_refresh_token(digest, &grant_id, now, expiry)?;
        }
        event.iter().try_for_each(|event| connection.insert_audit_event(event, now))?;
        Ok(true)
    })?;
    if !won {
        revoke_replayed(server, asked, grant)?;
        return Err(Denial::CodeReplayed.into());
    }
    Ok(TokenResponse { id_token, ..minted.respond(refresh.map(|text| text.to_string()), authority) })
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
