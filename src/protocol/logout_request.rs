//! The request at the end-session endpoint (OpenID Connect RP-Initiated Logout 1.0 §2), and what is read of its hint.

use url::form_urlencoded::byte_serialize;

use crate::protocol::params::{ParamError, Params};

/// A logout request. `logout_hint` and `ui_locales` are checked for repetition and otherwise not needed: there is one
/// session in a browser, and one language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogoutRequest {
    /// An ID token that was issued to the client.
    pub id_token_hint: Option<String>,
    /// The client, where it says so itself.
    pub client_id: Option<String>,
    /// Where the browser shall go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// Given back there.
    pub state: Option<String>,
}

impl LogoutRequest {
    /// Reads the parameters, all of them optional.
    pub fn read(params: &Params) -> Result<Self, ParamError> {
        let text = |name| params.optional(name).map(|value| value.map(str::to_owned));
        text("logout_hint")?;
        text("ui_locales")?;
        Ok(Self {
            id_token_hint: text("id_token_hint")?,
            client_id: text("client_id")?,
            post_logout_redirect_uri: text("post_logout_redirect_uri")?,
            state: text("state")?,
        })
    }

    /// The registered URI with `state`, and nothing else, behind it (§3).
    pub fn return_to(&self, registered: &str) -> String {
        match &self.state {
            None => registered.to_owned(),
            Some(state) => {
                let separator = if registered.contains('?') { '&' } else { '?' };
                format!("{registered}{separator}state={}", byte_serialize(state.as_bytes()).collect::<String>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<LogoutRequest, ParamError> {
        LogoutRequest::read(&Params::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn state_alone_is_echoed() {
        let request = read("state=a%20b%26c%3Dd&x=y").unwrap();
        assert_eq!(request.return_to("https://app.example/bye"), "https://app.example/bye?state=a+b%26c%3Dd");
        assert_eq!(request.return_to("https://app.example/?a=b"), "https://app.example/?a=b&state=a+b%26c%3Dd");
        assert_eq!(read("state=").unwrap().return_to("com.example.app:/bye"), "com.example.app:/bye");
    }

    #[test]
    fn nothing_is_required_and_nothing_may_be_repeated() {
        assert_eq!(read(""), Ok(LogoutRequest::default()));
        for name in ["id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"] {
            assert!(read(&format!("{name}=a&{name}=b")).is_err(), "{name}");
        }
    }
}
