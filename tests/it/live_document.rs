//! The served document has an operation for each command in force, which says what the command takes and answers.

use std::collections::BTreeSet;

use kommando::{
    api,
    commands::{Catalog, inputs::GivenInputs},
    localization::Locale,
};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{ANNA, Server},
    inputs::EVERY_TYPE,
};

const PREFIX: &str = "/api/v1/User/{id}/CustomCommand/";

async fn served(server: &Server, language: Option<&str>) -> Value {
    let call = server.get("/openapi.json");
    let call = if let Some(language) = language { call.header("accept-language", language) } else { call };
    call.send().await.body
}

fn operation<'a>(document: &'a Value, command: &str) -> &'a Value {
    &document["paths"][format!("{PREFIX}{command}")]["post"]
}

fn catalog(definitions: &[String]) -> Catalog {
    let folder = tempfile::tempdir().expect("a folder");
    for (index, definition) in definitions.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{index}.yaml")), definition).expect("a file");
    }
    Catalog::from_folder(folder.path()).expect("right definitions")
}

fn parameter<'a>(operation: &'a Value, name: &str) -> Option<&'a Value> {
    operation["parameters"].as_array()?.iter().find(|parameter| parameter["name"] == name)
}

#[tokio::test]
async fn each_command_is_an_operation_with_its_inputs_and_answers() {
    let server = Server::with_commands(&[EVERY_TYPE]).await;
    let document = served(&server, None).await;
    let every = operation(&document, "every-type");
    assert_eq!((&every["operationId"], &every["summary"]), (&json!("everyType"), &json!("Every type")));
    assert_eq!((&every["tags"], &document["tags"][1]["name"]), (&json!(["Commands"]), &json!("Commands")));
    assert!(every["description"].as_str().expect("a text").contains("May be run by: `Administrator`, `UserAdmin`."));
    assert_eq!(parameter(every, "actionResult"), None, "the command asks no question");
    let body = &every["requestBody"];
    assert_eq!(body["required"], true);
    assert_eq!(body["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/EveryTypeInputs");
    let schema = &document["components"]["schemas"]["EveryTypeInputs"];
    assert_eq!(schema["additionalProperties"], false);
    let required = json!(["line", "count", "sure", "until", "kind", "manager", "group", "role", "mail", "pin"]);
    assert_eq!(schema["required"], required);
    let property = |name: &str| &schema["properties"][name];
    for (name, members) in [
        ("line", json!({"type": "string", "minLength": 3, "maxLength": 20, "pattern": "^(?:[a-z ]+)$"})),
        ("lines", json!({"type": "string", "minLength": 1, "maxLength": 2000})),
        ("count", json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 5})),
        ("sure", json!({"type": "boolean"})),
        ("until", json!({"type": "string", "format": "date"})),
        (
            "kind",
            json!({"type": "string", "enum": ["full", "part"], "description": "`full`: Full time; `part`: Part time."}),
        ),
        ("manager", json!({"type": "integer", "format": "int32"})),
        ("mail", json!({"type": "string", "format": "email"})),
        ("pin", json!({"type": "string", "format": "password", "writeOnly": true})),
        ("weeks", json!({"type": "integer", "format": "int64", "description": "By default `2`."})),
    ] {
        for (member, expected) in members.as_object().expect("an object") {
            assert_eq!(&property(name)[member], expected, "{name}.{member}");
        }
    }
    let norwegian = served(&server, Some("nb")).await;
    let kind = &norwegian["components"]["schemas"]["EveryTypeInputs"]["properties"]["kind"];
    assert_eq!(kind["description"], "`full`: Heltid; `part`: Deltid.");
}

