//! Tables `clients` and `client_origins`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::client::{Client, RefreshTokenPolicy, Status};
use crate::domain::ids::ClientId;
use crate::domain::search::SearchKind;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::origin::Origin;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::resource::Resource;
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::rows::{
    checked, corrupt, from_count, from_json, from_list, from_networks, to_count, to_json, to_limits, to_list,
    to_micros, to_networks, to_scope, to_time,
};
use crate::store::schema::{client_origins, clients};

/// A row of `clients`; other tables that join it use it too.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct ClientRow {
    client_id: String,
    client_name: String,
    description: String,
    environment: String,
    status: String,
    token_endpoint_auth_method: String,
    grant_types: String,
    redirect_uris: String,
    scope: String,
    resources: String,
    allowed_origins: String,
    roles: String,
    require_pkce: bool,
    first_party: bool,
    may_introspect: bool,
    refresh_token_policy: String,
    access_token_lifetime: Option<i32>,
    refresh_token_lifetime: Option<i32>,
    refresh_token_max_lifetime: Option<i32>,
    created_at: i64,
    updated_at: i64,
    plan: Option<String>,
    requests_per_minute: Option<i32>,
    requests_per_hour: Option<i32>,
    allowed_addresses: String,
    metadata: String,
    // Noted meanwhile, it must not go back to what was read.
    #[diesel(skip_update)]
    last_used_at: Option<i64>,
}

impl From<&Client> for ClientRow {
    fn from(client: &Client) -> Self {
        Self {
            client_id: client.client_id.0.clone(),
            client_name: client.client_name.clone(),
            description: client.description.clone(),
            environment: client.environment.clone(),
            status: client.status.as_str().to_owned(),
            token_endpoint_auth_method: client.token_endpoint_auth_method.as_str().to_owned(),
            grant_types: to_list(client.grant_types.iter().map(|grant| grant.as_str())),
            redirect_uris: to_list(client.redirect_uris.iter().map(RedirectUri::as_str)),
            scope: client.scope.to_string(),
            resources: to_list(client.resources.iter().map(Resource::as_str)),
            allowed_origins: to_list(client.allowed_origins.iter().map(Origin::as_str)),
            roles: to_list(client.roles.iter().map(String::as_str)),
            require_pkce: client.require_pkce,
            first_party: client.first_party,
            may_introspect: client.may_introspect,
            refresh_token_policy: client.refresh_token_policy.as_str().to_owned(),
            access_token_lifetime: to_count(client.access_token_lifetime),
            refresh_token_lifetime: to_count(client.refresh_token_lifetime),
            refresh_token_max_lifetime: to_count(client.refresh_token_max_lifetime),
            created_at: to_micros(client.created_at),
            updated_at: to_micros(client.updated_at),
            plan: client.plan.clone(),
            requests_per_minute: to_count(client.limits.requests_per_minute),
            requests_per_hour: to_count(client.limits.requests_per_hour),
            allowed_addresses: to_networks(&client.allowed_addresses),
            metadata: to_json(&client.metadata),
            last_used_at: client.last_used_at.map(to_micros),
        }
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        let method = ClientAuthMethod::parse(&row.token_endpoint_auth_method)
            .ok_or_else(|| corrupt("token_endpoint_auth_method", &row.token_endpoint_auth_method))?;
        let policy = RefreshTokenPolicy::parse(&row.refresh_token_policy)
            .ok_or_else(|| corrupt("refresh_token_policy", &row.refresh_token_policy))?;
        Ok(Self {
            status: Status::parse(&row.status).ok_or_else(|| corrupt("status", &row.status))?,
            token_endpoint_auth_method: method,
            refresh_token_policy: policy,
            grant_types: from_list(&row.grant_types, "grant_types", GrantType::parse)?,
            redirect_uris: checked(&row.redirect_uris, RedirectUri::from_checked),
            scope: to_scope(&row.scope)?,
            resources: checked(&row.resources, Resource::from_checked),
            allowed_origins: checked(&row.allowed_origins, Origin::from_checked),
            roles: checked(&row.roles, |role| role),
            access_token_lifetime: from_count(row.access_token_lifetime),
            refresh_token_lifetime: from_count(row.refresh_token_lifetime),
            refresh_token_max_lifetime: from_count(row.refresh_token_max_lifetime),
            created_at: to_time(row.created_at),
            updated_at: to_time(row.updated_at),
            limits: to_limits(row.requests_per_minute, row.requests_per_hour),
            allowed_addresses: from_networks(&row.allowed_addresses)?,
            metadata: from_json("metadata", &row.metadata)?,
            last_used_at: row.last_used_at.map(to_time),
            plan: row.plan,
            client_id: ClientId(row.client_id),
            client_name: row.client_name,
            description: row.description,
            environment: row.environment,
            require_pkce: row.require_pkce,
            first_party: row.first_party,
            may_introspect: row.may_introspect,
        })
    }
}

