//! `POST /oauth/device_authorization` (RFC 8628 §3.1).

use actix_web::{HttpRequest, HttpResponse, web};

use crate::flows::limits::Door;
use crate::flows::{Server, device};
use crate::http::edge::Edge;
use crate::http::error::token_error;
use crate::http::oauth::forms::{DeviceAuthorizationForm, OAuthError};
use crate::http::respond;
use crate::protocol::device_authorization::DeviceAuthorizationResponse;

/// Gives a device its codes.
#[utoipa::path(post, path = "/oauth/device_authorization", tag = "oauth",
    request_body(content = DeviceAuthorizationForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = DeviceAuthorizationResponse), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "The client did not authenticate."),
        (status = 429, body = OAuthError, description = "Over a limit."), (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("client" = []), ()))]
pub async fn authorize(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let authorized =
        super::run_for_client((&request, payload), (&server, &edge), Some(Door::Device), |server, form| {
            device::authorize(server, &form.params, form.credentials, &form.source)
        });
    match authorized.await {
        Ok(response) => respond::no_store_json(&response),
        Err(error) => token_error(&server, error),
    }
}
