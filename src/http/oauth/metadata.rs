//! `GET /.well-known/openid-configuration` (OpenID Connect Discovery §4) and `GET /.well-known/oauth-authorization-server`
//! (RFC 8414 §3): the same document. From memory: no hop, no query.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::crypto::etag::etag;
use crate::flows::error::Failure;
use crate::flows::{Server, discovery};
use crate::http::error::api_error;
use crate::http::respond;

/// The metadata document.
pub async fn show(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    match serde_json::to_string(&discovery::metadata(&server)) {
        Ok(body) => {
            let max_age = server.config.signing_keys.jwks_max_age.as_secs();
            respond::document(&request, &body, &etag(body.as_bytes()), max_age)
        }
        Err(error) => api_error(&server, Failure::Internal(error.to_string()).into()),
    }
}
