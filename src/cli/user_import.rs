//! `grantor user import`: the users of another system, one JSON object a line, with the hashes of their passwords.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::output::Progress;
use crate::cli::{CliError, CliResult, Context, output};
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::user_import::{BATCH, ImportCounts, ImportFailure, ImportOptions, UserRecord, import};

/// Longest line, in bytes.
const MAX_LINE: u64 = 64 * 1024;
/// Failures that are shown at most; the errors file has all.
const MAX_SHOWN: usize = 20;

/// What to do.
#[derive(Args)]
pub struct Arguments {
    /// The file, JSON lines; - for standard input.
    file: PathBuf,
    /// Go on behind a line that cannot be taken over.
    #[arg(long)]
    continue_on_error: bool,
    /// Write the lines that could not be taken over into this file, with the reasons.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Leave accounts alone that are there already, whatever they hold.
    #[arg(long)]
    keep_existing: bool,
    /// Check everything and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The lines of the file.
struct Lines {
    reader: Box<dyn BufRead>,
    number: u64,
    octets: u64,
}

impl Lines {
    /// The next line that is not empty, with its number; None at the end.
    fn next(&mut self) -> std::io::Result<Option<(u64, Result<UserRecord, String>)>> {
        loop {
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.octets += u64::try_from(read).unwrap_or_default();
            if !line.ends_with(b"\n") && u64::try_from(read).is_ok_and(|read| read == MAX_LINE) {
                return Ok(Some((self.number, Err(self.skip_rest()?))));
            }
            // A mark of byte order at the start of a file is none of its text.
            let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.number == 1).unwrap_or(&line);
            if !text.trim_ascii().is_empty() {
                return Ok(Some((self.number, parse(text))));
            }
        }
    }

    fn skip_rest(&mut self) -> std::io::Result<String> {
        loop {
            let mut rest = Vec::new();
            let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut rest)?;
            self.octets += u64::try_from(read).unwrap_or_default();
            if read == 0 || rest.ends_with(b"\n") {
                return Ok("the line has more than 64 KiB".to_owned());
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<UserRecord, String> {
    let said = serde_json::from_slice::<Map<String, Value>>(line);
    UserRecord::read(said.map_err(|error| format!("not a JSON object: column {}", error.column()))?)
}

/// What goes on during an import.
struct Import<'a> {
    server: &'a Server,
    arguments: &'a Arguments,
    counts: ImportCounts,
    failures: Vec<ImportFailure>,
    new_failures: Vec<ImportFailure>,
    errors: Option<File>,
}

impl Import<'_> {
    fn take_over(&mut self, batch: Vec<(u64, UserRecord)>) -> CliResult {
        let Arguments { keep_existing, dry_run, .. } = *self.arguments;
        let options = ImportOptions { keep_existing, dry_run };
        let done = import(self.server, &Caller::command_line(), batch, options, &mut self.new_failures)?;
        self.counts.created += done.created;
        self.counts.updated += done.updated;
        self.counts.skipped += done.skipped;
        self.note_failures()
    }

    /// Writes new failures down. Of a flood of them only some are kept in memory.
    fn note_failures(&mut self) -> CliResult {
        for failure in self.new_failures.drain(..) {
            self.counts.failed += 1;
            if let Some(file) = &mut self.errors {
                writeln!(file, "{}", json!(failure))?;
            }
            if self.failures.len() < MAX_SHOWN {
                self.failures.push(failure);
            }
        }
        Ok(())
    }

    fn may_go_on(&self) -> bool {
        self.counts.failed == 0 || self.arguments.continue_on_error
    }
}

fn open(arguments: &Arguments) -> Result<(Lines, Option<u64>), CliError> {
    if arguments.file.as_os_str() == "-" {
        let reader = Box::new(BufReader::new(std::io::stdin()));
        return Ok((Lines { reader, number: 0, octets: 0 }, None));
    }
    let failed = |error| CliError::failed(format!("{}: {error}", arguments.file.display()));
    let file = File::open(&arguments.file).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    Ok((Lines { reader: Box::new(BufReader::new(file)), number: 0, octets: 0 }, Some(size)))
}

/// Runs the command.
pub fn run(arguments: &Arguments, context: &Context) -> CliResult {
    let server = context.open()?;
    let (mut lines, size) = open(arguments)?;
    let errors = arguments.errors.as_ref().map(File::create).transpose()?;
    let mut import = Import {
        server: &server,
        arguments,
        counts: ImportCounts::default(),
        failures: Vec::new(),
        new_failures: Vec::new(),
        errors,
    };
    let mut progress = Progress::start("users", size);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let next = lines.next()?;
        let ended = next.is_none();
        let mut is_bad = false;
        match next {
            Some((line, Ok(record))) => batch.push((line, record)),
            Some((line, Err(error))) => {
                is_bad = true;
                import.new_failures.push(ImportFailure { line, error });
            }
            None => {}
        }
        // What stands before a bad line is taken over all the same.
        if batch.len() == BATCH || ended || (is_bad && !arguments.continue_on_error) {
            import.take_over(std::mem::take(&mut batch))?;
            progress.show(lines.number, lines.octets);
        }
        if ended || !import.may_go_on() {
            break;
        }
    }
    progress.end();
    report(&import, context.json)
}

fn report(import: &Import<'_>, json: bool) -> CliResult {
    let counts = &import.counts;
    if json {
        output::print_json(&json!({ "counts": counts, "failures": import.failures }))?;
    } else {
        output::print(&format!(
            "{} created, {} updated, {} skipped, {} failed",
            counts.created, counts.updated, counts.skipped, counts.failed
        ))?;
    }
    let Some(first) = import.failures.first() else { return Ok(()) };
    for failure in import.failures.iter().skip(1) {
        output::progress(&format!("line {}: {}", failure.line, failure.error));
    }
    let error = CliError::failed(format!("line {}: {}", first.line, first.error));
    Err(if import.arguments.continue_on_error {
        error
    } else {
        error.hint(
            "mend the line and run the import again: what is there already is skipped; or add --continue-on-error",
        )
    })
}
