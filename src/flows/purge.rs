//! Removing what has expired, in small batches, so that no purge holds the database for long. It can stop after any batch.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::flows::error::FlowResult;
use crate::flows::{Server, audit_purge, clients, registration, signing_keys};
use crate::store::{StoreConnection, StoreError};

/// Rows of one batch, one write each.
const BATCH: i64 = 500;
/// For how long expired codes and ended secrets are kept: a late replay is still recognised as one.
const KEEP: Duration = Duration::from_secs(86_400);

/// For how long ended personal tokens are kept: their owner is shown the use of that many days.
const KEEP_TOKENS: Duration = Duration::from_secs(31 * 86_400);
/// For how long figures by hour are kept.
const KEEP_HOURS: Duration = Duration::from_secs(8 * 86_400);

type Purge = fn(&mut StoreConnection, DateTime<Utc>, i64) -> Result<usize, StoreError>;

/// Removes expired rows of every table; `keep_going` is asked between batches. Answers how many rows went.
pub fn purge(server: &Server, keep_going: &dyn Fn() -> bool) -> FlowResult<usize> {
    let now = server.clock.now();
    let tables: [(&'static str, Purge, DateTime<Utc>); 21] = [
        ("console_sessions", StoreConnection::purge_console_sessions, now),
        ("device_authorizations", StoreConnection::purge_device_authorizations, now - KEEP),
        ("pushed_requests", StoreConnection::purge_pushed_requests, now),
        ("used_assertions", StoreConnection::purge_used_assertions, now),
        ("authorization_codes", StoreConnection::purge_authorization_codes, now - KEEP),
        ("refresh_tokens", StoreConnection::purge_refresh_tokens, now),
        ("grants", StoreConnection::purge_grants, now - KEEP),
        ("revoked_access_tokens", StoreConnection::purge_revoked_access_tokens, now),
        ("login_sessions", StoreConnection::purge_login_sessions, now),
        ("personal_tokens", StoreConnection::purge_personal_tokens, now - KEEP_TOKENS),
        ("client_secrets", StoreConnection::purge_client_secrets, now - KEEP),
        ("access_key_secrets", StoreConnection::purge_access_key_secrets, now - KEEP),
        ("usage_days", StoreConnection::purge_usage, now - server.config.usage.retention),
        ("hour_figures", StoreConnection::purge_hours, now - KEEP_HOURS),
        ("secret_uses", StoreConnection::purge_secret_uses, now - server.config.usage.address_retention),
        ("webhook_deliveries", StoreConnection::purge_webhook_deliveries, now - server.config.alerts.retention),
        ("logout_deliveries", StoreConnection::purge_logout_deliveries, now - server.config.alerts.retention),
        ("alerts", StoreConnection::purge_alerts, now - server.config.alerts.retention),
        ("registration_tokens", StoreConnection::purge_registration_tokens, now - KEEP),
        ("alert_silences", StoreConnection::purge_alert_silences, now),
        ("refusals", StoreConnection::purge_refusals, now - server.config.audit.refusal_retention),
    ];
    let mut total = 0;
    for (table, purge, until) in tables {
        let mut removed = 0;
        while keep_going() {
            let batch = server.store.write(move |connection| {
                connection.lift_statement_timeout()?;
                purge(connection, until, BATCH)
            })?;
            removed += batch;
            if i64::try_from(batch).unwrap_or_default() < BATCH {
                break;
            }
            if removed % 50_000 < usize::try_from(BATCH).unwrap_or(1) {
                log::info!("purge: {removed} rows of {table} so far");
            }
        }
        if removed > 0 {
            log::info!("purge: {removed} expired rows of {table} removed");
            server.metrics.purged(table, removed);
        }
        total += removed;
    }
    total += registration::remove_unused(server, keep_going)?;
    total += clients::remove_deleted(server, keep_going)?;
    total += signing_keys::remove_expired(server)?;
    Ok(total + audit_purge::purge(server, keep_going)?)
}
