//! Writing: a single statement, or a transaction. What it changed is told before it is done.

use std::ops::Deref;

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions,
};

use super::{Changes, Connection, Unread, lock, postgres};

/// The connection that writes.
#[derive(Clone, Debug)]
pub struct Writing {
    connection: Connection,
    changes: Changes,
}

/// A transaction that may write; on SQLite it has the write lock.
#[derive(Debug)]
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    changes: Changes,
    /// What changed and was not told, as far as it was read; without anybody who follows nothing is.
    unread: Option<Unread>,
    /// Something that is remembered may have changed in it.
    may_change: bool,
}

impl Writing {
    pub(super) fn new(connection: Connection, changes: Changes) -> Self {
        Self { connection, changes }
    }

    pub(super) async fn begin(&self) -> Result<WriteTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.connection.begin(options).await?;
        let unread = self.writes_changes_down().then(|| self.changes.unread());
        Ok(WriteTransaction { transaction, changes: self.changes.clone(), unread, may_change: true })
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
    pub async fn commit(mut self) -> Result<(), DbErr> {
        self.read_changes("").await?;
        let is_noted = self.may_change && self.changes.is_followed() && lock::is_shared(&self.transaction);
        let noted = if is_noted { postgres::changes_of(&self.transaction).await? } else { Vec::new() };
        self.transaction.commit().await?;
        if let Some(unread) = &self.unread {
            self.changes.tell_read(unread);
        }
        noted.into_iter().for_each(|change| self.changes.tell(change));
        Ok(())
    }

    /// Nothing that is remembered was changed in it, so there is nothing to tell.
    pub(super) fn changes_nothing(&mut self) {
        self.unread = None;
        self.may_change = false;
    }

    /// Takes everything back.
    ///
    /// # Errors
    /// The database does not answer; nothing is in force.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }

    /// What changed and was not told, up to the beginning of this piece of work. What is remembered and not among it is
    /// what this transaction sees.
    pub fn unread(&self) -> Option<&Unread> {
        self.unread.as_ref()
    }

    /// Runs statements that give no rows, and reads in the same turn what changed meanwhile.
    async fn read_changes(&mut self, statements: &str) -> Result<(), DbErr> {
        match &mut self.unread {
            Some(unread) => unread.add(&self.transaction.query_all_raw(unread.query(statements)).await?),
            None if statements.is_empty() => Ok(()),
            None => self.transaction.execute_unprepared(statements).await.map(drop),
        }
    }
}

/// A piece of work within a transaction can be taken back without the others.
impl WriteTransaction {
    pub(super) async fn begin_piece(&mut self) -> Result<(), DbErr> {
        self.read_changes("SAVEPOINT piece; ").await
    }

    /// Keeps a piece, and begins the next one.
    pub(super) async fn keep_piece_and_begin(&mut self) -> Result<(), DbErr> {
        self.read_changes("RELEASE piece; SAVEPOINT piece; ").await
    }

    pub(super) async fn undo_piece(&self) -> Result<(), DbErr> {
        self.transaction.execute_unprepared("ROLLBACK TO piece; RELEASE piece").await.map(drop)
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
