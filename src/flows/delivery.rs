//! The one way in which an outbox is emptied: lease a due delivery, make the attempt outside of any write, record what became
//! of it. At least once: an instance that dies between sending and recording leaves a lease that runs out.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::crypto::random;
use crate::domain::webhook_delivery::{AfterAttempt, AttemptOutcome, DeliveryStatus, after_attempt};
use crate::flows::Server;
use crate::flows::error::Failure;
use crate::store::{StoreConnection, StoreError};

/// How long an attempt may take before another instance makes it: well beyond the limits of client and mailer.
const LEASE: Duration = Duration::from_secs(120);

/// Something in an outbox.
pub trait Delivery: Sized + Send + 'static {
    /// Its identifier.
    fn id(&self) -> &str;

    /// Attempts made, with the one that it is leased for.
    fn attempts(&self) -> i64;

    /// Leases it for one attempt, which is counted; None when somebody else has it.
    fn lease(
        connection: &mut StoreConnection,
        id: &str,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, StoreError>;

    /// Makes the attempt.
    fn send(&self, server: &Server) -> Result<AttemptOutcome, Failure>;

    /// Records what it ended with, for whom still holds the lease.
    fn record(
        &self,
        connection: &mut StoreConnection,
        lease: DateTime<Utc>,
        after: &AfterAttempt,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Counts it, and says aloud when it is given up.
    fn report(&self, server: &Server, after: &AfterAttempt);
}

/// Leases a delivery for one attempt; None when somebody else has it.
pub fn lease<D: Delivery>(server: &Server, id: &str) -> Result<Option<(D, DateTime<Utc>)>, Failure> {
    let (now, id) = (server.clock.now(), id.to_owned());
    let until = now + LEASE;
    let leased = server.store.write(move |connection| D::lease(connection, &id, until, now))?;
    Ok(leased.map(|delivery| (delivery, until)))
}

/// Makes an attempt and records what became of it.
pub fn attempt<D: Delivery>(server: &Server, delivery: D, lease: DateTime<Utc>) -> Result<DeliveryStatus, Failure> {
    let outcome = delivery.send(server)?;
    let [jitter] = random::octets::<1>()?;
    let now = server.clock.now();
    let after = after_attempt(outcome, delivery.attempts(), jitter, now);
    let status = after.status;
    delivery.report(server, &after);
    server.store.write(move |connection| delivery.record(connection, lease, &after, now))?;
    Ok(status)
}
