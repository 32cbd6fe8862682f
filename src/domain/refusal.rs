//! Requests that were refused, kept for some days so that somebody can ask why: the door, the question that was answered with
//! no, and what it was about. Never a secret.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::denial::Denial;
use crate::protocol::error_code::ErrorCode;

/// Where a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusingDoor {
    /// `/v1/verify`.
    Verify,
    /// `/v1/forward-auth`.
    ForwardAuth,
    /// The admin API.
    AdminApi,
    /// The token endpoint.
    Token,
    /// The token endpoint, where an access key is exchanged.
    TokenExchange,
}

/// The questions of the verdict, and before them whether anything usable was presented.
const VERDICT: [&str; 10] =
    ["presented", "known", "environment", "status", "expiry", "address", "audience", "scope", "project", "rate"];
/// Who asks about a credential is judged first.
const VERIFICATION: [&str; 11] = [
    "caller",
    "request",
    "known",
    "environment",
    "status",
    "expiry",
    "address",
    "audience",
    "scope",
    "project",
    "rate",
];
/// Who asks for administration is judged first; what they ask for comes last.
const ADMINISTRATION: [&str; 10] =
    ["presented", "known", "environment", "status", "expiry", "address", "audience", "rate", "permission", "request"];
/// The order of RFC 6749 §5.2's reasons here.
const TOKEN: [&str; 8] =
    ["address_rate", "request", "client", "client_rate", "grant_type", "grant", "scope", "audience"];

impl RefusingDoor {
    const ALL: [Self; 5] = [Self::Verify, Self::ForwardAuth, Self::AdminApi, Self::Token, Self::TokenExchange];

    /// The stored spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::ForwardAuth => "forward_auth",
            Self::AdminApi => "admin_api",
            Self::Token => "token",
            Self::TokenExchange => "token_exchange",
        }
    }

    /// Reads the stored spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|door| door.as_str() == text)
    }

    /// The questions of this door, in order.
    pub const fn steps(self) -> &'static [&'static str] {
        match self {
            Self::Verify => &VERIFICATION,
            Self::ForwardAuth | Self::TokenExchange => &VERDICT,
            Self::AdminApi => &ADMINISTRATION,
            Self::Token => &TOKEN,
        }
    }

    /// The question of this door that is answered by this denial.
    pub fn step_of(self, denial: &Denial) -> &'static str {
        match self {
            Self::Token => token_step(denial),
            Self::AdminApi => match denial {
                Denial::BearerMissing | Denial::ClientAuthMalformed(_) => "presented",
                Denial::BearerInvalid => "known",
                Denial::BearerScopeMissing(_) | Denial::PrivilegeEscalation(_) => "permission",
                _ => "request",
            },
            Self::Verify => match denial {
                Denial::MalformedRequest(_)
                | Denial::InvalidMember(_)
                | Denial::ContentType(_)
                | Denial::BodyTooLarge => "request",
                _ => "caller",
            },
            Self::ForwardAuth | Self::TokenExchange => "presented",
        }
    }
}

fn token_step(denial: &Denial) -> &'static str {
    match (denial, denial.code()) {
        (Denial::TooManyRequests(_), _) => "address_rate",
        (Denial::ClientRateExceeded(_), _) => "client_rate",
        (_, ErrorCode::InvalidClient) => "client",
        (_, ErrorCode::UnauthorizedClient) => "grant_type",
        (_, ErrorCode::InvalidGrant | ErrorCode::ExpiredToken) | (Denial::LoginThrottled(_), _) => "grant",
        (_, ErrorCode::InvalidScope) => "scope",
        (_, ErrorCode::InvalidTarget) => "audience",
        _ => "request",
    }
}

/// How a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// With yes.
    Passed,
    /// With no.
    Failed,
    /// It was not asked.
    NotAsked,
}

impl StepOutcome {
    /// The spelling in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotAsked => "not_asked",
        }
    }
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ExplainedStep {
    /// The question.
    pub step: &'static str,
    /// Its answer.
    pub outcome: StepOutcome,
    /// What it was about, by name.
    pub facts: BTreeMap<&'static str, String>,
}

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Refusal {
    /// Its own identifier.
    pub id: String,
    /// The request's, as `X-Request-Id` told it.
    pub request_id: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Where.
    pub door: RefusingDoor,
    /// The word that the caller was told.
    pub code: String,
    /// The question that was answered with no.
    pub step: String,
    /// The sentence that the caller was told.
    pub message: String,
    /// The credential that was refused, where there is one.
    pub credential_id: Option<String>,
    /// Who asked about it, or who the caller claimed to be.
    pub asked_by: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// What was asked, by name.
    pub asked: BTreeMap<String, String>,
}

impl Refusal {
    /// The questions of its door: those before the one that refused were answered with yes, those behind it were not asked.
    pub fn steps(&self) -> Vec<ExplainedStep> {
        let refusing = self.door.steps().iter().position(|step| *step == self.step);
        let outcome = |place: usize| match refusing.map(|refusing| place.cmp(&refusing)) {
            Some(std::cmp::Ordering::Less) => StepOutcome::Passed,
            Some(std::cmp::Ordering::Equal) => StepOutcome::Failed,
            _ => StepOutcome::NotAsked,
        };
        let steps = self.door.steps().iter().enumerate();
        steps.map(|(place, step)| ExplainedStep { step, outcome: outcome(place), facts: BTreeMap::new() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict_step::Step;

    #[test]
    fn the_steps_are_those_of_the_verdict() {
        let judged: Vec<&str> = Step::ALL.into_iter().map(Step::as_str).collect();
        assert_eq!((&VERDICT[1..], &VERIFICATION[2..]), (judged.as_slice(), judged.as_slice()));
        // Administration asks for scopes and projects in its own words.
        let kept: Vec<&str> = judged.into_iter().filter(|step| !["scope", "project"].contains(step)).collect();
        assert_eq!(ADMINISTRATION[1..8], kept);
    }

    #[test]
    fn a_refusal_lies_between_what_passed_and_what_was_not_asked() {
        let refusal = Refusal {
            id: String::new(),
            request_id: String::new(),
            occurred_at: DateTime::UNIX_EPOCH,
            door: RefusingDoor::Verify,
            code: "expired".to_owned(),
            step: "expiry".to_owned(),
            message: String::new(),
            credential_id: None,
            asked_by: None,
            address: None,
            asked: BTreeMap::new(),
        };
        let outcomes: Vec<&str> = refusal.steps().iter().map(|step| step.outcome.as_str()).collect();
        assert_eq!(outcomes[..5], ["passed"; 5]);
        assert_eq!(outcomes[5], "failed");
        assert_eq!(outcomes[6..], ["not_asked"; 5]);
    }
}
