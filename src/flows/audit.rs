//! Reading the audit log.

use crate::domain::audit_event::AuditEvent;
use crate::domain::audit_filter::AuditFilter;
use crate::domain::denial::Denial;
use crate::domain::page::{Page, PageRequest};
use crate::domain::revoked_access_token::RevokedAccessToken;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// A page of events.
pub fn list(
    server: &Server,
    caller: &Caller,
    filter: &AuditFilter,
    page: &PageRequest,
) -> FlowResult<Page<AuditEvent>> {
    caller.require("audit-events:read")?;
    Ok(server.store.read(|connection| {
        let person = match &filter.search {
            Some(name) => connection.find_user_by_username(name)?.map(|found| found.user.id.0),
            None => None,
        };
        connection.list_audit_events(&AuditFilter { person, ..filter.clone() }, page)
    })?)
}

/// One event.
pub fn show(server: &Server, caller: &Caller, id: i64) -> FlowResult<AuditEvent> {
    caller.require("audit-events:read")?;
    let found = server.store.read(|connection| connection.find_audit_event(id))?;
    Ok(found.ok_or(Denial::NotFound("audit event"))?)
}

/// A page of the access tokens that are revoked and have not expired: for resource servers that verify offline.
pub fn list_revoked_access_tokens(
    server: &Server,
    caller: &Caller,
    page: &PageRequest,
) -> FlowResult<Page<RevokedAccessToken>> {
    caller.require("tokens:read")?;
    let now = server.clock.now();
    Ok(server.store.read(|connection| connection.list_revoked_access_tokens(page, now))?)
}
