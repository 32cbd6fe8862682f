//! What the pages say, in the reader's language: Fluent messages in `texts/<language>/*.ftl`, compiled in.

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptLanguage, Header as _, Quality};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, where nothing else is asked for.
    English,
    /// German.
    German,
}

/// The files of a language, in both languages the same.
macro_rules! sources {
    ($language:literal) => {
        [
            include_str!(concat!("../../../texts/", $language, "/pages.ftl")),
            include_str!(concat!("../../../texts/", $language, "/console.ftl")),
            include_str!(concat!("../../../texts/", $language, "/access_keys.ftl")),
            include_str!(concat!("../../../texts/", $language, "/overview.ftl")),
            include_str!(concat!("../../../texts/", $language, "/clients.ftl")),
            include_str!(concat!("../../../texts/", $language, "/people.ftl")),
            include_str!(concat!("../../../texts/", $language, "/settings.ftl")),
            include_str!(concat!("../../../texts/", $language, "/audit.ftl")),
            include_str!(concat!("../../../texts/", $language, "/account.ftl")),
            include_str!(concat!("../../../texts/", $language, "/domain.ftl")),
        ]
    };
}

static ENGLISH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(Language::English, &sources!("en")));
static GERMAN: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(Language::German, &sources!("de")));

fn bundle(language: Language, sources: &[&str]) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Marks of direction around each value would show up in what people copy.
    bundle.set_use_isolating(false);
    for source in sources {
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, errors)| {
            log::error!("texts: {errors:?}");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            log::error!("texts: {errors:?}");
        }
    }
    bundle
}

impl Language {
    /// Every language, the default first.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The one that a tag asks for, by its first subtag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let first = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(first))
    }

    /// The first of these tags, in order of preference, that is spoken.
    fn first_of<'a>(mut tags: impl Iterator<Item = &'a str>) -> Option<Self> {
        tags.find_map(Self::of_tag)
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

/// The texts in one language.
#[derive(Debug, Clone, Copy)]
pub struct Texts(pub Language);

impl Texts {
    /// As the request asks: OpenID Connect's `ui_locales` in the query (Core §3.1.2.1), then `Accept-Language`.
    pub fn of(request: &HttpRequest) -> Self {
        let query = crate::http::extract::query(request).unwrap_or_default();
        let wanted = query.optional("ui_locales").ok().flatten();
        let language = wanted.and_then(|tags| Language::first_of(tags.split(' '))).or_else(|| {
            let mut accepted = AcceptLanguage::parse(request).ok()?.0;
            // RFC 9110 §12.4.2: what has the weight 0 is not wanted.
            accepted.retain(|known| known.quality > Quality::ZERO);
            accepted.sort_by_key(|known| std::cmp::Reverse(known.quality));
            accepted.iter().find_map(|known| Language::of_tag(&known.item.to_string()))
        });
        Self(language.unwrap_or(Language::English))
    }

    /// The tag of the language.
    pub fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// The text of this key.
    pub fn say(self, key: &str) -> String {
        self.format(key, None)
    }

    /// The text of this key with one value in it.
    pub fn say_with<'a>(self, key: &str, name: &'a str, value: impl Into<FluentValue<'a>>) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set(name, value);
        self.format(key, Some(&arguments))
    }

    /// The text of this key with several values in it.
    pub fn say_all(self, key: &str, values: &FluentArgs<'_>) -> String {
        self.format(key, Some(values))
    }

    /// A number with so many digits behind the sign that parts them off in this language.
    pub fn decimal(self, number: f64, digits: usize) -> String {
        let written = format!("{number:.digits$}");
        match self.0 {
            Language::English => written,
            Language::German => written.replace('.', ","),
        }
    }

    /// A share of 0 to 1, in percent.
    pub fn percent(self, share: f64) -> String {
        format!("{} %", self.decimal(share * 100.0, 1))
    }

    /// Is there a text of this key?
    pub fn has(self, key: &str) -> bool {
        self.0.bundle().has_message(key)
    }

    fn format(self, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.0.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            log::error!("texts: there is no '{key}' in {}", self.tag());
            // Marked, so that no test of a page misses it.
            return format!("\u{27e6}{key}\u{27e7}");
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, arguments, &mut errors).into_owned();
        if errors.is_empty() {
            return text;
        }
        log::error!("texts: '{key}' in {}: {errors:?}", self.tag());
        format!("\u{27e6}{key}\u{27e7}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::metadata::UI_LOCALES;

    #[test]
    fn the_metadata_names_the_languages() {
        assert_eq!(Language::ALL.map(Language::tag), UI_LOCALES);
        assert_eq!(Language::of_tag("de-AT"), Some(Language::German));
        assert_eq!(Language::of_tag("den"), None);
    }

    #[test]
    fn the_language_is_one_that_is_wanted() {
        for (accepted, tag) in [
            ("de;q=0", "en"),
            ("de;q=0, en;q=0.1", "en"),
            ("fr, de;q=0.2, en;q=0.1", "de"),
            ("en;q=0.5, de-AT", "de"),
            ("*", "en"),
        ] {
            let request = actix_web::test::TestRequest::get().insert_header(("accept-language", accepted));
            assert_eq!(Texts::of(&request.to_http_request()).tag(), tag, "{accepted}");
        }
    }

    #[test]
    fn decimals_are_parted_as_the_language_does() {
        assert_eq!(Texts(Language::English).percent(0.625), "62.5 %");
        assert_eq!(Texts(Language::German).percent(0.625), "62,5 %");
    }
}
