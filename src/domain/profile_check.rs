//! What the members of a profile may be (OpenID Connect Core §5.1).

use crate::domain::profile::Profile;
use crate::domain::text::is_deceptive;
use crate::domain::user::InvalidUser;

/// Longest text, in bytes.
const MAX_TEXT: usize = 1000;

impl Profile {
    /// Checks texts and addresses.
    pub fn check(&self) -> Result<(), InvalidUser> {
        let texts = [
            &self.given_name,
            &self.family_name,
            &self.middle_name,
            &self.nickname,
            &self.preferred_username,
            &self.gender,
            &self.birthdate,
            &self.zoneinfo,
            &self.locale,
            &self.phone_number,
        ];
        if texts.into_iter().flatten().any(|text| text.len() > 200 || text.chars().any(is_deceptive)) {
            return Err(InvalidUser(
                "texts of a profile must have at most 200 bytes and no control or direction characters",
            ));
        }
        let links = [&self.profile, &self.picture, &self.website];
        let is_link = |text: &String| {
            text.len() <= MAX_TEXT
                && ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme))
                && !text.chars().any(|letter| is_deceptive(letter) || letter.is_whitespace())
        };
        if !links.into_iter().flatten().all(is_link) {
            return Err(InvalidUser(
                "profile, picture and website must be https or http addresses of at most 1000 bytes",
            ));
        }
        let address = self.address.clone().unwrap_or_default();
        let lines = [
            address.formatted,
            address.street_address,
            address.locality,
            address.region,
            address.postal_code,
            address.country,
        ];
        let is_line = |text: &String| {
            text.len() <= MAX_TEXT && !text.chars().any(|letter| letter != '\n' && is_deceptive(letter))
        };
        if !lines.iter().flatten().all(is_line) {
            return Err(InvalidUser(
                "texts of an address must have at most 1000 bytes and no control or direction characters",
            ));
        }
        Ok(())
    }
}
