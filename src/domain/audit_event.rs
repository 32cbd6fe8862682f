//! Audit events: who, what, which, from where, when, outcome. Never a secret, token or code.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::audit_chain::{AuditClass, Octets};

/// Everything that leaves an event. The spelling is `noun.verb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the spelling in as_str says what each one is")]
pub enum AuditAction {
    LoginSucceeded,
    LoginFailed,
    LoginThrottled,
    LogoutDone,
    LogoutNotDelivered,
    LoginSessionEnded,
    ConsentGranted,
    ConsentDenied,
    ConsentDeviceGranted,
    ConsentDeviceDenied,
    ConsentWithdrawn,
    UserCodeThrottled,
    TokenIssued,
    TokenRevoked,
    GrantRevoked,
    CodeReplayed,
    RefreshTokenReused,
    ClientThrottled,
    ClientCreated,
    ClientUpdated,
    ClientSecretRotated,
    ClientDisabled,
    ClientEnabled,
    ClientRevoked,
    ClientDeleted,
    ClientRegistered,
    ClientDeregistered,
    ClientRegistrationExpired,
    RegistrationTokenCreated,
    RegistrationTokenRevoked,
    UsersImported,
    UserCreated,
    UserUpdated,
    UserPasswordSet,
    UserPasswordChanged,
    UserDisabled,
    UserEnabled,
    ScopeCreated,
    ScopeUpdated,
    ScopeDeleted,
    SigningKeyCreated,
    SigningKeyRotated,
    SigningKeyImported,
    SigningKeyRemoved,
    AccessKeyCreated,
    AccessKeyUpdated,
    AccessKeyLimitsChanged,
    AccessKeyRotated,
    AccessKeyRotationFinished,
    AccessKeyDisabled,
    AccessKeyEnabled,
    AccessKeyRevoked,
    AccessKeyDeleted,
    AccessKeySecretsRead,
    AccessKeyLeakReported,
    AccessKeyExchanged,
    PersonalTokenCreated,
    PersonalTokenRevoked,
    ClientLimitsChanged,
    ClientSecretsRead,
    ClientTrialBegun,
    ClientTrialEnded,
    ClientSecretRotationFinished,
    ServiceAccountCreated,
    ServiceAccountUpdated,
    ServiceAccountDisabled,
    ServiceAccountEnabled,
    ServiceAccountRevoked,
    ProjectCreated,
    ProjectUpdated,
    ProjectDeleted,
    WorkflowCreated,
    WorkflowUpdated,
    WorkflowAuthorized,
    WorkflowInvalidated,
    WorkflowDisabled,
    WorkflowEnabled,
    WorkflowRevoked,
    WorkflowDeleted,
    AuditChainAdopted,
    AuditEventsPurged,
    AuditEventsExported,
    WebhookDeliveryResent,
    WebhookTested,
    ConsoleSessionEnded,
}

