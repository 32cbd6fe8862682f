//! Verification for API servers: the verdict on what a request brought them, with all they need to go on. The caller is a
//! resource server, and learns nothing of what is not its own.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::access_key::Owner;
use crate::domain::credential::{Credential, Verdict};
use crate::domain::denial::Denial;
use crate::domain::refusal::RefusingDoor;
use crate::flows::Server;
use crate::flows::access_keys::scope_of;
use crate::flows::error::FlowResult;
use crate::flows::forward_auth::operation_of;
use crate::flows::member::not_null;
use crate::flows::resource_server::ResourceServer;
use crate::flows::verdict::{self, Found, Judged, Presented, Question, Trace};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Most credentials of one batch.
pub const MAX_BATCH: usize = 100;
/// Longest operation or project name counted, in bytes.
const MAX_NAME: usize = 100;
/// Most that one request may count against the limits.
const MAX_COST: u32 = 1000;

/// What an API server asks. No `Debug`: it holds a credential.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The access key or access token that the request brought.
    #[serde(default, deserialize_with = "not_null")]
    credential: Option<String>,
    /// Instead of it, the client_id that the request brought ...
    #[serde(default, deserialize_with = "not_null")]
    client_id: Option<String>,
    /// ... with the client's secret.
    #[serde(default, deserialize_with = "not_null")]
    client_secret: Option<String>,
    /// It must hold all of these.
    #[serde(default)]
    scopes: Vec<String>,
    /// It must be able to act on this project.
    #[serde(default)]
    project: Option<String>,
    /// It must belong to this environment; the caller's own where absent.
    #[serde(default)]
    environment: Option<String>,
    /// It must be for this audience; one of the caller's own where absent.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    audience: Option<Resource>,
    /// The end client's address, for allow-lists. The caller vouches for it.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    ip: Option<IpAddr>,
    /// The method of the request, for usage.
    #[serde(default)]
    method: Option<String>,
    /// The path of the request, for usage.
    #[serde(default)]
    path: Option<String>,
    /// What is done, for usage; told from method and path where absent.
    #[serde(default)]
    operation: Option<String>,
    /// How much it counts against the limits, 0 to 1000; 1 where absent, 0 only looks.
    #[serde(default, deserialize_with = "not_null")]
    cost: Option<u32>,
}

/// Several at once.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationBatch {
    /// At most 100.
    pub items: Vec<Verification>,
}

/// The verdicts of a batch, in its order.
#[derive(Serialize, utoipa::ToSchema)]
pub struct VerifiedBatch {
    /// One for each item.
    pub items: Vec<Verified>,
}

/// The user behind a credential.
#[derive(Serialize, utoipa::ToSchema)]
pub struct VerifiedUser {
    /// The subject.
    pub id: String,
    /// As they sign in; absent where the subject is a pairwise one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Roles held now.
    pub roles: Vec<String>,
}

/// Where the credential stands in one window of its limits.
#[derive(Serialize, utoipa::ToSchema)]
pub struct VerifiedLimit {
    /// Length of the window.
    pub window_seconds: u32,
    /// Most requests in any such interval.
    pub limit: u32,
    /// Requests left now.
    pub remaining: u32,
    /// When the whole limit is free again if nothing more is used, seconds since 1970.
    pub reset: i64,
}

/// The verdict. Where the credential is not known to the caller, `valid`, `code` and `message` are all there is.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Verified {
    /// May the request pass?
    pub valid: bool,
    /// `valid`, or the first question that failed.
    pub code: &'static str,
    /// A sentence for whoever holds the credential.
    pub message: String,
    /// Seconds until it may pass again, where the rate is exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The credential, where it is the caller's affair.
    #[serde(flatten)]
    pub credential: Option<VerifiedCredential>,
}

/// What the caller is told of a credential.
#[derive(Serialize, utoipa::ToSchema)]
pub struct VerifiedCredential {
    /// `access_key`, `access_token` or `client_secret`.
    pub credential_type: &'static str,
    /// What it is counted and shown as: an access key's id or a client_id.
    pub credential_id: String,
    /// Its name, for people.
    pub name: String,
    /// Whom it speaks of.
    pub subject: String,
    /// Whose it is; null for the platform itself.
    pub owner: Option<Owner>,
    /// The client it was issued to.
    pub client_id: Option<String>,
    /// The user behind it.
    pub user: Option<VerifiedUser>,
    /// Where it works.
    pub environment: String,
    /// What it may do now.
    pub scopes: Vec<String>,
    /// What of the required scopes it lacks.
    pub missing_scopes: Vec<String>,
    /// The audiences that accept it.
    #[schema(value_type = Vec<String>)]
    pub resources: Vec<Resource>,
    /// The projects it is limited to; empty for all.
    pub projects: Vec<String>,
    /// Its plan.
    pub plan: Option<String>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where it stands; empty where it has no limits or was refused before they were asked.
    pub limits: Vec<VerifiedLimit>,
    /// Was it presented with a secret that is being replaced?
    pub rotating: bool,
    /// When that secret stops working.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotating_until: Option<DateTime<Utc>>,
}

/// Judges one credential for this caller.
pub fn verify(server: &Server, caller: &ResourceServer, asked: Verification) -> FlowResult<Verified> {
    let (presented, question) = asked.read(server, caller)?;
    judge(server, caller, &presented, &question)
}

