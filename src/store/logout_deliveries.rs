//! Table `logout_deliveries`: an outbox, as `webhook_deliveries` is. Rows are leased for an attempt.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::crypto::random;
use crate::domain::ids::{ClientId, UserId};
use crate::domain::login_session::LoginSession;
use crate::domain::logout_delivery::{LogoutDelivery, LogoutDeliveryFilter};
use crate::domain::page::{Page, PageRequest};
use crate::domain::webhook_delivery::{AfterAttempt, DeliveryStatus};
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{corrupt, to_micros, to_time};
use crate::store::schema::logout_deliveries;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = logout_deliveries)]
struct LogoutDeliveryRow {
    id: String,
    client_id: String,
    user_id: String,
    sid: String,
    status: String,
    attempts: i64,
    next_attempt_at: i64,
    last_error: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
}

impl LogoutDeliveryRow {
    fn into_delivery(self) -> Result<LogoutDelivery, StoreError> {
        Ok(LogoutDelivery {
            status: DeliveryStatus::parse(&self.status).ok_or_else(|| corrupt("delivery status", &self.status))?,
            id: self.id,
            client_id: ClientId(self.client_id),
            user_id: UserId(self.user_id),
            sid: self.sid,
            attempts: self.attempts,
            next_attempt_at: to_time(self.next_attempt_at),
            last_error: self.last_error,
            created_at: to_time(self.created_at),
            finished_at: self.finished_at.map(to_time),
        })
    }
}

impl StoreConnection {
    /// Inserts a delivery to this client, due now, about the end of this session.
    pub fn insert_logout_delivery(
        &mut self,
        session: &LoginSession,
        client_id: &ClientId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = LogoutDeliveryRow {
            id: random::id(now).map_err(|error| StoreError::Unavailable(error.to_string()))?,
            client_id: client_id.0.clone(),
            user_id: session.user_id.0.clone(),
            sid: session.sid.clone(),
            status: DeliveryStatus::Pending.as_str().to_owned(),
            attempts: 0,
            next_attempt_at: to_micros(now),
            last_error: None,
            created_at: to_micros(now),
            finished_at: None,
        };
        diesel::insert_into(logout_deliveries::table).values(row).execute(self)?;
        Ok(())
    }

    /// A delivery by its id.
    pub fn find_logout_delivery(&mut self, id: &str) -> Result<Option<LogoutDelivery>, StoreError> {
        let row =
            logout_deliveries::table.find(id).select(LogoutDeliveryRow::as_select()).get_result(self).optional()?;
        row.map(LogoutDeliveryRow::into_delivery).transpose()
    }

    /// A delivery that is due and that nobody is at, with its client; none to the clients named. What was never tried comes
    /// before what failed, and then what has been due for longest.
    pub fn find_due_logout_delivery(
        &mut self,
        but_not_to: &[String],
        now: DateTime<Utc>,
    ) -> Result<Option<(String, String)>, StoreError> {
        let now = to_micros(now);
        Ok(logout_deliveries::table
            .filter(logout_deliveries::status.eq(DeliveryStatus::Pending.as_str()))
            .filter(logout_deliveries::next_attempt_at.le(now))
            .filter(logout_deliveries::leased_until.is_null().or(logout_deliveries::leased_until.le(now)))
            .filter(logout_deliveries::client_id.ne_all(but_not_to))
            .order((logout_deliveries::attempts.gt(0), logout_deliveries::next_attempt_at, logout_deliveries::id))
            .select((logout_deliveries::id, logout_deliveries::client_id))
            .limit(1)
            .get_result(self)
            .optional()?)
    }

    /// Lets what waits for this client wait until this time at least, but for what somebody is at; answers how much that is.
    pub fn postpone_logout_deliveries(&mut self, client_id: &str, until: DateTime<Utc>) -> Result<usize, StoreError> {
        let until = to_micros(until);
        let waiting = logout_deliveries::table
            .filter(logout_deliveries::status.eq(DeliveryStatus::Pending.as_str()))
            .filter(logout_deliveries::client_id.eq(client_id))
            .filter(logout_deliveries::next_attempt_at.lt(until))
            .filter(logout_deliveries::leased_until.is_null());
        Ok(diesel::update(waiting).set(logout_deliveries::next_attempt_at.eq(until)).execute(self)?)
    }

    /// Leases a due delivery for one attempt, which is counted; true if this call did it.
    pub fn lease_logout_delivery(
        &mut self,
        id: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let now = to_micros(now);
        let free = logout_deliveries::table
            .find(id)
            .filter(logout_deliveries::status.eq(DeliveryStatus::Pending.as_str()))
            .filter(logout_deliveries::next_attempt_at.le(now))
            .filter(logout_deliveries::leased_until.is_null().or(logout_deliveries::leased_until.le(now)));
        let change = (
            logout_deliveries::leased_until.eq(Some(to_micros(until))),
            logout_deliveries::attempts.eq(logout_deliveries::attempts + 1),
        );
        Ok(diesel::update(free).set(change).execute(self)? > 0)
    }

    /// Records what an attempt ended with and gives the lease back; false if the lease was lost: another attempt is under
    /// way, and what that one ends with counts.
    pub fn finish_logout_attempt(
        &mut self,
        leased: (&str, DateTime<Utc>),
        after: &AfterAttempt,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (id, lease) = leased;
        let mine = logout_deliveries::table
            .find(id)
            .filter(logout_deliveries::status.eq(DeliveryStatus::Pending.as_str()))
            .filter(logout_deliveries::leased_until.eq(to_micros(lease)));
        let finished_at = (after.status != DeliveryStatus::Pending).then(|| to_micros(now));
        let change = (
            logout_deliveries::status.eq(after.status.as_str()),
            logout_deliveries::next_attempt_at.eq(to_micros(after.next_attempt_at.unwrap_or(now))),
            logout_deliveries::leased_until.eq(None::<i64>),
            logout_deliveries::last_error.eq(&after.error),
            logout_deliveries::finished_at.eq(finished_at),
        );
        Ok(diesel::update(mine).set(change).execute(self)? > 0)
    }

    /// A page of deliveries, newest first; the cursor is a delivery's id.
    pub fn list_logout_deliveries(
        &mut self,
        filter: &LogoutDeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<LogoutDelivery>, StoreError> {
        let mut query = logout_deliveries::table
            .select(LogoutDeliveryRow::as_select())
            .order(logout_deliveries::id.desc())
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(before) = &page.after {
            query = query.filter(logout_deliveries::id.lt(before));
        }
        if let Some(status) = filter.status {
            query = query.filter(logout_deliveries::status.eq(status.as_str()));
        }
        if let Some(client_id) = &filter.client_id {
            query = query.filter(logout_deliveries::client_id.eq(client_id));
        }
        let rows = query.load(self)?.into_iter().map(LogoutDeliveryRow::into_delivery).collect::<Result<_, _>>()?;
        Ok(Page::from_rows(rows, page.limit, |delivery: &LogoutDelivery| delivery.id.clone()))
    }

    /// Removes deliveries made before `until`, whatever became of them, at most `limit`; answers how many.
    pub fn purge_logout_deliveries(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> = logout_deliveries::table
            .filter(logout_deliveries::created_at.lt(to_micros(until)))
            .select(logout_deliveries::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(logout_deliveries::table.filter(logout_deliveries::id.eq_any(ids))).execute(self)?)
    }
}
