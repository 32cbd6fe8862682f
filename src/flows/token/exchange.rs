//! Token exchange (RFC 8693): an access key becomes a short-lived access token with a subset of its scopes, so that a
//! resource server needs the JWKS only. The key proves itself; a client may authenticate beside it.

use zeroize::Zeroizing;

use crate::domain::access_key::Owner;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::Client;
use crate::domain::credential::{Credential, Verdict};
use crate::domain::denial::Denial;
use crate::domain::refusal::RefusingDoor;
use crate::flows::error::FlowResult;
use crate::flows::token::Authority;
use crate::flows::token::mint::{self, Draft};
use crate::flows::verdict::{self, Judged, Presented, Question, Trace};
use crate::flows::{Server, refusals};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;
use crate::protocol::token_request::{ACCESS_KEY_TYPE, ACCESS_TOKEN_TYPE};
use crate::protocol::token_response::TokenResponse;

/// What an exchange is counted under.
const OPERATION: &str = "token_exchange";

/// What is asked for.
pub struct Wanted<'a> {
    /// The requested scope.
    pub scope: Option<&'a Scope>,
    /// The requested resources.
    pub resources: &'a [Resource],
}

/// What is presented (RFC 8693 §2.1). No `Debug`.
pub struct SubjectToken {
    /// The access key.
    pub token: Zeroizing<String>,
    /// The type that it is said to have.
    pub token_type: String,
}

/// Exchanges an access key.
pub fn redeem(
    server: &Server,
    client: Option<&Client>,
    subject: SubjectToken,
    wanted: &Wanted<'_>,
    source: &Source,
) -> FlowResult<TokenResponse> {
    if subject.token_type != ACCESS_KEY_TYPE {
        let text = format!("subject_token_type must be {ACCESS_KEY_TYPE}: only access keys are exchanged here");
        return Err(Denial::MalformedRequest(text).into());
    }
    let credential = find(server, subject.token, source)?;
    let chosen = choose_resources(server, wanted, &credential);
    let question = Question {
        // A client exchanges keys of its own environment only; a key alone is in its own.
        environment: client.map_or(&credential.environment, |client| &client.environment).clone(),
        // What it is not for is refused in its turn: whether it still stands is asked before.
        audiences: chosen.as_ref().map_or_else(|_| Vec::new(), Clone::clone),
        scope: wanted.scope.cloned().unwrap_or_default(),
        address: source.address,
        operation: OPERATION.to_owned(),
        trace: Some(Trace {
            asked_by: client.map(|client| client.client_id.0.clone()),
            ..Trace::new(RefusingDoor::TokenExchange, source.request_id.clone())
        }),
        ..Question::default()
    };
    let judged = verdict::judge_found(server, credential, &question)?;
    let (credential, resources) = match (judged.verdict, judged.credential, judged.exceeded) {
        (Verdict::Valid, Some(credential), _) => (credential, chosen?),
        (_, _, Some(exceeded)) => return Err(Denial::RateLimitExceeded(exceeded).into()),
        // RFC 8693 §2.2.2 and RFC 6749 §5.2 have words of their own for these two.
        (Verdict::WrongAudience, ..) => return Err(chosen.err().unwrap_or(Denial::ResourceNotGranted).into()),
        (Verdict::InsufficientScope, ..) => return Err(Denial::ScopeWidened.into()),
        (refused, ..) => return Err(Denial::SubjectTokenRefused(refused).into()),
    };
    let scope = choose_scope(server, client, wanted, &credential, &resources)?;
    let authority = Authority { scope, resources };
    let minted = mint::sign(server, draft(server, client, &credential), &authority)?;
    if server.config.audit.token_issuance {
        let actor = Actor::AccessKey(credential.id);
        let event = NewAuditEvent::success(AuditAction::AccessKeyExchanged, actor, source.clone())
            .on("access_token", &minted.jti);
        let now = server.clock.now();
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    }
    // RFC 8693 §2.2.1.
    Ok(TokenResponse { issued_token_type: Some(ACCESS_TOKEN_TYPE), ..minted.respond(None, &authority) })
}

