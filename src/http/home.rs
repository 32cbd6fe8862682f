//! `/`, and addresses where nothing is. A browser gets a page that leads on, everybody else what machines read.

use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::edge;
use crate::http::kit::cell::Tone;
use crate::http::kit::desk::Desk;
use crate::http::kit::page::{Action, Block, Page};

/// Does somebody ask who reads pages?
fn is_browser(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// The ways in, as far as they are open.
fn ways_in(desk: &Desk) -> Block {
    let ways = [(desk.edge.account, "/account", "home-account"), (desk.edge.console, "/console", "home-console")];
    let open = ways.into_iter().filter(|(is_open, ..)| *is_open);
    Block::Actions(open.map(|(_, path, key)| Action::go(path, desk.texts.say(key))).collect())
}

/// `GET /`: the same for everybody, for it does not ask who they are.
pub async fn show(desk: Desk) -> HttpResponse {
    if !is_browser(&desk.request) {
        return edge::not_found();
    }
    let page = Page::new("", desk.edge.brand.name.clone());
    let is_open = desk.edge.account || desk.edge.console;
    let page = if is_open { page.lead(desk.texts.say("home-lead")).block(ways_in(&desk)) } else { page };
    desk.plain(StatusCode::OK, &page)
}

/// Whatever no route takes.
pub async fn not_found(desk: Desk) -> HttpResponse {
    if !is_browser(&desk.request) {
        return edge::not_found();
    }
    let page = Page::new("", desk.texts.say("not-found-title"))
        .notice(Tone::Warn, desk.texts.say("error-not-found"))
        .block(ways_in(&desk));
    desk.plain(StatusCode::NOT_FOUND, &page)
}
