//! The admin API under `/v1`: JSON, cursor pages, problem answers (RFC 9457), this server's own access tokens.

mod access_keys;
mod alerts;
mod audit_checkpoints;
mod audit_events;
mod audit_verifications;
mod clients;
mod configured;
mod explain;
mod logout_deliveries;
pub(super) mod openapi;
mod overview;
mod projects;
mod registration_tokens;
mod revoked_tokens;
mod scopes;
mod service_accounts;
mod sessions;
mod signing_keys;
mod usage;
mod user_grants;
mod users;
mod verify;
mod workflows;

pub(super) use audit_events::{filter as audit_filter, stream as stream_audit_export};
pub(super) use explain::hypothetical;
pub use openapi::document as openapi_document;

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, Scope, web};
use serde::Serialize;

use crate::domain::audit_event::Source;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::page::PageRequest;
use crate::domain::refusal::RefusingDoor;
use crate::domain::search::{ListFilter, SearchText};
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::refusals::{self, Whom};
use crate::flows::{Server, bearer};
use crate::http::edge::{self, Edge};
use crate::http::error::api_error;
use crate::http::extract;
use crate::http::rate_headers::Standing;
use crate::http::respond::no_store_json;
use crate::http::run::run_waiting;
use crate::protocol::params::Params;

/// The routes of the admin API.
pub fn scope() -> Scope {
    web::scope("/v1")
        .configure(access_keys_and_owners)
        .service(web::resource("/openapi.json").route(web::get().to(openapi::show)))
        .service(web::resource("/clients").route(web::get().to(clients::list)).route(web::post().to(clients::create)))
        .service(
            web::resource("/clients/{client_id}")
                .route(web::get().to(clients::show))
                .route(web::patch().to(clients::update))
                .route(web::delete().to(clients::delete)),
        )
        .service(web::resource("/clients/{client_id}/rotate-secret").route(web::post().to(clients::rotate_secret)))
        .service(web::resource("/clients/{client_id}/secrets").route(web::get().to(clients::secrets)))
        .service(web::resource("/clients/{client_id}/finish-rotation").route(web::post().to(clients::finish_rotation)))
        .service(web::resource("/clients/{client_id}/disable").route(web::post().to(clients::disable)))
        .service(web::resource("/clients/{client_id}/enable").route(web::post().to(clients::enable)))
        .service(web::resource("/clients/{client_id}/revoke").route(web::post().to(clients::revoke)))
        .configure(registration)
        .service(web::resource("/users").route(web::get().to(users::list)).route(web::post().to(users::create)))
        .service(web::resource("/users/{id}").route(web::get().to(users::show)).route(web::patch().to(users::update)))
        .service(web::resource("/users/{id}/set-password").route(web::post().to(users::set_password)))
        .service(web::resource("/users/{id}/disable").route(web::post().to(users::disable)))
        .service(web::resource("/users/{id}/enable").route(web::post().to(users::enable)))
        .configure(login_sessions)
        .service(web::resource("/scopes").route(web::get().to(scopes::list)).route(web::post().to(scopes::create)))
        .service(
            web::resource("/scopes/{name}")
                .route(web::get().to(scopes::show))
                .route(web::put().to(scopes::update))
                .route(web::delete().to(scopes::delete)),
        )
        .service(web::resource("/signing-keys").route(web::get().to(signing_keys::list)))
        .service(web::resource("/signing-keys/rotate").route(web::post().to(signing_keys::rotate)))
        .service(web::resource("/logout-deliveries").route(web::get().to(logout_deliveries::list)))
        .service(web::resource("/alerts").route(web::get().to(alerts::list)))
        .service(web::resource("/webhook-deliveries").route(web::get().to(alerts::list_deliveries)))
        .service(web::resource("/webhook-deliveries/{id}/resend").route(web::post().to(alerts::resend)))
        .service(web::resource("/webhooks/{name}/test").route(web::post().to(alerts::test)))
        .service(
            web::resource("/workflows").route(web::get().to(workflows::list)).route(web::post().to(workflows::create)),
        )
        .service(
            web::resource("/workflows/{id}")
                .route(web::get().to(workflows::show))
                .route(web::patch().to(workflows::update)),
        )
        .service(web::resource("/workflows/{id}/authorize").route(web::post().to(workflows::authorize)))
        .service(web::resource("/workflows/{id}/invalidate").route(web::post().to(workflows::invalidate)))
        .service(web::resource("/workflows/{id}/disable").route(web::post().to(workflows::disable)))
        .service(web::resource("/workflows/{id}/enable").route(web::post().to(workflows::enable)))
        .service(web::resource("/workflows/{id}/revoke").route(web::post().to(workflows::revoke)))
        .service(web::resource("/overview").route(web::get().to(overview::show)))
        .configure(audit_log)
        .service(web::resource("/usage").route(web::post().to(usage::report)))
        .service(web::resource("/access-keys/{id}/usage").route(web::get().to(usage::of_access_key)))
        .service(web::resource("/clients/{client_id}/usage").route(web::get().to(usage::of_client)))
        .service(web::resource("/audit-checkpoints").route(web::get().to(audit_checkpoints::list)))
        .service(web::resource("/revoked-tokens").route(web::get().to(revoked_tokens::list)))
        .service(web::resource("/verify").route(web::post().to(verify::verify)))
        .service(web::resource("/verify/batch").route(web::post().to(verify::verify_batch)))
        .default_service(web::to(|| async { edge::not_found() }))
}

