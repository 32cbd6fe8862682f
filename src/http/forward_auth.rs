//! `/v1/forward-auth/...`: proxies ask here for each request whether it may pass. Every identity header is always set,
//! empty when unknown: the proxy overwrites with it whatever a stranger sent under that name.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::audit_event::Source;
use crate::domain::credential::{Credential, Verdict};
use crate::domain::denial::Denial;
use crate::flows::error::FlowError;
use crate::flows::forward_auth::{self, Answered, ProxyQuery, operation_of};
use crate::flows::verdict::{Judged, Presented};
use crate::flows::{Server, refusals};
use crate::http::address::is_trusted;
use crate::http::api::openapi::Problem;
use crate::http::edge::Edge;
use crate::http::error::api_error;
use crate::http::run::{run, run_waiting};
use crate::http::{extract, rate_headers};
use crate::protocol::params::Params;

/// What a proxy understands of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// nginx `auth_request` passes on 2xx, 401 and 403; anything else becomes a 500.
    Nginx,
    /// Traefik, Caddy, HAProxy: whatever is not 2xx goes to the client as it is.
    Forwarded,
    /// Envoy `ext_authz`: the request's own method and path, behind a prefix.
    Envoy,
}

impl Dialect {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "nginx" => Some(Self::Nginx),
            "traefik" | "caddy" | "haproxy" => Some(Self::Forwarded),
            "envoy" => Some(Self::Envoy),
            _ => None,
        }
    }
}

/// Longest body repeated in a header, in bytes: proxies read the head of an answer into a small buffer.
const MAX_BODY_HEADER: usize = 2048;
/// Non-ASCII would be no header value; `%` so that the encoding can be undone.
const VALUE: &AsciiSet = &CONTROLS.add(b'%');

/// An identity header, with what it says.
type IdentityHeader = (&'static str, fn(&Credential) -> String);

/// The identity headers.
const IDENTITY: [IdentityHeader; 11] = [
    ("x-auth-subject", |credential| credential.subject.clone()),
    ("x-auth-credential-id", |credential| credential.id.clone()),
    ("x-auth-credential-type", |credential| credential.kind.as_str().to_owned()),
    ("x-auth-owner-type", |credential| {
        credential.owner.as_ref().map(|owner| owner.kind().to_owned()).unwrap_or_default()
    }),
    ("x-auth-client-id", |credential| credential.client_id.clone().unwrap_or_default()),
    ("x-auth-username", |credential| {
        credential.user.as_ref().and_then(|user| user.username.clone()).unwrap_or_default()
    }),
    ("x-auth-roles", |credential| credential.user.as_ref().map(|user| user.roles.join(" ")).unwrap_or_default()),
    ("x-auth-scopes", |credential| credential.scope.to_string()),
    ("x-auth-environment", |credential| credential.environment.clone()),
    // Never empty of a credential that is known: a header that is lost on the way must not widen what it may do.
    ("x-auth-projects", |credential| match credential.projects.as_slice() {
        [] => "*".to_owned(),
        projects => projects.join(" "),
    }),
    ("x-auth-plan", |credential| credential.plan.clone().unwrap_or_default()),
];

/// Answers a proxy. The path behind the dialect is the original one, for Envoy.
#[utoipa::path(get, path = "/v1/forward-auth/{dialect}", tag = "verification",
    description = "A proxy asks whether a request may pass; any method. The credential is that of the request: Authorization, \
        X-API-Key, or X-Client-ID with X-Client-Secret. Only named proxies may ask. Every X-Auth-... header is always set.",
    params(("dialect", description = "nginx, traefik, caddy, haproxy or envoy"), ("scope" = Option<String>, Query),
        ("audience" = Option<String>, Query), ("env" = Option<String>, Query), ("project" = Option<String>, Query),
        ("operation" = Option<String>, Query), ("cost" = Option<u32>, Query)),
    responses((status = 200, description = "It may pass."), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "Not with this credential; to nginx also what is over a limit."),
        (status = 429, body = Problem, description = "Over a limit.")),
    security((), ("bearer" = [])))]
