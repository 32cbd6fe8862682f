//! An access token that a person made for themselves: kept as a row, without the token, so that it can be revoked at once.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::ids::{PersonalTokenId, UserId};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// A personal token, without the token.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PersonalToken {
    /// `pt_...`: not a secret. It stands in the token where others name a client.
    pub id: PersonalTokenId,
    /// Whose it is, and the `sub` of the token.
    pub user_id: UserId,
    /// For people.
    pub name: String,
    /// The `jti` of the token.
    pub jti: String,
    /// Where it works.
    pub environment: String,
    /// What it may do, as long as its user holds it.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// The audiences that accept it.
    #[schema(value_type = Vec<String>)]
    pub resources: Vec<Resource>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl PersonalToken {
    /// Is it of use at this time?
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}
