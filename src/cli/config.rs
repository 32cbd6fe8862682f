//! `grantor config`: try a configuration without starting, or see every setting.

use std::path::Path;

use clap::Subcommand;

use crate::cli::{CliError, CliResult, load, output};
use crate::config::ANNOTATED;
use crate::flows::alerts::AlertEndpoints;
use crate::http::tls::Tls;
use crate::store::DatabaseUrl;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Read file and environment and check every setting, without touching the database.
    Check,
    /// Print the annotated file with every setting and its default.
    Example,
}

/// Runs the command.
pub fn run(command: &Command, file: Option<&Path>) -> CliResult {
    match command {
        Command::Example => output::print(ANNOTATED.trim_end()),
        Command::Check => {
            let config = load(file)?;
            let url = DatabaseUrl::parse(&config.database.url).map_err(CliError::usage)?;
            Tls::load(&config.server).map_err(CliError::usage)?;
            AlertEndpoints::open(&config).map_err(CliError::usage)?;
            output::print(&format!(
                "The configuration is valid: {} on {}, database {url}.",
                config.server.issuer, config.server.bind
            ))
        }
    }
}
