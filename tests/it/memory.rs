//! Rows that are answered from memory are what the database has, whoever changed it.

use std::time::Duration;

use kommando::{
    store::Store,
    users::{Memory, UserColumn, set_columns},
};
use sea_orm::{ConnectionTrait, sea_query::Expr};

use crate::harness::{ANNA, Server};

async fn rank(memory: &Memory) -> i32 {
    memory.user(ANNA).await.expect("an answer").expect("a user").user.rank
}

async fn set_rank(db: &impl ConnectionTrait, rank: i32) {
    set_columns(db, ANNA, vec![(UserColumn::Rank, Expr::value(rank))]).await.expect("a change");
}

#[tokio::test]
async fn a_statement_and_a_transaction_are_in_force_when_they_are_done() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let memory = Memory::new(store.clone());
    for rank_by_statement in [1, 3, 5] {
        set_rank(store.writer(), rank_by_statement).await;
        assert_eq!(rank(&memory).await, rank_by_statement);
        let transaction = store.begin_write().await.expect("a transaction");
        set_rank(&transaction, rank_by_statement + 1).await;
        assert_eq!(rank(&memory).await, rank_by_statement, "it is not in force yet");
        transaction.commit().await.expect("a commit");
        assert_eq!(rank(&memory).await, rank_by_statement + 1);
    }
}

/// A database that tells is not read: it is heard.
async fn hear(store: &Store, memory: &Memory, other: &Store) {
    // Until somebody listens, nothing is remembered.
    while !store.changes().is_fresh() {
        tokio::task::yield_now().await;
    }
    for told in 1..10 {
        assert_eq!(rank(memory).await, told - 1);
        set_rank(other.writer(), told).await;
        let told_in_time = async {
            while rank(memory).await != told {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(1), told_in_time).await.expect("news within a second");
    }
}

#[tokio::test]
async fn what_another_process_changes_is_read() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let memory = Memory::new(store.clone());
    let other = Store::open(&server.database.url).await.expect("the same database");
    if store.is_shared() {
        set_rank(store.writer(), 0).await;
        return hear(store, &memory, &other).await;
    }
    let read = async || {
        let unread = store.changes().read(store.reader()).await.expect("an answer");
        store.changes().tell_read(&unread);
    };
    set_rank(store.writer(), 1).await;
    assert_eq!(rank(&memory).await, 1);
    set_rank(other.writer(), 2).await;
    read().await;
    assert_eq!(rank(&memory).await, 2);
    // More than are kept, and a table made anew, both mean that everything changed.
    set_rank(other.writer(), 3).await;
    let many = "WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 10000) \
                INSERT INTO changes (topic, user_id) SELECT 'users', 4711 FROM many";
    other.writer().execute_unprepared(many).await.expect("changes of somebody else");
    read().await;
    assert_eq!(rank(&memory).await, 3);
    set_rank(other.writer(), 4).await;
    other.writer().execute_unprepared("DELETE FROM changes").await.expect("a removal");
    read().await;
    assert_eq!(rank(&memory).await, 4);
    set_rank(other.writer(), 5).await;
    read().await;
    assert_eq!(rank(&memory).await, 5);
}
