//! When an access key ends, as the command line reads it.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::flows::Server;

/// When a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Not at all.
    Never,
    /// So long from now.
    In(Duration),
    /// Then.
    At(DateTime<Utc>),
}

/// As people write it: 30d, 90d, 1y, never, a day or a time.
pub fn parse_expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(Expiry::At(day.and_time(NaiveTime::MIN).and_utc()));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(Expiry::At(time.to_utc()));
    }
    // A year in words is a calendar's 365 days; humantime has 365.25.
    let years = text.strip_suffix('y').and_then(|years| years.parse::<u32>().ok());
    let life = match years {
        Some(years) => Ok(Duration::from_secs(u64::from(years) * 365 * 86_400)),
        None => humantime::parse_duration(text),
    };
    let sensible = life.ok().filter(|life| *life <= Duration::from_secs(100 * 366 * 86_400));
    sensible.map(Expiry::In).ok_or_else(|| "not 30d, 90d, 1y, never, or a day such as 2027-01-31".to_owned())
}

impl Expiry {
    /// The time, where there is one.
    pub fn end(self, server: &Server) -> Option<DateTime<Utc>> {
        match self {
            Self::Never => None,
            Self::In(life) => Some(server.clock.now() + life),
            Self::At(end) => Some(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_people_write_them() {
        let days = |days: u64| Ok(Expiry::In(Duration::from_secs(days * 86_400)));
        assert_eq!(parse_expiry("30d"), days(30));
        assert_eq!(parse_expiry("1y"), days(365));
        assert_eq!(parse_expiry("never"), Ok(Expiry::Never));
        let day = Ok(Expiry::At("2027-01-31T00:00:00Z".parse().unwrap()));
        assert_eq!(parse_expiry("2027-01-31"), day);
        assert_eq!(parse_expiry("2027-01-31T01:00:00+01:00"), day);
        for bad in ["", "soon", "30", "2027-13-01", "9999999y", "-1d", "999999999999999999999d"] {
            assert!(parse_expiry(bad).is_err(), "{bad}");
        }
    }
}
