//! `/account/apps`: the clients that somebody has let in, and letting them in no more.

use actix_web::web;

use crate::domain::connected_client::ConnectionPlace;
use crate::flows::account::Person;
use crate::flows::account::connected_clients::{self, ConnectedClient};
use crate::http::kit::cell::Cell;
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::form::Form;
use crate::http::kit::page::{Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;

const HOME: &str = "/account/apps";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(list))).service(
        web::resource("/account/apps/{client_id}/disconnect")
            .route(web::get().to(ask))
            .route(web::post().to(disconnect)),
    );
}

fn scopes(texts: Texts, connected: &ConnectedClient) -> String {
    let described: Vec<_> = connected.scopes.iter().map(|(_, description)| texts.of_domain(description)).collect();
    described.join(" · ")
}

fn row(texts: Texts, connected: &ConnectedClient) -> Vec<Cell> {
    let client = &connected.client;
    vec![
        Cell::text(&client.client_name),
        Cell::text(scopes(texts, connected)),
        Cell::Time(connected.since),
        Cell::time(connected.last_used_at),
        Cell::link(format!("{HOME}/{}/disconnect", client.client_id), texts.say("account-apps-disconnect")),
    ]
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(|cursor| ConnectionPlace::parse(cursor).is_some());
    let (guest, found) =
        desk.read(move |server, visit| connected_clients::list(server, &Person::of(visit), &page)).await?;
    let columns =
        ["column-name", "account-apps-may", "account-apps-since", "column-last-used", "account-session-action"];
    let table = Table::new(texts.say("nav-apps"), columns.map(|key| texts.say(key)))
        .rows(found.items.iter().map(|connected| row(texts, connected)))
        .empty(texts.say("account-apps-empty"))
        .pages(HOME, &query, found.next_cursor.as_deref());
    desk.page(&guest, Page::new(HOME, texts.say("nav-apps")).lead(texts.say("account-apps-lead")).table(table))
}

async fn ask(desk: Desk, client_id: web::Path<String>) -> Shown {
    let (texts, client_id) = (desk.texts, client_id.into_inner());
    let (guest, connected) =
        desk.read(move |server, visit| connected_clients::show(server, &Person::of(visit), &client_id)).await?;
    let client = &connected.client;
    // Without the password: whoever finds a browser open may close what it opens.
    let form = Form::new(
        format!("{HOME}/{}/disconnect", client.client_id),
        "app-disconnect",
        texts.say("account-apps-disconnect"),
    );
    let facts = vec![
        (texts.say("column-name"), Cell::text(&client.client_name)),
        (texts.say("column-id"), Cell::code(&client.client_id.0)),
        (texts.say("account-apps-may"), Cell::text(scopes(texts, &connected))),
        (texts.say("account-apps-since"), Cell::Time(connected.since)),
        (texts.say("column-last-used"), Cell::time(connected.last_used_at)),
    ];
    let page = Page::new(HOME, texts.say("account-apps-disconnect-title"))
        .below(HOME, texts.say("nav-apps"))
        .facts(facts)
        .block(Block::Text(texts.say("account-apps-disconnect-text")))
        .form(form.cancel(HOME).danger());
    desk.page(&guest, page)
}

async fn disconnect(desk: Desk, payload: web::Payload, client_id: web::Path<String>) -> Shown {
    let client_id = client_id.into_inner();
    let sent = desk
        .submit(payload, move |server, visit, _| connected_clients::disconnect(server, &Person::of(visit), &client_id))
        .await?;
    match sent.result {
        Ok(()) => desk.done(HOME, "account-disconnected"),
        Err(error) => Ok(desk.error(Some(&sent.guest), &error)),
    }
}
