//! Walks along `access_keys`: what is filtered, in which order, from where on. The walk is along an index that holds what it
//! asks for.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use crate::domain::access_key::AccessKey;
use crate::domain::access_key_list::{
    AccessKeyFilter, AccessKeyOrder, AccessKeyPlace, AccessKeySort, EXPIRING_WITHIN, StandingFilter,
};
use crate::domain::client::Status;
use crate::domain::search::SearchKind;
use crate::store::connection::MultiBackend;
use crate::store::rows::to_micros;
use crate::store::schema::{access_key_projects, access_keys, search_words};
use crate::store::search_words::WordRange;

diesel::define_sql_function! {
    /// In lower case, as the index has it.
    fn lower(text: Text) -> Text;
}

/// The end of a key as lists are ordered by it: no end is the last.
const END: &str = "coalesce(access_keys.expires_at, 9223372036854775807)";
/// The last use of a key as lists are ordered by it: none is the first.
pub(super) const LAST_USE: &str = "coalesce(access_keys.last_used_at, 0)";
/// The owner of a key, which has one at most.
const OWNER: &str = "coalesce(access_keys.user_id, access_keys.service_account_id, access_keys.client_id)";
type Condition = Box<dyn BoxableExpression<access_keys::table, MultiBackend, SqlType = Bool>>;
pub(super) type Query<'a> =
    diesel::dsl::IntoBoxed<'a, diesel::dsl::Select<access_keys::table, access_keys::id>, MultiBackend>;

/// Whose keys are wanted.
pub(super) struct Owned<'a> {
    pub owner: &'a str,
    /// All of them, where they are few.
    pub few: Option<Vec<String>>,
}

/// A walk along a list, as far as the keys themselves tell which are wanted.
pub(super) struct Walk<'a> {
    pub filter: &'a AccessKeyFilter,
    pub owned: Option<Owned<'a>>,
    pub found: Option<Vec<String>>,
    pub order: AccessKeyOrder,
    pub after: Option<AccessKeyPlace>,
    pub long_unused: bool,
    pub now: DateTime<Utc>,
}

impl Walk<'_> {
    /// The identifiers of the walk, in no order yet.
    pub fn query(&self) -> Query<'_> {
        let mut query = filtered(access_keys::table.select(access_keys::id).into_boxed(), self.filter, self.now);
        query = match &self.owned {
            None => query,
            Some(Owned { few: Some(ids), .. }) => query.filter(access_keys::id.eq_any(ids)),
            // In no index: the walk in the order of the list soon meets enough of them, and nothing is sorted.
            Some(Owned { owner, few: None }) => query.filter(sql::<Nullable<Text>>(OWNER).eq(*owner).assume_not_null()),
        };
        if let Some(ids) = &self.found {
            query = query.filter(access_keys::id.eq_any(ids));
        }
        match &self.after {
            Some(place) => behind(query, self.order, place.clone()),
            None => query,
        }
    }
}

fn filtered<'a>(mut query: Query<'a>, filter: &'a AccessKeyFilter, now: DateTime<Utc>) -> Query<'a> {
    if let Some(project) = &filter.project {
        let within = access_key_projects::table
            .filter(access_key_projects::project_id.eq(project))
            .select(access_key_projects::access_key_id);
        query = query.filter(access_keys::id.eq_any(within));
    }
    if let Some(environment) = &filter.environment {
        query = query.filter(access_keys::environment.eq(environment));
    }
    let active = access_keys::status.eq(Status::Active.as_str());
    let (now, soon) = (to_micros(now), to_micros(now + EXPIRING_WITHIN));
    query = match filter.standing {
        None => query,
        Some(StandingFilter::Status(status)) => query.filter(access_keys::status.eq(status.as_str())),
        // Asked of the index that orders by it, which needs no row.
        Some(StandingFilter::Expired) => query.filter(active).filter(sql::<BigInt>(END).le(now)),
        Some(StandingFilter::Expiring) => {
            query.filter(active).filter(sql::<BigInt>(END).gt(now)).filter(sql::<BigInt>(END).le(soon))
        }
    };
    if let Some(before) = filter.last_used_before {
        query = query.filter(sql::<BigInt>(LAST_USE).lt(to_micros(before)));
    }
    query
}

