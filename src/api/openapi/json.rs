//! Helpers that walk the JSON of a document.

use serde_json::{Map, Value};

/// The operations of all paths.
pub fn operations(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let paths = document["paths"].as_object().into_iter().flat_map(Map::values);
    paths.filter_map(Value::as_object).flat_map(Map::values).filter_map(Value::as_object)
}

/// The operations of all paths.
pub fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    values_mut(document.get_mut("paths")).flat_map(|path| values_mut(Some(path))).filter_map(Value::as_object_mut)
}

/// The named schemas.
pub fn schemas_mut(document: &mut Value) -> Option<&mut Map<String, Value>> {
    document.pointer_mut("/components/schemas")?.as_object_mut()
}

/// The members of an object; none if it is not an object.
pub fn members_mut(value: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    value.and_then(Value::as_object_mut).into_iter().flatten()
}

/// The values of an object's members; none if it is not an object.
pub fn values_mut(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    members_mut(value).map(|(_, value)| value)
}

/// The items of a list; none if it is not a list.
pub fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// The reference to a named schema.
pub fn reference_to(schema: &str) -> String {
    format!("#/components/schemas/{schema}")
}

/// The name of the schema that a reference refers to.
pub fn referred(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/")
}

/// All references in a value, with repetitions.
pub fn references_in(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(references_in).collect(),
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str).map(str::to_owned);
            reference.into_iter().chain(members.values().flat_map(references_in)).collect()
        }
        _ => Vec::new(),
    }
}
