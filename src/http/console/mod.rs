//! The console for operators, at `/console`: every page asks the same use cases as the admin API, as a caller who holds what
//! the grant and the roles of whoever is signed in hold together.

mod access_keys;
mod access_keys_edit;
mod access_keys_form;
mod access_keys_life;
mod access_keys_owner;
mod access_keys_secrets;
mod alerts;
mod audit;
mod clients;
mod environments;
mod explain;
mod fields;
mod listing;
mod overview;
mod projects;
mod scopes;
mod service_accounts;
mod session;
mod sessions;
mod signing_keys;
mod standing;
pub mod usage;
mod users;
mod webhooks;
mod workflows;

use actix_web::web;

use crate::http::edge::Edge;
use crate::http::home;

/// The routes of the console, and of the session that it shares with the account pages.
pub fn routes(config: &mut web::ServiceConfig, edge: &Edge) {
    if edge.console || edge.account {
        config
            .service(web::resource("/console/callback").route(web::get().to(session::arrive)))
            .service(web::resource("/console/sign-out").route(web::post().to(session::leave)))
            .service(web::resource("/console/env-file").route(web::post().to(session::env_file)));
    }
    if !edge.console {
        return;
    }
    config
        .service(web::resource("/console").route(web::get().to(overview::show)))
        .service(web::resource("/console/").route(web::get().to(home::without_end)))
        .configure(access_keys::routes)
        .configure(usage::routes)
        .configure(sessions::routes)
        .configure(projects::routes)
        .configure(audit::routes)
        .configure(explain::routes)
        .configure(alerts::routes)
        .configure(webhooks::routes)
        .configure(signing_keys::routes)
        .configure(clients::routes)
        .configure(users::routes)
        .configure(service_accounts::routes)
        .configure(scopes::routes)
        .configure(environments::routes)
        .configure(workflows::routes);
}
