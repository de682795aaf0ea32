//! The OpenAPI document, its variants, and the pages that show it.

use std::{fs, path::PathBuf};

use kommando::api;
use poem::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::harness::Server;

fn operations(document: &Value) -> Vec<(String, String, &Map<String, Value>)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").iter();
            methods.map(move |(method, one)| (path.clone(), method.clone(), one.as_object().expect("an operation")))
        })
        .collect()
}

fn takes_a_caller(method: &str, path: &str) -> bool {
    let is_log_in = method == "post" && ["/_ext/session", "/_ext/password"].contains(&path);
    ["/api/v1/", "/_ext/"].iter().any(|start| path.starts_with(start)) && !is_log_in
}

#[tokio::test]
async fn the_checked_in_document_is_the_served_one() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi/kommando.json");
    let checked_in = fs::read_to_string(file).expect("openapi/kommando.json");
    let served = Server::demo().await.get("/openapi.json?commands=none").send().await;
    assert!(
        checked_in == served.text,
        "openapi/kommando.json is not what the server serves. Look at the difference, and mend it with:\n\n    \
         cargo run -q -- openapi > openapi/kommando.json\n"
    );
}

#[tokio::test]
async fn the_yaml_document_equals_the_json_document() {
    let server = Server::demo().await;
    let yaml = server.get("/openapi.yaml?commands=none").send().await;
    assert_eq!(yaml.header("content-type"), Some("application/yaml"));
    let read: Value = serde_saphyr::from_str(&yaml.text).expect("YAML");
    assert_eq!(read, api::shared_document());
}

#[tokio::test]
async fn the_root_redirects_to_swagger_ui() {
    let server = Server::demo().await;
    let root = server.get("/").send().await;
    assert_eq!((root.status, root.header("location")), (StatusCode::FOUND, Some("/docs")));
    let docs = server.get("/docs").send().await;
    assert!(docs.text.contains("/docs/swagger-ui-bundle.js"), "{}", docs.text);
}

#[tokio::test]
async fn pages_run_only_their_own_scripts_and_may_be_cached() {
    let server = Server::demo().await;
    for (path, media_type) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("/docs/LICENSE", "text/plain; charset=utf-8"),
        ("/_ext/console", "text/html; charset=utf-8"),
        ("/_ext/CONSOLE/Console.js", "text/javascript; charset=utf-8"),
        ("/_ext/console/console.css", "text/css; charset=utf-8"),
        ("/_ext/console/icon.svg", "image/svg+xml"),
    ] {
        let got = server.get(path).send().await;
        assert_eq!((got.status, got.header("content-type")), (StatusCode::OK, Some(media_type)), "{path}");
        let policy = got.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
        let tag = got.header("etag").expect("a tag");
        let again = server.get(path).header("if-none-match", tag).send().await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
    }
    assert_eq!(server.get("/_ext/console/nothing.js").send().await.status, StatusCode::NOT_FOUND);
}

#[test]
fn every_operation_documents_its_callers_and_errors() {
    let document = api::document();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        for member in ["operationId", "summary", "description", "tags", "responses", "security"] {
            assert!(operation.contains_key(member), "{name} has no {member}");
        }
        let responses = operation["responses"].as_object().expect("responses");
        for status in ["413", "500"] {
            assert!(responses.contains_key(status), "{name} has no {status}");
        }
        for (status, response) in responses.iter().filter(|(status, _)| *status >= &"400".to_owned()) {
            let (media, schema) = match path.starts_with("/_ext/") {
                true => ("application/problem+json", "#/components/schemas/Problem"),
                false => ("application/json", "#/components/schemas/ErrorInfo"),
            };
            assert_eq!(response["content"][media]["schema"]["$ref"], schema, "{name} {status}");
        }
        let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(is_public, !takes_a_caller(&method, &path), "{name}: security");
        for status in ["400", "401", "406", "503"] {
            assert!(is_public || responses.contains_key(status), "{name} has no {status}");
        }
    }
}

