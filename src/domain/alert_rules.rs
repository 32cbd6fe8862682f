//! The rules that make alerts, pure: facts in, an alert or none out. A threshold of zero turns its rule off.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::alert::{AlertRule, AlertSubject, NewAlert};

/// How long an overdue rotation is not mentioned again.
const OVERDUE_SILENCE: Duration = Duration::from_secs(7 * 86_400);
/// How long the first use from an address is remembered as said.
const ADDRESS_SILENCE: Duration = Duration::from_secs(30 * 86_400);

/// How long the same break of the audit log is not mentioned again.
const BREAK_SILENCE: Duration = Duration::from_secs(30 * 86_400);

/// A verification found the audit log broken, and where. No threshold: this is never usual.
pub fn audit_chain(verification: i64, reason: &str, now: DateTime<Utc>) -> NewAlert {
    let detail = json!({ "verification": verification, "reason": reason });
    NewAlert::new(AlertRule::AuditChain, AlertSubject::new("server", "audit-log"), detail, now)
        .apart_by(reason)
        .silent_until(now + BREAK_SILENCE)
}

/// The thresholds, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRules {
    /// Percent of a limit.
    pub limit_percent: u32,
    /// Percent of failed requests.
    pub error_percent: u32,
    /// Requests below which a share of errors says nothing.
    pub error_min_requests: u64,
    /// How many times more, or less, than the average day of the week before.
    pub volume_factor: u32,
    /// Requests of a day below which a factor says nothing.
    pub volume_min_requests: u64,
    /// Is the first use from an address worth an alert?
    pub new_address: bool,
    /// Failed authentications within their window.
    pub failed_authentications: u32,
    /// How long before its end a credential is spoken of.
    pub expiry_notice: Vec<Duration>,
    /// The age at which a credential should have been rotated.
    pub rotation_age: Duration,
}

/// What was counted of one credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCount {
    /// Requests.
    pub requests: u64,
    /// Of these, failed ones.
    pub errors: u64,
}

/// How much of a limit is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitUse {
    /// The limit's name, such as `hour`.
    pub name: String,
    /// Used so far.
    pub used: u64,
    /// Allowed.
    pub limit: u64,
}

/// One day of a credential beside the week before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayVolume {
    /// Requests of the day so far.
    pub requests: u64,
    /// Is the day over? A day that has just begun is not a quiet one.
    pub complete: bool,
    /// Requests of each of the seven days before.
    pub week_before: [u64; 7],
}

impl AlertRules {
    /// A great part of a limit is used.
    pub fn limit_share(&self, subject: &AlertSubject, limit: &LimitUse, now: DateTime<Utc>) -> Option<NewAlert> {
        let reached = self.limit_percent > 0
            && limit.limit > 0
            && u128::from(limit.used) * 100 >= u128::from(limit.limit) * u128::from(self.limit_percent);
        let detail =
            json!({ "window": limit.name, "used": limit.used, "limit": limit.limit, "percent": self.limit_percent });
        reached
            .then(|| NewAlert::new(AlertRule::LimitShare, subject.clone(), detail, now).apart_by(limit.name.as_str()))
    }

    /// More requests than the threshold failed.
    pub fn error_share(&self, subject: &AlertSubject, count: RequestCount, now: DateTime<Utc>) -> Option<NewAlert> {
        let over = self.error_percent > 0
            && count.requests >= self.error_min_requests.max(1)
            && u128::from(count.errors) * 100 > u128::from(count.requests) * u128::from(self.error_percent);
        let detail = json!({ "requests": count.requests, "errors": count.errors, "percent": self.error_percent });
        over.then(|| NewAlert::new(AlertRule::ErrorShare, subject.clone(), detail, now))
    }

