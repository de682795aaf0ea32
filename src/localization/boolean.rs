//! Parses true and false as spreadsheets and people write them, in the languages of the server.

/// Language, words for true, words for false: first the words of spreadsheets, then *yes* and *no*.
const WORDS: [(&str, [&str; 2], [&str; 2]); 7] = [
    ("da", ["sand", "ja"], ["falsk", "nej"]),
    ("de", ["wahr", "ja"], ["falsch", "nein"]),
    ("en", ["true", "yes"], ["false", "no"]),
    ("fr", ["vrai", "oui"], ["faux", "non"]),
    ("nb", ["sann", "ja"], ["usann", "nei"]),
    ("nl", ["waar", "ja"], ["onwaar", "nee"]),
    ("sv", ["sant", "ja"], ["falskt", "nej"]),
];

/// Parses a boolean cell: one of the words in any case, or 1 or 0.
pub fn read_boolean(text: &str) -> Option<bool> {
    let text = text.trim().to_lowercase();
    let is_among = |words: &[&str; 2]| words.contains(&text.as_str());
    if text == "1" || WORDS.iter().any(|(_, yes, _)| is_among(yes)) {
        Some(true)
    } else if text == "0" || WORDS.iter().any(|(_, _, no)| is_among(no)) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::localization::{Language, resources};

    #[test]
    fn every_language_of_the_server_has_its_words() {
        let spoken: BTreeSet<_> = resources::texts("SR_COMMAND_DONE").map(|(language, _)| language).collect();
        let worded: BTreeSet<_> = WORDS.iter().filter_map(|(iso, ..)| Language::from_iso(iso)).collect();
        assert_eq!(worded, spoken);
    }

    #[test]
    fn words_ignore_case_and_none_is_ambiguous() {
        for (_, yes, no) in WORDS {
            for (words, meaning) in [(yes, true), (no, false)] {
                for word in words {
                    let title = word[..1].to_uppercase() + &word[1..];
                    for written in [word.to_owned(), word.to_uppercase(), title, format!(" {word}\u{a0}")] {
                        assert_eq!(read_boolean(&written), Some(meaning), "{written}");
                    }
                }
            }
        }
        assert_eq!((read_boolean("1"), read_boolean("0")), (Some(true), Some(false)));
        for neither in ["", "perhaps", "2", "01", "truee", "x", "-"] {
            assert_eq!(read_boolean(neither), None, "{neither}");
        }
    }
}
