//! `grantor access-key`: create and manage access keys.

mod expiry;
mod print;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use ipnet::IpNet;

use crate::cli::access_key::expiry::{Expiry, parse_expiry};
use crate::cli::access_key::print::{row, secrets, show, show_with_secret};
use crate::cli::env_file::EnvFile;
use crate::cli::{CliError, CliResult, Context, output, usage};
use crate::domain::access_key::Owner;
use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder, StandingFilter};
use crate::domain::client::Status;
use crate::domain::page::PageRequest;
use crate::domain::search::SearchText;
use crate::flows::access_keys::{self, AccessKeyEdit, NewAccessKey};
use crate::flows::caller::Caller;
use crate::flows::member::network;
use crate::flows::{Server, clients, service_accounts, users};
use crate::protocol::resource::Resource;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Create an access key. Its secret is shown this once, or written into a file.
    Create(Box<Create>),
    /// List access keys.
    List(List),
    /// Show an access key.
    Show {
        /// Its id, ak_...
        id: String,
    },
    /// Show how an access key is used, day by day.
    Usage(usage::Arguments),
    /// Show which secrets of an access key work now, and who uses them from where.
    Secrets {
        /// Its id, ak_...
        id: String,
    },
    /// Change an access key; what is not named stays. Environment and owner cannot be changed.
    Edit(Box<Edit>),
    /// Give an access key a new secret, shown this once or written into a file.
    Rotate {
        /// Its id, ak_...
        id: String,
        /// For how long the old secret goes on working, such as 7d; it ends at once where absent.
        #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
        grace: Duration,
        #[command(flatten)]
        file: File,
    },
    /// End the grace period of the old secret now.
    FinishRotation {
        /// Its id, ak_...
        id: String,
    },
    /// Refuse an access key for now.
    Disable {
        /// Its id, ak_...
        id: String,
    },
    /// Take a disabled access key back.
    Enable {
        /// Its id, ak_...
        id: String,
    },
    /// Refuse an access key for good.
    Revoke {
        /// Its id, ak_...
        id: String,
        /// Yes, for good.
        #[arg(long)]
        yes: bool,
    },
    /// Delete an access key for good; its name must be repeated.
    Delete {
        /// Its id, ak_...
        id: String,
        /// Its name, repeated.
        #[arg(long)]
        name: String,
    },
}

/// Where a new secret goes.
#[derive(Args)]
pub struct File {
    /// Write the secret into this file of variables (0600) and do not show it.
    #[arg(long, value_name = "PATH")]
    env_file: Option<PathBuf>,
    /// The name of the variable there; access_keys.env_variable where absent.
    #[arg(long, value_name = "NAME", requires = "env_file")]
    env_variable: Option<String>,
}

impl File {
    fn open(&self, server: &Server) -> Result<Option<EnvFile>, CliError> {
        let variable = self.env_variable.as_deref().unwrap_or(&server.config.access_keys.env_variable);
        self.env_file.as_deref().map(|path| EnvFile::open(path, variable)).transpose()
    }
}

/// A key to create.
#[derive(Args)]
pub struct Create {
    /// For people; deleting the key asks for it.
    #[arg(long)]
    name: String,
    /// For people.
    #[arg(long, default_value = "")]
    description: String,
    /// What it may do; repeat, or space-delimited.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// A project it is limited to; repeat for several, all where absent.
    #[arg(long = "project")]
    projects: Vec<String>,
    /// Where it works; the default environment where absent.
    #[arg(long)]
    environment: Option<String>,
    /// When it ends: 30d, 90d, 1y, never, or a day such as 2027-01-31 (at its start, UTC).
    #[arg(long, value_parser = parse_expiry, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// Its owner, a service account, by id or name. Without an owner it belongs to the platform itself.
    #[arg(long, group = "owner")]
    service_account: Option<String>,
    /// Its owner, a user, by id or username.
    #[arg(long, group = "owner")]
    user: Option<String>,
    /// Its owner, a client, by client_id.
    #[arg(long, group = "owner")]
    client: Option<String>,
    /// An audience that accepts it; repeat for several, the first of its environment where absent.
    #[arg(long = "resource", value_parser = |text: &str| Resource::parse(text).map_err(|error| error.to_string()))]
    resources: Vec<Resource>,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    file: File,
}

