//! How texts read: languages, and strings that hold a text in several of them (contract §5.2).

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

/// SuperOffice's own language codes with the ISO 639 codes (and cultures) they stand for.
const LANGUAGES: [(&str, &str); 20] = [
    ("BR", "pt-br"),
    ("CH", "de-ch"),
    ("CN", "zh"),
    ("CZ", "cs"),
    ("DA", "da"),
    ("FI", "fi"),
    ("FR", "fr"),
    ("GE", "de"),
    ("IT", "it"),
    ("JP", "ja"),
    ("KO", "ko"),
    ("NL", "nl"),
    ("NO", "nb"),
    ("PL", "pl"),
    ("RU", "ru"),
    ("SP", "es"),
    ("SW", "sv"),
    ("UK", "en-gb"),
    ("US", "en"),
    ("VI", "vi"),
];

/// A language, named by SuperOffice's two-letter code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Language(&'static str);

impl Language {
    /// American English: what is shown where nothing else fits.
    pub const US: Self = Self("US");
    /// Norwegian.
    pub const NO: Self = Self("NO");

    /// The language of an ISO code or culture, such as `nb` or `en-GB`.
    pub fn from_iso(iso: &str) -> Option<Self> {
        let iso = iso.to_ascii_lowercase();
        let known = |iso: &str| LANGUAGES.iter().find(|(_, known)| *known == iso).map(|(code, _)| Self(code));
        let language = iso.split('-').next().unwrap_or_default();
        let norwegian = ["no", "nn"].contains(&language).then_some(Self::NO);
        known(&iso).or(norwegian).or_else(|| known(language))
    }

    /// Every ISO code that `from_iso` knows, for messages.
    pub fn known_iso_codes() -> String {
        LANGUAGES.map(|(_, iso)| iso).join(", ")
    }
}

/// A text in one or more languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiLanguage {
    /// The same in every language.
    Plain(String),
    /// One text for each language.
    Each(BTreeMap<Language, String>),
}

impl MultiLanguage {
    /// A text of this server's own, in the two languages it speaks by itself.
    pub fn own(en: &str, nb: &str) -> Self {
        Self::Each(BTreeMap::from([(Language::US, en.to_owned()), (Language::NO, nb.to_owned())]))
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

    fn languages(&self) -> impl Iterator<Item = Language> + '_ {
        let texts = match self {
            Self::Plain(_) => None,
            Self::Each(texts) => Some(texts.keys().copied()),
        };
        texts.into_iter().flatten()
    }

    // American English stands in for a language that is missing, and the first one where that is missing too.
    fn text_in(&self, language: Language) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Each(texts) => texts
                .get(&language)
                .or_else(|| texts.get(&Language::US))
                .or_else(|| texts.values().next())
                .map_or("", String::as_str),
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
                    let _ = write!(raw, "{separator}{}:\"{}\"", language.0, text.replace('"', "”"));
                }
                raw
            }
        }
    }
}

/// Read from one string, or from a map of ISO language codes to texts.
impl<'de> Deserialize<'de> for MultiLanguage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = MultiLanguage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a map of languages such as {en: Hello, nb: Hei}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<MultiLanguage, E> {
                Ok(MultiLanguage::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MultiLanguage, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some(iso) = map.next_key::<String>()? {
                    let unknown = || format!("unknown language `{iso}`; known are {}", Language::known_iso_codes());
                    let language = Language::from_iso(&iso).ok_or_else(|| A::Error::custom(unknown()))?;
                    if texts.insert(language, map.next_value()?).is_some() {
                        return Err(A::Error::custom(format!("`{iso}` says {} a second time", language.0)));
                    }
                }
                if texts.is_empty() {
                    return Err(A::Error::custom("a text needs at least one language"));
                }
                Ok(MultiLanguage::Each(texts))
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
        let languages = LANGUAGES.map(|(_, iso)| iso);
        json_schema!({
            "description": "One text, or one for each language by ISO code.",
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
    fn languages_are_known_by_iso_code_without_regard_to_case() {
        assert_eq!(Language::from_iso("EN"), Some(Language::US));
        assert_eq!(Language::from_iso("nb"), Some(Language::NO));
        assert_eq!(Language::from_iso("nn-NO"), Some(Language::NO));
        assert_eq!(Language::from_iso("en-US"), Some(Language::US));
        assert_eq!(Language::from_iso("en-GB"), Some(Language("UK")));
        assert_eq!(Language::from_iso("xx"), None);
    }
}
