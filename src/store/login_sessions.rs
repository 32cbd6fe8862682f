//! Table `login_sessions`: digests of the cookies only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::ids::UserId;
use crate::domain::login_session::LoginSession;
use crate::domain::user::User;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::{login_sessions, users};
use crate::store::users::UserRow;

impl StoreConnection {
    /// The session of this digest with its user.
    pub fn find_login_session(&mut self, digest: &[u8]) -> Result<Option<(LoginSession, User)>, StoreError> {
        let row: Option<(String, i64, i64, UserRow)> = login_sessions::table
            .inner_join(users::table)
            .filter(login_sessions::digest.eq(digest))
            .select((login_sessions::sid, login_sessions::auth_time, login_sessions::expires_at, UserRow::as_select()))
            .get_result(self)
            .optional()?;
        row.map(|(sid, auth_time, expires_at, user)| {
            let user = User::try_from(user)?;
            let user_id = UserId(user.id.0.clone());
            Ok((LoginSession { sid, user_id, auth_time: to_time(auth_time), expires_at: to_time(expires_at) }, user))
        })
        .transpose()
    }

    /// Adds a session.
    pub fn insert_login_session(&mut self, digest: &[u8], session: &LoginSession) -> Result<(), StoreError> {
        let row = (
            login_sessions::digest.eq(digest),
            login_sessions::sid.eq(&session.sid),
            login_sessions::user_id.eq(session.user_id.as_str()),
            login_sessions::created_at.eq(to_micros(session.auth_time)),
            login_sessions::auth_time.eq(to_micros(session.auth_time)),
            login_sessions::expires_at.eq(to_micros(session.expires_at)),
        );
        diesel::insert_into(login_sessions::table).values(row).execute(self)?;
        Ok(())
    }

    /// Moves the end of a session that was just used; false when it is gone.
    pub fn extend_login_session(&mut self, digest: &[u8], expires_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = diesel::update(login_sessions::table.find(digest))
            .set(login_sessions::expires_at.eq(to_micros(expires_at)))
            .execute(self)?;
        Ok(done == 1)
    }

    /// Ends a session; true when this call did it.
    pub fn delete_login_session(&mut self, digest: &[u8]) -> Result<bool, StoreError> {
        Ok(diesel::delete(login_sessions::table.find(digest)).execute(self)? == 1)
    }

    /// Ends a session; true when this call did it.
    pub fn delete_login_session_by_sid(&mut self, sid: &str) -> Result<bool, StoreError> {
        Ok(diesel::delete(login_sessions::table.filter(login_sessions::sid.eq(sid))).execute(self)? == 1)
    }

    /// Every session of a user.
    pub fn list_login_sessions_of_user(&mut self, user_id: &str) -> Result<Vec<LoginSession>, StoreError> {
        let rows: Vec<(String, i64, i64)> = login_sessions::table
            .filter(login_sessions::user_id.eq(user_id))
            .select((login_sessions::sid, login_sessions::auth_time, login_sessions::expires_at))
            .order(login_sessions::sid)
            .load(self)?;
        let session = |(sid, auth_time, expires_at)| LoginSession {
            sid,
            user_id: UserId(user_id.to_owned()),
            auth_time: to_time(auth_time),
            expires_at: to_time(expires_at),
        };
        Ok(rows.into_iter().map(session).collect())
    }

    /// Ends every session of a user; answers how many.
    pub fn delete_login_sessions_of_user(&mut self, user_id: &str) -> Result<usize, StoreError> {
        Ok(diesel::delete(login_sessions::table.filter(login_sessions::user_id.eq(user_id))).execute(self)?)
    }

    /// Removes sessions that ended before `until`, at most `limit`; answers how many.
    pub fn purge_login_sessions(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let digests: Vec<Vec<u8>> = login_sessions::table
            .filter(login_sessions::expires_at.lt(to_micros(until)))
            .select(login_sessions::digest)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(login_sessions::table.filter(login_sessions::digest.eq_any(digests))).execute(self)?)
    }
}
