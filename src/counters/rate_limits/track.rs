//! What one key used within one window: uses in order of time, close ones merged, so that the memory is bounded.

use std::collections::VecDeque;

use super::{Counted, Window};

/// Uses that follow one within this part of the window are counted together with it.
pub const PARTS: i64 = 256;

/// Uses that leave together.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The latest of them: until it leaves, all are counted. Later than true for the others, never earlier.
    latest: i64,
    /// From the first to the latest, in microseconds.
    span: u32,
    count: u32,
}

/// The uses of one key that count in a window of this length. Times are microseconds.
#[derive(Debug)]
pub struct Track {
    seconds: u32,
    total: u64,
    entries: VecDeque<Entry>,
}

impl Track {
    /// Nothing used yet.
    pub const fn new(seconds: u32) -> Self {
        Self { seconds, total: 0, entries: VecDeque::new() }
    }

    /// The length of its window.
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }

    const fn length(&self) -> i64 {
        self.seconds as i64 * super::SECOND
    }

    /// When the last use leaves; None when there is none.
    pub fn empty_at(&self) -> Option<i64> {
        Some(self.entries.back()?.latest.saturating_add(self.length()))
    }

    /// Where it stands, and when there is room for `cost` more under this limit.
    pub fn look(&mut self, window: Window, cost: u32, now: i64) -> Counted {
        while let Some(oldest) = self.entries.front()
            && oldest.latest.saturating_add(self.length()) <= now
        {
            self.total = self.total.saturating_sub(u64::from(oldest.count));
            self.entries.pop_front();
        }
        let empty_at = self.empty_at().unwrap_or(now);
        let fits = cost == 0 || self.total.saturating_add(u64::from(cost)) <= u64::from(window.limit);
        let room_at = if fits { None } else { Some(self.room_at(window, cost, now)) };
        Counted { total: self.total, empty_at, room_at }
    }

    /// When enough will have left. For a cost above the limit that is never; a whole window is as good an answer as any.
    fn room_at(&self, window: Window, cost: u32, now: i64) -> i64 {
        let Some(most) = window.limit.checked_sub(cost) else { return now.saturating_add(self.length()) };
        let mut left = self.total;
        for entry in &self.entries {
            left = left.saturating_sub(u64::from(entry.count));
            if left <= u64::from(most) {
                return entry.latest.saturating_add(self.length());
            }
        }
        now
    }

    /// Counts this many uses.
    pub fn add(&mut self, cost: u32, now: i64) {
        let length = self.length();
        self.total = self.total.saturating_add(u64::from(cost));
        if let Some(newest) = self.entries.back_mut() {
            // A clock that went backwards frees nothing: the use counts as made at the latest time known.
            let at = now.max(newest.latest);
            let span = at.saturating_sub(newest.latest.saturating_sub(i64::from(newest.span)));
            let merged = newest.count.checked_add(cost).filter(|_| span <= length / PARTS);
            if let (Some(count), Ok(span)) = (merged, u32::try_from(span)) {
                *newest = Entry { latest: at, span, count };
                return;
            }
            self.entries.push_back(Entry { latest: at, span: 0, count: cost });
        } else {
            self.entries.push_back(Entry { latest: now, span: 0, count: cost });
        }
    }

    /// How many entries it holds.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}
