//! A leaked access key, reported by whoever found it: it is revoked, and the answer says nothing.

use zeroize::Zeroizing;

use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::Status;
use crate::flows::Server;
use crate::flows::error::FlowResult;

/// Revokes the key with this secret, if there is one. A well-formed secret costs one look and one write whether or not it
/// is known, so that neither answer nor time tells.
pub fn report(server: &Server, secret: &Zeroizing<String>, source: Source) -> FlowResult<()> {
    if server.environment_of_key(secret).is_none() {
        return Ok(());
    }
    let digest = server.keys.digest_access_key(secret);
    let found = server.store.read(|connection| connection.find_presented_access_key(&digest))?;
    let now = server.clock.now();
    let live = found.map(|(found, _)| found.key).filter(|key| key.status != Status::Revoked);
    let event = NewAuditEvent::success(AuditAction::AccessKeyLeakReported, Actor::Anonymous, source);
    let event = match &live {
        Some(key) => event.on("access_key", key.id.as_str()).detail("revoked"),
        None => NewAuditEvent { success: false, ..event },
    };
    server.store.write(move |connection| {
        if let Some(key) = live {
            connection.revoke_access_key(key.id.as_str(), now)?;
        }
        connection.insert_audit_event(&event, now)
    })?;
    Ok(())
}
