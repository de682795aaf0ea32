//! The OpenAPI document: made by poem-openapi, and normalised once.

use poem_openapi::{ContactObject, LicenseObject, OpenApiService, ServerObject};
use serde_json::{Map, Value};

use super::Operations;

const TITLE: &str = "kommando";
const DESCRIPTION: &str = "Users, and the custom commands that can be run on them: a self-hosted server, compatible on \
    the wire with the User resource of the SuperOffice WebAPI v1 (as of 2026). It is independent of SuperOffice: the \
    vendor has nothing to do with it, and problems with this server are reported to its own repository.\n\n\
    Begin with `GET /api/v1/User/{id}/CustomCommand`, then run one of the commands it lists. Errors under `/api` all \
    have the shape of `ErrorInfo`.";

/// The service that poem-openapi makes of our operations.
pub fn service() -> OpenApiService<Operations, ()> {
    OpenApiService::new(super::operations(), TITLE, env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .contact(ContactObject::new().name("The kommando project"))
        .license(LicenseObject::new("MIT OR Apache-2.0").url("https://spdx.org/licenses/"))
        .server(ServerObject::new("/").description("This server"))
}

/// The document as it is served, checked in, and shown by Swagger UI.
///
/// # Panics
/// Never: poem-openapi writes JSON.
pub fn document() -> Value {
    match serde_json::from_str(&service().spec()) {
        Ok(document) => normalise(document),
        Err(error) => unreachable!("poem-openapi wrote no JSON: {error}"),
    }
}

/// Mends what poem-openapi cannot be told:
///
/// - media types are written without parameters, since generators compare them as a whole;
/// - headers are spelt as they are known, not in capitals;
/// - a description stands beside a reference, not a second time within it;
/// - a property that may be missing may be null, as upstream's are: a reference then stands in `allOf`;
/// - an operation without security says so, rather than nothing;
/// - noise that says what is so anyway is left out.
pub fn normalise(mut document: Value) -> Value {
    for operation in operations_mut(&mut document) {
        operation.entry("security").or_insert_with(|| Value::Array(Vec::new()));
        for response in members_mut(operation.get_mut("responses")) {
            strip_media_types(response.get_mut("content"));
            spell_headers(response.get_mut("headers"));
        }
        strip_media_types(operation.get_mut("requestBody").and_then(|body| body.get_mut("content")));
    }
    let schemas = document.pointer_mut("/components/schemas");
    members_mut(schemas).for_each(make_optional_nullable);
    drop_noise(&mut document);
    document
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    members_mut(document.get_mut("paths")).flat_map(|path| members_mut(Some(path))).filter_map(Value::as_object_mut)
}

fn members_mut(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_object_mut).into_iter().flat_map(|members| members.iter_mut().map(|(_, value)| value))
}

fn strip_media_types(content: Option<&mut Value>) {
    let Some(content) = content.and_then(Value::as_object_mut) else { return };
    let plain = |name: String| name.split(';').next().unwrap_or_default().trim().to_owned();
    *content = std::mem::take(content).into_iter().map(|(name, media)| (plain(name), media)).collect();
}

fn spell_headers(headers: Option<&mut Value>) {
    let Some(headers) = headers.and_then(Value::as_object_mut) else { return };
    let capital = |part: &str| part[..1].to_uppercase() + &part[1..].to_lowercase();
    let spell = |name: String| {
        if name == name.to_uppercase() { name.split('-').map(capital).collect::<Vec<_>>().join("-") } else { name }
    };
    *headers = std::mem::take(headers).into_iter().map(|(name, header)| (spell(name), header)).collect();
}

fn make_optional_nullable(schema: &mut Value) {
    let required: Vec<String> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(name)) {
        let Some(property) = property.as_object_mut() else { continue };
        if let Some(reference) = property.remove("$ref") {
            let reference = Value::Object(Map::from_iter([("$ref".to_owned(), reference)]));
            property.insert("allOf".to_owned(), Value::Array(vec![reference]));
        }
        property.insert("nullable".to_owned(), Value::Bool(true));
    }
}

fn drop_noise(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_noise),
        Value::Object(members) => {
            if let Some(parts) = members.get_mut("allOf").and_then(Value::as_array_mut) {
                parts.retain(|part| part.get("$ref").is_some());
            }
            members.retain(|name, value| !(name == "deprecated" && *value == Value::Bool(false)));
            members.retain(|name, value| !(name == "explode" && value.is_boolean()));
            members.values_mut().for_each(drop_noise);
        }
        _ => {}
    }
}
