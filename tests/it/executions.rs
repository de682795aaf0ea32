//! Reading executions.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ANNA, Answer, BJORN, Server};

async fn server_with_history() -> Server {
    let server = Server::demo().await;
    server.execute("admin", ANNA, "hello", None).await;
    server.execute("admin", BJORN, "deactivate", None).await;
    server.execute("anna", BJORN, "deactivate", Some("Yes")).await;
    server.execute("anna", BJORN, "hello", Some("No")).await;
    server.execute("admin", BJORN, "deactivate", Some("Yes")).await;
    server
}

async fn list(server: &Server, caller: &str, query: &str) -> Answer {
    let got = server.get(format!("/_ext/executions{query}")).by(caller).send().await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    got
}

fn outcomes(answer: &Answer) -> Vec<&str> {
    let executions = answer.body["executions"].as_array().expect("a list");
    executions.iter().filter_map(|one| one["outcome"].as_str()).collect()
}

#[tokio::test]
async fn administrators_see_all_executions_and_users_their_own() {
    let server = server_with_history().await;
    let all = list(&server, "admin", "").await;
    assert_eq!(outcomes(&all), ["succeeded", "declined", "denied", "asked", "succeeded"]);
    assert_eq!(all.body["nextCursor"], Value::Null);
    assert_eq!(outcomes(&list(&server, "anna", "").await), ["declined", "denied"]);
    assert!(outcomes(&list(&server, "anna", "?caller=1").await).is_empty());
    assert!(outcomes(&list(&server, "chris", "").await).is_empty());
}

#[tokio::test]
async fn filters_are_combined() {
    let server = server_with_history().await;
    for (query, expected) in [
        ("?user=2", &["succeeded"][..]),
        ("?command=deactivate", &["succeeded", "denied", "asked"]),
        ("?caller=2&outcome=DENIED", &["denied"]),
        ("?user=3&command=hello", &["declined"]),
        ("?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00%2B01:00", &[]),
        ("?from=2020-01-01T00:00:00Z&limit=1", &["succeeded"]),
    ] {
        assert_eq!(outcomes(&list(&server, "admin", query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let server = server_with_history().await;
    let whole = list(&server, "admin", "").await.body["executions"].as_array().expect("a list").clone();
    let (mut read, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = list(&server, "admin", &format!("?limit=2{cursor}")).await;
        read.extend(page.body["executions"].as_array().expect("a list").clone());
        let Some(next) = page.body["nextCursor"].as_str() else { break };
        assert_eq!(page.header("x-next-cursor"), Some(next));
        cursor = format!("&cursor={next}");
    }
    assert_eq!(read, whole);
}

#[tokio::test]
async fn an_execution_shows_its_steps_to_permitted_callers() {
    let server = server_with_history().await;
    let newest = list(&server, "admin", "?limit=1").await.body["executions"][0].clone();
    let path = format!("/_ext/executions/{}", newest["id"].as_str().expect("an id"));
    let got = server.get(&path).by("admin").send().await;
    assert_eq!(
        (&got.body["id"], &got.body["userId"], &got.body["callerId"]),
        (&newest["id"], &json!(BJORN), &json!(1))
    );
    let steps: Vec<_> = got.body["steps"].as_array().expect("steps").iter().map(|step| &step["name"]).collect();
    assert_eq!(steps, ["set_deleted", "message"]);
    assert_eq!(server.get(&path).by("anna").send().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn json_lines_are_sent_when_accepted() {
    let server = server_with_history().await;
    let got = server.get("/_ext/executions?limit=3").by("admin").header("accept", "application/jsonl").send().await;
    assert_eq!(got.header("content-type"), Some("application/jsonl"));
    let lines: Vec<Value> = got.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.iter().map(|line| &line["outcome"]).collect::<Vec<_>>(), ["succeeded", "declined", "denied"]);
    assert!(got.header("x-next-cursor").is_some());
}

#[tokio::test]
async fn errors_outside_upstreams_api_are_problem_details() {
    let server = Server::demo().await;
    for (path, status, detail) in [
        ("/_ext/executions?limit=0", 400, "Parameter limit: `0` is not between 1 and 1000."),
        ("/_ext/executions?limit=1001", 400, "Parameter limit: `1001` is not between 1 and 1000."),
        ("/_ext/executions?user=anna", 400, "Parameter user: `anna` is not a 32-bit integer."),
        ("/_ext/executions?outcome=odd", 400, "Parameter outcome: `odd` is not one of asked, declined"),
        ("/_ext/executions?from=today", 400, "Parameter from: `today` is not a time such as"),
        ("/_ext/executions?cursor=x", 400, "Parameter cursor: `x` is not a nextCursor"),
        ("/_ext/executions/x", 400, "Parameter id: `x` is not a UUID."),
        ("/_EXT/nothing", 404, "There is nothing at this path."),
        ("/_ext/executions/01a209b0-d816-749f-a3d9-b6ef0a7cccc4", 404, "There is no such execution"),
    ] {
        let got = server.get(path).by("admin").send().await;
        assert_eq!((got.status.as_u16(), &got.body["status"]), (status, &json!(status)), "{path}: {}", got.text);
        assert_eq!(got.header("content-type"), Some("application/problem+json"), "{path}");
        assert!(got.body["detail"].as_str().is_some_and(|text| text.starts_with(detail)), "{path}: {}", got.text);
    }
}
