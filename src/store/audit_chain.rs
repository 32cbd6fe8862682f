//! Table `audit_chain` and the places of events in it. Events are appended when their write is about to commit, so that the
//! head is locked last and for a moment: who holds it waits for nothing more, and no two writes can wait for each other.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use crate::crypto::audit_key::link;
use crate::crypto::random;
use crate::domain::audit_chain::{AuditClass, ChainedEvent, Checkpoint, Octets, PurgedRange, StoredHead};
use crate::domain::audit_event::{AuditEvent, NewAuditEvent};
use crate::store::audit_events::{AuditEventRow, chained};
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::to_micros;
use crate::store::schema::{audit_chain, audit_events};

/// A part of the chain, read at one moment.
pub struct ChainPart {
    /// Events in order.
    pub events: Vec<ChainedEvent>,
    /// Purged ranges that begin among or before them.
    pub purged: Vec<PurgedRange>,
    /// Checkpoints among them.
    pub checkpoints: Vec<Checkpoint>,
    /// The end of the chain.
    pub head: StoredHead,
    /// The last part: nothing is behind it.
    pub is_last: bool,
}

impl StoreConnection {
    /// Appends an event to the chain.
    pub(super) fn append_audit_event(&mut self, new: &NewAuditEvent, now: DateTime<Utc>) -> Result<(), StoreError> {
        let place = self.lock_audit_chain()?;
        let event = AuditEvent {
            id: place.next_id,
            occurred_at: now,
            action: new.action.as_str().to_owned(),
            outcome: if new.success { "success" } else { "failure" }.to_owned(),
            actor_kind: new.actor.kind().to_owned(),
            actor_id: new.actor.id().map(str::to_owned),
            target_kind: new.target.as_ref().map(|(kind, _)| (*kind).to_owned()),
            target_id: new.target.as_ref().map(|(_, id)| id.clone()),
            client_id: new.client_id.clone(),
            address: new.source.address.map(|address| address.to_string()),
            user_agent: new.source.user_agent.clone(),
            request_id: new.source.request_id.clone(),
            detail: new.detail.clone(),
            sequence: Some(place.sequence + 1),
            class: Some(new.action.class().as_str().to_owned()),
            hash: None,
        };
        let chained = chain(event, &place.hash)?;
        let row = AuditEventRow::from(chained.clone());
        let insert = diesel::insert_into(audit_events::table).values(row);
        on_each!(self, |connection| insert.execute(connection))?;
        self.move_audit_chain(&place, &chained)
    }

    /// Gives events from before the chain their places, at most `limit`; answers how many. What came later without a
    /// place is left alone.
    pub fn adopt_audit_events(&mut self, limit: i64) -> Result<usize, StoreError> {
        let place = self.lock_audit_chain()?;
        let until: i64 = audit_chain::table.select(audit_chain::adopt_until).get_result(self)?;
        let rows: Vec<AuditEventRow> = audit_events::table
            .filter(audit_events::sequence.is_null())
            .filter(audit_events::id.le(until))
            .order(audit_events::id)
            .limit(limit)
            .select(AuditEventRow::as_select())
            .load(self)?;
        let (count, mut previous, mut sequence) = (rows.len(), place.hash.clone(), place.sequence);
        let mut last = None;
        for row in rows {
            let mut event = AuditEvent::from(row);
            sequence += 1;
            event.sequence = Some(sequence);
            event.class = Some(AuditClass::of(&event.action).as_str().to_owned());
            let adopted = chain(event, &previous)?;
            previous = adopted.event.hash.clone().unwrap_or_default().0;
            let values = (
                audit_events::sequence.eq(adopted.event.sequence),
                audit_events::class.eq(&adopted.event.class),
                audit_events::salt.eq(&adopted.salt.0),
                audit_events::hash.eq(&previous),
            );
            let row = audit_events::table.find(adopted.event.id).filter(audit_events::sequence.is_null());
            on_each!(self, |connection| diesel::update(row).set(values).execute(connection))?;
            last = Some(adopted);
        }
        match last {
            Some(last) => self.move_audit_chain(&place, &last).map(|()| count),
            None => Ok(0),
        }
    }

