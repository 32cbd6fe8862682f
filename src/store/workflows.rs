//! Tables `workflows` and `workflow_origins`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::Status;
use crate::domain::ids::{ClientId, WorkflowId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::workflow::Workflow;
use crate::protocol::origin::Origin;
use crate::protocol::resource::Resource;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{checked, from_count, to_count, to_list, to_micros, to_scope, to_status, to_time};
use crate::store::schema::{workflow_origins, workflows};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = workflows, treat_none_as_default_value = false, treat_none_as_null = true)]
struct WorkflowRow {
    id: String,
    name: String,
    client_id: String,
    scope: String,
    resources: String,
    allowed_origins: String,
    access_token_lifetime: i32,
    status: String,
    client_secret_id: Option<String>,
    authorized_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl From<&Workflow> for WorkflowRow {
    fn from(workflow: &Workflow) -> Self {
        Self {
            id: workflow.id.0.clone(),
            name: workflow.name.clone(),
            client_id: workflow.client_id.0.clone(),
            scope: workflow.scope.to_string(),
            resources: to_list(workflow.resources.iter().map(Resource::as_str)),
            allowed_origins: to_list(workflow.allowed_origins.iter().map(Origin::as_str)),
            access_token_lifetime: to_count(Some(workflow.access_token_lifetime)).unwrap_or_default(),
            status: workflow.status.as_str().to_owned(),
            client_secret_id: workflow.client_secret_id.clone(),
            authorized_at: workflow.authorized_at.map(to_micros),
            created_at: to_micros(workflow.created_at),
            updated_at: to_micros(workflow.updated_at),
        }
    }
}

impl TryFrom<WorkflowRow> for Workflow {
    type Error = StoreError;

    fn try_from(row: WorkflowRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: WorkflowId(row.id),
            name: row.name,
            client_id: ClientId(row.client_id),
            scope: to_scope(&row.scope)?,
            resources: checked(&row.resources, Resource::from_checked),
            allowed_origins: checked(&row.allowed_origins, Origin::from_checked),
            access_token_lifetime: from_count(Some(row.access_token_lifetime)).unwrap_or_default(),
            status: to_status(&row.status)?,
            client_secret_id: row.client_secret_id,
            authorized_at: row.authorized_at.map(to_time),
            created_at: to_time(row.created_at),
            updated_at: to_time(row.updated_at),
        })
    }
}

impl StoreConnection {
    /// The workflow of this identifier.
    pub fn find_workflow(&mut self, id: &str) -> Result<Option<Workflow>, StoreError> {
        let row = workflows::table.find(id).select(WorkflowRow::as_select()).get_result(self).optional()?;
        row.map(Workflow::try_from).transpose()
    }

    /// A page of workflows by identifier, of one client where it is named.
    pub fn list_workflows(
        &mut self,
        client_id: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Workflow>, StoreError> {
        let mut query =
            workflows::table.select(WorkflowRow::as_select()).order(workflows::id).limit(page.limit + 1).into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(workflows::id.gt(after));
        }
        if let Some(client_id) = client_id {
            query = query.filter(workflows::client_id.eq(client_id));
        }
        let rows: Result<Vec<_>, _> = query.load(self)?.into_iter().map(Workflow::try_from).collect();
        Ok(Page::from_rows(rows?, page.limit, |workflow| workflow.id.0.clone()))
    }

    /// Adds a workflow.
    pub fn insert_workflow(&mut self, workflow: &Workflow) -> Result<(), StoreError> {
        diesel::insert_into(workflows::table).values(WorkflowRow::from(workflow)).execute(self)?;
        self.insert_workflow_origins(workflow)
    }

    /// Replaces a workflow, unless it was changed since `read_at` or has left `from`; false then.
    pub fn update_workflow(
        &mut self,
        workflow: &Workflow,
        from: Status,
        read_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let open = workflows::table
            .find(workflow.id.as_str())
            .filter(workflows::updated_at.eq(to_micros(read_at)))
            .filter(workflows::status.eq(from.as_str()));
        if diesel::update(open).set(WorkflowRow::from(workflow)).execute(self)? == 0 {
            return Ok(false);
        }
        let mine = workflow_origins::table.filter(workflow_origins::workflow_id.eq(workflow.id.as_str()));
        diesel::delete(mine).execute(self)?;
        self.insert_workflow_origins(workflow)?;
        Ok(true)
    }

    /// Is this the origin of an active workflow?
    pub fn is_workflow_origin(&mut self, origin: &str) -> Result<bool, StoreError> {
        let active: i64 = workflow_origins::table
            .inner_join(workflows::table)
            .filter(workflow_origins::origin.eq(origin))
            .filter(workflows::status.eq(Status::Active.as_str()))
            .count()
            .get_result(self)?;
        Ok(active > 0)
    }

    fn insert_workflow_origins(&mut self, workflow: &Workflow) -> Result<(), StoreError> {
        for origin in &workflow.allowed_origins {
            let row =
                (workflow_origins::origin.eq(origin.as_str()), workflow_origins::workflow_id.eq(workflow.id.as_str()));
            diesel::insert_into(workflow_origins::table).values(row).execute(self)?;
        }
        Ok(())
    }
}
