//! Registered clients, as operators manage them.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::crypto::secret::{self, SecretKind};
use crate::domain::audit_event::AuditAction;
use crate::domain::client::{Client, ClientSecret, InvalidClient, RefreshTokenPolicy, SecretVerifier, Status};
use crate::domain::denial::Denial;
use crate::domain::ids::{ClientId, ClientSecretId};
use crate::domain::limits::Limits;
use crate::domain::page::{Page, PageRequest};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::environments;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::member::{networks, not_null, present};
use crate::flows::password_check;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::origin::Origin;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;
use crate::store::StoreError;

/// Members of a registration, for creating and editing alike: one left out takes its default, or stays as it is.
/// `client_id` and `client_secret` are for creating only: generated where absent; a secret that was brought along is
/// stored as argon2id. No `Debug`.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each member is that of Client, which documents it")]
pub struct ClientMembers {
    #[serde(default, deserialize_with = "not_null")]
    pub client_id: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    pub client_secret: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    pub client_name: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    pub description: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    pub environment: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    #[serde(default, deserialize_with = "not_null")]
    pub grant_types: Option<Vec<GrantType>>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub redirect_uris: Option<Vec<RedirectUri>>,
    #[schema(value_type = Option<String>)]
    #[serde(default, deserialize_with = "not_null")]
    pub scope: Option<Scope>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub resources: Option<Vec<Resource>>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub allowed_origins: Option<Vec<Origin>>,
    #[serde(default, deserialize_with = "not_null")]
    pub roles: Option<Vec<String>>,
    #[serde(default, deserialize_with = "not_null")]
    pub require_pkce: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    pub first_party: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    pub may_introspect: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    pub refresh_token_policy: Option<RefreshTokenPolicy>,
    #[serde(default, deserialize_with = "present")]
    pub access_token_lifetime: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub refresh_token_lifetime: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub refresh_token_max_lifetime: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub plan: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub requests_per_minute: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    pub requests_per_hour: Option<Option<u32>>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "networks")]
    pub allowed_addresses: Option<Vec<IpNet>>,
}

/// A registered client with its secret, shown this once. No `Debug`.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ClientWithSecret {
    /// The registration.
    #[serde(flatten)]
    pub client: Client,
    /// The secret; absent for public clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

impl From<InvalidClient> for Denial {
    fn from(error: InvalidClient) -> Self {
        Self::InvalidMember(error.to_string())
    }
}

