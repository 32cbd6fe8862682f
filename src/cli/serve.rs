//! `grantor serve`: the production form.

use std::net::TcpListener;
use std::path::PathBuf;

use clap::Args;

use crate::cli::run_server::{run_until_stopped, start_log};
use crate::cli::{CliError, CliResult, seed};
use crate::clock::Clock;
use crate::config::Config;
use crate::flows::Server;
use crate::flows::caller::Caller;

/// How to start.
#[derive(Args)]
pub struct Arguments {
    /// Make or bring up to date the clients, users and scopes of this file first; instead of that of seed.file.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
}

/// Starts the server.
pub fn run(arguments: &Arguments, config: Config) -> CliResult {
    start_log(&config)?;
    let address = config.server.bind;
    let server = Server::open(config, Clock::System, &|text| log::info!("{text}"))?;
    if let Some(file) = arguments.seed.as_deref().or(server.config.seed.file.as_deref()) {
        seed::log(&seed::apply(&server, &Caller::server(), file, false)?);
    }
    let listener = TcpListener::bind(address)
        .map_err(|error| CliError::failed(format!("{address}: {error}")).hint("is another server listening there?"))?;
    let issuer = server.config.server.issuer.clone();
    run_until_stopped(server, listener, move || {
        log::info!("{issuer} is served on {address}");
        Ok(())
    })
}