impl StoreConnection {
    /// The client of this identifier.
    pub fn find_client(&mut self, client_id: &str) -> Result<Option<Client>, StoreError> {
        let row = on_each!(self, |connection| {
            clients::table.find(client_id).select(ClientRow::as_select()).get_result(connection).optional()
        })?;
        row.map(Client::try_from).transpose()
    }

    /// Registers a client; a [`StoreError::Conflict`] when the identifier is taken, or was that of a client that is deleted.
    pub fn insert_client(&mut self, client: &Client) -> Result<(), StoreError> {
        diesel::insert_into(clients::table).values(ClientRow::from(client)).execute(self)?;
        // Asked behind the insert, which waits for whoever removes the old row: none slips in between.
        if self.is_client_deleted(client.client_id.as_str())? {
            return Err(StoreError::Conflict("the client_id was that of a client that is deleted".to_owned()));
        }
        self.put_client_words(client)?;
        self.insert_origins(client)
    }

    /// Replaces a registration, unless it was changed since `read_at`, the `updated_at` that was read; false then.
    pub fn update_client(&mut self, client: &Client, read_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let open = clients::table
            .find(client.client_id.as_str())
            .filter(clients::updated_at.eq(to_micros(read_at)))
            .filter(clients::status.eq(client.status.as_str()));
        let done = diesel::update(open).set(ClientRow::from(client)).execute(self)?;
        if done == 0 {
            return Ok(false);
        }
        let mine = client_origins::table.filter(client_origins::client_id.eq(client.client_id.as_str()));
        diesel::delete(mine).execute(self)?;
        self.put_client_words(client)?;
        self.insert_origins(client)?;
        Ok(true)
    }

    /// Moves a client from one of the `from` states to `to`; false when it was in none of them.
    pub fn update_client_status(
        &mut self,
        client_id: &str,
        from: &[Status],
        to: Status,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let from: Vec<_> = from.iter().map(|status| status.as_str()).collect();
        let done = diesel::update(clients::table.find(client_id).filter(clients::status.eq_any(from)))
            .set((clients::status.eq(to.as_str()), clients::updated_at.eq(to_micros(now))))
            .execute(self)?;
        Ok(done == 1)
    }

    /// Notes when a client was last used, unless something later is noted already.
    pub fn note_client_use(&mut self, client_id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let at = to_micros(at);
        let earlier = clients::last_used_at.is_null().or(clients::last_used_at.le(at).assume_not_null());
        diesel::update(clients::table.find(client_id).filter(earlier))
            .set(clients::last_used_at.eq(at))
            .execute(self)?;
        Ok(())
    }

    /// Is this the origin of an active browser client?
    pub fn is_origin_registered(&mut self, origin: &str) -> Result<bool, StoreError> {
        let ids: Vec<String> = client_origins::table
            .filter(client_origins::origin.eq(origin))
            .select(client_origins::client_id)
            .load(self)?;
        let active: i64 = clients::table
            .filter(clients::client_id.eq_any(ids))
            .filter(clients::status.eq(Status::Active.as_str()))
            .count()
            .get_result(self)?;
        Ok(active > 0)
    }

    fn put_client_words(&mut self, client: &Client) -> Result<(), StoreError> {
        let id = client.client_id.as_str();
        self.put_search_words(SearchKind::Client, id, &[&client.client_name, id])
    }

    fn insert_origins(&mut self, client: &Client) -> Result<(), StoreError> {
        for origin in &client.allowed_origins {
            let row =
                (client_origins::origin.eq(origin.as_str()), client_origins::client_id.eq(client.client_id.as_str()));
            diesel::insert_into(client_origins::table).values(row).execute(self)?;
        }
        Ok(())
    }
}