fn blank(server: &Server, client_id: String) -> Client {
    let now = server.clock.now();
    Client {
        client_name: client_id.clone(),
        client_id: ClientId(client_id),
        description: String::new(),
        environment: server.config.server.default_environment.clone(),
        status: Status::Active,
        // RFC 7591 §2: the defaults of these two.
        token_endpoint_auth_method: ClientAuthMethod::ClientSecretBasic,
        grant_types: vec![GrantType::AuthorizationCode],
        redirect_uris: Vec::new(),
        scope: Scope::default(),
        resources: Vec::new(),
        allowed_origins: Vec::new(),
        roles: Vec::new(),
        require_pkce: true,
        first_party: false,
        may_introspect: false,
        refresh_token_policy: RefreshTokenPolicy::Rotate,
        access_token_lifetime: None,
        refresh_token_lifetime: None,
        refresh_token_max_lifetime: None,
        plan: None,
        limits: Limits::default(),
        allowed_addresses: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}

macro_rules! overlay {
    ($members:expr => $client:expr, $($name:ident),*) => {
        $(if let Some(value) = $members.$name { $client.$name = value; })*
    };
}

fn apply(client: &mut Client, members: ClientMembers) {
    overlay!(members => client, client_name, description, environment, token_endpoint_auth_method, grant_types,
        redirect_uris, scope, resources, allowed_origins, roles, require_pkce, first_party, may_introspect,
        refresh_token_policy, access_token_lifetime, refresh_token_lifetime, refresh_token_max_lifetime, plan,
        allowed_addresses);
    if let Some(limit) = members.requests_per_minute {
        client.limits.requests_per_minute = limit;
    }
    if let Some(limit) = members.requests_per_hour {
        client.limits.requests_per_hour = limit;
    }
    let mut seen = Vec::new();
    client.allowed_origins.retain(|origin| {
        !seen.contains(origin) && {
            seen.push(origin.clone());
            true
        }
    });
}

/// Completes and checks a registration: within itself, against the configuration, against the defined scopes, and
/// against what the caller holds.
fn settle(server: &Server, caller: &Caller, client: &mut Client) -> FlowResult<()> {
    caller.may_register(&client.scope, &server.scopes())?;
    caller.may_hand_out(server.roles.scope_of(&client.roles).iter())?;
    let environment = environments::find(server, &client.environment)?;
    let definitions = server.scopes();
    let client_scope = client.scope.clone();
    let owned = || {
        let named = client_scope.iter().filter_map(|name| definitions.find(name));
        named.filter_map(|scope| scope.resource.as_ref().map(|resource| (scope, resource)))
    };
    if client.resources.is_empty() {
        client.resources.extend(environment.resources.first().cloned());
        let missing: Vec<_> = owned().map(|(_, resource)| resource.clone()).collect();
        for resource in missing {
            if !client.resources.contains(&resource) {
                client.resources.push(resource);
            }
        }
    }
    client.check_consistency().map_err(Denial::from)?;
    if client.is_public()
        && client.allows_grant(GrantType::Password)
        && !server.config.tokens.danger_public_password_grant
    {
        return Err(Denial::InvalidMember("password is only for confidential clients".to_owned()).into());
    }
    let refuse = |text: String| Err(FlowError::from(Denial::InvalidMember(text)));
    if let Some((scope, resource)) = owned().find(|(_, resource)| !client.resources.contains(resource)) {
        return refuse(format!("scope {} belongs to {resource}, which is not among the resources", scope.name));
    }
    environments::check_resources(server, environment, &client.resources)?;
    environments::check_limits(server, environment, client.limits, client.plan.as_deref())?;
    environments::check_addresses(&client.allowed_addresses)?;
    if let Some(unknown) = client.roles.iter().find(|role| !server.roles.contains(role)) {
        return refuse(format!("there is no role '{unknown}' in the configuration"));
    }
    check_lifetimes(server, client)?;
    Ok(())
}

fn check_lifetimes(server: &Server, client: &Client) -> Result<(), Denial> {
    let most = server.config.tokens.access_token_max_lifetime.as_secs();
    let sensible =
        |seconds: Option<u32>, least: u32| seconds.is_none_or(|seconds| seconds >= least && seconds <= 316_224_000);
    if client.access_token_lifetime.is_some_and(|seconds| seconds < 10 || u64::from(seconds) > most) {
        return Err(Denial::InvalidMember(format!("access_token_lifetime must be 10 to {most} seconds")));
    }
    if !sensible(client.refresh_token_lifetime, 60) || !sensible(client.refresh_token_max_lifetime, 60) {
        return Err(Denial::InvalidMember("refresh token lifetimes must be 60 seconds to 10 years".to_owned()));
    }
    Ok(())
}

/// A random secret and its row, or the row of one that was brought along.
fn make_secret(
    server: &Server,
    client: &Client,
    brought: Option<String>,
) -> FlowResult<(Zeroizing<String>, ClientSecret)> {
    let now = server.clock.now();
    let (text, verifier) = match brought {
        None => {
            let prefix = server.environment(&client.environment).and_then(|own| own.client_secret_prefix.as_deref());
            let text = match prefix {
                Some(prefix) => secret::generate_prefixed(prefix)?,
                None => SecretKind::ClientSecret.generate()?,
            };
            let digest = server.keys.digest(SecretKind::ClientSecret, &text);
            (text, SecretVerifier::Digest(digest))
        }
        Some(text) => {
            let text = Zeroizing::new(text);
            if text.len() < 8 || text.len() > 256 || !text.bytes().all(|byte| matches!(byte, 0x20..=0x7E)) {
                return Err(Denial::InvalidMember(
                    "client_secret must be 8 to 256 printable ASCII characters".to_owned(),
                )
                .into());
            }
            let hash = password_check::hash_new(server, &text)?;
            (text, SecretVerifier::PasswordHash(hash))
        }
    };
    let last_four = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
    let id = ClientSecretId(random::id(now)?);
    let row = ClientSecret {
        id,
        client_id: client.client_id.clone(),
        verifier,
        last_four,
        created_at: now,
        expires_at: None,
    };
    Ok((text, row))
}

/// Registers a client.
pub fn create(server: &Server, caller: &Caller, mut members: ClientMembers) -> FlowResult<ClientWithSecret> {
    caller.require("clients:write")?;
    let brought = members.client_secret.take();
    let client_id = match members.client_id.take() {
        Some(chosen) => chosen,
        None => {
            let name = members.environment.as_deref().unwrap_or(&server.config.server.default_environment);
            format!("{}{}", environments::find(server, name)?.client_id_prefix, random::opaque_id()?)
        }
    };
    // RFC 9700 §4.15: a client that acts for itself must not look like a user.
    if server.store.read(|connection| connection.find_user(&client_id))?.is_some() {
        return Err(Denial::InvalidMember("this client_id is taken".to_owned()).into());
    }
    let mut client = blank(server, client_id);
    apply(&mut client, members);
    settle(server, caller, &mut client)?;
    if client.is_public() && brought.is_some() {
        return Err(Denial::InvalidMember("a public client has no client_secret".to_owned()).into());
    }
    let secret = if client.is_public() { None } else { Some(make_secret(server, &client, brought)?) };
    let (text, row) = secret.unzip();
    let event = caller.event(AuditAction::ClientCreated, "client", client.client_id.as_str());
    let (stored, now) = (client.clone(), server.clock.now());
    let written = server.store.write(move |connection| {
        connection.insert_client(&stored)?;
        row.iter().try_for_each(|row| connection.insert_client_secret(row))?;
        connection.insert_audit_event(&event, now)
    });
    match written {
        Ok(()) => Ok(ClientWithSecret { client, client_secret: text.map(|text| text.to_string()) }),
        Err(StoreError::Conflict(_)) => {
            Err(Denial::Conflict("a client of this client_id exists already".to_owned()).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// One client.
pub fn show(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Client> {
    caller.require("clients:read")?;
    find(server, client_id)
}

fn find(server: &Server, client_id: &str) -> FlowResult<Client> {
    let found = server.store.read(|connection| connection.find_client(client_id))?;
    found.ok_or(FlowError::Denied(Denial::NotFound("client")))
}

/// A page of clients.
pub fn list(server: &Server, caller: &Caller, page: &PageRequest) -> FlowResult<Page<Client>> {
    caller.require("clients:read")?;
    Ok(server.store.read(|connection| connection.list_clients(page))?)
}

/// A client that the caller may change: whoever can change it can become it, so it must hold no more than the caller.
fn find_to_change(server: &Server, caller: &Caller, client_id: &str) -> FlowResult<Client> {
    caller.require("clients:write")?;
    let client = find(server, client_id)?;
    caller.may_register(&client.scope, &server.scopes())?;
    caller.may_hand_out(server.roles.scope_of(&client.roles).iter())?;
    if client.status == Status::Revoked {
        return Err(Denial::Conflict("the client is revoked, which is final".to_owned()).into());
    }
    Ok(client)
}

/// Edits a client.
pub fn update(server: &Server, caller: &Caller, client_id: &str, members: ClientMembers) -> FlowResult<Client> {
    if members.client_id.is_some() || members.client_secret.is_some() {
        let text = "client_id and client_secret cannot be edited; a secret can be rotated";
        return Err(Denial::InvalidMember(text.to_owned()).into());
    }
    let mut client = find_to_change(server, caller, client_id)?;
    let (environment, was_public) = (client.environment.clone(), client.is_public());
    apply(&mut client, members);
    settle(server, caller, &mut client)?;
    if client.environment != environment {
        return Err(Denial::InvalidMember("the environment of a client is fixed at its registration".to_owned()).into());
    }
    if client.is_public() != was_public {
        return Err(Denial::InvalidMember("a client stays public or confidential: register another".to_owned()).into());
    }
    let (now, read_at) = (server.clock.now(), client.updated_at);
    client.updated_at = now;
    let event = caller.event(AuditAction::ClientUpdated, "client", client.client_id.as_str());
    let stored = client.clone();
    let done = server.store.write(move |connection| {
        let done = connection.update_client(&stored, read_at)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    let changed = || Denial::Conflict("the client was changed meanwhile: read it again".to_owned());
    if done { Ok(client) } else { Err(changed().into()) }
}

/// Gives a client a new secret. The old ones work for `grace_seconds` more, so that nothing stops while it is rolled out.
pub fn rotate_secret(
    server: &Server,
    caller: &Caller,
    client_id: &str,
    grace_seconds: u32,
) -> FlowResult<ClientWithSecret> {
    let client = find_to_change(server, caller, client_id)?;
    if client.is_public() {
        return Err(Denial::Conflict("a public client has no secret".to_owned()).into());
    }
    if grace_seconds > 30 * 86_400 {
        return Err(Denial::InvalidMember("grace_seconds must be at most 30 days".to_owned()).into());
    }
    let (text, row) = make_secret(server, &client, None)?;
    let now = server.clock.now();
    let end = now + std::time::Duration::from_secs(grace_seconds.into());
    let event = caller
        .event(AuditAction::ClientSecretRotated, "client", client.client_id.as_str())
        .detail(format!("grace_seconds={grace_seconds}"));
    server.store.write(move |connection| {
        connection.end_client_secrets(row.client_id.as_str(), end)?;
        connection.insert_client_secret(&row)?;
        connection.insert_audit_event(&event, now)
    })?;
    Ok(ClientWithSecret { client, client_secret: Some(text.to_string()) })
}

/// Disables, enables or revokes a client. Revoking is final.
pub fn set_status(server: &Server, caller: &Caller, client_id: &str, to: Status) -> FlowResult<Client> {
    let mut client = find_to_change(server, caller, client_id)?;
    let action = match to {
        Status::Active => AuditAction::ClientEnabled,
        Status::Inactive => AuditAction::ClientDisabled,
        Status::Revoked => AuditAction::ClientRevoked,
    };
    let event = caller.event(action, "client", client.client_id.as_str());
    let (id, now) = (client.client_id.0.clone(), server.clock.now());
    let done = server.store.write(move |connection| {
        let done = connection.update_client_status(&id, &[Status::Active, Status::Inactive], to, now)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if !done {
        return Err(Denial::Conflict("the client was revoked meanwhile".to_owned()).into());
    }
    client.status = to;
    client.updated_at = now;
    Ok(client)
}
