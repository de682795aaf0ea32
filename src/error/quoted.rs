//! Input that messages repeat, shortened: a message says what is wrong, not everything that was sent.

/// How many characters of a value a message repeats.
const LONGEST_QUOTE: usize = 60;
/// The longest message, in characters: the beginning names the place, and the end the remedy.
const LONGEST_MESSAGE: usize = 2_000;
const BEGINNING: usize = 1_200;
const END: usize = 700;

/// A value of the client between backticks; `…` stands for the rest of a long one.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// The same without backticks.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_QUOTE) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A message of a bounded length, whatever it repeats.
pub fn bounded(message: String) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message;
    }
    let characters: Vec<char> = message.chars().collect();
    if characters.len() <= LONGEST_MESSAGE {
        return message;
    }
    let (beginning, end) = (&characters[..BEGINNING], &characters[characters.len() - END..]);
    beginning.iter().chain(&[' ', '…', ' ']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_quoted_by_its_beginning() {
        assert_eq!(quoted("Yes"), "`Yes`");
        assert_eq!(quoted(&"é".repeat(60)), format!("`{}`", "é".repeat(60)));
        assert_eq!(quoted(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
    }

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        assert_eq!(bounded("é".repeat(2_000)), "é".repeat(2_000));
        let told = bounded(format!("Parameter $filter: {} takes eq, ne.", "é".repeat(64_000)));
        assert!(told.starts_with("Parameter $filter: é") && told.ends_with("é takes eq, ne."), "{told}");
        assert_eq!(told.chars().count(), BEGINNING + 3 + END);
    }
}
