//! An ID token that comes back as a hint, at the authorization and the end-session endpoint (OpenID Connect Core §3.1.2.1,
//! RP-Initiated Logout 1.0 §2).

use crate::crypto::jwt::{self, Signed};
use crate::flows::error::Failure;
use crate::flows::{Server, signing_keys};
use crate::protocol::id_token::{HintClaims, ID_TOKEN_TYPE};

/// What it says, if it is an ID token of this server, signed by a key that is still published; it may have expired. The
/// algorithm is that of our key, so that one without a signature is none; and no other kind of token is taken for one.
pub fn verify(server: &Server, token: &str) -> Result<Option<HintClaims>, Failure> {
    let read = || {
        let (keyring, now) = (server.keyring(), server.clock.now());
        jwt::verify_as::<HintClaims>(ID_TOKEN_TYPE, None, token, (&keyring, now))
    };
    let signed = match read() {
        Signed::UnknownKey if signing_keys::reload_if_stale(server)? => read(),
        signed => signed,
    };
    Ok(match signed {
        Signed::Claims(claims) if claims.iss == server.config.server.issuer => Some(*claims),
        _ => None,
    })
}