/// Where people are signed in, and what acts as them.
fn login_sessions(config: &mut web::ServiceConfig) {
    config
        .configure(grants_of_users)
        .service(web::resource("/sessions").route(web::get().to(sessions::list)))
        .service(
            web::resource("/users/{id}/sessions")
                .route(web::get().to(sessions::list_of_user))
                .route(web::delete().to(sessions::end_all)),
        )
        .service(web::resource("/users/{id}/sessions/{sid}").route(web::delete().to(sessions::end)));
}

/// What acts as a user.
fn grants_of_users(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/users/{id}/connected-clients").route(web::get().to(user_grants::list_apps)))
        .service(
            web::resource("/users/{id}/connected-clients/{client_id}").route(web::delete().to(user_grants::disconnect)),
        )
        .service(web::resource("/users/{id}/personal-tokens").route(web::get().to(user_grants::list_tokens)))
        .service(
            web::resource("/users/{id}/personal-tokens/{token_id}").route(web::delete().to(user_grants::revoke_token)),
        );
}

/// What lets clients register themselves.
fn registration(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/registration-tokens")
                .route(web::get().to(registration_tokens::list))
                .route(web::post().to(registration_tokens::create)),
        )
        .service(web::resource("/registration-tokens/{id}").route(web::delete().to(registration_tokens::revoke)));
}

/// The audit log and its proof, and why requests were refused.
fn audit_log(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/audit-events").route(web::get().to(audit_events::list)))
        .service(web::resource("/explain").route(web::get().to(explain::show)).route(web::post().to(explain::ask)))
        .service(web::resource("/refusals").route(web::get().to(explain::list)))
        .service(web::resource("/audit-events/export").route(web::get().to(audit_events::export)))
        .service(web::resource("/audit-chain").route(web::get().to(audit_verifications::state)))
        .service(
            web::resource("/audit-verifications")
                .route(web::get().to(audit_verifications::list))
                .route(web::post().to(audit_verifications::verify)),
        );
}

