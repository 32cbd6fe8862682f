//! What people do with their own account. Each use case is given a [`Person`] who is signed in, and reaches nothing that is
//! somebody else's: that is answered as if it did not exist.

pub mod access_keys;
pub mod connected_clients;
pub mod password;
pub mod personal_tokens;
pub mod profile;
pub mod sessions;
pub mod usage;

use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::role;
use crate::domain::standard_claims::is_openid_scope;
use crate::domain::user::User;
use crate::flows::Server;
use crate::flows::console::Visit;
use crate::protocol::scope::{OFFLINE_ACCESS, Scope};

/// Somebody who is signed in to their own pages.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their account, as just read.
    pub user: User,
    /// The login session in which they came.
    pub sid: Option<String>,
    /// The client that their pages are.
    pub client_id: Option<String>,
    /// From where.
    pub source: Source,
}

impl Person {
    /// Whoever is at the pages.
    pub fn of(visit: &Visit) -> Self {
        Self {
            user: visit.user.clone(),
            sid: visit.sid.clone(),
            client_id: visit.caller.client_id.clone(),
            source: visit.caller.source.clone(),
        }
    }

    fn event(&self, action: AuditAction, kind: &'static str, id: &str) -> NewAuditEvent {
        let actor = Actor::User(self.user.id.0.clone());
        let event = NewAuditEvent::success(action, actor, self.source.clone()).on(kind, id);
        match &self.client_id {
            Some(client_id) => event.through(client_id),
            None => event,
        }
    }

    fn id(&self) -> String {
        self.user.id.0.clone()
    }
}

/// What a credential that somebody makes for themselves can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// An access key: scopes of OpenID Connect speak of a log-in, and are of no use to it.
    AccessKey,
    /// A personal token: good at userinfo, too.
    PersonalToken,
}

/// The scopes that somebody may give to what they make for themselves, by name, with their descriptions: every ordinary one
/// that is defined, and what their roles hold.
pub fn grantable_scopes(server: &Server, user: &User, carrier: Carrier) -> Vec<(String, String)> {
    let held = server.roles.scope_of(&user.roles);
    let may = |token: &str| !server.is_privileged(token) || role::holds(&held, token);
    let fits = |token: &str| match carrier {
        Carrier::AccessKey => !is_openid_scope(token),
        Carrier::PersonalToken => token != OFFLINE_ACCESS,
    };
    let definitions = server.scopes();
    let offered = definitions.iter().filter(|definition| may(&definition.name) && fits(&definition.name));
    let mut scopes: Vec<_> =
        offered.map(|definition| (definition.name.clone(), definition.description.clone())).collect();
    scopes.sort_unstable();
    scopes
}

fn grantable(server: &Server, user: &User, carrier: Carrier) -> Scope {
    let scopes = grantable_scopes(server, user, carrier);
    Scope::from_tokens(scopes.iter().map(|(name, _)| name.as_str()))
}
