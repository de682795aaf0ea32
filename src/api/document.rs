//! The OpenAPI document: made by poem-openapi, and normalised once.

use std::collections::BTreeMap;

use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService, ServerObject, types::ToJSON};
use sea_orm::DbErr;
use serde_json::{Map, Value};

use super::Operations;
use crate::error::{Error, ErrorInfo, PROBLEM, Problem, TooManyAttempts};

const TITLE: &str = "kommando";
const DESCRIPTION: &str = "Users, and the custom commands that can be run on them: a self-hosted server, compatible on \
    the wire with the User resource of the SuperOffice WebAPI v1 (as of 2026). It is independent of SuperOffice: the \
    vendor has nothing to do with it, and problems with this server are reported to its own repository.\n\n\
    Begin with `GET /api/v1/User/{id}/CustomCommand`, then run one of the commands it lists. Errors under `/api` all \
    have the shape of `ErrorInfo`.\n\n\
    As XML, the root element has the name of the schema, or `ArrayOf` and the name of what is listed; elements have the \
    names of properties, the items of a list that of their schema, and what is null has `xsi:nil`. Of a map, each \
    `Entry` has a `Key` and a `Value`.";

/// The service that poem-openapi makes of our operations.
fn service() -> OpenApiService<Operations, ()> {
    service_of(super::operations())
        .description(DESCRIPTION)
        .contact(ContactObject::new().name("The kommando project"))
        .license(LicenseObject::new("MIT OR Apache-2.0").url("https://spdx.org/licenses/"))
        .server(ServerObject::new("/").description("This server"))
}

/// The service that poem-openapi makes of operations.
pub fn service_of<T: OpenApi>(operations: T) -> OpenApiService<T, ()> {
    OpenApiService::new(operations, TITLE, env!("CARGO_PKG_VERSION"))
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

/// The document in YAML.
///
/// # Panics
/// Never: every JSON value has a form in YAML.
pub fn yaml(document: &Value) -> String {
    match serde_saphyr::to_string(document) {
        Ok(yaml) => yaml,
        Err(error) => unreachable!("JSON that is no YAML: {error}"),
    }
}

/// Mends what poem-openapi cannot be told:
///
/// - media types are written without parameters, since generators compare them as a whole;
/// - headers are spelt as they are known, not in capitals;
/// - each error status shows an error of its own;
/// - a description stands beside a reference, not a second time within it;
/// - a property that may be missing may be null, as upstream's are: a reference then stands in `allOf`;
/// - an operation without security says so, rather than nothing;
/// - schemes that count together stand in one order;
/// - tags stand in the order of their operations;
/// - noise that says what is so anyway is left out.
pub fn normalise(mut document: Value) -> Value {
    for operation in operations_mut(&mut document) {
        sort_schemes(operation.entry("security").or_insert_with(|| Value::Array(Vec::new())));
        for (status, response) in object_mut(operation.get_mut("responses")) {
            strip_media_types(response.get_mut("content"));
            spell_headers(response.get_mut("headers"));
            show_error(status, response);
        }
        strip_media_types(operation.get_mut("requestBody").and_then(|body| body.get_mut("content")));
    }
    make_optional_nullable(&mut document);
    sort_tags(&mut document);
    drop_noise(&mut document);
    document
}

/// The document for generators that would stumble over it otherwise: one media type for each body, `application/json` where
/// there is JSON; operations by short names, `ExecuteUserCommand` for `v1User_ExecuteUserCommand`; and null at properties
/// alone, without a type beside what they refer to.
pub fn plain(mut document: Value) -> Value {
    for operation in operations_mut(&mut document) {
        keep_json(operation.get_mut("requestBody"));
        members_mut(operation.get_mut("responses")).for_each(|response| keep_json(Some(response)));
        let name = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        // Operations of others than users keep whose they are: v1UserAgent_ExecuteUserCommand.
        let short = name.strip_prefix("v1User_").or(name.strip_prefix("v1")).unwrap_or(name).replace('_', "");
        operation.insert("operationId".to_owned(), Value::String(short));
    }
    let schemas = members_mut(document.pointer_mut("/components/schemas")).filter_map(Value::as_object_mut);
    for schema in schemas {
        schema.remove("nullable");
        let properties = members_mut(schema.get_mut("properties")).filter_map(Value::as_object_mut);
        properties.filter(|property| property.contains_key("allOf")).for_each(|property| drop(property.remove("type")));
    }
    document
}

fn keep_json(body: Option<&mut Value>) {
    let Some(content) = body.and_then(|body| body.get_mut("content")).and_then(Value::as_object_mut) else { return };
    let first = content.keys().position(|name| name.ends_with("json")).unwrap_or_default();
    let name = |name: String| if name.ends_with("json") { "application/json".to_owned() } else { name };
    let one = std::mem::take(content).into_iter().nth(first).map(|(media, schema)| (name(media), schema));
    *content = one.into_iter().collect();
}

fn sort_schemes(security: &mut Value) {
    for together in security.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let sorted: BTreeMap<_, _> = std::mem::take(together).into_iter().collect();
        together.extend(sorted);
    }
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    members_mut(document.get_mut("paths")).flat_map(|path| members_mut(Some(path))).filter_map(Value::as_object_mut)
}

