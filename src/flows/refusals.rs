//! Noting why requests were refused, writing it down with the usage, and finding it again by the request's identifier.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::counters::login_throttle::network;
use crate::counters::refusals::RefusalSubject;
use crate::crypto::random;
use crate::domain::access_key::mask;
use crate::domain::audit_event::Source;
use crate::domain::credential::{Credential, Verdict};
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::domain::refusal::{ExplainedStep, Refusal, RefusingDoor};
use crate::domain::verdict_step::Step;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::verdict::{Judged, Presented, Question};

/// Longest text that is kept of what was asked, in characters.
const MAX_TEXT: usize = 200;

/// A refusal with the questions of its door.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExplainedRefusal {
    /// The refusal.
    #[serde(flatten)]
    pub refusal: Refusal,
    /// The questions, in order.
    pub steps: Vec<ExplainedStep>,
}

impl From<Refusal> for ExplainedRefusal {
    fn from(refusal: Refusal) -> Self {
        Self { steps: refusal.steps(), refusal }
    }
}

/// Whom a refusal at a door that does not judge credentials is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whom<'a> {
    /// Who proved to be this credential.
    pub proven: Option<&'a str>,
    /// Who they say they are.
    pub claimed: Option<&'a str>,
}

/// Notes a refusal of the verdict. The request gets an identifier here where it has none yet: only refused ones need one.
pub fn judged(server: &Server, judged: &mut Judged, question: &Question) {
    let Some(trace) = &question.trace else { return };
    let Some(step) = Step::of(judged.verdict) else { return };
    let request_id = trace.request_id.clone().or_else(|| random::opaque_id().ok());
    judged.request_id.clone_from(&request_id);
    let Some(request_id) = request_id else { return };
    let credential = judged.credential.as_ref();
    let subject = subject(credential.map(|credential| credential.id.as_str()), question.address);
    let now = server.clock.now();
    server.refusals.note(subject, now, || {
        let refusal = new(trace.door, request_id, now)?;
        let address = question.address.map(|address| address.to_canonical().to_string());
        Some(Refusal {
            code: judged.verdict.as_str().to_owned(),
            step: step.as_str().to_owned(),
            message: judged.public_text(),
            credential_id: credential.map(|credential| credential.id.clone()),
            asked_by: trace.asked_by.clone(),
            address,
            asked: asked(judged.verdict, credential, question),
            ..refusal
        })
    });
}

/// Notes a refusal for another reason than a verdict: those are noted where they are reached.
pub fn denied(server: &Server, door: RefusingDoor, error: &FlowError, whom: Whom<'_>, source: &Source) {
    let FlowError::Denied(denial) = error else { return };
    let is_noted = match denial {
        Denial::AccessKeyRefused(_) | Denial::SubjectTokenRefused(_) | Denial::RateLimitExceeded(_) => true,
        // Nobody is refused who is told to ask again.
        Denial::DevicePending | Denial::DeviceTooFast => true,
        Denial::BearerInvalid | Denial::AddressNotAllowed => door != RefusingDoor::Token,
        _ => false,
    };
    let (Some(request_id), false) = (&source.request_id, is_noted) else { return };
    let now = server.clock.now();
    server.refusals.note(subject(whom.proven, source.address), now, || {
        Some(Refusal {
            code: denial.code().as_str().to_owned(),
            step: door.step_of(denial).to_owned(),
            message: short(&denial.public_text()),
            credential_id: whom.proven.map(str::to_owned),
            asked_by: whom.claimed.map(short),
            address: source.address.map(|address| address.to_canonical().to_string()),
            ..new(door, request_id.clone(), now)?
        })
    });
}

/// The same at the token endpoint, where a client says who it is. It proved it where it was refused for what comes later.
pub fn denied_token(server: &Server, error: &FlowError, claimed: Option<&str>, source: &Source) {
    let FlowError::Denied(denial) = error else { return };
    let is_proven = matches!(RefusingDoor::Token.step_of(denial), "grant_type" | "grant" | "scope" | "audience");
    let whom = Whom { proven: claimed.filter(|_| is_proven), claimed };
    denied(server, RefusingDoor::Token, error, whom, source);
}

