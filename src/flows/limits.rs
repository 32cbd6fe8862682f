//! Rate limits: opening the counters, counting a use, and the limits of the endpoints that anybody can reach.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use crate::config::{COUNTERS_IN_MEMORY, Config, WhenCountersFail};
use crate::counters::login_throttle::network;
use crate::counters::rate_limits::{InvalidUrl, RateLimits, RateVerdict, Window};
use crate::domain::alert::{AlertRule, AlertSubject, NewAlert};
use crate::domain::client::Client;
use crate::domain::denial::Denial;
use crate::flows::Server;
use crate::flows::error::FlowResult;

/// An endpoint with a limit per address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The token endpoint.
    Token,
    /// The login form.
    Login,
    /// The device authorization endpoint (RFC 8628 §3.1).
    Device,
    /// The registration endpoint (RFC 7591 §3).
    Registration,
    /// Reports of leaked access keys.
    LeakReport,
}

impl Door {
    const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Login => "login",
            Self::Device => "device",
            Self::Registration => "registration",
            Self::LeakReport => "leak_report",
        }
    }

    const fn per_minute(self, config: &Config) -> u32 {
        let limits = &config.limits;
        match self {
            Self::Token => limits.token_requests_per_minute_per_address,
            Self::Login => limits.login_requests_per_minute_per_address,
            Self::Device => limits.device_requests_per_minute_per_address,
            Self::Registration => limits.registration_requests_per_minute_per_address,
            Self::LeakReport => limits.leak_reports_per_minute_per_address,
        }
    }
}

/// The counters as configured. Servers of one issuer share them where they name the same engine.
pub fn open(config: &Config) -> Result<RateLimits, InvalidUrl> {
    match config.limits.counters.0.as_str() {
        COUNTERS_IN_MEMORY => Ok(RateLimits::in_memory()),
        url => {
            let prefix = format!("grantor:limits:{}:", config.server.issuer);
            RateLimits::redis(url, &prefix, config.limits.counters_timeout)
        }
    }
}

/// Counts `cost` uses of `key`, see [`RateLimits::take`]. Where the shared counters do not answer, the setting decides: the
/// use is allowed, and the verdict holds no states; or this fails.
pub fn take(server: &Server, key: &str, windows: &[Window], cost: u32) -> FlowResult<RateVerdict> {
    match server.rate_limits.take(key, windows, cost, server.clock.now()) {
        Ok(verdict) => {
            // Looked at before it is written: of the requests of a busy server only the first after a failure writes.
            if server.counters_down.load(Ordering::Relaxed) {
                server.counters_down.store(false, Ordering::Relaxed);
            }
            Ok(verdict)
        }
        Err(down) => {
            server.metrics.uncounted();
            if !server.counters_down.swap(true, Ordering::Relaxed) {
                let detail = serde_json::json!({ "when_counters_fail": server.config.limits.when_counters_fail });
                let now = server.clock.now();
                server.alerts.offer(NewAlert::new(AlertRule::CountersDown, AlertSubject::server(), detail, now));
            }
            match server.config.limits.when_counters_fail {
                WhenCountersFail::Open => Ok(RateVerdict::Allowed(Vec::new())),
                WhenCountersFail::Closed => Err(down.into()),
            }
        }
    }
}

/// Whom a request is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A client of this address.
    Client(IpAddr),
    /// Anybody whom this proxy hides: all of them are one, and never exempt.
    HiddenBy(IpAddr),
}

/// Is such a request to this endpoint counted at all?
pub fn is_counted(config: &Config, door: Door, whom: Counted) -> bool {
    let exempt = match whom {
        Counted::Client(address) => config.limits.exempt_addresses.iter().any(|network| network.contains(&address)),
        Counted::HiddenBy(_) => false,
    };
    door.per_minute(config) > 0 && !exempt
}

/// Counts such a request to this endpoint, and refuses it over the limit.
pub fn check_address(server: &Server, door: Door, whom: Counted) -> FlowResult<()> {
    if !is_counted(&server.config, door, whom) {
        return Ok(());
    }
    let window = Window { limit: door.per_minute(&server.config), seconds: 60 };
    let key = match whom {
        Counted::Client(address) => format!("address:{}:{}", door.name(), network(address)),
        Counted::HiddenBy(proxy) => format!("hidden-by:{}:{proxy}", door.name()),
    };
    match take(server, &key, &[window], 1)? {
        RateVerdict::Allowed(_) => Ok(()),
        RateVerdict::Exceeded { retry_after, .. } => Err(Denial::TooManyRequests(retry_after).into()),
    }
}

/// Secrets that may be entered for the workflows of one client within any 60 seconds.
const SECRETS_ENTERED_PER_MINUTE: u32 = 30;

/// Counts a request of this client against its own limits, the same that the doors count against, and refuses it over them.
pub fn check_client(server: &Server, client: &Client) -> FlowResult<()> {
    let own = server.limits_of_client(client);
    let windows: Vec<Window> = own.windows().map(|(seconds, limit)| Window { limit, seconds }).collect();
    if windows.is_empty() {
        return Ok(());
    }
    match take(server, &format!("credential:{}", client.client_id), &windows, 1)? {
        RateVerdict::Allowed(_) => Ok(()),
        RateVerdict::Exceeded { retry_after, .. } => Err(Denial::ClientRateExceeded(retry_after).into()),
    }
}

/// Counts a secret that is entered for a workflow of this client, right or wrong: whoever may make workflows must not find
/// out the client's secret by trying.
pub fn check_entered_secret(server: &Server, client_id: &str) -> FlowResult<()> {
    let window = Window { limit: SECRETS_ENTERED_PER_MINUTE, seconds: 60 };
    match take(server, &format!("entered-secret:{client_id}"), &[window], 1)? {
        RateVerdict::Allowed(_) => Ok(()),
        RateVerdict::Exceeded { retry_after, .. } => Err(Denial::TooManySecretsEntered(retry_after).into()),
    }
}
