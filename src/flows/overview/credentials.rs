//! Which credentials end soon, and which are overdue for rotation.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::access_key_list::EXPIRING_WITHIN;
use crate::flows::Server;
use crate::flows::error::FlowResult;

/// A credential with the time that is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TimedCredential {
    /// `access_key`; `access_key_secret` or `client_secret` for a secret that is being replaced; `client` for the current
    /// secret of a client.
    pub kind: &'static str,
    /// The access key's id, or the client_id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it ends, or when its secret was made.
    pub at: DateTime<Utc>,
}

/// Credentials that want attention: at most some of each, the most urgent first.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Credentials {
    /// Access keys, and secrets that are being replaced, that end within 30 days.
    pub ending: Vec<TimedCredential>,
    /// Are there more of these?
    pub more_ending: bool,
    /// Access keys and client secrets that are older than `alerts.rotation_age`; empty where that is off.
    pub overdue: Vec<TimedCredential>,
    /// Are there more of these?
    pub more_overdue: bool,
}

/// The most urgent of them, and whether there are more.
fn first(mut found: Vec<TimedCredential>, most: usize) -> (Vec<TimedCredential>, bool) {
    found.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.id.cmp(&other.id)));
    let more = found.len() > most;
    found.truncate(most);
    (found, more)
}

fn named(kind: &'static str, rows: Vec<(String, String, DateTime<Utc>)>) -> impl Iterator<Item = TimedCredential> {
    rows.into_iter().map(move |(id, name, at)| TimedCredential { kind, id, name, at })
}

/// The credentials that want attention, `most` of each kind of it.
pub fn show(server: &Server, most: i64) -> FlowResult<Credentials> {
    let (now, limit) = (server.clock.now(), most + 1);
    let span = (now, now + EXPIRING_WITHIN);
    let age = server.alert_rules.rotation_age;
    let made_before = (!age.is_zero()).then(|| now - age);
    let (ending, overdue) = server.store.read(|connection| {
        let keys = connection.list_ending_access_keys(span, None, limit)?;
        let keys = keys.into_iter().map(|key| (key.id.0, key.name, key.expires_at.unwrap_or(now))).collect();
        let mut ending: Vec<_> = named("access_key", keys).collect();
        ending.extend(named("access_key_secret", connection.list_ending_access_key_secrets(span, limit)?));
        ending.extend(named("client_secret", connection.list_ending_client_secrets(span, limit)?));
        let mut overdue = Vec::new();
        if let Some(before) = made_before {
            let keys = connection.list_oldest_access_keys(before, limit)?;
            let keys = keys.into_iter().map(|key| (key.id.0, key.name, key.rotated_at.unwrap_or(key.created_at)));
            overdue.extend(named("access_key", keys.collect()));
            overdue.extend(named("client", connection.list_oldest_client_secrets(before, limit)?));
        }
        Ok((ending, overdue))
    })?;
    let most = usize::try_from(most).unwrap_or_default();
    let ((ending, more_ending), (overdue, more_overdue)) = (first(ending, most), first(overdue, most));
    Ok(Credentials { ending, more_ending, overdue, more_overdue })
}
