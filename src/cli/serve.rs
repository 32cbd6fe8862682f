//! `grantor serve`: the production form.

use std::net::TcpListener;

use crate::cli::run_server::{run_until_stopped, start_log};
use crate::cli::{CliError, CliResult};
use crate::clock::Clock;
use crate::config::Config;
use crate::flows::Server;

/// Starts the server.
pub fn run(config: Config) -> CliResult {
    start_log(&config)?;
    let address = config.server.bind;
    let server = Server::open(config, Clock::System, &|text| log::info!("{text}"))?;
    let listener = TcpListener::bind(address)
        .map_err(|error| CliError::failed(format!("{address}: {error}")).hint("is another server listening there?"))?;
    let issuer = server.config.server.issuer.clone();
    run_until_stopped(server, listener, move || {
        log::info!("{issuer} is served on {address}");
        Ok(())
    })
}
