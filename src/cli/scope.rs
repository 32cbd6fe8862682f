//! `grantor scope`: define scopes.

use clap::Subcommand;

use crate::cli::{CliResult, Context, output};
use crate::domain::page::PageRequest;
use crate::domain::scope_definition::ScopeDefinition;
use crate::flows::caller::Caller;
use crate::flows::scopes::{self, NewScope};
use crate::protocol::resource::Resource;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Define a scope.
    Create {
        /// The scope token.
        name: String,
        /// What it allows, for the person asked to consent.
        #[arg(long)]
        description: String,
        /// The resource it is for: the default audience of tokens with it.
        #[arg(long, value_parser = |text: &str| Resource::parse(text).map_err(|error| error.to_string()))]
        resource: Option<Resource>,
        /// Grant it only to principals whose roles hold it.
        #[arg(long)]
        privileged: bool,
    },
    /// List scopes.
    List {
        /// Behind this name.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Remove a definition.
    Delete {
        /// The scope token.
        name: String,
    },
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::Create { name, description, resource, privileged } => {
            let scope = scopes::create(&server, &caller, NewScope { name, description, resource, privileged })?;
            if context.json { output::print_json(&scope) } else { table(&[scope]) }
        }
        Command::List { cursor } => {
            let page = scopes::list(&server, &caller, &PageRequest::new(cursor, Some(PageRequest::MAX_LIMIT)))?;
            if context.json {
                return output::print_json(&page);
            }
            table(&page.items)?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
        }
        Command::Delete { name } => {
            scopes::delete(&server, &caller, &name)?;
            if context.json {
                output::print_json(&serde_json::json!({ "deleted": name }))
            } else {
                output::print(&format!("The scope {name} is no longer defined."))
            }
        }
    }
}

fn table(scopes: &[ScopeDefinition]) -> CliResult {
    let row = |scope: &ScopeDefinition| {
        let resource = scope.resource.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![scope.name.clone(), scope.description.clone(), resource, scope.privileged.to_string()]
    };
    output::print_table(&["NAME", "DESCRIPTION", "RESOURCE", "PRIVILEGED"], &scopes.iter().map(row).collect::<Vec<_>>())
}
