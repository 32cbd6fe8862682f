//! The only place that knows status codes. Four renderings of what was refused or failed: token JSON (RFC 6749 §5.2),
//! problem with bearer challenge (RFC 9457, RFC 6750 §3), page; the redirect (§4.1.2.1) is a normal answer of the flow.
//! Logged once, here.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use crate::domain::denial::Denial;
use crate::flows::error::{Failure, FlowError};
use crate::flows::{Server, discovery};
use crate::http::rate_headers;
use crate::protocol::error_code::{ErrorCode, error_description};

/// Seconds after which a failed request may be worth another try.
const RETRY_SECONDS: u64 = 2;

/// RFC 7617 §2: the challenge to a client.
const BASIC_CHALLENGE: &str = "Basic realm=\"grantor\", charset=\"UTF-8\"";

/// RFC 6750 §3: the challenge to a bearer.
const BEARER_CHALLENGE: &str = "Bearer realm=\"grantor\"";

/// Logs what went wrong and counts it: a failure with its cause for the operator, a refusal for whoever debugs a client.
fn record(server: &Server, error: &FlowError) {
    match error {
        FlowError::Failed(failure) => {
            server.metrics.failed();
            match failure {
                // One client's doing, and no fault of this server.
                Failure::KeysBusy(_) => log::warn!("request failed: {failure}"),
                _ => log::error!("request failed: {failure}"),
            }
        }
        FlowError::Denied(denial) => {
            server.metrics.denied(denial.code().as_str());
            log::debug!("request refused: {}: {}", denial.code().as_str(), denial.public_text());
        }
    }
}

