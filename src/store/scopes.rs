//! Table `scopes`.

use diesel::prelude::*;

use crate::domain::page::{Page, PageRequest};
use crate::domain::scope_definition::ScopeDefinition;
use crate::protocol::resource::Resource;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::scopes;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = scopes, treat_none_as_default_value = false, treat_none_as_null = true)]
struct ScopeRow {
    name: String,
    description: String,
    resource: Option<String>,
    privileged: bool,
    created_at: i64,
}

impl From<&ScopeDefinition> for ScopeRow {
    fn from(scope: &ScopeDefinition) -> Self {
        Self {
            name: scope.name.clone(),
            description: scope.description.clone(),
            resource: scope.resource.as_ref().map(|resource| resource.as_str().to_owned()),
            privileged: scope.privileged,
            created_at: to_micros(scope.created_at),
        }
    }
}

impl TryFrom<ScopeRow> for ScopeDefinition {
    type Error = StoreError;

    fn try_from(row: ScopeRow) -> Result<Self, StoreError> {
        let resource = row.resource.map(Resource::from_checked);
        Ok(Self {
            name: row.name,
            description: row.description,
            resource,
            privileged: row.privileged,
            created_at: to_time(row.created_at),
        })
    }
}

impl StoreConnection {
    /// Every definition.
    pub fn list_all_scopes(&mut self) -> Result<Vec<ScopeDefinition>, StoreError> {
        let rows: Vec<ScopeRow> = scopes::table.select(ScopeRow::as_select()).order(scopes::name).load(self)?;
        rows.into_iter().map(ScopeDefinition::try_from).collect()
    }

    /// The definition of one scope.
    pub fn find_scope(&mut self, name: &str) -> Result<Option<ScopeDefinition>, StoreError> {
        let row = scopes::table.find(name).select(ScopeRow::as_select()).get_result(self).optional()?;
        row.map(ScopeDefinition::try_from).transpose()
    }

    /// A page of scopes by name.
    pub fn list_scopes(&mut self, page: &PageRequest) -> Result<Page<ScopeDefinition>, StoreError> {
        let mut query =
            scopes::table.select(ScopeRow::as_select()).order(scopes::name).limit(page.limit + 1).into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(scopes::name.gt(after));
        }
        let rows: Result<Vec<_>, _> = query.load(self)?.into_iter().map(ScopeDefinition::try_from).collect();
        Ok(Page::from_rows(rows?, page.limit, |scope| scope.name.clone()))
    }

    /// Defines a scope; a [`StoreError::Conflict`] when the name is taken.
    pub fn insert_scope(&mut self, scope: &ScopeDefinition) -> Result<(), StoreError> {
        diesel::insert_into(scopes::table).values(ScopeRow::from(scope)).execute(self)?;
        Ok(())
    }

    /// Replaces a definition; false when there is none.
    pub fn update_scope(&mut self, scope: &ScopeDefinition) -> Result<bool, StoreError> {
        let done = diesel::update(scopes::table.find(&scope.name)).set(ScopeRow::from(scope)).execute(self)?;
        Ok(done == 1)
    }

    /// Removes a definition; false when there is none.
    pub fn delete_scope(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(diesel::delete(scopes::table.find(name)).execute(self)? == 1)
    }
}
