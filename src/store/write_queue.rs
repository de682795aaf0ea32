//! Jobs that share transactions: what waits is written together, with one sync of the disk, and each client is answered
//! when its job is committed.
//!
//! A job is data. A [`BatchWriter`] locks what the jobs of a batch need, reads, decides each, and writes what they change.
//! The queue knows nothing of that: it gathers batches, commits them, and answers. A batch that fails before its commit is
//! halved, until the job that fails is alone. A commit with an unknown end is not tried again.
//!
//! SQLite has one lane. PostgreSQL has several: for jobs that only add records, for jobs that lock rows, and for jobs that
//! each take a transaction of their own, since they wait for locks.

use std::{
    fmt, io,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use futures_util::FutureExt;
use sea_orm::DbErr;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::sleep,
};
use tracing::{Instrument, Span};

use super::{
    Connection, Store, Touched, WriteTransaction,
    connection::connection_lost,
    write::{RETRIES, RETRY_PAUSE},
};
use crate::error::{Error, Trouble};

/// How many jobs may wait before clients wait to add theirs.
const CAPACITY: usize = 1024;
/// How many transactions of one kind are under way at once on PostgreSQL: while one waits for the disk, another works.
const PARALLEL_BATCHES: usize = 2;
/// How many jobs share a transaction at most. On PostgreSQL each takes its time, and all wait for the last.
const LARGEST_SQLITE_BATCH: usize = 256;
const LARGEST_POSTGRES_BATCH: usize = 64;

/// Something to be written, as data.
pub trait Job: Send + Sync + 'static {
    /// What its client is told.
    type Answer: Send;

    /// What it shares a transaction with, where several processes write.
    fn lane(&self) -> Lane;
    /// It is written even if its client left, who otherwise was told that it did not happen.
    fn must_finish(&self) -> bool;
}

/// What a job shares a transaction with on PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// It only adds records.
    Records,
    /// It locks the rows of this user. Jobs on the same user are never in two transactions at once.
    Rows(i32),
    /// It waits for locks that others hold for long.
    Alone,
}

/// What locks, reads, decides and writes the jobs of one transaction.
#[async_trait]
pub trait BatchWriter: Send + Sync + 'static {
    type Job: Job;

    /// Writes jobs, in their order. When `waits` is false, what another transaction holds is left: such a job has no answer.
    ///
    /// # Errors
    /// A statement failed; the transaction is undone.
    async fn write(
        &self,
        transaction: &WriteTransaction,
        jobs: &[&Self::Job],
        waits: bool,
    ) -> Result<WrittenBatch<<Self::Job as Job>::Answer>, DbErr>;
}

/// What a batch came to.
pub struct WrittenBatch<A> {
    /// The answer of each job; none of those that are left.
    pub answers: Vec<Option<A>>,
    pub touched: Touched,
    /// What is done once all of it is committed and invalidated.
    pub on_commit: Box<dyn FnOnce() + Send>,
}

/// A job was not written, as far as is known, because the database could not do it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not written: {0}")]
pub struct WriteError(Arc<DbErr>);

impl WriteError {
    fn stopped() -> Self {
        Self::from(connection_lost(io::Error::other("the write queue has stopped")))
    }
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        Self(Arc::new(error))
    }
}

/// All jobs of a batch that was not written get the same kind of error.
impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        let kind = Trouble::from(error.0.as_ref());
        kind.with(DbErr::Custom(error.to_string()))
    }
}

/// The way to add jobs. Clones add to the same queue.
pub struct WriteQueue<J: Job>(Arc<Lanes<J>>);

struct Lanes<J: Job> {
    /// On SQLite all of them are one.
    records: Vec<LaneSender<J>>,
    rows: Vec<LaneSender<J>>,
    alone: LaneSender<J>,
    /// How many records were added: they take the lanes in turn.
    added: AtomicUsize,
    /// How many jobs wait for a transaction of their own.
    waiting_alone: Arc<AtomicUsize>,
    /// It knows how long a client waits.
    connection: Connection,
}

type LaneSender<J> = mpsc::Sender<Queued<J>>;

/// A job with the client that waits for it.
struct Queued<J: Job> {
    job: J,
    client: oneshot::Sender<Result<J::Answer, WriteError>>,
    /// What it belongs to in the log.
    span: Span,
}

impl<J: Job> Queued<J> {
    fn is_cancelled(&self) -> bool {
        self.client.is_closed() && !self.job.must_finish()
    }

    fn answer(self, end: Result<J::Answer, WriteError>) {
        drop(self.client.send(end)); // a client that left needs no answer
    }
}