/// The status of a refusal where no endpoint's RFC says otherwise.
fn status(denial: &Denial) -> StatusCode {
    match denial {
        Denial::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Denial::LoginThrottled(_)
        | Denial::TooManyRequests(_)
        | Denial::ClientRateExceeded(_)
        | Denial::TooManySecretsEntered(_)
        | Denial::RateLimitExceeded(_) => StatusCode::TOO_MANY_REQUESTS,
        Denial::NotFound(_) => StatusCode::NOT_FOUND,
        Denial::Conflict(_) | Denial::FormSentBefore => StatusCode::CONFLICT,
        Denial::BearerMissing | Denial::BearerInvalid | Denial::AccessKeyRefused(_) | Denial::CallerUnauthenticated => {
            StatusCode::UNAUTHORIZED
        }
        Denial::BearerScopeMissing(_)
        | Denial::PrivilegeEscalation(_)
        | Denial::CsrfMismatch
        | Denial::AddressNotAllowed
        | Denial::CallerNotAllowed
        | Denial::LoginFailed
        | Denial::PasswordNeeded
        | Denial::PasswordWrong
        | Denial::IntrospectionNotAllowed => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Says when to come back, and where the credential stands if that is why.
fn set_rate_headers(server: &Server, response: &mut HttpResponse, denial: &Denial) {
    let windows = match denial {
        Denial::RateLimitExceeded(exceeded) => exceeded.windows.as_slice(),
        _ => &[],
    };
    rate_headers::set(response.headers_mut(), windows, denial_retry_after(denial), server.clock.now());
}

/// Seconds after which the same request may be allowed.
fn denial_retry_after(denial: &Denial) -> Option<u64> {
    match denial {
        Denial::LoginThrottled(seconds)
        | Denial::TooManyRequests(seconds)
        | Denial::ClientRateExceeded(seconds)
        | Denial::TooManySecretsEntered(seconds) => Some(*seconds),
        Denial::RateLimitExceeded(exceeded) => Some(exceeded.retry_after),
        _ => None,
    }
}

/// A failure never says what is inside.
const fn failure_text(failure: &Failure) -> &'static str {
    match failure {
        Failure::Store(_) => "the server cannot reach its database: try again shortly",
        Failure::Busy(_) | Failure::KeysBusy(_) => "the server is busy: try again shortly",
        Failure::Internal(_) => "the server could not finish this request: try again shortly",
    }
}

#[derive(Serialize)]
struct TokenError {
    error: &'static str,
    error_description: String,
}

/// RFC 6749 §5.2, also for introspection (RFC 7662 §2.3) and revocation (RFC 7009 §2.2.1).
pub fn token_error(server: &Server, error: FlowError) -> HttpResponse {
    record(server, &error);
    match error {
        FlowError::Denied(denial) => {
            let mut response = match denial.code() {
                ErrorCode::InvalidClient => {
                    let mut response = HttpResponse::Unauthorized();
                    // RFC 6749 §5.2: must name the scheme to a client that used the header; harmless to the others.
                    response.insert_header((WWW_AUTHENTICATE, BASIC_CHALLENGE));
                    response
                }
                ErrorCode::InvalidGrant => HttpResponse::BadRequest(),
                _ => HttpResponse::build(status(&denial)),
            };
            let body = TokenError {
                error: denial.code().as_str(),
                error_description: error_description(&denial.public_text()),
            };
            let mut response = response.insert_header((CACHE_CONTROL, "no-store")).json(body);
            set_rate_headers(server, &mut response, &denial);
            response
        }
        FlowError::Failed(failure) => {
            let error = ErrorCode::TemporarilyUnavailable.as_str();
            let body = TokenError { error, error_description: failure_text(&failure).to_owned() };
            HttpResponse::ServiceUnavailable()
                .insert_header((RETRY_AFTER, RETRY_SECONDS))
                .insert_header((CACHE_CONTROL, "no-store"))
                .json(body)
        }
    }
}

/// RFC 6750 §3 with the JSON of RFC 6749 §5.2: what the libraries of OpenID Connect clients read.
pub fn bearer_error(server: &Server, error: FlowError) -> HttpResponse {
    let challenge = match &error {
        FlowError::Denied(denial) if denial.code() == ErrorCode::InvalidRequest && *denial != Denial::BearerMissing => {
            vec![format!("{BEARER_CHALLENGE}, error=\"invalid_request\"")]
        }
        FlowError::Denied(denial) => challenges(BEARER_CHALLENGE, denial),
        FlowError::Failed(_) => Vec::new(),
    };
    let mut response = token_error(server, error);
    for challenge in challenge.iter().filter_map(|text| text.parse().ok()) {
        response.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// RFC 7591 §3.2.2 and RFC 7592 §2: as at the token endpoint, but who brings no good token is challenged as a bearer.
pub fn registration_error(server: &Server, error: FlowError) -> HttpResponse {
    let (status, challenge) = match &error {
        FlowError::Denied(denial @ (Denial::BearerMissing | Denial::BearerInvalid)) => {
            (Some(StatusCode::UNAUTHORIZED), challenges(BEARER_CHALLENGE, denial))
        }
        FlowError::Denied(denial) if denial.code() == ErrorCode::AccessDenied => {
            (Some(StatusCode::FORBIDDEN), Vec::new())
        }
        _ => (None, Vec::new()),
    };
    let mut response = token_error(server, error);
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    for challenge in challenge.iter().filter_map(|text| text.parse().ok()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// RFC 9457, with the challenge of RFC 6750 §3 where a bearer token was missing, bad, or too small.
pub fn api_error(server: &Server, error: FlowError) -> HttpResponse {
    record(server, &error);
    match error {
        FlowError::Denied(denial) => {
            let status = match denial {
                Denial::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ref other if other.code() == ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
                ref other => status(other),
            };
            let mut response = problem(status, api_code(&denial), &denial.public_text());
            if let Some(seconds) = denial_retry_after(&denial) {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            for challenge in challenges(&admin_challenge(server), &denial).iter().filter_map(|text| text.parse().ok()) {
                response.headers_mut().append(WWW_AUTHENTICATE, challenge);
            }
            set_rate_headers(server, &mut response, &denial);
            response
        }
        FlowError::Failed(failure) => {
            let code = ErrorCode::TemporarilyUnavailable.as_str();
            let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, code, failure_text(&failure));
            response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS.into());
            response
        }
    }
}

/// The word to switch on in a problem: the RFC's, but for what OAuth has no word for.
const fn api_code(denial: &Denial) -> &'static str {
    match denial {
        Denial::NotFound(_) => "not_found",
        Denial::Conflict(_) => "conflict",
        Denial::RateLimitExceeded(_) => "rate_limit_exceeded",
        other => other.code().as_str(),
    }
}

/// RFC 9728 §5.1: the challenge of a 401 tells where the admin API is described.
fn admin_challenge(server: &Server) -> String {
    match discovery::admin_api_metadata_url(server) {
        Some(url) => format!("{BEARER_CHALLENGE}, resource_metadata=\"{url}\""),
        None => BEARER_CHALLENGE.to_owned(),
    }
}

/// `bearer` is the challenge to a bearer at this place.
fn challenges(bearer: &str, denial: &Denial) -> Vec<String> {
    match denial {
        // RFC 6750 §3.1: no error code to a request without any authentication information.
        Denial::BearerMissing => vec![bearer.to_owned()],
        Denial::CallerUnauthenticated => vec![BASIC_CHALLENGE.to_owned(), bearer.to_owned()],
        Denial::BearerInvalid | Denial::AccessKeyRefused(_) => {
            vec![format!("{bearer}, error=\"invalid_token\"")]
        }
        Denial::BearerScopeMissing(scope) => {
            vec![format!("{BEARER_CHALLENGE}, error=\"insufficient_scope\", scope=\"{scope}\"")]
        }
        // RFC 9110 §11.6.1: a 401 names a scheme.
        other if other.code() == ErrorCode::InvalidClient => vec![BASIC_CHALLENGE.to_owned()],
        _ => Vec::new(),
    }
}

/// A problem document (RFC 9457 §3). `code` is our extension: the word to switch on.
pub fn problem(status: StatusCode, code: &str, detail: &str) -> HttpResponse {
    let title = status.canonical_reason().unwrap_or("Error");
    let body =
        json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail });
    HttpResponse::build(status)
        .content_type("application/problem+json")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body.to_string())
}

/// What a page says of an error.
pub struct PageError {
    /// The status.
    pub status: StatusCode,
    /// A sentence.
    pub text: String,
    /// Seconds after which another try is worth it.
    pub retry_after: Option<u64>,
}

/// What a page says of this error.
pub fn page_error(server: &web::Data<Server>, error: &FlowError) -> PageError {
    record(server, error);
    match error {
        FlowError::Denied(denial) => {
            PageError { status: status(denial), text: denial.public_text(), retry_after: denial_retry_after(denial) }
        }
        FlowError::Failed(failure) => PageError {
            status: StatusCode::SERVICE_UNAVAILABLE,
            text: failure_text(failure).to_owned(),
            retry_after: Some(RETRY_SECONDS),
        },
    }
}
