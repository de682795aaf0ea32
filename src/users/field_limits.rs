//! Maximum lengths of texts in characters: upstream's column limits (docs/upstream.md §2.2), and our own where upstream
//! has none.

use std::{collections::BTreeMap, fmt::Display};

use crate::error::Error;

pub const NAME: usize = 239;
pub const USER_NAME: usize = 254;
pub const TOOLTIP: usize = 254;
pub const NICK_NAME: usize = 254;
pub const PRESENCE_MESSAGE: usize = 254;
pub const PERSON_NAME: usize = 99;
pub const PERSON_TITLE: usize = 239;
pub const PERSON_DESCRIPTION: usize = 2047;
pub const ADDRESS: usize = 254;

/// Maximum number of custom fields of a user, and of extra fields.
pub const FIELDS: usize = 100;
/// For the name of a custom or extra field.
pub const FIELD_NAME: usize = 100;
/// For the value of a custom or extra field.
pub const FIELD_VALUE: usize = 4_000;
/// Characters of a too long name that an error message shows.
const SHOWN: usize = 20;

/// A text that does not fit its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {field} has more than {longest} characters")]
pub struct TooLong {
    field: &'static str,
    longest: usize,
}

/// Checks a text against its limit. SQLite does not enforce column lengths.
pub fn check(field: &'static str, text: &str, longest: usize) -> Result<(), TooLong> {
    if is_longer(text, longest) { Err(TooLong { field, longest }) } else { Ok(()) }
}

/// An invalid value of a field, by the field's name in the API.
pub(super) fn field_error(field: &str, reason: impl Display) -> Error {
    Error::Validation(format!("{field}: {reason}"))
}

/// Checks the text of a field, by the field's name in the API.
pub(super) fn check_text(field: &'static str, text: &str, longest: usize) -> Result<(), Error> {
    check("text", text, longest).map_err(|error| field_error(field, error))
}

/// Checks custom or extra fields against their limits. Stored fields that exceed a limit may stay unchanged. The error
/// names the field.
pub fn check_fields(fields: &BTreeMap<String, String>, stored: &BTreeMap<String, String>) -> Result<(), String> {
    if fields.len() > stored.len().max(FIELDS) {
        return Err(format!("there are more than {FIELDS} fields"));
    }
    for (name, value) in fields {
        let before = stored.get(name);
        if before.is_none() && is_longer(name, FIELD_NAME) {
            let shown: String = name.chars().take(SHOWN).collect();
            return Err(format!("the name `{shown}…` has more than {FIELD_NAME} characters"));
        }
        if before != Some(value) && is_longer(value, FIELD_VALUE) {
            return Err(format!("the value of `{name}` has more than {FIELD_VALUE} characters"));
        }
    }
    Ok(())
}

fn is_longer(text: &str, longest: usize) -> bool {
    text.chars().nth(longest).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: impl IntoIterator<Item = String>, value: &str) -> BTreeMap<String, String> {
        names.into_iter().map(|name| (name, value.to_owned())).collect()
    }

    fn numbered(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("x_{number}")).collect()
    }

    #[test]
    fn fields_are_limited_in_number_name_and_value() {
        let none = BTreeMap::default();
        let longest = ["é".repeat(FIELD_NAME)];
        for fine in [fields(numbered(FIELDS), "1"), fields(longest, &"é".repeat(FIELD_VALUE)), BTreeMap::default()] {
            assert_eq!(check_fields(&fine, &none), Ok(()));
        }
        for (given, expected) in [
            (fields(numbered(FIELDS + 1), "1"), "there are more than 100 fields"),
            (fields(["x".repeat(101)], "1"), "the name `xxxxxxxxxxxxxxxxxxxx…` has more than 100 characters"),
            (fields(["x_shoe".to_owned()], &"1".repeat(4001)), "the value of `x_shoe` has more than 4000 characters"),
        ] {
            assert_eq!(check_fields(&given, &none), Err(expected.to_owned()));
        }
    }

    #[test]
    fn stored_fields_over_the_limits_may_stay_unchanged() {
        let mut stored = fields(numbered(FIELDS + 10), "1");
        stored.insert("y".repeat(200), "2".repeat(9000));
        assert_eq!(check_fields(&stored, &stored), Ok(()));
        let mut fewer = stored.clone();
        fewer.remove("x_0");
        fewer.insert("x_1".to_owned(), "changed".to_owned());
        assert_eq!(check_fields(&fewer, &stored), Ok(()));
        let mut more = stored.clone();
        more.insert("z".to_owned(), "1".to_owned());
        assert!(check_fields(&more, &stored).is_err());
        let mut longer = stored.clone();
        longer.insert("x_1".to_owned(), "2".repeat(9000));
        assert!(check_fields(&longer, &stored).is_err());
    }
}
