//! Seals of running executions and pending deliveries, which are not in the audit chain yet.

use std::time::{Duration, Instant};

use chrono::{SubsecRound, TimeDelta, Utc};
use kommando::{
    commands::RecoveryScope,
    executions::{
        audit::{self, ChainError, FORGED, InvalidRecord, UNSEALED, seal},
        delivery::{self, State},
        execution::{self, Outcome, RecordedInputs, StepRecord, Steps},
    },
};
use poem::http::StatusCode;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter, sea_query::Expr};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{ADMIN, ANNA, BJORN, Server};

fn run() -> execution::Model {
    let now = Utc::now().trunc_subsecs(6);
    execution::Model {
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
        finished_at: now + TimeDelta::minutes(1),
    }
}

/// A delivery to a target that is not configured, due at once.
pub fn webhook() -> delivery::Model {
    let now = Utc::now().trunc_subsecs(6);
    delivery::Model {
        id: format!("{}_1", Uuid::now_v7().simple()),
        execution_id: Uuid::now_v7(),
        target: "hr".to_owned(),
        body: r#"{"type":"command.succeeded"}"#.to_owned(),
        timeout_ms: 1000,
        state: State::Pending,
        attempts: 0,
        due_at: now,
        claimed_until: None,
        last_error: None,
        created_at: now,
        updated_at: now,
        seal: None,
    }
}

/// Stores a running execution with its seal, like a server.
pub async fn begin(server: &Server) -> execution::Model {
    let run = run();
    let db = server.app.store.writer();
    audit::seal_runs(db, &server.audit_key(), std::slice::from_ref(&run)).await.expect("a seal");
    execution::insert(db, vec![run.clone()]).await.expect("an execution");
    run
}

/// Stores a delivery with its seal, like a server.
pub async fn post(server: &Server, mut webhook: delivery::Model) -> delivery::Model {
    webhook.seal = Some(server.audit_key().seal_delivery(&webhook));
    delivery::insert(server.app.store.writer(), vec![webhook.clone()]).await.expect("a delivery");
    webhook
}

async fn first_invalid(server: &Server) -> Option<(InvalidRecord, &'static str)> {
    server.verify(None).await.broken.map(|ChainError { record, reason }| (record, reason))
}

async fn recover(server: &Server) -> usize {
    server.app.commands.recover(RecoveryScope::All).await.expect("an answer")
}

async fn outcome(server: &Server, id: Uuid) -> Outcome {
    execution::find(server.app.store.reader(), id).await.expect("an answer").expect("an execution").outcome
}

/// Another value for a column.
fn changed(column: execution::Column) -> Expr {
    use execution::Column;
    match column {
        Column::Id => Expr::value(Uuid::now_v7()),
        Column::UserId | Column::CallerId => Expr::value(ANNA),
        Column::ApplicationId => Expr::value(Some(7)),
        Column::Way => Expr::value(Some("import")),
        Column::Operator => Expr::value(Some("eva")),
        Column::CommandName => Expr::value("deactivate"),
        Column::DefinitionHash => Expr::value("1".repeat(64)),
        Column::ActionResult => Expr::value("No"),
        Column::Outcome => Expr::value(Outcome::Succeeded),
        Column::Message | Column::RequestId => Expr::value("changed"),
        Column::Inputs => Expr::value(RecordedInputs([("reason".to_owned(), "changed".into())].into())),
        Column::Steps => Expr::value(Steps(vec![StepRecord {
            name: "note".to_owned(),
            result: "changed".to_owned(),
            ..StepRecord::default()
        }])),
        Column::StartedAt | Column::FinishedAt => Expr::value((Utc::now() - TimeDelta::days(1)).trunc_subsecs(6)),
    }
}

#[tokio::test]
async fn every_column_of_a_running_execution_is_sealed() {
    let server = Server::with_empty_chain().await;
    let run = begin(&server).await;
    let db = server.app.store.writer();
    assert_eq!(first_invalid(&server).await, None);
    for column in execution::Column::iter() {
        let update = execution::Entity::update_many().col_expr(column, changed(column));
        let touched = update.filter(execution::Column::Id.eq(run.id)).exec(db).await.expect("an update").rows_affected;
        assert_eq!(touched, 1, "{column:?}");
        let told = first_invalid(&server).await;
        assert!(matches!(told, Some((InvalidRecord::Execution(_), _))), "{column:?}: {told:?}");
        assert_eq!(recover(&server).await, 0, "{column:?}: the run was closed");
        assert_eq!(server.verify(None).await.head.position, 0, "{column:?}: the run is in the chain");
        execution::Entity::delete_many().exec(db).await.expect("a removal");
        execution::insert(db, vec![run.clone()]).await.expect("as it was");
        assert_eq!(first_invalid(&server).await, None, "{column:?}");
    }
    assert_eq!(recover(&server).await, 1);
    let chain = server.verify(None).await;
    assert_eq!((chain.broken, chain.head.position, outcome(&server, run.id).await), (None, 1, Outcome::Unknown));
    assert!(seal::Entity::find().all(db).await.expect("seals").is_empty(), "a finished run has no seal");
}

