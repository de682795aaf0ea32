//! Bodies as their clients spell them: names of properties and enums are read without regard to case, as upstream reads
//! them, and what does not fit is told by its path (contract §1.3).

use std::fmt;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::{Map, Value};

use super::schemas::{ANYTHING, described};

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
        self.path.insert(0, name.to_owned());
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
/// Something is of another kind, is no value of its enum, or is missing.
pub fn conform(schema: &MetaSchemaRef, value: Value) -> Result<Value, Unfit> {
    let schema = described(schema);
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(items) if schema.ty == "array" => conform_items(schema, items),
        Value::Object(members) if schema.ty == "object" => conform_members(schema, members),
        Value::String(text) if schema.ty == "string" => conform_text(schema, text),
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
        conformed.insert(name.to_owned(), value);
    }
    match schema.required.iter().find(|name| conformed.get(**name).is_none_or(Value::is_null)) {
        Some(name) => Err(Unfit::new("is missing").within(name)),
        None => Ok(Value::Object(conformed)),
    }
}

fn conform_text(schema: &MetaSchema, text: String) -> Result<Value, Unfit> {
    let mut names = schema.enum_items.iter().filter_map(Value::as_str);
    match names.find(|name| name.eq_ignore_ascii_case(&text)) {
        Some(name) => Ok(name.into()),
        None if schema.enum_items.is_empty() => Ok(text.into()),
        None => {
            let names: Vec<_> = schema.enum_items.iter().filter_map(Value::as_str).collect();
            Err(Unfit::new(format!("is `{text}`, which is not one of {}", names.join(", "))))
        }
    }
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
    fn what_does_not_fit_is_told_by_its_path() {
        for (given, told) in [
            (json!([]), "takes an object"),
            (json!({"rank": "x"}), "Rank takes a whole number of 32 bits"),
            (json!({"rank": 3_000_000_000_i64}), "Rank takes a whole number of 32 bits"),
            (json!({"person": {"firstname": 7}}), "Person.Firstname takes a text"),
            (json!({"otherGroups": [{}, {"id": true}]}), "OtherGroups.1.Id takes a whole number of 32 bits"),
            (json!({"customFields": {"x": 1}}), "CustomFields.x takes a text"),
            (json!({"deleted": "yes"}), "Deleted takes true or false"),
        ] {
            assert_eq!(user(given), Err(told.to_owned()));
        }
        let told = user(json!({"type": "Robot"})).expect_err("no such type");
        assert!(told.starts_with("Type is `Robot`, which is not one of Unknown, InternalAssociate"), "{told}");
    }
}
