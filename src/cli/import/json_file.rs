//! Reads rows from a JSON file: a list of objects.

use std::fmt;

use anyhow::Context;
use kommando::users::import::{Row, find_column};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use super::{
    Rows,
    row_errors::{RowError, RowErrors, RowPosition},
};

/// The members of an object in their order, including duplicates.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfObject;

        impl<'de> Visitor<'de> for OfObject {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(OfObject)
    }
}

/// Reads the rows of a file, with its errors.
///
/// # Errors
/// The file is not a list of objects.
pub fn read(text: &str) -> anyhow::Result<(Rows, RowErrors)> {
    let list: Vec<Members> = serde_json::from_str(text).context("the file must be a list of objects, one per user")?;
    let (mut rows, mut errors) = (Rows::new(), RowErrors::new());
    for (index, Members(members)) in list.into_iter().enumerate() {
        let position = RowPosition::Element(index);
        let mut row = Row::new();
        for (name, value) in members {
            let refuse = |value, reason| RowError::new(position, Some(name.clone()), value, reason);
            match (find_column(&name), cell(&value)) {
                (Some(_), None) => {
                    errors.push(refuse(Some(value.to_string()), "must be a text, number, true or false"));
                }
                (Some(_), Some(None)) => {}
                (Some(column), Some(Some(text))) => {
                    if row.insert(column.name, text).is_some() {
                        errors.push(refuse(None, "the member occurs twice"));
                    }
                }
                (None, cell) if name.trim().is_empty() => {
                    if !cell.as_ref().is_some_and(is_empty) {
                        errors.push(RowError::of_row(position, "a member without a name has a value"));
                    }
                }
                (None, _) => errors.push(refuse(None, "there is no such member")),
            }
        }
        rows.push((position, row));
    }
    Ok((rows, errors))
}

/// A value as the text of a cell: `None` for an object or a list with other values than texts, `Some(None)` for null.
fn cell(value: &Value) -> Option<Option<String>> {
    Some(match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            Some(texts?.join(";"))
        }
        Value::Object(_) => return None,
    })
}

fn is_empty(cell: &Option<String>) -> bool {
    cell.as_deref().is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::row_errors::report;

    #[test]
    fn a_member_that_cannot_be_read_is_refused_by_name() {
        let text = r#"[{"name": "a", "active": true, "rank": 3, "title": null, "": ""},
                       {"name": "b", "Name": "c"}, {"king": 1, "rank": {}}, {"": "x"}]"#;
        let (rows, errors) = read(text).expect("a list");
        let first = [("active", "true"), ("name", "a"), ("rank", "3")];
        assert_eq!(rows[0].1, Row::from(first.map(|(column, cell)| (column, cell.to_owned()))));
        assert_eq!(
            report("f", errors),
            "f#/1: Name: the member occurs twice\nf#/2: king: there is no such member\n\
             f#/2: rank: `{}` must be a text, number, true or false\nf#/3: a member without a name has a value\n"
        );
    }
}
