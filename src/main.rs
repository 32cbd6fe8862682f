//! Parses the command line and runs one command.

use std::process::ExitCode;

use clap::Parser as _;
use grantor::cli::{Cli, run};

/// Many threads allocate small things here; the system's allocator kept three times the memory and took a tenth of the CPU.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse())
}
