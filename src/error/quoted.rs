//! Shortens input that error messages repeat.

/// Maximum number of characters of a value that a message repeats.
const MAX_QUOTE: usize = 60;
/// Maximum length of a message, in characters. A longer one keeps its beginning and its end, since the beginning says
/// where the error is, and the end how to fix it.
const MAX_MESSAGE: usize = 2_000;
const BEGINNING: usize = 1_200;
const END: usize = 700;

/// A client's value in backticks. A long value is cut and ends with `…`.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// As [`quoted`], without backticks.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Limits the length of a message.
pub fn bounded(message: String) -> String {
    if message.len() <= MAX_MESSAGE {
        return message;
    }
    let characters: Vec<char> = message.chars().collect();
    if characters.len() <= MAX_MESSAGE {
        return message;
    }
    let (beginning, end) = (&characters[..BEGINNING], &characters[characters.len() - END..]);
    beginning.iter().chain(&[' ', '…', ' ']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(quoted("Yes"), "`Yes`");
        assert_eq!(quoted(&"é".repeat(60)), format!("`{}`", "é".repeat(60)));
        assert_eq!(quoted(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
    }

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        assert_eq!(bounded("é".repeat(2_000)), "é".repeat(2_000));
        let message = bounded(format!("Parameter $filter: {} takes eq, ne.", "é".repeat(64_000)));
        assert!(message.starts_with("Parameter $filter: é") && message.ends_with("é takes eq, ne."), "{message}");
        assert_eq!(message.chars().count(), BEGINNING + 3 + END);
    }
}
