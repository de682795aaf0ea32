//! The open database with its connection pools.

use std::{path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, IsolationLevel, TransactionOptions};

use super::{
    connection::{Connection, PoolStats},
    file_lock::FileLock,
    invalidation::{Invalidations, Touched},
    lock::Lock,
    postgres::{self, InstanceId, RequestLimits},
    sqlite,
    url::{self, UrlError},
    write::{SqliteWriter, WritePool, WriteTransaction},
};

/// An open database.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) reader: Connection,
    pub(super) writer: WritePool,
    pub(super) background: Connection,
    pub(super) invalidations: Invalidations,
    /// Identifies this process in PostgreSQL notifications.
    pub(super) instance: Option<InstanceId>,
    max_connections: u32,
    /// The file of an SQLite database.
    pub(super) file: Option<PathBuf>,
    /// The lock on that file, if this process holds it.
    pub(super) file_lock: Option<Arc<FileLock>>,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("failed to open the database; check KOMMANDO_DATABASE_URL and the permissions of the file and its folder")]
    File(#[source] DbErr),
    #[error(
        "failed to connect to the database; check that PostgreSQL runs where KOMMANDO_DATABASE_URL says, and the user, \
         password and database name in it"
    )]
    Server(#[source] DbErr),
}

impl Store {
    /// Opens the database for background work, with long timeouts. Does not migrate.
    ///
    /// # Errors
    /// The address is not supported, or the database cannot be opened or created.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let invalidations = Invalidations::default();
        if url::is_postgres(url) {
            let instance = InstanceId::random();
            let pool = postgres::connect(url, postgres::PoolPurpose::Background, &instance)
                .await
                .map_err(OpenError::Server)?;
            return Ok(Self::of_postgres(Connection::new(pool, None), invalidations, instance, postgres::BACKGROUND));
        }
        url::create_if_missing(url)?;
        let connect = async |connections, made| {
            let pool = sqlite::connect_patiently(url, connections, made).await.map_err(OpenError::File)?;
            Ok::<_, OpenError>(Connection::new(pool, None))
        };
        let writer = SqliteWriter::default();
        let connection = connect(sqlite::WRITERS, Some(&writer.connections)).await?;
        Ok(Self {
            reader: connect(sqlite::READERS, None).await?,
            writer: WritePool::sqlite(connection.clone(), invalidations.clone(), writer),
            background: connection,
            invalidations,
            instance: None,
            max_connections: sqlite::WRITERS,
            file: Some(url::sqlite_file(url)?),
            file_lock: None,
        })
    }

    /// A store that uses one PostgreSQL pool for everything.
    fn of_postgres(
        connection: Connection,
        invalidations: Invalidations,
        instance: InstanceId,
        max_connections: u32,
    ) -> Self {
        let writer = WritePool::postgres(connection.clone(), invalidations.clone(), instance.clone());
        let (reader, background, instance) = (connection.clone(), connection, Some(instance));
        Self { reader, writer, background, invalidations, instance, max_connections, file: None, file_lock: None }
    }

    /// Keeps the lock on the database file until the last clone of this store is dropped.
    #[must_use]
    pub fn holding(self, lock: Option<FileLock>) -> Self {
        Self { file_lock: lock.map(Arc::new), ..self }
    }

    /// Opens the database for requests. On PostgreSQL, `limits` apply to each request. Does not migrate.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_for_requests(url: &str, limits: RequestLimits) -> Result<Self, OpenError> {
        let store = Self::open(url).await?;
        let Some(instance) = store.instance else { return Ok(store) };
        let requests = postgres::PoolPurpose::Requests(limits);
        let pool = postgres::connect(url, requests, &instance).await.map_err(OpenError::Server)?;
        let background = store.background.with_query_timeout(postgres::PoolPurpose::Background.query_timeout());
        let connection = Connection::new(pool, Some(requests.query_timeout()));
        let opened = Self::of_postgres(connection, store.invalidations, instance, limits.connections);
        Ok(Self { background, ..opened })
    }

    /// The same database with the pool and the long timeouts of background work.
    pub fn background(&self) -> Self {
        match &self.instance {
            Some(instance) => {
                let (connection, invalidations) = (self.background.clone(), self.invalidations.clone());
                Self::of_postgres(connection, invalidations, instance.clone(), postgres::BACKGROUND)
            }
            None => self.clone(),
        }
    }

    /// Whether other processes may write to this database, too.
    pub fn has_multiple_writers(&self) -> bool {
        self.instance.is_some()
    }

    /// The versions of cached rows.
    pub fn invalidations(&self) -> &Invalidations {
        &self.invalidations
    }

    /// Connections that can read or write at the same time.
    pub fn max_connections(&self) -> usize {
        self.max_connections as usize
    }

    /// The pool for reads outside a transaction.
    pub fn reader(&self) -> &Connection {
        &self.reader
    }

    /// Begins a read transaction with a consistent snapshot.
    pub async fn begin_snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let isolation_level = self.has_multiple_writers().then_some(IsolationLevel::RepeatableRead);
        self.reader.begin(TransactionOptions { isolation_level, ..TransactionOptions::default() }).await
    }

    /// Checks that the database answers. The readiness probe uses it.
    pub async fn ping(&self) -> Result<(), DbErr> {
        // A real table: SQLite answers `SELECT 1` even when the file is deleted.
        self.reader.execute_unprepared("SELECT count(*) FROM seaql_migrations").await.map(drop)
    }

    /// Busy and idle connections by pool.
    pub fn pool_stats(&self) -> [(&'static str, PoolStats); 2] {
        [("reader", self.reader.pool_stats()), ("writer", self.background.pool_stats())]
    }

    /// Closes every connection; SQLite then merges its write-ahead log into the file.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reader.close().await?;
        self.writer.connection().clone().close().await?;
        self.background.close().await
    }

    /// Runs `work` in a transaction: commits when it succeeds, rolls back when it fails. `work` returns which rows it
    /// touched; their cache entries are invalidated before this method returns.
    ///
    /// The transaction completes even when the caller is cancelled. On PostgreSQL conflicts with other transactions are
    /// retried, so `work` may run several times. `work` must not wait for the write queue or another transaction.
    ///
    /// # Errors
    /// The errors of `work`, or the database does not answer in time.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<(T, Touched), E>> + Clone + Send + 'static,
    {
        self.writer.write_with(None, work).await
    }

    /// The pool for rare single statements that write.
    pub fn writer(&self) -> &WritePool {
        &self.writer
    }

    /// Like [`Self::write`], but holds `lock`, so that only one process runs this work, and uses the long timeouts of
    /// background work.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_alone<T, E, F>(&self, lock: Lock<'static>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
        F: for<'a> FnOnce(&'a WriteTransaction) -> BoxFuture<'a, Result<(T, Touched), E>> + Clone + Send + 'static,
    {
        self.background().writer.write_with(Some(lock), work).await
    }
}
