//! A leaked access key, reported by whoever found it: it is revoked, and the answer says nothing.

use zeroize::Zeroizing;

use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::client::Status;
use crate::flows::Server;
use crate::flows::error::FlowResult;

/// Revokes the key with this secret, if there is one. A secret that is being replaced ends and leaves the key with its
/// successor, which did not leak; one that has ended does nothing, or whoever kept it could end the key. A well-formed
/// secret costs one look and one write whether or not it is known, so that neither answer nor time tells.
pub fn report(server: &Server, secret: &Zeroizing<String>, source: Source) -> FlowResult<()> {
    if server.environment_of_key(secret).is_none() {
        return Ok(());
    }
    let digest = server.keys.digest_access_key(secret);
    let found = server.store.read(|connection| connection.find_presented_access_key(&digest))?;
    let now = server.clock.now();
    let (mut revoked, mut ended) = (String::new(), String::new());
    if let Some((found, secret)) = found.filter(|(found, _)| found.key.status != Status::Revoked) {
        match secret.expires_at {
            None => revoked = found.key.id.0,
            Some(end) if now < end => ended = found.key.id.0,
            Some(_) => {}
        }
    }
    let event = NewAuditEvent::success(AuditAction::AccessKeyLeakReported, Actor::Anonymous, source);
    let event = match (revoked.as_str(), ended.as_str()) {
        ("", "") => NewAuditEvent { success: false, ..event },
        ("", id) => event.on("access_key", id).detail("the secret that was being replaced is ended"),
        (id, _) => event.on("access_key", id).detail("revoked"),
    };
    server.store.write(move |connection| {
        connection.revoke_access_key(&revoked, now)?;
        connection.end_replaced_access_key_secrets(&ended, now)?;
        connection.insert_audit_event(&event, now)
    })?;
    Ok(())
}
