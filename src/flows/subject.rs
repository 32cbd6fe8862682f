//! By which `sub` a client knows a user (OpenID Connect Core §8): the user's identifier, or one for its sector alone.

use url::Url;

use crate::domain::client::Client;
use crate::domain::client_metadata::SubjectType;
use crate::domain::ids::UserId;
use crate::flows::Server;
use crate::protocol::grant_type::GrantType;

/// The `sub` of this user for this client.
pub fn of(server: &Server, client: &Client, user_id: &UserId) -> String {
    match client.metadata.subject_type {
        SubjectType::Public => user_id.0.clone(),
        SubjectType::Pairwise => server.keys.pairwise_subject(&sector(client), user_id.as_str()),
    }
}

/// Does the client know users by its own identifiers only? Then nothing else that names them is told with its tokens.
pub fn is_pairwise(client: &Client) -> bool {
    client.metadata.subject_type == SubjectType::Pairwise
}

/// §8.1: the host of `sector_identifier_uri`, else that of the redirect URIs. A host is believed only where every token goes
/// through a code that was sent there over https: else anybody could name the host of another sector, and be told by which
/// `sub` it knows a user. Such a client is a sector alone, and so are apps on people's own machines.
pub fn sector(client: &Client) -> String {
    let host = |url: Url| url.host_str().map(str::to_owned);
    let redirected = |uri: &str| Url::parse(uri).ok().filter(|url| url.scheme() == "https").and_then(host);
    let hosts: Option<Vec<_>> = client.redirect_uris.iter().map(|uri| redirected(uri.as_str())).collect();
    let believed = hosts.filter(|_| !client.allows_grant(GrantType::DeviceCode));
    let named = client.metadata.sector_identifier_uri.as_deref().and_then(|uri| Url::parse(uri).ok()).and_then(host);
    let found = believed.and_then(|hosts| named.or_else(|| hosts.into_iter().next()));
    found.unwrap_or_else(|| format!("client {}", client.client_id))
}

/// §8.1: several hosts need a `sector_identifier_uri` that names the sector.
pub fn has_sector(client: &Client) -> bool {
    let host = |uri: &str| Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    let mut hosts: Vec<_> = client.redirect_uris.iter().map(|uri| host(uri.as_str())).collect();
    hosts.sort_unstable();
    hosts.dedup();
    !is_pairwise(client) || client.metadata.sector_identifier_uri.is_some() || hosts.len() <= 1
}
