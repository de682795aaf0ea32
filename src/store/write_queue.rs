//! A queue of write jobs that share transactions: waiting jobs are committed together with one disk sync, and each
//! client gets its answer after the commit.
//!
//! Jobs are data. A [`BatchWriter`] locks, reads, decides and writes the jobs of a batch; the queue collects batches,
//! commits them and answers the clients. A batch that fails before its commit is split in halves until the failing job
//! is alone. A commit with unknown result is not retried.
//!
//! SQLite has one lane. PostgreSQL has several lanes: for jobs that only add records, for jobs that lock rows, and for
//! jobs that wait for locks and each get their own transaction.

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
use crate::error::{DbErrorKind, Error};

/// Jobs that may wait in a lane before `submit` waits.
const CAPACITY: usize = 1024;
/// Concurrent transactions per kind of lane on PostgreSQL: while one waits for the disk, the other works.
const PARALLEL_BATCHES: usize = 2;
const MAX_SQLITE_BATCH: usize = 256;
/// Smaller than for SQLite: every job needs network round trips, and all jobs wait for the last one.
const MAX_POSTGRES_BATCH: usize = 64;

/// A write job.
pub trait Job: Send + Sync + 'static {
    /// The result for the client.
    type Answer: Send;

    /// The jobs with which this job may share a transaction on PostgreSQL.
    fn lane(&self) -> Lane;
    /// Whether to write the job even if its client stopped waiting. Other jobs are then dropped, because their client
    /// already got a timeout.
    fn must_finish(&self) -> bool;
}

/// Which rows a job may change; decides whether it can share a transaction on PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The job only inserts records.
    Records,
    /// The job locks the rows of this user. Jobs for the same user never run in two transactions at once.
    Rows(i32),
    /// The job may wait long for locks, and gets its own transaction.
    Alone,
}

/// Locks, reads, decides and writes the jobs of one transaction.
#[async_trait]
pub trait BatchWriter: Send + Sync + 'static {
    type Job: Job;

    /// Writes jobs in their order. Without `waits` it skips jobs that need locks of another transaction; a skipped job
    /// has the answer `None`.
    ///
    /// # Errors
    /// A statement failed; the queue rolls back.
    async fn write(
        &self,
        transaction: &WriteTransaction,
        jobs: &[&Self::Job],
        waits: bool,
    ) -> Result<WrittenBatch<<Self::Job as Job>::Answer>, DbErr>;
}

/// The result of writing a batch.
pub struct WrittenBatch<A> {
    /// The answer of each job; `None` for skipped jobs.
    pub answers: Vec<Option<A>>,
    pub touched: Touched,
    /// Runs after commit and invalidation.
    pub on_commit: Box<dyn FnOnce() + Send>,
}

/// The job was not committed, as far as we know.
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

/// All jobs of a failed batch get the same kind of error.
impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        let kind = DbErrorKind::from(error.0.as_ref());
        kind.with(DbErr::Custom(error.to_string()))
    }
}

/// A handle to add jobs. Clones share the same queue.
pub struct WriteQueue<J: Job>(Arc<Lanes<J>>);

struct Lanes<J: Job> {
    /// On SQLite all lanes are the same channel.
    records: Vec<LaneSender<J>>,
    rows: Vec<LaneSender<J>>,
    alone: LaneSender<J>,
    /// Number of `Records` jobs so far; they use the lanes round-robin.
    added: AtomicUsize,
    /// Jobs of `Alone` that wait for a permit.
    waiting_alone: Arc<AtomicUsize>,
    /// Has the timeout of clients.
    connection: Connection,
}

type LaneSender<J> = mpsc::Sender<Queued<J>>;

/// A job with the client that waits for it.
struct Queued<J: Job> {
    job: J,
    client: oneshot::Sender<Result<J::Answer, WriteError>>,
    /// The log span of the request.
    span: Span,
}

impl<J: Job> Queued<J> {
    fn is_cancelled(&self) -> bool {
        self.client.is_closed() && !self.job.must_finish()
    }

    fn answer(self, result: Result<J::Answer, WriteError>) {
        drop(self.client.send(result)); // fails when the client stopped waiting
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
    /// Starts the queue. It runs until the last clone is dropped and all waiting jobs are written.
    pub fn start(store: Store, batches: impl BatchWriter<Job = J>) -> Self {
        let waiting_alone = Arc::default();
        let (has_multiple_writers, connection) = (store.has_multiple_writers(), store.writer().connection().clone());
        let permits = Semaphore::new(store.max_connections().div_ceil(2));
        let writer = Arc::new(QueueWriter { store, batches, permits, waiting_alone: Arc::clone(&waiting_alone) });
        let lane = |max_jobs: usize| {
            let (lane, jobs) = mpsc::channel(CAPACITY);
            tokio::spawn(Arc::clone(&writer).keep_writing(jobs, max_jobs));
            lane
        };
        let (records, rows, alone) = if has_multiple_writers {
            let lanes = || (0..PARALLEL_BATCHES).map(|_| lane(MAX_POSTGRES_BATCH)).collect();
            let (alone, jobs) = mpsc::channel(CAPACITY);
            tokio::spawn(Arc::clone(&writer).keep_writing_alone(jobs));
            (lanes(), lanes(), alone)
        } else {
            let all = lane(MAX_SQLITE_BATCH);
            (vec![all.clone()], vec![all.clone()], all)
        };
        let added = AtomicUsize::new(0);
        Self(Arc::new(Lanes { records, rows, alone, added, waiting_alone, connection }))
    }

    /// Adds a job and waits until it is committed.
    ///
    /// # Errors
    /// The job was not committed, as far as we know: it timed out, or the database failed.
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
            // `send` would make this future larger, because it holds a second copy of the job.
            let permit = lane.reserve().await.map_err(|_| WriteError::stopped())?;
            permit.send(queued);
            answer.await.map_err(|_| WriteError::stopped())?
        };
        connection.with_timeout(async { Ok(answered.await) }).await?
    }

    /// The number of waiting jobs.
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
    /// Limits the transactions of `Alone` jobs, so that connections remain for other jobs while they wait for locks.
    permits: Semaphore,
    waiting_alone: Arc<AtomicUsize>,
}

