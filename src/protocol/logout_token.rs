//! The claims of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).

use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// The `typ` header of a logout token (§2.4): no ID token has it, so that none is taken for the other.
pub const LOGOUT_TOKEN_TYPE: &str = "logout+jwt";

/// The one member of `events`.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The claims. There is no `nonce`, which §2.4 forbids. Times are seconds since the epoch.
#[derive(Debug, Clone, Serialize)]
pub struct LogoutTokenClaims {
    /// Issuer.
    pub iss: String,
    /// Subject, as this client knows the user.
    pub sub: String,
    /// The client, as one string.
    pub aud: String,
    /// Time of issue.
    pub iat: i64,
    /// Expiry.
    pub exp: i64,
    /// Another one for each token.
    pub jti: String,
    /// The session that has ended.
    pub sid: String,
    /// That it is a logout.
    pub events: LogoutEvents,
}

/// Exactly the one event, with nothing to say of it.
#[derive(Debug, Clone, Copy)]
pub struct LogoutEvents;

impl Serialize for LogoutEvents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut events = serializer.serialize_map(Some(1))?;
        events.serialize_entry(LOGOUT_EVENT, &serde_json::Map::new())?;
        events.end()
    }
}
