//! The credentials that somebody may mean: by identifier, by what is shown of a secret, or by the secret itself.

use crate::crypto::jwt::Verification;
use crate::domain::access_key::{AccessKeySecret, Owner};
use crate::domain::client::{Client, Status};
use crate::domain::credential::Credential;
use crate::domain::denial::Denial;
use crate::domain::personal_token::PersonalToken;
use crate::domain::user::User;
use crate::flows::bearer::{self, KnownToken};
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::explain::Named;
use crate::flows::explain::facts::Facts;
use crate::flows::{Server, access_keys, credentials};
use crate::protocol::scope::Scope;
use crate::store::PresentedAccessKey;

/// Most credentials that are shown for what is shown of a secret.
const MOST: i64 = 10;
/// Fewest characters of what is shown of a secret.
const FEWEST: usize = 6;

/// A credential with all that its verdict is made of.
pub(super) enum Found {
    Key(Box<PresentedAccessKey>, Option<AccessKeySecret>),
    Client(Box<Client>),
    Token(Box<KnownToken>),
    Personal(Box<(PersonalToken, User)>),
}

impl Found {
    /// The statuses that make up the one that is judged.
    pub(super) fn standing(&self) -> Facts {
        let mut facts = Facts::new();
        let mut note = |what, text: &str| facts.insert(what, text.to_owned());
        match self {
            Self::Key(found, _) => of_key(found, &mut note),
            Self::Client(client) => {
                note("client", client.status.as_str());
            }
            Self::Token(known) => {
                if let Some(client) = &known.client {
                    note("client", client.status.as_str());
                }
                if let Some(user) = &known.user {
                    note("user", user.status.as_str());
                }
                if let Some(grant) = &known.grant {
                    note("grant", if grant.revoked_at.is_some() { "revoked" } else { "active" });
                }
                if let Some(key) = &known.key {
                    of_key(key, &mut note);
                }
                if let Some(personal) = &known.personal {
                    note("personal_token", own_status(personal).as_str());
                }
                note("credential", known.status.as_str());
            }
            Self::Personal(found) => {
                note("personal_token", own_status(&found.0).as_str());
                note("user", found.1.status.as_str());
            }
        }
        facts
    }

    /// What is shown of the secret that was named.
    pub(super) fn masked(&self) -> Option<String> {
        match self {
            Self::Key(_, Some(secret)) => Some(secret.masked.clone()),
            Self::Key(found, None) => Some(found.key.masked.clone()),
            Self::Client(_) | Self::Token(_) | Self::Personal(_) => None,
        }
    }

    /// What it was given, whatever its owner holds now.
    pub(super) fn own_scope(&self) -> Option<Scope> {
        match self {
            Self::Key(found, _) => Some(found.key.scope.clone()),
            Self::Client(client) => Some(client.scope.clone()),
            Self::Token(known) => Scope::parse(&known.claims.scope).ok(),
            Self::Personal(found) => Some(found.0.scope.clone()),
        }
    }

    pub(super) fn into_credential(self, server: &Server) -> Credential {
        match self {
            Self::Key(found, secret) => credentials::of_access_key(server, &found, secret.as_ref()),
            Self::Client(client) => credentials::of_client(server, &client),
            Self::Token(known) => credentials::of_token(server, *known, None),
            Self::Personal(found) => {
                let (token, user) = *found;
                let revoked = own_status(&token) == Status::Revoked;
                let status = if revoked { Status::Revoked } else { user.status };
                credentials::of_personal_token(server, &token, (Some(&user), &token.scope), status)
            }
        }
    }
}

fn own_status(token: &PersonalToken) -> Status {
    if token.revoked_at.is_some() { Status::Revoked } else { Status::Active }
}

