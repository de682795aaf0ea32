//! Metrics beside the API, and the README's list of them.

use std::collections::BTreeSet;

use kommando::watch::families;
use poem::http::StatusCode;

use crate::harness::Server;

#[tokio::test]
async fn metrics_are_beside_the_api_where_that_is_wanted_only() {
    assert_eq!(Server::demo().await.get("/metrics").send().await.status, StatusCode::NOT_FOUND);
    let server = Server::with_settings(&["--metrics", "path"]).await;
    server.execute("admin", 2, "hello", None).await;
    let answer = server.get("/metrics").send().await;
    assert_eq!(answer.status, StatusCode::OK);
    let line = "kommando_executions_total{command=\"hello\",outcome=\"succeeded\"} 1\n";
    assert!(answer.text.contains(line), "{}", answer.text);
}

#[test]
fn the_readme_names_every_metric_and_no_other() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    let words = readme.split(|character: char| !(character.is_ascii_lowercase() || character == '_'));
    let named: BTreeSet<_> =
        words.filter(|word| ["kommando_", "process_"].iter().any(|prefix| word.starts_with(prefix))).collect();
    assert_eq!(named, families::ALL.iter().map(|family| family.name).collect());
}
