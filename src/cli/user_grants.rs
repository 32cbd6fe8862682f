//! `grantor user`: what acts as a user, listed and ended one by one.

use clap::Subcommand;

use crate::cli::{CliError, CliResult, Context, output};
use crate::domain::page::PageRequest;
use crate::flows::account::personal_tokens::PersonalTokenInUse;
use crate::flows::caller::Caller;
use crate::flows::user_grants::{self, ConnectedApp};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List the clients that a user has let in, the one that was used last first.
    ConnectedClients {
        /// Id or username.
        user: String,
        /// Behind this one: the cursor that a list gave.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT)]
        limit: i64,
    },
    /// Revoke what a user granted a client, and forget the consent.
    Disconnect {
        /// Id or username.
        user: String,
        /// The client_id.
        client_id: String,
    },
    /// List the personal tokens of a user that are of use, the newest first.
    PersonalTokens {
        /// Id or username.
        user: String,
        /// Behind this id.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT)]
        limit: i64,
    },
    /// Revoke a personal token of a user.
    RevokePersonalToken {
        /// Id or username.
        user: String,
        /// Its id, pt_...
        id: String,
    },
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::ConnectedClients { user, cursor, limit } => {
            let page = PageRequest::new(cursor, Some(limit));
            let found = user_grants::list_apps(&server, &caller, &user, &page)?;
            if context.json {
                return output::print_json(&found);
            }
            let rows: Vec<_> = found.items.iter().map(app_row).collect();
            output::print_table(&["CLIENT_ID", "NAME", "SINCE", "LAST USED", "SCOPE"], &rows)?;
            more(found.next_cursor.as_deref())
        }
        Command::Disconnect { user, client_id } => {
            user_grants::disconnect(&server, &caller, &user, &client_id)?;
            done(context, &client_id, "The client has no access any more.")
        }
        Command::PersonalTokens { user, cursor, limit } => {
            let page = PageRequest::new(cursor, Some(limit));
            let found = user_grants::list_tokens(&server, &caller, &user, &page)?;
            if context.json {
                return output::print_json(&found);
            }
            let rows: Vec<_> = found.items.iter().map(token_row).collect();
            output::print_table(&["ID", "NAME", "CREATED", "EXPIRES", "LAST USED", "SCOPE"], &rows)?;
            more(found.next_cursor.as_deref())
        }
        Command::RevokePersonalToken { user, id } => {
            user_grants::revoke_token(&server, &caller, &user, &id)?;
            done(context, &id, "The personal token is revoked.")
        }
    }
}

fn more(cursor: Option<&str>) -> Result<(), CliError> {
    cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
}

fn done(context: &Context, id: &str, text: &str) -> CliResult {
    if context.json { output::print_json(&serde_json::json!({ "ended": id })) } else { output::print(text) }
}

fn time(time: chrono::DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn app_row(app: &ConnectedApp) -> Vec<String> {
    vec![
        app.client_id.to_string(),
        app.client_name.clone(),
        time(app.since),
        app.last_used_at.map(time).unwrap_or_default(),
        app.scope.clone(),
    ]
}

fn token_row(in_use: &PersonalTokenInUse) -> Vec<String> {
    let token = &in_use.token;
    vec![
        token.id.to_string(),
        token.name.clone(),
        time(token.created_at),
        time(token.expires_at),
        in_use.last_used_at.map(time).unwrap_or_default(),
        token.scope.to_string(),
    ]
}
