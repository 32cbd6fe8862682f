//! Table `search_words`: the words by which things are found, and finding them.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;

use crate::domain::search::{SearchKind, SearchText, words};
use crate::store::connection::{StoreConnection, on_each};
use crate::store::error::StoreError;
use crate::store::schema::search_words;

/// Up to how many rows a term is looked up ahead. A term of more rows is common: a walk in the order of the list meets its
/// rows soon enough.
pub(super) const FEW: i64 = 1_000;

/// A search brought to what a list is filtered by.
#[derive(Debug, Default)]
pub(super) struct Narrowed {
    /// Only among these; None where every term is common.
    pub ids: Option<Vec<String>>,
    /// The terms that each row must still be asked for.
    pub common: Vec<WordRange>,
}

/// The words that begin with a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WordRange {
    /// From here on, the term itself.
    pub from: String,
    /// Up to here.
    pub until: String,
}

impl WordRange {
    fn of(term: &str) -> Self {
        Self { from: term.to_owned(), until: format!("{term}\u{10ffff}") }
    }
}

impl StoreConnection {
    /// Sets the words by which this is found to those of these texts.
    pub(super) fn put_search_words(&mut self, kind: SearchKind, id: &str, texts: &[&str]) -> Result<(), StoreError> {
        let kind = kind.as_str();
        let mine = search_words::table.filter(search_words::kind.eq(kind)).filter(search_words::id.eq(id));
        let before: BTreeSet<String> = mine.select(search_words::word).load(self)?.into_iter().collect();
        let after = words(texts);
        let gone: Vec<&String> = before.difference(&after).collect();
        if !gone.is_empty() {
            diesel::delete(mine.filter(search_words::word.eq_any(gone))).execute(self)?;
        }
        let row = |word| (search_words::kind.eq(kind), search_words::id.eq(id), search_words::word.eq(word));
        let rows: Vec<_> = after.difference(&before).map(row).collect();
        if !rows.is_empty() {
            on_each!(self, |connection| diesel::insert_into(search_words::table).values(&rows).execute(connection))?;
        }
        Ok(())
    }

    /// The identifiers of this kind that have a word in this range, once for each word, at most `limit`. DISTINCT would have
    /// SQLite walk the primary key, which has the identifiers in order, and not the words; without an order PostgreSQL reads
    /// the table from its beginning in the hope of meeting enough of a common word.
    pub(super) fn find_by_word(
        &mut self,
        kind: SearchKind,
        range: &WordRange,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let query = search_words::table
            .filter(search_words::kind.eq(kind.as_str()))
            .filter(search_words::word.ge(&range.from))
            .filter(search_words::word.lt(&range.until))
            .select(search_words::id)
            .order((search_words::word, search_words::id))
            .limit(limit);
        Ok(query.load(self)?)
    }

    /// Brings a search to identifiers and common terms. `find` answers the rows of one term, more than [`FEW`] where it is
    /// common.
    pub(super) fn narrow(
        &mut self,
        search: &SearchText,
        find: impl Fn(&mut Self, &WordRange) -> Result<Vec<String>, StoreError>,
    ) -> Result<Narrowed, StoreError> {
        let mut narrowed = Narrowed::default();
        if search.terms().is_empty() {
            narrowed.ids = Some(Vec::new());
        }
        for range in search.terms().iter().map(|term| WordRange::of(term)) {
            let found = find(self, &range)?;
            if i64::try_from(found.len()).unwrap_or(i64::MAX) > FEW {
                narrowed.common.push(range);
                continue;
            }
            let found: HashSet<String> = found.into_iter().collect();
            narrowed.ids = Some(match narrowed.ids {
                None => found.into_iter().collect(),
                Some(known) => known.into_iter().filter(|id| found.contains(id)).collect(),
            });
        }
        Ok(narrowed)
    }

    /// The same for things that are found by their own words alone.
    pub(super) fn narrow_by_words(&mut self, kind: SearchKind, search: &SearchText) -> Result<Narrowed, StoreError> {
        self.narrow(search, |connection, range| connection.find_by_word(kind, range, FEW + 1))
    }
}

/// Filters a boxed list by what a search was brought to. The rows' own words are asked for.
macro_rules! searched {
    ($query:expr, $kind:expr, $id:expr, $narrowed:expr) => {{
        let mut query = $query;
        for range in $narrowed.common {
            let own = search_words::table
                .filter(search_words::kind.eq($kind.as_str()))
                .filter(search_words::id.eq($id))
                .filter(search_words::word.ge(range.from))
                .filter(search_words::word.lt(range.until));
            query = query.filter(diesel::dsl::exists(own));
        }
        match $narrowed.ids {
            Some(ids) => query.filter($id.eq_any(ids)),
            None => query,
        }
    }};
}
pub(super) use searched;
