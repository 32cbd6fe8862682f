//! Table `secret_uses`: who uses which secret, and from where.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::usage::SecretUse;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::secret_uses;

/// Most addresses shown of one credential.
const MAX_SHOWN: i64 = 200;

type Row = (String, String, String, i64, i64, i64);

impl StoreConnection {
    /// Adds uses. True when the credential was used from other addresses before and never from this one.
    pub fn add_secret_use(&mut self, used: &SecretUse) -> Result<bool, StoreError> {
        let known: Vec<bool> = secret_uses::table
            .filter(secret_uses::credential_id.eq(&used.credential_id))
            .select(secret_uses::address.eq(&used.address))
            .distinct()
            .load(self)?;
        let last = to_micros(used.last_used_at);
        on_each!(self, |connection| {
            diesel::insert_into(secret_uses::table)
                .values((
                    secret_uses::credential_id.eq(&used.credential_id),
                    secret_uses::secret_id.eq(&used.secret_id),
                    secret_uses::address.eq(&used.address),
                    secret_uses::first_used_at.eq(to_micros(used.first_used_at)),
                    secret_uses::last_used_at.eq(last),
                    secret_uses::uses.eq(used.uses),
                ))
                .on_conflict((secret_uses::credential_id, secret_uses::secret_id, secret_uses::address))
                .do_update()
                .set((secret_uses::last_used_at.eq(last), secret_uses::uses.eq(secret_uses::uses + used.uses)))
                .execute(connection)
        })?;
        Ok(!known.is_empty() && !known.contains(&true))
    }

    /// The uses of a credential's secrets, the latest first.
    pub fn list_secret_uses(&mut self, credential_id: &str) -> Result<Vec<SecretUse>, StoreError> {
        let rows: Vec<Row> = secret_uses::table
            .filter(secret_uses::credential_id.eq(credential_id))
            .order(secret_uses::last_used_at.desc())
            .limit(MAX_SHOWN)
            .load(self)?;
        let read = |(credential_id, secret_id, address, first, last, uses): Row| SecretUse {
            credential_id,
            secret_id,
            address,
            first_used_at: to_time(first),
            last_used_at: to_time(last),
            uses,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Forgets uses that ended before `until`, of at most `limit` credentials; answers how many.
    pub fn purge_secret_uses(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let until = to_micros(until);
        let ids: Vec<String> = secret_uses::table
            .filter(secret_uses::last_used_at.lt(until))
            .select(secret_uses::credential_id)
            .distinct()
            .limit(limit)
            .load(self)?;
        let old = secret_uses::table
            .filter(secret_uses::last_used_at.lt(until))
            .filter(secret_uses::credential_id.eq_any(ids));
        Ok(diesel::delete(old).execute(self)?)
    }
}
