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

use actix_web::{HttpRequest, web};

use crate::domain::audit_event::Source;
use crate::flows::Server;
use crate::flows::error::FlowResult;
use crate::flows::limits::Door;
use crate::http::edge::Edge;
use crate::http::run::{run, run_waiting};
use crate::http::{extract, limits};
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::params::Params;

/// A form that a client sends, with its credentials.
struct ClientForm {
    params: Params,
    credentials: Result<PresentedCredentials, CredentialsError>,
    source: Source,
}

/// Reads such a form, once the limit of the door is asked where there is one, and runs the use case that it is for.
async fn run_for_client<T: Send + 'static>(
    (request, payload): (&HttpRequest, web::Payload),
    (server, edge): (&web::Data<Server>, &web::Data<Edge>),
    door: Option<Door>,
    flow: impl FnOnce(&Server, ClientForm) -> FlowResult<T> + Send + 'static,
) -> FlowResult<T> {
    if let Some(door) = door {
        limits::check(request, server, edge, door).await?;
    }
    let params = extract::form(request, payload).await?;
    let credentials = extract::credentials(request, &params);
    let form = ClientForm { credentials, source: extract::source(request, edge), params };
    let waits = waits(&form.params);
    let flow = move |server: &Server| flow(server, form);
    if waits { run_waiting(server, flow).await } else { run(server, flow).await }
}

/// May it have to wait? RFC 6749 §4.3 is the one grant that hashes; and whoever sends an assertion, or what might be one, may
/// have keys that have to be read from elsewhere first.
fn waits(params: &Params) -> bool {
    !matches!(params.optional("client_assertion"), Ok(None))
        || matches!(params.optional("grant_type"), Ok(Some("password")))
}