impl AuditAction {
    /// The stored spelling.
    #[allow(clippy::too_many_lines, reason = "one line an action")]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginSucceeded => "login.succeeded",
            Self::LoginFailed => "login.failed",
            Self::LoginThrottled => "login.throttled",
            Self::LogoutDone => "logout.done",
            Self::LogoutNotDelivered => "logout.not_delivered",
            Self::LoginSessionEnded => "login.session_ended",
            Self::ConsentGranted => "consent.granted",
            Self::ConsentDenied => "consent.denied",
            Self::ConsentDeviceGranted => "consent.device_granted",
            Self::ConsentDeviceDenied => "consent.device_denied",
            Self::ConsentWithdrawn => "consent.withdrawn",
            Self::UserCodeThrottled => "login.user_code_throttled",
            Self::TokenIssued => "token.issued",
            Self::TokenRevoked => "token.revoked",
            Self::GrantRevoked => "grant.revoked",
            Self::CodeReplayed => "authorization_code.replayed",
            Self::RefreshTokenReused => "refresh_token.reused",
            Self::ClientThrottled => "client.throttled",
            Self::ClientCreated => "client.created",
            Self::ClientUpdated => "client.updated",
            Self::ClientSecretRotated => "client_secret.rotated",
            Self::ClientDisabled => "client.disabled",
            Self::ClientEnabled => "client.enabled",
            Self::ClientRevoked => "client.revoked",
            Self::ClientDeleted => "client.deleted",
            Self::ClientRegistered => "client.registered",
            Self::ClientDeregistered => "client.deregistered",
            Self::ClientRegistrationExpired => "client.registration_expired",
            Self::RegistrationTokenCreated => "registration_token.created",
            Self::RegistrationTokenRevoked => "registration_token.revoked",
            Self::UsersImported => "users.imported",
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserPasswordSet => "user.password_set",
            Self::UserPasswordChanged => "user.password_changed",
            Self::UserDisabled => "user.disabled",
            Self::UserEnabled => "user.enabled",
            Self::ScopeCreated => "scope.created",
            Self::ScopeUpdated => "scope.updated",
            Self::ScopeDeleted => "scope.deleted",
            Self::SigningKeyCreated => "signing_key.created",
            Self::SigningKeyRotated => "signing_key.rotated",
            Self::SigningKeyImported => "signing_key.imported",
            Self::SigningKeyRemoved => "signing_key.removed",
            Self::AccessKeyCreated => "access_key.created",
            Self::AccessKeyUpdated => "access_key.updated",
            Self::AccessKeyLimitsChanged => "access_key.limits_changed",
            Self::AccessKeyRotated => "access_key.rotated",
            Self::AccessKeyRotationFinished => "access_key.rotation_finished",
            Self::AccessKeyDisabled => "access_key.disabled",
            Self::AccessKeyEnabled => "access_key.enabled",
            Self::AccessKeyRevoked => "access_key.revoked",
            Self::AccessKeyDeleted => "access_key.deleted",
            Self::AccessKeySecretsRead => "access_key.secrets_read",
            Self::AccessKeyLeakReported => "access_key.leak_reported",
            Self::AccessKeyExchanged => "access_key.exchanged",
            Self::PersonalTokenCreated => "personal_token.created",
            Self::PersonalTokenRevoked => "personal_token.revoked",
            Self::ClientLimitsChanged => "client.limits_changed",
            Self::ClientTrialBegun => "client.trial_begun",
            Self::ClientTrialEnded => "client.trial_ended",
            Self::ClientSecretsRead => "client_secret.read",
            Self::ClientSecretRotationFinished => "client_secret.rotation_finished",
            Self::ServiceAccountCreated => "service_account.created",
            Self::ServiceAccountUpdated => "service_account.updated",
            Self::ServiceAccountDisabled => "service_account.disabled",
            Self::ServiceAccountEnabled => "service_account.enabled",
            Self::ServiceAccountRevoked => "service_account.revoked",
            Self::ProjectCreated => "project.created",
            Self::ProjectUpdated => "project.updated",
            Self::ProjectDeleted => "project.deleted",
            Self::WorkflowCreated => "workflow.created",
            Self::WorkflowUpdated => "workflow.updated",
            Self::WorkflowAuthorized => "workflow.authorized",
            Self::WorkflowInvalidated => "workflow.invalidated",
            Self::WorkflowDisabled => "workflow.disabled",
            Self::WorkflowEnabled => "workflow.enabled",
            Self::WorkflowRevoked => "workflow.revoked",
            Self::WorkflowDeleted => "workflow.deleted",
            Self::AuditChainAdopted => "audit_chain.adopted",
            Self::AuditEventsPurged => "audit_events.purged",
            Self::AuditEventsExported => "audit_events.exported",
            Self::WebhookDeliveryResent => "webhook_delivery.resent",
            Self::WebhookTested => "webhook.tested",
            Self::ConsoleSessionEnded => "console_session.ended",
        }
    }

    /// For how long it is kept.
    pub fn class(self) -> AuditClass {
        AuditClass::of(self.as_str())
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, by id.
    User(String),
    /// A client acting for itself, by client_id.
    Client(String),
    /// An access key, by id.
    AccessKey(String),
    /// Someone at the command line.
    CommandLine,
    /// The server itself.
    Server,
    /// Nobody known: a failed login, say.
    Anonymous,
}

impl Actor {
    /// The kind, as stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Client(_) => "client",
            Self::AccessKey(_) => "access_key",
            Self::CommandLine => "command_line",
            Self::Server => "server",
            Self::Anonymous => "anonymous",
        }
    }

    /// The identifier, where there is one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::User(id) | Self::Client(id) | Self::AccessKey(id) => Some(id),
            Self::CommandLine | Self::Server | Self::Anonymous => None,
        }
    }
}

/// Where a request came from: what an event says of its circumstances.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The end client's address.
    pub address: Option<IpAddr>,
    /// The proxy that told an address that cannot be read.
    pub hiding_proxy: Option<IpAddr>,
    /// The `User-Agent`, shortened.
    pub user_agent: Option<String>,
    /// The request's identifier.
    pub request_id: Option<String>,
}

impl Source {
    /// The address that wrong guesses are counted under: those that a proxy hides are one, for hiding must not free from
    /// the limit.
    pub fn counted_address(&self) -> Option<IpAddr> {
        self.address.or(self.hiding_proxy)
    }
}

/// An event as stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEvent {
    /// Increases with time on one database.
    pub id: i64,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// What, as `noun.verb`.
    pub action: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// Kind of who: `user`, `client`, `access_key`, `command_line`, `server`, `anonymous`.
    pub actor_kind: String,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
    /// Which thing: its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<String>,
    /// Which thing: its identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// The client through which it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// With what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// In which request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// One line of detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its place in the chain, without gaps; absent while it is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    /// What its retention follows: `security`, `administration`, `access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// SHA-256 over the hash before, a salt and this event, in base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hash: Option<Octets>,
}

/// An event about to be stored.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    /// What.
    pub action: AuditAction,
    /// Did it succeed?
    pub success: bool,
    /// Who.
    pub actor: Actor,
    /// Which: kind and identifier.
    pub target: Option<(&'static str, String)>,
    /// Through which client.
    pub client_id: Option<String>,
    /// From where.
    pub source: Source,
    /// One line of detail.
    pub detail: Option<String>,
}

impl NewAuditEvent {
    /// A successful action.
    pub fn success(action: AuditAction, actor: Actor, source: Source) -> Self {
        Self { action, success: true, actor, target: None, client_id: None, source, detail: None }
    }

    /// A refused or failed action.
    pub fn failure(action: AuditAction, actor: Actor, source: Source) -> Self {
        Self { success: false, ..Self::success(action, actor, source) }
    }

    /// The same with its target.
    pub fn on(mut self, kind: &'static str, id: &str) -> Self {
        self.target = Some((kind, id.to_owned()));
        self
    }

    /// The same with the client through which it happened.
    pub fn through(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned());
        self
    }

    /// The same with a detail.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
