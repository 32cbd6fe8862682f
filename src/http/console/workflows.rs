//! `/console/workflows`: public identifiers by which front ends get narrow, short-lived tokens.

use actix_web::web;
use serde_json::json;

use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, WorkflowId};
use crate::domain::workflow::{Workflow, WorkflowState};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::console::{Visit, require_proof};
use crate::flows::error::FlowResult;
use crate::flows::workflows::{self, EnteredSecret, NewWorkflow, ShownWorkflow, WorkflowEdit};
use crate::http::console::fields::{self, ScopeOptions, many, text};
use crate::http::console::standing::{self, Kind, Standing};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::confirm::Confirm;
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;
use crate::protocol::origin::Origin;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

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
        .service(web::resource("/console/workflows/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(at("").route(web::get().to(show)))
        .service(at("/edit").route(web::get().to(edit)).route(web::post().to(update)))
        .service(at("/authorize").route(web::get().to(ask_secret)).route(web::post().to(authorize)))
        .service(at("/invalidate").route(web::get().to(ask_end)).route(web::post().to(invalidate)))
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
    let asked = client.clone();
    let (guest, found) =
        desk.read(move |server, visit| workflows::list(server, &visit.caller, asked.as_deref(), &page)).await?;
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
    let empty = if client.is_some() { "list-nothing-found" } else { "workflows-empty" };
    let filter = Field::text("client", texts.say("column-client-id"), "").keep(Some(&query));
    let table = Table::new(texts.say("nav-workflows"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(texts.say(empty))
        .filters(vec![filter])
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

fn questions(texts: Texts, scopes: &ScopeOptions, workflow: Option<&Workflow>) -> Vec<Field> {
    let nothing = Scope::default();
    let origins = workflow.map(|workflow| many(workflow.allowed_origins.iter().map(Origin::as_str)));
    let lifetime = workflow.map(|workflow| workflow.access_token_lifetime.to_string());
    let name = workflow.map_or("", |workflow| &workflow.name);
    let mut all = vec![Field::text("name", texts.say("column-name"), name).required()];
    all.extend(scopes.fields(texts, workflow.map_or(&nothing, |workflow| &workflow.scope)));
    all.push(
        Field::lines("allowed_origins", texts.say("clients-origins"), origins.unwrap_or_default())
            .hint(texts.say("workflows-origins-hint")),
    );
    let lifetime =
        Field::number("access_token_lifetime", texts.say("clients-access-lifetime"), lifetime.unwrap_or_default());
    all.push(lifetime.hint(texts.say("workflows-lifetime-hint")));
    all
}

fn secret_field(texts: Texts, hint: &str) -> Field {
    Field::password("client_secret", texts.say("clients-secret"), "off").hint(texts.say(hint))
}

fn new_page(texts: Texts, scopes: &ScopeOptions, typed: Option<&Params>) -> Page {
    let client = Field::text("client_id", texts.say("column-client-id"), "").required();
    let secret = secret_field(texts, "workflows-secret-hint");
    let form = Form::new(format!("{HOME}/new"), "workflow-create", texts.say("action-create")).fields([client, secret]);
    home(texts, "workflows-new").form(form.fields(questions(texts, scopes, None)).keep(typed).cancel(HOME))
}

fn options(server: &Server, visit: &Visit) -> FlowResult<ScopeOptions> {
    visit.caller.require(WRITE)?;
    Ok(ScopeOptions::of(server, &visit.caller))
}

async fn new(desk: Desk) -> Shown {
    let (guest, scopes) = desk.read(options).await?;
    desk.page(&guest, new_page(desk.texts, &scopes, None))
}

fn entered(form: &Params) -> EnteredSecret {
    EnteredSecret::from(text(form, "client_secret"))
}

fn new_workflow(form: &Params) -> Result<NewWorkflow, Denial> {
    let mut members = json!({
        "client_id": text(form, "client_id"),
        "client_secret": text(form, "client_secret"),
        "name": text(form, "name"),
        "scopes": fields::scopes(form),
        "allowed_origins": fields::lines(form, "allowed_origins"),
    });
    set_lifetime(&mut members, form)?;
    fields::members(members)
}

/// A lifetime that is not named stays as it is.
fn set_lifetime(members: &mut serde_json::Value, form: &Params) -> Result<(), Denial> {
    let lifetime = fields::number(form, "access_token_lifetime")?;
    if let Some(members) = members.as_object_mut().filter(|_| !lifetime.is_null()) {
        members.insert("access_token_lifetime".to_owned(), lifetime);
    }
    Ok(())
}

async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |server, visit, form| {
        let scopes = options(server, visit)?;
        let new = new_workflow(form).map_err(Into::into);
        Ok((scopes, new.and_then(|new| workflows::create(server, &visit.caller, new))))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(shown))) => desk.done(&path(&shown.workflow), "created"),
        Ok((scopes, Err(error))) => desk.again(&guest, new_page(desk.texts, &scopes, Some(&form)), &error),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

type Found = (Workflow, ScopeOptions);

fn find(server: &Server, visit: &Visit, id: &str) -> FlowResult<Found> {
    let scopes = options(server, visit)?;
    Ok((workflows::show(server, &visit.caller, id)?.workflow, scopes))
}

fn edit_page(texts: Texts, (workflow, scopes): &Found, typed: Option<&Params>) -> Page {
    let path = path(workflow);
    let resources = Field::lines("resources", texts.say("clients-resources"), many(&workflow.resources));
    let mut secret = secret_field(texts, "workflows-widen-hint");
    secret.required = false;
    let all = questions(texts, scopes, Some(workflow)).into_iter().chain([resources, secret]);
    let form = Form::new(format!("{path}/edit"), "workflow-save", texts.say("action-save"));
    below(texts, workflow, "workflows-edit").form(form.fields(all).keep(typed).cancel(path))
}

async fn edit(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, found) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, edit_page(desk.texts, &found, None))
}

fn edit_of(form: &Params) -> Result<WorkflowEdit, Denial> {
    let mut members = json!({
        "name": text(form, "name"),
        "scopes": fields::scopes(form),
        "resources": fields::lines(form, "resources"),
        "allowed_origins": fields::lines(form, "allowed_origins"),
    });
    set_lifetime(&mut members, form)?;
    let secret = text(form, "client_secret");
    if let Some(members) = members.as_object_mut().filter(|_| !secret.is_empty()) {
        members.insert("client_secret".to_owned(), secret.into());
    }
    fields::members(members)
}

async fn update(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let found = find(server, visit, &id)?;
        let edit = edit_of(form).map_err(Into::into);
        let edited = edit.and_then(|edit| workflows::update(server, &visit.caller, &id, edit));
        Ok((found, edited))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((found, Ok(_))) => desk.done(&path(&found.0), "saved"),
        Ok((found, Err(error))) => desk.again(&guest, edit_page(desk.texts, &found, Some(&form)), &error),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn secret_page(texts: Texts, workflow: &Workflow) -> Page {
    let path = path(workflow);
    let form = Form::new(format!("{path}/authorize"), "workflow-authorize", texts.say("workflows-authorize"));
    below(texts, workflow, "workflows-authorize")
        .lead(texts.say("workflows-authorize-lead"))
        .form(form.fields([secret_field(texts, "workflows-secret-hint")]).cancel(path))
}

async fn ask_secret(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, (workflow, _)) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, secret_page(desk.texts, &workflow))
}

