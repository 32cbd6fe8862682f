//! Reading how an access key or a client is used.

use crate::domain::denial::Denial;
use crate::domain::usage::day_of;
use crate::domain::usage_summary::UsageSummary;
use crate::flows::caller::Caller;
use crate::flows::error::{FlowError, FlowResult};
use crate::flows::{Server, access_keys};

/// How many days a summary covers where nobody says.
pub const DEFAULT_DAYS: i64 = 30;
/// How many days a summary may cover.
const DAYS: std::ops::RangeInclusive<i64> = 7..=400;

/// The use of an access key over the last `days` days, today included. People see that of their own keys.
pub fn of_access_key(server: &Server, caller: &Caller, id: &str, days: i64) -> FlowResult<UsageSummary> {
    let key = access_keys::find_to_read_usage(server, caller, id)?;
    let summary = summarize(server, id, key.name, days)?;
    Ok(UsageSummary {
        last_used_at: key.last_used_at,
        last_used_address: key.last_used_address.map(|address| address.to_string()),
        ..summary
    })
}

/// The use of a client over the last `days` days, today included.
pub fn of_client(server: &Server, caller: &Caller, client_id: &str, days: i64) -> FlowResult<UsageSummary> {
    caller.require("usage:read")?;
    let client = server.store.read(|connection| connection.find_client(client_id))?;
    let client = client.ok_or(FlowError::Denied(Denial::NotFound("client")))?;
    summarize(server, client_id, client.client_name, days)
}

/// Refuses a span that is too short to say something or too long to sum up.
pub(in crate::flows) fn check_days(days: i64) -> Result<(), Denial> {
    if DAYS.contains(&days) {
        return Ok(());
    }
    Err(Denial::MalformedRequest(format!("days must be {} to {}", DAYS.start(), DAYS.end())))
}

fn summarize(server: &Server, id: &str, name: String, days: i64) -> FlowResult<UsageSummary> {
    check_days(days)?;
    let first_day = day_of(server.clock.now()) - days + 1;
    let (rows, uses) = server
        .store
        .read(|connection| Ok((connection.list_usage(Some(id), first_day)?, connection.list_secret_uses(id)?)))?;
    let summary = UsageSummary::new(first_day, days, &rows).used(&uses);
    Ok(UsageSummary { credential_id: id.to_owned(), name, ..summary })
}
