//! `POST /oauth/introspect` (RFC 7662).

use actix_web::{HttpRequest, HttpResponse, web};

use crate::flows::{Server, introspect};
use crate::http::edge::Edge;
use crate::http::error::token_error;
use crate::http::run::run;
use crate::http::{extract, respond};

/// Answers whether a token is good now.
pub async fn introspect(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let params = match extract::form(&request, payload).await {
        Ok(params) => params,
        Err(denial) => return token_error(&server, denial.into()),
    };
    let credentials = extract::credentials(&request, &params);
    let source = extract::source(&request, &edge);
    match run(&server, move |server| introspect::introspect(server, &params, credentials, &source)).await {
        Ok(response) => respond::no_store_json(&response),
        Err(error) => token_error(&server, error),
    }
}
