//! What goes along with a transaction that pieces of work share.

use std::any::Any;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};

/// A user whose row was written.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub user_id: i32,
    /// How often.
    pub times: u64,
    /// Their mark before anything was read of them, where others change users at the same time.
    pub mark: Option<u64>,
}

/// What the pieces of work need to know together, and the changes of users that wait, so that those of several pieces are
/// one statement.
#[async_trait]
pub trait Companion: Any + Send + Sync {
    /// Writes the changes that wait. It is done before any other statement of the transaction, and before its end.
    ///
    /// # Errors
    /// The database does not answer, or does not take one of them. They wait further: nothing can be done in this transaction
    /// but to take it back.
    async fn write(&self, transaction: &DatabaseTransaction) -> Result<(), DbErr>;
    /// How many changes were left so far.
    fn left(&self) -> u64;
    /// How many of them wait.
    fn waiting(&self) -> u64;
    /// Gives up all but the first so many changes that were left, unless one of the others was written.
    fn take_back(&self, left: u64) -> bool;
    /// Gives up what waits. What was written may be undone.
    fn undo(&self);
    /// The users whose rows were written.
    fn written(&self) -> Vec<Written>;
    /// What was written may not be all that changed.
    fn forget_written(&self);
    /// What was written of these users is in force. Each comes with the mark of what is in force from now on; see
    /// [`super::Changes::mark`].
    fn remember(&self, marks: Vec<(i32, u64)>);
}
