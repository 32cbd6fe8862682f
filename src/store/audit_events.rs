//! Table `audit_events`: appended to, read, purged by age; never changed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::audit_event::{AuditEvent, AuditFilter, NewAuditEvent};
use crate::domain::page::{Page, PageRequest};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::audit_events;

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
struct AuditEventRow {
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
        }
    }
}

impl StoreConnection {
    /// Appends an event.
    pub fn insert_audit_event(&mut self, event: &NewAuditEvent, now: DateTime<Utc>) -> Result<(), StoreError> {
        let row = (
            audit_events::occurred_at.eq(to_micros(now)),
            audit_events::action.eq(event.action.as_str()),
            audit_events::outcome.eq(if event.success { "success" } else { "failure" }),
            audit_events::actor_kind.eq(event.actor.kind()),
            audit_events::actor_id.eq(event.actor.id()),
            audit_events::target_kind.eq(event.target.as_ref().map(|(kind, _)| *kind)),
            audit_events::target_id.eq(event.target.as_ref().map(|(_, id)| id)),
            audit_events::client_id.eq(&event.client_id),
            audit_events::address.eq(event.source.address.map(|address| address.to_string())),
            audit_events::user_agent.eq(&event.source.user_agent),
            audit_events::request_id.eq(&event.source.request_id),
            audit_events::detail.eq(&event.detail),
        );
        diesel::insert_into(audit_events::table).values(row).execute(self)?;
        Ok(())
    }

    /// A page of events, newest first; the cursor is an event's id.
    pub fn list_audit_events(
        &mut self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEvent>, StoreError> {
        let mut query = audit_events::table
            .select(AuditEventRow::as_select())
            .order(audit_events::id.desc())
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(before) = page.after.as_deref().and_then(|cursor| cursor.parse::<i64>().ok()) {
            query = query.filter(audit_events::id.lt(before));
        }
        if let Some(action) = &filter.action {
            query = query.filter(audit_events::action.eq(action));
        }
        if let Some(actor) = &filter.actor_id {
            query = query.filter(audit_events::actor_id.eq(actor));
        }
        if let Some(target) = &filter.target_id {
            query = query.filter(audit_events::target_id.eq(target));
        }
        if let Some(since) = filter.since {
            query = query.filter(audit_events::occurred_at.ge(to_micros(since)));
        }
        if let Some(until) = filter.until {
            query = query.filter(audit_events::occurred_at.lt(to_micros(until)));
        }
        let rows = query.load(self)?.into_iter().map(AuditEvent::from).collect();
        Ok(Page::from_rows(rows, page.limit, |event| event.id.to_string()))
    }

    /// Removes events older than `until`, at most `limit`; answers how many.
    pub fn purge_audit_events(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<i64> = audit_events::table
            .filter(audit_events::occurred_at.lt(to_micros(until)))
            .select(audit_events::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(audit_events::table.filter(audit_events::id.eq_any(ids))).execute(self)?)
    }
}
