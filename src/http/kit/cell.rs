//! The small parts that pages are made of. Each is data, written into HTML by one template: nothing that somebody typed is
//! ever markup.

use chrono::{DateTime, SecondsFormat, Utc};

/// What something looks like in a table or a list of facts.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Nothing: shown as a dash.
    Nothing,
    /// Text.
    Text(String),
    /// An identifier, a scope, an address.
    Code(String),
    /// Several of those.
    Codes(Vec<String>),
    /// Text that leads somewhere on this server: address below the issuer, then the text.
    Link(String, String),
    /// A time, shown in the reader's zone where scripts run, else in UTC.
    Time(DateTime<Utc>),
    /// A number, aligned to the right.
    Number(String),
    /// A state.
    Badge(Tone, String),
    /// A small form of one button: a change that needs no confirmation.
    Button(Button),
    /// Several in one place.
    Several(Vec<Cell>),
}

/// How a state or a notice is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong, ended.
    Bad,
    /// Neither.
    Plain,
}

impl Tone {
    /// Its class in the stylesheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// A form of hidden fields and one button.
#[derive(Debug, Clone)]
pub struct Button {
    /// Where it posts to, below the issuer.
    pub action: String,
    /// What it says.
    pub label: String,
    /// Hidden fields.
    pub fields: Vec<(&'static str, String)>,
    /// A stable id.
    pub id: Option<String>,
}

impl Cell {
    /// Text, or nothing.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }

    /// An identifier.
    pub fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }

    /// Text that leads somewhere.
    pub fn link(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link(href.into(), text.into())
    }

    /// A time, where there is one.
    pub fn time(time: Option<DateTime<Utc>>) -> Self {
        time.map_or(Self::Nothing, Self::Time)
    }

    /// A number.
    pub fn number(number: impl std::fmt::Display) -> Self {
        Self::Number(number.to_string())
    }

    /// Text where there is some.
    pub fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }
}

/// The beginning of a text, with an ellipsis where it is longer than so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

/// How many octets a text takes in HTML.
pub fn written(text: &str) -> usize {
    text.len() + 4 * text.bytes().filter(|byte| b"&<>\"'".contains(byte)).count()
}

/// A time as machines read it.
pub fn iso(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A time as people read it where no script runs.
pub fn in_utc(time: &DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}
