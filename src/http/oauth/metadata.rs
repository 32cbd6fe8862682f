//! `GET /.well-known/oauth-authorization-server` (RFC 8414 §3).

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::to_string;

use crate::crypto::etag::etag;
use crate::flows::error::Failure;
use crate::flows::{Server, discovery};
use crate::http::error::api_error;
use crate::http::respond;
use crate::http::run::run;

/// The metadata document.
pub async fn show(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    let read = run(&server, |server| {
        let metadata = discovery::metadata(server)?;
        Ok(to_string(&metadata).map_err(|error| Failure::Internal(error.to_string()))?)
    });
    match read.await {
        Ok(body) => {
            let max_age = server.config.signing_keys.jwks_max_age.as_secs();
            respond::document(&request, &body, &etag(body.as_bytes()), max_age)
        }
        Err(error) => api_error(&server, error),
    }
}
