//! An access key: a long-lived secret by which a program acts for a user, a service account, a client or the platform.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::client::Status;
use crate::domain::ids::{AccessKeyId, AccessKeySecretId, ProjectId};
use crate::domain::limits::Limits;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Owner {
    /// A person: their keys stop when they are disabled.
    User(String),
    /// A service account.
    ServiceAccount(String),
    /// A client that acts for itself.
    Client(String),
}

impl Owner {
    /// The kind, as filters and headers spell it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ServiceAccount(_) => "service_account",
            Self::Client(_) => "client",
        }
    }

    /// Its identifier.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::ServiceAccount(id) | Self::Client(id) => id,
        }
    }
}

/// Writes a scope as the array of its tokens.
pub fn as_list<S: Serializer>(scope: &Scope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scope.iter())
}

/// An access key. It holds no secret: those are rows of their own.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AccessKey {
    /// `ak_...`: not a secret.
    pub id: AccessKeyId,
    /// For people; deleting the key asks for it.
    pub name: String,
    /// For people.
    pub description: String,
    /// Where it works; fixed at creation.
    pub environment: String,
    /// Whose it is; null when it belongs to the platform itself.
    pub owner: Option<Owner>,
    /// What it may do, as far as its owner still may.
    #[serde(rename = "scopes", serialize_with = "as_list")]
    #[schema(value_type = Vec<String>)]
    pub scope: Scope,
    /// The audiences that accept it.
    #[schema(value_type = Vec<String>)]
    pub resources: Vec<Resource>,
    /// The projects it is limited to; empty for all.
    pub projects: Vec<ProjectId>,
    /// Its plan, by name.
    pub plan: Option<String>,
    /// Its own limits.
    #[serde(flatten)]
    pub limits: Limits,
    /// The networks it may be used from; empty for all.
    #[schema(value_type = Vec<String>)]
    pub allowed_addresses: Vec<IpNet>,
    /// Whether it may be used.
    pub status: Status,
    /// The current secret, recognisable and useless.
    pub masked: String,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it, as `kind:id`.
    pub created_by: String,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
    /// When its secret was last replaced.
    pub rotated_at: Option<DateTime<Utc>>,
    /// When it was last used; some seconds late.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From where it was last used.
    #[schema(value_type = Option<String>)]
    pub last_used_address: Option<IpAddr>,
}

/// One secret of a key as stored: while a key is rotated it has two.
#[derive(Debug, Clone)]
pub struct AccessKeySecret {
    /// Its identifier, not secret.
    pub id: AccessKeySecretId,
    /// HMAC-SHA-256.
    pub digest: Vec<u8>,
    /// Whose it is.
    pub access_key_id: AccessKeyId,
    /// Recognisable and useless.
    pub masked: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working; None while it is the current one.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A secret made recognisable and useless: what it starts with, four characters more, and its last four.
pub fn mask(prefix: &str, secret: &str) -> String {
    let first = secret.get(..prefix.len() + 4).unwrap_or_default();
    let last = secret.get(secret.len().saturating_sub(4)..).unwrap_or_default();
    format!("{first}...{last}")
}
