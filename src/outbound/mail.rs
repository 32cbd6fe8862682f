//! Mail over SMTP: TLS from the start (`smtps`) or by STARTTLS (`smtp`); in the clear only where it is allowed.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::outbound::trust::TrustedRoots;

/// Longest wait for each step of the conversation.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of mail that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMail(String);

/// A way to send mail to whoever hears of alerts.
pub struct Mailer {
    transport: SmtpTransport,
    from: Mailbox,
    to: Vec<Mailbox>,
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

fn mailbox(text: &str) -> Result<Mailbox, InvalidMail> {
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
        let to = settings.to.iter().map(|address| mailbox(address)).collect::<Result<_, _>>()?;
        Ok(Self { transport: builder.build(), from: mailbox(settings.from)?, to })
    }

    /// Sends a text to every receiver. `id` is the same for the same message, so that a repeated one is seen as such.
    pub fn send(&self, id: &str, subject: &str, text: String) -> Result<(), String> {
        let id = format!("<{id}@{}>", self.from.email.domain());
        let message = self
            .to
            .iter()
            .fold(Message::builder().from(self.from.clone()), |message, to| message.to(to.clone()))
            .subject(subject)
            .message_id(Some(id))
            .body(text)
            .map_err(|_| "the message could not be made".to_owned())?;
        self.transport.send(&message).map(drop).map_err(|error| in_words(&error))
    }
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
