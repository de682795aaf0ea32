//! Transactions that write: begun, committed, and followed by the invalidation of what they touched, in that order and
//! without a gap.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, SqliteTransactionMode,
    Statement, TransactionOptions,
};
use tokio::{sync::OwnedMutexGuard, time::sleep};
use tracing::Instrument;

use super::{
    Connection, Invalidations, Store, Touched,
    connection::{connection_lost, timed_out},
    lock::{self, Lock},
    postgres::InstanceId,
    sqlite,
};

/// How often a transaction is tried again that another one stood in the way of.
pub(super) const RETRIES: u32 = 4;
/// How long to wait before that, longer each time.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The connections that write. On SQLite it is one, and one transaction at a time has it.
#[derive(Clone, Debug)]
pub struct WritePool {
    connection: Connection,
    invalidations: Invalidations,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Sqlite(SqliteWriter),
    Postgres(InstanceId),
}

/// The one connection that writes to an SQLite file. `data_version` tells whether another process has written.
#[derive(Clone, Debug, Default)]
pub struct SqliteWriter {
    /// Held from the beginning of a transaction until what it touched is invalidated.
    seen: Arc<tokio::sync::Mutex<Option<DataVersion>>>,
    /// How many connections were made: a version counts for the connection that told it.
    pub(super) connections: Arc<AtomicU64>,
}

/// What SQLite tells a connection of the writes of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DataVersion {
    connection: u64,
    version: i64,
}

/// A transaction that may write. On SQLite nothing else writes until it ends. It is undone when it is dropped.
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    invalidations: Invalidations,
    /// On PostgreSQL, the id under which its changes are notified.
    instance: Option<InstanceId>,
    /// A statement failed. SQLite may have ended the transaction then, and PostgreSQL has: nothing more is done in it.
    failed: Mutex<Option<DbErr>>,
    turn: Option<OwnedMutexGuard<Option<DataVersion>>>,
}

impl WritePool {
    pub(super) fn sqlite(connection: Connection, invalidations: Invalidations, writer: SqliteWriter) -> Self {
        Self { connection, invalidations, kind: Kind::Sqlite(writer) }
    }

    pub(super) fn postgres(connection: Connection, invalidations: Invalidations, instance: InstanceId) -> Self {
        Self { connection, invalidations, kind: Kind::Postgres(instance) }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) async fn begin(&self) -> Result<WriteTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let of = |transaction, instance, turn| WriteTransaction {
            transaction,
            invalidations: self.invalidations.clone(),
            instance,
            failed: Mutex::default(),
            turn,
        };
        match &self.kind {
            Kind::Postgres(instance) => {
                let transaction = self.connection.begin(options).await?;
                instance.announce(&transaction).await?;
                Ok(of(transaction, Some(instance.clone()), None))
            }
            Kind::Sqlite(writer) => {
                let locked = tokio::time::timeout(sqlite::ACQUIRE_TIMEOUT, Arc::clone(&writer.seen).lock_owned());
                let mut turn = locked.await.map_err(|_| timed_out())?;
                let transaction = self.connection.begin(options).await?;
                // From here on no other process writes.
                let began = Instant::now();
                writer.look(&transaction, &mut turn, &self.invalidations).await?;
                self.invalidations.synced(began);
                Ok(of(transaction, None, Some(turn)))
            }
        }
    }

    /// Does work in a transaction; see [`Store::write`].
    async fn write_with<T, E, F>(&self, lock: Option<Lock<'static>>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<(T, Touched), E>> + Clone + Send + 'static,
    {
        let writer = self.clone();
        let working = async move {
            let connection = writer.connection.clone();
            let written = async move {
                let mut tries = 0;
                loop {
                    let transaction = writer.begin().await?;
                    if let Some(lock) = lock {
                        // It has waited long enough, and is not tried again.
                        lock::take(&transaction, lock).await?;
                    }
                    let error = match work.clone()(&transaction).await {
                        Ok((answer, touched)) => {
                            transaction.commit(touched).await?;
                            return Ok(answer);
                        }
                        Err(error) => error,
                    };
                    let is_conflict = transaction.met_conflict();
                    transaction.rollback().await;
                    if !is_conflict || tries == RETRIES {
                        return Err(error);
                    }
                    tries += 1;
                    sleep(RETRY_PAUSE * tries).await;
                }
            };
            connection.with_timeout(async { Ok(written.await) }).await.unwrap_or_else(|late| Err(late.into()))
        };
        // What it logs belongs to the request.
        let written = tokio::spawn(working.in_current_span());
        written.await.unwrap_or_else(|panic| Err(connection_lost(io::Error::other(panic)).into()))
    }

    /// Looks whether another process wrote to the SQLite file, unless a transaction of this one is under way, which looked
    /// when it began.
    pub(super) async fn poll(&self) -> Result<(), DbErr> {
        if let Kind::Sqlite(writer) = &self.kind
            && let Ok(mut seen) = writer.seen.try_lock()
        {
            let began = Instant::now();
            writer.look(&self.connection, &mut seen, &self.invalidations).await?;
            self.invalidations.synced(began);
        }
        Ok(())
    }
}