    /// Are there events from before the chain that have no place in it yet? Answers how many.
    pub fn count_adoptable_audit_events(&mut self) -> Result<i64, StoreError> {
        let until: i64 = audit_chain::table.select(audit_chain::adopt_until).get_result(self)?;
        let waiting = audit_events::table.filter(audit_events::sequence.is_null()).filter(audit_events::id.le(until));
        Ok(waiting.count().get_result(self)?)
    }

    /// Waits until no other write is at the chain, and keeps others away until this one ends.
    pub fn hold_audit_chain(&mut self) -> Result<(), StoreError> {
        self.lock_audit_chain().map(drop)
    }

    /// Reads several things as they are at one moment.
    pub fn at_one_moment<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.in_transaction(|connection| {
            if let Self::Postgres(inner) = connection {
                inner.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
            }
            read(connection)
        })
    }

    /// The part of the chain behind `after` and not behind `until`, at most `limit` events, as of one moment.
    pub fn read_audit_chain(&mut self, after: i64, until: i64, limit: i64) -> Result<ChainPart, StoreError> {
        self.at_one_moment(|connection| {
            let rows: Vec<AuditEventRow> = audit_events::table
                .filter(audit_events::sequence.gt(after))
                .filter(audit_events::sequence.le(until))
                .order(audit_events::sequence)
                .limit(limit)
                .select(AuditEventRow::as_select())
                .load(connection)?;
            let events: Vec<ChainedEvent> = rows.into_iter().map(chained).collect();
            let is_last = i64::try_from(events.len()).unwrap_or(i64::MAX) < limit;
            let last = events.last().and_then(|last| last.event.sequence).filter(|_| !is_last).unwrap_or(until);
            let purged = connection.list_purged_ranges(after, last)?;
            let checkpoints = connection.list_checkpoints_between(after, last)?;
            Ok(ChainPart { events, purged, checkpoints, head: connection.find_stored_head()?, is_last })
        })
    }

    /// The first and the last place of events in this time.
    pub fn find_audit_chain_bounds(
        &mut self,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Result<(Option<i64>, Option<i64>), StoreError> {
        let (first, last) = (diesel::dsl::min(audit_events::sequence), diesel::dsl::max(audit_events::sequence));
        let since = since.map_or(i64::MIN, to_micros);
        let until = until.map_or(i64::MAX, to_micros);
        let from = audit_events::table.filter(audit_events::occurred_at.ge(since)).select(first).get_result(self)?;
        let to = audit_events::table.filter(audit_events::occurred_at.lt(until)).select(last).get_result(self)?;
        Ok((from, to))
    }

    /// The hash at a place: of the event there, or where a purged range ends.
    pub fn find_audit_hash(&mut self, sequence: i64) -> Result<Option<Octets>, StoreError> {
        if sequence == 0 {
            return Ok(Some(Octets(crate::domain::audit_chain::GENESIS.to_vec())));
        }
        let query = audit_events::table.filter(audit_events::sequence.eq(sequence)).select(audit_events::hash);
        let found: Option<Option<Vec<u8>>> = query.get_result(self).optional()?;
        match found.flatten() {
            Some(hash) => Ok(Some(Octets(hash))),
            None => Ok(self.find_purged_range_to(sequence)?.map(|range| range.hash)),
        }
    }

    /// Events without a place that will not be adopted: how many, and the first one's id.
    pub fn count_audit_events_outside(&mut self) -> Result<(i64, i64), StoreError> {
        let outside = audit_events::table.filter(audit_events::sequence.is_null());
        let count = outside.count().get_result(self)?;
        let first: Option<i64> = outside.select(diesel::dsl::min(audit_events::id)).get_result(self)?;
        Ok((count, first.unwrap_or(0)))
    }
}

/// Gives an event that has its place a salt and its hash.
fn chain(mut event: AuditEvent, previous: &[u8]) -> Result<ChainedEvent, StoreError> {
    let salt = random::octets::<16>().map_err(|error| StoreError::Unavailable(error.to_string()))?.to_vec();
    event.hash = Some(Octets(link(previous, &salt, &event.canonical())));
    Ok(ChainedEvent { event, salt: Octets(salt) })
}
