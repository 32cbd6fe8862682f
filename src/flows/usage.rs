//! Writing down what was counted in memory, in batches: how credentials are used, and which secret from where. A crash loses
//! what was counted since the last time, at most one `usage.flush_interval`.

use crate::counters::hours::HourCounters;
use crate::counters::usage::Counted;
use crate::domain::alert::AlertSubject;
use crate::domain::hour_figures::{HourFigure, hour_of};
use crate::domain::usage::{SecretUse, UsageCount, UsageKey};
use crate::flows::{Server, refusals};
use crate::store::{MAX_ADDRESSES, StoreConnection, StoreError};

/// Rows of one batch, one write each: no long transaction.
const BATCH: usize = 300;

type Count = (UsageKey, UsageCount);

/// A credential that was used from an address from which it never was before, though it was from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAddress {
    /// Access key id or client_id.
    pub credential_id: String,
    /// From where.
    pub address: String,
}

/// What came of writing down usage.
#[derive(Debug, Default)]
pub struct Flushed {
    /// First uses from a new address, of what could be written.
    pub new_addresses: Vec<NewAddress>,
    /// Why not everything could be written; the rest is kept for the next time.
    pub failed: Option<StoreError>,
}

/// Writes what was counted since the last time. What cannot be written is put back.
pub fn flush(server: &Server) -> Flushed {
    refusals::flush(server);
    let Counted { mut counts, uses, dropped } = server.usage.take();
    if dropped > 0 {
        log::error!("usage: there was no room to count {dropped} uses");
    }
    // Several instances add to the same rows: in one order everywhere, none waits for another in a circle.
    counts.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let busiest = HourCounters::busiest(&counts);
    let mut uses = by_credential(uses);
    let mut flushed = Flushed::default();
    while !counts.is_empty() {
        let rest = counts.split_off(counts.len().min(BATCH));
        match write_counts(server, counts) {
            Ok(()) => counts = rest,
            Err((mut unwritten, error)) => {
                unwritten.extend(rest);
                counts = unwritten;
                flushed.failed = Some(error);
                break;
            }
        }
    }
    while !uses.is_empty() {
        let rest = uses.split_off(batch_of(&uses));
        match write_uses(server, &uses) {
            Ok(new) => {
                flushed.new_addresses.extend(new);
                uses = rest;
            }
            Err(error) => {
                uses.extend(rest);
                flushed.failed = Some(error);
                break;
            }
        }
    }
    if flushed.failed.is_none() {
        // What could not be written comes back and is looked at again: only what is written is told apart.
        server.metrics.hours.tell_apart(busiest, hour_of(server.clock.now()));
        flushed.failed = write_hours(server).err();
    }
    let uses = uses.into_iter().flatten().collect();
    server.usage.put_back(Counted { counts, uses, dropped: 0 });
    flushed.new_addresses.iter().for_each(|new| offer_alert(server, new));
    flushed
}

fn offer_alert(server: &Server, new: &NewAddress) {
    let Ok(address) = new.address.parse() else { return };
    let subject = AlertSubject::of_credential(new.credential_id.clone());
    if let Some(alert) = server.alert_rules.new_address(&subject, address, true, server.clock.now()) {
        server.alerts.offer(alert);
    }
}

fn is_access_key(credential_id: &str) -> bool {
    credential_id.starts_with("ak_")
}

/// Groups uses by credential, in order; of one credential the latest from as many addresses as are told apart.
fn by_credential(mut uses: Vec<SecretUse>) -> Vec<Vec<SecretUse>> {
    uses.sort_unstable_by(|one, other| {
        one.credential_id.cmp(&other.credential_id).then(other.last_used_at.cmp(&one.last_used_at))
    });
    let groups = uses.chunk_by(|one, other| one.credential_id == other.credential_id);
    let told_apart = |group: &[SecretUse]| {
        let mut latest: Vec<_> = group.iter().take(MAX_ADDRESSES).cloned().collect();
        latest.sort_unstable_by(|one, other| (&one.secret_id, &one.address).cmp(&(&other.secret_id, &other.address)));
        latest
    };
    groups.map(told_apart).collect()
}

/// How many credentials make up one batch.
fn batch_of(groups: &[Vec<SecretUse>]) -> usize {
    let mut rows = 0;
    let within = groups.iter().take_while(|group| {
        let fits = rows < BATCH;
        rows += group.len();
        fits
    });
    within.count()
}

/// Writes a batch; where the database is not there, gives back what is not written.
fn write_counts(server: &Server, batch: Vec<Count>) -> Result<(), (Vec<Count>, StoreError)> {
    let add = |rows: Vec<Count>| {
        server.store.write(move |connection| rows.iter().try_for_each(|(key, count)| connection.add_usage(key, *count)))
    };
    let Err(error) = add(batch.clone()) else { return Ok(()) };
    if server.store.ping().is_err() {
        return Err((batch, error));
    }
    // Is it the database that takes nothing, or one row that it does not take, a sum beyond its integers for instance? Such
    // a row must not hold up all the others for good.
    let (all, mut refused) = (batch.len(), Vec::new());
    let mut rows = batch.into_iter();
    while let Some(row) = rows.next() {
        if add(vec![row.clone()]).is_ok() {
            continue;
        }
        refused.push(row);
        if server.store.ping().is_err() {
            return Err((refused.into_iter().chain(rows).collect(), error));
        }
    }
    if refused.len() == all {
        return Err((refused, error));
    }
    for (key, count) in refused {
        log::error!("usage: {} requests of {} cannot be added: {error}", count.requests, key.credential_id);
    }
    Ok(())
}

/// Writes the figures of this hour; what cannot be written waits for the next time.
fn write_hours(server: &Server) -> Result<(), StoreError> {
    let (hour, counts) = (hour_of(server.clock.now()), server.metrics.hours.take());
    if counts.is_empty() {
        return Ok(());
    }
    let rows = counts.clone();
    let written = server.store.write(move |connection| {
        let add = |(figure, number): &(HourFigure, i64)| connection.add_hour_figure(hour, *figure, *number);
        rows.figures.iter().try_for_each(add)?;
        rows.credentials.iter().try_for_each(|count| connection.add_credential_hour(hour, count))
    });
    if written.is_err() {
        server.metrics.hours.put_back(counts);
    }
    written
}

fn write_uses(server: &Server, groups: &[Vec<SecretUse>]) -> Result<Vec<NewAddress>, StoreError> {
    let groups = groups.to_vec();
    server.store.write(move |connection| {
        let mut new = Vec::new();
        for group in &groups {
            new.extend(add_group(connection, group)?);
        }
        Ok(new)
    })
}

fn add_group(connection: &mut StoreConnection, group: &[SecretUse]) -> Result<Vec<NewAddress>, StoreError> {
    let Some(last) = group.iter().max_by_key(|used| used.last_used_at) else { return Ok(Vec::new()) };
    let id = &last.credential_id;
    let new = connection.add_secret_uses(id, group)?;
    if is_access_key(id) {
        connection.note_access_key_use(id, last.last_used_at, &last.address)?;
    } else {
        connection.note_client_use(id, last.last_used_at)?;
    }
    Ok(new.into_iter().map(|address| NewAddress { credential_id: id.clone(), address }).collect())
}
