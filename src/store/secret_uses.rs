//! Table `secret_uses`: who uses which secret, and from where.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::domain::usage::SecretUse;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::secret_uses;

/// Most addresses told apart of one secret; the uses from all others are counted together, without an address.
pub const MAX_ADDRESSES: usize = 200;
/// Most addresses shown of one credential.
const MAX_SHOWN: i64 = 200;

type Row = (String, String, String, i64, i64, i64);

impl StoreConnection {
    /// Adds the uses of one credential. Answers the addresses that are new: its secrets were used from others before, and it
    /// never was from these. A secret that is used from very many addresses has none told apart any more.
    pub fn add_secret_uses(&mut self, credential_id: &str, uses: &[SecretUse]) -> Result<Vec<String>, StoreError> {
        let known: Vec<(String, String)> = secret_uses::table
            .filter(secret_uses::credential_id.eq(credential_id))
            .select((secret_uses::secret_id, secret_uses::address))
            .load(self)?;
        let had_uses = known.iter().any(|(secret_id, _)| !secret_id.is_empty());
        let mut known: HashSet<(String, String)> = known.into_iter().collect();
        let (mut new, mut rows) = (Vec::new(), Vec::new());
        for used in uses {
            let pair = (used.secret_id.clone(), used.address.clone());
            let of_secret = known.iter().filter(|(secret_id, _)| *secret_id == used.secret_id).count();
            if !known.contains(&pair) && of_secret >= MAX_ADDRESSES {
                rows.push((&used.secret_id, "", used));
                continue;
            }
            // An access token comes without a secret, from wherever its user is.
            let is_told = !used.address.is_empty() && !used.secret_id.is_empty();
            let is_new = is_told && !known.iter().any(|(_, address)| *address == used.address);
            if had_uses && is_new {
                new.push(used.address.clone());
            }
            rows.push((&used.secret_id, used.address.as_str(), used));
            known.insert(pair);
        }
        // In one order, so that no two instances wait for each other in a circle.
        rows.sort_unstable_by_key(|(secret_id, address, _)| (*secret_id, *address));
        rows.into_iter().try_for_each(|(_, address, used)| self.add_secret_use(used, address))?;
        Ok(new)
    }

    fn add_secret_use(&mut self, used: &SecretUse, address: &str) -> Result<(), StoreError> {
        let last = to_micros(used.last_used_at);
        // Another instance may have written a later use meanwhile.
        let latest = diesel::dsl::case_when(secret_uses::last_used_at.lt(last), last.into_sql::<BigInt>())
            .otherwise(secret_uses::last_used_at);
        on_each!(self, |connection| {
            diesel::insert_into(secret_uses::table)
                .values((
                    secret_uses::credential_id.eq(&used.credential_id),
                    secret_uses::secret_id.eq(&used.secret_id),
                    secret_uses::address.eq(address),
                    secret_uses::first_used_at.eq(to_micros(used.first_used_at)),
                    secret_uses::last_used_at.eq(last),
                    secret_uses::uses.eq(used.uses),
                ))
                .on_conflict((secret_uses::credential_id, secret_uses::secret_id, secret_uses::address))
                .do_update()
                .set((secret_uses::last_used_at.eq(latest), secret_uses::uses.eq(secret_uses::uses + used.uses)))
                .execute(connection)
        })?;
        Ok(())
    }

    /// Was one of these secrets of a credential used from this address, as far as addresses are told apart?
    pub fn was_secret_used_from(
        &mut self,
        credential_id: &str,
        secret_ids: &[&str],
        address: &str,
    ) -> Result<bool, StoreError> {
        let uses = secret_uses::table
            .filter(secret_uses::credential_id.eq(credential_id))
            .filter(secret_uses::secret_id.eq_any(secret_ids))
            .filter(secret_uses::address.eq(address))
            .count();
        Ok(uses.get_result::<i64>(self)? > 0)
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

    /// Forgets the addresses from which nothing was used since `until`, at most `limit` of them; answers how many.
    pub fn purge_secret_uses(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let until = to_micros(until);
        let old: Vec<(String, String, String)> = secret_uses::table
            .filter(secret_uses::last_used_at.lt(until))
            .select((secret_uses::credential_id, secret_uses::secret_id, secret_uses::address))
            .limit(limit)
            .load(self)?;
        let found = old.len();
        for (credential_id, secret_id, address) in old {
            // Used again meanwhile, it stays.
            let row = secret_uses::table.find((credential_id, secret_id, address));
            diesel::delete(row.filter(secret_uses::last_used_at.lt(until))).execute(self)?;
        }
        Ok(found)
    }
}
