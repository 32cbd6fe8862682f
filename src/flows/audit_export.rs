//! Handing out audit events as they are filtered, page by page: JSON lines or CSV, with what is known of the chain. The
//! export that proves itself is another one: `audit_chain`.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use serde_json::json;

use crate::domain::audit_event::{AuditAction, AuditEvent};
use crate::domain::audit_filter::AuditFilter;
use crate::domain::audit_verification::ChainState;
use crate::domain::page::PageRequest;
use crate::flows::caller::Caller;
use crate::flows::error::FlowResult;
use crate::flows::{Server, audit, audit_verifications};

/// Events of one page.
const PAGE: i64 = 1_000;

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line; the last one says how many there were, and how the chain stands.
    JsonLines,
    /// RFC 4180, with a head line.
    Csv,
}

impl ExportFormat {
    /// The spelling of the parameter.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "jsonl" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// The same spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }
}

/// An export under way: everything between two pages.
#[derive(Debug, Clone)]
pub struct AuditExport {
    format: ExportFormat,
    filter: AuditFilter,
    /// How the chain stood when it began.
    pub chain: ChainState,
    last: i64,
    cursor: Option<String>,
    events: u64,
    has_begun: bool,
    has_ended: bool,
}

/// Begins an export of what there is now. That somebody took it is an event.
pub fn begin(server: &Server, caller: &Caller, filter: AuditFilter, format: ExportFormat) -> FlowResult<AuditExport> {
    caller.require("audit-events:read")?;
    let chain = audit_verifications::state(server, caller)?;
    let last = server.store.read(|connection| connection.find_last_audit_event_id())?;
    let event = caller.event(AuditAction::AuditEventsExported, "audit_log", format.as_str());
    let event = event.detail(format!("events up to {last}"));
    let now = server.clock.now();
    server.store.write(move |connection| connection.insert_audit_event(&event, now))?;
    let (cursor, events) = (None, 0);
    Ok(AuditExport { format, filter, chain, last, cursor, events, has_begun: false, has_ended: false })
}

impl AuditExport {
    /// The next part; None behind the last one.
    pub fn next(&mut self, server: &Server, caller: &Caller) -> FlowResult<Option<String>> {
        if self.has_ended {
            return Ok(None);
        }
        let mut text = String::new();
        if !std::mem::replace(&mut self.has_begun, true) && self.format == ExportFormat::Csv {
            text.push_str(&COLUMNS.join(","));
            text.push_str("\r\n");
        }
        // A search that finds little is not made one part for each page that it looked at.
        while text.len() < 1_024 && !self.has_ended {
            let page = PageRequest { after: self.cursor.take(), limit: PAGE };
            let page = audit::list(server, caller, &self.filter, &page)?;
            self.cursor = page.next_cursor;
            self.has_ended = self.cursor.is_none();
            for event in page.items {
                // What came while it was handed out is not part of it.
                if event.id > self.last {
                    self.has_ended |= self.filter.oldest_first;
                    continue;
                }
                self.events += 1;
                match self.format {
                    ExportFormat::JsonLines => json_line(&mut text, &event),
                    ExportFormat::Csv => csv_line(&mut text, &event),
                }
            }
        }
        if self.has_ended && self.format == ExportFormat::JsonLines {
            let end = json!({ "record": "end", "events": self.events, "chain": self.chain });
            let _ = writeln!(text, "{end}");
        }
        Ok(Some(text))
    }

    /// The chain's state for a header, in one line.
    pub fn chain_header(&self) -> String {
        let ChainState { sequence, hash, is_sealed, last_whole, .. } = &self.chain;
        let verified = last_whole.as_ref().map_or_else(
            || "never".to_owned(),
            |last| {
                let at = last.checked_at.to_rfc3339_opts(SecondsFormat::Secs, true);
                format!("{}; verified-until={}; verified-at={at}", last.state.as_str(), last.sequence)
            },
        );
        format!("sequence={sequence}; hash={hash}; sealed={is_sealed}; verified={verified}")
    }
}

fn json_line(text: &mut String, event: &AuditEvent) {
    if let Ok(line) = serde_json::to_string(event) {
        text.push_str(&line);
        text.push('\n');
    }
}

const COLUMNS: [&str; 16] = [
    "id",
    "occurred_at",
    "action",
    "class",
    "outcome",
    "actor_kind",
    "actor_id",
    "target_kind",
    "target_id",
    "client_id",
    "address",
    "user_agent",
    "request_id",
    "detail",
    "sequence",
    "hash",
];

fn csv_line(text: &mut String, event: &AuditEvent) {
    let occurred_at = event.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let id = event.id.to_string();
    let (sequence, hash) =
        (event.sequence.map(|place| place.to_string()), event.hash.as_ref().map(ToString::to_string));
    let cells = [
        Some(cell(&id)),
        Some(cell(&occurred_at)),
        Some(cell(&event.action)),
        event.class.as_deref().map(cell),
        Some(cell(&event.outcome)),
        Some(cell(&event.actor_kind)),
        event.actor_id.as_deref().map(cell),
        event.target_kind.as_deref().map(cell),
        event.target_id.as_deref().map(cell),
        event.client_id.as_deref().map(cell),
        event.address.as_deref().map(cell),
        event.user_agent.as_deref().map(cell),
        event.request_id.as_deref().map(cell),
        event.detail.as_deref().map(cell),
        sequence.as_deref().map(cell),
        hash.as_deref().map(cell),
    ];
    text.push_str(&cells.map(Option::unwrap_or_default).join(","));
    text.push_str("\r\n");
}

/// A cell of CSV. What a spreadsheet would take for a formula begins with an apostrophe: user agents and names are written by
/// strangers, and whoever opens the file would run what they wrote.
fn cell(value: &str) -> String {
    let is_formula = value.trim_start().starts_with(['=', '+', '-', '@']) || value.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    if is_formula || value.contains([',', '"', '\r', '\n', ';']) {
        format!("\"{guard}{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused() {
        for (value, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =1", "\"' =1\""),
            ("\t=1", "\"'\t=1\""),
            ("a=b", "a=b"),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(cell(value), expected, "{value:?}");
        }
    }
}
