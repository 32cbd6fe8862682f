//! Table `personal_tokens`: access tokens that people made for themselves, without the tokens.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::ids::{PersonalTokenId, UserId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::personal_token::PersonalToken;
use crate::domain::revoked_access_token::RevokedAccessToken;
use crate::domain::user::User;
use crate::protocol::resource::Resource;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{checked, to_list, to_micros, to_scope, to_time};
use crate::store::schema::{personal_tokens, users};
use crate::store::users::UserRow;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = personal_tokens, treat_none_as_default_value = false)]
struct PersonalTokenRow {
    id: String,
    user_id: String,
    name: String,
    jti: String,
    environment: String,
    scope: String,
    resources: String,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

impl From<&PersonalToken> for PersonalTokenRow {
    fn from(token: &PersonalToken) -> Self {
        Self {
            id: token.id.0.clone(),
            user_id: token.user_id.0.clone(),
            name: token.name.clone(),
            jti: token.jti.clone(),
            environment: token.environment.clone(),
            scope: token.scope.to_string(),
            resources: to_list(token.resources.iter().map(Resource::as_str)),
            created_at: to_micros(token.created_at),
            expires_at: to_micros(token.expires_at),
            revoked_at: token.revoked_at.map(to_micros),
        }
    }
}

impl TryFrom<PersonalTokenRow> for PersonalToken {
    type Error = StoreError;

    fn try_from(row: PersonalTokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            scope: to_scope(&row.scope)?,
            resources: checked(&row.resources, Resource::from_checked),
            id: PersonalTokenId(row.id),
            user_id: UserId(row.user_id),
            name: row.name,
            jti: row.jti,
            environment: row.environment,
            created_at: to_time(row.created_at),
            expires_at: to_time(row.expires_at),
            revoked_at: row.revoked_at.map(to_time),
        })
    }
}

impl StoreConnection {
    /// The personal token of this identifier with its user.
    pub fn find_personal_token(&mut self, id: &str) -> Result<Option<(PersonalToken, User)>, StoreError> {
        let query = personal_tokens::table.inner_join(users::table).filter(personal_tokens::id.eq(id));
        let row: Option<(PersonalTokenRow, UserRow)> = on_each!(self, |connection| {
            query.select((PersonalTokenRow::as_select(), UserRow::as_select())).get_result(connection).optional()
        })?;
        row.map(|(token, user)| Ok((token.try_into()?, user.try_into()?))).transpose()
    }

    /// Adds a personal token.
    pub fn insert_personal_token(&mut self, token: &PersonalToken) -> Result<(), StoreError> {
        diesel::insert_into(personal_tokens::table).values(PersonalTokenRow::from(token)).execute(self)?;
        Ok(())
    }

    /// A page of a user's personal tokens that have not ended, the newest first.
    pub fn list_personal_tokens(
        &mut self,
        user_id: &str,
        page: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<PersonalToken>, StoreError> {
        let mut query = personal_tokens::table
            .select(PersonalTokenRow::as_select())
            .filter(personal_tokens::user_id.eq(user_id))
            .filter(personal_tokens::expires_at.gt(to_micros(now)))
            .filter(personal_tokens::revoked_at.is_null())
            .order(personal_tokens::id.desc())
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(before) = &page.after {
            query = query.filter(personal_tokens::id.lt(before));
        }
        let rows: Result<Vec<_>, _> = query.load(self)?.into_iter().map(PersonalToken::try_from).collect();
        Ok(Page::from_rows(rows?, page.limit, |token| token.id.0.clone()))
    }

    /// How many personal tokens of a user have not ended?
    pub fn count_personal_tokens(&mut self, user_id: &str, now: DateTime<Utc>) -> Result<i64, StoreError> {
        let live = personal_tokens::table
            .filter(personal_tokens::user_id.eq(user_id))
            .filter(personal_tokens::expires_at.gt(to_micros(now)))
            .filter(personal_tokens::revoked_at.is_null());
        Ok(live.count().get_result(self)?)
    }

    /// Revokes a personal token, and lists it as revoked for whoever checks tokens without asking; true when this call did it.
    pub fn revoke_personal_token(&mut self, token: &PersonalToken, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let open = personal_tokens::table.find(token.id.as_str()).filter(personal_tokens::revoked_at.is_null());
        let done = diesel::update(open).set(personal_tokens::revoked_at.eq(Some(to_micros(now)))).execute(self)? == 1;
        if done {
            self.revoke_access_token(&RevokedAccessToken {
                jti: token.jti.clone(),
                client_id: token.id.0.clone(),
                revoked_at: now,
                expires_at: token.expires_at,
            })?;
        }
        Ok(done)
    }

    /// Revokes every personal token of a user; answers how many this call revoked.
    pub fn revoke_personal_tokens_of_user(&mut self, user_id: &str, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let open: Vec<PersonalTokenRow> = personal_tokens::table
            .filter(personal_tokens::user_id.eq(user_id))
            .filter(personal_tokens::expires_at.gt(to_micros(now)))
            .filter(personal_tokens::revoked_at.is_null())
            .select(PersonalTokenRow::as_select())
            .load(self)?;
        let mut revoked = 0;
        for row in open {
            revoked += usize::from(self.revoke_personal_token(&row.try_into()?, now)?);
        }
        Ok(revoked)
    }

    /// Removes personal tokens that ended before `until`, at most `limit`; answers how many.
    pub fn purge_personal_tokens(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> = personal_tokens::table
            .filter(personal_tokens::expires_at.lt(to_micros(until)))
            .select(personal_tokens::id)
            .limit(limit)
            .load(self)?;
        Ok(diesel::delete(personal_tokens::table.filter(personal_tokens::id.eq_any(ids))).execute(self)?)
    }
}
