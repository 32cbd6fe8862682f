//! Dynamic client registration (RFC 7591, OpenID Connect Registration 1.0 §3) and its management (RFC 7592).

mod manage;
mod origins;
mod request;
mod response;
mod unused;

pub use manage::{deregister, read, update};
pub use request::invalid_metadata;
pub use unused::remove as remove_unused;

use serde_json::{Map, Value};

use crate::crypto::secret::SecretKind;
use crate::domain::audit_event::{Actor, AuditAction, Source};
use crate::domain::client_metadata::ApplicationType;
use crate::domain::denial::Denial;
use crate::domain::registration::{ClientRegistration, RegistrationMode, RegistrationToken};
use crate::domain::role;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::clients::{self, ClientMembers, PreparedClient};
use crate::flows::error::{FlowError, FlowResult};
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::error_code::ErrorCode;
use crate::protocol::scope::Scope;
use request::{RegistrationRequest, check_redirects};

/// How the write of a registration ended.
enum Written {
    Done,
    TokenSpent,
    Full,
}

/// Registers a client that asks for it itself.
pub fn register(
    server: &Server,
    bearer: Option<&str>,
    said: Map<String, Value>,
    source: Source,
) -> FlowResult<Map<String, Value>> {
    let initial = admit(server, bearer)?;
    let request = RegistrationRequest::read(said)?;
    let scope = grantable(server, request.scope.as_ref(), None)?;
    let caller = caller(Actor::Anonymous, Scope::default(), source);
    let PreparedClient { client, secret, row } =
        clients::prepare(server, &caller, members(server, request.members, scope)?).map_err(as_metadata)?;
    let token = SecretKind::RegistrationAccessToken.generate()?;
    let registration = ClientRegistration {
        client_id: client.client_id.clone(),
        digest: server.keys.digest(SecretKind::RegistrationAccessToken, &token),
        registration_token_id: initial.as_ref().map(|initial| initial.id.clone()),
        created_at: client.created_at,
        used_at: None,
    };
    let event = caller.event(AuditAction::ClientRegistered, "client", client.client_id.as_str());
    let event = match &initial {
        Some(initial) => event.detail(format!("registration_token={}", initial.id)),
        None => event,
    };
    let (stored, now, most) = (client.clone(), server.clock.now(), i64::from(server.config.registration.max_clients));
    let written = server.store.write(move |connection| {
        if connection.count_client_registrations()? >= most {
            return Ok(Written::Full);
        }
        if let Some(initial) = &registration.registration_token_id
            && !connection.consume_registration_token(initial.as_str(), now)?
        {
            return Ok(Written::TokenSpent);
        }
        connection.insert_client(&stored)?;
        row.iter().try_for_each(|row| connection.insert_client_secret(row))?;
        connection.insert_client_registration(&registration)?;
        connection.insert_audit_event(&event, now)?;
        Ok(Written::Done)
    })?;
    match written {
        Written::Done => Ok(response::build(server, &client, &token, secret.as_ref().map(|secret| secret.as_str()))),
        Written::TokenSpent => Err(Denial::BearerInvalid.into()),
        Written::Full => {
            log::warn!("a client is not registered: registration.max_clients have registered themselves");
            Err(Denial::Unreadable(ErrorCode::AccessDenied, "no more clients can register here".to_owned()).into())
        }
    }
}

/// May a client be registered at all, and by which initial access token? The write decides whether that is used up.
fn admit(server: &Server, bearer: Option<&str>) -> FlowResult<Option<RegistrationToken>> {
    match server.config.registration.mode {
        RegistrationMode::Closed => {
            let text = "this server registers no clients by itself: ask its operator";
            Err(Denial::Unreadable(ErrorCode::AccessDenied, text.to_owned()).into())
        }
        RegistrationMode::Open => Ok(None),
        RegistrationMode::InitialAccessToken => {
            let token = bearer.ok_or(Denial::BearerMissing)?;
            if !SecretKind::InitialAccessToken.is_well_formed(token) {
                return Err(Denial::BearerInvalid.into());
            }
            let digest = server.keys.digest(SecretKind::InitialAccessToken, token);
            let found = server.store.read(|connection| connection.find_registration_token(&digest))?;
            Ok(Some(found.ok_or(Denial::BearerInvalid)?))
        }
    }
}

/// Whoever registers or manages a client by its own token: it hands out nothing but what the client has.
fn caller(actor: Actor, held: Scope, source: Source) -> Caller {
    Caller { actor, client_id: None, owner: None, held, projects: Vec::new(), bounds: None, source }
}

/// What is asked for within what the setting allows and the client has. RFC 7591 §2: the server may replace what was asked for.
fn grantable(server: &Server, wanted: Option<&Scope>, had: Option<&Scope>) -> Result<Scope, Denial> {
    let definitions = server.scopes();
    let privileged = |token: &str| {
        role::is_admin_api_scope(token) || definitions.find(token).is_some_and(|definition| definition.privileged)
    };
    let configured = &server.config.registration.scope;
    let has = |token: &str| had.is_some_and(|had| had.contains(token));
    let may = |token: &&str| has(token) || (configured.contains(token) && !privileged(token));
    let Some(wanted) = wanted else {
        let all = had.unwrap_or(configured);
        return Ok(Scope::from_tokens(all.iter().filter(may)));
    };
    let given = Scope::from_tokens(wanted.iter().filter(may));
    if given.is_empty() && !wanted.is_empty() {
        return Err(invalid_metadata("nothing of the scope can be registered here"));
    }
    Ok(given)
}

/// What the server adds to what the client says of itself.
fn members(server: &Server, said: ClientMembers, scope: Scope) -> Result<ClientMembers, Denial> {
    let settings = &server.config.registration;
    let redirect_uris = said.redirect_uris.as_deref().unwrap_or_default();
    let application_type = said.application_type.unwrap_or(ApplicationType::Web);
    check_redirects(application_type, redirect_uris, !server.config.is_https())?;
    let public = said.token_endpoint_auth_method == Some(ClientAuthMethod::None);
    let allowed_origins = origins::of_pages(public, application_type, redirect_uris);
    Ok(ClientMembers {
        allowed_origins: Some(allowed_origins),
        scope: Some(scope),
        // RFC 9700 §2.1.1: always for public clients; for the others nonce or PKCE.
        require_pkce: Some(public || settings.require_pkce),
        assertion_audience: Some(settings.assertion_audience),
        ..said
    })
}

/// RFC 7591 §3.2.2 has two words for what is wrong with a registration; this is the one that is not of redirect URIs.
fn as_metadata(error: FlowError) -> FlowError {
    match error {
        FlowError::Denied(
            Denial::InvalidMember(text) | Denial::PrivilegeEscalation(text) | Denial::MalformedRequest(text),
        ) => invalid_metadata(text).into(),
        other => other,
    }
}
