use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;

const MINUTE: Window = Window { limit: 10, seconds: 60 };

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_800_000_000_000_000 + micros).unwrap()
}

fn second(seconds: i64) -> DateTime<Utc> {
    at(seconds * SECOND)
}

fn take(limits: &RateLimits, windows: &[Window], cost: u32, now: DateTime<Utc>) -> RateVerdict {
    limits.take("key", windows, cost, now).unwrap()
}

fn is_allowed(limits: &RateLimits, windows: &[Window], cost: u32, now: DateTime<Utc>) -> bool {
    matches!(take(limits, windows, cost, now), RateVerdict::Allowed(_))
}

fn state(window: Window, remaining: u32, reset_after: u64) -> WindowState {
    WindowState { limit: window.limit, seconds: window.seconds, remaining, reset_after }
}

#[test]
fn a_burst_at_the_edge_of_a_window_cannot_double_it() {
    let limits = RateLimits::in_memory();
    for used in 1..=10 {
        assert_eq!(take(&limits, &[MINUTE], 1, second(59)), RateVerdict::Allowed(vec![state(MINUTE, 10 - used, 60)]));
    }
    for (now, retry_after) in [(59, 60), (60, 59), (118, 1)] {
        let windows = vec![state(MINUTE, 0, retry_after)];
        let refused = RateVerdict::Exceeded { windows, exceeded: MINUTE, retry_after };
        assert_eq!(take(&limits, &[MINUTE], 1, second(now)), refused);
    }
    let close = at(118 * SECOND + 999_999);
    assert!(matches!(take(&limits, &[MINUTE], 1, close), RateVerdict::Exceeded { retry_after: 1, .. }));
    assert!(is_allowed(&limits, &[MINUTE], 10, second(119)));
}

#[test]
fn uses_leave_one_by_one() {
    let limits = RateLimits::in_memory();
    for number in 0..10 {
        assert!(is_allowed(&limits, &[MINUTE], 1, second(number)));
    }
    let refused = take(&limits, &[MINUTE], 1, second(10));
    let windows = vec![state(MINUTE, 0, 59)];
    assert_eq!(refused, RateVerdict::Exceeded { windows, exceeded: MINUTE, retry_after: 50 });
    assert!(matches!(take(&limits, &[MINUTE], 3, second(10)), RateVerdict::Exceeded { retry_after: 52, .. }));
    assert_eq!(limits.peek("key", &[MINUTE], second(62)).unwrap(), [state(MINUTE, 3, 7)]);
    assert!(is_allowed(&limits, &[MINUTE], 3, second(62)));
    assert!(!is_allowed(&limits, &[MINUTE], 1, second(62)));
}

#[test]
fn what_is_refused_by_one_window_is_counted_in_none() {
    let limits = RateLimits::in_memory();
    let hour = Window { limit: 12, seconds: 3600 };
    let both = [MINUTE, hour];
    assert!(is_allowed(&limits, &both, 10, second(0)));
    assert!(!is_allowed(&limits, &both, 1, second(30)));
    assert_eq!(
        take(&limits, &both, 2, second(60)),
        RateVerdict::Allowed(vec![state(MINUTE, 8, 60), state(hour, 0, 3600)])
    );
    let refused = take(&limits, &both, 1, second(61));
    let windows = vec![state(MINUTE, 8, 59), state(hour, 0, 3599)];
    assert_eq!(refused, RateVerdict::Exceeded { windows, exceeded: hour, retry_after: 3539 });
    // Both are full: the one that stays so longer is named.
    let small = [Window { limit: 2, seconds: 60 }, hour];
    assert!(matches!(take(&limits, &small, 1, second(61)), RateVerdict::Exceeded { exceeded, .. } if exceeded == hour));
    assert_eq!(limits.peek("other", &both, second(61)).unwrap(), [state(MINUTE, 10, 0), state(hour, 12, 0)]);
}

#[test]
fn a_cost_of_nothing_looks_and_one_above_the_limit_never_fits() {
    let limits = RateLimits::in_memory();
    assert_eq!(take(&limits, &[MINUTE], 0, second(0)), RateVerdict::Allowed(vec![state(MINUTE, 10, 0)]));
    assert!(matches!(take(&limits, &[MINUTE], 11, second(0)), RateVerdict::Exceeded { retry_after: 60, .. }));
    assert!(matches!(take(&limits, &[MINUTE], u32::MAX, second(0)), RateVerdict::Exceeded { retry_after: 60, .. }));
    let none = Window { limit: 0, seconds: 60 };
    assert!(matches!(take(&limits, &[none], 1, second(0)), RateVerdict::Exceeded { retry_after: 60, .. }));
    assert!(is_allowed(&limits, &[MINUTE], 10, second(0)));
    assert_eq!(take(&limits, &[MINUTE], 0, second(0)), RateVerdict::Allowed(vec![state(MINUTE, 0, 60)]));
    // The limit was lowered since.
    let lower = Window { limit: 4, ..MINUTE };
    assert_eq!(limits.peek("key", &[lower], second(1)).unwrap(), [state(lower, 0, 59)]);
    assert!(matches!(take(&limits, &[lower], 1, second(1)), RateVerdict::Exceeded { retry_after: 59, .. }));
    assert_eq!(take(&limits, &[], 1, second(0)), RateVerdict::Allowed(Vec::new()));
    // Two limits over the same length count a use once.
    let twice = [MINUTE, Window { limit: 5, seconds: 60 }];
    assert_eq!(
        limits.take("twice", &twice, 4, second(0)).unwrap(),
        RateVerdict::Allowed(vec![state(MINUTE, 6, 60), state(twice[1], 1, 60)])
    );
}

