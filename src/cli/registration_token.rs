//! `grantor registration-token`: the initial access tokens of dynamic client registration.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Subcommand;

use crate::cli::{CliResult, Context, output};
use crate::domain::page::PageRequest;
use crate::domain::registration::RegistrationToken;
use crate::flows::caller::Caller;
use crate::flows::registration_tokens::{self, NewRegistrationToken};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Make a token that lets who has it register clients; shown this once.
    Create {
        /// For people.
        #[arg(long, default_value = "")]
        description: String,
        /// How many clients it may register; any number where absent.
        #[arg(long)]
        max_uses: Option<u32>,
        /// For how long it works, such as 7d; until it is revoked where absent.
        #[arg(long, value_parser = humantime::parse_duration)]
        lifetime: Option<Duration>,
    },
    /// List the tokens.
    List {
        /// Behind this id.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::MAX_LIMIT)]
        limit: i64,
    },
    /// Revoke a token; clients that it registered stay.
    Revoke {
        /// Its id.
        id: String,
    },
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::Create { description, max_uses, lifetime } => {
            let lifetime = lifetime.map(|lifetime| lifetime.as_secs());
            let new = NewRegistrationToken { description, max_uses, lifetime };
            let made = registration_tokens::create(&server, &caller, new)?;
            if context.json {
                return output::print_json(&made);
            }
            output::print_fields(&[
                ("id", made.registration_token.id.to_string()),
                ("token", format!("{}   (shown this once)", made.token)),
            ])
        }
        Command::List { cursor, limit } => {
            let page = registration_tokens::list(&server, &caller, &PageRequest::new(cursor, Some(limit)))?;
            if context.json {
                return output::print_json(&page);
            }
            let rows: Vec<_> = page.items.iter().map(row).collect();
            output::print_table(&["ID", "DESCRIPTION", "USES", "EXPIRES", "REVOKED"], &rows)?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
        }
        Command::Revoke { id } => {
            registration_tokens::revoke(&server, &caller, &id)?;
            output::print(&if context.json { "{}".to_owned() } else { format!("{id} is revoked") })
        }
    }
}

fn row(token: &RegistrationToken) -> Vec<String> {
    let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339()).unwrap_or_default();
    let most = token.max_uses.map(|most| format!(" of {most}")).unwrap_or_default();
    vec![
        token.id.to_string(),
        token.description.clone(),
        format!("{}{most}", token.uses),
        time(token.expires_at),
        time(token.revoked_at),
    ]
}
