//! Is the audit log whole? A walk along its chain in bounded steps, written down as it goes on: of the whole chain now and
//! then, and from the last checkpoint on when somebody asks.

use crate::domain::alert_rules;
use crate::domain::audit_chain::{GENESIS, Octets};
use crate::domain::audit_record::Broken;
use crate::domain::audit_verification::{AuditVerification, ChainState, VerificationState};
use crate::domain::page::{Page, PageRequest};
use crate::flows::Server;
use crate::flows::alerts;
use crate::flows::audit_chain::in_order;
use crate::flows::audit_checkpoints::check_head;
use crate::flows::audit_walk::Walk;
use crate::flows::caller::Caller;
use crate::flows::error::{Failure, FlowResult};
use crate::store::StoreError;

/// Events of one step, one read each.
const STEP: i64 = 2_000;
/// Steps that somebody who asks waits for; the job does the rest.
const STEPS_AT_ONCE: usize = 5;

/// Where a verification begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// With the first event.
    First,
    /// With what the last checkpoint does not cover: its signature stands for all before it.
    LastCheckpoint,
}

/// A page of verifications, newest first.
pub fn list(server: &Server, caller: &Caller, page: &PageRequest) -> FlowResult<Page<AuditVerification>> {
    caller.require("audit-events:read")?;
    let found = server.store.read(|connection| connection.list_audit_verifications(page))?;
    Ok(found.map(|verification| proven(server, verification)))
}

/// Where the chain stands and what is known of it.
pub fn state(server: &Server, caller: &Caller) -> FlowResult<ChainState> {
    caller.require("audit-events:read")?;
    let page = PageRequest::new(None, Some(PageRequest::MAX_LIMIT));
    let (stored, found) = server.store.read(|connection| {
        let mut found = connection.list_audit_verifications(&page)?.items;
        found.extend(connection.list_telling_audit_verifications()?);
        Ok((connection.find_stored_head()?, found))
    })?;
    let is_sealed = check_head(server, &stored).is_ok();
    let mut found: Vec<AuditVerification> = found.into_iter().map(|found| proven(server, found)).collect();
    found.sort_by_key(|verification| std::cmp::Reverse(verification.number));
    let has_ended = |verification: &&AuditVerification| verification.state != VerificationState::Running;
    let ended = || found.iter().filter(has_ended);
    let mends = |found: &&AuditVerification| found.after == 0 && found.state == VerificationState::Whole;
    let broken = ended().take_while(|found| !mends(found)).find(|found| found.state != VerificationState::Whole);
    Ok(ChainState {
        sequence: stored.head.sequence,
        hash: stored.head.hash,
        checkpoints: stored.head.checkpoints,
        is_sealed,
        last: ended().next().cloned(),
        last_whole: ended().find(|verification| verification.after == 0).cloned(),
        broken: broken.cloned(),
        running: found.into_iter().find(|verification| verification.state == VerificationState::Running),
    })
}

/// Verifies now, as far as a request may take; what is left the job does. One that is under way goes on instead.
pub fn verify(server: &Server, caller: &Caller, beginning: Beginning) -> FlowResult<AuditVerification> {
    caller.require("audit-events:read")?;
    let mut verification = match running(server)? {
        Some(running) => running,
        None => begin(server, beginning, caller.described())?,
    };
    for _ in 0..STEPS_AT_ONCE {
        if verification.state != VerificationState::Running {
            break;
        }
        verification = step(server, verification)?;
    }
    Ok(verification)
}

