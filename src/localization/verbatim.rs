//! Values within a text, such as what a user is called: they are shown as they are, and never read as markup.

use std::borrow::Cow;

use super::brackets::may_mean_something;

/// Has no width and no meaning (U+2060): markup with it inside is none, and text reads as without it.
const WORD_JOINER: char = '\u{2060}';

/// What the text around a value has, as far as a value could become a part of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings {
    /// Brackets of its own, which could stand around the value.
    pub has_brackets: bool,
    /// Quotes of its own, which could make a language's code of the end of the value.
    pub has_quotes: bool,
}

/// The value as it stands in a text. It reads the same in every language, and where no language is asked for.
///
/// The format has no way to escape anything. So a double quote, which would end a language's text, becomes a typographic
/// one, and an invisible character breaks what would be a resource id, an encoded value, or a part of one.
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

/// Whether a bracket with this behind it may mean something. One that the value does not close, the text could.
fn opens_markup(behind: &str) -> bool {
    match behind.find(['[', ']']) {
        Some(end) => behind[end..].starts_with(']') && may_mean_something(&behind[..end]),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_markup_is_changed() {
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
    fn markup_of_the_text_does_not_take_a_value_in() {
        let in_brackets = Surroundings { has_brackets: true, ..Surroundings::default() };
        assert_eq!(verbatim("SR_COMMAND_DONE", in_brackets), "\u{2060}SR_COMMAND_DONE");
        let in_quotes = Surroundings { has_quotes: true, ..Surroundings::default() };
        assert_eq!(verbatim("US", in_quotes), "US\u{2060}");
        assert_eq!(verbatim("Head office", in_quotes), "Head office");
    }
}
