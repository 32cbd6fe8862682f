//! `GET /.well-known/oauth-protected-resource` (RFC 9728 §3): the admin API. From memory: no hop, no query.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::crypto::etag::etag;
use crate::flows::error::Failure;
use crate::flows::{Server, discovery};
use crate::http::error::api_error;
use crate::http::respond;

/// The metadata of the admin API.
pub async fn show(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    match serde_json::to_string(&discovery::admin_api_metadata(&server)) {
        Ok(body) => {
            let max_age = server.config.signing_keys.jwks_max_age.as_secs();
            respond::document(&request, &body, &etag(body.as_bytes()), max_age)
        }
        Err(error) => api_error(&server, Failure::Internal(error.to_string()).into()),
    }
}
