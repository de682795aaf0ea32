//! How PostgreSQL is written to: each effect in a transaction of its own, several at once, and records without an effect
//! together.
//!
//! Everything ends in the time that a request has. What was cut off in the middle of its commit may have happened or not:
//! whoever sent it with a key finds out by sending it again.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::{DbErr, RuntimeErr};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::sleep,
};
use tracing::Instrument;

use super::{LARGEST_BATCH, Ledger, QUEUE, Settled, Undone};
use crate::store::{Store, WriteTransaction};

/// How often a transaction is tried again that came into another one's way.
const RETRIES: u32 = 4;
/// How long to wait before that, longer each time.
const PAUSE: Duration = Duration::from_millis(10);

/// Those who write at once, and the one who writes records together.
pub struct Apart<R> {
    store: Store,
    ledger: Arc<dyn Ledger<Record = R>>,
    places: Semaphore,
    waiting: AtomicUsize,
    records: mpsc::Sender<Waiting<R>>,
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

/// A record, with the caller who waits for it.
struct Waiting<R> {
    record: R,
    sender: oneshot::Sender<Result<(), Undone>>,
}

impl<R: Send + 'static> Apart<R> {
    pub fn start(store: Store, ledger: impl Ledger<Record = R>) -> Arc<Self> {
        let (records, waiting) = mpsc::channel(QUEUE);
        let ledger: Arc<dyn Ledger<Record = R>> = Arc::new(ledger);
        tokio::spawn(keep_recording(store.clone(), Arc::clone(&ledger), waiting));
        // Reading goes on while all of them write.
        let places = Semaphore::new(store.width().div_ceil(2));
        Arc::new(Self { store, ledger, places, waiting: AtomicUsize::new(0), records })
    }

    /// How many pieces of work wait to be begun.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed) + self.records.max_capacity() - self.records.capacity()
    }

    /// Does a piece of work, and goes on with it when the caller stops waiting.
    pub async fn write<T, F>(self: &Arc<Self>, work: F) -> Result<T, Undone>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>> + Clone + Send + 'static,
    {
        let this = Arc::clone(self);
        let written = tokio::spawn(
            async move {
                let end = this.store.writer().in_time(this.write_patiently(work)).await;
                end.inspect_err(|error| tracing::error!(%error, "a transaction was not written"))
            }
            .in_current_span(),
        );
        match written.await.map_err(|_| Undone::stopped())?? {
            (answer, None) => Ok(answer),
            // What was undone is recorded alone.
            (answer, Some(record)) => self.record(record).await.map(|()| answer),
        }
    }

    async fn write_patiently<T, F>(&self, work: F) -> Result<(T, Option<R>), DbErr>
    where
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>> + Clone,
    {
        let waiting = Waits::begin(&self.waiting);
        let _place = self.places.acquire().await.map_err(|_| DbErr::Custom("the writer has stopped".to_owned()))?;
        drop(waiting);
        let mut tried = 0;
        loop {
            match self.write_once(work.clone()).await {
                Err(error) if tried < RETRIES && is_in_the_way(&error) => {
                    tried += 1;
                    sleep(PAUSE * tried).await;
                }
                end => return end,
            }
        }
    }

    /// The answer, and the record that is still to be written because its effect was undone.
    async fn write_once<T, F>(&self, work: F) -> Result<(T, Option<R>), DbErr>
    where
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<Settled<R, T>, DbErr>>,
    {
        let transaction = self.store.begin_write().await?;
        let end = AssertUnwindSafe(work(&transaction)).catch_unwind().await;
        let settled = end.unwrap_or_else(|_| Err(DbErr::Custom("a piece of work panicked".to_owned())))?;
        if settled.undo {
            transaction.rollback().await?;
            return Ok((settled.answer, settled.record));
        }
        fail_point!("batch-changed");
        if let Some(record) = settled.record {
            self.ledger.write(&transaction, vec![record]).await?;
        }
        fail_point!("batch-recorded");
        transaction.commit().await?;
        fail_point!("batch-committed");
        Ok((settled.answer, None))
    }

    pub async fn record(&self, record: R) -> Result<(), Undone> {
        if self.ledger.can_conflict(&record) {
            let alone = write_together(&self.store, self.ledger.as_ref(), vec![record]);
            return Ok(self.store.writer().in_time(alone).await?);
        }
        let written = async {
            let (sender, answer) = oneshot::channel();
            let stopped = |_| DbErr::Custom("the writer has stopped".to_owned());
            self.records.send(Waiting { record, sender }).await.map_err(|_| stopped(()))?;
            answer.await.map_err(|_| stopped(()))
        };
        self.store.writer().in_time(written).await?
    }
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

async fn keep_recording<R: Send + 'static>(
    store: Store,
    ledger: Arc<dyn Ledger<Record = R>>,
    mut waiting: mpsc::Receiver<Waiting<R>>,
) {
    let mut taken = Vec::new();
    while waiting.recv_many(&mut taken, LARGEST_BATCH).await > 0 {
        // Whoever stopped waiting was told that it was not written.
        taken.retain(|one| !one.sender.is_closed());
        let (records, senders): (Vec<_>, Vec<_>) = taken.drain(..).map(|one| (one.record, one.sender)).unzip();
        if records.is_empty() {
            continue;
        }
        let end = store.writer().in_time(write_together(&store, ledger.as_ref(), records)).await.map_err(Undone::from);
        if let Err(error) = &end {
            tracing::error!(%error, "a batch of records was not written");
        }
        for sender in senders {
            drop(sender.send(end.clone())); // whoever stopped waiting needs no answer
        }
    }
}

async fn write_together<R: Send + 'static>(
    store: &Store,
    ledger: &dyn Ledger<Record = R>,
    records: Vec<R>,
) -> Result<(), DbErr> {
    let mut transaction = store.begin_write().await?;
    transaction.changes_nothing();
    ledger.write(&transaction, records).await?;
    fail_point!("batch-recorded");
    transaction.commit().await?;
    fail_point!("batch-committed");
    Ok(())
}
