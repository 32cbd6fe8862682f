//! Table `consents`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::protocol::scope::Scope;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_scope};
use crate::store::schema::consents;

impl StoreConnection {
    /// What this user has allowed this client.
    pub fn find_consent(&mut self, user_id: &str, client_id: &str) -> Result<Option<Scope>, StoreError> {
        let text: Option<String> =
            consents::table.find((user_id, client_id)).select(consents::scope).get_result(self).optional()?;
        text.map(|text| to_scope(&text)).transpose()
    }

    /// Adds these scopes to what the user has allowed the client before.
    pub fn extend_consent(
        &mut self,
        user_id: &str,
        client_id: &str,
        scope: &Scope,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let before = self.find_consent(user_id, client_id)?;
        let now = to_micros(now);
        match before {
            Some(before) => {
                diesel::update(consents::table.find((user_id, client_id)))
                    .set((consents::scope.eq(before.union(scope).to_string()), consents::updated_at.eq(now)))
                    .execute(self)?;
            }
            None => {
                let row = (
                    consents::user_id.eq(user_id),
                    consents::client_id.eq(client_id),
                    consents::scope.eq(scope.to_string()),
                    consents::created_at.eq(now),
                    consents::updated_at.eq(now),
                );
                diesel::insert_into(consents::table).values(row).execute(self)?;
            }
        }
        Ok(())
    }
}
