//! `/v1/projects`

use actix_web::{HttpResponse, web};

use crate::domain::ids::ProjectId;
use crate::domain::page::Page;
use crate::domain::project::Project;
use crate::flows::projects::{self, NewProject, ProjectEdit};
use crate::http::api::openapi::Problem;
use crate::http::api::{Api, PAGE, page};
use crate::http::extract;

/// A page of projects.
#[utoipa::path(get, path = "/v1/projects", tag = "projects", params(("cursor" = Option<String>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = Page<Project>), (status = "4XX", body = Problem)), security(("bearer" = ["projects:read"])))]
pub async fn list(api: Api) -> HttpResponse {
    match api.query(&PAGE).and_then(|query| page(&query, ProjectId::is_valid)) {
        Ok(page) => api.answer(api.run(move |server, caller| projects::list(server, caller, &page)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Create a project.
#[utoipa::path(post, path = "/v1/projects", tag = "projects", request_body = NewProject,
    responses((status = 201, body = Project), (status = "4XX", body = Problem)), security(("bearer" = ["projects:write"])))]
pub async fn create(api: Api, payload: web::Payload) -> HttpResponse {
    match extract::json::<NewProject>(&api.request, payload).await {
        Ok(new) => api.created(
            api.run(move |server, caller| projects::create(server, caller, new))
                .await
                .map(|made| (format!("projects/{}", made.id), made)),
        ),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// One project.
#[utoipa::path(get, path = "/v1/projects/{id}", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, body = Project), (status = "4XX", body = Problem)), security(("bearer" = ["projects:read"])))]
pub async fn show(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "project") {
        Ok(id) => api.answer(api.run(move |server, caller| projects::show(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}

/// Edit a project: members that are left out stay, and so does its identifier.
#[utoipa::path(patch, path = "/v1/projects/{id}", tag = "projects", params(("id" = String, Path)), request_body = ProjectEdit,
    responses((status = 200, body = Project), (status = "4XX", body = Problem)), security(("bearer" = ["projects:write"])))]
pub async fn update(api: Api, id: web::Path<String>, payload: web::Payload) -> HttpResponse {
    match (extract::name(id, "project"), extract::json::<ProjectEdit>(&api.request, payload).await) {
        (Ok(id), Ok(edit)) => {
            api.answer(api.run(move |server, caller| projects::update(server, caller, &id, edit)).await)
        }
        (Err(denial), _) | (_, Err(denial)) => api.unreadable(denial).await,
    }
}

/// Delete a project that no access key is limited to.
#[utoipa::path(delete, path = "/v1/projects/{id}", tag = "projects", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted"), (status = "4XX", body = Problem)), security(("bearer" = ["projects:write"])))]
pub async fn delete(api: Api, id: web::Path<String>) -> HttpResponse {
    match extract::name(id, "project") {
        Ok(id) => api.deleted(api.run(move |server, caller| projects::delete(server, caller, &id)).await),
        Err(denial) => api.unreadable(denial).await,
    }
}
