//! Whoever asks for an administrative use case, with what they hold: nobody hands out more than they have.

use crate::domain::access_key::Owner;
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::Status;
use crate::domain::credential::Bounds;
use crate::domain::denial::Denial;
use crate::domain::ids::ProjectId;
use crate::domain::role::{self, ADMIN_SCOPE, DISABLE_SCOPE};
use crate::domain::scope_definition::ScopeDefinitions;
use crate::protocol::scope::Scope;

/// A caller of the admin API or of the command line.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// Through which client, at the API.
    pub client_id: Option<String>,
    /// As whom: what the caller makes belongs to them where nobody else is named. None: the platform itself.
    pub owner: Option<Owner>,
    /// The scopes held.
    pub held: Scope,
    /// The projects the caller's own credential is limited to; empty for all.
    pub projects: Vec<String>,
    /// The restrictions of the access key that calls, or of the client through which the caller comes.
    pub bounds: Option<Bounds>,
    /// From where.
    pub source: Source,
}

/// What somebody with a restricted credential may write: nothing else knows of projects, networks, limits or an end, so that
/// what they make there would be free of them.
const WRITABLE_WHEN_RESTRICTED: [&str; 3] = ["access-keys:write", "own-access-keys:write", "usage:write"];

impl Caller {
    /// Someone with a shell on the server's machine and its keys: there is nothing to hold back from them.
    pub fn command_line() -> Self {
        Self::unlimited(Actor::CommandLine)
    }

    /// The server itself.
    pub fn server() -> Self {
        Self::unlimited(Actor::Server)
    }

    fn unlimited(actor: Actor) -> Self {
        let held = Scope::from_tokens([ADMIN_SCOPE]);
        let (projects, source) = (Vec::new(), Source::default());
        Self { actor, client_id: None, owner: None, held, projects, bounds: None, source }
    }

    /// The restrictions that what the caller makes must not be free of. None for `admin`, who may change their own.
    pub fn bounds_in_force(&self) -> Option<&Bounds> {
        self.bounds.as_ref().filter(|_| !self.held.contains(ADMIN_SCOPE))
    }

    /// The credential that calls: an access key's id or a client_id.
    pub fn credential_id(&self) -> Option<&str> {
        match &self.actor {
            Actor::AccessKey(id) => Some(id),
            _ => self.client_id.as_deref(),
        }
    }

    /// Refuses unless this scope is held. Whoever is restricted writes only what is restricted in the same way.
    pub fn require(&self, scope: &'static str) -> Result<(), Denial> {
        if !role::holds(&self.held, scope) {
            return Err(Denial::BearerScopeMissing(scope));
        }
        let escapes = scope.ends_with(":write") && !WRITABLE_WHEN_RESTRICTED.contains(&scope);
        if escapes { self.check_unrestricted(scope) } else { Ok(()) }
    }

    /// May the caller stop things: access keys, clients, service accounts, workflows, users?
    pub fn may_disable(&self) -> bool {
        role::holds(&self.held, DISABLE_SCOPE)
    }

    /// The same as [`Caller::require`] for a change of status: who may only stop things brings them to rest, and no further.
    pub fn require_to_set(&self, to: Status, scope: &'static str) -> Result<(), Denial> {
        if to == Status::Inactive && self.may_disable() {
            return self.check_unrestricted(DISABLE_SCOPE);
        }
        self.require(scope)
    }

    fn check_unrestricted(&self, scope: &str) -> Result<(), Denial> {
        let text = if !self.projects.is_empty() {
            format!("you are limited to projects: {scope} reaches beyond them")
        } else if self.bounds_in_force().is_some_and(Bounds::is_restricted) {
            format!("the credential that asks has an end, networks or limits: {scope} reaches beyond them")
        } else {
            return Ok(());
        };
        Err(Denial::PrivilegeEscalation(text))
    }

    /// Refuses to hand out a scope that the caller does not hold. `admin` may hand out all.
    pub fn may_hand_out<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Result<(), Denial> {
        let may = |token: &str| self.held.contains(ADMIN_SCOPE) || self.held.contains(token);
        match tokens.into_iter().find(|token| !may(token)) {
            None => Ok(()),
            Some(token) => Err(Denial::PrivilegeEscalation(format!("you cannot hand out {token}: you do not hold it"))),
        }
    }

    /// Refuses to hand out, or to change, a credential for projects that the caller's own is not for. An empty list is every project.
    pub fn may_hand_out_projects(&self, projects: &[ProjectId]) -> Result<(), Denial> {
        if self.projects.is_empty() {
            return Ok(());
        }
        let beyond = projects.iter().find(|project| !self.projects.iter().any(|held| held == project.as_str()));
        let said = match beyond {
            None if !projects.is_empty() => return Ok(()),
            None => "every project".to_owned(),
            Some(project) => format!("project {project}"),
        };
        Err(Denial::PrivilegeEscalation(format!("you cannot do this for {said}: you are limited to other projects")))
    }

    /// Refuses to register a client for, or to change a key with, a privileged scope that the caller does not hold.
    pub fn may_register(&self, scope: &Scope, definitions: &ScopeDefinitions) -> Result<(), Denial> {
        let privileged = |token: &&str| {
            role::is_admin_api_scope(token) || definitions.find(token).is_some_and(|definition| definition.privileged)
        };
        self.may_hand_out(scope.iter().filter(privileged))
    }

    /// The caller as `kind:id`, for the record of who made something.
    pub fn described(&self) -> String {
        match self.actor.id() {
            Some(id) => format!("{}:{id}", self.actor.kind()),
            None => self.actor.kind().to_owned(),
        }
    }

    /// The event of something this caller did.
    pub fn event(&self, action: AuditAction, kind: &'static str, id: &str) -> NewAuditEvent {
        let event = NewAuditEvent::success(action, self.actor.clone(), self.source.clone()).on(kind, id);
        match &self.client_id {
            Some(client_id) => event.through(client_id),
            None => event,
        }
    }
}
