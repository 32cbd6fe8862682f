//! What `grantor dev` sets up: a demo user, an admin, a confidential and a public client. Made once and kept.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::secret::SecretKind;
use crate::domain::denial::Denial;
use crate::domain::profile::Profile;
use crate::domain::role::ADMIN_API_SCOPES;
use crate::domain::standard_claims::OPENID_SCOPES;
use crate::flows::Server;
use crate::flows::caller::Caller;
use crate::flows::clients::{self, ClientMembers, ClientWithSecret};
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::scopes::{self, NewScope};
use crate::flows::users::{self, NewPassword, NewUser};
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::grant_type::GrantType;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::scope::Scope;

/// The scopes of the demo API.
const DEMO_SCOPES: [(&str, &str); 2] =
    [("orders:read", "See your orders"), ("orders:write", "Place and cancel orders for you")];
/// Where the demo clients are answered; nothing needs to listen there.
const REDIRECT_URI: &str = "http://127.0.0.1:9000/callback";

/// A demo user's credentials.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoUser {
    /// Username.
    pub username: String,
    /// Password.
    pub password: String,
}

/// A demo client.
#[derive(Clone, Serialize, Deserialize)]
pub struct DemoClient {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_secret: Option<String>,
    /// Its redirect URI.
    pub redirect_uri: String,
    /// The scope to ask for.
    pub scope: String,
}

/// Everything that the demo consists of, as `dev --json` prints it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Demo {
    /// The issuer.
    pub issuer: String,
    /// An ordinary user.
    pub user: DemoUser,
    /// A user with the role `admin`.
    pub admin: DemoUser,
    /// A first-party client with a secret and every grant.
    pub confidential_client: DemoClient,
    /// A third-party client without a secret.
    pub public_client: DemoClient,
}

/// Makes the demo. Parts that are there already, from a start that was cut off, get new credentials.
pub fn create(server: &Server) -> FlowResult<Demo> {
    let caller = Caller::command_line();
    for (name, description) in DEMO_SCOPES {
        let new =
            NewScope { name: name.to_owned(), description: description.to_owned(), resource: None, privileged: false };
        match scopes::create(server, &caller, new) {
            Ok(_) | Err(FlowError::Denied(Denial::Conflict(_))) => {}
            Err(error) => return Err(error),
        }
    }
    let user = create_user(server, &caller, "demo", &[])?;
    let admin = create_user(server, &caller, "admin", &["owner"])?;
    let confidential_client = create_client(server, &caller, true)?;
    let public_client = create_client(server, &caller, false)?;
    Ok(Demo { issuer: server.config.server.issuer.clone(), user, admin, confidential_client, public_client })
}

/// The server is started under another issuer: the demo clients get its resources first, and keep the earlier ones.
pub fn readdress(server: &Server, demo: &mut Demo) -> FlowResult<()> {
    let caller = Caller::command_line();
    for (demo_client, count) in [(&demo.confidential_client, 2), (&demo.public_client, 1)] {
        let own = [server.config.default_resource(), server.admin_resource.clone()];
        let mut resources: Vec<_> = own.into_iter().take(count).collect();
        // What was granted under the old address goes on.
        let before = clients::show(server, &caller, &demo_client.client_id)?.resources;
        resources
            .extend(before.into_iter().filter(|resource| !resources.contains(resource)).take(20).collect::<Vec<_>>());
        let members = ClientMembers { resources: Some(resources), ..ClientMembers::default() };
        clients::update(server, &caller, &demo_client.client_id, members)?;
    }
    demo.issuer.clone_from(&server.config.server.issuer);
    Ok(())
}

fn create_user(server: &Server, caller: &Caller, username: &str, roles: &[&str]) -> FlowResult<DemoUser> {
    let random = SecretKind::ClientSecret.generate()?;
    // Enough of it to be unguessable, and short enough to be typed.
    let password: String = random.chars().skip(3).take(20).collect();
    let chosen = NewPassword(Zeroizing::new(password.clone()));
    let new = NewUser {
        username: username.to_owned(),
        password: chosen.clone(),
        name: None,
        email: None,
        profile: Profile::default(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    };
    match users::create(server, caller, new) {
        Err(FlowError::Denied(Denial::Conflict(_))) => users::set_password(server, caller, username, &chosen)?,
        other => other?,
    };
    Ok(DemoUser { username: username.to_owned(), password })
}

/// This identifier, or where its client was deleted the next one that was not: none is used twice.
fn unused(server: &Server, client_id: &str) -> FlowResult<String> {
    let mut number = 1;
    let mut candidate = client_id.to_owned();
    while server.store.read(|connection| connection.is_client_deleted(&candidate))? {
        number += 1;
        candidate = format!("{client_id}-{number}");
    }
    Ok(candidate)
}

fn create_client(server: &Server, caller: &Caller, confidential: bool) -> FlowResult<DemoClient> {
    let demo_scope = DEMO_SCOPES.map(|(name, _)| name);
    // The confidential one may carry an admin's scopes too; the admin's roles decide who gets them.
    let admin_scope = ADMIN_API_SCOPES.iter().filter(|_| confidential).map(|(name, _)| *name);
    let openid_scope = OPENID_SCOPES.map(|(name, _)| name);
    let mut grants = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
    if confidential {
        grants.extend([GrantType::Password, GrantType::ClientCredentials]);
    }
    let (client_id, name) =
        if confidential { ("demo-confidential", "Demo web app") } else { ("demo-public", "Demo mobile app") };
    let redirect_uri = RedirectUri::parse(REDIRECT_URI).map_err(|error| Denial::InvalidMember(error.to_string()))?;
    let client_id = unused(server, client_id)?;
    let members = ClientMembers {
        client_id: Some(client_id.clone()),
        client_name: Some(name.to_owned()),
        token_endpoint_auth_method: (!confidential).then_some(ClientAuthMethod::None),
        grant_types: Some(grants),
        redirect_uris: Some(vec![redirect_uri]),
        scope: Some(Scope::from_tokens(demo_scope.into_iter().chain(openid_scope).chain(admin_scope))),
        first_party: Some(confidential),
        may_introspect: Some(confidential),
        ..ClientMembers::default()
    };
    let created = match clients::create(server, caller, members) {
        Err(FlowError::Denied(Denial::Conflict(_))) if confidential => {
            clients::rotate_secret(server, caller, &client_id, 0)?
        }
        Err(FlowError::Denied(Denial::Conflict(_))) => {
            ClientWithSecret { client: clients::show(server, caller, &client_id)?, client_secret: None }
        }
        other => other?,
    };
    Ok(DemoClient {
        client_id: created.client.client_id.0,
        client_secret: created.client_secret,
        redirect_uri: REDIRECT_URI.to_owned(),
        scope: Scope::from_tokens(demo_scope).to_string(),
    })
}
