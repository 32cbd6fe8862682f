//! What a client says of itself elsewhere, on every page that names it: its picture and its links (RFC 7591 §2).

use url::Url;

use crate::domain::client::Client;

/// The picture and the links of a client.
#[derive(Default)]
pub struct AboutClient<'a> {
    /// The address of its picture.
    pub logo: Option<&'a str>,
    /// The word for each link, and where it leads.
    pub links: Vec<(&'static str, &'a str)>,
}

impl<'a> AboutClient<'a> {
    /// As this client was registered.
    pub fn of(client: &'a Client) -> Self {
        let metadata = &client.metadata;
        let links = [
            ("Website", &metadata.client_uri),
            ("Privacy policy", &metadata.policy_uri),
            ("Terms of service", &metadata.tos_uri),
        ];
        let links = links.into_iter().filter_map(|(word, uri)| Some((word, https(uri.as_deref())?))).collect();
        Self { logo: https(metadata.logo_uri.as_deref()), links }
    }
}

/// A link or picture that a client was registered with, where it may stand on a page: https, so that it runs nothing and
/// tells nobody on the way what is looked at.
fn https(uri: Option<&str>) -> Option<&str> {
    uri.filter(|uri| Url::parse(uri).is_ok_and(|url| url.scheme() == "https"))
}
