//! Self-service: people manage the access keys that are theirs, and see no others.

use crate::domain::access_key::{AccessKey, Owner};
use crate::domain::audit_event::Actor;
use crate::domain::client::Status;
use crate::domain::denial::Denial;
use crate::domain::limits::Limits;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

const READ: &str = "own-access-keys:read";
const WRITE: &str = "own-access-keys:write";

/// Which keys a caller reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach<'a> {
    /// Every key.
    All,
    /// Those of this person.
    Own(&'a Owner),
}

impl Reach<'_> {
    /// Is this one of the keys?
    pub(super) fn covers(self, key: &AccessKey) -> bool {
        match self {
            Self::All => true,
            Self::Own(owner) => key.owner.as_ref() == Some(owner),
        }
    }
}

/// The keys that the caller may see.
pub(super) fn to_read(caller: &Caller) -> Result<Reach<'_>, Denial> {
    reach(caller, "access-keys:read", READ)
}

/// The keys whose use the caller may see.
pub(super) fn to_read_usage(caller: &Caller) -> Result<Reach<'_>, Denial> {
    reach(caller, "usage:read", READ)
}

/// The keys that the caller may change.
pub(super) fn to_write(caller: &Caller) -> Result<Reach<'_>, Denial> {
    reach(caller, "access-keys:write", WRITE)
}

/// The keys that the caller may bring into this status: who may stop things stops every key.
pub(super) fn to_set(caller: &Caller, to: Status) -> Result<Reach<'_>, Denial> {
    if to == Status::Inactive && caller.may_disable() { Ok(Reach::All) } else { to_write(caller) }
}

fn reach<'a>(caller: &'a Caller, all: &'static str, own: &str) -> Result<Reach<'a>, Denial> {
    match (caller.require(all), &caller.owner) {
        (Ok(()), _) => Ok(Reach::All),
        (Err(_), Some(owner @ Owner::User(_))) if caller.held.contains(own) => Ok(Reach::Own(owner)),
        (Err(denial), _) => Err(denial),
    }
}

/// Refuses to hand out what the caller does not hold. People in person hand out to their own keys every ordinary scope that
/// is defined and that the client through which they come is registered for: what it may not ask for it does not get by way
/// of a key. At the door a key is cut to what they hold anyway. An access key never hands out more than its own.
pub(super) fn may_hand_out<'a>(
    server: &Server,
    caller: &Caller,
    key: &AccessKey,
    tokens: impl IntoIterator<Item = &'a str>,
) -> FlowResult<()> {
    let in_person = matches!(caller.actor, Actor::User(_)) && key.owner.is_some() && key.owner == caller.owner;
    let serves_self = in_person && caller.held.contains(WRITE);
    if !serves_self {
        return Ok(caller.may_hand_out(tokens)?);
    }
    let client_id = caller.client_id.as_deref().unwrap_or_default();
    let client = server.store.read(|connection| connection.find_client(client_id))?;
    let registered = client.map(|client| client.scope).unwrap_or_default();
    let definitions = server.scopes();
    let may =
        |token: &str| definitions.find(token).is_some() && !server.is_privileged(token) && registered.contains(token);
    Ok(caller.may_hand_out(tokens.into_iter().filter(|token| !may(token)))?)
}

/// Refuses those who manage only their own keys a plan, limits above what a key has without any, and other owners.
pub(super) fn may_limit(
    server: &Server,
    caller: &Caller,
    key: &AccessKey,
    before: Option<&AccessKey>,
) -> Result<(), Denial> {
    let reach = to_write(caller)?;
    if reach == Reach::All {
        return Ok(());
    }
    let refuse = |text: &str| Err(Denial::PrivilegeEscalation(text.to_owned()));
    if !reach.covers(key) {
        return refuse("you may make access keys for yourself only");
    }
    if key.plan.as_ref() != before.and_then(|before| before.plan.as_ref()) {
        return refuse("you cannot give an access key a plan, nor take it away");
    }
    let given = server.limits(&key.environment, Limits::default(), key.plan.as_deref());
    if before.is_none_or(|before| before.limits != key.limits) && key.limits.exceed(given) {
        return refuse("you cannot give an access key more than its plan or environment does");
    }
    Ok(())
}
