//! Table `console_sessions`: digests of the cookies only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::console_session::ConsoleSession;
use crate::domain::grant::Grant;
use crate::domain::ids::GrantId;
use crate::domain::user::User;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::console_sessions;

impl StoreConnection {
    /// The session of this digest with its grant and its user.
    pub fn find_console_session(&mut self, digest: &[u8]) -> Result<Option<(ConsoleSession, Grant, User)>, StoreError> {
        let row: Option<(String, i64, i64, i64)> = console_sessions::table
            .find(digest)
            .select((
                console_sessions::grant_id,
                console_sessions::proven_at,
                console_sessions::created_at,
                console_sessions::expires_at,
            ))
            .get_result(self)
            .optional()?;
        let Some((grant_id, proven_at, created_at, expires_at)) = row else { return Ok(None) };
        let found = self.find_grant(&grant_id)?;
        let session = ConsoleSession {
            grant_id: GrantId(grant_id),
            proven_at: to_time(proven_at),
            created_at: to_time(created_at),
            expires_at: to_time(expires_at),
        };
        Ok(found.map(|(grant, user)| (session, grant, user)))
    }

    /// Adds a session.
    pub fn insert_console_session(&mut self, digest: &[u8], session: &ConsoleSession) -> Result<(), StoreError> {
        let row = (
            console_sessions::digest.eq(digest),
            console_sessions::grant_id.eq(session.grant_id.as_str()),
            console_sessions::proven_at.eq(to_micros(session.proven_at)),
            console_sessions::created_at.eq(to_micros(session.created_at)),
            console_sessions::expires_at.eq(to_micros(session.expires_at)),
        );
        diesel::insert_into(console_sessions::table).values(row).execute(self)?;
        Ok(())
    }

    /// Moves the end of a session that was just used; false when it is gone.
    pub fn extend_console_session(&mut self, digest: &[u8], expires_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = diesel::update(console_sessions::table.find(digest))
            .set(console_sessions::expires_at.eq(to_micros(expires_at)))
            .execute(self)?;
        Ok(done == 1)
    }

    /// Notes that the user has just given the password; false when the session is gone.
    pub fn prove_console_session(&mut self, digest: &[u8], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = diesel::update(console_sessions::table.find(digest))
            .set(console_sessions::proven_at.eq(to_micros(now)))
            .execute(self)?;
        Ok(done == 1)
    }

    /// Ends a session; true when this call did it.
    pub fn delete_console_session(&mut self, digest: &[u8]) -> Result<bool, StoreError> {
        Ok(diesel::delete(console_sessions::table.find(digest)).execute(self)? == 1)
    }

    /// Removes sessions that ended before `until`, at most `limit`; answers how many.
    pub fn purge_console_sessions(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let digests: Vec<Vec<u8>> = console_sessions::table
            .filter(console_sessions::expires_at.lt(to_micros(until)))
            .select(console_sessions::digest)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(console_sessions::table.filter(console_sessions::digest.eq_any(digests))).execute(self)?)
    }
}
