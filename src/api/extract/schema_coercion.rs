//! Coerces a client's JSON to a schema, with upstream's tolerance (docs/upstream.md §1.3): names of properties and enum
//! values are case-insensitive, integers and booleans may be strings, and enum values may be numbers. Errors have the
//! path of the value.

use std::fmt;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::{Map, Value};

use super::parameters::{parse_bool, parse_int32};
use crate::{
    api::{
        models::enum_names,
        openapi::schema_registry::{ANYTHING, resolve},
    },
    error::{quoted, shortened},
};

/// Unknown members of an object that are compared with the known ones. Callers can send many.
const MAX_UNKNOWN: usize = 20;
/// Names up to this length in bytes are too short to be a misspelling of another one.
const SHORT_NAME: usize = 3;

/// Why a value does not match its schema, with the path of the value.
#[derive(Debug, PartialEq, Eq)]
pub struct SchemaMismatch {
    path: Vec<String>,
    reason: String,
}

impl SchemaMismatch {
    fn new(reason: impl Into<String>) -> Self {
        Self { path: Vec::new(), reason: reason.into() }
    }

    fn within(mut self, name: &str) -> Self {
        self.path.insert(0, shortened(name));
        self
    }
}

impl fmt::Display for SchemaMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_slice() {
            [] => f.write_str(&self.reason),
            path => write!(f, "{} {}", path.join("."), self.reason),
        }
    }
}

/// The value with the names and types of the schema. Members that the schema does not know stay unchanged.
///
/// # Errors
/// A value has the wrong type or is not in its enum, a name is given twice, or a required property is missing.
pub fn coerce(reference: &MetaSchemaRef, value: Value) -> Result<Value, SchemaMismatch> {
    let schema = resolve(reference);
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(items) if schema.ty == "array" => coerce_items(schema, items),
        Value::Object(members) if schema.ty == "object" => coerce_members(schema, members),
        Value::String(text) => coerce_text(reference, text),
        Value::Number(number) if !schema.enum_items.is_empty() => {
            let name = number.as_i64().and_then(|number| enum_names::from_number(reference, number));
            name.map(Value::String).ok_or_else(|| not_in_enum(reference, &number.to_string()))
        }
        value if matches_type(schema, &value) => Ok(value),
        _ => Err(SchemaMismatch::new(requirement(schema))),
    }
}

fn matches_type(schema: &MetaSchema, value: &Value) -> bool {
    match schema.ty {
        "integer" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        kind => kind.is_empty(),
    }
}

fn requirement(schema: &MetaSchema) -> &'static str {
    match schema.ty {
        "integer" => "must be a 32-bit integer",
        "number" => "must be a number",
        "boolean" => "must be true or false",
        "string" => "must be a string",
        "array" => "must be a list",
        _ => "must be an object",
    }
}

fn coerce_items(schema: &MetaSchema, items: Vec<Value>) -> Result<Value, SchemaMismatch> {
    let item = schema.items.as_deref().unwrap_or(&ANYTHING);
    let items = items.into_iter().enumerate();
    let coerced = items.map(|(index, value)| coerce(item, value).map_err(|error| error.within(&index.to_string())));
    coerced.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn coerce_members(schema: &MetaSchema, members: Map<String, Value>) -> Result<Value, SchemaMismatch> {
    let others = schema.additional_properties.as_deref().unwrap_or(&ANYTHING);
    let is_unknown = |name: &&String| !schema.properties.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    for name in members.keys().filter(is_unknown).take(MAX_UNKNOWN) {
        check_is_no_misspelling(schema, name, &members)?;
    }
    let mut coerced = Map::new();
    for (name, value) in members {
        let known = schema.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        let (name, schema) = known.map_or((name.as_str(), others), |(known, schema)| (*known, schema));
        let value = coerce(schema, value).map_err(|error| error.within(name))?;
        if coerced.insert(name.to_owned(), value).is_some() {
            let reason = "is given more than once, in different spellings; send it once";
            return Err(SchemaMismatch::new(reason).within(name));
        }
    }
    match schema.required.iter().find(|name| coerced.get(**name).is_none_or(Value::is_null)) {
        Some(name) => Err(SchemaMismatch::new("is missing").within(name)),
        None => Ok(Value::Object(coerced)),
    }
}

/// Unknown members are ignored, but not one that differs by a letter from a known member that is not given: a restriction
/// that is not read would give all rows.
fn check_is_no_misspelling(
    schema: &MetaSchema,
    name: &str,
    members: &Map<String, Value>,
) -> Result<(), SchemaMismatch> {
    let is_close = |known: &str| {
        let is_near = name.len() > SHORT_NAME && name.len().abs_diff(known.len()) <= 1;
        is_near && strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase()) == 1
    };
    let mut close = schema.properties.iter().map(|(known, _)| *known).filter(|known| is_close(known));
    match close.find(|known| !members.keys().any(|name| name.eq_ignore_ascii_case(known))) {
        Some(known) => Err(SchemaMismatch::new(format!("is unknown; write {known}")).within(name)),
        None => Ok(()),
    }
}