#[test]
fn authenticated_operations_document_the_shared_headers() {
    let document = api::document();
    for (path, method, operation) in operations(&document) {
        let parameters = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
        let headers: Vec<_> = parameters.iter().filter(|one| one["in"] == "header").map(|one| &one["name"]).collect();
        let shared = ["Accept-Language", "SO-Language", "SO-Culture", "SO-TimeZone", "SO-AppToken"];
        // The operation's own headers come first.
        let last: Vec<_> = headers.iter().rev().take(shared.len()).rev().filter_map(|name| name.as_str()).collect();
        assert_eq!(last, if takes_a_caller(&method, &path) { &shared[..] } else { &[] }, "{method} {path}");
    }
}

#[test]
fn execute_user_command_is_documented_like_upstream() {
    let document = api::document();
    let operation = &document["paths"]["/api/v1/User/{id}/CustomCommand/{commandName}"]["post"];
    assert_eq!(operation["operationId"], "v1User_ExecuteUserCommand");
    assert_eq!(operation["responses"]["400"]["description"], "Bad request. Entity to save is not in request body.");
    assert_eq!(operation["responses"]["404"]["description"], "User with given id does not exist in the db.");
    assert_ne!(operation["requestBody"]["required"], true, "a command without inputs needs no body");
    let parameters = operation["parameters"].as_array().expect("parameters");
    let own: Vec<_> = parameters.iter().take(3).map(|one| (&one["name"], &one["in"], &one["required"])).collect();
    let (path, query) = (json!("path"), json!("query"));
    assert_eq!(own[0], (&json!("id"), &path, &json!(true)));
    assert_eq!(own[1], (&json!("commandName"), &path, &json!(true)));
    assert_eq!(own[2], (&json!("actionResult"), &query, &json!(false)));
    let answers = &document["components"]["schemas"]["CommandActionResult"]["enum"];
    assert_eq!(answers, &json!(["Implicit", "Yes", "Ok", "No", "Cancel"]));
    let list = &document["paths"]["/api/v1/User/{id}/CustomCommand"]["get"];
    assert_eq!(list["operationId"], "v1User_GetUserCommands");
}

#[test]
fn optional_parameters_have_no_example() {
    // Swagger UI sends the examples, so an optional parameter with an example would be sent unintentionally.
    let document = api::document();
    for (path, method, operation) in operations(&document) {
        for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let is_filled_in = parameter["schema"].get("example").is_some();
            assert!(!is_filled_in || parameter["required"] == true, "{method} {path}: {}", parameter["name"]);
        }
    }
}

#[test]
fn every_error_has_an_example_of_its_own() {
    // Without one, Swagger UI shows the example of the schema, which is another error.
    let document = api::document();
    for (path, method, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("responses");
        for (status, response) in responses.iter().filter(|(status, _)| *status >= &"400".to_owned()) {
            let shared = response["$ref"].as_str().map(|reference| &reference[1..]);
            let response = shared.map_or(response, |path| document.pointer(path).expect("a response"));
            let media = response["content"].as_object().expect("a content").iter();
            for (name, media) in media.filter(|(name, _)| name.ends_with("json")) {
                let told = media["example"].to_string();
                assert!(media.get("example").is_some(), "{method} {path} {status} {name}");
                assert!(
                    status == "404" || !told.contains("does not exist in the db"),
                    "{method} {path} {status}: {told}"
                );
            }
        }
    }
}

#[test]
fn names_in_place_of_ids_are_only_described() {
    let text = api::document().to_string();
    assert!(!text.contains("{userName}") && !text.contains("\"v1User_GetUserFromName\""));
    assert!(text.contains("The path also accepts a Name or UserName instead of the id"));
}

#[test]
fn every_reference_resolves() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = api::document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} does not resolve");
    }
}

#[test]
fn a_property_is_either_required_or_nullable() {
    let document = api::document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        for (property, value) in schema["properties"].as_object().into_iter().flatten() {
            let required = schema["required"].as_array().is_some_and(|names| names.contains(&json!(property)));
            // A property without a type may be anything, including null.
            let nullable = value["nullable"] == true || value.get("type").is_none() && value.get("allOf").is_none();
            assert!(required != nullable, "annotate {name}.{property} with #[oai(nullable)]");
        }
    }
}

