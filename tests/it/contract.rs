//! Compares our OpenAPI document with upstream's operations and schemas.

use std::{collections::BTreeSet, fs};

use kommando::api;
use serde_json::{Map, Value};

const OPENAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi");

#[derive(serde::Deserialize)]
struct Deviations {
    deviation: Vec<Deviation>,
}

/// An intended difference with its reason.
#[derive(serde::Deserialize)]
struct Deviation {
    reason: String,
    findings: Vec<String>,
}

/// A schema in the notation of `upstream.json`: `User[]`, `map<string>`, `Yes|No`.
fn notation(document: &Value, schema: &Value) -> String {
    let names = |schema: &Value| {
        let items = schema["enum"].as_array()?.iter().filter_map(Value::as_str);
        Some(items.collect::<Vec<_>>().join("|"))
    };
    let inner = |place: &str| schema.get(place).map(|inner| notation(document, inner));
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return names(&document["components"]["schemas"][name]).unwrap_or_else(|| name.to_owned());
    }
    if let Some(part) = schema.pointer("/allOf/0") {
        return notation(document, part);
    }
    if let Some(items) = inner("items") {
        return format!("{items}[]");
    }
    if let Some(values) = inner("additionalProperties") {
        return format!("map<{values}>");
    }
    names(schema).unwrap_or_else(|| schema["type"].as_str().unwrap_or("any").to_owned())
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn compare(found: &mut BTreeSet<String>, place: &str, ours: Option<String>, theirs: &Value) {
    let (ours, theirs) = (ours.unwrap_or_else(|| "nothing".to_owned()), theirs.as_str().expect("a notation"));
    if ours != theirs {
        found.insert(format!("{place} is {ours}, not {theirs}"));
    }
}

fn compare_operation(found: &mut BTreeSet<String>, document: &Value, name: &str, ours: &Value, theirs: &Value) {
    let own = |schema: &Value| Some(notation(document, schema)).filter(|_| !schema.is_null());
    compare(
        found,
        &format!("{name}: operationId"),
        ours["operationId"].as_str().map(Into::into),
        &theirs["operationId"],
    );
    for (parameter, kind) in members(&theirs["parameters"]) {
        let all = ours["parameters"].as_array().into_iter().flatten();
        let one = all.clone().find(|one| one["name"] == **parameter);
        let one =
            one.map(|one| format!("{} {}", one["in"].as_str().unwrap_or_default(), notation(document, &one["schema"])));
        compare(found, &format!("{name}: parameter {parameter}"), one, kind);
    }
    let body = &ours["requestBody"]["content"]["application/json"]["schema"];
    match &theirs["body"] {
        Value::Object(properties) => {
            let schema = &document["components"]["schemas"][own(body).unwrap_or_default()];
            for (property, kind) in properties {
                compare(found, &format!("{name}: {property}"), own(&schema["properties"][property]), kind);
            }
        }
        Value::String(_) => compare(found, &format!("{name}: body"), own(body), &theirs["body"]),
        _ => {}
    }
    if theirs.get("answer").is_some() {
        let answer = &ours["responses"]["200"]["content"]["application/json"]["schema"];
        compare(found, &format!("{name}: answer"), own(answer), &theirs["answer"]);
    }
}

fn compare_schema(found: &mut BTreeSet<String>, document: &Value, name: &str, theirs: &Map<String, Value>) {
    let Some(schema) = document["components"]["schemas"].get(name) else { return };
    let ours = &schema["properties"];
    for (property, kind) in theirs {
        let own = ours.get(property).map(|schema| notation(document, schema));
        compare(found, &format!("{name}: {property}"), own, kind);
    }
    for (property, _) in members(ours).filter(|(property, _)| !theirs.contains_key(*property)) {
        found.insert(format!("{name}: {property} is ours alone"));
    }
}

#[test]
fn the_document_differs_from_upstream_only_as_declared() {
    let facts = fs::read_to_string(format!("{OPENAPI}/upstream.json")).expect("the facts");
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    let document = api::document();
    let mut found = BTreeSet::new();
    for (name, theirs) in members(&facts["operations"]) {
        let (method, path) = name.split_once(' ').expect("a method and a path");
        match document["paths"][path].get(method.to_lowercase()) {
            Some(ours) => compare_operation(&mut found, &document, name, ours, theirs),
            None if api::is_not_served(path) => {}
            None => drop(found.insert(format!("{name}: is missing"))),
        }
    }
    for (name, theirs) in members(&facts["schemas"]) {
        compare_schema(&mut found, &document, name, theirs.as_object().expect("properties"));
    }
    let deviations = fs::read_to_string(format!("{OPENAPI}/deviations.toml")).expect("the deviations");
    let Deviations { deviation } = toml::from_str(&deviations).expect("TOML");
    assert!(deviation.iter().all(|one| !one.reason.is_empty() && !one.findings.is_empty()));
    let meant: BTreeSet<_> = deviation.into_iter().flat_map(|one| one.findings).collect();
    let (new, gone): (Vec<_>, Vec<_>) = (found.difference(&meant).collect(), meant.difference(&found).collect());
    assert!(new.is_empty() && gone.is_empty(), "not in openapi/deviations.toml: {new:#?}\nno longer found: {gone:#?}");
}
