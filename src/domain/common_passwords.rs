//! Passwords that everybody tries first (ASVS 5.0 V6.2.4, V6.2.12). `static/common-passwords.txt` has what known breaches held, and
//! the first words and names of English and German that people make passwords of, in lower case and sorted. It comes from the
//! lists of zxcvbn-ts (MIT); `scripts/make-common-passwords` makes it anew.

const LIST: &str = include_str!("../../static/common-passwords.txt");
/// What stands for which letter. Of what stands for several the other reading is [`OTHER_READING`].
const STAND_INS: [(char, char); 10] = [
    ('0', 'o'),
    ('1', 'i'),
    ('3', 'e'),
    ('4', 'a'),
    ('5', 's'),
    ('7', 't'),
    ('@', 'a'),
    ('$', 's'),
    ('!', 'i'),
    ('€', 'e'),
];
const OTHER_READING: [(char, char); 2] = [('1', 'l'), ('!', 'l')];
/// A common word with no more digits than a year is still the word.
const FEW_DIGITS: usize = 4;

/// Is it one of them, however it is capitalised, with signs between, a few digits around, or written with digits for letters?
/// Goes through the whole list, some 500 KB: asked only where a password is set, beside a hash that costs many times as much.
pub fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let mut forms = vec![lower.chars().filter(|letter| letter.is_alphanumeric()).collect()];
    if let Some(word) = word_within(&lower) {
        forms.extend(readings(word));
        forms.push(word.to_owned());
    }
    forms.extend(readings(&lower));
    forms.push(lower);
    LIST.lines().any(|line| forms.iter().any(|form| form == line))
}

/// The text with letters for what stands for them, each way.
fn readings(text: &str) -> [String; 2] {
    let letter = |sign: char, first: &[(char, char)]| {
        let found = first.iter().chain(&STAND_INS).find(|(stands, _)| *stands == sign);
        found.map_or(sign, |(_, letter)| *letter)
    };
    [&[][..], &OTHER_READING].map(|first| text.chars().map(|sign| letter(sign, first)).collect())
}

/// What is left without the digits and signs around it, where these are no more than few digits, or a row of them.
fn word_within(lower: &str) -> Option<&str> {
    let word = lower.trim_matches(|sign: char| !sign.is_alphabetic());
    let (before, after) = lower.split_once(word)?;
    let digits = |around: &str| around.chars().filter(char::is_ascii_digit).collect::<String>();
    let around = [digits(before), digits(after)];
    let is_little = |digits: &String| digits.len() <= FEW_DIGITS || "01234567890".contains(digits.as_str());
    around.iter().all(is_little).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_ones_are_found_however_they_are_dressed() {
        for common in [
            "password",
            "PassWord",
            "12345678",
            "iloveyou",
            "jennifer",
            "elizabeth",
            "basketball",
            "administrator",
            "September",
            "Schatz123",
            "willkommen",
            "Passwort1",
            "Password1!",
            "P@ssw0rd!",
            "P4$$w0rd",
            "Password123!",
            "Qwerty123!",
            "changeme123",
            "Summer2024!",
            "1summer1",
            "Aa123456.",
            "Aa@123456",
            "Pass@123",
            "admin@123",
            "user1234",
            "password123456789",
            "i love you",
            "1l0vey0u",
            "!!monkey!!",
        ] {
            assert!(is_common(common), "{common}");
        }
    }

    #[test]
    fn others_are_not() {
        for other in [
            "",
            "correct horse battery staple",
            "Rosebud-4711-x",
            "elephant98273",
            "sommer im garten",
            "1234",
            "!!!!!!!!",
        ] {
            assert!(!is_common(other), "{other}");
        }
    }

    #[test]
    fn the_list_is_what_it_says() {
        let lines: Vec<_> = LIST.lines().collect();
        assert!(lines.len() > 50_000 && lines.is_sorted());
        assert!(lines.iter().all(|line| line.to_lowercase() == *line && line.trim() == *line && line.len() >= 4));
        // A short one counts as a word within another only.
        let short = |line: &&&str| line.chars().count() < 8;
        assert!(lines.iter().filter(short).all(|line| line.chars().all(char::is_alphabetic)));
    }
}
