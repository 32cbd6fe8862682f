//! Access tokens that people make for themselves, for a script or a tool: signed as every access token (RFC 9068), with a
//! row by which they end at once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::crypto::random;
use crate::domain::audit_event::{AuditAction, NewAuditEvent};
use crate::domain::denial::Denial;
use crate::domain::ids::{PersonalTokenId, UserId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::personal_token::PersonalToken;
use crate::domain::project::check_texts;
use crate::domain::text::span;
use crate::flows::account::{Carrier, Person, grantable};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::token::{self, Authority, Draft};
use crate::flows::{Server, access_keys, environments};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// Most live ones of one person.
const MOST: i64 = 100;

/// A token to make.
#[derive(Debug, Clone, Default)]
pub struct NewPersonalToken {
    /// For people.
    pub name: String,
    /// What it may do: nothing that its person may not do.
    pub scopes: Vec<String>,
    /// In how many seconds it ends.
    pub expires_in: u64,
}

/// A token with its text, shown this once. No `Debug`.
pub struct PersonalTokenWithText {
    /// The row.
    pub token: PersonalToken,
    /// The JWT.
    pub text: String,
}

/// A token with when it was last used.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PersonalTokenInUse {
    /// The token.
    #[serde(flatten)]
    pub token: PersonalToken,
    /// Some seconds late; None where it never was.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The longest time that a token may live.
pub fn max_lifetime(server: &Server) -> Duration {
    server.config.tokens.access_token_max_lifetime
}

/// May people make such tokens here?
pub fn are_allowed(server: &Server) -> bool {
    server.config.account.personal_tokens
}

/// Refuses where people may make none.
pub fn check_allowed(server: &Server) -> FlowResult<()> {
    if are_allowed(server) { Ok(()) } else { Err(Denial::NotFound("page").into()) }
}

/// Makes a token.
pub fn create(server: &Server, person: &Person, new: NewPersonalToken) -> FlowResult<PersonalTokenWithText> {
    check_allowed(server)?;
    let authority = check(server, person, &new)?;
    let lifetime = i64::try_from(new.expires_in).unwrap_or(i64::MAX);
    let now = server.clock.now();
    let id = PersonalTokenId(format!("pt_{}", random::id(now)?.replace('-', "")));
    let environment = server.config.server.default_environment.clone();
    let draft = Draft {
        sub: person.id(),
        client_id: id.0.clone(),
        environment: environment.clone(),
        lifetime,
        auth_time: None,
        roles: Some(person.user.roles.clone()),
        grant_id: None,
        access_key_id: None,
        personal_token_id: Some(id.0.clone()),
        workflow_id: None,
        workflow_authorized_at: None,
        projects: None,
    };
    let minted = token::sign(server, draft, &authority)?;
    let token = PersonalToken {
        id,
        user_id: person.user.id.clone(),
        name: new.name,
        jti: minted.jti,
        environment,
        scope: authority.scope,
        resources: authority.resources,
        created_at: now,
        // What the token says: in seconds.
        expires_at: DateTime::from_timestamp(now.timestamp() + lifetime, 0).unwrap_or(now),
        revoked_at: None,
    };
    let event = person.event(AuditAction::PersonalTokenCreated, "personal_token", token.id.as_str());
    let event = event.detail(token.scope.to_string());
    let (row, sid) = (token.clone(), person.sid.clone());
    let made = server.store.write(move |connection| {
        // What ends all that is open, as a new password does, waits for this or is seen here: the row of the user is held.
        let is_active = connection.confirm_active_user(row.user_id.as_str())?;
        let has_ended = match &sid {
            Some(sid) => connection.find_login_session_by_sid(sid)?.is_none(),
            None => false,
        };
        if !is_active || has_ended {
            return Ok(Made::SignedOut);
        }
        if connection.count_personal_tokens(row.user_id.as_str(), now)? >= MOST {
            return Ok(Made::TooMany);
        }
        connection.insert_personal_token(&row)?;
        connection.insert_audit_event(&event, now)?;
        Ok(Made::Stored)
    })?;
    match made {
        Made::Stored => Ok(PersonalTokenWithText { token, text: minted.access_token }),
        Made::TooMany => Err(Denial::Conflict(format!("you have {MOST} personal tokens: revoke one first")).into()),
        Made::SignedOut => Err(Denial::LoginRequired.into()),
    }
}

/// What became of a new token.
enum Made {
    Stored,
    TooMany,
    SignedOut,
}

fn check(server: &Server, person: &Person, new: &NewPersonalToken) -> FlowResult<Authority> {
    let refuse = |text: String| Err(FlowError::from(Denial::InvalidMember(text)));
    check_texts(&new.name, "").map_err(|text| Denial::InvalidMember(text.to_owned()))?;
    let most = max_lifetime(server);
    if new.expires_in == 0 || new.expires_in > most.as_secs() {
        return refuse(format!("a personal token must end within {}", span(most)));
    }
    let scope = access_keys::scope_of(&new.scopes)?;
    if scope.is_empty() {
        return refuse("choose at least one scope".to_owned());
    }
    let own = grantable(server, &person.user, Carrier::PersonalToken);
    if let Some(beyond) = scope.iter().find(|token| !own.contains(token)) {
        return Err(Denial::PrivilegeEscalation(format!("you cannot hand out {beyond}: you do not hold it")).into());
    }
    let resources = audience(server, &scope)?;
    Ok(Authority { scope, resources })
}

/// The audiences of the scopes; those that belong to none are for the first of the environment (RFC 9068 §3).
fn audience(server: &Server, scope: &Scope) -> FlowResult<Vec<Resource>> {
    let environment = environments::find(server, &server.config.server.default_environment)?;
    let definitions = server.scopes();
    let mut resources: Vec<Resource> = Vec::new();
    for token in scope.iter() {
        let named = definitions.find(token).and_then(|definition| definition.resource.clone());
        let resource = named.or_else(|| environment.resources.first().cloned());
        resources.extend(resource.filter(|resource| !resources.contains(resource)));
    }
    // RFC 9068 §5: whoever receives such a token could use it here as an administrator.
    if resources.len() > 1 && resources.contains(&server.admin_resource) {
        return Err(Denial::AdminResourceShared.into());
    }
    environments::check_resources(server, environment, &resources)?;
    Ok(resources)
}

/// A page of the tokens that are of use, the newest first.
pub fn list(server: &Server, person: &Person, page: &PageRequest) -> FlowResult<Page<PersonalTokenInUse>> {
    list_of(server, person.user.id.as_str(), page)
}

/// The same of a user.
pub(in crate::flows) fn list_of(
    server: &Server,
    user_id: &str,
    page: &PageRequest,
) -> FlowResult<Page<PersonalTokenInUse>> {
    let now = server.clock.now();
    Ok(server.store.read(|connection| {
        let Page { items, next_cursor } = connection.list_personal_tokens(user_id, page, now)?;
        let mut in_use = Vec::new();
        for token in items {
            let used = connection.list_secret_uses(token.id.as_str())?;
            in_use.push(PersonalTokenInUse { last_used_at: used.first().map(|used| used.last_used_at), token });
        }
        Ok(Page { items: in_use, next_cursor })
    })?)
}

/// One of the own tokens.
pub fn show(server: &Server, person: &Person, id: &str) -> FlowResult<PersonalToken> {
    find_of(server, &person.user.id, id)
}

/// One of the tokens of a user.
pub(in crate::flows) fn find_of(server: &Server, user_id: &UserId, id: &str) -> FlowResult<PersonalToken> {
    let found = server.store.read(|connection| connection.find_personal_token(id))?;
    let own = found.map(|(token, _)| token).filter(|token| token.user_id == *user_id);
    own.ok_or(FlowError::Denied(Denial::NotFound("personal token")))
}

/// Revokes a token: from now on every door that asks refuses it.
pub fn revoke(server: &Server, person: &Person, id: &str) -> FlowResult<()> {
    let token = show(server, person, id)?;
    end(server, token, person.event(AuditAction::PersonalTokenRevoked, "personal_token", id))
}

/// The same for whoever may, with this event.
pub(in crate::flows) fn end(server: &Server, token: PersonalToken, event: NewAuditEvent) -> FlowResult<()> {
    let now = server.clock.now();
    let done = server.store.write(move |connection| {
        let done = connection.revoke_personal_token(&token, now)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if done { Ok(()) } else { Err(Denial::Conflict("the personal token is revoked already".to_owned()).into()) }
}
