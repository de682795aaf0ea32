//! Escapes values that are inserted into a text, such as user names, so that they are never read as markup.

use std::borrow::Cow;

use super::placeholders::may_mean_something;

/// An invisible character without width (U+2060). Markup that contains it is not recognized.
const WORD_JOINER: char = '\u{2060}';

/// Markup characters in the text around a value, which could combine with the value to markup.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings {
    /// The text has brackets, which could enclose the value.
    pub has_brackets: bool,
    /// The text has quotes, which could turn the end of the value into a language code.
    pub has_quotes: bool,
}

/// Escapes a value, so that it is shown as it is in every language and without a language.
///
/// Upstream's format has no escaping. So a double quote, which would end the text of a language, becomes a typographic
/// one, and an invisible character is inserted into possible resource ids and encoded values.
pub fn verbatim(value: &str, surroundings: Surroundings) -> Cow<'_, str> {
    let leads = surroundings.has_brackets && !value.is_empty();
    let trails = surroundings.has_quotes && value.ends_with(|last: char| last.is_ascii_uppercase() || last == ':');
    if !leads && !trails && !value.contains(['[', '"']) {
        return Cow::Borrowed(value);
    }
    let mut written = String::with_capacity(value.len() + 16);
    written.extend(leads.then_some(WORD_JOINER));
    for (index, character) in value.char_indices() {
        written.push(if character == '"' { '”' } else { character });
        written.extend((character == '[' && opens_markup(&value[index + 1..])).then_some(WORD_JOINER));
    }
    written.extend(trails.then_some(WORD_JOINER));
    Cow::Owned(written)
}

/// Whether a bracket followed by `rest` could begin a placeholder. The surrounding text could close an open bracket.
fn opens_markup(rest: &str) -> bool {
    match rest.find(['[', ']']) {
        Some(end) => rest[end..].starts_with(']') && may_mean_something(&rest[..end]),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_possible_markup_is_changed() {
        for (value, expected) in [
            ("Ada Lovelace", "Ada Lovelace"),
            ("Ada [sales] [a:b] []", "Ada [sales] [a:b] []"),
            ("Ada \"Countess\"", "Ada ”Countess”"),
            ("NO:\"Ada\";US:\"Ada Admin\"", "NO:”Ada”;US:”Ada Admin”"),
            ("[SR_COMMAND_DONE] [D:01/01/2020]", "[\u{2060}SR_COMMAND_DONE] [\u{2060}D:01/01/2020]"),
            ("[[F:1]", "[[\u{2060}F:1]"),
            ("[SR_COMMAND", "[\u{2060}SR_COMMAND"),
        ] {
            assert_eq!(verbatim(value, Surroundings::default()), expected, "{value}");
        }
    }

    #[test]
    fn markup_of_the_text_does_not_combine_with_a_value() {
        let in_brackets = Surroundings { has_brackets: true, ..Surroundings::default() };
        assert_eq!(verbatim("SR_COMMAND_DONE", in_brackets), "\u{2060}SR_COMMAND_DONE");
        let in_quotes = Surroundings { has_quotes: true, ..Surroundings::default() };
        assert_eq!(verbatim("US", in_quotes), "US\u{2060}");
        assert_eq!(verbatim("Head office", in_quotes), "Head office");
    }
}
