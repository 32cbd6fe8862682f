//! Table `access_key_secrets`: digests only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::access_key::AccessKeySecret;
use crate::domain::ids::{AccessKeyId, AccessKeySecretId};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::access_key_secrets;

/// A row of `access_key_secrets`; the look-up by digest joins it.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = access_key_secrets, treat_none_as_default_value = false)]
pub(super) struct AccessKeySecretRow {
    id: String,
    digest: Vec<u8>,
    access_key_id: String,
    masked: String,
    created_at: i64,
    expires_at: Option<i64>,
}

impl From<AccessKeySecretRow> for AccessKeySecret {
    fn from(row: AccessKeySecretRow) -> Self {
        Self {
            id: AccessKeySecretId(row.id),
            digest: row.digest,
            access_key_id: AccessKeyId(row.access_key_id),
            masked: row.masked,
            created_at: to_time(row.created_at),
            expires_at: row.expires_at.map(to_time),
        }
    }
}

impl StoreConnection {
    /// Every secret of a key, the oldest first.
    pub fn list_access_key_secrets(&mut self, access_key_id: &str) -> Result<Vec<AccessKeySecret>, StoreError> {
        let rows: Vec<AccessKeySecretRow> = access_key_secrets::table
            .filter(access_key_secrets::access_key_id.eq(access_key_id))
            .order(access_key_secrets::created_at)
            .select(AccessKeySecretRow::as_select())
            .load(self)?;
        Ok(rows.into_iter().map(AccessKeySecret::from).collect())
    }

    /// The digests of secrets that are shown so, or begin so, at most `limit`.
    pub fn find_access_key_digests_shown_as(&mut self, shown: &str, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = access_key_secrets::table
            .select(access_key_secrets::digest)
            .order((access_key_secrets::masked, access_key_secrets::id))
            .limit(limit);
        // Each database has its own way to find by an index what begins so.
        Ok(match self {
            Self::Sqlite(connection) => {
                let end = format!("{shown}\u{10ffff}");
                rows.filter(access_key_secrets::masked.ge(shown).and(access_key_secrets::masked.le(end)))
                    .load(connection)?
            }
            Self::Postgres(connection) => {
                let escaped = shown.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                rows.filter(access_key_secrets::masked.like(format!("{escaped}%"))).load(connection)?
            }
        })
    }

    /// Adds a secret.
    pub fn insert_access_key_secret(&mut self, secret: &AccessKeySecret) -> Result<(), StoreError> {
        let row = AccessKeySecretRow {
            id: secret.id.0.clone(),
            digest: secret.digest.clone(),
            access_key_id: secret.access_key_id.0.clone(),
            masked: secret.masked.clone(),
            created_at: to_micros(secret.created_at),
            expires_at: secret.expires_at.map(to_micros),
        };
        diesel::insert_into(access_key_secrets::table).values(row).execute(self)?;
        Ok(())
    }

    /// Ends the secrets of a key that are being replaced already; answers how many.
    pub fn end_replaced_access_key_secrets(
        &mut self,
        access_key_id: &str,
        end: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let replaced = access_key_secrets::table
            .filter(access_key_secrets::access_key_id.eq(access_key_id))
            .filter(access_key_secrets::expires_at.gt(to_micros(end)));
        Ok(diesel::update(replaced).set(access_key_secrets::expires_at.eq(Some(to_micros(end)))).execute(self)?)
    }

    /// Gives the current secret of a key an end; answers how many there were: one.
    pub fn end_current_access_key_secret(
        &mut self,
        access_key_id: &str,
        end: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let current = access_key_secrets::table
            .filter(access_key_secrets::access_key_id.eq(access_key_id))
            .filter(access_key_secrets::expires_at.is_null());
        Ok(diesel::update(current).set(access_key_secrets::expires_at.eq(Some(to_micros(end)))).execute(self)?)
    }

    /// Removes secrets that ended before `until`, at most `limit`; answers how many.
    pub fn purge_access_key_secrets(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> = access_key_secrets::table
            .filter(access_key_secrets::expires_at.lt(to_micros(until)))
            .select(access_key_secrets::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(access_key_secrets::table.filter(access_key_secrets::id.eq_any(ids))).execute(self)?)
    }
}
