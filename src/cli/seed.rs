//! `grantor seed`: make or bring up to date the clients, users and scopes of a file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::{CliError, CliResult, Context, output};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::seed::{self, Seed, SeedItem, SeedOutcome};

/// What to do.
#[derive(Args)]
pub struct Arguments {
    /// The file, TOML.
    file: PathBuf,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// Reads and applies a seed.
pub fn apply(server: &Server, caller: &Caller, file: &Path, dry_run: bool) -> Result<Vec<SeedItem>, CliError> {
    let seed = Seed::load(file).map_err(CliError::usage)?;
    seed::apply(server, caller, &seed, dry_run).map_err(|failed| {
        let mut error = CliError::from(failed.error);
        error.sentence = format!("{}: {}: {}", file.display(), failed.item, error.sentence);
        error
    })
}

const fn word(outcome: SeedOutcome) -> &'static str {
    match outcome {
        SeedOutcome::Created => "created",
        SeedOutcome::Updated => "updated",
        SeedOutcome::Unchanged => "unchanged",
    }
}

/// Says in the log what a start did.
pub fn log(items: &[SeedItem]) {
    for item in items.iter().filter(|item| item.outcome != SeedOutcome::Unchanged) {
        log::info!("seed: {} {} {}", item.kind, item.id, word(item.outcome));
    }
    log::info!("seed: {} things are as the file says", items.len());
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> CliResult {
    let server = context.open()?;
    let items = apply(&server, &Caller::command_line(), &arguments.file, arguments.dry_run)?;
    if context.json {
        return output::print_json(&json!({ "dry_run": arguments.dry_run, "items": items }));
    }
    let row = |item: &SeedItem| vec![item.kind.to_owned(), item.id.clone(), word(item.outcome).to_owned()];
    output::print_table(&["KIND", "NAME", "OUTCOME"], &items.iter().map(row).collect::<Vec<_>>())
}
