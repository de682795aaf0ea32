//! A connection pool that limits the time of each statement, even when the database does not answer.

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, TransactionOptions, TransactionTrait, sqlx,
};
use tokio::time::timeout;

/// A pool of connections with a timeout for each statement.
#[derive(Clone)]
pub struct Connection {
    pool: DatabaseConnection,
    /// `None`: no limit.
    timeout: Option<Duration>,
}

impl Connection {
    pub fn new(pool: DatabaseConnection, timeout: Option<Duration>) -> Self {
        Self { pool, timeout }
    }

    /// The same pool with another timeout.
    pub(super) fn with_query_timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Busy and idle connections.
    pub(super) fn pool_stats(&self) -> PoolStats {
        let (open, idle) = match self.get_database_backend() {
            DbBackend::Postgres => {
                let pool = self.pool.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            _ => {
                let pool = self.pool.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
        };
        PoolStats { busy: (open as usize).saturating_sub(idle), idle }
    }

    pub(super) async fn close(self) -> Result<(), DbErr> {
        self.pool.close().await
    }

    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Begins a transaction in its own task. When the caller is cancelled, the task completes the BEGIN and then rolls
    /// back: sqlx would return the connection with an open transaction, and on PostgreSQL its next user would write
    /// into it.
    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        let pool = self.pool.clone();
        let task = tokio::spawn(async move { pool.begin_with_options(options).await });
        let begun = async { task.await.unwrap_or_else(|error| Err(connection_lost(io::Error::other(error)))) };
        self.with_timeout(begun).await
    }

    /// Runs `work` with the timeout of this pool.
    pub(super) async fn with_timeout<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        match self.timeout {
            None => work.await,
            Some(limit) => timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out())),
        }
    }
}

/// The error for a database that did not answer in time.
pub fn timed_out() -> DbErr {
    connection_lost(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time"))
}

/// The error for a lost connection.
pub fn connection_lost(cause: io::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(cause))))
}

// Leaves out the pool: its URL may contain a password.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.with_timeout(self.pool.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.with_timeout(self.pool.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.with_timeout(self.pool.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.with_timeout(self.pool.query_all_raw(statement)).await
    }
}

/// Busy and idle connections of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStats {
    pub busy: usize,
    pub idle: usize,
}
