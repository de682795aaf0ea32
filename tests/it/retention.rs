//! Removal of old records, and verification of the rest of the audit chain.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use kommando::executions::{
    audit::{self, Actor, Anchor, AuditKey, Head, InvalidRecord, ProofError, Source, Verification, anchor},
    execution::{self, Outcome, Steps},
    idempotency,
    retention::{self, Horizons},
};
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{ADMIN, ANNA, Server};

const MISSING_BEGINNING: &str = "the chain does not begin at its anchor: its first entries or the anchor are missing";

fn days_ago(days: i64) -> DateTime<Utc> {
    (Utc::now() - TimeDelta::days(days)).trunc_subsecs(6)
}

fn key(server: &Server) -> AuditKey {
    server.audit_key()
}

fn entries(executions: &[execution::Model]) -> Vec<audit::Model> {
    executions.iter().map(|execution| audit::entry_of(execution).expect("an entry")).collect()
}

/// Records executions that finished this many days ago, in this order; returns their ids.
async fn record(server: &Server, ages: &[i64]) -> Vec<Uuid> {
    let finished = |days: &i64| execution::Model {
        id: Uuid::now_v7(),
        user_id: ANNA,
        caller_id: ADMIN,
        application_id: None,
        way: None,
        operator: None,
        inputs: None,
        command_name: "hello".to_owned(),
        definition_hash: String::new(),
        action_result: "Implicit".to_owned(),
        outcome: Outcome::Succeeded,
        message: "Hello".to_owned(),
        steps: Steps::default(),
        request_id: String::new(),
        started_at: days_ago(*days),
        finished_at: days_ago(*days),
    };
    let executions: Vec<_> = ages.iter().map(finished).collect();
    let db = server.app.store.writer();
    for some in executions.chunks(500) {
        audit::append(db, &key(server), entries(some)).await.expect("entries");
        execution::insert(db, some.to_vec()).await.expect("executions");
    }
    server.link().await;
    executions.iter().map(|execution| execution.id).collect()
}

/// Removes records older than this many days; returns the count of each page.
async fn remove(server: &Server, days: i64) -> Result<Vec<u64>, ProofError> {
    remove_by(server, Horizons::of_all(days_ago(days))).await
}

/// Removes records from before these times; returns the count of each page.
async fn remove_by(server: &Server, horizons: Horizons) -> Result<Vec<u64>, ProofError> {
    let (key, mut pages) = (key(server).into(), Vec::new());
    let actor = Actor::of(Source::system());
    retention::remove_older(&server.app.store, &key, &actor, horizons, |page| pages.push(page)).await?;
    Ok(pages)
}

async fn verify(server: &Server, expected: Option<&Head>) -> Verification {
    server.verify(expected).await
}

async fn first_invalid(server: &Server, expected: Option<&Head>) -> Option<(InvalidRecord, &'static str)> {
    verify(server, expected).await.broken.map(|error| (error.record, error.reason))
}

/// A server with ten entries of executions, of which the first five are removed, and the entry of that.
async fn cut_server() -> Server {
    let server = Server::with_empty_chain().await;
    record(&server, &[9, 9, 9, 9, 9, 1, 1, 1, 1, 1]).await;
    assert_eq!(remove(&server, 5).await.expect("a removal"), [5]);
    server
}

async fn anchor(server: &Server) -> Anchor {
    anchor::find(server.app.store.reader()).await.expect("an answer").expect("an anchor")
}

async fn put(server: &Server, anchor: Anchor) {
    let db = server.app.store.writer();
    anchor::Entity::delete_many().exec(db).await.expect("a removal");
    anchor::Entity::insert(anchor::ActiveModel::from(anchor)).exec_without_returning(db).await.expect("an insertion");
}

#[tokio::test]
async fn old_records_are_removed_in_pages_and_the_rest_verifies() {
    let server = Server::with_empty_chain().await;
    record(&server, &vec![9; 2500]).await;
    server.execute("admin", ANNA, "hello", None).await;
    assert_eq!(remove(&server, 5).await.expect("a removal"), [1000, 1000, 500]);
    let found = verify(&server, None).await;
    assert_eq!(
        (found.broken, found.head.position, found.anchor.map(|anchor| anchor.position)),
        (None, 2504, Some(2500)),
        "each page has an entry that says what was removed"
    );
    assert_eq!(server.executions().await.len(), 1);
    assert_eq!(audit::count(server.app.store.reader()).await, Ok(4));
    assert_eq!(remove(&server, 5).await.expect("nothing to do"), [0]);
}

