//! The list of webhooks, redriving them, and webhooks in definitions. `tests/process/webhooks.rs` tests the sending.

use chrono::{SubsecRound, Utc};
use kommando::{
    commands::Catalog,
    commands::RecoveryScope,
    executions::{
        audit,
        delivery::{self, State},
        execution::{self, Outcome, Steps},
    },
};
use poem::http::StatusCode;
use sea_orm::EntityTrait;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{ADMIN, BJORN, Server};

/// A server with webhooks to two targets in every state.
async fn server_with_webhooks() -> Server {
    let server = Server::with_empty_chain().await;
    let now = Utc::now().trunc_subsecs(6);
    let states = [State::Pending, State::Delivered, State::Dead, State::Dead];
    let rows = states.into_iter().enumerate().map(|(index, state)| delivery::Model {
        id: format!("{}_1", Uuid::now_v7().simple()),
        execution_id: Uuid::now_v7(),
        target: if index % 2 == 0 { "hr" } else { "crm" }.to_owned(),
        body: "{}".to_owned(),
        timeout_ms: 1000,
        state,
        attempts: 0,
        // So that the worker does not send it during the test.
        due_at: now + chrono::TimeDelta::hours(1),
        claimed_until: None,
        last_error: None,
        created_at: now,
        updated_at: now,
        seal: None,
    });
    let mut rows: Vec<_> = rows.collect();
    for row in &mut rows {
        row.seal = Some(server.audit_key().seal_delivery(row));
    }
    delivery::insert(server.app.store.writer(), rows).await.expect("an insert");
    server
}

#[tokio::test]
async fn administrators_list_webhooks_by_state_and_target() {
    let server = server_with_webhooks().await;
    let all = server.get("/_ext/webhooks").by("admin").send().await;
    let states: Vec<_> = all.body["webhooks"].as_array().expect("a list").iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["dead", "dead", "delivered", "pending"]);
    let dead = server.get("/_ext/webhooks?state=dead&target=hr").by("admin").send().await;
    assert_eq!(dead.body["webhooks"], json!([all.body["webhooks"][1]]));
    let execution = all.body["webhooks"][2]["executionId"].as_str().expect("an id");
    let one = server.get(format!("/_ext/webhooks?execution={execution}")).by("admin").send().await;
    assert_eq!(one.body["webhooks"], json!([all.body["webhooks"][2]]));

    let first = server.get("/_ext/webhooks?limit=3").by("admin").send().await;
    let cursor = first.body["nextCursor"].as_str().expect("a cursor");
    let second = server.get(format!("/_ext/webhooks?limit=3&cursor={cursor}")).by("admin").send().await;
    assert_eq!(second.body, json!({"webhooks": [all.body["webhooks"][3]], "nextCursor": null}));
    let wrong = server.get("/_ext/webhooks?cursor=x").by("admin").send().await;
    assert_eq!(
        (wrong.status, &wrong.body["detail"]),
        (StatusCode::BAD_REQUEST, &json!("Parameter cursor: `x` is not a nextCursor of an earlier page."))
    );
}

