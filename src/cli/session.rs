//! `grantor session`: where people are signed in.

use clap::Subcommand;

use crate::cli::{CliError, CliResult, Context, output};
use crate::domain::ids::UserId;
use crate::domain::login_session::{LoginSession, LoginSessionFilter};
use crate::domain::page::PageRequest;
use crate::flows::caller::Caller;
use crate::flows::{sessions, users};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// List the sessions that are live, the one that began last first.
    List {
        /// Only of this user: id or username.
        #[arg(long)]
        user: Option<String>,
        /// Behind this session: the cursor that a list gave.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = PageRequest::DEFAULT_LIMIT)]
        limit: i64,
    },
    /// End a session of a user, or all; clients are told, and what was granted without `offline_access` ends.
    End {
        /// Id or username.
        user: String,
        /// The `sid` of the session.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        sid: Option<String>,
        /// Every session of the user.
        #[arg(long)]
        all: bool,
    },
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::List { user, cursor, limit } => {
            let user_id: Option<UserId> =
                user.map(|user| users::show(&server, &caller, &user)).transpose()?.map(|user| user.id);
            let page = PageRequest::new(cursor, Some(limit));
            let page = sessions::list(&server, &caller, &LoginSessionFilter { user_id }, &page)?;
            if context.json {
                return output::print_json(&page);
            }
            let rows: Vec<_> = page.items.iter().map(row).collect();
            output::print_table(&["SID", "USER", "BEGAN", "LAST USED", "ENDS", "FROM", "BROWSER"], &rows)?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... older: --cursor {cursor}")))
        }
        Command::End { user, sid: Some(sid), .. } => {
            sessions::end(&server, &caller, &user, &sid)?;
            done(context, 1)
        }
        Command::End { user, all: true, .. } => {
            let ended = sessions::end_all(&server, &caller, &user)?;
            done(context, ended)
        }
        Command::End { .. } => Err(CliError::usage("name a session, or --all")),
    }
}

fn done(context: &Context, ended: usize) -> CliResult {
    if context.json {
        return output::print_json(&serde_json::json!({ "ended": ended }));
    }
    output::print(&format!("{ended} ended"))
}

fn row(session: &LoginSession) -> Vec<String> {
    let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    vec![
        session.sid.clone(),
        session.user_id.to_string(),
        time(session.created_at),
        time(session.last_used_at),
        time(session.expires_at),
        session.address.clone().unwrap_or_default(),
        session.user_agent.clone().unwrap_or_default(),
    ]
}
