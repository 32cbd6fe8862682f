//! `grantor logout-delivery`: which clients were told of the ends of sessions, and which could not be.

use clap::Subcommand;

use crate::cli::{CliError, CliResult, Context, output};
use crate::domain::logout_delivery::LogoutDeliveryFilter;
use crate::domain::page::PageRequest;
use crate::domain::webhook_delivery::DeliveryStatus;
use crate::flows::caller::Caller;
use crate::flows::logout_deliveries;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List the logout tokens on their way, newest first.
    List {
        /// Only pending, delivered or dead ones.
        #[arg(long)]
        status: Option<String>,
        /// Only to this client.
        #[arg(long)]
        client_id: Option<String>,
        /// Older than this delivery.
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
    let Command::List { status, client_id, cursor, limit } = command;
    let unknown = |text: &str| CliError::usage(format!("there is no status '{text}'"));
    let status = status.map(|text| DeliveryStatus::parse(&text).ok_or_else(|| unknown(&text))).transpose()?;
    let filter = LogoutDeliveryFilter { status, client_id };
    let page = PageRequest::new(cursor, Some(limit));
    let page = logout_deliveries::list(&server, &Caller::command_line(), &filter, &page)?;
    if context.json {
        return output::print_json(&page);
    }
    let rows = page.items.iter().map(|delivery| {
        vec![
            delivery.created_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            delivery.client_id.0.clone(),
            delivery.user_id.0.clone(),
            delivery.status.as_str().to_owned(),
            delivery.attempts.to_string(),
            delivery.last_error.clone().unwrap_or_default(),
        ]
    });
    output::print_table(&["ENDED", "CLIENT", "USER", "STATUS", "ATTEMPTS", "LAST ERROR"], &rows.collect::<Vec<_>>())?;
    page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... older: --cursor {cursor}")))
}
