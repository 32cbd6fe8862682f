//! `grantor client`: register and manage clients.

use clap::{Args, Subcommand};
use ipnet::IpNet;

use crate::cli::client_metadata::Metadata;
use crate::cli::client_print::{show, show_list};
use crate::cli::list_args::ListArgs;
use crate::cli::{CliError, CliResult, Context, client_secrets, output, usage};
use crate::domain::client::{RefreshTokenPolicy, Status};
use crate::domain::client_list::{ClientFilter, ClientOrder, ClientType};
use crate::domain::search::ListFilter;
use crate::flows::caller::Caller;
use crate::flows::clients::{self, ClientMembers};
use crate::flows::member::network;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::origin::Origin;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::resource::Resource;
use crate::protocol::scope::Scope;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Register a client. Its secret is shown this once.
    Create {
        /// Chosen identifier; generated where absent.
        #[arg(long)]
        id: Option<String>,
        /// A public client: a browser or mobile app that cannot keep a secret.
        #[arg(long)]
        public: bool,
        #[command(flatten)]
        members: Members,
        #[command(flatten)]
        file: client_secrets::File,
    },
    /// List clients.
    List(List),
    /// Show a client.
    Show {
        /// The client_id.
        client_id: String,
    },
    /// Show how a client is used, day by day.
    Usage(usage::Arguments),
    /// Change a client; what is not named stays.
    Edit {
        /// The client_id.
        client_id: String,
        #[command(flatten)]
        members: Members,
    },
    /// Give a client a new secret, shown this once.
    RotateSecret {
        /// The client_id.
        client_id: String,
        /// For how long the current secret goes on working, such as 7d; at once where absent.
        #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
        grace: std::time::Duration,
        #[command(flatten)]
        file: client_secrets::File,
    },
    /// Show the secrets that work now: who still uses the old one, and from where.
    Secrets {
        /// The client_id.
        client_id: String,
    },
    /// End the grace period of a rotation now.
    FinishRotation {
        /// The client_id.
        client_id: String,
    },
    /// Refuse a client for now.
    Disable {
        /// The client_id.
        client_id: String,
    },
    /// Take a disabled client back.
    Enable {
        /// The client_id.
        client_id: String,
    },
    /// Refuse a client for good.
    Revoke {
        /// The client_id.
        client_id: String,
        /// Yes, for good.
        #[arg(long)]
        yes: bool,
    },
    /// Delete a client for good, with all that it was given; its name must be repeated, its client_id is not used again.
    Delete {
        /// The client_id.
        client_id: String,
        /// Its name, repeated.
        #[arg(long)]
        name: String,
    },
}

/// Which clients to list.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    common: ListArgs,
    /// In this order: client_id, name, created or last_used; -name and so on for the other way around.
    #[arg(long, default_value = "client_id", allow_hyphen_values = true, value_parser = |text: &str| ClientOrder::parse(text).ok_or("not an order: client_id, name, created or last_used"))]
    sort: ClientOrder,
    /// Only of this type: public or confidential.
    #[arg(long = "type", value_parser = |text: &str| ClientType::parse(text).ok_or("not a type: public or confidential"))]
    client_type: Option<ClientType>,
    /// Only with this grant.
    #[arg(long, value_parser = |text: &str| GrantType::parse(text).ok_or(NO_GRANT))]
    grant: Option<GrantType>,
}

const NO_GRANT: &str = "not a grant: authorization_code, refresh_token, password, client_credentials or urn:ietf:params:oauth:grant-type:device_code";

/// A value for clap.
pub(super) fn parse<T, E: std::fmt::Display>(parse: impl Fn(&str) -> Result<T, E>, text: &str) -> Result<T, String> {
    parse(text).map_err(|error| error.to_string())
}

/// The members of a registration.
#[derive(Args)]
pub struct Members {
    /// Shown to people on the consent page.
    #[arg(long)]
    name: Option<String>,
    /// For operators.
    #[arg(long)]
    description: Option<String>,
    /// Where it belongs; fixed at registration.
    #[arg(long)]
    environment: Option<String>,
    /// A grant it may use; repeat for several.
    #[arg(long = "grant", value_parser = |text: &str| GrantType::parse(text).ok_or(NO_GRANT))]
    grants: Vec<GrantType>,
    /// A redirect URI; repeat for several.
    #[arg(long = "redirect-uri", value_parser = |text: &str| parse(RedirectUri::parse, text))]
    redirect_uris: Vec<RedirectUri>,
    /// The scope it may ask for, space-delimited.
    #[arg(long, value_parser = |text: &str| parse(Scope::parse, text))]
    scope: Option<Scope>,
    /// A resource (audience) it may ask tokens for; repeat for several.
    #[arg(long = "resource", value_parser = |text: &str| parse(Resource::parse, text))]
    resources: Vec<Resource>,
    /// A browser origin that may call with CORS; repeat for several.
    #[arg(long = "allowed-origin", value_parser = |text: &str| parse(Origin::parse, text))]
    allowed_origins: Vec<Origin>,
    /// A role it holds when it acts for itself; repeat for several.
    #[arg(long = "role")]
    roles: Vec<String>,
    /// Must it use PKCE?
    #[arg(long)]
    require_pkce: Option<bool>,
    /// First party: people are not asked for consent.
    #[arg(long)]
    first_party: Option<bool>,
    /// May it ask the introspection endpoint?
    #[arg(long)]
    may_introspect: Option<bool>,
    /// What happens to its refresh tokens: rotate or keep.
    #[arg(long, value_parser = |text: &str| RefreshTokenPolicy::parse(text).ok_or("not a policy: rotate or keep"))]
    refresh_token_policy: Option<RefreshTokenPolicy>,
    /// Lifetime of its access tokens, in seconds.
    #[arg(long)]
    access_token_lifetime: Option<u32>,
    /// Sliding lifetime of its refresh tokens, in seconds.
    #[arg(long)]
    refresh_token_lifetime: Option<u32>,
    /// Absolute lifetime of its refresh tokens, in seconds.
    #[arg(long)]
    refresh_token_max_lifetime: Option<u32>,
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
    #[command(flatten)]
    metadata: Metadata,
}

