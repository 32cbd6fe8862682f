//! What OpenID Connect adds to the authorization request (Core §3.1.2.1). `acr_values`, `display`, `ui_locales` and
//! `claims_locales` are wishes that there is one answer to here: they are taken and change nothing.

use crate::protocol::authorize_request::{AuthorizeRequestError, refuse};
use crate::protocol::claims_request::ClaimsRequest;
use crate::protocol::error_code::ErrorCode;
use crate::protocol::params::Params;

/// Longest `nonce` kept, in bytes.
const MAX_NONCE: usize = 4096;
/// Longest `login_hint` used, in bytes; a longer one names nobody here.
const MAX_LOGIN_HINT: usize = 400;

/// `prompt`: which pages are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompt {
    /// No page at all.
    pub none: bool,
    /// The log-in, also where somebody is signed in: `login`, and `select_account`, for the form is where another account is
    /// chosen.
    pub login: bool,
    /// The consent, also where it was given.
    pub consent: bool,
}

impl Prompt {
    /// §3.1.2.1: `none` stands alone. A value that is not known asks for nothing.
    fn parse(text: &str) -> Result<Self, AuthorizeRequestError> {
        let has = |wanted: &str| text.split(' ').any(|value| value == wanted);
        if has("none") && text != "none" {
            return Err(refuse(ErrorCode::InvalidRequest, "prompt=none goes with no other value"));
        }
        Ok(Self { none: has("none"), login: has("login") || has("select_account"), consent: has("consent") })
    }
}

/// The parameters of OpenID Connect.
#[derive(Debug, Clone, Default)]
pub struct OpenIdRequest {
    /// `nonce`, for the ID token as it came.
    pub nonce: Option<String>,
    /// `prompt`.
    pub prompt: Prompt,
    /// `max_age`: how many seconds ago the user may have signed in at most.
    pub max_age: Option<u32>,
    /// `id_token_hint`: an ID token of whom the client expects.
    pub id_token_hint: Option<String>,
    /// `login_hint`: what the user may type to sign in.
    pub login_hint: Option<String>,
    /// `claims`.
    pub claims: ClaimsRequest,
}

impl OpenIdRequest {
    /// Reads the parameters.
    pub fn read(params: &Params) -> Result<Self, AuthorizeRequestError> {
        let text = |name| params.optional(name).map(|value| value.map(str::to_owned));
        for tolerated in ["acr_values", "display", "ui_locales", "claims_locales"] {
            params.optional(tolerated)?;
        }
        let nonce = text("nonce")?;
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_NONCE) {
            return Err(refuse(ErrorCode::InvalidRequest, "nonce must have at most 4096 bytes"));
        }
        let claims = params.optional("claims")?.map(ClaimsRequest::parse).transpose();
        Ok(Self {
            nonce,
            prompt: Prompt::parse(params.optional("prompt")?.unwrap_or_default())?,
            max_age: params.optional("max_age")?.map(read_max_age).transpose()?,
            id_token_hint: text("id_token_hint")?,
            login_hint: text("login_hint")?.filter(|hint| hint.len() <= MAX_LOGIN_HINT),
            claims: claims.map_err(|error| refuse(ErrorCode::InvalidRequest, &error.to_string()))?.unwrap_or_default(),
        })
    }

    /// May this request have to be answered by signing in again, whoever is signed in?
    pub fn may_demand_login(&self) -> bool {
        self.prompt.login || self.max_age.is_some() || self.id_token_hint.is_some() || self.claims.names_subject()
    }
}

/// Digits only; more than fits is as good as no limit.
fn read_max_age(text: &str) -> Result<u32, AuthorizeRequestError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse(ErrorCode::InvalidRequest, "max_age must be a number of seconds"));
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<OpenIdRequest, String> {
        OpenIdRequest::read(&Params::parse(query.as_bytes()).unwrap()).map_err(|error| error.description)
    }

    #[test]
    fn prompts() {
        let prompt = |query: &str| read(query).unwrap().prompt;
        assert_eq!(prompt("prompt=none"), Prompt { none: true, ..Prompt::default() });
        assert_eq!(prompt("prompt=login+consent"), Prompt { login: true, consent: true, ..Prompt::default() });
        assert_eq!(prompt("prompt=select_account"), Prompt { login: true, ..Prompt::default() });
        assert_eq!(prompt("prompt=create"), Prompt::default());
        assert!(read("prompt=none+login").is_err() && read("prompt=none&prompt=none").is_err());
    }

    #[test]
    fn numbers_and_lengths() {
        assert_eq!(read("max_age=0").unwrap().max_age, Some(0));
        assert_eq!(read("max_age=99999999999").unwrap().max_age, Some(u32::MAX));
        for bad in ["max_age=-1", "max_age=1.5", "max_age=x", "claims=x", "display=a&display=b"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let nonce = "n".repeat(512);
        assert_eq!(read(&format!("nonce={nonce}")).unwrap().nonce, Some(nonce));
        assert!(read(&format!("nonce={}", "n".repeat(4097))).is_err());
        assert!(read(&format!("login_hint={}", "n".repeat(4097))).unwrap().login_hint.is_none());
        assert!(read("display=wap&ui_locales=xx&acr_values=9&claims_locales=de").is_ok());
        assert!(read("max_age=1").unwrap().may_demand_login() && !read("nonce=1").unwrap().may_demand_login());
    }
}
