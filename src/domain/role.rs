//! Roles: named sets of scopes. A privileged scope is granted only to a principal whose roles hold it.

use std::collections::BTreeMap;

use crate::protocol::scope::Scope;

/// The scope that holds every scope of the admin API.
pub const ADMIN_SCOPE: &str = "admin";

/// The scope that stops things and starts none: for those who answer the telephone at night.
pub const DISABLE_SCOPE: &str = "credentials:disable";

/// The scopes of the admin API with what they allow: each is privileged. A platform cannot use these words for its own API,
/// so they say whose they are where platforms are known to use the plain word.
pub const ADMIN_API_SCOPES: [(&str, &str); 27] = [
    (ADMIN_SCOPE, "Administer this server without limits"),
    ("clients:read", "See registered clients"),
    ("clients:write", "Register, edit and revoke clients"),
    ("users:read", "See user accounts"),
    ("users:write", "Create, edit and disable user accounts"),
    ("scopes:read", "See the scopes of this server"),
    ("scopes:write", "Define and remove scopes"),
    ("signing-keys:read", "See the signing keys"),
    ("signing-keys:write", "Rotate the signing keys"),
    ("audit-events:read", "Read the audit log"),
    ("alerts:read", "See alerts and their deliveries"),
    ("alerts:write", "Send deliveries again and try webhooks"),
    ("tokens:read", "See which access tokens are revoked"),
    ("access-keys:read", "See access keys"),
    ("access-keys:write", "Create, edit, rotate and revoke access keys"),
    ("own-access-keys:read", "See your own access keys"),
    ("own-access-keys:write", "Create, edit, rotate and revoke your own access keys"),
    ("service-accounts:read", "See service accounts"),
    ("service-accounts:write", "Create, edit and revoke service accounts"),
    ("projects:read", "See projects"),
    ("projects:write", "Create, edit and delete projects"),
    ("client-workflows:read", "See workflows"),
    ("client-workflows:write", "Create, authorize and revoke workflows"),
    ("usage:read", "See how credentials are used"),
    ("usage:write", "Report how credentials were used"),
    (DISABLE_SCOPE, "Disable access keys, clients, service accounts, workflows and users"),
    ("credentials:verify", "Ask whether credentials are valid"),
];

/// Is this a scope of the admin API?
pub fn is_admin_api_scope(token: &str) -> bool {
    ADMIN_API_SCOPES.iter().any(|(name, _)| *name == token)
}

/// Does a principal that holds `held` hold `needed`? `admin` holds all of the admin API.
pub fn holds(held: &Scope, needed: &str) -> bool {
    held.contains(needed) || (held.contains(ADMIN_SCOPE) && is_admin_api_scope(needed))
}

/// The configured roles: name to scopes.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    by_name: BTreeMap<String, Scope>,
}

impl Roles {
    /// The roles of a configuration.
    pub fn new(by_name: BTreeMap<String, Scope>) -> Self {
        Self { by_name }
    }

    /// Is there a role of this name?
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The names of all roles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Everything that the named roles hold together. A role that is no longer configured holds nothing.
    pub fn scope_of(&self, names: &[String]) -> Scope {
        names.iter().filter_map(|name| self.by_name.get(name)).fold(Scope::default(), |held, scope| held.union(scope))
    }
}
