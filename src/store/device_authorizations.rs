//! Table `device_authorizations`: digests of both codes only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::device_authorization::{DeviceAuthorization, DeviceDecision};
use crate::domain::ids::{ClientId, GrantId};
use crate::protocol::resource::Resource;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{checked, corrupt, to_list, to_micros, to_scope, to_time};
use crate::store::schema::device_authorizations as table;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
struct DeviceAuthorizationRow {
    device_code_digest: Vec<u8>,
    user_code_digest: Vec<u8>,
    client_id: String,
    scope: Option<String>,
    resources: String,
    decision: String,
    grant_id: Option<String>,
    poll_interval: i32,
    polled_at: Option<i64>,
    created_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
}

const PENDING: &str = "pending";
const ALLOWED: &str = "allowed";
const DENIED: &str = "denied";

impl TryFrom<DeviceAuthorizationRow> for DeviceAuthorization {
    type Error = StoreError;

    fn try_from(row: DeviceAuthorizationRow) -> Result<Self, StoreError> {
        let decision = match (row.decision.as_str(), row.grant_id) {
            (PENDING, None) => DeviceDecision::Pending,
            (ALLOWED, Some(grant_id)) => DeviceDecision::Allowed(GrantId(grant_id)),
            (DENIED, None) => DeviceDecision::Denied,
            (other, _) => return Err(corrupt("decision", other)),
        };
        Ok(Self {
            client_id: ClientId(row.client_id),
            scope: row.scope.as_deref().map(to_scope).transpose()?,
            resources: checked(&row.resources, Resource::from_checked),
            decision,
            interval: u32::try_from(row.poll_interval).unwrap_or_default(),
            polled_at: row.polled_at.map(to_time),
            created_at: to_time(row.created_at),
            expires_at: to_time(row.expires_at),
            consumed_at: row.consumed_at.map(to_time),
        })
    }
}

impl StoreConnection {
    /// The authorization of this device code's digest.
    pub fn find_device_authorization(&mut self, digest: &[u8]) -> Result<Option<DeviceAuthorization>, StoreError> {
        let row = table::table.find(digest).select(DeviceAuthorizationRow::as_select()).get_result(self).optional()?;
        row.map(DeviceAuthorization::try_from).transpose()
    }

    /// The authorization of this user code's digest.
    pub fn find_device_authorization_by_user_code(
        &mut self,
        digest: &[u8],
    ) -> Result<Option<DeviceAuthorization>, StoreError> {
        let row = table::table
            .filter(table::user_code_digest.eq(digest))
            .select(DeviceAuthorizationRow::as_select())
            .get_result(self)
            .optional()?;
        row.map(DeviceAuthorization::try_from).transpose()
    }

    /// Adds a pending authorization; a [`StoreError::Conflict`] when the user code is taken.
    pub fn insert_device_authorization(
        &mut self,
        (device_code_digest, user_code_digest): (&[u8], &[u8]),
        asked: &DeviceAuthorization,
    ) -> Result<(), StoreError> {
        let row = DeviceAuthorizationRow {
            device_code_digest: device_code_digest.to_vec(),
            user_code_digest: user_code_digest.to_vec(),
            client_id: asked.client_id.0.clone(),
            scope: asked.scope.as_ref().map(ToString::to_string),
            resources: to_list(asked.resources.iter().map(Resource::as_str)),
            decision: PENDING.to_owned(),
            grant_id: None,
            poll_interval: i32::try_from(asked.interval).unwrap_or(i32::MAX),
            polled_at: None,
            created_at: to_micros(asked.created_at),
            expires_at: to_micros(asked.expires_at),
            consumed_at: None,
        };
        diesel::insert_into(table::table).values(row).execute(self)?;
        Ok(())
    }

    /// Allows a pending authorization by a grant that is there already; true when this call did it.
    pub fn allow_device_authorization(
        &mut self,
        user_code_digest: &[u8],
        grant_id: &GrantId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let open = table::table
            .filter(table::user_code_digest.eq(user_code_digest))
            .filter(table::decision.eq(PENDING))
            .filter(table::expires_at.gt(to_micros(now)));
        let allowed = (table::decision.eq(ALLOWED), table::grant_id.eq(Some(grant_id.as_str())));
        Ok(diesel::update(open).set(allowed).execute(self)? == 1)
    }

    /// Denies a pending authorization; true when this call did it.
    pub fn deny_device_authorization(
        &mut self,
        user_code_digest: &[u8],
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let open = table::table
            .filter(table::user_code_digest.eq(user_code_digest))
            .filter(table::decision.eq(PENDING))
            .filter(table::expires_at.gt(to_micros(now)));
        Ok(diesel::update(open).set(table::decision.eq(DENIED)).execute(self)? == 1)
    }

    /// Notes a poll that followed the one at `before`, and the interval from now on; false when another one was noted
    /// meanwhile.
    pub fn note_device_poll(
        &mut self,
        digest: &[u8],
        before: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        interval: u32,
    ) -> Result<bool, StoreError> {
        let noted = (
            table::polled_at.eq(Some(to_micros(now))),
            table::poll_interval.eq(i32::try_from(interval).unwrap_or(i32::MAX)),
        );
        let row = table::table.find(digest);
        let done = match before {
            None => diesel::update(row.filter(table::polled_at.is_null())).set(noted).execute(self)?,
            Some(before) => {
                diesel::update(row.filter(table::polled_at.eq(to_micros(before)))).set(noted).execute(self)?
            }
        };
        Ok(done == 1)
    }

    /// Consumes an allowed authorization; true when this call did it. Of any number of callers one gets true.
    pub fn consume_device_authorization(&mut self, digest: &[u8], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let fresh = table::table.find(digest).filter(table::decision.eq(ALLOWED)).filter(table::consumed_at.is_null());
        Ok(diesel::update(fresh).set(table::consumed_at.eq(Some(to_micros(now)))).execute(self)? == 1)
    }

    /// Removes authorizations that expired before `until`, at most `limit`; answers how many.
    pub fn purge_device_authorizations(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let digests: Vec<Vec<u8>> = table::table
            .filter(table::expires_at.lt(to_micros(until)))
            .select(table::device_code_digest)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(table::table.filter(table::device_code_digest.eq_any(digests))).execute(self)?)
    }
}
