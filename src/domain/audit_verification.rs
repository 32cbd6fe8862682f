//! What the server found when it walked along the audit log's chain: how far, when, and whether it holds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::audit_chain::{Form, Octets};

/// How a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    /// It goes on in steps.
    Running,
    /// Everything from its beginning to the end of the chain held.
    Whole,
    /// It stopped at the first place that does not hold.
    Broken,
    /// The record of it was not written by this server.
    Forged,
}

impl VerificationState {
    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Whole => "whole",
            Self::Broken => "broken",
            Self::Forged => "forged",
        }
    }

    /// Reads the stored spelling; what nobody here wrote is forged.
    pub fn parse(text: &str) -> Self {
        [Self::Running, Self::Whole, Self::Broken]
            .into_iter()
            .find(|state| state.as_str() == text)
            .unwrap_or(Self::Forged)
    }
}

/// One verification of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AuditVerification {
    /// 1, 2, 3 and so on.
    pub number: i64,
    /// Whether it holds.
    pub state: VerificationState,
    /// The place before the first one that was checked: 0 for the whole chain, else a checkpoint.
    pub after: i64,
    /// How far it was checked.
    pub sequence: i64,
    /// The hash there, in base64url.
    #[schema(value_type = String)]
    pub hash: Octets,
    /// The last checkpoint that was met.
    pub last_checkpoint: i64,
    /// The last event that a checkpoint covers.
    pub signed_until: i64,
    /// Events that were checked.
    pub events: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last went on, or ended.
    pub checked_at: DateTime<Utc>,
    /// The first place that does not hold, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// Who asked for it, as `kind:id`.
    pub asked_by: String,
    /// The key that signed this record.
    pub kid: String,
    /// Ed25519, in base64url.
    #[schema(value_type = String)]
    pub signature: Octets,
}

impl AuditVerification {
    /// The form that is signed: whoever can write to the database could else claim what was never checked.
    pub fn message(&self) -> Vec<u8> {
        let form = Form::new("grantor audit verification v1").number(self.number).text(Some(self.state.as_str()));
        let form = form.number(self.after).number(self.sequence).octets(&self.hash.0);
        let form = form.number(self.last_checkpoint).number(self.signed_until).number(self.events);
        let form = form.number(self.started_at.timestamp_micros()).number(self.checked_at.timestamp_micros());
        form.text(self.broken.as_deref()).text(Some(&self.asked_by)).text(Some(&self.kid)).into_octets()
    }
}

/// Where the chain stands, and what is known of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ChainState {
    /// The last place.
    pub sequence: i64,
    /// The hash there, in base64url.
    #[schema(value_type = String)]
    pub hash: Octets,
    /// Checkpoints that were signed.
    pub checkpoints: i64,
    /// Does the seal of the end hold?
    pub is_sealed: bool,
    /// The last verification that has ended, whatever it began with.
    pub last: Option<AuditVerification>,
    /// The last verification of the whole chain that has ended.
    pub last_whole: Option<AuditVerification>,
    /// The last that found the chain broken, or that was forged, where none of the whole chain has found it whole since: what
    /// a look at the latest events passes by is not mended.
    pub broken: Option<AuditVerification>,
    /// The one that is under way.
    pub running: Option<AuditVerification>,
}
