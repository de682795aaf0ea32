//! Suggests a known word for an unknown one: "did you mean …?".

/// Maximum length of a word that is compared, in bytes. Comparing long words is slow, and callers can send them.
const MAX_LENGTH: usize = 100;

/// The known word nearest to this one; `None` if no known word is similar enough.
///
/// Ignores case, and treats `-` and blanks as `_`. A word also matches the only known word that it is a prefix of, or
/// that is a prefix of it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > MAX_LENGTH {
        return None;
    }
    let word = normalize(word);
    let known: Vec<_> = known.into_iter().collect();
    let most = (word.chars().count() / 3).max(1);
    let distances = known.iter().map(|known| (strsim::damerau_levenshtein(&word, &normalize(known)), *known));
    let similar = distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance);
    similar.map(|(_, known)| known).or_else(|| {
        let is_part =
            |known: &str| word.len() > 1 && known.starts_with(&word) || known.len() > 3 && word.starts_with(known);
        let mut parts = known.iter().filter(|known| is_part(&normalize(known)));
        parts.next().filter(|_| parts.next().is_none()).copied()
    })
}

/// `; did you mean …?`, or an empty text.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn normalize(word: &str) -> String {
    word.to_lowercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_word_has_no_suggestion() {
        assert_eq!(nearest(&"message".repeat(10), ["message"]), Some("message"));
        assert_eq!(nearest(&"message".repeat(100), ["message"]), None);
    }

    #[test]
    fn a_misspelt_word_has_a_suggestion() {
        let known = ["message", "note", "not_self", "yes_no", "none", "set_field", "set_group"];
        for (word, expected) in [
            ("mesage", Some("message")),
            ("Note", Some("note")),
            ("not-self", Some("not_self")),
            ("yes", Some("yes_no")),
            ("no", None),
            ("non", Some("none")),
            ("messages_of", Some("message")),
            ("set", None),
            ("dance", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