/// Coerces a string to the type of the schema.
fn coerce_text(reference: &MetaSchemaRef, text: String) -> Result<Value, SchemaMismatch> {
    let schema = resolve(reference);
    let coerced = match schema.ty {
        "string" if !schema.enum_items.is_empty() => {
            return enum_names::from_text(reference, &text)
                .map(Value::String)
                .ok_or_else(|| not_in_enum(reference, &text));
        }
        "string" | "" => Some(Value::String(text)),
        "integer" => parse_int32(text.trim()).ok().map(Value::from),
        "boolean" => parse_bool(text.trim()).map(Value::from),
        _ => None,
    };
    coerced.ok_or_else(|| SchemaMismatch::new(requirement(schema)))
}

fn not_in_enum(reference: &MetaSchemaRef, value: &str) -> SchemaMismatch {
    SchemaMismatch::new(format!("is {}, which is not one of {}", quoted(value), enum_names::listed(reference)))
}

/// Adds the missing properties of the schema, and replaces null, with empty values: 0, false, "", or an empty list or
/// object.
pub fn fill_defaults(schema: &MetaSchemaRef, value: Value) -> Value {
    let schema = resolve(schema);
    match value {
        Value::Null => empty(schema),
        Value::Array(items) => {
            let item = schema.items.as_deref().unwrap_or(&ANYTHING);
            Value::Array(items.into_iter().map(|value| fill_defaults(item, value)).collect())
        }
        Value::Object(mut members) if !schema.properties.is_empty() => {
            let properties = schema.properties.iter();
            let filled = properties.map(|(name, schema)| {
                let value = members.remove(*name).unwrap_or_default();
                ((*name).to_owned(), fill_defaults(schema, value))
            });
            Value::Object(filled.collect())
        }
        value => value,
    }
}

fn empty(schema: &MetaSchema) -> Value {
    match schema.ty {
        "integer" | "number" => 0.into(),
        "boolean" => false.into(),
        "array" => Vec::<Value>::new().into(),
        "string" => schema.enum_items.first().cloned().unwrap_or_else(|| "".into()),
        _ => {
            let properties = schema.properties.iter();
            Value::Object(properties.map(|(name, schema)| ((*name).to_owned(), empty(resolve(schema)))).collect())
        }
    }
}

