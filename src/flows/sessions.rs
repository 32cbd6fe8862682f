//! Login sessions, as operators see and end them.

use std::collections::HashMap;

use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::login_session::{LoginSession, LoginSessionFilter};
use crate::domain::page::{Page, PageRequest};
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, session_end, users};

/// A page of the sessions that are live, the one that began last first.
pub fn list(
    server: &Server,
    caller: &Caller,
    filter: &LoginSessionFilter,
    page: &PageRequest,
) -> FlowResult<Page<LoginSession>> {
    caller.require("users:read")?;
    let now = server.clock.now();
    Ok(server.store.read(|connection| connection.list_login_sessions(filter, page, now))?)
}

/// The sessions of one user, who is there.
pub fn list_of_user(
    server: &Server,
    caller: &Caller,
    id_or_name: &str,
    page: &PageRequest,
) -> FlowResult<Page<LoginSession>> {
    let user = users::show(server, caller, id_or_name)?;
    list(server, caller, &LoginSessionFilter { user_id: Some(user.id) }, page)
}

/// The same with the names of their users; of one user, by id or name, where one is named. Of nobody there are none.
pub fn list_named(
    server: &Server,
    caller: &Caller,
    id_or_name: &str,
    page: &PageRequest,
) -> FlowResult<Page<(LoginSession, String)>> {
    caller.require("users:read")?;
    let user_id = match id_or_name {
        "" => None,
        named => match users::find(server, named) {
            Ok(user) => Some(user.id),
            Err(FlowError::Denied(_)) => return Ok(Page { items: Vec::new(), next_cursor: None }),
            Err(failed) => return Err(failed),
        },
    };
    let (filter, now) = (LoginSessionFilter { user_id }, server.clock.now());
    Ok(server.store.read(|connection| {
        let found = connection.list_login_sessions(&filter, page, now)?;
        let mut names: HashMap<String, String> = HashMap::new();
        for session in &found.items {
            let id = session.user_id.as_str();
            if !names.contains_key(id) {
                let name = connection.find_user(id)?.map(|user| user.username).unwrap_or_default();
                names.insert(id.to_owned(), name);
            }
        }
        let named = |session: LoginSession| {
            let name = names.get(session.user_id.as_str()).cloned().unwrap_or_default();
            (session, name)
        };
        Ok(found.map(named))
    })?)
}

/// Ends a session of this user, with what was granted in it, and tells its clients.
pub fn end(server: &Server, caller: &Caller, id_or_name: &str, sid: &str) -> FlowResult<()> {
    let user = users::find_to_change(server, caller, id_or_name)?;
    let (user_id, sid, now) = (user.id, sid.to_owned(), server.clock.now());
    let event =
        caller.event(AuditAction::LoginSessionEnded, "login_session", &sid).detail(format!("of user {user_id}"));
    let ended = server.store.write(move |connection| {
        let found = connection.find_login_session_by_sid(&sid)?;
        let Some(session) = found.filter(|session| session.user_id == user_id && now < session.expires_at) else {
            return Ok(false);
        };
        let ended = session_end::end(connection, &session, now)?.is_some();
        if ended {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(ended)
    })?;
    if ended { Ok(()) } else { Err(FlowError::Denied(Denial::NotFound("session"))) }
}

/// Ends every session of this user; answers how many.
pub fn end_all(server: &Server, caller: &Caller, id_or_name: &str) -> FlowResult<usize> {
    let user = users::find_to_change(server, caller, id_or_name)?;
    let now = server.clock.now();
    let event = caller.event(AuditAction::LoginSessionEnded, "user", user.id.as_str());
    Ok(server.store.write(move |connection| {
        let ended = session_end::end_others(connection, user.id.as_str(), None, now)?;
        if ended > 0 {
            connection.insert_audit_event(&event.detail(format!("all: {ended}")), now)?;
        }
        Ok(ended)
    })?)
}
