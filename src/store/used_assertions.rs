//! Table `used_assertions`: which client assertions, and which forms of the console, were used, until they expire.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::to_micros;
use crate::store::schema::used_assertions;

impl StoreConnection {
    /// Uses up a client's assertion; true when this call did it. Of any number of callers one gets true.
    pub fn consume_assertion(&mut self, client_id: &str, jti: &str, until: DateTime<Utc>) -> Result<bool, StoreError> {
        let row = (
            used_assertions::client_id.eq(client_id),
            used_assertions::jti.eq(jti),
            used_assertions::expires_at.eq(to_micros(until)),
        );
        let insert = diesel::insert_into(used_assertions::table).values(row).on_conflict_do_nothing();
        Ok(on_each!(self, |connection| insert.execute(connection))? == 1)
    }

    /// Takes back that something was used up; true when this call did it.
    pub fn forget_assertion(&mut self, client_id: &str, jti: &str) -> Result<bool, StoreError> {
        Ok(diesel::delete(used_assertions::table.find((client_id, jti))).execute(self)? == 1)
    }

    /// Removes assertions that expired before `until`, at most `limit`; answers how many.
    pub fn purge_used_assertions(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let keys: Vec<(String, String)> = used_assertions::table
            .filter(used_assertions::expires_at.lt(to_micros(until)))
            .select((used_assertions::client_id, used_assertions::jti))
            .limit(limit)
            .load(self)?;
        let mut removed = 0;
        for (client_id, jti) in keys {
            removed += diesel::delete(used_assertions::table.find((client_id, jti))).execute(self)?;
        }
        Ok(removed)
    }
}
