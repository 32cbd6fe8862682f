//! Table `projects`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::ids::ProjectId;
use crate::domain::page::{Page, PageRequest};
use crate::domain::project::Project;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{to_micros, to_time};
use crate::store::schema::{access_key_projects, projects};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = projects)]
struct ProjectRow {
    id: String,
    name: String,
    description: String,
    created_at: i64,
    updated_at: i64,
}

impl From<&Project> for ProjectRow {
    fn from(project: &Project) -> Self {
        Self {
            id: project.id.0.clone(),
            name: project.name.clone(),
            description: project.description.clone(),
            created_at: to_micros(project.created_at),
            updated_at: to_micros(project.updated_at),
        }
    }
}

impl From<ProjectRow> for Project {
    fn from(row: ProjectRow) -> Self {
        Self {
            id: ProjectId(row.id),
            name: row.name,
            description: row.description,
            created_at: to_time(row.created_at),
            updated_at: to_time(row.updated_at),
        }
    }
}

impl StoreConnection {
    /// The project of this identifier.
    pub fn find_project(&mut self, id: &str) -> Result<Option<Project>, StoreError> {
        let row = projects::table.find(id).select(ProjectRow::as_select()).get_result(self).optional()?;
        Ok(row.map(Project::from))
    }

    /// A page of projects by identifier.
    pub fn list_projects(&mut self, page: &PageRequest) -> Result<Page<Project>, StoreError> {
        let mut query =
            projects::table.select(ProjectRow::as_select()).order(projects::id).limit(page.limit + 1).into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(projects::id.gt(after));
        }
        let rows = query.load(self)?.into_iter().map(Project::from).collect();
        Ok(Page::from_rows(rows, page.limit, |project| project.id.0.clone()))
    }

    /// Makes a project; a [`StoreError::Conflict`] when the identifier is taken.
    pub fn insert_project(&mut self, project: &Project) -> Result<(), StoreError> {
        diesel::insert_into(projects::table).values(ProjectRow::from(project)).execute(self)?;
        Ok(())
    }

    /// Replaces what is written about a project, unless it was changed since `read_at`; false then.
    pub fn update_project(&mut self, project: &Project, read_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let open = projects::table.find(project.id.as_str()).filter(projects::updated_at.eq(to_micros(read_at)));
        Ok(diesel::update(open).set(ProjectRow::from(project)).execute(self)? == 1)
    }

    /// Removes a project that no access key is limited to; false when one is, or there is no such project.
    pub fn delete_project(&mut self, id: &str) -> Result<bool, StoreError> {
        let used: i64 =
            access_key_projects::table.filter(access_key_projects::project_id.eq(id)).count().get_result(self)?;
        Ok(used == 0 && diesel::delete(projects::table.find(id)).execute(self)? == 1)
    }
}
