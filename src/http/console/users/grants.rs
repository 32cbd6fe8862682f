//! `/console/users/{id}/apps` and `/console/users/{id}/tokens`: what acts as a user, ended one by one.

use actix_web::web;

use crate::domain::connected_client::ConnectionPlace;
use crate::domain::ids::PersonalTokenId;
use crate::domain::user::User;
use crate::flows::account::personal_tokens::PersonalTokenInUse;
use crate::flows::user_grants::{self, ConnectedApp};
use crate::flows::users;
use crate::http::console::users::{HOME, WRITE, path};
use crate::http::kit::cell::{Button, Cell};
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::page::Page;
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |action: &str| web::resource(format!("{HOME}/{{id}}{action}"));
    config
        .service(at("/apps").route(web::get().to(list_apps)))
        .service(at("/apps/end").route(web::post().to(disconnect)))
        .service(at("/tokens").route(web::get().to(list_tokens)))
        .service(at("/tokens/end").route(web::post().to(revoke)));
}

fn below(texts: Texts, user: &User, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-users")).below(path(user), user.username.clone())
}

fn codes(scope: impl Iterator<Item = impl ToString>) -> Cell {
    let all: Vec<String> = scope.map(|token| token.to_string()).collect();
    if all.is_empty() { Cell::Nothing } else { Cell::Codes(all) }
}

/// The button that ends one of them, for whoever may.
fn end(texts: Texts, may: bool, action: String, (key, id): (&'static str, &str)) -> Cell {
    let label = texts.say(if key == "client_id" { "account-apps-disconnect" } else { "action-revoke" });
    let fields = vec![(key, id.to_owned())];
    if may { Cell::Button(Button { action, label, fields, id: Some(format!("end-{id}")) }) } else { Cell::Nothing }
}

fn app_row(texts: Texts, app: ConnectedApp, (home, may): (&str, bool)) -> Vec<Cell> {
    vec![
        Cell::text(app.client_name),
        Cell::link(format!("/console/clients/{}", app.client_id), app.client_id.as_str()),
        codes(app.scope.split_whitespace()),
        Cell::Time(app.since),
        Cell::time(app.last_used_at),
        end(texts, may, format!("{home}/end"), ("client_id", app.client_id.as_str())),
    ]
}

async fn list_apps(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, texts, query) = (id.into_inner(), desk.texts, desk.query());
    let page = desk.page_request(|cursor| ConnectionPlace::parse(cursor).is_some());
    let found = desk.read(move |server, visit| {
        let user = users::show(server, &visit.caller, &id)?;
        let apps = user_grants::list_apps(server, &visit.caller, user.id.as_str(), &page)?;
        Ok((user, apps))
    });
    let (guest, (user, apps)) = found.await?;
    let (home, may, next) = (format!("{}/apps", path(&user)), guest.may(WRITE), apps.next_cursor.clone());
    let columns = [
        "column-name",
        "column-client-id",
        "column-scope",
        "account-apps-since",
        "column-last-used",
        "account-session-action",
    ];
    let table = Table::new(texts.say("nav-apps"), columns.map(|key| texts.say(key)))
        .rows(apps.items.into_iter().map(|app| app_row(texts, app, (&home, may))))
        .empty(texts.say("users-no-apps"))
        .pages(&home, &query, next.as_deref());
    desk.page(&guest, below(texts, &user, "nav-apps").lead(texts.say("users-apps-lead")).table(table))
}

fn token_row(texts: Texts, in_use: PersonalTokenInUse, (home, may): (&str, bool)) -> Vec<Cell> {
    let PersonalTokenInUse { token, last_used_at } = in_use;
    vec![
        Cell::text(token.name),
        codes(token.scope.iter()),
        Cell::Time(token.created_at),
        Cell::Time(token.expires_at),
        Cell::time(last_used_at),
        end(texts, may, format!("{home}/end"), ("token_id", token.id.as_str())),
    ]
}

async fn list_tokens(desk: Desk, id: web::Path<String>) -> Shown {
    let (id, texts, query) = (id.into_inner(), desk.texts, desk.query());
    let page = desk.page_request(PersonalTokenId::is_valid);
    let found = desk.read(move |server, visit| {
        let user = users::show(server, &visit.caller, &id)?;
        let tokens = user_grants::list_tokens(server, &visit.caller, user.id.as_str(), &page)?;
        Ok((user, tokens))
    });
    let (guest, (user, tokens)) = found.await?;
    let (home, may, next) = (format!("{}/tokens", path(&user)), guest.may(WRITE), tokens.next_cursor.clone());
    let columns = [
        "column-name",
        "column-scope",
        "column-created",
        "column-expires",
        "column-last-used",
        "account-session-action",
    ];
    let table = Table::new(texts.say("nav-tokens"), columns.map(|key| texts.say(key)))
        .rows(tokens.items.into_iter().map(|in_use| token_row(texts, in_use, (&home, may))))
        .empty(texts.say("users-no-tokens"))
        .pages(&home, &query, next.as_deref());
    desk.page(&guest, below(texts, &user, "nav-tokens").lead(texts.say("users-tokens-lead")).table(table))
}

async fn disconnect(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let (id, back) = (id.as_str().to_owned(), format!("{HOME}/{id}/apps"));
    let sent = desk.submit(payload, move |server, visit, form| {
        let client_id = form.optional("client_id").ok().flatten().unwrap_or_default();
        user_grants::disconnect(server, &visit.caller, &id, client_id)
    });
    let Sent { guest, result, .. } = sent.await?;
    match result {
        Ok(()) => desk.done(&back, "account-disconnected"),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}

async fn revoke(desk: Desk, id: web::Path<String>, payload: web::Payload) -> Shown {
    let (id, back) = (id.as_str().to_owned(), format!("{HOME}/{id}/tokens"));
    let sent = desk.submit(payload, move |server, visit, form| {
        let token_id = form.optional("token_id").ok().flatten().unwrap_or_default();
        user_grants::revoke_token(server, &visit.caller, &id, token_id)
    });
    let Sent { guest, result, .. } = sent.await?;
    match result {
        Ok(()) => desk.done(&back, "revoked"),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
