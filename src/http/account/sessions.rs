//! `/account/sessions`: where somebody is signed in, and signing out there.

use actix_web::web;

use crate::domain::login_session::{LoginSession, LoginSessionCursor};
use crate::flows::account::{Person, sessions};
use crate::http::kit::agent;
use crate::http::kit::cell::{Button, Cell, Tone};
use crate::http::kit::desk::{Desk, Shown};
use crate::http::kit::page::{Action, Block, Page};
use crate::http::kit::table::Table;
use crate::http::kit::texts::Texts;

const HOME: &str = "/account/sessions";

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(HOME).route(web::get().to(list)))
        .service(web::resource("/account/sessions/end-others").route(web::post().to(end_others)))
        .service(web::resource("/account/sessions/{sid}/end").route(web::post().to(end)));
}

fn row(texts: Texts, session: LoginSession, own: Option<&str>) -> Vec<Cell> {
    let what = if own == Some(session.sid.as_str()) {
        Cell::Badge(Tone::Good, texts.say("account-session-this"))
    } else {
        Cell::Button(Button {
            action: format!("{HOME}/{}/end", session.sid),
            label: texts.say("account-session-end"),
            fields: Vec::new(),
            id: Some(format!("end-{}", session.sid)),
        })
    };
    vec![
        session.user_agent.as_deref().map_or(Cell::Nothing, |text| Cell::text(agent::describe(text))),
        session.address.map_or(Cell::Nothing, Cell::code),
        Cell::Time(session.created_at),
        Cell::Time(session.last_used_at),
        Cell::Time(session.expires_at),
        what,
    ]
}

async fn list(desk: Desk) -> Shown {
    let (texts, query) = (desk.texts, desk.query());
    let page = desk.page_request(|cursor| LoginSessionCursor::parse(cursor).is_some());
    let (guest, found) = desk.read(move |server, visit| sessions::list(server, &Person::of(visit), &page)).await?;
    let several = found.items.len() > 1 || found.next_cursor.is_some();
    let own = guest.visit.sid.as_deref();
    let columns = [
        "account-session-browser",
        "account-session-address",
        "account-session-began",
        "column-last-used",
        "account-session-ends",
        "account-session-action",
    ];
    let next = found.next_cursor.clone();
    let table = Table::new(texts.say("nav-own-sessions"), columns.map(|key| texts.say(key)))
        .rows(found.items.into_iter().map(|session| row(texts, session, own)))
        .empty(texts.say("account-sessions-empty"))
        .pages(HOME, &query, next.as_deref());
    let page = Page::new(HOME, texts.say("nav-own-sessions")).lead(texts.say("account-sessions-lead")).table(table);
    let everywhere_else = Action::Do(Button {
        action: format!("{HOME}/end-others"),
        label: texts.say("account-sessions-end-others"),
        fields: Vec::new(),
        id: Some("end-others".to_owned()),
    });
    desk.page(&guest, if several { page.block(Block::Actions(vec![everywhere_else])) } else { page })
}

async fn end(desk: Desk, payload: web::Payload, sid: web::Path<String>) -> Shown {
    let sid = sid.into_inner();
    let sent = desk.submit(payload, move |server, visit, _| sessions::end(server, &Person::of(visit), &sid)).await?;
    match sent.result {
        Ok(()) => desk.done(HOME, "account-session-ended"),
        Err(error) => Ok(desk.error(Some(&sent.guest), &error)),
    }
}

async fn end_others(desk: Desk, payload: web::Payload) -> Shown {
    let sent = desk.submit(payload, |server, visit, _| sessions::end_others(server, &Person::of(visit))).await?;
    match sent.result {
        Ok(_) => desk.done(HOME, "account-sessions-ended"),
        Err(error) => Ok(desk.error(Some(&sent.guest), &error)),
    }
}