impl SqliteWriter {
    async fn look(
        &self,
        db: &impl ConnectionTrait,
        seen: &mut Option<DataVersion>,
        invalidations: &Invalidations,
    ) -> Result<(), DbErr> {
        let version = Statement::from_string(DbBackend::Sqlite, "PRAGMA data_version");
        let row = db.query_one_raw(version).await?.ok_or_else(|| DbErr::RecordNotFound("data_version".to_owned()))?;
        let now = DataVersion { connection: self.connections.load(SeqCst), version: row.try_get_by_index(0)? };
        if seen.replace(now) != Some(now) {
            invalidations.invalidate(&Touched::Everything);
        }
        Ok(())
    }
}

impl WriteTransaction {
    /// Commits, and invalidates what was touched. Run it in a task that is not cancelled: a commit that was sent may happen
    /// later.
    ///
    /// # Errors
    /// A statement failed before, and nothing is committed; or how the commit ended is not known.
    pub(super) async fn commit(self, touched: Touched) -> Result<(), DbErr> {
        // Held until the invalidation is done.
        let _turn = self.turn;
        if let Some(error) = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.transaction.rollback().await.ok();
            return Err(error);
        }
        let mut end = CommitEnd { invalidations: self.invalidations, instance: self.instance, touched: None };
        self.transaction.commit().await?;
        end.touched = Some(touched);
        Ok(())
    }

    /// The transaction itself, for migrations.
    pub(super) fn inner(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Undoes everything.
    pub(super) async fn rollback(self) {
        // Undoing fails where the database has done so by itself.
        self.transaction.rollback().await.ok();
    }

    /// Whether it failed because of another transaction.
    pub(super) fn met_conflict(&self) -> bool {
        self.check().is_err_and(|error| is_conflict(&error))
    }

    /// The error of the statement that failed, if one did: nothing more is executed or committed.
    pub(super) fn check(&self) -> Result<(), DbErr> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    fn noted<T>(&self, end: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &end {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
        end
    }
}

/// Invalidates when it is dropped: what was touched if the commit succeeded, and otherwise everything. A new instance id
/// then makes the notification of a late commit count as one of another process.
struct CommitEnd {
    invalidations: Invalidations,
    instance: Option<InstanceId>,
    /// What was touched, once it is committed.
    touched: Option<Touched>,
}

impl Drop for CommitEnd {
    fn drop(&mut self) {
        if self.touched.is_none()
            && let Some(instance) = &self.instance
        {
            instance.renew();
        }
        self.invalidations.invalidate(&self.touched.take().unwrap_or_default());
    }
}

/// A serialization failure, a deadlock, or a lock that was not to be had in time.
fn is_conflict(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    let code = cause.as_database_error().and_then(|told| told.code());
    code.is_some_and(|code| ["40001", "40P01", "55P03"].contains(&code.as_ref()))
}

impl Store {
    /// Does `work` in a transaction, which is committed when it succeeds and undone when it fails. `work` ends by naming
    /// what it touched; what is held in memory of that is dropped before this returns.
    ///
    /// It goes on to its end when the client leaves. On PostgreSQL it is tried again when another transaction stood in the
    /// way, so `work` may run several times. Nothing in it waits for the write queue or for another transaction.
    ///
    /// # Errors
    /// Those of `work`; or the database does not answer in time.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<(T, Touched), E>> + Clone + Send + 'static,
    {
        self.writer.write_with(None, work).await
    }

    /// The connections that write, for a single statement that is run seldom.
    pub fn writer(&self) -> &WritePool {
        &self.writer
    }

    /// The same for what one process does at a time, whatever the database, and what may take its time.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_alone<T, E, F>(&self, lock: Lock<'static>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<(T, Touched), E>> + Clone + Send + 'static,
    {
        self.in_background().writer.write_with(Some(lock), work).await
    }
}

#[async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.check()?;
        self.noted(self.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.check()?;
        self.noted(self.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.check()?;
        self.noted(self.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.check()?;
        self.noted(self.transaction.query_all_raw(statement).await)
    }
}

/// A single statement is a transaction of its own, after which everything is taken for changed.
#[async_trait]
impl ConnectionTrait for WritePool {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let written = self.write_with(None, move |transaction| {
            Box::pin(async move { Ok((transaction.execute_raw(statement).await?, Touched::Everything)) })
        });
        written.await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = sql.to_owned();
        let written = self.write_with(None, move |transaction| {
            Box::pin(async move { Ok((transaction.execute_unprepared(&sql).await?, Touched::Everything)) })
        });
        written.await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let written = self.write_with(None, move |transaction| {
            Box::pin(async move { Ok((transaction.query_all_raw(statement).await?, Touched::Everything)) })
        });
        written.await
    }
}

#[cfg(test)]
mod tests;
