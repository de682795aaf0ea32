//! PostgreSQL: a pool for requests, which are answered in time or refused, and a small one for what goes on beside them.

mod instance;
mod limits;
mod listen;

use std::{sync::Arc, time::Duration};

use sea_orm::{
    DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{self, ConnectOptions, Connection, Postgres, pool::PoolOptions, postgres::PgConnectOptions},
};

pub use instance::InstanceId;
pub use limits::{Limits, Patience};
pub use listen::keep_listening;

/// What goes on beside requests is given up only when nobody can believe in it any more.
const LONG_PATIENCE: Duration = Duration::from_secs(60);
/// How long the database may take to be there at the start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for this long is asked whether it still is one.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// One listens, one links, one clears away, and one is left for the rest.
pub const BACKGROUND: u32 = 4;

/// What a pool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Requests(Limits),
    /// What has time.
    Background,
}

impl Use {
    /// How long an answer may take altogether.
    pub fn patience(self) -> Duration {
        match self {
            Self::Requests(limits) => limits.patience.0,
            Self::Background => LONG_PATIENCE,
        }
    }

    fn session(self, instance: &InstanceId) -> Vec<(&'static str, String)> {
        let (statement, lock) = match self {
            // The database gives a statement up a little earlier, so that it can say so; and whoever waits for a row that
            // another one holds has time left for a second try.
            Self::Requests(limits) => (limits.patience.0 * 8 / 9, limits.patience.0 / 3),
            Self::Background => (Duration::ZERO, LONG_PATIENCE),
        };
        vec![
            ("statement_timeout", statement.as_millis().to_string()),
            ("lock_timeout", lock.as_millis().to_string()),
            // Whoever dies in the middle of a transaction does not hold its rows for ever.
            ("idle_in_transaction_session_timeout", LONG_PATIENCE.as_millis().to_string()),
            (instance::SETTING, instance.of_connections()),
        ]
    }
}

/// Opens a pool. The one of requests connects when the first of them comes.
///
/// Not by way of sea-orm, which logs the address with its password when it is told to trace.
pub async fn connect(url: &str, pool: Use, instance: &InstanceId) -> Result<DatabaseConnection, DbErr> {
    let failed = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)));
    let options = url.parse::<PgConnectOptions>().map_err(failed)?;
    let options = options.options(pool.session(instance)).application_name("kommando").disable_statement_logging();
    let (connections, timeout) = match pool {
        Use::Requests(limits) => (limits.connections, limits.patience.0),
        Use::Background => (BACKGROUND, CONNECT_TIMEOUT),
    };
    let pooled = PoolOptions::<Postgres>::new()
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(match pool {
        Use::Requests(_) => pooled.connect_lazy_with(options),
        Use::Background => pooled.connect_with(options).await.map_err(failed)?,
    }
    .into())
}