#[tokio::test]
async fn an_inserted_running_execution_is_not_closed() {
    let server = Server::with_empty_chain().await;
    let run = run();
    execution::insert(server.app.store.writer(), vec![run.clone()]).await.expect("an insertion");
    assert_eq!(recover(&server).await, 0);
    assert_eq!(outcome(&server, run.id).await, Outcome::Running);
    assert_eq!(first_invalid(&server).await, Some((InvalidRecord::Execution(run.id), UNSEALED)));
    let foreign = seal::Model { execution_id: run.id, mac: "0".repeat(64) }.into_active_model();
    seal::Entity::insert(foreign).exec_without_returning(server.app.store.writer()).await.expect("a seal");
    assert_eq!(recover(&server).await, 0);
    assert_eq!(first_invalid(&server).await, Some((InvalidRecord::Execution(run.id), FORGED)));
}

#[tokio::test]
async fn a_seal_of_another_row_or_kind_is_invalid() {
    let server = Server::with_empty_chain().await;
    let (one, key) = (begin(&server).await, server.audit_key());
    let other = execution::Model { id: Uuid::now_v7(), ..one.clone() };
    assert_ne!(key.seal_run(&one), key.seal_run(&other));
    let webhook = webhook();
    let [id, target, body] = [&webhook.id, &webhook.target, &webhook.body].map(String::as_str);
    assert_ne!(key.seal_delivery(&webhook), key.seal_backup([id, target, body]));
}

#[tokio::test]
async fn a_finished_execution_reset_to_running_is_not_closed_again() {
    let server = Server::with_empty_chain().await;
    let (run, db) = (begin(&server).await, server.app.store.writer());
    let seals = seal::Entity::find().all(db).await.expect("seals");
    assert_eq!(recover(&server).await, 1);
    server.link().await;
    run.clone().into_active_model().reset_all().update(db).await.expect("an update");
    let unsealed = audit::find_unsealed(db, &server.audit_key()).await.expect("an answer");
    assert!(unsealed.executions.is_empty(), "the run is offered for sealing");
    for seal in seals {
        seal::Entity::insert(seal.into_active_model()).exec_without_returning(db).await.expect("an insertion");
    }
    assert_eq!(recover(&server).await, 0);
    assert_eq!(outcome(&server, run.id).await, Outcome::Running);
    assert_eq!(first_invalid(&server).await, Some((InvalidRecord::Entry(1), "its execution was changed")));
}

#[tokio::test]
async fn a_deleted_running_execution_is_found_by_its_seal() {
    let server = Server::with_empty_chain().await;
    let run = begin(&server).await;
    execution::Entity::delete_by_id(run.id).exec(server.app.store.writer()).await.expect("a removal");
    let gone = "it has the seal of a running execution, but is not running";
    assert_eq!(first_invalid(&server).await, Some((InvalidRecord::Execution(run.id), gone)));
}

#[tokio::test]
async fn a_deliverys_body_and_target_are_sealed_and_its_state_is_not() {
    use delivery::Column;
    let server = Server::with_empty_chain().await;
    let (sent, db) = (post(&server, webhook()).await, server.app.store.writer());
    let earlier = (Utc::now() - TimeDelta::days(1)).trunc_subsecs(6);
    for column in Column::iter() {
        let (value, is_sealed) = match column {
            Column::Id => (Expr::value(format!("{}_2", Uuid::now_v7().simple())), true),
            Column::ExecutionId => (Expr::value(Uuid::now_v7()), true),
            Column::Target => (Expr::value("crm"), true),
            Column::Body => (Expr::value("{}"), true),
            Column::TimeoutMs => (Expr::value(300_000), true),
            Column::CreatedAt => (Expr::value(earlier), true),
            Column::Seal => (Expr::value("0".repeat(64)), true),
            Column::State => (Expr::value(State::Dead), false),
            Column::Attempts => (Expr::value(3), false),
            Column::DueAt | Column::UpdatedAt | Column::ClaimedUntil => (Expr::value(earlier), false),
            Column::LastError => (Expr::value("x"), false),
        };
        let update = delivery::Entity::update_many().col_expr(column, value);
        assert_eq!(update.exec(db).await.expect("an update").rows_affected, 1, "{column:?}");
        let found = server.verify(None).await;
        match found.broken {
            Some(ChainError { record: InvalidRecord::Delivery(_), reason }) if is_sealed => {
                assert_eq!(reason, FORGED, "{column:?}")
            }
            None if !is_sealed => assert_eq!(found.sealed.deliveries, 1),
            other => panic!("{column:?}: {other:?}"),
        }
        delivery::Entity::delete_many().exec(db).await.expect("a removal");
        delivery::insert(db, vec![sent.clone()]).await.expect("as it was");
    }
    assert_eq!(first_invalid(&server).await, None);
}

