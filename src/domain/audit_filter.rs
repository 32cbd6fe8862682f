//! Which audit events are wanted, and putting one page together from several looks at the log.

use chrono::{DateTime, Utc};

use crate::domain::audit_event::AuditEvent;
use crate::domain::page::{Page, PageRequest};

/// Fewest characters of a search that also finds what only begins with them.
pub const MIN_PREFIX: usize = 3;

/// Which events are wanted. All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// With exactly this action.
    pub action: Option<String>,
    /// Of this class.
    pub class: Option<String>,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    /// By an actor of this kind.
    pub actor_kind: Option<String>,
    /// By this actor.
    pub actor_id: Option<String>,
    /// On a target of this kind.
    pub target_kind: Option<String>,
    /// On this target.
    pub target_id: Option<String>,
    /// Through this client.
    pub client_id: Option<String>,
    /// From this address.
    pub address: Option<String>,
    /// In this request.
    pub request_id: Option<String>,
    /// Not before this time.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// An action, actor, target, client, address or request; from [`MIN_PREFIX`] characters on also how one begins.
    pub search: Option<String>,
    /// Where the search is the name of a user: what is theirs is found, too. Events name people by their identifiers.
    pub person: Option<String>,
    /// In the order of the log; else newest first.
    pub oldest_first: bool,
}

/// One look at the log: some of what is wanted, in order, and how far it saw.
#[derive(Debug)]
pub struct Look {
    /// What it found.
    pub events: Vec<AuditEvent>,
    /// It has seen everything up to this event; None where it has seen everything.
    pub reached: Option<i64>,
}

impl AuditFilter {
    /// One page from several looks. What not every look has reached is left to the next page, so that a page can be short
    /// or empty and still not be the last.
    pub fn page(&self, looks: Vec<Look>, page: &PageRequest) -> Page<AuditEvent> {
        let reached = looks.iter().filter_map(|look| look.reached);
        let reached = if self.oldest_first { reached.min() } else { reached.max() };
        let is_seen = |event: &AuditEvent| match reached {
            None => true,
            Some(reached) if self.oldest_first => event.id <= reached,
            Some(reached) => event.id >= reached,
        };
        let mut events: Vec<AuditEvent> = looks.into_iter().flat_map(|look| look.events).filter(is_seen).collect();
        events.sort_unstable_by_key(|event| if self.oldest_first { event.id } else { -event.id });
        events.dedup_by_key(|event| event.id);
        let mut page = Page::from_rows(events, page.limit, |event| event.id.to_string());
        page.next_cursor = page.next_cursor.or(reached.map(|reached| reached.to_string()));
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64) -> AuditEvent {
        AuditEvent {
            id,
            occurred_at: DateTime::UNIX_EPOCH,
            action: "login.failed".to_owned(),
            outcome: "failure".to_owned(),
            actor_kind: "anonymous".to_owned(),
            actor_id: None,
            target_kind: None,
            target_id: None,
            client_id: None,
            address: None,
            user_agent: None,
            request_id: None,
            detail: None,
            sequence: None,
            class: None,
            hash: None,
        }
    }

    fn look(ids: &[i64], reached: Option<i64>) -> Look {
        Look { events: ids.iter().copied().map(event).collect(), reached }
    }

    fn page(oldest_first: bool, looks: Vec<Look>, limit: i64) -> (Vec<i64>, Option<String>) {
        let filter = AuditFilter { oldest_first, ..AuditFilter::default() };
        let page = filter.page(looks, &PageRequest { after: None, limit });
        (page.items.iter().map(|event| event.id).collect(), page.next_cursor)
    }

    #[test]
    fn looks_become_one_page_without_repetition() {
        assert_eq!(page(false, vec![look(&[9, 5], None), look(&[9, 7], None)], 5), (vec![9, 7, 5], None));
        assert_eq!(page(true, vec![look(&[5, 9], None), look(&[7, 9], None)], 5), (vec![5, 7, 9], None));
        assert_eq!(page(false, vec![look(&[9, 5], None), look(&[7], None)], 2), (vec![9, 7], Some("7".to_owned())));
    }

    #[test]
    fn what_one_look_has_not_reached_waits() {
        let looks = vec![look(&[9, 5], Some(4)), look(&[8], Some(6))];
        assert_eq!(page(false, looks, 5), (vec![9, 8], Some("6".to_owned())));
        let looks = vec![look(&[1, 5], Some(7)), look(&[2], Some(3))];
        assert_eq!(page(true, looks, 5), (vec![1, 2], Some("3".to_owned())));
        assert_eq!(page(false, vec![look(&[], Some(6))], 5), (vec![], Some("6".to_owned())));
    }
}