/// Goes on with what is under way, and begins with the whole chain when that is due. For the job.
pub fn work(server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<()> {
    let mut verification = match running(server)? {
        Some(running) => running,
        None if is_due(server)? => begin(server, Beginning::First, Caller::server().described())?,
        None => return Ok(()),
    };
    while verification.state == VerificationState::Running && keep_going() {
        verification = step(server, verification)?;
    }
    Ok(())
}

fn is_due(server: &Server) -> FlowResult<bool> {
    let interval = server.config.audit.verify_interval;
    if interval.is_zero() {
        return Ok(false);
    }
    let now = server.clock.now();
    let last = state(server, &Caller::server())?.last_whole;
    Ok(last.is_none_or(|last| last.started_at + interval <= now))
}

/// What this server did not write counts for nothing.
fn proven(server: &Server, verification: AuditVerification) -> AuditVerification {
    let key = server.keys.audit.public();
    let is_ours = verification.kid == key.kid() && key.verifies(&verification.message(), &verification.signature.0);
    if is_ours { verification } else { AuditVerification { state: VerificationState::Forged, ..verification } }
}

fn signed(server: &Server, mut verification: AuditVerification) -> AuditVerification {
    verification.checked_at = server.clock.now();
    verification.kid = server.keys.audit.public().kid();
    verification.signature = Octets(server.keys.audit.sign(&verification.message()));
    verification
}

fn running(server: &Server) -> FlowResult<Option<AuditVerification>> {
    let newest = PageRequest::new(None, Some(1));
    let newest = server.store.read(|connection| connection.list_audit_verifications(&newest))?.items.pop();
    Ok(newest.map(|newest| proven(server, newest)).filter(|newest| newest.state == VerificationState::Running))
}

/// Begins one. Of several instances that begin at once one does, and the others go on with it.
fn begin(server: &Server, beginning: Beginning, asked_by: String) -> FlowResult<AuditVerification> {
    let (last, checkpoint) = server.store.read(|connection| {
        let last = connection.list_audit_verifications(&PageRequest::new(None, Some(1)))?.items.pop();
        let checkpoint = match beginning {
            Beginning::First => None,
            Beginning::LastCheckpoint => connection.find_last_checkpoint()?,
        };
        // Where a purge has taken what the checkpoint stands on, only the whole chain leads past it.
        let behind = checkpoint.as_ref().map(|last| connection.list_purged_ranges(last.sequence, last.sequence));
        let is_purged = behind.transpose()?.is_some_and(|ranges| !ranges.is_empty());
        Ok((last, checkpoint.filter(|_| !is_purged)))
    })?;
    let number = last.map_or(0, |last| last.number).checked_add(1);
    let number = number.ok_or_else(|| Failure::Internal("there is no number for a verification".to_owned()))?;
    let now = server.clock.now();
    let mut verification = AuditVerification {
        number,
        state: VerificationState::Running,
        after: 0,
        sequence: 0,
        hash: Octets(GENESIS.to_vec()),
        last_checkpoint: 0,
        signed_until: 0,
        events: 0,
        started_at: now,
        checked_at: now,
        broken: None,
        asked_by,
        kid: String::new(),
        signature: Octets::default(),
    };
    if let Some(checkpoint) = checkpoint {
        let key = server.keys.audit.public();
        if checkpoint.kid != key.kid() || !key.verifies(&checkpoint.message(), &checkpoint.signature.0) {
            verification.state = VerificationState::Broken;
            verification.broken = Some(Broken::ForgedCheckpoint { number: checkpoint.number }.to_string());
        }
        verification.after = checkpoint.sequence;
        verification.sequence = checkpoint.sequence;
        verification.signed_until = checkpoint.sequence;
        verification.last_checkpoint = checkpoint.number;
        verification.hash = checkpoint.hash;
    }
    let verification = signed(server, verification);
    let row = verification.clone();
    match server.store.write(move |connection| connection.insert_audit_verification(&row)) {
        Ok(()) => {
            say(server, &verification);
            Ok(verification)
        }
        Err(StoreError::Conflict(_)) => found(server, number),
        Err(error) => Err(error.into()),
    }
}

fn found(server: &Server, number: i64) -> FlowResult<AuditVerification> {
    let found = server.store.read(|connection| connection.find_audit_verification(number))?;
    let gone = || Failure::Internal("a verification was removed while it went on".to_owned());
    Ok(proven(server, found.ok_or_else(gone)?))
}

/// Goes one step on, and writes down how far. Where another instance was faster, its step counts.
fn step(server: &Server, from: AuditVerification) -> FlowResult<AuditVerification> {
    let mut walk = Walk::resumed(server.keys.audit.public().clone(), &from);
    let part = server.store.read(|connection| connection.read_audit_chain(from.sequence, i64::MAX, STEP))?;
    let (head, is_last) = (part.head.clone(), part.is_last);
    let mut result = in_order(part).iter().try_for_each(|record| walk.take(record));
    let mut verification = from.clone();
    walk.note(&mut verification);
    if result.is_ok() && is_last {
        let outside = server.store.read(|connection| connection.count_audit_events_outside())?;
        result = walk.finish_database(&head.head, outside).and_then(|_| check_head(server, &head));
        verification.state = VerificationState::Whole;
    }
    if let Err(broken) = result {
        verification.state = VerificationState::Broken;
        verification.broken = Some(broken.to_string());
    }
    let verification = signed(server, verification);
    let (number, place, row) = (from.number, from.sequence, verification.clone());
    if server.store.write(move |connection| connection.move_audit_verification(place, &row))? {
        say(server, &verification);
        return Ok(verification);
    }
    found(server, number)
}

/// A break is logged each time, and raised as an alert once: the next verification finds the same.
fn say(server: &Server, verification: &AuditVerification) {
    if let Some(broken) = &verification.broken {
        log::error!("the audit log is broken: {broken}");
        alerts::raise(server, &alert_rules::audit_chain(verification.number, broken, server.clock.now()));
    }
}
