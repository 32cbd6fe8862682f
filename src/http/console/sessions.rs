//! `/console/sessions`: where people are signed in, for operators.

use actix_web::web;

use crate::domain::login_session::{LoginSession, LoginSessionCursor};
use crate::flows::sessions;
use crate::http::kit::agent;
use crate::http::kit::cell::{Button, Cell};
use crate::http::kit::desk::{Desk, Sent, Shown};
use crate::http::kit::form::Field;
use crate::http::kit::page::Page;
use crate::http::kit::table::{Table, with};
use crate::http::kit::texts::Texts;
use crate::protocol::params::Params;

const HOME: &str = "/console/sessions";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource(HOME).route(web::get().to(list)));
    config.service(web::resource("/console/sessions/end").route(web::post().to(end)));
}

fn row(texts: Texts, session: LoginSession, username: &str, back: &str, may: bool) -> Vec<Cell> {
    let end = Cell::Button(Button {
        action: format!("{HOME}/end"),
        label: texts.say("account-session-end"),
        fields: vec![("user_id", session.user_id.0.clone()), ("sid", session.sid.clone()), ("user", back.to_owned())],
        id: Some(format!("end-{}", session.sid)),
    });
    let user = with(HOME, &Params::default(), "user", Some(username));
    vec![
        Cell::link(user, username),
        session.user_agent.as_deref().map_or(Cell::Nothing, |text| Cell::text(agent::describe(text))),
        session.address.map_or(Cell::Nothing, Cell::code),
        Cell::Time(session.created_at),
        Cell::Time(session.last_used_at),
        Cell::Time(session.expires_at),
        if may { end } else { Cell::Nothing },
    ]
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let wanted = query.optional("user").ok().flatten().unwrap_or_default().trim().to_owned();
    let page = desk.page_request(|cursor| LoginSessionCursor::parse(cursor).is_some());
    let user = wanted.clone();
    let (guest, found) =
        desk.read(move |server, visit| sessions::list_named(server, &visit.caller, &user, &page)).await?;
    let may = guest.may("users:write");
    let columns = [
        "account-session-user",
        "account-session-browser",
        "account-session-address",
        "account-session-began",
        "column-last-used",
        "account-session-ends",
        "account-session-action",
    ];
    let filter =
        Field::text("user", texts.say("account-session-user"), &*wanted).hint(texts.say("account-session-user-hint"));
    let empty = if wanted.is_empty() { "account-console-sessions-empty" } else { "account-console-sessions-none" };
    let next = found.next_cursor.clone();
    let rows = found.items.into_iter().map(|(session, username)| row(texts, session, &username, &wanted, may));
    let table = Table::new(texts.say("nav-sessions"), columns.map(|key| texts.say(key)))
        .rows(rows)
        .empty(texts.say(empty))
        .filters(vec![filter])
        .pages(HOME, &query, next.as_deref());
    desk.page(
        &guest,
        Page::new(HOME, texts.say("nav-sessions")).lead(texts.say("account-console-sessions-lead")).table(table),
    )
}

async fn end(desk: Desk, payload: web::Payload) -> Shown {
    let Sent { guest, form, result } = desk
        .submit(payload, |server, visit, form| {
            let text = |name| form.optional(name).ok().flatten().unwrap_or_default();
            sessions::end(server, &visit.caller, text("user_id"), text("sid"))
        })
        .await?;
    let back = form.optional("user").ok().flatten();
    match result {
        Ok(()) => desk.done(&with(HOME, &Params::default(), "user", back), "account-session-ended"),
        Err(error) => Ok(desk.error(Some(&guest), &error)),
    }
}
