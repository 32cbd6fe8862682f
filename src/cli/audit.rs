//! `grantor audit`: read the audit log, prove that it is whole, hand it to somebody who proves it elsewhere.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::json;

use crate::cli::{CliError, CliResult, Context, output};
use crate::crypto::audit_key::AuditPublicKey;
use crate::domain::audit_chain::Checkpoint;
use crate::domain::audit_event::AuditEvent;
use crate::domain::audit_filter::AuditFilter;
use crate::domain::audit_record::{Broken, ChainReport};
use crate::domain::page::PageRequest;
use crate::flows::audit_export::{self, ExportFormat};
use crate::flows::caller::Caller;
use crate::flows::{audit, audit_chain, audit_checkpoints};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List events, newest first.
    List(Box<List>),
    /// Prove that no event was altered, removed or inserted. Exit code 0 if so, 1 with the first broken place if not.
    Verify {
        /// Check this export instead of the database; needs neither database nor root key.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// The public key (PEM) that must have signed the export; without it, the one that the export names.
        #[arg(long, value_name = "FILE", requires = "file")]
        public_key: Option<PathBuf>,
        /// Compare the database also with checkpoints that were kept elsewhere, one JSON object a line as
        /// GET /v1/audit-checkpoints has them: so a database that was set back is found too.
        #[arg(long, value_name = "FILE", conflicts_with = "file")]
        checkpoint: Option<PathBuf>,
    },
    /// Write events with their hashes and checkpoints to standard output, one JSON object a line.
    Export {
        /// From the first event not before this time (RFC 3339).
        #[arg(long)]
        since: Option<DateTime<Utc>>,
        /// To the last event before this time (RFC 3339).
        #[arg(long)]
        until: Option<DateTime<Utc>>,
    },
    /// Sign now where the chain stands; the server does so by itself every audit.checkpoint_interval.
    Checkpoint,
    /// Print the key that checks checkpoints and exports (PEM).
    PublicKey,
    /// Put events that have no place into the chain: those that an older version wrote beside this one.
    Adopt,
}

/// Which events to list.
#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    wanted: Wanted,
    /// Print all of them in this form, jsonl or csv, and not one page: without their proof, see `export`.
    #[arg(long, value_name = "FORMAT", value_parser = ["jsonl", "csv"], conflicts_with_all = ["cursor", "limit"])]
    all: Option<String>,
    /// Behind this event, in the order asked for.
    #[arg(long)]
    cursor: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT)]
    limit: i64,
}

/// What is wanted of them.
#[derive(clap::Args)]
struct Wanted {
    /// Only this action, such as login.failed.
    #[arg(long)]
    action: Option<String>,
    /// Only of this class: security, administration or access.
    #[arg(long)]
    class: Option<String>,
    /// Only with this outcome: success or failure.
    #[arg(long)]
    outcome: Option<String>,
    /// Only by an actor of this kind.
    #[arg(long)]
    actor_kind: Option<String>,
    /// Only by this actor.
    #[arg(long)]
    actor: Option<String>,
    /// Only on a target of this kind.
    #[arg(long)]
    target_kind: Option<String>,
    /// Only on this target.
    #[arg(long)]
    target: Option<String>,
    /// Only through this client.
    #[arg(long)]
    client: Option<String>,
    /// Only from this address.
    #[arg(long)]
    address: Option<String>,
    /// Only in this request.
    #[arg(long)]
    request: Option<String>,
    /// Not before this time (RFC 3339).
    #[arg(long)]
    since: Option<DateTime<Utc>>,
    /// Before this time (RFC 3339).
    #[arg(long)]
    until: Option<DateTime<Utc>>,
    /// An action, actor, target, client, address or request, or how one begins.
    #[arg(long)]
    search: Option<String>,
    /// In the order of the log, and not newest first.
    #[arg(long)]
    oldest_first: bool,
}

