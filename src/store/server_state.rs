//! Table `server_state`: single values of the whole installation.

use diesel::prelude::*;

use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::schema::server_state;

impl StoreConnection {
    /// The value of this name.
    pub fn find_server_state(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(server_state::table.find(name).select(server_state::value).get_result(self).optional()?)
    }

    /// Sets a value that is not there yet; a [`StoreError::Conflict`] when it is.
    pub fn insert_server_state(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let row = (server_state::name.eq(name), server_state::value.eq(value));
        diesel::insert_into(server_state::table).values(row).execute(self)?;
        Ok(())
    }

    /// Replaces this value by another; false where it is no longer there.
    pub fn replace_server_state(&mut self, name: &str, from: &str, to: &str) -> Result<bool, StoreError> {
        let row = server_state::table.find(name).filter(server_state::value.eq(from));
        Ok(diesel::update(row).set(server_state::value.eq(to)).execute(self)? == 1)
    }
}
