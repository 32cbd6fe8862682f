//! Walking along the audit log's chain, from the database or from an export, and finding the first place where it breaks.

use chrono::{DateTime, Utc};

use crate::crypto::audit_key::{AuditPublicKey, link};
use crate::domain::audit_chain::{ChainHead, ChainedEvent, Checkpoint, GENESIS, Octets, PurgedRange};
use crate::domain::audit_record::{Broken, ChainRecord, ChainReport, ExportEnd, ExportStart};
use crate::domain::audit_verification::AuditVerification;

/// A walk under way: where it stands, and what it has seen.
pub struct Walk {
    key: AuditPublicKey,
    kid: String,
    began: DateTime<Utc>,
    hash: Octets,
    /// The first place of what the last event or range covers.
    entered: i64,
    last_number: Option<i64>,
    /// A checkpoint that lies before us: what leads to it is missing.
    ahead: Option<i64>,
    start: Option<ExportStart>,
    ended: bool,
    records: i64,
    report: ChainReport,
}

impl Walk {
    /// A walk from the first event, of a database.
    pub fn of_database(key: AuditPublicKey, began: DateTime<Utc>) -> Self {
        let kid = key.kid();
        Self {
            report: ChainReport { kid: kid.clone(), ..ChainReport::default() },
            hash: Octets(GENESIS.to_vec()),
            entered: 0,
            last_number: Some(0),
            ahead: None,
            start: None,
            ended: false,
            records: 0,
            key,
            kid,
            began,
        }
    }

    /// A walk from where an export begins.
    pub fn of_export(key: AuditPublicKey, start: ExportStart) -> Self {
        let mut walk = Self::of_database(key, start.exported_at);
        walk.report.after = start.after;
        walk.report.sequence = start.after;
        walk.entered = start.after;
        walk.hash = start.previous_hash.clone();
        walk.last_number = (start.after == 0).then_some(0);
        walk.start = Some(start);
        walk
    }

    /// A walk of a database that goes on from where one stood.
    pub fn resumed(key: AuditPublicKey, from: &AuditVerification) -> Self {
        let mut walk = Self::of_database(key, from.started_at);
        walk.report.after = from.after;
        walk.report.sequence = from.sequence;
        walk.report.events = from.events;
        walk.report.signed_until = from.signed_until;
        walk.entered = from.sequence;
        walk.hash = from.hash.clone();
        walk.last_number = Some(from.last_checkpoint);
        walk
    }

    /// Notes where it stands, so that it can go on from there.
    pub fn note(&self, verification: &mut AuditVerification) {
        verification.sequence = self.report.sequence;
        verification.hash = self.hash.clone();
        verification.last_checkpoint = self.last_number.unwrap_or_default();
        verification.signed_until = self.report.signed_until;
        verification.events = self.report.events;
    }

    /// Goes one record on.
    pub fn take(&mut self, record: &ChainRecord) -> Result<(), Broken> {
        if self.ended {
            return Err(Broken::Incomplete);
        }
        self.records += 1;
        match record {
            ChainRecord::Start(_) => Err(Broken::Incomplete),
            ChainRecord::Event(event) => self.event(event),
            ChainRecord::Purged(range) => self.purged(range),
            ChainRecord::Checkpoint(checkpoint) => self.checkpoint(checkpoint),
            ChainRecord::End(end) => self.export_end(end),
        }
    }

    fn event(&mut self, chained: &ChainedEvent) -> Result<(), Broken> {
        let (id, sequence) = (chained.event.id, chained.event.sequence.unwrap_or_default());
        self.no_hole_before(sequence)?;
        if sequence <= self.report.sequence {
            return Err(Broken::Inserted { sequence, id });
        }
        let hash = Octets(link(&self.hash.0, &chained.salt.0, &chained.event.canonical()));
        if chained.event.hash.as_ref() != Some(&hash) {
            return Err(Broken::Altered { sequence, id });
        }
        self.hash = hash;
        self.report.sequence = sequence;
        self.entered = sequence;
        self.report.events += 1;
        Ok(())
    }

