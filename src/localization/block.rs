//! Strings that hold a text in several languages, as they travel: `NO:"Hei";US:"Hello"` (contract §5.2).
//!
//! Such a block may stand anywhere in a string, which may have several of them. Its languages come in any order, with or
//! without a semicolon at the end. What is no block is text.

use std::borrow::Cow;

use super::Language;

/// One language's text within a block; no language where the code is none that is known.
type Entry<'a> = (Option<Language>, &'a str);

/// The string with each of its blocks replaced by the text that a reader of the language gets.
pub fn choose(text: &str, language: Language) -> Cow<'_, str> {
    let (mut chosen, mut rest) = (String::new(), text);
    while let Some((before, entries, after)) = next_block(rest) {
        chosen.push_str(before);
        chosen.push_str(nearest(&entries, language));
        rest = after;
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    chosen.push_str(rest);
    Cow::Owned(chosen)
}

/// The entries of a string that is one block and nothing else, all of them in known languages.
pub fn whole(text: &str) -> Option<Vec<(Language, &str)>> {
    let (_, entries, _) = next_block(text).filter(|(before, _, after)| before.is_empty() && after.is_empty())?;
    entries.into_iter().map(|(language, text)| Some((language?, text))).collect()
}

// A language that is missing is served by the nearest one, and by the first one where that is missing too.
fn nearest<'a>(entries: &[Entry<'a>], language: Language) -> &'a str {
    let of = |wanted: Language| entries.iter().find(|(own, _)| *own == Some(wanted));
    let found = language.nearest().into_iter().find_map(of);
    found.or(entries.iter().find(|(own, _)| own.is_some())).map_or("", |(_, text)| text)
}

/// The first block of a string, with what stands before and behind it. Where an entry has no end, nothing is a block.
fn next_block(text: &str) -> Option<(&str, Vec<Entry<'_>>, &str)> {
    for start in text.match_indices(":\"").filter_map(|(colon, _)| colon.checked_sub(2)) {
        // A word that ends like a code is none.
        let is_within_word = text.get(..start).is_none_or(|before| before.ends_with(char::is_alphanumeric));
        let Some((first, mut rest)) = text.get(start..).filter(|_| !is_within_word).and_then(entry) else { continue };
        let mut entries = vec![first];
        while let Some((next, after)) = entry(rest.strip_prefix(';').unwrap_or(rest)) {
            entries.push(next);
            rest = after;
        }
        let behind = rest.strip_prefix(';').unwrap_or(rest);
        if code(behind).is_some() {
            return None;
        }
        if entries.iter().any(|(language, _)| language.is_some()) {
            return Some((&text[..start], entries, behind));
        }
    }
    None
}

/// The entry that a string begins with, and what is behind it.
fn entry(text: &str) -> Option<(Entry<'_>, &str)> {
    let (code, rest) = code(text)?;
    let (text, rest) = rest.split_once('"')?;
    Some(((Language::from_code(code), text), rest))
}

/// The two capitals that an entry begins with, and what is behind the quote.
fn code(text: &str) -> Option<(&str, &str)> {
    let is_code = |(code, _): &(&str, &str)| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    text.split_once(":\"").filter(is_code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn swedish(text: &str) -> Cow<'_, str> {
        choose(text, Language::from_iso("sv").expect("Swedish"))
    }

    #[test]
    fn the_language_asked_for_is_chosen_whatever_the_order() {
        for text in [r#"SW:"Hej";US:"Hello""#, r#"US:"Hello";NO:"Hei";SW:"Hej";"#, r#"US:"Hi"SW:"Hej""#] {
            assert_eq!(swedish(text), "Hej", "{text}");
        }
    }

    #[test]
    fn a_missing_language_is_served_in_american_english_else_in_the_first() {
        assert_eq!(swedish(r#"NO:"Hei";US:"Hello""#), "Hello");
        assert_eq!(swedish(r#"NO:"Hei";GE:"Hallo""#), "Hei");
        assert_eq!(choose(r#"US:"Hello";GE:"Hallo""#, Language::from_iso("de-CH").expect("Swiss German")), "Hallo");
    }

    #[test]
    fn text_around_and_several_blocks_are_kept() {
        assert_eq!(swedish(r#"Say US:"Hello";SW:"Hej"; and SW:"Hejdå", please"#), "Say Hej and Hejdå, please");
        assert_eq!(swedish(r#"æøå US:"Hello" "quoted" "#), r#"æøå Hello "quoted" "#);
    }

    #[test]
    fn a_language_that_nobody_knows_is_passed_over() {
        assert_eq!(swedish(r#"NO:"Hei";PT:"Olá";US:"Hello""#), "Hello");
        assert_eq!(swedish(r#"PT:"Olá";NO:"Hei""#), "Hei");
        assert_eq!(whole(r#"PT:"Olá";NO:"Hei""#), None);
    }

    #[test]
    fn what_is_no_block_is_unchanged() {
        for text in [
            "",
            "plain",
            r#"US:"open"#,
            r#"us:"lower""#,
            r#"DK:"a zone""#,
            r#"US: "blank""#,
            r#":"x""#,
            "øUS:",
            r#"STATUS:"open""#,
            r#"BONUS:"5" and CASINO:"x""#,
            r#"US:"a";NO:"open"#,
            r#"PT:"Olá";DK:"a zone""#,
        ] {
            assert!(matches!(swedish(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn a_string_that_is_one_block_is_told_from_one_that_has_one() {
        assert_eq!(whole(r#"US:"Hello";SW:"Hej";"#).map(|entries| entries.len()), Some(2));
        assert_eq!(whole(r#"Say US:"Hello""#), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_nothing_is_made_up(text in r#"([A-Z]{2}:?"?|;|"|\[|.){0,40}"#) {
            let chosen = choose(&text, Language::US);
            prop_assert!(chosen.len() <= text.len());
            prop_assert!(chosen == text || next_block(&text).is_some());
        }

        #[test]
        fn a_string_without_an_opening_quote_is_unchanged(text in "[^\"]*") {
            prop_assert_eq!(choose(&text, Language::US), text.as_str());
        }

        #[test]
        fn what_is_put_together_comes_apart(
            before in "([a-z ]* )?", texts in prop::collection::btree_map(0usize..20, "[^\"]*", 1..5), after in "[a-z ]*"
        ) {
            let languages: Vec<_> = Language::all().collect();
            let entries = texts.iter().map(|(index, text)| format!("{}:\"{text}\"", languages[*index].code()));
            let block = entries.collect::<Vec<_>>().join(";");
            let string = format!("{before}{block}{after}");
            for (index, text) in &texts {
                prop_assert_eq!(choose(&string, languages[*index]), format!("{before}{text}{after}"));
            }
        }
    }
}
