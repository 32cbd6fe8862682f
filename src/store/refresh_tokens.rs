//! Table `refresh_tokens`: digests only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::grant::Grant;
use crate::domain::ids::GrantId;
use crate::domain::refresh_token::RefreshToken;
use crate::domain::user::User;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::grants::GrantRow;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::{grants, refresh_tokens, users};
use crate::store::users::UserRow;

#[derive(Queryable, Selectable)]
#[diesel(table_name = refresh_tokens)]
struct RefreshTokenRow {
    id: i64,
    created_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
}

impl From<RefreshTokenRow> for RefreshToken {
    fn from(row: RefreshTokenRow) -> Self {
        Self {
            id: row.id,
            created_at: to_time(row.created_at),
            expires_at: to_time(row.expires_at),
            consumed_at: row.consumed_at.map(to_time),
        }
    }
}

/// A presented refresh token with all that its use is decided by.
pub struct PresentedRefreshToken {
    /// The token.
    pub token: RefreshToken,
    /// The grant of its family.
    pub grant: Grant,
    /// Who gave the grant.
    pub user: User,
}

impl StoreConnection {
    /// The refresh token of this digest, with its grant and user.
    pub fn find_refresh_token(&mut self, digest: &[u8]) -> Result<Option<PresentedRefreshToken>, StoreError> {
        let query = refresh_tokens::table
            .inner_join(grants::table.inner_join(users::table))
            .filter(refresh_tokens::digest.eq(digest));
        let row: Option<(RefreshTokenRow, GrantRow, UserRow)> = on_each!(self, |connection| {
            let columns = (RefreshTokenRow::as_select(), GrantRow::as_select(), UserRow::as_select());
            query.select(columns).get_result(connection).optional()
        })?;
        row.map(|(token, grant, user)| {
            Ok(PresentedRefreshToken { token: token.into(), grant: grant.try_into()?, user: user.try_into()? })
        })
        .transpose()
    }

    /// Does a token of this digest exist that was never used?
    pub fn is_refresh_token_unused(&mut self, digest: &[u8]) -> Result<bool, StoreError> {
        let unused = refresh_tokens::table
            .filter(refresh_tokens::digest.eq(digest))
            .filter(refresh_tokens::consumed_at.is_null())
            .count()
            .get_result::<i64>(self)?;
        Ok(unused == 1)
    }

    /// Adds a token to a grant.
    pub fn insert_refresh_token(
        &mut self,
        digest: &[u8],
        grant_id: &GrantId,
        created_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = (
            refresh_tokens::digest.eq(digest),
            refresh_tokens::grant_id.eq(grant_id.as_str()),
            refresh_tokens::created_at.eq(to_micros(created_at)),
            refresh_tokens::expires_at.eq(to_micros(expires_at)),
        );
        let insert = diesel::insert_into(refresh_tokens::table).values(row);
        on_each!(self, |connection| insert.execute(connection))?;
        Ok(())
    }

    /// Consumes a token whose grant still stands; true when this call did it. Of any number of callers one gets true.
    pub fn consume_refresh_token(
        &mut self,
        id: i64,
        grant_id: &GrantId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let standing = grants::table.find(grant_id.as_str()).filter(grants::revoked_at.is_null()).select(grants::id);
        let fresh = refresh_tokens::table
            .find(id)
            .filter(refresh_tokens::consumed_at.is_null())
            .filter(refresh_tokens::grant_id.eq_any(standing));
        let update = diesel::update(fresh).set(refresh_tokens::consumed_at.eq(Some(to_micros(now))));
        Ok(on_each!(self, |connection| update.execute(connection))? == 1)
    }

    /// Moves the end of a kept token; false when it was consumed meanwhile.
    pub fn extend_refresh_token(&mut self, id: i64, expires_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let fresh = refresh_tokens::table.find(id).filter(refresh_tokens::consumed_at.is_null());
        Ok(diesel::update(fresh).set(refresh_tokens::expires_at.eq(to_micros(expires_at))).execute(self)? == 1)
    }

    /// Removes tokens that expired before `until`, at most `limit`; answers how many.
    pub fn purge_refresh_tokens(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<i64> = refresh_tokens::table
            .filter(refresh_tokens::expires_at.lt(to_micros(until)))
            .select(refresh_tokens::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(refresh_tokens::table.filter(refresh_tokens::id.eq_any(ids))).execute(self)?)
    }
}
