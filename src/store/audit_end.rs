//! The end of the audit chain and its seal, the one row of `audit_chain`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable};

use crate::domain::audit_chain::{ChainHead, ChainedEvent, Checkpoint, Octets, StoredHead};
use crate::store::audit_gather::seal_key;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::schema::{audit_chain, audit_checkpoints, audit_events};

/// The end, as it is when it is locked.
#[derive(QueryableByName)]
pub(super) struct Place {
    #[diesel(sql_type = BigInt)]
    pub sequence: i64,
    #[diesel(sql_type = Binary)]
    pub hash: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    pub checkpoints: i64,
    #[diesel(sql_type = BigInt)]
    pub adopt_until: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    pub seal: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    pub next_id: i64,
}

impl Place {
    fn head(&self) -> ChainHead {
        let Self { sequence, checkpoints, adopt_until, .. } = *self;
        ChainHead { sequence, hash: Octets(self.hash.clone()), checkpoints, adopt_until }
    }

    /// The seal of what follows. None where this place has no valid one itself: what somebody else put here must not
    /// become the server's own by what the server appends to it.
    fn seal_of(&self, next: &ChainHead) -> Option<Vec<u8>> {
        let key = seal_key()?;
        key.holds(&self.head().message(), self.seal.as_ref()?).then(|| key.seal(&next.message()))
    }
}

impl StoreConnection {
    /// Locks the end of the chain until this transaction ends, and tells it with the next event's id. On SQLite there is
    /// one writer. On PostgreSQL the id is drawn under the lock, so ids are in the order of the chain.
    pub(super) fn lock_audit_chain(&mut self) -> Result<Place, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => diesel::sql_query(
                "SELECT sequence, hash, checkpoints, adopt_until, seal, \
                 COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'audit_events'), 0) + 1 AS next_id \
                 FROM audit_chain WHERE id = 1",
            )
            .get_result(connection)?,
            Self::Postgres(connection) => diesel::sql_query(
                "UPDATE audit_chain SET sequence = sequence WHERE id = 1 \
                 RETURNING sequence, hash, checkpoints, adopt_until, seal, \
                 nextval(pg_get_serial_sequence('audit_events', 'id')) AS next_id",
            )
            .get_result(connection)?,
        })
    }

    /// Moves the end of the chain on from where it was.
    pub(super) fn move_audit_chain(&mut self, from: &Place, to: &ChainedEvent) -> Result<(), StoreError> {
        let (Some(sequence), Some(hash)) = (to.event.sequence, to.event.hash.clone()) else { return Ok(()) };
        let next = ChainHead { sequence, hash, ..from.head() };
        let head = audit_chain::table.filter(audit_chain::id.eq(1)).filter(audit_chain::sequence.eq(from.sequence));
        let values = (
            audit_chain::sequence.eq(sequence),
            audit_chain::seal.eq(from.seal_of(&next)),
            audit_chain::hash.eq(next.hash.0),
        );
        match on_each!(self, |connection| diesel::update(head).set(values).execute(connection))? {
            1 => Ok(()),
            _ => Err(StoreError::Corrupt("the end of the audit chain moved by itself".to_owned())),
        }
    }

    /// The end of the chain.
    pub fn find_audit_chain_head(&mut self) -> Result<ChainHead, StoreError> {
        Ok(self.find_stored_head()?.head)
    }

    /// The end of the chain with its seal; within one moment with the checkpoints.
    pub fn find_stored_head(&mut self) -> Result<StoredHead, StoreError> {
        let columns = (
            audit_chain::sequence,
            audit_chain::hash,
            audit_chain::checkpoints,
            audit_chain::adopt_until,
            audit_chain::seal,
        );
        let (sequence, hash, checkpoints, adopt_until, seal): (i64, Vec<u8>, i64, i64, Option<Vec<u8>>) =
            audit_chain::table.select(columns).get_result(self)?;
        let last_checkpoint = self.last_checkpoint_number()?;
        Ok(StoredHead {
            head: ChainHead { sequence, hash: Octets(hash), checkpoints, adopt_until },
            seal: seal.map(Octets),
            last_checkpoint,
        })
    }

    /// Has there never been an event?
    pub fn is_audit_log_empty(&mut self) -> Result<bool, StoreError> {
        let events: i64 = audit_events::table.count().get_result(self)?;
        Ok(events == 0 && self.find_audit_chain_head()?.sequence == 0)
    }

    /// Seals the end of the chain as it stands, with the checkpoints that are there; false where its seal holds already.
    /// For an end that nobody else can have made, and for an operator who takes it as it is.
    pub fn seal_audit_chain(&mut self) -> Result<bool, StoreError> {
        let place = self.lock_audit_chain()?;
        let last_checkpoint = self.last_checkpoint_number()?;
        let end = ChainHead { checkpoints: last_checkpoint, ..place.head() };
        if place.head() == end && place.seal_of(&end).is_some() {
            return Ok(false);
        }
        let seal = seal_key().map(|key| key.seal(&end.message()));
        let values = (audit_chain::checkpoints.eq(end.checkpoints), audit_chain::seal.eq(seal));
        diesel::update(audit_chain::table).set(values).execute(self)?;
        Ok(true)
    }

    /// Lets every event without a place be adopted that is there now.
    pub fn allow_audit_adoption(&mut self) -> Result<(), StoreError> {
        let place = self.lock_audit_chain()?;
        let last: Option<i64> = audit_events::table.select(diesel::dsl::max(audit_events::id)).get_result(self)?;
        let next = ChainHead { adopt_until: last.unwrap_or(0), ..place.head() };
        let values = (audit_chain::adopt_until.eq(next.adopt_until), audit_chain::seal.eq(place.seal_of(&next)));
        diesel::update(audit_chain::table).set(values).execute(self)?;
        Ok(())
    }

    /// Adds a checkpoint; a [`StoreError::Conflict`] when one of this number is there already.
    pub fn insert_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let place = self.lock_audit_chain()?;
        self.insert_checkpoint_row(checkpoint)?;
        let next = ChainHead { checkpoints: checkpoint.number, ..place.head() };
        // A number that does not follow: the checkpoints between were removed.
        let seal = if checkpoint.number == place.checkpoints + 1 { place.seal_of(&next) } else { None };
        let values = (audit_chain::checkpoints.eq(next.checkpoints), audit_chain::seal.eq(seal));
        diesel::update(audit_chain::table).set(values).execute(self)?;
        Ok(())
    }

    fn last_checkpoint_number(&mut self) -> Result<i64, StoreError> {
        let last = audit_checkpoints::table.select(diesel::dsl::max(audit_checkpoints::number));
        let last: Option<i64> = last.get_result(self)?;
        Ok(last.unwrap_or(0))
    }
}
