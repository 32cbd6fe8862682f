//! A service account: owns access keys that belong to no person.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::client::Status;
use crate::domain::ids::ServiceAccountId;
use crate::protocol::scope::Scope;

/// A service account.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ServiceAccount {
    /// Its identifier, also the subject of what its keys do.
    pub id: ServiceAccountId,
    /// Unique, for people.
    pub name: String,
    /// For people.
    pub description: String,
    /// The most that its keys may hold; what it loses, they lose at once.
    #[serde(rename = "scopes", serialize_with = "crate::domain::access_key::as_list")]
    #[schema(value_type = Vec<String>)]
    pub scope: Scope,
    /// The plan of its keys that have none of their own.
    pub plan: Option<String>,
    /// Whether its keys may be used.
    pub status: Status,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}
