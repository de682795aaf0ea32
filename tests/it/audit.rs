//! Verification of the audit chain.

use kommando::{
    executions::{
        audit::{self, ChainError, Head, InvalidRecord, Verification},
        execution::{self, ExecutionFilter},
    },
    users::application,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::harness::{ANNA, BJORN, Server};

const CHANGED: &str = "the entry was changed, or the key is another one";

async fn server_with_history() -> Server {
    let server = Server::with_empty_chain().await;
    for _ in 0..3 {
        server.execute("admin", ANNA, "hello", None).await;
        server.execute("admin", BJORN, "set-away", None).await;
        server.execute("admin", BJORN, "deactivate", None).await;
        server.execute("anna", BJORN, "deactivate", Some("Yes")).await;
    }
    server.link().await;
    server
}

async fn verify(server: &Server, expected: Option<&Head>) -> Verification {
    server.verify(expected).await
}

/// The first invalid record, and why it is invalid.
fn first_invalid(found: &Verification) -> Option<(InvalidRecord, &'static str)> {
    found.broken.as_ref().map(|ChainError { record, reason }| (record.clone(), *reason))
}

async fn update(server: &Server, position: i64, column: audit::Column, value: &str) {
    let update = audit::Entity::update_many().col_expr(column, Expr::value(value));
    let update = update.filter(audit::Column::Position.eq(position));
    update.exec(server.app.store.writer()).await.expect("an update");
}

#[tokio::test]
async fn an_untouched_chain_holds_and_covers_every_execution() {
    let server = server_with_history().await;
    let found = verify(&server, None).await;
    assert_eq!((found.broken, found.head.position, found.unlinked), (None, 12, 0));
    assert_eq!(server.executions().await.len(), 12);
    assert!(verify(&server, Some(&found.head)).await.broken.is_none());
}

#[tokio::test]
async fn executions_with_and_without_an_application_verify() {
    let server = server_with_history().await;
    let (token, _) = application::add(server.app.store.writer(), "partner", false).await.expect("an application");
    let call = server.post("/api/v1/User/2/CustomCommand/hello").by("admin");
    call.header("so-apptoken", token.expose_secret()).send().await;
    let entries = audit::Entity::find().all(server.app.store.reader()).await.expect("an answer");
    let telling = entries.iter().filter(|entry| entry.content.contains("application_id")).count();
    assert_eq!((entries.len(), telling), (13, 1), "without an application, the entry has its old form");
    let found = verify(&server, None).await;
    assert_eq!((found.broken, found.head.position), (None, 13));
}

#[tokio::test]
async fn a_changed_entry_breaks_the_chain_at_its_position() {
    let server = server_with_history().await;
    update(&server, 5, audit::Column::Content, "{}").await;
    let found = verify(&server, None).await;
    assert_eq!(
        (first_invalid(&found), found.head.position),
        (Some((InvalidRecord::Entry(5), "the entry was changed")), 4)
    );
}

#[tokio::test]
async fn a_changed_execution_is_found_behind_an_intact_entry() {
    let server = server_with_history().await;
    let third = server.executions().await[2].id;
    let update = execution::Entity::update_many().col_expr(execution::Column::CallerId, Expr::value(ANNA));
    update.filter(execution::Column::Id.eq(third)).exec(server.app.store.writer()).await.expect("an update");
    assert_eq!(
        first_invalid(&verify(&server, None).await),
        Some((InvalidRecord::Entry(3), "its execution was changed"))
    );
}

#[tokio::test]
async fn a_removed_entry_and_a_removed_execution_are_found() {
    let server = server_with_history().await;
    let db = server.app.store.writer();
    let fourth = server.executions().await[3].id;
    execution::Entity::delete_by_id(fourth).exec(db).await.expect("a removal");
    assert_eq!(
        first_invalid(&verify(&server, None).await),
        Some((InvalidRecord::Entry(4), "its execution is missing"))
    );
    audit::Entity::delete_by_id(fourth).exec(db).await.expect("a removal");
    assert_eq!(first_invalid(&verify(&server, None).await), Some((InvalidRecord::Entry(4), "an entry is missing")));
}

#[tokio::test]
async fn an_inserted_execution_is_found_with_or_without_an_entry() {
    let server = server_with_history().await;
    let db = server.app.store.writer();
    let inserted = execution::Model { id: Uuid::now_v7(), ..server.executions().await.remove(0) };
    execution::insert(db, vec![inserted.clone()]).await.expect("an insertion");
    let told = |reason| Some((InvalidRecord::Execution(inserted.id), reason));
    assert_eq!(first_invalid(&verify(&server, None).await), told("it has no entry in the chain"));
    let not_linked = match server.app.store.has_multiple_writers() {
        true => "its entry was changed, or not written with this key",
        false => "its entry has no position in the chain; SQLite entries get one immediately",
    };
    let entry =
        audit::Model { id: inserted.id, position: None, mac: None, content: "{}".to_owned(), kind: None, digest: None };
    for (position, expected) in [
        (None, Some((InvalidRecord::Unlinked(inserted.id), not_linked))),
        (Some(13), Some((InvalidRecord::Entry(13), CHANGED))),
        (Some(-1), Some((InvalidRecord::Entry(1), "an entry was inserted before it"))),
    ] {
        let entry = audit::ActiveModel::from(audit::Model { position, ..entry.clone() });
        audit::Entity::insert(entry).exec_without_returning(db).await.expect("an insertion");
        assert_eq!(first_invalid(&verify(&server, None).await), expected, "{position:?}");
        audit::Entity::delete_by_id(inserted.id).exec(db).await.expect("a removal");
    }
}

#[tokio::test]
async fn only_a_noted_head_reveals_a_shortened_chain() {
    let server = server_with_history().await;
    let noted = verify(&server, None).await.head;
    let last = server.executions().await[11].id;
    let db = server.app.store.writer();
    audit::Entity::delete_by_id(last).exec(db).await.expect("a removal");
    execution::Entity::delete_by_id(last).exec(db).await.expect("a removal");
    assert!(verify(&server, None).await.broken.is_none());
    let found = verify(&server, Some(&noted)).await;
    assert_eq!(first_invalid(&found), Some((InvalidRecord::Entry(12), "the chain ends before the expected head")));
}

#[tokio::test]
async fn a_chain_does_not_verify_with_another_key() {
    let server = server_with_history().await;
    let key = audit::AuditKey::new("another".into());
    let found = audit::verify(&server.app.store, &key, None, |_| {}).await.expect("an answer");
    assert_eq!(first_invalid(&found), Some((InvalidRecord::Key, "the chain has another key")));
}

#[tokio::test]
async fn concurrent_runs_and_dry_runs_make_one_chain() {
    let server = Server::with_empty_chain().await;
    let runs = (0..125).map(|index| {
        let command = if index % 2 == 0 { "hello" } else { "set-away" };
        let run = server.post(format!("/api/v1/User/{ANNA}/CustomCommand/{command}")).by("admin");
        if index % 5 == 4 { run.header("X-Dry-Run", "true") } else { run }.send()
    });
    let got = futures_util::future::join_all(runs).await;
    assert!(got.iter().all(|answer| answer.body["Success"] == true));
    let found = verify(&server, None).await;
    assert_eq!((found.broken, found.head.position), (None, 100));
    assert_eq!(execution::count(server.app.store.reader(), &ExecutionFilter::default()).await, Ok(100));
}

#[tokio::test]
async fn an_unlinked_entry_without_an_execution_is_found() {
    let server = server_with_history().await;
    let entry = audit::Model {
        id: Uuid::now_v7(),
        position: None,
        mac: None,
        content: "{}".to_owned(),
        kind: None,
        digest: None,
    };
    let id = entry.id;
    let insert = audit::Entity::insert(audit::ActiveModel::from(entry));
    insert.exec_without_returning(server.app.store.writer()).await.expect("an insertion");
    let found = verify(&server, None).await;
    assert_eq!(
        (first_invalid(&found).map(|(record, _)| record), found.unlinked),
        (Some(InvalidRecord::Unlinked(id)), 1)
    );
}

#[tokio::test]
async fn a_changed_execution_is_found_before_its_entry_is_linked() {
    let server = Server::with_empty_chain().await;
    server.execute("admin", ANNA, "hello", None).await;
    let id = server.executions().await[0].id;
    let update = execution::Entity::update_many().col_expr(execution::Column::CallerId, Expr::value(ANNA));
    update.exec(server.app.store.writer()).await.expect("an update");
    let found = audit::verify(&server.app.store, &server.audit_key(), None, |_| {}).await.expect("an answer");
    let record =
        if server.app.store.has_multiple_writers() { InvalidRecord::Unlinked(id) } else { InvalidRecord::Entry(1) };
    assert_eq!(first_invalid(&found), Some((record, "its execution was changed")));
}
