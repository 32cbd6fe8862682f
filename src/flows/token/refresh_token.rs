//! The refresh grant (RFC 6749 §6) with rotation and reuse detection (RFC 9700 §4.14.2).

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent};
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::grant::{Grant, RevocationReason};
use crate::domain::refresh_token::{RefreshPlan, RefreshTerms};
use crate::flows::Server;
use crate::flows::error::{Failure, FlowResult};
use crate::flows::token::id_token::{self, Authentication};
use crate::flows::token::mint::{self, Minted, Subject};
use crate::flows::token::{Asked, Authority, Wanted, authority, issued};
use crate::protocol::token_response::TokenResponse;
use crate::store::PresentedRefreshToken;

/// How often a use is decided anew when another request changed the token between decision and write. The second look
/// sees what the other did, so a third is never needed; the bound keeps a mistake from becoming a loop.
const MAX_LOOKS: usize = 3;

/// Redeems a refresh token.
pub fn redeem(server: &Server, asked: &Asked, presented: &str) -> FlowResult<TokenResponse> {
    if !SecretKind::RefreshToken.is_well_formed(presented) {
        return Err(Denial::RefreshTokenUnknown.into());
    }
    let digest = server.keys.digest(SecretKind::RefreshToken, presented);
    let successor = server.keys.refresh_token_successor(presented);
    let successor_digest = server.keys.digest(SecretKind::RefreshToken, &successor);
    for _ in 0..MAX_LOOKS {
        let (found, plan, authority) = decide(server, asked, &digest, &successor_digest)?;
        let subject = Subject::User(&found.user, &found.grant);
        let minted = mint::mint(server, &asked.client, &subject, &authority)?;
        // OpenID Connect Core §12.2: the same subject, audience and time of log-in as before; a nonce is not needed.
        let authentication =
            Authentication { client: &asked.client, user: &found.user, grant: &found.grant, nonce: None };
        let id_token = id_token::issue(server, &authentication, &authority, &minted)?;
        let done = match plan {
            RefreshPlan::Rotate => rotate(server, asked, &found, &minted, successor_digest.clone())?,
            RefreshPlan::Keep => keep(server, asked, &found, &minted)?,
            RefreshPlan::Repeat => true,
        };
        if done {
            let next = if plan == RefreshPlan::Keep { presented } else { successor.as_str() };
            return Ok(TokenResponse { id_token, ..minted.respond(Some(next.to_owned()), &authority) });
        }
    }
    Err(Failure::Internal("a refresh token changed under every look at it".to_owned()).into())
}

/// Loads and decides; a reuse revokes the family before it is refused.
fn decide(
    server: &Server,
    asked: &Asked,
    digest: &[u8],
    successor_digest: &[u8],
) -> FlowResult<(PresentedRefreshToken, RefreshPlan, Authority)> {
    let terms = RefreshTerms { now: server.clock.now(), reuse_grace: server.config.tokens.refresh_token_reuse_grace };
    let loaded = server.store.read(|connection| {
        let Some(found) = connection.find_refresh_token(digest)? else { return Ok(None) };
        let successor_unused =
            found.token.consumed_at.is_some() && connection.is_refresh_token_unused(successor_digest)?;
        Ok(Some((found, successor_unused)))
    })?;
    let (found, successor_unused) = loaded.ok_or(Denial::RefreshTokenUnknown)?;
    let plan = match found.token.present(&found.grant, &asked.client, successor_unused, &terms) {
        Ok(plan) => plan,
        Err(denial) => {
            if denial == Denial::RefreshTokenReused {
                revoke_reused(server, asked, &found.grant)?;
            }
            return Err(denial.into());
        }
    };
    if found.user.status != Status::Active {
        return Err(Denial::UserInactive.into());
    }
    let wanted = Wanted {
        client: &asked.client,
        scope: asked.scope.as_ref(),
        resources: &asked.resources,
        roles: &found.user.roles,
        of_user: true,
        grant: Some(&found.grant),
    };
    let authority = authority::decide(server, &wanted)?;
    Ok((found, plan, authority))
}

/// Consumes the token and adds its successor; false when another request was faster, or the grant was revoked meanwhile.
fn rotate(
    server: &Server,
    asked: &Asked,
    found: &PresentedRefreshToken,
    minted: &Minted,
    successor_digest: Vec<u8>,
) -> FlowResult<bool> {
    let now = server.clock.now();
    let expiry = mint::refresh_token_expiry(server, &asked.client, &found.grant, now);
    let event = issued(server, asked, Actor::User(found.user.id.0.clone()), minted);
    let (id, grant_id) = (found.token.id, found.grant.id.clone());
    Ok(server.store.write(move |connection| {
        if !connection.consume_refresh_token(id, &grant_id, now)? {
            return Ok(false);
        }
        connection.insert_refresh_token(&successor_digest, &grant_id, now, expiry)?;
        event.iter().try_for_each(|event| connection.insert_audit_event(event, now))?;
        Ok(true)
    })?)
}

/// Slides the end of a kept token. A use that would move it by less than a hundredth of its lifetime is not written.
fn keep(server: &Server, asked: &Asked, found: &PresentedRefreshToken, minted: &Minted) -> FlowResult<bool> {
    let now = server.clock.now();
    let expiry = mint::refresh_token_expiry(server, &asked.client, &found.grant, now);
    let worth_writing = expiry - found.token.expires_at > (expiry - now) / 100;
    let event = issued(server, asked, Actor::User(found.user.id.0.clone()), minted);
    if !worth_writing && event.is_none() {
        return Ok(true);
    }
    let id = found.token.id;
    Ok(server.store.write(move |connection| {
        event.iter().try_for_each(|event| connection.insert_audit_event(event, now))?;
        connection.extend_refresh_token(id, expiry)
    })?)
}

/// RFC 9700 §4.14.2: whoever of the two is the thief, both lose the family; client and user keep all else.
fn revoke_reused(server: &Server, asked: &Asked, grant: &Grant) -> FlowResult<()> {
    let now = server.clock.now();
    let id = grant.id.0.clone();
    let actor = Actor::Client(asked.client.client_id.0.clone());
    let event = NewAuditEvent::failure(AuditAction::RefreshTokenReused, actor, asked.source.clone())
        .on("grant", &id)
        .through(asked.client.client_id.as_str());
    server.store.write(move |connection| {
        if connection.revoke_grant(&id, RevocationReason::RefreshTokenReuse, now)? {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(())
    })?;
    Ok(())
}
