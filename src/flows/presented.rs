//! What is presented at a door, and finding the credential behind it.

use zeroize::Zeroizing;

use crate::crypto::jwt::Verification;
use crate::domain::audit_event::Source;
use crate::domain::credential::Credential;
use crate::domain::denial::Denial;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::verdict::Question;
use crate::flows::{Server, bearer, client_auth, credentials};
use crate::protocol::claims::AccessTokenClaims;

/// What was presented. No `Debug`: it is secret.
pub enum Presented {
    /// An access key or an access token; its form tells which.
    Bearer(Zeroizing<String>),
    /// A client's identifier and secret.
    Client(String, Zeroizing<String>),
}

/// What was found behind what was presented.
pub enum Found {
    /// There is no such credential.
    Nothing,
    /// It is of another environment than the caller's, by its form or by our signature alone.
    Elsewhere,
    /// The credential, good or not.
    Known(Box<Credential>),
}

/// The same as [`find`] for a caller of this environment: what names another one is not looked up, so that nothing can be
/// told of whether it exists.
pub fn find_in(server: &Server, presented: &Presented, question: &Question, own: &str) -> FlowResult<Found> {
    let Presented::Bearer(text) = presented else { return Ok(known(find(server, presented, question)?)) };
    if let Some(named) = server.environment_of_key(text) {
        return Ok(if named.name == own { known(find(server, presented, question)?) } else { Found::Elsewhere });
    }
    match bearer::verify_any(server, text)? {
        Verification::Valid(claims) | Verification::Expired(claims) if claims.env != own => Ok(Found::Elsewhere),
        Verification::Valid(claims) | Verification::Expired(claims) => Ok(known(find_token(server, *claims)?)),
        Verification::Invalid | Verification::UnknownKey => Ok(Found::Nothing),
    }
}

fn known(found: Option<Credential>) -> Found {
    found.map_or(Found::Nothing, |credential| Found::Known(Box::new(credential)))
}

fn find_token(server: &Server, claims: AccessTokenClaims) -> FlowResult<Option<Credential>> {
    let now = server.clock.now();
    let known = server.store.read(|connection| bearer::look_up(connection, claims, now))?;
    Ok(known.map(|known| credentials::of_token(server, known, None)))
}

/// The credential behind what was presented, good or not; None when there is none.
pub fn find(server: &Server, presented: &Presented, question: &Question) -> FlowResult<Option<Credential>> {
    match presented {
        Presented::Client(client_id, secret) => {
            let (address, hiding_proxy) = (question.address, question.hiding_proxy);
            let source = Source { address, hiding_proxy, ..Source::default() };
            let proven = match client_auth::recognise(server, client_id, secret, &source) {
                // Too many wrong guesses: this one is not looked at either, and the door says no more than for those.
                Err(FlowError::Denied(Denial::LoginThrottled(_))) => None,
                proven => proven?,
            };
            Ok(proven.map(|(client, used)| {
                let ending = used.expires_at;
                Credential {
                    secret_id: Some(used.id.0),
                    rotating_until: ending,
                    expires_at: ending,
                    ..credentials::of_client(server, &client)
                }
            }))
        }
        Presented::Bearer(secret) if server.environment_of_key(secret).is_some() => {
            let digest = server.keys.digest_access_key(secret);
            let found = server.store.read(|connection| connection.find_presented_access_key(&digest))?;
            Ok(found.map(|(found, secret)| credentials::of_access_key(server, &found, Some(&secret))))
        }
        Presented::Bearer(token) => {
            let (Verification::Valid(claims) | Verification::Expired(claims)) = bearer::verify_any(server, token)?
            else {
                return Ok(None);
            };
            find_token(server, *claims)
        }
    }
}
