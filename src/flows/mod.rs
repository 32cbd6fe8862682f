//! One use case per file, synchronous: they join rules, store and crypto (layer 3). They run on the blocking pool.

pub mod access_keys;
pub mod account;
pub mod alerts;
pub mod audit;
pub mod audit_chain;
pub mod audit_checkpoints;
pub mod audit_export;
pub mod audit_purge;
pub mod audit_verifications;
pub mod audit_walk;
pub mod authorize;
pub mod bearer;
pub mod caller;
pub mod chosen_secret;
pub mod client_auth;
pub mod client_keys;
pub mod clients;
pub mod configured;
pub mod consent;
pub mod console;
pub mod console_client;
pub mod credentials;
pub mod csrf;
pub mod delivery;
pub mod demo;
pub mod device;
pub mod discovery;
pub mod environments;
pub mod error;
pub mod explain;
pub mod forward_auth;
pub mod id_token_hint;
pub mod introspect;
pub mod limits;
pub mod login;
pub mod logout;
pub mod logout_deliveries;
pub mod member;
pub mod open;
pub mod overview;
pub mod password_check;
pub mod presented;
pub mod projects;
pub mod purge;
pub mod pushed_requests;
pub mod reauthentication;
pub mod refusals;
pub mod registration;
pub mod registration_tokens;
pub mod resource_server;
pub mod revoke;
pub mod scopes;
pub mod seed;
pub mod service_accounts;
pub mod session_end;
pub mod sessions;
pub mod signing_keys;
pub mod single_use;
pub mod subject;
pub mod token;
pub mod trial;
pub mod usage;
pub mod usage_reports;
pub mod usage_summaries;
pub mod user_grants;
pub mod user_import;
pub mod userinfo;
pub mod users;
pub mod verdict;
pub mod verify;
pub mod workflows;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::Clock;
use crate::config::Config;
use crate::counters::alert_queue::AlertQueue;
use crate::counters::failed_authentications::FailedAuthentications;
use crate::counters::job_board::JobBoard;
use crate::counters::login_throttle::LoginThrottle;
use crate::counters::metrics::Metrics;
use crate::counters::near_limits::NearLimits;
use crate::counters::proven_secrets::ProvenSecrets;
use crate::counters::rate_limits::RateLimits;
use crate::counters::refusals::Refusals;
use crate::counters::usage::UsageCounters;
use crate::crypto::derived_keys::DerivedKeys;
use crate::crypto::keyring::Keyring;
use crate::crypto::password::PasswordHashing;
use crate::crypto::password_pool::PasswordPool;
use crate::domain::alert_rules::AlertRules;
use crate::domain::environment::Environment;
use crate::domain::role::Roles;
use crate::domain::scope_definition::ScopeDefinitions;
use crate::flows::alerts::AlertEndpoints;
use crate::flows::client_keys::ClientKeySource;
use crate::flows::logout_deliveries::LogoutSender;
use crate::protocol::resource::Resource;
use crate::store::Store;

/// Everything that a use case needs. One per process, shared by all threads.
pub struct Server {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// What is derived from the root key.
    pub keys: DerivedKeys,
    /// What is counted.
    pub metrics: Metrics,
    /// The configured environments.
    pub environments: Vec<Environment>,
    /// The windows of every limit.
    pub rate_limits: RateLimits,
    /// How credentials are used, until it is written.
    pub usage: UsageCounters,
    /// Which credentials came near a limit lately.
    pub near_limits: NearLimits,
    /// How the background jobs fare.
    pub jobs: JobBoard,
    /// Why requests were refused, until it is written.
    pub refusals: Refusals,
    /// The configured roles.
    pub roles: Roles,
    /// The audience of tokens for the admin API.
    pub admin_resource: Resource,
    /// Alerts on their way to the job that stores them: what a request may do.
    pub alerts: AlertQueue,
    /// The thresholds of alerts.
    pub alert_rules: AlertRules,
    counters_down: AtomicBool,
    alert_endpoints: AlertEndpoints,
    logout_sender: LogoutSender,
    failed_authentications: FailedAuthentications,
    throttle: Arc<LoginThrottle>,
    client_throttle: Arc<LoginThrottle>,
    client_total_throttle: Arc<LoginThrottle>,
    proven_secrets: ProvenSecrets,
    passwords: Arc<PasswordHashing>,
    password_pool: PasswordPool,
    user_code_throttle: LoginThrottle,
    client_keys: ClientKeySource,
    keyring: RwLock<Arc<Keyring>>,
    scopes: RwLock<Arc<ScopeDefinitions>>,
}

impl Server {
    /// The signing keys as last read.
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The defined scopes as last read.
    pub fn scopes(&self) -> Arc<ScopeDefinitions> {
        Arc::clone(&self.scopes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes the usage counted so far and ends writing, for a clean stop.
    pub fn close(&self) {
        if let Some(failed) = usage::flush(self).failed {
            log::error!("the usage counted since it was last written is lost: {failed}");
        }
        self.store.close();
    }

    fn set_scopes(&self, scopes: ScopeDefinitions) {
        *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(scopes);
    }

    fn set_keyring(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }
}
