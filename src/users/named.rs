//! Finds roles and groups by name. The errors say what to do.

use super::{login_name::fold, role, user_group};
use crate::localization::reads_as;

/// Characters of a name that a message shows.
const SHOWN: usize = 60;

/// Why no role or group was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamedError {
    #[error("there is no role \"{}\"; there are {known}", shown(name))]
    NoRole { name: String, known: String },
    #[error("there is no group \"{}\"; make it with `kommando group add {}`", shown(name), shell_word(name))]
    NoGroup { name: String },
    #[error("the group \"{}\" is deleted; bring it back with `kommando group add {}`", shown(name), shell_word(name))]
    DeletedGroup { name: String },
    #[error("\"{}\" can be any of {candidates}; write the name exactly as one of them", shown(name))]
    Ambiguous { name: String, candidates: String },
}

/// The rows that match a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Match<'a, T> {
    One(&'a T),
    None,
    /// Several names that differ only in case, or are the same in some language.
    Several(Vec<&'a T>),
}

/// Prefers the row with exactly this name, then rows with this name in some language, then rows that differ only in
/// case.
pub(super) fn match_name<'a, T>(
    all: impl Iterator<Item = &'a T> + Clone,
    name_of: impl Fn(&T) -> &str,
    name: &str,
) -> Match<'a, T> {
    let name = name.trim();
    if let Some(exact) = all.clone().find(|row| name_of(row) == name) {
        return Match::One(exact);
    }
    let folded = fold(name);
    let translated: Vec<_> = all.clone().filter(|row| reads_as(name_of(row), name)).collect();
    let found = match translated.is_empty() {
        true => all.filter(|row| fold(name_of(row)) == folded).collect(),
        false => translated,
    };
    match found[..] {
        [] => Match::None,
        [only] => Match::One(only),
        _ => Match::Several(found),
    }
}

/// The role with this name. An exact match wins over a translated name, and that over a match that ignores case.
///
/// # Errors
/// There is no such role, or the name is ambiguous.
pub fn role_named<'a>(roles: &'a [role::Model], name: &str) -> Result<&'a role::Model, NamedError> {
    unambiguous(roles.iter(), |role| &role.name, name)?.ok_or_else(|| {
        let known: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
        NamedError::NoRole { name: name.to_owned(), known: known.join(", ") }
    })
}

/// The group with this name that is not deleted. Matches like [`role_named`].
///
/// # Errors
/// There is no such group, it is deleted, or the name is ambiguous.
pub fn group_named<'a>(groups: &'a [user_group::Model], name: &str) -> Result<&'a user_group::Model, NamedError> {
    if let Some(group) = unambiguous(groups.iter().filter(|group| !group.deleted), |group| &group.name, name)? {
        return Ok(group);
    }
    let deleted = unambiguous(groups.iter().filter(|group| group.deleted), |group| &group.name, name)?;
    Err(match deleted {
        Some(group) => NamedError::DeletedGroup { name: group.name.clone() },
        None => NamedError::NoGroup { name: name.to_owned() },
    })
}

fn unambiguous<'a, T>(
    all: impl Iterator<Item = &'a T> + Clone,
    name_of: impl Fn(&T) -> &str,
    name: &str,
) -> Result<Option<&'a T>, NamedError> {
    match match_name(all, &name_of, name) {
        Match::One(one) => Ok(Some(one)),
        Match::None => Ok(None),
        Match::Several(similar) => {
            let candidates: Vec<_> = similar.into_iter().map(|one| shown(name_of(one))).collect();
            Err(NamedError::Ambiguous { name: name.to_owned(), candidates: candidates.join(", ") })
        }
    }
}

/// A text from a file for a message: shortened, with control characters escaped to protect terminals.
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(SHOWN) {
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    if text.chars().nth(SHOWN).is_some() { shown + "…" } else { shown }
}

/// Quotes a name as one word of a shell command.
fn shell_word(name: &str) -> String {
    let name = name.replace(char::is_control, "");
    let is_plain = |character: char| character.is_alphanumeric() || "-_.@+".contains(character);
    let option_end = if name.starts_with('-') { "-- " } else { "" };
    if !name.is_empty() && name.chars().all(is_plain) {
        format!("{option_end}{name}")
    } else if name.contains(['"', '$', '`', '\\', '!']) {
        format!("{option_end}'{}'", name.replace('\'', r"'\''"))
    } else {
        format!("{option_end}\"{name}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: i32, name: &str, deleted: bool) -> user_group::Model {
        user_group::Model { id, name: name.to_owned(), deleted, ..user_group::Model::default() }
    }

    #[test]
    fn an_exact_name_is_found_first_then_ignoring_case() {
        let groups = [group(1, "Sales", false), group(2, "ØST", false), group(3, "øst", false), group(4, "Old", true)];
        let translated =
            [(5, r#"US:"Warehouse";GE:"Lager""#), (6, r#"US:"Sales";NO:"Salg""#), (7, r#"US:"Sale";NO:"Salg""#)];
        let translated = translated.map(|(id, name)| group(id, name, false));
        let groups = [&translated[..], &groups].concat();
        let found = |name| group_named(&groups, name).map(|group| group.id).map_err(|error| error.to_string());
        for (name, expected) in [
            ("Sales", Ok(1)),
            (" sales ", Ok(1)),
            ("øst", Ok(3)),
            (
                "Salg",
                Err(concat!(
                    r#""Salg" can be any of US:"Sales";NO:"Salg", US:"Sale";NO:"Salg"; "#,
                    "write the name exactly as one of them"
                )),
            ),
            ("Lager", Ok(5)),
            ("Warehouse", Ok(5)),
            ("Øst", Err("\"Øst\" can be any of ØST, øst; write the name exactly as one of them")),
            ("old", Err("the group \"Old\" is deleted; bring it back with `kommando group add Old`")),
            ("HR", Err("there is no group \"HR\"; make it with `kommando group add HR`")),
        ] {
            assert_eq!(found(name), expected.map_err(str::to_owned), "{name}");
        }
    }

    #[test]
    fn a_name_in_a_message_is_quoted_for_the_shell() {
        for (name, word) in [
            ("Sales", "Sales"),
            ("Field sales", "\"Field sales\""),
            ("Køb & salg", "\"Køb & salg\""),
            ("a$b", "'a$b'"),
            ("it's $5", r"'it'\''s $5'"),
            ("-x", "-- -x"),
            ("", "\"\""),
        ] {
            assert_eq!(shell_word(name), word);
        }
    }

    #[test]
    fn a_shown_text_is_short_and_has_no_control_characters() {
        assert_eq!(shown("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(shown(&"ø".repeat(61)), "ø".repeat(60) + "…");
    }
}
