//! Secrets that a command is given: from standard input or a file, never as an argument, which every process could see.

use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::cli::CliError;

/// Longest secret read, in bytes.
const MAX_SECRET: u64 = 4096;

/// The secret in this file, or on standard input where none is named; without its line end.
pub fn read(file: Option<&Path>) -> Result<Zeroizing<String>, CliError> {
    let mut text = Zeroizing::new(String::new());
    match file {
        Some(path) => {
            let opened = std::fs::File::open(path).map_err(|error| {
                CliError::failed(format!("{}: {error}", path.display())).hint("name a file that holds only the secret")
            })?;
            opened.take(MAX_SECRET).read_to_string(&mut text)?
        }
        None => std::io::stdin().take(MAX_SECRET).read_to_string(&mut text)?,
    };
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.to_owned()))
}
