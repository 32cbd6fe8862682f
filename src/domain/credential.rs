//! Any credential that is presented at a door, in the one form in which it is judged, and the judgement: a fixed order
//! of questions, the first that fails decides.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use crate::domain::access_key::Owner;
use crate::domain::client::Status;
use crate::domain::limits::Limits;
use crate::domain::verdict_step::Step;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// What kind of credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// An access key.
    AccessKey,
    /// A JWT access token.
    AccessToken,
    /// A client's identifier with its secret.
    ClientSecret,
}

impl CredentialKind {
    /// The spelling in answers and headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessKey => "access_key",
            Self::AccessToken => "access_token",
            Self::ClientSecret => "client_secret",
        }
    }
}

/// The user behind a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialUser {
    /// Identifier.
    pub id: String,
    /// As written; None where the credential tells nobody who the user is (OpenID Connect Core §8.1).
    pub username: Option<String>,
    /// Roles held now.
    pub roles: Vec<String>,
}

/// The restrictions of an access key, or of the client that a token was issued to: what is made by it must not be free of
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// When the key ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The networks it may be used from; empty for all.
    pub allowed_addresses: Vec<IpNet>,
    /// Most requests that a key made by it may make.
    pub limits: Limits,
    /// Has it limits of its own, or a plan? Those of an environment are everybody's.
    pub has_own_limits: bool,
    /// The access key itself; None for a client.
    pub key: Option<KeyBounds>,
}

/// What bounds the keys that an access key makes beside what restricts its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBounds {
    /// Its identifier.
    pub id: String,
    /// Where it works.
    pub environment: String,
    /// The audiences that accept it.
    pub resources: Vec<Resource>,
}

impl Bounds {
    /// Is there anything to be escaped by what knows of no such restriction, as a client or a user does?
    pub fn is_restricted(&self) -> bool {
        self.expires_at.is_some() || !self.allowed_addresses.is_empty() || self.has_own_limits
    }
}

/// A credential with everything it is judged by. What its owner has lost is already taken from it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its kind.
    pub kind: CredentialKind,
    /// Who is counted, limited and shown in usage: an access key's id or a client_id.
    pub id: String,
    /// Which secret of it was presented.
    pub secret_id: Option<String>,
    /// For people.
    pub name: String,
    /// Whom it speaks of: the owner, or itself.
    pub subject: String,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// The client it was issued to, where there is one.
    pub client_id: Option<String>,
    /// The user behind it.
    pub user: Option<CredentialUser>,
    /// Where it works.
    pub environment: String,
    /// Its own status, or its owner's where that is worse.
    pub status: Status,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The networks it may be used from; empty for all.
    pub allowed_addresses: Vec<IpNet>,
    /// The audiences that accept it.
    pub resources: Vec<Resource>,
    /// What it may do now.
    pub scope: Scope,
    /// The projects it is limited to; empty for all.
    pub projects: Vec<String>,
    /// Its plan.
    pub plan: Option<String>,
    /// Its limits, resolved and capped.
    pub limits: Limits,
    /// What the access key it is, or was exchanged for, is restricted to, or the client that the token was issued to where
    /// that is restricted; None for everything else.
    pub bounds: Option<Bounds>,
    /// Was it presented with a secret that is being replaced? Then when that secret ends.
    pub rotating_until: Option<DateTime<Utc>>,
}

/// The outcome of a judgement, in the order of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It may pass.
    Valid,
    /// 1. There is no such credential, or it is not the caller's affair.
    Unknown,
    /// 2. It belongs to another environment.
    WrongEnvironment,
    /// 3. It, or its owner, is disabled; it can return.
    Inactive,
    /// 3. It was revoked, for good.
    Revoked,
    /// 4. Its time is over.
    Expired,
    /// 5. It may not be used from this address.
    AddressNotAllowed,
    /// 6. It is not for this audience.
    WrongAudience,
    /// 7. It lacks a scope.
    InsufficientScope,
    /// 8. It is limited to other projects.
    WrongProject,
    /// 9. It has used up what it may within a window.
    RateLimitExceeded,
}

impl Verdict {
    /// Every verdict, in the order in which the questions are asked.
    pub const ALL: [Self; 11] = [
        Self::Valid,
        Self::Unknown,
        Self::WrongEnvironment,
        Self::Inactive,
        Self::Revoked,
        Self::Expired,
        Self::AddressNotAllowed,
        Self::WrongAudience,
        Self::InsufficientScope,
        Self::WrongProject,
        Self::RateLimitExceeded,
    ];

    /// The word to switch on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::WrongEnvironment => "wrong_environment",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::WrongAudience => "wrong_audience",
            Self::InsufficientScope => "insufficient_scope",
            Self::WrongProject => "wrong_project",
            Self::RateLimitExceeded => "rate_limit_exceeded",
        }
    }

    /// A sentence for whoever holds the credential: what to do about it.
    pub const fn public_text(self) -> &'static str {
        match self {
            Self::Valid => "the credential is valid",
            Self::Unknown => "the credential is not valid: check for typing errors, or whether it was deleted",
            Self::WrongEnvironment => "the credential belongs to another environment",
            Self::Inactive => "the credential, or the account it belongs to, is disabled",
            Self::Revoked => "the credential was revoked: use a new one",
            Self::Expired => "the credential has expired: use a new one",
            Self::AddressNotAllowed => "the credential may not be used from this address",
            Self::WrongAudience => "the credential is not for this API",
            Self::InsufficientScope => "the credential lacks a scope that this needs",
            Self::WrongProject => "the credential is limited to other projects",
            Self::RateLimitExceeded => "the rate limit is exceeded: try again later",
        }
    }
}

