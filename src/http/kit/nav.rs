//! The navigation: every section of the console and the account, with the scope that opens it.

use crate::config::Config;
use crate::domain::role;
use crate::http::kit::texts::Texts;
use crate::protocol::scope::Scope;

/// A part of the navigation.
#[derive(Debug)]
pub struct Group {
    /// Its heading.
    pub label: String,
    /// Address below the issuer, and text.
    pub entries: Vec<(&'static str, String)>,
}

/// The sections of the console: address, text, the scope that opens it.
const CONSOLE: [(&str, &str, &str); 16] = [
    ("/console", "nav-overview", "usage:read"),
    ("/console/access-keys", "nav-access-keys", "access-keys:read"),
    ("/console/clients", "nav-clients", "clients:read"),
    ("/console/workflows", "nav-workflows", "client-workflows:read"),
    ("/console/users", "nav-users", "users:read"),
    ("/console/sessions", "nav-sessions", "users:read"),
    ("/console/service-accounts", "nav-service-accounts", "service-accounts:read"),
    ("/console/projects", "nav-projects", "projects:read"),
    ("/console/scopes", "nav-scopes", "scopes:read"),
    ("/console/environments", "nav-environments", "projects:read"),
    ("/console/signing-keys", "nav-signing-keys", "signing-keys:read"),
    ("/console/audit", "nav-audit", "audit-events:read"),
    ("/console/alerts", "nav-alerts", "alerts:read"),
    ("/console/webhooks", "nav-webhooks", "alerts:read"),
    ("/console/logout-deliveries", "nav-logout-deliveries", "clients:read"),
    ("/console/explain", "nav-explain", "access-keys:read"),
];

/// The sections of the account.
const ACCOUNT: [(&str, &str); 7] = [
    ("/account", "nav-profile"),
    ("/account/password", "nav-password"),
    ("/account/sessions", "nav-own-sessions"),
    ("/account/apps", "nav-apps"),
    ("/account/access-keys", "nav-own-access-keys"),
    ("/account/tokens", "nav-tokens"),
    ("/account/usage", "nav-own-usage"),
];

/// What somebody who holds this can open.
pub fn groups(config: &Config, texts: Texts, held: &Scope) -> Vec<Group> {
    let mut groups = Vec::new();
    let open = CONSOLE.iter().filter(|(.., scope)| config.console.enabled && role::holds(held, scope));
    let entries: Vec<_> = open.map(|(path, key, _)| (*path, texts.say(key))).collect();
    if !entries.is_empty() {
        groups.push(Group { label: texts.say("nav-console"), entries });
    }
    if config.account.enabled {
        let offered = ACCOUNT.iter().filter(|(path, _)| match *path {
            "/account/access-keys" => config.account.access_keys || role::holds(held, "own-access-keys:write"),
            "/account/tokens" => config.account.personal_tokens,
            _ => true,
        });
        let entries = offered.map(|(path, key)| (*path, texts.say(key))).collect();
        groups.push(Group { label: texts.say("nav-account"), entries });
    }
    groups
}

/// Where somebody who holds this begins.
pub fn start(config: &Config, held: &Scope) -> &'static str {
    let open = CONSOLE.iter().find(|(.., scope)| config.console.enabled && role::holds(held, scope));
    open.map_or("/account", |(path, ..)| path)
}
