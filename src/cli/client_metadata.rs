//! The metadata of a client on the command line: what OpenID Connect and other specifications add.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::cli::CliError;
use crate::cli::client::{parse, unless_empty};
use crate::domain::client_metadata::{ApplicationType, ClientMetadata, SubjectType};
use crate::flows::clients::ClientMembers;
use crate::protocol::client_auth_method::ClientAuthMethod;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::signing_alg::SigningAlg;

fn alg(text: &str) -> Result<SigningAlg, &'static str> {
    SigningAlg::parse(text).ok_or("not an algorithm: RS256, PS256, ES256 or EdDSA")
}

fn auth_method(text: &str) -> Result<ClientAuthMethod, String> {
    let known = || ClientAuthMethod::ALL.map(ClientAuthMethod::as_str).join(", ");
    ClientAuthMethod::parse(text).ok_or_else(|| format!("not a method: {}", known()))
}

fn application_type(text: &str) -> Result<ApplicationType, &'static str> {
    match text {
        "web" => Ok(ApplicationType::Web),
        "native" => Ok(ApplicationType::Native),
        _ => Err("not a type: web or native"),
    }
}

fn subject_type(text: &str) -> Result<SubjectType, &'static str> {
    match text {
        "public" => Ok(SubjectType::Public),
        "pairwise" => Ok(SubjectType::Pairwise),
        _ => Err("not a type: public or pairwise"),
    }
}

/// The flags. An empty text takes an address away.
#[derive(Args)]
pub struct Metadata {
    /// How it authenticates; a client stays public or confidential.
    #[arg(long = "auth-method", value_parser = auth_method)]
    auth_method: Option<ClientAuthMethod>,
    /// Where it runs: web or native.
    #[arg(long, value_parser = application_type)]
    application_type: Option<ApplicationType>,
    /// Its home page.
    #[arg(long)]
    client_uri: Option<String>,
    /// Its logo, shown on the consent page.
    #[arg(long)]
    logo_uri: Option<String>,
    /// Its privacy policy, shown on the consent page.
    #[arg(long)]
    policy_uri: Option<String>,
    /// Its terms of service, shown on the consent page.
    #[arg(long)]
    tos_uri: Option<String>,
    /// Whom to write to about it; repeat for several.
    #[arg(long = "contact")]
    contacts: Vec<String>,
    /// Where a log-in can be started from outside.
    #[arg(long)]
    initiate_login_uri: Option<String>,
    /// Where a browser may go after logout; repeat for several.
    #[arg(long = "post-logout-redirect-uri", value_parser = |text: &str| parse(RedirectUri::parse, text))]
    post_logout_redirect_uris: Vec<RedirectUri>,
    /// Where the server tells it of a logout.
    #[arg(long)]
    backchannel_logout_uri: Option<String>,
    /// Must the logout token name the session?
    #[arg(long)]
    backchannel_logout_session_required: Option<bool>,
    /// What a browser loads at logout.
    #[arg(long)]
    frontchannel_logout_uri: Option<String>,
    /// Must that name issuer and session?
    #[arg(long)]
    frontchannel_logout_session_required: Option<bool>,
    /// A file with its public keys, a JWK set.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where its public keys are.
    #[arg(long)]
    jwks_uri: Option<String>,
    /// How its assertions are signed.
    #[arg(long)]
    assertion_alg: Option<String>,
    /// How its ID tokens are signed: RS256, PS256, ES256 or EdDSA.
    #[arg(long, value_parser = alg)]
    id_token_alg: Option<SigningAlg>,
    /// Sign its userinfo answers with this; JSON without.
    #[arg(long, value_parser = alg)]
    userinfo_alg: Option<SigningAlg>,
    /// What sub is: public or pairwise.
    #[arg(long, value_parser = subject_type)]
    subject_type: Option<SubjectType>,
    /// The list of redirect URIs that share a sector.
    #[arg(long)]
    sector_identifier_uri: Option<String>,
    /// After how many seconds a person has to sign in again, where a request does not say.
    #[arg(long)]
    default_max_age: Option<u32>,
    /// Must ID tokens say when the person signed in?
    #[arg(long)]
    require_auth_time: Option<bool>,
    /// Must it push its authorization requests (RFC 9126)?
    #[arg(long)]
    require_pushed_authorization_requests: Option<bool>,
}

/// Said, and taken away where it is empty.
fn or_none(text: Option<String>) -> Option<Option<String>> {
    text.map(|text| Some(text).filter(|text| !text.is_empty()))
}

fn read_jwks(file: Option<PathBuf>) -> Result<Option<Option<Value>>, CliError> {
    let Some(file) = file else { return Ok(None) };
    let failed = |error: &dyn std::fmt::Display| CliError::failed(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|error| failed(&error))?;
    let parsed = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    Ok(Some(Some(parsed)))
}

impl Metadata {
    /// Adds what was said.
    pub fn lay_over(self, members: ClientMembers) -> Result<ClientMembers, CliError> {
        // One of the two replaces the other.
        let (mut jwks, mut jwks_uri) = (read_jwks(self.jwks)?, or_none(self.jwks_uri));
        if jwks.is_some() {
            jwks_uri = Some(None);
        } else if jwks_uri.is_some() {
            jwks = Some(None);
        }
        Ok(ClientMembers {
            token_endpoint_auth_method: self.auth_method.or(members.token_endpoint_auth_method),
            application_type: self.application_type,
            client_uri: or_none(self.client_uri),
            logo_uri: or_none(self.logo_uri),
            policy_uri: or_none(self.policy_uri),
            tos_uri: or_none(self.tos_uri),
            contacts: unless_empty(self.contacts),
            initiate_login_uri: or_none(self.initiate_login_uri),
            post_logout_redirect_uris: unless_empty(self.post_logout_redirect_uris),
            backchannel_logout_uri: or_none(self.backchannel_logout_uri),
            backchannel_logout_session_required: self.backchannel_logout_session_required,
            frontchannel_logout_uri: or_none(self.frontchannel_logout_uri),
            frontchannel_logout_session_required: self.frontchannel_logout_session_required,
            jwks,
            jwks_uri,
            token_endpoint_auth_signing_alg: or_none(self.assertion_alg),
            id_token_signed_response_alg: self.id_token_alg,
            userinfo_signed_response_alg: self.userinfo_alg.map(Some),
            subject_type: self.subject_type,
            sector_identifier_uri: or_none(self.sector_identifier_uri),
            default_max_age: self.default_max_age.map(Some),
            require_auth_time: self.require_auth_time,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            ..members
        })
    }
}

/// The metadata for people: what differs from the default.
pub fn fields(metadata: &ClientMetadata) -> Vec<(&'static str, String)> {
    const NAMES: [&str; 26] = [
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
        "assertion_audience",
        "id_token_signed_response_alg",
        "userinfo_signed_response_alg",
        "subject_type",
        "sector_identifier_uri",
        "default_max_age",
        "require_auth_time",
        "default_acr_values",
        "require_pushed_authorization_requests",
    ];
    let said = serde_json::to_value(metadata).unwrap_or_default();
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    NAMES.iter().filter_map(|name| said.get(*name).map(|value| (*name, shown(value)))).collect()
}
