//! How a client is to authenticate, as said on the command line.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::CliError;
use crate::flows::clients::ClientMembers;
use crate::protocol::client_auth_method::ClientAuthMethod;

/// The method and the keys of a new client.
#[derive(Args)]
pub struct Authentication {
    /// How it authenticates: client_secret_basic, client_secret_post, client_secret_jwt or private_key_jwt.
    #[arg(long, conflicts_with = "public", value_parser = |text: &str| ClientAuthMethod::parse(text).ok_or("not a method: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none"))]
    auth_method: Option<ClientAuthMethod>,
    /// A file with its public keys, a JWK Set, for private_key_jwt.
    #[arg(long, conflicts_with = "jwks_uri")]
    jwks_file: Option<PathBuf>,
    /// Where it publishes its public keys, for private_key_jwt.
    #[arg(long)]
    jwks_uri: Option<String>,
    /// The one algorithm that it signs its assertions with.
    #[arg(long)]
    auth_signing_alg: Option<String>,
}

impl Authentication {
    /// Is it said that the client has no secret?
    pub fn is_without_secret(&self) -> bool {
        self.auth_method.is_some_and(|method| !method.has_secret())
    }

    /// Lays what was said over a registration.
    pub fn apply(self, members: &mut ClientMembers) -> Result<(), CliError> {
        members.token_endpoint_auth_method = members.token_endpoint_auth_method.or(self.auth_method);
        members.jwks = self.jwks_file.as_deref().map(read).transpose()?.map(Some);
        members.jwks_uri = self.jwks_uri.map(Some);
        members.token_endpoint_auth_signing_alg = self.auth_signing_alg.map(Some);
        Ok(())
    }
}

fn read(file: &Path) -> Result<serde_json::Value, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::failed(format!("{}: {error}", file.display())).hint("name a file with a JWK Set"))?;
    serde_json::from_str(&text).map_err(|error| CliError::usage(format!("{}: {error}", file.display())))
}
