//! Writing: a single statement, or a transaction. What it changed is told before it is done.

use std::{any::Any, ops::Deref};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions,
};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::{Changes, Connection, Journal, Unread, lock, postgres};

/// The connection that writes.
#[derive(Clone, Debug)]
pub struct Writing {
    connection: Connection,
    changes: Changes,
    journal: Journal,
}

/// A transaction that may write; on SQLite it has the write lock.
#[derive(Debug)]
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    changes: Changes,
    journal: Journal,
    /// Somebody listens, and the database writes down what changes.
    is_written_down: bool,
    /// What changed and was not told, once it was read; from then on the journal goes on with it.
    unread: Mutex<Option<Unread>>,
    /// Something that is remembered may have changed in it.
    may_change: bool,
    /// What pieces of work that share it need, which whoever gathered it knows.
    gathered: Option<Box<dyn Any + Send + Sync>>,
}

impl Writing {
    pub(super) fn new(connection: Connection, changes: Changes) -> Self {
        Self { connection, changes, journal: Journal::default() }
    }

    /// The same, with a connection that keeps this journal.
    pub(super) fn keeping(self, journal: Journal) -> Self {
        Self { journal, ..self }
    }

    pub(super) async fn begin(&self) -> Result<WriteTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.connection.begin(options).await?;
        self.journal.begin();
        Ok(WriteTransaction {
            transaction,
            changes: self.changes.clone(),
            journal: self.journal.clone(),
            is_written_down: self.writes_changes_down(),
            unread: Mutex::default(),
            may_change: true,
            gathered: None,
        })
    }

    pub(super) async fn close(self) -> Result<(), DbErr> {
        self.connection.close().await
    }

    /// Somebody listens, and the database writes down what changes.
    fn writes_changes_down(&self) -> bool {
        self.changes.is_followed() && self.connection.get_database_backend() == DbBackend::Sqlite
    }

    /// What comes of some work, unless it takes too long.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        self.connection.in_time(work).await
    }

    /// Somebody listens, and a transaction of the database knows what changes in it.
    fn notes_changes(&self) -> bool {
        self.changes.is_followed() && lock::is_shared(&self.connection)
    }

    async fn told<T>(&self, done: T) -> Result<T, DbErr> {
        if self.writes_changes_down() {
            let unread = self.changes.read(&self.connection).await?;
            self.changes.tell_read(&unread);
        }
        Ok(done)
    }
}

/// A single statement, and telling what it changed: where only a transaction knows that, in one.
macro_rules! told {
    ($self:ident.$method:ident($argument:ident)) => {{
        if $self.notes_changes() {
            let transaction = $self.begin().await?;
            let done = transaction.$method($argument).await?;
            transaction.commit().await?;
            return Ok(done);
        }
        $self.told($self.connection.$method($argument).await?).await
    }};
}

#[async_trait]
impl ConnectionTrait for Writing {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        told!(self.execute_raw(statement))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        told!(self.execute_unprepared(sql))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        told!(self.query_one_raw(statement))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        told!(self.query_all_raw(statement))
    }
}

impl WriteTransaction {
    /// Puts everything in force, and tells what that changes.
    ///
    /// # Errors
    /// The database does not answer; nothing is in force.
    pub async fn commit(self) -> Result<(), DbErr> {
        let unread = self.all_unread().await?;
        let is_noted = self.may_change && self.changes.is_followed() && lock::is_shared(&self.transaction);
        let noted = if is_noted { postgres::changes_of(&self.transaction).await? } else { Vec::new() };
        self.transaction.commit().await?;
        if let Some(unread) = &unread {
            self.changes.tell_read(unread);
        }
        noted.into_iter().for_each(|change| self.changes.tell(change));
        Ok(())
    }

    /// Nothing that is remembered was changed in it, so there is nothing to tell.
    pub(super) fn changes_nothing(&mut self) {
        self.is_written_down = false;
        self.may_change = false;
    }

    /// Takes everything back.
    ///
    /// # Errors
    /// The database does not answer; nothing is in force.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }

    /// What changed and was not told, up to now: what is remembered and not among it is what this transaction sees. Nothing
    /// where nobody follows.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn unread(&self) -> Result<Option<MappedMutexGuard<'_, Unread>>, DbErr> {
        if !self.is_written_down {
            return Ok(None);
        }
        let mut known = self.unread.lock().await;
        match (&mut *known, self.journal.take()) {
            (Some(unread), Some(touched)) => unread.note(touched),
            (Some(unread), None) => unread.read(&self.transaction).await?,
            (known, _) => *known = Some(self.changes.read(&self.transaction).await?),
        }
        Ok(MutexGuard::try_map(known, Option::as_mut).ok())
    }

    /// The same at the end, when the database has the last word.
    async fn all_unread(&self) -> Result<Option<Unread>, DbErr> {
        if !self.is_written_down {
            return Ok(None);
        }
        let mut unread = match self.unread.lock().await.take() {
            Some(mut known) => {
                known.note(self.journal.take().unwrap_or_default());
                known
            }
            None => self.changes.unread(),
        };
        unread.read(&self.transaction).await?;
        Ok(Some(unread))
    }

    /// How many rows were touched in it; counted on SQLite.
    pub(super) fn touched_rows(&self) -> u64 {
        self.journal.rows()
    }

    /// Keeps what was gathered for the pieces of work in it.
    pub fn set_gathered(&mut self, gathered: impl Any + Send + Sync) {
        self.gathered = Some(Box::new(gathered));
    }

    /// What was gathered for the pieces of work in it.
    pub fn gathered<T: Any>(&self) -> Option<&T> {
        self.gathered.as_ref()?.downcast_ref()
    }

    /// Whether SQLite ended it by itself: what is done from then on is in force at once.
    pub(super) fn is_gone(&self) -> bool {
        self.journal.is_rolled_back()
    }
}

/// A piece of work within a transaction can be taken back without the others.
impl WriteTransaction {
    pub(super) async fn begin_piece(&self) -> Result<(), DbErr> {
        self.transaction.execute_unprepared("SAVEPOINT piece").await.map(drop)
    }

    /// Keeps a piece, and begins the next one.
    pub(super) async fn keep_piece_and_begin(&self) -> Result<(), DbErr> {
        self.transaction.execute_unprepared("RELEASE piece; SAVEPOINT piece").await.map(drop)
    }

    pub(super) async fn undo_piece(&self) -> Result<(), DbErr> {
        self.transaction.execute_unprepared("ROLLBACK TO piece; RELEASE piece").await?;
        // What is known of changes may have been undone, and others may get their numbers.
        self.unread.lock().await.take();
        Ok(())
    }
}

impl Deref for WriteTransaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

#[async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.transaction.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.transaction.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.transaction.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(statement).await
    }
}
