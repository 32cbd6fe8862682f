//! Table `login_sessions`: digests of the cookies only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::ids::UserId;
use crate::domain::login_session::{LoginSession, LoginSessionCursor, LoginSessionFilter};
use crate::domain::page::{Page, PageRequest};
use crate::domain::user::User;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::{login_sessions, users};
use crate::store::users::UserRow;

/// A row without its key.
#[derive(Queryable, Selectable)]
#[diesel(table_name = login_sessions)]
struct LoginSessionRow {
    sid: String,
    user_id: String,
    created_at: i64,
    auth_time: i64,
    last_used_at: Option<i64>,
    expires_at: i64,
    address: Option<String>,
    user_agent: Option<String>,
}

impl From<LoginSessionRow> for LoginSession {
    fn from(row: LoginSessionRow) -> Self {
        Self {
            sid: row.sid,
            user_id: UserId(row.user_id),
            created_at: to_time(row.created_at),
            auth_time: to_time(row.auth_time),
            // A server of an older version does not note it.
            last_used_at: to_time(row.last_used_at.unwrap_or(row.auth_time)),
            expires_at: to_time(row.expires_at),
            address: row.address,
            user_agent: row.user_agent,
        }
    }
}

impl StoreConnection {
    /// The session of this digest with its user.
    pub fn find_login_session(&mut self, digest: &[u8]) -> Result<Option<(LoginSession, User)>, StoreError> {
        let row: Option<(LoginSessionRow, UserRow)> = login_sessions::table
            .inner_join(users::table)
            .filter(login_sessions::digest.eq(digest))
            .select((LoginSessionRow::as_select(), UserRow::as_select()))
            .get_result(self)
            .optional()?;
        row.map(|(session, user)| Ok((session.into(), user.try_into()?))).transpose()
    }

    /// The session of this identifier.
    pub fn find_login_session_by_sid(&mut self, sid: &str) -> Result<Option<LoginSession>, StoreError> {
        let query = login_sessions::table.filter(login_sessions::sid.eq(sid));
        let row = query.select(LoginSessionRow::as_select()).get_result(self).optional()?;
        Ok(row.map(LoginSession::from))
    }

    /// Adds a session.
    pub fn insert_login_session(&mut self, digest: &[u8], session: &LoginSession) -> Result<(), StoreError> {
        let row = (
            login_sessions::digest.eq(digest),
            login_sessions::sid.eq(&session.sid),
            login_sessions::user_id.eq(session.user_id.as_str()),
            login_sessions::created_at.eq(to_micros(session.created_at)),
            login_sessions::auth_time.eq(to_micros(session.auth_time)),
            login_sessions::last_used_at.eq(to_micros(session.last_used_at)),
            login_sessions::expires_at.eq(to_micros(session.expires_at)),
            login_sessions::address.eq(&session.address),
            login_sessions::user_agent.eq(&session.user_agent),
        );
        diesel::insert_into(login_sessions::table).values(row).execute(self)?;
        Ok(())
    }

    /// Moves the end of a session that was just used; false when it is gone.
    pub fn extend_login_session(
        &mut self,
        digest: &[u8],
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let times = (
            login_sessions::expires_at.eq(to_micros(expires_at)),
            login_sessions::last_used_at.eq(Some(to_micros(now))),
        );
        Ok(diesel::update(login_sessions::table.find(digest)).set(times).execute(self)? == 1)
    }

    /// Ends a session; true when this call did it.
    pub fn delete_login_session(&mut self, digest: &[u8]) -> Result<bool, StoreError> {
        Ok(diesel::delete(login_sessions::table.find(digest)).execute(self)? == 1)
    }

    /// Ends a session; true when this call did it.
    pub fn delete_login_session_by_sid(&mut self, sid: &str) -> Result<bool, StoreError> {
        Ok(diesel::delete(login_sessions::table.filter(login_sessions::sid.eq(sid))).execute(self)? == 1)
    }

    /// A page of the sessions that are live, the one that began last first.
    pub fn list_login_sessions(
        &mut self,
        filter: &LoginSessionFilter,
        page: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<LoginSession>, StoreError> {
        let mut query = login_sessions::table
            .select(LoginSessionRow::as_select())
            .filter(login_sessions::expires_at.gt(to_micros(now)))
            .order((login_sessions::created_at.desc(), login_sessions::sid.desc()))
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(user_id) = &filter.user_id {
            query = query.filter(login_sessions::user_id.eq(user_id.as_str()));
        }
        if let Some(after) = page.after.as_deref().and_then(LoginSessionCursor::parse) {
            let then = login_sessions::created_at.eq(after.created_at).and(login_sessions::sid.lt(after.sid));
            query = query.filter(login_sessions::created_at.lt(after.created_at).or(then));
        }
        let rows: Vec<LoginSession> = query.load(self)?.into_iter().map(LoginSession::from).collect();
        Ok(Page::from_rows(rows, page.limit, LoginSession::cursor))
    }

    /// Every session of a user.
    pub fn list_login_sessions_of_user(&mut self, user_id: &str) -> Result<Vec<LoginSession>, StoreError> {
        let rows: Vec<LoginSessionRow> = login_sessions::table
            .filter(login_sessions::user_id.eq(user_id))
            .select(LoginSessionRow::as_select())
            .order(login_sessions::sid)
            .load(self)?;
        Ok(rows.into_iter().map(LoginSession::from).collect())
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
