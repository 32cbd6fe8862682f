//! How an authorization response travels (OAuth 2.0 Multiple Response Types §2.1; OAuth 2.0 Form Post Response Mode).

/// The response modes of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// In the query of the redirect URI: the default for `code`.
    #[default]
    Query,
    /// As a form that the browser posts to the redirect URI.
    FormPost,
}

impl ResponseMode {
    /// Every mode, in the order of the metadata document.
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    /// The registered spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    /// The mode of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}
