//! The first tokens of a grant that a user gave, for what stands for it once: an authorization code or a device code. Mint
//! first, then one short write in which one caller wins.

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::Actor;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::grant::Grant;
use crate::domain::user::User;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::token::id_token::{self, Authentication};
use crate::flows::token::mint::{self, Subject};
use crate::flows::token::{Asked, Authority, Wanted, authority, issued};
use crate::protocol::token_response::TokenResponse;
use crate::store::{StoreConnection, StoreError};

/// What was granted, and by whom.
pub struct Granted<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// Its user.
    pub user: &'a User,
    /// `nonce` of the request, where there was one.
    pub nonce: Option<&'a str>,
}

/// Issues them; None when `consume`, which uses up what stands for the grant, tells that another caller was first.
pub fn issue(
    server: &Server,
    asked: &Asked,
    granted: &Granted<'_>,
    consume: impl FnOnce(&mut StoreConnection) -> Result<bool, StoreError> + Send + 'static,
) -> FlowResult<Option<TokenResponse>> {
    let Granted { grant, user, nonce } = *granted;
    let (now, authority) = (server.clock.now(), decide(server, asked, grant, user)?);
    let minted = mint::mint(server, &asked.client, &Subject::User(user, grant), &authority)?;
    let authentication = Authentication { client: &asked.client, user, grant, nonce };
    let id_token = id_token::issue(server, &authentication, &authority, &minted)?;
    let may_refresh = mint::may_refresh(&asked.client, &authority.scope);
    let refresh = may_refresh.then(|| SecretKind::RefreshToken.generate()).transpose()?;
    let digest = refresh.as_ref().map(|text| server.keys.digest(SecretKind::RefreshToken, text));
    let expiry = mint::refresh_token_expiry(server, &asked.client, grant, now);
    let event = issued(server, asked, Actor::User(user.id.0.clone()), &minted);
    let grant_id = grant.id.clone();
    let won = server.store.write(move |connection| {
        if !consume(connection)? {
            return Ok(false);
        }
        if let Some(digest) = &digest {
            connection.insert_refresh_token(digest, &grant_id, now, expiry)?;
        }
        event.iter().try_for_each(|event| connection.insert_audit_event(event, now))?;
        Ok(true)
    })?;
    let refresh = refresh.map(|text| text.to_string());
    Ok(won.then(|| TokenResponse { id_token, ..minted.respond(refresh, &authority) }))
}

fn decide(server: &Server, asked: &Asked, grant: &Grant, user: &User) -> FlowResult<Authority> {
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
        grant: Some(grant),
    };
    Ok(authority::decide(server, &wanted)?)
}