/// Access keys, who owns them, and what they are limited to.
fn access_keys_and_owners(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/access-keys")
                .route(web::get().to(access_keys::list))
                .route(web::post().to(access_keys::create)),
        )
        // Before the keys by id. Without CORS: no page of somebody else's reports a key.
        .service(web::resource("/access-keys/report-leak").route(web::post().to(access_keys::report_leak)))
        .service(
            web::resource("/access-keys/{id}")
                .route(web::get().to(access_keys::show))
                .route(web::patch().to(access_keys::update))
                .route(web::delete().to(access_keys::delete)),
        )
        .service(web::resource("/access-keys/{id}/secrets").route(web::get().to(access_keys::secrets)))
        .service(web::resource("/access-keys/{id}/rotate").route(web::post().to(access_keys::rotate)))
        .service(web::resource("/access-keys/{id}/finish-rotation").route(web::post().to(access_keys::finish_rotation)))
        .service(web::resource("/access-keys/{id}/disable").route(web::post().to(access_keys::disable)))
        .service(web::resource("/access-keys/{id}/enable").route(web::post().to(access_keys::enable)))
        .service(web::resource("/access-keys/{id}/revoke").route(web::post().to(access_keys::revoke)))
        .service(
            web::resource("/service-accounts")
                .route(web::get().to(service_accounts::list))
                .route(web::post().to(service_accounts::create)),
        )
        .service(
            web::resource("/service-accounts/{id}")
                .route(web::get().to(service_accounts::show))
                .route(web::patch().to(service_accounts::update)),
        )
        .service(web::resource("/service-accounts/{id}/disable").route(web::post().to(service_accounts::disable)))
        .service(web::resource("/service-accounts/{id}/enable").route(web::post().to(service_accounts::enable)))
        .service(web::resource("/service-accounts/{id}/revoke").route(web::post().to(service_accounts::revoke)))
        .service(
            web::resource("/projects").route(web::get().to(projects::list)).route(web::post().to(projects::create)),
        )
        .service(
            web::resource("/projects/{id}")
                .route(web::get().to(projects::show))
                .route(web::patch().to(projects::update))
                .route(web::delete().to(projects::delete)),
        )
        .service(web::resource("/environments").route(web::get().to(configured::list_environments)))
        .service(web::resource("/plans").route(web::get().to(configured::list_plans)));
}

/// What every handler of the API is given.
#[derive(Clone)]
struct Api {
    server: web::Data<Server>,
    edge: web::Data<Edge>,
    request: HttpRequest,
}

impl actix_web::FromRequest for Api {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let data = (request.app_data::<web::Data<Server>>(), request.app_data::<web::Data<Edge>>());
        std::future::ready(match data {
            (Some(server), Some(edge)) => {
                Ok(Self { server: server.clone(), edge: edge.clone(), request: request.clone() })
            }
            _ => Err(actix_web::error::ErrorServiceUnavailable("the server is not set up")),
        })
    }
}