/// Why a batch was not committed.
enum NotCommitted<J: Job> {
    RolledBack {
        error: DbErr,
        is_conflict: bool,
        jobs: Vec<Queued<J>>,
    },
    /// The COMMIT failed; it may have taken effect.
    InDoubt {
        error: DbErr,
        jobs: Vec<Queued<J>>,
    },
    /// The client of one of the jobs stopped waiting before the commit.
    Cancelled {
        jobs: Vec<Queued<J>>,
    },
}

impl<B: BatchWriter> QueueWriter<B> {
    async fn keep_writing(self: Arc<Self>, mut queue: mpsc::Receiver<Queued<B::Job>>, max_jobs: usize) {
        let mut jobs = Vec::new();
        while queue.recv_many(&mut jobs, max_jobs).await > 0 {
            let written = AssertUnwindSafe(self.write(std::mem::take(&mut jobs)));
            if written.catch_unwind().await.is_err() {
                tracing::error!("the write queue panicked while writing a batch");
            }
        }
    }

    async fn keep_writing_alone(self: Arc<Self>, mut queue: mpsc::Receiver<Queued<B::Job>>) {
        while let Some(job) = queue.recv().await {
            self.spawn_alone(job);
        }
    }

    /// Writes jobs in one transaction, or in several if that fails.
    async fn write(self: &Arc<Self>, jobs: Vec<Queued<B::Job>>) {
        let mut batches = vec![jobs];
        while let Some(batch) = batches.pop() {
            match self.write_batch(batch, false).await {
                Ok(skipped) => skipped.into_iter().for_each(|job| self.spawn_alone(job)),
                Err(NotCommitted::Cancelled { jobs }) => batches.push(jobs),
                // In its own transaction each job can wait for its locks without blocking others.
                Err(NotCommitted::RolledBack { is_conflict: true, jobs, .. }) if self.store.has_multiple_writers() => {
                    jobs.into_iter().for_each(|job| self.spawn_alone(job));
                }
                Err(NotCommitted::RolledBack { error, mut jobs, .. })
                    if jobs.len() > 1 && may_concern_one_job(&error) =>
                {
                    tracing::warn!(%error, jobs = jobs.len(), "failed to write a batch; retrying it in halves");
                    let second = jobs.split_off(jobs.len() / 2);
                    batches.extend([second, jobs]);
                }
                Err(NotCommitted::RolledBack { error, jobs, .. } | NotCommitted::InDoubt { error, jobs }) => {
                    fail_all(jobs, error);
                }
            }
        }
    }

    fn spawn_alone(self: &Arc<Self>, job: Queued<B::Job>) {
        let span = job.span.clone();
        tokio::spawn(Arc::clone(self).write_alone(job).instrument(span));
    }

    /// Writes a job in its own transaction, which waits for locks.
    async fn write_alone(self: Arc<Self>, job: Queued<B::Job>) {
        let permit = {
            let _waiting = WaitingGuard::new(&self.waiting_alone);
            self.permits.acquire().await
        };
        if permit.is_err() {
            return job.answer(Err(WriteError::stopped()));
        }
        let mut jobs = vec![job];
        let mut tries = 0;
        loop {
            match self.write_batch(jobs, true).await {
                Ok(_) => return,
                Err(NotCommitted::Cancelled { jobs: again }) => jobs = again,
                Err(NotCommitted::RolledBack { is_conflict: true, jobs: again, .. }) if tries < RETRIES => {
                    jobs = again;
                    tries += 1;
                    sleep(RETRY_PAUSE * tries).await;
                }
                Err(NotCommitted::RolledBack { error, jobs, .. } | NotCommitted::InDoubt { error, jobs }) => {
                    return fail_all(jobs, error);
                }
            }
        }
    }

    /// Writes and commits a batch, and answers its clients. Returns the skipped jobs, which need locks of another
    /// transaction.
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
                let mut skipped = Vec::new();
                for (job, answer) in jobs.into_iter().zip(answers) {
                    match answer {
                        Some(answer) => job.answer(Ok(answer)),
                        None => skipped.push(job),
                    }
                }
                Ok(skipped)
            }
            Ok(None) => Err(NotCommitted::Cancelled { jobs }),
            Err(error) if is_committing => Err(NotCommitted::InDoubt { error, jobs }),
            Err(error) => Err(NotCommitted::RolledBack { error, is_conflict, jobs }),
        }
    }
}

fn fail_all<J: Job>(jobs: Vec<Queued<J>>, error: DbErr) {
    tracing::error!(%error, jobs = jobs.len(), "failed to write a transaction");
    let error = WriteError::from(error);
    jobs.into_iter().for_each(|job| job.answer(Err(error.clone())));
}

/// Whether a single job may cause the error, so that the others can succeed without it, unlike after a lost connection
/// or on a full disk.
fn may_concern_one_job(error: &DbErr) -> bool {
    matches!(DbErrorKind::from(error), DbErrorKind::Conflict | DbErrorKind::Character | DbErrorKind::Bug)
}

/// Counts a waiting job until it is dropped.
struct WaitingGuard<'a>(&'a AtomicUsize);

impl<'a> WaitingGuard<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting)
    }
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
