//! How values read: texts in several languages, cultures, and time zones (contract §5).
//!
//! A [`Locale`] is what one client asked for. Without a language every string stays as it is.

mod block;
mod brackets;
mod clock;
mod culture;
mod encoded;
mod language;
mod multi_language;
mod period;
mod resources;
mod rules;
mod truth;
mod verbatim;
pub mod zone;

use std::borrow::Cow;

pub use block::reads_as;
pub use clock::Clock;
pub use culture::Culture;
pub use language::{Language, preferred_tag, quality};
pub use multi_language::MultiLanguage;
pub use period::Period;
pub use rules::{Rule, Rules};
pub use truth::read_boolean;
pub use verbatim::{Surroundings, verbatim};
pub use zone::{UnknownZone, Zone};

/// How a client wants values to read, in its own words: the values of upstream's headers, where they were sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'a> {
    pub accept_language: Option<&'a str>,
    pub so_language: Option<&'a str>,
    pub so_culture: Option<&'a str>,
    pub so_time_zone: Option<&'a str>,
}

/// How values read for a client. Two that are equal write every value the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Locale {
    texts: Option<Texts>,
    clock: Clock,
}

/// How texts read: in which language, and their numbers and dates in which culture.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Texts {
    language: Language,
    culture: Culture,
}

impl Locale {
    /// What a client wishes, in an installation whose own time zone is `base`.
    ///
    /// # Errors
    /// Nobody knows the time zone.
    pub fn new(wishes: Wishes<'_>, base: &Zone) -> Result<Self, UnknownZone> {
        Ok(Self { texts: Texts::new(wishes), clock: Clock::new(wishes.so_time_zone.unwrap_or_default(), base)? })
    }

    /// The clock of dates.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The language of texts; none when they are not translated.
    pub fn language(&self) -> Option<Language> {
        self.texts.as_ref().map(|texts| texts.language)
    }

    /// The same with its texts in this language. A culture that was named for another language does not count.
    pub fn in_language(&self, language: Language) -> Self {
        if self.language() == Some(language) {
            return self.clone();
        }
        Self { texts: Some(Texts { language, culture: Culture::new(language.iso()) }), clock: self.clock.clone() }
    }

    /// The string as the client reads it. What cannot be understood in it stays as it is.
    pub fn resolve<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(texts) = &self.texts else { return Cow::Borrowed(text) };
        match block::choose(text, texts.language) {
            Cow::Borrowed(text) => brackets::resolve(text, texts.language, &texts.culture),
            Cow::Owned(text) => Cow::Owned(brackets::resolve(&text, texts.language, &texts.culture).into_owned()),
        }
    }
}

impl Texts {
    /// SO-Language goes over Accept-Language; a culture without a language is ignored (contract §5.1).
    fn new(wishes: Wishes<'_>) -> Option<Self> {
        let tag = preferred_tag(wishes.so_language.or(wishes.accept_language)?)?;
        let culture = wishes.so_culture.map(str::trim).filter(|culture| Language::from_iso(culture).is_some());
        Some(Self {
            language: Language::from_iso(tag).unwrap_or(Language::US),
            culture: Culture::new(culture.unwrap_or(tag)),
        })
    }
}
