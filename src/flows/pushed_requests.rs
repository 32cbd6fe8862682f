//! Pushed authorization requests (RFC 9126): a client sends its request ahead, authenticated, and the browser brings only a
//! reference. The request is resolved here, before the authorization endpoint looks at it, and consumed once it is answered.

use url::form_urlencoded::Serializer;

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::Source;
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::domain::ids::ClientId;
use crate::domain::pushed_request::{OPENED_LIFETIME, PushedRequest};
use crate::flows::authorize::{self, Step};
use crate::flows::error::FlowResult;
use crate::flows::reauthentication::PROOF;
use crate::flows::{Server, client_auth};
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::error_code::ErrorCode;
use crate::protocol::params::Params;
use crate::protocol::pushed_request::{PushedAuthorizationResponse, reference, request_uri};

/// What a client proves itself by: no part of the request, and nothing to store.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// Longest request kept, in bytes: anybody can push, by the name of a public client.
const MAX_PARAMETERS: usize = 16 * 1024;
/// What our own pages put beside a `request_uri`: the proof that somebody signed in for this very request. A client cannot
/// make one.
const OWN: [&str; 1] = [PROOF];

/// Takes a request ahead, checked as at the authorization endpoint (RFC 9126 §2.1).
pub fn push(
    server: &Server,
    params: &Params,
    presented: Result<PresentedCredentials, CredentialsError>,
    source: &Source,
) -> FlowResult<PushedAuthorizationResponse> {
    let client = client_auth::authenticate(server, presented, source)?;
    let malformed = |error: crate::protocol::params::ParamError| Denial::MalformedRequest(error.to_string());
    if params.optional("request_uri").map_err(malformed)?.is_some() {
        let text = "request_uri must not be pushed".to_owned();
        return Err(Denial::Unreadable(ErrorCode::InvalidRequest, text).into());
    }
    let mut encoder = Serializer::new(String::new());
    encoder.extend_pairs(params.iter().filter(|(name, _)| !CREDENTIALS.contains(name) && !OWN.contains(name)));
    if params.optional("client_id").map_err(malformed)?.is_none() {
        encoder.append_pair("client_id", client.client_id.as_str());
    }
    keep(server, client.client_id, encoder.finish())
}

/// Keeps a request, once everything in it holds that no user could change.
pub(super) fn keep(
    server: &Server,
    client_id: ClientId,
    parameters: String,
) -> FlowResult<PushedAuthorizationResponse> {
    if parameters.len() > MAX_PARAMETERS {
        return Err(Denial::MalformedRequest("the authorization request is too long".to_owned()).into());
    }
    authorize::check_ahead(server, &read(&parameters)?)?;
    let text = SecretKind::PushedRequest.generate()?;
    let digest = server.keys.digest(SecretKind::PushedRequest, &text);
    let (now, lifetime) = (server.clock.now(), server.config.authorization.pushed_request_lifetime);
    let request = PushedRequest {
        client_id,
        parameters,
        created_at: now,
        expires_at: now + lifetime,
        opened_at: None,
        consumed_at: None,
    };
    server.store.write(move |connection| connection.insert_pushed_request(&digest, &request))?;
    let expires_in = i64::try_from(lifetime.as_secs()).unwrap_or_default();
    Ok(PushedAuthorizationResponse { request_uri: request_uri(&text), expires_in })
}

fn read(parameters: &str) -> Result<Params, Denial> {
    Params::parse_pushed(parameters.as_bytes()).map_err(|error| Denial::MalformedRequest(error.to_string()))
}

/// The parameters that a request stands for: its own, or those that were pushed. Everything beside a `request_uri` but the
/// `client_id` is ignored (RFC 9126 §4 by way of RFC 9101 §5). A `request_uri` that is not good stays on a page of this
/// server: there is no redirect URI that could be trusted.
pub fn resolve(server: &Server, params: &Params) -> FlowResult<Params> {
    match find(server, params)? {
        Some((_, pushed)) => Ok(read(&pushed.parameters)?.joined(params.only(&OWN))),
        None => Ok(params.clone()),
    }
}

/// The pushed request that these parameters refer to, with its digest. Coming with it for the first time gives it the time
/// that people take.
fn find(server: &Server, params: &Params) -> FlowResult<Option<(Vec<u8>, PushedRequest)>> {
    // A repeated request_uri, or one of another form, is for the authorization endpoint to refuse.
    let Some(text) = params.optional("request_uri").ok().flatten().and_then(reference) else { return Ok(None) };
    let client_id = params.required("client_id").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
    if !SecretKind::PushedRequest.is_well_formed(text) {
        return Err(Denial::RequestUriInvalid.into());
    }
    let digest = server.keys.digest(SecretKind::PushedRequest, text);
    let now = server.clock.now();
    let found = server.store.read(|connection| connection.find_pushed_request(&digest))?;
    let found = found.ok_or(Denial::RequestUriInvalid)?;
    found.present(client_id, now)?;
    if found.opened_at.is_none() {
        let opened = digest.clone();
        server.store.write(move |connection| connection.open_pushed_request(&opened, now, now + OPENED_LIFETIME))?;
    }
    Ok(Some((digest, found)))
}

/// Goes as far as [`authorize::advance`] can.
pub fn advance(server: &Server, params: &Params, session_cookie: Option<&str>) -> FlowResult<Step> {
    answer(server, params, |params| authorize::advance(server, params, session_cookie))
}

/// Takes a step with the parameters that a request stands for. A pushed request ends with its answer, code or error, and
/// not before (RFC 9126 §7.3): of several that would answer at the same moment, one does.
pub fn answer(server: &Server, params: &Params, step: impl FnOnce(&Params) -> FlowResult<Step>) -> FlowResult<Step> {
    let Some((digest, pushed)) = find(server, params)? else { return step(params) };
    let step = step(&read(&pushed.parameters)?.joined(params.only(&OWN)))?;
    if let Step::Respond(_) = step {
        let now = server.clock.now();
        if !server.store.write(move |connection| connection.consume_pushed_request(&digest, now))? {
            return Err(Denial::RequestUriInvalid.into());
        }
    }
    Ok(step)
}

/// RFC 9126 §5 and §6: refuses a request that was not pushed, where that is demanded.
pub fn check_required(server: &Server, client: &Client, params: &Params) -> Result<(), Denial> {
    let required = server.config.authorization.require_pushed_authorization_requests
        || client.metadata.require_pushed_authorization_requests;
    if required && !params.are_pushed() { Err(Denial::PushedRequestRequired) } else { Ok(()) }
}
