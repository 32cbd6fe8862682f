//! Table `webhook_deliveries`: an outbox. Rows are leased for an attempt, so that no two instances make the same one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::page::{Page, PageRequest};
use crate::domain::webhook_delivery::{AfterAttempt, DeliveryFilter, DeliveryStatus, WebhookDelivery};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{corrupt, to_micros, to_time};
use crate::store::schema::webhook_deliveries;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_deliveries)]
struct WebhookDeliveryRow {
    id: String,
    alert_id: String,
    endpoint: String,
    event_type: String,
    payload: String,
    status: String,
    attempts: i64,
    next_attempt_at: i64,
    leased_until: Option<i64>,
    last_error: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
}

impl WebhookDeliveryRow {
    fn into_delivery(self) -> Result<WebhookDelivery, StoreError> {
        Ok(WebhookDelivery {
            status: DeliveryStatus::parse(&self.status).ok_or_else(|| corrupt("delivery status", &self.status))?,
            id: self.id,
            alert_id: self.alert_id,
            endpoint: self.endpoint,
            event_type: self.event_type,
            payload: self.payload,
            attempts: self.attempts,
            next_attempt_at: to_time(self.next_attempt_at),
            last_error: self.last_error,
            created_at: to_time(self.created_at),
            finished_at: self.finished_at.map(to_time),
        })
    }
}

impl StoreConnection {
    /// Inserts a delivery.
    pub fn insert_webhook_delivery(&mut self, delivery: &WebhookDelivery) -> Result<(), StoreError> {
        let row = WebhookDeliveryRow {
            id: delivery.id.clone(),
            alert_id: delivery.alert_id.clone(),
            endpoint: delivery.endpoint.clone(),
            event_type: delivery.event_type.clone(),
            payload: delivery.payload.clone(),
            status: delivery.status.as_str().to_owned(),
            attempts: delivery.attempts,
            next_attempt_at: to_micros(delivery.next_attempt_at),
            leased_until: None,
            last_error: delivery.last_error.clone(),
            created_at: to_micros(delivery.created_at),
            finished_at: delivery.finished_at.map(to_micros),
        };
        diesel::insert_into(webhook_deliveries::table).values(row).execute(self)?;
        Ok(())
    }

    /// A delivery by its id.
    pub fn find_webhook_delivery(&mut self, id: &str) -> Result<Option<WebhookDelivery>, StoreError> {
        let row =
            webhook_deliveries::table.find(id).select(WebhookDeliveryRow::as_select()).get_result(self).optional()?;
        row.map(WebhookDeliveryRow::into_delivery).transpose()
    }

    /// The id of the delivery to this endpoint that has been due for longest and that nobody is at.
    pub fn find_due_webhook_delivery(
        &mut self,
        endpoint: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        let now = to_micros(now);
        Ok(webhook_deliveries::table
            .filter(webhook_deliveries::endpoint.eq(endpoint))
            .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending.as_str()))
            .filter(webhook_deliveries::next_attempt_at.le(now))
            .filter(webhook_deliveries::leased_until.is_null().or(webhook_deliveries::leased_until.le(now)))
            .order((webhook_deliveries::next_attempt_at, webhook_deliveries::id))
            .select(webhook_deliveries::id)
            .limit(1)
            .get_result(self)
            .optional()?)
    }

    /// Leases a due delivery for one attempt, which is counted; true if this call did it.
    pub fn lease_webhook_delivery(
        &mut self,
        id: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let now = to_micros(now);
        let free = webhook_deliveries::table
            .find(id)
            .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending.as_str()))
            .filter(webhook_deliveries::next_attempt_at.le(now))
            .filter(webhook_deliveries::leased_until.is_null().or(webhook_deliveries::leased_until.le(now)));
        let change = (
            webhook_deliveries::leased_until.eq(Some(to_micros(until))),
            webhook_deliveries::attempts.eq(webhook_deliveries::attempts + 1),
        );
        Ok(diesel::update(free).set(change).execute(self)? > 0)
    }

    /// Records what an attempt ended with and gives the lease back; false if the lease was lost: another attempt is under
    /// way, and what that one ends with counts.
    pub fn finish_webhook_attempt(
        &mut self,
        leased: (&str, DateTime<Utc>),
        after: &AfterAttempt,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (id, lease) = leased;
        let mine = webhook_deliveries::table
            .find(id)
            .filter(webhook_deliveries::status.eq(DeliveryStatus::Pending.as_str()))
            .filter(webhook_deliveries::leased_until.eq(to_micros(lease)));
        let finished_at = (after.status != DeliveryStatus::Pending).then(|| to_micros(now));
        let change = (
            webhook_deliveries::status.eq(after.status.as_str()),
            webhook_deliveries::next_attempt_at.eq(to_micros(after.next_attempt_at.unwrap_or(now))),
            webhook_deliveries::leased_until.eq(None::<i64>),
            webhook_deliveries::last_error.eq(&after.error),
            webhook_deliveries::finished_at.eq(finished_at),
        );
        Ok(diesel::update(mine).set(change).execute(self)? > 0)
    }

    /// Makes a finished delivery pending again, with its attempts counted anew; true if this call did it.
    pub fn reopen_webhook_delivery(&mut self, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let finished =
            webhook_deliveries::table.find(id).filter(webhook_deliveries::status.ne(DeliveryStatus::Pending.as_str()));
        let change = (
            webhook_deliveries::status.eq(DeliveryStatus::Pending.as_str()),
            webhook_deliveries::attempts.eq(0_i64),
            webhook_deliveries::next_attempt_at.eq(to_micros(now)),
            webhook_deliveries::leased_until.eq(None::<i64>),
            webhook_deliveries::finished_at.eq(None::<i64>),
        );
        Ok(diesel::update(finished).set(change).execute(self)? > 0)
    }

    /// A page of deliveries, newest first; the cursor is a delivery's id.
    pub fn list_webhook_deliveries(
        &mut self,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<WebhookDelivery>, StoreError> {
        let mut query = webhook_deliveries::table
            .select(WebhookDeliveryRow::as_select())
            .order(webhook_deliveries::id.desc())
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(before) = &page.after {
            query = query.filter(webhook_deliveries::id.lt(before));
        }
        if let Some(status) = filter.status {
            query = query.filter(webhook_deliveries::status.eq(status.as_str()));
        }
        if let Some(endpoint) = &filter.endpoint {
            query = query.filter(webhook_deliveries::endpoint.eq(endpoint));
        }
        if let Some(alert) = &filter.alert_id {
            query = query.filter(webhook_deliveries::alert_id.eq(alert));
        }
        let rows = query.load(self)?.into_iter().map(WebhookDeliveryRow::into_delivery).collect::<Result<_, _>>()?;
        Ok(Page::from_rows(rows, page.limit, |delivery: &WebhookDelivery| delivery.id.clone()))
    }

    /// Removes deliveries made before `until`, whatever became of them, at most `limit`; answers how many. One that is still
    /// pending then belongs to an endpoint that is no longer configured.
    pub fn purge_webhook_deliveries(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> = webhook_deliveries::table
            .filter(webhook_deliveries::created_at.lt(to_micros(until)))
            .select(webhook_deliveries::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(ids))).execute(self)?)
    }
}
