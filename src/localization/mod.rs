//! Localization: texts in several languages, cultures, and time zones (docs/upstream.md §5).
//!
//! A [`Locale`] has the preferences of a client. Without a language, every string stays as it is.

mod boolean;
mod clock;
mod culture;
mod dst_rules;
mod encoded_value;
mod escape;
mod language;
mod multi_language;
mod multi_language_string;
mod period;
mod placeholders;
mod resources;
pub mod zone;

use std::borrow::Cow;

pub use boolean::read_boolean;
pub use clock::Clock;
pub use culture::Culture;
pub use dst_rules::{DstRule, DstRules};
pub use encoded_value::plain_values;
pub use escape::{Surroundings, verbatim};
pub use language::{Language, preferred_tag, quality};
pub use multi_language::MultiLanguage;
pub use multi_language_string::reads_as;
pub use period::Period;
pub use zone::{UnknownZone, Zone};

/// The values of the client's localization headers.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalePreferences<'a> {
    pub accept_language: Option<&'a str>,
    pub so_language: Option<&'a str>,
    pub so_culture: Option<&'a str>,
    pub so_time_zone: Option<&'a str>,
}

/// How values are formatted for a client. Equal locales format every value the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Locale {
    texts: Option<Texts>,
    clock: Clock,
}

/// The language of texts, and the culture of the numbers and dates within them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Texts {
    language: Language,
    culture: Culture,
}

impl Locale {
    /// The locale of a client. `base` is the time zone of the installation.
    ///
    /// # Errors
    /// The time zone is unknown.
    pub fn new(preferences: LocalePreferences<'_>, base: &Zone) -> Result<Self, UnknownZone> {
        let clock = Clock::new(preferences.so_time_zone.unwrap_or_default(), base)?;
        Ok(Self { texts: Texts::new(preferences), clock })
    }

    /// English, with times in UTC.
    pub fn english() -> Self {
        let english = LocalePreferences { accept_language: Some("en"), ..LocalePreferences::default() };
        match Self::new(english, &Zone::utc()) {
            Ok(locale) => locale,
            Err(error) => unreachable!("no time zone was given: {error}"),
        }
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The language of texts; `None` if they are not translated.
    pub fn language(&self) -> Option<Language> {
        self.texts.as_ref().map(|texts| texts.language)
    }

    /// This locale with another language. A culture that was requested for the old language is dropped.
    pub fn in_language(&self, language: Language) -> Self {
        if self.language() == Some(language) {
            return self.clone();
        }
        Self { texts: Some(Texts { language, culture: Culture::new(language.iso()) }), clock: self.clock.clone() }
    }

    /// The same locale, with texts as they are stored.
    pub fn untranslated(&self) -> Self {
        Self { texts: None, clock: self.clock.clone() }
    }

    /// Translates a string for the client. Parts that are not understood stay as they are.
    pub fn resolve<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(texts) = &self.texts else { return Cow::Borrowed(text) };
        match multi_language_string::choose(text, texts.language) {
            Cow::Borrowed(text) => placeholders::resolve(text, texts.language, &texts.culture),
            Cow::Owned(text) => Cow::Owned(placeholders::resolve(&text, texts.language, &texts.culture).into_owned()),
        }
    }
}

impl Texts {
    /// SO-Language overrides Accept-Language. A culture without a language is ignored (docs/upstream.md §5.1).
    fn new(preferences: LocalePreferences<'_>) -> Option<Self> {
        let tag = preferred_tag(preferences.so_language.or(preferences.accept_language)?)?;
        let culture = preferences.so_culture.map(str::trim).filter(|culture| Language::from_iso(culture).is_some());
        Some(Self {
            language: Language::from_iso(tag).unwrap_or(Language::US),
            culture: Culture::new(culture.unwrap_or(tag)),
        })
    }
}
