//! `GET /.well-known/jwks.json` (RFC 7517 §5). From memory: no hop, no query.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::flows::Server;
use crate::http::respond;

/// The published keys.
pub async fn show(request: HttpRequest, server: web::Data<Server>) -> HttpResponse {
    let jwks = server.keyring().jwks(server.clock.now());
    respond::document(&request, &jwks.body, &jwks.etag, server.config.signing_keys.jwks_max_age.as_secs())
}
