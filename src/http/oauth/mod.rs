//! The OAuth endpoints.

pub mod authorize;
pub mod device_authorization;
pub mod forms;
pub mod introspect;
pub mod jwks;
pub mod metadata;
pub mod par;
pub mod register;
pub mod resource_metadata;
pub mod revoke;
pub mod token;
pub mod userinfo;

use actix_web::web;

use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::http::run::{run, run_waiting};
use crate::protocol::params::Params;

/// Runs a use case at whose beginning a client authenticates. Whoever sends an assertion may have keys that have to be read
/// from elsewhere first: such a request must not wait in the short lane.
async fn run_for_client<T: Send + 'static>(
    server: &web::Data<Server>,
    sends_assertion: bool,
    flow: impl FnOnce(&Server) -> FlowResult<T> + Send + 'static,
) -> FlowResult<T> {
    if sends_assertion { run_waiting(server, flow).await } else { run(server, flow).await }
}

/// Does the client send an assertion, or what might be one?
fn sends_assertion(params: &Params) -> bool {
    !matches!(params.optional("client_assertion"), Ok(None))
}
