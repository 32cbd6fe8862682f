//! What the overview reads across tables: what ends soon, what is old, how much waits, how large the database is.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::domain::access_key::AccessKey;
use crate::domain::client::Status;
use crate::store::access_keys::AccessKeyRow;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::{
    access_key_secrets, access_keys, client_secrets, clients, logout_deliveries, webhook_deliveries,
};

/// Identifier, name and time of something.
type Timed = (String, String, DateTime<Utc>);

fn timed(rows: Vec<(String, String, Option<i64>)>) -> Vec<Timed> {
    rows.into_iter().map(|(id, name, at)| (id, name, to_time(at.unwrap_or_default()))).collect()
}

#[derive(QueryableByName)]
struct Octets {
    #[diesel(sql_type = BigInt)]
    octets: i64,
}

impl StoreConnection {
    /// The secrets of active keys that are being replaced and end within this time, the next first, at most `limit`: id and
    /// name of the key, and when.
    pub fn list_ending_access_key_secrets(
        &mut self,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        limit: i64,
    ) -> Result<Vec<Timed>, StoreError> {
        let query = access_key_secrets::table
            .inner_join(access_keys::table)
            .filter(access_key_secrets::expires_at.gt(to_micros(from)))
            .filter(access_key_secrets::expires_at.le(to_micros(until)))
            .filter(access_keys::status.eq(Status::Active.as_str()))
            .order(access_key_secrets::expires_at)
            .limit(limit)
            .select((access_keys::id, access_keys::name, access_key_secrets::expires_at));
        Ok(timed(query.load(self)?))
    }

    /// The same of the secrets of active clients.
    pub fn list_ending_client_secrets(
        &mut self,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        limit: i64,
    ) -> Result<Vec<Timed>, StoreError> {
        let query = client_secrets::table
            .inner_join(clients::table)
            .filter(client_secrets::expires_at.gt(to_micros(from)))
            .filter(client_secrets::expires_at.le(to_micros(until)))
            .filter(clients::status.eq(Status::Active.as_str()))
            .order(client_secrets::expires_at)
            .limit(limit)
            .select((clients::client_id, clients::client_name, client_secrets::expires_at));
        Ok(timed(query.load(self)?))
    }

    /// The active keys whose secret was made before this time, the oldest first, at most `limit`.
    pub fn list_oldest_access_keys(
        &mut self,
        made_before: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<AccessKey>, StoreError> {
        let age = || sql::<BigInt>("coalesce(access_keys.rotated_at, access_keys.created_at)");
        let query = access_keys::table
            // As the index has it, word by word: else it is not used.
            .filter(sql::<Bool>("access_keys.status = 'active'"))
            .filter(age().lt(to_micros(made_before)))
            .order(age())
            .limit(limit)
            .select(AccessKeyRow::as_select());
        query.load(self)?.into_iter().map(AccessKey::try_from).collect()
    }

    /// The current secrets of active clients that were made before this time, the oldest first, at most `limit`.
    pub fn list_oldest_client_secrets(
        &mut self,
        made_before: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Timed>, StoreError> {
        let rows: Vec<(String, String, i64)> = client_secrets::table
            .inner_join(clients::table)
            .filter(client_secrets::expires_at.is_null())
            .filter(client_secrets::created_at.lt(to_micros(made_before)))
            .filter(clients::status.eq(Status::Active.as_str()))
            .order(client_secrets::created_at)
            .limit(limit)
            .select((clients::client_id, clients::client_name, client_secrets::created_at))
            .load(self)?;
        Ok(rows.into_iter().map(|(id, name, at)| (id, name, to_time(at))).collect())
    }

    /// How many deliveries of alerts wait, by endpoint; and how many logout tokens.
    pub fn count_waiting_deliveries(&mut self) -> Result<(Vec<(String, i64)>, i64), StoreError> {
        // The condition as the indexes have it, word by word: else they are not used.
        let webhooks = webhook_deliveries::table
            .filter(sql::<Bool>("webhook_deliveries.status = 'pending'"))
            .group_by(webhook_deliveries::endpoint)
            .select((webhook_deliveries::endpoint, diesel::dsl::count_star()));
        let logouts = logout_deliveries::table.filter(sql::<Bool>("logout_deliveries.status = 'pending'")).count();
        let waiting = on_each!(self, |connection| webhooks.load(connection))?;
        Ok((waiting, on_each!(self, |connection| logouts.get_result(connection))?))
    }

    /// The size of the database in octets, where that is cheap to know: on SQLite.
    pub fn find_database_size(&mut self) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                let text = "SELECT page_count * page_size AS octets FROM pragma_page_count(), pragma_page_size()";
                Ok(Some(diesel::sql_query(text).get_result::<Octets>(connection)?.octets))
            }
            Self::Postgres(_) => Ok(None),
        }
    }

    /// What kind of database it is.
    pub fn database_kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}
