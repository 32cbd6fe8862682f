//! Clients that registered themselves and were never used, or have ended their registration, are removed: an open endpoint
//! fills with them otherwise. The audit log keeps what became of them.

use crate::domain::audit_event::AuditAction;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::store::{StoreConnection, StoreError};

/// Clients of one batch.
const BATCH: i64 = 200;

/// Removes them, each in a write of its own; `keep_going` is asked between two. Answers how many went.
pub fn remove(server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<usize> {
    let until = server.clock.now() - server.config.registration.unused_lifetime;
    let unused = Removal {
        list: &|connection| connection.list_unused_registrations(until, BATCH),
        delete: StoreConnection::delete_unused_client,
        // Who ended its registration left an event when it did.
        event: Some(AuditAction::ClientRegistrationExpired),
    };
    let ended = Removal {
        list: &|connection| connection.list_ended_registrations(BATCH),
        delete: StoreConnection::delete_ended_client,
        event: None,
    };
    let removed = unused.run(server, keep_going)? + ended.run(server, keep_going)?;
    if removed > 0 {
        log::info!("purge: {removed} clients removed that had registered themselves");
        server.metrics.purged("client_registrations", removed);
    }
    Ok(removed)
}

struct Removal<'a> {
    list: &'a dyn Fn(&mut StoreConnection) -> Result<Vec<String>, StoreError>,
    delete: fn(&mut StoreConnection, &str) -> Result<bool, StoreError>,
    event: Option<AuditAction>,
}

impl Removal<'_> {
    fn run(&self, server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<usize> {
        let (now, delete, mut removed) = (server.clock.now(), self.delete, 0);
        loop {
            let before = removed;
            for client_id in server.store.read(|connection| (self.list)(connection))? {
                if !keep_going() {
                    return Ok(removed);
                }
                let event = self.event.map(|action| Caller::server().event(action, "client", &client_id));
                let id = client_id.clone();
                let done = server.store.write(move |connection| {
                    let done = delete(connection, &id)?;
                    event.iter().filter(|_| done).try_for_each(|event| connection.insert_audit_event(event, now))?;
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
}
