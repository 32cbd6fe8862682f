//! What names may hold.

/// Does it change how the text around it looks, without being seen itself? Control characters, and marks and embeddings of
/// direction (UAX #9): they let one name pass for another.
pub fn is_deceptive(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
