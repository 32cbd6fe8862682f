//! Deleting clients. What a client was given is no longer good with the write that deletes it; its rows go in batches, some
//! at once and the others with the purge. Its identifier is never given to another client: who had it would otherwise be
//! taken for the new one, by resource servers and by people who remember what they allowed.

use crate::domain::audit_event::AuditAction;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::clients::{check_not_of_console, check_over, find};
use crate::flows::error::FlowResult;

/// Rows of one batch, one write each.
const BATCH: i64 = 500;
/// Batches that whoever deletes a client waits for; what is left is for the purge.
const AT_ONCE: usize = 10;
/// Deleted clients that are looked up at a time.
const CLIENTS: i64 = 200;

/// Deletes a client for good, whatever its status. The name must be repeated, so that nobody deletes the wrong one.
pub fn delete(server: &Server, caller: &Caller, client_id: &str, name: &str) -> FlowResult<()> {
    caller.require("clients:write")?;
    let client = find(server, client_id)?;
    check_over(server, caller, &client)?;
    check_not_of_console(caller, client_id)?;
    if client.client_name != name {
        return Err(Denial::InvalidMember("name must be the client_name of the client to delete".to_owned()).into());
    }
    let event = caller.event(AuditAction::ClientDeleted, "client", client_id).detail(client.client_name.clone());
    let (id, name, now) = (client.client_id.0, client.client_name, server.clock.now());
    let done = server.store.write(move |connection| {
        let done = connection.delete_client(&id, &name, now)?;
        if done {
            connection.insert_audit_event(&event, now)?;
        }
        Ok(done)
    })?;
    if !done {
        return Err(Denial::NotFound("client").into());
    }
    begin_to_remove(server, client_id);
    Ok(())
}

/// Removes the first rows of a deleted client. It is deleted whatever comes of this: the purge goes on with it.
pub(in crate::flows) fn begin_to_remove(server: &Server, client_id: &str) {
    let batches = std::cell::Cell::new(0);
    let keep_going = || {
        batches.set(batches.get() + 1);
        batches.get() <= AT_ONCE
    };
    if let Err(error) = remove(server, client_id, &keep_going) {
        log::warn!("not all of the deleted client {client_id} is removed yet: {error:?}");
    }
}

/// Removes what is left of clients that were deleted, batch by batch; answers how many rows went.
pub fn remove_deleted(server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<usize> {
    let mut removed = 0;
    loop {
        let waiting = server.store.read(|connection| connection.list_clients_to_remove(CLIENTS))?;
        let mut finished = 0;
        for client_id in waiting {
            match remove(server, &client_id, keep_going) {
                Ok((rows, all)) => {
                    removed += rows;
                    finished += usize::from(all);
                }
                // Something new hangs on it, made at the same moment: the next purge finds it.
                Err(error) => log::warn!("the deleted client {client_id} is not removed yet: {error:?}"),
            }
        }
        if finished == 0 || !keep_going() {
            break;
        }
    }
    if removed > 0 {
        log::info!("purge: {removed} rows of deleted clients removed");
        server.metrics.purged("deleted_clients", removed);
    }
    Ok(removed)
}

/// Removes the rows of one client; answers how many, and whether the client is gone with the last of them.
fn remove(server: &Server, client_id: &str, keep_going: &dyn Fn() -> bool) -> FlowResult<(usize, bool)> {
    let (now, mut rows) = (server.clock.now(), 0);
    while keep_going() {
        let id = client_id.to_owned();
        let batch = server.store.write(move |connection| {
            connection.lift_statement_timeout()?;
            let Some(batch) = connection.remove_rows_of_client(&id, BATCH, now)? else { return Ok(None) };
            let with = |action, kind, (gone, name): &(String, String)| {
                Caller::server().event(action, kind, gone).detail(format!("{name}, with its client {id}"))
            };
            let keys = batch.access_keys.iter().map(|key| with(AuditAction::AccessKeyDeleted, "access_key", key));
            let flows = batch.workflows.iter().map(|flow| with(AuditAction::WorkflowDeleted, "workflow", flow));
            keys.chain(flows).try_for_each(|event| connection.insert_audit_event(&event, now))?;
            Ok(Some(batch.rows))
        })?;
        match batch {
            Some(batch) => rows += batch,
            None => return Ok((rows, true)),
        }
    }
    Ok((rows, false))
}
