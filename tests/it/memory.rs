//! Rows that are answered from memory are what the database has, whoever changed it.

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

#[tokio::test]
async fn what_another_process_changes_is_read() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let memory = Memory::new(store.clone());
    let other = Store::open(&server.database_url).await.expect("the same database");
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
