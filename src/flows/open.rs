//! Opening the server: database, root key, scopes of the admin API, signing keys.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use crate::clock::Clock;
use crate::config::Config;
use crate::counters::alert_queue::AlertQueue;
use crate::counters::failed_authentications::FailedAuthentications;
use crate::counters::job_board::JobBoard;
use crate::counters::login_throttle::{LoginThrottle, ThrottleLimits};
use crate::counters::metrics::Metrics;
use crate::counters::near_limits::NearLimits;
use crate::counters::proven_secrets::ProvenSecrets;
use crate::counters::refusals::Refusals;
use crate::counters::usage::UsageCounters;
use crate::crypto::derived_keys::{DerivedKeys, LogState, RootKey};
use crate::crypto::keyring::Keyring;
use crate::crypto::password::{PasswordCost, PasswordHashing};
use crate::crypto::password_pool::PasswordPool;
use crate::domain::role::ADMIN_API_SCOPES;
use crate::domain::scope_definition::ScopeDefinition;
use crate::domain::standard_claims::OPENID_SCOPES;
use crate::flows::alerts::AlertEndpoints;
use crate::flows::caller::Caller;
use crate::flows::client_keys::ClientKeySource;
use crate::flows::error::{Failure, FlowError};
use crate::flows::logout_deliveries::LogoutSender;
use crate::flows::{Server, audit_chain, console, console_client, limits, scopes, signing_keys};
use crate::store::{DatabaseUrl, Store, StoreError, StoreSettings};

/// The name under which the database keeps the check value of its root key.
const ROOT_KEY_CHECK: &str = "root_key_check";

/// Why the server cannot open, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting.
    #[error("{0}")]
    Setting(String),
    /// The root key.
    #[error("{0}")]
    RootKey(String),
    /// The database, a key, a thread.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

fn password_cost(config: &Config) -> PasswordCost {
    let passwords = &config.passwords;
    PasswordCost {
        memory_kib: passwords.memory_kib,
        iterations: passwords.iterations,
        parallelism: passwords.parallelism,
    }
}

impl Server {
    /// Opens everything and brings the schema up to date, reporting long steps to `progress`.
    pub fn open(config: Config, clock: Clock, progress: &dyn Fn(&str)) -> Result<Self, OpenError> {
        config.check().map_err(|error| OpenError::Setting(error.to_string()))?;
        let alert_endpoints = AlertEndpoints::open(&config).map_err(|error| OpenError::Setting(error.to_string()))?;
        let url = DatabaseUrl::parse(&config.database.url).map_err(|error| OpenError::Setting(error.to_string()))?;
        if let DatabaseUrl::Sqlite(path) = &url {
            make_private_folder(path)?;
            make_private_file(path)?;
        }
        let settings = StoreSettings {
            url,
            pool_size: config.database.pool_size,
            connect_timeout: config.database.connect_timeout,
        };
        let rate_limits = limits::open(&config).map_err(|error| OpenError::Setting(error.to_string()))?;
        let store = Store::open(&settings, progress)?;
        let keys = open_keys(&config, &store)?;
        let passwords = &config.passwords;
        let metrics = Metrics::default();
        let limits = throttle_limits(&config);
        let server = Self {
            alerts: AlertQueue::new(metrics.alerts_dropped()),
            alert_rules: config.alert_rules(),
            counters_down: AtomicBool::new(false),
            refusals: Refusals::default(),
            alert_endpoints,
            logout_sender: LogoutSender::default(),
            failed_authentications: FailedAuthentications::new(config.alerts.failed_authentications_window),
            throttle: Arc::new(LoginThrottle::new(limits)),
            client_throttle: Arc::new(LoginThrottle::new(limits)),
            client_total_throttle: Arc::new(LoginThrottle::new(limits.ten_times())),
            user_code_throttle: LoginThrottle::new(limits),
            client_keys: ClientKeySource::default(),
            proven_secrets: ProvenSecrets::default(),
            passwords: Arc::new(PasswordHashing::new(password_cost(&config)).map_err(Failure::from)?),
            password_pool: PasswordPool::start(password_threads(passwords.threads), passwords.queue)
                .map_err(|error| Failure::Internal(error.to_string()))?,
            keyring: RwLock::new(Arc::new(Keyring::new(Vec::new(), clock.now()))),
            scopes: RwLock::default(),
            metrics,
            environments: config.environments.0.keys().filter_map(|name| config.environment(name)).collect(),
            rate_limits,
            usage: UsageCounters::default(),
            near_limits: NearLimits::default(),
            jobs: JobBoard::default(),
            roles: config.roles(),
            admin_resource: config.admin_resource(),
            keys,
            store,
            clock,
            config,
        };
        prepare(&server, progress)?;
        Ok(server)
    }
}

