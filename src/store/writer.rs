//! The one who writes: takes what waits, does all of it in one transaction, and answers when that is on disk.
//!
//! Each piece of work has a savepoint of its own, so that one that fails takes nothing else with it. What all of them
//! leave behind is written together at the end, and the disk is synced once for all.

use std::{collections::VecDeque, fmt, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::{DatabaseTransaction, DbErr, TransactionTrait};
use tokio::sync::{mpsc, oneshot};

use super::Store;
use crate::error::{Error, Trouble};

/// How many pieces of work share a transaction at most.
const LARGEST_BATCH: usize = 256;
/// How many may wait before callers wait to be let in.
const QUEUE: usize = 1024;

/// What is written at the end of each transaction.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// What a piece of work leaves behind.
    type Record: Send + 'static;

    /// Writes the records of a transaction.
    ///
    /// # Errors
    /// The database does not answer; the transaction is undone.
    async fn write(&self, transaction: &DatabaseTransaction, records: Vec<Self::Record>) -> Result<(), DbErr>;
}

/// How a piece of work ended.
#[derive(Debug)]
pub struct Settled<R, T> {
    /// Its changes are taken back; its record stays.
    pub undo: bool,
    /// What it leaves behind.
    pub record: Option<R>,
    /// What its caller is told, once all is on disk.
    pub answer: T,
}

/// Nothing of a piece of work happened, because the database could not do it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("undone: {0}")]
pub struct Undone(Arc<DbErr>);

impl Undone {
    fn stopped() -> Self {
        Self(Arc::new(DbErr::Custom("the writer has stopped".to_owned())))
    }
}

impl From<DbErr> for Undone {
    fn from(error: DbErr) -> Self {
        Self(Arc::new(error))
    }
}

/// Every piece of a batch is told the same: what kind of trouble it was, with the words of the first telling.
impl From<Undone> for Error {
    fn from(undone: Undone) -> Self {
        let told = || DbErr::Custom(undone.to_string());
        match undone.0.as_ref().into() {
            Trouble::Full => Self::StorageFull(told()),
            Trouble::Passing => Self::Unavailable(told()),
            Trouble::Ours => Self::internal(told()),
        }
    }
}

/// A way to the one who writes.
pub struct Writer<R> {
    queue: mpsc::Sender<Box<dyn Job<R>>>,
}

impl<R> Clone for Writer<R> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<R> fmt::Debug for Writer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl<R: Send + 'static> Writer<R> {
    /// Starts writing. It goes on until the last way to it is dropped and all that waits is done.
    pub fn start(store: Store, ledger: impl Ledger<Record = R>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(keep_writing(store, ledger, waiting));
        Self { queue }
    }

    /// Does a piece of work in a transaction, and answers when its effect and its record are on disk.
    ///
    /// # Errors
    /// Nothing of it happened.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Undone>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a DatabaseTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        self.enter(Box::new(Effect { work: Some(work), answer: None, sender })).await?;
        answer.await.map_err(|_| Undone::stopped())?
    }

    /// Writes a record that has no effect beside it, and answers when it is on disk.
    ///
    /// # Errors
    /// It was not written.
    pub async fn record(&self, record: R) -> Result<(), Undone> {
        let (sender, answer) = oneshot::channel();
        self.enter(Box::new(Record { record: Some(record), sender })).await?;
        answer.await.map_err(|_| Undone::stopped())?
    }

    async fn enter(&self, job: Box<dyn Job<R>>) -> Result<(), Undone> {
        self.queue.send(job).await.map_err(|_| Undone::stopped())
    }
}

/// A piece of work whose caller waits for the end of the transaction.
trait Job<R>: Send {
    /// Does the work; false takes its changes back.
    fn run<'a>(&'a mut self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, Result<bool, DbErr>>;
    /// What it leaves behind.
    fn record(&mut self) -> Option<R>;
    /// It changes something, and needs a savepoint.
    fn has_effect(&self) -> bool;
    /// Tells the caller how it ended.
    fn reply(self: Box<Self>, end: Result<(), Undone>);
}

struct Effect<R, T, F> {
    work: Option<F>,
    answer: Option<Settled<R, T>>,
    sender: oneshot::Sender<Result<T, Undone>>,
}

impl<R, T, F> Job<R> for Effect<R, T, F>
where
    R: Send,
    T: Send,
    F: for<'a> FnOnce(&'a DatabaseTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>> + Send,
{
    fn run<'a>(&'a mut self, transaction: &'a DatabaseTransaction) -> BoxFuture<'a, Result<bool, DbErr>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ok(false) };
            let settled = self.answer.insert(work(transaction).await?);
            Ok(!settled.undo)
        })
    }

    fn record(&mut self) -> Option<R> {
        self.answer.as_mut().and_then(|settled| settled.record.take())
    }

    fn has_effect(&self) -> bool {
        true
    }

    fn reply(self: Box<Self>, end: Result<(), Undone>) {
        let Self { answer, sender, .. } = *self;
        let answer = end.and_then(|()| answer.map(|settled| settled.answer).ok_or_else(Undone::stopped));
        drop(sender.send(answer)); // whoever stopped waiting needs no answer
    }
}

struct Record<R> {
    record: Option<R>,
    sender: oneshot::Sender<Result<(), Undone>>,
}

impl<R: Send> Job<R> for Record<R> {
    fn run<'a>(&'a mut self, _: &'a DatabaseTransaction) -> BoxFuture<'a, Result<bool, DbErr>> {
        Box::pin(async { Ok(true) })
    }

    fn record(&mut self) -> Option<R> {
        self.record.take()
    }

    fn has_effect(&self) -> bool {
        false
    }

