//! Mail over SMTP: TLS from the start (`smtps`) or by STARTTLS (`smtp`); in the clear only where it is allowed.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, SmtpTransport, Transport as _};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::outbound::trust::TrustedRoots;

/// Longest wait for each step of the conversation.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most characters of a subject, which is not folded: a line may have 998.
const MAX_SUBJECT: usize = 150;

/// Settings of mail that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMail(String);

/// A way to send mail to whoever hears of alerts.
pub struct Mailer {
    transport: SmtpTransport,
    from: Address,
    to: Vec<Address>,
}

/// How to reach the mail server.
pub struct MailSettings<'a> {
    /// `smtps://user:password@host:465` or `smtp://...:587`.
    pub smtp_url: &'a str,
    /// The sender.
    pub from: &'a str,
    /// The receivers.
    pub to: &'a [String],
    /// Allow a conversation without TLS.
    pub allow_plain: bool,
}

fn address(text: &str) -> Result<Address, InvalidMail> {
    text.parse().map_err(|_| InvalidMail(format!("mail: '{text}' is not an address such as alerts@example.com")))
}

impl Mailer {
    /// Reads the settings; connects to nothing yet.
    pub fn new(settings: &MailSettings<'_>, roots: &TrustedRoots) -> Result<Self, InvalidMail> {
        let bad = |text: &str| InvalidMail(format!("mail.smtp_url {text}"));
        let url = Url::parse(settings.smtp_url).map_err(|_| bad("must be such as smtps://user:password@host:465"))?;
        let host = url.host_str().ok_or_else(|| bad("must have a host"))?.trim_matches(['[', ']']).to_owned();
        let parameters = || {
            let builder = TlsParameters::builder(host.clone()).certificate_store(CertificateStore::None);
            roots
                .iter()
                .filter_map(|der| Certificate::from_der(der.to_owned()).ok())
                .fold(builder, lettre::transport::smtp::client::TlsParametersBuilder::add_root_certificate)
                .build()
                .map_err(|error| bad(&error.to_string()))
        };
        let (tls, port) = match url.scheme() {
            "smtps" => (Tls::Wrapper(parameters()?), 465),
            "smtp" if settings.allow_plain => (Tls::Opportunistic(parameters()?), 25),
            "smtp" => (Tls::Required(parameters()?), 587),
            _ => return Err(bad("must start with smtps:// or smtp://")),
        };
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let builder = SmtpTransport::builder_dangerous(host.clone())
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(TIMEOUT));
        let builder = match url.password() {
            Some(password) => builder.credentials(Credentials::new(decode(url.username()), decode(password))),
            None => builder,
        };
        let to = settings.to.iter().map(|text| address(text)).collect::<Result<_, _>>()?;
        Ok(Self { transport: builder.build(), from: address(settings.from)?, to })
    }

    /// Sends a text to every receiver. `id` is the same for the same message, so that a repeated one is seen as such.
    pub fn send(&self, id: &str, subject: &str, text: &str, now: DateTime<Utc>) -> Result<(), String> {
        let envelope = Envelope::new(Some(self.from.clone()), self.to.clone())
            .map_err(|_| "there is nobody to send to".to_owned())?;
        let message = message(&self.from, &self.to, (id, subject, text), now);
        self.transport.send_raw(&envelope, message.as_bytes()).map(drop).map_err(|error| in_words(&error))
    }
}

/// A message (RFC 5322) of one text in UTF-8. Its body is base64 and its subject ASCII, so that nothing in an alert can end
/// a line, a header or the message.
fn message(from: &Address, to: &[Address], (id, subject, text): (&str, &str, &str), now: DateTime<Utc>) -> String {
    let to = to.iter().map(ToString::to_string).collect::<Vec<_>>().join(",\r\n ");
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let subject: String = subject.chars().map(plain).take(MAX_SUBJECT).collect();
    let encoded = STANDARD.encode(text.replace('\n', "\r\n"));
    let mut message = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: <{id}@{}>\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n",
        now.to_rfc2822(),
        from.domain(),
    );
    // RFC 2045 §6.8: lines of at most 76 characters.
    for (position, character) in encoded.chars().enumerate() {
        if position > 0 && position % 76 == 0 {
            message.push_str("\r\n");
        }
        message.push(character);
    }
    message.push_str("\r\n");
    message
}

/// A sentence without the words of the mail server, which may repeat what it was sent.
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None if error.is_tls() => "TLS to the mail server failed".to_owned(),
        None => "no connection to the mail server".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_an_alert_breaks_out_of_its_place() {
        let from: Address = "grantor@example.com".parse().unwrap();
        let to = ["a@example.com", "b@example.com"].map(|text| text.parse().unwrap());
        let text = "a line\n.\nRSET\nÄ".repeat(20);
        let made = message(&from, &to, ("id-1", "x\r\nBcc: evil@example.com\u{e4}", &text), DateTime::UNIX_EPOCH);
        let (head, body) = made.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Subject: x??Bcc: evil@example.com?\r\n"), "{head}");
        assert!(head.contains("To: a@example.com,\r\n b@example.com\r\n"), "{head}");
        assert!(head.contains("Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <id-1@example.com>"), "{head}");
        assert!(body.lines().all(|line| line.len() <= 76));
        let decoded = STANDARD.decode(body.replace("\r\n", "")).unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap().replace("\r\n", "\n"), text);
    }
}
