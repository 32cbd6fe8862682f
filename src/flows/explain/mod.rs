//! "Why was this refused?": the questions of the verdict on a credential, each with its answer, for a request that nobody
//! made. Nothing is counted. The answers come from where the doors get theirs: `Credential::refusal`.

mod facts;
mod find;

use std::net::IpAddr;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::domain::access_key::Owner;
use crate::domain::credential::{Asked, Credential, Verdict};
use crate::domain::page::PageRequest;
use crate::domain::refusal::{ExplainedStep, StepOutcome};
use crate::domain::verdict_step::Step;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::explain::find::Found;
use crate::flows::refusals::{self, ExplainedRefusal};
use crate::flows::verdict;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Refusals of a credential that are shown beside its explanation.
const LATEST: i64 = 10;

/// Which credential is asked about. No `Debug`: it may be secret.
pub enum Named {
    /// An access key's id, a client_id, or what is shown of an access key.
    Id(String),
    /// The access key or access token itself.
    Secret(Zeroizing<String>),
}

/// The request that might be made; what it leaves open is not asked.
#[derive(Debug, Clone, Default)]
pub struct Hypothetical {
    /// The environment of the door.
    pub environment: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
    /// The audience.
    pub audience: Option<Resource>,
    /// The scopes.
    pub scope: Scope,
    /// The project.
    pub project: Option<String>,
}

/// What a door would say of one credential.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Explanation {
    /// `access_key`, `access_token` or `client_secret`; absent where there is none.
    pub credential_type: Option<&'static str>,
    /// An access key's id or a client_id.
    pub credential_id: Option<String>,
    /// For people.
    pub name: String,
    /// Whose it is.
    pub owner: Option<Owner>,
    /// What is shown of its secret, where one was named.
    pub masked: Option<String>,
    /// May it pass?
    pub valid: bool,
    /// `valid`, or the first question that is answered with no.
    pub code: &'static str,
    /// The sentence that whoever holds it would be told.
    pub message: String,
    /// Every question, in order. Behind the first that is answered with no, a door would not ask; here all are.
    pub steps: Vec<ExplainedStep>,
}

/// Explanations, and what was really refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Explained {
    /// One for each credential that may be meant.
    pub explanations: Vec<Explanation>,
    /// The latest refusals: of the request, or of the credential where there is but one.
    pub refusals: Vec<ExplainedRefusal>,
}

/// What the doors would say of this credential.
pub fn explain(server: &Server, caller: &Caller, named: Named, asked: &Hypothetical) -> FlowResult<Explained> {
    let found = find::find(server, caller, named)?;
    if found.is_empty() {
        return Ok(Explained { explanations: vec![unknown()], refusals: Vec::new() });
    }
    let explanations =
        found.into_iter().map(|found| one(server, found, asked)).collect::<FlowResult<Vec<Explanation>>>()?;
    let may_read = caller.require("access-keys:read").is_ok();
    let refusals = match explanations.as_slice() {
        [only] if may_read => {
            let latest = PageRequest::new(None, Some(LATEST));
            refusals::list(server, caller, only.credential_id.as_deref(), &latest)?.items
        }
        _ => Vec::new(),
    };
    Ok(Explained { explanations, refusals })
}

/// What was refused in this request.
pub fn explain_request(server: &Server, caller: &Caller, request_id: &str) -> FlowResult<Explained> {
    Ok(Explained { explanations: Vec::new(), refusals: refusals::of_request(server, caller, request_id)? })
}

fn unknown() -> Explanation {
    let steps = Step::ALL.into_iter().map(|step| {
        let outcome = if step == Step::Known { StepOutcome::Failed } else { StepOutcome::NotAsked };
        ExplainedStep { step: step.as_str(), outcome, facts: facts::Facts::new() }
    });
    Explanation {
        credential_type: None,
        credential_id: None,
        name: String::new(),
        owner: None,
        masked: None,
        valid: false,
        code: Verdict::Unknown.as_str(),
        message: Verdict::Unknown.public_text().to_owned(),
        steps: steps.collect(),
    }
}

fn one(server: &Server, found: Found, asked: &Hypothetical) -> FlowResult<Explanation> {
    let standing = found.standing();
    let masked = found.masked();
    let key_scope = found.own_scope();
    let credential = found.into_credential(server);
    let scope = verdict::needed(server, &credential, &asked.scope);
    let audiences: Vec<Resource> = asked.audience.clone().map_or_else(|| credential.resources.clone(), |one| vec![one]);
    let question = Asked {
        environment: asked.environment.as_deref().unwrap_or(&credential.environment),
        address: asked.address,
        audiences: &audiences,
        scope: &scope,
        project: asked.project.as_deref(),
        now: server.clock.now(),
    };
    let windows = verdict::standing(server, &credential);
    let is_full = windows.as_ref().is_some_and(|windows| windows.iter().any(|window| window.remaining == 0));
    let mut steps = Vec::new();
    let mut refused = None;
    for step in Step::ALL {
        let refusal = match step {
            Step::Rate if is_full => Some(Verdict::RateLimitExceeded),
            step => credential.refusal(step, &question).filter(|_| is_asked(step, &credential, asked)),
        };
        refused = refused.or(refusal);
        let outcome = match refusal {
            Some(_) => StepOutcome::Failed,
            None if is_asked(step, &credential, asked) => StepOutcome::Passed,
            None => StepOutcome::NotAsked,
        };
        let context = facts::Context {
            server,
            credential: &credential,
            question: &question,
            given: asked,
            standing: &standing,
            key_scope: key_scope.as_ref(),
            windows: windows.as_deref(),
        };
        steps.push(ExplainedStep { step: step.as_str(), outcome, facts: facts::of(step, &context) });
    }
    let verdict = refused.unwrap_or(Verdict::Valid);
    Ok(Explanation {
        credential_type: Some(credential.kind.as_str()),
        credential_id: Some(credential.id),
        name: credential.name,
        owner: credential.owner,
        masked,
        valid: verdict == Verdict::Valid,
        code: verdict.as_str(),
        message: verdict.public_text().to_owned(),
        steps,
    })
}

/// Does the hypothetical request ask this? What restricts nothing passes whatever is asked.
fn is_asked(step: Step, credential: &Credential, asked: &Hypothetical) -> bool {
    match step {
        Step::Known | Step::Status | Step::Expiry | Step::Rate => true,
        Step::Environment => asked.environment.is_some(),
        Step::Address => asked.address.is_some() || credential.allowed_addresses.is_empty(),
        // What is for no audience at all passes nowhere.
        Step::Audience => asked.audience.is_some() || credential.resources.is_empty(),
        Step::Scope => !asked.scope.is_empty(),
        Step::Project => asked.project.is_some() || credential.projects.is_empty(),
    }
}
