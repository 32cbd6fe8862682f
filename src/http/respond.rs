//! Answers that several endpoints share: JSON that must not be stored, documents with a validator, the answer to a client.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, LOCATION, PRAGMA, REFERRER_POLICY, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::http::pages;
use crate::protocol::authorization_response::AuthorizationResponse;
use crate::protocol::response_mode::ResponseMode;

/// RFC 6749 §5.1: token answers must not be stored.
pub fn no_store_json(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache")).json(body)
}

/// A public JSON document that may be cached, or 304 when the reader has it.
pub fn document(request: &HttpRequest, body: &str, etag: &str, max_age: u64) -> HttpResponse {
    let mut response = if has(request.headers(), etag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, format!("public, max-age={max_age}")))
        .insert_header((ETAG, etag))
        .insert_header((VARY, "Origin"));
    if has(request.headers(), etag) { response.finish() } else { response.body(body.to_owned()) }
}

/// RFC 9110 §13.1.2: weak comparison against each listed tag.
fn has(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim())
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Sends an authorization response on its way. RFC 9700 §4.12: 303, so that no browser posts credentials onwards.
pub fn authorization(response: &AuthorizationResponse) -> HttpResponse {
    match response.channel.mode {
        ResponseMode::Query => match response.location() {
            Some(location) => see_other(&location),
            None => pages::failed(),
        },
        ResponseMode::FormPost => pages::form_post(response),
    }
}

/// 303 to an address.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}
