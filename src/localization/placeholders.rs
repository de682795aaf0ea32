//! Replaces placeholders in a string: resource ids, `[SR_…]`, and encoded values, `[F:4.43]` (docs/upstream.md §5.3,
//! §5.4).
//!
//! A string is read once from its beginning; inserted text is not scanned again. Brackets with other content are text.

use std::borrow::Cow;

use super::{Culture, Language, culture::Formatters, encoded_value::Encoded, resources};

/// Replaces the placeholders of a string.
pub fn resolve<'a>(text: &'a str, language: Language, culture: &Culture) -> Cow<'a, str> {
    let (mut resolved, mut copied) = (String::new(), 0);
    let (formatters, mut search) = (culture.formatters(), 0);
    while let Some(start) = text[search..].find('[').map(|found| search + found) {
        search = start + 1;
        let Some(end) = text[search..].find(['[', ']']).map(|found| search + found) else { break };
        if text[end..].starts_with('[') {
            continue; // a stray bracket; the next one may begin a placeholder
        }
        if let Some(meaning) = meaning(&text[search..end], language, &formatters) {
            resolved.push_str(&text[copied..start]);
            resolved.push_str(&meaning);
            copied = end + 1;
        }
        search = end + 1;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    resolved.push_str(&text[copied..]);
    Cow::Owned(resolved)
}

fn meaning(inner: &str, language: Language, formatters: &Formatters<'_>) -> Option<Cow<'static, str>> {
    if inner.starts_with(resources::PREFIX) {
        return resources::find(inner, language).map(Cow::Borrowed);
    }
    formatters.format(&Encoded::read(inner)?).map(Cow::Owned)
}

/// Whether this could be the content of a placeholder, here or for a client that knows other ids and values.
pub fn may_mean_something(inner: &str) -> bool {
    let is_marker = |(marker, _): (&str, &str)| marker.bytes().all(|byte| byte.is_ascii_uppercase());
    inner.starts_with(resources::PREFIX) || inner.split_once(':').is_some_and(is_marker)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn english(text: &str) -> Cow<'_, str> {
        resolve(text, Language::US, &Culture::new("en-US"))
    }

    #[test]
    fn known_ids_are_replaced_and_other_brackets_are_text() {
        let strays = "this [ is maybe [SR_COMMAND_DONE] a resource [] Apple ][ would like";
        assert_eq!(english(strays), "this [ is maybe Done. a resource [] Apple ][ would like");
        for text in ["[SR_NOTHING]", "[sr_command_done]", "[SR_COMMAND_DONE", "[]", "[X:1]", "[F:]", "[F:1", "][", "[["]
        {
            assert!(matches!(english(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(english("[[SR_COMMAND_DONE]]"), "[Done.]");
    }

    #[test]
    fn encoded_values_are_replaced_anywhere_in_a_text() {
        assert_eq!(english("since [D:05/05/1999 00:00:00.0000000], [F:4.50] h"), "since 5/5/1999, 4.50 h");
    }

    proptest! {
        #[test]
        fn known_placeholders_are_replaced_and_others_unchanged(
            texts in prop::collection::vec("[^\\[\\]]{0,8}", 1..6), strays in prop::collection::vec(r"\[[^\[\]:]{0,5}\]|\[", 0..6)
        ) {
            let join = |middle: &str| {
                let strays = strays.iter().map(String::as_str).chain(std::iter::repeat(""));
                texts.iter().zip(strays).map(|(text, stray)| format!("{text}{middle}{stray}")).collect::<String>()
            };
            let (without, with) = (join(""), join("[SR_COMMAND_DONE]"));
            prop_assert_eq!(english(&without), without.as_str());
            prop_assert_eq!(english(&with), join("Done."));
        }

        #[test]
        fn an_encoded_value_leaves_no_brackets(
            number in any::<i64>(), fraction in 0u32..1000, day in 1u32..29, month in 1u32..13, year in 1u32..10000,
            culture in prop::sample::select(vec!["en-US", "nb-NO", "de-CH", "ja", "vi-VN"])
        ) {
            let texts = [
                format!("[I:{number}]"),
                format!("[A:{number},{day},{month}]"),
                format!("[F:{number}.{fraction:03}]"),
                format!("[M:{number}.{fraction:03}]"),
                format!("[D:{month:02}/{day:02}/{year:04}]"),
                format!("[DT:{year:04}-{month:02}-{day:02}T12:34:56]"),
                format!("[T:{month:02}/{day:02}/{year:04} 23:59:59.0000000]"),
                format!("[TS:{number}]"),
            ];
            for text in texts {
                let resolved = resolve(&text, Language::US, &Culture::new(culture)).into_owned();
                prop_assert!(!resolved.is_empty() && !resolved.contains(['[', ']']), "{text}: {resolved}");
            }
        }

        #[test]
        fn any_string_is_read_without_a_panic(text in r"(\[|\]|[A-Z]{1,2}:|[0-9/:.-]{1,8}|SR_|.){0,30}") {
            for culture in ["en-US", "nb-NO", "xx"] {
                let resolved = resolve(&text, Language::US, &Culture::new(culture));
                prop_assert!(resolved.matches('[').count() <= text.matches('[').count());
            }
        }
    }
}
