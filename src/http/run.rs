//! The one hop from the async threads to the blocking pool, where use cases run.

use actix_web::web;

use crate::flows::Server;
use crate::flows::error::{Failure, FlowResult};

/// Runs a use case on the blocking pool.
pub async fn run<T: Send + 'static>(
    server: &web::Data<Server>,
    flow: impl FnOnce(&Server) -> FlowResult<T> + Send + 'static,
) -> FlowResult<T> {
    let server = server.clone();
    match web::block(move || flow(&server)).await {
        Ok(answer) => answer,
        Err(_) => Err(Failure::Internal("a use case was cut off".to_owned()).into()),
    }
}
