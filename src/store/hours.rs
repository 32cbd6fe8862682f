//! Tables `hour_figures` and `credential_hours`: figures by hour, added to and purged by age.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::hour_figures::{CredentialCount, HourFigure, hour_of};
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::schema::{credential_hours, hour_figures};

/// What one flush adds at most: no sum of them leaves an integer.
const MOST_OF_A_FLUSH: i64 = 1 << 40;

impl StoreConnection {
    /// Adds to a figure of an hour.
    pub fn add_hour_figure(&mut self, hour: i64, figure: HourFigure, number: i64) -> Result<(), StoreError> {
        let number = number.min(MOST_OF_A_FLUSH);
        on_each!(self, |connection| {
            diesel::insert_into(hour_figures::table)
                .values((
                    hour_figures::hour.eq(hour),
                    hour_figures::figure.eq(figure.as_str()),
                    hour_figures::count.eq(number),
                ))
                .on_conflict((hour_figures::hour, hour_figures::figure))
                .do_update()
                .set(hour_figures::count.eq(hour_figures::count + number))
                .execute(connection)
        })?;
        Ok(())
    }

    /// Adds what a credential asked in an hour.
    pub fn add_credential_hour(&mut self, hour: i64, count: &CredentialCount) -> Result<(), StoreError> {
        let (requests, refused) = (count.requests.min(MOST_OF_A_FLUSH), count.refused.min(MOST_OF_A_FLUSH));
        on_each!(self, |connection| {
            diesel::insert_into(credential_hours::table)
                .values((
                    credential_hours::hour.eq(hour),
                    credential_hours::credential_id.eq(&count.credential_id),
                    credential_hours::requests.eq(requests),
                    credential_hours::refused.eq(refused),
                ))
                .on_conflict((credential_hours::hour, credential_hours::credential_id))
                .do_update()
                .set((
                    credential_hours::requests.eq(credential_hours::requests + requests),
                    credential_hours::refused.eq(credential_hours::refused + refused),
                ))
                .execute(connection)
        })?;
        Ok(())
    }

    /// The figures from an hour on.
    pub fn list_hour_figures(&mut self, since_hour: i64) -> Result<Vec<(i64, HourFigure, i64)>, StoreError> {
        let rows: Vec<(i64, String, i64)> =
            hour_figures::table.filter(hour_figures::hour.ge(since_hour)).order(hour_figures::hour).load(self)?;
        // A figure that a newer server keeps is none of ours.
        let known = |(hour, figure, count): (i64, String, i64)| Some((hour, HourFigure::parse(&figure)?, count));
        Ok(rows.into_iter().filter_map(known).collect())
    }

    /// The credentials that asked most from an hour on, at most this many.
    pub fn list_busiest_credentials(
        &mut self,
        since_hour: i64,
        most: usize,
    ) -> Result<Vec<CredentialCount>, StoreError> {
        let rows: Vec<(String, i64, i64)> = credential_hours::table
            .filter(credential_hours::hour.ge(since_hour))
            .select((credential_hours::credential_id, credential_hours::requests, credential_hours::refused))
            .load(self)?;
        let mut sums: HashMap<String, (i64, i64)> = HashMap::new();
        for (id, requests, refused) in rows {
            let sum = sums.entry(id).or_default();
            *sum = (sum.0.saturating_add(requests), sum.1.saturating_add(refused));
        }
        let count = |(credential_id, (requests, refused))| CredentialCount { credential_id, requests, refused };
        let mut busiest: Vec<_> = sums.into_iter().map(count).collect();
        busiest.sort_unstable_by(|one, other| {
            other.requests.cmp(&one.requests).then_with(|| one.credential_id.cmp(&other.credential_id))
        });
        busiest.truncate(most);
        Ok(busiest)
    }

    /// Removes the figures of the hours before that of `until`, hour by hour until `limit` rows are gone; answers how many
    /// went. Fewer than `limit` means that nothing is left.
    pub fn purge_hours(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let mut removed = 0;
        while i64::try_from(removed).unwrap_or(i64::MAX) < limit {
            let figures: Option<i64> =
                hour_figures::table.select(diesel::dsl::min(hour_figures::hour)).get_result(self)?;
            let credentials: Option<i64> =
                credential_hours::table.select(diesel::dsl::min(credential_hours::hour)).get_result(self)?;
            let oldest = figures.into_iter().chain(credentials).min();
            let Some(hour) = oldest.filter(|hour| *hour < hour_of(until)) else { return Ok(removed) };
            removed += diesel::delete(hour_figures::table.filter(hour_figures::hour.eq(hour))).execute(self)?;
            removed += diesel::delete(credential_hours::table.filter(credential_hours::hour.eq(hour))).execute(self)?;
        }
        Ok(removed)
    }
}
