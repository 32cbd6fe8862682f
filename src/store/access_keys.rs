//! Tables `access_keys` and `access_key_projects`.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::domain::access_key::{AccessKey, AccessKeySecret, Owner};
use crate::domain::client::{Client, Status};
use crate::domain::ids::{AccessKeyId, ProjectId};
use crate::domain::search::SearchKind;
use crate::domain::service_account::ServiceAccount;
use crate::domain::user::User;
use crate::protocol::resource::Resource;
use crate::store::access_key_secrets::AccessKeySecretRow;
use crate::store::clients::ClientRow;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{
    checked, from_networks, to_count, to_limits, to_list, to_micros, to_networks, to_scope, to_status, to_time,
};
use crate::store::schema::{access_key_projects, access_key_secrets, access_keys, clients, service_accounts, users};
use crate::store::service_accounts::ServiceAccountRow;
use crate::store::users::UserRow;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = access_keys, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct AccessKeyRow {
    id: String,
    name: String,
    description: String,
    environment: String,
    user_id: Option<String>,
    service_account_id: Option<String>,
    client_id: Option<String>,
    scope: String,
    resources: String,
    projects: String,
    plan: Option<String>,
    requests_per_minute: Option<i32>,
    requests_per_hour: Option<i32>,
    allowed_addresses: String,
    status: String,
    masked: String,
    expires_at: Option<i64>,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    rotated_at: Option<i64>,
    last_used_at: Option<i64>,
    last_used_address: Option<String>,
}

impl From<&AccessKey> for AccessKeyRow {
    fn from(key: &AccessKey) -> Self {
        let owned = |kind: &str| key.owner.as_ref().filter(|owner| owner.kind() == kind).map(|o| o.id().to_owned());
        Self {
            id: key.id.0.clone(),
            name: key.name.clone(),
            description: key.description.clone(),
            environment: key.environment.clone(),
            user_id: owned("user"),
            service_account_id: owned("service_account"),
            client_id: owned("client"),
            scope: key.scope.to_string(),
            resources: to_list(key.resources.iter().map(Resource::as_str)),
            projects: to_list(key.projects.iter().map(ProjectId::as_str)),
            plan: key.plan.clone(),
            requests_per_minute: to_count(key.limits.requests_per_minute),
            requests_per_hour: to_count(key.limits.requests_per_hour),
            allowed_addresses: to_networks(&key.allowed_addresses),
            status: key.status.as_str().to_owned(),
            masked: key.masked.clone(),
            expires_at: key.expires_at.map(to_micros),
            created_at: to_micros(key.created_at),
            created_by: key.created_by.clone(),
            updated_at: to_micros(key.updated_at),
            rotated_at: key.rotated_at.map(to_micros),
            last_used_at: key.last_used_at.map(to_micros),
            last_used_address: key.last_used_address.map(|address| address.to_string()),
        }
    }
}

impl TryFrom<AccessKeyRow> for AccessKey {
    type Error = StoreError;

    fn try_from(row: AccessKeyRow) -> Result<Self, StoreError> {
        let owner = match (row.user_id, row.service_account_id, row.client_id) {
            (Some(id), _, _) => Some(Owner::User(id)),
            (_, Some(id), _) => Some(Owner::ServiceAccount(id)),
            (_, _, Some(id)) => Some(Owner::Client(id)),
            (None, None, None) => None,
        };
        Ok(Self {
            owner,
            scope: to_scope(&row.scope)?,
            resources: checked(&row.resources, Resource::from_checked),
            projects: checked(&row.projects, ProjectId),
            limits: to_limits(row.requests_per_minute, row.requests_per_hour),
            allowed_addresses: from_networks(&row.allowed_addresses)?,
            status: to_status(&row.status)?,
            id: AccessKeyId(row.id),
            name: row.name,
            description: row.description,
            environment: row.environment,
            plan: row.plan,
            masked: row.masked,
            expires_at: row.expires_at.map(to_time),
            created_at: to_time(row.created_at),
            created_by: row.created_by,
            updated_at: to_time(row.updated_at),
            rotated_at: row.rotated_at.map(to_time),
            last_used_at: row.last_used_at.map(to_time),
            last_used_address: row.last_used_address.and_then(|address| address.parse().ok()),
        })
    }
}

