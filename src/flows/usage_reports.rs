//! What API servers report of the use of credentials. It is counted in memory like what the doors see; the database is asked
//! once, for whose affair the credentials are.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::audit_event::Source;
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, ProjectId};
use crate::domain::usage::{REPORTED_OUTCOMES, UsageCount, UsageKey, UsageSource, day_of};
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::resource_server::{Authorization, ResourceServer};

/// Most events of one report.
const MAX_EVENTS: usize = 500;
/// Oldest time of an event.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);
/// How far another machine's clock may be ahead.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// Most requests of one event.
const MAX_REQUESTS: i64 = 1_000_000;
/// Most units of one event.
const MAX_UNITS: i64 = 1_000_000_000_000;
/// Longest time of one event, in milliseconds: a day.
const MAX_DURATION_MS: f64 = 86_400_000.0;

/// What an API server reports.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// At most 500.
    pub events: Vec<UsageEvent>,
}

/// The use of one credential.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageEvent {
    /// The id of the access key, or the client_id.
    pub credential_id: String,
    /// What was done, 1 to 100 bytes.
    #[serde(default)]
    pub operation: Option<String>,
    /// On which project.
    #[serde(default)]
    pub project: Option<String>,
    /// `success`, `client_error`, `server_error`, or a word of your own: 1 to 40 of `a-z 0-9 _`.
    #[serde(default)]
    pub outcome: Option<String>,
    /// The HTTP status answered, which gives the outcome where that is absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// How long it took, all requests of this event together.
    #[serde(default)]
    pub duration_ms: Option<f64>,
    /// Units consumed, all requests of this event together.
    #[serde(default)]
    pub units: Option<i64>,
    /// How many requests this event stands for; 1 where absent.
    #[serde(default)]
    pub requests: Option<i64>,
    /// When it was; now where absent. At most seven days ago.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
}

/// What became of a report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportOutcome {
    /// How many events are counted.
    pub accepted: usize,
    /// The others.
    pub rejected: Vec<RejectedEvent>,
}

/// An event that is not counted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RejectedEvent {
    /// Its place among the events, from 0.
    pub index: usize,
    /// `unknown`: there is no such credential, or it is not yours. `wrong_project`: you are limited to other projects, and
    /// must name one of yours. Else the member that breaks a rule:
    /// `invalid_operation`, `invalid_project`, `invalid_outcome`, `invalid_status`, `invalid_duration_ms`,
    /// `invalid_units`, `invalid_requests`, `invalid_at`.
    pub code: &'static str,
}

/// Counts what a resource server reports of credentials that are its affair.
pub fn report(
    server: &Server,
    authorization: Authorization,
    report: UsageReport,
    source: Source,
) -> FlowResult<ReportOutcome> {
    let reporter = ResourceServer::authenticate(server, authorization, "usage:write", source)?;
    if report.events.is_empty() || report.events.len() > MAX_EVENTS {
        return Err(Denial::InvalidMember(format!("events must hold 1 to {MAX_EVENTS} entries")).into());
    }
    let mut ids: Vec<&str> = report.events.iter().map(|event| event.credential_id.as_str()).collect();
    ids.retain(|id| ClientId::is_valid(id));
    ids.sort_unstable();
    ids.dedup();
    let mut known = server.store.read(|connection| connection.list_credential_audiences(&ids))?;
    known.retain(|_, (environment, resources)| reporter.may_know(environment, resources));
    let now = server.clock.now();
    let mut outcome = ReportOutcome { accepted: 0, rejected: Vec::new() };
    for (index, event) in report.events.into_iter().enumerate() {
        let counted = if !known.contains_key(&event.credential_id) {
            Err("unknown")
        } else if !reporter.may_act_on(event.project.as_deref()) {
            Err("wrong_project")
        } else {
            read(event, now)
        };
        match counted {
            Ok((key, count)) => {
                server.usage.count(key, count);
                outcome.accepted += 1;
            }
            Err(code) => outcome.rejected.push(RejectedEvent { index, code }),
        }
    }
    Ok(outcome)
}

fn read(event: UsageEvent, now: DateTime<Utc>) -> Result<(UsageKey, UsageCount), &'static str> {
    let operation = event.operation.unwrap_or_default();
    if operation.len() > 100 || operation.chars().any(char::is_control) {
        return Err("invalid_operation");
    }
    let project = event.project.unwrap_or_default();
    if !project.is_empty() && !ProjectId::is_valid(&project) {
        return Err("invalid_project");
    }
    let requests = within(event.requests.unwrap_or(1), 1, MAX_REQUESTS).ok_or("invalid_requests")?;
    let units = within(event.units.unwrap_or(0), 0, MAX_UNITS).ok_or("invalid_units")?;
    let at = event.at.unwrap_or(now);
    if at > now + CLOCK_SKEW || at < now - MAX_AGE {
        return Err("invalid_at");
    }
    let key = UsageKey {
        credential_id: event.credential_id,
        // A clock that is ahead must not open tomorrow.
        day: day_of(at.min(now)),
        source: UsageSource::Report,
        operation,
        project,
        outcome: outcome_of(event.outcome, event.status)?,
    };
    Ok((key, UsageCount { requests, units, duration_micros: micros(event.duration_ms.unwrap_or_default())? }))
}

fn within(number: i64, least: i64, most: i64) -> Option<i64> {
    (least..=most).contains(&number).then_some(number)
}

#[allow(clippy::cast_possible_truncation, reason = "bounded just before")]
fn micros(milliseconds: f64) -> Result<i64, &'static str> {
    // NaN is in no range.
    if !(0.0..=MAX_DURATION_MS).contains(&milliseconds) {
        return Err("invalid_duration_ms");
    }
    Ok((milliseconds * 1_000.0).round() as i64)
}

fn outcome_of(outcome: Option<String>, status: Option<u16>) -> Result<String, &'static str> {
    let [success, client_error, server_error] = REPORTED_OUTCOMES;
    let of_status = match status {
        None | Some(100..=399) => success,
        Some(400..=499) => client_error,
        Some(500..=599) => server_error,
        Some(_) => return Err("invalid_status"),
    };
    let Some(word) = outcome else { return Ok(of_status.to_owned()) };
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if word.is_empty() || word.len() > 40 || !word.bytes().all(is_word) {
        return Err("invalid_outcome");
    }
    Ok(word)
}
