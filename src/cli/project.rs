//! `grantor project`: create and manage projects.

use clap::Subcommand;

use crate::cli::{CliResult, Context, output};
use crate::domain::page::PageRequest;
use crate::domain::project::Project;
use crate::flows::caller::Caller;
use crate::flows::projects::{self, NewProject, ProjectEdit};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Create a project: access keys can be limited to it.
    Create {
        /// Chosen: 1 to 64 of the characters A-Z a-z 0-9 - . _ ~
        id: String,
        /// For people; the id where absent.
        #[arg(long)]
        name: Option<String>,
        /// For people.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List projects.
    List {
        /// Behind this id.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::MAX_LIMIT)]
        limit: i64,
    },
    /// Show a project.
    Show {
        /// Its id.
        id: String,
    },
    /// Change a project; what is not named stays.
    Edit {
        /// Its id.
        id: String,
        /// For people.
        #[arg(long)]
        name: Option<String>,
        /// For people.
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete a project that no access key is limited to.
    Delete {
        /// Its id.
        id: String,
    },
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::Create { id, name, description } => {
            show(&projects::create(&server, &caller, NewProject { id, name, description })?, context.json)
        }
        Command::List { cursor, limit } => {
            let page = projects::list(&server, &caller, &PageRequest::new(cursor, Some(limit)))?;
            if context.json {
                return output::print_json(&page);
            }
            let row = |project: &Project| vec![project.id.to_string(), project.name.clone()];
            let rows: Vec<_> = page.items.iter().map(row).collect();
            output::print_table(&["ID", "NAME"], &rows)?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
        }
        Command::Show { id } => show(&projects::show(&server, &caller, &id)?, context.json),
        Command::Edit { id, name, description } => {
            show(&projects::update(&server, &caller, &id, ProjectEdit { name, description })?, context.json)
        }
        Command::Delete { id } => {
            projects::delete(&server, &caller, &id)?;
            if context.json {
                output::print_json(&serde_json::json!({ "deleted": id }))
            } else {
                output::print(&format!("The project {id} is deleted."))
            }
        }
    }
}

fn show(project: &Project, json: bool) -> CliResult {
    if json {
        return output::print_json(project);
    }
    output::print_fields(&[
        ("id", project.id.to_string()),
        ("name", project.name.clone()),
        ("description", project.description.clone()),
        ("created_at", project.created_at.to_rfc3339()),
        ("updated_at", project.updated_at.to_rfc3339()),
    ])
}
