//! Tables `workflows` and `workflow_origins`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::Status;
use crate::domain::ids::{ClientId, WorkflowId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::{ListFilter, SearchKind};
use crate::domain::workflow::{Workflow, WorkflowStanding};
use crate::protocol::origin::Origin;
use crate::protocol::resource::Resource;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::{checked, from_count, to_count, to_list, to_micros, to_scope, to_status, to_time};
use crate::store::schema::{client_secrets, clients, search_words, workflow_origins, workflows};
use crate::store::search_words::{Narrowed, searched};

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
        filter: &ListFilter,
        page: &PageRequest,
    ) -> Result<Page<Workflow>, StoreError> {
        let narrowed = match &filter.search {
            Some(search) => self.narrow_by_words(SearchKind::Workflow, search)?,
            None => Narrowed::default(),
        };
        let mut query =
            workflows::table.select(WorkflowRow::as_select()).order(workflows::id).limit(page.limit + 1).into_boxed();
        if let Some(after) = &page.after {
            query = query.filter(workflows::id.gt(after));
        }
        if let Some(client_id) = client_id {
            query = query.filter(workflows::client_id.eq(client_id));
        }
        if let Some(status) = filter.status {
            query = query.filter(workflows::status.eq(status.as_str()));
        }
        let query = searched!(query, SearchKind::Workflow, workflows::id, narrowed);
        let rows: Result<Vec<_>, _> = query.load(self)?.into_iter().map(Workflow::try_from).collect();
        Ok(Page::from_rows(rows?, page.limit, |workflow| workflow.id.0.clone()))
    }

    /// Adds a workflow.
    pub fn insert_workflow(&mut self, workflow: &Workflow) -> Result<(), StoreError> {
        diesel::insert_into(workflows::table).values(WorkflowRow::from(workflow)).execute(self)?;
        self.put_workflow_words(workflow)?;
        self.insert_workflow_origins(workflow)
    }

    fn put_workflow_words(&mut self, workflow: &Workflow) -> Result<(), StoreError> {
        let id = workflow.id.as_str();
        self.put_search_words(SearchKind::Workflow, id, &[&workflow.name, id])
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
        self.put_workflow_words(workflow)?;
        self.insert_workflow_origins(workflow)?;
        Ok(true)
    }

    /// What the state of each of these workflows hangs on beside itself, in their order.
    pub fn list_workflow_standings(
        &mut self,
        of: &[Workflow],
        now: DateTime<Utc>,
    ) -> Result<Vec<WorkflowStanding>, StoreError> {
        let rows: Vec<(String, String)> = clients::table
            .filter(clients::client_id.eq_any(of.iter().map(|workflow| workflow.client_id.as_str())))
            .select((clients::client_id, clients::status))
            .load(self)?;
        let statuses: HashMap<String, String> = rows.into_iter().collect();
        let rows: Vec<(String, Option<i64>)> = client_secrets::table
            .filter(client_secrets::id.eq_any(of.iter().filter_map(|workflow| workflow.client_secret_id.as_deref())))
            .filter(client_secrets::expires_at.is_null().or(client_secrets::expires_at.gt(to_micros(now))))
            .select((client_secrets::id, client_secrets::expires_at))
            .load(self)?;
        let live: HashMap<String, Option<i64>> = rows.into_iter().collect();
        of.iter()
            .map(|workflow| {
                let client =
                    statuses.get(workflow.client_id.as_str()).map_or(Ok(Status::Revoked), |text| to_status(text))?;
                let secret = workflow.client_secret_id.as_ref().and_then(|id| live.get(id));
                Ok(WorkflowStanding { client, secret: secret.map(|end| end.map(to_time)) })
            })
            .collect()
    }

    /// The workflows of a client, at most 200, with the secrets that were entered for them.
    pub fn list_workflow_secrets(&mut self, client_id: &str) -> Result<Vec<(WorkflowId, String)>, StoreError> {
        let rows: Vec<(String, Option<String>)> = workflows::table
            .filter(workflows::client_id.eq(client_id))
            .filter(workflows::client_secret_id.is_not_null())
            .filter(workflows::status.ne(Status::Revoked.as_str()))
            .order(workflows::id)
            .limit(200)
            .select((workflows::id, workflows::client_secret_id))
            .load(self)?;
        Ok(rows.into_iter().filter_map(|(id, secret)| Some((WorkflowId(id), secret?))).collect())
    }

    /// Is this the origin of an active workflow of an active client?
    pub fn is_workflow_origin(&mut self, origin: &str) -> Result<bool, StoreError> {
        let active: i64 = workflow_origins::table
            .inner_join(workflows::table.inner_join(clients::table))
            .filter(clients::status.eq(Status::Active.as_str()))
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