/// Limits and allow-list.
#[derive(Args)]
struct Limits {
    /// Its plan, as configured.
    #[arg(long)]
    plan: Option<String>,
    /// Requests within any 60 seconds.
    #[arg(long)]
    requests_per_minute: Option<u32>,
    /// Requests within any hour.
    #[arg(long)]
    requests_per_hour: Option<u32>,
    /// A network or address it may be used from; repeat for several.
    #[arg(long = "allowed-address", value_parser = network)]
    allowed_addresses: Vec<IpNet>,
}

/// Which keys to list.
#[derive(Args)]
pub struct List {
    /// Only of this owner, by id.
    #[arg(long)]
    owner: Option<String>,
    /// Only limited to this project, among others.
    #[arg(long)]
    project: Option<String>,
    /// Only of this environment.
    #[arg(long)]
    environment: Option<String>,
    /// Only in this status: active, inactive, revoked, expired, or expiring within 30 days.
    #[arg(long, value_parser = |text: &str| StandingFilter::parse(text).ok_or("not a status: active, inactive, revoked, expired or expiring"))]
    status: Option<StandingFilter>,
    /// Only with words in name, masked secret or id, or in the owner's name, that begin like these.
    #[arg(long)]
    search: Option<String>,
    /// In this order: created, name, expires or last_used; -name and so on for the other way around.
    #[arg(long, default_value = "created", allow_hyphen_values = true, value_parser = |text: &str| AccessKeyOrder::parse(text).ok_or("not an order: created, name, expires or last_used"))]
    sort: AccessKeyOrder,
    /// Only last used before this time (RFC 3339), or never.
    #[arg(long)]
    last_used_before: Option<DateTime<Utc>>,
    /// Behind this, as the list before it said; in the same order.
    #[arg(long)]
    cursor: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = PageRequest::MAX_LIMIT)]
    limit: i64,
}

/// An edit.
#[derive(Args)]
pub struct Edit {
    /// Its id, ak_...
    id: String,
    /// For people; deleting the key asks for it.
    #[arg(long)]
    name: Option<String>,
    /// For people.
    #[arg(long)]
    description: Option<String>,
    /// What it may do, all of it; repeat, or space-delimited.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// Take every scope away.
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// A project it is limited to; repeat for all of them.
    #[arg(long = "project")]
    projects: Vec<String>,
    /// Every project.
    #[arg(long, conflicts_with = "projects")]
    all_projects: bool,
    /// When it ends: 30d, 90d, 1y from now, never, or a day such as 2027-01-31 (at its start, UTC).
    #[arg(long, value_parser = parse_expiry, value_name = "WHEN")]
    expires: Option<Expiry>,
    #[command(flatten)]
    limits: Limits,
    /// Take its plan away.
    #[arg(long, conflicts_with = "plan")]
    no_plan: bool,
    /// Take its own limits away.
    #[arg(long, conflicts_with_all = ["requests_per_minute", "requests_per_hour"])]
    no_limits: bool,
    /// Every address.
    #[arg(long, conflicts_with = "allowed_addresses")]
    all_addresses: bool,
}

/// Each argument may hold several, space-delimited.
pub fn tokens(arguments: &[String]) -> Vec<String> {
    arguments.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
}

fn unless_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    let set = |id: &str, to| show(&access_keys::set_status(&server, &caller, id, to)?, context.json);
    match command {
        Command::Create(new) => create(&server, &caller, *new, context.json),
        Command::List(wanted) => list(&server, &caller, wanted, context.json),
        Command::Show { id } => show(&access_keys::show(&server, &caller, &id)?, context.json),
        Command::Usage(wanted) => usage::of_access_key(&server, &wanted, context),
        Command::Secrets { id } => secrets(&access_keys::secrets(&server, &caller, &id)?, context.json),
        Command::Edit(edit) => {
            let id = edit.id.clone();
            show(&access_keys::update(&server, &caller, &id, edit.into_edit(&server))?, context.json)
        }
        Command::Rotate { id, grace, file } => {
            let seconds = u32::try_from(grace.as_secs()).map_err(|_| CliError::usage("--grace is too long"))?;
            let file = file.open(&server)?;
            show_with_secret(access_keys::rotate(&server, &caller, &id, seconds)?, file, context.json)
        }
        Command::FinishRotation { id } => show(&access_keys::finish_rotation(&server, &caller, &id)?, context.json),
        Command::Disable { id } => set(&id, Status::Inactive),
        Command::Enable { id } => set(&id, Status::Active),
        Command::Revoke { yes: false, .. } => Err(CliError::usage("revoking an access key is for good")
            .hint("add --yes, or use `grantor access-key disable`")),
        Command::Revoke { id, .. } => set(&id, Status::Revoked),
        Command::Delete { id, name } => {
            access_keys::delete(&server, &caller, &id, &name)?;
            if context.json {
                output::print_json(&serde_json::json!({ "deleted": id }))
            } else {
                output::print(&format!("The access key {id} is deleted."))
            }
        }
    }
}

