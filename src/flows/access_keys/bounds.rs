//! A restricted credential does not lift its restrictions by an access key that it makes, edits, rotates or enables.

use ipnet::IpNet;

use crate::domain::access_key::{AccessKey, Owner};
use crate::domain::credential::{Bounds, KeyBounds};
use crate::domain::denial::Denial;
use crate::domain::limits::Limits;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// Refuses a key that, as it is to be and as a whole, does not lie within the restrictions of the caller: it must not
/// outlive the credential that asks, be for networks beyond its own, make more requests, or be for another environment or
/// audience.
pub(super) fn check(server: &Server, caller: &Caller, key: &AccessKey) -> FlowResult<()> {
    let Some(bounds) = caller.bounds_in_force() else { return Ok(()) };
    check_place(bounds.key.as_ref(), key)?;
    check_use(bounds, key)?;
    // A limit in force where there is none in the key is that of its plan or environment.
    if bounds.limits.is_some() && limits_in_force(server, key)?.escape(bounds.limits) {
        return Err(refusal("limits must be set, and not above those of the credential that asks").into());
    }
    Ok(())
}

/// The same for what changes no restriction and gives a secret, or a use, away. A key may do it to itself.
pub(super) fn check_unless_self(server: &Server, caller: &Caller, key: &AccessKey) -> FlowResult<()> {
    if is_self(caller, key) { Ok(()) } else { check(server, caller, key) }
}

/// The same for what only takes away. People, and clients, may do it to every key that is theirs.
pub(super) fn check_unless_own(server: &Server, caller: &Caller, key: &AccessKey) -> FlowResult<()> {
    let in_person = caller.bounds.as_ref().is_some_and(|bounds| bounds.key.is_none());
    let is_own = in_person && key.owner.is_some() && key.owner == caller.owner;
    if is_own { Ok(()) } else { check_unless_self(server, caller, key) }
}

fn refusal(text: &str) -> Denial {
    Denial::PrivilegeEscalation(text.to_owned())
}

fn is_self(caller: &Caller, key: &AccessKey) -> bool {
    let asking = caller.bounds.as_ref().and_then(|bounds| bounds.key.as_ref());
    asking.is_some_and(|asking| asking.id == key.id.as_str())
}

fn check_place(asking: Option<&KeyBounds>, key: &AccessKey) -> Result<(), Denial> {
    let Some(asking) = asking else { return Ok(()) };
    if key.environment != asking.environment {
        return Err(refusal("environment must be that of the credential that asks"));
    }
    match key.resources.iter().find(|resource| !asking.resources.contains(resource)) {
        None => Ok(()),
        Some(beyond) => {
            Err(refusal(&format!("resources must be among those of the credential that asks: {beyond} is not")))
        }
    }
}

fn check_use(bounds: &Bounds, key: &AccessKey) -> Result<(), Denial> {
    if let Some(end) = bounds.expires_at
        && key.expires_at.is_none_or(|own| own > end)
    {
        let end = end.to_rfc3339();
        return Err(refusal(&format!("expires_at must be at most that of the credential that asks: {end}")));
    }
    if !is_within(&key.allowed_addresses, &bounds.allowed_addresses) {
        return Err(refusal("allowed_addresses must lie within those of the credential that asks"));
    }
    Ok(())
}

/// What the key will be limited to: its own limits, else those of its plan or its service account's, else its environment's.
fn limits_in_force(server: &Server, key: &AccessKey) -> FlowResult<Limits> {
    let plan = match (&key.plan, &key.owner) {
        (None, Some(Owner::ServiceAccount(id))) => {
            server.store.read(|connection| connection.find_service_account(id))?.and_then(|account| account.plan)
        }
        (plan, _) => plan.clone(),
    };
    Ok(server.limits(&key.environment, key.limits, plan.as_deref()))
}

/// Is every address of `networks` one of `most`? An empty list is every address.
fn is_within(networks: &[IpNet], most: &[IpNet]) -> bool {
    let within = |network: &IpNet| most.iter().any(|most| most.contains(network));
    most.is_empty() || (!networks.is_empty() && networks.iter().all(within))
}