#[tokio::test]
async fn only_entries_before_the_first_recent_one_are_removed() {
    let server = Server::with_empty_chain().await;
    let ids = record(&server, &[9, 8, 1, 9, 1]).await;
    assert_eq!(remove(&server, 5).await.expect("a removal"), [2]);
    let left: Vec<_> = server.executions().await.into_iter().map(|execution| execution.id).collect();
    assert_eq!(left, ids[2..]);
    assert_eq!(first_invalid(&server, None).await, None);
}

#[tokio::test]
async fn executions_are_removed_between_changes_that_are_kept() {
    let server = Server::with_empty_chain().await;
    let change = async || {
        let body = json!({"Tooltip": Uuid::now_v7().to_string()});
        server.call(Method::PATCH, format!("/api/v1/User/{ANNA}")).by("admin").json(body).send().await;
        server.link().await;
    };
    change().await;
    let old = record(&server, &vec![9; 1200]).await;
    change().await;
    let recent = record(&server, &[1]).await;
    let executions_only = Horizons { executions: Some(days_ago(5)), changes: None };
    let removed = remove_by(&server, executions_only).await.expect("a removal");
    assert_eq!(removed, [0, 999, 201], "nothing at the beginning, then page by page");
    let found = verify(&server, None).await;
    assert_eq!((found.broken, found.anchor, found.head.position), (None, None, 1205));
    let left: Vec<_> = server.executions().await.into_iter().map(|execution| execution.id).collect();
    assert_eq!(left, recent);
    let entry = audit::Entity::find_by_id(old[0]).one(server.app.store.reader()).await;
    assert!(entry.expect("an answer").expect("an entry").is_removed());
    assert_eq!(remove_by(&server, executions_only).await.expect("nothing to do"), [0, 0]);
    let tail = server.command_line(&["audit", "tail"]).output().expect("an end");
    let tail = String::from_utf8(tail.stdout).expect("text");
    let (removed, kept): (Vec<_>, Vec<_>) = tail.lines().partition(|line| line.ends_with(r#""removed":true}"#));
    assert_eq!((removed.len(), kept.len()), (1200, 5), "two changes, two removals and an execution are kept");
    // Later, the changes are old, too.
    remove(&server, -1).await.expect("a removal");
    let found = verify(&server, None).await;
    assert_eq!(found.broken, None);
    assert!(found.anchor.is_some_and(|anchor| anchor.position >= 1205), "the entries without content are removed, too");
    assert!(server.executions().await.is_empty());
}

#[tokio::test]
async fn an_emptied_chain_continues_behind_its_anchor() {
    let server = Server::with_empty_chain().await;
    record(&server, &[9; 12]).await;
    let noted = verify(&server, None).await.head;
    assert_eq!(remove(&server, 5).await.expect("a removal"), [12]);
    assert_eq!(verify(&server, Some(&noted)).await.head.position, 13, "the entry of the removal");
    server.execute("admin", ANNA, "hello", None).await;
    let found = verify(&server, Some(&noted)).await;
    assert_eq!((found.broken, found.head.position), (None, 14));
}

#[tokio::test]
async fn any_change_of_an_anchor_is_found() {
    let server = cut_server().await;
    let real = anchor(&server).await;
    let forged = Some((InvalidRecord::Anchor, "it was changed, or the key is another one"));
    for anchor in [
        Anchor { position: 6, ..real.clone() },
        Anchor { entry_mac: "0".repeat(64), ..real.clone() },
        Anchor { finished_at: days_ago(7), ..real.clone() },
        Anchor { mac: "0".repeat(64), ..real.clone() },
        // The MAC of an entry uses the same key.
        Anchor { mac: verify(&server, None).await.head.mac, ..real.clone() },
    ] {
        put(&server, anchor).await;
        assert_eq!(first_invalid(&server, None).await, forged);
        assert!(matches!(remove(&server, 0).await, Err(ProofError::Chain(_))), "a forged anchor was replaced");
    }
    put(&server, real).await;
    assert_eq!(first_invalid(&server, None).await, None);
}

#[tokio::test]
async fn a_removed_or_outdated_anchor_is_found() {
    let server = cut_server().await;
    let old = anchor(&server).await;
    record(&server, &[1]).await;
    assert_eq!(remove(&server, 0).await.expect("a removal"), [7]);
    record(&server, &[0]).await;
    put(&server, old).await;
    assert_eq!(first_invalid(&server, None).await, Some((InvalidRecord::Entry(6), "an entry is missing")));
    anchor::Entity::delete_many().exec(server.app.store.writer()).await.expect("a removal");
    assert_eq!(first_invalid(&server, None).await, Some((InvalidRecord::Entry(1), MISSING_BEGINNING)));
}

#[tokio::test]
async fn entries_removed_without_the_key_are_found() {
    let server = cut_server().await;
    let whole = Server::with_empty_chain().await;
    record(&whole, &[1; 10]).await;
    for (server, expected) in [
        (&server, (InvalidRecord::Entry(6), "an entry is missing")),
        (&whole, (InvalidRecord::Entry(1), MISSING_BEGINNING)),
    ] {
        let db = server.app.store.writer();
        for execution in &server.executions().await[..2] {
            audit::Entity::delete_by_id(execution.id).exec(db).await.expect("a removal");
            execution::Entity::delete_by_id(execution.id).exec(db).await.expect("a removal");
        }
        assert_eq!(first_invalid(server, None).await, Some(expected));
    }
}

#[tokio::test]
async fn an_entry_restored_before_the_anchor_is_found() {
    let server = cut_server().await;
    let entry = audit::Model {
        id: Uuid::now_v7(),
        position: Some(5),
        mac: None,
        content: "{}".to_owned(),
        kind: None,
        digest: None,
    };
    let entry = audit::Entity::insert(audit::ActiveModel::from(entry));
    entry.exec_without_returning(server.app.store.writer()).await.expect("an insertion");
    assert_eq!(first_invalid(&server, None).await, Some((InvalidRecord::Entry(6), "an entry was inserted before it")));
}

#[tokio::test]
async fn a_removed_expected_head_differs_from_an_unknown_one() {
    let server = Server::with_empty_chain().await;
    record(&server, &[9; 3]).await;
    let third = verify(&server, None).await.head;
    record(&server, &[9; 2]).await;
    let fifth = verify(&server, None).await.head;
    record(&server, &[1]).await;
    remove(&server, 5).await.expect("a removal");
    let older = "the expected head is older than what is kept; expect a newer one";
    assert_eq!(first_invalid(&server, Some(&third)).await, Some((InvalidRecord::Entry(3), older)));
    assert_eq!(first_invalid(&server, Some(&fifth)).await, None, "the anchor contains this head");
    let other = Head { mac: third.mac, ..fifth };
    assert_eq!(
        first_invalid(&server, Some(&other)).await,
        Some((InvalidRecord::Entry(5), "this is not the expected head"))
    );
}

#[tokio::test]
async fn records_that_do_not_verify_are_not_removed() {
    let server = Server::with_empty_chain().await;
    let ids = record(&server, &[1, 1, 1]).await;
    // A changed execution that looks old must not be removed, which would hide the change.
    let update = execution::Entity::update_many().col_expr(execution::Column::FinishedAt, Expr::value(days_ago(9)));
    let update = update.filter(execution::Column::Id.eq(ids[0]));
    update.exec(server.app.store.writer()).await.expect("an update");
    let error = remove(&server, 5).await.expect_err("an error");
    assert_eq!(error.to_string(), "the audit records are not intact at entry 1: its execution was changed");
    assert_eq!(server.executions().await.len(), 3);
}

#[tokio::test]
async fn expired_idempotency_keys_are_removed_with_executions() {
    let server = Server::with_empty_chain().await;
    let ids = record(&server, &[9, 1]).await;
    let expired = |id: &Uuid| idempotency::Model {
        scope: id.to_string(),
        action_result: "Implicit".to_owned(),
        execution_id: *id,
        expires_at: days_ago(0),
        inputs_mac: None,
    };
    let keys = ids.iter().map(expired).collect();
    idempotency::insert(server.app.store.writer(), keys).await.expect("keys");
    assert_eq!(remove(&server, 5).await.expect("a removal"), [1]);
    let left = idempotency::Entity::find().all(server.app.store.reader()).await.expect("keys");
    assert_eq!(left.iter().map(|key| key.execution_id).collect::<Vec<_>>(), [ids[1]]);
    assert_eq!(idempotency::clear_page(server.app.store.writer(), 10).await, Ok(1));
}

#[tokio::test]
async fn audit_cut_removes_records_and_verify_shows_the_start() {
    let server = Server::with_empty_chain().await;
    record(&server, &[9, 9, 1]).await;
    let line = |words: &[&str]| {
        let output = server.command_line(&[&["audit"], words].concat()).output().expect("an end");
        String::from_utf8([output.stdout, output.stderr].concat()).expect("text")
    };
    assert_eq!(line(&["cut", "--older-than", "5d"]), "2 records were removed\n");
    server.link().await;
    let proof = line(&["verify"]);
    let lines: Vec<_> = proof.lines().collect();
    assert_eq!(lines.len(), 3, "{proof}");
    assert_eq!(lines[0], "2 entries are valid, 0 are not linked yet");
    assert!(lines[1].starts_with("the chain begins after entry 2 of 20"), "{proof}");
    assert!(lines[2].starts_with("head 4:"), "{proof}");
    assert!(line(&["cut", "--older-than", "1d"]).contains("records are kept for 2d at least"));
}
