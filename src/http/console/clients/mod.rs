//! `/console/clients`: registered clients, from the first question to the last revocation.

mod delete;
mod edit;
mod list;
mod secrets;
mod show;
mod snippet;
mod trial;
mod wizard;

use actix_web::web;

use crate::domain::client::{Client, Status};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::clients;
use crate::flows::error::FlowResult;
use crate::http::console::standing::{self, Kind, Standing};
use crate::http::kit::page::Page;
use crate::http::kit::texts::Texts;

const HOME: &str = "/console/clients";
/// The scope that changes them.
const WRITE: &str = "clients:write";

/// Clients, as they are disabled and revoked.
struct Clients;

impl Kind for Clients {
    const HOME: &'static str = HOME;
    const HEADING: &'static str = "nav-clients";
    const WRITE: &'static str = WRITE;
    const DISABLE: &'static str = "clients-disable-text";
    const REVOKE: Option<&'static str> = Some("clients-revoke-text");

    fn show(server: &Server, caller: &Caller, id: &str) -> FlowResult<Standing> {
        let client = clients::show(server, caller, id)?;
        Ok(Standing { id: client.client_id.0, name: client.client_name })
    }

    fn set(server: &Server, caller: &Caller, id: &str, to: Status) -> FlowResult<()> {
        clients::set_status(server, caller, id, to).map(drop)
    }
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |action: &str| web::resource(format!("{HOME}/{{id}}{action}"));
    config
        .service(web::resource(HOME).route(web::get().to(list::list)))
        .service(web::resource("/console/clients/new").route(web::get().to(wizard::choose)))
        .service(
            web::resource("/console/clients/new/{kind}")
                .route(web::get().to(wizard::ask))
                .route(web::post().to(wizard::create)),
        )
        .service(at("").route(web::get().to(show::show)))
        .service(at("/edit").route(web::get().to(edit::ask)).route(web::post().to(edit::update)))
        .service(at("/delete").route(web::get().to(delete::ask)).route(web::post().to(delete::delete)))
        .service(at("/rotate").route(web::get().to(secrets::ask)).route(web::post().to(secrets::rotate)))
        .service(at("/finish").route(web::post().to(secrets::finish)))
        .service(at("/try").route(web::get().to(trial::show)).route(web::post().to(trial::begin)))
        .configure(standing::routes::<Clients>);
}

/// A page below the list.
fn home(texts: Texts, title: &str) -> Page {
    Page::new(HOME, texts.say(title)).below(HOME, texts.say("nav-clients"))
}

/// A page below that of a client.
fn below(texts: Texts, client: &Client, title: &str) -> Page {
    home(texts, title).below(path(client), client.client_name.clone())
}

fn path(client: &Client) -> String {
    format!("{HOME}/{}", client.client_id)
}
