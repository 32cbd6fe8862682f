//! Reading requests: forms, JSON, credentials, source. Everything is bounded and strict.

use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN, USER_AGENT};
use actix_web::rt::time::timeout;
use actix_web::{HttpMessage as _, HttpRequest, web};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::domain::audit_event::Source;
use crate::domain::denial::Denial;
use crate::flows::client_auth;
use crate::flows::resource_server::Authorization;
use crate::flows::verdict::Presented;
use crate::http::edge::Edge;
use crate::http::json;
use crate::protocol::bearer::bearer_token;
use crate::protocol::credentials::{CredentialsError, PresentedCredentials, Proof};
use crate::protocol::params::Params;

/// Largest body read, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// Longest wait for a body: a slow client must not hold a connection for good.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest `User-Agent` kept, in characters.
const MAX_USER_AGENT: usize = 200;

/// The identifier of a request, made when it is first needed.
#[derive(Clone)]
pub struct RequestId(pub String);

async fn body(payload: web::Payload) -> Result<web::Bytes, Denial> {
    match timeout(BODY_TIMEOUT, payload.to_bytes_limited(MAX_BODY)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(Denial::MalformedRequest("the body could not be read".to_owned())),
        Ok(Err(_)) => Err(Denial::BodyTooLarge),
        Err(_) => Err(Denial::MalformedRequest("the body did not come in time".to_owned())),
    }
}

fn has_content_type(request: &HttpRequest, wanted: &str) -> bool {
    let mut values = request.headers().get_all(CONTENT_TYPE);
    let only = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let essence = only.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// The parameters of a form body (RFC 6749 appendix B).
pub async fn form(request: &HttpRequest, payload: web::Payload) -> Result<Params, Denial> {
    if !has_content_type(request, "application/x-www-form-urlencoded") {
        return Err(Denial::ContentType("application/x-www-form-urlencoded"));
    }
    Params::parse(&body(payload).await?).map_err(|error| Denial::MalformedRequest(error.to_string()))
}

/// The parameters of the query.
pub fn query(request: &HttpRequest) -> Result<Params, Denial> {
    Params::parse(request.query_string().as_bytes()).map_err(|error| Denial::MalformedRequest(error.to_string()))
}

/// A JSON body.
pub async fn json<T: DeserializeOwned>(request: &HttpRequest, payload: web::Payload) -> Result<T, Denial> {
    if !has_content_type(request, "application/json") {
        return Err(Denial::ContentType("application/json"));
    }
    json::read(&body(payload).await?)
}

/// A segment of the path that names a thing: nothing of ours is named with control characters.
pub fn name(segment: web::Path<String>, what: &'static str) -> Result<String, Denial> {
    let name = segment.into_inner();
    if name.chars().any(char::is_control) { Err(Denial::NotFound(what)) } else { Ok(name) }
}

/// The client credentials of the request (RFC 6749 §2.3). Two Authorization headers are two methods.
pub fn credentials(request: &HttpRequest, params: &Params) -> Result<PresentedCredentials, CredentialsError> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().map(actix_web::http::header::HeaderValue::as_bytes);
    if headers.next().is_some() {
        return Err(CredentialsError::MoreThanOneMethod);
    }
    PresentedCredentials::read(header, params)
}

/// The bearer token of the request (RFC 6750 §2.1); only ever from the header.
pub fn bearer(request: &HttpRequest) -> Option<String> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().filter(|_| headers.next().is_none())?.to_str().ok()?;
    bearer_token(header).map(str::to_owned)
}

/// The `Origin` of the request, as it came. One that is repeated or no text is the origin of no page: it is empty then.
pub fn origin(request: &HttpRequest) -> Option<String> {
    let mut values = request.headers().get_all(ORIGIN);
    let first = values.next()?;
    let only = first.to_str().ok().filter(|_| values.next().is_none());
    Some(only.unwrap_or_default().to_owned())
}

/// The credential in an `Authorization` header: Bearer, or Basic with a client's identifier and secret.
pub fn presented_in_header(header: &str) -> Option<Presented> {
    if let Some(token) = bearer_token(header) {
        return Some(Presented::Bearer(Zeroizing::new(token.to_owned())));
    }
    let read = PresentedCredentials::read(Some(header.as_bytes()), &Params::default()).ok()?;
    match read.proof {
        Proof::Secret(secret) => Some(Presented::Client(read.client_id, secret)),
        Proof::Nothing | Proof::Assertion(_) => None,
    }
}

/// The bearer token of a request to the admin API, which must bring no other credential: where two are sent, it cannot be told
/// which of them is meant to count.
pub fn only_bearer(request: &HttpRequest) -> Result<Option<String>, Denial> {
    if is_more_than_one(request) {
        Err(client_auth::unusable(CredentialsError::MoreThanOneMethod))
    } else {
        Ok(bearer(request))
    }
}

/// Does the request bring a credential in `Authorization` and another one in the headers that proxies ask about?
fn is_more_than_one(request: &HttpRequest) -> bool {
    let has = |name: &str| request.headers().get_all(name).any(|value| !value.is_empty());
    has("authorization") && ["x-api-key", "x-client-id", "x-client-secret"].into_iter().any(has)
}

/// How a resource server authenticates; only ever by the header. Two of them are two methods.
pub fn authorization(request: &HttpRequest) -> Authorization {
    if is_more_than_one(request) {
        return Authorization::Client(Err(CredentialsError::MoreThanOneMethod));
    }
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let first = headers.next().map(actix_web::http::header::HeaderValue::as_bytes);
    let is_basic =
        first.and_then(|header| header.get(..6)).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "));
    if is_basic || headers.next().is_some() {
        Authorization::Client(credentials(request, &Params::default()))
    } else {
        Authorization::Bearer(bearer(request))
    }
}

/// Where the request came from.
pub fn source(request: &HttpRequest, edge: &Edge) -> Source {
    let id = random::opaque_id().unwrap_or_default();
    request.extensions_mut().insert(RequestId(id.clone()));
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    Source {
        address: edge.client_address(request),
        hiding_proxy: edge.hiding_proxy(request),
        user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
        request_id: Some(id),
    }
}
