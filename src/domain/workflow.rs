//! A workflow: a public identifier by which a front end gets short-lived, narrow access tokens, while the secret that
//! entitles it stays at the server's side.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::client::Status;
use crate::domain::ids::{ClientId, WorkflowId};
use crate::protocol::origin::Origin;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// A workflow.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Workflow {
    /// `wf_...`: public.
    pub id: WorkflowId,
    /// For people.
    pub name: String,
    /// The client it belongs to.
    pub client_id: ClientId,
    /// What its tokens may do.
    #[serde(rename = "scopes", serialize_with = "crate::domain::access_key::as_list")]
    #[schema(value_type = Vec<String>)]
    pub scope: Scope,
    /// The audiences of its tokens.
    #[schema(value_type = Vec<String>)]
    pub resources: Vec<Resource>,
    /// The browser origins that may ask for its tokens; empty for callers that are not browsers only.
    #[schema(value_type = Vec<String>)]
    pub allowed_origins: Vec<Origin>,
    /// Lifetime of its tokens, in seconds.
    pub access_token_lifetime: u32,
    /// Whether it may be used.
    pub status: Status,
    /// The client secret that was entered for it: its refresh token lives as long as that secret does. Not shown.
    #[serde(skip)]
    pub client_secret_id: Option<String>,
    /// When the client's secret was last entered for it.
    pub authorized_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}