fn of_key(found: &PresentedAccessKey, note: &mut impl FnMut(&'static str, &str) -> Option<String>) {
    note("access_key", found.key.status.as_str());
    if let Some(owner) = &found.key.owner {
        let status = found.user.as_ref().map(|user| user.status);
        let status = status.or(found.service_account.as_ref().map(|account| account.status));
        let status = status.or(found.client.as_ref().map(|client| client.status));
        let name = match owner {
            Owner::User(_) => "user",
            Owner::ServiceAccount(_) => "service_account",
            Owner::Client(_) => "client",
        };
        note(name, status.map_or("unknown", |status| status.as_str()));
    }
}

/// The credentials that may be meant, as far as the caller may see them; none where there is none.
pub(super) fn find(server: &Server, caller: &Caller, named: Named) -> FlowResult<Vec<Found>> {
    match named {
        Named::Secret(text) => by_secret(server, caller, &text),
        // What stands in an address is logged on its way.
        Named::Id(text) if server.environment_of_key(&text).is_some() => Err(Denial::MalformedRequest(
            "this is the secret itself: send it as `credential` in the body of a POST, and replace it if it was in an address".to_owned(),
        )
        .into()),
        Named::Id(text) => by_id(server, caller, text.trim()),
    }
}

fn by_id(server: &Server, caller: &Caller, text: &str) -> FlowResult<Vec<Found>> {
    let shown = text.replace('\u{2026}', "...");
    if text.starts_with("ak_") {
        return key(server, caller, text);
    }
    if text.starts_with("pt_") {
        caller.require("users:read")?;
        let found = server.store.read(|connection| connection.find_personal_token(text))?;
        return Ok(found.map(|found| Found::Personal(Box::new(found))).into_iter().collect());
    }
    if !shown.contains("...") {
        match caller.require("clients:read") {
            Ok(()) => {
                let client = server.store.read(|connection| connection.find_client(text))?;
                if let Some(client) = client {
                    return Ok(vec![Found::Client(Box::new(client))]);
                }
            }
            // Whoever may see neither is told so.
            Err(denial) => {
                if access_keys::show(server, caller, "ak_").is_err_and(|error| !is_not_found(&error)) {
                    return Err(denial.into());
                }
            }
        }
    }
    if shown.chars().count() < FEWEST {
        return Ok(Vec::new());
    }
    let digests = server.store.read(|connection| connection.find_access_key_digests_shown_as(&shown, MOST))?;
    let mut found = Vec::new();
    for digest in digests {
        found.extend(key_of_digest(server, caller, &digest)?);
    }
    Ok(found)
}

fn by_secret(server: &Server, caller: &Caller, text: &str) -> FlowResult<Vec<Found>> {
    if server.environment_of_key(text).is_some() {
        let digest = server.keys.digest_access_key(text);
        return Ok(key_of_digest(server, caller, &digest)?.into_iter().collect());
    }
    if !text.contains('.') || text.contains("...") {
        return by_id(server, caller, text);
    }
    let (Verification::Valid(claims) | Verification::Expired(claims)) = bearer::verify_any(server, text)? else {
        return by_id(server, caller, text);
    };
    caller.require("clients:read")?;
    let now = server.clock.now();
    let known = server.store.read(|connection| bearer::look_up(connection, *claims, now))?;
    Ok(known.map(|known| Found::Token(Box::new(known))).into_iter().collect())
}

fn key(server: &Server, caller: &Caller, id: &str) -> FlowResult<Vec<Found>> {
    if is_hidden(server, caller, id)? {
        return Ok(Vec::new());
    }
    let found = server.store.read(|connection| connection.find_access_key_with_owner(id))?;
    Ok(found.map(|found| Found::Key(Box::new(found), None)).into_iter().collect())
}

fn key_of_digest(server: &Server, caller: &Caller, digest: &[u8]) -> FlowResult<Option<Found>> {
    let found = server.store.read(|connection| connection.find_presented_access_key(digest))?;
    match found {
        Some((found, secret)) if !is_hidden(server, caller, found.key.id.as_str())? => {
            Ok(Some(Found::Key(Box::new(found), Some(secret))))
        }
        _ => Ok(None),
    }
}

/// Is this key none of the caller's affair, or none at all?
fn is_hidden(server: &Server, caller: &Caller, id: &str) -> FlowResult<bool> {
    match access_keys::show(server, caller, id) {
        Ok(_) => Ok(false),
        Err(error) if is_not_found(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &FlowError) -> bool {
    matches!(error, FlowError::Denied(Denial::NotFound(_)))
}
