//! Passwords that everybody tries first (ASVS 5.0 V6.2.4). `static/common-passwords.txt` has those of at least 8 characters among
//! the 30,000 most frequent ones of leaked lists, in lower case and sorted; the source is the frequency list of zxcvbn
//! (python-zxcvbn 4.5.0, MIT), which took it from the passwords that M. Burnett published in 2015.

const LIST: &str = include_str!("../../static/common-passwords.txt");

/// Is it one of them, however it is capitalised? Goes through the whole list, some 100 KB: asked only where a password is set,
/// beside a hash that costs a hundred times as much.
pub fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    LIST.lines().any(|line| line == lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_ones_are_found_in_any_case() {
        for common in ["password", "PassWord", "12345678", "qwertyuiop", "iloveyou"] {
            assert!(is_common(common), "{common}");
        }
        for other in ["", "passwor", "correct horse battery staple", "password\n12345678"] {
            assert!(!is_common(other), "{other}");
        }
    }

    #[test]
    fn the_list_is_what_it_says() {
        let lines: Vec<_> = LIST.lines().collect();
        assert!(lines.len() > 10_000 && lines.is_sorted());
        assert!(
            lines.iter().all(|line| line.chars().count() >= 8 && line.to_lowercase() == *line && line.trim() == *line)
        );
    }
}
