//! The pages of people for themselves, at `/account`. They share the session of the console.

mod access_keys;
mod apps;
mod password;
mod profile;
mod sessions;
mod tokens;
mod usage;

use actix_web::web;

use crate::http::edge::Edge;
use crate::http::home;
use crate::protocol::params::Params;

/// The routes of the account pages.
pub fn routes(config: &mut web::ServiceConfig, edge: &Edge) {
    if !edge.account {
        return;
    }
    config
        .service(web::resource("/account/").route(web::get().to(home::without_end)))
        .configure(profile::routes)
        .configure(password::routes)
        .configure(sessions::routes)
        .configure(apps::routes)
        .configure(access_keys::routes)
        .configure(tokens::routes)
        .configure(usage::routes);
}

/// What was typed into a line; None where it is empty.
fn some(form: &Params, name: &'static str) -> Option<String> {
    let text = form.optional(name).ok().flatten()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What was typed into several lines, with the line ends of text: forms send those of the network.
fn lines(form: &Params, name: &'static str) -> Option<String> {
    some(form, name).map(|text| text.replace("\r\n", "\n"))
}

/// What was ticked.
fn chosen(form: &Params, name: &str) -> Vec<String> {
    form.all(name).into_iter().map(str::to_owned).collect()
}
