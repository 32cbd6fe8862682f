//! The one hop from the async threads to where use cases run, in two lanes. The short lane reads, signs and commits: few
//! threads, so that they compute and commit in groups instead of contending. What may wait for a password to be hashed
//! takes the waiting lane: a flood of log-ins fills that one and never holds up a token.

use std::sync::LazyLock;

use actix_web::web;

use crate::flows::Server;
use crate::flows::error::{Failure, FlowResult};

/// Threads of the short lane for each HTTP worker: enough to share a commit, too few to contend.
pub const THREADS_PER_WORKER: usize = 4;
/// Threads of the waiting lane; nearly all of them wait, for `passwords.queue` bounds what is hashed.
const WAITING_THREADS: usize = 256;

static WAITING_LANE: LazyLock<std::io::Result<tokio::runtime::Runtime>> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.thread_name("waiting").max_blocking_threads(WAITING_THREADS).build()
});

/// Runs a use case in the short lane.
pub async fn run<T: Send + 'static>(
    server: &web::Data<Server>,
    flow: impl FnOnce(&Server) -> FlowResult<T> + Send + 'static,
) -> FlowResult<T> {
    let server = server.clone();
    web::block(move || flow(&server)).await.unwrap_or_else(|_| cut_off())
}

/// Runs a use case that may hash a password, in the waiting lane.
pub async fn run_waiting<T: Send + 'static>(
    server: &web::Data<Server>,
    flow: impl FnOnce(&Server) -> FlowResult<T> + Send + 'static,
) -> FlowResult<T> {
    let server = server.clone();
    match &*WAITING_LANE {
        Ok(lane) => lane.spawn_blocking(move || flow(&server)).await.unwrap_or_else(|_| cut_off()),
        Err(error) => Err(Failure::Internal(format!("the waiting lane could not start: {error}")).into()),
    }
}

fn cut_off<T>() -> FlowResult<T> {
    Err(Failure::Internal("a use case was cut off".to_owned()).into())
}
