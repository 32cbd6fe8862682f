//! Tables `alerts` and `alert_silences`: what was said, and until when it is not said again.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::alert::{Alert, AlertFilter, AlertRule};
use crate::domain::page::{Page, PageRequest};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{corrupt, to_micros, to_time};
use crate::store::schema::{alert_silences, alerts};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = alerts)]
struct AlertRow {
    id: String,
    rule: String,
    subject_kind: String,
    subject_id: String,
    detail: String,
    occurred_at: i64,
    created_at: i64,
}

impl AlertRow {
    fn into_alert(self) -> Result<Alert, StoreError> {
        Ok(Alert {
            rule: AlertRule::parse(&self.rule).ok_or_else(|| corrupt("alert rule", &self.rule))?,
            detail: serde_json::from_str(&self.detail).map_err(|_| corrupt("alert detail", &self.id))?,
            id: self.id,
            subject_kind: self.subject_kind,
            subject_id: self.subject_id,
            occurred_at: to_time(self.occurred_at),
        })
    }
}

impl StoreConnection {
    /// Is this key silent now? A read that spares a write; only [`StoreConnection::take_alert_silence`] decides.
    pub fn is_alert_silent(&mut self, key: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let until: Option<i64> =
            alert_silences::table.find(key).select(alert_silences::silent_until).get_result(self).optional()?;
        Ok(until.is_some_and(|until| until > to_micros(now)))
    }

    /// Silences a key until then; true if it was not silent, so that this call may speak. Of two at once one may: the other
    /// waits for its row, or ends in a conflict.
    pub fn take_alert_silence(
        &mut self,
        key: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let over = alert_silences::table.find(key).filter(alert_silences::silent_until.le(to_micros(now)));
        let taken = diesel::update(over).set(alert_silences::silent_until.eq(to_micros(until))).execute(self)?;
        if taken > 0 {
            return Ok(true);
        }
        if alert_silences::table.find(key).count().get_result::<i64>(self)? > 0 {
            return Ok(false);
        }
        let row = (alert_silences::silence_key.eq(key), alert_silences::silent_until.eq(to_micros(until)));
        diesel::insert_into(alert_silences::table).values(row).execute(self)?;
        Ok(true)
    }

    /// Inserts an alert.
    pub fn insert_alert(&mut self, alert: &Alert, now: DateTime<Utc>) -> Result<(), StoreError> {
        let row = AlertRow {
            id: alert.id.clone(),
            rule: alert.rule.as_str().to_owned(),
            subject_kind: alert.subject_kind.clone(),
            subject_id: alert.subject_id.clone(),
            detail: alert.detail.to_string(),
            occurred_at: to_micros(alert.occurred_at),
            created_at: to_micros(now),
        };
        diesel::insert_into(alerts::table).values(row).execute(self)?;
        Ok(())
    }

    /// A page of alerts, newest first; the cursor is an alert's id.
    pub fn list_alerts(&mut self, filter: &AlertFilter, page: &PageRequest) -> Result<Page<Alert>, StoreError> {
        let mut query =
            alerts::table.select(AlertRow::as_select()).order(alerts::id.desc()).limit(page.limit + 1).into_boxed();
        if let Some(before) = &page.after {
            query = query.filter(alerts::id.lt(before));
        }
        if let Some(rule) = filter.rule {
            query = query.filter(alerts::rule.eq(rule.as_str()));
        }
        if let Some(subject) = &filter.subject_id {
            query = query.filter(alerts::subject_id.eq(subject));
        }
        if let Some(since) = filter.since {
            query = query.filter(alerts::occurred_at.ge(to_micros(since)));
        }
        if let Some(until) = filter.until {
            query = query.filter(alerts::occurred_at.lt(to_micros(until)));
        }
        let rows = query.load(self)?.into_iter().map(AlertRow::into_alert).collect::<Result<_, _>>()?;
        Ok(Page::from_rows(rows, page.limit, |alert: &Alert| alert.id.clone()))
    }

    /// How many alerts there were from this time on.
    pub fn count_alerts(&mut self, since: DateTime<Utc>) -> Result<i64, StoreError> {
        Ok(alerts::table.filter(alerts::occurred_at.ge(to_micros(since))).count().get_result(self)?)
    }

    /// Removes alerts made before `until`, at most `limit`; answers how many.
    pub fn purge_alerts(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> =
            alerts::table.filter(alerts::created_at.lt(to_micros(until))).select(alerts::id).limit(limit).load(self)?;
        Ok(diesel::delete(alerts::table.filter(alerts::id.eq_any(ids))).execute(self)?)
    }

    /// Removes silences that ended before `until`, at most `limit`; answers how many.
    pub fn purge_alert_silences(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let over = alert_silences::silent_until.lt(to_micros(until));
        let keys: Vec<String> =
            alert_silences::table.filter(over).select(alert_silences::silence_key).limit(limit).load(self)?;
        let still_over = alert_silences::silence_key.eq_any(keys).and(over);
        Ok(diesel::delete(alert_silences::table.filter(still_over)).execute(self)?)
    }
}