pub async fn ask(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let (name, tail) = path.into_inner();
    let Some(dialect) = Dialect::parse(&name).filter(|dialect| tail.is_empty() || *dialect == Dialect::Envoy) else {
        return api_error(&server, Denial::NotFound("dialect of forward authentication").into());
    };
    if !may_ask(&request, &server) {
        return api_error(&server, Denial::CallerNotAllowed.into());
    }
    let query = match asked(&request, dialect, &tail).and_then(|params| ProxyQuery::read(&params)) {
        Ok(query) => query,
        Err(denial) => return api_error(&server, denial.into()),
    };
    let presented = match presented(request.headers()) {
        Ok(presented) => presented,
        Err(problem) => {
            let refusal = Refusal::of_request(problem);
            let source = Source { address: edge.client_address(&request), ..Source::default() };
            name_request(&request, refusals::unpresented(&server, refusal.code, &refusal.message, &source));
            return refuse(dialect, &refusal);
        }
    };
    let operation = original_operation(&request, dialect, &tail);
    // The address of a proxy that is not trusted is its own, and that of whoever it serves is not known.
    let trusted = edge.is_behind_trusted(&request);
    let source = Source {
        address: edge.client_address(&request).filter(|_| trusted),
        hiding_proxy: edge.hiding_proxy(&request).filter(|_| trusted),
        ..Source::default()
    };
    // A client's secret may be one that a person chose, which costs a hash.
    let waits = matches!(presented, Presented::Client(..));
    let flow = move |server: &Server| forward_auth::ask(server, &presented, query, &source, &operation);
    let answered = if waits { run_waiting(&server, flow).await } else { run(&server, flow).await };
    match answered {
        Ok(answered) => {
            name_request(&request, answered.judged.request_id.clone());
            answer(&server, dialect, &answered)
        }
        Err(error @ (FlowError::Denied(_) | FlowError::Failed(_))) => api_error(&server, error),
    }
}

/// Gives a refused request the identifier by which its refusal is found again.
fn name_request(request: &HttpRequest, request_id: Option<String>) {
    if let Some(id) = request_id {
        request.extensions_mut().insert(extract::RequestId(id));
    }
}

/// Only named proxies may ask: this door would tell a stranger which of many guesses is a credential.
fn may_ask(request: &HttpRequest, server: &Server) -> bool {
    let config = &server.config;
    request.peer_addr().is_some_and(|peer| {
        is_trusted(peer.ip(), &config.forward_auth.callers) || is_trusted(peer.ip(), &config.server.trusted_proxies)
    })
}

/// What the proxy's configuration asks. Envoy's requests have the path and the query of the original one, which a stranger
/// wrote: there it is a header that Envoy sets itself.
fn asked(request: &HttpRequest, dialect: Dialect, tail: &str) -> Result<Params, Denial> {
    let malformed = |text: &str| Denial::MalformedRequest(text.to_owned());
    if dialect != Dialect::Envoy {
        return extract::query(request);
    }
    // With the requirements in `path_prefix` the original path would become part of them.
    if tail.is_empty() {
        return Err(malformed("path_prefix takes no query: what is required comes in X-Forward-Auth-Query"));
    }
    let mut values = request.headers().get_all("x-forward-auth-query");
    match (values.next(), values.next()) {
        // Without it nothing would be required: a line that is lost from the proxy's configuration must not let all pass.
        (None, _) => Err(malformed("X-Forward-Auth-Query is missing: it says what is required, and may be empty")),
        (Some(value), None) => Params::parse(value.as_bytes()).map_err(|error| malformed(&error.to_string())),
        (Some(_), Some(_)) => Err(malformed("X-Forward-Auth-Query is repeated")),
    }
}

/// What is wrong with what a request presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unusable {
    Missing,
    Malformed,
    MoreThanOne,
}

/// The one credential of a request: `Authorization`, `X-API-Key`, or `X-Client-ID` with `X-Client-Secret`.
fn presented(headers: &HeaderMap) -> Result<Presented, Unusable> {
    let only = |name: &str| {
        let mut values = headers.get_all(name).filter(|value| !value.is_empty());
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| Unusable::Malformed),
            (Some(_), Some(_)) => Err(Unusable::MoreThanOne),
        }
    };
    let (authorization, key) = (only("authorization")?, only("x-api-key")?);
    let (client_id, client_secret) = (only("x-client-id")?, only("x-client-secret")?);
    let secret = |text: &str| Zeroizing::new(text.to_owned());
    match (authorization, key, client_id, client_secret) {
        (None, None, None, None) => Err(Unusable::Missing),
        (Some(header), None, None, None) => extract::presented_in_header(header).ok_or(Unusable::Malformed),
        (None, Some(key), None, None) => Ok(Presented::Bearer(secret(key))),
        (None, None, Some(id), Some(text)) => Ok(Presented::Client(id.to_owned(), secret(text))),
        (None, None, _, _) => Err(Unusable::Malformed),
        _ => Err(Unusable::MoreThanOne),
    }
}

fn original_operation(request: &HttpRequest, dialect: Dialect, tail: &str) -> String {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match dialect {
        Dialect::Nginx => operation_of(header("x-original-method"), header("x-original-uri")),
        Dialect::Forwarded => operation_of(header("x-forwarded-method"), header("x-forwarded-uri")),
        Dialect::Envoy => operation_of(request.method().as_str(), tail),
    }
}

/// A refusal, ready to be said.
struct Refusal<'a> {
    status: StatusCode,
    code: &'static str,
    message: String,
    challenge: Option<String>,
    judged: Option<&'a Judged>,
    scopes: Option<(String, String)>,
}

