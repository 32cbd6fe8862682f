//! What names may hold, and how spans of time are written.

/// Does it change how the text around it looks, without being seen itself? Control characters, and marks and embeddings of
/// direction (UAX #9): they let one name pass for another.
pub fn is_deceptive(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The parts of a span: what one is called, and how many seconds it has. Years and months are those of the configuration.
const UNITS: [(&str, u64); 6] =
    [("year", 31_557_600), ("month", 2_630_016), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];

/// A span of time in words: `1 day`, `2 hours 30 minutes`.
pub fn span(time: std::time::Duration) -> String {
    let mut left = time.as_secs();
    let mut parts = Vec::new();
    for (unit, seconds) in UNITS {
        let number = left / seconds;
        left %= seconds;
        match number {
            0 => {}
            1 => parts.push(format!("1 {unit}")),
            number => parts.push(format!("{number} {unit}s")),
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}
