//! Days as people choose them, and the moment at which such a day begins or is over where they are. Without script a day is
//! one of UTC, which stands beside the field; the script sends how far the reader's clock is from UTC on that day.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::domain::denial::Denial;
use crate::protocol::params::Params;

/// No clock is further from UTC, in minutes (ISO 8601 would allow more, no zone uses it).
const MAX_OFFSET: u64 = 18 * 60;

/// A day in a field.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// `YYYY-MM-DD`, or nothing.
    pub value: String,
    /// Minutes east of UTC; nothing for UTC.
    pub offset: String,
    /// Is the end of the day meant? Then the offset is that of the moment at which it is over.
    pub to_its_end: bool,
}

impl Day {
    /// The zone as it stands beside the field: `UTC`, or `UTC+09:00`.
    pub fn zone(&self) -> String {
        match self.offset.parse::<i64>() {
            Ok(minutes) if minutes != 0 && minutes.unsigned_abs() <= MAX_OFFSET => {
                let sign = if minutes < 0 { '-' } else { '+' };
                format!("UTC{sign}{:02}:{:02}", minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60)
            }
            _ => "UTC".to_owned(),
        }
    }
}

/// The name of the field that holds how far the clock is from UTC.
pub fn offset_name(name: &str) -> String {
    format!("{name}_offset")
}

/// The moment at which the day in this field begins, or is over.
pub fn moment(sent: &Params, name: &str, text: &str, to_its_end: bool) -> Result<DateTime<Utc>, Denial> {
    let refused = || Denial::MalformedRequest(format!("{name} must be a day such as 2027-01-31"));
    let day: NaiveDate = text.trim().parse().map_err(|_| refused())?;
    let offset = offset_name(name);
    let minutes = match sent.all(&offset).first().filter(|text| !text.is_empty()) {
        Some(text) => {
            text.parse().ok().filter(|minutes: &i64| minutes.unsigned_abs() <= MAX_OFFSET).ok_or_else(refused)?
        }
        None => 0,
    };
    let days = TimeDelta::days(i64::from(to_its_end));
    let start = day.and_time(NaiveTime::MIN).and_utc().checked_add_signed(days);
    start.and_then(|start| start.checked_sub_signed(TimeDelta::minutes(minutes))).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(query: &str, to_its_end: bool) -> Option<String> {
        let sent = Params::parse(query.as_bytes()).unwrap();
        let text = sent.all("on").first().map(|text| (*text).to_owned()).unwrap_or_default();
        moment(&sent, "on", &text, to_its_end).ok().map(|time| time.to_rfc3339())
    }

    #[test]
    fn a_day_is_that_of_the_reader() {
        let start = |query: &str| said(query, false);
        assert_eq!(start("on=2026-03-01").as_deref(), Some("2026-03-01T00:00:00+00:00"));
        assert_eq!(start("on=2026-03-01&on_offset=").as_deref(), Some("2026-03-01T00:00:00+00:00"));
        assert_eq!(start("on=2026-03-01&on_offset=540").as_deref(), Some("2026-02-28T15:00:00+00:00"));
        for absurd in ["-9223372036854775808", "9223372036854775807", "1081", "-1081", "x", "1.5"] {
            assert_eq!(start(&format!("on=2026-03-01&on_offset={absurd}")), None, "{absurd}");
            let day = Day { value: String::new(), offset: absurd.to_owned(), to_its_end: false };
            assert_eq!(day.zone(), "UTC", "{absurd}");
        }
        assert_eq!(start("on=2026-03-01&on_offset=-210").as_deref(), Some("2026-03-01T03:30:00+00:00"));
        assert_eq!(said("on=2026-03-01&on_offset=60", true).as_deref(), Some("2026-03-01T23:00:00+00:00"));
        for wrong in ["on=soon", "on=2026-02-30", "on=2026-03-01&on_offset=x", "on=2026-03-01&on_offset=99999"] {
            assert_eq!(start(wrong), None, "{wrong}");
        }
        assert_eq!(said("on=%2B262142-12-31", true), None);
    }

    #[test]
    fn the_zone_stands_beside_it() {
        let zone = |offset: &str| Day { offset: offset.to_owned(), ..Day::default() }.zone();
        assert_eq!(["", "0", "x", "540", "-210"].map(zone), ["UTC", "UTC", "UTC", "UTC+09:00", "UTC-03:30"]);
    }
}
