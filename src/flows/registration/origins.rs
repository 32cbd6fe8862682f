//! The origins of a browser app that registers itself: no registered member names them, so its redirect URIs do. Its pages may
//! then call the endpoints that answer to CORS, as those that an operator registered may.

use url::Url;

use crate::domain::client::Client;
use crate::domain::client_metadata::ApplicationType;
use crate::protocol::origin::Origin;
use crate::protocol::redirect_uri::RedirectUri;

/// The origins of these redirect URIs, for a public client that runs in a browser; none for others.
pub fn of_pages(is_public: bool, application_type: ApplicationType, redirect_uris: &[RedirectUri]) -> Vec<Origin> {
    if !is_public || application_type != ApplicationType::Web {
        return Vec::new();
    }
    let origin = |uri: &RedirectUri| {
        let origin = Url::parse(uri.as_str()).ok()?.origin();
        Origin::parse(&origin.ascii_serialization()).ok()
    };
    let mut origins: Vec<Origin> = Vec::new();
    for origin in redirect_uris.iter().filter_map(origin) {
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

/// Those of a client after an update: what followed from its redirect URIs follows them, what an operator added stays.
pub fn after_update(before: &Client, after: &Client) -> Vec<Origin> {
    let of = |client: &Client| of_pages(client.is_public(), client.metadata.application_type, &client.redirect_uris);
    let (had, mut origins) = (of(before), of(after));
    let added = before.allowed_origins.iter().filter(|origin| !had.contains(origin));
    for origin in added {
        if !origins.contains(origin) {
            origins.push(origin.clone());
        }
    }
    origins
}
