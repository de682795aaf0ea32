//! Write transactions. After the commit, the cached rows of what a transaction touched are invalidated.

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
    Invalidations, Touched,
    connection::{Connection, connection_lost, timed_out},
    lock::{self, Lock},
    postgres::InstanceId,
    sqlite,
};

/// Retries after a conflict with another transaction.
pub(super) const RETRIES: u32 = 4;
/// Pause before the first retry; it grows with each retry.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The connections that write. SQLite has one, which one transaction at a time can use.
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

/// The one connection that writes to an SQLite file. `PRAGMA data_version` shows whether another process has written.
#[derive(Clone, Debug, Default)]
pub struct SqliteWriter {
    /// The last seen version. The lock is held from the begin of a transaction until its invalidation is done.
    last_seen: Arc<tokio::sync::Mutex<Option<DataVersion>>>,
    /// The number of connections created so far. Versions of different connections cannot be compared.
    pub(super) connections: Arc<AtomicU64>,
}

/// The result of `PRAGMA data_version` on a connection; it changes when another process commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DataVersion {
    connection: u64,
    version: i64,
}

/// A write transaction. On SQLite nothing else writes until it ends. Dropping it rolls back.
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    invalidations: Invalidations,
    /// On PostgreSQL, the id in the notifications of its changes.
    instance: Option<InstanceId>,
    /// The first error of a statement. After it nothing more is executed: PostgreSQL has aborted the transaction, and
    /// SQLite may have ended it.
    failed: Mutex<Option<DbErr>>,
    after_commit: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    sqlite_guard: Option<OwnedMutexGuard<Option<DataVersion>>>,
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
        let new_transaction = |transaction, instance, sqlite_guard| WriteTransaction {
            transaction,
            invalidations: self.invalidations.clone(),
            instance,
            failed: Mutex::default(),
            after_commit: Mutex::default(),
            sqlite_guard,
        };
        match &self.kind {
            Kind::Postgres(instance) => {
                let transaction = self.connection.begin(options).await?;
                instance.announce(&transaction).await?;
                Ok(new_transaction(transaction, Some(instance.clone()), None))
            }
            Kind::Sqlite(writer) => {
                let locked = tokio::time::timeout(sqlite::ACQUIRE_TIMEOUT, Arc::clone(&writer.last_seen).lock_owned());
                let mut guard = locked.await.map_err(|_| timed_out())?;
                let transaction = self.connection.begin(options).await?;
                // From here on no other process writes.
                let began = Instant::now();
                writer.check_data_version(&transaction, &mut guard, &self.invalidations).await?;
                self.invalidations.synced(began);
                Ok(new_transaction(transaction, None, Some(guard)))
            }
        }
    }

    /// Runs work in a transaction; see `Store::write`.
    pub(super) async fn write_with<T, E, F>(&self, lock: Option<Lock<'static>>, work: F) -> Result<T, E>
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
                        // Not retried: the lock timeout was long enough.
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
        // The task logs with the request's span.
        let written = tokio::spawn(working.in_current_span());
        written.await.unwrap_or_else(|panic| Err(connection_lost(io::Error::other(panic)).into()))
    }

    /// Checks whether another process wrote to the SQLite file. Skipped during a transaction of this process, which
    /// checked at its begin.
    pub(super) async fn poll(&self) -> Result<(), DbErr> {
        if let Kind::Sqlite(writer) = &self.kind
            && let Ok(mut last_seen) = writer.last_seen.try_lock()
        {
            let began = Instant::now();
            writer.check_data_version(&self.connection, &mut last_seen, &self.invalidations).await?;
            self.invalidations.synced(began);
        }
        Ok(())
    }
}

impl SqliteWriter {
    /// Invalidates everything when another process wrote since the last check.
    async fn check_data_version(
        &self,
        db: &impl ConnectionTrait,
        last_seen: &mut Option<DataVersion>,
        invalidations: &Invalidations,
    ) -> Result<(), DbErr> {
        let version = Statement::from_string(DbBackend::Sqlite, "PRAGMA data_version");
        let row = db.query_one_raw(version).await?.ok_or_else(|| DbErr::RecordNotFound("data_version".to_owned()))?;
        let now = DataVersion { connection: self.connections.load(SeqCst), version: row.try_get_by_index(0)? };
        if last_seen.replace(now) != Some(now) {
            invalidations.invalidate(&Touched::Everything);
        }
        Ok(())
    }
}

impl WriteTransaction {
    /// Commits, then invalidates what was touched. Run it in a task that is never cancelled: a COMMIT that was sent can
    /// still succeed.
    ///
    /// # Errors
    /// A statement failed before, and nothing is committed; or the result of the commit is unknown.
    pub(super) async fn commit(self, touched: Touched) -> Result<(), DbErr> {
        // Held until the invalidation is done.
        let _guard = self.sqlite_guard;
        if let Some(error) = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.transaction.rollback().await.ok();
            return Err(error);
        }
        let mut invalidation =
            InvalidateOnDrop { invalidations: self.invalidations, instance: self.instance, touched: None };
        self.transaction.commit().await?;
        invalidation.touched = Some(touched);
        let after_commit = self.after_commit.into_inner().unwrap_or_else(PoisonError::into_inner);
        after_commit.into_iter().for_each(|run| run());
        Ok(())
    }

    /// Runs this after a successful commit.
    pub fn after_commit(&self, run: impl FnOnce() + Send + 'static) {
        self.after_commit.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(run));
    }

    /// The transaction itself, for migrations.
    pub(super) fn inner(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    pub(super) async fn rollback(self) {
        // Fails when the database has already ended the transaction.
        self.transaction.rollback().await.ok();
    }

    /// Whether a statement failed because of another transaction.
    pub(super) fn met_conflict(&self) -> bool {
        self.check().is_err_and(|error| is_conflict(&error))
    }

    /// Returns the error of the first failed statement, if any.
    pub(super) fn check(&self) -> Result<(), DbErr> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    fn remember_error<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &result {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
        result
    }
}

/// Invalidates on drop: `touched` after a successful commit, otherwise everything. After a commit with unknown result
/// it also renews the instance id, so that a late notification of this commit counts as a change of another process.
struct InvalidateOnDrop {
    invalidations: Invalidations,
    instance: Option<InstanceId>,
    /// Set after the commit.
    touched: Option<Touched>,
}

impl Drop for InvalidateOnDrop {
    fn drop(&mut self) {
        if self.touched.is_none()
            && let Some(instance) = &self.instance
        {
            instance.renew();
        }
        self.invalidations.invalidate(&self.touched.take().unwrap_or_default());
    }
}

/// A serialization failure, a deadlock or a lock timeout.
fn is_conflict(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return false;
    };
    let code = cause.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| ["40001", "40P01", "55P03"].contains(&code.as_ref()))
}

#[async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.check()?;
        self.remember_error(self.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.check()?;
        self.remember_error(self.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.check()?;
        self.remember_error(self.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.check()?;
        self.remember_error(self.transaction.query_all_raw(statement).await)
    }
}

/// Runs each statement in its own transaction, and invalidates everything after it.
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