/// A list that was named at all.
pub(super) fn unless_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

impl TryFrom<Members> for ClientMembers {
    type Error = CliError;

    fn try_from(members: Members) -> Result<Self, CliError> {
        let named = Self {
            client_name: members.name,
            description: members.description,
            environment: members.environment,
            grant_types: unless_empty(members.grants),
            redirect_uris: unless_empty(members.redirect_uris),
            scope: members.scope,
            resources: unless_empty(members.resources),
            allowed_origins: unless_empty(members.allowed_origins),
            roles: unless_empty(members.roles),
            require_pkce: members.require_pkce,
            first_party: members.first_party,
            may_introspect: members.may_introspect,
            refresh_token_policy: members.refresh_token_policy,
            access_token_lifetime: members.access_token_lifetime.map(Some),
            refresh_token_lifetime: members.refresh_token_lifetime.map(Some),
            refresh_token_max_lifetime: members.refresh_token_max_lifetime.map(Some),
            plan: members.plan.map(Some),
            requests_per_minute: members.requests_per_minute.map(Some),
            requests_per_hour: members.requests_per_hour.map(Some),
            allowed_addresses: unless_empty(members.allowed_addresses),
            ..Self::default()
        };
        members.metadata.lay_over(named)
    }
}

/// Runs the command.
pub fn run(command: Command, context: &Context) -> CliResult {
    let server = context.open()?;
    let caller = Caller::command_line();
    match command {
        Command::Create { id, public, members, file } => {
            if public && file.is_named() {
                return Err(CliError::usage("a public client has no secret: --env-file is for the others"));
            }
            let file = file.open()?;
            let members: ClientMembers = members.try_into()?;
            let method = public.then_some(ClientAuthMethod::None).or(members.token_endpoint_auth_method);
            let members = ClientMembers { client_id: id, token_endpoint_auth_method: method, ..members };
            client_secrets::show_made(&clients::create(&server, &caller, members)?, file, context.json)
        }
        Command::List(wanted) => {
            let List { common, sort, client_type, grant } = wanted;
            let (ListFilter { search, status }, page) = common.read();
            let filter = ClientFilter { search, status, client_type, grant };
            show_list(&clients::list(&server, &caller, &filter, sort, &page)?, context.json)
        }
        Command::Usage(wanted) => usage::of_client(&server, &wanted, context),
        Command::Show { client_id } => show(&clients::show(&server, &caller, &client_id)?, context.json),
        Command::Edit { client_id, members } => {
            show(&clients::update(&server, &caller, &client_id, members.try_into()?)?, context.json)
        }
        Command::RotateSecret { client_id, grace, file } => {
            let seconds = u32::try_from(grace.as_secs()).map_err(|_| CliError::usage("--grace is too long"))?;
            let file = file.open()?;
            let made = clients::rotate_secret(&server, &caller, &client_id, seconds)?;
            client_secrets::show_made(&made, file, context.json)
        }
        Command::Secrets { client_id } => {
            let secrets = clients::list_secrets(&server, &caller, &client_id)?;
            if context.json { output::print_json(&secrets) } else { client_secrets::show(&secrets) }
        }
        Command::FinishRotation { client_id } => {
            show(&clients::finish_rotation(&server, &caller, &client_id)?, context.json)
        }
        Command::Disable { client_id } => {
            show(&clients::set_status(&server, &caller, &client_id, Status::Inactive)?, context.json)
        }
        Command::Enable { client_id } => {
            show(&clients::set_status(&server, &caller, &client_id, Status::Active)?, context.json)
        }
        Command::Revoke { yes: false, .. } => {
            Err(CliError::usage("revoking a client is for good").hint("add --yes, or use `grantor client disable`"))
        }
        Command::Revoke { client_id, .. } => {
            show(&clients::set_status(&server, &caller, &client_id, Status::Revoked)?, context.json)
        }
        Command::Delete { client_id, name } => {
            clients::delete(&server, &caller, &client_id, &name)?;
            if context.json {
                return output::print_json(&serde_json::json!({ "deleted": client_id }));
            }
            output::print(&format!("The client {client_id} is deleted."))
        }
    }
}
