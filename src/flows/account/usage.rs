//! How much somebody's own access keys and personal tokens were used, all together and each by itself.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder};
use crate::domain::page::PageRequest;
use crate::domain::usage::day_of;
use crate::domain::usage_summary::UsageSummary;
use crate::flows::Server;
use crate::flows::account::Person;
use crate::flows::error::FlowResult;
use crate::flows::usage_summaries::check_days;
use crate::store::{StoreConnection, StoreError};

/// How many credentials are shown each by itself.
const SHOWN: usize = 50;

/// The use of everything that is somebody's own.
pub struct OwnUsage {
    /// Is there any credential that could be used?
    pub has_any: bool,
    /// All together, with the tokens that ended within these days.
    pub total: UsageSummary,
    /// The most used credentials, each by itself.
    pub credentials: Vec<UsageSummary>,
    /// How many more were used.
    pub further: usize,
}

/// Sums up the last `days` days, today included.
pub fn of_own(server: &Server, person: &Person, days: i64) -> FlowResult<OwnUsage> {
    check_days(days)?;
    let (user_id, now) = (person.id(), server.clock.now());
    let first_day = day_of(now) - days + 1;
    let rows = server.store.read(|connection| connection.list_usage_of_user(&user_id, first_day))?;
    let total = UsageSummary::new(first_day, days, &rows);
    let mut of_each: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in rows {
        of_each.entry(row.0.credential_id.clone()).or_default().push(row);
    }
    let further = of_each.len().saturating_sub(SHOWN);
    let summary = |(credential_id, rows): (String, Vec<_>)| UsageSummary {
        credential_id,
        ..UsageSummary::new(first_day, days, &rows)
    };
    let mut credentials: Vec<_> = of_each.into_iter().map(summary).collect();
    credentials.sort_by_key(|summary| Reverse(summary.total_requests));
    credentials.truncate(SHOWN);
    let (has_any, credentials) = server.store.read(|connection| {
        let filter = AccessKeyFilter { owner_id: Some(user_id.clone()), ..AccessKeyFilter::default() };
        let one = PageRequest::new(None, Some(1));
        let keys = connection.list_access_keys(&filter, AccessKeyOrder::default(), &one, now)?;
        let has_any = !keys.items.is_empty() || connection.count_personal_tokens(&user_id, now)? > 0;
        let named = credentials.into_iter().map(|summary| name(connection, summary));
        Ok((has_any, named.collect::<Result<Vec<_>, _>>()?))
    })?;
    Ok(OwnUsage { has_any: has_any || !credentials.is_empty(), total, credentials, further })
}

/// With the name of the credential, and when it was last used.
fn name(connection: &mut StoreConnection, summary: UsageSummary) -> Result<UsageSummary, StoreError> {
    let id = &summary.credential_id;
    if let Some(key) = connection.find_access_key(id)? {
        return Ok(UsageSummary { name: key.name, last_used_at: key.last_used_at, ..summary });
    }
    let last_used_at = connection.list_secret_uses(id)?.first().map(|used| used.last_used_at);
    let name = connection.find_personal_token(id)?.map(|(token, _)| token.name).unwrap_or_default();
    Ok(UsageSummary { name, last_used_at, ..summary })
}
