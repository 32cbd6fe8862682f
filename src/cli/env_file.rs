//! A secret written into a file of variables (`.env`): read by nobody else, and into no file but the one that is named.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::{CliError, CliResult};
use crate::crypto::random;

/// A file that is about to get a variable. It is opened before the secret is made: nothing is made that cannot be kept.
pub struct EnvFile {
    path: PathBuf,
    variable: String,
    /// What is there now.
    before: Zeroizing<String>,
    beside: PathBuf,
    written: File,
}

impl EnvFile {
    /// Checks the name and the file, and opens a new one beside it, 0600 from its first byte.
    pub fn open(path: &Path, variable: &str) -> Result<Self, CliError> {
        if !is_name(variable) {
            return Err(CliError::usage(format!("'{variable}' cannot be the name of a variable"))
                .hint("letters, digits and '_', not starting with a digit: --env-variable API_KEY"));
        }
        let said = |error: std::io::Error| CliError::failed(format!("{}: {error}", path.display()));
        let before = match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => {
                return Err(CliError::usage(format!("{} is a link, or no file", path.display()))
                    .hint("a secret is not written through links: name the file itself"));
            }
            Ok(_) => Zeroizing::new(fs::read_to_string(path).map_err(said)?),
            Err(error) if error.kind() == ErrorKind::NotFound => Zeroizing::default(),
            Err(error) => return Err(said(error)),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| CliError::usage(format!("{} names no file", path.display())))?;
        let unique = random::opaque_id().map_err(CliError::failed)?;
        let beside = path.with_file_name(format!(".{name}.{unique}"));
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(said)?;
        Ok(Self { path: path.to_owned(), variable: variable.to_owned(), before, beside, written })
    }

    /// Sets the variable, and leaves every other line as it was.
    pub fn write(mut self, secret: &str) -> CliResult {
        let content = with_variable(&self.before, &self.variable, secret);
        let done = self.written.write_all(content.as_bytes()).and_then(|()| self.written.sync_all());
        // In place of the name, whatever stands there by now: a link is replaced and not followed.
        let done = done.and_then(|()| fs::rename(&self.beside, &self.path));
        done.map_err(|error| CliError::failed(format!("{}: {error}", self.path.display())))
    }

    /// Where it is written, for people.
    pub fn described(&self) -> String {
        format!("written to {} as {}", self.path.display(), self.variable)
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        // Gone already where it was written.
        let _ = fs::remove_file(&self.beside);
    }
}

fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(word) && !text.starts_with(|first: char| first.is_ascii_digit())
}

/// Does this line set the variable? With or without `export`, as shells and dotenv libraries read it.
fn sets(line: &str, variable: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    line.strip_prefix(variable).is_some_and(|rest| rest.trim_start().starts_with('='))
}

fn with_variable(before: &str, variable: &str, secret: &str) -> Zeroizing<String> {
    let mut after = Zeroizing::new(String::with_capacity(before.len() + variable.len() + secret.len() + 16));
    let mut done = false;
    for line in before.lines() {
        if !sets(line, variable) {
            after.push_str(line);
            after.push('\n');
        } else if !done {
            let export = if line.trim_start().starts_with("export ") { "export " } else { "" };
            for part in [export, variable, "=", secret, "\n"] {
                after.push_str(part);
            }
            done = true;
        }
    }
    if !done {
        for part in [variable, "=", secret, "\n"] {
            after.push_str(part);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_replaced_and_the_others_stay() {
        assert_eq!(with_variable("", "API_KEY", "s").as_str(), "API_KEY=s\n");
        assert_eq!(with_variable("A=1\nB=2", "API_KEY", "s").as_str(), "A=1\nB=2\nAPI_KEY=s\n");
        let before = "# API_KEY=no\nexport API_KEY = 'old'\nAPI_KEY_2=x\n\nAPI_KEY=older\nB=API_KEY=\n";
        let after = "# API_KEY=no\nexport API_KEY=s\nAPI_KEY_2=x\n\nB=API_KEY=\n";
        assert_eq!(with_variable(before, "API_KEY", "s").as_str(), after);
    }

    #[test]
    fn names_are_those_of_shells() {
        assert!(is_name("API_KEY") && is_name("_k2"));
        assert!(!is_name("") && !is_name("2K") && !is_name("A-B") && !is_name("A=B") && !is_name("A\nB"));
    }
}
