//! `POST /oauth/revoke` (RFC 7009).

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::flows::{Server, revoke};
use crate::http::edge::Edge;
use crate::http::error::token_error;
use crate::http::oauth::forms::{OAuthError, TokenParameterForm};

/// Revokes a token. RFC 7009 §2.2: 200, and nothing to read.
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth",
    request_body(content = TokenParameterForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "It is revoked, or was not good before."), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "The client did not authenticate."),
        (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("client" = []), ()))]
pub async fn revoke(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let revoked = super::run_for_client((&request, payload), (&server, &edge), None, |server, form| {
        revoke::revoke(server, &form.params, form.credentials, form.source)
    });
    match revoked.await {
        Ok(()) => HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).finish(),
        Err(error) => token_error(&server, error),
    }
}
