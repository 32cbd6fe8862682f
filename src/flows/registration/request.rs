//! What a registration request says (RFC 7591 §2, OpenID Connect Registration §2), as members of a client.

use serde_json::{Map, Value};

use crate::domain::client_metadata::ApplicationType;
use crate::domain::denial::Denial;
use crate::flows::clients::ClientMembers;
use crate::protocol::error_code::ErrorCode;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::scope::Scope;

/// The members that a client may say of itself. Others are ignored (RFC 7591 §2).
const MEMBERS: [&str; 27] = [
    "client_name",
    "token_endpoint_auth_method",
    "grant_types",
    "application_type",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
    "software_id",
    "software_version",
    "initiate_login_uri",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "jwks",
    "jwks_uri",
    "token_endpoint_auth_signing_alg",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "subject_type",
    "sector_identifier_uri",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
];
const PUSHED: &str = "require_pushed_authorization_requests";
/// What would change what a client receives, and is not supported: to ignore it would be to mislead.
const UNSUPPORTED: [&str; 4] = [
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
];
/// RFC 7592 §2.2: what an update must not include.
const ISSUED: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];
/// The grants that a client may give itself.
const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"];
/// Most redirect URIs of a client that registers itself.
const MAX_REDIRECT_URIS: usize = 20;

/// A request that was read. No `Debug`.
pub struct RegistrationRequest {
    /// All but the scope.
    pub members: ClientMembers,
    /// The scope it asks for.
    pub scope: Option<Scope>,
    /// For an update: which client it says that it is (RFC 7592 §2.2).
    pub client_id: Option<String>,
    /// For an update: its secret.
    pub client_secret: Option<String>,
}

/// RFC 7591 §3.2.2.
pub fn invalid_metadata(text: impl Into<String>) -> Denial {
    Denial::Unreadable(ErrorCode::InvalidClientMetadata, text.into())
}

fn invalid_redirect(text: impl Into<String>) -> Denial {
    Denial::Unreadable(ErrorCode::InvalidRedirectUri, text.into())
}

impl RegistrationRequest {
    /// Reads the request. A null counts as omitted (RFC 7592 §2.2).
    pub fn read(mut said: Map<String, Value>) -> Result<Self, Denial> {
        said.retain(|_, value| !value.is_null());
        if let Some(name) = UNSUPPORTED.iter().find(|name| said.contains_key(**name)) {
            return Err(invalid_metadata(format!("{name} is not supported: nothing is encrypted here")));
        }
        if let Some(name) = ISSUED.iter().find(|name| said.contains_key(**name)) {
            return Err(invalid_metadata(format!("{name} is the server's to say")));
        }
        let redirect_uris = redirect_uris(said.remove("redirect_uris"))?;
        check_grants(&said)?;
        if redirect_uris.is_empty() && is_for_code(&said) {
            return Err(invalid_redirect("redirect_uris must name at least one address"));
        }
        let scope = text(&mut said, "scope")?;
        let scope =
            scope.as_deref().map(Scope::parse).transpose().map_err(|error| invalid_metadata(error.to_string()))?;
        let (client_id, client_secret) = (text(&mut said, "client_id")?, text(&mut said, "client_secret")?);
        said.retain(|name, _| MEMBERS.contains(&name.as_str()) || name == PUSHED);
        let members = serde_json::from_value::<ClientMembers>(Value::Object(said));
        let mut members = members.map_err(|error| invalid_metadata(format!("the metadata is not usable: {error}")))?;
        members.redirect_uris = Some(redirect_uris);
        Ok(Self { members, scope, client_id, client_secret })
    }
}

fn text(said: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Denial> {
    match said.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid_metadata(format!("{name} must be a text"))),
    }
}

fn redirect_uris(said: Option<Value>) -> Result<Vec<RedirectUri>, Denial> {
    let Some(said) = said else { return Ok(Vec::new()) };
    let Value::Array(items) = said else { return Err(invalid_redirect("redirect_uris must be a list")) };
    if items.len() > MAX_REDIRECT_URIS {
        return Err(invalid_redirect(format!("redirect_uris takes at most {MAX_REDIRECT_URIS} entries")));
    }
    let read = |item: Value| match item {
        Value::String(text) => RedirectUri::parse(&text).map_err(|error| invalid_redirect(error.to_string())),
        _ => Err(invalid_redirect("redirect_uris must be a list of texts")),
    };
    items.into_iter().map(read).collect()
}

/// RFC 7591 §2: authorization_code where no grant is named.
fn is_for_code(said: &Map<String, Value>) -> bool {
    let grants = said.get("grant_types").and_then(Value::as_array);
    grants.is_none_or(|grants| grants.iter().any(|grant| grant == "authorization_code"))
}

/// RFC 7591 §2.1: the response types that go with the grants; here only `code`.
fn check_grants(said: &Map<String, Value>) -> Result<(), Denial> {
    let listed = |name: &str| said.get(name).map(|value| value.as_array().cloned().unwrap_or_default());
    if let Some(grants) = listed("grant_types")
        && let Some(other) = grants.iter().find(|grant| !grant.as_str().is_some_and(|grant| GRANTS.contains(&grant)))
    {
        return Err(invalid_metadata(format!("the grant type {other} cannot be registered here")));
    }
    let with_code = is_for_code(said);
    match listed("response_types") {
        None => Ok(()),
        Some(types) if types.iter().any(|item| item != "code") || (types.is_empty() && with_code) => {
            Err(invalid_metadata("the only response type is `code`"))
        }
        Some(types) if !types.is_empty() && !with_code => {
            Err(invalid_metadata("the response type `code` needs the grant type authorization_code"))
        }
        Some(_) => Ok(()),
    }
}

/// OpenID Connect Registration §2, `application_type`: where the answers of a kind of app may go. `plain` for a server that
/// is itself only on this machine.
pub fn check_redirects(kind: ApplicationType, redirect_uris: &[RedirectUri], plain: bool) -> Result<(), Denial> {
    let is = |uri: &RedirectUri, scheme: &str| uri.as_str().get(..scheme.len()).is_some_and(|start| start == scheme);
    let refused = |uri: &&RedirectUri| match kind {
        ApplicationType::Web => !(is(uri, "https:") || (plain && is(uri, "http:"))),
        ApplicationType::Native => false,
    };
    match redirect_uris.iter().find(refused) {
        None => Ok(()),
        Some(uri) => Err(invalid_redirect(format!("{uri}: the redirect URIs of a web application are https"))),
    }
}
