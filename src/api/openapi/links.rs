//! Links between operations: which values of a response are parameters of which other operation.

use serde_json::{Value, json};

use super::json::operations_mut;

/// A link from the successful response of an operation.
struct Link {
    from: &'static str,
    name: &'static str,
    /// The operation that it leads to.
    to: &'static str,
    parameter: &'static str,
    /// Where the value of the parameter comes from, as a runtime expression of OpenAPI.
    value: &'static str,
}

const LINKS: [Link; 8] = [
    link("ListExecutions", "Execution", "GetExecution", "id", "$response.body#/executions/0/id"),
    link("ListExecutions", "Webhooks", "ListWebhooks", "execution", "$response.body#/executions/0/id"),
    link("ListExecutions", "NextPage", "ListExecutions", "cursor", "$response.body#/nextCursor"),
    link("GetExecution", "Webhooks", "ListWebhooks", "execution", "$response.body#/id"),
    link("ListWebhooks", "Execution", "GetExecution", "id", "$response.body#/webhooks/0/executionId"),
    link("ListWebhooks", "Redrive", "RedriveWebhook", "id", "$response.body#/webhooks/0/id"),
    link("ListWebhooks", "NextPage", "ListWebhooks", "cursor", "$response.body#/nextCursor"),
    link("RedriveWebhook", "Execution", "GetExecution", "id", "$response.body#/executionId"),
];

const fn link(
    from: &'static str,
    name: &'static str,
    to: &'static str,
    parameter: &'static str,
    value: &'static str,
) -> Link {
    Link { from, name, to, parameter, value }
}

/// Adds the links to a document.
pub fn add(mut document: Value) -> Value {
    for operation in operations_mut(&mut document) {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(response) = operation.get_mut("responses").and_then(|responses| responses.get_mut("200")) else {
            continue;
        };
        for Link { name, to, parameter, value, .. } in LINKS.iter().filter(|link| link.from == id) {
            response["links"][name] = json!({"operationId": to, "parameters": {(*parameter): value}});
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::{
        super::json::{items, operations, referred},
        *,
    };
    use crate::api;

    /// The schema that a reference stands for, or the schema itself; of a nullable reference, too.
    fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str()).and_then(referred);
        reference.map_or(schema, |name| &document["components"]["schemas"][name])
    }

    #[test]
    fn every_link_leads_from_a_property_to_a_parameter() {
        let document = api::document();
        let operation = |id: &str| operations(&document).find(|one| one["operationId"] == id).expect("an operation");
        for Link { from, name, to, parameter, value } in &LINKS {
            let mut parameters = items(operation(to).get("parameters"));
            assert!(parameters.any(|one| one["name"] == *parameter), "{from} {name}: {to} has no {parameter}");
            let response = &operation(from)["responses"]["200"];
            assert_eq!(response["links"][name]["operationId"], *to);
            let mut schema = resolved(&document, &response["content"]["application/json"]["schema"]);
            for part in value.strip_prefix("$response.body#/").expect("a pointer").split('/') {
                let next = if part == "0" { &schema["items"] } else { &schema["properties"][part] };
                assert!(next.is_object(), "{from} {name}: {value} has no {part}");
                schema = resolved(&document, next);
            }
        }
    }
}
