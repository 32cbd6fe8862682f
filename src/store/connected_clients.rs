//! Tables `grants`, `refresh_tokens` and `consents` together: the clients that a user has let in. Summed up by the database,
//! for a user may have given the same client thousands of grants.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{max, min};
use diesel::prelude::*;

use crate::domain::connected_client::ClientConnection;
use crate::domain::grant::RevocationReason;
use crate::domain::ids::ClientId;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_scope, to_time};
use crate::store::schema::{consents, grants, refresh_tokens};

impl StoreConnection {
    /// The clients that hold something of this user, or get it without a question, by identifier.
    pub fn list_connected_clients(
        &mut self,
        user_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClientConnection>, StoreError> {
        let mut found: BTreeMap<String, ClientConnection> = BTreeMap::new();
        let remembered: Vec<(String, String, i64)> = consents::table
            .filter(consents::user_id.eq(user_id))
            .select((consents::client_id, consents::scope, consents::created_at))
            .load(self)?;
        for (client_id, scope, since) in remembered {
            add(&mut found, client_id, &scope, since)?;
        }
        let standing = grants::user_id.eq(user_id).and(grants::revoked_at.is_null());
        let standing = || standing.and(grants::expires_at.gt(to_micros(now)));
        let given: Vec<(String, String, Option<i64>, Option<i64>)> = grants::table
            .filter(standing())
            .group_by((grants::client_id, grants::scope))
            .select((grants::client_id, grants::scope, min(grants::created_at), max(grants::created_at)))
            .load(self)?;
        for (client_id, scope, first, last) in given {
            let connection = add(&mut found, client_id, &scope, first.unwrap_or_default())?;
            connection.last_used_at = connection.last_used_at.max(last.map(to_time));
        }
        let refreshed: Vec<(String, Option<i64>)> = grants::table
            .inner_join(refresh_tokens::table)
            .filter(standing())
            .group_by(grants::client_id)
            .select((grants::client_id, max(refresh_tokens::created_at)))
            .load(self)?;
        for (client_id, last) in refreshed {
            if let Some(connection) = found.get_mut(&client_id) {
                connection.last_used_at = connection.last_used_at.max(last.map(to_time));
            }
        }
        Ok(found.into_values().collect())
    }

    /// Revokes what a user has granted a client; answers how many grants this call revoked.
    pub fn revoke_grants_of_user_to_client(
        &mut self,
        (user_id, client_id): (&str, &str),
        reason: RevocationReason,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let open = grants::table
            .filter(grants::user_id.eq(user_id))
            .filter(grants::client_id.eq(client_id))
            .filter(grants::revoked_at.is_null());
        let mark = (grants::revoked_at.eq(Some(to_micros(now))), grants::revocation_reason.eq(Some(reason.as_str())));
        Ok(diesel::update(open).set(mark).execute(self)?)
    }

    /// Forgets what a user has allowed a client; true when this call did it.
    pub fn delete_consent(&mut self, user_id: &str, client_id: &str) -> Result<bool, StoreError> {
        Ok(diesel::delete(consents::table.find((user_id, client_id))).execute(self)? == 1)
    }
}

/// Adds a scope to what is known of a client.
fn add<'a>(
    found: &'a mut BTreeMap<String, ClientConnection>,
    client_id: String,
    scope: &str,
    since: i64,
) -> Result<&'a mut ClientConnection, StoreError> {
    let (scope, since) = (to_scope(scope)?, to_time(since));
    let connection = found.entry(client_id.clone()).or_insert_with(|| ClientConnection {
        client_id: ClientId(client_id),
        scope: scope.clone(),
        since,
        last_used_at: None,
    });
    connection.scope = connection.scope.union(&scope);
    connection.since = connection.since.min(since);
    Ok(connection)
}
