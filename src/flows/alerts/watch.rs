//! What nobody's request notices: credentials that end soon or are overdue for rotation, and use that is out of the usual.
//! Instances may all look; each alert is raised once, which the database decides.

use chrono::{DateTime, Utc};

use crate::domain::alert::AlertSubject;
use crate::domain::alert_rules::{DayVolume, RequestCount};
use crate::domain::usage::{UsageCount, UsageKey, UsageSource, day_of};
use crate::domain::usage_summary::is_error;
use crate::flows::Server;
use crate::flows::alerts::raise;
use crate::store::StoreError;

/// Rows read at a time.
const BATCH: i64 = 200;
/// Most alerts of one kind in one round: a thousand overdue credentials are one task for a person, not a thousand.
const MOST: usize = 200;

/// For how long nobody says again that a day was too quiet.
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Looks at every credential's times. Answers how many alerts were raised. Stops early when `keep_going` says so.
pub fn watch_credentials(server: &Server, keep_going: &dyn Fn() -> bool) -> Result<usize, StoreError> {
    Ok(ending_keys(server, keep_going)? + overdue_keys(server, keep_going)? + overdue_secrets(server, keep_going)?)
}

fn ending_keys(server: &Server, keep_going: &dyn Fn() -> bool) -> Result<usize, StoreError> {
    let now = server.clock.now();
    let Some(notice) = server.alert_rules.expiry_notice.iter().max() else { return Ok(0) };
    let span = (now, now + *notice);
    let (mut raised, mut after) = (0, None);
    while raised < MOST && keep_going() {
        let keys = server.store.read(|connection| connection.list_ending_access_keys(span, after.as_ref(), BATCH))?;
        let Some(last) = keys.last().cloned() else { break };
        for key in keys {
            let subject = AlertSubject::new("access_key", key.id.0);
            let alert = key.expires_at.and_then(|end| server.alert_rules.expiring(&subject, end, now));
            raised += usize::from(alert.is_some_and(|alert| raise(server, &alert)));
        }
        after = Some(last);
    }
    Ok(raised)
}

fn overdue_keys(server: &Server, keep_going: &dyn Fn() -> bool) -> Result<usize, StoreError> {
    let Some(before) = overdue_before(server) else { return Ok(0) };
    let now = server.clock.now();
    let (mut raised, mut after) = (0, None);
    while raised < MOST && keep_going() {
        let keys =
            server.store.read(|connection| connection.list_overdue_access_keys(before, after.as_deref(), BATCH))?;
        let Some(last) = keys.last().map(|key| key.id.0.clone()) else { break };
        for key in keys {
            let made_at = key.rotated_at.unwrap_or(key.created_at);
            let subject = AlertSubject::new("access_key", key.id.0);
            let alert = server.alert_rules.rotation_overdue(&subject, made_at, now);
            raised += usize::from(alert.is_some_and(|alert| raise(server, &alert)));
        }
        after = Some(last);
    }
    Ok(raised)
}

fn overdue_secrets(server: &Server, keep_going: &dyn Fn() -> bool) -> Result<usize, StoreError> {
    let Some(before) = overdue_before(server) else { return Ok(0) };
    let now = server.clock.now();
    let (mut raised, mut after) = (0, None);
    while raised < MOST && keep_going() {
        let secrets =
            server.store.read(|connection| connection.list_overdue_client_secrets(before, after.as_deref(), BATCH))?;
        let Some(last) = secrets.last().map(|(id, ..)| id.clone()) else { break };
        for (_, client_id, made_at) in secrets {
            let subject = AlertSubject::new("client", client_id);
            let alert = server.alert_rules.rotation_overdue(&subject, made_at, now);
            raised += usize::from(alert.is_some_and(|alert| raise(server, &alert)));
        }
        after = Some(last);
    }
    Ok(raised)
}

fn overdue_before(server: &Server) -> Option<DateTime<Utc>> {
    let age = server.alert_rules.rotation_age;
    (!age.is_zero()).then(|| server.clock.now() - age)
}

/// Looks at the use of each credential that was used today, or yesterday: too many errors, or far more or less than in the
/// week before. Answers how many alerts were raised.
pub fn watch_usage(server: &Server, keep_going: &dyn Fn() -> bool) -> Result<usize, StoreError> {
    let today = day_of(server.clock.now());
    let mut raised = 0;
    // A day that is over can be too quiet, and only then.
    for (day, complete) in [(today, false), (today - 1, true)] {
        let mut after: Option<String> = None;
        while raised < MOST && keep_going() {
            let used =
                server.store.read(|connection| connection.list_used_credentials(day, after.as_deref(), BATCH))?;
            let Some(last) = used.last().cloned() else { break };
            for credential_id in used {
                let counts = server.store.read(|connection| connection.list_usage(Some(&credential_id), day - 7))?;
                raised += judge(server, &credential_id, &counts, (day, complete));
            }
            after = Some(last);
        }
    }
    Ok(raised)
}

fn judge(
    server: &Server,
    credential_id: &str,
    counts: &[(UsageKey, UsageCount)],
    (day, complete): (i64, bool),
) -> usize {
    let now = server.clock.now();
    let subject = AlertSubject::of_credential(credential_id);
    let reported = counts.iter().any(|(key, _)| key.day == day && key.source == UsageSource::Report);
    // What API servers say of a request is nearer to the truth than that a door let it in.
    let source = if reported { UsageSource::Report } else { UsageSource::Door };
    let sum = |wanted: &dyn Fn(&UsageKey) -> bool| -> u64 {
        let requests = counts.iter().filter(|(key, _)| wanted(key)).map(|(_, count)| count.requests);
        u64::try_from(requests.sum::<i64>()).unwrap_or_default()
    };
    let of_day = |key: &UsageKey| key.day == day && key.source == source;
    let count = RequestCount { requests: sum(&of_day), errors: sum(&|key| of_day(key) && is_error(key)) };
    let on = |day: i64| sum(&|key| key.day == day && key.source == UsageSource::Door);
    let week_before = [1, 2, 3, 4, 5, 6, 7].map(|back| on(day - back));
    let volume = DayVolume { requests: on(day), complete, week_before };
    let rules = &server.alert_rules;
    let alerts = if complete {
        // That yesterday was busy was said yesterday.
        let quiet = rules
            .volume(&subject, &volume, now)
            .filter(|alert| alert.detail.get("direction").is_some_and(|direction| direction == "low"));
        [None, quiet.map(|alert| alert.silent_until(now + DAY))]
    } else {
        [rules.error_share(&subject, count, now), rules.volume(&subject, &volume, now)]
    };
    alerts.into_iter().flatten().filter(|alert| raise(server, alert)).count()
}
