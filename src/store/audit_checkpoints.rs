//! Table `audit_checkpoints`: signed statements of where the chain stood; appended to, never changed or removed.

use diesel::prelude::*;

use crate::domain::audit_chain::{Checkpoint, Octets};
use crate::domain::page::{Page, PageRequest};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::audit_checkpoints;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_checkpoints)]
struct CheckpointRow {
    number: i64,
    sequence: i64,
    hash: Vec<u8>,
    occurred_at: i64,
    kid: String,
    signature: Vec<u8>,
}

impl From<CheckpointRow> for Checkpoint {
    fn from(row: CheckpointRow) -> Self {
        Self {
            number: row.number,
            sequence: row.sequence,
            hash: Octets(row.hash),
            occurred_at: to_time(row.occurred_at),
            kid: row.kid,
            signature: Octets(row.signature),
        }
    }
}

impl StoreConnection {
    /// Adds the row of a checkpoint; the end of the chain is to count it: `audit_chain`.
    pub(super) fn insert_checkpoint_row(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let row = CheckpointRow {
            number: checkpoint.number,
            sequence: checkpoint.sequence,
            hash: checkpoint.hash.0.clone(),
            occurred_at: to_micros(checkpoint.occurred_at),
            kid: checkpoint.kid.clone(),
            signature: checkpoint.signature.0.clone(),
        };
        diesel::insert_into(audit_checkpoints::table).values(row).execute(self)?;
        Ok(())
    }

    /// The last checkpoint.
    pub fn find_last_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreError> {
        let query = audit_checkpoints::table.select(CheckpointRow::as_select());
        let row = query.order(audit_checkpoints::number.desc()).limit(1).get_result(self).optional()?;
        Ok(row.map(Checkpoint::from))
    }

    /// The checkpoints behind `after` and not behind `until`, in order.
    pub fn list_checkpoints_between(&mut self, after: i64, until: i64) -> Result<Vec<Checkpoint>, StoreError> {
        let query = audit_checkpoints::table
            .filter(audit_checkpoints::sequence.gt(after))
            .filter(audit_checkpoints::sequence.le(until))
            .order(audit_checkpoints::number)
            .select(CheckpointRow::as_select());
        Ok(query.load(self)?.into_iter().map(Checkpoint::from).collect())
    }

    /// A page of checkpoints, newest first; the cursor is a number.
    pub fn list_checkpoints(&mut self, page: &PageRequest) -> Result<Page<Checkpoint>, StoreError> {
        let mut query = audit_checkpoints::table
            .select(CheckpointRow::as_select())
            .order(audit_checkpoints::number.desc())
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(before) = page.after.as_deref().and_then(|cursor| cursor.parse::<i64>().ok()) {
            query = query.filter(audit_checkpoints::number.lt(before));
        }
        let rows = query.load(self)?.into_iter().map(Checkpoint::from).collect();
        Ok(Page::from_rows(rows, page.limit, |checkpoint| checkpoint.number.to_string()))
    }
}