/// An access key with its owner as it is now: all that its use is decided by.
pub struct PresentedAccessKey {
    /// The key.
    pub key: AccessKey,
    /// The owner, where it is a user.
    pub user: Option<User>,
    /// The owner, where it is a service account.
    pub service_account: Option<ServiceAccount>,
    /// The owner, where it is a client.
    pub client: Option<Client>,
}

type OwnerRows = (Option<UserRow>, Option<ServiceAccountRow>, Option<ClientRow>);

fn with_owner(key: AccessKeyRow, (user, account, client): OwnerRows) -> Result<PresentedAccessKey, StoreError> {
    Ok(PresentedAccessKey {
        key: key.try_into()?,
        user: user.map(User::try_from).transpose()?,
        service_account: account.map(ServiceAccount::try_from).transpose()?,
        client: client.map(Client::try_from).transpose()?,
    })
}

impl StoreConnection {
    /// The key that has a secret of this digest, with that secret and the owner.
    pub fn find_presented_access_key(
        &mut self,
        digest: &[u8],
    ) -> Result<Option<(PresentedAccessKey, AccessKeySecret)>, StoreError> {
        let query = access_key_secrets::table
            .inner_join(
                access_keys::table.left_join(users::table).left_join(service_accounts::table).left_join(clients::table),
            )
            .filter(access_key_secrets::digest.eq(digest));
        let row: Option<(AccessKeySecretRow, AccessKeyRow, OwnerRows)> = on_each!(self, |connection| {
            let owner = (
                Option::<UserRow>::as_select(),
                Option::<ServiceAccountRow>::as_select(),
                Option::<ClientRow>::as_select(),
            );
            let columns = (AccessKeySecretRow::as_select(), AccessKeyRow::as_select(), owner);
            query.select(columns).get_result(connection).optional()
        })?;
        row.map(|(secret, key, owner)| Ok((with_owner(key, owner)?, secret.into()))).transpose()
    }

    /// The key of this identifier with its owner.
    pub fn find_access_key_with_owner(&mut self, id: &str) -> Result<Option<PresentedAccessKey>, StoreError> {
        let query = access_keys::table
            .left_join(users::table)
            .left_join(service_accounts::table)
            .left_join(clients::table)
            .filter(access_keys::id.eq(id));
        let row: Option<(AccessKeyRow, OwnerRows)> = on_each!(self, |connection| {
            let owner = (
                Option::<UserRow>::as_select(),
                Option::<ServiceAccountRow>::as_select(),
                Option::<ClientRow>::as_select(),
            );
            query.select((AccessKeyRow::as_select(), owner)).get_result(connection).optional()
        })?;
        row.map(|(key, owner)| with_owner(key, owner)).transpose()
    }

    /// The key of this identifier.
    pub fn find_access_key(&mut self, id: &str) -> Result<Option<AccessKey>, StoreError> {
        let row = access_keys::table.find(id).select(AccessKeyRow::as_select()).get_result(self).optional()?;
        row.map(AccessKey::try_from).transpose()
    }

    /// The active keys that end within this time, by their end and identifier behind `after`, at most `limit`: for notices.
    pub fn list_ending_access_keys(
        &mut self,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        after: Option<&AccessKey>,
        limit: i64,
    ) -> Result<Vec<AccessKey>, StoreError> {
        let mut query = access_keys::table
            .filter(access_keys::expires_at.gt(to_micros(from)))
            .filter(access_keys::expires_at.le(to_micros(until)))
            .filter(access_keys::status.eq(Status::Active.as_str()))
            .order((access_keys::expires_at, access_keys::id))
            .limit(limit)
            .select(AccessKeyRow::as_select())
            .into_boxed();
        if let Some(after) = after {
            let end = after.expires_at.map(to_micros);
            let same = access_keys::expires_at.eq(end).and(access_keys::id.gt(after.id.as_str()));
            query = query.filter(access_keys::expires_at.gt(end).or(same));
        }
        query.load(self)?.into_iter().map(AccessKey::try_from).collect()
    }