/// What is asked of a credential.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The environment that the door belongs to.
    pub environment: &'a str,
    /// The end client's address.
    pub address: Option<IpAddr>,
    /// It must be for one of these.
    pub audiences: &'a [Resource],
    /// It must hold all of these.
    pub scope: &'a Scope,
    /// It must be able to act on this project.
    pub project: Option<&'a str>,
    /// The time.
    pub now: DateTime<Utc>,
}

impl Credential {
    /// Judges everything but the rate, in the documented order. `Valid` means: go on and count.
    pub fn judge(&self, asked: &Asked<'_>) -> Verdict {
        Step::ALL.into_iter().find_map(|step| self.refusal(step, asked)).unwrap_or(Verdict::Valid)
    }

    /// What one question alone is answered with: why it refuses, or None where it passes. Whether there is a credential, and
    /// room within its limits, is not its own to say.
    pub fn refusal(&self, step: Step, asked: &Asked<'_>) -> Option<Verdict> {
        let passes = match step {
            Step::Known | Step::Rate => true,
            Step::Environment => self.environment == asked.environment,
            Step::Status => match self.status {
                Status::Active => true,
                Status::Inactive => return Some(Verdict::Inactive),
                Status::Revoked => return Some(Verdict::Revoked),
            },
            Step::Expiry => self.expires_at.is_none_or(|end| asked.now < end),
            Step::Address => self.may_come_from(asked.address),
            Step::Audience => asked.audiences.iter().any(|audience| self.resources.contains(audience)),
            Step::Scope => asked.scope.is_subset_of(&self.scope),
            Step::Project => asked
                .project
                .is_none_or(|project| self.projects.is_empty() || self.projects.iter().any(|held| held == project)),
        };
        if passes { None } else { Some(step.refusal()) }
    }

    /// An allow-list refuses an address that is not known, too.
    fn may_come_from(&self, address: Option<IpAddr>) -> bool {
        is_allowed_address(&self.allowed_addresses, address)
    }

    /// What of `wanted` is not held.
    pub fn missing(&self, wanted: &Scope) -> Scope {
        wanted.filtered(|token| !self.scope.contains(token))
    }
}

/// Is this address in one of the networks? An empty list allows every one, a list refuses an address that is not known.
pub fn is_allowed_address(networks: &[IpNet], address: Option<IpAddr>) -> bool {
    let within = |address: IpAddr| networks.iter().any(|network| network.contains(&address.to_canonical()));
    networks.is_empty() || address.is_some_and(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential() -> Credential {
        Credential {
            kind: CredentialKind::AccessKey,
            id: "ak_1".to_owned(),
            secret_id: None,
            name: String::new(),
            subject: "sa_1".to_owned(),
            owner: None,
            client_id: None,
            user: None,
            environment: "live".to_owned(),
            status: Status::Active,
            expires_at: Some(DateTime::UNIX_EPOCH + std::time::Duration::from_secs(10)),
            allowed_addresses: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            resources: vec![Resource::parse("https://api.example").unwrap()],
            scope: Scope::parse("a b").unwrap(),
            projects: vec!["one".to_owned()],
            plan: None,
            limits: Limits::default(),
            bounds: None,
            rotating_until: None,
        }
    }

    /// Each step with everything behind it wrong too: the first that fails must decide.
    #[test]
    fn the_order_is_fixed() {
        let audience = [Resource::parse("https://api.example").unwrap()];
        let (other, scope, wide) =
            ([Resource::parse("https://other").unwrap()], Scope::parse("a").unwrap(), Scope::parse("c").unwrap());
        let (late, here) = (DateTime::UNIX_EPOCH + std::time::Duration::from_secs(10), "192.0.2.9".parse().ok());
        let asked = |environment, now, address, audiences, scope, project| Asked {
            environment,
            address,
            audiences,
            scope,
            project,
            now,
        };
        let early = DateTime::UNIX_EPOCH;
        let judge = |credential: &Credential, asked: Asked<'_>| credential.judge(&asked);
        let good = credential();
        assert_eq!(judge(&good, asked("test", late, None, &other, &wide, Some("two"))), Verdict::WrongEnvironment);
        let inactive = Credential { status: Status::Inactive, ..credential() };
        assert_eq!(judge(&inactive, asked("live", late, None, &other, &wide, Some("two"))), Verdict::Inactive);
        let revoked = Credential { status: Status::Revoked, ..credential() };
        assert_eq!(judge(&revoked, asked("live", late, None, &other, &wide, Some("two"))), Verdict::Revoked);
        assert_eq!(judge(&good, asked("live", late, None, &other, &wide, Some("two"))), Verdict::Expired);
        assert_eq!(judge(&good, asked("live", early, None, &other, &wide, Some("two"))), Verdict::AddressNotAllowed);
        assert_eq!(judge(&good, asked("live", early, here, &other, &wide, Some("two"))), Verdict::WrongAudience);
        assert_eq!(judge(&good, asked("live", early, here, &audience, &wide, Some("two"))), Verdict::InsufficientScope);
        assert_eq!(judge(&good, asked("live", early, here, &audience, &scope, Some("two"))), Verdict::WrongProject);
        assert_eq!(judge(&good, asked("live", early, here, &audience, &scope, Some("one"))), Verdict::Valid);
        assert_eq!(judge(&good, asked("live", early, here, &audience, &scope, None)), Verdict::Valid);
        let mapped = "::ffff:192.0.2.9".parse().ok();
        assert_eq!(judge(&good, asked("live", early, mapped, &audience, &scope, None)), Verdict::Valid);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(credential().missing(&Scope::parse("a c d").unwrap()).to_string(), "c d");
    }
}
