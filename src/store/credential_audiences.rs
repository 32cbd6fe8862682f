//! Tables `access_keys` and `clients` together: what a credential's identifier alone tells of whose affair it is.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::protocol::resource::Resource;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::checked;
use crate::store::schema::{access_keys, clients};

type Row = (String, String, String);

impl StoreConnection {
    /// Environment and audiences of the access keys and clients among these identifiers.
    pub fn list_credential_audiences(
        &mut self,
        ids: &[&str],
    ) -> Result<HashMap<String, (String, Vec<Resource>)>, StoreError> {
        let mut rows: Vec<Row> = clients::table
            .filter(clients::client_id.eq_any(ids))
            .select((clients::client_id, clients::environment, clients::resources))
            .load(self)?;
        let keys: Vec<Row> = access_keys::table
            .filter(access_keys::id.eq_any(ids))
            .select((access_keys::id, access_keys::environment, access_keys::resources))
            .load(self)?;
        rows.extend(keys);
        let read = |(id, environment, resources): Row| (id, (environment, checked(&resources, Resource::from_checked)));
        Ok(rows.into_iter().map(read).collect())
    }
}