#[test]
fn a_clock_that_goes_backwards_frees_nothing() {
    let limits = RateLimits::in_memory();
    assert!(is_allowed(&limits, &[MINUTE], 5, second(100)));
    assert!(is_allowed(&limits, &[MINUTE], 5, second(40)));
    for now in [second(0), second(100), DateTime::<Utc>::MIN_UTC, at(160 * SECOND - 1)] {
        assert!(!is_allowed(&limits, &[MINUTE], 1, now), "{now}");
    }
    assert!(is_allowed(&limits, &[MINUTE], 10, second(160)));
    assert!(is_allowed(&limits, &[MINUTE], 1, DateTime::<Utc>::MAX_UTC));
}

#[test]
fn the_count_is_exact_under_eight_callers() {
    let limits = RateLimits::in_memory();
    let windows = [Window { limit: 1000, seconds: 60 }, Window { limit: 5000, seconds: 3600 }];
    let allowed = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let (limits, allowed) = (&limits, &allowed);
            scope.spawn(move || {
                for number in 0..500 {
                    if is_allowed(limits, &windows, 1, at(number * 10_000 + caller)) {
                        allowed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(allowed.into_inner(), 1000);
}

#[test]
fn entries_are_bounded_however_much_is_used() {
    let window = Window { limit: u32::MAX, seconds: 60 };
    let mut track = track::Track::new(60);
    for number in 0..60_000 {
        let now = number * 5_000;
        track.look(window, 1, now);
        track.add(1, now);
        assert!(track.len() <= 258, "{}", track.len());
    }
    let counted = track.look(window, 1, 60_000 * 5_000).total;
    // What counts is at least what was used within the window, and at most a part of it more.
    assert!((11_999..12_100).contains(&counted), "{counted}");
}

#[test]
fn idle_keys_are_dropped_and_the_number_of_keys_is_bounded() {
    let memory = Memory::default();
    for number in 0..20_000 {
        memory.take(&format!("key {number}"), &[MINUTE], 1, 0);
        memory.take(&format!("looked at {number}"), &[MINUTE], 0, 0);
    }
    assert_eq!(memory.len(), 20_000);
    for number in 0..2_000 {
        memory.take(&format!("late {number}"), &[MINUTE], 1, 60 * SECOND);
    }
    assert_eq!(memory.len(), 2_000);
    for number in 0..600_000 {
        memory.take(&format!("flood {number}"), &[MINUTE], 1, 61 * SECOND);
    }
    assert!((450_000..=500_000).contains(&memory.len()), "{}", memory.len());
}

/// Every use that was allowed, for good.
struct Log(Vec<(i64, u32)>);

impl Log {
    /// What was used in the half-open interval of this length that ends now.
    fn used(&self, length: i64, now: i64) -> u64 {
        self.0.iter().filter(|(time, _)| *time + length > now).map(|(_, cost)| u64::from(*cost)).sum()
    }
}

fn micros(window: Window) -> i64 {
    i64::from(window.seconds) * SECOND
}

proptest! {
    /// Against a log of every use: never more than the limit in any interval, and a refusal only where the uses of the
    /// window and of one part before it leave no room.
    #[test]
    fn it_is_never_looser_than_the_limit_and_hardly_stricter(
        uses in proptest::collection::vec((0i64..1_500_000, 0u32..4), 1..600),
        limit in 1u32..40,
        further in 1u32..120,
    ) {
        let windows = [Window { limit, seconds: 10 }, Window { limit: further, seconds: 60 }];
        let limits = RateLimits::in_memory();
        let mut log = Log(Vec::new());
        let mut now = 0;
        for (later, cost) in uses {
            now += later;
            let verdict = take(&limits, &windows, cost, at(now));
            match verdict {
                RateVerdict::Allowed(states) => {
                    log.0.push((now, cost));
                    for (window, state) in windows.iter().zip(states) {
                        let used = log.used(micros(*window), now);
                        prop_assert!(used <= u64::from(window.limit));
                        prop_assert!(u64::from(state.remaining) <= u64::from(window.limit) - used);
                    }
                }
                RateVerdict::Exceeded { exceeded, retry_after, .. } => {
                    let crowded = |window: &Window| {
                        let length = micros(*window) + micros(*window) / track::PARTS;
                        log.used(length, now) + u64::from(cost) > u64::from(window.limit)
                    };
                    prop_assert!(windows.iter().any(crowded));
                    prop_assert!(crowded(&exceeded));
                    prop_assert!((1..=u64::from(exceeded.seconds)).contains(&retry_after));
                }
            }
        }
    }

    /// The wait that is told is enough, and a second less is not.
    #[test]
    fn after_the_wait_there_is_room(
        uses in proptest::collection::vec((0i64..300_000, 1u32..4), 1..200),
        cost in 1u32..10,
    ) {
        let replay = |after: Option<i64>| {
            let limits = RateLimits::in_memory();
            let mut now = 0;
            for (later, cost) in &uses {
                now += later;
                take(&limits, &[MINUTE], *cost, at(now));
            }
            take(&limits, &[MINUTE], cost, at(now + after.unwrap_or_default()))
        };
        if let RateVerdict::Exceeded { retry_after, .. } = replay(None) {
            let wait = i64::try_from(retry_after).unwrap() * SECOND;
            prop_assert!(matches!(replay(Some(wait)), RateVerdict::Allowed(_)));
            let early = matches!(replay(Some(wait - SECOND)), RateVerdict::Exceeded { .. });
            prop_assert!(early);
        }
    }
}
