//! The connections outside a transaction. Each statement is answered in time, even when the database does not answer.

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, TransactionOptions, TransactionTrait, sqlx,
};
use tokio::time::timeout;

use super::Load;

/// Connections to a database, each statement on which is given up after a while.
#[derive(Clone)]
pub struct Connection {
    pool: DatabaseConnection,
    /// How long to wait for an answer; without it, as long as it takes.
    timeout: Option<Duration>,
}

impl Connection {
    pub fn new(pool: DatabaseConnection, timeout: Option<Duration>) -> Self {
        Self { pool, timeout }
    }

    /// The same connections, each statement on which is given up after this time.
    pub(super) fn timing_out(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// How busy they are.
    pub(super) fn load(&self) -> Load {
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
        Load { busy: (open as usize).saturating_sub(idle), idle }
    }

    pub(super) async fn close(self) -> Result<(), DbErr> {
        self.pool.close().await
    }

    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// A beginning that is cut off goes on, and is then undone: sqlx does not undo it, and on PostgreSQL the next user of that
    /// connection would write into a transaction that is not committed.
    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
        let pool = self.pool.clone();
        let beginning = tokio::spawn(async move { pool.begin_with_options(options).await });
        let begun = async { beginning.await.unwrap_or_else(|error| Err(connection_lost(io::Error::other(error)))) };
        self.with_timeout(begun).await
    }

    /// What comes of some work, unless it takes too long.
    pub(super) async fn with_timeout<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        match self.timeout {
            None => work.await,
            Some(longest) => timeout(longest, work).await.unwrap_or_else(|_| Err(timed_out())),
        }
    }
}

/// The database gave no answer in time.
pub fn timed_out() -> DbErr {
    connection_lost(io::Error::new(io::ErrorKind::TimedOut, "the database gives no answer in time"))
}

/// What was under way with the database is lost.
pub fn connection_lost(cause: io::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(cause))))
}

// A pool knows its address, and that may hold a password.
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
