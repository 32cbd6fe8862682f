//! What the counts of a credential say about a span of days: pure arithmetic over rows.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;

use crate::domain::usage::{REPORTED_OUTCOMES, SecretUse, UsageCount, UsageKey, UsageSource};

/// The outcome of a door where all was well.
const VALID: &str = "valid";
/// The outcome of a report where all was well.
const SUCCESS: &str = REPORTED_OUTCOMES[0];

/// Does this count requests that did not end well?
pub fn is_error(key: &UsageKey) -> bool {
    key.outcome != if key.source == UsageSource::Door { VALID } else { SUCCESS }
}

/// One day (UTC) of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UsageDay {
    /// `2026-01-31`.
    pub day: NaiveDate,
    /// Requests: those that a door refused, and of those let in and those reported the larger number, because an API
    /// server may report what a door has let in.
    pub requests: i64,
    /// Let in by the doors of this server.
    pub valid: i64,
    /// Refused by them.
    pub refused: i64,
    /// Reported by API servers.
    pub reported: i64,
    /// Units reported.
    pub units: i64,
}

/// What was asked under one operation.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct UsageByOperation {
    /// Empty where nobody said.
    pub operation: String,
    /// Requests.
    pub requests: i64,
    /// Of all requests listed here, 0 to 1.
    pub share: f64,
}

/// What was asked on one project.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct UsageByProject {
    /// Empty where nobody said.
    pub project: String,
    /// Requests.
    pub requests: i64,
    /// Of all requests listed here, 0 to 1.
    pub share: f64,
}

/// Requests that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UsageErrors {
    /// The verdict of a door, or the outcome of a report.
    pub kind: String,
    /// Requests.
    pub requests: i64,
}

/// The use of a credential over some days. Counts are a few seconds late.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct UsageSummary {
    /// Access key id or client_id.
    pub credential_id: String,
    /// For people.
    pub name: String,
    /// Every day (UTC), the oldest first, today last.
    pub days: Vec<UsageDay>,
    /// Requests of all days.
    pub total_requests: i64,
    /// Requests by day, to one decimal.
    pub average_per_day: f64,
    /// 0 to 1: `success` of what API servers reported; where they reported nothing, `valid` of what the doors were asked;
    /// null where nothing was asked.
    pub success_rate: Option<f64>,
    /// As reported, over the kinds of requests whose time is reported; null where none is.
    pub average_response_time_ms: Option<f64>,
    /// Units reported.
    pub units: i64,
    /// The most frequent first: as reported, or as the doors were asked where nothing was reported.
    pub by_operation: Vec<UsageByOperation>,
    /// The most frequent first, from the same source.
    pub by_project: Vec<UsageByProject>,
    /// Refusals and reported errors, the most frequent first.
    pub errors: Vec<UsageErrors>,
    /// When it was last used at a door.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From where it was last used.
    pub last_used_address: Option<String>,
    /// From where it was used, the latest first.
    pub from: Vec<String>,
}

/// Rounds to this many decimals, so that no answer ends in binary dust.
#[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn ratio(part: i64, whole: i64, scale: f64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * scale).round() / scale)
}

/// A sum that stays at its end rather than going around.
fn sum_of(numbers: impl Iterator<Item = i64>) -> i64 {
    numbers.fold(0, i64::saturating_add)
}

/// Sums by a name, the largest first, with the share of each.
fn shares<'a>(named: impl Iterator<Item = (&'a str, i64)>) -> Vec<(String, i64, f64)> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for (name, requests) in named {
        let known = sums.entry(name).or_default();
        *known = known.saturating_add(requests);
    }
    let total = sum_of(sums.values().copied());
    let share = |requests| ratio(requests, total, 10_000.0).unwrap_or_default();
    let mut sums: Vec<_> = sums.into_iter().map(|(name, sum)| (name.to_owned(), sum, share(sum))).collect();
    sums.sort_by_key(|(_, sum, _)| std::cmp::Reverse(*sum));
    sums
}

impl UsageDay {
    fn empty(day: NaiveDate) -> Self {
        Self { day, requests: 0, valid: 0, refused: 0, reported: 0, units: 0 }
    }

    fn add(&mut self, key: &UsageKey, count: UsageCount) {
        let add = |sum: &mut i64, number: i64| *sum = sum.saturating_add(number);
        match key.source {
            UsageSource::Door if key.outcome == VALID => add(&mut self.valid, count.requests),
            UsageSource::Door => add(&mut self.refused, count.requests),
            UsageSource::Report => add(&mut self.reported, count.requests),
        }
        add(&mut self.units, count.units);
        self.requests = self.refused.saturating_add(self.valid.max(self.reported));
    }
}