/// Replaces the properties of a value with the given ones. Properties that are missing or null in `given` stay. Lists
/// and maps are replaced as a whole.
pub fn merge(schema: &MetaSchemaRef, value: Value, given: Value) -> Value {
    let schema = resolve(schema);
    match (value, given) {
        (value, Value::Null) => value,
        (Value::Object(mut members), Value::Object(given)) if !schema.properties.is_empty() => {
            for (name, given) in given {
                if let Some((name, schema)) = schema.properties.iter().find(|(known, _)| **known == name) {
                    let present = members.get_mut(*name).map(Value::take).unwrap_or_default();
                    members.insert((*name).to_owned(), merge(schema, present, given));
                }
            }
            Value::Object(members)
        }
        (_, given) => given,
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::types::Type;
    use serde_json::json;

    use super::*;
    use crate::api::models::User;

    fn user(value: Value) -> Result<Value, String> {
        coerce(&User::schema_ref(), value).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_case_insensitive_except_keys_of_maps() {
        let given = json!({
            "associateId": 7, "TYPE": "systemassociate", "person": {"fullname": "x"}, "customFields": {"x_Foo": "1"},
            "otherGroups": [{"ID": 2}], "unknown": {"a": 1}, "role": null
        });
        let expected = json!({
            "AssociateId": 7, "Type": "SystemAssociate", "Person": {"FullName": "x"}, "CustomFields": {"x_Foo": "1"},
            "OtherGroups": [{"Id": 2}], "unknown": {"a": 1}, "Role": null
        });
        assert_eq!(user(given), Ok(expected));
    }

    #[test]
    fn numbers_booleans_and_enums_are_read_as_by_upstream() {
        for (given, expected) in [
            (json!({"AssociateId": "10"}), json!({"AssociateId": 10})),
            (json!({"Rank": " -7 "}), json!({"Rank": -7})),
            (json!({"role": {"id": "2"}}), json!({"Role": {"Id": 2}})),
            (json!({"otherGroups": [{"id": "2"}, {"Id": 3}]}), json!({"OtherGroups": [{"Id": 2}, {"Id": 3}]})),
            (json!({"deleted": "True", "isOnTravel": "false"}), json!({"Deleted": true, "IsOnTravel": false})),
            (json!({"Type": 1}), json!({"Type": "InternalAssociate"})),
            (json!({"Type": "5"}), json!({"Type": "SystemAssociate"})),
            (json!({"Type": "systemASSOCIATE"}), json!({"Type": "SystemAssociate"})),
            // A text stays a text.
            (json!({"Name": "10", "CustomFields": {"x": "1"}}), json!({"Name": "10", "CustomFields": {"x": "1"}})),
        ] {
            assert_eq!(user(given), Ok(expected));
        }
    }

    #[test]
    fn a_mismatch_is_reported_with_its_path() {
        for (given, expected) in [
            (json!([]), "must be an object"),
            (json!({"rank": "x"}), "Rank must be a 32-bit integer"),
            (json!({"rank": 3_000_000_000_i64}), "Rank must be a 32-bit integer"),
            (json!({"person": {"firstname": 7}}), "Person.Firstname must be a string"),
            (json!({"otherGroups": [{}, {"id": true}]}), "OtherGroups.1.Id must be a 32-bit integer"),
            (json!({"customFields": {"x": 1}}), "CustomFields.x must be a string"),
            (json!({"deleted": "yes"}), "Deleted must be true or false"),
            (json!({"deleted": 1}), "Deleted must be true or false"),
            (json!({"rank": ""}), "Rank must be a 32-bit integer"),
            (json!({"rank": "2.0"}), "Rank must be a 32-bit integer"),
            (json!({"rank": "3000000000"}), "Rank must be a 32-bit integer"),
            (json!({"role": "2"}), "Role must be an object"),
            (json!({"otherGroups": "2"}), "OtherGroups must be a list"),
        ] {
            assert_eq!(user(given), Err(expected.to_owned()));
        }
        for (given, expected) in [
            (json!({"name": "a", "Name": "a"}), "Name is given more than once, in different spellings; send it once"),
            (
                json!({"person": {"TITLE": "a", "Title": null}}),
                "Person.Title is given more than once, in different spellings; send it once",
            ),
        ] {
            assert_eq!(user(given), Err(expected.to_owned()));
        }
        let error = user(json!({"type": "Robot"})).expect_err("no such type");
        assert!(error.starts_with("Type is `Robot`, which is not one of Unknown, InternalAssociate"), "{error}");
        for number in [json!(6), json!(-1), json!(1.5), json!("6")] {
            let error = user(json!({"type": number})).expect_err("no such type");
            assert!(error.contains("which is not one of Unknown, InternalAssociate"), "{error}");
        }
        let error = user(json!({"type": "x".repeat(60_000)})).expect_err("no such type");
        assert!(error.len() < 300, "{error}");
    }
}
