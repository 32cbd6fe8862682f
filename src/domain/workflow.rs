//! A workflow: a public identifier by which a front end gets short-lived, narrow access tokens, while the secret that
//! entitles it stays at the server's side.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::client::{ClientSecret, Status};
use crate::domain::denial::Denial;
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

/// Whether a workflow gives tokens now, and if not, why: the first that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowState {
    /// For good.
    Revoked,
    /// Until it is enabled.
    Inactive,
    /// Its client is disabled or revoked.
    ClientInactive,
    /// Until the client's secret is entered: none is, or the one that was has ended.
    Suspended,
    /// It gives tokens.
    Active,
}

impl WorkflowState {
    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Inactive => "inactive",
            Self::ClientInactive => "client_inactive",
            Self::Suspended => "suspended",
            Self::Active => "active",
        }
    }
}

/// What a workflow's state hangs on beside itself.
#[derive(Debug, Clone, Copy)]
pub struct WorkflowStanding {
    /// Its client's status.
    pub client: Status,
    /// Whether the secret that was entered works, and until when; None while none is entered or it has ended.
    pub secret: Option<SecretEnd>,
}

/// The end of a secret, where one is set.
pub type SecretEnd = Option<DateTime<Utc>>;

impl Workflow {
    /// Its state.
    pub fn state(&self, standing: &WorkflowStanding) -> WorkflowState {
        match (self.status, standing.client) {
            (Status::Revoked, _) => WorkflowState::Revoked,
            (Status::Inactive, _) => WorkflowState::Inactive,
            (Status::Active, Status::Inactive | Status::Revoked) => WorkflowState::ClientInactive,
            (Status::Active, Status::Active) if self.authorized_at.is_none() || standing.secret.is_none() => {
                WorkflowState::Suspended
            }
            (Status::Active, Status::Active) => WorkflowState::Active,
        }
    }

    /// Does this secret, the one that was entered for it, entitle it now?
    pub fn is_entitled_by(&self, secret: Option<&ClientSecret>, now: DateTime<Utc>) -> bool {
        self.authorized_at.is_some()
            && secret.is_some_and(|secret| {
                self.client_secret_id.as_deref() == Some(secret.id.as_str())
                    && secret.client_id == self.client_id
                    && secret.is_live(now)
            })
    }

    /// May a request with this `Origin` header use it? A page's request has one; without origins it is for others only.
    pub fn check_origin(&self, origin: Option<&str>) -> Result<(), Denial> {
        let allowed = match origin {
            Some(origin) => self.allowed_origins.iter().any(|allowed| allowed.as_str() == origin),
            None => self.allowed_origins.is_empty(),
        };
        if allowed { Ok(()) } else { Err(Denial::WorkflowOriginNotAllowed) }
    }
}
