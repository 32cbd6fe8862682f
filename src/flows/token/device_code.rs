//! The device code grant (RFC 8628 §3.4, §3.5): mint first, then one short write in which one caller wins.

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::Actor;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::device_authorization::{DeviceAuthorization, DevicePoll};
use crate::domain::grant::Grant;
use crate::domain::user::User;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::token::id_token::{self, Authentication};
use crate::flows::token::mint::{self, Subject};
use crate::flows::token::{Asked, Authority, Wanted, authority, issued};
use crate::protocol::token_response::TokenResponse;

/// Answers a poll: with tokens once the user has allowed it.
pub fn redeem(server: &Server, asked: &Asked, device_code: &str) -> FlowResult<TokenResponse> {
    if !SecretKind::DeviceCode.is_well_formed(device_code) {
        return Err(Denial::DeviceCodeUnknown.into());
    }
    let digest = server.keys.digest(SecretKind::DeviceCode, device_code);
    let found = server.store.read(|connection| connection.find_device_authorization(&digest))?;
    let found = found.ok_or(Denial::DeviceCodeUnknown)?;
    let grant_id = match found.poll(&asked.client, server.clock.now())? {
        DevicePoll::Redeem(grant_id) => grant_id,
        DevicePoll::Wait { denial, interval } => {
            note(server, digest, &found, interval)?;
            return Err(denial.into());
        }
    };
    let granted = server.store.read(|connection| connection.find_grant(grant_id.as_str()))?;
    let (grant, user) = granted.ok_or(Denial::GrantRevoked)?;
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
    issue(server, asked, digest, (&grant, &user), &authority)
}

/// Notes a poll that came too early or too soon. Of several at the same moment one is noted: all of them are told to wait.
fn note(server: &Server, digest: Vec<u8>, found: &DeviceAuthorization, interval: u32) -> FlowResult<()> {
    let (now, before) = (server.clock.now(), found.polled_at);
    server.store.write(move |connection| connection.note_device_poll(&digest, before, now, interval))?;
    Ok(())
}

fn issue(
    server: &Server,
    asked: &Asked,
    digest: Vec<u8>,
    (grant, user): (&Grant, &User),
    authority: &Authority,
) -> FlowResult<TokenResponse> {
    let now = server.clock.now();
    let minted = mint::mint(server, &asked.client, &Subject::User(user, grant), authority)?;
    let authentication = Authentication { client: &asked.client, user, grant, nonce: None };
    let id_token = id_token::issue(server, &authentication, authority, &minted)?;
    let may_refresh = mint::may_refresh(&asked.client, &authority.scope);
    let refresh = may_refresh.then(|| SecretKind::RefreshToken.generate()).transpose()?;
    let refresh_digest = refresh.as_ref().map(|text| server.keys.digest(SecretKind::RefreshToken, text));
    let expiry = mint::refresh_token_expiry(server, &asked.client, grant, now);
    let event = issued(server, asked, Actor::User(user.id.0.clone()), &minted);
    let grant_id = grant.id.clone();
    let won = server.store.write(move |connection| {
        if !connection.consume_device_authorization(&digest, now)? {
            return Ok(false);
        }
        if let Some(refresh_digest) = &refresh_digest {
            connection.insert_refresh_token(refresh_digest, &grant_id, now, expiry)?;
        }
        event.iter().try_for_each(|event| connection.insert_audit_event(event, now))?;
        Ok(true)
    })?;
    if !won {
        return Err(Denial::DeviceCodeUnknown.into());
    }
    Ok(TokenResponse { id_token, ..minted.respond(refresh.map(|text| text.to_string()), authority) })
}
