//! The audit log's proof: adoption of what is older than the chain, verification and export.

use std::io::BufRead;

use chrono::{DateTime, Utc};

use crate::crypto::audit_key::AuditPublicKey;
use crate::domain::audit_chain::{Octets, StoredHead};
use crate::domain::audit_event::{Actor, AuditAction, NewAuditEvent, Source};
use crate::domain::audit_record::{Broken, ChainRecord, ChainReport, ExportEnd, ExportStart};
use crate::flows::Server;
use crate::flows::audit_checkpoints::check_head;
use crate::flows::audit_walk::Walk;
use crate::flows::caller::Caller;
use crate::flows::error::{Failure, FlowResult};
use crate::store::{ChainPart, StoreConnection, StoreError};

/// Events of one batch, on the way in and on the way out.
const BATCH: i64 = 1_000;
/// After how many events long work says where it is.
const PROGRESS: i64 = 50_000;

/// Gives events from before the chain their places. Every server does so when it opens, before it serves; it goes on where
/// another one stopped. Answers how many.
pub fn adopt(server: &Server, caller: &Caller, progress: &dyn Fn(&str)) -> FlowResult<i64> {
    let waiting = server.store.read(|connection| connection.count_adoptable_audit_events())?;
    if waiting == 0 {
        return Ok(0);
    }
    progress(&format!("audit log: {waiting} events are put into the chain"));
    let mut adopted = 0;
    loop {
        let batch = server.store.write(|connection| connection.adopt_audit_events(BATCH))?;
        let batch = i64::try_from(batch).unwrap_or(i64::MAX);
        if batch == 0 {
            break;
        }
        if adopted / PROGRESS != (adopted + batch) / PROGRESS {
            progress(&format!("audit log: {} of {waiting} events", adopted + batch));
        }
        adopted += batch;
    }
    if adopted > 0 {
        let event = NewAuditEvent::success(AuditAction::AuditChainAdopted, caller.actor.clone(), caller.source.clone())
            .detail(format!("events={adopted}"));
        let now = server.clock.now();
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    }
    Ok(adopted)
}

/// Puts every event that has no place into the chain, and seals an end whose seal does not hold: for what an older version
/// wrote beside this one. Answers how many events, and whether the end was sealed. Either leaves an event.
pub fn adopt_outside(server: &Server, caller: &Caller, progress: &dyn Fn(&str)) -> FlowResult<(i64, bool)> {
    caller.require("admin")?;
    let (actor, source, now) = (caller.actor.clone(), caller.source.clone(), server.clock.now());
    let sealed = server.store.write(move |connection| {
        connection.allow_audit_adoption()?;
        let sequence = connection.find_audit_chain_head()?.sequence;
        let sealed = connection.seal_audit_chain()?;
        if sealed {
            let event = NewAuditEvent::success(AuditAction::AuditChainAdopted, actor, source)
                .detail(format!("the end at {sequence} had no seal that holds, and was sealed as it stood"));
            connection.insert_audit_event(&event, now)?;
        }
        Ok(sealed)
    })?;
    Ok((adopt(server, caller, progress)?, sealed))
}

/// The key that checks checkpoints and exports.
pub fn public_key(server: &Server, caller: &Caller) -> FlowResult<AuditPublicKey> {
    caller.require("audit-events:read")?;
    Ok(server.keys.audit.public().clone())
}

/// Walks along the whole chain. The inner error is the first place where it does not hold.
pub fn verify(server: &Server, caller: &Caller, progress: &dyn Fn(&str)) -> FlowResult<Result<ChainReport, Broken>> {
    caller.require("audit-events:read")?;
    let mut walk = Walk::of_database(server.keys.audit.public().clone(), server.clock.now());
    let walked = stream(server, (0, i64::MAX), &mut |record| {
        let before = walk.sequence() / PROGRESS;
        let taken = walk.take(&record);
        if walk.sequence() / PROGRESS != before {
            progress(&format!("audit log: {} events", walk.sequence()));
        }
        taken
    })?;
    let outside = server.store.read(|connection| connection.count_audit_events_outside())?;
    Ok(walked.and_then(|stored| {
        let report = walk.finish_database(&stored.head, outside)?;
        check_head(server, &stored).map(|()| report)
    }))
}

/// Gives the chain's records behind the first place up to the second to `take`, in order and in batches, until it errs.
/// Answers the end of the chain as it was when the last batch was read.
fn stream<E>(
    server: &Server,
    (mut after, until): (i64, i64),
    take: &mut dyn FnMut(ChainRecord) -> Result<(), E>,
) -> FlowResult<Result<StoredHead, E>> {
    loop {
        let part = server.store.read(|connection| connection.read_audit_chain(after, until, BATCH))?;
        let (head, is_last) = (part.head.clone(), part.is_last);
        for record in in_order(part) {
            after = after.max(match &record {
                ChainRecord::Event(chained) => chained.event.sequence.unwrap_or_default(),
                ChainRecord::Purged(range) => range.last_sequence,
                _ => 0,
            });
            if let Err(error) = take(record) {
                return Ok(Err(error));
            }
        }
        if is_last {
            return Ok(Ok(head));
        }
    }
}

