//! Forms of the document for tools that cannot use all of it: fewer operations, one way to authenticate, no shared headers,
//! an absolute URL of the server.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::json::{items, operations, operations_mut, references_in, referred, schemas_mut, values_mut};
use crate::nearest;

/// The security schemes by the names that the command line has for them; `session` needs two together.
pub const SCHEMES: [(&str, &[&str]); 4] =
    [("basic", &["Basic"]), ("ticket", &["SoTicket"]), ("bearer", &["Bearer"]), ("session", &["Session", "XsrfToken"])];

/// The document with another URL of its server.
pub fn with_server(mut document: Value, url: &str) -> Value {
    document["servers"] = json!([{"url": url.trim_end_matches('/')}]);
    document
}

/// The document with one way to authenticate: these schemes together.
pub fn with_schemes(mut document: Value, schemes: &[&str]) -> Value {
    let alternative = Value::Object(schemes.iter().map(|scheme| ((*scheme).to_owned(), json!([]))).collect());
    for operation in operations_mut(&mut document) {
        if let Some(security) = operation.get_mut("security").and_then(Value::as_array_mut) {
            security.retain(|one| *one == alternative);
        }
    }
    if let Some(all) = document.pointer_mut("/components/securitySchemes").and_then(Value::as_object_mut) {
        all.retain(|name, _| schemes.contains(&name.as_str()));
    }
    document
}

/// The document with the operations of these tags only, ignoring case, and with what they refer to.
///
/// # Errors
/// There is no such tag.
pub fn with_tags(mut document: Value, tags: &[String]) -> Result<Value, String> {
    let names: Vec<String> =
        items(document.get("tags")).filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect();
    for tag in tags {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(tag)) {
            let near = nearest::suggestion(tag, names.iter().map(String::as_str));
            return Err(format!("there is no tag `{tag}`{near}; the tags are {}", names.join(", ")));
        }
    }
    let is_wanted = |tag: &Value| tag.as_str().is_some_and(|tag| tags.iter().any(|one| one.eq_ignore_ascii_case(tag)));
    if let Some(paths) = document["paths"].as_object_mut() {
        for path in paths.values_mut().filter_map(Value::as_object_mut) {
            path.retain(|_, operation| items(operation.get("tags")).any(is_wanted));
        }
        paths.retain(|_, path| path.as_object().is_some_and(|path| !path.is_empty()));
    }
    if let Some(all) = document["tags"].as_array_mut() {
        all.retain(|tag| is_wanted(&tag["name"]));
    }
    remove_dead_links(&mut document);
    Ok(without_unused(document))
}

/// Removes the links to operations that are not in the document.
fn remove_dead_links(document: &mut Value) {
    let known: Vec<Value> =
        operations(document).filter_map(|operation| operation.get("operationId").cloned()).collect();
    for operation in operations_mut(document) {
        for response in values_mut(operation.get_mut("responses")).filter_map(Value::as_object_mut) {
            if let Some(links) = response.get_mut("links").and_then(Value::as_object_mut) {
                links.retain(|_, link| known.contains(&link["operationId"]));
                if links.is_empty() {
                    response.remove("links");
                }
            }
        }
    }
}

/// The document without the headers that every operation takes.
pub fn without_shared_headers(mut document: Value) -> Value {
    let shared = shared_headers(&document);
    for operation in operations_mut(&mut document) {
        if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.retain(|parameter| !shared.contains(&parameter_name(parameter)));
        }
    }
    without_unused(document)
}

/// The header parameters of all operations that need authentication.
fn shared_headers(document: &Value) -> BTreeSet<String> {
    let closed = operations(document).filter(|operation| items(operation.get("security")).next().is_some());
    let headers = closed.map(|operation| {
        let headers = items(operation.get("parameters")).filter(|parameter| parameter["in"] == "header");
        headers.map(parameter_name).collect::<BTreeSet<_>>()
    });
    headers.reduce(|all, some| all.intersection(&some).cloned().collect()).unwrap_or_default()
}

fn parameter_name(parameter: &Value) -> String {
    parameter["name"].as_str().unwrap_or_default().to_owned()
}

/// Removes the schemas that nothing refers to.
fn without_unused(mut document: Value) -> Value {
    let mut used = BTreeSet::new();
    let mut found = references_in(&document["paths"]);
    while let Some(reference) = found.pop() {
        if let Some(name) = referred(&reference)
            && let Some(schema) = document["components"]["schemas"].get(name)
            && used.insert(name.to_owned())
        {
            found.extend(references_in(schema));
        }
    }
    if let Some(schemas) = schemas_mut(&mut document) {
        schemas.retain(|name, _| used.contains(name));
    }
    document
}
