//! `/metrics`, in the text form of OpenMetrics.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::crypto::derived_keys::digests_are_equal;
use crate::flows::Server;
use crate::http::error::problem;
use crate::http::extract;

/// On the main address: only behind the configured token, and as if it did not exist where there is none.
pub async fn behind_token(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    match (&server.config.metrics.token, server.config.metrics.bind) {
        (Some(_), None) => on_own_address(request, server).await,
        _ => problem(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address"),
    }
}

/// On an address of its own: behind the token where one is configured.
pub async fn on_own_address(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    if let Some(token) = &server.config.metrics.token {
        let presented = extract::bearer(&request).unwrap_or_default();
        if !digests_are_equal(presented.as_bytes(), token.0.as_bytes()) {
            let mut response = problem(StatusCode::UNAUTHORIZED, "invalid_token", "metrics need their bearer token");
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"metrics\""));
            return response;
        }
    }
    match server.metrics.encode() {
        Ok(text) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(text),
        Err(error) => {
            log::error!("metrics cannot be written: {error}");
            problem(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "metrics cannot be written")
        }
    }
}
