//! A text in one or more languages, from a definition or from the server's own resources.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::{Language, Surroundings, multi_language_string, resources, verbatim};

/// A text in one or more languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiLanguage {
    /// The same in every language.
    Plain(String),
    /// One text for each language, in their original order.
    Each(Vec<(Language, String)>),
}

impl MultiLanguage {
    /// A text of the server's resources in all its languages. Each `{name}` is replaced by its value.
    ///
    /// # Panics
    /// There is no text with this id.
    pub fn resource(id: &str, values: &[(&str, &str)]) -> Self {
        let fill = |text: &str| {
            let filled = |text: String, (name, value): &(&str, &str)| {
                text.replace(&format!("{{{name}}}"), &verbatim(value, Surroundings::default()))
            };
            values.iter().fold(text.to_owned(), filled)
        };
        let texts: BTreeMap<_, _> = resources::texts(id).map(|(language, text)| (language, fill(text))).collect();
        assert!(!texts.is_empty(), "there is no text with the id {id}");
        Self::sorted(texts)
    }

    /// A text in English and Norwegian.
    pub fn own(en: &str, nb: &str) -> Self {
        Self::sorted(BTreeMap::from([(Language::US, en.to_owned()), (Language::NO, nb.to_owned())]))
    }

    /// Sorts the texts by SuperOffice's language codes.
    fn sorted(texts: BTreeMap<Language, String>) -> Self {
        Self::Each(texts.into_iter().collect())
    }

    /// Parses a multi-language string that is a single block. Any other string stays plain, and its blocks are resolved
    /// when it is sent to a client.
    fn read(text: &str) -> Self {
        let Some(entries) = multi_language_string::whole(text) else { return Self::Plain(text.to_owned()) };
        Self::Each(entries.into_iter().map(|(language, text)| (language, text.to_owned())).collect())
    }

    /// Joins texts with blanks, in each of their languages. A text without that language is taken in its nearest one.
    pub fn join(texts: &[Self]) -> Self {
        let languages: BTreeSet<_> = texts.iter().flat_map(Self::languages).collect();
        let joined = |language| texts.iter().map(|text| text.text_in(language)).collect::<Vec<_>>().join(" ");
        if languages.is_empty() {
            return Self::Plain(joined(Language::US));
        }
        Self::Each(languages.into_iter().map(|language| (language, joined(language))).collect())
    }

    /// The number of bytes of all texts.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Each(texts) => texts.iter().map(|(_, text)| text.len()).sum(),
        }
    }

    /// What surrounds values that are inserted into the text.
    pub fn surroundings(&self) -> Surroundings {
        match self {
            Self::Plain(text) => Surroundings { has_brackets: text.contains('['), has_quotes: text.contains('"') },
            // `raw` replaces quotes in such texts, so they have none.
            Self::Each(texts) => {
                Surroundings { has_brackets: texts.iter().any(|(_, text)| text.contains('[')), has_quotes: false }
            }
        }
    }

    fn languages(&self) -> impl Iterator<Item = Language> + '_ {
        let texts = match self {
            Self::Plain(_) => None,
            Self::Each(texts) => Some(texts.iter().map(|(language, _)| *language)),
        };
        texts.into_iter().flatten()
    }

    /// Whether there is a text in exactly this language. A plain text is in none.
    pub fn has(&self, language: Language) -> bool {
        self.languages().any(|known| known == language)
    }

    /// The English text.
    pub fn english(&self) -> &str {
        self.text_in(Language::US)
    }

    /// The text in this language, or in the nearest one.
    pub fn text_in(&self, language: Language) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Each(texts) => {
                let of = |wanted: Language| texts.iter().find(|(known, _)| *known == wanted);
                let found = language.nearest().into_iter().find_map(of);
                found.or(texts.first()).map_or("", |(_, text)| text)
            }
        }
    }

    /// Applies `change` to the text of each language.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn try_map<E>(&self, mut change: impl FnMut(&str) -> Result<String, E>) -> Result<Self, E> {
        self.try_map_each(|_, text| change(text))
    }

    /// As [`Self::try_map`], with the language of each text; `None` for a plain text.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn try_map_each<E>(
        &self,
        mut change: impl FnMut(Option<Language>, &str) -> Result<String, E>,
    ) -> Result<Self, E> {
        Ok(match self {
            Self::Plain(text) => Self::Plain(change(None, text)?),
            Self::Each(texts) => {
                let changed = texts.iter().map(|(language, text)| Ok((*language, change(Some(*language), text)?)));
                Self::Each(changed.collect::<Result<_, E>>()?)
            }
        })
    }

    /// The string for storage and for clients without a language: `NO:"…";US:"…"`.
    ///
    /// A double quote within a text would end it, so it becomes a typographic one.
    pub fn raw(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Each(texts) => {
                let mut raw = String::new();
                for (language, text) in texts {
                    let separator = if raw.is_empty() { "" } else { ";" };
                    let _ = write!(raw, "{separator}{}:\"{}\"", language.code(), text.replace('"', "”"));
                }
                raw
            }
        }
    }
}

