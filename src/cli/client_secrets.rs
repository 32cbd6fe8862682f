//! Secrets of clients: where a new one goes, and what `grantor client secrets` prints.

use std::path::PathBuf;

use clap::Args;

use crate::cli::client_print::fields;
use crate::cli::env_file::EnvFile;
use crate::cli::{CliError, CliResult, output};
use crate::flows::clients::{ClientSecretInUse, ClientWithSecret};

/// Where a new secret goes.
#[derive(Args)]
pub struct File {
    /// Write the secret into this file of variables (0600) and do not show it.
    #[arg(long, value_name = "PATH")]
    env_file: Option<PathBuf>,
    /// The name of the variable there.
    #[arg(long, value_name = "NAME", requires = "env_file", default_value = "CLIENT_SECRET")]
    env_variable: String,
}

impl File {
    /// Is there a file?
    pub const fn is_named(&self) -> bool {
        self.env_file.is_some()
    }

    /// Opens it, before there is a secret that must be kept.
    pub fn open(&self) -> Result<Option<EnvFile>, CliError> {
        self.env_file.as_deref().map(|path| EnvFile::open(path, &self.env_variable)).transpose()
    }
}

/// A client with its new secret, shown this once, or written into the file.
pub fn show_made(made: &ClientWithSecret, file: Option<EnvFile>, json: bool) -> CliResult {
    let (client, mut fields) = (&made.client, fields(&made.client));
    match (&made.client_secret, file) {
        (Some(secret), Some(file)) => {
            let described = file.described();
            // The secret works already: who cannot keep it rotates it.
            let again = format!("`grantor client rotate-secret {}` makes another", client.client_id);
            file.write(secret).map_err(|error| error.hint(again))?;
            if json {
                return output::print_json(client);
            }
            fields.push(("client_secret", described));
        }
        _ if json => return output::print_json(made),
        (Some(secret), None) => fields.push(("client_secret", format!("{secret}   (shown this once)"))),
        (None, _) => {}
    }
    output::print_fields(&fields)
}

/// One line for each secret and address.
pub fn show(secrets: &[ClientSecretInUse]) -> CliResult {
    let mut rows = Vec::new();
    for secret in secrets {
        let end = secret.expires_at.map_or_else(|| "never".to_owned(), |end| end.to_rfc3339());
        let start = [format!("...{}", secret.last_four), secret.created_at.to_rfc3339(), end];
        let of = |rest: [String; 4]| start.iter().cloned().chain(rest).collect::<Vec<_>>();
        let workflows = secret.workflows.len().to_string();
        if secret.used_from.is_empty() {
            rows.push(of([workflows.clone(), String::new(), String::new(), String::new()]));
        }
        for used in &secret.used_from {
            rows.push(of([
                workflows.clone(),
                used.address.clone(),
                used.last_used_at.to_rfc3339(),
                used.uses.to_string(),
            ]));
        }
    }
    output::print_table(&["SECRET", "CREATED", "ENDS", "WORKFLOWS", "USED FROM", "LAST USED", "USES"], &rows)
}