    fn no_hole_before(&self, sequence: i64) -> Result<(), Broken> {
        match self.report.sequence + 1 {
            first if sequence > first => Err(Broken::Removed { first, last: sequence - 1 }),
            _ => Ok(()),
        }
    }

    fn purged(&mut self, range: &PurgedRange) -> Result<(), Broken> {
        let (first, last) = (range.first_sequence, range.last_sequence);
        self.no_hole_before(first)?;
        if range.kid != self.kid || !self.key.verifies(&range.message(), &range.signature.0) {
            return Err(Broken::ForgedPurge { first, last });
        }
        let at = self.report.sequence;
        // What lies behind us was purged while we walked; an older range over events that are there is not of our making.
        let is_ours = if first <= at { last > at && range.purged_at >= self.began } else { first <= last };
        if !is_ours {
            return Err(Broken::Inserted { sequence: at, id: 0 });
        }
        if first > at && range.previous_hash != self.hash {
            return Err(Broken::Rewritten { sequence: at });
        }
        self.hash = range.hash.clone();
        self.report.sequence = last;
        self.entered = first;
        self.report.purged += last - at;
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), Broken> {
        let number = checkpoint.number;
        if self.last_number.is_some_and(|last| number != last + 1) {
            return Err(Broken::MissingCheckpoint { number: self.last_number.map_or(number, |last| last + 1) });
        }
        if checkpoint.kid != self.kid || !self.key.verifies(&checkpoint.message(), &checkpoint.signature.0) {
            return Err(Broken::ForgedCheckpoint { number });
        }
        // It stands directly behind what it covers: later, and its hash would not be compared.
        if checkpoint.sequence < self.report.signed_until.max(self.entered) {
            return Err(Broken::MissingCheckpoint { number });
        }
        if checkpoint.sequence > self.report.sequence {
            self.ahead.get_or_insert(checkpoint.sequence);
        }
        // Within a purged range the hash is gone; the range's own signature stands for it.
        if checkpoint.sequence == self.report.sequence && checkpoint.hash != self.hash {
            return Err(Broken::Rewritten { sequence: checkpoint.sequence });
        }
        self.last_number = Some(number);
        self.report.checkpoints += 1;
        self.report.signed_until = checkpoint.sequence;
        Ok(())
    }

    fn export_end(&mut self, end: &ExportEnd) -> Result<(), Broken> {
        self.nothing_ahead()?;
        let start = self.start.as_ref().ok_or(Broken::Incomplete)?;
        if end.records != self.records - 1 || !self.key.verifies(&end.message(start), &end.signature.0) {
            return Err(Broken::Incomplete);
        }
        self.leads_to(end.sequence, &end.hash)?;
        self.ended = true;
        Ok(())
    }

    fn nothing_ahead(&self) -> Result<(), Broken> {
        match self.ahead {
            Some(reached) => Err(Broken::Truncated { sequence: self.report.sequence, reached }),
            None => Ok(()),
        }
    }

    fn leads_to(&self, sequence: i64, hash: &Octets) -> Result<(), Broken> {
        let at = self.report.sequence;
        if at < sequence {
            return Err(Broken::Truncated { sequence: at, reached: sequence });
        }
        if at > sequence {
            return Err(Broken::BehindTheEnd { sequence: at, head: sequence });
        }
        if self.hash == *hash { Ok(()) } else { Err(Broken::Rewritten { sequence }) }
    }

    /// Ends a walk along a database: it must stand at the end of the chain.
    pub fn finish_database(self, head: &ChainHead, outside: (i64, i64)) -> Result<ChainReport, Broken> {
        self.nothing_ahead()?;
        self.leads_to(head.sequence, &head.hash)?;
        match outside {
            (0, _) => Ok(self.report),
            (count, id) => Err(Broken::Outside { count, id }),
        }
    }

    /// Ends a walk along an export: its end must have been there.
    pub fn finish_export(self) -> Result<ChainReport, Broken> {
        if self.ended { Ok(self.report) } else { Err(Broken::Incomplete) }
    }

    /// The place where it stands.
    pub const fn sequence(&self) -> i64 {
        self.report.sequence
    }
}
