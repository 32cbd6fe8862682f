//! `grantor user`: create and manage users.

use clap::Subcommand;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::list_args::ListArgs;
use crate::cli::profile_args::ProfileArgs;
use crate::cli::{CliError, CliResult, Context, output, secret_input, user_grants, user_import};
use crate::crypto::secret::SecretKind;
use crate::domain::user::User;
use crate::flows::caller::Caller;
use crate::flows::users::{self, NewPassword, NewUser, UserEdit};
use crate::protocol::strict_json;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Create a user. Without --password-stdin a password is generated and shown this once.
    Create {
        /// What they type to sign in.
        username: String,
        /// Display name.
        #[arg(long)]
        name: Option<String>,
        /// Address.
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        profile: Box<ProfileArgs>,
        /// A role, as configured; repeat for several.
        #[arg(long = "role")]
        roles: Vec<String>,
        /// Read the password from standard input: an argument would be seen by every process.
        #[arg(long)]
        password_stdin: bool,
    },
    /// List users.
    List(ListArgs),
    /// Show a user.
    Show {
        /// Id or username.
        user: String,
    },
    /// Change a user; what is not named stays.
    Edit {
        /// Id or username.
        user: String,
        /// Another name to sign in with.
        #[arg(long)]
        username: Option<String>,
        /// Display name.
        #[arg(long)]
        name: Option<String>,
        /// Address.
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        profile: Box<ProfileArgs>,
        /// The roles, all of them; repeat for several.
        #[arg(long = "role")]
        roles: Vec<String>,
        /// Take every role away.
        #[arg(long, conflicts_with = "roles")]
        no_roles: bool,
    },
    /// Set a new password; sessions and grants of the user end.
    SetPassword {
        /// Id or username.
        user: String,
        /// Read the password from standard input; generated and shown this once otherwise.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Take over users of another system, with the hashes of their passwords.
    Import(user_import::Arguments),
    /// Disable an account; its sessions and grants end.
    Disable {
        /// Id or username.
        user: String,
    },
    /// Enable a disabled account.
    Enable {
        /// Id or username.
        user: String,
    },
    #[command(flatten)]
    Grants(user_grants::Command),
}

#[derive(Serialize)]
struct UserWithPassword<'a> {
    #[serde(flatten)]
    user: &'a User,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

/// The password from standard input, without its line end, or a generated one that must be shown.
fn read_password(from_stdin: bool) -> Result<(NewPassword, Option<Zeroizing<String>>), CliError> {
    if !from_stdin {
        let random = SecretKind::ClientSecret.generate().map_err(CliError::failed)?;
        let generated: Zeroizing<String> = Zeroizing::new(random.chars().skip(3).take(20).collect());
        return Ok((NewPassword(generated.clone()), Some(generated)));
    }
    Ok((NewPassword(secret_input::read(None)?), None))
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    if let Command::Import(arguments) = command {
        return user_import::run(&arguments, context);
    }
    if let Command::Grants(command) = command {
        return user_grants::run(command, context);
    }
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::Create { username, name, email, profile, roles, password_stdin } => {
            let profile = profile.read()?.map(strict_json::read).transpose();
            let profile = profile.map_err(|error| CliError::usage(format!("profile: {error}")))?.unwrap_or_default();
            let (password, shown) = read_password(password_stdin)?;
            let user = users::create(&server, &caller, NewUser { username, password, name, email, profile, roles })?;
            show(&user, shown.as_ref().map(|text| text.as_str()), context.json)
        }
        Command::List(wanted) => {
            let (filter, page) = wanted.read();
            let page = users::list(&server, &caller, &filter, &page)?;
            if context.json {
                return output::print_json(&page);
            }
            let rows: Vec<_> = page.items.iter().map(row).collect();
            output::print_table(&["ID", "USERNAME", "NAME", "STATUS", "ROLES"], &rows)?;
            page.next_cursor.map_or(Ok(()), |cursor| output::print(&format!("... more: --cursor {cursor}")))
        }
        Command::Show { user } => show(&users::show(&server, &caller, &user)?, None, context.json),
        Command::Edit { user, username, name, email, profile, roles, no_roles } => {
            let roles = (no_roles || !roles.is_empty()).then_some(roles);
            let edit =
                UserEdit { username, name: name.map(Some), email: email.map(Some), profile: profile.read()?, roles };
            show(&users::update(&server, &caller, &user, edit)?, None, context.json)
        }
        Command::SetPassword { user, password_stdin } => {
            let (password, shown) = read_password(password_stdin)?;
            let user = users::set_password(&server, &caller, &user, &password)?;
            show(&user, shown.as_ref().map(|text| text.as_str()), context.json)
        }
        Command::Import(_) | Command::Grants(_) => Ok(()),
        Command::Disable { user } => show(&users::set_active(&server, &caller, &user, false)?, None, context.json),
        Command::Enable { user } => show(&users::set_active(&server, &caller, &user, true)?, None, context.json),
    }
}

fn row(user: &User) -> Vec<String> {
    vec![
        user.id.to_string(),
        user.username.clone(),
        user.name.clone().unwrap_or_default(),
        user.status.as_str().to_owned(),
        user.roles.join(" "),
    ]
}

fn show(user: &User, password: Option<&str>, json: bool) -> CliResult {
    if json {
        return output::print_json(&UserWithPassword { user, password });
    }
    output::print_fields(&[
        ("id", user.id.to_string()),
        ("username", user.username.clone()),
        ("name", user.name.clone().unwrap_or_default()),
        ("email", user.email.clone().unwrap_or_default()),
        ("profile", profile_text(user)),
        ("status", user.status.as_str().to_owned()),
        ("roles", user.roles.join(" ")),
        ("created_at", user.created_at.to_rfc3339()),
        ("password_changed_at", user.password_changed_at.to_rfc3339()),
        ("password", password.map(|text| format!("{text}   (shown this once)")).unwrap_or_default()),
    ])
}

/// The profile as JSON; empty where nothing is known, so that its line is left out.
fn profile_text(user: &User) -> String {
    if user.profile.is_empty() { String::new() } else { serde_json::to_string(&user.profile).unwrap_or_default() }
}