fn object_mut(value: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    value.and_then(Value::as_object_mut).into_iter().flatten()
}

fn members_mut(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    object_mut(value).map(|(_, value)| value)
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

/// An error as this status has it, made by the code that answers it.
fn show_error(status: &str, response: &mut Value) {
    let error = match status {
        "400" => Error::InvalidArgument("Parameter id: `x` is no whole number of 32 bits.".to_owned()),
        "401" => Error::Unauthenticated,
        "403" => Error::MayNotReadUser,
        "404" => Error::NoSuchUser,
        "429" => Error::TooManyAttempts(TooManyAttempts { retry_after_seconds: 60 }),
        "406" => Error::NotAcceptable,
        "409" => Error::KeyInFlight,
        "412" => Error::Modified,
        "413" => Error::BodyTooLarge,
        "415" => Error::UnsupportedMediaType,
        "422" => Error::KeyReused,
        "500" => Error::internal("shown to nobody"),
        "507" => Error::StorageFull(DbErr::Custom("shown to nobody".to_owned())),
        "503" => Error::Unavailable(DbErr::Custom("shown to nobody".to_owned())),
        _ => return,
    };
    for (name, media) in object_mut(response.get_mut("content")).filter(|(name, _)| name.ends_with("json")) {
        let example = match name.as_str() {
            PROBLEM => Problem::from(&error).to_json(),
            _ => ErrorInfo::from(&error).to_json(),
        };
        if let Some(media) = media.as_object_mut() {
            media.insert("example".to_owned(), example.unwrap_or_default());
        }
    }
}

fn make_optional_nullable(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let types: BTreeMap<String, Value> =
        schemas.iter().map(|(name, schema)| (reference_to(name), schema["type"].clone())).collect();
    schemas.values_mut().for_each(|schema| make_properties_nullable(schema, &types));
    let referred = referred_to(document);
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let optional = optional_references(schemas);
    // Null must fit what is referred to as well, where nobody refers to it otherwise. What itself refers to others does
    // not say so: generators that make a choice of it cannot follow.
    for (name, schema) in schemas.iter_mut().filter(|(_, schema)| schema["type"] == "object") {
        let count = |found: &[String]| found.iter().filter(|one| **one == reference_to(name)).count();
        let is_only_optional = count(&optional) > 0 && count(&optional) == count(&referred);
        if let (true, Some(schema)) = (is_only_optional && referred_to(schema).is_empty(), schema.as_object_mut()) {
            schema.insert("nullable".to_owned(), Value::Bool(true));
        }
    }
}

/// What properties refer to that may be null.
fn optional_references(schemas: &Map<String, Value>) -> Vec<String> {
    let properties = schemas.values().flat_map(|schema| schema["properties"].as_object().into_iter().flatten());
    let nullable = properties.filter(|(_, property)| property["nullable"] == true);
    nullable.filter_map(|(_, property)| property["allOf"][0]["$ref"].as_str().map(str::to_owned)).collect()
}

fn make_properties_nullable(schema: &mut Value, types: &BTreeMap<String, Value>) {
    let required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
    for (_, property) in object_mut(schema.get_mut("properties")).filter(|(name, _)| !required.contains(&json(name))) {
        let Some(property) = property.as_object_mut() else { continue };
        if let Some(reference) = property.remove("$ref") {
            let reference = Value::Object(Map::from_iter([("$ref".to_owned(), reference)]));
            property.insert("allOf".to_owned(), Value::Array(vec![reference]));
        }
        // `nullable` counts only beside a `type`: that of the schema referred to.
        let reference = property.get("allOf").and_then(|parts| parts.pointer("/0/$ref")).and_then(Value::as_str);
        if let Some(referred) = reference.and_then(|reference| types.get(reference)).cloned() {
            property.insert("type".to_owned(), referred);
        }
        // What may be anything may be null anyway.
        if property.contains_key("type") {
            property.insert("nullable".to_owned(), Value::Bool(true));
        }
    }
}

fn reference_to(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn json(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// What a value refers to, as often as it does.
fn referred_to(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(referred_to).collect(),
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(referred_to)).collect()
        }
        _ => Vec::new(),
    }
}

fn sort_tags(document: &mut Value) {
    let used: Vec<Value> = operations_mut(document).filter_map(|operation| operation["tags"].get(0).cloned()).collect();
    if let Some(tags) = document.get_mut("tags").and_then(Value::as_array_mut) {
        tags.sort_by_key(|tag| used.iter().position(|used| *used == tag["name"]));
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
