//! Whoever asks for an administrative use case, with what they hold: nobody hands out more than they have.

use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::denial::Denial;
use crate::domain::role::{self, ADMIN_SCOPE};
use crate::protocol::scope::Scope;

/// A caller of the admin API or of the command line.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// Through which client, at the API.
    pub client_id: Option<String>,
    /// The scopes held.
    pub held: Scope,
    /// From where.
    pub source: Source,
}

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
        Self { actor, client_id: None, held: Scope::from_tokens([ADMIN_SCOPE]), source: Source::default() }
    }

    /// Refuses unless this scope is held.
    pub fn require(&self, scope: &'static str) -> Result<(), Denial> {
        if role::holds(&self.held, scope) { Ok(()) } else { Err(Denial::BearerScopeMissing(scope)) }
    }

    /// Refuses to hand out a scope of the admin API that the caller does not hold.
    pub fn may_hand_out<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Result<(), Denial> {
        match tokens.into_iter().find(|token| role::is_admin_api_scope(token) && !role::holds(&self.held, token)) {
            None => Ok(()),
            Some(token) => Err(Denial::PrivilegeEscalation(format!("you cannot hand out {token}: you do not hold it"))),
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
