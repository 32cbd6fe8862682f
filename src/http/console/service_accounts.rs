//! `/console/service-accounts`: the owners of access keys that belong to no person.

use actix_web::web;
use serde_json::json;

use crate::domain::client::Status;
use crate::domain::ids::ServiceAccountId;
use crate::domain::service_account::ServiceAccount;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::console::Visit;
use crate::flows::error::FlowResult;
use crate::flows::service_accounts::{self, NewServiceAccount, ServiceAccountEdit};
use crate::http::console::fields::{self, ScopeOptions, or_null, text};
use crate::http::console::listing;
use crate::http::console::standing::{self, Kind, Standing};
use crate::http::kit::cell::Cell;
use crate::http::kit::desk::{Desk, Guest, Sent, Shown};
use crate::http::kit::form::{Field, Form};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::{Table, with};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;
use crate::protocol::scope::Scope;

const HOME: &str = "/console/service-accounts";
/// The scope that changes them.
const WRITE: &str = "service-accounts:write";

/// Service accounts, as they are disabled and revoked.
struct ServiceAccounts;

impl Kind for ServiceAccounts {
    const HOME: &'static str = HOME;
    const HEADING: &'static str = "nav-service-accounts";
    const WRITE: &'static str = WRITE;
    const DISABLE: &'static str = "accounts-disable-text";
    const REVOKE: Option<&'static str> = Some("accounts-revoke-text");

    fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<Standing> {
        let account = service_accounts::show(server, caller, id)?;
        Ok(Standing { id: account.id.0, name: account.name })
    }

