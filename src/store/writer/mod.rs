//! The one who writes to SQLite: takes what waits, does all of it in one transaction, and answers when that is on disk.
//!
//! A piece of work that fails takes nothing else with it. What all of them leave behind is written together at the end,
//! and the disk is synced once for all. PostgreSQL, to which several write at once, is in [`apart`].

mod apart;
mod job;
mod piece;

use std::{collections::VecDeque, fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::{mpsc, oneshot};

use self::{
    apart::Apart,
    job::{Effect, Job, Record},
    piece::{Apartness, Piece},
};
use super::{Store, WriteTransaction};
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

    /// Another process may have written what stands in the way of this record: it takes no other one with it.
    fn can_conflict(&self, _: &Self::Record) -> bool {
        false
    }
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
        let Undone(cause) = &undone;
        let trouble = Trouble::from(cause.as_ref());
        trouble.with(DbErr::Custom(undone.to_string()))
    }
}

/// A way to the one who writes.
pub struct Writer<R> {
    way: Way<R>,
}

enum Way<R> {
    /// To the one who writes for all.
    Queue(mpsc::Sender<Box<dyn Job<R>>>),
    /// Everybody writes.
    Apart(Arc<Apart<R>>),
}

impl<R> Clone for Writer<R> {
    fn clone(&self) -> Self {
        let way = match &self.way {
            Way::Queue(queue) => Way::Queue(queue.clone()),
            Way::Apart(apart) => Way::Apart(Arc::clone(apart)),
        };
        Self { way }
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
        if store.is_shared() {
            return Self { way: Way::Apart(Apart::start(store, ledger)) };
        }
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(keep_writing(store, ledger, waiting));
        Self { way: Way::Queue(queue) }
    }

    /// Does a piece of work in a transaction, and answers when its effect and its record are on disk. Where others write
    /// at the same time it may be done again from the beginning, when what it did the first time was undone.
    ///
    /// # Errors
    /// Nothing of it happened.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Undone>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>> + Clone + Send + 'static,
    {
        let queue = match &self.way {
            Way::Queue(queue) => queue,
            Way::Apart(apart) => return apart.write(work).await,
        };
        let (sender, answer) = oneshot::channel();
        enter(queue, Box::new(Effect { work, answer: None, sender })).await?;
        answer.await.map_err(|_| Undone::stopped())?
    }

    /// Writes a record that has no effect beside it, and answers when it is on disk.
    ///
    /// # Errors
    /// It was not written.
    pub async fn record(&self, record: R) -> Result<(), Undone> {
        let queue = match &self.way {
            Way::Queue(queue) => queue,
            Way::Apart(apart) => return apart.record(record).await,
        };
        let (sender, answer) = oneshot::channel();
        enter(queue, Box::new(Record { record: Some(record), sender })).await?;
        answer.await.map_err(|_| Undone::stopped())?
    }

    /// How many pieces of work wait.
    pub fn waiting(&self) -> usize {
        match &self.way {
            Way::Queue(queue) => queue.max_capacity() - queue.capacity(),
            Way::Apart(apart) => apart.waiting(),
        }
    }
}

async fn enter<R>(queue: &mpsc::Sender<Box<dyn Job<R>>>, job: Box<dyn Job<R>>) -> Result<(), Undone> {
    queue.send(job).await.map_err(|_| Undone::stopped())
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
        fail_point!("batch-committed");
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

/// How a transaction ended.
#[derive(PartialEq, Eq)]
enum Ended {
    Committed,
    /// One piece was to be taken back, and all of it was.
    TakenBack,
}

impl<R: Send + 'static> Batch<R> {
    /// Does what waits, all but what fails alone: that is answered at once. Hardly any piece is ever taken back, so at
    /// first none has a savepoint; when one would need it, everything is done again, with savepoints.
    async fn write(&mut self, store: &Store, ledger: &impl Ledger<Record = R>) -> Result<(), DbErr> {
        if self.write_once(store, ledger, Apartness::Inseparable).await? == Ended::TakenBack {
            while let Some(job) = self.done.pop() {
                self.waiting.push_front(job);
            }
            self.write_once(store, ledger, Apartness::Savepoints { is_open: false }).await?;
        }
        Ok(())
    }

    async fn write_once(
        &mut self,
        store: &Store,
        ledger: &impl Ledger<Record = R>,
        mut apartness: Apartness,
    ) -> Result<Ended, DbErr> {
        let mut transaction = store.begin_write().await?;
        let is_only_recorded = self.waiting.iter().all(|job| !job.has_effect());
        while let Some(mut job) = self.waiting.pop_front() {
            let end = if job.has_effect() { apartness.run(&transaction, job.as_mut()).await } else { Ok(Piece::Kept) };
            match end {
                Ok(Piece::Kept) => self.done.push(job),
                Ok(Piece::Failed(error)) => job.reply(Err(error)),
                Ok(Piece::Inseparable) => {
                    self.done.push(job);
                    // Undoing fails where the database has done so by itself.
                    transaction.rollback().await.ok();
                    return Ok(Ended::TakenBack);
                }
                Err(error) => {
                    self.done.push(job);
                    return Err(error);
                }
            }
        }
        fail_point!("batch-changed");
        // Only now, when nothing is done again.
        let records: Vec<_> = self.done.iter_mut().filter_map(|job| job.record()).collect();
        if !records.is_empty() {
            ledger.write(&transaction, records).await?;
        }
        fail_point!("batch-recorded");
        if is_only_recorded {
            transaction.changes_nothing();
        }
        transaction.commit().await?;
        Ok(Ended::Committed)
    }
}

#[cfg(test)]
mod tests;
