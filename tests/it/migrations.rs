//! Migrations up, down, and from two processes at once.

use kommando::store::Store;

use crate::database::Database;

async fn applied(store: &Store) -> Vec<bool> {
    store.migrations().await.expect("an answer").iter().map(|migration| migration.applied).collect()
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    let database = Database::empty().await;
    let store = Store::open(&database.url).await.expect("a database");
    let all = applied(&store).await.len();
    assert!(all > 0);

    store.migrate_up().await.expect("up");
    assert_eq!(applied(&store).await, vec![true; all]);
    store.migrate_up().await.expect("up twice changes nothing");

    let count = u32::try_from(all).expect("a small number");
    store.migrate_down(count).await.expect("down");
    assert_eq!(applied(&store).await, vec![false; all]);

    store.migrate_up().await.expect("up again");
    assert_eq!(applied(&store).await, vec![true; all]);
}

#[tokio::test]
async fn concurrent_migrations_take_turns() {
    let database = Database::empty().await;
    let one = Store::open(&database.url).await.expect("a database");
    let other = Store::open(&database.url).await.expect("the same database");
    let (one_result, other_result) = tokio::join!(one.migrate_up(), other.migrate_up());
    one_result.expect("one");
    other_result.expect("the other");
    assert!(applied(&one).await.into_iter().all(|applied| applied));
}
