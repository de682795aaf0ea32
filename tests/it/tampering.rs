//! An attacker who can write to the database, but does not have the audit key, alters, removes, copies and swaps rows of every table of the
//! audit chain. All of it is found, but for what `docs/operating.md` names.

use chrono::{DateTime, TimeDelta, Utc};
use kommando::executions::{
    audit::{
        self, Actor, CurrentKey, Source, anchor, change,
        mark::{self, MarkName},
        seal,
    },
    delivery, execution,
    retention::{self, Horizons},
};
use poem::http::Method;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, ConnectionTrait, EntityTrait, IdenStatic, IntoActiveModel, Iterable,
    ModelTrait, PrimaryKeyToColumn, QueryFilter, Value, sea_query::Expr,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    harness::{ANNA, BJORN, DORA, Server},
    seals,
};

/// Columns that are not covered by a MAC, because the server changes them: a delivery's progress.
const PROGRESS: [&str; 6] = ["state", "attempts", "due_at", "claimed_until", "last_error", "updated_at"];

/// A server with records of every kind, of which some were removed.
async fn server() -> Server {
    let server = Server::with_empty_chain().await;
    let store = &server.app.store;
    let change = async |text: &str| {
        let body = json!({"Tooltip": text});
        server.call(Method::PATCH, format!("/api/v1/User/{ANNA}")).by("admin").json(body).send().await;
        server.link().await;
    };
    let execute = async || {
        server.execute("admin", BJORN, "hello", None).await;
        server.link().await;
    };
    execute().await;
    change("one").await;
    execute().await;
    execute().await;
    // The first execution is removed with its entry, the next two leave their entries.
    let key = CurrentKey::from(server.audit_key());
    let removed = Horizons { executions: Some(Utc::now() + TimeDelta::days(1)), changes: None };
    retention::remove_older(store, &key, &Actor::of(Source::system()), removed, |_| {}).await.expect("a removal");
    server.link().await;
    execute().await;
    change("two").await;
    execute().await;
    seals::begin(&server).await;
    seals::post(&server, seals::webhook()).await;
    seals::post(&server, seals::webhook()).await;
    audit::verify_on_schedule(store, &key).await.expect("an answer");
    let marks = mark::list(store.reader()).await.expect("marks");
    let names: Vec<_> = marks.iter().map(|mark| mark.name).collect();
    assert!(names.contains(&MarkName::Executions) && names.contains(&MarkName::Verified), "{names:?}");
    server
}

/// The error that a verification finds. Records that are not intact can make the verification end early, never succeed.
async fn found(server: &Server) -> Option<String> {
    // Not linked before: that is the work of a server, which does not touch what it did not write.
    let verification = audit::verify(&server.app.store, &server.audit_key(), None, |_| {}).await;
    verification.expect("an answer").broken.map(|error| error.to_string())
}

/// Another value of the same type.
fn another<C: ColumnTrait>(column: C) -> Expr {
    match column.def().get_column_type() {
        ColumnType::Integer => Expr::value(DORA),
        ColumnType::BigInteger => Expr::value(4711),
        ColumnType::Uuid => Expr::value(Uuid::now_v7()),
        ColumnType::Json => Expr::value(json!({"x": 1})),
        ColumnType::TimestampWithTimeZone => Expr::value(DateTime::<Utc>::UNIX_EPOCH),
        _ => Expr::value("tampered"),
    }
}

/// Replaces all rows of a table.
async fn put<E>(server: &Server, rows: Vec<E::Model>)
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let db = server.app.store.writer();
    E::delete_many().exec(db).await.expect("a removal");
    for row in rows {
        // `Unchanged` values would not be inserted.
        let row = row.into_active_model().reset_all();
        E::insert(row).exec_without_returning(db).await.expect("an insertion");
    }
}

