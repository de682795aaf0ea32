//! How PostgreSQL is written to: by several transactions at once.
//!
//! What reaches one user shares a transaction with work on other users, of those whom nobody else holds: so nobody waits
//! for a user while others wait for the end of the transaction. Whatever does not fit, or fails together with others, is
//! done alone.
//!
//! Every caller is answered in the time that a request has, and what was not done by then is not done any more. What was cut
//! off in the middle of its commit may have happened or not: whoever sent it with a key finds out by sending it again.

use std::{
    mem,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::FutureExt;
use sea_orm::{DbErr, RuntimeErr};
use tokio::{
    sync::{Semaphore, SemaphorePermit, mpsc},
    time::sleep,
};
use tracing::Instrument;

use super::{Gather, Job, Ledger, QUEUE, Reach, Undone, piece::try_run};
use crate::store::{Store, WriteTransaction};

/// How many pieces of work share one at most: each takes its time, and all wait for the last.
const LARGEST_BATCH: usize = 64;
/// How often what is left of a transaction is shared again, without the piece that was to be taken back.
const SECOND_TRIES: u32 = 1;
/// How often a transaction is tried again that came into another one's way.
const RETRIES: u32 = 4;
/// How long to wait before that, longer each time.
const PAUSE: Duration = Duration::from_millis(10);

/// A way to those who write.
pub struct Many<R> {
    effects: mpsc::Sender<Box<dyn Job<R>>>,
    records: mpsc::Sender<Box<dyn Job<R>>>,
    parts: Arc<Parts<R>>,
}

struct Parts<R> {
    store: Store,
    ledger: Box<dyn Ledger<Record = R>>,
    gather: Box<dyn Gather>,
    /// For those who write alone: others go on while all of them wait for the same user.
    places: Semaphore,
    waiting: AtomicUsize,
}

/// Pieces of work that share a transaction.
struct Batch<R> {
    jobs: Vec<Box<dyn Job<R>>>,
    /// From now on what happened is not known until the database says so.
    is_committing: bool,
}

/// How pieces of work ended that were to share a transaction.
enum Ended {
    Committed,
    /// Nothing of it happened, since this one is to be taken back, or failed.
    Without(usize),
}

impl<R> Clone for Many<R> {
    fn clone(&self) -> Self {
        Self { effects: self.effects.clone(), records: self.records.clone(), parts: Arc::clone(&self.parts) }
    }
}

impl<R: Send + 'static> Many<R> {
    pub fn start(store: Store, ledger: impl Ledger<Record = R>, gather: impl Gather) -> Self {
        let places = Semaphore::new(store.width().div_ceil(2));
        let (ledger, gather) = (Box::new(ledger), Box::new(gather));
        let parts = Arc::new(Parts { store, ledger, gather, places, waiting: AtomicUsize::new(0) });
        let queue = || {
            let (queue, waiting) = mpsc::channel(QUEUE);
            tokio::spawn(keep_sharing(Arc::clone(&parts), waiting));
            queue
        };
        Self { effects: queue(), records: queue(), parts }
    }

    /// Sees to it that a piece of work is done, unless its caller stops waiting before.
    pub async fn enter(&self, job: Box<dyn Job<R>>) -> Result<(), Undone> {
        let queue = match job.reach() {
            Some(Reach::User { .. }) => &self.effects,
            None if !job.can_conflict(self.parts.ledger.as_ref()) => &self.records,
            _ => {
                self.parts.spawn_alone(job);
                return Ok(());
            }
        };
        queue.send(job).await.map_err(|_| Undone::stopped())
    }

    /// What comes of some work, unless it takes longer than a request has.
    pub async fn in_time<T>(&self, work: impl Future<Output = Result<T, Undone>>) -> Result<T, Undone> {
        self.parts.store.writer().in_time(async { Ok(work.await) }).await?
    }

    /// How many pieces of work wait to be begun.
    pub fn waiting(&self) -> usize {
        let queued = |queue: &mpsc::Sender<_>| queue.max_capacity() - queue.capacity();
        let queued = queued(&self.effects) + queued(&self.records);
        queued + self.parts.waiting.load(Relaxed)
    }
}

async fn keep_sharing<R: Send + 'static>(parts: Arc<Parts<R>>, mut waiting: mpsc::Receiver<Box<dyn Job<R>>>) {
    let mut jobs = Vec::new();
    while waiting.recv_many(&mut jobs, LARGEST_BATCH).await > 0 {
        let share = AssertUnwindSafe(parts.share(mem::take(&mut jobs)));
        if share.catch_unwind().await.is_err() {
            tracing::error!("writing panicked");
        }
    }
}

