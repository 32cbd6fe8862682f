//! Table `pushed_requests`: digests of their references only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::ids::ClientId;
use crate::domain::pushed_request::PushedRequest;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::pushed_requests;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = pushed_requests, treat_none_as_default_value = false)]
struct PushedRequestRow {
    digest: Vec<u8>,
    client_id: String,
    parameters: String,
    created_at: i64,
    expires_at: i64,
    opened_at: Option<i64>,
    consumed_at: Option<i64>,
}

impl From<PushedRequestRow> for PushedRequest {
    fn from(row: PushedRequestRow) -> Self {
        Self {
            client_id: ClientId(row.client_id),
            parameters: row.parameters,
            created_at: to_time(row.created_at),
            expires_at: to_time(row.expires_at),
            opened_at: row.opened_at.map(to_time),
            consumed_at: row.consumed_at.map(to_time),
        }
    }
}

impl StoreConnection {
    /// The request of this digest.
    pub fn find_pushed_request(&mut self, digest: &[u8]) -> Result<Option<PushedRequest>, StoreError> {
        let row = pushed_requests::table.find(digest).select(PushedRequestRow::as_select());
        Ok(row.get_result(self).optional()?.map(PushedRequest::from))
    }

    /// Adds a request.
    pub fn insert_pushed_request(&mut self, digest: &[u8], request: &PushedRequest) -> Result<(), StoreError> {
        let row = PushedRequestRow {
            digest: digest.to_vec(),
            client_id: request.client_id.0.clone(),
            parameters: request.parameters.clone(),
            created_at: to_micros(request.created_at),
            expires_at: to_micros(request.expires_at),
            opened_at: request.opened_at.map(to_micros),
            consumed_at: request.consumed_at.map(to_micros),
        };
        diesel::insert_into(pushed_requests::table).values(row).execute(self)?;
        Ok(())
    }

    /// Marks a request as opened and moves its end; false when it was opened before.
    pub fn open_pushed_request(
        &mut self,
        digest: &[u8],
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let fresh = pushed_requests::table.find(digest).filter(pushed_requests::opened_at.is_null());
        let opened = (
            pushed_requests::opened_at.eq(Some(to_micros(now))),
            pushed_requests::expires_at.eq(to_micros(expires_at)),
        );
        Ok(diesel::update(fresh).set(opened).execute(self)? == 1)
    }

    /// Consumes a request; true when this call did it. Of any number of callers one gets true.
    pub fn consume_pushed_request(&mut self, digest: &[u8], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let fresh = pushed_requests::table.find(digest).filter(pushed_requests::consumed_at.is_null());
        let done = diesel::update(fresh).set(pushed_requests::consumed_at.eq(Some(to_micros(now)))).execute(self)?;
        Ok(done == 1)
    }

    /// Removes requests that expired before `until`, at most `limit`; answers how many.
    pub fn purge_pushed_requests(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let digests: Vec<Vec<u8>> = pushed_requests::table
            .filter(pushed_requests::expires_at.lt(to_micros(until)))
            .select(pushed_requests::digest)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(pushed_requests::table.filter(pushed_requests::digest.eq_any(digests))).execute(self)?)
    }
}