    /// A day far from the average of the week before. A credential without a week behind it has no usual volume.
    pub fn volume(&self, subject: &AlertSubject, day: &DayVolume, now: DateTime<Utc>) -> Option<NewAlert> {
        let week: u128 = day.week_before.iter().map(|requests| u128::from(*requests)).sum();
        if self.volume_factor == 0 || day.week_before.iter().filter(|requests| **requests > 0).count() < 4 {
            return None;
        }
        // Sevenfold, so that nothing is lost to rounding.
        let (today, factor) = (u128::from(day.requests) * 7, u128::from(self.volume_factor));
        let enough = u128::from(self.volume_min_requests);
        let high = today > week * factor && u128::from(day.requests) >= enough;
        let low = day.complete && today * factor < week && week >= enough * 7;
        let direction = if high { "high" } else { "low" };
        let detail = json!({
            "direction": direction, "requests": day.requests,
            "daily_average": u64::try_from(week / 7).unwrap_or(u64::MAX), "factor": self.volume_factor,
        });
        (high || low).then(|| NewAlert::new(AlertRule::Volume, subject.clone(), detail, now).apart_by(direction))
    }

    /// The first use from an address. `used_before` tells whether the credential was ever used from any: the first of all
    /// is no surprise.
    pub fn new_address(
        &self,
        subject: &AlertSubject,
        address: IpAddr,
        used_before: bool,
        now: DateTime<Utc>,
    ) -> Option<NewAlert> {
        let address = address.to_canonical().to_string();
        let detail = json!({ "address": address });
        (self.new_address && used_before).then(|| {
            NewAlert::new(AlertRule::NewAddress, subject.clone(), detail, now)
                .apart_by(address)
                .silent_until(now + ADDRESS_SILENCE)
        })
    }

    /// As many failures as the threshold, within `window`.
    pub fn failed_authentications(
        &self,
        subject: &AlertSubject,
        failures: u32,
        window: Duration,
        now: DateTime<Utc>,
    ) -> Option<NewAlert> {
        let reached = self.failed_authentications > 0 && failures >= self.failed_authentications;
        let detail = json!({ "failures": failures, "window_seconds": window.as_secs() });
        reached.then(|| NewAlert::new(AlertRule::FailedAuthentications, subject.clone(), detail, now))
    }

