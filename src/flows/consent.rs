//! The user's answer on the consent page.

use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::denial::Denial;
use crate::flows::authorize::{self, Step};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, login, pushed_requests, trial};
use crate::protocol::params::Params;

/// Records the answer and goes on with the authorization request that the page was about.
pub fn decide(
    server: &Server,
    params: &Params,
    session_cookie: Option<&str>,
    allow: bool,
    source: Source,
) -> FlowResult<Step> {
    pushed_requests::answer(server, params, |params| record(server, params, session_cookie, allow, source))
}

fn record(
    server: &Server,
    params: &Params,
    session_cookie: Option<&str>,
    allow: bool,
    source: Source,
) -> FlowResult<Step> {
    let trusted = authorize::trust(server, params)?;
    let Some(live) = login::current(server, session_cookie)? else {
        // The session ended while the page was open: advance asks for a new one.
        return authorize::advance(server, params, session_cookie);
    };
    let scope = match authorize::question(server, params, &trusted, &live) {
        Ok(scope) => scope,
        Err(FlowError::Denied(denial)) => return Ok(Step::Respond(trusted.refuse(server, &denial))),
        Err(failed) => return Err(failed),
    };
    let action = if allow { AuditAction::ConsentGranted } else { AuditAction::ConsentDenied };
    let event = NewAuditEvent::success(action, Actor::User(live.user.id.0.clone()), source)
        .on("client", trusted.client.client_id.as_str())
        .through(trusted.client.client_id.as_str())
        .detail(scope.to_string());
    let remembered = allow && !trial::is_one(params);
    let now = server.clock.now();
    let (user_id, client_id) = (live.user.id.0, trusted.client.client_id.0.clone());
    let written = server.store.write(move |connection| {
        if remembered {
            connection.extend_consent(&user_id, &client_id, &scope, now)?;
        }
        connection.insert_audit_event(&event, now)
    });
    match written {
        // The same form, sent twice at the same moment: the other one is remembered.
        Ok(()) | Err(crate::store::StoreError::Conflict(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if allow {
        authorize::advance_consented(server, params, session_cookie)
    } else {
        Ok(Step::Respond(trusted.refuse(server, &Denial::ConsentDenied)))
    }
}
