//! Secrets of webhooks and the signatures made with them (Standard Webhooks: HMAC-SHA-256 over id, timestamp and body).

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// What a secret starts with.
const PREFIX: &str = "whsec_";

/// A text that is no such secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a webhook secret is whsec_ and 24 to 64 octets in base64; make one with: echo whsec_$(openssl rand -base64 32)"
)]
pub struct InvalidWebhookSecret;

/// A secret shared with the receiver of a webhook. No `Debug`.
pub struct WebhookSecret(hmac::Key);

impl WebhookSecret {
    /// Reads the form in which such secrets are handed over.
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidWebhookSecret)?;
        let octets = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?);
        if !(24..=64).contains(&octets.len()) {
            return Err(InvalidWebhookSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &octets)))
    }

    /// The signature of a message, as it stands in `webhook-signature`; `timestamp` in seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id, ".", &timestamp.to_string(), ".", body] {
            context.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_standard_webhooks() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!"] {
            assert!(WebhookSecret::parse(bad).is_err(), "{bad}");
        }
    }
}
