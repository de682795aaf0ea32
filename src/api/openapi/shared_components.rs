//! Moves parameters and error responses that operations share into the components of the document, which makes it a
//! third as long. poem-openapi writes each of them at every operation.

use std::{cmp::Reverse, collections::BTreeMap};

use poem::http::StatusCode;
use serde_json::{Map, Value, json};

use super::json::{items, operations, operations_mut};
use crate::api::respond::error::PROBLEM;

/// The document with references in place of what its operations share. Of parameters with one name, and of responses with
/// one status and media type, each form that several operations use is shared: the most frequent one under the name
/// alone, the others with a number.
pub fn share(mut document: Value) -> Value {
    let (mut parameters, mut responses) = (Shared::default(), Shared::default());
    for operation in operations(&document) {
        items(operation.get("parameters")).for_each(|parameter| parameters.count(parameter_key(parameter), parameter));
        for (status, response) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
            responses.count(response_key(status, response), response);
        }
    }
    let (parameters, responses) = (parameters.components(), responses.components());
    for operation in operations_mut(&mut document) {
        let all = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
        all.for_each(|parameter| refer(parameter, parameter_key(parameter), "parameters", &parameters));
        for (status, response) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
            refer(response, response_key(status, response), "responses", &responses);
        }
    }
    if let Some(components) = document["components"].as_object_mut() {
        components.extend([
            ("parameters".to_owned(), Value::Object(parameters)),
            ("responses".to_owned(), Value::Object(responses)),
        ]);
    }
    document
}

/// The name of a parameter as a component, such as `AcceptLanguage`.
fn parameter_key(parameter: &Value) -> Option<String> {
    let name = parameter["name"].as_str()?;
    let words = name.split(|one: char| !one.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    Some(words.map(|word| word[..1].to_uppercase() + &word[1..]).collect())
}

/// The name of an error response as a component, such as `NotFound`, or `NotFoundProblem` for one in the format of
/// RFC 9457. Successful responses are not shared.
fn response_key(status: &str, response: &Value) -> Option<String> {
    let status: StatusCode = status.parse().ok().filter(|status: &StatusCode| status.as_u16() >= 400)?;
    let name = status.canonical_reason()?.replace([' ', '-'], "");
    let is_problem = response["content"].as_object()?.contains_key(PROBLEM);
    Some(if is_problem { name + "Problem" } else { name })
}

/// The forms of each component, with the number of operations that use them.
#[derive(Default)]
struct Shared(BTreeMap<String, Vec<(Value, usize)>>);

impl Shared {
    fn count(&mut self, key: Option<String>, value: &Value) {
        let Some(key) = key else { return };
        let forms = self.0.entry(key).or_default();
        match forms.iter_mut().find(|(form, _)| form == value) {
            Some((_, count)) => *count += 1,
            None => forms.push((value.clone(), 1)),
        }
    }

    /// The forms that are used more than once, by their names as components.
    fn components(self) -> Map<String, Value> {
        let mut components = Map::new();
        for (key, mut forms) in self.0 {
            forms.retain(|(_, count)| *count > 1);
            forms.sort_by_key(|(_, count)| Reverse(*count));
            for (index, (form, _)) in forms.into_iter().enumerate() {
                components.insert(numbered(&key, index), form);
            }
        }
        components
    }
}

/// The name of a component: the second form of `NotFound` is `NotFound2`.
fn numbered(key: &str, index: usize) -> String {
    if index == 0 { key.to_owned() } else { format!("{key}{}", index + 1) }
}

fn refer(value: &mut Value, key: Option<String>, kind: &str, shared: &Map<String, Value>) {
    let Some(key) = key else { return };
    let names = (0..).map(|index| numbered(&key, index)).take_while(|name| shared.contains_key(name));
    if let Some(name) = names.into_iter().find(|name| shared.get(name) == Some(value)) {
        *value = json!({"$ref": format!("#/components/{kind}/{name}")});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_operations_share_becomes_a_component() {
        let error = |text: &str| json!({"description": text, "content": {"application/json": {}}});
        let problem = json!({"description": "No.", "content": {PROBLEM: {}}});
        let language = json!({"name": "Accept-Language", "in": "header"});
        let operation =
            |text: &str| json!({"parameters": [language], "responses": {"200": error("Yes."), "404": error(text)}});
        let document = json!({
            "paths": {
                "/a": {"get": operation("No."), "put": operation("No.")},
                "/b": {"get": operation("Nothing."), "put": {"responses": {"404": problem}}},
            },
            "components": {"schemas": {}},
        });
        let shared = share(document);
        let at = |place: &str| shared.pointer(place).expect(place).clone();
        assert_eq!(at("/paths/~1a/get/parameters/0"), json!({"$ref": "#/components/parameters/AcceptLanguage"}));
        assert_eq!(at("/paths/~1a/get/responses/404"), json!({"$ref": "#/components/responses/NotFound"}));
        assert_eq!(at("/paths/~1b/get/responses/404/description"), json!("Nothing."), "another form stays");
        assert_eq!(at("/paths/~1a/get/responses/200/description"), json!("Yes."), "a successful response stays");
        assert_eq!(at("/components/responses"), json!({"NotFound": error("No.")}));
        assert_eq!(at("/components/parameters"), json!({"AcceptLanguage": language}));
    }
}
