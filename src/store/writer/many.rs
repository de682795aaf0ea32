//! How PostgreSQL is written to: several transactions at once, in each of which goes what belongs together or does not meet.
//!
//! What reaches one user shares a transaction with work on other users, of those whom nobody else holds: so nobody waits
//! for a user while others wait for the end of the transaction. Whatever does not fit, or fails together with others, is
//! done alone.
//!
//! Everything ends in the time that a request has. What was cut off in the middle of its commit may have happened or not:
//! whoever sent it with a key finds out by sending it again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::join;
use sea_orm::{DbErr, RuntimeErr};
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit, mpsc},
    time::sleep,
};
use tracing::Instrument;

use super::{Ended, Gather, Job, Ledger, QUEUE, Reach, Undone, piece::try_run};
use crate::store::{Store, WriteTransaction};

/// How many transactions are shared at once.
const SHARED: usize = 2;
/// How many pieces of work share one at most: each takes its time, and all wait for the last.
const LARGEST_BATCH: usize = 64;
/// How often a transaction is tried again that came into another one's way.
const RETRIES: u32 = 4;
/// How long to wait before that, longer each time.
const PAUSE: Duration = Duration::from_millis(10);

/// A way to those who write.
pub struct Many<R> {
    queue: mpsc::Sender<Box<dyn Job<R>>>,
    parts: Arc<Parts<R>>,
}

struct Parts<R> {
    store: Store,
    ledger: Box<dyn Ledger<Record = R>>,
    gather: Box<dyn Gather>,
    /// Reading goes on while all of them write.
    places: Semaphore,
    waiting: AtomicUsize,
}

/// Pieces of work that share a transaction.
struct Batch<R> {
    jobs: Vec<Box<dyn Job<R>>>,
    /// Those on users whom somebody else holds.
    left: Vec<Box<dyn Job<R>>>,
    /// From now on what happened is not known until the database says so.
    is_committing: bool,
}

impl<R> Clone for Many<R> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), parts: Arc::clone(&self.parts) }
    }
}

impl<R: Send + 'static> Many<R> {
    pub fn start(store: Store, ledger: impl Ledger<Record = R>, gather: impl Gather) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let places = Semaphore::new(store.width().div_ceil(2));
        let (ledger, gather) = (Box::new(ledger), Box::new(gather));
        let parts = Arc::new(Parts { store, ledger, gather, places, waiting: AtomicUsize::new(0) });
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..SHARED {
            tokio::spawn(keep_sharing(Arc::clone(&parts), Arc::clone(&waiting)));
        }
        Self { queue, parts }
    }

    /// Sees to it that a piece of work is done. It is, too, when its caller stops waiting meanwhile.
    pub async fn enter(&self, job: Box<dyn Job<R>>) -> Result<(), Undone> {
        if job.can_share(self.parts.ledger.as_ref()) {
            return self.queue.send(job).await.map_err(|_| Undone::stopped());
        }
        self.parts.spawn_alone(job);
        Ok(())
    }

    /// What comes of some work, unless it takes longer than a request has.
    pub async fn in_time<T>(&self, work: impl Future<Output = Result<T, Undone>>) -> Result<T, Undone> {
        self.parts.store.writer().in_time(async { Ok(work.await) }).await?
    }

    /// How many pieces of work wait to be begun.
    pub fn waiting(&self) -> usize {
        self.parts.waiting.load(Relaxed) + self.queue.max_capacity() - self.queue.capacity()
    }
}

impl<R> dyn Job<R> {
    fn can_share(&self, ledger: &dyn Ledger<Record = R>) -> bool {
        match self.reach() {
            Some(reach) => matches!(reach, Reach::User { .. }),
            None => !self.can_conflict(ledger),
        }
    }
}