    /// The active keys whose secret was made before this time, by identifier behind `after`, at most `limit`.
    pub fn list_overdue_access_keys(
        &mut self,
        made_before: DateTime<Utc>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<AccessKey>, StoreError> {
        let mut query = access_keys::table
            // As the index has it, word by word: else it is not used.
            .filter(sql::<Bool>("access_keys.status = 'active'"))
            .filter(
                sql::<BigInt>("coalesce(access_keys.rotated_at, access_keys.created_at)").lt(to_micros(made_before)),
            )
            .order(access_keys::id)
            .limit(limit)
            .select(AccessKeyRow::as_select())
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(access_keys::id.gt(after));
        }
        query.load(self)?.into_iter().map(AccessKey::try_from).collect()
    }

    /// Adds a key.
    pub fn insert_access_key(&mut self, key: &AccessKey) -> Result<(), StoreError> {
        diesel::insert_into(access_keys::table).values(AccessKeyRow::from(key)).execute(self)?;
        self.put_access_key_words(key)?;
        self.insert_access_key_projects(key)
    }

    /// Replaces what may be edited of a key, unless it was changed since `read_at` or has left `from`; false then.
    /// What is counted meanwhile (last used) stays.
    pub fn update_access_key(
        &mut self,
        key: &AccessKey,
        from: Status,
        read_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let row = AccessKeyRow::from(key);
        let open = access_keys::table
            .find(key.id.as_str())
            .filter(access_keys::updated_at.eq(to_micros(read_at)))
            .filter(access_keys::status.eq(from.as_str()));
        let set = (
            access_keys::name.eq(row.name),
            access_keys::description.eq(row.description),
            access_keys::scope.eq(row.scope),
            access_keys::resources.eq(row.resources),
            access_keys::projects.eq(row.projects),
            access_keys::plan.eq(row.plan),
            access_keys::requests_per_minute.eq(row.requests_per_minute),
            access_keys::requests_per_hour.eq(row.requests_per_hour),
            access_keys::allowed_addresses.eq(row.allowed_addresses),
            access_keys::status.eq(row.status),
            access_keys::masked.eq(row.masked),
            access_keys::expires_at.eq(row.expires_at),
            access_keys::updated_at.eq(row.updated_at),
            access_keys::rotated_at.eq(row.rotated_at),
        );
        if diesel::update(open).set(set).execute(self)? == 0 {
            return Ok(false);
        }
        let mine = access_key_projects::table.filter(access_key_projects::access_key_id.eq(key.id.as_str()));
        diesel::delete(mine).execute(self)?;
        self.put_access_key_words(key)?;
        self.insert_access_key_projects(key)?;
        Ok(true)
    }

    /// Revokes a key whatever it was; true when this call did it.
    pub fn revoke_access_key(&mut self, id: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let revoked = Status::Revoked.as_str();
        let standing = access_keys::table.find(id).filter(access_keys::status.ne(revoked));
        let set = (access_keys::status.eq(revoked), access_keys::updated_at.eq(to_micros(now)));
        Ok(diesel::update(standing).set(set).execute(self)? == 1)
    }

    /// Notes when and from where a key was last used, unless something later is noted already.
    pub fn note_access_key_use(&mut self, id: &str, at: DateTime<Utc>, address: &str) -> Result<(), StoreError> {
        let at = to_micros(at);
        let earlier = access_keys::last_used_at.is_null().or(access_keys::last_used_at.le(at).assume_not_null());
        diesel::update(access_keys::table.find(id).filter(earlier))
            .set((access_keys::last_used_at.eq(at), access_keys::last_used_address.eq(address)))
            .execute(self)?;
        Ok(())
    }

    /// Removes a key with its secrets; false when there is none of this identifier and name.
    pub fn delete_access_key(&mut self, id: &str, name: &str) -> Result<bool, StoreError> {
        Ok(diesel::delete(access_keys::table.find(id).filter(access_keys::name.eq(name))).execute(self)? == 1)
    }

    fn put_access_key_words(&mut self, key: &AccessKey) -> Result<(), StoreError> {
        self.put_search_words(SearchKind::AccessKey, key.id.as_str(), &[&key.name, &key.masked, key.id.as_str()])
    }

    fn insert_access_key_projects(&mut self, key: &AccessKey) -> Result<(), StoreError> {
        for project in &key.projects {
            let row = (
                access_key_projects::project_id.eq(project.as_str()),
                access_key_projects::access_key_id.eq(key.id.as_str()),
            );
            diesel::insert_into(access_key_projects::table).values(row).execute(self)?;
        }
        Ok(())
    }
}
