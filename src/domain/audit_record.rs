//! The audit log's chain as a stream of records, in the database and in an export alike; and what a walk along it finds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::audit_chain::{ChainedEvent, Checkpoint, Form, Octets, PurgedRange};

/// How an export begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportStart {
    /// [`ExportStart::FORMAT`].
    pub format: String,
    /// The place before the first one in it.
    pub after: i64,
    /// The hash there.
    pub previous_hash: Octets,
    /// When the export began.
    pub exported_at: DateTime<Utc>,
    /// The key that signs.
    pub kid: String,
    /// Its public part, PEM.
    pub public_key: String,
}

impl ExportStart {
    /// The format that this version writes and reads.
    pub const FORMAT: &'static str = "grantor-audit-export-1";
}

/// How an export ends: signed, so that none of its end can be cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportEnd {
    /// The last place in it.
    pub sequence: i64,
    /// The hash there.
    pub hash: Octets,
    /// How many records lie between start and end.
    pub records: i64,
    /// Ed25519.
    pub signature: Octets,
}

impl ExportEnd {
    /// The form that is signed: end and beginning.
    pub fn message(&self, start: &ExportStart) -> Vec<u8> {
        let form = Form::new("grantor audit export v1").number(start.after).octets(&start.previous_hash.0);
        let form = form.number(start.exported_at.timestamp_micros()).text(Some(&start.kid));
        form.number(self.sequence).octets(&self.hash.0).number(self.records).into_octets()
    }
}

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum ChainRecord {
    /// The first line.
    Start(ExportStart),
    /// An event.
    Event(Box<ChainedEvent>),
    /// Events that the server removed.
    Purged(PurgedRange),
    /// A checkpoint, behind the last event that it covers.
    Checkpoint(Checkpoint),
    /// The last line.
    End(ExportEnd),
}

/// The first place where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences say what each one is")]
pub enum Broken {
    #[error("event {sequence} (id {id}) is not what was chained there: it was altered, or moved from another place")]
    Altered { sequence: i64, id: i64 },
    #[error(
        "events up to {sequence} do not lead to what was signed there: one at or before it was altered and the hashes \
         were computed anew"
    )]
    Rewritten { sequence: i64 },
    #[error("events {first} to {last} are missing: they were removed, and not by the server")]
    Removed { first: i64, last: i64 },
    #[error("event {sequence} (id {id}) was inserted: its place in the chain is taken or was purged")]
    Inserted { sequence: i64, id: i64 },
    #[error("the chain ends at {sequence}, but it reached {reached}: the events behind were removed")]
    Truncated { sequence: i64, reached: i64 },
    #[error("event {sequence} stands behind the end of the chain, which is at {head}: it was inserted")]
    BehindTheEnd { sequence: i64, head: i64 },
    #[error(
        "{count} events, the first with id {id}, have no place in the chain: inserted, or written by an older \
             version beside this one (then: grantor audit adopt)"
    )]
    Outside { count: i64, id: i64 },
    #[error(
        "the range {first} to {last} that is said to be purged has no valid signature: its events were removed, and \
             not by the server"
    )]
    ForgedPurge { first: i64, last: i64 },
    #[error("checkpoint {number} has no valid signature of this server's key")]
    ForgedCheckpoint { number: i64 },
    #[error("checkpoint {number} is missing or out of order")]
    MissingCheckpoint { number: i64 },
    #[error(
        "the end of the chain, at {sequence}, is not what the server wrote: events behind it were removed, or hashes were \
         computed anew, or an older version wrote beside this one (to take it as it is: grantor audit adopt)"
    )]
    ForgedEnd { sequence: i64 },
    #[error("checkpoint {number} of the file is not one of this server's key, or not the one that is in the database")]
    OtherCheckpoint { number: i64 },
    #[error("the export has no valid end: it was cut off or put together from parts")]
    Incomplete,
    #[error("line {line} cannot be read: {reason}")]
    Unreadable { line: usize, reason: String },
}

/// What a walk along the whole chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// The place before the first one.
    pub after: i64,
    /// The last place.
    pub sequence: i64,
    /// Events that were checked.
    pub events: i64,
    /// Events that the server had purged.
    pub purged: i64,
    /// Checkpoints whose signature and hash hold.
    pub checkpoints: i64,
    /// The last event that a checkpoint covers.
    pub signed_until: i64,
    /// The key that signed.
    pub kid: String,
}
