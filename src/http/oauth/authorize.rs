//! `GET|POST /oauth/authorize` (RFC 6749 §3.1).

use actix_web::{HttpRequest, HttpResponse, web};
use url::form_urlencoded::Serializer;

use crate::domain::denial::Denial;
use crate::flows::authorize::Step;
use crate::flows::{Server, pushed_requests};
use crate::http::edge::Edge;
use crate::http::run::run;
use crate::http::{cookies, extract, pages, respond};

/// Longest request repeated by GET, in bytes: what fits into an address that browsers and this server take.
pub const MAX_QUERY: usize = 60_000;

/// Goes as far as it can for this browser.
pub async fn show(request: HttpRequest, server: web::Data<Server>, edge: web::Data<Edge>) -> HttpResponse {
    let params = match extract::query(&request) {
        Ok(params) => params,
        Err(denial) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let session = cookies::session(&request, &edge);
    match run(&server, move |server| pushed_requests::advance(server, &params, session.as_deref())).await {
        Ok(step) => go(&request, &edge, &step),
        Err(error) => pages::error(&request, &server, &edge, &error),
    }
}

/// Where a step leads: the pages carry the authorization request in their own query.
pub fn go(request: &HttpRequest, edge: &Edge, step: &Step) -> HttpResponse {
    let page = |name: &str| respond::see_other(&format!("{}/{name}?{}", edge.base_path, request.query_string()));
    match step {
        Step::Respond(response) => respond::authorization(response),
        Step::Login => page("login"),
        Step::Consent(_) => page("consent"),
    }
}

/// RFC 6749 §3.1: POST may be supported. A cross-site POST carries no `SameSite` cookie, so the request is repeated by GET.
pub async fn repeat(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let joined = match (extract::form(&request, payload).await, extract::query(&request)) {
        (Ok(body), Ok(query)) => query.joined(body),
        (Err(denial), _) | (_, Err(denial)) => return pages::error(&request, &server, &edge, &denial.into()),
    };
    let query = Serializer::new(String::new()).extend_pairs(joined.iter()).finish();
    if query.len() > MAX_QUERY {
        let denial = Denial::MalformedRequest("the authorization request is too long".to_owned());
        return pages::error(&request, &server, &edge, &denial.into());
    }
    respond::see_other(&format!("{}/oauth/authorize?{query}", edge.base_path))
}
