//! The page that says, row by row, what upstream has and how this server answers.

use std::{collections::BTreeMap, fs};

use kommando::api::{self, agents::UNIMPLEMENTED};
use serde_json::Value;

const OPENAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi");

fn read(name: &str) -> String {
    fs::read_to_string(format!("{OPENAPI}/{name}")).expect("a file")
}

/// The operations that the page names, with what it says of them.
fn rows(page: &str) -> BTreeMap<String, String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    let operations = rows.filter(|(name, _)| name.split_once(' ').is_some_and(|(_, path)| path.starts_with("/api/")));
    operations.map(|(name, answer)| (name.to_owned(), answer.to_owned())).collect()
}

#[test]
fn every_operation_of_upstream_has_a_row_and_the_row_is_true() {
    let facts: Value = serde_json::from_str(&read("upstream.json")).expect("JSON");
    let (document, page) = (api::document(), read("COMPATIBILITY.md"));
    let deviations: toml::Table = toml::from_str(&read("deviations.toml")).expect("TOML");
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
        let last = path.rsplit('/').next().expect("a name");
        let expected = match (is_there, differs) {
            (true, false) => "yes",
            (true, true) => "yes, but see above",
            (false, true) => "yes, but the document tells it in words",
            (false, false) if UNIMPLEMENTED.contains(&last) => "501",
            (false, false) => "nothing: it is neither there nor told of",
        };
        assert_eq!(rows.remove(name).as_deref(), Some(expected), "the row of {name} in openapi/COMPATIBILITY.md");
    }
    assert!(rows.is_empty(), "upstream has no {rows:?}");
    for text in texts("reason").iter().chain(&texts("findings")) {
        let line = format!("- {}\n", text.as_str().expect("a text"));
        assert!(page.contains(&line), "openapi/COMPATIBILITY.md does not tell of this deviation:\n{line}");
    }
    for line in page.lines().filter_map(|line| line.strip_prefix("  - ")) {
        assert!(findings.iter().any(|one| one == line), "openapi/deviations.toml does not have this:\n{line}");
    }
}