    fn set(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<()> {
        service_accounts::set_status(server, caller, id, to).map(drop)
    }
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |action: &str| web::resource(format!("{HOME}/{{id}}{action}"));
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(web::resource("/console/service-accounts/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(at("").route(web::get().to(show)))
        .service(at("/edit").route(web::get().to(edit)).route(web::post().to(update)))
        .configure(standing::routes::<ServiceAccounts>);
}

fn home(texts: Texts, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-service-accounts"))
}

fn path(account: &ServiceAccount) -> String {
    format!("{HOME}/{}", account.id)
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let (page, filter) = (desk.page_request(ServiceAccountId::is_valid), listing::filter(&query));
    let (guest, found) =
        desk.read(move |server, visit| service_accounts::list(server, &visit.caller, &filter, &page)).await?;
    let rows = found.items.iter().map(|account| {
        vec![
            Cell::link(path(account), account.name.as_str()),
            Cell::text(account.description.as_str()),
            scopes_of(account),
            listing::status(texts, account.status),
            Cell::Time(account.created_at),
        ]
    });
    let columns = ["column-name", "column-description", "column-scope", "column-status", "column-created"];
    let table = Table::new(texts.say("nav-service-accounts"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(listing::empty(texts, &query, "accounts-empty"))
        .filters(listing::fields(texts, &query))
        .pages(HOME, &query, found.next_cursor.as_deref());
    let page = Page::new(HOME, texts.say("nav-service-accounts")).lead(texts.say("accounts-lead")).table(table);
    let new = format!("{HOME}/new");
    desk.page(&guest, if guest.may(WRITE) { page.link(new, texts.say("accounts-new")) } else { page })
}

fn scopes_of(account: &ServiceAccount) -> Cell {
    let all: Vec<String> = account.scope.iter().map(str::to_owned).collect();
    if all.is_empty() { Cell::Nothing } else { Cell::Codes(all) }
}

async fn show(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, texts) = (id.into_inner(), desk.texts);
    let (guest, account) = desk.read(move |server, visit| service_accounts::show(server, &visit.caller, &id)).await?;
    let page = Page::new(HOME, account.name.as_str())
        .below(HOME, texts.say("nav-service-accounts"))
        .lead(account.description.as_str())
        .block(Block::Actions(actions(texts, &guest, &account)))
        .facts(vec![
            (texts.say("column-status"), listing::status(texts, account.status)),
            (texts.say("column-id"), Cell::code(account.id.as_str())),
            (texts.say("accounts-scope"), scopes_of(&account)),
            (texts.say("column-plan"), Cell::maybe(account.plan.as_deref())),
            (texts.say("column-created"), Cell::Time(account.created_at)),
            (texts.say("column-updated"), Cell::Time(account.updated_at)),
        ]);
    desk.page(&guest, page)
}

fn actions(texts: Texts, guest: &Guest, account: &ServiceAccount) -> Vec<Action> {
    let mut actions = Vec::new();
    if guest.may(WRITE) && account.status != Status::Revoked {
        actions.push(Action::go(format!("{}/edit", path(account)), texts.say("action-edit")));
    }
    if guest.may("access-keys:read") {
        let keys = with("/console/access-keys", &Params::default(), "owner", Some(account.id.as_str()));
        actions.push(Action::go(keys, texts.say("nav-access-keys")));
    }
    actions.extend(standing::actions::<ServiceAccounts>(texts, guest, account.id.as_str(), account.status));
    actions
}

/// What the form offers.
struct Options {
    scopes: ScopeOptions,
    plans: Vec<String>,
}

fn options(server: &Server, visit: &Visit) -> FlowResult<Options> {
    visit.caller.require(WRITE)?;
    Ok(Options { scopes: ScopeOptions::of(server, &visit.caller), plans: fields::plans(server) })
}

fn questions(texts: Texts, options: &Options, account: Option<&ServiceAccount>) -> Vec<Field> {
    let nothing = Scope::default();
    let (name, description) = account.map_or(("", ""), |account| (&account.name, &account.description));
    let mut all = vec![
        Field::text("name", texts.say("column-name"), name).required(),
        Field::lines("description", texts.say("column-description"), description),
    ];
    all.extend(options.scopes.fields(texts, account.map_or(&nothing, |account| &account.scope)));
    all.extend(fields::plan(texts, &options.plans, account.and_then(|account| account.plan.as_deref())));
    all
}

fn new_page(texts: Texts, options: &Options, typed: Option<&Params>) -> Page {
    let form = Form::new(format!("{HOME}/new"), "account-create", texts.say("action-create")).once();
    let page = home(texts, "accounts-new").lead(texts.say("accounts-scope-hint"));
    page.form(form.fields(questions(texts, options, None)).keep(typed).cancel(HOME))
}

async fn new(desk: Desk) -> Shown {
    let (guest, options) = desk.read(options).await?;
    desk.page(&guest, new_page(desk.texts, &options, None))
}

async fn create(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |server, visit, form| {
        let new = NewServiceAccount {
            name: text(form, "name"),
            description: text(form, "description"),
            scopes: fields::scopes(form),
            plan: Some(text(form, "plan")).filter(|plan| !plan.is_empty()),
        };
        Ok((options(server, visit)?, service_accounts::create(server, &visit.caller, new)))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((_, Ok(account))) => desk.done(&path(&account), "created"),
        Ok((options, Err(error))) => desk.again(&guest, new_page(desk.texts, &options, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

type Found = (ServiceAccount, Options);

fn find(server: &Server, visit: &Visit, id: &str) -> FlowResult<Found> {
    let options = options(server, visit)?;
    Ok((service_accounts::show(server, &visit.caller, id)?, options))
}

fn edit_page(texts: Texts, (account, options): &Found, typed: Option<&Params>) -> Page {
    let path = path(account);
    let form = Form::new(format!("{path}/edit"), "account-save", texts.say("action-save"));
    home(texts, "accounts-edit")
        .below(path.clone(), account.name.clone())
        .lead(texts.say("accounts-scope-hint"))
        .form(form.fields(questions(texts, options, Some(account))).keep(typed).cancel(path))
}

async fn edit(desk: Desk, id: web::Path<String>) -> Shown {
    let id = id.into_inner();
    let (guest, found) = desk.read(move |server, visit| find(server, visit, &id)).await?;
    desk.page(&guest, edit_page(desk.texts, &found, None))
}

async fn update(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let id = id.into_inner();
    let sent = desk.submit(payload, move |server, visit, form| {
        let found = find(server, visit, &id)?;
        let mut members = json!({
            "name": text(form, "name"),
            "description": text(form, "description"),
            "scopes": fields::scopes(form),
        });
        if let Some(members) = members.as_object_mut().filter(|_| form.iter().any(|(name, _)| name == "plan")) {
            members.insert("plan".to_owned(), or_null(form, "plan"));
        }
        let edit = fields::members::<ServiceAccountEdit>(members).map_err(Into::into);
        let edited = edit.and_then(|edit| service_accounts::update(server, &visit.caller, found.0.id.as_str(), edit));
        Ok((found, edited))
    });
    let Sent { guest, form, result } = sent.await?;
    match result {
        Ok((found, Ok(_))) => desk.done(&path(&found.0), "saved"),
        Ok((found, Err(error))) => desk.again(&guest, edit_page(desk.texts, &found, Some(&form)), &error).await,
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
