//! Forms are tied to the browser they were sent to: the token is a MAC over a random cookie that only this browser has, and
//! over the session in which the form was shown, so that an open form does not speak for whoever signs in next.

use crate::crypto::derived_keys::digests_are_equal;
use crate::crypto::secret::SecretKind;
use crate::domain::denial::Denial;
use crate::flows::Server;

/// The form token for a browser, within a session where there is one.
pub fn token(server: &Server, browser: &str, session: Option<&str>) -> String {
    let mut octets = [0; 32];
    let digest = server.keys.digest(SecretKind::CsrfToken, &format!("{browser} {}", session.unwrap_or_default()));
    octets.iter_mut().zip(&digest).for_each(|(to, from)| *to = *from);
    SecretKind::CsrfToken.from_octets(&octets).to_string()
}

/// Refuses a form whose token is not that of the browser and session that sent it.
pub fn check(
    server: &Server,
    browser: Option<&str>,
    session: Option<&str>,
    presented: Option<&str>,
) -> Result<(), Denial> {
    match (browser, presented) {
        (Some(browser), Some(presented))
            if SecretKind::CsrfToken.is_well_formed(browser)
                && digests_are_equal(token(server, browser, session).as_bytes(), presented.as_bytes()) =>
        {
            Ok(())
        }
        _ => Err(Denial::CsrfMismatch),
    }
}
