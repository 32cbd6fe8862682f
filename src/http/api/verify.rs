//! `/v1/verify`: an API server asks about what a request brought it. Any verdict is a 200; other statuses speak of the
//! caller.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::domain::audit_event::Source;
use crate::domain::refusal::RefusingDoor;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::refusals::{self, Whom};
use crate::flows::resource_server::{Authorization, ResourceServer};
use crate::flows::verify::{self, Verification, VerificationBatch, Verified, VerifiedBatch};
use crate::http::api::openapi::Problem;
use crate::http::edge::Edge;
use crate::http::error::api_error;
use crate::http::extract;
use crate::http::respond::no_store_json;
use crate::http::run::run;

/// The verdict on a credential.
#[utoipa::path(post, path = "/v1/verify", tag = "verification", request_body = Verification,
    responses((status = 200, body = Verified), (status = 429, body = Problem, description = "The caller itself is over its limit."), (status = "4XX", body = Problem)), security(("client" = []), ("bearer" = ["credentials:verify"])))]
pub async fn verify(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    match extract::json::<Verification>(&request, payload).await {
        Ok(asked) => {
            answer(&request, &server, &edge, move |server, caller| verify::verify(server, caller, asked)).await
        }
        Err(denial) => answer::<()>(&request, &server, &edge, move |_, _| Err(denial.into())).await,
    }
}

/// The verdicts on several credentials, in order.
#[utoipa::path(post, path = "/v1/verify/batch", tag = "verification", request_body = VerificationBatch,
    responses((status = 200, body = VerifiedBatch), (status = 429, body = Problem, description = "The caller itself is over its limit."), (status = "4XX", body = Problem)), security(("client" = []), ("bearer" = ["credentials:verify"])))]
pub async fn verify_batch(
    request: HttpRequest,
    payload: web::Payload,
    server: web::Data<Server>,
    edge: web::Data<Edge>,
) -> HttpResponse {
    match extract::json::<VerificationBatch>(&request, payload).await {
        Ok(batch) => {
            answer(&request, &server, &edge, move |server, caller| verify::verify_batch(server, caller, batch)).await
        }
        Err(denial) => answer::<()>(&request, &server, &edge, move |_, _| Err(denial.into())).await,
    }
}

async fn answer<T: Serialize + Send + 'static>(
    request: &HttpRequest,
    server: &web::Data<Server>,
    edge: &Edge,
    flow: impl FnOnce(&Server, &ResourceServer) -> FlowResult<T> + Send + 'static,
) -> HttpResponse {
    let authorization: Authorization = extract::authorization(request);
    let source = extract::source(request, edge);
    let (address, request_id) = (source.address, source.request_id.clone());
    let answered = run(server, move |server| {
        let caller = ResourceServer::authenticate(server, authorization, "credentials:verify", source)?;
        flow(server, &caller)
    });
    match answered.await {
        Ok(body) => no_store_json(&body),
        Err(error) => {
            let source = Source { address, request_id, ..Source::default() };
            refusals::denied(server, RefusingDoor::Verify, &error, Whom::default(), &source);
            api_error(server, error)
        }
    }
}
