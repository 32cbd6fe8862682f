//! The resource owner password credentials grant (RFC 6749 §4.3): only for first-party clients registered for it.

use zeroize::Zeroizing;

use crate::crypto::random;
use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent};
use crate::domain::denial::Denial;
use crate::domain::grant::Grant;
use crate::domain::ids::GrantId;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::password_check::{self, LoginAttempt};
use crate::flows::token::id_token::{self, Authentication};
use crate::flows::token::mint::{self, Subject};
use crate::flows::token::{Asked, Wanted, authority, issued};
use crate::protocol::token_response::TokenResponse;
use crate::store::UserWithPassword;

/// Checks the password and issues tokens by a new grant.
pub fn redeem(
    server: &Server,
    asked: Asked,
    username: String,
    password: Zeroizing<String>,
) -> FlowResult<TokenResponse> {
    let client = &asked.client;
    if client.is_public() && !server.config.tokens.danger_public_password_grant {
        // Registered before the switch was turned off.
        return Err(Denial::GrantNotRegistered.into());
    }
    let client_id = Some(client.client_id.0.clone());
    let attempt = LoginAttempt { username, password, client_id, source: asked.source.clone() };
    let UserWithPassword { user, password_hash } = password_check::check(server, &attempt)?;
    let wanted = Wanted {
        client,
        scope: asked.scope.as_ref(),
        resources: &asked.resources,
        roles: &user.roles,
        of_user: true,
        grant: None,
    };
    let authority = authority::decide(server, &wanted)?;
    let now = server.clock.now();
    let grant = Grant {
        id: GrantId(random::id(now)?),
        client_id: client.client_id.clone(),
        user_id: user.id.clone(),
        scope: authority.scope.clone(),
        resources: authority.resources.clone(),
        auth_time: now,
        sid: None,
        claims: None,
        created_at: now,
        expires_at: mint::grant_expiry(server, client, now),
        revoked_at: None,
    };
    let minted = mint::mint(server, client, &Subject::User(&user, &grant), &authority)?;
    let authentication = Authentication { client, user: &user, grant: &grant, nonce: None };
    let id_token = id_token::issue(server, &authentication, &authority, &minted)?;
    let may_refresh = mint::may_refresh(client, &authority.scope);
    let refresh = may_refresh.then(|| SecretKind::RefreshToken.generate()).transpose()?;
    let digest = refresh.as_ref().map(|text| server.keys.digest(SecretKind::RefreshToken, text));
    let refresh_expiry = mint::refresh_token_expiry(server, client, &grant, now);
    let actor = Actor::User(user.id.0.clone());
    let login = NewAuditEvent::success(AuditAction::LoginSucceeded, actor.clone(), asked.source.clone())
        .on("user", user.id.as_str())
        .through(client.client_id.as_str())
        .detail("password grant");
    let events = [Some(login), issued(server, &asked, actor, &minted)];
    let granted = server.store.write(move |connection| {
        if !connection.confirm_password(grant.user_id.as_str(), &password_hash)? {
            return Ok(false);
        }
        connection.insert_grant(&grant)?;
        if let Some(digest) = &digest {
            connection.insert_refresh_token(digest, &grant.id, now, refresh_expiry)?;
        }
        events.iter().flatten().try_for_each(|event| connection.insert_audit_event(event, now))?;
        Ok(true)
    })?;
    if !granted {
        return Err(Denial::LoginFailed.into());
    }
    Ok(TokenResponse { id_token, ..minted.respond(refresh.map(|text| text.to_string()), &authority) })
}
