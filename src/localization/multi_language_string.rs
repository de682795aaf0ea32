//! Parses upstream's multi-language strings: `NO:"Hei";US:"Hello"` (docs/upstream.md §5.2).
//!
//! A string may contain several such blocks, anywhere. The languages of a block come in any order, with or without a
//! semicolon at the end. Everything else is plain text.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use super::Language;

/// Replaces each block by its text in the language, or in the nearest one.
pub fn choose(text: &str, language: Language) -> Cow<'_, str> {
    let (mut chosen, mut copied) = (String::new(), 0);
    for block in Blocks::of(text) {
        chosen.push_str(&text[copied..block.range.start]);
        chosen.push_str(nearest(&block.entries, language));
        copied = block.range.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    chosen.push_str(&text[copied..]);
    Cow::Owned(chosen)
}

/// Whether some language turns `text` into `resolved`. False for a text without blocks.
pub fn reads_as(text: &str, resolved: &str) -> bool {
    Language::all().any(|language| matches!(choose(text, language), Cow::Owned(chosen) if chosen == resolved))
}

/// The entries of a string that is exactly one block, all in known languages.
pub fn whole(text: &str) -> Option<Vec<(Language, &str)>> {
    let block = Blocks::of(text).next().filter(|block| block.range == (0..text.len()))?;
    block.entries.into_iter().map(|entry| Some((entry.language?, entry.text))).collect()
}

/// The text of the nearest language, or else of the first known one.
fn nearest<'a>(entries: &[Entry<'a>], language: Language) -> &'a str {
    let of = |wanted: Language| entries.iter().find(|entry| entry.language == Some(wanted));
    let found = language.nearest().into_iter().find_map(of);
    found.or(entries.iter().find(|entry| entry.language.is_some())).map_or("", |entry| entry.text)
}

/// Finds the blocks of a string in one pass, in time linear in its length.
struct Blocks<'a> {
    text: &'a str,
    /// Where the search continues.
    position: usize,
    /// Starts of entries that belong to no block, because they and all entries after them have unknown languages.
    rejected: HashSet<usize>,
}

struct Block<'a> {
    range: Range<usize>,
    entries: Vec<Entry<'a>>,
}

/// The text of one language within a block. The language is `None` for an unknown code.
struct Entry<'a> {
    start: usize,
    end: usize,
    language: Option<Language>,
    text: &'a str,
}

impl<'a> Blocks<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, position: 0, rejected: HashSet::new() }
    }

    /// The consecutive entries from `start` on.
    fn entries(&self, start: usize) -> Vec<Entry<'a>> {
        let next = |last: &Entry<'a>| entry(self.text, behind_semicolon(self.text, last.end));
        std::iter::successors(entry(self.text, start), next).collect()
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    /// The next block. After a code with an unterminated text, the rest of the string has no blocks.
    fn next(&mut self) -> Option<Block<'a>> {
        let (text, from) = (self.text, self.position);
        let colons = text[from..].match_indices(":\"").map(|(colon, _)| from + colon);
        for start in colons.filter_map(|colon| colon.checked_sub(2).filter(|start| *start >= from)) {
            // The end of a longer word, such as `BONUS:"`, is not a code.
            let is_within_word = || text[..start].ends_with(char::is_alphanumeric);
            if code(text, start).is_none() || is_within_word() || self.rejected.contains(&start) {
                continue;
            }
            let entries = self.entries(start);
            let Some(last) = entries.last() else { continue };
            let end = behind_semicolon(text, last.end);
            if code(text, end).is_some() {
                break;
            }
            if entries.iter().any(|entry| entry.language.is_some()) {
                self.position = end;
                return Some(Block { range: start..end, entries });
            }
            self.rejected.extend(entries.iter().map(|entry| entry.start));
        }
        self.position = text.len();
        None
    }
}

/// The entry that begins at `start`.
fn entry(text: &str, start: usize) -> Option<Entry<'_>> {
    let language = Language::from_code(code(text, start)?);
    let (text, _) = text[start + 4..].split_once('"')?;
    Some(Entry { start, end: start + 4 + text.len() + 1, language, text })
}

/// The code `CC` if `CC:"` is at `start`.
fn code(text: &str, start: usize) -> Option<&str> {
    match text.as_bytes().get(start..)? {
        [one, two, b':', b'"', ..] if one.is_ascii_uppercase() && two.is_ascii_uppercase() => {
            text.get(start..start + 2)
        }
        _ => None,
    }
}

fn behind_semicolon(text: &str, position: usize) -> usize {
    position + usize::from(text[position..].starts_with(';'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn swedish(text: &str) -> Cow<'_, str> {
        choose(text, Language::from_iso("sv").expect("Swedish"))
    }

    /// [`choose`] for American English, implemented slowly without state.
    fn choose_slowly(text: &str) -> String {
        for start in 0..text.len() {
            let is_within_word = || text[..start].ends_with(char::is_alphanumeric);
            if code(text, start).is_none() || is_within_word() {
                continue;
            }
            let entries = Blocks::of(text).entries(start);
            let Some(last) = entries.last() else { continue };
            let end = behind_semicolon(text, last.end);
            if code(text, end).is_some() {
                break;
            }
            if entries.iter().any(|entry| entry.language.is_some()) {
                return format!("{}{}{}", &text[..start], nearest(&entries, Language::US), choose_slowly(&text[end..]));
            }
        }
        text.to_owned()
    }

    #[test]
    fn the_requested_language_is_chosen_in_any_order() {
        for text in [r#"SW:"Hej";US:"Hello""#, r#"US:"Hello";NO:"Hei";SW:"Hej";"#, r#"US:"Hi"SW:"Hej""#] {
            assert_eq!(swedish(text), "Hej", "{text}");
        }
    }

    #[test]
    fn a_missing_language_falls_back_to_english_then_the_first() {
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
    fn an_unknown_language_is_skipped() {
        assert_eq!(swedish(r#"NO:"Hei";PT:"Olá";US:"Hello""#), "Hello");
        assert_eq!(swedish(r#"PT:"Olá";NO:"Hei""#), "Hei");
        assert_eq!(whole(r#"PT:"Olá";NO:"Hei""#), None);
    }

    #[test]
    fn text_without_a_block_is_unchanged() {
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
    fn only_a_string_that_is_one_block_is_whole() {
        assert_eq!(whole(r#"US:"Hello";SW:"Hej";"#).map(|entries| entries.len()), Some(2));
        assert_eq!(whole(r#"Say US:"Hello""#), None);
    }

    proptest! {
        #[test]
        fn the_result_is_never_longer_than_the_string(text in r#"([A-Z]{2}:?"?|;|"|\[|.){0,40}"#) {
            let chosen = choose(&text, Language::US);
            prop_assert!(chosen.len() <= text.len());
            prop_assert!(chosen == text || Blocks::of(&text).next().is_some());
        }

        #[test]
        fn one_pass_agrees_with_the_slow_implementation(
            parts in prop::collection::vec(prop::sample::select(vec![
                "US:\"", "NO:\"", "ZZ:\"", "QQ:\"", "\"", ";", "US", ":", "x", " ", "å", "\";ZZ:\"", "\";US:\"",
            ]), 0..24)
        ) {
            let text = parts.concat();
            prop_assert_eq!(choose(&text, Language::US), choose_slowly(&text));
        }

        #[test]
        fn a_string_without_an_opening_quote_is_unchanged(text in "[^\"]*") {
            prop_assert_eq!(choose(&text, Language::US), text.as_str());
        }

        #[test]
        fn a_composed_string_resolves_to_its_parts(
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