impl Api {
    /// Authenticates the caller and runs a use case for them, in one hop. Administration may hash passwords and secrets, and
    /// makes keys: it takes the waiting lane.
    async fn run<T: Send + 'static>(
        &self,
        flow: impl FnOnce(&Server, &Caller) -> FlowResult<T> + Send + 'static,
    ) -> FlowResult<T> {
        let source = extract::source(&self.request, &self.edge);
        let token = extract::only_bearer(&self.request);
        let ran = run_waiting(&self.server, move |server| {
            let noted = Source { user_agent: None, ..source.clone() };
            let note = |error: &FlowError, whom| refusals::denied(server, RefusingDoor::AdminApi, error, whom, &noted);
            let token = token.map_err(FlowError::from).inspect_err(|error| note(error, Whom::default()))?;
            let admitted = bearer::admit(server, token.as_deref(), source);
            let (caller, standing) = admitted.inspect_err(|error| note(error, Whom::default()))?;
            let whom = Whom { proven: caller.credential_id(), claimed: caller.actor.id() };
            Ok((standing, flow(server, &caller).inspect_err(|error| note(error, whom))))
        });
        let (standing, result) = ran.await?;
        self.request.extensions_mut().insert(Standing(standing));
        result
    }

    /// The answer to a request that cannot be read: only whoever authenticates is told what is wrong with it.
    async fn unreadable(&self, denial: Denial) -> HttpResponse {
        self.answer::<()>(self.run(move |_, _| Err(denial.into())).await)
    }

    /// The answer with this body, or the problem.
    fn answer<T: Serialize>(&self, result: FlowResult<T>) -> HttpResponse {
        match result {
            Ok(body) => no_store_json(&body),
            Err(error) => api_error(&self.server, error),
        }
    }

    /// The answer for something made: 201 and where it is.
    fn created<T: Serialize>(&self, result: FlowResult<(String, T)>) -> HttpResponse {
        match result {
            Ok((path, body)) => {
                let mut response = no_store_json(&body);
                *response.status_mut() = actix_web::http::StatusCode::CREATED;
                let location = format!("{}/v1/{path}", self.server.config.server.issuer);
                if let Ok(location) = location.parse() {
                    response.headers_mut().insert(actix_web::http::header::LOCATION, location);
                }
                response
            }
            Err(error) => api_error(&self.server, error),
        }
    }

    /// The answer for something removed: 204.
    fn deleted(&self, result: FlowResult<()>) -> HttpResponse {
        match result {
            Ok(()) => HttpResponse::NoContent().finish(),
            Err(error) => api_error(&self.server, error),
        }
    }

    /// The name of what is to be deleted, repeated in the query.
    fn repeated_name(&self) -> Result<String, Denial> {
        let query = self.query(&["name"])?;
        let name = query.required("name").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
        Ok(name.to_owned())
    }

    /// The query, refused where a parameter is not one of those named: a mistyped filter must not list everything.
    fn query(&self, known: &[&str]) -> Result<Params, Denial> {
        let params = extract::query(&self.request)?;
        let unknown = params.iter().map(|(name, _)| name).find(|name| !known.contains(name)).map(str::to_owned);
        match unknown {
            None => Ok(params),
            Some(name) => Err(Denial::MalformedRequest(format!("there is no parameter '{name}' here"))),
        }
    }
}

/// The parameters of a list.
const PAGE: [&str; 2] = ["cursor", "limit"];

/// The parameters of a list that is searched.
const SEARCH_PAGE: [&str; 4] = ["cursor", "limit", "q", "status"];

/// Which page of what is searched for is asked for.
fn search_page(params: &Params, is_key: impl Fn(&str) -> bool) -> Result<(ListFilter, PageRequest), Denial> {
    let status = text(params, "status")?.map(Status::parse);
    if status == Some(None) {
        return Err(Denial::MalformedRequest("status must be active, inactive or revoked".to_owned()));
    }
    let search = text(params, "q")?.and_then(SearchText::parse);
    Ok((ListFilter { search, status: status.flatten() }, page(params, is_key)?))
}

/// A parameter of a list.
fn text<'a>(params: &'a Params, name: &'static str) -> Result<Option<&'a str>, Denial> {
    params.optional(name).map_err(|error| Denial::MalformedRequest(error.to_string()))
}

/// Which page is asked for. A cursor that is no key of the list would give some page, and hide the mistake.
fn page(params: &Params, is_key: impl Fn(&str) -> bool) -> Result<PageRequest, Denial> {
    let malformed = |error: crate::protocol::params::ParamError| Denial::MalformedRequest(error.to_string());
    let after = params.optional("cursor").map_err(malformed)?.map(str::to_owned);
    if after.as_deref().is_some_and(|cursor| !is_key(cursor)) {
        return Err(Denial::MalformedRequest("cursor must be one that this list gave".to_owned()));
    }
    let limit = params.optional("limit").map_err(malformed)?.map(str::parse::<i64>).transpose();
    match limit {
        Ok(limit) if limit.is_none_or(|limit| (1..=PageRequest::MAX_LIMIT).contains(&limit)) => {
            Ok(PageRequest::new(after, limit))
        }
        _ => Err(Denial::MalformedRequest(format!("limit must be 1 to {}", PageRequest::MAX_LIMIT))),
    }
}
