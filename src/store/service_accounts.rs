//! Table `service_accounts`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::Status;
use crate::domain::ids::ServiceAccountId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::{ListFilter, SearchKind};
use crate::domain::service_account::ServiceAccount;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_scope, to_status, to_time};
use crate::store::schema::{search_words, service_accounts};
use crate::store::search_words::{Narrowed, searched};

/// A row of `service_accounts`; the look-up of access keys joins it.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = service_accounts, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct ServiceAccountRow {
    id: String,
    name: String,
    description: String,
    scope: String,
    plan: Option<String>,
    status: String,
    created_at: i64,
    updated_at: i64,
}

impl From<&ServiceAccount> for ServiceAccountRow {
    fn from(account: &ServiceAccount) -> Self {
        Self {
            id: account.id.0.clone(),
            name: account.name.clone(),
            description: account.description.clone(),
            scope: account.scope.to_string(),
            plan: account.plan.clone(),
            status: account.status.as_str().to_owned(),
            created_at: to_micros(account.created_at),
            updated_at: to_micros(account.updated_at),
        }
    }
}

impl TryFrom<ServiceAccountRow> for ServiceAccount {
    type Error = StoreError;

    fn try_from(row: ServiceAccountRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ServiceAccountId(row.id),
            name: row.name,
            description: row.description,
            scope: to_scope(&row.scope)?,
            plan: row.plan,
            status: to_status(&row.status)?,
            created_at: to_time(row.created_at),
            updated_at: to_time(row.updated_at),
        })
    }
}

impl StoreConnection {
    /// The service account of this identifier, or of this name.
    pub fn find_service_account(&mut self, id_or_name: &str) -> Result<Option<ServiceAccount>, StoreError> {
        let named = service_accounts::id.eq(id_or_name).or(service_accounts::name.eq(id_or_name));
        let row =
            service_accounts::table.filter(named).select(ServiceAccountRow::as_select()).get_result(self).optional()?;
        row.map(ServiceAccount::try_from).transpose()
    }

    /// A page of service accounts by identifier.
    pub fn list_service_accounts(
        &mut self,
        filter: &ListFilter,
        page: &PageRequest,
    ) -> Result<Page<ServiceAccount>, StoreError> {
        let narrowed = match &filter.search {
            Some(search) => self.narrow_by_words(SearchKind::ServiceAccount, search)?,
            None => Narrowed::default(),
        };
        let mut query = service_accounts::table
            .select(ServiceAccountRow::as_select())
            .order(service_accounts::id)
            .limit(page.limit + 1)
            .into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(service_accounts::id.gt(after));
        }
        if let Some(status) = filter.status {
            query = query.filter(service_accounts::status.eq(status.as_str()));
        }
        let query = searched!(query, SearchKind::ServiceAccount, service_accounts::id, narrowed);
        let rows: Result<Vec<_>, _> = query.load(self)?.into_iter().map(ServiceAccount::try_from).collect();
        Ok(Page::from_rows(rows?, page.limit, |row| row.id.0.clone()))
    }

    /// Makes a service account; a [`StoreError::Conflict`] when the name is taken.
    pub fn insert_service_account(&mut self, account: &ServiceAccount) -> Result<(), StoreError> {
        diesel::insert_into(service_accounts::table).values(ServiceAccountRow::from(account)).execute(self)?;
        self.put_service_account_words(account)
    }

    /// Replaces a service account, unless it was changed since `read_at` or is not in `from` any more; false then.
    pub fn update_service_account(
        &mut self,
        account: &ServiceAccount,
        from: Status,
        read_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let open = service_accounts::table
            .find(account.id.as_str())
            .filter(service_accounts::updated_at.eq(to_micros(read_at)))
            .filter(service_accounts::status.eq(from.as_str()));
        let done = diesel::update(open).set(ServiceAccountRow::from(account)).execute(self)? == 1;
        if done {
            self.put_service_account_words(account)?;
        }
        Ok(done)
    }

    fn put_service_account_words(&mut self, account: &ServiceAccount) -> Result<(), StoreError> {
        let id = account.id.as_str();
        self.put_search_words(SearchKind::ServiceAccount, id, &[&account.name, id])
    }
}