impl From<Wanted> for AuditFilter {
    fn from(wanted: Wanted) -> Self {
        Self {
            action: wanted.action,
            class: wanted.class,
            outcome: wanted.outcome,
            actor_kind: wanted.actor_kind,
            actor_id: wanted.actor,
            target_kind: wanted.target_kind,
            target_id: wanted.target,
            client_id: wanted.client,
            address: wanted.address,
            request_id: wanted.request,
            since: wanted.since,
            until: wanted.until,
            search: wanted.search,
            person: None,
            oldest_first: wanted.oldest_first,
        }
    }
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let caller = Caller::command_line();
    match command {
        Command::List(wanted) => list(*wanted, context),
        Command::Verify { file: Some(file), public_key, .. } => verify_file(&file, public_key, context),
        Command::Verify { file: None, checkpoint, .. } => {
            let kept = checkpoint.map_or(Ok(Vec::new()), |file| read_checkpoints(&file))?;
            let server = context.open()?;
            let found = audit_chain::verify(&server, &caller, &output::progress)?;
            for kept in kept {
                audit_checkpoints::verify_checkpoint(&server, &caller, &kept)?.map_err(broken)?;
            }
            report(found, context)
        }
        Command::Export { since, until } => {
            let mut out = std::io::stdout().lock();
            let mut write = |record: &_| {
                serde_json::to_writer(&mut out, record)?;
                out.write_all(b"\n")
            };
            audit_chain::export(&context.open()?, &caller, (since, until), &mut write)?;
            Ok(out.flush()?)
        }
        Command::Checkpoint => match audit_checkpoints::take_checkpoint(&context.open()?)? {
            Some(checkpoint) if context.json => output::print_json(&checkpoint),
            Some(checkpoint) => output::print(&format!(
                "checkpoint {}: event {}, hash {}",
                checkpoint.number, checkpoint.sequence, checkpoint.hash
            )),
            None => output::print(if context.json { "null" } else { "no new event since the last checkpoint" }),
        },
        Command::PublicKey => {
            let key = audit_chain::public_key(&context.open()?, &caller)?;
            if context.json {
                return output::print_json(&json!({ "kid": key.kid(), "public_key": key.to_pem() }));
            }
            output::print(&format!("kid: {}\n{}", key.kid(), key.to_pem().trim_end()))
        }
        Command::Adopt => {
            let (adopted, sealed) = audit_chain::adopt_outside(&context.open()?, &caller, &output::progress)?;
            let end = if sealed { "; its end was sealed as it stood" } else { "" };
            output::print(&format!("{adopted} events were put into the chain{end}"))
        }
    }
}

fn list(wanted: List, context: &Context) -> CliResult {
    let List { wanted, all, cursor, limit } = wanted;
    let direction = if wanted.oldest_first { "newer" } else { "older" };
    let filter = AuditFilter::from(wanted);
    if let Some(format) = all.as_deref().and_then(ExportFormat::parse) {
        return print_all(filter, format, context);
    }
    let request = PageRequest::new(cursor, Some(limit));
    let page = audit::list(&context.open()?, &Caller::command_line(), &filter, &request)?;
    if context.json {
        return output::print_json(&page);
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    output::print_table(&["WHEN", "ACTION", "OUTCOME", "WHO", "WHICH", "FROM", "DETAIL"], &rows)?;
    page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... {direction}: --cursor {cursor}")))
}

fn print_all(filter: AuditFilter, format: ExportFormat, context: &Context) -> CliResult {
    let (server, caller) = (context.open()?, Caller::command_line());
    let mut out = std::io::stdout().lock();
    let mut export = audit_export::begin(&server, &caller, filter, format)?;
    while let Some(part) = export.next(&server, &caller)? {
        out.write_all(part.as_bytes())?;
    }
    Ok(out.flush()?)
}

fn verify_file(file: &PathBuf, public_key: Option<PathBuf>, context: &Context) -> CliResult {
    let unreadable =
        |file: &PathBuf, error: &dyn std::fmt::Display| CliError::usage(format!("{}: {error}", file.display()));
    let trusted = public_key.is_some();
    let key = match public_key {
        Some(file) => {
            let pem = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
            Some(AuditPublicKey::from_pem(&pem).map_err(|error| unreadable(&file, &error))?)
        }
        None => None,
    };
    let export = File::open(file).map_err(|error| unreadable(file, &error))?;
    report(audit_chain::verify_export(BufReader::new(export), key), context)?;
    if !trusted {
        output::progress("the key is the one that the export names: compare its kid with `grantor audit public-key`");
    }
    Ok(())
}

fn broken(broken: Broken) -> CliError {
    CliError::failed(format!("the audit log is broken: {broken}"))
}

fn read_checkpoints(file: &PathBuf) -> Result<Vec<Checkpoint>, CliError> {
    let unreadable = |error: &dyn std::fmt::Display| CliError::usage(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    // A line each, or as `--json audit checkpoint` prints them.
    let kept: Result<Vec<Checkpoint>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
    match kept.map_err(|error| unreadable(&error))? {
        kept if kept.is_empty() => Err(unreadable(&"there is no checkpoint in it")),
        kept => Ok(kept),
    }
}

fn report(found: Result<ChainReport, Broken>, context: &Context) -> CliResult {
    let report = found.map_err(broken)?;
    if context.json {
        return output::print_json(&report);
    }
    let unsigned = report.sequence - report.signed_until.max(report.after);
    output::print_fields(&[
        ("whole", format!("events {} to {}", report.after + 1, report.sequence)),
        ("checked", report.events.to_string()),
        ("purged", report.purged.to_string()),
        ("checkpoints", report.checkpoints.to_string()),
        ("not in a checkpoint", unsigned.to_string()),
        ("kid", report.kid),
    ])
}

fn row(event: &AuditEvent) -> Vec<String> {
    let pair = |kind: Option<&str>, id: Option<&str>| [kind, id].into_iter().flatten().collect::<Vec<_>>().join(" ");
    vec![
        event.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        event.action.clone(),
        event.outcome.clone(),
        pair(Some(&event.actor_kind), event.actor_id.as_deref()),
        pair(event.target_kind.as_deref(), event.target_id.as_deref()),
        event.address.clone().unwrap_or_default(),
        event.detail.clone().unwrap_or_default(),
    ]
}
