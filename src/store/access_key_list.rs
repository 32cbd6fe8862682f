//! Lists of `access_keys`: filtered, searched and ordered. The keys of a page are found in an index that holds what they are
//! filtered by, and only these are read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::domain::access_key::AccessKey;
use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder, AccessKeyPlace};
use crate::domain::page::{Page, PageRequest};
use crate::domain::search::{SearchKind, SearchText};
use crate::store::access_key_walk::{LAST_USE, Owned, Walk, behind, ordered, place_of, with_words};
use crate::store::access_keys::AccessKeyRow;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;
use crate::store::rows::to_micros;
use crate::store::schema::access_keys;
use crate::store::search_words::{FEW, Narrowed, WordRange};

/// Most owners whose keys are looked up ahead for one term.
const FEW_OWNERS: i64 = 100;

/// Up to how many keys that were not used for long are sorted; among more, a walk in the order of the list meets them soon.
const FEW_UNUSED: i64 = 5_000;

/// Keys that are asked for a page with several common terms. Some such terms are hardly ever met together, and would have
/// every key asked: the page after goes on.
const STEP: i64 = 2_000;

/// The last key of a step, and the first beyond it.
struct Step {
    last: AccessKeyPlace,
    beyond: AccessKeyPlace,
}

impl StoreConnection {
    /// A page of keys. With several common terms it can be empty and have a page behind it all the same.
    pub fn list_access_keys(
        &mut self,
        filter: &AccessKeyFilter,
        order: AccessKeyOrder,
        page: &PageRequest,
        now: DateTime<Utc>,
    ) -> Result<Page<AccessKey>, StoreError> {
        let narrowed = match &filter.search {
            Some(search) => self.narrow_access_keys(search, &filter.owner_kinds)?,
            None => Narrowed::default(),
        };
        let terms = self.owners_of_terms(narrowed.common, &filter.owner_kinds)?;
        let long_unused = match filter.last_used_before {
            Some(before) => self.are_few_last_used(before)?,
            None => false,
        };
        let mut owned = None;
        if let Some(owner) = &filter.owner_id {
            owned = Some(Owned { owner, few: self.find_few_keys_of_owner(owner)? });
        }
        let after = page.after.as_deref().and_then(|cursor| order.place(cursor));
        let walk = Walk { filter, owned, found: narrowed.ids, order, after, long_unused, now };
        let step = if terms.len() > 1 && walk.found.is_none() { self.end_of_step(&walk)? } else { None };
        let mut query = with_words(walk.query().limit(page.limit + 1), terms);
        if let Some(Step { beyond, .. }) = &step {
            query = behind(query, order.reversed(), beyond.clone());
        }
        let ids: Vec<String> = ordered(query, order, long_unused).load(self)?;
        let mut keys: HashMap<String, AccessKey> = self.find_access_keys(&ids)?;
        // One that is deleted in between is missing from its page, and the next page begins where it should.
        let rows: Vec<AccessKey> = ids.iter().filter_map(|id| keys.remove(id)).collect();
        let mut found = Page::from_rows(rows, page.limit, |key| order.cursor(&place_of(key, order.by)));
        if found.next_cursor.is_none() {
            found.next_cursor = step.map(|step| order.cursor(&step.last));
        }
        Ok(found)
    }

    /// Where a step of this walk ends; None where the walk ends before.
    fn end_of_step(&mut self, walk: &Walk<'_>) -> Result<Option<Step>, StoreError> {
        let query = walk.query().limit(2).offset(STEP - 1);
        let ids: Vec<String> = ordered(query, walk.order, walk.long_unused).load(self)?;
        let keys = self.find_access_keys(&ids)?;
        let place = |number: usize| Some(place_of(keys.get(ids.get(number)?)?, walk.order.by));
        // Of a key that was deleted in between nothing is known: then the whole walk is gone.
        Ok(place(0).zip(place(1)).map(|(last, beyond)| Step { last, beyond }))
    }

    /// Which kinds of owners have words of these terms.
    fn owners_of_terms(
        &mut self,
        terms: Vec<WordRange>,
        owners: &[SearchKind],
    ) -> Result<Vec<(WordRange, Vec<SearchKind>)>, StoreError> {
        let mut found = Vec::with_capacity(terms.len());
        for range in terms {
            let mut kinds = vec![SearchKind::AccessKey];
            for &kind in owners {
                if !self.find_by_word(kind, &range, 1)?.is_empty() {
                    kinds.push(kind);
                }
            }
            found.push((range, kinds));
        }
        Ok(found)
    }

    /// Were so few keys last used before this time that it pays to begin with them?
    fn are_few_last_used(&mut self, before: DateTime<Utc>) -> Result<bool, StoreError> {
        let query = access_keys::table
            .filter(sql::<BigInt>(LAST_USE).lt(to_micros(before)))
            .select(access_keys::id)
            .limit(FEW_UNUSED + 1);
        let found: Vec<String> = query.load(self)?;
        Ok(i64::try_from(found.len()).unwrap_or(i64::MAX) <= FEW_UNUSED)
    }

    fn find_access_keys(&mut self, ids: &[String]) -> Result<HashMap<String, AccessKey>, StoreError> {
        let query = access_keys::table.filter(access_keys::id.eq_any(ids)).select(AccessKeyRow::as_select());
        let keys = query.load(self)?.into_iter().map(AccessKey::try_from);
        keys.map(|key| key.map(|key| (key.id.0.clone(), key))).collect()
    }

    fn narrow_access_keys(&mut self, search: &SearchText, owners: &[SearchKind]) -> Result<Narrowed, StoreError> {
        self.narrow(search, |connection, range| {
            let mut found = connection.find_by_word(SearchKind::AccessKey, range, FEW + 1)?;
            for &kind in owners {
                let left = FEW + 1 - i64::try_from(found.len()).unwrap_or(i64::MAX);
                if left <= 0 {
                    break;
                }
                let found_owners = connection.find_by_word(kind, range, FEW_OWNERS + 1)?;
                if i64::try_from(found_owners.len()).unwrap_or(i64::MAX) > FEW_OWNERS {
                    // Too many to look up each: what they own is asked for row by row.
                    found.resize(usize::try_from(FEW + 1).unwrap_or_default(), String::new());
                    break;
                }
                found.extend(connection.find_keys_of_owners(kind, found_owners, left)?);
            }
            Ok(found)
        })
    }
}
