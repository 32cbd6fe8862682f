//! The settings of alerts, webhooks, mail and of what leaves the server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::config::{Config, ConfigError, HiddenText, fail};
use crate::crypto::webhook_secret::WebhookSecret;
use crate::domain::alert::AlertRule;
use crate::domain::alert_rules::AlertRules;
use crate::domain::webhook_delivery::MAIL_ENDPOINT;

section!(
    /// `[alerts]`
    AlertConfig {
        limit_percent: u32 = 90,
        error_percent: u32 = 5,
        error_min_requests: u64 = 100,
        volume_factor: u32 = 3,
        volume_min_requests: u64 = 1_000,
        new_address: bool = true,
        failed_authentications: u32 = 20,
        #[serde(with = "humantime_serde")]
        failed_authentications_window: Duration = Duration::from_secs(600),
        expiry_notice: Durations = Durations([30, 7, 1].map(|days| Duration::from_secs(days * 86_400)).to_vec()),
        #[serde(with = "humantime_serde")]
        rotation_age: Duration = Duration::from_secs(90 * 86_400),
        #[serde(with = "humantime_serde")]
        cooldown: Duration = Duration::from_secs(3_600),
        #[serde(with = "humantime_serde")]
        retention: Duration = Duration::from_secs(90 * 86_400),
    }
);
section!(
    /// One `[webhooks.NAME]`
    WebhookConfig {
        url: String = String::new(),
        #[serde(skip_serializing)]
        secret: Option<HiddenText> = None,
        #[serde(skip_serializing)]
        old_secret: Option<HiddenText> = None,
        events: Texts = Texts(vec!["*".to_owned()]),
    }
);
section!(
    /// `[mail]`
    MailConfig {
        #[serde(skip_serializing)]
        smtp_url: Option<HiddenText> = None,
        from: Option<String> = None,
        to: Texts = Texts(Vec::new()),
        events: Texts = Texts(vec!["*".to_owned()]),
        danger_plain_smtp: bool = false,
    }
);
section!(
    /// `[outbound]`
    OutboundConfig {
        ca_file: Option<PathBuf> = None,
        danger_allow_private_targets: bool = false,
    }
);

/// `[webhooks]`: name to endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Webhooks(pub BTreeMap<String, WebhookConfig>);

/// Texts: a list in TOML, or one text with commas, as an environment variable must be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Texts(pub Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum ListOrText {
            List(Vec<String>),
            Text(String),
        }
        Ok(Self(match ListOrText::deserialize(deserializer)? {
            ListOrText::List(items) => items,
            ListOrText::Text(text) => {
                text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
            }
        }))
    }
}

/// Times such as "30d", in either form of [`Texts`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durations(pub Vec<Duration>);

impl<'de> Deserialize<'de> for Durations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &String| {
            humantime::parse_duration(text).map_err(|error| serde::de::Error::custom(format!("'{text}': {error}")))
        };
        Texts::deserialize(deserializer)?.0.iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Durations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|time| humantime::format_duration(*time).to_string()))
    }
}

/// Does a list of events hold this one? `*` holds all of them.
pub fn wants(events: &Texts, event_type: &str) -> bool {
    events.0.iter().any(|wanted| wanted == "*" || wanted == event_type)
}

fn check_events(section: &str, events: &Texts) -> Result<(), ConfigError> {
    let known = |event: &str| event == "*" || AlertRule::ALL.iter().any(|rule| rule.event_type() == event);
    match events.0.iter().find(|event| !known(event)) {
        None => Ok(()),
        Some(event) => fail(format!("{section}.events: there is no event '{event}'; '*' is every event")),
    }
}

impl Config {
    /// The thresholds of alerts.
    pub fn alert_rules(&self) -> AlertRules {
        let alerts = &self.alerts;
        AlertRules {
            limit_percent: alerts.limit_percent,
            error_percent: alerts.error_percent,
            error_min_requests: alerts.error_min_requests,
            volume_factor: alerts.volume_factor,
            volume_min_requests: alerts.volume_min_requests,
            new_address: alerts.new_address,
            failed_authentications: alerts.failed_authentications,
            expiry_notice: alerts.expiry_notice.0.clone(),
            rotation_age: alerts.rotation_age,
        }
    }