/// Records by their place: a range before an event that should not be in it, a checkpoint behind what it covers.
pub(super) fn in_order(part: ChainPart) -> Vec<ChainRecord> {
    let events = part
        .events
        .into_iter()
        .map(|chained| ((chained.event.sequence.unwrap_or_default(), 1), ChainRecord::Event(Box::new(chained))));
    let purged = part.purged.into_iter().map(|range| ((range.first_sequence, 0), ChainRecord::Purged(range)));
    let checkpoints =
        part.checkpoints.into_iter().map(|checkpoint| ((checkpoint.sequence, 2), ChainRecord::Checkpoint(checkpoint)));
    let mut records: Vec<_> = events.chain(purged).chain(checkpoints).collect();
    records.sort_by_key(|(place, _)| *place);
    records.into_iter().map(|(_, record)| record).collect()
}

/// Writes the events of this time as records that [`verify_export`] accepts: with all that lies between the first and the
/// last of them, and a signature over beginning and end.
pub fn export(
    server: &Server,
    caller: &Caller,
    (since, until): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    write: &mut dyn FnMut(&ChainRecord) -> std::io::Result<()>,
) -> FlowResult<ExportEnd> {
    caller.require("audit-events:read")?;
    let failed = |error: std::io::Error| Failure::Internal(format!("the export cannot be written: {error}"));
    let (after, until, previous) = server.store.read(|connection| {
        connection.at_one_moment(|connection| {
            let (after, until) = bounds(connection, since, until)?;
            Ok((after, until, connection.find_audit_hash(after)?))
        })
    })?;
    let previous_hash = previous.ok_or_else(|| {
        Failure::Internal(format!("the chain is broken before event {}: run `grantor audit verify`", after + 1))
    })?;
    let key = &server.keys.audit;
    let start = ExportStart {
        format: ExportStart::FORMAT.to_owned(),
        after,
        previous_hash: previous_hash.clone(),
        exported_at: server.clock.now(),
        kid: key.public().kid(),
        public_key: key.public().to_pem(),
    };
    write(&ChainRecord::Start(start.clone())).map_err(failed)?;
    let mut end = ExportEnd { sequence: after, hash: previous_hash, records: 0, signature: Octets::default() };
    let streamed = stream(server, (after, until), &mut |record| {
        match &record {
            ChainRecord::Event(chained) => {
                end.sequence = chained.event.sequence.unwrap_or_default();
                end.hash = chained.event.hash.clone().unwrap_or_default();
            }
            ChainRecord::Purged(range) => {
                end.sequence = range.last_sequence;
                end.hash = range.hash.clone();
            }
            _ => {}
        }
        end.records += 1;
        write(&record)
    })?;
    let stored = streamed.map_err(failed)?;
    match check_head(server, &stored) {
        Ok(()) => end.signature = Octets(key.sign(&end.message(&start))),
        // It can still be read, and it does not prove itself.
        Err(broken) => log::error!("the export is not signed: {broken}"),
    }
    write(&ChainRecord::End(end.clone())).map_err(failed)?;
    Ok(end)
}

/// The place before the first event since then, and that of the last one until then. Without times, the whole chain.
fn bounds(
    connection: &mut StoreConnection,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> Result<(i64, i64), StoreError> {
    let (first, last) = connection.find_audit_chain_bounds(since, until)?;
    let head = connection.find_audit_chain_head()?.sequence;
    let until = if until.is_none() { i64::MAX } else { last.unwrap_or(0) };
    let after = if since.is_none() { 0 } else { first.map_or(head, |first| first - 1) };
    Ok((after, until.max(after)))
}

/// Checks an export, line by line. Without a key, by the one that it names itself: then it proves only that the export is
/// whole, and the report's `kid` is to be compared.
pub fn verify_export(export: impl BufRead, key: Option<AuditPublicKey>) -> Result<ChainReport, Broken> {
    let mut walk: Option<Walk> = None;
    for (number, line) in export.lines().enumerate() {
        let unreadable =
            |reason: &dyn std::fmt::Display| Broken::Unreadable { line: number + 1, reason: reason.to_string() };
        let line = line.map_err(|error| unreadable(&error))?;
        let record: ChainRecord = serde_json::from_str(&line).map_err(|error| unreadable(&error))?;
        match (&mut walk, record) {
            (Some(walk), record) => walk.take(&record)?,
            (None, ChainRecord::Start(start)) if start.format == ExportStart::FORMAT => {
                let key = match &key {
                    Some(key) => key.clone(),
                    None => AuditPublicKey::from_pem(&start.public_key).map_err(|error| unreadable(&error))?,
                };
                walk = Some(Walk::of_export(key, start));
            }
            (None, _) => return Err(unreadable(&"an export begins with its start record")),
        }
    }
    walk.ok_or(Broken::Incomplete)?.finish_export()
}

/// The event of a purge.
pub(super) fn purged_event(detail: String) -> NewAuditEvent {
    NewAuditEvent::success(AuditAction::AuditEventsPurged, Actor::Server, Source::default()).detail(detail)
}
