//! Removing audit events whose time has passed, by class, so that the chain stays provable: the server signs, for each
//! range that it removes, where the chain entered it and where it left it. A range that does not fit is not removed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::crypto::audit_key::link;
use crate::domain::audit_chain::{AuditClass, ChainedEvent, Octets, PurgedRange};
use crate::flows::Server;
use crate::flows::audit_chain::purged_event;
use crate::flows::error::{Failure, FlowResult};
use crate::store::{AuditPurge, StoreConnection, StoreError};

/// Events of one batch, one write each.
const BATCH: usize = 500;
/// How often a batch is planned again when another instance was faster.
const TRIES: usize = 5;

/// Events that lie side by side and go together, with the ranges beside them.
struct Run {
    events: Vec<ChainedEvent>,
    before: Option<PurgedRange>,
    after: Option<PurgedRange>,
    previous_hash: Option<Octets>,
}

/// Removes old events in batches; `keep_going` is asked between them. Answers how many went.
pub fn purge(server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<usize> {
    let now = server.clock.now();
    let mut removed: BTreeMap<AuditClass, usize> = BTreeMap::new();
    // Classes that are kept equally long are removed together: their events lie side by side.
    let mut cutoffs: BTreeMap<DateTime<Utc>, Vec<AuditClass>> = BTreeMap::new();
    for class in AuditClass::ALL {
        cutoffs.entry(now - server.config.audit.retention_of(class)).or_default().push(class);
    }
    let outcome = cutoffs.iter().try_for_each(|(until, classes)| {
        let mut tries = 0;
        while tries < TRIES && keep_going() {
            let runs = plan(server, classes, *until)?;
            let planned = classes_of(&runs);
            let count = planned.values().sum::<usize>();
            if count == 0 {
                break;
            }
            if purge_batch(server, runs, now)?.is_none() {
                tries += 1;
                continue;
            }
            for (class, count) in planned {
                *removed.entry(class).or_default() += count;
            }
            if count < BATCH {
                break;
            }
        }
        FlowResult::Ok(())
    });
    let until = now - server.config.audit.retention;
    let mut outside = 0;
    while keep_going() {
        let batch = server.store.write(move |connection| connection.purge_audit_events_outside(until, 500))?;
        outside += batch;
        if batch < BATCH {
            break;
        }
    }
    let total = removed.values().sum::<usize>() + outside;
    if total > 0 {
        let counts = removed.iter().map(|(class, count)| format!("{}={count}", class.as_str()));
        let outside = (outside > 0).then(|| format!("outside={outside}"));
        let event = purged_event(counts.chain(outside).collect::<Vec<_>>().join(" "));
        server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
        log::info!("purge: {total} expired rows of audit_events removed");
        server.metrics.purged("audit_events", total);
    }
    outcome.map(|()| total)
}

fn classes_of(runs: &[Run]) -> BTreeMap<AuditClass, usize> {
    let mut counts = BTreeMap::new();
    for chained in runs.iter().flat_map(|run| &run.events) {
        *counts.entry(AuditClass::of(&chained.event.action)).or_default() += 1;
    }
    counts
}

/// The oldest events of these classes with what is beside them, as of one moment.
fn plan(server: &Server, classes: &[AuditClass], until: DateTime<Utc>) -> Result<Vec<Run>, StoreError> {
    server.store.read(|connection| {
        connection.at_one_moment(|connection| {
            let events = oldest(connection, classes, until)?;
            side_by_side(events).into_iter().map(|events| with_neighbours(connection, events)).collect()
        })
    })
}

/// In the order of their places: of each class the oldest by its index, and of these the oldest.
fn oldest(
    connection: &mut StoreConnection,
    classes: &[AuditClass],
    until: DateTime<Utc>,
) -> Result<Vec<ChainedEvent>, StoreError> {
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let lists = classes.iter().map(|class| connection.list_purgeable_audit_events(*class, until, limit));
    let mut events = lists.collect::<Result<Vec<_>, _>>()?.concat();
    events.sort_by_key(|chained| (chained.event.occurred_at, chained.event.sequence));
    events.truncate(BATCH);
    events.sort_by_key(|chained| chained.event.sequence);
    Ok(events)
}

/// Removes these; None where another instance was at them.
fn purge_batch(server: &Server, runs: Vec<Run>, now: DateTime<Utc>) -> FlowResult<Option<usize>> {
    let mut purge = AuditPurge { ids: Vec::new(), replaced: Vec::new(), ranges: Vec::new() };
    for run in runs {
        purge.ids.extend(run.events.iter().map(|chained| chained.event.id));
        let replaced = run.before.iter().chain(&run.after);
        purge.replaced.extend(replaced.map(|range| (range.first_sequence, range.signature.0.clone())));
        purge.ranges.push(range_of(server, run, now)?);
    }
    // A range between two runs is replaced by one that joins them all.
    let purge = joined(server, purge);
    Ok(server.store.write(move |connection| connection.purge_audit_events(&purge))?)
}

fn side_by_side(events: Vec<ChainedEvent>) -> Vec<Vec<ChainedEvent>> {
    let mut runs: Vec<Vec<ChainedEvent>> = Vec::new();
    for chained in events {
        let next = |last: &ChainedEvent| last.event.sequence.map(|last| last + 1) == chained.event.sequence;
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(next) => run.push(chained),
            _ => runs.push(vec![chained]),
        }
    }
    runs
}