    /// Every way by which alerts leave, mail included, with the events it wants.
    pub fn alert_endpoints(&self) -> impl Iterator<Item = (&str, &Texts)> {
        let mail = self.mail.smtp_url.is_some().then_some((MAIL_ENDPOINT, &self.mail.events));
        self.webhooks.0.iter().map(|(name, webhook)| (name.as_str(), &webhook.events)).chain(mail)
    }

    pub(super) fn check_alerts(&self) -> Result<(), ConfigError> {
        if self.alerts.limit_percent > 100 || self.alerts.error_percent > 100 {
            return fail("alerts.limit_percent and alerts.error_percent must be at most 100; 0 turns a rule off");
        }
        if self.alerts.volume_factor == 1 {
            return fail("alerts.volume_factor must be 2 or more; 0 turns the rule off");
        }
        if self.alerts.failed_authentications_window.is_zero() {
            return fail("alerts.failed_authentications_window must not be zero");
        }
        for (name, webhook) in &self.webhooks.0 {
            self.check_webhook(name, webhook)?;
        }
        let mail = &self.mail;
        check_events("mail", &mail.events)?;
        if mail.smtp_url.is_some() != mail.from.is_some() || mail.smtp_url.is_some() == mail.to.0.is_empty() {
            return fail("mail.smtp_url, mail.from and mail.to come together");
        }
        Ok(())
    }

    fn check_webhook(&self, name: &str, webhook: &WebhookConfig) -> Result<(), ConfigError> {
        let section = format!("webhooks.{name}");
        let plain_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(plain_name) || name == MAIL_ENDPOINT {
            return fail(format!(
                "'{name}': names of webhooks are letters, digits, '-' and '_', and not '{MAIL_ENDPOINT}'"
            ));
        }
        let allow_http = self.outbound.danger_allow_private_targets;
        match Url::parse(&webhook.url) {
            Ok(url) if url.scheme() == "https" || (allow_http && url.scheme() == "http") => {}
            _ => return fail(format!("{section}.url must be an https URL")),
        }
        let Some(secret) = &webhook.secret else {
            return fail(format!("{section}.secret is missing: its deliveries are signed"));
        };
        for secret in std::iter::once(secret).chain(&webhook.old_secret) {
            if let Err(error) = WebhookSecret::parse(&secret.0) {
                return fail(format!("{section}: {error}"));
            }
        }
        check_events(&section, &webhook.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::from_toml(text).unwrap_err().to_string()
    }

    const SECRET: &str = "secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert!(error("[alerts]\nlimit_percent = 101").contains("at most 100"));
        assert!(error("[alerts]\nexpiry_notice = ['soon']").contains("soon"));
        assert!(error("[webhooks.ops]\nurl = 'https://a.example/'").contains("signed"));
        assert!(error("[webhooks.ops]\nurl = 'https://a.example/'\nsecret = 'x'").contains("whsec_"));
        assert!(error(&format!("[webhooks.ops]\nurl = 'http://a.example/'\n{SECRET}")).contains("https"));
        assert!(error(&format!("[webhooks.mail]\nurl = 'https://a.example/'\n{SECRET}")).contains("names"));
        let unknown = format!("[webhooks.ops]\nurl = 'https://a.example/'\n{SECRET}\nevents = ['alert.nothing']");
        assert!(error(&unknown).contains("alert.nothing"));
        assert!(error("[mail]\nsmtp_url = 'smtps://mail.example'").contains("come together"));
        assert!(error("[mail]\nfrom = 'a@b.example'").contains("come together"));
    }

    #[test]
    fn endpoints_and_what_they_want() {
        let text = format!(
            "[webhooks.ops]\nurl = 'https://a.example/'\n{SECRET}\nevents = 'alert.volume, alert.test'\n\
             [mail]\nsmtp_url = 'smtps://mail.example'\nfrom = 'a@b.example'\nto = ['c@d.example']"
        );
        let config = Config::from_toml(&text).unwrap();
        let endpoints: Vec<_> = config.alert_endpoints().collect();
        assert_eq!(endpoints.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["ops", "mail"]);
        assert!(wants(endpoints[0].1, "alert.volume") && !wants(endpoints[0].1, "alert.new_address"));
        assert!(wants(endpoints[1].1, "alert.new_address"));
        assert!(!format!("{config:?}").contains("MfKQ9r8"));
    }
}