    /// A credential that ends within one of the notices, said once for each. What has ended is not spoken of.
    pub fn expiring(&self, subject: &AlertSubject, expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<NewAlert> {
        let left = expires_at.signed_duration_since(now).to_std().ok().filter(|left| !left.is_zero())?;
        let notice = self.expiry_notice.iter().filter(|notice| left <= **notice).min()?;
        let detail = json!({ "expires_at": expires_at, "seconds_left": left.as_secs() });
        let apart = format!("{} {}", expires_at.timestamp(), notice.as_secs());
        Some(
            NewAlert::new(AlertRule::CredentialExpiring, subject.clone(), detail, now)
                .apart_by(apart)
                .silent_until(expires_at),
        )
    }

    /// A credential older than the policy allows, said once a week.
    pub fn rotation_overdue(
        &self,
        subject: &AlertSubject,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<NewAlert> {
        let age = now.signed_duration_since(created_at).to_std().ok()?;
        let overdue = !self.rotation_age.is_zero() && age > self.rotation_age;
        let detail = json!({
            "created_at": created_at, "age_days": age.as_secs() / 86_400,
            "rotation_age_days": self.rotation_age.as_secs() / 86_400,
        });
        overdue.then(|| {
            NewAlert::new(AlertRule::RotationOverdue, subject.clone(), detail, now).silent_until(now + OVERDUE_SILENCE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn rules() -> AlertRules {
        AlertRules {
            limit_percent: 90,
            error_percent: 5,
            error_min_requests: 100,
            volume_factor: 3,
            volume_min_requests: 100,
            new_address: true,
            failed_authentications: 20,
            expiry_notice: vec![30 * DAY, 7 * DAY, DAY],
            rotation_age: 90 * DAY,
        }
    }

    fn off() -> AlertRules {
        AlertRules {
            limit_percent: 0,
            error_percent: 0,
            error_min_requests: 0,
            volume_factor: 0,
            volume_min_requests: 0,
            new_address: false,
            failed_authentications: 0,
            expiry_notice: Vec::new(),
            rotation_age: Duration::ZERO,
        }
    }

    fn subject() -> AlertSubject {
        AlertSubject::new("access_key", "ak_1")
    }

    fn now() -> DateTime<Utc> {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn limit_and_error_shares_at_their_edges() {
        let limit = |used, limit| LimitUse { name: "hour".to_owned(), used, limit };
        let said = |rules: &AlertRules, use_: LimitUse| rules.limit_share(&subject(), &use_, now()).is_some();
        assert!(!said(&rules(), limit(899, 1_000)));
        assert!(said(&rules(), limit(900, 1_000)));
        assert!(said(&rules(), limit(u64::MAX, u64::MAX)));
        assert!(!said(&rules(), limit(5, 0)));
        assert!(!said(&off(), limit(1_000, 1_000)));
        let errors = |rules: &AlertRules, requests, errors| {
            rules.error_share(&subject(), RequestCount { requests, errors }, now()).is_some()
        };
        assert!(!errors(&rules(), 100, 5));
        assert!(errors(&rules(), 100, 6));
        assert!(!errors(&rules(), 99, 99), "too few to tell");
        assert!(!errors(&off(), 100, 100) && !errors(&off(), 0, 0));
    }

    #[test]
    fn volume_needs_a_week_and_a_whole_day_to_be_low() {
        let said = |requests, complete, week_before| {
            rules().volume(&subject(), &DayVolume { requests, complete, week_before }, now())
        };
        assert!(said(3_000, true, [1_000; 7]).is_none());
        assert_eq!(said(3_001, false, [1_000; 7]).unwrap().detail["direction"], "high");
        assert_eq!(said(333, true, [1_000; 7]).unwrap().detail["direction"], "low");
        assert!(said(333, false, [1_000; 7]).is_none(), "the day is not over");
        assert!(said(334, true, [1_000; 7]).is_none());
        assert!(said(99, true, [1; 7]).is_none(), "too few to tell");
        assert!(said(9_000, true, [0, 0, 0, 0, 1_000, 1_000, 1_000]).is_none(), "no week behind it");
        assert!(said(u64::MAX, true, [u64::MAX; 7]).is_none());
        let day = DayVolume { requests: 9_000, complete: true, week_before: [1; 7] };
        assert!(off().volume(&subject(), &day, now()).is_none());
    }

    #[test]
    fn addresses_failures_expiry_and_age() {
        let here: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert!(rules().new_address(&subject(), here, false, now()).is_none());
        assert_eq!(rules().new_address(&subject(), here, true, now()).unwrap().detail["address"], "192.0.2.1");
        assert!(off().new_address(&subject(), here, true, now()).is_none());
        let failed = |rules: &AlertRules, count| rules.failed_authentications(&subject(), count, DAY, now()).is_some();
        assert!(!failed(&rules(), 19) && failed(&rules(), 20) && !failed(&off(), 1_000));
        let expiring = |days: f64| rules().expiring(&subject(), now() + DAY.mul_f64(days), now());
        assert!(expiring(31.0).is_none());
        let keys: Vec<_> = [30.0, 8.0, 7.0, 1.0].map(|days| expiring(days).unwrap().dedupe_part).into();
        let notice = |part: &Option<String>| part.clone().unwrap().split_once(' ').unwrap().1.to_owned();
        assert_eq!(keys.iter().map(notice).collect::<Vec<_>>(), ["2592000", "2592000", "604800", "86400"]);
        assert!(rules().expiring(&subject(), now(), now()).is_none(), "it has ended");
        assert!(off().expiring(&subject(), now() + DAY, now()).is_none());
        let overdue =
            |rules: &AlertRules, days| rules.rotation_overdue(&subject(), now() - DAY * days, now()).is_some();
        assert!(!overdue(&rules(), 90) && overdue(&rules(), 91) && !overdue(&off(), 9_000));
    }
}
