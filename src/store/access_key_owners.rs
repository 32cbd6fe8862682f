//! The owners of `access_keys`: their keys and their names.

use diesel::prelude::*;

use crate::domain::access_key::Owner;
use crate::domain::search::SearchKind;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::schema::{access_keys, clients, service_accounts, users};
use crate::store::search_words::FEW;

impl StoreConnection {
    /// The keys of this owner, of whatever kind it is; None where there are more than a list looks up ahead.
    pub(super) fn find_few_keys_of_owner(&mut self, owner: &str) -> Result<Option<Vec<String>>, StoreError> {
        let mut found = Vec::new();
        for kind in [SearchKind::User, SearchKind::ServiceAccount, SearchKind::Client] {
            found.extend(self.find_keys_of_owners(kind, vec![owner.to_owned()], FEW + 1)?);
        }
        Ok((i64::try_from(found.len()).unwrap_or(i64::MAX) <= FEW).then_some(found))
    }

    /// The keys of these owners, which are of this kind, at most `limit`.
    pub(super) fn find_keys_of_owners(
        &mut self,
        kind: SearchKind,
        owners: Vec<String>,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let query = access_keys::table.select(access_keys::id).limit(limit).into_boxed();
        let query = match kind {
            SearchKind::User => query.filter(access_keys::user_id.eq_any(owners)),
            SearchKind::ServiceAccount => query.filter(access_keys::service_account_id.eq_any(owners)),
            SearchKind::Client | SearchKind::AccessKey | SearchKind::Workflow => {
                query.filter(access_keys::client_id.eq_any(owners))
            }
        };
        Ok(query.load(self)?)
    }

    /// The names of these owners, as far as they are there: kind, identifier, name.
    pub fn list_owner_names(&mut self, owners: &[Owner]) -> Result<Vec<(&'static str, String, String)>, StoreError> {
        let of = |kind: &str| owners.iter().filter(|owner| owner.kind() == kind).map(Owner::id).collect::<Vec<_>>();
        let (people, accounts, programs) = (of("user"), of("service_account"), of("client"));
        let mut names: Vec<(&'static str, String, String)> = Vec::new();
        let mut add = |kind: &'static str, rows: Vec<(String, String)>| {
            names.extend(rows.into_iter().map(|(id, name)| (kind, id, name)));
        };
        if !people.is_empty() {
            let query = users::table.filter(users::id.eq_any(people)).select((users::id, users::username));
            add("user", query.load(self)?);
        }
        if !accounts.is_empty() {
            let query = service_accounts::table.filter(service_accounts::id.eq_any(accounts));
            add("service_account", query.select((service_accounts::id, service_accounts::name)).load(self)?);
        }
        if !programs.is_empty() {
            let query = clients::table.filter(clients::client_id.eq_any(programs));
            add("client", query.select((clients::client_id, clients::client_name)).load(self)?);
        }
        Ok(names)
    }
}
