//! The limits per address, before anything else is done with a request.

use actix_web::{HttpRequest, web};

use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::limits::{self, Counted, Door};
use crate::http::edge::Edge;
use crate::http::run::{run, run_waiting};

/// Counts the request; refuses it over the limit. Counters in memory take a microsecond and are asked here; a shared engine
/// is a network away, and asked from the lane that the request will take.
pub async fn check(request: &HttpRequest, server: &web::Data<Server>, edge: &Edge, door: Door) -> FlowResult<()> {
    let known = edge.client_address(request).map(Counted::Client);
    let Some(whom) = known.or_else(|| edge.hiding_proxy(request).map(Counted::HiddenBy)) else { return Ok(()) };
    if !limits::is_counted(&server.config, door, whom) {
        return Ok(());
    }
    let count = move |server: &Server| limits::check_address(server, door, whom);
    match (server.rate_limits.may_wait(), door) {
        (false, _) => count(server),
        (true, Door::Login) => run_waiting(server, count).await,
        (true, Door::Token | Door::Device | Door::Registration | Door::LeakReport) => run(server, count).await,
    }
}
