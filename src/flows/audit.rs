//! Reading the audit log.

use crate::domain::audit_event::AuditEvent;
use crate::domain::audit_filter::AuditFilter;
use crate::domain::page::{Page, PageRequest};
use crate::domain::revoked_access_token::RevokedAccessToken;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// A page of events, newest first.
pub fn list(
    server: &Server,
    caller: &Caller,
    filter: &AuditFilter,
    page: &PageRequest,
) -> FlowResult<Page<AuditEvent>> {
    caller.require("audit-events:read")?;
    Ok(server.store.read(|connection| connection.list_audit_events(filter, page))?)
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
