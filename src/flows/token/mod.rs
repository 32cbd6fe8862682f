//! The token endpoint (RFC 6749 §3.2): authenticate the client, check that it may use the grant, decide, mint.

mod authority;
mod authorization_code;
mod client_credentials;
mod device_code;
mod exchange;
mod first_use;
mod id_token;
mod mint;
mod password;
mod refresh_token;
mod workflow;

pub use authority::{Authority, Wanted, decide, describe};
pub use id_token::sign as sign_for_client;
pub use mint::grant_expiry;

use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::error::FlowResult;
use crate::flows::{Server, client_auth};
use crate::protocol::credentials::{CredentialsError, PresentedCredentials};
use crate::protocol::grant_type::GrantType;
use crate::protocol::params::Params;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;
use crate::protocol::token_request::{Grant, TokenRequest};
use crate::protocol::token_response::TokenResponse;

/// An authenticated client's request, less its grant.
struct Asked {
    client: Client,
    scope: Option<Scope>,
    resources: Vec<Resource>,
    source: Source,
}

/// Exchanges a grant for tokens. `origin` is the `Origin` header of the request, as it came.
pub fn exchange(
    server: &Server,
    params: &Params,
    presented: Result<PresentedCredentials, CredentialsError>,
    source: Source,
    origin: Option<&str>,
) -> FlowResult<TokenResponse> {
    let request =
        TokenRequest::read(params).map_err(|error| Denial::Unreadable(error.error_code, error.description))?;
    if let Grant::Workflow { workflow_id } = &request.grant {
        // No secret takes part, so there is no client to authenticate.
        let presented = presented.map_err(client_auth::unusable)?;
        let claimed = workflow::Claimed { presented, workflow_id, origin, source };
        let response = workflow::redeem(server, claimed, request.scope, request.resources)?;
        server.metrics.token_issued(request.grant.grant_type().as_str());
        return Ok(response);
    }
    let grant_type = request.grant.grant_type();
    let client = match presented {
        // An access key proves itself: RFC 8693 §2.1 leaves it to the server whether a client must do so too.
        Err(CredentialsError::Absent) if grant_type == GrantType::TokenExchange => None,
        presented => Some(client_auth::authenticate(server, presented, &source)?),
    };
    let TokenRequest { grant, scope, resources } = request;
    let response = match client {
        None => {
            redeem_alone(server, grant, &exchange::Wanted { scope: scope.as_ref(), resources: &resources }, &source)
        }
        Some(client) => {
            client.check_grant(grant_type)?;
            redeem(server, Asked { client, scope, resources, source }, grant)
        }
    }?;
    server.metrics.token_issued(grant_type.as_str());
    Ok(response)
}

/// Redeems what an authenticated client presents.
fn redeem(server: &Server, asked: Asked, grant: Grant) -> FlowResult<TokenResponse> {
    match grant {
        Grant::AuthorizationCode { code, redirect_uri, code_verifier } => {
            let presented = authorization_code::Presented { code, redirect_uri, code_verifier };
            authorization_code::redeem(server, &asked, presented)
        }
        Grant::RefreshToken { refresh_token } => refresh_token::redeem(server, &asked, &refresh_token),
        Grant::Password { username, password } => password::redeem(server, asked, username, password),
        Grant::DeviceCode { device_code } => device_code::redeem(server, &asked, &device_code),
        Grant::ClientCredentials => client_credentials::redeem(server, &asked),
        // Redeemed before, for no client authenticates itself.
        Grant::Workflow { .. } => Err(Denial::GrantNotRegistered.into()),
        Grant::TokenExchange { subject_token, subject_token_type } => {
            let wanted = exchange::Wanted { scope: asked.scope.as_ref(), resources: &asked.resources };
            let subject = exchange::SubjectToken { token: subject_token, token_type: subject_token_type };
            exchange::redeem(server, Some(&asked.client), subject, &wanted, &asked.source)
        }
    }
}

/// Redeems what needs no client beside it.
fn redeem_alone(
    server: &Server,
    grant: Grant,
    wanted: &exchange::Wanted<'_>,
    source: &Source,
) -> FlowResult<TokenResponse> {
    match grant {
        Grant::TokenExchange { subject_token, subject_token_type } => {
            let subject = exchange::SubjectToken { token: subject_token, token_type: subject_token_type };
            exchange::redeem(server, None, subject, wanted, source)
        }
        _ => Err(Denial::ClientAuthFailed.into()),
    }
}

/// The event of an issued token, where each one is to be audited.
fn issued(server: &Server, asked: &Asked, actor: Actor, minted: &mint::Minted) -> Option<NewAuditEvent> {
    server.config.audit.token_issuance.then(|| {
        NewAuditEvent::success(AuditAction::TokenIssued, actor, asked.source.clone())
            .on("access_token", &minted.jti)
            .through(asked.client.client_id.as_str())
    })
}
