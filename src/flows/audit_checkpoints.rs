//! Checkpoints: what the server signs of its audit log, and what is compared with it.

use crate::domain::audit_chain::{Checkpoint, Octets, StoredHead};
use crate::domain::audit_record::Broken;
use crate::domain::page::{Page, PageRequest};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::error::{Failure, FlowResult};
use crate::store::{StoreConnection, StoreError};

/// Signs where the chain stands, where it moved since the last checkpoint. Of several instances that do so at once, one
/// does; None for the others.
pub fn take_checkpoint(server: &Server) -> FlowResult<Option<Checkpoint>> {
    let read = |connection: &mut StoreConnection| {
        connection.at_one_moment(|connection| Ok((connection.find_last_checkpoint()?, connection.find_stored_head()?)))
    };
    let (last, stored) = server.store.read(read)?;
    // What the server did not write it does not sign.
    if let Err(broken) = check_head(server, &stored) {
        return Err(Failure::Internal(format!("no audit checkpoint is made: {broken}")).into());
    }
    let head = stored.head;
    if head.sequence == last.as_ref().map_or(0, |last| last.sequence) {
        return Ok(None);
    }
    let mut checkpoint = Checkpoint {
        number: last.map_or(1, |last| last.number + 1),
        sequence: head.sequence,
        hash: head.hash,
        occurred_at: server.clock.now(),
        kid: server.keys.audit.public().kid(),
        signature: Octets::default(),
    };
    checkpoint.signature = Octets(server.keys.audit.sign(&checkpoint.message()));
    let row = checkpoint.clone();
    match server.store.write(move |connection| connection.insert_checkpoint(&row)) {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // In the log too: whoever keeps logs elsewhere can tell when the end of the database was cut off.
    let Checkpoint { number, sequence, hash, .. } = &checkpoint;
    log::info!("audit checkpoint {number}: event {sequence}, hash {hash}");
    Ok(Some(checkpoint))
}

/// A page of checkpoints, newest first.
pub fn list_checkpoints(server: &Server, caller: &Caller, page: &PageRequest) -> FlowResult<Page<Checkpoint>> {
    caller.require("audit-events:read")?;
    Ok(server.store.read(|connection| connection.list_checkpoints(page))?)
}

/// Is the end of the chain, with the number of checkpoints, what the server wrote?
pub(super) fn check_head(server: &Server, stored: &StoredHead) -> Result<(), Broken> {
    let StoredHead { head, seal, last_checkpoint } = stored;
    let seal = seal.as_ref().map_or(&[][..], |seal| &seal.0);
    if !server.keys.audit_seal.holds(&head.message(), seal) {
        return Err(Broken::ForgedEnd { sequence: head.sequence });
    }
    match *last_checkpoint {
        last if last == head.checkpoints => Ok(()),
        last => Err(Broken::MissingCheckpoint { number: last.min(head.checkpoints) + 1 }),
    }
}

/// Compares the database with a checkpoint that was kept elsewhere. It finds also what the database alone cannot show: that
/// an older state of it was put back.
pub fn verify_checkpoint(server: &Server, caller: &Caller, kept: &Checkpoint) -> FlowResult<Result<(), Broken>> {
    caller.require("audit-events:read")?;
    let key = server.keys.audit.public();
    if kept.kid != key.kid() || !key.verifies(&kept.message(), &kept.signature.0) {
        return Ok(Err(Broken::OtherCheckpoint { number: kept.number }));
    }
    let (reached, found) = server.store.read(|connection| {
        connection.at_one_moment(|connection| {
            let found = connection.list_checkpoints_between(kept.sequence - 1, kept.sequence)?;
            Ok((connection.find_audit_chain_head()?.sequence, found))
        })
    })?;
    Ok(match found.iter().find(|checkpoint| checkpoint.number == kept.number) {
        _ if reached < kept.sequence => Err(Broken::Truncated { sequence: reached, reached: kept.sequence }),
        Some(found) if found == kept => Ok(()),
        Some(_) => Err(Broken::OtherCheckpoint { number: kept.number }),
        None => Err(Broken::MissingCheckpoint { number: kept.number }),
    })
}
