//! Bodies as their clients spell them. Upstream reads names of properties and enums without regard to case, whole numbers
//! and booleans also as texts, and enums also by their numbers; so does this one. What does not fit is told by its path
//! (contract §1.3).

use std::fmt;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::{Map, Value};

use super::{
    enum_names,
    parameters::{parse_bool, parse_id},
    schemas::{ANYTHING, described},
};
use crate::error::{quoted, shortened};

/// Where a value does not fit its schema, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfit {
    path: Vec<String>,
    reason: String,
}

impl Unfit {
    fn new(reason: impl Into<String>) -> Self {
        Self { path: Vec::new(), reason: reason.into() }
    }

    fn within(mut self, name: &str) -> Self {
        self.path.insert(0, shortened(name));
        self
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_slice() {
            [] => f.write_str(&self.reason),
            path => write!(f, "{} {}", path.join("."), self.reason),
        }
    }
}

/// The value in the schema's own spelling. Members that the schema does not know stay as they are.
///
/// # Errors
/// Something is of another kind, is no value of its enum, is given twice, or is missing.
pub fn conform(reference: &MetaSchemaRef, value: Value) -> Result<Value, Unfit> {
    let schema = described(reference);
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(items) if schema.ty == "array" => conform_items(schema, items),
        Value::Object(members) if schema.ty == "object" => conform_members(schema, members),
        Value::String(text) => conform_text(reference, text),
        Value::Number(number) if !schema.enum_items.is_empty() => {
            let name = number.as_i64().and_then(|number| enum_names::from_number(reference, number));
            name.map(Value::String).ok_or_else(|| no_value_of(reference, &number.to_string()))
        }
        value if fits(schema, &value) => Ok(value),
        _ => Err(Unfit::new(kind(schema))),
    }
}

fn fits(schema: &MetaSchema, value: &Value) -> bool {
    match schema.ty {
        "integer" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        kind => kind.is_empty(),
    }
}

fn kind(schema: &MetaSchema) -> &'static str {
    match schema.ty {
        "integer" => "takes a whole number of 32 bits",
        "number" => "takes a number",
        "boolean" => "takes true or false",
        "string" => "takes a text",
        "array" => "takes a list",
        _ => "takes an object",
    }
}

