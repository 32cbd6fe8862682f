//! What a request says of a client, for registering and for editing.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::client::{Client, InvalidClient, RefreshTokenPolicy, Status};
use crate::domain::client_metadata::{ApplicationType, AssertionAudience, ClientMetadata, SubjectType};
use crate::domain::denial::Denial;
use crate::domain::ids::ClientId;
use crate::domain::limits::Limits;
use crate::flows::Server;
use crate::flows::member::{networks, not_null, present};
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::origin::Origin;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;
use crate::protocol::signing_alg::SigningAlg;

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
    #[serde(default, deserialize_with = "not_null")]
    pub application_type: Option<ApplicationType>,
    #[serde(default, deserialize_with = "present")]
    pub client_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub logo_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub policy_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub tos_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "not_null")]
    pub contacts: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pub software_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub software_version: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub initiate_login_uri: Option<Option<String>>,
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default, deserialize_with = "not_null")]
    pub post_logout_redirect_uris: Option<Vec<RedirectUri>>,
    #[serde(default, deserialize_with = "present")]
    pub backchannel_logout_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "not_null")]
    pub backchannel_logout_session_required: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub frontchannel_logout_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "not_null")]
    pub frontchannel_logout_session_required: Option<bool>,
    #[schema(value_type = Option<Object>)]
    #[serde(default, deserialize_with = "present")]
    pub jwks: Option<Option<Value>>,
    #[serde(default, deserialize_with = "present")]
    pub jwks_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub token_endpoint_auth_signing_alg: Option<Option<String>>,
    #[serde(default, deserialize_with = "not_null")]
    pub assertion_audience: Option<AssertionAudience>,
    #[serde(default, deserialize_with = "not_null")]
    pub id_token_signed_response_alg: Option<SigningAlg>,
    #[serde(default, deserialize_with = "present")]
    pub userinfo_signed_response_alg: Option<Option<SigningAlg>>,
    #[serde(default, deserialize_with = "not_null")]
    pub subject_type: Option<SubjectType>,
    #[serde(default, deserialize_with = "present")]
    pub sector_identifier_uri: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub default_max_age: Option<Option<u32>>,
    #[serde(default, deserialize_with = "not_null")]
    pub require_auth_time: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    pub default_acr_values: Option<Vec<String>>,
    #[serde(default, deserialize_with = "not_null")]
    pub require_pushed_authorization_requests: Option<bool>,
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

/// A registration before anything is said of it.
pub(in crate::flows) fn blank(server: &Server, client_id: String) -> Client {
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
        metadata: ClientMetadata::default(),
        created_at: now,
        updated_at: now,
        last_used_at: None,
    }
}

macro_rules! overlay {
    ($members:expr => $client:expr, $($name:ident),*) => {
        $(if let Some(value) = $members.$name { $client.$name = value; })*
    };
}

/// Lays what was said over a registration.
pub(in crate::flows) fn apply(client: &mut Client, members: ClientMembers) {
    overlay!(members => client, client_name, description, environment, token_endpoint_auth_method, grant_types,
        redirect_uris, scope, resources, allowed_origins, roles, require_pkce, first_party, may_introspect,
        refresh_token_policy, access_token_lifetime, refresh_token_lifetime, refresh_token_max_lifetime, plan,
        allowed_addresses);
    overlay!(members => client.metadata, application_type, client_uri, logo_uri, policy_uri, tos_uri, contacts, software_id, software_version,
        initiate_login_uri, post_logout_redirect_uris, backchannel_logout_uri,
        backchannel_logout_session_required, frontchannel_logout_uri, frontchannel_logout_session_required, jwks,
        jwks_uri, token_endpoint_auth_signing_alg, assertion_audience, id_token_signed_response_alg,
        userinfo_signed_response_alg, subject_type, sector_identifier_uri, default_max_age, require_auth_time,
        default_acr_values, require_pushed_authorization_requests);
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
