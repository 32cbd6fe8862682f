//! `/console/workflows`: public identifiers by which front ends get narrow, short-lived tokens.

mod forms;

use actix_web::web;

use crate::domain::client::Status;
use crate::domain::ids::{ClientId, WorkflowId};
use crate::domain::workflow::{Workflow, WorkflowState};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::workflows::{self, ShownWorkflow};
use crate::http::console::fields::text;
use crate::http::console::listing;
use crate::http::console::standing::{self, Kind, Standing};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::desk::{Desk, Guest, Shown};
use crate::http::kit::form::Field;
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::origin::Origin;

const HOME: &str = "/console/workflows";
/// The scope that changes them.
const WRITE: &str = "client-workflows:write";

/// Workflows, as they are disabled and revoked.
struct Workflows;

impl Kind for Workflows {
    const HOME: &'static str = HOME;
    const HEADING: &'static str = "nav-workflows";
    const WRITE: &'static str = WRITE;
    const DISABLE: &'static str = "workflows-disable-text";
    const REVOKE: Option<&'static str> = Some("workflows-revoke-text");

    fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<Standing> {
        let found = workflows::show(server, caller, id)?.workflow;
        Ok(Standing { id: found.id.0, name: found.name })
    }

    fn set(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<()> {
        workflows::set_status(server, caller, id, to).map(drop)
    }
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |action: &str| web::resource(format!("{HOME}/{{id}}{action}"));
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(
            web::resource("/console/workflows/new")
                .route(web::get().to(forms::new))
                .route(web::post().to(forms::create)),
        )
        .service(at("").route(web::get().to(show)))
        .service(at("/edit").route(web::get().to(forms::edit)).route(web::post().to(forms::update)))
        .service(at("/authorize").route(web::get().to(forms::ask_secret)).route(web::post().to(forms::authorize)))
        .service(at("/invalidate").route(web::get().to(forms::ask_end)).route(web::post().to(forms::invalidate)))
        .configure(standing::routes::<Workflows>);
}

fn home(texts: Texts, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-workflows"))
}

fn below(texts: Texts, workflow: &Workflow, title: &str) -> Page {
    home(texts, title).below(path(workflow), workflow.name.clone())
}

fn path(workflow: &Workflow) -> String {
    format!("{HOME}/{}", workflow.id)
}

fn state(texts: Texts, state: WorkflowState) -> Cell {
    match state {
        WorkflowState::Active => Cell::Badge(Tone::Good, texts.say("status-active")),
        WorkflowState::Inactive => Cell::Badge(Tone::Warn, texts.say("status-disabled")),
        WorkflowState::Revoked => Cell::Badge(Tone::Bad, texts.say("status-revoked")),
        WorkflowState::ClientInactive => Cell::Badge(Tone::Warn, texts.say("workflows-client-disabled")),
        WorkflowState::Suspended => Cell::Badge(Tone::Warn, texts.say("workflows-suspended")),
    }
}

fn codes(all: impl IntoIterator<Item = impl ToString>) -> Cell {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    if all.is_empty() { Cell::Nothing } else { Cell::Codes(all) }
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(WorkflowId::is_valid);
    let client = Some(text(&query, "client")).filter(|id| ClientId::is_valid(id));
    let wanted = listing::filter(&query);
    let found =
        desk.read(move |server, visit| workflows::list(server, &visit.caller, client.as_deref(), &wanted, &page));
    let (guest, found) = found.await?;
    let rows = found.items.iter().map(|shown| {
        let workflow = &shown.workflow;
        vec![
            Cell::link(path(workflow), workflow.name.as_str()),
            Cell::code(workflow.id.as_str()),
            Cell::link(format!("/console/clients/{}", workflow.client_id), workflow.client_id.as_str()),
            codes(workflow.scope.iter()),
            state(texts, shown.state),
            Cell::Time(workflow.created_at),
        ]
    });
    let columns = ["column-name", "column-id", "column-client-id", "column-scope", "column-status", "column-created"];
    let mut filters = listing::fields(texts, &query);
    filters.push(Field::text("client", texts.say("column-client-id"), "").keep(Some(&query)));
    let table = Table::new(texts.say("nav-workflows"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(listing::empty(texts, &query, "workflows-empty"))
        .filters(filters)
        .pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-workflows")).lead(texts.say("workflows-lead")).table(table);
    let new = format!("{HOME}/new");
    desk.page(&guest, if guest.may(WRITE) { page.link(new, texts.say("workflows-new")) } else { page })
}

async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, texts) = (id.into_inner(), desk.texts);
    let (guest, shown) = desk.read(move |server, visit| workflows::show(server, &visit.caller, &id)).await?;
    let workflow = &shown.workflow;
    let client = format!("/console/clients/{}", workflow.client_id);
    let page = Page::new(HOME, workflow.name.as_str())
        .below(HOME, texts.say("nav-workflows"))
        .block(Block::Actions(actions(texts, &guest, &shown)))
        .facts(vec![
            (texts.say("column-status"), state(texts, shown.state)),
            (texts.say("column-id"), Cell::code(workflow.id.as_str())),
            (texts.say("column-client-id"), Cell::link(client, workflow.client_id.as_str())),
            (texts.say("column-scope"), codes(workflow.scope.iter())),
            (texts.say("clients-resources"), codes(&workflow.resources)),
            (texts.say("clients-origins"), codes(workflow.allowed_origins.iter().map(Origin::as_str))),
            (texts.say("clients-access-lifetime"), Cell::number(workflow.access_token_lifetime)),
            (texts.say("workflows-authorized"), Cell::time(workflow.authorized_at)),
            (texts.say("workflows-until"), Cell::time(shown.authorized_until)),
            (texts.say("column-created"), Cell::Time(workflow.created_at)),
        ]);
    desk.page(&guest, page)
}

fn actions(texts: Texts, guest: &Guest, shown: &ShownWorkflow) -> Vec<Action> {
    let workflow = &shown.workflow;
    let path = path(workflow);
    let mut actions = Vec::new();
    if guest.may(WRITE) && workflow.status != Status::Revoked {
        actions.push(Action::go(format!("{path}/edit"), texts.say("action-edit")));
        actions.push(Action::go(format!("{path}/authorize"), texts.say("workflows-authorize")));
        if workflow.authorized_at.is_some() {
            actions.push(Action::danger(format!("{path}/invalidate"), texts.say("workflows-invalidate")));
        }
    }
    actions.extend(standing::actions::<Workflows>(texts, guest, workflow.id.as_str(), workflow.status));
    actions
}
