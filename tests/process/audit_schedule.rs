//! The scheduled verification of the audit chain, and its head at a webhook target.

use std::fs;

use kommando::{executions::execution, store::Store};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::{Process, address, ask::Ask, folder, sink::Sink};

const SECRET: &str = "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=";

fn value(metrics: &str, name: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_not_intact_is_told_and_its_head_is_sent() {
    let (folder, sink) = (folder(), Sink::start());
    fs::write(folder.path().join("secret"), SECRET).expect("a file");
    let target = format!(
        "watch: {{url: 'http://127.0.0.1:{}/ok', secrets: [{{file: secret}}], allow_networks: [127.0.0.0/8]}}",
        sink.port
    );
    fs::write(folder.path().join("targets.yaml"), target).expect("a file");
    let words = ["serve", "--demo", "--targets", "targets.yaml"];
    let variables = [
        ("KOMMANDO_ADMIN_PASSWORD", "it's a secret"),
        ("KOMMANDO_AUDIT_VERIFY", "24h"),
        ("KOMMANDO_AUDIT_HEAD_TARGET", "watch"),
        ("KOMMANDO_METRICS", "path"),
    ];
    let start = || Process::start(folder.path(), &words, &variables);
    let mut process = start();
    let server = address(&process.banner());
    process.logs("the audit chain is intact");
    let ready = Ask::get("/health/ready").send(&server).done();
    assert_eq!((&ready["status"], &ready["auditChain"]["intact"]), (&json!("ok"), &json!(true)), "{ready}");
    let metrics = Ask::get("/metrics").send(&server).body;
    assert_eq!(value(&metrics, "kommando_audit_intact "), Some(1.0), "{metrics}");
    assert!(value(&metrics, "kommando_audit_verified_position ").is_some_and(|position| position > 0.0));

    let call = sink.wait_for("/ok", 1).remove(0);
    let webhook = Webhook::new(SECRET).expect("a secret");
    webhook.verify(call.body.as_bytes(), &call.headers).expect("a valid signature");
    let body: Value = serde_json::from_str(&call.body).expect("JSON");
    let head = format!("{}:{}", body["data"]["position"], body["data"]["mac"].as_str().expect("a MAC"));
    assert_eq!((&body["type"], &body["data"]["head"]), (&json!("audit.head"), &json!(head)));

    let hello = Ask::post("/api/v1/User/2/CustomCommand/hello").by("admin", "it's a secret");
    hello.send(&server).done();
    process.signal("TERM");
    process.logs("stopped");
    let url = format!("sqlite://{}", folder.path().join("kommando.db").display());
    let store = Store::open(&url).await.expect("a database");
    let last = execution::Entity::find().order_by_desc(execution::Column::Id).one(store.reader()).await;
    let last = last.expect("an answer").expect("an execution").id;
    let alter = format!("UPDATE executions SET message = 'nothing' WHERE hex(id) = '{}'", last.simple()).to_uppercase();
    let alter = alter.replace("NOTHING", "nothing");
    assert_eq!(store.writer().execute_unprepared(&alter).await.expect("an update").rows_affected(), 1);
    store.close().await.expect("an end");

    let mut process = start();
    let server = address(&process.banner());
    process.logs("its execution was changed");
    let ready = Ask::get("/health/ready").send(&server);
    assert_eq!(ready.done()["auditChain"]["intact"], json!(false), "the server still serves");
    assert_eq!(value(&Ask::get("/metrics").send(&server).body, "kommando_audit_intact "), Some(0.0));
}

#[test]
fn a_target_of_the_head_that_does_not_exist_stops_the_start() {
    let folder = folder();
    let process = Process::start(folder.path(), &["serve", "--demo"], &[("KOMMANDO_AUDIT_HEAD_TARGET", "watch")]);
    let log = process.log();
    assert!(log.contains("KOMMANDO_AUDIT_HEAD_TARGET names watch, which is not a webhook target"), "{log}");
}