async fn keep_sharing<R: Send + 'static>(parts: Arc<Parts<R>>, waiting: Arc<Mutex<mpsc::Receiver<Box<dyn Job<R>>>>>) {
    loop {
        let mut jobs = Vec::new();
        if waiting.lock().await.recv_many(&mut jobs, LARGEST_BATCH).await == 0 {
            return;
        }
        // Whoever stopped waiting was told that it was not done.
        jobs.retain(|job| !job.is_given_up());
        let (effects, records) = jobs.into_iter().partition(|job| job.reach().is_some());
        join(parts.share(effects), parts.share(records)).await;
    }
}

impl<R: Send + 'static> Parts<R> {
    /// Does pieces of work in one transaction, or else each of them alone.
    async fn share(self: &Arc<Self>, jobs: Vec<Box<dyn Job<R>>>) {
        if jobs.is_empty() {
            return;
        }
        let mut batch = Batch { jobs, left: Vec::new(), is_committing: false };
        let end = self.store.writer().in_time(self.write_shared(&mut batch)).await;
        let Batch { jobs, left, is_committing } = batch;
        left.into_iter().for_each(|job| self.spawn_alone(job));
        let end = match end {
            Ok(Ended::Committed) => Ok(()),
            Ok(Ended::TakenBack) => return jobs.into_iter().for_each(|job| self.spawn_alone(job)),
            Err(error) if !is_committing && may_concern_one(&error) => {
                tracing::debug!(%error, "a shared transaction was not written");
                return jobs.into_iter().for_each(|job| self.spawn_alone(job));
            }
            Err(error) => Err(noted(error)),
        };
        jobs.into_iter().for_each(|job| job.reply(end.clone()));
    }

    async fn write_shared(&self, batch: &mut Batch<R>) -> Result<Ended, DbErr> {
        let _place = self.place().await?;
        let mut transaction = self.store.begin_write().await?;
        let (user_ids, caller_ids): (Vec<_>, Vec<_>) = batch.jobs.iter().filter_map(|job| job.whom()).unzip();
        if user_ids.is_empty() {
            transaction.changes_nothing();
        } else {
            let held = self.gather.gather(&mut transaction, user_ids, caller_ids).await?;
            let is_left = |job: &mut Box<dyn Job<R>>| job.whom().is_some_and(|(user_id, _)| !held.contains(&user_id));
            batch.left = batch.jobs.extract_if(.., is_left).collect();
        }
        for job in &mut batch.jobs {
            if !try_run(&transaction, job.as_mut()).await? {
                transaction.rollback().await?;
                return Ok(Ended::TakenBack);
            }
        }
        fail_point!("batch-changed");
        let records = batch.jobs.iter_mut().filter_map(|job| job.record()).collect();
        self.finish(transaction, records, &mut batch.is_committing).await?;
        Ok(Ended::Committed)
    }

    fn spawn_alone(self: &Arc<Self>, job: Box<dyn Job<R>>) {
        tokio::spawn(Arc::clone(self).do_alone(job).in_current_span());
    }

    async fn do_alone(self: Arc<Self>, mut job: Box<dyn Job<R>>) {
        if !job.is_given_up() {
            let end = self.store.writer().in_time(self.write_alone(job.as_mut())).await.map_err(noted);
            job.reply(end);
        }
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
        self.finish(transaction, Vec::from_iter(record), &mut false).await
    }

    /// Writes the records, and puts everything in force.
    async fn finish(
        &self,
        transaction: WriteTransaction,
        records: Vec<R>,
        is_committing: &mut bool,
    ) -> Result<(), DbErr> {
        if !records.is_empty() {
            self.ledger.write(&transaction, records).await?;
        }
        fail_point!("batch-recorded");
        *is_committing = true;
        transaction.commit().await?;
        fail_point!("batch-committed");
        Ok(())
    }

    /// A place among those who write.
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

/// On its own, or tried again, one piece of work may succeed where all of them failed.
fn may_concern_one(error: &DbErr) -> bool {
    matches!(error, DbErr::Exec(_) | DbErr::Query(_) | DbErr::Custom(_) | DbErr::RecordNotInserted)
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
