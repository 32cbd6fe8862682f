//! How a client is registered to authenticate: which method goes with which keys, secrets and algorithms (RFC 7591 §2,
//! OpenID Connect Core §9).

use url::Url;

use crate::crypto::client_keys::ClientKeys;
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::outbound::client::check_target;
use crate::protocol::client_assertion::AssertionAlg;
use crate::protocol::client_auth_method::ClientAuthMethod;

/// Refuses a registration by which nobody could authenticate, or somebody else could.
pub(super) fn check(server: &Server, client: &Client) -> Result<(), Denial> {
    let refuse = |text: &str| Err(Denial::InvalidMember(text.to_owned()));
    let metadata = &client.metadata;
    if metadata.jwks.is_some() && metadata.jwks_uri.is_some() {
        // RFC 7591 §2: they must not both be present.
        return refuse("jwks and jwks_uri exclude each other");
    }
    let keys = metadata.jwks.as_ref().map(ClientKeys::parse).transpose();
    let keys = keys.map_err(|error| Denial::InvalidMember(error.to_string()))?;
    if let Some(uri) = &metadata.jwks_uri {
        let url = Url::parse(uri).map_err(|_| Denial::InvalidMember("jwks_uri must be an https URL".to_owned()))?;
        check_target(&url, server.config.outbound.danger_allow_private_targets)
            .map_err(|error| Denial::InvalidMember(format!("jwks_uri: {error}")))?;
    }
    let alg = metadata.token_endpoint_auth_signing_alg.as_deref();
    let method = client.token_endpoint_auth_method;
    let fits =
        |wanted: bool| alg.is_none_or(|alg| AssertionAlg::parse(alg).is_some_and(|a| a.is_symmetric() == wanted));
    match method {
        ClientAuthMethod::PrivateKeyJwt if !fits(false) => {
            refuse("token_endpoint_auth_signing_alg must be RS256, PS256, ES256 or EdDSA for private_key_jwt")
        }
        ClientAuthMethod::PrivateKeyJwt if metadata.jwks_uri.is_none() && keys.is_none_or(|keys| keys.is_empty()) => {
            refuse("private_key_jwt needs jwks with a key for RS256, PS256, ES256 or EdDSA, or a jwks_uri")
        }
        ClientAuthMethod::ClientSecretJwt if !fits(true) => {
            refuse("token_endpoint_auth_signing_alg must be HS256 for client_secret_jwt")
        }
        _ => Ok(()),
    }
}

/// May a registration change from one method to the other? Not where that needs a secret which is not there, or leaves one
/// behind that nobody uses.
pub(super) fn may_change(from: ClientAuthMethod, to: ClientAuthMethod) -> bool {
    from == to || (from.sends_secret() && to.sends_secret())
}
