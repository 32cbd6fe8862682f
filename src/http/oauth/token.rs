//! `POST /oauth/token` (RFC 6749 §3.2).

use actix_web::{HttpRequest, HttpResponse, web};

use crate::domain::audit_event::Source;
use crate::flows::error::FlowError;
use crate::flows::limits::Door;
use crate::flows::{Server, refusals, token};
use crate::http::edge::Edge;
use crate::http::error::token_error;
use crate::http::oauth::forms::{OAuthError, TokenForm};
use crate::http::{extract, limits, respond};
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
    let source = extract::source(&request, &edge);
    let noted = Source { user_agent: None, ..source.clone() };
    let mut claimed = None;
    let refuse = |error: FlowError, claimed: Option<String>| {
        refusals::denied_token(&server, &error, claimed.as_deref(), &noted);
        token_error(&server, error)
    };
    if let Err(error) = limits::check(&request, &server, &edge, Door::Token).await {
        return refuse(error, claimed);
    }
    let params = match extract::form(&request, payload).await {
        Ok(params) => params,
        Err(denial) => return refuse(denial.into(), claimed),
    };
    let credentials = extract::credentials(&request, &params);
    if let Ok(presented) = &credentials {
        claimed = Some(presented.client_id.clone());
    }
    // RFC 6749 §4.3 is the one grant that hashes.
    let hashes = matches!(params.optional("grant_type"), Ok(Some("password")));
    let waits = hashes || super::sends_assertion(&params);
    let origin = extract::origin(&request);
    let exchange = move |server: &Server| token::exchange(server, &params, credentials, source, origin.as_deref());
    let answer = super::run_for_client(&server, waits, exchange).await;
    match answer {
        Ok(response) => respond::no_store_json(&response),
        Err(error) => refuse(error, claimed),
    }
}