async fn authorize(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let (workflow, _) = find(server, visit, &id)?;
        let done = workflows::authorize(server, &visit.caller, &id, &entered(form));
        Ok((workflow, done))
    });
    let Sent { guest, result, .. } = sent.await?;
    match result {
        Ok((workflow, Ok(_))) => desk.done(&path(&workflow), "workflow-authorized"),
        Ok((workflow, Err(error))) => desk.again(&guest, secret_page(desk.texts, &workflow), &error),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn end_page(texts: Texts, guest: &Guest, workflow: &Workflow) -> Page {
    let path = path(workflow);
    let confirm = Confirm {
        action: format!("{path}/invalidate"),
        text: texts.say_with("workflows-invalidate-text", "name", workflow.name.as_str()),
        submit: texts.say("workflows-invalidate"),
        id: "workflow-invalidate".to_owned(),
        typed: None,
        fields: Vec::new(),
        cancel: path,
    };
    below(texts, workflow, "workflows-invalidate").confirm(texts, guest, confirm, None)
}

async fn ask_end(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, (workflow, _)) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, end_page(desk.texts, &guest, &workflow))
}

async fn invalidate(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let (workflow, _) = find(server, visit, &id)?;
        let proven = require_proof(server, visit, form.optional("password").ok().flatten());
        let done = proven.and_then(|()| workflows::invalidate(server, &visit.caller, &id));
        Ok((workflow, done))
    });
    let Sent { guest, result, .. } = sent.await?;
    match result {
        Ok((workflow, Ok(_))) => desk.done(&path(&workflow), "workflow-invalidated"),
        Ok((workflow, Err(error))) => desk.again(&guest, end_page(desk.texts, &guest, &workflow), &error),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
