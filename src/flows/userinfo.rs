//! The userinfo endpoint (OpenID Connect Core §5.3): what a client may know of the user whose access token it brings.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::domain::audit_event::Source;
use crate::domain::client::Client;
use crate::domain::credential::is_allowed_address;
use crate::domain::denial::Denial;
use crate::domain::standard_claims;
use crate::flows::error::FlowResult;
use crate::flows::{Server, bearer, credentials, subject, token};
use crate::protocol::claims_request::ClaimsRequest;
use crate::protocol::scope::OPENID;

/// The claims, as the client is registered to get them.
pub enum UserInfo {
    /// As JSON.
    Json(Map<String, Value>),
    /// As a signed JWT (§5.3.2).
    Signed(String),
}

/// Answers for this access token. Any that carries `openid` is good here, whatever its audience: the scope is granted for
/// this endpoint and for nothing else.
pub fn answer(server: &Server, token: Option<Zeroizing<String>>, source: &Source) -> FlowResult<UserInfo> {
    let token = token.ok_or(Denial::BearerMissing)?;
    let claims = bearer::verify(server, &token)?.ok_or(Denial::BearerInvalid)?;
    let now = server.clock.now();
    let found = server.store.read(|connection| bearer::check_live(connection, claims, now))?;
    let known = found.ok_or(Denial::BearerInvalid)?;
    let person = known.user.clone().filter(|_| known.personal.is_some());
    let (client, given) = (known.client.clone(), known.grant.clone().zip(known.user.clone()));
    // What the client has lost since, the token has lost.
    let scope = credentials::of_token(server, known, None).scope;
    if !scope.contains(OPENID) {
        return Err(Denial::BearerScopeMissing(OPENID).into());
    }
    if let Some(user) = person {
        // Nobody stands between a person and their own token: no registration bounds it.
        let mut told = standard_claims::select(&user, Some(&scope), std::iter::empty(), &scope);
        told.insert("sub".to_owned(), user.id.0.into());
        return Ok(UserInfo::Json(told));
    }
    // A token that was exchanged for an access key has the scope and no grant: nobody signed in.
    let (Some(client), Some((grant, user))) = (client, given) else { return Err(Denial::BearerInvalid.into()) };
    if !is_allowed_address(&client.allowed_addresses, source.address) {
        return Err(Denial::AddressNotAllowed.into());
    }
    let asked = ClaimsRequest::from_stored(grant.claims.as_deref());
    let mut told = standard_claims::select(&user, Some(&scope), asked.for_userinfo(), &client.scope);
    // §5.3.2: always, and the one of the ID token.
    told.insert("sub".to_owned(), subject::of(server, &client, &user.id).into());
    render(server, &client, told)
}

/// §5.3.2: a signed answer names its issuer and its audience.
fn render(server: &Server, client: &Client, mut told: Map<String, Value>) -> FlowResult<UserInfo> {
    let Some(alg) = client.metadata.userinfo_signed_response_alg else { return Ok(UserInfo::Json(told)) };
    told.insert("iss".to_owned(), server.config.server.issuer.clone().into());
    told.insert("aud".to_owned(), client.client_id.0.clone().into());
    Ok(UserInfo::Signed(token::sign_for_client(server, alg, &told)?))
}
