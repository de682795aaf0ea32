//! `docs/compatibility.md` matches upstream's operations and the served document.

use std::{collections::BTreeMap, fs};

use kommando::api;
use poem::http::StatusCode;
use serde_json::Value;

use crate::harness::Server;

fn read(file: &str) -> String {
    fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect("a file")
}

/// The operations of the page's tables, with their status. None is there twice.
fn rows(page: &str) -> BTreeMap<String, String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let operations = rows.filter(|(name, _)| name.split_once(' ').is_some_and(|(_, path)| path.starts_with("/api/")));
    let mut found = BTreeMap::new();
    for (name, answer) in operations {
        assert_eq!(found.insert(name.to_owned(), answer.to_owned()), None, "{name} has two rows");
    }
    found
}

#[test]
fn every_upstream_operation_has_a_correct_row() {
    let facts: Value = serde_json::from_str(&read("openapi/upstream.json")).expect("JSON");
    let (document, page) = (api::document(), read("docs/compatibility.md"));
    let deviations: toml::Table = toml::from_str(&read("openapi/deviations.toml")).expect("TOML");
    let deviations = deviations["deviation"].as_array().expect("a list");
    let texts = |name: &str| {
        let values = deviations.iter().map(|one| one[name].clone());
        values.flat_map(|value| value.as_array().cloned().unwrap_or(vec![value])).collect::<Vec<_>>()
    };
    let findings: Vec<_> = texts("findings").iter().map(|one| one.as_str().expect("a text").to_owned()).collect();
    let mut rows = rows(&page);
    for name in facts["operations"].as_object().expect("operations").keys() {
        let (method, path) = name.split_once(' ').expect("a method and a path");
        let is_there = document["paths"][path].get(method.to_lowercase()).is_some();
        let differs = findings.iter().any(|one| one.starts_with(&format!("{name}:")));
        let expected = match (is_there, differs) {
            (true, false) => "yes",
            (true, true) => "yes, but see above",
            (false, true) => "yes, but the document tells it in words",
            (false, false) if api::is_not_served(path) => "501",
            (false, false) => "nothing: it is neither there nor told of",
        };
        assert_eq!(rows.remove(name).as_deref(), Some(expected), "the row of {name} in docs/compatibility.md");
    }
    assert!(rows.is_empty(), "upstream has no {rows:?}");
    for text in texts("reason").iter().chain(&texts("findings")) {
        let line = format!("- {}\n", text.as_str().expect("a text"));
        assert!(page.contains(&line), "docs/compatibility.md does not tell of this deviation:\n{line}");
    }
    for line in page.lines().filter_map(|line| line.strip_prefix("  - ")) {
        assert!(findings.iter().any(|one| one == line), "openapi/deviations.toml does not have this:\n{line}");
    }
}

#[tokio::test]
async fn every_row_with_501_is_answered_so() {
    let server = Server::demo().await;
    let rows = rows(&read("docs/compatibility.md"));
    let unserved: Vec<_> = rows.iter().filter(|(_, answer)| *answer == "501").collect();
    assert!(unserved.len() > 40, "{}", unserved.len());
    for (name, _) in unserved {
        let (method, path) = name.split_once(' ').expect("a method and a path");
        let segments = path.split('/').map(|segment| if segment.starts_with('{') { "1" } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        let call = server.call(method.parse().expect("a method"), path).by("admin").body("application/json", "{}");
        let got = call.send().await;
        assert_eq!(got.error(StatusCode::NOT_IMPLEMENTED).0, "SoNotImplementedException", "{name}: {}", got.text);
    }
}
