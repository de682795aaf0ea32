//! Changing the key of the audit chain, and beginning the chain anew after its key was lost.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

use chrono::{TimeDelta, Utc};
use kommando::{
    executions::{
        audit::{
            self, Action, Actor, AuditKey, AuditLog, Change, CurrentKey, Head, InvalidRecord, KeyChangeError, KeyCheck,
            OldRecords, Source, Subject, SubjectType, UNSEALED, Verification, change,
        },
        execution,
        retention::{self, Horizons},
    },
    store::Touched,
};
use poem::http::Method;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::json;

use crate::{
    command_line::Line,
    harness::{ANNA, BJORN, Server},
    seals,
};

const ALTERED: &str = "an entry from before the key was changed is not as it was then";

fn key(letter: &str) -> AuditKey {
    AuditKey::new(letter.repeat(32).into())
}

fn system() -> Actor {
    Actor::of(Source::system())
}

/// Three executions and three changes.
async fn add_history(server: &Server) {
    for text in ["one", "two", "three"] {
        server.execute("admin", BJORN, "hello", None).await;
        let body = json!({"Tooltip": text});
        server.call(Method::PATCH, format!("/api/v1/User/{ANNA}")).by("admin").json(body).send().await;
    }
    server.link().await;
}

async fn server() -> Server {
    let server = Server::with_empty_chain().await;
    add_history(&server).await;
    server
}

async fn change_key(server: &Server, former: &AuditKey, new: &AuditKey) -> Head {
    audit::change_key(&server.app.store, former, new, &system(), |_| {}).await.expect("another key").0.head
}

/// Records a change with this key, as a server that has it.
async fn record(server: &Server, key: &CurrentKey) -> Result<(), DbErr> {
    let audit_log = AuditLog::new(key.clone());
    let write = server.app.store.write(move |transaction| {
        Box::pin(async move {
            let change = Change::new(Action::GroupSaved, Subject::new(SubjectType::Group, 1, "Sales"));
            audit_log.record(transaction, &system(), vec![change]).await?;
            Ok::<_, DbErr>(((), Touched::Nothing))
        })
    });
    write.await?;
    audit::link(&server.app.store, key).await.map(drop)
}

async fn verify(server: &Server, key: &AuditKey) -> Verification {
    audit::verify(&server.app.store, key, None, |_| {}).await.expect("an answer")
}

async fn first_invalid(server: &Server, key: &AuditKey) -> Option<(InvalidRecord, &'static str)> {
    verify(server, key).await.broken.map(|error| (error.record, error.reason))
}

async fn entry(server: &Server, position: i64) -> audit::Model {
    let entry = audit::Entity::find().filter(audit::Column::Position.eq(position));
    entry.one(server.app.store.reader()).await.expect("an answer").expect("an entry")
}

#[tokio::test]
async fn a_chain_goes_on_with_another_key_and_stays_provable() {
    let server = server().await;
    let (first, second, third) = (server.audit_key(), key("b"), key("c"));
    let run = seals::begin(&server).await;
    seals::post(&server, seals::webhook()).await;
    assert_eq!(change_key(&server, &first, &second).await.position, 6);
    let found = verify(&server, &second).await;
    assert_eq!((found.broken, found.head.position), (None, 7));
    assert_eq!((found.sealed.executions, found.sealed.deliveries), (1, 1), "the seals are made with the new key");
    let (position, change) = found.key_changes[0].clone();
    assert_eq!((position, change.action, &change.after.0["entries"]), (7, Action::KeyChanged, &json!(6)));
    assert!(audit::is_sealed_by_former(&first, &second, &change), "both keys seal the change");
    assert!(!audit::is_sealed_by_former(&third, &second, &change));
    assert_eq!(first_invalid(&server, &first).await, Some((InvalidRecord::Key, "the chain has another key")));
    record(&server, &second.clone().into()).await.expect("an entry");
    change_key(&server, &second, &third).await;
    record(&server, &third.clone().into()).await.expect("an entry");
    let found = verify(&server, &third).await;
    assert_eq!((found.broken, found.head.position), (None, 10));
    assert!(execution::Entity::find_by_id(run.id).one(server.app.store.reader()).await.expect("an answer").is_some());
}

