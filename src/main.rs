//! Parses the command line and runs one command.

use std::process::ExitCode;

use clap::Parser as _;
use grantor::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse())
}
