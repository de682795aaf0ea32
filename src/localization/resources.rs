//! The server's own texts by resource id, such as `SR_COMMAND_DONE` (docs/upstream.md §5.3).

use std::{collections::BTreeMap, sync::LazyLock};

use super::Language;

/// Texts by id.
type Texts = BTreeMap<String, String>;

/// Prefix of all resource ids.
pub const PREFIX: &str = "SR_";

/// The languages of the server, with their texts.
static LANGUAGES: LazyLock<Vec<(Language, Texts)>> = LazyLock::new(|| {
    let files = [
        ("da", include_str!("../../localization/da.toml")),
        ("de", include_str!("../../localization/de.toml")),
        ("en", include_str!("../../localization/en.toml")),
        ("fr", include_str!("../../localization/fr.toml")),
        ("nb", include_str!("../../localization/nb.toml")),
        ("nl", include_str!("../../localization/nl.toml")),
        ("sv", include_str!("../../localization/sv.toml")),
    ];
    let read = |(iso, file): (&str, &str)| match (Language::from_iso(iso), toml::from_str(file)) {
        (Some(language), Ok(texts)) => (language, texts),
        (_, Err(error)) => unreachable!("localization/{iso}.toml: {error}"),
        (None, _) => unreachable!("{iso} is not a language"),
    };
    files.map(read).into()
});

/// The text of an id in the language, or in the nearest one.
pub fn find(id: &str, language: Language) -> Option<&'static str> {
    let of = |wanted: Language| LANGUAGES.iter().find(|(known, _)| *known == wanted)?.1.get(id);
    language.nearest().into_iter().find_map(of).map(String::as_str)
}

/// The text of an id in every language.
pub fn texts(id: &str) -> impl Iterator<Item = (Language, &'static str)> {
    LANGUAGES.iter().filter_map(move |(language, texts)| Some((*language, texts.get(id)?.as_str())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names of the values in a text.
    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_language_has_every_text_with_the_same_values() {
        let english = &LANGUAGES.iter().find(|(language, _)| *language == Language::US).expect("English").1;
        for (language, texts) in LANGUAGES.iter() {
            assert!(texts.keys().eq(english.keys()), "{language:?}");
            for (id, text) in texts {
                assert!(id.starts_with(PREFIX), "{id}");
                assert_eq!(names(text), names(&english[id]), "{language:?} {id}");
                assert!(!text.contains('"'), "{language:?} {id}: a quote would end the text");
            }
        }
    }

    #[test]
    fn a_language_without_texts_falls_back_to_english() {
        let finnish = Language::from_iso("fi").expect("Finnish");
        assert_eq!(find("SR_COMMAND_DONE", finnish), Some("Done."));
        assert_eq!(find("SR_COMMAND_DONE", Language::NO), Some("Utført."));
        assert_eq!(find("SR_NOTHING", Language::US), None);
    }
}
