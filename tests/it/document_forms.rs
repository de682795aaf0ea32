//! The forms of the document for tools: OpenAPI 3.1, parts of it, and compressed.

use std::{collections::BTreeSet, io::Read};

use flate2::read::GzDecoder;
use kommando::api;
use poem::{
    Endpoint, Request,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use crate::{command_line::Line, harness::Server};

fn printed(words: &[&str]) -> Value {
    let got = Line::new().say(&[&["openapi"], words].concat());
    assert!(got.ok, "{words:?}: {}", got.err);
    serde_json::from_str(&got.out).expect("JSON")
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().expect("paths").values();
    paths.flat_map(|path| path.as_object().expect("operations").values())
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn a_part_of_the_document_has_what_its_operations_need_and_no_more() {
    let part = printed(&["--tag", "user", "--tag", "Session"]);
    let tags: BTreeSet<_> = operations(&part).flat_map(|operation| texts(&operation["tags"])).collect();
    assert_eq!(tags, BTreeSet::from(["Session", "User"]));
    let text = part.to_string();
    let schemas = part["components"]["schemas"].as_object().expect("schemas");
    assert!(schemas.contains_key("User") && !schemas.contains_key("Execution"));
    for name in schemas.keys() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is not needed");
    }
    let executions = printed(&["--tag", "Operator"]);
    assert!(executions.to_string().contains("\"links\""));
    let got = Line::new().say(&["openapi", "--tag", "Users"]);
    assert!(!got.ok && got.err.contains("there is no tag `Users`; did you mean `User`?"), "{}", got.err);
}

#[test]
fn one_way_to_authenticate_is_the_only_one() {
    for (way, scheme) in
        [("basic", json!({"Basic": []})), ("ticket", json!({"SoTicket": []})), ("bearer", json!({"Bearer": []}))]
    {
        let document = printed(&["--auth", way]);
        let schemes = document["components"]["securitySchemes"].as_object().expect("schemes");
        assert_eq!(schemes.len(), 1, "{way}");
        let mut closed = 0;
        for security in operations(&document).map(|operation| operation["security"].as_array().expect("a list")) {
            assert!(security.is_empty() || security == std::slice::from_ref(&scheme), "{way}: {security:?}");
            closed += security.len();
        }
        assert!(closed > 100, "{way}: {closed}");
    }
    let session = printed(&["--auth", "session"]);
    assert_eq!(session["components"]["securitySchemes"].as_object().map(serde_json::Map::len), Some(2));
}

#[test]
fn the_server_may_be_absolute() {
    let document = printed(&["--server", "https://kommando.example.com/"]);
    assert_eq!(document["servers"], json!([{"url": "https://kommando.example.com"}]));
    for wrong in ["kommando.example.com", "/", "ftp://kommando.example.com", "https://x/?a=b"] {
        let got = Line::new().say(&["openapi", "--server", wrong]);
        assert!(!got.ok && got.err.contains("it takes an absolute URL"), "{wrong}: {}", got.err);
    }
}

#[test]
fn shared_headers_may_be_left_out() {
    let document = printed(&["--no-shared-headers"]).to_string();
    assert!(!document.contains("#/components/parameters/SOLanguage") && document.contains("\"Idempotency-Key\""));
    assert!(document.len() < printed(&[]).to_string().len());
}

#[test]
fn simple_generators_get_no_recursion_and_no_request() {
    let document = printed(&["--plain"]);
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas {
        assert!(!name.ends_with("Request"), "{name}");
        let mut seen = BTreeSet::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            let text = schema.to_string();
            for reference in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_ne!(reference, name, "{name} refers to itself");
                if seen.insert(reference.to_owned()) {
                    open.push(&schemas[reference]);
                }
            }
        }
    }
    let body = &document["paths"]["/api/v1/Agents/User/SetPassword"]["post"]["requestBody"]["content"];
    assert_eq!(body["application/json"]["schema"]["$ref"], "#/components/schemas/SetPasswordArguments");
}

#[tokio::test]
async fn version_3_1_is_served_and_printed() {
    let server = Server::demo().await;
    let served = server.get("/openapi-3.1.json?commands=none").send().await;
    assert_eq!(served.status, StatusCode::OK);
    assert_eq!(served.body, printed(&["--3.1"]));
    assert_eq!(served.body["openapi"], "3.1.1");
    assert!(!served.text.contains("\"nullable\""), "null is a type");
    let role = &served.body["components"]["schemas"]["User"]["properties"]["Role"];
    assert_eq!(role["oneOf"], json!([{"$ref": "#/components/schemas/Role"}, {"type": "null"}]));
}

#[tokio::test]
async fn pages_and_documents_are_compressed_for_those_who_accept_it() {
    let server = Server::demo().await;
    let get = async |path: &str, headers: &[(header::HeaderName, &str)]| {
        let request = Request::builder().uri_str(path).header(header::HOST, "127.0.0.1:8080");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, *value));
        let mut response = server.endpoint.get_response(request.finish()).await;
        let body = response.take_body().into_bytes().await.expect("a body");
        (response, body)
    };
    let pages = api::routes().into_iter().map(|(path, _)| path);
    let pages = pages
        .filter(|path| path.starts_with("/docs") || path.starts_with("/_ext/console") || path.starts_with("/openapi"));
    let pages: Vec<_> = pages.collect();
    assert!(pages.len() > 20, "{pages:?}");
    for path in pages {
        let (plain, body) = get(&path, &[]).await;
        assert_eq!(plain.status(), StatusCode::OK, "{path}");
        assert!(plain.header(header::CONTENT_ENCODING).is_none(), "{path}");
        let (compressed, gzip) = get(&path, &[(header::ACCEPT_ENCODING, "br, gzip;q=0.5")]).await;
        assert_eq!(compressed.header(header::CONTENT_ENCODING), Some("gzip"), "{path}");
        let mut text = Vec::new();
        GzDecoder::new(&*gzip).read_to_end(&mut text).expect("gzip");
        assert!(text == body, "{path} is the same");
        let varies = |response: &poem::Response| {
            response.header(header::VARY).is_some_and(|value| value.starts_with("Accept-Encoding"))
        };
        assert!(varies(&plain) && varies(&compressed), "{path}");
        let (tag, plain_tag) = (compressed.header(header::ETAG).expect("a tag"), plain.header(header::ETAG));
        assert_ne!(Some(tag), plain_tag, "{path}");
        let known = [(header::ACCEPT_ENCODING, "gzip"), (header::IF_NONE_MATCH, tag)];
        let (unchanged, nothing) = get(&path, &known).await;
        assert_eq!((unchanged.status(), nothing.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
    }
    for refused in ["gzip;q=0", "identity", "*;q=0", "gzip;q=x"] {
        let (response, _) = get("/openapi.json", &[(header::ACCEPT_ENCODING, refused)]).await;
        assert!(response.header(header::CONTENT_ENCODING).is_none(), "{refused}");
    }
}
