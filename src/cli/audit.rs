//! `grantor audit`: read the audit log.

use chrono::{DateTime, Utc};
use clap::Subcommand;

use crate::cli::{CliResult, Context, output};
use crate::domain::audit_event::{AuditEvent, AuditFilter};
use crate::domain::page::PageRequest;
use crate::flows::audit;
use crate::flows::caller::Caller;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List events, newest first.
    List {
        /// Only this action, such as login.failed.
        #[arg(long)]
        action: Option<String>,
        /// Only by this actor.
        #[arg(long)]
        actor: Option<String>,
        /// Only on this target.
        #[arg(long)]
        target: Option<String>,
        /// Not before this time (RFC 3339).
        #[arg(long)]
        since: Option<DateTime<Utc>>,
        /// Before this time (RFC 3339).
        #[arg(long)]
        until: Option<DateTime<Utc>>,
        /// Older than this event.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT)]
        limit: i64,
    },
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let Command::List { action, actor, target, since, until, cursor, limit } = command;
    let filter = AuditFilter { action, actor_id: actor, target_id: target, since, until };
    let page = audit::list(&server, &Caller::command_line(), &filter, &PageRequest::new(cursor, Some(limit)))?;
    if context.json {
        return output::print_json(&page);
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    output::print_table(&["WHEN", "ACTION", "OUTCOME", "WHO", "WHICH", "FROM", "DETAIL"], &rows)?;
    page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... older: --cursor {cursor}")))
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