#[tokio::test]
async fn only_administrators_see_webhooks() {
    let server = server_with_webhooks().await;
    assert_eq!(server.get("/_ext/webhooks").by("anna").send().await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.post("/_ext/webhooks/x/redrive").by("anna").send().await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_a_dead_webhook_is_sent_again() {
    let server = server_with_webhooks().await;
    let all = server.get("/_ext/webhooks").by("admin").send().await;
    for (index, status) in [(0, 200), (2, 409), (3, 409)] {
        let id = all.body["webhooks"][index]["id"].as_str().expect("an id");
        let got = server.post(format!("/_ext/webhooks/{id}/redrive")).by("admin").send().await;
        assert_eq!(got.status.as_u16(), status, "{}", got.text);
    }
    let missing = server.post("/_ext/webhooks/x/redrive").by("admin").send().await;
    assert_eq!(
        (missing.status, &missing.body["detail"]),
        (StatusCode::NOT_FOUND, &json!("There is no webhook with this id."))
    );
}

#[tokio::test]
async fn an_abandoned_run_is_closed_as_unknown_in_the_chain() {
    let server = Server::with_empty_chain().await;
    server.execute("admin", BJORN, "hello", None).await;
    let now = Utc::now().trunc_subsecs(6);
    let run = execution::Model {
        id: Uuid::now_v7(),
        user_id: BJORN,
        caller_id: ADMIN,
        application_id: None,
        way: None,
        operator: None,
        inputs: None,
        command_name: "hello".to_owned(),
        definition_hash: "0".repeat(64),
        action_result: "Yes".to_owned(),
        outcome: Outcome::Running,
        message: String::new(),
        steps: Steps::default(),
        request_id: "x".to_owned(),
        started_at: now,
        finished_at: now + chrono::TimeDelta::minutes(1),
    };
    let id = run.id;
    audit::seal_runs(server.app.store.writer(), &server.audit_key(), std::slice::from_ref(&run)).await.expect("a seal");
    execution::insert(server.app.store.writer(), vec![run]).await.expect("an insert");
    let got = server.get(format!("/_ext/executions/{id}")).by("admin").send().await;
    assert_eq!((&got.body["outcome"], &got.body["finishedAt"]), (&json!("running"), &json!(null)));
    let chain = server.verify(None).await;
    assert_eq!((chain.broken, chain.head.position), (None, 1), "a running execution has no entry yet");
    assert_eq!(chain.sealed.executions, 1);

    assert_eq!(server.app.commands.recover(RecoveryScope::Late).await.expect("an end"), 0, "the run is not late yet");
    assert_eq!(server.app.commands.recover(RecoveryScope::All).await.expect("an end"), 1);
    let got = server.get("/_ext/executions?outcome=unknown").by("admin").send().await;
    assert_eq!(got.body["executions"][0]["id"], json!(id.to_string()));
    let chain = server.verify(None).await;
    assert_eq!((chain.broken, chain.head.position), (None, 2));
    assert_eq!(audit::Entity::find().all(server.app.store.reader()).await.expect("rows").len(), 2);
}

#[test]
fn a_definition_has_one_sync_webhook_first_with_a_timeout() {
    let check = |text: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!("name: a\ndisplay_name: A\n{text}");
        std::fs::write(folder.path().join("a.yaml"), text).expect("a file");
        Catalog::from_folder(folder.path()).map(drop).map_err(|errors| errors.to_string())
    };
    let ask = "  - webhook: {target: hr, when: sync}\n";
    let tell = "  - webhook: {target: hr, when: after_commit}\n";
    let say = "  - message: {text: Hi}\n";
    assert_eq!(check(&format!("timeout: 500ms\nsteps:\n{ask}{say}{tell}{tell}")), Ok(()));
    for (steps, error) in [
        (format!("steps:\n{say}{ask}"), "a.yaml:3:1: `steps` holds a `sync` webhook that is not the first step"),
        (format!("steps:\n{ask}{ask}"), "a.yaml:3:1: `steps` holds a `sync` webhook that is not the first step"),
        (format!("timeout: 1ms\nsteps:\n{ask}"), "`1ms` is not a duration between 100ms and 5m, such as 30s"),
        (format!("timeout: soon\nsteps:\n{ask}"), "`soon` is not a duration"),
        (
            "steps:\n  - webhook: {target: hr}\n".to_owned(),
            "`webhook` lacks `when`: `webhook: {target: …, when: …, secrets: …}`",
        ),
        (
            "steps:\n  - webhook: {target: hr, when: later}\n".to_owned(),
            "`later` is unknown here; known are after_commit, sync",
        ),
    ] {
        let found = check(&steps).expect_err("an error");
        assert!(found.contains(error), "{found}");
    }
}
