//! Examples of request bodies, which Swagger UI fills in. With most of them, the request succeeds in `serve --demo`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::json::{operations_mut, schemas_mut, values_mut};

/// The examples by the name of the schema, and by the operation where a schema has no name or its example does not fit.
#[derive(Deserialize)]
struct Examples {
    schemas: Map<String, Value>,
    operations: Map<String, Value>,
}

/// The examples.
///
/// # Panics
/// Never: a test reads the same text.
fn examples() -> Examples {
    match serde_json::from_str(include_str!("../../../openapi/examples.json")) {
        Ok(examples) => examples,
        Err(error) => unreachable!("openapi/examples.json: {error}"),
    }
}

/// Adds the examples to a document.
pub fn add(mut document: Value) -> Value {
    let Examples { schemas, operations } = examples();
    for (name, schema) in schemas_mut(&mut document).into_iter().flatten() {
        if let (Some(schema), Some(example)) = (schema.as_object_mut(), schemas.get(name)) {
            schema.insert("example".to_owned(), example.clone());
        }
    }
    for operation in operations_mut(&mut document) {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        if let Some(example) = operations.get(id) {
            let bodies = operation.get_mut("requestBody").and_then(|body| body.get_mut("content"));
            let bodies = values_mut(bodies).filter_map(Value::as_object_mut);
            for body in bodies.filter(|body| is_list(body.get("schema")) == example.is_array()) {
                body.insert("example".to_owned(), example.clone());
            }
        }
    }
    document
}

fn is_list(schema: Option<&Value>) -> bool {
    schema.is_some_and(|schema| schema["type"] == "array")
}

#[cfg(test)]
mod tests {
    use super::{super::json::operations, *};
    use crate::api;

    #[test]
    fn every_example_is_shown() {
        let document = api::document();
        let Examples { schemas, operations: of_operations } = examples();
        for (name, example) in &schemas {
            assert_eq!(document["components"]["schemas"][name]["example"], *example, "there is no schema {name}");
        }
        for (id, example) in &of_operations {
            let operation = operations(&document).find(|operation| operation["operationId"] == *id);
            let content = operation.and_then(|operation| operation["requestBody"]["content"].as_object());
            let is_shown = content.is_some_and(|content| content.values().any(|body| body["example"] == *example));
            assert!(is_shown, "there is no operation {id} with such a body");
        }
    }
}
