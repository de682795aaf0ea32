//! A text in one or more languages, as definitions have it and as this server makes it.

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

use super::{Language, Surroundings, block, resources, verbatim};

/// A text in one or more languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiLanguage {
    /// The same in every language.
    Plain(String),
    /// One text for each language, in the order in which they are written.
    Each(Vec<(Language, String)>),
}

impl MultiLanguage {
    /// A text of this server's own, in every language it speaks, with each `{name}` filled in.
    ///
    /// # Panics
    /// There is no such text; a test sees to it that each is there.
    pub fn resource(id: &str, values: &[(&str, &str)]) -> Self {
        let fill = |text: &str| {
            let filled = |text: String, (name, value): &(&str, &str)| {
                text.replace(&format!("{{{name}}}"), &verbatim(value, Surroundings::default()))
            };
            values.iter().fold(text.to_owned(), filled)
        };
        let texts: BTreeMap<_, _> = resources::texts(id).map(|(language, text)| (language, fill(text))).collect();
        assert!(!texts.is_empty(), "there is no text {id}");
        Self::sorted(texts)
    }

    /// A text in English and Norwegian.
    pub fn own(en: &str, nb: &str) -> Self {
        Self::sorted(BTreeMap::from([(Language::US, en.to_owned()), (Language::NO, nb.to_owned())]))
    }

    /// Texts in the order of SuperOffice's codes.
    fn sorted(texts: BTreeMap<Language, String>) -> Self {
        Self::Each(texts.into_iter().collect())
    }

    /// A text in the form in which it travels. One with more than a single block is read when it is answered.
    fn read(text: &str) -> Self {
        let Some(entries) = block::whole(text) else { return Self::Plain(text.to_owned()) };
        Self::Each(entries.into_iter().map(|(language, text)| (language, text.to_owned())).collect())
    }

    /// The texts one after the other, each in the language of the whole, or in the nearest one it has.
    pub fn join(texts: &[Self]) -> Self {
        let languages: BTreeSet<_> = texts.iter().flat_map(Self::languages).collect();
        let joined = |language| texts.iter().map(|text| text.text_in(language)).collect::<Vec<_>>().join(" ");
        if languages.is_empty() {
            return Self::Plain(joined(Language::US));
        }
        Self::Each(languages.into_iter().map(|language| (language, joined(language))).collect())
    }

    /// How many bytes its texts have.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Each(texts) => texts.iter().map(|(_, text)| text.len()).sum(),
        }
    }

    /// What the text has around values that are filled into it.
    pub fn surroundings(&self) -> Surroundings {
        match self {
            Self::Plain(text) => Surroundings { has_brackets: text.contains('['), has_quotes: text.contains('"') },
            // Quotes become typographic when such a text is written.
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

    /// The text for who reads English.
    pub fn english(&self) -> &str {
        self.text_in(Language::US)
    }

    fn text_in(&self, language: Language) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Each(texts) => {
                let of = |wanted: Language| texts.iter().find(|(own, _)| *own == wanted);
                let found = language.nearest().into_iter().find_map(of);
                found.or(texts.first()).map_or("", |(_, text)| text)
            }
        }
    }

    /// The same text with each language's version passed through `change`.
    ///
    /// # Errors
    /// The first one of `change`.
    pub fn try_map<E>(&self, mut change: impl FnMut(&str) -> Result<String, E>) -> Result<Self, E> {
        Ok(match self {
            Self::Plain(text) => Self::Plain(change(text)?),
            Self::Each(texts) => {
                let changed = texts.iter().map(|(language, text)| Ok((*language, change(text)?)));
                Self::Each(changed.collect::<Result<_, E>>()?)
            }
        })
    }

    /// The string as it is stored and sent to a client who names no language: `NO:"…";US:"…"`.
    ///
    /// A double quote inside a text would end it early; it becomes a typographic one.
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

/// Read from one string, which may be in several languages itself, or from a map of ISO language codes to texts.
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
                    // In braces, a comma ends a text, and what follows is taken for a language.
                    let remedy = if iso.contains(' ') { "; a text with a comma in it is quoted" } else { "" };
                    let known = Language::known_iso_codes();
                    let unknown = || format!("unknown language `{iso}`{remedy}; known are {known}");
                    let language = Language::from_iso(&iso).ok_or_else(|| A::Error::custom(unknown()))?;
                    if texts.insert(language, map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("`{iso}` says {} a second time", language.code())));
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
        // Lower case is how the file's authors write them; upper case is read as well.
        let languages: Vec<_> = Language::all().map(|language| language.iso().to_ascii_lowercase()).collect();
        json_schema!({
            "description": "One text, which may be of the form NO:\"…\";US:\"…\", or one for each language by ISO code.",
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
    fn a_text_in_two_languages_goes_out_in_upstreams_form() {
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
    fn a_text_in_upstreams_form_is_read_as_one_in_several_languages() {
        let read = MultiLanguage::read(r#"US:"Done";NO:"Utført";"#);
        assert_eq!((read.text_in(Language::NO), read.text_in(Language::US)), ("Utført", "Done"));
        assert_eq!(read.raw(), r#"US:"Done";NO:"Utført""#);
        assert_eq!(MultiLanguage::read(r#"It is US:"done""#), MultiLanguage::Plain(r#"It is US:"done""#.into()));
    }
}
