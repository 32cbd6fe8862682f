//! `/oauth/register`: dynamic client registration (RFC 7591 §3) and its management (RFC 7592 §2).

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};

use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::limits::Door;
use crate::flows::{Server, registration};
use crate::http::edge::Edge;
use crate::http::error::registration_error;
use crate::http::oauth::forms::{ClientInformation, ClientRegistrationRequest, OAuthError};
use crate::http::run::run_waiting;
use crate::http::{extract, limits, respond};

/// What every handler here is given.
struct Asked {
    server: web::Data<Server>,
    edge: web::Data<Edge>,
    request: HttpRequest,
    bearer: Option<String>,
}

impl Asked {
    /// Counts the request against the limit of its address.
    async fn admit(
        request: HttpRequest,
        server: web::Data<Server>,
        edge: web::Data<Edge>,
    ) -> Result<Self, HttpResponse> {
        match limits::check(&request, &server, &edge, Door::Registration).await {
            Ok(()) => Ok(Self { bearer: extract::bearer(&request), server, edge, request }),
            Err(error) => Err(registration_error(&server, error)),
        }
    }

    /// The metadata of the body.
    async fn metadata(&self, payload: web::Payload) -> Result<Map<String, Value>, HttpResponse> {
        extract::json::<Map<String, Value>>(&self.request, payload).await.map_err(|denial| {
            // RFC 7591 §3.2.2 has one word for a body that is not what it must be.
            let denial = match denial {
                Denial::MalformedRequest(text) => registration::invalid_metadata(text),
                other => other,
            };
            registration_error(&self.server, denial.into())
        })
    }

    fn answer(&self, status: StatusCode, result: FlowResult<Map<String, Value>>) -> HttpResponse {
        match result {
            Ok(body) => {
                let mut response = respond::no_store_json(&body);
                *response.status_mut() = status;
                response
            }
            Err(error) => registration_error(&self.server, error),
        }
    }
}

/// Register a client, where the server lets clients register themselves.
#[utoipa::path(post, path = "/oauth/register", tag = "oauth", request_body = ClientRegistrationRequest,
    responses((status = 201, body = ClientInformation), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "An initial access token is needed, and none that is good was sent."),
        (status = 403, body = OAuthError, description = "Clients cannot register themselves here."), (status = 429, body = OAuthError, description = "Over a limit."), (status = 503, body = OAuthError, description = "Try again after Retry-After seconds.")), security(("bearer" = []), ()))]
pub async fn register(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let asked = match Asked::admit(request, server, edge).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let said = match asked.metadata(payload).await {
        Ok(said) => said,
        Err(response) => return response,
    };
    let (bearer, source) = (asked.bearer.clone(), extract::source(&asked.request, &asked.edge));
    let register = move |server: &Server| registration::register(server, bearer.as_deref(), said, source);
    asked.answer(StatusCode::CREATED, run_waiting(&asked.server, register).await)
}

/// The registration as it stands, for who has its registration access token.
#[utoipa::path(get, path = "/oauth/register/{client_id}", tag = "oauth", params(("client_id" = String, Path)),
    responses((status = 200, body = ClientInformation), (status = 401, body = OAuthError, description = "Not the token of this registration.")), security(("bearer" = [])))]
pub async fn show(
    request: HttpRequest,
    client_id: web::Path<String>,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    match (Asked::admit(request, server, edge).await, extract::name(client_id, "client")) {
        (Ok(asked), Ok(id)) => {
            let bearer = asked.bearer.clone();
            let read = move |server: &Server| registration::read(server, &id, bearer.as_deref());
            asked.answer(StatusCode::OK, run_waiting(&asked.server, read).await)
        }
        (Ok(asked), Err(_)) => registration_error(&asked.server, Denial::BearerInvalid.into()),
        (Err(response), _) => response,
    }
}

/// Replace the registration: what is left out takes its default.
#[utoipa::path(put, path = "/oauth/register/{client_id}", tag = "oauth", params(("client_id" = String, Path)), request_body = ClientRegistrationRequest,
    responses((status = 200, body = ClientInformation), (status = 400, body = OAuthError), (status = 401, body = OAuthError, description = "Not the token of this registration.")), security(("bearer" = [])))]
pub async fn update(
    request: HttpRequest,
    client_id: web::Path<String>,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    let asked = match Asked::admit(request, server, edge).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let Ok(id) = extract::name(client_id, "client") else {
        return registration_error(&asked.server, Denial::BearerInvalid.into());
    };
    let said = match asked.metadata(payload).await {
        Ok(said) => said,
        Err(response) => return response,
    };
    let (bearer, source) = (asked.bearer.clone(), extract::source(&asked.request, &asked.edge));
    let update = move |server: &Server| registration::update(server, &id, bearer.as_deref(), said, source);
    asked.answer(StatusCode::OK, run_waiting(&asked.server, update).await)
}

/// End the registration: the client is revoked.
#[utoipa::path(delete, path = "/oauth/register/{client_id}", tag = "oauth", params(("client_id" = String, Path)),
    responses((status = 204, description = "It is revoked, and everything issued to it."), (status = 401, body = OAuthError, description = "Not the token of this registration.")), security(("bearer" = [])))]
pub async fn delete(
    request: HttpRequest,
    client_id: web::Path<String>,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    match (Asked::admit(request, server, edge).await, extract::name(client_id, "client")) {
        (Ok(asked), Ok(id)) => {
            let (bearer, source) = (asked.bearer.clone(), extract::source(&asked.request, &asked.edge));
            let end = move |server: &Server| registration::deregister(server, &id, bearer.as_deref(), source);
            match run_waiting(&asked.server, end).await {
                Ok(()) => HttpResponse::NoContent().insert_header((CACHE_CONTROL, "no-store")).finish(),
                Err(error) => registration_error(&asked.server, error),
            }
        }
        (Ok(asked), Err(_)) => registration_error(&asked.server, Denial::BearerInvalid.into()),
        (Err(response), _) => response,
    }
}
