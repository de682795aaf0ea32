//! How the end of a transaction affects the cache.

use sea_orm::ConnectionTrait;

use super::*;
use crate::store::CacheScope;
use crate::store::Store;

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
    let store = Store::open(&url).await.expect("a database");
    store.writer().execute_unprepared("CREATE TABLE notes (id INTEGER PRIMARY KEY)").await.expect("a table");
    (folder, store)
}

fn version(store: &Store, user_id: i32) -> u64 {
    store.invalidations().version(CacheScope::Users, user_id)
}

async fn count(db: &impl ConnectionTrait) -> u64 {
    let count = Statement::from_string(DbBackend::Sqlite, "SELECT count(*) FROM notes");
    let row = db.query_one_raw(count).await.expect("an answer").expect("a row");
    row.try_get_by_index::<i64>(0).expect("a number") as u64
}

async fn insert(store: &Store, touched: Touched) -> Result<(), DbErr> {
    store
        .write(move |transaction| {
            Box::pin(async move {
                transaction.execute_unprepared("INSERT INTO notes DEFAULT VALUES").await?;
                Ok(((), touched))
            })
        })
        .await
}

/// The invalidation happens before the next transaction begins, even when the client disconnected.
#[tokio::test(flavor = "multi_thread")]
async fn writes_are_invalidated_before_the_next_transaction() {
    let (_folder, store) = store().await;
    let before = version(&store, 7);
    let writes: Vec<_> = (0..50)
        .map(|_| {
            let (store, seen) = (store.clone(), store.clone());
            tokio::spawn(async move {
                let write: Result<(), DbErr> = store
                    .write(move |transaction| {
                        Box::pin(async move {
                            assert_eq!(version(&seen, 7) - before, count(transaction).await);
                            transaction.execute_unprepared("INSERT INTO notes DEFAULT VALUES").await?;
                            Ok(((), Touched::users([7])))
                        })
                    })
                    .await;
                write
            })
        })
        .collect();
    // A client that disconnects does not cancel its transaction.
    writes[7].abort();
    for (index, write) in writes.into_iter().enumerate() {
        assert!(write.await.is_ok_and(|end| end.is_ok()) || index == 7);
    }
    // The aborted write may not have begun, or may still run.
    insert(&store, Touched::users([7])).await.expect("a commit");
    assert_eq!(version(&store, 7) - before, count(store.reader()).await);
}

/// A commit with unknown result invalidates everything and renews the instance id.
#[test]
fn a_commit_in_doubt_invalidates_everything() {
    let (invalidations, instance) = (Invalidations::default(), InstanceId::random());
    let end =
        |touched| InvalidateOnDrop { invalidations: invalidations.clone(), instance: Some(instance.clone()), touched };
    let version = |id| invalidations.version(CacheScope::Users, id);
    let first = instance.current();
    drop(end(Some(Touched::users([7]))));
    assert_eq!((version(7), version(8), instance.current()), (1, 0, first.clone()));
    drop(end(None));
    assert_eq!((version(7), version(8)), (2, 1));
    assert_ne!(instance.current(), first);
}

/// The next transaction notices the writes of another process, but does not mistake its own for them.
#[tokio::test]
async fn a_transaction_notices_writes_of_other_processes() {
    let (folder, store) = store().await;
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let other = Store::open(&url).await.expect("the same database");
    insert(&store, Touched::Nothing).await.expect("a commit");
    let before = version(&store, 7);
    for _ in 0..3 {
        insert(&store, Touched::Nothing).await.expect("a commit");
        store.writer.poll().await.expect("an answer");
        assert_eq!(version(&store, 7), before, "its own commits do not count");
    }
    insert(&other, Touched::Nothing).await.expect("a commit");
    insert(&store, Touched::Nothing).await.expect("a commit");
    assert_eq!(version(&store, 7), before + 1);
    insert(&other, Touched::Nothing).await.expect("a commit");
    store.writer.poll().await.expect("an answer");
    assert_eq!(version(&store, 7), before + 2);
}

/// A new connection cannot know what was written before it was created.
#[tokio::test]
async fn a_new_connection_invalidates_everything() {
    let (_folder, store) = store().await;
    store
        .writer()
        .execute_unprepared("CREATE TABLE large (bytes BLOB); PRAGMA max_page_count = 20")
        .await
        .expect("a limit");
    let fill = || async {
        let filled: Result<(), DbErr> = store
            .write(|transaction| {
                Box::pin(async move {
                    transaction.execute_unprepared("INSERT INTO large VALUES (zeroblob(5000))").await?;
                    Ok(((), Touched::Nothing))
                })
            })
            .await;
        filled
    };
    while fill().await.is_ok() {}
    let before = version(&store, 7);
    insert(&store, Touched::Nothing).await.expect("room, on a connection without the limit");
    assert_eq!(version(&store, 7), before + 1);
}