impl<J: Job> fmt::Debug for WriteQueue<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteQueue")
    }
}

impl<J: Job> Clone for WriteQueue<J> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<J: Job> WriteQueue<J> {
    /// Starts writing. It goes on until the last clone is dropped and all that waits is written.
    pub fn start(store: Store, batches: impl BatchWriter<Job = J>) -> Self {
        let waiting_alone = Arc::default();
        let (is_shared, connection) = (store.is_shared(), store.writer().connection().clone());
        let places = Semaphore::new(store.width().div_ceil(2));
        let writer = Arc::new(QueueWriter { store, batches, places, waiting_alone: Arc::clone(&waiting_alone) });
        let lane = |most: usize| {
            let (lane, jobs) = mpsc::channel(CAPACITY);
            tokio::spawn(Arc::clone(&writer).keep_writing(jobs, most));
            lane
        };
        let (records, rows, alone) = if is_shared {
            let lanes = || (0..PARALLEL_BATCHES).map(|_| lane(LARGEST_POSTGRES_BATCH)).collect();
            let (alone, jobs) = mpsc::channel(CAPACITY);
            tokio::spawn(Arc::clone(&writer).keep_writing_alone(jobs));
            (lanes(), lanes(), alone)
        } else {
            let all = lane(LARGEST_SQLITE_BATCH);
            (vec![all.clone()], vec![all.clone()], all)
        };
        let added = AtomicUsize::new(0);
        Self(Arc::new(Lanes { records, rows, alone, added, waiting_alone, connection }))
    }

    /// Has a job written, and waits until it is committed.
    ///
    /// # Errors
    /// It was not written, as far as is known: its time was over, or the database could not do it.
    pub async fn submit(&self, job: J) -> Result<J::Answer, WriteError> {
        let Lanes { records, rows, alone, added, connection, .. } = &*self.0;
        let lane = match job.lane() {
            Lane::Records => &records[added.fetch_add(1, Relaxed) % records.len()],
            Lane::Rows(user_id) => &rows[user_id.unsigned_abs() as usize % rows.len()],
            Lane::Alone => alone,
        };
        let (client, answer) = oneshot::channel();
        let queued = Queued { job, client, span: Span::current() };
        let answered = async {
            // Not `send`, since its future holds the job as well.
            let place = lane.reserve().await.map_err(|_| WriteError::stopped())?;
            place.send(queued);
            answer.await.map_err(|_| WriteError::stopped())?
        };
        connection.with_timeout(async { Ok(answered.await) }).await?
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        let Lanes { records, rows, alone, waiting_alone, .. } = &*self.0;
        let queued = |lane: &LaneSender<J>| lane.max_capacity() - lane.capacity();
        let others = records.iter().chain(rows).filter(|lane| !lane.same_channel(alone));
        others.map(queued).sum::<usize>() + queued(alone) + waiting_alone.load(Relaxed)
    }
}

struct QueueWriter<B> {
    store: Store,
    batches: B,
    /// For jobs that are alone: others go on while all of them wait for the same row.
    places: Semaphore,
    waiting_alone: Arc<AtomicUsize>,
}

/// How a batch ended that was not committed.
enum NotCommitted<J: Job> {
    /// Nothing of it happened.
    Undone { error: DbErr, is_conflict: bool, jobs: Vec<Queued<J>> },
    /// It may have happened.
    InDoubt { error: DbErr, jobs: Vec<Queued<J>> },
    /// The client of one of the jobs went away before the commit.
    Cancelled { jobs: Vec<Queued<J>> },
}

impl<B: BatchWriter> QueueWriter<B> {
    async fn keep_writing(self: Arc<Self>, mut queue: mpsc::Receiver<Queued<B::Job>>, most: usize) {
        let mut jobs = Vec::new();
        while queue.recv_many(&mut jobs, most).await > 0 {
            let written = AssertUnwindSafe(self.write(std::mem::take(&mut jobs)));
            if written.catch_unwind().await.is_err() {
                tracing::error!("writing panicked");
            }
        }
    }

    async fn keep_writing_alone(self: Arc<Self>, mut queue: mpsc::Receiver<Queued<B::Job>>) {
        while let Some(job) = queue.recv().await {
            self.spawn_alone(job);
        }
    }

