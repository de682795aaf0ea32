//! PostgreSQL connections: a pool for requests with short timeouts, and a small pool for background work.

mod instance;
mod limits;
mod listen;

use std::{io, sync::Arc, time::Duration};

use sea_orm::{
    DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{self, ConnectOptions, Connection, Postgres, pool::PoolOptions, postgres::PgConnectOptions},
};
use tokio::time::timeout;

pub use instance::InstanceId;
pub use limits::{QueryTimeout, RequestLimits};
pub use listen::keep_listening;

/// Timeout of background work.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum wait for the pool at the start. Finding out why it failed may take as long again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that were idle longer are pinged before use.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);
/// Background connections: one each for the listener, the audit linker and retention, and one for the rest.
pub const BACKGROUND: u32 = 4;

/// The purpose of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolPurpose {
    Requests(RequestLimits),
    Background,
}

impl PoolPurpose {
    /// Maximum total time of a query, including the wait for a connection.
    pub fn query_timeout(self) -> Duration {
        match self {
            Self::Requests(limits) => limits.query_timeout.0,
            Self::Background => BACKGROUND_TIMEOUT,
        }
    }

    /// The settings of each connection.
    fn session(self, instance: &InstanceId) -> Vec<(&'static str, String)> {
        let (statement, lock) = match self {
            // The database's statement timeout is shorter than ours, so that its error arrives in time. The lock
            // timeout leaves time for a retry.
            Self::Requests(limits) => (limits.query_timeout.0 * 8 / 9, limits.query_timeout.0 / 3),
            Self::Background => (Duration::ZERO, BACKGROUND_TIMEOUT),
        };
        vec![
            ("statement_timeout", statement.as_millis().to_string()),
            ("lock_timeout", lock.as_millis().to_string()),
            // Ends the transactions of clients that died, and releases their locks.
            ("idle_in_transaction_session_timeout", BACKGROUND_TIMEOUT.as_millis().to_string()),
            (instance::SETTING, instance.of_connections()),
        ]
    }
}

/// Opens a pool. The pool for requests connects at the first request.
///
/// Uses sqlx directly, because sea-orm logs the URL with its password at level trace.
pub async fn connect(url: &str, pool: PoolPurpose, instance: &InstanceId) -> Result<DatabaseConnection, DbErr> {
    let failed = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)));
    let options = url.parse::<PgConnectOptions>().map_err(failed)?;
    let options = options.options(pool.session(instance)).application_name("kommando").disable_statement_logging();
    let (connections, acquire_timeout) = match pool {
        PoolPurpose::Requests(limits) => (limits.connections, limits.query_timeout.0),
        PoolPurpose::Background => (BACKGROUND, CONNECT_TIMEOUT),
    };
    let pooled = PoolOptions::<Postgres>::new()
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > PING_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(match pool {
        PoolPurpose::Requests(_) => pooled.connect_lazy_with(options),
        PoolPurpose::Background => match pooled.connect_with(options.clone()).await {
            // The pool retries refused connections until its timeout, and then reports only the timeout.
            Err(sqlx::Error::PoolTimedOut) => return Err(failed(failure_to_connect(&options).await)),
            pool => pool.map_err(failed)?,
        },
    }
    .into())
}

/// Connects once more, without a pool, to find out why the pool got no connection.
async fn failure_to_connect(options: &PgConnectOptions) -> sqlx::Error {
    match timeout(CONNECT_TIMEOUT, options.connect()).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) => sqlx::Error::PoolTimedOut,
        Err(_) => sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer")),
    }
}
