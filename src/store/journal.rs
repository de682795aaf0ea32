//! What the connection that writes to SQLite touches, as SQLite itself tells while it does.
//!
//! It spares asking after each piece of work what changed in it. The triggers write down what concerns those who
//! remember rows; where all of that is of rows of the table `users`, it is known here whom each concerns. Anything else
//! is not told in full, and is read from where the triggers wrote it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::sqlx::{
    Error, SqliteConnection,
    sqlite::{SqliteOperation, UpdateHookResult},
};

/// How many changes are told at most: whoever makes more of them at once reads them.
const MOST: usize = 1000;

/// A journal of one connection.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Touched>>);

/// What was touched since the journal was last begun.
#[derive(Debug, Default)]
struct Touched {
    /// How many rows, of any table.
    rows: u64,
    /// All of it was taken back.
    is_rolled_back: bool,
    /// The users whose row was changed or removed, in their order.
    users: Vec<i32>,
    /// The numbers of the changes that were written down, in their order.
    changes: Vec<i64>,
}

impl Journal {
    /// Has a connection tell.
    pub async fn keep(self, connection: &mut SqliteConnection) -> Result<(), Error> {
        let mut handle = connection.lock_handle().await?;
        let journal = self.clone();
        handle.set_rollback_hook(move || journal.touched().is_rolled_back = true);
        handle.set_update_hook(move |row| self.touched().add(&row));
        Ok(())
    }

    fn touched(&self) -> MutexGuard<'_, Touched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was touched.
    pub fn begin(&self) {
        *self.touched() = Touched::default();
    }

    /// How many rows were touched: more than before, and something was. Of a table that is emptied without a condition
    /// nothing is told.
    pub fn rows(&self) -> u64 {
        self.touched().rows
    }

    /// The transaction was rolled back, perhaps by SQLite itself: it does so when the disk is full, or on errors of the disk.
    pub fn is_rolled_back(&self) -> bool {
        self.touched().is_rolled_back
    }

    /// The changes that came since this was last asked, with their numbers and whom each concerns; nothing when that is
    /// not known of all.
    pub fn take(&self) -> Option<Vec<(i64, i32)>> {
        let mut touched = self.touched();
        let (numbers, users) = (std::mem::take(&mut touched.changes), std::mem::take(&mut touched.users));
        (numbers.len() == users.len() && numbers.len() < MOST).then(|| numbers.into_iter().zip(users).collect())
    }
}

impl Touched {
    fn add(&mut self, row: &UpdateHookResult<'_>) {
        self.rows += 1;
        match (row.table, &row.operation) {
            ("changes", SqliteOperation::Insert) if self.changes.len() < MOST => self.changes.push(row.rowid),
            ("users", SqliteOperation::Update | SqliteOperation::Delete) if self.users.len() < MOST => {
                self.users.push(row.rowid as i32);
            }
            _ => {}
        }
    }
}
