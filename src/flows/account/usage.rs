//! How much somebody's own access keys and personal tokens were used, all together and each by itself.

use crate::domain::access_key_list::{AccessKeyFilter, AccessKeyOrder};
use crate::domain::page::PageRequest;
use crate::domain::usage::{SecretUse, UsageCount, UsageKey, day_of};
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
    let read = server.store.read(|connection| {
        let filter = AccessKeyFilter { owner_id: Some(user_id.clone()), ..AccessKeyFilter::default() };
        let keys = connection.list_access_keys(&filter, AccessKeyOrder::default(), &page, now)?.items;
        let tokens = connection.list_personal_tokens(&user_id, &page, now)?.items;
        let keys = keys.into_iter().map(|key| (key.id.0, key.name));
        let named = keys.chain(tokens.into_iter().map(|token| (token.id.0, token.name)));
        let counted = named.map(|(id, name)| {
            let (rows, uses) = (connection.list_usage(Some(&id), first_day)?, connection.list_secret_uses(&id)?);
            Ok(Counted { id, name, rows, uses })
        });
        counted.collect::<Result<Vec<_>, _>>()
    })?;
    let summary = |one: &Counted| UsageSummary {
        credential_id: one.id.clone(),
        name: one.name.clone(),
        ..UsageSummary::new(first_day, days, &one.rows).used(&one.uses)
    };
    let mut credentials: Vec<_> = read.iter().map(summary).collect();
    credentials.sort_by_key(|summary| std::cmp::Reverse(summary.total_requests));
    let all: Vec<_> = read.into_iter().flat_map(|one| one.rows).collect();
    Ok(OwnUsage { total: UsageSummary::new(first_day, days, &all), credentials })
}

struct Counted {
    id: String,
    name: String,
    rows: Vec<(UsageKey, UsageCount)>,
    uses: Vec<SecretUse>,
}
