//! One piece of work within a transaction, and how it is taken back without the others.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use sea_orm::DbErr;

use super::{Job, Undone};
use crate::store::WriteTransaction;

/// How the pieces of a transaction are held apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apartness {
    /// Not at all: what one changed cannot be taken back alone.
    Inseparable,
    /// By savepoints. That of the last piece is closed together with the beginning of the next one, which spares a turn to
    /// the database; the end of the transaction closes the last of them.
    Savepoints { is_open: bool },
}

/// How a piece of work ended.
pub enum Piece {
    /// What it did stays, or it did nothing, or that was taken back as it wished.
    Kept,
    /// What it did was taken back.
    Failed(Undone),
    /// What it may have done is to be taken back, and cannot be without the others.
    Inseparable,
}

impl Apartness {
    /// Does a piece of work. An error is one of the whole transaction.
    pub async fn run<R>(&mut self, transaction: &WriteTransaction, job: &mut dyn Job<R>) -> Result<Piece, DbErr> {
        let is_open = match self {
            Self::Inseparable => {
                let before = transaction.progress();
                return Ok(match try_run(transaction, job).await {
                    Ok(true) => Piece::Kept,
                    Ok(false) if transaction.take_back(before) => Piece::Kept,
                    Ok(false) | Err(_) => Piece::Inseparable,
                });
            }
            Self::Savepoints { is_open } => is_open,
        };
        match is_open {
            false => transaction.begin_piece().await?,
            true => transaction.keep_piece_and_begin().await?,
        }
        let end = match try_run(transaction, job).await {
            // By itself, so that it fails by itself; and what is to be taken back as well, which asks whether it could be.
            Ok(is_kept) => transaction.write_waiting().await.map(|()| is_kept),
            end => end,
        };
        *is_open = end == Ok(true);
        if *is_open {
            return Ok(Piece::Kept);
        }
        match (transaction.undo_piece().await, end) {
            (Ok(()), Ok(_)) => Ok(Piece::Kept),
            (Ok(()), Err(error)) => Ok(Piece::Failed(error.into())),
            // What ended the whole transaction says more than that there is nothing left to undo.
            (Err(_), Err(error)) | (Err(error), Ok(_)) => Err(error),
        }
    }
}

/// Whether what the job did is to stay. A panic in one job is no reason to stop writing for all; a transaction that is gone
/// is, whatever the job made of that.
pub async fn try_run<R>(transaction: &WriteTransaction, job: &mut dyn Job<R>) -> Result<bool, DbErr> {
    let end = AssertUnwindSafe(job.run(transaction)).catch_unwind().await;
    let is_kept = end.unwrap_or_else(|_| Err(DbErr::Custom("a piece of work panicked".to_owned())))?;
    transaction.check().map(|()| is_kept)
}
