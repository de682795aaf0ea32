//! The known word that was probably meant, as a suggestion beside "unknown".

/// Bytes of a word that is compared. To compare a long one takes long, and strangers may send one.
const LONGEST: usize = 100;

/// The known word nearest to this one; none where no known word is similar enough to be meant.
///
/// Case makes no difference, nor do `-` and `_`. The beginning of exactly one known word is near it, and the other way round.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = plain(word);
    let known: Vec<_> = known.into_iter().collect();
    let most = (word.chars().count() / 3).max(1);
    let distances = known.iter().map(|known| (strsim::damerau_levenshtein(&word, &plain(known)), *known));
    let similar = distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance);
    similar.map(|(_, known)| known).or_else(|| {
        let is_part =
            |known: &str| word.len() > 1 && known.starts_with(&word) || known.len() > 3 && word.starts_with(known);
        let mut parts = known.iter().filter(|known| is_part(&plain(known)));
        parts.next().filter(|_| parts.next().is_none()).copied()
    })
}

/// `; did you mean …?`, or nothing.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_word_is_near_none() {
        assert_eq!(nearest(&"message".repeat(10), ["message"]), Some("message"));
        assert_eq!(nearest(&"message".repeat(100), ["message"]), None);
    }

    #[test]
    fn a_misspelt_word_is_near_and_another_one_is_not() {
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
