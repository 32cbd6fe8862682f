//! `POST /oauth/introspect` (RFC 7662).

use actix_web::{HttpRequest, HttpResponse, web};

use crate::flows::{Server, introspect};
use crate::http::edge::Edge;
use crate::http::error::token_error;
use crate::http::oauth::forms::{OAuthError, TokenParameterForm};
use crate::http::respond;
use crate::protocol::introspection::IntrospectionResponse;

/// Answers whether a token is good now.
#[utoipa::path(post, path = "/oauth/introspect", tag = "oauth",
    request_body(content = TokenParameterForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = IntrospectionResponse), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "The client did not authenticate."),
        (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("client" = [])))]
pub async fn introspect(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let introspected = super::run_for_client((&request, payload), (&server, &edge), None, |server, form| {
        introspect::introspect(server, &form.params, form.credentials, &form.source)
    });
    match introspected.await {
        Ok(response) => respond::no_store_json(&response),
        Err(error) => token_error(&server, error),
    }
}
