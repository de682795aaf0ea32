//! Rows that are answered from memory are what the database has, whoever changed it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use kommando::{
    store::{self, Reach, Settled, Store, WriteTransaction, Writer},
    users::{self, Memory, UserColumn, person, set_columns},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio::time::{sleep, timeout};

use crate::harness::{ANNA, CHRIS, Server};

async fn rank(memory: &Memory) -> i32 {
    memory.user(ANNA).await.expect("an answer").expect("a user").user.rank
}

async fn set_rank(db: &impl ConnectionTrait, rank: i32) {
    set_columns(db, ANNA, vec![(UserColumn::Rank, rank.into())]).await.expect("a change");
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

/// Until somebody listens, nothing is remembered.
async fn until_heard(store: &Store) {
    while !store.changes().is_fresh() {
        tokio::task::yield_now().await;
    }
}

/// A database that tells is not read: it is heard.
async fn hear(store: &Store, memory: &Memory, other: &Store) {
    until_heard(store).await;
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

/// Users whose work shares transactions.
const TOGETHER: [i32; 2] = [ANNA, CHRIS];

struct NoLedger;

#[async_trait]
impl store::Ledger for NoLedger {
    type Record = ();

    async fn write(&self, _: &WriteTransaction, _: Vec<()>) -> Result<(), DbErr> {
        Ok(())
    }
}

/// One piece of work of many that share a transaction.
#[derive(Clone, Copy, Debug)]
struct Piece {
    user_id: i32,
    change: Change,
    /// It asks the database, and so has everything written that waits.
    looks: bool,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    /// The rank, by one.
    Rank,
    /// The same without waiting for others.
    RankAtOnce,
    /// The same at the second go.
    RankTwice,
    RankAndTooltip,
    RankAndGroup,
    RankAndPerson,
    /// Something that the database does not take.
    Unfit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Kept,
    Undone,
    Failed,
}

impl Piece {
    fn random(random: &mut StdRng, all_are_kept: bool) -> Self {
        let change = match random.random_range(0..16) {
            0..2 => Change::Nothing,
            2..8 => Change::Rank,
            8..10 => Change::RankAtOnce,
            10 => Change::RankTwice,
            11..13 => Change::RankAndTooltip,
            13 => Change::RankAndGroup,
            14 => Change::RankAndPerson,
            _ if all_are_kept => Change::RankAndPerson,
            _ => Change::Unfit,
        };
        let end = match random.random_range(0..8) {
            _ if all_are_kept || change == Change::Unfit => End::Kept,
            0 => End::Undone,
            1 => End::Failed,
            _ => End::Kept,
        };
        Self { user_id: TOGETHER[random.random_range(0..2)], change, looks: random.random(), end }
    }

    /// Notes when it does not see what the transaction has: a panic might be no more than a reason to do it again alone.
    async fn run(
        self,
        transaction: &WriteTransaction,
        memory: &Memory,
        stale: &AtomicUsize,
    ) -> Result<Settled<(), ()>, DbErr> {
        let Self { user_id, change, looks, end } = self;
        // On PostgreSQL others write at the same time, and only who is held stays the same.
        users::lock(transaction, user_id).await?;
        let [remembered, _] = memory.users_within(transaction, [user_id; 2]).await?;
        let user = remembered.expect("a user");
        if looks {
            let there = users::find(transaction, user_id).await?;
            stale.fetch_add(usize::from(Some(user.as_ref()) != there.as_ref()), Relaxed);
        }
        let ranks = |rank: i32| vec![(UserColumn::Rank, rank.into())];
        let next = user.user.rank + 1;
        match change {
            Change::Nothing => {}
            Change::RankAtOnce => set_columns(transaction, user_id, ranks(next)).await?,
            Change::RankTwice => users::change(transaction, &user, ranks(next + 7)).await?,
            Change::Unfit => users::change(transaction, &user, vec![(UserColumn::RoleId, 4711.into())]).await?,
            _ => users::change(transaction, &user, ranks(next)).await?,
        }
        match change {
            Change::RankTwice => users::change(transaction, &user, ranks(next)).await?,
            Change::RankAndTooltip => {
                let tooltip = format!("No. {next}, it's \\ \u{1f600}").into();
                users::change(transaction, &user, vec![(UserColumn::Tooltip, tooltip)]).await?;
            }
            Change::RankAndGroup => {
                let other = 3 - user.user.user_group_id;
                users::change(transaction, &user, vec![(UserColumn::UserGroupId, other.into())]).await?;
            }
            Change::RankAndPerson => {
                let person = user.person.clone().expect("a person");
                person::update(transaction, person::Model { title: format!("No. {next}"), ..person }).await?;
            }
            _ => {}
        }
        match end {
            End::Failed => Err(DbErr::Custom("no".to_owned())),
            end => Ok(Settled { undo: end == End::Undone, record: None, answer: () }),
        }
    }

    fn raises(&self) -> bool {
        self.end == End::Kept && ![Change::Nothing, Change::Unfit].contains(&self.change)
    }
}

#[tokio::test]
async fn a_piece_of_a_transaction_sees_what_those_before_it_left() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let memory = Memory::new(store.clone());
    let writer = Writer::start(store.clone(), NoLedger, memory.clone());
    let mut random = StdRng::seed_from_u64(7);
    let stale = Arc::new(AtomicUsize::new(0));
    for round in 0..60 {
        let pieces: Vec<_> = (0..8).map(|_| Piece::random(&mut random, round % 2 == 0)).collect();
        let there = async |id: i32| users::find(store.reader(), id).await.expect("an answer").expect("a user");
        let before = join_all(TOGETHER.map(&there)).await;
        let ends = pieces.iter().map(|piece| {
            let (piece, memory, stale) = (*piece, memory.clone(), stale.clone());
            let reach = Reach::User { user_id: piece.user_id, caller_id: piece.user_id };
            writer
                .write(reach, move |transaction| Box::pin(async move { piece.run(transaction, &memory, &stale).await }))
        });
        for (piece, end) in pieces.iter().zip(join_all(ends).await) {
            let is_done = piece.end != End::Failed && piece.change != Change::Unfit;
            assert_eq!(end.is_ok(), is_done, "{end:?} of {piece:?} among {pieces:?}");
            if piece.end == End::Failed {
                assert_eq!(end.map_err(|undone| undone.to_string()), Err("undone: Custom Error: no".to_owned()));
            }
        }
        assert_eq!(stale.load(Relaxed), 0, "{pieces:?}");
        for before in before {
            let id = before.user.id;
            let raised = pieces.iter().filter(|piece| piece.user_id == id && piece.raises()).count();
            let there = there(id).await;
            assert_eq!(there.user.rank, before.user.rank + raised as i32, "{pieces:?}");
            assert_eq!(there.user.updated_at > before.user.updated_at, raised > 0);
            assert_eq!(memory.user(id).await.expect("an answer").as_deref(), Some(&there), "{pieces:?}");
        }
    }
}

#[tokio::test]
async fn whom_a_piece_changed_is_remembered_without_reading() {
    let server = Server::demo().await;
    let store = &server.app.store;
    let memory = Memory::new(store.clone());
    until_heard(store).await;
    let writer = Writer::start(store.clone(), NoLedger, memory.clone());
    let raise = |id: i32| {
        let memory = memory.clone();
        writer.write(Reach::User { user_id: id, caller_id: id }, move |transaction| {
            Box::pin(async move {
                let [_, user] = memory.users_within(transaction, [id; 2]).await?;
                users::change(transaction, &user.expect("a user"), vec![(UserColumn::Rank, 4711.into())]).await?;
                Ok(Settled { undo: false, record: None::<()>, answer: () })
            })
        })
    };
    raise(ANNA).await.expect("a change");
    store.writer().execute_unprepared("ALTER TABLE persons RENAME TO nobody").await.expect("a change");
    assert!(memory.user(CHRIS).await.is_err(), "nobody can be read");
    for _ in 0..8 {
        assert_eq!(rank(&memory).await, 4711, "also when the database tells of it once more");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_user_whom_somebody_else_holds_keeps_no_other_one_waiting() {
    let server = Server::demo().await;
    let store = &server.app.store;
    // On SQLite one writes at a time.
    if !store.is_shared() {
        return;
    }
    let held = store.begin_write().await.expect("a transaction");
    let [her, him] = TOGETHER;
    users::lock(&held, her).await.expect("a lock");
    let go_away = |id: i32| server.post(format!("/api/v1/User/{id}/CustomCommand/set-away")).by("admin").send();
    // Whoever waits for her does so for ten seconds, and more do than may write alone at once.
    let others = timeout(Duration::from_secs(5), async {
        for answer in join_all((0..40).map(|_| go_away(him))).await {
            assert_eq!(answer.body["Success"], true);
        }
        held.rollback().await.expect("an answer");
    });
    let (answers, others) = tokio::join!(join_all((0..24).map(|_| go_away(her))), others);
    assert!(others.is_ok(), "they wait, too");
    assert!(answers.iter().all(|answer| answer.body["Success"] == true), "when the user is free again");
}

/// Writes records as they are.
struct Notes;

#[async_trait]
impl store::Ledger for Notes {
    type Record = &'static str;

    async fn write(&self, transaction: &WriteTransaction, records: Vec<&'static str>) -> Result<(), DbErr> {
        for record in records {
            transaction.execute_unprepared(&format!("INSERT INTO notes VALUES ('{record}')")).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn only_what_is_written_is_answered_as_written() {
    let server = Server::demo().await;
    let store = &server.app.store;
    store.writer().execute_unprepared("CREATE TABLE notes (text TEXT)").await.expect("a table");
    let writer = Writer::start(store.clone(), Notes, Memory::new(store.clone()));
    let texts = ["one", "two", "it's no SQL", "three", "four"];
    let mut written = 0;
    for round in 0..10 {
        let records = texts.map(|text| writer.record(text));
        let reach = Reach::User { user_id: TOGETHER[round % 2], caller_id: ANNA };
        let effects = texts.map(|text| {
            writer.write(reach, move |_| {
                Box::pin(async move { Ok(Settled { undo: round == 7, record: Some(text), answer: () }) })
            })
        });
        let (records, effects) = tokio::join!(join_all(records), join_all(effects));
        written += records.iter().chain(&effects).filter(|end| end.is_ok()).count();
        let there = store
            .reader()
            .query_all_raw(Statement::from_string(store.reader().get_database_backend(), "SELECT text FROM notes"));
        assert_eq!(there.await.expect("an answer").len(), written);
    }
    assert!(writer.record("five").await.is_ok(), "the writer goes on");
}