/// Notes that nothing, or nothing readable, was presented to a proxy. Answers the request's identifier.
pub fn unpresented(server: &Server, code: &str, message: &str, source: &Source) -> Option<String> {
    let request_id = random::opaque_id().ok()?;
    let now = server.clock.now();
    let id = request_id.clone();
    server.refusals.note(subject(None, source.address), now, || {
        Some(Refusal {
            code: code.to_owned(),
            step: "presented".to_owned(),
            message: message.to_owned(),
            address: source.address.map(|address| address.to_canonical().to_string()),
            ..new(RefusingDoor::ForwardAuth, id, now)?
        })
    });
    Some(request_id)
}

/// What was presented, recognisable and useless; only of what has the form of an access key.
pub fn recognisable(server: &Server, presented: &Presented) -> Option<String> {
    match presented {
        Presented::Bearer(secret) => {
            server.environment_of_key(secret).map(|environment| mask(&environment.access_key_prefix, secret))
        }
        Presented::Client(client_id, _) => Some(short(client_id)),
    }
}

fn subject(known: Option<&str>, address: Option<std::net::IpAddr>) -> RefusalSubject {
    match known {
        Some(id) => RefusalSubject::Known(id.to_owned()),
        None => RefusalSubject::Stranger(address.map(|address| network(address).to_string()).unwrap_or_default()),
    }
}

fn new(door: RefusingDoor, request_id: String, now: DateTime<Utc>) -> Option<Refusal> {
    Some(Refusal {
        id: random::id(now).ok()?,
        request_id,
        occurred_at: now,
        door,
        code: String::new(),
        step: String::new(),
        message: String::new(),
        credential_id: None,
        asked_by: None,
        address: None,
        asked: BTreeMap::new(),
    })
}

/// Cut, and without what no database takes or what a page cannot show.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

fn asked(verdict: Verdict, credential: Option<&Credential>, question: &Question) -> BTreeMap<String, String> {
    let audiences: Vec<&str> = question.audiences.iter().map(|audience| audience.as_str()).collect();
    let missing = credential.filter(|_| verdict == Verdict::InsufficientScope);
    let facts = [
        ("environment", Some(question.environment.clone())),
        ("audience", Some(audiences.join(" "))),
        ("scope", Some(question.scope.to_string())),
        ("missing_scope", missing.map(|credential| credential.missing(&question.scope).to_string())),
        ("project", question.project.clone()),
        ("operation", Some(question.operation.clone())),
        ("presented", question.trace.as_ref().and_then(|trace| trace.presented.clone())),
    ];
    let told = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), short(&value?))));
    told.filter(|(_, value)| !value.is_empty()).collect()
}

/// Writes down what was noted since the last time. It is a sample: what cannot be written is forgotten.
pub fn flush(server: &Server) {
    let waiting = server.refusals.take();
    if waiting.is_empty() {
        return;
    }
    let write = server
        .store
        .write(move |connection| waiting.into_iter().try_for_each(|refusal| connection.insert_refusal(refusal)));
    if let Err(error) = write {
        log::error!("why requests were refused could not be written: {error}");
    }
}

/// Why this request was refused.
pub fn of_request(server: &Server, caller: &Caller, request_id: &str) -> FlowResult<Vec<ExplainedRefusal>> {
    caller.require("access-keys:read")?;
    let mut found = server.store.read(|connection| connection.find_refusals(request_id))?;
    let waiting = server.refusals.of_request(request_id);
    found.extend(
        waiting.into_iter().filter(|waiting| found.iter().all(|known| known.id != waiting.id)).collect::<Vec<_>>(),
    );
    Ok(found.into_iter().map(ExplainedRefusal::from).collect())
}

/// A page of refusals, newest first, of one credential or of all.
pub fn list(
    server: &Server,
    caller: &Caller,
    credential_id: Option<&str>,
    page: &PageRequest,
) -> FlowResult<Page<ExplainedRefusal>> {
    caller.require("access-keys:read")?;
    let found = server.store.read(|connection| connection.list_refusals(credential_id, page))?;
    Ok(found.map(ExplainedRefusal::from))
}