/// An attacker with the former key makes the former part of the chain anew.
#[tokio::test]
async fn the_former_key_is_worth_nothing_after_the_change() {
    let server = server().await;
    let (former, new) = (server.audit_key(), key("b"));
    change_key(&server, &former, &new).await;
    let db = server.app.store.writer();
    let id = entry(&server, 3).await.id;
    let update = execution::Entity::update_many().col_expr(execution::Column::CallerId, Expr::value(ANNA));
    update.filter(execution::Column::Id.eq(id)).exec(db).await.expect("an update");
    assert_eq!(first_invalid(&server, &new).await, Some((InvalidRecord::Entry(3), "its execution was changed")));
    let altered = execution::Entity::find_by_id(id).one(db).await.expect("an answer").expect("an execution");
    let forged = audit::entry_of(&altered).expect("an entry");
    let content = audit::Entity::update_many()
        .col_expr(audit::Column::Content, Expr::value(forged.content))
        .col_expr(audit::Column::Digest, Expr::value(forged.digest));
    content.filter(audit::Column::Id.eq(id)).exec(db).await.expect("an update");
    assert_eq!(first_invalid(&server, &new).await, Some((InvalidRecord::Entry(7), ALTERED)));
}

#[tokio::test]
async fn old_records_are_removed_across_a_change_of_the_key() {
    let server = server().await;
    let new = key("b");
    change_key(&server, &server.audit_key(), &new).await;
    let (store, current) = (&server.app.store, CurrentKey::from(new.clone()));
    let soon = Some(Utc::now() + TimeDelta::days(1));
    let remove = async |executions, changes| {
        let mut pages = Vec::new();
        let horizons = Horizons { executions, changes };
        retention::remove_older(store, &current, &system(), horizons, |page| pages.push(page))
            .await
            .expect("a removal");
        audit::link(store, &current).await.expect("a continued chain");
        assert_eq!(first_invalid(&server, &new).await, None, "{pages:?}");
        pages
    };
    assert_eq!(remove(soon, None).await, [1, 2], "one at the beginning, two between changes");
    assert_eq!(verify(&server, &new).await.anchor.map(|anchor| anchor.position), Some(1));
    let update = change::Entity::update_many().col_expr(change::Column::ActorName, Expr::value("eve"));
    let second = entry(&server, 2).await.id;
    update.filter(change::Column::Id.eq(second)).exec(store.writer()).await.expect("an update");
    assert_eq!(first_invalid(&server, &new).await, Some((InvalidRecord::Entry(2), "its change was altered")));
    let update = change::Entity::update_many().col_expr(change::Column::ActorName, Expr::value("admin"));
    update.filter(change::Column::Id.eq(second)).exec(store.writer()).await.expect("an update");
    assert_eq!(remove(soon, soon).await, [6], "all records, among them the change of the key and the removals");
    assert_eq!(verify(&server, &new).await.key_changes, []);
}

#[tokio::test]
async fn a_server_writes_again_once_it_has_the_new_key() {
    let server = server().await;
    let (former, new) = (server.audit_key(), key("b"));
    let place = Arc::new(Mutex::new(former.clone()));
    let read = Arc::clone(&place);
    let current = CurrentKey::new(former.clone(), move || Ok(read.lock().expect("no panic").clone()));
    record(&server, &current).await.expect("an entry");
    change_key(&server, &former, &new).await;
    let refused = record(&server, &current).await.expect_err("a refusal").to_string();
    assert!(refused.contains("the key of the audit chain was changed"), "{refused}");
    *place.lock().expect("no panic") = new.clone();
    record(&server, &current).await.expect("an entry");
    assert!(current.last_known().is_same(&new));
    let found = verify(&server, &new).await;
    assert_eq!((found.broken, found.head.position), (None, 9), "the refused change was not made");
}

/// The server still has the former key.
#[tokio::test]
async fn requests_that_write_get_503_without_the_new_key() {
    let server = server().await;
    change_key(&server, &server.audit_key(), &key("b")).await;
    let got = server.execute("admin", BJORN, "hello", None).await;
    assert_eq!(got.status, 503, "{}", got.text);
    let patch = server.call(Method::PATCH, format!("/api/v1/User/{ANNA}")).by("admin");
    assert_eq!(patch.json(json!({"Tooltip": "x"})).send().await.status, 503);
    assert_eq!(server.get(format!("/api/v1/User/{ANNA}")).by("admin").send().await.status, 200, "reading goes on");
}

