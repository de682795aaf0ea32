//! The document for client generators that fail on the full one.

use serde_json::{Map, Value, json};

use super::{
    document::COMMANDS,
    json::{operations_mut, reference_to, referred, schemas_mut, values_mut},
};

/// The document for client generators that fail on the full one:
///
/// - Each body has one media type: `application/json` if possible.
/// - Operation ids are short: `ExecuteUserCommand` for `v1User_ExecuteUserCommand`.
/// - Only properties are nullable, not schemas. So a reference cannot be null for strict tools, and examples have no null.
/// - A schema does not refer to itself: the items of such a list are any objects.
/// - No schema is called `…Request`, as generators call the types that they make of parameters: `…Arguments` instead.
pub fn for_simple_generators(mut document: Value) -> Value {
    for operation in operations_mut(&mut document) {
        keep_json(operation.get_mut("requestBody"));
        values_mut(operation.get_mut("responses")).for_each(|response| keep_json(Some(response)));
        // The operations of commands have short names already.
        if operation.get("tags").is_some_and(|tags| tags[0] != COMMANDS) {
            let name = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
            let short = short_operation_id(name);
            operation.insert("operationId".to_owned(), Value::String(short));
        }
    }
    for (name, schema) in schemas_mut(&mut document).into_iter().flatten() {
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("nullable");
            schema.get_mut("example").into_iter().for_each(remove_nulls);
        }
        end_recursion(schema, &reference_to(name));
    }
    rename_requests(&mut document);
    document
}

/// `ExecuteUserCommand` for `v1User_ExecuteUserCommand`. Other resources keep their prefix:
/// `v1UserAgent_ExecuteUserCommand` becomes `UserAgentExecuteUserCommand`.
pub fn short_operation_id(id: &str) -> String {
    id.strip_prefix("v1User_").or(id.strip_prefix("v1")).unwrap_or(id).replace('_', "")
}

fn keep_json(body: Option<&mut Value>) {
    let Some(content) = body.and_then(|body| body.get_mut("content")).and_then(Value::as_object_mut) else { return };
    let first = content.keys().position(|name| name.ends_with("json")).unwrap_or_default();
    let name = |name: String| if name.ends_with("json") { "application/json".to_owned() } else { name };
    let one = std::mem::take(content).into_iter().nth(first).map(|(media, schema)| (name(media), schema));
    *content = one.into_iter().collect();
}

/// Removes the members that are null.
fn remove_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(remove_nulls);
        }
        _ => {}
    }
}

/// Replaces references within a schema to itself.
fn end_recursion(value: &mut Value, own: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| end_recursion(item, own)),
        Value::Object(members) if members.get("$ref").is_some_and(|reference| reference == own) => {
            *value = json!({"type": "object", "additionalProperties": true});
        }
        Value::Object(members) => members.values_mut().for_each(|member| end_recursion(member, own)),
        _ => {}
    }
}

fn rename_requests(document: &mut Value) {
    if let Some(schemas) = schemas_mut(document) {
        let renamed = std::mem::take(schemas).into_iter().map(|(name, mut schema)| {
            let name = without_request(&name).unwrap_or(name);
            if schema.get("title").is_some() {
                schema["title"] = name.clone().into();
            }
            (name, schema)
        });
        *schemas = renamed.collect::<Map<_, _>>();
    }
    rename_references(document);
}

fn rename_references(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(rename_references),
        Value::Object(members) => {
            let renamed = members.get("$ref").and_then(Value::as_str).and_then(referred).and_then(without_request);
            if let Some(name) = renamed {
                members.insert("$ref".to_owned(), reference_to(&name).into());
            }
            members.values_mut().for_each(rename_references);
        }
        _ => {}
    }
}

/// The name of a schema that is called `…Request`.
fn without_request(name: &str) -> Option<String> {
    name.strip_suffix("Request").map(|rest| format!("{rest}Arguments"))
}
