//! `grantor signing-key`: list, rotate, import and export signing keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::{CliError, CliResult, Context, output};
use crate::domain::signing_key::SigningKey;
use crate::flows::caller::Caller;
use crate::flows::signing_keys::{self, RotationMode};
use crate::protocol::jwk::JwkSet;
use crate::protocol::signing_alg::SigningAlg;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List the keys, newest first.
    List,
    /// Make a new key. It is published now and signs once every cache has it.
    Rotate {
        /// The algorithm whose key is replaced: RS256, PS256, ES256 or EdDSA.
        #[arg(long, default_value = "RS256")]
        alg: SigningAlg,
        #[command(flatten)]
        when: When,
    },
    /// Bring in a private key (PEM: RSA, P-256 or Ed25519) from elsewhere.
    Import {
        /// The PEM file; - for standard input.
        file: PathBuf,
        /// The algorithm to sign with, where the key fits more than one: an RSA key is for RS256 or PS256.
        #[arg(long)]
        alg: Option<SigningAlg>,
        #[command(flatten)]
        when: When,
    },
    /// Print the public keys as a JWK Set.
    ExportPublic,
}

/// When the new key takes over.
#[derive(Args)]
#[group(multiple = false)]
pub struct When {
    /// Sign with it now; the old key stays published until its last token has expired.
    #[arg(long)]
    at_once: bool,
    /// The old key is known to others: sign with the new one now and refuse everything the old keys of
    /// its algorithm signed. Each algorithm has keys of its own: replace those of each that may be known.
    #[arg(long)]
    compromised: bool,
}

impl When {
    fn mode(&self) -> RotationMode {
        match (self.at_once, self.compromised) {
            (_, true) => RotationMode::Compromised,
            (true, _) => RotationMode::AtOnce,
            _ => RotationMode::Scheduled,
        }
    }
}

fn read(file: &std::path::Path) -> Result<Zeroizing<String>, CliError> {
    let text =
        if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    text.map(Zeroizing::new).map_err(|error| CliError::failed(format!("{}: {error}", file.display())))
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::List => {
            let keys = signing_keys::list(&server, &caller)?;
            if context.json {
                let items: Vec<_> = keys.iter().map(|(key, state)| json!({ "state": state, "key": key })).collect();
                return output::print_json(&json!({ "items": items }));
            }
            let end =
                |time: Option<chrono::DateTime<chrono::Utc>>| time.map(|time| time.to_rfc3339()).unwrap_or_default();
            let rows: Vec<_> = keys
                .iter()
                .map(|(key, state)| {
                    vec![
                        key.kid.clone(),
                        key.alg.as_str().to_owned(),
                        format!("{state:?}").to_lowercase(),
                        key.bits.to_string(),
                        key.active_from.to_rfc3339(),
                        end(key.retired_at),
                        end(key.expires_at),
                    ]
                })
                .collect();
            output::print_table(&["KID", "ALG", "STATE", "BITS", "SIGNS FROM", "SIGNS UNTIL", "PUBLISHED UNTIL"], &rows)
        }
        Command::Rotate { alg, when } => show(&signing_keys::rotate(&server, &caller, when.mode(), alg)?, context.json),
        Command::Import { file, alg, when } => {
            show(&signing_keys::import(&server, &caller, when.mode(), &read(&file)?, alg)?, context.json)
        }
        Command::ExportPublic => {
            let keys = signing_keys::list(&server, &caller)?;
            let now = server.clock.now();
            let published = keys.into_iter().map(|(key, _)| key).filter(|key| key.is_published(now));
            output::print_json(&JwkSet { keys: published.map(|key| key.public_jwk).collect() })
        }
    }
}

fn show(key: &SigningKey, json: bool) -> CliResult {
    if json {
        return output::print_json(key);
    }
    output::print(&format!(
        "Key {} ({}, {} bits) is published and signs from {}.",
        key.kid,
        key.alg.as_str(),
        key.bits,
        key.active_from.to_rfc3339()
    ))
}
