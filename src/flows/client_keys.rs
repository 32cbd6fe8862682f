//! The public keys of a client: registered with it, or published at its `jwks_uri` (RFC 7591 §2).

use std::sync::{Arc, OnceLock};

use serde_json::Value;
use url::Url;

use crate::config::OutboundConfig;
use crate::counters::client_key_cache::{ClientKeyCache, WantedKeys};
use crate::crypto::client_keys::{ClientKeys, KeyAnswer};
use crate::domain::client::Client;
use crate::domain::client_assertion::AssertionFault;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::error::{Failure, FlowResult};
use crate::outbound::client::HttpClient;
use crate::outbound::trust::TrustedRoots;
use crate::protocol::client_assertion::ClientAssertion;

/// Largest set read from a `jwks_uri`, in bytes.
const MAX_SET: u64 = 64 * 1024;

/// What it takes to read and keep the keys of clients.
#[derive(Default)]
pub struct ClientKeySource {
    cache: ClientKeyCache,
    /// Made when it is first needed: most servers never read a `jwks_uri`, and certificates take a moment to load.
    http: OnceLock<HttpClient>,
}

impl ClientKeySource {
    fn http(&self, outbound: &OutboundConfig) -> Result<&HttpClient, Failure> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let roots = TrustedRoots::load(outbound.ca_file.as_deref());
        let roots = roots.map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(self.http.get_or_init(|| HttpClient::new(&roots, outbound.danger_allow_private_targets)))
    }
}

/// Refuses an assertion that none of the client's keys signed. A key that is not known may be new: then the published set
/// is read once more.
pub fn check_signature(server: &Server, client: &Client, assertion: &ClientAssertion) -> FlowResult<()> {
    let answer = match (&client.metadata.jwks, &client.metadata.jwks_uri) {
        (Some(set), _) => {
            let keys = ClientKeys::parse(set).map_err(|error| Failure::Internal(error.to_string()))?;
            keys.verify(assertion)
        }
        (None, Some(uri)) => {
            let keys = published(server, client, uri, None)?;
            let keys = keys.ok_or(Denial::ClientAssertionRefused(AssertionFault::KeysUnavailable))?;
            match keys.verify(assertion) {
                KeyAnswer::NoKey => match published(server, client, uri, Some(&keys))? {
                    Some(newer) => newer.verify(assertion),
                    None => KeyAnswer::NoKey,
                },
                answer => answer,
            }
        }
        (None, None) => KeyAnswer::NoKey,
    };
    match answer {
        KeyAnswer::Valid => Ok(()),
        KeyAnswer::Invalid => Err(Denial::ClientAssertionRefused(AssertionFault::Signature).into()),
        KeyAnswer::NoKey => Err(Denial::ClientAssertionRefused(AssertionFault::KeyUnknown).into()),
    }
}

fn published(
    server: &Server,
    client: &Client,
    uri: &str,
    other_than: Option<&Arc<ClientKeys>>,
) -> Result<Option<Arc<ClientKeys>>, Failure> {
    let http = server.client_keys.http(&server.config.outbound)?;
    let now = server.clock.now();
    let wanted = WantedKeys { client_id: client.client_id.as_str(), uri, other_than, now };
    let found = server.client_keys.cache.keys(&wanted, || match read(http, uri) {
        Ok(keys) => Some(keys),
        Err(text) => {
            log::warn!("the jwks_uri of client {} cannot be read: {text}", client.client_id);
            None
        }
    });
    Ok(found?)
}

fn read(http: &HttpClient, uri: &str) -> Result<ClientKeys, String> {
    let url = Url::parse(uri).map_err(|error| error.to_string())?;
    let body = http.get(&url, MAX_SET).map_err(|error| error.to_string())?;
    let set: Value = serde_json::from_slice(&body).map_err(|_| "it is not JSON".to_owned())?;
    ClientKeys::parse(&set).map_err(|error| error.to_string())
}
