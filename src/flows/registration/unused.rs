//! Clients that registered themselves and were never used are removed: an open endpoint fills with them otherwise. The audit
//! log keeps what became of them.

use crate::domain::audit_event::AuditAction;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;

/// Clients of one batch.
const BATCH: i64 = 200;

/// Removes them, each in a write of its own; `keep_going` is asked between two. Answers how many went.
pub fn remove(server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<usize> {
    let removed = remove_all(server, keep_going)?;
    if removed > 0 {
        log::info!("purge: {removed} clients removed that had registered themselves");
        server.metrics.purged("client_registrations", removed);
    }
    Ok(removed)
}

fn remove_all(server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<usize> {
    let (now, mut removed) = (server.clock.now(), 0);
    let until = now - server.config.registration.unused_lifetime;
    loop {
        let before = removed;
        for client_id in server.store.read(|connection| connection.list_unused_registrations(until, BATCH))? {
            if !keep_going() {
                return Ok(removed);
            }
            let event = Caller::server().event(AuditAction::ClientRegistrationExpired, "client", &client_id);
            let id = client_id.clone();
            let done = server.store.write(move |connection| {
                let done = connection.delete_unused_client(&id)?;
                if done {
                    connection.insert_audit_event(&event, now)?;
                }
                Ok(done)
            });
            match done {
                Ok(done) => removed += usize::from(done),
                // Something else hangs on it, an access key say: it stays until that is gone.
                Err(error) => log::warn!("the client {client_id} is not removed: {error}"),
            }
        }
        if removed == before {
            return Ok(removed);
        }
    }
}
