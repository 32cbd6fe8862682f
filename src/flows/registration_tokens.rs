//! Initial access tokens (RFC 7591 §3): who has one may register clients.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::crypto::random;
use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::ids::RegistrationTokenId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::registration::RegistrationToken;
use crate::domain::text::is_deceptive;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// Longest life of a token: ten years.
const MAX_LIFETIME: u64 = 3660 * 86_400;

/// An initial access token to make.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewRegistrationToken {
    /// For people.
    pub description: String,
    /// How many clients it may register; any number where absent.
    pub max_uses: Option<u32>,
    /// For how long it works, in seconds; until it is revoked where absent.
    pub lifetime: Option<u64>,
}

/// An initial access token, shown this once. No `Debug`.
#[derive(Serialize, utoipa::ToSchema)]
pub struct MadeRegistrationToken {
    /// What is kept of it.
    #[serde(flatten)]
    pub registration_token: RegistrationToken,
    /// The token.
    pub token: String,
}

/// Makes an initial access token.
pub fn create(server: &Server, caller: &Caller, new: NewRegistrationToken) -> FlowResult<MadeRegistrationToken> {
    caller.require("clients:write")?;
    let refuse = |text: &str| Err(Denial::InvalidMember(text.to_owned()).into());
    if new.description.len() > 200 || new.description.chars().any(is_deceptive) {
        return refuse("description must have at most 200 bytes and no control or direction characters");
    }
    if new.max_uses.is_some_and(|uses| uses == 0 || uses > 1_000_000) {
        return refuse("max_uses must be 1 to 1000000");
    }
    if new.lifetime.is_some_and(|seconds| seconds == 0 || seconds > MAX_LIFETIME) {
        return refuse("lifetime must be 1 second to 10 years");
    }
    let now = server.clock.now();
    let made = RegistrationToken {
        id: RegistrationTokenId(random::id(now)?),
        description: new.description,
        max_uses: new.max_uses,
        uses: 0,
        created_at: now,
        expires_at: new.lifetime.map(|seconds| now + Duration::from_secs(seconds)),
        revoked_at: None,
    };
    let token = SecretKind::InitialAccessToken.generate()?;
    let digest = server.keys.digest(SecretKind::InitialAccessToken, &token);
    let event = caller.event(AuditAction::RegistrationTokenCreated, "registration_token", made.id.as_str());
    let stored = made.clone();
    server.store.write(move |connection| {
        connection.insert_registration_token(&stored, &digest)?;
        connection.insert_audit_event(&event, now)
    })?;
    Ok(MadeRegistrationToken { registration_token: made, token: token.to_string() })
}

/// A page of initial access tokens, without the tokens.
pub fn list(server: &Server, caller: &Caller, page: &PageRequest) -> FlowResult<Page<RegistrationToken>> {
    caller.require("clients:read")?;
    Ok(server.store.read(|connection| connection.list_registration_tokens(page))?)
}

/// Revokes an initial access token. Clients that it registered stay.
pub fn revoke(server: &Server, caller: &Caller, id: &str) -> FlowResult<()> {
    caller.require("clients:write")?;
    let (id, now) = (id.to_owned(), server.clock.now());
    let event = caller.event(AuditAction::RegistrationTokenRevoked, "registration_token", &id);
    let done = server.store.write(move |connection| {
        let done = connection.revoke_registration_token(&id, now)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if done { Ok(()) } else { Err(Denial::NotFound("registration token that is not revoked").into()) }
}
