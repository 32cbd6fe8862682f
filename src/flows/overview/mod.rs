//! How the server fares, for the people who look after it: what it was asked in the last day, who asks most, what ends or is
//! overdue, and whether database, signing keys and jobs are well. Each part is shown to whoever may read what it is made of.

mod credentials;
mod health;

pub use credentials::{Credentials, TimedCredential};
pub use health::{DatabaseHealth, Health, JobHealth, SigningKeyHealth};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::counters::near_limits::NearLimit;
use crate::domain::alert::{Alert, AlertFilter};
use crate::domain::audit_verification::AuditVerification;
use crate::domain::hour_figures::{HourFigure, hour_of, start_of};
use crate::domain::page::PageRequest;
use crate::flows::Server;
use crate::flows::audit_verifications;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// Hours shown.
const HOURS: i64 = 24;
/// Most entries of one list.
const MOST: i64 = 10;
/// Alerts of so long ago are not news any more.
const NEWS: TimeDelta = TimeDelta::days(7);

/// One hour of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OverviewHour {
    /// When it begins.
    pub hour: DateTime<Utc>,
    /// Requests answered, but for documents, health and metrics.
    pub requests: i64,
    /// Of these, refused: status 400 to 499.
    pub refused: i64,
    /// Of these, failed inside: status 500 and above.
    pub failed: i64,
    /// Access tokens issued.
    pub tokens: i64,
    /// Credentials that were found good, whatever asked.
    pub valid: i64,
    /// Credentials that were not.
    pub invalid: i64,
}

impl OverviewHour {
    fn set(&mut self, figure: HourFigure, number: i64) {
        let place = match figure {
            HourFigure::Requests => &mut self.requests,
            HourFigure::Refused => &mut self.refused,
            HourFigure::Failed => &mut self.failed,
            HourFigure::Tokens => &mut self.tokens,
            HourFigure::Valid => &mut self.valid,
            HourFigure::Invalid => &mut self.invalid,
        };
        *place = number;
    }
}

/// A credential near one of its limits, with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NamedNearLimit {
    /// Its name; null where it is gone.
    pub name: Option<String>,
    /// Which, and how near.
    #[serde(flatten)]
    pub near: NearLimit,
}

/// A credential that asked much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BusyCredential {
    /// Access key id or client_id.
    pub credential_id: String,
    /// Its name; null where it is gone.
    pub name: Option<String>,
    /// At the doors.
    pub requests: i64,
    /// Of these, refused.
    pub refused: i64,
}

/// How credentials were used. Written down every few seconds.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Activity {
    /// The last 24 hours, the oldest first, the current one last.
    pub hours: Vec<OverviewHour>,
    /// Who asked most in these hours, of those that were among the busiest each time that usage was written.
    pub busiest: Vec<BusyCredential>,
    /// Who came to 80 % of a limit in the last hour, as this one instance has seen it since it started.
    pub near_limits: Vec<NamedNearLimit>,
}

/// How the server fares. A part that the caller may not see is null.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// When this was found out.
    pub at: DateTime<Utc>,
    /// With the scope `usage:read`.
    pub activity: Option<Activity>,
    /// With the scopes `access-keys:read` and `clients:read`.
    pub credentials: Option<Credentials>,
    /// The latest of seven days; with the scope `alerts:read`.
    pub alerts: Option<Vec<Alert>>,
    /// How many alerts there were in these seven days; with the scope `alerts:read`.
    pub alerts_total: Option<i64>,
    /// What a verification of the audit log found broken, until one of the whole log finds it whole; with the scope
    /// `audit-events:read`.
    pub audit_broken: Option<AuditVerification>,
    /// With the scope `signing-keys:read`.
    pub health: Option<Health>,
}

/// What the caller may see of how the server fares. Refused to those who may see nothing of it.
pub fn show(server: &Server, caller: &Caller) -> FlowResult<Overview> {
    caller.require("usage:read")?;
    let may = |scope: &'static str| caller.require(scope).is_ok();
    let (alerts, keys) = (may("alerts:read"), may("signing-keys:read"));
    let credentials = may("access-keys:read") && may("clients:read");
    let chain = may("audit-events:read").then(|| audit_verifications::state(server, caller)).transpose()?;
    Ok(Overview {
        at: server.clock.now(),
        activity: Some(activity(server)?),
        credentials: credentials.then(|| credentials::show(server, MOST)).transpose()?,
        alerts: alerts.then(|| latest_alerts(server)).transpose()?,
        alerts_total: alerts.then(|| count_alerts(server)).transpose()?,
        audit_broken: chain.and_then(|chain| chain.broken),
        health: keys.then(|| health::show(server)).transpose()?,
    })
}

fn activity(server: &Server) -> FlowResult<Activity> {
    let now = server.clock.now();
    let first = hour_of(now) - HOURS + 1;
    let most = usize::try_from(MOST).unwrap_or_default();
    let (figures, busiest) = server.store.read(|connection| {
        Ok((connection.list_hour_figures(first)?, connection.list_busiest_credentials(first, most)?))
    })?;
    let empty = |hour| OverviewHour {
        hour: start_of(hour),
        requests: 0,
        refused: 0,
        failed: 0,
        tokens: 0,
        valid: 0,
        invalid: 0,
    };
    let mut hours: Vec<OverviewHour> = (first..first + HOURS).map(empty).collect();
    for (hour, figure, number) in figures {
        if let Some(place) = usize::try_from(hour - first).ok().and_then(|index| hours.get_mut(index)) {
            place.set(figure, number);
        }
    }
    let named = busiest.into_iter().map(|count| {
        let name = name_of(server, &count.credential_id)?;
        let (requests, refused) = (count.requests, count.refused);
        Ok(BusyCredential { credential_id: count.credential_id, name, requests, refused })
    });
    let mut near_limits = server.near_limits.list(now);
    near_limits.truncate(most);
    let near_limits = near_limits
        .into_iter()
        .map(|near| Ok(NamedNearLimit { name: name_of(server, &near.credential_id)?, near }))
        .collect::<FlowResult<_>>()?;
    Ok(Activity { hours, busiest: named.collect::<FlowResult<_>>()?, near_limits })
}

fn name_of(server: &Server, credential_id: &str) -> FlowResult<Option<String>> {
    let name = server.store.read(|connection| {
        Ok(if credential_id.starts_with("ak_") {
            connection.find_access_key(credential_id)?.map(|key| key.name)
        } else if credential_id.starts_with("pt_") {
            connection.find_personal_token(credential_id)?.map(|(token, _)| token.name)
        } else {
            connection.find_client(credential_id)?.map(|client| client.client_name)
        })
    })?;
    Ok(name)
}

fn latest_alerts(server: &Server) -> FlowResult<Vec<Alert>> {
    let filter = AlertFilter { since: Some(server.clock.now() - NEWS), ..AlertFilter::default() };
    let page = PageRequest::new(None, Some(MOST));
    Ok(server.store.read(|connection| connection.list_alerts(&filter, &page))?.items)
}

fn count_alerts(server: &Server) -> FlowResult<i64> {
    let since = server.clock.now() - NEWS;
    Ok(server.store.read(|connection| connection.count_alerts(since))?)
}
