//! Table `audit_events`: appended to and read; never changed. `audit_chain` gives each its place, `audit_search` finds them,
//! `audit_purged_ranges` removes the old ones.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::audit_chain::{ChainedEvent, Octets};
use crate::domain::audit_event::{AuditEvent, NewAuditEvent};
use crate::store::audit_gather::gather;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::audit_events;

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = audit_events, treat_none_as_default_value = false)]
pub(super) struct AuditEventRow {
    id: i64,
    occurred_at: i64,
    action: String,
    outcome: String,
    actor_kind: String,
    actor_id: Option<String>,
    target_kind: Option<String>,
    target_id: Option<String>,
    client_id: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    detail: Option<String>,
    sequence: Option<i64>,
    class: Option<String>,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

impl From<AuditEventRow> for AuditEvent {
    fn from(row: AuditEventRow) -> Self {
        Self {
            id: row.id,
            occurred_at: to_time(row.occurred_at),
            action: row.action,
            outcome: row.outcome,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            target_kind: row.target_kind,
            target_id: row.target_id,
            client_id: row.client_id,
            address: row.address,
            user_agent: row.user_agent,
            request_id: row.request_id,
            detail: row.detail,
            sequence: row.sequence,
            class: row.class,
            hash: row.hash.map(Octets),
        }
    }
}

impl From<ChainedEvent> for AuditEventRow {
    fn from(chained: ChainedEvent) -> Self {
        let event = chained.event;
        Self {
            id: event.id,
            occurred_at: to_micros(event.occurred_at),
            action: event.action,
            outcome: event.outcome,
            actor_kind: event.actor_kind,
            actor_id: event.actor_id,
            target_kind: event.target_kind,
            target_id: event.target_id,
            client_id: event.client_id,
            address: event.address,
            user_agent: event.user_agent,
            request_id: event.request_id,
            detail: event.detail,
            sequence: event.sequence,
            class: event.class,
            salt: Some(chained.salt.0),
            hash: event.hash.map(|hash| hash.0),
        }
    }
}

/// An event with its salt; what somebody emptied stays empty, and its hash will not fit.
pub(super) fn chained(mut row: AuditEventRow) -> ChainedEvent {
    let salt = Octets(row.salt.take().unwrap_or_default());
    ChainedEvent { event: row.into(), salt }
}

impl StoreConnection {
    /// One event.
    pub fn find_audit_event(&mut self, id: i64) -> Result<Option<AuditEvent>, StoreError> {
        let query = audit_events::table.find(id).select(AuditEventRow::as_select());
        Ok(query.get_result(self).optional()?.map(AuditEvent::from))
    }

    /// Appends an event, when the write that is under way has done all else: see `audit_chain`.
    pub fn insert_audit_event(&mut self, event: &NewAuditEvent, now: DateTime<Utc>) -> Result<(), StoreError> {
        match gather(event, now) {
            Some(event) => self.append_audit_event(event, now),
            None => Ok(()),
        }
    }
}