fn conform_items(schema: &MetaSchema, items: Vec<Value>) -> Result<Value, Unfit> {
    let item = schema.items.as_deref().unwrap_or(&ANYTHING);
    let conformed = items.into_iter().enumerate();
    let conformed =
        conformed.map(|(index, value)| conform(item, value).map_err(|error| error.within(&index.to_string())));
    conformed.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn conform_members(schema: &MetaSchema, members: Map<String, Value>) -> Result<Value, Unfit> {
    let others = schema.additional_properties.as_deref().unwrap_or(&ANYTHING);
    let mut conformed = Map::new();
    for (name, value) in members {
        let known = schema.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        let (name, schema) = known.map_or((name.as_str(), others), |(known, schema)| (*known, schema));
        let value = conform(schema, value).map_err(|error| error.within(name))?;
        if conformed.insert(name.to_owned(), value).is_some() {
            return Err(Unfit::new("is given more than once, in another spelling; send it once").within(name));
        }
    }
    match schema.required.iter().find(|name| conformed.get(**name).is_none_or(Value::is_null)) {
        Some(name) => Err(Unfit::new("is missing").within(name)),
        None => Ok(Value::Object(conformed)),
    }
}

/// A text, or what a text stands for where the schema has another kind.
fn conform_text(reference: &MetaSchemaRef, text: String) -> Result<Value, Unfit> {
    let schema = described(reference);
    let read = match schema.ty {
        "string" if !schema.enum_items.is_empty() => {
            return enum_names::from_text(reference, &text)
                .map(Value::String)
                .ok_or_else(|| no_value_of(reference, &text));
        }
        "string" | "" => Some(Value::String(text)),
        "integer" => parse_id(text.trim()).ok().map(Value::from),
        "boolean" => parse_bool(text.trim()).map(Value::from),
        _ => None,
    };
    read.ok_or_else(|| Unfit::new(kind(schema)))
}

fn no_value_of(reference: &MetaSchemaRef, value: &str) -> Unfit {
    Unfit::new(format!("is {}, which is not one of {}", quoted(value), enum_names::listed(reference)))
}

/// A value with everything that its schema has: what is missing or null is empty.
pub fn complete(schema: &MetaSchemaRef, value: Value) -> Value {
    let schema = described(schema);
    match value {
        Value::Null => empty(schema),
        Value::Array(items) => {
            let item = schema.items.as_deref().unwrap_or(&ANYTHING);
            Value::Array(items.into_iter().map(|value| complete(item, value)).collect())
        }
        Value::Object(mut members) if !schema.properties.is_empty() => {
            let properties = schema.properties.iter();
            let completed = properties.map(|(name, schema)| {
                let value = members.remove(*name).unwrap_or_default();
                ((*name).to_owned(), complete(schema, value))
            });
            Value::Object(completed.collect())
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
            Value::Object(properties.map(|(name, schema)| ((*name).to_owned(), empty(described(schema)))).collect())
        }
    }
}

/// A value with what another one gives in place of its own. What is not given, or given as null, stays; lists and maps
/// are given as a whole.
pub fn overlay(schema: &MetaSchemaRef, value: Value, given: Value) -> Value {
    let schema = described(schema);
    match (value, given) {
        (value, Value::Null) => value,
        (Value::Object(mut members), Value::Object(given)) if !schema.properties.is_empty() => {
            for (name, given) in given {
                if let Some((name, schema)) = schema.properties.iter().find(|(known, _)| **known == name) {
                    let own = members.get_mut(*name).map(Value::take).unwrap_or_default();
                    members.insert((*name).to_owned(), overlay(schema, own, given));
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
    use crate::api::carriers::User;

    fn user(value: Value) -> Result<Value, String> {
        conform(&User::schema_ref(), value).map_err(|unfit| unfit.to_string())
    }

    #[test]
    fn names_are_read_without_regard_to_case_and_keys_of_maps_stay_as_they_are() {
        let given = json!({
            "associateId": 7, "TYPE": "systemassociate", "person": {"fullname": "x"}, "customFields": {"x_Foo": "1"},
            "otherGroups": [{"ID": 2}], "unknown": {"a": 1}, "role": null
        });
        let read = json!({
            "AssociateId": 7, "Type": "SystemAssociate", "Person": {"FullName": "x"}, "CustomFields": {"x_Foo": "1"},
            "OtherGroups": [{"Id": 2}], "unknown": {"a": 1}, "Role": null
        });
        assert_eq!(user(given), Ok(read));
    }

    #[test]
    fn numbers_booleans_and_enums_are_read_as_upstream_reads_them() {
        for (given, read) in [
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
            assert_eq!(user(given), Ok(read));
        }
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_path() {
        for (given, told) in [
            (json!([]), "takes an object"),
            (json!({"rank": "x"}), "Rank takes a whole number of 32 bits"),
            (json!({"rank": 3_000_000_000_i64}), "Rank takes a whole number of 32 bits"),
            (json!({"person": {"firstname": 7}}), "Person.Firstname takes a text"),
            (json!({"otherGroups": [{}, {"id": true}]}), "OtherGroups.1.Id takes a whole number of 32 bits"),
            (json!({"customFields": {"x": 1}}), "CustomFields.x takes a text"),
            (json!({"deleted": "yes"}), "Deleted takes true or false"),
            (json!({"deleted": 1}), "Deleted takes true or false"),
            (json!({"rank": ""}), "Rank takes a whole number of 32 bits"),
            (json!({"rank": "2.0"}), "Rank takes a whole number of 32 bits"),
            (json!({"rank": "3000000000"}), "Rank takes a whole number of 32 bits"),
            (json!({"role": "2"}), "Role takes an object"),
            (json!({"otherGroups": "2"}), "OtherGroups takes a list"),
        ] {
            assert_eq!(user(given), Err(told.to_owned()));
        }
        for (given, told) in [
            (json!({"name": "a", "Name": "a"}), "Name is given more than once, in another spelling; send it once"),
            (
                json!({"person": {"TITLE": "a", "Title": null}}),
                "Person.Title is given more than once, in another spelling; send it once",
            ),
        ] {
            assert_eq!(user(given), Err(told.to_owned()));
        }
        let told = user(json!({"type": "Robot"})).expect_err("no such type");
        assert!(told.starts_with("Type is `Robot`, which is not one of Unknown, InternalAssociate"), "{told}");
        for number in [json!(6), json!(-1), json!(1.5), json!("6")] {
            let told = user(json!({"type": number})).expect_err("no such type");
            assert!(told.contains("which is not one of Unknown, InternalAssociate"), "{told}");
        }
        let told = user(json!({"type": "x".repeat(60_000)})).expect_err("no such type");
        assert!(told.len() < 300, "{told}");
    }
}
