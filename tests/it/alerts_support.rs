//! What alerts are sent to in tests: an HTTP receiver and a mail server, both on the loopback and both as simple as can be.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use grantor::config::{Config, HiddenText, WebhookConfig};
use grantor::domain::alert::{AlertRule, AlertSubject, NewAlert};
use grantor::domain::page::PageRequest;
use grantor::domain::webhook_delivery::{DeliveryFilter, WebhookDelivery};
use grantor::flows::alerts;
use grantor::flows::caller::Caller;
use serde_json::{Value, json};

use crate::support::*;

/// The secret of the webhook `ops`.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The one before.
pub const OLD_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its first line.
    pub line: String,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Received {
    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// How a receiver answers: it is given the number of the request, from 0, and the connection.
pub type Reply = Box<dyn Fn(usize, &mut TcpStream) + Send>;

/// A receiver of webhooks. Its thread ends with the process.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// One that answers as told.
    pub fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let inside = Arc::clone(&received);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                if let Some(request) = read_request(&stream) {
                    inside.lock().unwrap().push(request);
                    reply(number, &mut stream);
                }
            }
        });
        Self { address, received }
    }

    /// One that answers with these statuses in turn, and with the last from then on.
    pub fn with_statuses(statuses: &'static [u16]) -> Self {
        Self::start(Box::new(move |number, stream| {
            let status = statuses[number.min(statuses.len() - 1)];
            let _ = write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }))
    }

    /// What has arrived.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { line: lines[0].clone(), headers, body: String::from_utf8(body).unwrap() })
}

/// Adds the webhook `ops` at this address.
pub fn ops(config: &mut Config, address: SocketAddr) {
    config.outbound.danger_allow_private_targets = true;
    let webhook = WebhookConfig {
        url: format!("http://{address}/hook"),
        secret: Some(HiddenText(SECRET.to_owned())),
        ..WebhookConfig::default()
    };
    config.webhooks.0.insert("ops".to_owned(), webhook);
}

/// An alert about a client.
pub fn alert(test: &TestServer, id: &str) -> NewAlert {
    let subject = AlertSubject::new("client", id);
    NewAlert::new(AlertRule::ErrorShare, subject, json!({ "requests": 100, "errors": 6 }), test.clock.now())
}

/// Makes every attempt that is due; answers how many.
pub fn deliver(test: &TestServer) -> usize {
    alerts::deliver_due(&test.server, &|| true).unwrap()
}

/// Every delivery, newest first.
pub fn deliveries(test: &TestServer) -> Vec<WebhookDelivery> {
    let page = PageRequest::new(None, Some(200));
    alerts::list_deliveries(&test.server, &Caller::command_line(), &DeliveryFilter::default(), &page).unwrap().items
}

/// A mail server that takes everything; answers with what was said to it. `refuse` is answered to each recipient instead.
pub struct MailServer {
    /// Where it listens.
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Starts it.
    pub fn start(refuse: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let inside = Arc::clone(&mails);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                converse(stream.unwrap(), refuse, &inside);
            }
        });
        Self { address, mails }
    }

    /// The conversations that held a mail, commands and all.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

/// A mail is noted before it is acknowledged: whoever has the answer can look for it.
fn converse(mut stream: TcpStream, refuse: Option<&str>, mails: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut said = String::new();
    stream.write_all(b"220 mail.test ESMTP\r\n").ok()?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            break;
        }
        said.push_str(&line);
        let answer = match line.split_whitespace().next().unwrap_or_default() {
            "EHLO" => "250-mail.test\r\n250 8BITMIME",
            "RCPT" => refuse.unwrap_or("250 ok"),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").ok()?;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).ok()?;
                    if line == ".\r\n" {
                        break;
                    }
                    said.push_str(&line);
                }
                mails.lock().unwrap().push(said.clone());
                "250 taken"
            }
            "QUIT" => {
                let _ = stream.write_all(b"221 bye\r\n");
                break;
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
    }
    Some(())
}