fn create(server: &Server, caller: &Caller, new: Create, json: bool) -> CliResult {
    let owner = match (new.service_account, new.user, new.client) {
        (Some(name), ..) => Some(Owner::ServiceAccount(service_accounts::show(server, caller, &name)?.id.0)),
        (_, Some(name), _) => Some(Owner::User(users::show(server, caller, &name)?.id.0)),
        (_, _, Some(id)) => Some(Owner::Client(clients::show(server, caller, &id)?.client_id.0)),
        (None, None, None) => None,
    };
    let file = new.file.open(server)?;
    let key = NewAccessKey {
        name: new.name,
        description: new.description,
        environment: new.environment,
        owner: Some(owner),
        scopes: tokens(&new.scopes),
        projects: new.projects,
        resources: unless_empty(new.resources),
        plan: new.limits.plan,
        requests_per_minute: new.limits.requests_per_minute,
        requests_per_hour: new.limits.requests_per_hour,
        allowed_addresses: unless_empty(new.limits.allowed_addresses),
        expires_at: new.expires.and_then(|expires| expires.end(server)),
        expires_in: None,
    };
    let definitions = server.scopes();
    let undefined: Vec<_> = key.scopes.iter().filter(|token| definitions.find(token).is_none()).cloned().collect();
    let made = access_keys::create(server, caller, key)?;
    if !undefined.is_empty() {
        // A warning only: a key may hold words that its API alone knows.
        output::progress(&format!(
            "warning: nobody has defined the scope {}: check for typing errors",
            undefined.join(" ")
        ));
    }
    show_with_secret(made, file, json)
}

impl Edit {
    fn into_edit(self, server: &Server) -> AccessKeyEdit {
        let limit = |set: Option<u32>| if self.no_limits { Some(None) } else { set.map(Some) };
        let limits = self.limits;
        AccessKeyEdit {
            requests_per_minute: limit(limits.requests_per_minute),
            requests_per_hour: limit(limits.requests_per_hour),
            name: self.name,
            description: self.description,
            scopes: (self.no_scopes || !self.scopes.is_empty()).then(|| tokens(&self.scopes)),
            projects: (self.all_projects || !self.projects.is_empty()).then_some(self.projects),
            plan: if self.no_plan { Some(None) } else { limits.plan.map(Some) },
            allowed_addresses: (self.all_addresses || !limits.allowed_addresses.is_empty())
                .then_some(limits.allowed_addresses),
            expires_at: self.expires.map(|expires| expires.end(server)),
            status: None,
        }
    }
}

fn list(server: &Server, caller: &Caller, wanted: List, json: bool) -> CliResult {
    let filter = AccessKeyFilter {
        owner_id: wanted.owner,
        project: wanted.project,
        environment: wanted.environment,
        standing: wanted.status,
        search: wanted.search.as_deref().and_then(SearchText::parse),
        last_used_before: wanted.last_used_before,
        ..AccessKeyFilter::default()
    };
    let request = PageRequest::new(wanted.cursor, Some(wanted.limit));
    let page = access_keys::list(server, caller, &filter, wanted.sort, &request)?;
    if json {
        return output::print_json(&page);
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let header = ["ID", "NAME", "KEY", "STATUS", "ENVIRONMENT", "OWNER", "EXPIRES", "LAST USED"];
    output::print_table(&header, &rows)?;
    page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
}
