//! The questions of the verdict, in their order.

use crate::domain::credential::Verdict;

/// One question of the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Is there such a credential, and is it the caller's affair?
    Known,
    /// Is it of this environment?
    Environment,
    /// Do it and its owner stand?
    Status,
    /// Has it time left?
    Expiry,
    /// May it come from this address?
    Address,
    /// Is it for this audience?
    Audience,
    /// Has it the scopes?
    Scope,
    /// Is it for this project?
    Project,
    /// Is there room within its limits?
    Rate,
}

impl Step {
    /// Every question, in the order in which they are asked: the first that refuses decides.
    pub const ALL: [Self; 9] = [
        Self::Known,
        Self::Environment,
        Self::Status,
        Self::Expiry,
        Self::Address,
        Self::Audience,
        Self::Scope,
        Self::Project,
        Self::Rate,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Environment => "environment",
            Self::Status => "status",
            Self::Expiry => "expiry",
            Self::Address => "address",
            Self::Audience => "audience",
            Self::Scope => "scope",
            Self::Project => "project",
            Self::Rate => "rate",
        }
    }

    /// How it refuses; of a status there are two ways.
    pub(super) const fn refusal(self) -> Verdict {
        match self {
            Self::Known => Verdict::Unknown,
            Self::Environment => Verdict::WrongEnvironment,
            Self::Status => Verdict::Inactive,
            Self::Expiry => Verdict::Expired,
            Self::Address => Verdict::AddressNotAllowed,
            Self::Audience => Verdict::WrongAudience,
            Self::Scope => Verdict::InsufficientScope,
            Self::Project => Verdict::WrongProject,
            Self::Rate => Verdict::RateLimitExceeded,
        }
    }

    /// The question that this verdict was the answer to; None where nothing was refused.
    pub const fn of(verdict: Verdict) -> Option<Self> {
        Some(match verdict {
            Verdict::Valid => return None,
            Verdict::Unknown => Self::Known,
            Verdict::WrongEnvironment => Self::Environment,
            Verdict::Inactive | Verdict::Revoked => Self::Status,
            Verdict::Expired => Self::Expiry,
            Verdict::AddressNotAllowed => Self::Address,
            Verdict::WrongAudience => Self::Audience,
            Verdict::InsufficientScope => Self::Scope,
            Verdict::WrongProject => Self::Project,
            Verdict::RateLimitExceeded => Self::Rate,
        })
    }
}
