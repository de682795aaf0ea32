//! How everything is written that leaves a record: pieces of work share a transaction where they can, and their callers
//! are answered when it is on disk.
//!
//! A piece of work that fails takes nothing else with it. What all of them leave behind is written together at the end of
//! the transaction, and the disk is synced once for all. SQLite has [`one`] who writes, and PostgreSQL [`many`].

mod job;
mod many;
mod one;
mod piece;

use std::{collections::HashSet, fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sea_orm::DbErr;
use tokio::sync::{mpsc, oneshot};
use tracing::Span;

use self::{
    job::{Effect, Job, Record},
    many::Many,
};
use super::{Store, WriteTransaction};
use crate::error::{Error, Trouble};

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
    async fn write(&self, transaction: &WriteTransaction, records: Vec<Self::Record>) -> Result<(), DbErr>;

    /// Another process may have written what stands in the way of this record: it takes no other one with it.
    fn can_conflict(&self, _: &Self::Record) -> bool {
        false
    }
}

/// How far a piece of work reaches, and so with what others it can share a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It changes what belongs to this user, and looks at that caller.
    User { user_id: i32, caller_id: i32 },
    /// It may change anything, and lock what others lock: where several write, it has a transaction of its own.
    Anything,
    /// It is taken back at its end, whatever comes of it.
    Nothing,
}

/// What pieces of work on several users need, got for all of them at once.
#[async_trait]
pub trait Gather: Send + Sync + 'static {
    /// Goes along with a transaction of somebody who writes alone, and so holds everybody.
    fn join(&self, transaction: &mut WriteTransaction);

    /// Holds those of the users whom nobody else holds now, and reads what the pieces will ask for. Returns the ids of
    /// those who are held.
    ///
    /// # Errors
    /// The database does not answer.
    async fn gather(
        &self,
        transaction: &mut WriteTransaction,
        user_ids: Vec<i32>,
        caller_ids: Vec<i32>,
    ) -> Result<HashSet<i32>, DbErr>;
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

/// Nothing of a piece of work happened, as far as is known, because the database could not do it.
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

/// A way to whoever writes.
pub struct Writer<R> {
    way: Way<R>,
}

enum Way<R> {
    One(mpsc::Sender<Box<dyn Job<R>>>),
    Many(Many<R>),
}

impl<R> Clone for Writer<R> {
    fn clone(&self) -> Self {
        let way = match &self.way {
            Way::One(queue) => Way::One(queue.clone()),
            Way::Many(many) => Way::Many(many.clone()),
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
    pub fn start(store: Store, ledger: impl Ledger<Record = R>, gather: impl Gather) -> Self {
        if store.is_shared() {
            return Self { way: Way::Many(Many::start(store, ledger, gather)) };
        }
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(one::keep_writing(store, ledger, gather, waiting));
        Self { way: Way::One(queue) }
    }

    /// Does a piece of work in a transaction, and answers when its effect and its record are on disk. It may be done again
    /// from the beginning, when what it did the first time was undone.
    ///
    /// # Errors
    /// Nothing of it happened; or, on PostgreSQL, the commit was cut off and may have happened.
    pub async fn write<T, F>(&self, reach: Reach, work: F) -> Result<T, Undone>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>> + Clone + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let span = Span::current();
        self.answered(Box::new(Effect { reach, work, answer: None, sender, span }), answer).await
    }

    /// Writes a record that has no effect beside it, and answers when it is on disk.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn record(&self, record: R) -> Result<(), Undone> {
        let (sender, answer) = oneshot::channel();
        self.answered(Box::new(Record { record: Some(record), sender }), answer).await
    }

    async fn answered<T>(
        &self,
        job: Box<dyn Job<R>>,
        answer: oneshot::Receiver<Result<T, Undone>>,
    ) -> Result<T, Undone> {
        let answered = async {
            match &self.way {
                Way::One(queue) => queue.send(job).await.map_err(|_| Undone::stopped())?,
                Way::Many(many) => many.enter(job).await?,
            }
            answer.await.map_err(|_| Undone::stopped())?
        };
        match &self.way {
            Way::One(_) => answered.await,
            Way::Many(many) => many.in_time(answered).await,
        }
    }

    /// How many pieces of work wait.
    pub fn waiting(&self) -> usize {
        match &self.way {
            Way::One(queue) => queue.max_capacity() - queue.capacity(),
            Way::Many(many) => many.waiting(),
        }
    }
}

#[cfg(test)]
mod tests;
