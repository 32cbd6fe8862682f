//! A grant: one authorization that a user gave a client. Everything issued from it dies with it: its code, its refresh
//! token family, and its access tokens as far as introspection is asked.

use chrono::{DateTime, Utc};

use crate::domain::ids::{ClientId, GrantId, UserId};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Why a grant was revoked; kept for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// The client asked (RFC 7009).
    ClientRequest,
    /// The authorization code was presented twice (RFC 6749 §4.1.2).
    CodeReplay,
    /// A consumed refresh token was presented (RFC 9700 §4.14.2).
    RefreshTokenReuse,
    /// The user's password was set anew, or the account was disabled.
    UserChange,
    /// The session that it was given in has ended, and it has no `offline_access` (Back-Channel Logout §2.7).
    SessionEnd,
    /// The client's users got other names.
    ClientChange,
    /// The user no longer lets the client in.
    UserRequest,
    /// An operator no longer lets the client act as the user.
    OperatorRequest,
    /// It was given to try the client from the console.
    Trial,
}

impl RevocationReason {
    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientRequest => "client_request",
            Self::CodeReplay => "code_replay",
            Self::RefreshTokenReuse => "refresh_token_reuse",
            Self::UserChange => "user_change",
            Self::SessionEnd => "session_end",
            Self::ClientChange => "client_change",
            Self::UserRequest => "user_request",
            Self::OperatorRequest => "operator_request",
            Self::Trial => "trial",
        }
    }
}

/// A grant.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its identifier, also the `grant_id` claim.
    pub id: GrantId,
    /// Who may use it.
    pub client_id: ClientId,
    /// Who gave it.
    pub user_id: UserId,
    /// What was granted: refresh tokens keep this scope (RFC 6749 §6).
    pub scope: Scope,
    /// For which resources.
    pub resources: Vec<Resource>,
    /// When the user signed in.
    pub auth_time: DateTime<Utc>,
    /// The login session that it was given in, where there was one.
    pub sid: Option<String>,
    /// The claims that were asked for by name: the `claims` parameter (OpenID Connect Core §5.5), as JSON.
    pub claims: Option<String>,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// Its absolute end, and that of all tokens issued from it.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}
