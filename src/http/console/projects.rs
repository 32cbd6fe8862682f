//! `/console/projects`: the projects that credentials can be limited to.

use actix_web::web;

use crate::domain::ids::ProjectId;
use crate::domain::project::Project;
use crate::flows::console::require_proof;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::projects::{self, NewProject, ProjectEdit};
use crate::http::kit::cell::Cell;
use crate::http::kit::confirm::{Confirm, check_typed};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

const HOME: &str = "/console/projects";
/// The scope that changes them.
const WRITE: &str = "projects:write";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(web::resource("/console/projects/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/console/projects/{id}/edit").route(web::get().to(edit)).route(web::post().to(update)))
        .service(
            web::resource("/console/projects/{id}/delete").route(web::get().to(ask)).route(web::post().to(delete)),
        );
}

fn home(texts: Texts, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-projects"))
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(ProjectId::is_valid);
    let (guest, found) = desk.read(move |server, visit| projects::list(server, &visit.caller, &page)).await?;
    let may = guest.may(WRITE);
    let rows = found.items.into_iter().map(|project| {
        let path = format!("{HOME}/{}/edit", project.id);
        let name = if may { Cell::link(path, project.name) } else { Cell::text(project.name) };
        vec![name, Cell::code(project.id.0), Cell::text(project.description), Cell::Time(project.created_at)]
    });
    let columns = ["column-name", "column-id", "column-description", "column-created"].map(|key| texts.say(key));
    let table = Table::new(texts.say("nav-projects"), columns).rows(rows).empty(texts.say("projects-empty")).pages(
        HOME,
        &query,
        found.next_cursor.as_deref(),
    );
    let page = Page::new(HOME, texts.say("nav-projects")).lead(texts.say("projects-lead")).table(table);
    desk.page(&guest, if may { page.link(format!("{HOME}/new"), texts.say("projects-new")) } else { page })
}

fn new_page(texts: Texts, typed: Option<&Params>) -> Page {
    let fields = [
        Field::text("id", texts.say("column-id"), "").hint(texts.say("projects-id-hint")).required(),
        Field::text("name", texts.say("column-name"), "").required(),
        Field::lines("description", texts.say("column-description"), ""),
    ];
    let form = Form::new(format!("{HOME}/new"), "project-create", texts.say("action-create")).once();
    home(texts, "projects-new").form(form.fields(fields).keep(typed).cancel(HOME))
}

async fn new(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|_, visit| Ok(visit.caller.require(WRITE)?)).await?;
    desk.page(&guest, new_page(desk.texts, None))
}

async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, form, result } = desk
        .submit(payload, |server, visit, form| {
            let text = |name| form.optional(name).ok().flatten().unwrap_or_default().to_owned();
            let new = NewProject { id: text("id"), name: Some(text("name")), description: text("description") };
            projects::create(server, &visit.caller, new)
        })
        .await?;
    match result {
        Ok(_) => desk.done(HOME, "created"),
        Err(error) => desk.again(&guest, new_page(desk.texts, Some(&form)), &error).await,
    }
}

fn edit_page(texts: Texts, project: &Project, typed: Option<&Params>) -> Page {
    let path = format!("{HOME}/{}", project.id);
    let fields = [
        Field::text("name", texts.say("column-name"), &project.name).required(),
        Field::lines("description", texts.say("column-description"), &project.description),
    ];
    let form = Form::new(format!("{path}/edit"), "project-save", texts.say("action-save"));
    home(texts, "projects-edit")
        .facts(vec![
            (texts.say("column-id"), Cell::code(&project.id.0)),
            (texts.say("column-created"), Cell::Time(project.created_at)),
        ])
        .form(form.fields(fields).keep(typed).cancel(HOME))
        .block(Block::Actions(vec![Action::danger(format!("{path}/delete"), texts.say("action-delete"))]))
}

async fn edit(desk: Desk, id: web::Path<String>) -> Shown {
    let (guest, project) = find(&desk, id.into_inner()).await?;
    desk.page(&guest, edit_page(desk.texts, &project, None))
}

/// The project, for whoever may change it.
async fn find(desk: &Desk, id: String) -> actix_web::Result<(Guest, Project)> {
    desk.read(move |server, visit| {
        visit.caller.require(WRITE)?;
        projects::show(server, &visit.caller, &id)
    })
    .await
}

async fn update(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let Sent { guest, form, result } = desk
        .submit(payload, move |server, visit, form| {
            let text = |name| Some(form.optional(name).ok().flatten().unwrap_or_default().to_owned());
            let edit = ProjectEdit { name: text("name"), description: text("description") };
            with_project(server, visit, &id, |project| {
                projects::update(server, &visit.caller, project.id.as_str(), edit).map(drop)
            })
        })
        .await?;
    match result {
        Ok((_, Ok(()))) => desk.done(HOME, "saved"),
        Ok((project, Err(error))) => desk.again(&guest, edit_page(desk.texts, &project, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

/// A change of a project, with the project as it was: what the page of a refused form needs.
fn with_project(
    server: &crate::flows::Server,
    visit: &crate::flows::console::Visit,
    id: &str,
    change: impl FnOnce(&Project) -> FlowResult<()>,
) -> FlowResult<(Project, Result<(), FlowError>)> {
    let project = projects::show(server, &visit.caller, id)?;
    let changed = change(&project);
    Ok((project, changed))
}

fn delete_page(texts: Texts, guest: &Guest, project: &Project, typed: Option<&Params>) -> Page {
    let path = format!("{HOME}/{}", project.id);
    let confirm = Confirm {
        action: format!("{path}/delete"),
        text: texts.say_with("projects-delete-text", "name", project.name.as_str()),
        submit: texts.say("action-delete"),
        id: "project-delete".to_owned(),
        typed: Some(project.name.clone()),
        fields: Vec::new(),
        cancel: format!("{path}/edit"),
    };
    home(texts, "projects-delete").confirm(texts, guest, confirm, typed)
}

async fn ask(desk: Desk, id: web::Path<String>) -> Shown {
    let (guest, project) = find(&desk, id.into_inner()).await?;
    desk.page(&guest, delete_page(desk.texts, &guest, &project, None))
}

async fn delete(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let Sent { guest, form, result } = desk
        .submit(payload, move |server, visit, form| {
            let password = form.optional("password").ok().flatten();
            with_project(server, visit, &id, |project| {
                check_typed(form, &project.name)?;
                require_proof(server, visit, password)?;
                projects::delete(server, &visit.caller, project.id.as_str())
            })
        })
        .await?;
    match result {
        Ok((_, Ok(()))) => desk.done(HOME, "deleted"),
        Ok((project, Err(error))) => {
            desk.again(&guest, delete_page(desk.texts, &guest, &project, Some(&form)), &error).await
        }
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
