//! What a transaction leaves behind in memory, however it ends.

use sea_orm::ConnectionTrait;

use super::*;
use crate::store::CacheScope;

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

/// Rules 1 and 2: what is written is invalidated before the next transaction begins, and when the client left meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn each_transaction_finds_what_those_before_it_touched_invalidated() {
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
    // A client that leaves does not cancel what it began.
    writes[7].abort();
    for (index, write) in writes.into_iter().enumerate() {
        assert!(write.await.is_ok_and(|end| end.is_ok()) || index == 7);
    }
    // The one that was left may not have begun, or still go on.
    insert(&store, Touched::users([7])).await.expect("a commit");
    assert_eq!(version(&store, 7) - before, count(store.reader()).await);
}

/// Rules 1 and 6: after a commit with an unknown end, everything is taken for changed, under another id.
#[test]
fn a_commit_in_doubt_invalidates_everything() {
    let (invalidations, instance) = (Invalidations::default(), InstanceId::random());
    let end = |touched| CommitEnd { invalidations: invalidations.clone(), instance: Some(instance.clone()), touched };
    let version = |id| invalidations.version(CacheScope::Users, id);
    let first = instance.current();
    drop(end(Some(Touched::users([7]))));
    assert_eq!((version(7), version(8), instance.current()), (1, 0, first.clone()));
    drop(end(None));
    assert_eq!((version(7), version(8)), (2, 1));
    assert_ne!(instance.current(), first);
}

/// Rule 3: what another process wrote is known to the next transaction; what this one wrote is not taken for such a change.
#[tokio::test]
async fn a_transaction_looks_whether_another_process_wrote() {
    let (folder, store) = store().await;
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let other = Store::open(&url).await.expect("the same database");
    insert(&store, Touched::Nothing).await.expect("a commit");
    let before = version(&store, 7);
    for _ in 0..3 {
        insert(&store, Touched::Nothing).await.expect("a commit");
        store.writer.poll().await.expect("an answer");
        assert_eq!(version(&store, 7), before, "its own commits are no news");
    }
    insert(&other, Touched::Nothing).await.expect("a commit");
    insert(&store, Touched::Nothing).await.expect("a commit");
    assert_eq!(version(&store, 7), before + 1);
    insert(&other, Touched::Nothing).await.expect("a commit");
    store.writer.poll().await.expect("an answer");
    assert_eq!(version(&store, 7), before + 2);
}

/// Rule 4: another connection knows nothing of what was written before it was made.
#[tokio::test]
async fn a_new_connection_means_that_everything_changed() {
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
