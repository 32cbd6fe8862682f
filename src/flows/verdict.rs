//! The one verdict on a credential, whichever door it is presented at. The order of the questions is fixed and documented:
//! known, environment, status, expiry, address, audience, scope, project, rate. The first that fails decides; only what
//! passes all the others is counted against the rate.

use std::net::IpAddr;

use crate::counters::rate_limits::{RateVerdict, Window};
use crate::domain::alert::AlertSubject;
use crate::domain::alert_rules::LimitUse;
use crate::domain::audit_event::Source;
use crate::domain::client::Status;
use crate::domain::credential::{Asked, Credential, Verdict};
use crate::domain::limits::{RateExceeded, WindowState};
use crate::domain::refusal::RefusingDoor;
use crate::domain::role::ADMIN_SCOPE;
use crate::domain::usage::{SecretUse, UsageCount, UsageKey, UsageSource, day_of};
use crate::flows::error::FlowResult;
use crate::flows::{Server, alerts, limits, refusals};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

pub use crate::flows::presented::{Found, Presented, find, find_in};

/// By what a refusal is found again.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Where the credential is presented.
    pub door: RefusingDoor,
    /// The request's identifier, where it has one.
    pub request_id: Option<String>,
    /// The API server that asks.
    pub asked_by: Option<String>,
    /// What is presented, recognisable and useless.
    pub presented: Option<String>,
}

impl Trace {
    /// A trace of a request to this door.
    pub const fn new(door: RefusingDoor, request_id: Option<String>) -> Self {
        Self { door, request_id, asked_by: None, presented: None }
    }
}

/// What is asked of it.
#[derive(Debug, Clone)]
pub struct Question {
    /// The environment that the door belongs to.
    pub environment: String,
    /// It must be for one of these.
    pub audiences: Vec<Resource>,
    /// It must hold all of these.
    pub scope: Scope,
    /// It must be able to act on this project.
    pub project: Option<String>,
    /// The end client's address.
    pub address: Option<IpAddr>,
    /// The proxy that told one that cannot be read.
    pub hiding_proxy: Option<IpAddr>,
    /// What it is counted under; may be empty.
    pub operation: String,
    /// How much it counts against the limits; 0 only looks.
    pub cost: u32,
    /// By what a refusal is found again; None where it is not kept.
    pub trace: Option<Trace>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            environment: String::new(),
            audiences: Vec::new(),
            scope: Scope::default(),
            project: None,
            address: None,
            hiding_proxy: None,
            operation: String::new(),
            cost: 1,
            trace: None,
        }
    }
}

/// The verdict with what it was reached by.
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The credential; None when there is none.
    pub credential: Option<Credential>,
    /// Where it stands in each window of its limits; empty when it was not asked so far.
    pub windows: Vec<WindowState>,
    /// Which limit is used up, where one is.
    pub exceeded: Option<Box<RateExceeded>>,
    /// The request's identifier, where it is refused and that is kept.
    pub request_id: Option<String>,
}

impl Judged {
    fn of(verdict: Verdict, credential: Option<Credential>) -> Self {
        Self { verdict, credential, windows: Vec::new(), exceeded: None, request_id: None }
    }

    /// The verdict on what is no credential at all.
    pub const fn unknown() -> Self {
        Self { verdict: Verdict::Unknown, credential: None, windows: Vec::new(), exceeded: None, request_id: None }
    }

    /// The sentence for whoever holds the credential; it names the limit that is used up.
    pub fn public_text(&self) -> String {
        self.exceeded.as_ref().map_or_else(|| self.verdict.public_text().to_owned(), |exceeded| exceeded.public_text())
    }

    /// Seconds until it may pass again, where the rate is exceeded.
    pub fn retry_after(&self) -> Option<u64> {
        self.exceeded.as_ref().map(|exceeded| exceeded.retry_after)
    }
}

/// Finds and judges what was presented, counts it against its limits and into its usage.
pub fn judge(server: &Server, presented: &Presented, question: &Question) -> FlowResult<Judged> {
    match find(server, presented, question)? {
        None => Ok(unknown(server, &tracing(server, presented, question))),
        Some(credential) => judge_found(server, credential, question),
    }
}

/// The question with what was presented, recognisable: for what is not found, which nothing else tells apart.
pub fn tracing(server: &Server, presented: &Presented, question: &Question) -> Question {
    let presented = refusals::recognisable(server, presented);
    let trace = question.trace.clone().map(|trace| Trace { presented, ..trace });
    Question { trace, ..question.clone() }
}

/// The verdict on what does not exist, or is not the caller's affair.
pub fn unknown(server: &Server, question: &Question) -> Judged {
    let mut judged = Judged::of(Verdict::Unknown, None);
    record(server, &mut judged, question);
    judged
}

/// The verdict on what exists and is not the caller's affair: as if it did not exist. Only whoever may read why something was
/// refused can tell the two apart.
pub fn foreign(server: &Server, credential: &Credential, question: &Question) -> Judged {
    let presented = Some(format!("{}: not for the API that asks", credential.id));
    let trace = question.trace.clone().map(|trace| Trace { presented, ..trace });
    unknown(server, &Question { trace, ..question.clone() })
}

/// The verdict on what is of another environment. It is recorded of no credential: it was not looked for.
pub fn elsewhere(server: &Server, question: &Question) -> Judged {
    let mut judged = Judged::of(Verdict::WrongEnvironment, None);
    record(server, &mut judged, question);
    judged
}

/// Judges a credential that was found, counts it against its limits and into its usage.
pub fn judge_found(server: &Server, credential: Credential, question: &Question) -> FlowResult<Judged> {
    let mut judged = decide(server, credential, question)?;
    record(server, &mut judged, question);
    Ok(judged)
}

