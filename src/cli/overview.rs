//! `grantor overview`: how the server fares, as its database tells. Limits and jobs are those of a running server: its
//! console and `/v1/overview` show them.

use crate::cli::{CliResult, Context, output};
use crate::flows::caller::Caller;
use crate::flows::overview;

/// Runs the command.
pub fn run(context: &Context) -> CliResult {
    let server = context.open()?;
    let found = overview::show(&server, &Caller::command_line())?;
    if context.json {
        return output::print_json(&found);
    }
    let time = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    if let Some(activity) = found.activity {
        let row = |hour: overview::OverviewHour| {
            let figures = [hour.requests, hour.refused, hour.failed, hour.tokens, hour.valid, hour.invalid];
            std::iter::once(time(hour.hour)).chain(figures.map(|figure| figure.to_string())).collect()
        };
        let rows: Vec<Vec<String>> = activity.hours.into_iter().map(row).collect();
        output::print_table(&["HOUR", "REQUESTS", "REFUSED", "FAILED", "TOKENS", "VALID", "INVALID"], &rows)?;
        let row = |busy: overview::BusyCredential| {
            vec![busy.credential_id, busy.name.unwrap_or_default(), busy.requests.to_string(), busy.refused.to_string()]
        };
        let rows: Vec<Vec<String>> = activity.busiest.into_iter().map(row).collect();
        output::print_table(&["BUSIEST", "NAME", "REQUESTS", "REFUSED"], &rows)?;
    }
    if let Some(credentials) = found.credentials {
        for (heading, rows) in [("ENDS", credentials.ending), ("SECRET MADE", credentials.overdue)] {
            let row =
                |timed: overview::TimedCredential| vec![time(timed.at), timed.kind.to_owned(), timed.id, timed.name];
            let rows: Vec<Vec<String>> = rows.into_iter().map(row).collect();
            output::print_table(&[heading, "WHAT", "ID", "NAME"], &rows)?;
        }
    }
    Ok(())
}
