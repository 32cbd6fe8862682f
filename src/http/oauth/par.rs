//! `POST /oauth/par` (RFC 9126 §2).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::flows::limits::Door;
use crate::flows::{Server, pushed_requests};
use crate::http::edge::Edge;
use crate::http::error::token_error;
use crate::http::oauth::forms::{OAuthError, PushedAuthorizationForm};
use crate::http::respond;
use crate::protocol::pushed_request::PushedAuthorizationResponse;

/// Takes an authorization request ahead of the browser.
#[utoipa::path(post, path = "/oauth/par", tag = "oauth",
    request_body(content = PushedAuthorizationForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = PushedAuthorizationResponse), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "The client did not authenticate."),
        (status = 429, body = OAuthError, description = "Over a limit."), (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("client" = []), ()))]
pub async fn push(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let pushed = super::run_for_client((&request, payload), (&server, &edge), Some(Door::Token), |server, form| {
        pushed_requests::push(server, &form.params, form.credentials, &form.source)
    });
    match pushed.await {
        Ok(response) => {
            let mut answer = respond::no_store_json(&response);
            *answer.status_mut() = StatusCode::CREATED;
            answer
        }
        Err(error) => token_error(&server, error),
    }
}