/// Common terms: the key, or an owner of one of these kinds, must have a word of each. The limit and offset keep PostgreSQL
/// from reading all words of a term ahead: each row asks for itself, and few rows are looked at.
pub(super) fn with_words(mut query: Query<'_>, terms: Vec<(WordRange, Vec<SearchKind>)>) -> Query<'_> {
    for (WordRange { from, until }, kinds) in terms {
        let of = |kind: SearchKind| {
            search_words::table
                .filter(search_words::kind.eq(kind.as_str()))
                .filter(search_words::word.ge(from.clone()))
                .filter(search_words::word.lt(until.clone()))
                .limit(1)
                .offset(0)
        };
        let id = search_words::id.nullable();
        let mut met: Condition =
            Box::new(exists(of(SearchKind::AccessKey).filter(search_words::id.eq(access_keys::id))));
        for kind in kinds {
            met = match kind {
                SearchKind::AccessKey | SearchKind::Workflow => met,
                SearchKind::User => Box::new(met.or(exists(of(kind).filter(id.eq(access_keys::user_id))))),
                SearchKind::ServiceAccount => {
                    Box::new(met.or(exists(of(kind).filter(id.eq(access_keys::service_account_id)))))
                }
                SearchKind::Client => Box::new(met.or(exists(of(kind).filter(id.eq(access_keys::client_id))))),
            };
        }
        query = query.filter(met);
    }
    query
}

/// Only what comes behind a place. That nothing lies before its value is said first and by itself: an index is entered by it.
pub(super) fn behind(query: Query<'_>, order: AccessKeyOrder, place: AccessKeyPlace) -> Query<'_> {
    let AccessKeyPlace { id, name, micros } = place;
    let time = if order.by == AccessKeySort::Expires { END } else { LAST_USE };
    let time = || sql::<BigInt>(time);
    let (own, named) = (lower(access_keys::name), lower(name));
    match (order.by, order.descending) {
        (AccessKeySort::Created, false) => query.filter(access_keys::id.gt(id)),
        (AccessKeySort::Created, true) => query.filter(access_keys::id.lt(id)),
        (AccessKeySort::Name, false) => {
            let later = own.gt(named.clone()).or(access_keys::id.gt(id));
            query.filter(own.ge(named)).filter(later)
        }
        (AccessKeySort::Name, true) => {
            let later = own.lt(named.clone()).or(access_keys::id.lt(id));
            query.filter(own.le(named)).filter(later)
        }
        (AccessKeySort::Expires | AccessKeySort::LastUsed, false) => {
            let later = time().gt(micros).or(access_keys::id.gt(id));
            query.filter(time().ge(micros)).filter(later)
        }
        (AccessKeySort::Expires | AccessKeySort::LastUsed, true) => {
            let later = time().lt(micros).or(access_keys::id.lt(id));
            query.filter(time().le(micros)).filter(later)
        }
    }
}

/// In this order. Few keys that were not used for long are found in the index of the last use: the others, which know nothing
/// of it, are kept from being walked for them.
pub(super) fn ordered(query: Query<'_>, order: AccessKeyOrder, by_last_use: bool) -> Query<'_> {
    let id = access_keys::id;
    let text = |indexed: &'static str, other: &'static str| sql::<Text>(if by_last_use { other } else { indexed });
    let created = || text("access_keys.id", "access_keys.id || ''");
    let name = || text("lower(access_keys.name)", "lower(access_keys.name) || ''");
    let expires =
        || sql::<BigInt>(if by_last_use { "coalesce(access_keys.expires_at, 9223372036854775807) + 0" } else { END });
    let used = || sql::<BigInt>(LAST_USE);
    match (order.by, order.descending) {
        (AccessKeySort::Created, false) => query.order(created().asc()),
        (AccessKeySort::Created, true) => query.order(created().desc()),
        (AccessKeySort::Name, false) => query.order((name().asc(), id.asc())),
        (AccessKeySort::Name, true) => query.order((name().desc(), id.desc())),
        (AccessKeySort::Expires, false) => query.order((expires().asc(), id.asc())),
        (AccessKeySort::Expires, true) => query.order((expires().desc(), id.desc())),
        (AccessKeySort::LastUsed, false) => query.order((used().asc(), id.asc())),
        (AccessKeySort::LastUsed, true) => query.order((used().desc(), id.desc())),
    }
}

pub(super) fn place_of(key: &AccessKey, by: AccessKeySort) -> AccessKeyPlace {
    let micros = match by {
        AccessKeySort::Created | AccessKeySort::Name => 0,
        AccessKeySort::Expires => key.expires_at.map_or(i64::MAX, to_micros),
        AccessKeySort::LastUsed => key.last_used_at.map_or(0, to_micros),
    };
    AccessKeyPlace { id: key.id.0.clone(), name: key.name.clone(), micros }
}
