//! Table `users`, many rows at a time.

use diesel::prelude::*;

use crate::domain::user::{User, username_key};
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::schema::{clients, users};
use crate::store::users::{UserRow, UserWithPassword};

impl StoreConnection {
    /// The users that have one of these identifiers or, without regard to case, one of these names.
    pub fn find_users(&mut self, ids: &[String], usernames: &[String]) -> Result<Vec<User>, StoreError> {
        let keys: Vec<String> = usernames.iter().map(|name| username_key(name)).collect();
        let query = users::table.filter(users::id.eq_any(ids).or(users::username_key.eq_any(keys)));
        query.select(UserRow::as_select()).load(self)?.into_iter().map(User::try_from).collect()
    }

    /// Which of these are identifiers of clients, or were?
    pub fn find_client_ids(&mut self, among: &[String]) -> Result<Vec<String>, StoreError> {
        let mut found: Vec<String> =
            clients::table.filter(clients::client_id.eq_any(among)).select(clients::client_id).load(self)?;
        found.extend(self.find_deleted_client_ids(among)?);
        Ok(found)
    }

    /// Adds users in one statement; a [`StoreError::Conflict`] when one of the identifiers or names is taken.
    pub fn insert_users(&mut self, accounts: &[UserWithPassword]) -> Result<(), StoreError> {
        let rows: Vec<UserRow> = accounts.iter().map(UserRow::from).collect();
        on_each!(self, |connection| diesel::insert_into(users::table).values(&rows).execute(connection))?;
        accounts.iter().try_for_each(|account| self.put_user_words(&account.user))
    }
}
