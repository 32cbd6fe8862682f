//! The device code grant (RFC 8628 §3.4, §3.5).

use crate::crypto::secret::SecretKind;
use crate::domain::denial::Denial;
use crate::domain::device_authorization::{DeviceAuthorization, DevicePoll};
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::token::Asked;
use crate::flows::token::first_use::{self, Granted};
use crate::protocol::token_response::TokenResponse;
use crate::store::StoreConnection;

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
    let (granted, now) = (Granted { grant: &grant, user: &user, nonce: None }, server.clock.now());
    let consume = move |connection: &mut StoreConnection| connection.consume_device_authorization(&digest, now);
    Ok(first_use::issue(server, asked, &granted, consume)?.ok_or(Denial::DeviceCodeUnknown)?)
}

/// Notes a poll that came too early or too soon. Of several at the same moment one is noted: all of them are told to wait.
fn note(server: &Server, digest: Vec<u8>, found: &DeviceAuthorization, interval: u32) -> FlowResult<()> {
    let (now, before) = (server.clock.now(), found.polled_at);
    server.store.write(move |connection| connection.note_device_poll(&digest, before, now, interval))?;
    Ok(())
}
