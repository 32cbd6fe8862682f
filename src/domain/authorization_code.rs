//! An authorization code and the decision of its exchange (RFC 6749 §4.1.2, §4.1.3; RFC 7636 §4.6).

use chrono::{DateTime, Utc};

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, GrantId};
use crate::protocol::pkce::{CodeChallenge, CodeVerifier};

/// A stored code, without its text: only a digest of that is kept.
#[derive(Debug, Clone)]
pub struct AuthorizationCode {
    /// The grant that it stands for.
    pub grant_id: GrantId,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// The redirect URI it was sent to.
    pub redirect_uri: String,
    /// Was that URI named in the request? Then the exchange must name it again.
    pub redirect_uri_sent: bool,
    /// The PKCE challenge of the request.
    pub code_challenge: Option<CodeChallenge>,
    /// The `nonce` of the request, for the ID token.
    pub nonce: Option<String>,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
    /// When it was exchanged.
    pub consumed_at: Option<DateTime<Utc>>,
}

impl AuthorizationCode {
    /// Decides the exchange. A code of another client answers like an unknown one. A consumed code is reported first
    /// of all, even when expired: the replay must revoke what was issued from it (RFC 6749 §4.1.2).
    pub fn redeem(
        &self,
        client: &Client,
        redirect_uri: Option<&str>,
        verifier: Option<&CodeVerifier>,
        now: DateTime<Utc>,
    ) -> Result<(), Denial> {
        if self.client_id != client.client_id {
            return Err(Denial::CodeUnknown);
        }
        if self.consumed_at.is_some() {
            return Err(Denial::CodeReplayed);
        }
        if now >= self.expires_at {
            return Err(Denial::CodeExpired);
        }
        self.check_redirect_uri(redirect_uri)?;
        self.check_pkce(verifier)
    }

    /// RFC 6749 §4.1.3: required if it was in the authorization request, and identical.
    fn check_redirect_uri(&self, presented: Option<&str>) -> Result<(), Denial> {
        match presented {
            Some(presented) if presented == self.redirect_uri => Ok(()),
            None if !self.redirect_uri_sent => Ok(()),
            _ => Err(Denial::RedirectUriMismatch),
        }
    }

    /// RFC 7636 §4.6; a verifier without a challenge is refused too (RFC 9700 §4.8.2, PKCE downgrade).
    fn check_pkce(&self, verifier: Option<&CodeVerifier>) -> Result<(), Denial> {
        match (&self.code_challenge, verifier) {
            (None, None) => Ok(()),
            (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => Ok(()),
            _ => Err(Denial::CodeVerifierMismatch),
        }
    }
}
