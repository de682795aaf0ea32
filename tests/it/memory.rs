//! Rows that are answered from memory are what the database has, whoever changed it.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use kommando::{
    store::{self, Settled, Store, WriteTransaction, Writer},
    users::{self, Memory, UserColumn, person, set_columns},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, sea_query::Expr};

use crate::harness::{ANNA, BJORN, Server};

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

struct NoLedger;

#[async_trait]
impl store::Ledger for NoLedger {
    type Record = ();

    async fn write(&self, _: &DatabaseTransaction, _: Vec<()>) -> Result<(), DbErr> {
        Ok(())
    }
}

/// One piece of work of many that share a transaction, by its number: whom it changes, what of them, and how it ends.
async fn piece(transaction: &WriteTransaction, memory: &Memory, number: i32) -> Result<Settled<(), ()>, DbErr> {
    let id = [ANNA, BJORN][number as usize % 2];
    // On PostgreSQL others write at the same time, and only who is held stays the same.
    users::lock(transaction, id).await?;
    let as_remembered = memory.users_within(transaction, [id, id]).await?;
    let user = users::find(transaction, id).await?.expect("a user");
    assert_eq!(as_remembered.map(|user| user.as_deref().cloned()), [Some(user.clone()), Some(user.clone())]);
    if number % 3 > 0 {
        set_columns(transaction, id, vec![(UserColumn::Rank, Expr::value(number))]).await?;
    }
    if number % 3 > 1 {
        let person = user.person.expect("a person");
        person::update(transaction, person::Model { title: format!("No. {number}"), ..person }).await?;
        memory.users_within(transaction, [id, id]).await?;
    }
    match number % 5 {
        3 => Err(DbErr::Custom("no".to_owned())),
        end => Ok(Settled { undo: end == 2, record: None, answer: () }),
    }
}

#[tokio::test]
async fn a_piece_of_a_transaction_sees_what_those_before_it_left() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let memory = Memory::new(store.clone());
    let writer = Writer::start(store.clone(), NoLedger);
    for round in 0..30 {
        // Between none and all of what one round does is taken back.
        let pieces = (0..round % 7 + 1).map(|piece_of_round| {
            let (memory, number) = (memory.clone(), round * 7 + piece_of_round);
            let work =
                writer.write(move |transaction| Box::pin(async move { piece(transaction, &memory, number).await }));
            async move { (number, work.await) }
        });
        for (number, end) in join_all(pieces).await {
            let failed = end.map_err(|undone| undone.to_string());
            assert_eq!(failed, if number % 5 == 3 { Err("undone: Custom Error: no".to_owned()) } else { Ok(()) });
        }
        for id in [ANNA, BJORN] {
            let remembered = memory.user(id).await.expect("an answer").expect("a user");
            assert_eq!(Some(&*remembered), users::find(store.reader(), id).await.expect("an answer").as_ref());
        }
    }
}
