//! Making and editing workflows, entering the client's secret for one, and ending its tokens.

use actix_web::web;
use serde_json::json;

use crate::domain::denial::Denial;
use crate::domain::workflow::Workflow;
use crate::flows::Server;
use crate::flows::console::{Visit, require_proof};
use crate::flows::error::FlowResult;
use crate::flows::workflows::{self, EnteredSecret, NewWorkflow, WorkflowEdit};
use crate::http::console::fields::{self, ScopeOptions, many, text};
use crate::http::console::workflows::{HOME, WRITE, below, home, path};
use crate::http::kit::confirm::Confirm;
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::Page;
use crate::http::kit::texts::Texts;
use crate::protocol::origin::Origin;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

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
    let form =
        Form::new(format!("{HOME}/new"), "workflow-create", texts.say("action-create")).once().fields([client, secret]);
    home(texts, "workflows-new").form(form.fields(questions(texts, scopes, None)).keep(typed).cancel(HOME))
}

fn options(server: &Server, visit: &Visit) -> FlowResult<ScopeOptions> {
    visit.caller.require(WRITE)?;
    Ok(ScopeOptions::of(server, &visit.caller))
}

/// `GET /console/workflows/new`
pub async fn new(desk: Desk) -> Shown {
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

/// `POST /console/workflows/new`
pub async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |server, visit, form| {
        let scopes = options(server, visit)?;
        let new = new_workflow(form).map_err(Into::into);
        Ok((scopes, new.and_then(|new| workflows::create(server, &visit.caller, new))))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(shown))) => desk.done(&path(&shown.workflow), "created"),
        Ok((scopes, Err(error))) => desk.again(&guest, new_page(desk.texts, &scopes, Some(&form)), &error).await,
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

/// `GET /console/workflows/{id}/edit`
pub async fn edit(desk: Desk, id: web::Path<String>) -> Shown {
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

/// `POST /console/workflows/{id}/edit`
pub async fn update(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
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
        Ok((found, Err(error))) => desk.again(&guest, edit_page(desk.texts, &found, Some(&form)), &error).await,
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

/// `GET /console/workflows/{id}/authorize`
pub async fn ask_secret(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, (workflow, _)) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, secret_page(desk.texts, &workflow))
}

/// `POST /console/workflows/{id}/authorize`
pub async fn authorize(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let (workflow, _) = find(server, visit, &id)?;
        let done = workflows::authorize(server, &visit.caller, &id, &entered(form));
        Ok((workflow, done))
    });
    let Sent { guest, result, .. } = sent.await?;
    match result {
        Ok((workflow, Ok(_))) => desk.done(&path(&workflow), "workflow-authorized"),
        Ok((workflow, Err(error))) => desk.again(&guest, secret_page(desk.texts, &workflow), &error).await,
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

/// `GET /console/workflows/{id}/invalidate`
pub async fn ask_end(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, (workflow, _)) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, end_page(desk.texts, &guest, &workflow))
}

/// `POST /console/workflows/{id}/invalidate`
pub async fn invalidate(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
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
        Ok((workflow, Err(error))) => desk.again(&guest, end_page(desk.texts, &guest, &workflow), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