/// Reads a string, which may be a multi-language string, or a map from ISO language codes to texts.
impl<'de> Deserialize<'de> for MultiLanguage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = MultiLanguage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a map of languages such as {en: Hello, nb: Hei}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<MultiLanguage, E> {
                Ok(MultiLanguage::read(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MultiLanguage, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some(iso) = map.next_key::<String>()? {
                    // Within YAML braces, an unquoted comma ends a text, and the rest is read as a language.
                    let remedy = if iso.contains(' ') { "; put quotes around a text with a comma" } else { "" };
                    let known = Language::known_iso_codes();
                    let unknown = || format!("unknown language `{iso}`{remedy}; known are {known}");
                    let language = Language::from_iso(&iso).ok_or_else(|| A::Error::custom(unknown()))?;
                    if texts.insert(language, map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("`{iso}` defines {} a second time", language.code())));
                    }
                }
                if texts.is_empty() {
                    return Err(A::Error::custom("a text needs at least one language"));
                }
                Ok(MultiLanguage::sorted(texts))
            }
        }

        deserializer.deserialize_any(Texts)
    }
}

impl JsonSchema for MultiLanguage {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The schema lists lower-case codes; the reader accepts any case.
        let languages: Vec<_> = Language::all().map(|language| language.iso().to_ascii_lowercase()).collect();
        json_schema!({
            "description": "A text, which may have the form NO:\"…\";US:\"…\", or a map from ISO codes to texts.",
            "anyOf": [
                {"type": "string"},
                {"type": "object", "propertyNames": {"enum": languages}, "additionalProperties": {"type": "string"}, "minProperties": 1}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_two_languages_is_written_in_upstreams_form() {
        assert_eq!(MultiLanguage::own("Done", "Utført").raw(), r#"NO:"Utført";US:"Done""#);
        assert_eq!(MultiLanguage::Plain("Done".into()).raw(), "Done");
    }

    #[test]
    fn a_quote_in_a_text_does_not_end_it() {
        assert_eq!(MultiLanguage::own("a \"b\"", "c").raw(), r#"NO:"c";US:"a ”b”""#);
    }

    #[test]
    fn joined_texts_keep_every_language() {
        let joined = MultiLanguage::join(&[MultiLanguage::own("One", "En"), MultiLanguage::Plain("2".into())]);
        assert_eq!(joined, MultiLanguage::own("One 2", "En 2"));
        assert_eq!(MultiLanguage::join(&[MultiLanguage::Plain("2".into())]), MultiLanguage::Plain("2".into()));
    }

    #[test]
    fn a_text_in_upstreams_form_is_read() {
        let read = MultiLanguage::read(r#"US:"Done";NO:"Utført";"#);
        assert_eq!((read.text_in(Language::NO), read.text_in(Language::US)), ("Utført", "Done"));
        assert_eq!(read.raw(), r#"US:"Done";NO:"Utført""#);
        assert_eq!(MultiLanguage::read(r#"It is US:"done""#), MultiLanguage::Plain(r#"It is US:"done""#.into()));
    }
}
