//! Telling clients that a session has ended (OpenID Connect Back-Channel Logout 1.0 §2.5): logout tokens are made and posted,
//! to one client at a time and to several clients at once.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::counters::client_standing::{ClientStandings, TakenClient};
use crate::crypto::{jwt, random};
use crate::domain::audit_event::AuditAction;
use crate::domain::client::{Client, Status};
use crate::domain::logout_delivery::{LogoutDelivery, LogoutDeliveryFilter};
use crate::domain::page::{Page, PageRequest};
use crate::domain::webhook_delivery::{AfterAttempt, AttemptOutcome, DeliveryStatus};
use crate::flows::caller::Caller;
use crate::flows::delivery::{self, Delivery};
use crate::flows::error::{Failure, FlowResult};
use crate::flows::{Server, signing_keys, subject};
use crate::outbound::client::HttpClient;
use crate::outbound::trust::TrustedRoots;
use crate::protocol::logout_token::{LOGOUT_TOKEN_TYPE, LogoutEvents, LogoutTokenClaims};
use crate::store::{StoreConnection, StoreError};

/// Seconds that a logout token is good for: §2.4 advises two minutes at most.
const TOKEN_LIFETIME: i64 = 120;
/// Most deliveries of one round.
const ROUND: usize = 50;

/// What it takes to send.
#[derive(Default)]
pub struct LogoutSender {
    /// Made when it is first needed: certificates take a moment to load.
    http: OnceLock<HttpClient>,
    /// Who is told by whom, and who rests.
    standings: ClientStandings,
}

impl LogoutSender {
    fn http(&self, server: &Server) -> Result<&HttpClient, String> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let outbound = &server.config.outbound;
        let roots = TrustedRoots::load(outbound.ca_file.as_deref()).map_err(|error| error.to_string())?;
        Ok(self.http.get_or_init(|| HttpClient::new(&roots, outbound.danger_allow_private_targets)))
    }

    /// The next delivery that is due, whose client is this thread's until the guard goes.
    fn take(&self, server: &Server) -> Result<Option<(String, TakenClient<'_>)>, StoreError> {
        let now = server.clock.now();
        self.standings
            .take(now, |not_to| server.store.read(|connection| connection.find_due_logout_delivery(not_to, now)))
    }
}

/// Makes the attempts that are due; answers how many. `keep_going` is asked between them. Any number of threads may do it.
pub fn deliver_due(server: &Server, keep_going: &dyn Fn() -> bool) -> Result<usize, Failure> {
    let mut made = 0;
    while made < ROUND && keep_going() {
        let Some((id, client)) = server.logout_sender.take(server)? else { break };
        let Some((delivery, lease)) = delivery::lease::<LogoutDelivery>(server, &id)? else { continue };
        let begun = server.clock.now();
        let status = delivery::attempt(server, delivery, lease)?;
        made += 1;
        let now = server.clock.now();
        if status == DeliveryStatus::Delivered {
            client.answered(now - begun, now);
            continue;
        }
        // What else waits for this client waits longer, lest each of it take a thread until the client times out.
        let (until, client_id) = (client.failed(now), client.client_id().to_owned());
        server.store.write(move |connection| connection.postpone_logout_deliveries(&client_id, until))?;
    }
    Ok(made)
}

impl Delivery for LogoutDelivery {
    fn id(&self) -> &str {
        &self.id
    }

    fn attempts(&self) -> i64 {
        self.attempts
    }

    fn lease(
        connection: &mut StoreConnection,
        id: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError> {
        if connection.lease_logout_delivery(id, until, now)? { connection.find_logout_delivery(id) } else { Ok(None) }
    }

    fn send(&self, server: &Server) -> Result<AttemptOutcome, Failure> {
        let client = server.store.read(|connection| connection.find_client(self.client_id.as_str()))?;
        let Some(client) = client.filter(|client| client.status == Status::Active) else {
            return Ok(AttemptOutcome::Unwanted("the client is not active any more".to_owned()));
        };
        let target = client.metadata.backchannel_logout_uri.as_deref().and_then(|uri| Url::parse(uri).ok());
        let Some(target) = target else {
            return Ok(AttemptOutcome::Unwanted("the client has no backchannel_logout_uri any more".to_owned()));
        };
        let http = match server.logout_sender.http(server) {
            Ok(http) => http,
            Err(error) => return Ok(AttemptOutcome::Failed(error)),
        };
        let token = sign(server, &client, self)?;
        let body = Serializer::new(String::new()).append_pair("logout_token", &token).finish();
        Ok(match http.post_form(&target, &body) {
            // §2.8: 200; and 204, which frameworks answer where there is no body.
            Ok(status) if matches!(status.as_u16(), 200 | 204) => AttemptOutcome::Arrived,
            Ok(status) => AttemptOutcome::Failed(format!("status {}", status.as_u16())),
            Err(error) => AttemptOutcome::Failed(error.to_string()),
        })
    }

    fn record(
        &self,
        connection: &mut StoreConnection,
        lease: DateTime<Utc>,
        after: &AfterAttempt,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let recorded = connection.finish_logout_attempt((&self.id, lease), after, now)?;
        if recorded && after.status == DeliveryStatus::Dead {
            let event = Caller::server().event(AuditAction::LogoutNotDelivered, "client", self.client_id.as_str());
            let event = event.detail(after.error.clone().unwrap_or_default());
            connection.insert_audit_event(&event, now)?;
        }
        Ok(recorded)
    }

    fn report(&self, server: &Server, after: &AfterAttempt) {
        server.metrics.logout_delivery(after.status.as_str());
        if after.status == DeliveryStatus::Dead {
            let (client, error) = (self.client_id.as_str(), after.error.as_deref().unwrap_or_default());
            log::error!("client {client} could not be told of a logout, which is given up: {error}");
        }
    }
}

/// A logout token (§2.4), fresh at each attempt: the client may refuse one that it has seen, and one that is old.
fn sign(server: &Server, client: &Client, delivery: &LogoutDelivery) -> Result<String, Failure> {
    let now = server.clock.now();
    let claims = LogoutTokenClaims {
        iss: server.config.server.issuer.clone(),
        sub: subject::of(server, client, &delivery.user_id),
        aud: client.client_id.0.clone(),
        iat: now.timestamp(),
        exp: now.timestamp() + TOKEN_LIFETIME,
        jti: random::opaque_id()?,
        sid: delivery.sid.clone(),
        events: LogoutEvents,
    };
    let keyring = server.keyring();
    // §2.6: verified as an ID token is, so signed as one.
    let key = signing_keys::signing_key(&keyring, client.metadata.id_token_signed_response_alg, now)?;
    Ok(jwt::sign_as(LOGOUT_TOKEN_TYPE, &claims, key)?)
}

/// A page of deliveries, newest first.
pub fn list(
    server: &Server,
    caller: &Caller,
    filter: &LogoutDeliveryFilter,
    page: &PageRequest,
) -> FlowResult<Page<LogoutDelivery>> {
    caller.require("clients:read")?;
    Ok(server.store.read(|connection| connection.list_logout_deliveries(filter, page))?)
}
