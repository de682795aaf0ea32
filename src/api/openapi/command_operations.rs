//! Adds an operation for each command to the document: the same path and wire as the operation for any command, with the
//! command's own name, texts, inputs and answers. poem-openapi knows only operations that are compiled in.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{command_schema::schema_of, document::COMMANDS, plain::short_operation_id};
use crate::{
    commands::{Catalog, ConfirmBinding, Confirmation, Definition, inputs::InputDefinitions},
    localization::{Locale, MultiLanguage},
};

/// The path of the operation for any command.
const GENERIC_PATH: &str = "/api/v1/User/{id}/CustomCommand/{commandName}";
const NAME_PARAMETER: &str = "commandName";

/// Adds the operations of the commands before all others, with texts in the language of the locale. The document must be
/// the one that the annotations define.
pub fn add(document: &mut Value, catalog: &Catalog, locale: &Locale) {
    let Some(generic) = document["paths"][GENERIC_PATH]["post"].as_object().cloned() else { return };
    if catalog.entries().is_empty() {
        return;
    }
    let mut names = Names::taken_in(document);
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for command in catalog.entries() {
        let definition = &command.definition;
        let operation_id = names.operation_id(definition.name.as_str());
        let mut operation = generic.clone();
        describe(&mut operation, definition, &operation_id, locale);
        keep_possible_answers(&mut operation, definition);
        if !definition.inputs.is_empty() {
            let name = names.schema(&operation_id);
            add_body(&mut operation, &definition.inputs, &name);
            schemas.insert(name, schema_of(definition, locale));
        }
        let path = GENERIC_PATH.replace(&format!("{{{NAME_PARAMETER}}}"), definition.name.as_str());
        paths.insert(path, json!({"post": operation}));
    }
    paths.extend(std::mem::take(&mut document["paths"]).as_object_mut().map(std::mem::take).unwrap_or_default());
    document["paths"] = Value::Object(paths);
    if let Some(known) = document["components"]["schemas"].as_object_mut() {
        known.extend(schemas);
    }
    let tag = json!({"name": COMMANDS, "description": "The custom commands of this installation, with their inputs."});
    if let Some(tags) = document["tags"].as_array_mut() {
        // After the tag of the operations that run any command.
        tags.insert(1.min(tags.len()), tag);
    }
}

fn describe(operation: &mut Map<String, Value>, definition: &Definition, operation_id: &str, locale: &Locale) {
    let text = |text: &MultiLanguage| locale.resolve(&text.raw()).into_owned();
    let allowed = definition.allow_roles.iter().filter(|role| !definition.deny_roles.contains(role));
    let roles = allowed.map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ");
    let roles = if roles.is_empty() { "No role may run it.".to_owned() } else { format!("May be run by: {roles}.") };
    let asks = match (definition.confirm, definition.confirm_binding) {
        (Confirmation::None, _) => "",
        (_, ConfirmBinding::Optional) => {
            "\n\nThe first response has the question as Message; call again with the answer as `actionResult`."
        }
        (_, ConfirmBinding::Required) => {
            "\n\nThe first response has the question as Message; call again with the answer as `actionResult` and with \
             the `X-Confirmation` of that response."
        }
    };
    let about = text(&definition.description);
    let separator = if about.is_empty() { "" } else { "\n\n" };
    operation.insert("tags".to_owned(), json!([COMMANDS]));
    operation.insert("operationId".to_owned(), operation_id.into());
    operation.insert("summary".to_owned(), text(&definition.display_name).into());
    operation.insert("description".to_owned(), format!("{about}{separator}{roles}{asks}").into());
    operation.shift_remove("requestBody");
}

/// Leaves the answers and responses that the command can have.
fn keep_possible_answers(operation: &mut Map<String, Value>, definition: &Definition) {
    let (answers, outcomes): (&[&str], &[&str]) = match definition.confirm {
        Confirmation::None => (&[], &["succeeded", "failed"]),
        Confirmation::Ok => (&["Implicit", "Ok"], &["asked", "succeeded", "failed"]),
        Confirmation::OkCancel => (&["Implicit", "Ok", "Cancel"], &["asked", "declined", "succeeded", "failed"]),
        Confirmation::YesNo => (&["Implicit", "Yes", "No"], &["asked", "declined", "succeeded", "failed"]),
    };
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        let is_absent = |name: &str| match name {
            NAME_PARAMETER | "additionalData" => true,
            "actionResult" | "X-Confirmation" => answers.is_empty(),
            _ => false,
        };
        parameters.retain(|parameter| !parameter["name"].as_str().is_some_and(is_absent));
        for parameter in parameters.iter_mut().filter(|parameter| parameter["name"] == "actionResult") {
            parameter["schema"] = json!({"type": "string", "enum": answers, "default": "Implicit"});
            parameter["description"] = "The answer to the question; `Implicit` asks it.".into();
        }
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        let calls_first = definition.calls_first();
        responses.retain(|status, _| calls_first || !["502", "504"].contains(&status.as_str()));
        let headers = &mut responses["200"]["headers"];
        headers["X-Command-Outcome"]["schema"]["enum"] = json!(outcomes);
        if let Some(headers) = headers.as_object_mut().filter(|_| answers.is_empty()) {
            headers.shift_remove("X-Confirmation");
        }
    }
}

/// Adds the body with the inputs.
fn add_body(operation: &mut Map<String, Value>, inputs: &InputDefinitions, schema: &str) {
    let media = json!({"schema": {"$ref": format!("#/components/schemas/{schema}")}});
    let is_required = inputs.iter().any(|input| input.is_required);
    let body = json!({"content": {"application/json": media}, "required": is_required});
    // Where the other operations have it.
    let index = operation.keys().position(|key| key == "responses").unwrap_or(operation.len());
    operation.shift_insert(index, "requestBody".to_owned(), body);
}

/// The operation ids and schema names that are in use. Generators ignore case in some of them.
struct Names(BTreeSet<String>);

impl Names {
    fn taken_in(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flat_map(Map::values);
        let operations = paths.filter_map(Value::as_object).flat_map(Map::values);
        let ids = operations.filter_map(|operation| operation["operationId"].as_str());
        let ids = ids.flat_map(|id| [id.to_owned(), short_operation_id(id)]);
        let schemas = document["components"]["schemas"].as_object().into_iter().flat_map(Map::keys);
        Self(ids.chain(schemas.cloned()).map(|name| name.to_lowercase()).collect())
    }

    /// The id of a command's operation, such as `moveToGroup` for `move-to-group`.
    fn operation_id(&mut self, command: &str) -> String {
        let words: Vec<_> = command.split(['-', '_', '.']).filter(|word| !word.is_empty()).collect();
        let id = words.iter().enumerate().map(|(index, word)| {
            let (first, rest) = word.split_at(1);
            if index == 0 { first.to_lowercase() + rest } else { first.to_uppercase() + rest }
        });
        self.unique(id.collect())
    }

    /// The name of the schema of a command's inputs, such as `MoveToGroupInputs`.
    fn schema(&mut self, operation_id: &str) -> String {
        let (first, rest) = operation_id.split_at(1);
        self.unique(format!("{}{rest}Inputs", first.to_uppercase()))
    }

    /// The name, with a number if it is taken.
    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        let mut number = 2;
        while !self.0.insert(unique.to_lowercase()) {
            unique = format!("{name}{number}");
            number += 1;
        }
        unique
    }
}