/// What every start finds or makes in the database.
fn prepare(server: &Server, progress: &dyn Fn(&str)) -> Result<(), OpenError> {
    adopt_audit_events(server, progress)?;
    define_admin_scopes(server)?;
    define_openid_scopes(server)?;
    scopes::reload(server).map_err(Failure::from)?;
    signing_keys::reload(server)?;
    signing_keys::ensure_first(server, progress)?;
    ensure_console_client(server)
}

/// Before anything else leaves an event.
fn adopt_audit_events(server: &Server, progress: &dyn Fn(&str)) -> Result<(), OpenError> {
    match audit_chain::adopt(server, &Caller::server(), progress) {
        Ok(_) => Ok(()),
        Err(FlowError::Failed(failure)) => Err(failure.into()),
        Err(FlowError::Denied(denial)) => Err(Failure::Internal(denial.public_text()).into()),
    }
}

/// The client of the console and the account pages, before anybody asks for them.
fn ensure_console_client(server: &Server) -> Result<(), OpenError> {
    match console_client::ensure_client(server) {
        Ok(()) => Ok(()),
        Err(FlowError::Failed(failure)) => Err(failure.into()),
        Err(FlowError::Denied(denial)) => {
            let text = format!("the client {} could not be registered: {}", console::CLIENT_ID, denial.public_text());
            Err(OpenError::Setting(text))
        }
    }
}

/// What wrong passwords, chosen secrets and user codes are counted against, each for itself.
fn throttle_limits(config: &Config) -> ThrottleLimits {
    ThrottleLimits {
        per_account: config.login.failures_per_account,
        per_address: config.login.failures_per_address,
        window: config.login.failure_window,
    }
}

/// Half of the cores: the other half always issues tokens.
fn password_threads(configured: usize) -> usize {
    match configured {
        0 => (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1),
        threads => threads,
    }
}

/// The folder of the database: only its owner may look in.
fn make_private_folder(database: &Path) -> Result<(), OpenError> {
    let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    if folder.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)))
        .map_err(|error| OpenError::Setting(format!("the folder {} cannot be made: {error}", folder.display())))
}

/// The file of the database: SQLite gives its companions the same permissions.
fn make_private_file(database: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(database) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::Setting(format!("{} cannot be made: {error}", database.display()))),
    }
}

fn open_keys(config: &Config, store: &Store) -> Result<DerivedKeys, OpenError> {
    let known = store.read(|connection| connection.find_server_state(ROOT_KEY_CHECK))?;
    let root = match &config.root_key.value {
        Some(text) => {
            RootKey::parse(&text.0).map_err(|error| OpenError::RootKey(format!("root_key.value: {error}")))?
        }
        None => read_or_make(&config.root_key.file, known.is_none())?,
    };
    let keys = DerivedKeys::derive(&root).map_err(Failure::from)?;
    store.seal_audit_log(keys.audit_seal.clone());
    let is_right = match known {
        Some(known) if known == keys.check_value(LogState::Sealed) => true,
        _ => match settle(&keys, store) {
            // Another instance was faster: what it wrote decides.
            Err(StoreError::Conflict(_)) => settle(&keys, store)?,
            other => other?,
        },
    };
    if is_right {
        return Ok(keys);
    }
    Err(OpenError::RootKey(format!(
        "the root key is not the one that this database was made with ({}): restore that key, or name another database",
        config.root_key.file.display()
    )))
}