/// Waits until the worker has tried or given up each delivery.
async fn settled(server: &Server, ids: [&str; 3]) -> [delivery::Model; 3] {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut found = Vec::new();
        for id in ids {
            found.extend(delivery::find(server.app.store.reader(), id).await.expect("an answer"));
        }
        if found.iter().all(|one| one.last_error.is_some()) {
            return found.try_into().expect("all of them");
        }
        assert!(Instant::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_inserted_or_changed_delivery_is_never_sent() {
    let server = Server::with_empty_chain().await;
    let (inserted, db) = (webhook(), server.app.store.writer());
    delivery::insert(db, vec![inserted.clone()]).await.expect("an insertion");
    let changed = post(&server, webhook()).await;
    let update = delivery::Entity::update_many().col_expr(delivery::Column::Body, Expr::value("{}"));
    update.filter(delivery::Column::Id.eq(&changed.id)).exec(db).await.expect("an update");
    let right = post(&server, webhook()).await;
    assert!(matches!(first_invalid(&server).await, Some((InvalidRecord::Delivery(_), _))));

    server.app.commands.recover_and_start().await.expect("a worker");
    let found = settled(&server, [&inserted.id, &changed.id, &right.id]).await;
    let told = found.map(|one| (one.state, one.attempts, one.last_error.unwrap_or_default()));
    let no_target = (State::Pending, 1, "there is no such target".to_owned());
    assert_eq!(told, [(State::Dead, 0, UNSEALED.to_owned()), (State::Dead, 0, FORGED.to_owned()), no_target]);
    assert!(
        matches!(first_invalid(&server).await, Some((InvalidRecord::Delivery(_), _))),
        "verification no longer finds them"
    );

    for id in [&inserted.id, &changed.id] {
        let again = server.post(format!("/_ext/webhooks/{id}/redrive")).by("admin").send().await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
        assert!(again.body["detail"].as_str().is_some_and(|told| told.contains("is not sealed")), "{}", again.text);
    }
}

#[tokio::test]
async fn an_operator_seals_rows_of_an_older_version() {
    let server = Server::with_empty_chain().await;
    let (run, pending, db) = (run(), webhook(), server.app.store.writer());
    let refused = delivery::Model { state: State::Dead, last_error: Some(UNSEALED.to_owned()), ..webhook() };
    let dead = delivery::Model { state: State::Dead, last_error: Some("503".to_owned()), ..webhook() };
    let forged = delivery::Model { seal: Some("0".repeat(64)), ..webhook() };
    execution::insert(db, vec![run.clone()]).await.expect("an insertion");
    let rows = [&pending, &refused, &dead, &forged].map(Clone::clone);
    delivery::insert(db, rows.to_vec()).await.expect("insertions");
    let key = server.audit_key();
    let unsealed = audit::find_unsealed(db, &key).await.expect("rows");
    assert_eq!((unsealed.executions.len(), unsealed.deliveries.len()), (1, 3));
    audit::seal_all(db, &key, &unsealed).await.expect("seals");

    assert_eq!(
        first_invalid(&server).await,
        Some((InvalidRecord::Delivery(forged.id.clone()), FORGED)),
        "a forged seal was replaced"
    );
    delivery::Entity::delete_by_id(forged.id).exec(db).await.expect("a removal");
    assert_eq!(first_invalid(&server).await, None);
    let mut states = Vec::new();
    for id in [&pending.id, &refused.id, &dead.id] {
        states.push(delivery::find(db, id).await.expect("an answer").expect("a row").state);
    }
    assert_eq!(states, [State::Pending, State::Pending, State::Dead]);
    assert_eq!((recover(&server).await, outcome(&server, run.id).await), (1, Outcome::Unknown));
    let got = server.get("/_ext/executions?outcome=unknown").by("admin").send().await;
    assert_eq!(got.body["executions"][0]["id"], json!(run.id.to_string()));
}

#[tokio::test]
async fn a_commands_webhook_is_sealed_when_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret"), "whsec_bWF5IHRoZSBmb3JjZSBiZSB3aXRoIHlvdSBhbHdheXM=").expect("a file");
    let secret = folder.path().join("secret");
    let targets = format!("hr: {{url: 'https://hr.example.com/', secrets: [{{file: {}}}]}}\n", secret.display());
    std::fs::write(folder.path().join("targets.yaml"), targets).expect("a file");
    let definition = "name: tell\ndisplay_name: Tell\nallow_roles: [Administrator]\n\
                      steps:\n  - webhook: {target: hr, when: after_commit}\n";
    let targets = folder.path().join("targets.yaml").display().to_string();
    let server = Server::with_commands_and_settings(&[definition], &["--targets", &targets]).await;
    assert_eq!(server.execute("admin", ANNA, "tell", None).await.status, StatusCode::OK);
    let found = server.verify(None).await;
    assert_eq!((found.broken, found.sealed.deliveries), (None, 1));
}
