//! `grantor workflow`: create and manage workflows.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::list_args::ListArgs;
use crate::cli::{CliError, CliResult, Context, output, secret_input};
use crate::domain::client::Status;
use crate::flows::caller::Caller;
use crate::flows::workflows::{self, EnteredSecret, NewWorkflow, ShownWorkflow, WorkflowEdit};
use crate::protocol::origin::Origin;
use crate::protocol::resource::Resource;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Create a workflow. The client's secret is read from standard input, and not kept.
    Create {
        /// The client it belongs to.
        #[arg(long = "client")]
        client_id: String,
        #[command(flatten)]
        entered: Entered,
        #[command(flatten)]
        members: Members,
    },
    /// List workflows.
    List {
        /// Only those of this client.
        #[arg(long = "client")]
        client_id: Option<String>,
        #[command(flatten)]
        common: ListArgs,
    },
    /// Show a workflow.
    Show {
        /// Its id.
        id: String,
    },
    /// Change a workflow; what is not named stays.
    Edit {
        /// Its id.
        id: String,
        #[command(flatten)]
        entered: Entered,
        #[command(flatten)]
        members: Members,
    },
    /// Enter the client's secret anew, from standard input. Earlier tokens end.
    Authorize {
        /// Its id.
        id: String,
        #[command(flatten)]
        entered: Entered,
    },
    /// End its tokens now; it gives none until the client's secret is entered again.
    Invalidate {
        /// Its id.
        id: String,
    },
    /// Refuse a workflow for now.
    Disable {
        /// Its id.
        id: String,
    },
    /// Take a disabled workflow back.
    Enable {
        /// Its id.
        id: String,
    },
    /// Refuse a workflow for good.
    Revoke {
        /// Its id.
        id: String,
        /// Yes, for good.
        #[arg(long)]
        yes: bool,
    },
}

/// Where the client's secret comes from.
#[derive(Args)]
pub struct Entered {
    /// Read the client's secret from this file instead of standard input.
    #[arg(long)]
    client_secret_file: Option<PathBuf>,
}

impl Entered {
    fn read(&self) -> Result<EnteredSecret, CliError> {
        secret_input::read(self.client_secret_file.as_deref().map(Path::new)).map(EnteredSecret)
    }
}

/// The members of a workflow.
#[derive(Args)]
pub struct Members {
    /// For people.
    #[arg(long)]
    name: Option<String>,
    /// A scope its tokens hold, all of them; repeat for several.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// An audience of its tokens; repeat for several.
    #[arg(long = "resource", value_parser = |text: &str| Resource::parse(text).map_err(|error| error.to_string()))]
    resources: Vec<Resource>,
    /// A browser origin that may use it; repeat for several.
    #[arg(long = "allowed-origin", value_parser = |text: &str| Origin::parse(text).map_err(|error| error.to_string()))]
    allowed_origins: Vec<Origin>,
    /// For no browser: only for requests without an Origin.
    #[arg(long, conflicts_with = "allowed_origins")]
    no_origins: bool,
    /// Lifetime of its tokens, in seconds.
    #[arg(long)]
    access_token_lifetime: Option<u32>,
}

fn unless_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    let done = match command {
        Command::Create { client_id, entered, members } => {
            let name = members.name.ok_or_else(|| CliError::usage("a workflow needs a name").hint("add --name"))?;
            let new = NewWorkflow {
                client_id,
                client_secret: entered.read()?,
                name,
                scopes: members.scopes,
                resources: unless_empty(members.resources),
                allowed_origins: members.allowed_origins,
                access_token_lifetime: members.access_token_lifetime,
            };
            workflows::create(&server, &caller, new)
        }
        Command::List { client_id, common } => {
            let (filter, page) = common.read();
            let page = workflows::list(&server, &caller, client_id.as_deref(), &filter, &page)?;
            if context.json {
                return output::print_json(&page);
            }
            let rows: Vec<_> = page.items.iter().map(row).collect();
            output::print_table(&["ID", "NAME", "CLIENT_ID", "STATE", "SCOPES"], &rows)?;
            return page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")));
        }
        Command::Show { id } => workflows::show(&server, &caller, &id),
        Command::Edit { id, entered, members } => {
            let origins = unless_empty(members.allowed_origins);
            let edit = WorkflowEdit {
                name: members.name,
                scopes: unless_empty(members.scopes),
                resources: unless_empty(members.resources),
                allowed_origins: if members.no_origins { Some(Vec::new()) } else { origins },
                access_token_lifetime: members.access_token_lifetime,
                // Only widening needs it, so nothing waits for standard input here.
                client_secret: entered.client_secret_file.is_some().then(|| entered.read()).transpose()?,
            };
            workflows::update(&server, &caller, &id, edit)
        }
        Command::Authorize { id, entered } => workflows::authorize(&server, &caller, &id, &entered.read()?),
        Command::Invalidate { id } => workflows::invalidate(&server, &caller, &id),
        Command::Disable { id } => workflows::set_status(&server, &caller, &id, Status::Inactive),
        Command::Enable { id } => workflows::set_status(&server, &caller, &id, Status::Active),
        Command::Revoke { yes: false, .. } => {
            return Err(
                CliError::usage("revoking a workflow is for good").hint("add --yes, or use `grantor workflow disable`")
            );
        }
        Command::Revoke { id, .. } => workflows::set_status(&server, &caller, &id, Status::Revoked),
    };
    show(&done?, context.json)
}

fn row(shown: &ShownWorkflow) -> Vec<String> {
    let workflow = &shown.workflow;
    vec![
        workflow.id.to_string(),
        workflow.name.clone(),
        workflow.client_id.to_string(),
        shown.state.as_str().to_owned(),
        workflow.scope.to_string(),
    ]
}

fn show(shown: &ShownWorkflow, json: bool) -> CliResult {
    if json {
        return output::print_json(shown);
    }
    let workflow = &shown.workflow;
    let words = |items: Vec<&str>| items.join(" ");
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| time.map(|time| time.to_rfc3339()).unwrap_or_default();
    output::print_fields(&[
        ("id", workflow.id.to_string()),
        ("name", workflow.name.clone()),
        ("client_id", workflow.client_id.to_string()),
        ("state", shown.state.as_str().to_owned()),
        ("status", workflow.status.as_str().to_owned()),
        ("scopes", workflow.scope.to_string()),
        ("resources", words(workflow.resources.iter().map(Resource::as_str).collect())),
        ("allowed_origins", words(workflow.allowed_origins.iter().map(Origin::as_str).collect())),
        ("access_token_lifetime", format!("{} s", workflow.access_token_lifetime)),
        ("authorized_at", time(workflow.authorized_at)),
        ("authorized_until", time(shown.authorized_until)),
        ("created_at", workflow.created_at.to_rfc3339()),
        ("updated_at", workflow.updated_at.to_rfc3339()),
    ])
}
