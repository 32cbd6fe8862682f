//! The sections of what people see: how the pages look, the console, the account pages.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigError, fail};

section!(
    /// `[brand]`
    BrandConfig {
        name: String = "grantor".to_owned(),
        logo_file: Option<PathBuf> = None,
        accent: String = "#1f4fa3".to_owned(),
        accent_dark: String = "#8ab4f8".to_owned(),
    }
);
section!(
    /// `[console]`
    ConsoleConfig {
        enabled: bool = true,
        #[serde(with = "humantime_serde")]
        session_lifetime: Duration = Duration::from_secs(8 * 3600),
        #[serde(with = "humantime_serde")]
        session_idle_timeout: Duration = Duration::from_secs(30 * 60),
        #[serde(with = "humantime_serde")]
        proof_lifetime: Duration = Duration::from_secs(300),
    }
);
section!(
    /// `[account]`
    AccountConfig {
        enabled: bool = true,
        access_keys: bool = true,
        personal_tokens: bool = true,
    }
);

/// The largest logo, in bytes: it is on every page.
pub const MAX_LOGO: u64 = 100 * 1024;
/// The files that a logo can be, with what they are served as.
const LOGO_TYPES: [(&str, &str); 5] = [
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
];
/// The grounds that the accents stand on, cards and what is around them: those of static/style.css.
const GROUNDS: [&str; 2] = ["#ffffff", "#f4f5f7"];
const GROUNDS_DARK: [&str; 2] = ["#1b212b", "#12161d"];
/// WCAG 2.2 §1.4.3: of text.
const MIN_CONTRAST: f64 = 4.5;

impl BrandConfig {
    /// What the logo is served as; None where the file's name does not tell.
    pub fn logo_type(&self) -> Option<&'static str> {
        let extension = self.logo_file.as_ref()?.extension()?.to_str()?.to_ascii_lowercase();
        LOGO_TYPES.iter().find(|(known, _)| *known == extension).map(|(_, served)| *served)
    }
}

impl Config {
    pub(super) fn check_pages(&self) -> Result<(), ConfigError> {
        let brand = &self.brand;
        if brand.name.trim().is_empty() || brand.name.chars().count() > 60 || brand.name.chars().any(char::is_control) {
            return fail("brand.name must have 1 to 60 characters");
        }
        if brand.logo_file.is_some() && brand.logo_type().is_none() {
            return fail("brand.logo_file must end in .svg, .png, .webp, .jpg or .jpeg");
        }
        check_accent("brand.accent", &brand.accent, GROUNDS)?;
        check_accent("brand.accent_dark", &brand.accent_dark, GROUNDS_DARK)?;
        if self.console.session_idle_timeout.is_zero() || self.console.session_lifetime.is_zero() {
            return fail("console.session_idle_timeout and console.session_lifetime must be longer than 0s");
        }
        Ok(())
    }
}

fn check_accent(setting: &str, colour: &str, grounds: [&str; 2]) -> Result<(), ConfigError> {
    let Some(accent) = luminance(colour) else { return fail(format!("{setting} must be a colour such as #1f4fa3")) };
    for ground in grounds {
        let ground_luminance = luminance(ground).unwrap_or(1.0);
        let (light, dark) = (accent.max(ground_luminance), accent.min(ground_luminance));
        let contrast = (light + 0.05) / (dark + 0.05);
        if contrast < MIN_CONTRAST {
            return fail(format!(
                "{setting} {colour} has a contrast of {contrast:.1} to the ground {ground}: at least {MIN_CONTRAST} can be read"
            ));
        }
    }
    Ok(())
}

/// Relative luminance (WCAG 2.2) of a colour as `#rrggbb`; None for anything else.
fn luminance(colour: &str) -> Option<f64> {
    let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let channel = |range: std::ops::Range<usize>| {
        let value = f64::from(u8::from_str_radix(digits.get(range)?, 16).ok()?) / 255.0;
        Some(if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) })
    };
    Some(0.2126 * channel(0..2)? + 0.7152 * channel(2..4)? + 0.0722 * channel(4..6)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_that_nobody_could_read_are_refused() {
        assert!(check_accent("a", "#1f4fa3", GROUNDS).is_ok());
        assert!(check_accent("a", "#8ab4f8", GROUNDS_DARK).is_ok());
        // The last can be read on a card only.
        for unreadable in ["#ffff00", "#8ab4f8", "#767676"] {
            assert!(check_accent("a", unreadable, GROUNDS).unwrap_err().to_string().contains("contrast"));
        }
        for malformed in ["blue", "#12345", "#12345g", "1f4fa3", "#é2345"] {
            assert!(check_accent("a", malformed, GROUNDS).unwrap_err().to_string().contains("colour"), "{malformed}");
        }
    }
}
