//! Tables: a caption, columns that may sort, filters above, a way to the next page below.

use crate::http::kit::cell::Cell;
use crate::http::kit::form::Field;
use crate::protocol::params::Params;
use url::form_urlencoded::Serializer;

/// A table.
#[derive(Debug, Default)]
pub struct Table {
    /// What it lists: its caption.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with one cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// What is said where there are no rows: what to do next.
    pub empty: String,
    /// Search and filters; a GET form above the table.
    pub filters: Vec<Field>,
    /// The address of the next page, below the issuer.
    pub next: Option<String>,
    /// The address of the first page, where this is another one.
    pub first: Option<String>,
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its heading.
    pub label: String,
    /// The address that sorts by it, and how it sorts now.
    pub sort: Option<(String, Sorted)>,
    /// Numbers stand to the right.
    pub numeric: bool,
}

/// How a column sorts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sorted {
    /// Not at all.
    No,
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Sorted {
    /// How a column sorts: whether the list is ordered by it, and which way.
    pub const fn of(is_by: bool, descending: bool) -> Self {
        match (is_by, descending) {
            (false, _) => Self::No,
            (true, false) => Self::Ascending,
            (true, true) => Self::Descending,
        }
    }

    /// The value of `aria-sort`.
    pub const fn aria(self) -> &'static str {
        match self {
            Self::No => "none",
            Self::Ascending => "ascending",
            Self::Descending => "descending",
        }
    }
}

impl Column {
    /// A column of text.
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: label.into(), sort: None, numeric: false }
    }

    /// A column that sorts the list at this address by a word; the other way around where it does so already.
    pub fn sorting(label: impl Into<String>, (path, query): (&str, &Params), word: &str, now: Sorted) -> Self {
        let next = if now == Sorted::Ascending { format!("-{word}") } else { word.to_owned() };
        Self { sort: Some((with(path, query, "sort", Some(&next)), now)), ..Self::text(label) }
    }

    /// A column of numbers.
    pub fn number(label: impl Into<String>) -> Self {
        Self { numeric: true, ..Self::text(label) }
    }
}

impl Table {
    /// An empty table of these columns.
    pub fn new(caption: impl Into<String>, columns: impl IntoIterator<Item = String>) -> Self {
        let columns = columns.into_iter().map(Column::text).collect();
        Self { caption: caption.into(), columns, ..Self::default() }
    }

    /// The same with these rows.
    pub fn rows(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows = rows.into_iter().collect();
        self
    }

    /// The same with what is said where there are none.
    pub fn empty(mut self, text: impl Into<String>) -> Self {
        self.empty = text.into();
        self
    }

    /// The same with filters.
    pub fn filters(mut self, filters: Vec<Field>) -> Self {
        self.filters = filters;
        self
    }

    /// The same with its pages: `path` is its address, `query` what it was asked with, `next` the cursor of the next page.
    pub fn pages(mut self, path: &str, query: &Params, next: Option<&str>) -> Self {
        self.next = next.map(|cursor| with(path, query, "cursor", Some(cursor)));
        let is_first = query.optional("cursor").ok().flatten().is_none();
        self.first = (!is_first).then(|| with(path, query, "cursor", None));
        self
    }
}

/// An address with its query, one parameter changed or removed.
pub fn with(path: &str, query: &Params, name: &str, value: Option<&str>) -> String {
    let mut changed = Serializer::new(String::new());
    let kept = query.iter().filter(|(known, kept)| *known != name && *known != "done" && !kept.is_empty());
    changed.extend_pairs(kept);
    if let Some(value) = value {
        changed.append_pair(name, value);
    }
    let changed = changed.finish();
    if changed.is_empty() { path.to_owned() } else { format!("{path}?{changed}") }
}