#[tokio::test]
async fn a_chain_with_a_lost_key_is_closed_and_cannot_be_changed_from_then_on() {
    let server = server().await;
    let (lost, new) = (server.audit_key(), key("b"));
    let run = seals::begin(&server).await;
    let webhook = seals::post(&server, seals::webhook()).await;
    let store = &server.app.store;
    let begin = async |key: &AuditKey| {
        audit::begin_anew(store, key, &system(), "the disk of the key broke", OldRecords::Keep).await
    };
    assert!(matches!(begin(&lost).await, Err(KeyChangeError::NotLost)));
    assert_eq!(begin(&new).await.expect("a new chain").head.position, 6);
    let unsealed = audit::find_unsealed(store.reader(), &new).await.expect("an answer");
    assert_eq!((unsealed.executions[0].id, unsealed.deliveries[0].id.as_str()), (run.id, webhook.id.as_str()));
    assert_eq!(first_invalid(&server, &new).await, Some((InvalidRecord::Execution(run.id), UNSEALED)));
    store
        .write(move |transaction| {
            Box::pin(async move {
                let (key, unsealed) = (key("b"), audit::find_unsealed(transaction, &key("b")).await?);
                Ok::<_, DbErr>((audit::seal_all(transaction, &key, &unsealed).await?, Touched::Nothing))
            })
        })
        .await
        .expect("seals");
    let found = verify(&server, &new).await;
    assert_eq!((found.broken, found.head.position), (None, 7));
    let (_, change) = found.key_changes[0].clone();
    assert_eq!(change.action, Action::ChainBegunAnew);
    assert_eq!(change.after.0["reason"], json!("the disk of the key broke"));
    let update = change::Entity::update_many().col_expr(change::Column::ActorName, Expr::value("eve"));
    update.filter(change::Column::Id.eq(entry(&server, 2).await.id)).exec(store.writer()).await.expect("an update");
    assert_eq!(first_invalid(&server, &new).await, Some((InvalidRecord::Entry(2), "its change was altered")));
}

#[tokio::test]
async fn a_chain_in_disorder_is_begun_anew_only_without_its_records() {
    let server = server().await;
    let (store, new) = (&server.app.store, key("b"));
    audit::Entity::delete_by_id(entry(&server, 3).await.id).exec(store.writer()).await.expect("a removal");
    let begin = async |old| audit::begin_anew(store, &new, &system(), "lost", old).await;
    let refused = begin(OldRecords::Keep).await.expect_err("a refusal").to_string();
    assert!(refused.contains("entry 3: an entry is missing") && refused.contains("--discard"), "{refused}");
    begin(OldRecords::Discard).await.expect("a new chain");
    let found = verify(&server, &new).await;
    assert_eq!((found.broken, found.head.position), (None, 7), "the positions go on");
    assert_eq!(server.executions().await.len(), 0);
    let left = change::Entity::find().order_by_asc(change::Column::Id).all(store.reader()).await.expect("changes");
    assert_eq!((left.len(), &left[0].after.0["discarded"]), (1, &json!(5)));
}

/// The end is cut off before the key was changed, and the rest, which only a digest proved, is made anew.
#[tokio::test]
async fn a_chain_that_ends_before_its_key_was_changed_is_not_intact() {
    let server = server().await;
    let new = key("b");
    change_key(&server, &server.audit_key(), &new).await;
    let db = server.app.store.writer();
    let last = entry(&server, 7).await.id;
    audit::Entity::delete_by_id(last).exec(db).await.expect("a removal");
    change::Entity::delete_by_id(last).exec(db).await.expect("a removal");
    audit::mark::Entity::delete_many().exec(db).await.expect("a removal");
    let found = first_invalid(&server, &new).await;
    assert_eq!(found, Some((InvalidRecord::Entry(7), "the change of the key is missing")));
}