impl<'a> Refusal<'a> {
    fn of_request(problem: Unusable) -> Self {
        let realm = "Bearer realm=\"grantor\"";
        let (status, code, message, challenge) = match problem {
            // RFC 6750 §3.1: no error code to a request without any authentication information.
            Unusable::Missing => {
                (StatusCode::UNAUTHORIZED, "missing_credential", "a credential is required", realm.to_owned())
            }
            Unusable::Malformed => (
                StatusCode::UNAUTHORIZED,
                "malformed_credential",
                "the credential cannot be read: send Authorization, X-API-Key, or X-Client-ID with X-Client-Secret",
                format!("{realm}, error=\"invalid_token\""),
            ),
            Unusable::MoreThanOne => (
                StatusCode::BAD_REQUEST,
                "more_than_one_credential",
                "send one credential, not several",
                format!("{realm}, error=\"invalid_request\""),
            ),
        };
        Self { status, code, message: message.to_owned(), challenge: Some(challenge), judged: None, scopes: None }
    }

    fn of_verdict(answered: &'a Answered) -> Self {
        let judged = &answered.judged;
        let status = match judged.verdict {
            Verdict::Valid => StatusCode::OK,
            Verdict::Unknown
            | Verdict::WrongEnvironment
            | Verdict::Inactive
            | Verdict::Revoked
            | Verdict::Expired
            // RFC 9068 §4: a token for another audience is an invalid token.
            | Verdict::WrongAudience => StatusCode::UNAUTHORIZED,
            Verdict::AddressNotAllowed | Verdict::InsufficientScope | Verdict::WrongProject => StatusCode::FORBIDDEN,
            Verdict::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
        };
        let lacks = judged.credential.as_ref().filter(|_| judged.verdict == Verdict::InsufficientScope);
        let challenge = match status {
            StatusCode::UNAUTHORIZED => Some("Bearer realm=\"grantor\", error=\"invalid_token\"".to_owned()),
            _ if lacks.is_some() => {
                Some(format!("Bearer realm=\"grantor\", error=\"insufficient_scope\", scope=\"{}\"", answered.scope))
            }
            _ => None,
        };
        let message = judged.public_text();
        let scopes = lacks.map(|credential| (answered.scope.to_string(), credential.scope.to_string()));
        Self { status, code: judged.verdict.as_str(), message, challenge, judged: Some(judged), scopes }
    }
}

/// 200 with the identity, or the refusal.
fn answer(server: &Server, dialect: Dialect, answered: &Answered) -> HttpResponse {
    let judged = &answered.judged;
    let mut response = if judged.verdict == Verdict::Valid {
        let mut response = HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish();
        set_identity(response.headers_mut(), judged.credential.as_ref());
        response
    } else {
        refuse(dialect, &Refusal::of_verdict(answered))
    };
    rate_headers::set(response.headers_mut(), &judged.windows, judged.retry_after(), server.clock.now());
    response
}

fn refuse(dialect: Dialect, refusal: &Refusal<'_>) -> HttpResponse {
    let status = match (dialect, refusal.status) {
        (Dialect::Nginx, StatusCode::TOO_MANY_REQUESTS) => StatusCode::FORBIDDEN,
        (Dialect::Nginx, StatusCode::BAD_REQUEST) => StatusCode::UNAUTHORIZED,
        (_, status) => status,
    };
    let mut error = json!({ "code": refusal.code, "message": refusal.message });
    if let (Some(members), Some((required, held))) = (error.as_object_mut(), &refusal.scopes) {
        members.insert("required_scopes".to_owned(), required.split_whitespace().collect());
        members.insert("scopes".to_owned(), held.split_whitespace().collect());
    }
    let retry_after = refusal.judged.and_then(Judged::retry_after);
    if let (Some(members), Some(seconds)) = (error.as_object_mut(), retry_after) {
        members.insert("retry_after".to_owned(), seconds.into());
    }
    let body = json!({ "error": error }).to_string();
    let mut response = HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(body.clone());
    let headers = response.headers_mut();
    set_identity(headers, None);
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    if let Some(challenge) = &refusal.challenge {
        set(WWW_AUTHENTICATE, challenge);
    }
    set(HeaderName::from_static("x-auth-error"), refusal.code);
    if dialect == Dialect::Nginx {
        // What the status would be and the body, neither of which `auth_request` passes on: its configuration restores
        // them.
        set(HeaderName::from_static("x-auth-status"), refusal.status.as_str());
        if body.len() <= MAX_BODY_HEADER {
            set(HeaderName::from_static("x-auth-error-body"), &body);
        }
    }
    response
}

/// Sets every identity header, empty where there is nothing to say.
fn set_identity(headers: &mut HeaderMap, credential: Option<&Credential>) {
    for (name, value) in IDENTITY {
        let text = credential.map(value).unwrap_or_default();
        let value = HeaderValue::from_str(&utf8_percent_encode(&text, VALUE).to_string());
        headers.insert(HeaderName::from_static(name), value.unwrap_or_else(|_| HeaderValue::from_static("")));
    }
}
