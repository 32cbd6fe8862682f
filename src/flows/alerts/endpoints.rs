//! Where alerts go, worked out from the settings once.

use std::collections::BTreeMap;

use url::Url;

use crate::config::{Config, WebhookConfig};
use crate::crypto::webhook_secret::WebhookSecret;
use crate::outbound::client::{HttpClient, check_target};
use crate::outbound::mail::{MailSettings, Mailer};
use crate::outbound::trust::TrustedRoots;
use crate::outbound::webhook::WebhookTarget;

/// A setting that cannot be used, with the sentence that says which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OpenEndpointsError(String);

/// The endpoints, with what it takes to reach them. Empty where none is configured: then no certificate is read either.
#[derive(Default)]
pub struct AlertEndpoints {
    pub(super) client: Option<HttpClient>,
    pub(super) webhooks: BTreeMap<String, WebhookTarget>,
    pub(super) mailer: Option<Mailer>,
}

impl AlertEndpoints {
    /// From the settings.
    pub fn open(config: &Config) -> Result<Self, OpenEndpointsError> {
        // A file that cannot be read is said at the start, whoever is the first to call out.
        if config.alert_endpoints().next().is_none() && config.outbound.ca_file.is_none() {
            return Ok(Self::default());
        }
        let failed = |error: &dyn std::fmt::Display| OpenEndpointsError(error.to_string());
        let outbound = &config.outbound;
        let roots = TrustedRoots::load(outbound.ca_file.as_deref()).map_err(|error| failed(&error))?;
        let allow_private = outbound.danger_allow_private_targets;
        let webhooks = config
            .webhooks
            .0
            .iter()
            .map(|(name, webhook)| Ok((name.clone(), target(name, webhook, allow_private)?)))
            .collect::<Result<_, OpenEndpointsError>>()?;
        let mail = &config.mail;
        let mailer = match (&mail.smtp_url, &mail.from) {
            (Some(url), Some(from)) => {
                let settings =
                    MailSettings { smtp_url: &url.0, from, to: &mail.to.0, allow_plain: mail.danger_plain_smtp };
                Some(Mailer::new(&settings, &roots).map_err(|error| failed(&error))?)
            }
            _ => None,
        };
        Ok(Self { client: Some(HttpClient::new(&roots, allow_private)), webhooks, mailer })
    }
}

fn target(name: &str, webhook: &WebhookConfig, allow_private: bool) -> Result<WebhookTarget, OpenEndpointsError> {
    let failed = |error: &dyn std::fmt::Display| OpenEndpointsError(format!("webhooks.{name}: {error}"));
    let url = Url::parse(&webhook.url).map_err(|error| failed(&error))?;
    check_target(&url, allow_private).map_err(|error| failed(&error))?;
    let secrets = [&webhook.secret, &webhook.old_secret]
        .into_iter()
        .flatten()
        .map(|secret| WebhookSecret::parse(&secret.0).map_err(|error| failed(&error)))
        .collect::<Result<_, _>>()?;
    Ok(WebhookTarget { url, secrets })
}