#[tokio::test]
async fn marks_are_valid_after_a_change_of_the_key() {
    let server = server().await;
    let (former, new) = (server.audit_key(), key("b"));
    let (store, soon) = (&server.app.store, Some(Utc::now() + TimeDelta::days(1)));
    let executions_only = Horizons { executions: soon, changes: None };
    let remove = async |key: &AuditKey| {
        let current = CurrentKey::from(key.clone());
        retention::remove_older(store, &current, &system(), executions_only, |_| {}).await.expect("a removal");
        audit::link(store, &current).await.expect("a continued chain");
    };
    remove(&former).await;
    add_history(&server).await;
    let scheduled = async |key: &AuditKey| {
        let found = audit::verify_on_schedule(store, &key.clone().into()).await.expect("an answer");
        assert_eq!(found.broken, None);
        found
    };
    assert!(scheduled(&former).await.is_full);
    change_key(&server, &former, &new).await;
    assert_eq!(first_invalid(&server, &new).await, None);
    let found = scheduled(&new).await;
    assert_eq!((found.is_full, found.entries), (false, 1), "what was verified for the change is not verified again");
    remove(&new).await;
    assert_eq!(first_invalid(&server, &new).await, None);
    scheduled(&new).await;
}

/// The end is cut off below the position that a scheduled verification kept.
#[tokio::test]
async fn the_schedule_finds_that_verified_entries_are_missing() {
    let server = server().await;
    let (store, key) = (&server.app.store, server.audit_key().into());
    audit::verify_on_schedule(store, &key).await.expect("an answer");
    let last = entry(&server, 6).await.id;
    audit::Entity::delete_by_id(last).exec(store.writer()).await.expect("a removal");
    change::Entity::delete_by_id(last).exec(store.writer()).await.expect("a removal");
    let found = audit::verify_on_schedule(store, &key).await.expect("an answer").broken;
    assert_eq!(found.map(|error| error.record), Some(InvalidRecord::Mark));
    assert_eq!(first_invalid(&server, &server.audit_key()).await.map(|(record, _)| record), Some(InvalidRecord::Mark));
}

/// Before the chain is begun anew, an attacker with write access to the database makes a mark.
#[tokio::test]
async fn a_mark_from_before_does_not_let_records_be_removed_after() {
    let server = server().await;
    let (store, new) = (&server.app.store, key("b"));
    let planted = audit::Mark {
        name: audit::mark::MarkName::Executions,
        position: 1_000_000,
        entry_mac: "0".repeat(64),
        digest: None,
        made_at: Utc::now(),
        mac: "0".repeat(64),
    };
    let planted = audit::mark::ActiveModel::from(planted);
    audit::mark::Entity::insert(planted).exec_without_returning(store.writer()).await.expect("an insertion");
    audit::begin_anew(store, &new, &system(), "lost", OldRecords::Keep).await.expect("a new chain");
    assert_eq!(first_invalid(&server, &new).await, None);
    record(&server, &new.clone().into()).await.expect("an entry");
    let newest = entry(&server, 8).await.id;
    audit::remove_contents(store.writer(), [newest].into_iter()).await.expect("an update");
    change::Entity::delete_by_id(newest).exec(store.writer()).await.expect("a removal");
    assert_eq!(first_invalid(&server, &new).await, Some((InvalidRecord::Entry(8), "its content is missing")));
}

#[tokio::test]
async fn the_row_of_the_key_is_not_needed_to_recognize_it() {
    let server = server().await;
    let (store, former, new) = (&server.app.store, server.audit_key(), key("b"));
    change_key(&server, &former, &new).await;
    store.writer().execute_unprepared("DELETE FROM audit_keys").await.expect("a removal");
    assert_eq!(audit::check_key(store.reader(), &former).await, Ok(KeyCheck::Other));
    assert_eq!(audit::check_key(store.reader(), &new).await, Ok(KeyCheck::Known { first: 7 }));
    assert_eq!(first_invalid(&server, &new).await, None);
    record(&server, &new.clone().into()).await.expect("an entry");
    let refused = audit::begin_anew(store, &new, &system(), "lost", OldRecords::Keep).await;
    assert!(matches!(refused, Err(KeyChangeError::NotLost)));
}