impl<R: Send + 'static> Parts<R> {
    /// Does pieces of work in one transaction, and alone what cannot be done with others.
    async fn share(self: &Arc<Self>, mut jobs: Vec<Box<dyn Job<R>>>) {
        for _ in 0..=SECOND_TRIES {
            // Whoever stopped waiting was told that it was not done.
            jobs.retain(|job| !job.is_given_up());
            if jobs.is_empty() {
                return;
            }
            let mut batch = Batch { jobs, is_committing: false };
            let end = self.store.writer().in_time(self.write_shared(&mut batch)).await;
            jobs = batch.jobs;
            let end = match end {
                Ok(Ended::Without(index)) => {
                    self.spawn_alone(jobs.swap_remove(index));
                    continue;
                }
                // One of them may be the reason. Records are taken once, so they fail together.
                Err(error)
                    if !batch.is_committing && is_of_one(&error) && jobs.iter().all(|job| job.reach().is_some()) =>
                {
                    tracing::warn!(%error, "a shared transaction was not written");
                    break;
                }
                Err(error) => Err(noted(error)),
                Ok(Ended::Committed) => Ok(()),
            };
            return jobs.into_iter().for_each(|job| job.reply(end.clone()));
        }
        jobs.into_iter().for_each(|job| self.spawn_alone(job));
    }

    async fn write_shared(self: &Arc<Self>, batch: &mut Batch<R>) -> Result<Ended, DbErr> {
        let mut transaction = self.store.begin_write().await?;
        let end = self.write_all(&mut transaction, batch).await;
        if !matches!(end, Ok(Ended::Committed)) {
            // What it held is free before anybody tries again.
            transaction.rollback().await.ok();
            return end;
        }
        batch.is_committing = true;
        transaction.commit().await?;
        fail_point!("batch-committed");
        Ok(Ended::Committed)
    }

    async fn write_all(
        self: &Arc<Self>,
        transaction: &mut WriteTransaction,
        batch: &mut Batch<R>,
    ) -> Result<Ended, DbErr> {
        let (user_ids, caller_ids): (Vec<_>, Vec<_>) = batch.jobs.iter().filter_map(|job| job.whom()).unzip();
        if user_ids.is_empty() {
            transaction.changes_nothing();
        } else {
            let held = self.gather.gather(transaction, user_ids, caller_ids).await?;
            let is_left = |job: &mut Box<dyn Job<R>>| job.whom().is_some_and(|(user_id, _)| !held.contains(&user_id));
            batch.jobs.extract_if(.., is_left).for_each(|job| self.spawn_alone(job));
            if batch.jobs.is_empty() {
                transaction.changes_nothing();
                return Ok(Ended::Committed);
            }
        }
        for (index, job) in batch.jobs.iter_mut().enumerate() {
            match try_run(transaction, job.as_mut()).await {
                Ok(true) => {}
                Err(error) if !is_of_one(&error) => return Err(error),
                Ok(false) | Err(_) => return Ok(Ended::Without(index)),
            }
        }
        transaction.end_pieces().await?;
        fail_point!("batch-changed");
        let records: Vec<_> = batch.jobs.iter_mut().filter_map(|job| job.record()).collect();
        if !records.is_empty() {
            self.ledger.write(transaction, records).await?;
        }
        fail_point!("batch-recorded");
        match batch.jobs.iter().position(|job| job.is_given_up() && job.reach().is_some()) {
            Some(index) => Ok(Ended::Without(index)),
            None => Ok(Ended::Committed),
        }
    }

    fn spawn_alone(self: &Arc<Self>, job: Box<dyn Job<R>>) {
        let span = job.span();
        tokio::spawn(Arc::clone(self).do_alone(job).instrument(span));
    }

    async fn do_alone(self: Arc<Self>, mut job: Box<dyn Job<R>>) {
        let end = self.store.writer().in_time(self.write_alone(job.as_mut())).await.map_err(noted);
        job.reply(end);
    }

    async fn write_alone(&self, job: &mut dyn Job<R>) -> Result<(), DbErr> {
        let _place = self.place().await?;
        let mut tried = 0;
        loop {
            match self.write_alone_once(job).await {
                Err(error) if tried < RETRIES && job.reach().is_some() && is_in_the_way(&error) => {
                    tried += 1;
                    sleep(PAUSE * tried).await;
                }
                end => return end,
            }
        }
    }

    async fn write_alone_once(&self, job: &mut dyn Job<R>) -> Result<(), DbErr> {
        if job.is_given_up() {
            return Ok(()); // and nobody is told so
        }
        let mut transaction = self.store.begin_write().await?;
        let is_kept = try_run(&transaction, job).await?;
        let record = job.record();
        if !is_kept {
            transaction.rollback().await?;
            if record.is_none() {
                return Ok(());
            }
            // What it leaves behind stays.
            transaction = self.store.begin_write().await?;
        }
        if !is_kept || job.reach().is_none() {
            transaction.changes_nothing();
        }
        fail_point!("batch-changed");
        if let Some(record) = record {
            self.ledger.write(&transaction, vec![record]).await?;
        }
        fail_point!("batch-recorded");
        if job.is_given_up() {
            return transaction.rollback().await;
        }
        transaction.commit().await?;
        fail_point!("batch-committed");
        Ok(())
    }

    /// A place among those who write alone.
    async fn place(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        let _waits = Waits::begin(&self.waiting);
        self.places.acquire().await.map_err(|_| DbErr::Custom("the writer has stopped".to_owned()))
    }
}

/// Somebody who waits, until this is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn noted(error: DbErr) -> Undone {
    tracing::error!(%error, "a transaction was not written");
    error.into()
}

/// It need not meet others, as the loss of the connection does.
fn is_of_one(error: &DbErr) -> bool {
    !matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_))
}

/// The database undid a transaction because of another one; on its own it may succeed.
fn is_in_the_way(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    // Serialization failure, deadlock, and a lock that was not to be had in time.
    let code = cause.as_database_error().and_then(|told| told.code());
    code.is_some_and(|code| ["40001", "40P01", "55P03"].contains(&code.as_ref()))
}
