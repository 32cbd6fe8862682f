//! The command line (layer 4): clap, one file per command.

mod access_key;
mod alert;
mod audit;
mod client;
mod client_metadata;
mod client_print;
mod client_secrets;
mod config;
mod dev;
mod env_file;
mod explain;
mod list_args;
mod logout_delivery;
mod output;
mod overview;
mod profile_args;
mod project;
mod registration_token;
mod run_server;
mod scope;
mod secret_input;
mod seed;
mod serve;
mod service_account;
mod session;
mod signing_key;
mod usage;
mod user;
mod user_grants;
mod user_import;
mod workflow;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::Clock;
use crate::config::Config;
use crate::flows::Server;
use crate::flows::error::{Failure, FlowError};
use crate::flows::open::OpenError;

/// grantor: an OAuth 2.0 authorization server in one binary.
#[derive(Parser)]
#[command(version, about, propagate_version = true, max_term_width = 120)]
pub struct Cli {
    /// The configuration file; without it, the defaults. GRANTOR_... environment variables lie over either.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a server to try things with: loopback only, with demo users and clients.
    Dev(dev::Arguments),
    /// Start the server.
    Serve(serve::Arguments),
    /// Make or bring up to date the clients, users and scopes of a file; nothing is deleted.
    Seed(seed::Arguments),
    /// Check or show the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Register and manage clients.
    #[command(subcommand)]
    Client(Box<client::Command>),
    /// Create and manage users.
    #[command(subcommand)]
    User(user::Command),
    /// See where people are signed in, and end sessions.
    #[command(subcommand)]
    Session(session::Command),
    /// Create and manage workflows: tokens for front ends, by a public identifier.
    #[command(subcommand)]
    Workflow(workflow::Command),
    /// Create and manage access keys.
    #[command(subcommand)]
    AccessKey(access_key::Command),
    /// Create and manage service accounts, which own access keys that belong to no person.
    #[command(subcommand)]
    ServiceAccount(service_account::Command),
    /// Create and manage projects, which access keys can be limited to.
    #[command(subcommand)]
    Project(project::Command),
    /// Make and revoke the tokens by which clients register themselves.
    #[command(subcommand)]
    RegistrationToken(registration_token::Command),
    /// Define scopes.
    #[command(subcommand)]
    Scope(scope::Command),
    /// List, rotate, import and export signing keys.
    #[command(subcommand)]
    SigningKey(signing_key::Command),
    /// Why was this refused? The questions of the verdict on a credential, or what was refused in a request.
    Explain(explain::Explain),
    /// Show how the server fares: requests by hour, who asks most, what ends or is overdue.
    Overview,
    /// Read the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// See which clients were told of the ends of sessions.
    #[command(subcommand)]
    LogoutDelivery(logout_delivery::Command),
    /// See alerts and their deliveries, send one again, try a webhook.
    #[command(subcommand)]
    Alert(alert::Command),
}

/// Why a command did not do what it was asked.
pub struct CliError {
    /// 1: something failed; 2: wrong usage or configuration; 3: refused.
    code: u8,
    sentence: String,
    hint: Option<String>,
}

/// The answer of a command.
type CliResult = Result<(), CliError>;

impl CliError {
    fn failed(sentence: impl ToString) -> Self {
        Self { code: 1, sentence: sentence.to_string(), hint: None }
    }

    fn usage(sentence: impl ToString) -> Self {
        Self { code: 2, sentence: sentence.to_string(), hint: None }
    }

    fn hint(mut self, hint: impl ToString) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl From<FlowError> for CliError {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Denied(denial) => Self { code: 3, sentence: denial.public_text(), hint: None },
            FlowError::Failed(failure @ Failure::Store(_)) => {
                Self::failed(failure).hint("check database.url and that the database is up")
            }
            FlowError::Failed(failure) => Self::failed(failure),
        }
    }
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Setting(_) => Self::usage(error)
                .hint("`grantor config check` tries a configuration; `grantor config example` explains each setting"),
            OpenError::RootKey(_) => {
                Self::usage(error).hint("the root key belongs to the database: keep and restore both together")
            }
            OpenError::Failed(failure) => FlowError::Failed(failure).into(),
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}

/// Runs the command and says on standard error what went wrong, if anything.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Dev(_) if cli.config.is_some() => Err(CliError::usage("dev reads no configuration file")
            .hint("leave --config out; `grantor serve --config FILE` is for what you configure")),
        Command::Dev(arguments) => dev::run(&arguments, cli.json),
        Command::Serve(arguments) => load(cli.config.as_deref()).and_then(|config| serve::run(&arguments, config)),
        Command::Seed(arguments) => seed::run(&arguments, &Context { config: cli.config, json: cli.json }),
        Command::Config(command) => config::run(&command, cli.config.as_deref()),
        Command::Client(command) => client::run(*command, &Context { config: cli.config, json: cli.json }),
        Command::User(command) => user::run(command, &Context { config: cli.config, json: cli.json }),
        Command::Session(command) => session::run(command, &Context { config: cli.config, json: cli.json }),
        Command::Workflow(command) => workflow::run(command, &Context { config: cli.config, json: cli.json }),
        Command::AccessKey(command) => access_key::run(command, &Context { config: cli.config, json: cli.json }),
        Command::ServiceAccount(command) => {
            service_account::run(command, &Context { config: cli.config, json: cli.json })
        }
        Command::Project(command) => project::run(command, &Context { config: cli.config, json: cli.json }),
        Command::RegistrationToken(command) => {
            registration_token::run(command, &Context { config: cli.config, json: cli.json })
        }
        Command::Scope(command) => scope::run(command, &Context { config: cli.config, json: cli.json }),
        Command::SigningKey(command) => signing_key::run(command, &Context { config: cli.config, json: cli.json }),
        Command::LogoutDelivery(command) => {
            logout_delivery::run(command, &Context { config: cli.config, json: cli.json })
        }
        Command::Overview => overview::run(&Context { config: cli.config, json: cli.json }),
        Command::Alert(command) => alert::run(command, &Context { config: cli.config, json: cli.json }),
        Command::Explain(wanted) => explain::run(wanted, &Context { config: cli.config, json: cli.json }),
        Command::Audit(command) => audit::run(command, &Context { config: cli.config, json: cli.json }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error.sentence, error.hint.as_deref());
            ExitCode::from(error.code)
        }
    }
}

fn load(file: Option<&std::path::Path>) -> Result<Config, CliError> {
    Config::load(file).map_err(|error| {
        CliError::usage(error).hint("`grantor config example` prints every setting with its default and meaning")
    })
}

/// What the commands that work on the database share.
struct Context {
    config: Option<PathBuf>,
    json: bool,
}

impl Context {
    /// Opens the database as the server would; a running server sees every change at once.
    fn open(&self) -> Result<Server, CliError> {
        Ok(Server::open(load(self.config.as_deref())?, Clock::System, &output::progress)?)
    }
}
