//! A restricted key does not lift its restrictions by a key that it makes, edits or rotates.

use ipnet::IpNet;

use crate::domain::access_key::AccessKey;
use crate::domain::denial::Denial;
use crate::domain::role::ADMIN_SCOPE;
use crate::flows::caller::Caller;

/// Refuses a key that outlives the calling key, is for networks beyond its own, or may make more requests. What an edit
/// leaves alone is not judged anew. `admin` may change its own restrictions, so nothing is held back from it.
pub(super) fn check(caller: &Caller, key: &AccessKey, before: Option<&AccessKey>) -> Result<(), Denial> {
    let Some(bounds) = caller.bounds.as_ref().filter(|_| !caller.held.contains(ADMIN_SCOPE)) else { return Ok(()) };
    let refuse = |text: String| Err(Denial::PrivilegeEscalation(text));
    let outlives = |end| key.expires_at.is_none_or(|own| own > end);
    if let Some(end) = bounds.expires_at.filter(|end| outlives(*end))
        && before.is_none_or(|before| before.expires_at != key.expires_at)
    {
        return refuse(format!("expires_at must be at most that of the access key that asks: {}", end.to_rfc3339()));
    }
    if before.is_none_or(|before| before.allowed_addresses != key.allowed_addresses)
        && !is_within(&key.allowed_addresses, &bounds.allowed_addresses)
    {
        return refuse("allowed_addresses must lie within those of the access key that asks".to_owned());
    }
    if before.is_none_or(|before| before.limits != key.limits) && key.limits.escape(bounds.limits) {
        return refuse("limits must be set, and not above those of the access key that asks".to_owned());
    }
    Ok(())
}

/// Is every address of `networks` one of `most`? An empty list is every address.
fn is_within(networks: &[IpNet], most: &[IpNet]) -> bool {
    let within = |network: &IpNet| most.iter().any(|most| most.contains(network));
    most.is_empty() || (!networks.is_empty() && networks.iter().all(within))
}