impl UsageSummary {
    /// Sums up the `rows` of the days from `first_day` (days since 1970) for `days` days.
    pub fn new(first_day: i64, days: i64, rows: &[(UsageKey, UsageCount)]) -> Self {
        let rows: Vec<_> = rows.iter().filter(|(key, _)| (first_day..first_day + days).contains(&key.day)).collect();
        let mut by_day: HashMap<i64, UsageDay> = HashMap::new();
        let date = |day| NaiveDate::default().checked_add_signed(TimeDelta::days(day)).unwrap_or_default();
        for (key, count) in &rows {
            by_day.entry(key.day).or_insert_with(|| UsageDay::empty(date(key.day))).add(key, *count);
        }
        let every_day = (first_day..first_day + days)
            .map(|day| by_day.remove(&day).unwrap_or_else(|| UsageDay::empty(date(day))))
            .collect::<Vec<_>>();
        let sum = |of: fn(&UsageDay) -> i64| sum_of(every_day.iter().map(of));
        let (total_requests, reported) = (sum(|day| day.requests), sum(|day| day.reported));
        let (valid, asked) = (sum(|day| day.valid), sum(|day| day.valid.saturating_add(day.refused)));
        let source = if reported > 0 { UsageSource::Report } else { UsageSource::Door };
        let told = || rows.iter().filter(move |(key, _)| key.source == source);
        let good = sum_of(told().filter(|(key, _)| key.outcome == SUCCESS).map(|(_, count)| count.requests));
        let timed = || rows.iter().filter(|(_, count)| count.duration_micros > 0);
        let taken = sum_of(timed().map(|(_, count)| count.duration_micros));
        let of_requests = sum_of(timed().map(|(_, count)| count.requests));
        let errors = rows.iter().filter(|(key, _)| is_error(key));
        Self {
            credential_id: String::new(),
            name: String::new(),
            total_requests,
            average_per_day: ratio(total_requests, days, 10.0).unwrap_or_default(),
            success_rate: if reported > 0 { ratio(good, reported, 10_000.0) } else { ratio(valid, asked, 10_000.0) },
            average_response_time_ms: ratio(taken, of_requests, 10.0).map(|micros| (micros / 10.0).round() / 100.0),
            units: sum(|day| day.units),
            by_operation: shares(told().map(|(key, count)| (key.operation.as_str(), count.requests)))
                .into_iter()
                .map(|(operation, requests, share)| UsageByOperation { operation, requests, share })
                .collect(),
            by_project: shares(told().map(|(key, count)| (key.project.as_str(), count.requests)))
                .into_iter()
                .map(|(project, requests, share)| UsageByProject { project, requests, share })
                .collect(),
            errors: shares(errors.map(|(key, count)| (key.outcome.as_str(), count.requests)))
                .into_iter()
                .map(|(kind, requests, _)| UsageErrors { kind, requests })
                .collect(),
            days: every_day,
            last_used_at: None,
            last_used_address: None,
            from: Vec::new(),
        }
    }

    /// With the uses of its secrets, the latest first.
    pub fn used(self, uses: &[SecretUse]) -> Self {
        let mut from: Vec<String> = Vec::new();
        for used in uses.iter().filter(|used| !used.address.is_empty()) {
            if !from.contains(&used.address) {
                from.push(used.address.clone());
            }
        }
        let last = uses.first();
        Self {
            last_used_at: last.map(|used| used.last_used_at),
            last_used_address: last.map(|used| used.address.clone()).filter(|address| !address.is_empty()),
            from,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(day: i64, source: UsageSource, outcome: &str, requests: i64) -> (UsageKey, UsageCount) {
        let key = UsageKey {
            credential_id: "ak_1".to_owned(),
            day,
            source,
            operation: "pull".to_owned(),
            project: String::new(),
            outcome: outcome.to_owned(),
        };
        (key, UsageCount { requests, ..UsageCount::default() })
    }

    #[test]
    fn what_is_counted_twice_is_one_request() {
        let (door, report) = (UsageSource::Door, UsageSource::Report);
        let rows = [
            row(20_454, door, "valid", 10),
            row(20_454, door, "expired", 3),
            row(20_454, report, "success", 9),
            row(20_454, report, "server_error", 1),
            row(20_455, report, "success", 20),
            row(20_460, door, "valid", 99),
        ];
        let summary = UsageSummary::new(20_454, 3, &rows);
        let requests: Vec<i64> = summary.days.iter().map(|day| day.requests).collect();
        assert_eq!(requests, [13, 20, 0]);
        assert_eq!(summary.days[0].day.to_string(), "2026-01-01");
        assert_eq!((summary.total_requests, summary.average_per_day), (33, 11.0));
        assert_eq!(summary.success_rate, Some(0.9667));
        assert_eq!(summary.average_response_time_ms, None);
        assert_eq!(summary.errors[0], UsageErrors { kind: "expired".to_owned(), requests: 3 });
        assert_eq!(UsageSummary::new(20_454, 7, &[]).success_rate, None);
        assert_eq!(UsageSummary::new(20_454, 7, &rows[..2]).success_rate, Some(0.7692));
    }
}