fn ends(events: &[ChainedEvent]) -> (i64, i64) {
    let at = |chained: Option<&ChainedEvent>| chained.and_then(|chained| chained.event.sequence).unwrap_or_default();
    (at(events.first()), at(events.last()))
}

fn with_neighbours(connection: &mut StoreConnection, events: Vec<ChainedEvent>) -> Result<Run, StoreError> {
    let (first, last) = ends(&events);
    Ok(Run {
        before: connection.find_purged_range_to(first - 1)?,
        after: connection.find_purged_range_from(last + 1)?,
        previous_hash: connection.find_audit_hash(first - 1)?,
        events,
    })
}

/// The signed range of a run and its neighbours. Refuses what does not hold together: signed, it would hide who broke it.
fn range_of(server: &Server, run: Run, now: DateTime<Utc>) -> FlowResult<PurgedRange> {
    let (first, last) = ends(&run.events);
    let broken = || {
        Failure::Internal(format!(
            "the audit chain does not hold between {first} and {last}: nothing of it is removed; run `grantor audit verify`"
        ))
    };
    let key = &server.keys.audit;
    let is_genuine = |range: &PurgedRange| key.public().verifies(&range.message(), &range.signature.0);
    if !run.before.iter().chain(&run.after).all(is_genuine) {
        return Err(broken().into());
    }
    let mut hash = run.previous_hash.ok_or_else(broken)?;
    let previous_hash = run.before.as_ref().map_or_else(|| hash.clone(), |range| range.previous_hash.clone());
    for chained in &run.events {
        hash = Octets(link(&hash.0, &chained.salt.0, &chained.event.canonical()));
        if chained.event.hash.as_ref() != Some(&hash) {
            return Err(broken().into());
        }
    }
    if run.after.as_ref().is_some_and(|range| range.previous_hash != hash) {
        return Err(broken().into());
    }
    let range = PurgedRange {
        first_sequence: run.before.map_or(first, |range| range.first_sequence),
        last_sequence: run.after.as_ref().map_or(last, |range| range.last_sequence),
        previous_hash,
        hash: run.after.map_or(hash, |range| range.hash),
        purged_at: now,
        kid: key.public().kid(),
        signature: Octets::default(),
    };
    Ok(signed(server, range))
}

fn signed(server: &Server, mut range: PurgedRange) -> PurgedRange {
    range.signature = Octets(server.keys.audit.sign(&range.message()));
    range
}

fn joined(server: &Server, mut purge: AuditPurge) -> AuditPurge {
    purge.replaced.sort();
    purge.replaced.dedup();
    let mut ranges: Vec<PurgedRange> = Vec::new();
    for range in purge.ranges {
        match ranges.last_mut() {
            // They overlap where both took in the same older range.
            Some(last) if range.first_sequence <= last.last_sequence => {
                let joined = PurgedRange { last_sequence: range.last_sequence, hash: range.hash, ..last.clone() };
                *last = signed(server, joined);
            }
            _ => ranges.push(range),
        }
    }
    purge.ranges = ranges;
    purge
}
