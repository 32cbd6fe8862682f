//! Whether database, signing keys and jobs are well. The jobs are those of the instance that is asked.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::counters::job_board::JobState;
use crate::domain::signing_key::{SigningKeyState, standings};
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::store::StoreConnection;

/// The database.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DatabaseHealth {
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    /// How long a read that touches no table took, just now.
    pub latency_ms: f64,
    /// Its size in octets; null where that is costly to know.
    pub size: Option<i64>,
}

/// The key that signs with one algorithm.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SigningKeyHealth {
    /// The algorithm.
    pub alg: &'static str,
    /// Its identifier.
    pub kid: String,
    /// Since when it signs.
    pub active_since: DateTime<Utc>,
    /// When the next one will sign.
    pub next_rotation: DateTime<Utc>,
    /// Is the next one published already?
    pub next_published: bool,
}

/// A background job of this instance.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct JobHealth {
    /// Its name.
    pub name: String,
    /// How long it waits between two runs.
    pub interval_seconds: f64,
    /// When it last ended a run; null before the first.
    pub last_run: Option<DateTime<Utc>>,
    /// Since when each run fails; null while it is well.
    pub failing_since: Option<DateTime<Utc>>,
    /// What the last failure was.
    pub error: Option<String>,
    /// How much waits for it; null where nothing can.
    pub backlog: Option<i64>,
}

/// Whether the server is well.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// The database.
    pub database: DatabaseHealth,
    /// By algorithm.
    pub signing_keys: Vec<SigningKeyHealth>,
    /// By name; empty in a process that runs none.
    pub jobs: Vec<JobHealth>,
}

/// How they are now.
pub fn show(server: &Server) -> FlowResult<Health> {
    Ok(Health { database: database(server)?, signing_keys: signing_keys(server)?, jobs: jobs(server)? })
}

fn database(server: &Server) -> FlowResult<DatabaseHealth> {
    // A connection is had before the time runs: the pool's wait is not the database's.
    let (kind, took, size) = server.store.read(|connection| {
        let started = server.clock.instant();
        StoreConnection::ping(connection)?;
        let took = server.clock.instant() - started;
        Ok((connection.database_kind(), took, connection.find_database_size()?))
    })?;
    Ok(DatabaseHealth { kind, latency_ms: (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0, size })
}

fn signing_keys(server: &Server) -> FlowResult<Vec<SigningKeyHealth>> {
    let (now, interval) = (server.clock.now(), server.config.signing_keys.rotation_interval);
    let rows = server.store.read(|connection| connection.list_signing_keys())?;
    let keys = standings(rows.into_iter().map(|row| row.key).collect(), now);
    let of = |wanted| keys.iter().filter(move |(_, state)| *state == wanted).map(|(key, _)| key);
    let mut active: Vec<_> = of(SigningKeyState::Active)
        .map(|key| {
            let next = of(SigningKeyState::Pending).find(|next| next.alg == key.alg);
            SigningKeyHealth {
                alg: key.alg.as_str(),
                kid: key.kid.clone(),
                active_since: key.active_from,
                next_rotation: next.map_or_else(|| key.active_from + interval, |next| next.active_from),
                next_published: next.is_some(),
            }
        })
        .collect();
    active.sort_unstable_by(|one, other| one.alg.cmp(other.alg));
    Ok(active)
}

fn jobs(server: &Server) -> FlowResult<Vec<JobHealth>> {
    let (to_endpoints, logouts, unsigned) = server.store.read(|connection| {
        let (to_endpoints, logouts) = connection.count_waiting_deliveries()?;
        let signed = connection.find_last_checkpoint()?.map_or(0, |last| last.sequence);
        Ok((to_endpoints, logouts, connection.find_audit_chain_head()?.sequence - signed))
    })?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let backlog = |name: &str| match name {
        "usage" => Some(count(server.usage.waiting())),
        "alerts" => Some(count(server.alerts.waiting())),
        "audit-checkpoint" => Some(unsigned),
        "logout" => Some(logouts),
        _ => {
            let endpoint = name.strip_prefix("deliver-")?;
            Some(to_endpoints.iter().find(|(name, _)| name == endpoint).map_or(0, |(_, waiting)| *waiting))
        }
    };
    let shown = gathered(server.jobs.list()).into_iter().map(|(name, job)| JobHealth {
        interval_seconds: job.interval.as_secs_f64(),
        last_run: job.last_run,
        failing_since: job.failing_since,
        error: job.error,
        backlog: backlog(&name),
        name,
    });
    Ok(shown.collect())
}

/// The threads of one job together: `logout-1` and `logout-2` are `logout`, which fails where one of them does.
fn gathered(jobs: Vec<(String, JobState)>) -> BTreeMap<String, JobState> {
    let mut gathered: BTreeMap<String, JobState> = BTreeMap::new();
    for (name, job) in jobs {
        let whole = match name.rsplit_once('-') {
            Some((whole, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => whole,
            _ => &name,
        };
        match gathered.get_mut(whole) {
            None => {
                gathered.insert(whole.to_owned(), job);
            }
            Some(known) => {
                known.last_run = known.last_run.max(job.last_run);
                if known.failing_since.is_none() {
                    (known.failing_since, known.error) = (job.failing_since, job.error);
                }
            }
        }
    }
    gathered
}
