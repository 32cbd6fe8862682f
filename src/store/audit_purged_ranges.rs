//! Table `audit_purged_ranges`: what the server removed from the audit log, and that alone.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::audit_chain::{AuditClass, ChainedEvent, Octets, PurgedRange};
use crate::store::audit_events::{AuditEventRow, chained};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::{audit_events, audit_purged_ranges};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_purged_ranges)]
struct PurgedRangeRow {
    first_sequence: i64,
    last_sequence: i64,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
    purged_at: i64,
    kid: String,
    signature: Vec<u8>,
}

impl From<PurgedRangeRow> for PurgedRange {
    fn from(row: PurgedRangeRow) -> Self {
        Self {
            first_sequence: row.first_sequence,
            last_sequence: row.last_sequence,
            previous_hash: Octets(row.previous_hash),
            hash: Octets(row.hash),
            purged_at: to_time(row.purged_at),
            kid: row.kid,
            signature: Octets(row.signature),
        }
    }
}

/// A batch of removals as it was planned and signed.
pub struct AuditPurge {
    /// The events that go, by id.
    pub ids: Vec<i64>,
    /// The ranges that are replaced, by their first place and signature.
    pub replaced: Vec<(i64, Vec<u8>)>,
    /// The ranges that say so.
    pub ranges: Vec<PurgedRange>,
}

impl StoreConnection {
    /// The oldest events of a class from before `until`.
    pub fn list_purgeable_audit_events(
        &mut self,
        class: AuditClass,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<ChainedEvent>, StoreError> {
        let rows: Vec<AuditEventRow> = audit_events::table
            .filter(audit_events::class.eq(class.as_str()))
            .filter(audit_events::occurred_at.lt(to_micros(until)))
            .filter(audit_events::sequence.is_not_null())
            .order(audit_events::occurred_at)
            .limit(limit)
            .select(AuditEventRow::as_select())
            .load(self)?;
        Ok(rows.into_iter().map(chained).collect())
    }

    /// The range that ends here.
    pub fn find_purged_range_to(&mut self, last: i64) -> Result<Option<PurgedRange>, StoreError> {
        let query = audit_purged_ranges::table.filter(audit_purged_ranges::last_sequence.eq(last));
        Ok(query.select(PurgedRangeRow::as_select()).get_result(self).optional()?.map(PurgedRange::from))
    }

    /// The range that begins here.
    pub fn find_purged_range_from(&mut self, first: i64) -> Result<Option<PurgedRange>, StoreError> {
        let query = audit_purged_ranges::table.find(first).select(PurgedRangeRow::as_select());
        Ok(query.get_result(self).optional()?.map(PurgedRange::from))
    }

    /// The ranges that reach behind `after` and do not begin behind `until`, in order.
    pub fn list_purged_ranges(&mut self, after: i64, until: i64) -> Result<Vec<PurgedRange>, StoreError> {
        let query = audit_purged_ranges::table
            .filter(audit_purged_ranges::last_sequence.gt(after))
            .filter(audit_purged_ranges::first_sequence.le(until))
            .order(audit_purged_ranges::first_sequence)
            .select(PurgedRangeRow::as_select());
        Ok(query.load(self)?.into_iter().map(PurgedRange::from).collect())
    }

    /// Removes what was planned, where all of it still is as it was; None where another instance was faster.
    pub fn purge_audit_events(&mut self, purge: &AuditPurge) -> Result<Option<usize>, StoreError> {
        self.hold_audit_chain()?;
        let events = audit_events::table.filter(audit_events::id.eq_any(purge.ids.clone()));
        let found: i64 = events.clone().count().get_result(self)?;
        if usize::try_from(found) != Ok(purge.ids.len()) {
            return Ok(None);
        }
        for (first, signature) in &purge.replaced {
            if self.find_purged_range_from(*first)?.is_none_or(|range| range.signature.0 != *signature) {
                return Ok(None);
            }
        }
        for (first, _) in &purge.replaced {
            diesel::delete(audit_purged_ranges::table.find(*first)).execute(self)?;
        }
        for range in &purge.ranges {
            let row = PurgedRangeRow {
                first_sequence: range.first_sequence,
                last_sequence: range.last_sequence,
                previous_hash: range.previous_hash.0.clone(),
                hash: range.hash.0.clone(),
                purged_at: to_micros(range.purged_at),
                kid: range.kid.clone(),
                signature: range.signature.0.clone(),
            };
            diesel::insert_into(audit_purged_ranges::table).values(row).execute(self)?;
        }
        Ok(Some(diesel::delete(events).execute(self)?))
    }

    /// Removes events without a place in the chain from before `until`, at most `limit`: there is nothing to prove of them.
    pub fn purge_audit_events_outside(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<i64> = audit_events::table
            .filter(audit_events::sequence.is_null())
            .filter(audit_events::occurred_at.lt(to_micros(until)))
            .select(audit_events::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(audit_events::table.filter(audit_events::id.eq_any(ids))).execute(self)?)
    }
}