    /// Writes jobs in one transaction, or in as many as it takes.
    async fn write(self: &Arc<Self>, jobs: Vec<Queued<B::Job>>) {
        let mut batches = vec![jobs];
        while let Some(batch) = batches.pop() {
            match self.write_batch(batch, false).await {
                Ok(left) => left.into_iter().for_each(|job| self.spawn_alone(job)),
                Err(NotCommitted::Cancelled { jobs }) => batches.push(jobs),
                // Alone, each waits for its locks, and others go on meanwhile.
                Err(NotCommitted::Undone { is_conflict: true, jobs, .. }) if self.store.is_shared() => {
                    jobs.into_iter().for_each(|job| self.spawn_alone(job));
                }
                Err(NotCommitted::Undone { error, mut jobs, .. })
                    if jobs.len() > 1 && may_be_one_jobs_fault(&error) =>
                {
                    tracing::warn!(%error, jobs = jobs.len(), "a batch was not written, and is halved");
                    let second = jobs.split_off(jobs.len() / 2);
                    batches.extend([second, jobs]);
                }
                Err(NotCommitted::Undone { error, jobs, .. } | NotCommitted::InDoubt { error, jobs }) => {
                    answer_all(jobs, error);
                }
            }
        }
    }

    fn spawn_alone(self: &Arc<Self>, job: Queued<B::Job>) {
        let span = job.span.clone();
        tokio::spawn(Arc::clone(self).write_alone(job).instrument(span));
    }

    /// Writes a job in a transaction of its own, which waits for its locks.
    async fn write_alone(self: Arc<Self>, job: Queued<B::Job>) {
        let place = {
            let _waiting = Waiting::begin(&self.waiting_alone);
            self.places.acquire().await
        };
        if place.is_err() {
            return job.answer(Err(WriteError::stopped()));
        }
        let mut jobs = vec![job];
        let mut tries = 0;
        loop {
            match self.write_batch(jobs, true).await {
                Ok(_) => return,
                Err(NotCommitted::Cancelled { jobs: again }) => jobs = again,
                Err(NotCommitted::Undone { is_conflict: true, jobs: again, .. }) if tries < RETRIES => {
                    jobs = again;
                    tries += 1;
                    sleep(RETRY_PAUSE * tries).await;
                }
                Err(NotCommitted::Undone { error, jobs, .. } | NotCommitted::InDoubt { error, jobs }) => {
                    return answer_all(jobs, error);
                }
            }
        }
    }

    /// Writes and commits a batch, and answers its clients. Returns the jobs that are left, since another transaction holds
    /// what they need.
    async fn write_batch(
        &self,
        mut jobs: Vec<Queued<B::Job>>,
        waits: bool,
    ) -> Result<Vec<Queued<B::Job>>, NotCommitted<B::Job>> {
        jobs.retain(|job| !job.is_cancelled());
        if jobs.is_empty() {
            return Ok(jobs);
        }
        let data: Vec<_> = jobs.iter().map(|queued| &queued.job).collect();
        let mut is_committing = false;
        let mut is_conflict = false;
        let written = async {
            let transaction = self.store.writer.begin().await?;
            let written = AssertUnwindSafe(self.batches.write(&transaction, &data, waits)).catch_unwind().await;
            let written = written.unwrap_or_else(|_| Err(DbErr::Custom("a batch panicked".to_owned())));
            let written = transaction.check().and(written);
            let written = match written {
                Ok(written) => written,
                Err(error) => {
                    is_conflict = transaction.met_conflict();
                    transaction.rollback().await;
                    return Err(error);
                }
            };
            if jobs.iter().any(Queued::is_cancelled) {
                transaction.rollback().await;
                return Ok(None);
            }
            is_committing = true;
            transaction.commit(written.touched).await?;
            fail_point!("batch-committed");
            (written.on_commit)();
            Ok(Some(written.answers))
        };
        match self.store.writer.connection().with_timeout(written).await {
            Ok(Some(answers)) => {
                let mut left = Vec::new();
                for (job, answer) in jobs.into_iter().zip(answers) {
                    match answer {
                        Some(answer) => job.answer(Ok(answer)),
                        None => left.push(job),
                    }
                }
                Ok(left)
            }
            Ok(None) => Err(NotCommitted::Cancelled { jobs }),
            Err(error) if is_committing => Err(NotCommitted::InDoubt { error, jobs }),
            Err(error) => Err(NotCommitted::Undone { error, is_conflict, jobs }),
        }
    }
}

fn answer_all<J: Job>(jobs: Vec<Queued<J>>, error: DbErr) {
    tracing::error!(%error, jobs = jobs.len(), "a transaction was not written");
    let error = WriteError::from(error);
    jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
}

/// Whether one of the jobs may be the reason, so that the others can be written without it. The loss of the connection and
/// a full disk are no matter of one job.
fn may_be_one_jobs_fault(error: &DbErr) -> bool {
    matches!(Trouble::from(error), Trouble::Taken | Trouble::Character | Trouble::Ours)
}

/// A job that waits for its turn, until this is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
