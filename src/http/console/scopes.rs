//! `/console/scopes`: the scopes that the server knows. They are named in the query: a scope token may hold a slash.

use actix_web::web;

use crate::domain::denial::Denial;
use crate::domain::role;
use crate::domain::scope_definition::ScopeDefinition;
use crate::domain::standard_claims::is_openid_scope;
use crate::flows::Server;
use crate::flows::console::{Visit, require_proof};
use crate::flows::error::FlowResult;
use crate::flows::scopes::{self, NewScope};
use crate::http::console::fields::{self, text};
use crate::http::kit::cell::{Cell, Tone};
use crate::http::kit::confirm::{Confirm, check_typed};
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Choice, Field, Form};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::{Table, with};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::resource::Resource;
use crate::protocol::scope::is_scope_token;

const HOME: &str = "/console/scopes";
/// The scope that changes them.
const WRITE: &str = "scopes:write";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |action: &str| web::resource(format!("{HOME}{action}"));
    config
        .service(at("").route(web::get().to(list)))
        .service(at("/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(at("/edit").route(web::get().to(edit)).route(web::post().to(update)))
        .service(at("/delete").route(web::get().to(ask)).route(web::post().to(delete)));
}

fn home(texts: Texts, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-scopes"))
}

fn address(action: &str, name: &str) -> String {
    with(&format!("{HOME}/{action}"), &Params::default(), "name", Some(name))
}

/// May it be changed at all? Those of the admin API are the server's own.
fn is_fixed(scope: &ScopeDefinition) -> bool {
    role::is_admin_api_scope(&scope.name)
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(is_scope_token);
    let (guest, found) = desk.read(move |server, visit| scopes::list(server, &visit.caller, &page)).await?;
    let may = guest.may(WRITE);
    let rows = found.items.iter().map(|scope| {
        let linked = may && !is_fixed(scope);
        let name = || scope.name.as_str();
        let privileged = Cell::Badge(Tone::Warn, texts.say("scopes-privileged"));
        vec![
            if linked { Cell::link(address("edit", name()), name()) } else { Cell::code(name()) },
            Cell::text(texts.of_domain(&scope.description)),
            scope.resource.as_ref().map_or(Cell::Nothing, |resource| Cell::code(resource.as_str())),
            if scope.privileged { privileged } else { Cell::Nothing },
            Cell::Time(scope.created_at),
        ]
    });
    let columns = ["column-scope", "column-description", "column-resource", "column-kind", "column-created"];
    let table = Table::new(texts.say("nav-scopes"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(texts.say("scopes-empty"))
        .pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-scopes")).lead(texts.say("scopes-lead")).table(table);
    desk.page(&guest, if may { page.link(format!("{HOME}/new"), texts.say("scopes-new")) } else { page })
}

fn questions(texts: Texts, scope: Option<&ScopeDefinition>) -> Vec<Field> {
    let description = scope.map_or("", |scope| &scope.description);
    let mut all = vec![
        Field::text("description", texts.say("column-description"), description)
            .longest(500)
            .hint(texts.say("scopes-description-hint"))
            .required(),
    ];
    if scope.is_none_or(|scope| !is_openid_scope(&scope.name)) {
        let resource = scope.and_then(|scope| scope.resource.as_ref()).map_or("", Resource::as_str);
        let privileged = Choice::new("yes", texts.say("scopes-privileged"))
            .hint(texts.say("scopes-privileged-hint"))
            .chosen(scope.is_some_and(|scope| scope.privileged));
        all.push(
            Field::text("resource", texts.say("column-resource"), resource)
                .longest(2000)
                .hint(texts.say("scopes-resource-hint")),
        );
        all.push(Field::checkboxes("privileged", texts.say("scopes-who"), vec![privileged]));
    }
    all
}

fn new_page(texts: Texts, typed: Option<&Params>) -> Page {
    let name = Field::text("name", texts.say("column-scope"), "").longest(100).hint(texts.say("scopes-name-hint"));
    let form =
        Form::new(format!("{HOME}/new"), "scope-create", texts.say("action-create")).once().fields([name.required()]);
    home(texts, "scopes-new").form(form.fields(questions(texts, None)).keep(typed).cancel(HOME))
}

async fn new(desk: Desk) -> Shown {
    let (guest, ()) = desk.read(|_, visit| Ok(visit.caller.require(WRITE)?)).await?;
    desk.page(&guest, new_page(desk.texts, None))
}

fn named(desk: &Desk) -> String {
    text(&desk.query(), "name")
}

/// What was sent for this scope.
fn sent_scope(name: String, form: &Params) -> Result<NewScope, Denial> {
    let resource = text(form, "resource");
    let resource = (!resource.is_empty()).then(|| Resource::parse(&resource));
    let resource = resource.transpose().map_err(|error| Denial::InvalidMember(error.to_string()))?;
    let privileged = fields::is_ticked(form, "privileged", "yes");
    Ok(NewScope { name, description: text(form, "description"), resource, privileged })
}

async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |server, visit, form| {
        scopes::create(server, &visit.caller, sent_scope(text(form, "name"), form)?)
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok(_) => desk.done(HOME, "created"),
        Err(error) => desk.again(&guest, new_page(desk.texts, Some(&form)), &error).await,
    }
}

/// The scope, for whoever may change it.
fn find(server: &Server, visit: &Visit, name: &str) -> FlowResult<ScopeDefinition> {
    visit.caller.require(WRITE)?;
    scopes::show(server, &visit.caller, name)
}

fn edit_page(texts: Texts, scope: &ScopeDefinition, typed: Option<&Params>) -> Page {
    let form = Form::new(address("edit", &scope.name), "scope-save", texts.say("action-save"));
    let page = home(texts, "scopes-edit")
        .facts(vec![
            (texts.say("column-scope"), Cell::code(scope.name.as_str())),
            (texts.say("column-created"), Cell::Time(scope.created_at)),
        ])
        .form(form.fields(questions(texts, Some(scope))).keep(typed).cancel(HOME));
    if is_openid_scope(&scope.name) {
        return page;
    }
    page.block(Block::Actions(vec![Action::danger(address("delete", &scope.name), texts.say("action-delete"))]))
}

async fn edit(desk: Desk) -> Shown {
    let name = named(&desk);
    let (guest, scope) = desk.read(move |server, visit| find(server, visit, &name)).await?;
    desk.page(&guest, edit_page(desk.texts, &scope, None))
}

async fn update(desk: Desk, payload: web::Payload) -> Shown {
    let name = named(&desk);
    let sent = desk.submit(payload, move |server, visit, form| {
        let scope = find(server, visit, &name)?;
        let new = sent_scope(name, form).map_err(Into::into);
        let edited = new.and_then(|new| scopes::update(server, &visit.caller, new));
        Ok((scope, edited))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(_))) => desk.done(HOME, "saved"),
        Ok((scope, Err(error))) => desk.again(&guest, edit_page(desk.texts, &scope, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

fn delete_page(texts: Texts, guest: &Guest, scope: &ScopeDefinition, typed: Option<&Params>) -> Page {
    let name = scope.name.as_str();
    let confirm = Confirm {
        action: address("delete", name),
        text: texts.say_with("scopes-delete-text", "name", name),
        submit: texts.say("action-delete"),
        id: "scope-delete".to_owned(),
        typed: Some(name.to_owned()),
        fields: Vec::new(),
        cancel: address("edit", name),
    };
    home(texts, "scopes-delete").confirm(texts, guest, confirm, typed)
}

async fn ask(desk: Desk) -> Shown {
    let name = named(&desk);
    let (guest, scope) = desk.read(move |server, visit| find(server, visit, &name)).await?;
    desk.page(&guest, delete_page(desk.texts, &guest, &scope, None))
}

async fn delete(desk: Desk, payload: web::Payload) -> Shown {
    let name = named(&desk);
    let sent = desk.submit(payload, move |server, visit, form| {
        let scope = find(server, visit, &name)?;
        let change = || {
            check_typed(form, &scope.name)?;
            require_proof(server, visit, form.optional("password").ok().flatten())?;
            scopes::delete(server, &visit.caller, &scope.name)
        };
        let changed = change();
        Ok((scope, changed))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(()))) => desk.done(HOME, "deleted"),
        Ok((scope, Err(error))) => {
            desk.again(&guest, delete_page(desk.texts, &guest, &scope, Some(&form)), &error).await
        }
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
