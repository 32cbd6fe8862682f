//! The options of a list that is searched.

use clap::Args;

use crate::domain::client::Status;
use crate::domain::page::PageRequest;
use crate::domain::search::{ListFilter, SearchText};

/// Which rows to list.
#[derive(Args)]
pub struct ListArgs {
    /// Only with words in name or identifier that begin like these.
    #[arg(long)]
    search: Option<String>,
    /// Only in this status: active, inactive or revoked.
    #[arg(long, value_parser = |text: &str| Status::parse(text).ok_or("not a status: active, inactive or revoked"))]
    status: Option<Status>,
    /// Behind this identifier.
    #[arg(long)]
    cursor: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = PageRequest::MAX_LIMIT)]
    limit: i64,
}

impl ListArgs {
    /// What they ask for.
    pub fn read(self) -> (ListFilter, PageRequest) {
        let search = self.search.as_deref().and_then(SearchText::parse);
        (ListFilter { search, status: self.status }, PageRequest::new(self.cursor, Some(self.limit)))
    }
}
