//! The pages of people for themselves, at `/account`. They share the session of the console.

use actix_web::web;

use crate::http::edge::Edge;

/// The routes of the account pages.
pub fn routes(config: &mut web::ServiceConfig, edge: &Edge) {
    if !edge.account {
        return;
    }
    let _ = config;
}