    fn reply(self: Box<Self>, end: Result<(), Undone>) {
        drop(self.sender.send(end));
    }
}

async fn keep_writing<R: Send + 'static>(
    store: Store,
    ledger: impl Ledger<Record = R>,
    mut waiting: mpsc::Receiver<Box<dyn Job<R>>>,
) {
    let mut taken = Vec::new();
    while waiting.recv_many(&mut taken, LARGEST_BATCH).await > 0 {
        let mut batch = Batch { waiting: taken.drain(..).collect(), done: Vec::new() };
        let end = batch.write(&store, &ledger).await.map_err(Undone::from);
        if let Err(error) = &end {
            tracing::error!(%error, "a batch was not written");
        }
        // What was not reached shares the fate of the transaction.
        for job in batch.done.into_iter().chain(batch.waiting) {
            job.reply(end.clone());
        }
    }
}

/// What shares a transaction.
struct Batch<R> {
    waiting: VecDeque<Box<dyn Job<R>>>,
    done: Vec<Box<dyn Job<R>>>,
}

impl<R: Send + 'static> Batch<R> {
    /// Does what waits, all but what fails alone: that is answered at once.
    async fn write(&mut self, store: &Store, ledger: &impl Ledger<Record = R>) -> Result<(), DbErr> {
        let transaction = store.begin_write().await?;
        let mut records = Vec::new();
        while let Some(mut job) = self.waiting.pop_front() {
            let end = if job.has_effect() { within_savepoint(&transaction, job.as_mut()).await } else { Ok(Ok(())) };
            match end {
                Ok(Ok(())) => {
                    records.extend(job.record());
                    self.done.push(job);
                }
                Ok(Err(error)) => job.reply(Err(error)),
                Err(error) => {
                    self.done.push(job);
                    return Err(error);
                }
            }
        }
        if !records.is_empty() {
            ledger.write(&transaction, records).await?;
        }
        transaction.commit().await
    }
}

/// The inner error is the job's own; the outer one ends the whole transaction.
async fn within_savepoint<R>(
    transaction: &DatabaseTransaction,
    job: &mut dyn Job<R>,
) -> Result<Result<(), Undone>, DbErr> {
    let savepoint = transaction.begin().await?;
    // A panic in one job is no reason to stop writing for all.
    let end = AssertUnwindSafe(job.run(&savepoint)).catch_unwind().await;
    match end.unwrap_or_else(|_| Err(DbErr::Custom("a piece of work panicked".to_owned()))) {
        Ok(true) => savepoint.commit().await.map(Ok),
        Ok(false) => savepoint.rollback().await.map(Ok),
        Err(error) => savepoint.rollback().await.map(|()| Err(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;

    struct Counted;

    #[async_trait]
    impl Ledger for Counted {
        type Record = &'static str;

        async fn write(&self, transaction: &DatabaseTransaction, records: Vec<&'static str>) -> Result<(), DbErr> {
            for record in records {
                transaction.execute_unprepared(&format!("INSERT INTO notes VALUES ('{record}')")).await?;
            }
            Ok(())
        }
    }

    async fn writer() -> (tempfile::TempDir, Store, Writer<&'static str>) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let store = Store::open(&url).await.expect("a database");
        store.writer().execute_unprepared("CREATE TABLE notes (text TEXT)").await.expect("a table");
        let writer = Writer::start(store.clone(), Counted);
        (folder, store, writer)
    }

    async fn notes(store: &Store) -> i64 {
        let counted = "SELECT count(*) AS n FROM notes";
        let row = store.reader().query_one_raw(Statement::from_string(DbBackend::Sqlite, counted)).await;
        row.expect("an answer").expect("a row").try_get("", "n").expect("a number")
    }

    /// Notes `text`, then does what `end` says.
    async fn note(
        writer: &Writer<&'static str>,
        text: &'static str,
        end: fn() -> Result<Settled<&'static str, ()>, DbErr>,
    ) -> Result<(), Undone> {
        let work = writer.write(move |transaction| {
            Box::pin(async move {
                transaction.execute_unprepared(&format!("INSERT INTO notes VALUES ('{text}')")).await?;
                end()
            })
        });
        work.await
    }

    #[tokio::test]
    async fn what_is_undone_keeps_its_record_and_what_fails_takes_nothing_else_with_it() {
        let (_folder, store, writer) = writer().await;
        let kept = || Ok(Settled { undo: false, record: Some("record"), answer: () });
        let undone = || Ok(Settled { undo: true, record: Some("record"), answer: () });
        let fails = || Err(DbErr::Custom("no".to_owned()));
        let panics = || panic!("at the worst moment");
        let (one, two, three, four, five) = tokio::join!(
            note(&writer, "kept", kept),
            note(&writer, "undone", undone),
            note(&writer, "fails", fails),
            note(&writer, "panics", panics),
            writer.record("alone"),
        );
        assert!(one.is_ok() && two.is_ok() && three.is_err() && four.is_err() && five.is_ok());
        // One effect and three records.
        assert_eq!(notes(&store).await, 4);
        assert!(note(&writer, "after", kept).await.is_ok(), "the writer goes on");
    }

    #[tokio::test]
    async fn nothing_is_answered_as_written_when_the_records_cannot_be() {
        let (_folder, store, writer) = writer().await;
        let record = || Ok(Settled { undo: false, record: Some("it's no SQL"), answer: () });
        let (one, two) = tokio::join!(note(&writer, "effect", record), writer.record("record"));
        assert!(one.is_err());
        assert_eq!(notes(&store).await, i64::from(two.is_ok()), "no effect without its record");
    }
}
