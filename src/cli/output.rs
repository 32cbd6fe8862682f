//! What commands print: JSON for programs, tables for people, progress and complaints on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::cli::{CliError, CliResult};

/// Prints lines. A reader that has gone away (`| head`) is not an error.
pub fn print(text: &str) -> CliResult {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
pub fn print_json(value: &impl Serialize) -> CliResult {
    print(&serde_json::to_string_pretty(value).map_err(CliError::failed)?)
}

/// Prints a table, its columns as wide as they need.
pub fn print_table(header: &[&str], rows: &[Vec<String>]) -> CliResult {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|name| name.len())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(header.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    print(&lines.join("\n"))
}

/// Prints names and values, one a line.
pub fn print_fields(fields: &[(&str, String)]) -> CliResult {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines =
        fields.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name:<width$}  {value}"));
    print(&lines.collect::<Vec<_>>().join("\n"))
}

/// Says on standard error how long work goes on.
pub fn progress(text: &str) {
    let _ = writeln!(io::stderr(), "grantor: {text}");
}

/// Says on standard error what went wrong and what to do.
pub fn complain(sentence: &str, hint: Option<&str>) {
    // Messages of libraries come with line breaks of their own; a sentence is one line.
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(io::stderr(), "error: {sentence}");
    if let Some(hint) = hint {
        let _ = writeln!(io::stderr(), "hint: {hint}");
    }
}

/// Lines between two lines of progress where nobody watches.
const QUIET_STEP: u64 = 10_000;

/// How far a long work has come, on standard error: a bar for people, now and then a line for a log.
pub struct Progress {
    what: &'static str,
    /// Octets in all, where they are known.
    size: Option<u64>,
    is_watched: bool,
    said: u64,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn start(what: &'static str, size: Option<u64>) -> Self {
        Self { what, size, is_watched: io::stderr().is_terminal(), said: 0 }
    }

    /// So many are done, and so many octets read.
    pub fn show(&mut self, done: u64, octets: u64) {
        let percent = self.size.filter(|size| *size > 0).map(|size| octets.saturating_mul(100) / size);
        if self.is_watched {
            let percent = percent.unwrap_or_default().min(100);
            let bar = "#".repeat(usize::try_from(percent / 4).unwrap_or_default());
            let _ = write!(io::stderr(), "\r[{bar:<25}] {percent:>3} %  {done} {}", self.what);
            self.said = done;
        } else if done >= self.said + QUIET_STEP {
            let percent = percent.map(|percent| format!(", {percent} %")).unwrap_or_default();
            progress(&format!("{done} {}{percent}", self.what));
            self.said = done;
        }
    }

    /// Leaves the bar.
    pub fn end(&self) {
        if self.is_watched && self.said > 0 {
            let _ = writeln!(io::stderr());
        }
    }
}
