//! Projects, as operators manage them.

use chrono::TimeDelta;
use serde::Deserialize;

use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::ids::{ProjectId, is_no_address};
use crate::domain::page::{Page, PageRequest};
use crate::domain::project::{Project, check_texts};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::member::not_null;
use crate::store::StoreError;

/// A project to make.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// Chosen: 1 to 64 of the characters A-Z a-z 0-9 - . _ ~
    pub id: String,
    /// For people; the identifier where absent.
    #[serde(default, deserialize_with = "not_null")]
    pub name: Option<String>,
    /// For people.
    #[serde(default)]
    pub description: String,
}

/// An edit of a project: what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectEdit {
    /// For people.
    #[serde(default, deserialize_with = "not_null")]
    pub name: Option<String>,
    /// For people.
    #[serde(default, deserialize_with = "not_null")]
    pub description: Option<String>,
}

fn check(project: &Project) -> Result<(), Denial> {
    if !ProjectId::is_valid(project.id.as_str()) {
        let text = "id must be 1 to 64 of the characters A-Z a-z 0-9 - . _ ~";
        return Err(Denial::InvalidMember(text.to_owned()));
    }
    check_texts(&project.name, &project.description).map_err(|text| Denial::InvalidMember(text.to_owned()))
}

/// Makes a project.
pub fn create(server: &Server, caller: &Caller, new: NewProject) -> FlowResult<Project> {
    caller.require("projects:write")?;
    let now = server.clock.now();
    let project = Project {
        name: new.name.unwrap_or_else(|| new.id.clone()),
        id: ProjectId(new.id),
        description: new.description,
        created_at: now,
        updated_at: now,
    };
    check(&project)?;
    if is_no_address(project.id.as_str()) {
        return Err(Denial::InvalidMember("id must not be new, . or .. (no page could show it)".to_owned()).into());
    }
    let event = caller.event(AuditAction::ProjectCreated, "project", project.id.as_str());
    let stored = project.clone();
    let written = server.store.write(move |connection| {
        connection.insert_project(&stored)?;
        connection.insert_audit_event(&event, now)
    });
    match written {
        Ok(()) => Ok(project),
        Err(StoreError::Conflict(_)) => Err(Denial::Conflict("a project of this id exists already".to_owned()).into()),
        Err(error) => Err(error.into()),
    }
}

/// One project.
pub fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<Project> {
    caller.require("projects:read")?;
    find(server, id)
}

fn find(server: &Server, id: &str) -> FlowResult<Project> {
    let found = server.store.read(|connection| connection.find_project(id))?;
    found.ok_or(FlowError::Denied(Denial::NotFound("project")))
}

/// A page of projects.
pub fn list(server: &Server, caller: &Caller, page: &PageRequest) -> FlowResult<Page<Project>> {
    caller.require("projects:read")?;
    Ok(server.store.read(|connection| connection.list_projects(page))?)
}

/// Edits a project; its identifier stays.
pub fn update(server: &Server, caller: &Caller, id: &str, edit: ProjectEdit) -> FlowResult<Project> {
    caller.require("projects:write")?;
    let before = find(server, id)?;
    let (now, read_at) = (server.clock.now(), before.updated_at);
    let project = Project {
        name: edit.name.unwrap_or(before.name),
        description: edit.description.unwrap_or(before.description),
        updated_at: now.max(read_at + TimeDelta::microseconds(1)),
        ..before
    };
    check(&project)?;
    let event = caller.event(AuditAction::ProjectUpdated, "project", project.id.as_str());
    let stored = project.clone();
    let done = server.store.write(move |connection| {
        let done = connection.update_project(&stored, read_at)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    let changed = || Denial::Conflict("the project was changed meanwhile: read it again".to_owned());
    if done { Ok(project) } else { Err(changed().into()) }
}

/// Deletes a project that no access key is limited to: without it such a key would be limited to nothing it can name.
pub fn delete(server: &Server, caller: &Caller, id: &str) -> FlowResult<()> {
    caller.require("projects:write")?;
    let project = find(server, id)?;
    let event = caller.event(AuditAction::ProjectDeleted, "project", project.id.as_str());
    let (id, now) = (project.id.0, server.clock.now());
    let done = server.store.write(move |connection| {
        let done = connection.delete_project(&id)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    });
    match done {
        Ok(true) => Ok(()),
        // The second: a key was made while we looked.
        Ok(false) | Err(StoreError::Conflict(_)) => {
            Err(Denial::Conflict("access keys are limited to this project".to_owned()).into())
        }
        Err(error) => Err(error.into()),
    }
}
