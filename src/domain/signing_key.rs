//! A signing key over its life: pending, active, retired. The state follows from the times, so that every instance
//! that has read the same rows switches at the same moment without talking to the others.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::protocol::jwk::PublicJwk;
use crate::protocol::signing_alg::SigningAlg;

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SigningKeyState {
    /// Published, not yet signing.
    Pending,
    /// Signing.
    Active,
    /// No longer signing; published until the last token it signed has expired.
    Retired,
    /// No longer published.
    Expired,
}

/// A signing key without its private part.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SigningKey {
    /// Key identifier.
    pub kid: String,
    /// The one algorithm that it signs with.
    pub alg: SigningAlg,
    /// Its size in bits: that of the modulus, or of the curve.
    pub bits: i32,
    /// The public part as published.
    pub public_jwk: PublicJwk,
    /// When it was published.
    pub created_at: DateTime<Utc>,
    /// When it starts to sign.
    pub active_from: DateTime<Utc>,
    /// When it stops signing, once a successor is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime<Utc>>,
    /// When it leaves the JWKS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl SigningKey {
    /// Its state at this time.
    pub fn state(&self, now: DateTime<Utc>) -> SigningKeyState {
        let passed = |end: Option<DateTime<Utc>>| end.is_some_and(|end| now >= end);
        if passed(self.expires_at) {
            SigningKeyState::Expired
        } else if passed(self.retired_at) {
            SigningKeyState::Retired
        } else if now < self.active_from {
            SigningKeyState::Pending
        } else {
            SigningKeyState::Active
        }
    }

    /// When the key of its algorithm that has no successor yet gives way to the next one, or begins to sign itself.
    pub fn next_change(&self, now: DateTime<Utc>, interval: std::time::Duration) -> DateTime<Utc> {
        if now < self.active_from { self.active_from } else { self.active_from + interval }
    }

    /// Is it in the JWKS at this time?
    pub fn is_published(&self, now: DateTime<Utc>) -> bool {
        self.state(now) != SigningKeyState::Expired
    }
}

/// Keys with where each is. Of several of one algorithm that might sign, the one that began last does: the others are retired.
pub fn standings(keys: Vec<SigningKey>, now: DateTime<Utc>) -> Vec<(SigningKey, SigningKeyState)> {
    let began = |alg: SigningAlg| {
        let active = keys.iter().filter(|key| key.alg == alg && key.state(now) == SigningKeyState::Active);
        active.map(|key| key.active_from).max()
    };
    let state_of = |key: &SigningKey| match key.state(now) {
        SigningKeyState::Active if began(key.alg).is_some_and(|last| key.active_from < last) => {
            SigningKeyState::Retired
        }
        state => state,
    };
    let states: Vec<_> = keys.iter().map(state_of).collect();
    keys.into_iter().zip(states).collect()
}
