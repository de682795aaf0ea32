//! Writing: a single statement, or a transaction. What it changed is told before it is done.

use std::{
    any::Any,
    io,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions,
};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::{
    Change, Changes, Companion, Connection, Journal, Topic, Unread, Written, connection::lost, lock, postgres,
};

/// The connection that writes.
#[derive(Clone, Debug)]
pub struct Writing {
    connection: Connection,
    changes: Changes,
    journal: Journal,
}

/// A transaction that may write; on SQLite it has the write lock.
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
    /// What goes along with it for the pieces of work that share it.
    companion: Option<Box<dyn Companion>>,
    /// How many rows were touched by writing what waited.
    touched_together: AtomicU64,
    /// Another statement may have changed something.
    may_have_written: AtomicBool,
}

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// How many rows were touched in it by other statements than those that write what waits; counted on SQLite.
    touched: u64,
    /// How many changes were left to wait.
    left: u64,
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
            companion: None,
            touched_together: AtomicU64::new(0),
            may_have_written: AtomicBool::new(false),
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
        self.write_waiting().await?;
        let unread = self.all_unread().await?;
        let is_noted = self.may_change && self.changes.is_followed() && lock::is_shared(&self.transaction);
        let noted = if is_noted { Some(postgres::changes_of(&self.transaction).await?) } else { None };
        let marks = match (&unread, &noted) {
            (Some(unread), _) => unread.all().map(|changes| self.marks_after(changes)),
            (_, Some(noted)) => Some(self.marks_after(&noted.changes)),
            _ => None,
        };
        let noted = noted.filter(|noted| !noted.changes.is_empty());
        let ending = noted.map(|noted| self.changes.own().begin_end(noted, &self.changes));
        self.transaction.commit().await?;
        if let Some(unread) = &unread {
            self.changes.tell_read(unread);
        }
        if let Some(ending) = ending {
            ending.tell();
        }
        if let (Some(companion), Some(marks)) = (&self.companion, marks) {
            companion.remember(marks);
        }
        Ok(())
    }

    /// The marks of users whose rows were written, once these changes are in force.
    fn marks_after(&self, changes: &[Change]) -> Vec<(i32, u64)> {
        let written = self.companion.as_ref().map_or_else(Vec::new, |companion| companion.written());
        let is_shared = lock::is_shared(&self.transaction);
        let mark = |Written { user_id, times, mark }| {
            let (mark, times) = match is_shared {
                // It notes a user once; and others may have changed what makes a user since that was read.
                true => (mark?, 1),
                false => (self.changes.mark(Topic::Users, user_id), times),
            };
            Some((user_id, Changes::mark_after(mark, changes, Topic::Users, user_id, times)?))
        };
        written.into_iter().filter_map(mark).collect()
    }

    /// Writes the changes that wait.
    ///
    /// # Errors
    /// As [`Companion::write`].
    pub(super) async fn write_waiting(&self) -> Result<(), DbErr> {
        let Some(companion) = self.companion.as_ref().filter(|companion| companion.waiting() > 0) else {
            return Ok(());
        };
        self.check()?;
        let before = self.journal.rows();
        companion.write(&self.transaction).await?;
        self.touched_together.fetch_add(self.journal.rows() - before, Relaxed);
        Ok(())
    }

    /// The pieces of work in it are done: writes the changes that wait. Whatever comes now changes no user.
    ///
    /// # Errors
    /// As [`Companion::write`].
    pub(super) async fn end_pieces(&self) -> Result<(), DbErr> {
        self.write_waiting().await?;
        // What else changed of users is known on SQLite only.
        if let Some(companion) = &self.companion
            && lock::is_shared(&self.transaction)
            && self.may_have_written.load(Relaxed)
        {
            companion.forget_written();
        }
        Ok(())
    }

    /// The transaction for this statement: what waits is written.
    async fn settled(&self, sql: &str) -> Result<&DatabaseTransaction, DbErr> {
        self.write_waiting().await?;
        if !sql.starts_with("SELECT ") {
            self.may_have_written.store(true, Relaxed);
        }
        Ok(&self.transaction)
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

    /// The transaction itself, for somebody who shares it with nobody.
    pub(super) fn alone(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// How far it has come.
    pub(super) fn progress(&self) -> Progress {
        let left = self.companion.as_ref().map_or(0, |companion| companion.left());
        Progress { touched: self.journal.rows() - self.touched_together.load(Relaxed), left }
    }

    /// Takes back what was done since, if that needs nothing of the database: whether it is taken back.
    pub(super) fn take_back(&self, since: Progress) -> bool {
        self.progress().touched == since.touched
            && self.companion.as_ref().is_none_or(|companion| companion.take_back(since.left))
    }

    /// Has something go along with it.
    pub fn accompany(&mut self, companion: impl Companion) {
        self.companion = Some(Box::new(companion));
    }

    /// What goes along with it.
    pub fn companion<T: Companion>(&self) -> Option<&T> {
        let companion: &dyn Any = self.companion.as_deref()?;
        companion.downcast_ref()
    }

    /// SQLite may end it by itself: what is done from then on would be in force at once.
    ///
    /// # Errors
    /// It did.
    pub(super) fn check(&self) -> Result<(), DbErr> {
        match self.journal.is_rolled_back() {
            true => Err(lost(io::Error::other("the database ended the transaction by itself"))),
            false => Ok(()),
        }
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
        if let Some(companion) = &self.companion {
            companion.undo();
        }
        // What is known of changes may have been undone, and others may get their numbers.
        self.unread.lock().await.take();
        Ok(())
    }
}

#[async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.settled(&statement.sql).await?.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.settled(sql).await?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.settled(&statement.sql).await?.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.settled(&statement.sql).await?.query_all_raw(statement).await
    }
}
