//! The document as OpenAPI 3.1. Its schemas are JSON Schema, so null is a type, also beside a reference. In OpenAPI 3.0, a
//! property with a reference can be nullable, but strict validators follow only the reference.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::json::{reference_to, values_mut};

/// The version of the converted document.
const VERSION: &str = "3.1.1";

/// The document in OpenAPI 3.1.
pub fn convert(mut document: Value) -> Value {
    document["openapi"] = VERSION.into();
    if let Some(license) = document["info"]["license"].as_object_mut() {
        // An SPDX expression; version 3.0 has only a URL.
        license.shift_remove("url");
        let name = license.get("name").cloned().unwrap_or_default();
        license.insert("identifier".to_owned(), name);
    }
    let nullable = take_nullable(&mut document);
    for schema in values_mut(document.pointer_mut("/components/schemas")) {
        convert_schema(schema, &nullable);
    }
    convert_schemas_in(&mut document, &nullable);
    document
}

/// The references to schemas that are nullable themselves. They are so no more: what refers to them says it, as for other
/// schemas.
fn take_nullable(document: &mut Value) -> BTreeSet<String> {
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut).into_iter().flatten();
    let nullable = schemas.filter_map(|(name, schema)| {
        let is_nullable = schema.as_object_mut()?.shift_remove("nullable") == Some(Value::Bool(true));
        is_nullable.then(|| reference_to(name))
    });
    nullable.collect()
}

/// Converts the schemas of parameters, headers and bodies.
fn convert_schemas_in(value: &mut Value, nullable: &BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| convert_schemas_in(item, nullable)),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match name.as_str() {
                    "schema" => convert_schema(member, nullable),
                    // Examples may have a member of this name. Schemas among the components are converted already.
                    "example" | "examples" | "schemas" => {}
                    _ => convert_schemas_in(member, nullable),
                }
            }
        }
        _ => {}
    }
}

fn convert_schema(schema: &mut Value, nullable: &BTreeSet<String>) {
    let may_be_null = |schema: &Value| schema["$ref"].as_str().is_some_and(|target| nullable.contains(target));
    if may_be_null(schema) {
        *schema = json!({"oneOf": [schema.take(), {"type": "null"}]});
        return;
    }
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("allOf").and_then(Value::as_array).is_some_and(|parts| parts.iter().any(may_be_null)) {
        object.insert("nullable".to_owned(), true.into());
    }
    for name in ["items", "additionalProperties", "not"] {
        object.get_mut(name).into_iter().for_each(|schema| convert_schema(schema, nullable));
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        let parts = object.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
        parts.filter(|part| part.get("$ref").is_none()).for_each(|part| convert_schema(part, nullable));
    }
    values_mut(object.get_mut("properties")).for_each(|schema| convert_schema(schema, nullable));
    if let Some(example) = object.shift_remove("example") {
        object.insert("examples".to_owned(), json!([example]));
    }
    let is_nullable = object.shift_remove("nullable") == Some(Value::Bool(true));
    if !is_nullable {
        return;
    }
    if let Some(Value::Array(mut parts)) = object.shift_remove("allOf") {
        object.shift_remove("type");
        parts.push(json!({"type": "null"}));
        object.insert("oneOf".to_owned(), Value::Array(parts));
        return;
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.push(Value::Null);
    }
    if let Some(one @ Value::String(_)) = object.get("type").cloned() {
        object.insert("type".to_owned(), json!([one, "null"]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_a_type() {
        let reference = json!({"$ref": "#/components/schemas/Role"});
        let mut document = json!({
            "openapi": "3.0.0",
            "info": {"license": {"name": "MIT", "url": "x"}},
            "components": {"schemas": {"User": {"type": "object", "nullable": true, "properties": {
                "Name": {"type": "string", "example": "anna"},
                "Presence": {"type": "string", "nullable": true, "enum": ["In"]},
                "Role": {"type": "object", "nullable": true, "allOf": [reference], "description": "The role."},
                "Groups": {"type": "array", "items": {"type": "integer", "nullable": true}},
                "Other": {"$ref": "#/components/schemas/User"},
            }}}},
            "paths": {"/": {"get": {"parameters": [{"name": "a", "schema": {"type": "string", "nullable": true}}],
                "responses": {"200": {"content": {"x": {"example": {"schema": {"nullable": true}}}}}}}}},
        });
        document = convert(document);
        let user = &document["components"]["schemas"]["User"];
        assert_eq!(user["type"], "object");
        let properties = json!({
            "Name": {"type": "string", "examples": ["anna"]},
            "Presence": {"type": ["string", "null"], "enum": ["In", null]},
            "Role": {"description": "The role.", "oneOf": [reference, {"type": "null"}]},
            "Groups": {"type": "array", "items": {"type": ["integer", "null"]}},
            "Other": {"oneOf": [{"$ref": "#/components/schemas/User"}, {"type": "null"}]},
        });
        assert_eq!(user["properties"], properties);
        let get = &document["paths"]["/"]["get"];
        assert_eq!(get["parameters"][0]["schema"], json!({"type": ["string", "null"]}));
        let example = &get["responses"]["200"]["content"]["x"]["example"];
        assert_eq!(*example, json!({"schema": {"nullable": true}}), "an example is not a schema");
        assert_eq!(document["info"]["license"], json!({"name": "MIT", "identifier": "MIT"}));
    }
}