/// Alters, removes, copies and swaps the rows of a table. Returns what was not found.
async fn tamper<E>(server: &Server) -> Vec<String>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Clone + PartialEq,
    E::ActiveModel: Send,
{
    let (table, db) = (E::default().table_name().to_owned(), server.app.store.writer());
    let rows = E::find().all(db).await.expect("rows");
    assert!(!rows.is_empty(), "{table} is empty");
    let key = E::PrimaryKey::iter().next().expect("a key").into_column();
    let mut missed = Vec::new();
    let check = async |missed: &mut Vec<String>, what: String| {
        if found(server).await.is_none() {
            missed.push(format!("{table}: {what}"));
        }
        put::<E>(server, rows.clone()).await;
    };
    for (index, row) in rows.iter().enumerate() {
        for column in E::Column::iter() {
            let altered = another(column);
            let update = E::update_many().col_expr(column, altered).filter(key.eq(row.get(key)));
            let name = column.as_str();
            if update.exec(db).await.is_err() {
                missed.push(format!("{table}: the database refuses another {name}"));
                continue;
            }
            let is_progress = table == "webhook_deliveries" && PROGRESS.contains(&name);
            if !is_progress {
                check(&mut missed, format!("row {index} with another {name}")).await;
            }
            put::<E>(server, rows.clone()).await;
        }
        let others = rows.iter().filter(|other| *other != row).cloned().collect();
        put::<E>(server, others).await;
        check(&mut missed, format!("row {index} of {} removed", rows.len())).await;
        let mut copy = row.clone();
        match row.get(key) {
            Value::Uuid(_) => copy.set(key, Uuid::now_v7().into()),
            Value::String(_) if table == "webhook_deliveries" => copy.set(key, "another".into()),
            Value::BigInt(Some(position)) => copy.set(key, (position + 1).into()),
            _ => continue,
        }
        let copy = copy.into_active_model().reset_all();
        if E::insert(copy).exec_without_returning(db).await.is_ok() {
            check(&mut missed, format!("row {index} copied")).await;
        }
    }
    for (index, pair) in rows.windows(2).enumerate() {
        let (mut first, mut second) = (pair[0].clone(), pair[1].clone());
        let (key_of_first, key_of_second) = (first.get(key), second.get(key));
        first.set(key, key_of_second);
        second.set(key, key_of_first);
        let mut swapped = rows.clone();
        (swapped[index], swapped[index + 1]) = (second, first);
        put::<E>(server, swapped).await;
        check(&mut missed, format!("rows {index} and {} swapped", index + 1)).await;
    }
    missed
}

#[tokio::test]
async fn tampering_with_any_audited_row_is_found() {
    let server = server().await;
    assert_eq!(found(&server).await, None);
    let mut missed = Vec::new();
    missed.extend(tamper::<audit::Entity>(&server).await);
    missed.extend(tamper::<change::Entity>(&server).await);
    missed.extend(tamper::<execution::Entity>(&server).await);
    missed.extend(tamper::<seal::Entity>(&server).await);
    missed.extend(tamper::<delivery::Entity>(&server).await);
    missed.extend(tamper::<anchor::Entity>(&server).await);
    missed.extend(tamper::<mark::Entity>(&server).await);
    assert_eq!(found(&server).await, None, "everything is as it was");
    // What `docs/operating.md` says cannot be found.
    assert_eq!(
        missed,
        [
            "webhook_deliveries: row 0 of 2 removed",
            "webhook_deliveries: row 1 of 2 removed",
            "audit_marks: row 1 of 2 removed",
        ]
    );
}

/// A forged change would be shown, while the entry of its id belongs to an execution.
#[tokio::test]
async fn a_change_with_the_id_of_an_execution_is_found() {
    let server = server().await;
    let db = server.app.store.writer();
    let change = change::Entity::find().one(db).await.expect("an answer").expect("a change");
    let execution = server.executions().await[0].id;
    let forged = change::ActiveModel::from(change::Model { id: execution, ..change });
    change::Entity::insert(forged).exec_without_returning(db).await.expect("an insertion");
    assert_eq!(found(&server).await, Some(format!("change {execution}: an execution has the same id")));
}

#[tokio::test]
async fn another_value_in_the_row_of_the_key_is_found() {
    let server = server().await;
    let db = server.app.store.writer();
    for set in ["since = 5", "mac = 'tampered'"] {
        db.execute_unprepared(&format!("UPDATE audit_keys SET {set}")).await.expect("an update");
        assert_eq!(found(&server).await.as_deref(), Some("the key: the chain has another key"), "{set}");
    }
}

#[tokio::test]
async fn records_cannot_be_removed_as_if_by_retention() {
    let server = server().await;
    let db = server.app.store.writer();
    let last = server.executions().await.pop().expect("an execution");
    let newest = audit::Entity::find_by_id(server.executions().await[1].id).one(db).await.expect("an answer");
    let newest = newest.expect("an entry");
    assert_ne!(newest.id, last.id, "the last one is running");
    audit::remove_contents(db, [newest.id].into_iter()).await.expect("an update");
    execution::Entity::delete_by_id(newest.id).exec(db).await.expect("a removal");
    assert_eq!(found(&server).await, Some(format!("entry {}: its content is missing", newest.position.expect("one"))));
    let mut mark = mark::find(db, MarkName::Executions).await.expect("an answer").expect("a mark");
    mark.position += 100;
    put::<mark::Entity>(&server, vec![mark]).await;
    assert_eq!(found(&server).await.as_deref(), Some("a mark: it was changed, or the key is another one"));
}
