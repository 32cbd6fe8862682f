//! Table `grants`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::Client;
use crate::domain::grant::{Grant, RevocationReason};
use crate::domain::ids::{ClientId, GrantId, UserId};
use crate::domain::user::User;
use crate::protocol::resource::Resource;
use crate::protocol::scope::OFFLINE_ACCESS;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{checked, to_list, to_micros, to_scope, to_time};
use crate::store::schema::{grants, users};
use crate::store::users::UserRow;

/// A row of `grants`; other tables that join it use it too.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = grants, treat_none_as_default_value = false)]
pub(super) struct GrantRow {
    id: String,
    client_id: String,
    user_id: String,
    scope: String,
    resources: String,
    auth_time: i64,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    sid: Option<String>,
    claims: Option<String>,
}

impl From<&Grant> for GrantRow {
    fn from(grant: &Grant) -> Self {
        Self {
            id: grant.id.0.clone(),
            client_id: grant.client_id.0.clone(),
            user_id: grant.user_id.0.clone(),
            scope: grant.scope.to_string(),
            resources: to_list(grant.resources.iter().map(Resource::as_str)),
            auth_time: to_micros(grant.auth_time),
            created_at: to_micros(grant.created_at),
            expires_at: to_micros(grant.expires_at),
            revoked_at: grant.revoked_at.map(to_micros),
            sid: grant.sid.clone(),
            claims: grant.claims.clone(),
        }
    }
}

impl TryFrom<GrantRow> for Grant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self, StoreError> {
        Ok(Self {
            scope: to_scope(&row.scope)?,
            resources: checked(&row.resources, Resource::from_checked),
            id: GrantId(row.id),
            client_id: ClientId(row.client_id),
            user_id: UserId(row.user_id),
            auth_time: to_time(row.auth_time),
            created_at: to_time(row.created_at),
            expires_at: to_time(row.expires_at),
            revoked_at: row.revoked_at.map(to_time),
            sid: row.sid,
            claims: row.claims,
        })
    }
}

impl StoreConnection {
    /// The grant of this identifier with the user who gave it.
    pub fn find_grant(&mut self, id: &str) -> Result<Option<(Grant, User)>, StoreError> {
        let query = grants::table.inner_join(users::table).filter(grants::id.eq(id));
        let row: Option<(GrantRow, UserRow)> = on_each!(self, |connection| {
            query.select((GrantRow::as_select(), UserRow::as_select())).get_result(connection).optional()
        })?;
        row.map(|(grant, user)| Ok((grant.try_into()?, user.try_into()?))).transpose()
    }

    /// Adds a grant.
    pub fn insert_grant(&mut self, grant: &Grant) -> Result<(), StoreError> {
        diesel::insert_into(grants::table).values(GrantRow::from(grant)).execute(self)?;
        Ok(())
    }

    /// Revokes a grant; true when this call did it.
    pub fn revoke_grant(&mut self, id: &str, reason: RevocationReason, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let open = grants::table.find(id).filter(grants::revoked_at.is_null());
        let mark = (grants::revoked_at.eq(Some(to_micros(now))), grants::revocation_reason.eq(Some(reason.as_str())));
        Ok(diesel::update(open).set(mark).execute(self)? == 1)
    }

    /// Revokes every grant of a client; answers how many this call revoked.
    pub fn revoke_grants_of_client(
        &mut self,
        client_id: &str,
        reason: RevocationReason,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let open = grants::table.filter(grants::client_id.eq(client_id)).filter(grants::revoked_at.is_null());
        let mark = (grants::revoked_at.eq(Some(to_micros(now))), grants::revocation_reason.eq(Some(reason.as_str())));
        Ok(diesel::update(open).set(mark).execute(self)?)
    }

    /// Revokes every grant of a user; answers how many this call revoked.
    pub fn revoke_grants_of_user(
        &mut self,
        user_id: &str,
        reason: RevocationReason,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let open = grants::table.filter(grants::user_id.eq(user_id)).filter(grants::revoked_at.is_null());
        let mark = (grants::revoked_at.eq(Some(to_micros(now))), grants::revocation_reason.eq(Some(reason.as_str())));
        Ok(diesel::update(open).set(mark).execute(self)?)
    }

    /// The clients that were given something in this session, whatever became of it since.
    pub fn list_clients_of_session(&mut self, sid: &str) -> Result<Vec<Client>, StoreError> {
        let ids: Vec<String> = grants::table
            .filter(grants::sid.eq(sid))
            .select(grants::client_id)
            .distinct()
            .order(grants::client_id)
            .load(self)?;
        let clients: Vec<_> = ids.iter().map(|id| self.find_client(id)).collect::<Result<_, _>>()?;
        Ok(clients.into_iter().flatten().collect())
    }

    /// Revokes what was granted in this session without `offline_access`; answers how many this call revoked.
    pub fn revoke_grants_of_session(
        &mut self,
        sid: &str,
        reason: RevocationReason,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let open = grants::table.filter(grants::sid.eq(sid)).filter(grants::revoked_at.is_null());
        let given: Vec<(String, String)> = open.select((grants::id, grants::scope)).load(self)?;
        let mut ended = Vec::new();
        for (id, scope) in given {
            if !to_scope(&scope)?.contains(OFFLINE_ACCESS) {
                ended.push(id);
            }
        }
        let open = grants::table.filter(grants::id.eq_any(ended)).filter(grants::revoked_at.is_null());
        let mark = (grants::revoked_at.eq(Some(to_micros(now))), grants::revocation_reason.eq(Some(reason.as_str())));
        Ok(diesel::update(open).set(mark).execute(self)?)
    }

    /// Removes grants that ended before `until`, with their codes and refresh tokens, at most `limit`; answers how many.
    pub fn purge_grants(&mut self, until: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let ids: Vec<String> =
            grants::table.filter(grants::expires_at.lt(to_micros(until))).select(grants::id).limit(limit).load(self)?;
        Ok(diesel::delete(grants::table.filter(grants::id.eq_any(ids))).execute(self)?)
    }
}