fn write_key(path: &Path, letter: &str) {
    fs::write(path, letter.repeat(32)).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
}

/// A database with a user, and the file of its key.
fn line() -> (Line, std::path::PathBuf) {
    let line = Line::new();
    assert!(line.say_with(&["user", "add", "root", "--role", "Administrator", "--password-stdin"], "a long secret").ok);
    let file = line.folder.path().join("kommando.db.audit-key");
    (line, file)
}

#[test]
fn the_command_line_changes_the_key_beside_the_database() {
    let (line, file) = line();
    let former = fs::read_to_string(&file).expect("a key");
    let new = line.folder.path().join("new.key");
    write_key(&new, "n");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o644)).expect("a mode");
    let got = line.say(&["audit", "rekey", "--new-key-file", "new.key"]);
    assert!(!got.ok && got.err.contains("chmod 600"), "{}", got.err);
    write_key(&new, "n");
    let got = line.say(&["audit", "rekey", "--new-key-file", "new.key"]);
    assert!(got.ok && got.out.contains("2 entries were verified"), "{}{}", got.out, got.err);
    assert_eq!(fs::read_to_string(&file).expect("a key").trim(), "n".repeat(32));
    let kept = fs::read_to_string(line.folder.path().join("kommando.db.audit-key.before-3")).expect("a key");
    assert_eq!(kept, former);
    let verified = line.say(&["audit", "verify"]);
    assert!(
        verified.ok && verified.out.contains("the key was changed at entry 3 of "),
        "{}{}",
        verified.out,
        verified.err
    );
    // As after an interruption between the commit and the replacement of the file.
    fs::write(&file, &former).expect("a file");
    let got = line.say(&["audit", "verify"]);
    let place = file.display().to_string();
    assert!(
        !got.ok && got.err.contains(&place) && got.err.contains("is not the key of the audit chain"),
        "{}",
        got.err
    );
    let got = line.say(&["audit", "rekey", "--new-key-file", "new.key"]);
    assert!(got.ok && got.out.contains("the chain already has this key"), "{}{}", got.out, got.err);
    assert!(line.say_with(&["user", "set-password", "root", "--password-stdin"], "another secret").ok);
    assert!(line.say(&["audit", "verify"]).ok);
}

#[test]
fn the_command_line_begins_a_chain_anew() {
    let (line, file) = line();
    fs::remove_file(&file).expect("a key");
    let said = line.say(&["audit", "verify"]);
    assert!(!said.ok && said.err.contains("kommando help recovery"), "{}", said.err);
    let begin = ["audit", "begin-anew", "--reason", "the key was on a broken disk"];
    let got = line.say(&begin);
    assert!(!got.ok && got.err.contains("add --yes"), "{}", got.err);
    assert!(!file.exists(), "no key is made without a confirmation");
    let got = line.say(&[&begin[..], &["--yes"]].concat());
    assert!(got.ok && got.out.contains("2 entries are closed"), "{}{}", got.out, got.err);
    assert!(file.exists());
    let verified = line.say(&["audit", "verify"]);
    let told = &verified.out;
    assert!(verified.ok && told.contains("begun anew at entry 3 of ") && told.contains("broken disk"), "{told}");
    let got = line.say(&[&begin[..], &["--yes"]].concat());
    assert!(!got.ok && got.err.contains("nothing is lost"), "{}", got.err);
}

/// The error names the place of the key, in the same words everywhere.
#[test]
fn a_missing_or_another_key_is_told_in_the_same_words() {
    let (line, file) = line();
    let told = |words: &[&str]| line.say(words).err;
    let place = file.display().to_string();
    write_key(&file, "x");
    let another = format!("the key in {place} is not the key of the audit chain in this database");
    for words in [&["config", "check"][..], &["serve"], &["audit", "verify"]] {
        assert!(told(words).contains(&another), "{words:?}: {}", told(words));
    }
    fs::remove_file(&file).expect("a key");
    let missing = format!("the key of the audit chain is missing at {place}");
    for words in [&["config", "check"][..], &["serve"], &["audit", "verify"]] {
        assert!(told(words).contains(&missing), "{words:?}: {}", told(words));
    }
}