#[tokio::test]
async fn an_operation_offers_the_answers_that_its_question_takes() {
    let server = Server::demo().await;
    let document = served(&server, None).await;
    for (command, answers) in [("deactivate", json!(["Implicit", "Yes", "No"])), ("about", json!(["Implicit", "Ok"]))] {
        let operation = operation(&document, command);
        let answer = parameter(operation, "actionResult").map(|answer| answer["schema"]["enum"].clone());
        let referred = || document["components"]["parameters"]["ActionResult"]["schema"]["enum"].clone();
        assert_eq!(answer.unwrap_or_else(referred), answers, "{command}");
        assert_eq!(operation["responses"]["502"], Value::Null, "{command} calls no other system");
    }
    let outcomes = &operation(&document, "hello")["responses"]["200"]["headers"]["X-Command-Outcome"]["schema"]["enum"];
    assert_eq!(*outcomes, json!(["succeeded", "failed"]));
}

#[tokio::test]
async fn the_document_can_be_cached_until_a_command_changes() {
    let server = Server::with_commands(&[EVERY_TYPE]).await;
    let first = server.get("/openapi.json").send().await;
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!(
        (first.header("cache-control"), first.header("vary")),
        (Some("no-cache"), Some("Accept-Encoding, Accept-Language"))
    );
    let again = server.get("/openapi.json").header("if-none-match", &tag).send().await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let none = server.get("/openapi.json?Commands=none").send().await;
    assert_eq!(none.body, api::shared_document());
    let other = server.get("/openapi.json?commands=all").send().await;
    assert!(other.error(StatusCode::BAD_REQUEST).1.contains("Parameter commands"));
    let changed = EVERY_TYPE.replace("display_name: Every type", "display_name: All types");
    server.app.commands.replace(Some(catalog(&[changed])), None).expect("right definitions");
    let changed = server.get("/openapi.json").header("if-none-match", &tag).send().await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(operation(&changed.body, "every-type")["summary"], "All types");
}

#[test]
fn operation_ids_are_unique_and_names_in_every_language() {
    let named = |name: &str| {
        format!("name: {name}\ndisplay_name: X\ninputs: {{a: {{type: text}}}}\nsteps:\n  - message: {{text: X}}\n")
    };
    let names = ["move-to", "moveTo", "move_to", "ListCommands", "a.b-c_d", "X", "Delete", "User"];
    let document = api::document_with_commands(&catalog(&names.map(named)), &Locale::english());
    let paths = document["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|path| path.as_object().expect("a path").values());
    let ids: Vec<_> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    let folded: BTreeSet<_> = ids.iter().map(|id| id.to_lowercase()).collect();
    assert_eq!(folded.len(), ids.len(), "two ids differ in case only");
    let is_name = |id: &str| id.starts_with(|first: char| first.is_ascii_alphabetic()) && !id.contains(['-', '.', ' ']);
    assert!(ids.iter().all(|id| is_name(id)), "{ids:?}");
    assert_eq!(operation(&document, "a.b-c_d")["operationId"], "aBCD");
    assert_eq!(operation(&document, "ListCommands")["operationId"], "listCommands2");
}

/// The example of each input is one that the command takes.
#[tokio::test]
async fn the_examples_of_an_operation_run_the_command() {
    let without_pattern = EVERY_TYPE.replace(", pattern: '[a-z ]+'", "");
    let server = Server::with_commands(&[&without_pattern]).await;
    let document = served(&server, None).await;
    let schema = &document["components"]["schemas"]["EveryTypeInputs"]["properties"];
    let example = |(name, property): (&String, &Value)| (name.clone(), property["example"].clone());
    let body: serde_json::Map<_, _> = schema.as_object().expect("properties").iter().map(example).collect();
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/every-type");
    let answer = server.post(path).by("admin").json(Value::Object(body)).send().await;
    assert_eq!((answer.status, &answer.body["Success"]), (StatusCode::OK, &json!(true)), "{}", answer.text);
}

#[test]
fn inputs_show_their_names_only_in_logs() {
    let given = GivenInputs::from_object(json!({"pin": "1234"}).as_object().expect("an object").clone());
    assert_eq!(format!("{given:?}"), "{\"pin\"}");
}