/// Writes the check value of this root key where none is, or that of a version without seals; false where it is of another
/// key. Together with it, and only then, the audit log gets its first seal. Whoever can write to the database cannot make a
/// check value, and so cannot have a log sealed that they have altered; where none is, the log must be empty.
fn settle(keys: &DerivedKeys, store: &Store) -> Result<bool, StoreError> {
    let [before, sealed] = [LogState::BeforeSeals, LogState::Sealed].map(|state| keys.check_value(state));
    store.write(move |connection| {
        let first_seal = match connection.find_server_state(ROOT_KEY_CHECK)? {
            None => {
                connection.insert_server_state(ROOT_KEY_CHECK, &sealed)?;
                connection.is_audit_log_empty()?
            }
            Some(known) if known == before => connection.replace_server_state(ROOT_KEY_CHECK, &before, &sealed)?,
            Some(known) => return Ok(known == sealed),
        };
        if first_seal {
            connection.seal_audit_chain()?;
        }
        Ok(true)
    })
}

/// Reads the key file; makes it only for a database that has no key yet.
fn read_or_make(file: &Path, may_make: bool) -> Result<RootKey, OpenError> {
    let unreadable = |error: &dyn std::fmt::Display| OpenError::RootKey(format!("{}: {error}", file.display()));
    if may_make && !file.exists() {
        make(file).map_err(|error| unreadable(&error))?;
    }
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let mode = std::fs::metadata(file).map_err(|error| unreadable(&error))?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(unreadable(&"others can read this key: chmod 600"));
            }
            RootKey::parse(&text).map_err(|error| unreadable(&error))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unreadable(
            &"the root key of this database is missing: restore it, or set root_key.file to where it is",
        )),
        Err(error) => Err(unreadable(&error)),
    }
}

fn make(file: &Path) -> std::io::Result<()> {
    let key = RootKey::generate().map_err(std::io::Error::other)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut opened) => {
            opened.write_all(key.to_text().as_bytes())?;
            opened.write_all(b"\n")?;
            opened.sync_all()
        }
        // Another process was faster: its key is the key.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// The scopes of the admin API exist from the start, privileged and tied to its resource.
fn define_admin_scopes(server: &Server) -> Result<(), OpenError> {
    let known = server.store.read(|connection| connection.list_all_scopes())?;
    for (name, description) in ADMIN_API_SCOPES {
        let wanted = ScopeDefinition {
            name: name.to_owned(),
            description: description.to_owned(),
            resource: Some(server.admin_resource.clone()),
            privileged: true,
            created_at: server.clock.now(),
        };
        let found = known.iter().find(|scope| scope.name == name);
        if found.is_some_and(|scope| scope.resource == wanted.resource && scope.privileged) {
            continue;
        }
        let exists = found.is_some();
        let done = server.store.write(move |connection| {
            if exists { connection.update_scope(&wanted).map(drop) } else { connection.insert_scope(&wanted) }
        });
        match done {
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The scopes of OpenID Connect exist from the start. A definition that is there stays: an operator may word it, and a
/// platform may have used the word for itself before.
fn define_openid_scopes(server: &Server) -> Result<(), OpenError> {
    let known = server.store.read(|connection| connection.list_all_scopes())?;
    let missing = OPENID_SCOPES.into_iter().filter(|(name, _)| !known.iter().any(|scope| scope.name == *name));
    for (name, description) in missing {
        let (name, description) = (name.to_owned(), description.to_owned());
        let created_at = server.clock.now();
        let scope = ScopeDefinition { name, description, resource: None, privileged: false, created_at };
        match server.store.write(move |connection| connection.insert_scope(&scope)) {
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
