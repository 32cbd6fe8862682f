//! Where somebody is signed in, and signing out there.

use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::domain::login_session::{LoginSession, LoginSessionFilter};
use crate::domain::page::{Page, PageRequest};
use crate::flows::account::Person;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, session_end};

/// A page of the sessions that are live, the one that began last first.
pub fn list(server: &Server, person: &Person, page: &PageRequest) -> FlowResult<Page<LoginSession>> {
    let filter = LoginSessionFilter { user_id: Some(person.user.id.clone()) };
    let now = server.clock.now();
    Ok(server.store.read(|connection| connection.list_login_sessions(&filter, page, now))?)
}

/// Ends a session, with what was granted in it, and tells its clients.
pub fn end(server: &Server, person: &Person, sid: &str) -> FlowResult<()> {
    let (user_id, sid, now) = (person.user.id.clone(), sid.to_owned(), server.clock.now());
    let event = person.event(AuditAction::LoginSessionEnded, "login_session", &sid);
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

/// Ends every session but the one in which this is asked; answers how many.
pub fn end_others(server: &Server, person: &Person) -> FlowResult<usize> {
    let (user_id, sid, now) = (person.id(), person.sid.clone(), server.clock.now());
    let event = person.event(AuditAction::LoginSessionEnded, "user", &user_id);
    Ok(server.store.write(move |connection| {
        let ended = session_end::end_others(connection, &user_id, sid.as_deref(), now)?;
        if ended > 0 {
            connection.insert_audit_event(&event.detail(format!("others: {ended}")), now)?;
        }
        Ok(ended)
    })?)
}
