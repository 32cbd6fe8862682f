//! Table `revoked_access_tokens`: what introspection must refuse although its signature and time are right.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::page::{Page, PageRequest};
use crate::domain::revoked_access_token::RevokedAccessToken;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::revoked_access_tokens;

type Row = (String, String, i64, i64);

impl StoreConnection {
    /// Is this access token revoked?
    pub fn is_access_token_revoked(&mut self, jti: &str) -> Result<bool, StoreError> {
        let query = revoked_access_tokens::table.find(jti).count();
        let found: i64 = on_each!(self, |connection| query.get_result(connection))?;
        Ok(found > 0)
    }

    /// Revokes an access token; true when this call did it.
    pub fn revoke_access_token(&mut self, token: &RevokedAccessToken) -> Result<bool, StoreError> {
        if self.is_access_token_revoked(&token.jti)? {
            return Ok(false);
        }
        let row = (
            revoked_access_tokens::jti.eq(&token.jti),
            revoked_access_tokens::client_id.eq(&token.client_id),
            revoked_access_tokens::revoked_at.eq(to_micros(token.revoked_at)),
            revoked_access_tokens::expires_at.eq(to_micros(token.expires_at)),
        );
        diesel::insert_into(revoked_access_tokens::table).values(row).execute(self)?;
        Ok(true)
    }

    /// A page of revoked tokens that have not expired.
    pub fn list_revoked_access_tokens(
        &mut self,
        page: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<RevokedAccessToken>, StoreError> {
        let mut query = revoked_access_tokens::table
            .filter(revoked_access_tokens::expires_at.gt(to_micros(now)))
            .order(revoked_access_tokens::jti)
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(revoked_access_tokens::jti.gt(after));
        }
        let rows = query.load::<Row>(self)?.into_iter().map(|(jti, client_id, revoked_at, expires_at)| {
            RevokedAccessToken { jti, client_id, revoked_at: to_time(revoked_at), expires_at: to_time(expires_at) }
        });
        Ok(Page::from_rows(rows.collect(), page.limit, |token| token.jti.clone()))
    }

    /// Forgets tokens that expired before `until`, at most `limit`; answers how many.
    pub fn purge_revoked_access_tokens(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> = revoked_access_tokens::table
            .filter(revoked_access_tokens::expires_at.lt(to_micros(until)))
            .select(revoked_access_tokens::jti)
            .limit(limit)
            .load(self)?;
        let old = revoked_access_tokens::table.filter(revoked_access_tokens::jti.eq_any(ids));
        Ok(diesel::delete(old).execute(self)?)
    }
}
