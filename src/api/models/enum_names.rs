//! Reads enum values from clients: case-insensitive names, and upstream's documented numbers (docs/upstream.md §2.1).
//! Responses have names only.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::Value;

use crate::api::openapi::schema_registry::{name_of, resolve};

/// Upstream's enums. The number of a value is its position in the document, from 0.
const NUMBERED: [&str; 7] = [
    "ChangePasswordType",
    "CommandAction",
    "CommandActionResult",
    "EjUserStatus",
    "RoleType",
    "UserType",
    "ValueControl",
];
/// Between the names of several values.
const SEPARATOR: &str = ", ";
/// The exception: a name whose number is not its position.
const STATUS_SYSTEM: (&str, i64) = ("StatusSystem", 127);

/// Upstream's enums that can have several values at once. The numbers of the values are 0, then powers of two; the last
/// value stands for all. Several names are separated by commas.
const FLAGS: [&str; 1] = ["ExternalUserInfoModification"];

/// The enum name for a text: a name in any case, or a number in decimal digits.
pub fn from_text(schema: &MetaSchemaRef, text: &str) -> Option<String> {
    if is_flags(schema) && text.contains(',') {
        let names: Option<Vec<_>> = text.split(',').map(|name| from_text(schema, name.trim())).collect();
        return Some(names?.join(SEPARATOR));
    }
    let found = names(resolve(schema)).find(|name| name.eq_ignore_ascii_case(text)).map(str::to_owned);
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    found.or_else(|| from_number(schema, text.parse().ok().filter(|_| is_number)?))
}

fn is_flags(schema: &MetaSchemaRef) -> bool {
    name_of(schema).is_some_and(|name| FLAGS.contains(&name))
}

/// The names for a number that is a sum of powers of two.
fn from_flags(schema: &MetaSchemaRef, number: i64) -> Option<String> {
    let names: Vec<_> = names(resolve(schema)).collect();
    let (&none, [flags @ .., all]) = names.split_first()? else { return None };
    match number {
        0 => Some(none.to_owned()),
        sum if sum == (1 << flags.len()) - 1 => Some((*all).to_owned()),
        sum if (1..1 << flags.len()).contains(&sum) => {
            let given =
                flags.iter().enumerate().filter(|(position, _)| sum >> position & 1 == 1).map(|(_, name)| *name);
            Some(given.collect::<Vec<_>>().join(SEPARATOR))
        }
        _ => None,
    }
}

/// The enum name for a number; `None` for enums without numbers.
pub fn from_number(schema: &MetaSchemaRef, number: i64) -> Option<String> {
    if is_flags(schema) {
        return from_flags(schema, number);
    }
    let is_numbered = name_of(schema).is_some_and(|name| NUMBERED.contains(&name));
    let mut numbered = names(resolve(schema)).zip(0..).map(|(name, position)| match name == STATUS_SYSTEM.0 {
        true => STATUS_SYSTEM,
        false => (name, position),
    });
    numbered.find(|(_, known)| is_numbered && *known == number).map(|(name, _)| name.to_owned())
}

/// All names of an enum, separated by commas.
pub fn listed(schema: &MetaSchemaRef) -> String {
    names(resolve(schema)).collect::<Vec<_>>().join(", ")
}

fn names(schema: &MetaSchema) -> impl Iterator<Item = &str> {
    schema.enum_items.iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Type;

    use super::*;
    use crate::api::models::{CommandActionResult, EjUserStatus, ListFormat, RoleType, UserType};

    #[test]
    fn the_numbers_are_upstreams() {
        for (schema, named) in [
            (
                UserType::schema_ref(),
                &[
                    (0, "Unknown"),
                    (1, "InternalAssociate"),
                    (2, "ResourceAssociate"),
                    (3, "ExternalAssociate"),
                    (4, "AnonymousAssociate"),
                    (5, "SystemAssociate"),
                ][..],
            ),
            (CommandActionResult::schema_ref(), &[(0, "Implicit"), (1, "Yes"), (2, "Ok"), (3, "No"), (4, "Cancel")]),
            (RoleType::schema_ref(), &[(0, "Employee"), (1, "ExternalUser"), (2, "Anonymous"), (3, "System")]),
            (
                EjUserStatus::schema_ref(),
                &[
                    (0, "StatusNone"),
                    (1, "StatusNormal"),
                    (2, "StatusNotAvailable"),
                    (3, "StatusDeleted"),
                    (4, "StatusReadOnly"),
                    (5, "StatusSpm"),
                    (127, "StatusSystem"),
                ],
            ),
        ] {
            for number in -1..200 {
                let expected = named.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned());
                assert_eq!(from_number(&schema, number), expected, "{number}");
                let text = number.to_string();
                assert_eq!(from_text(&schema, &text), expected, "{text}");
            }
            for (_, name) in named {
                assert_eq!(from_text(&schema, &name.to_uppercase()).as_deref(), Some(*name));
            }
            assert_eq!(listed(&schema), named.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", "));
        }
    }

    #[test]
    fn any_other_text_is_not_an_enum_value() {
        for text in ["", " ", "+1", "-1", "1.0", "0x1", "99999999999999999999", "Internal", "InternalAssociate "] {
            assert_eq!(from_text(&UserType::schema_ref(), text), None, "{text}");
        }
        assert_eq!(from_number(&ListFormat::schema_ref(), 0), None, "upstream has no numbers for it");
        assert_eq!(from_text(&ListFormat::schema_ref(), "json").as_deref(), Some("JSON"));
    }
}