/// What of the scopes that are asked for this credential must hold by name: none where it holds `admin`, and that is
/// configured to be the widest.
pub fn needed(server: &Server, credential: &Credential, asked: &Scope) -> Scope {
    let passes = server.config.server.admin_passes_every_scope && credential.scope.contains(ADMIN_SCOPE);
    if passes { Scope::default() } else { asked.clone() }
}

fn decide(server: &Server, credential: Credential, question: &Question) -> FlowResult<Judged> {
    let scope = needed(server, &credential, &question.scope);
    let asked = Asked {
        environment: &question.environment,
        address: question.address,
        audiences: &question.audiences,
        scope: &scope,
        project: question.project.as_deref(),
        now: server.clock.now(),
    };
    match credential.judge(&asked) {
        Verdict::Valid => take(server, credential, question.cost),
        refused => Ok(Judged::of(refused, Some(credential))),
    }
}

/// Under which key a credential is counted, and in which windows.
fn counted_as(credential: &Credential) -> (String, Vec<Window>) {
    let windows = credential.limits.windows().map(|(seconds, limit)| Window { limit, seconds });
    (format!("credential:{}", credential.id), windows.collect())
}

/// Where a credential stands within its limits, counting nothing; None where the counters do not answer.
pub fn standing(server: &Server, credential: &Credential) -> Option<Vec<WindowState>> {
    let (key, windows) = counted_as(credential);
    if windows.is_empty() {
        return Some(Vec::new());
    }
    server.rate_limits.peek(&key, &windows, server.clock.now()).ok()
}

/// The last question: is there room within its limits? Then it is counted.
fn take(server: &Server, credential: Credential, cost: u32) -> FlowResult<Judged> {
    let (key, windows) = counted_as(&credential);
    if windows.is_empty() {
        return Ok(Judged::of(Verdict::Valid, Some(credential)));
    }
    Ok(match limits::take(server, &key, &windows, cost)? {
        RateVerdict::Allowed(windows) => {
            windows.iter().for_each(|window| {
                server.near_limits.note(&credential.id, window, false, server.clock.now());
                watch_limit(server, &credential, window, cost);
            });
            Judged { windows, ..Judged::of(Verdict::Valid, Some(credential)) }
        }
        RateVerdict::Exceeded { windows, exceeded: Window { limit, seconds }, retry_after } => {
            for window in windows.iter().filter(|window| window.seconds == seconds) {
                server.near_limits.note(&credential.id, window, true, server.clock.now());
            }
            Judged {
                exceeded: Some(Box::new(RateExceeded { limit, seconds, retry_after, windows: windows.clone() })),
                windows,
                ..Judged::of(Verdict::RateLimitExceeded, Some(credential))
            }
        }
    })
}

/// Offers the alert on a nearly reached limit, at the one request that crosses the line and not at each behind it.
fn watch_limit(server: &Server, credential: &Credential, window: &WindowState, cost: u32) {
    let (limit, percent) = (u64::from(window.limit), u64::from(server.alert_rules.limit_percent));
    let used = u64::from(window.limit - window.remaining.min(window.limit));
    let reached = |used: u64| used * 100 >= limit * percent;
    if !reached(used) || reached(used.saturating_sub(cost.into())) {
        return;
    }
    let name = if window.seconds == 60 { "minute" } else { "hour" };
    let limit_use = LimitUse { name: name.to_owned(), used, limit };
    if let Some(alert) = server.alert_rules.limit_share(&subject_of(credential), &limit_use, server.clock.now()) {
        server.alerts.offer(alert);
    }
}

fn subject_of(credential: &Credential) -> AlertSubject {
    AlertSubject::of_credential(credential.id.clone())
}

/// Counts in memory: nothing here waits for the database.
fn record(server: &Server, judged: &mut Judged, question: &Question) {
    server.metrics.verdict(judged.verdict.as_str());
    refusals::judged(server, judged, question);
    let failed = match judged.verdict {
        Verdict::Unknown => Some(None),
        Verdict::Inactive | Verdict::Revoked | Verdict::Expired | Verdict::AddressNotAllowed => {
            Some(judged.credential.as_ref().map(subject_of))
        }
        _ => None,
    };
    if let Some(subject) = failed {
        let source = Source { address: question.address, ..Source::default() };
        alerts::authentication_failed(server, subject, Some(&source));
    }
    let Some(credential) = &judged.credential else { return };
    let now = server.clock.now();
    let key = UsageKey {
        credential_id: credential.id.clone(),
        day: day_of(now),
        source: UsageSource::Door,
        operation: question.operation.clone(),
        project: question.project.clone().unwrap_or_default(),
        outcome: judged.verdict.as_str().to_owned(),
    };
    server.usage.count(key, UsageCount { requests: 1, ..UsageCount::default() });
    // A refused credential was not used; who tries one that is revoked is told by the outcome.
    if credential.status == Status::Active && matches!(judged.verdict, Verdict::Valid | Verdict::RateLimitExceeded) {
        note_use(server, credential.id.clone(), credential.secret_id.clone(), question.address);
    }
}

/// Notes who used which secret, and from where.
pub fn note_use(server: &Server, credential_id: String, secret_id: Option<String>, address: Option<IpAddr>) {
    let now = server.clock.now();
    server.usage.used(SecretUse {
        credential_id,
        secret_id: secret_id.unwrap_or_default(),
        address: address.map(|address| address.to_canonical().to_string()).unwrap_or_default(),
        first_used_at: now,
        last_used_at: now,
        uses: 1,
    });
}