/// Judges several, all or, where the request itself is malformed, none.
pub fn verify_batch(server: &Server, caller: &ResourceServer, batch: VerificationBatch) -> FlowResult<VerifiedBatch> {
    if batch.items.is_empty() || batch.items.len() > MAX_BATCH {
        return Err(Denial::InvalidMember(format!("items takes 1 to {MAX_BATCH} entries")).into());
    }
    let read: Result<Vec<_>, Denial> = batch.items.into_iter().map(|asked| asked.read(server, caller)).collect();
    let judged = read?.into_iter().map(|(presented, question)| judge(server, caller, &presented, &question));
    Ok(VerifiedBatch { items: judged.collect::<FlowResult<Vec<_>>>()? })
}

fn judge(server: &Server, caller: &ResourceServer, presented: &Presented, question: &Question) -> FlowResult<Verified> {
    // Of another environment no more is told than the prefix or our signature says anyway; of another API's credential
    // nothing at all.
    let credential = match verdict::find_in(server, presented, question, &caller.environment)? {
        Found::Known(credential) => *credential,
        Found::Elsewhere => {
            let question = verdict::tracing(server, presented, question);
            return Ok(answer(server, verdict::elsewhere(server, &question), &question.scope, false));
        }
        Found::Nothing => {
            let question = verdict::tracing(server, presented, question);
            return Ok(answer(server, verdict::unknown(server, &question), &question.scope, false));
        }
    };
    let own = caller.may_know(&credential.environment, &credential.resources);
    if !own && credential.environment == caller.environment {
        return Ok(answer(server, verdict::foreign(server, &credential, question), &question.scope, false));
    }
    let judged = if credential.environment == caller.environment {
        verdict::judge_found(server, credential, question)?
    } else {
        verdict::judge_found(
            server,
            credential,
            &Question { environment: caller.environment.clone(), ..question.clone() },
        )?
    };
    Ok(answer(server, judged, &question.scope, own))
}

fn answer(server: &Server, judged: Judged, wanted: &Scope, own: bool) -> Verified {
    let now = server.clock.now().timestamp();
    let limits = judged.windows.iter().map(|window| VerifiedLimit {
        window_seconds: window.seconds,
        limit: window.limit,
        remaining: window.remaining,
        reset: now.saturating_add_unsigned(window.reset_after),
    });
    let limits = limits.collect();
    Verified {
        valid: judged.verdict == Verdict::Valid,
        code: judged.verdict.as_str(),
        message: judged.public_text(),
        retry_after: judged.retry_after(),
        credential: judged.credential.filter(|_| own).map(|credential| {
            let needed = verdict::needed(server, &credential, wanted);
            describe(credential, &needed, limits)
        }),
    }
}

fn describe(credential: Credential, wanted: &Scope, limits: Vec<VerifiedLimit>) -> VerifiedCredential {
    let list = |scope: &Scope| scope.iter().map(str::to_owned).collect();
    VerifiedCredential {
        credential_type: credential.kind.as_str(),
        missing_scopes: list(&credential.missing(wanted)),
        scopes: list(&credential.scope),
        credential_id: credential.id,
        name: credential.name,
        subject: credential.subject.clone(),
        owner: credential.owner,
        client_id: credential.client_id,
        user: credential.user.map(|user| VerifiedUser {
            // The subject, for what is told of a user must not undo a pairwise one.
            id: credential.subject,
            username: user.username,
            roles: user.roles,
        }),
        environment: credential.environment,
        resources: credential.resources,
        projects: credential.projects,
        plan: credential.plan,
        expires_at: credential.expires_at,
        limits,
        rotating: credential.rotating_until.is_some(),
        rotating_until: credential.rotating_until,
    }
}

impl Verification {
    fn read(self, server: &Server, caller: &ResourceServer) -> Result<(Presented, Question), Denial> {
        let refuse = |text: &str| Denial::InvalidMember(text.to_owned());
        let presented = match (self.credential, self.client_id, self.client_secret) {
            (Some(text), None, None) => Presented::Bearer(Zeroizing::new(text)),
            (None, Some(id), Some(secret)) => Presented::Client(id, Zeroizing::new(secret)),
            _ => return Err(refuse("send credential, or client_id with client_secret, and not both")),
        };
        let too_long = |name: &Option<String>| {
            name.as_ref().is_some_and(|name| name.len() > MAX_NAME || name.chars().any(char::is_control))
        };
        if too_long(&self.operation) || too_long(&self.project) {
            return Err(refuse("operation and project have at most 100 bytes and no control characters"));
        }
        let cost = self.cost.unwrap_or(1);
        if cost > MAX_COST {
            return Err(refuse("cost must be 0 to 1000"));
        }
        // A mistyped name would refuse every credential, and look as if those were wrong.
        if let Some(name) = self.environment.as_ref().filter(|name| server.environment(name).is_none()) {
            return Err(refuse(&format!("there is no environment '{name}' in the configuration")));
        }
        let told = match (&self.method, &self.path) {
            (None, None) => String::new(),
            (method, path) => operation_of(method.as_deref().unwrap_or_default(), path.as_deref().unwrap_or_default()),
        };
        let question = Question {
            environment: self.environment.unwrap_or_else(|| caller.environment.clone()),
            audiences: self.audience.map_or_else(|| caller.resources.clone(), |audience| vec![audience]),
            scope: scope_of(&self.scopes)?,
            project: self.project,
            address: self.ip,
            hiding_proxy: None,
            operation: self.operation.unwrap_or(told),
            cost,
            trace: Some(Trace {
                asked_by: Some(caller.id.clone()),
                ..Trace::new(RefusingDoor::Verify, caller.request_id.clone())
            }),
        };
        Ok((presented, question))
    }
}
