//! Metrics beside the API, and the list of them in docs/operating.md.

use std::collections::BTreeSet;

use kommando::metrics::definitions;
use poem::http::StatusCode;

use crate::harness::Server;

#[tokio::test]
async fn metrics_are_on_the_api_listener_only_when_configured() {
    assert_eq!(Server::demo().await.get("/metrics").send().await.status, StatusCode::NOT_FOUND);
    let server = Server::with_settings(&["--metrics", "path"]).await;
    server.execute("admin", 2, "hello", None).await;
    let answer = server.get("/metrics").send().await;
    assert_eq!(answer.status, StatusCode::OK);
    let line = "kommando_executions_total{command=\"hello\",outcome=\"succeeded\"} 1\n";
    assert!(answer.text.contains(line), "{}", answer.text);
}

#[test]
fn the_documentation_names_every_metric_and_no_other() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md")).expect("a page");
    let words = page.split(|character: char| !(character.is_ascii_lowercase() || character == '_'));
    let named: BTreeSet<_> =
        words.filter(|word| ["kommando_", "process_"].iter().any(|prefix| word.starts_with(prefix))).collect();
    assert_eq!(named, definitions::ALL.iter().map(|metric| metric.name).collect());
}
