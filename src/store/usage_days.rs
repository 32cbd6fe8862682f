//! Table `usage_days`: counts by day, added to and purged by age.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::usage::{UsageCount, UsageKey, UsageSource, day_of};
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::schema::{access_keys, personal_tokens, usage_days};

type Row = (String, i64, String, String, String, String, i64, i64, i64);

fn read(
    (credential_id, day, source, operation, project, outcome, requests, units, duration_micros): Row,
) -> (UsageKey, UsageCount) {
    let source = if source == UsageSource::Door.as_str() { UsageSource::Door } else { UsageSource::Report };
    let count = UsageCount { requests, units, duration_micros };
    (UsageKey { credential_id, day, source, operation, project, outcome }, count)
}

impl StoreConnection {
    /// Adds to the count of a day.
    pub fn add_usage(&mut self, key: &UsageKey, count: UsageCount) -> Result<(), StoreError> {
        on_each!(self, |connection| {
            diesel::insert_into(usage_days::table)
                .values((
                    usage_days::credential_id.eq(&key.credential_id),
                    usage_days::day.eq(key.day),
                    usage_days::source.eq(key.source.as_str()),
                    usage_days::operation.eq(&key.operation),
                    usage_days::project.eq(&key.project),
                    usage_days::outcome.eq(&key.outcome),
                    usage_days::requests.eq(count.requests),
                    usage_days::units.eq(count.units),
                    usage_days::duration_micros.eq(count.duration_micros),
                ))
                .on_conflict((
                    usage_days::credential_id,
                    usage_days::day,
                    usage_days::source,
                    usage_days::operation,
                    usage_days::project,
                    usage_days::outcome,
                ))
                .do_update()
                .set((
                    usage_days::requests.eq(usage_days::requests + count.requests),
                    usage_days::units.eq(usage_days::units + count.units),
                    usage_days::duration_micros.eq(usage_days::duration_micros + count.duration_micros),
                ))
                .execute(connection)
        })?;
        Ok(())
    }

    /// The counts of a credential, or of all, from a day on, by credential and day.
    pub fn list_usage(
        &mut self,
        credential_id: Option<&str>,
        since_day: i64,
    ) -> Result<Vec<(UsageKey, UsageCount)>, StoreError> {
        let mut query = usage_days::table.filter(usage_days::day.ge(since_day)).into_boxed();
        if let Some(id) = credential_id {
            query = query.filter(usage_days::credential_id.eq(id));
        }
        let rows: Vec<Row> = query.order((usage_days::credential_id, usage_days::day)).load(self)?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// The counts of a user's access keys and personal tokens, from a day on; also of those tokens that have ended since.
    pub fn list_usage_of_user(
        &mut self,
        user_id: &str,
        since_day: i64,
    ) -> Result<Vec<(UsageKey, UsageCount)>, StoreError> {
        let keys = access_keys::table.filter(access_keys::user_id.eq(user_id)).select(access_keys::id);
        let tokens = personal_tokens::table.filter(personal_tokens::user_id.eq(user_id)).select(personal_tokens::id);
        let own = usage_days::credential_id.eq_any(keys).or(usage_days::credential_id.eq_any(tokens));
        let query = usage_days::table.filter(own).filter(usage_days::day.ge(since_day));
        Ok(query.load::<Row>(self)?.into_iter().map(read).collect())
    }

    /// The credentials with counts on this day, in order behind `after`, at most `limit`.
    pub fn list_used_credentials(
        &mut self,
        day: i64,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let mut query = usage_days::table
            .filter(usage_days::day.eq(day))
            .order(usage_days::credential_id)
            .select(usage_days::credential_id)
            .distinct()
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(usage_days::credential_id.gt(after));
        }
        Ok(query.load(self)?)
    }

    /// Removes the counts of the days before that of `until`, oldest first, day by day and credential by credential until
    /// `limit` rows are gone; answers how many went. Fewer than `limit` means that nothing is left.
    pub fn purge_usage(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let oldest: Option<i64> = usage_days::table.select(diesel::dsl::min(usage_days::day)).get_result(self)?;
            let Some(day) = oldest.filter(|day| *day < day_of(until)) else { return Ok(removed) };
            let ids: Vec<String> = usage_days::table
                .filter(usage_days::day.eq(day))
                .select(usage_days::credential_id)
                .limit(limit)
                .load(self)?;
            for id in ids {
                let old = usage_days::table.filter(usage_days::day.eq(day)).filter(usage_days::credential_id.eq(id));
                removed += diesel::delete(old).execute(self)?;
                if i64::try_from(removed).unwrap_or(i64::MAX) >= limit {
                    return Ok(removed);
                }
            }
        }
    }
}
