//! A refresh token and the decision of its use (RFC 6749 §6, RFC 9700 §4.14).

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::client::{Client, RefreshTokenPolicy};
use crate::domain::denial::Denial;
use crate::domain::grant::Grant;

/// A stored refresh token, without its text: only a digest of that is kept.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// Its row.
    pub id: i64,
    /// When it was issued.
    pub created_at: DateTime<Utc>,
    /// When it stops working by itself; never behind the grant's end.
    pub expires_at: DateTime<Utc>,
    /// When it was exchanged for its successor.
    pub consumed_at: Option<DateTime<Utc>>,
}

/// What to do with a presented refresh token that is not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshPlan {
    /// Consume it and issue its successor.
    Rotate,
    /// Issue an access token and leave it in place.
    Keep,
    /// It was consumed a moment ago and its successor was never used: give that successor again.
    Repeat,
}

impl RefreshToken {
    /// Decides the use of this token by `client`. `successor_unused` tells whether the successor exists and was not yet
    /// presented: only then can the client have lost our answer, and only for `reuse_grace`.
    pub fn present(
        &self,
        grant: &Grant,
        client: &Client,
        successor_unused: bool,
        terms: &RefreshTerms,
    ) -> Result<RefreshPlan, Denial> {
        if grant.client_id != client.client_id {
            // RFC 6749 §10.4: bound to the client it was issued to.
            return Err(Denial::RefreshTokenUnknown);
        }
        if grant.revoked_at.is_some() {
            return Err(Denial::RefreshTokenRevoked);
        }
        if let Some(consumed_at) = self.consumed_at {
            let age = terms.now.signed_duration_since(consumed_at).to_std().unwrap_or_default();
            // A grace of zero turns repeating off, even within the same microsecond.
            let repeat = successor_unused && !terms.reuse_grace.is_zero() && age <= terms.reuse_grace;
            if !repeat {
                return Err(Denial::RefreshTokenReused);
            }
        }
        if terms.now >= self.expires_at || terms.now >= grant.expires_at {
            return Err(Denial::RefreshTokenExpired);
        }
        if self.consumed_at.is_some() {
            return Ok(RefreshPlan::Repeat);
        }
        Ok(match client.refresh_token_policy {
            RefreshTokenPolicy::Rotate => RefreshPlan::Rotate,
            RefreshTokenPolicy::Keep => RefreshPlan::Keep,
        })
    }
}

/// The circumstances of a use.
#[derive(Debug, Clone, Copy)]
pub struct RefreshTerms {
    /// The time.
    pub now: DateTime<Utc>,
    /// For how long a consumed token may be presented again.
    pub reuse_grace: Duration,
}
