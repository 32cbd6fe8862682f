//! `/`, and addresses where nothing is. A browser gets a page that leads on, everybody else what machines read.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};

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

/// The page of an address that takes other methods, for those who read pages; None for everybody else.
pub fn other_method(request: &HttpRequest) -> Option<HttpResponse> {
    if !is_browser(request) {
        return None;
    }
    let desk = Desk::from_request(request, &mut Payload::None).into_inner().ok()?;
    let page = Page::new("", desk.texts.say("method-title"))
        .notice(Tone::Warn, desk.texts.say("method-text"))
        .block(ways_in(&desk));
    Some(desk.plain(StatusCode::METHOD_NOT_ALLOWED, &page))
}

/// `GET /console/` and `/account/`: to the address without the end.
pub async fn without_end(desk: Desk) -> HttpResponse {
    desk.go(desk.path().trim_end_matches('/'))
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