/// The access key that is presented, good or not.
fn find(server: &Server, token: Zeroizing<String>, source: &Source) -> FlowResult<Credential> {
    let unknown = || Denial::SubjectTokenRefused(Verdict::Unknown);
    let question = Question {
        address: source.address,
        hiding_proxy: source.hiding_proxy,
        operation: OPERATION.to_owned(),
        trace: Some(Trace::new(RefusingDoor::TokenExchange, source.request_id.clone())),
        ..Question::default()
    };
    if server.environment_of_key(&token).is_none() {
        refusals::judged(server, &mut Judged::unknown(), &question);
        return Err(unknown().into());
    }
    let presented = Presented::Bearer(token);
    let found = verdict::find(server, &presented, &question)?;
    if found.is_none() {
        // Whoever tries keys that look right is noticed, as at the other doors.
        verdict::unknown(server, &verdict::tracing(server, &presented, &question));
    }
    Ok(found.ok_or_else(unknown)?)
}

/// The audience: what is asked for, as far as the key has it; else all of the key's but the admin API, a token for which
/// is for nothing else.
fn choose_resources(server: &Server, asked: &Wanted<'_>, credential: &Credential) -> Result<Vec<Resource>, Denial> {
    let resources: Vec<Resource> = if asked.resources.is_empty() {
        let others = || credential.resources.iter().filter(|resource| **resource != server.admin_resource);
        if others().next().is_some() { others().cloned().collect() } else { credential.resources.clone() }
    } else {
        asked.resources.to_vec()
    };
    if !resources.iter().all(|resource| credential.resources.contains(resource)) {
        return Err(Denial::ResourceNotGranted);
    }
    if resources.len() > 1 && resources.contains(&server.admin_resource) {
        return Err(Denial::AdminResourceShared);
    }
    Ok(resources)
}

/// What is asked for, which the key holds; else all of the key's. A token for one resource does not carry the scopes
/// of another.
fn choose_scope(
    server: &Server,
    client: Option<&Client>,
    asked: &Wanted<'_>,
    credential: &Credential,
    resources: &[Resource],
) -> Result<Scope, Denial> {
    let registered = client.map(|client| &client.scope);
    let definitions = server.scopes();
    let fits = |token: &str| {
        let resource = definitions.find(token).and_then(|found| found.resource.as_ref());
        resource.is_none_or(|resource| resources.contains(resource))
            && registered.is_none_or(|scope| scope.contains(token))
    };
    let wanted = asked.scope.unwrap_or(&credential.scope);
    let scope = wanted.filtered(fits);
    if scope.is_empty() && !wanted.is_empty() { Err(Denial::ScopeNotGrantable) } else { Ok(scope) }
}

fn draft(server: &Server, client: Option<&Client>, credential: &Credential) -> Draft {
    let longest = i64::try_from(server.config.access_keys.exchanged_token_lifetime.as_secs()).unwrap_or_default();
    let left = credential.expires_at.map(|end| (end - server.clock.now()).num_seconds().max(1));
    let client_id = client.map(|client| client.client_id.0.clone());
    Draft {
        sub: credential.owner.as_ref().map_or(credential.id.as_str(), Owner::id).to_owned(),
        client_id: client_id.unwrap_or_else(|| credential.id.clone()),
        environment: credential.environment.clone(),
        lifetime: left.map_or(longest, |left| left.min(longest)),
        auth_time: None,
        roles: credential.user.as_ref().map(|user| user.roles.clone()),
        grant_id: None,
        access_key_id: Some(credential.id.clone()),
        personal_token_id: None,
        workflow_id: None,
        workflow_authorized_at: None,
        projects: (!credential.projects.is_empty()).then(|| credential.projects.clone()),
    }
}
