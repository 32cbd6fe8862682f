//! What commands print: JSON for programs, tables for people, progress and complaints on standard error.

use std::io::{self, Write as _};

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
