//! The console for operators, at `/console`: every page asks the same use cases as the admin API, as a caller who holds what
//! the grant and the roles of whoever is signed in hold together.

mod clients;
mod environments;
mod fields;
mod listing;
mod overview;
mod projects;
mod scopes;
mod service_accounts;
mod session;
mod standing;
mod users;
mod workflows;

use actix_web::web;

use crate::http::edge::Edge;

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
        .configure(projects::routes)
        .configure(clients::routes)
        .configure(users::routes)
        .configure(service_accounts::routes)
        .configure(scopes::routes)
        .configure(environments::routes)
        .configure(workflows::routes);
}
