//! Cursor pages: a list is read from a key onwards, so that a page stays right while rows come and go.

use serde::Serialize;

/// Which page of a list is wanted.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Rows strictly behind this key; None from the start.
    pub after: Option<String>,
    /// At most this many rows, 1 to [`PageRequest::MAX_LIMIT`].
    pub limit: i64,
}

impl PageRequest {
    /// Rows of a page where none is asked for.
    pub const DEFAULT_LIMIT: i64 = 50;
    /// Most rows of one page.
    pub const MAX_LIMIT: i64 = 200;

    /// A page request with its limit brought into the allowed range.
    pub fn new(after: Option<String>, limit: Option<i64>) -> Self {
        Self { after, limit: limit.unwrap_or(Self::DEFAULT_LIMIT).clamp(1, Self::MAX_LIMIT) }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Pass as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Builds a page from up to `limit + 1` rows: the extra one only tells that there are more.
    pub fn from_rows(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(1);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(key) } else { None };
        Self { items: rows, next_cursor }
    }

    /// The same page with each row turned into something else.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(turn).collect(), next_cursor: self.next_cursor }
    }
}
