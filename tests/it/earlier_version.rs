//! A database of an earlier version keeps its data.

use kommando::{
    commands::RecoveryScope,
    executions::{
        delivery::{self, State},
        execution::Outcome,
    },
};
use poem::http::StatusCode;

use crate::{
    database::{self, Database},
    harness::{ANNA, Answer, CHRIS, Server},
};

async fn run(server: &Server, command: &str, key: &str) -> Answer {
    let path = format!("/api/v1/User/{ANNA}/CustomCommand/{command}");
    server.post(path).basic("admin", "it's a secret").header("Idempotency-Key", key).send().await
}

/// `earlier/database` was written before `m0019_invalidation`. It has users, executions of every outcome, idempotency
/// keys, delivered and pending webhooks, and a run that was interrupted during its sync webhook.
#[tokio::test]
async fn a_database_of_an_earlier_version_is_fully_migrated() {
    // The old database is an SQLite file: tests/all runs this test.
    if database::server().is_some() {
        return;
    }
    let server = Server::on(Database::earlier()).await;
    let chain = server.verify(None).await;
    assert_eq!((&chain.broken, chain.head.position), (&None, 9));

    let replayed = run(&server, "hello", "hello-1").await;
    assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (StatusCode::OK, Some("true")));
    let in_flight = run(&server, "ask", "ask-1").await;
    assert_eq!(in_flight.status, StatusCode::CONFLICT, "the run may still be in flight");

    assert!(server.user(CHRIS).await.user.deleted);
    let pending = delivery::DeliveryFilter { state: Some(State::Pending), ..delivery::DeliveryFilter::default() };
    let pending = delivery::list(server.app.store.reader(), pending, 10).await.expect("an answer");
    assert_eq!(pending.len(), 1);
    assert_eq!(server.audit_key().delivery_seal_error(&pending[0]), None, "its seal is valid");

    assert_eq!(server.app.commands.recover(RecoveryScope::All).await.expect("an answer"), 1);
    let unknown = server.executions().await.into_iter().filter(|execution| execution.outcome == Outcome::Unknown);
    assert_eq!(unknown.map(|execution| execution.command_name).collect::<Vec<_>>(), ["ask"]);
    assert_eq!(run(&server, "ask", "ask-1").await.status, StatusCode::GATEWAY_TIMEOUT);

    assert_eq!(run(&server, "set-away", "new").await.status, StatusCode::OK);
    let chain = server.verify(Some(&chain.head)).await;
    assert_eq!((&chain.broken, chain.head.position), (&None, 11));
}
