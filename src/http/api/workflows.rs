//! `/v1/workflows`

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, WorkflowId};
use crate::domain::page::Page;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::workflows::{self, EnteredSecret, NewWorkflow, ShownWorkflow, WorkflowEdit};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, search_page};
use crate::http::extract;

/// A page of workflows, of one client where it is named.
#[utoipa::path(get, path = "/v1/workflows", tag = "workflows",
    params(("client_id" = Option<String>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query),
    ("q" = Option<String>, Query, description = "Beginnings of words of the name or identifier, all of them"), ("status" = Option<Status>, Query)),
    responses((status = 200, body = Page<ShownWorkflow>), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    let asked = api.query(&["client_id", "cursor", "limit", "q", "status"]).and_then(|query| {
        let client_id = query.optional("client_id").map_err(|error| Denial::MalformedRequest(error.to_string()))?;
        if client_id.is_some_and(|id| !ClientId::is_valid(id)) {
            return Err(Denial::MalformedRequest("client_id cannot be that of a client".to_owned()));
        }
        Ok((client_id.map(str::to_owned), search_page(&query, WorkflowId::is_valid)?))
    });
    match asked {
        Ok((client_id, (filter, page))) => {
            let list = move |server: &Server, caller: &Caller| {
                workflows::list(server, caller, client_id.as_deref(), &filter, &page)
            };
            api.answer(api.run(list).await)
        }
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Make a workflow. The client's secret is entered and not kept.
#[utoipa::path(post, path = "/v1/workflows", tag = "workflows", request_body = NewWorkflow,
    responses((status = 201, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewWorkflow>(&api.request, payload).await {
        Ok(new) => api.created(
            api.run(move |server, caller| workflows::create(server, caller, new))
                .await
                .map(|made| (format!("workflows/{}", made.workflow.id), made)),
        ),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// One workflow.
#[utoipa::path(get, path = "/v1/workflows/{id}", tag = "workflows", params(("id" = String, Path)),
    responses((status = 200, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:read"])))]
pub async fn show(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "workflow") {
        Ok(id) => api.answer(api.run(move |server, caller| workflows::show(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Edit a workflow, within what its client is registered for: members that are left out stay.
#[utoipa::path(patch, path = "/v1/workflows/{id}", tag = "workflows", params(("id" = String, Path)), request_body = WorkflowEdit,
    responses((status = 200, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:write"])))]
pub async fn update(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = extract::name(id, "workflow");
    match (read, extract::json::<WorkflowEdit>(&api.request, payload).await) {
        (Ok(id), Ok(edit)) => {
            api.answer(api.run(move |server, caller| workflows::update(server, caller, &id, edit)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// The client's secret.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizeWorkflow {
    /// A secret of the client that works now. It is not kept.
    #[schema(value_type = String)]
    client_secret: EnteredSecret,
}

/// Enter the client's secret anew, after it was replaced or the workflow was invalidated. Earlier tokens end.
#[utoipa::path(post, path = "/v1/workflows/{id}/authorize", tag = "workflows", params(("id" = String, Path)), request_body = AuthorizeWorkflow,
    responses((status = 200, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:write"])))]
pub async fn authorize(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let read = extract::name(id, "workflow");
    match (read, extract::json::<AuthorizeWorkflow>(&api.request, payload).await) {
        (Ok(id), Ok(body)) => api.answer(
            api.run(move |server, caller| workflows::authorize(server, caller, &id, &body.client_secret)).await,
        ),
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// End the workflow's tokens now; it gives none until the client's secret is entered again.
#[utoipa::path(post, path = "/v1/workflows/{id}/invalidate", tag = "workflows", params(("id" = String, Path)),
    responses((status = 200, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:write"])))]
pub async fn invalidate(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "workflow") {
        Ok(id) => api.answer(api.run(move |server, caller| workflows::invalidate(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

async fn set_status(api: Api, id: web::Path<String>, to: Status) -> HttpResponse {
    match extract::name(id, "workflow") {
        Ok(id) => api.answer(api.run(move |server, caller| workflows::set_status(server, caller, &id, to)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Refuse a workflow for now.
#[utoipa::path(post, path = "/v1/workflows/{id}/disable", tag = "workflows", params(("id" = String, Path)),
    responses((status = 200, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:write"]), ("bearer" = ["credentials:disable"])))]
pub async fn disable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Inactive).await
}

/// Take a disabled workflow back.
#[utoipa::path(post, path = "/v1/workflows/{id}/enable", tag = "workflows", params(("id" = String, Path)),
    responses((status = 200, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:write"])))]
pub async fn enable(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Active).await
}

/// Refuse a workflow for good.
#[utoipa::path(post, path = "/v1/workflows/{id}/revoke", tag = "workflows", params(("id" = String, Path)),
    responses((status = 200, body = ShownWorkflow), (status = "4XX", body = Problem)), security(("bearer" = ["client-workflows:write"])))]
pub async fn revoke(api: Api, id: web::Path<String>) -> HttpResponse {
    set_status(api, id, Status::Revoked).await
}
