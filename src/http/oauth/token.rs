//! `POST /oauth/token` (RFC 6749 §3.2).

use actix_web::{HttpRequest, HttpResponse, web};

use crate::flows::limits::Door;
use crate::flows::{Server, token};
use crate::http::edge::Edge;
use crate::http::error::token_error;
use crate::http::oauth::forms::{OAuthError, TokenForm};
use crate::http::{extract, respond};
use crate::protocol::token_response::TokenResponse;

/// Exchanges a grant for tokens.
#[utoipa::path(post, path = "/oauth/token", tag = "oauth",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenResponse), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "The client did not authenticate."),
        (status = 429, body = OAuthError, description = "Over a limit."), (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("client" = []), ()))]
pub async fn exchange(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let origin = extract::origin(&request);
    let exchanged =
        super::run_for_client((&request, payload), (&server, &edge), Some(Door::Token), move |server, form| {
            token::exchange(server, &form.params, form.credentials, form.source, origin.as_deref())
        });
    match exchanged.await {
        Ok(response) => respond::no_store_json(&response),
        Err(error) => token_error(&server, error),
    }
}
