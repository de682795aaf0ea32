//! Strings that hold a text in several languages, as they travel: `NO:"Hei";US:"Hello"` (contract §5.2).
//!
//! Such a block may stand anywhere in a string, which may have several of them. Its languages come in any order, with or
//! without a semicolon at the end. What is no block is text.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use super::Language;

/// The string with each of its blocks replaced by the text that a reader of the language gets.
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

/// Whether a reader of some language gets this for the string, which is none of its blocks as they are written.
pub fn reads_as(text: &str, reading: &str) -> bool {
    Language::all().any(|language| matches!(choose(text, language), Cow::Owned(chosen) if chosen == reading))
}

/// The entries of a string that is one block and nothing else, all of them in known languages.
pub fn whole(text: &str) -> Option<Vec<(Language, &str)>> {
    let block = Blocks::of(text).next().filter(|block| block.range == (0..text.len()))?;
    block.entries.into_iter().map(|entry| Some((entry.language?, entry.text))).collect()
}

// A language that is missing is served by the nearest one, and by the first one where that is missing too.
fn nearest<'a>(entries: &[Entry<'a>], language: Language) -> &'a str {
    let of = |wanted: Language| entries.iter().find(|entry| entry.language == Some(wanted));
    let found = language.nearest().into_iter().find_map(of);
    found.or(entries.iter().find(|entry| entry.language.is_some())).map_or("", |entry| entry.text)
}

/// The blocks of a string, found in one pass: the work is proportional to the length of the string.
struct Blocks<'a> {
    text: &'a str,
    /// Where the search goes on.
    position: usize,
    /// Starts of entries that belong to no block: their language and those of all entries behind them are unknown.
    rejected: HashSet<usize>,
}

struct Block<'a> {
    range: Range<usize>,
    entries: Vec<Entry<'a>>,
}

/// One language's text within a block; no language where the code is unknown.
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

    /// The entries that follow one another from here on.
    fn entries(&self, start: usize) -> Vec<Entry<'a>> {
        let next = |last: &Entry<'a>| entry(self.text, behind_semicolon(self.text, last.end));
        std::iter::successors(entry(self.text, start), next).collect()
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    /// The next block. Where a code follows whose text has no end, the rest of the string has no block.
    fn next(&mut self) -> Option<Block<'a>> {
        let (text, from) = (self.text, self.position);
        let colons = text[from..].match_indices(":\"").map(|(colon, _)| from + colon);
        for start in colons.filter_map(|colon| colon.checked_sub(2).filter(|start| *start >= from)) {
            // A word that ends like a code is none.
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

/// The entry that begins here.
fn entry(text: &str, start: usize) -> Option<Entry<'_>> {
    let language = Language::from_code(code(text, start)?);
    let (text, _) = text[start + 4..].split_once('"')?;
    Some(Entry { start, end: start + 4 + text.len() + 1, language, text })
}

/// The two capitals of `CC:"`, when that stands here.
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

    /// The same as [`choose`] for American English, found the slow way: each code is looked at anew.
    fn by_looking_again(text: &str) -> String {
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
                return format!(
                    "{}{}{}",
                    &text[..start],
                    nearest(&entries, Language::US),
                    by_looking_again(&text[end..])
                );
            }
        }
        text.to_owned()
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
            prop_assert!(chosen == text || Blocks::of(&text).next().is_some());
        }

        #[test]
        fn one_pass_finds_what_looking_again_from_every_code_finds(
            parts in prop::collection::vec(prop::sample::select(vec![
                "US:\"", "NO:\"", "ZZ:\"", "QQ:\"", "\"", ";", "US", ":", "x", " ", "å", "\";ZZ:\"", "\";US:\"",
            ]), 0..24)
        ) {
            let text = parts.concat();
            prop_assert_eq!(choose(&text, Language::US), by_looking_again(&text));
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
