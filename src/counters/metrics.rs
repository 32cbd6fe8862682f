//! What is counted, in the form of Prometheus. Names start with `grantor_`.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::counters::hours::HourCounters;
use crate::domain::hour_figures::HourFigure;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    endpoint: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GrantLabel {
    grant_type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabel {
    error: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabel {
    verdict: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableLabel {
    table: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabel {
    rule: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// The counters of this instance.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Endpoint, Histogram, fn() -> Histogram>,
    tokens: Family<GrantLabel, Counter>,
    denials: Family<ErrorLabel, Counter>,
    verdicts: Family<VerdictLabel, Counter>,
    logins_throttled: Counter,
    uncounted: Counter,
    failures: Counter,
    purged: Family<TableLabel, Counter>,
    alerts: Family<RuleLabel, Counter>,
    alerts_dropped: Counter,
    deliveries: Family<OutcomeLabel, Counter>,
    logout_deliveries: Family<OutcomeLabel, Counter>,
    /// The same by hour, until it is written.
    pub hours: HourCounters,
}

fn histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::default();
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        let tokens = Family::default();
        let denials = Family::default();
        let verdicts = Family::default();
        let logins_throttled = Counter::default();
        let uncounted = Counter::default();
        let failures = Counter::default();
        let purged = Family::default();
        let alerts = Family::default();
        let alerts_dropped = Counter::default();
        let deliveries = Family::default();
        let logout_deliveries = Family::default();
        let mut registry = Registry::with_prefix("grantor");
        registry.register("http_requests", "Answered requests", Clone::clone(&requests));
        registry.register("http_request_duration_seconds", "Time to answer", Clone::clone(&durations));
        registry.register("tokens_issued", "Access tokens issued", Clone::clone(&tokens));
        registry.register("denials", "Refused requests by error code", Clone::clone(&denials));
        registry.register("verdicts", "Judged credentials by verdict", Clone::clone(&verdicts));
        registry.register("logins_throttled", "Log-ins refused after too many failures", logins_throttled.clone());
        registry.register("limits_uncounted", "Uses that the shared counters could not count", uncounted.clone());
        registry.register("failures", "Requests that failed inside", failures.clone());
        registry.register("purged_rows", "Expired rows removed", Clone::clone(&purged));
        registry.register("alerts", "Alerts raised by rule", Clone::clone(&alerts));
        registry.register("alerts_dropped", "Alerts lost because too many waited", alerts_dropped.clone());
        registry.register("alert_delivery_attempts", "Attempts to deliver alerts", Clone::clone(&deliveries));
        let help = "Attempts to tell clients of a logout";
        registry.register("logout_delivery_attempts", help, Clone::clone(&logout_deliveries));
        Self {
            registry,
            requests,
            durations,
            tokens,
            denials,
            verdicts,
            logins_throttled,
            uncounted,
            failures,
            purged,
            alerts,
            alerts_dropped,
            deliveries,
            logout_deliveries,
            hours: HourCounters::default(),
        }
    }
}

impl Metrics {
    /// An answered request.
    pub fn request(&self, endpoint: &'static str, status: u16, duration: Duration) {
        self.requests.get_or_create(&Request { endpoint, status }).inc();
        self.durations.get_or_create(&Endpoint { endpoint }).observe(duration.as_secs_f64());
        if matches!(endpoint, "health" | "metrics" | "static" | "jwks" | "metadata") {
            return;
        }
        self.hours.count(HourFigure::Requests);
        match status {
            400..=499 => self.hours.count(HourFigure::Refused),
            500.. => self.hours.count(HourFigure::Failed),
            _ => {}
        }
    }

    /// An issued access token.
    pub fn token_issued(&self, grant_type: &'static str) {
        self.tokens.get_or_create(&GrantLabel { grant_type }).inc();
        self.hours.count(HourFigure::Tokens);
    }

    /// A refusal.
    pub fn denied(&self, error: &'static str) {
        self.denials.get_or_create(&ErrorLabel { error }).inc();
    }

    /// A judged credential.
    pub fn verdict(&self, verdict: &'static str) {
        self.verdicts.get_or_create(&VerdictLabel { verdict }).inc();
        self.hours.count(if verdict == "valid" { HourFigure::Valid } else { HourFigure::Invalid });
    }

    /// A log-in refused by the throttle.
    pub fn login_throttled(&self) {
        self.logins_throttled.inc();
    }

    /// A use that the shared counters could not count.
    pub fn uncounted(&self) {
        self.uncounted.inc();
    }

    /// A failure inside.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// Rows removed from a table.
    pub fn purged(&self, table: &'static str, rows: usize) {
        self.purged.get_or_create(&TableLabel { table }).inc_by(u64::try_from(rows).unwrap_or_default());
    }

    /// An alert that was raised.
    pub fn alert_raised(&self, rule: &'static str) {
        self.alerts.get_or_create(&RuleLabel { rule }).inc();
    }

    /// The counter of alerts lost because too many waited.
    pub fn alerts_dropped(&self) -> Counter {
        self.alerts_dropped.clone()
    }

    /// An attempt to deliver an alert, and where its delivery stands now.
    pub fn alert_delivery(&self, outcome: &'static str) {
        self.deliveries.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// An attempt to tell a client of a logout, and where its delivery stands now.
    pub fn logout_delivery(&self, outcome: &'static str) {
        self.logout_deliveries.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// The text form (OpenMetrics 1.0).
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
