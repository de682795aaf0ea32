//! The one who writes to SQLite: takes what waits, does all of it in one transaction, and answers when that is on disk.

use std::collections::VecDeque;

use sea_orm::DbErr;
use tokio::sync::mpsc;

use super::{
    Gather, Job, Ledger, Reach, Undone,
    piece::{Apartness, Piece},
};
use crate::store::Store;

/// How many pieces of work share a transaction at most.
const LARGEST_BATCH: usize = 256;

/// How a transaction ended.
#[derive(PartialEq, Eq)]
enum Ended {
    Committed,
    /// One piece was to be taken back, or what waited was not written, and all of it was taken back.
    TakenBack,
}

/// Writes until nobody can ask for it any more.
pub async fn keep_writing<R: Send + 'static>(
    store: Store,
    ledger: impl Ledger<Record = R>,
    gather: impl Gather,
    mut waiting: mpsc::Receiver<Box<dyn Job<R>>>,
) {
    let mut taken = Vec::new();
    while waiting.recv_many(&mut taken, LARGEST_BATCH).await > 0 {
        let mut batch = Batch { waiting: taken.drain(..).collect(), done: Vec::new() };
        let end = batch.write(&store, &ledger, &gather).await.map_err(Undone::from);
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

impl<R: Send + 'static> Batch<R> {
    /// Does what waits, all but what fails alone: that is answered at once. Hardly any piece is ever taken back, so none has
    /// a savepoint unless that is known beforehand; when one would need it, everything is done again, with savepoints.
    async fn write(
        &mut self,
        store: &Store,
        ledger: &impl Ledger<Record = R>,
        gather: &impl Gather,
    ) -> Result<(), DbErr> {
        let is_dry = self.waiting.iter().any(|job| job.reach() == Some(Reach::Nothing));
        if is_dry || self.write_once(store, ledger, gather, Apartness::Inseparable).await? == Ended::TakenBack {
            while let Some(job) = self.done.pop() {
                self.waiting.push_front(job);
            }
            self.write_once(store, ledger, gather, Apartness::Savepoints { is_open: false }).await?;
        }
        Ok(())
    }

    async fn write_once(
        &mut self,
        store: &Store,
        ledger: &impl Ledger<Record = R>,
        gather: &impl Gather,
        mut apartness: Apartness,
    ) -> Result<Ended, DbErr> {
        let mut transaction = store.begin_write().await?;
        let is_only_recorded = self.waiting.iter().all(|job| job.reach().is_none());
        if !is_only_recorded {
            gather.join(&mut transaction);
        }
        while let Some(mut job) = self.waiting.pop_front() {
            let end =
                if job.reach().is_some() { apartness.run(&transaction, job.as_mut()).await } else { Ok(Piece::Kept) };
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
        if apartness == Apartness::Inseparable && transaction.end_pieces().await.is_err() {
            transaction.rollback().await.ok();
            return Ok(Ended::TakenBack);
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
