//! `grantor service-account`: create and manage service accounts.

use clap::{Args, Subcommand};

use crate::cli::access_key::tokens;
use crate::cli::list_args::ListArgs;
use crate::cli::{CliError, CliResult, Context, output};
use crate::domain::client::Status;
use crate::domain::service_account::ServiceAccount;
use crate::flows::caller::Caller;
use crate::flows::service_accounts::{self, NewServiceAccount, ServiceAccountEdit};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Create a service account: it owns access keys that belong to no person.
    Create {
        /// Unique, for people.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        members: Members,
    },
    /// List service accounts.
    List(ListArgs),
    /// Show a service account.
    Show {
        /// Id or name.
        service_account: String,
    },
    /// Change a service account; what is not named stays. What it loses, its keys lose at once.
    Edit {
        /// Id or name.
        service_account: String,
        /// Another name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        members: Members,
        /// Take every scope away.
        #[arg(long, conflicts_with = "scopes")]
        no_scopes: bool,
        /// Take its plan away.
        #[arg(long, conflicts_with = "plan")]
        no_plan: bool,
    },
    /// Refuse a service account and its keys for now.
    Disable {
        /// Id or name.
        service_account: String,
    },
    /// Take a disabled service account back.
    Enable {
        /// Id or name.
        service_account: String,
    },
    /// Refuse a service account and its keys for good.
    Revoke {
        /// Id or name.
        service_account: String,
        /// Yes, for good.
        #[arg(long)]
        yes: bool,
    },
}

/// What both creating and editing take.
#[derive(Args)]
pub struct Members {
    /// For people.
    #[arg(long)]
    description: Option<String>,
    /// The most that its keys may hold; repeat, or space-delimited.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// The plan of its keys that have none of their own.
    #[arg(long)]
    plan: Option<String>,
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    let set = |name: &str, to| show(&service_accounts::set_status(&server, &caller, name, to)?, context.json);
    match command {
        Command::Create { name, members } => {
            let scopes = tokens(&members.scopes);
            let description = members.description.unwrap_or_default();
            let new = NewServiceAccount { name, description, scopes, plan: members.plan };
            show(&service_accounts::create(&server, &caller, new)?, context.json)
        }
        Command::List(wanted) => {
            let (filter, page) = wanted.read();
            let page = service_accounts::list(&server, &caller, &filter, &page)?;
            if context.json {
                return output::print_json(&page);
            }
            let rows: Vec<_> = page.items.iter().map(row).collect();
            output::print_table(&["ID", "NAME", "STATUS", "PLAN", "SCOPES"], &rows)?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
        }
        Command::Show { service_account } => {
            show(&service_accounts::show(&server, &caller, &service_account)?, context.json)
        }
        Command::Edit { service_account, name, members, no_scopes, no_plan } => {
            let edit = ServiceAccountEdit {
                name,
                description: members.description,
                scopes: (no_scopes || !members.scopes.is_empty()).then(|| tokens(&members.scopes)),
                plan: if no_plan { Some(None) } else { members.plan.map(Some) },
            };
            show(&service_accounts::update(&server, &caller, &service_account, edit)?, context.json)
        }
        Command::Disable { service_account } => set(&service_account, Status::Inactive),
        Command::Enable { service_account } => set(&service_account, Status::Active),
        Command::Revoke { yes: false, .. } => Err(CliError::usage("revoking a service account is for good")
            .hint("add --yes, or use `grantor service-account disable`")),
        Command::Revoke { service_account, .. } => set(&service_account, Status::Revoked),
    }
}

fn row(account: &ServiceAccount) -> Vec<String> {
    vec![
        account.id.to_string(),
        account.name.clone(),
        account.status.as_str().to_owned(),
        account.plan.clone().unwrap_or_default(),
        account.scope.to_string(),
    ]
}

fn show(account: &ServiceAccount, json: bool) -> CliResult {
    if json {
        return output::print_json(account);
    }
    output::print_fields(&[
        ("id", account.id.to_string()),
        ("name", account.name.clone()),
        ("description", account.description.clone()),
        ("scopes", account.scope.to_string()),
        ("plan", account.plan.clone().unwrap_or_default()),
        ("status", account.status.as_str().to_owned()),
        ("created_at", account.created_at.to_rfc3339()),
        ("updated_at", account.updated_at.to_rfc3339()),
    ])
}