#[test]
fn normalising_fixes_what_poem_openapi_cannot_express() {
    let made = json!({
        "tags": [{"name": "A"}, {"name": "B"}],
        "paths": {
            "/x": {"get": {
                "tags": ["B"],
                "parameters": [{"name": "a", "deprecated": false, "explode": true}],
                "responses": {"200": {
                    "content": {"application/json; charset=utf-8": {}},
                    "headers": {"X-COMMAND-OUTCOME": {"deprecated": false}, "Retry-After": {}}
                }}
            }},
            "/y": {"get": {"tags": ["A"], "security": [{"Basic": []}], "responses": {}}}
        },
        "components": {"schemas": {
            "Right": {"type": "object"},
            "Kind": {"type": "string"},
            "Listed": {"type": "object"},
            "X": {"required": ["Name", "Kind"], "properties": {
                "Name": {"type": "string"},
                "Value": {"type": "string", "nullable": true},
                "List": {"type": "array", "items": {"$ref": "#/components/schemas/Listed"}, "nullable": true},
                "Kind": {"description": "d", "allOf": [{"$ref": "#/components/schemas/Kind"}, {"description": "d"}]},
                "Other": {
                    "nullable": true, "allOf": [{"$ref": "#/components/schemas/Kind"}, {"nullable": true}]
                },
                "Right": {
                    "description": "d",
                    "nullable": true,
                    "allOf": [{"$ref": "#/components/schemas/Right"}, {"description": "d", "nullable": true}]
                }
            }}
        }}
    });
    let expected = json!({
        "tags": [{"name": "B"}, {"name": "A"}],
        "paths": {
            "/x": {"get": {
                "tags": ["B"],
                "parameters": [{"name": "a"}],
                "responses": {"200": {
                    "content": {"application/json": {}},
                    "headers": {"X-Command-Outcome": {}, "Retry-After": {}}
                }},
                "security": []
            }},
            "/y": {"get": {"tags": ["A"], "security": [{"Basic": []}], "responses": {}}}
        },
        "components": {"schemas": {
            "Right": {"type": "object", "nullable": true},
            "Kind": {"type": "string"},
            "Listed": {"type": "object"},
            "X": {"required": ["Name", "Kind"], "properties": {
                "Name": {"type": "string"},
                "Value": {"type": "string", "nullable": true},
                "List": {"type": "array", "items": {"$ref": "#/components/schemas/Listed"}, "nullable": true},
                "Kind": {"description": "d", "allOf": [{"$ref": "#/components/schemas/Kind"}]},
                "Other": {"type": "string", "allOf": [{"$ref": "#/components/schemas/Kind"}], "nullable": true},
                "Right": {
                    "description": "d",
                    "type": "object",
                    "allOf": [{"$ref": "#/components/schemas/Right"}],
                    "nullable": true
                }
            }}
        }}
    });
    assert_eq!(api::normalize(made), expected);
    assert_eq!(api::normalize(expected.clone()), expected, "a second pass changes nothing");
}

#[test]
fn the_simple_document_has_one_media_type_and_short_names() {
    let document = api::for_simple_generators(api::document());
    let mut names = Vec::new();
    for (path, method, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("responses").values();
        for body in responses.chain(operation.get("requestBody")).filter_map(|body| body["content"].as_object()) {
            assert_eq!(body.len(), 1, "{method} {path}");
        }
        names.push(operation["operationId"].as_str().expect("a name"));
    }
    assert!(names.contains(&"ExecuteUserCommand") && names.contains(&"UserAgentExecuteUserCommand"));
    assert!(names.iter().all(|name| name.chars().all(char::is_alphanumeric)), "{names:?}");
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "operation names are unique");
}

#[test]
fn the_checked_in_command_schema_is_up_to_date() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("openapi/command.schema.json");
    let checked_in = fs::read_to_string(file).expect("openapi/command.schema.json");
    assert!(
        checked_in == format!("{:#}\n", kommando::commands::schema()),
        "openapi/command.schema.json is not what the code makes. Mend it with:\n\n    \
         cargo run -q -- commands schema > openapi/command.schema.json\n"
    );
}

#[test]
fn every_example_names_the_schema_for_editors() {
    for (folder, way) in [("commands.d", ".."), ("commands.d/examples", "../..")] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
        let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        for file in files.filter(|path| path.is_file()) {
            let text = fs::read_to_string(file).expect("a text");
            let line = format!("# yaml-language-server: $schema={way}/openapi/command.schema.json\n");
            assert!(text.starts_with(&line), "{text}");
        }
    }
}
