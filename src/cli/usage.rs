//! `grantor usage`: how access keys and clients are used.

use clap::{Args, Subcommand};

use crate::cli::{CliResult, Context, output};
use crate::domain::usage_summary::{UsageDay, UsageSummary};
use crate::flows::caller::Caller;
use crate::flows::usage_summaries;

/// Longest bar of the chart, in characters.
const WIDTH: i64 = 40;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Show how an access key is used.
    AccessKey(Arguments),
    /// Show how a client is used.
    Client(Arguments),
}

/// Which one, and how far back.
#[derive(Args)]
pub struct Arguments {
    /// The id of the access key, or the client_id.
    pub id: String,
    /// How many days, today included: 7 to 400.
    #[arg(long, default_value_t = usage_summaries::DEFAULT_DAYS)]
    pub days: i64,
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    match command {
        Command::AccessKey(arguments) => of_access_key(&arguments, context),
        Command::Client(arguments) => of_client(&arguments, context),
    }
}

/// Shows how an access key is used.
pub fn of_access_key(arguments: &Arguments, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    show(&usage_summaries::of_access_key(&server, &caller, &arguments.id, arguments.days)?, context)
}

/// Shows how a client is used.
pub fn of_client(arguments: &Arguments, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    show(&usage_summaries::of_client(&server, &caller, &arguments.id, arguments.days)?, context)
}

fn show(summary: &UsageSummary, context: &Context) -> CliResult {
    if context.json { output::print_json(summary) } else { output::print(&chart(summary)) }
}

/// The summary for people: a bar for each day, the latest first, then the totals.
fn chart(summary: &UsageSummary) -> String {
    let most = summary.days.iter().map(|day| day.requests).max().unwrap_or_default();
    let mut lines = vec![
        format!("Usage of {} ({})", summary.name, summary.credential_id),
        String::new(),
        format!("Last {} days (UTC):", summary.days.len()),
    ];
    lines.extend(summary.days.iter().rev().map(|day| bar(day, most)));
    lines.push(String::new());
    lines.push(format!("Total requests: {}", summary.total_requests));
    lines.push(format!("Average per day: {}", summary.average_per_day));
    if let Some(rate) = summary.success_rate {
        lines.push(format!("Success rate: {}", percent(rate, 1)));
    }
    if let Some(time) = summary.average_response_time_ms {
        lines.push(format!("Average response time: {time} ms"));
    }
    if summary.units > 0 {
        lines.push(format!("Units: {}", summary.units));
    }
    if let Some(at) = summary.last_used_at {
        let from = summary.last_used_address.as_ref().map(|address| format!(" from {address}")).unwrap_or_default();
        lines.push(format!("Last used: {}{from}", at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
    }
    let named = |name: &str, requests: i64, share: f64| {
        let name = if name.is_empty() { "(not said)" } else { name };
        format!("- {name}: {requests} ({})", percent(share, 0))
    };
    let operations = summary.by_operation.iter().map(|by| named(&by.operation, by.requests, by.share));
    let projects = summary.by_project.iter().map(|by| named(&by.project, by.requests, by.share));
    let errors = summary.errors.iter().map(|error| format!("- {}: {}", error.kind, error.requests));
    section(&mut lines, "By operation:", operations);
    section(&mut lines, "By project:", projects);
    section(&mut lines, "Errors:", errors);
    section(&mut lines, "From:", summary.from.iter().map(|address| format!("- {address}")));
    lines.join("\n")
}

fn bar(day: &UsageDay, most: i64) -> String {
    // A day with any request has a bar.
    let length = if most > 0 { (day.requests.saturating_mul(WIDTH) + most - 1) / most } else { 0 };
    let bar = "█".repeat(usize::try_from(length).unwrap_or_default());
    let space = if bar.is_empty() { "" } else { " " };
    format!("{:<7} {bar}{space}{} requests", format!("{}:", day.day.format("%b %-d")), day.requests)
}

fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}%", share * 100.0)
}

fn section(lines: &mut Vec<String>, title: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.collect();
    if !rows.is_empty() {
        lines.extend([String::new(), title.to_owned()]);
        lines.extend(rows);
    }
}
