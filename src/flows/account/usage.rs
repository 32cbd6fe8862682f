//! How much somebody's own access keys and personal tokens were used, all together and each by itself.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder};
use crate::domain::page::PageRequest;
use crate::domain::usage::day_of;
use crate::domain::usage_summary::UsageSummary;
use crate::flows::Server;
use crate::flows::account::Person;
use crate::flows::error::FlowResult;
use crate::flows::usage_summaries::check_days;

/// The use of everything that is somebody's own.
pub struct OwnUsage {
    /// All together.
    pub total: UsageSummary,
    /// Each credential by itself, the most used first. At most as many as one page of a list holds.
    pub credentials: Vec<UsageSummary>,
}

/// Sums up the last `days` days, today included.
pub fn of_own(server: &Server, person: &Person, days: i64) -> FlowResult<OwnUsage> {
    check_days(days)?;
    let (user_id, now) = (person.id(), server.clock.now());
    let first_day = day_of(now) - days + 1;
    let page = PageRequest::new(None, Some(PageRequest::MAX_LIMIT));
    let (owned, rows) = server.store.read(|connection| {
        let filter = AccessKeyFilter { owner_id: Some(user_id.clone()), ..AccessKeyFilter::default() };
        let mut owned = Vec::new();
        for key in connection.list_access_keys(&filter, AccessKeyOrder::default(), &page, now)?.items {
            owned.push(Owned { id: key.id.0, name: key.name, last_used_at: key.last_used_at });
        }
        for token in connection.list_personal_tokens(&user_id, &page, now)?.items {
            let last = connection.list_secret_uses(token.id.as_str())?.first().map(|used| used.last_used_at);
            owned.push(Owned { id: token.id.0, name: token.name, last_used_at: last });
        }
        let ids: Vec<&str> = owned.iter().map(|one| one.id.as_str()).collect();
        let rows = connection.list_usage_of(&ids, first_day)?;
        Ok((owned, rows))
    })?;
    let total = UsageSummary::new(first_day, days, &rows);
    let mut of_each: HashMap<String, Vec<_>> = HashMap::new();
    for row in rows {
        of_each.entry(row.0.credential_id.clone()).or_default().push(row);
    }
    let summary = |one: Owned| {
        let last_used_at = one.last_used_at;
        let rows = of_each.get(&one.id).map(Vec::as_slice).unwrap_or_default();
        let summary = UsageSummary::new(first_day, days, rows);
        UsageSummary { credential_id: one.id, name: one.name, last_used_at, ..summary }
    };
    let mut credentials: Vec<_> = owned.into_iter().map(summary).collect();
    credentials.sort_by_key(|summary| std::cmp::Reverse(summary.total_requests));
    Ok(OwnUsage { total, credentials })
}

/// A credential of somebody's own.
struct Owned {
    id: String,
    name: String,
    last_used_at: Option<DateTime<Utc>>,
}
