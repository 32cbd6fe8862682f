//! What a write that is under way leaves for its end: the events that are to be appended, and the key that seals them.

use std::cell::RefCell;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::crypto::audit_key::AuditSealKey;
use crate::domain::audit_event::NewAuditEvent;
use crate::store::connection::StoreConnection;
use crate::store::error::StoreError;

/// What a write that is under way leaves for its end.
#[derive(Default)]
struct Gathered {
    events: Vec<(NewAuditEvent, DateTime<Utc>)>,
    key: Option<Arc<AuditSealKey>>,
}

thread_local! {
    /// A write runs on one thread from its begin to its commit; none is under way where this is None.
    static GATHERED: RefCell<Option<Gathered>> = const { RefCell::new(None) };
}

/// Keeps an event for the end of the write that is under way; gives it back where none is.
pub(super) fn gather(event: &NewAuditEvent, now: DateTime<Utc>) -> Option<&NewAuditEvent> {
    GATHERED.with_borrow_mut(|gathered| match gathered {
        Some(gathered) => {
            gathered.events.push((event.clone(), now));
            None
        }
        None => Some(event),
    })
}

/// Names the key that seals the end of the chain in the write that is under way.
pub(super) fn seal_with(key: Option<Arc<AuditSealKey>>) {
    GATHERED.with_borrow_mut(|gathered| {
        if let Some(gathered) = gathered {
            gathered.key = key;
        }
    });
}

/// That key.
pub(super) fn seal_key() -> Option<Arc<AuditSealKey>> {
    GATHERED.with_borrow(|gathered| gathered.as_ref().and_then(|gathered| gathered.key.clone()))
}

/// Runs a write and then appends the events that it left.
pub(super) fn with_events<T>(
    connection: &mut StoreConnection,
    write: impl FnOnce(&mut StoreConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    /// Restores what was there, also when the write panics.
    struct Restore(Option<Gathered>);
    impl Drop for Restore {
        fn drop(&mut self) {
            GATHERED.set(self.0.take());
        }
    }
    let inner = Gathered { key: seal_key(), ..Gathered::default() };
    let _restore = Restore(GATHERED.replace(Some(inner)));
    let answer = write(connection)?;
    let events =
        GATHERED.with_borrow_mut(|gathered| gathered.as_mut().map(|gathered| std::mem::take(&mut gathered.events)));
    for (event, now) in events.unwrap_or_default() {
        connection.append_audit_event(&event, now)?;
    }
    Ok(answer)
}
