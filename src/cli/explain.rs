//! `grantor explain`: why a request was refused, or what the doors say of a credential.

use std::net::IpAddr;

use crate::cli::{CliError, CliResult, Context, output};
use crate::flows::caller::Caller;
use crate::flows::explain::{self, Explained, Hypothetical, Named};
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// What to explain.
#[derive(clap::Args)]
pub struct Explain {
    /// An access key's id, a client_id, what is shown of an access key, or with --request a request's identifier.
    id: String,
    /// Explain the request of this identifier (X-Request-Id).
    #[arg(long, conflicts_with_all = ["scope", "address", "project", "environment", "audience"])]
    request: bool,
    /// The scopes of the request that might be made.
    #[arg(long, default_value = "")]
    scope: String,
    /// Its address.
    #[arg(long)]
    address: Option<IpAddr>,
    /// Its project.
    #[arg(long)]
    project: Option<String>,
    /// The environment of the door.
    #[arg(long)]
    environment: Option<String>,
    /// The audience.
    #[arg(long)]
    audience: Option<String>,
}

/// Runs the command.
pub fn run(wanted: Explain, context: &Context) -> CliResult {
    let usage = |error: &dyn std::fmt::Display| CliError::usage(error.to_string());
    let asked = Hypothetical {
        environment: wanted.environment,
        address: wanted.address,
        audience: wanted.audience.map(|text| Resource::parse(&text)).transpose().map_err(|error| usage(&error))?,
        scope: Scope::parse(&wanted.scope).map_err(|error| usage(&error))?,
        project: wanted.project,
    };
    let (server, caller) = (context.open()?, Caller::command_line());
    let explained = if wanted.request {
        explain::explain_request(&server, &caller, &wanted.id)?
    } else {
        explain::explain(&server, &caller, Named::Id(wanted.id), &asked)?
    };
    if context.json { output::print_json(&explained) } else { print(&explained) }
}

fn print(explained: &Explained) -> CliResult {
    if explained.explanations.is_empty() && explained.refusals.is_empty() {
        return output::print(
            "no refusal of this request is kept: it is too old, was not refused, or was one of too many",
        );
    }
    for found in &explained.explanations {
        output::print(&format!(
            "{}: {}",
            found.credential_id.as_deref().unwrap_or("no such credential"),
            found.message
        ))?;
        let rows: Vec<Vec<String>> = found
            .steps
            .iter()
            .map(|step| {
                let facts: Vec<String> = step.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                vec![step.step.to_owned(), step.outcome.as_str().to_owned(), facts.join("; ")]
            })
            .collect();
        output::print_table(&["QUESTION", "ANSWER", "FACTS"], &rows)?;
    }
    let rows = explained.refusals.iter().map(|found| {
        let refusal = &found.refusal;
        let asked: Vec<String> = refusal.asked.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        vec![
            refusal.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            refusal.door.as_str().to_owned(),
            refusal.step.clone(),
            refusal.credential_id.clone().unwrap_or_default(),
            refusal.message.clone(),
            asked.join("; "),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    output::print_table(&["WHEN", "WHERE", "QUESTION", "CREDENTIAL", "MESSAGE", "ASKED"], &rows)
}
