//! `sector_identifier_uri` (OpenID Connect Registration §5): the list behind it must hold every redirect URI, so that nobody
//! joins a sector, and sees its subjects, without its owner's word.

use serde_json::Value;
use url::Url;

use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::error::{Failure, FlowResult};
use crate::outbound::client::HttpClient;
use crate::outbound::trust::TrustedRoots;

/// Longest list read, in octets.
const MAX_LIST: u64 = 64 * 1024;

/// Fetches the list and compares, unless nothing of it has changed since `before`.
pub(super) fn check(server: &Server, before: Option<&Client>, client: &Client) -> FlowResult<()> {
    let Some(uri) = &client.metadata.sector_identifier_uri else { return Ok(()) };
    let same = |before: &Client| {
        before.metadata.sector_identifier_uri.as_ref() == Some(uri) && before.redirect_uris == client.redirect_uris
    };
    if before.is_some_and(same) {
        return Ok(());
    }
    let refuse = |text: String| Err(Denial::InvalidMember(format!("sector_identifier_uri: {text}")).into());
    let Ok(url) = Url::parse(uri) else { return refuse("not a URL".to_owned()) };
    let outbound = &server.config.outbound;
    let roots = TrustedRoots::load(outbound.ca_file.as_deref());
    let roots = roots.map_err(|error| Failure::Internal(error.to_string()))?;
    let listed = match HttpClient::new(&roots, outbound.danger_allow_private_targets).get(&url, MAX_LIST) {
        Ok(listed) => listed,
        // One sentence for all that can go wrong: whoever registers must not learn which names and addresses there are
        // around this server.
        Err(error) => {
            log::warn!("the sector_identifier_uri {url} cannot be fetched: {error}");
            return refuse(
                "it cannot be fetched: it must be public, and answer 200 with a JSON list in time".to_owned(),
            );
        }
    };
    let Ok(listed) = serde_json::from_slice::<Value>(&listed) else {
        return refuse("the answer is not JSON".to_owned());
    };
    let Some(listed) = listed.as_array() else { return refuse("the answer is not a JSON list".to_owned()) };
    let is_listed = |uri: &str| listed.iter().any(|item| item.as_str() == Some(uri));
    match client.redirect_uris.iter().find(|uri| !is_listed(uri.as_str())) {
        None => Ok(()),
        Some(missing) => refuse(format!("the list does not hold {missing}")),
    }
}
