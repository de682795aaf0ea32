//! SQLite connections: several readers and one writer on one file.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{Sqlite, pool::PoolOptions},
};
use tokio::time::sleep;

use super::sqlite_pool::is_reusable;

/// How long a statement waits for another process that writes to the same file.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection before it fails with 503.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before opening a locked file again.
pub const RETRY: Duration = Duration::from_millis(20);
/// Size of the write-ahead log, in pages, after which a commit merges it into the file: 8 MB. A larger value writes hot
/// pages less often, but makes the merging commit slower.
const CHECKPOINT: &str = "2000";
/// `temp_store` of the write connection. A statement that changes several rows needs a small rollback journal; on disk,
/// each such statement would create a file.
pub const IN_MEMORY: &str = "MEMORY";
/// `temp_store` during migrations, which may sort whole tables to create an index.
pub const IN_FILES: &str = "FILE";
pub const READERS: u32 = 4;
pub const WRITERS: u32 = 1;

/// Connects, and retries while another process creates the same file: SQLite's busy timeout does not cover that.
pub async fn connect_patiently(
    url: &str,
    connections: u32,
    connection_count: Option<&Arc<AtomicU64>>,
) -> Result<DatabaseConnection, DbErr> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connect(url, connections, connection_count).await {
            Err(error) if is_locked(&error) && Instant::now() < deadline => sleep(RETRY).await,
            connected => return connected,
        }
    }
}

fn is_locked(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(cause)) = error else { return false };
    cause.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "5") // SQLITE_BUSY
}

/// `connection_count` counts the connections of the writer; readers have none.
async fn connect(
    url: &str,
    connections: u32,
    connection_count: Option<&Arc<AtomicU64>>,
) -> Result<DatabaseConnection, DbErr> {
    let (is_writer, connection_count) = (connection_count.is_some(), connection_count.cloned());
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            let sqlite = if is_writer { sqlite.pragma("temp_store", IN_MEMORY) } else { sqlite };
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
                .foreign_keys(true)
                .pragma("wal_autocheckpoint", CHECKPOINT)
        })
        .map_sqlx_sqlite_pool_opts(move |pool| with_hooks(pool, connection_count.clone()));
    Database::connect(options).await
}

/// Adds the hooks that close broken connections and count new connections.
fn with_hooks(pool: PoolOptions<Sqlite>, connection_count: Option<Arc<AtomicU64>>) -> PoolOptions<Sqlite> {
    let pool = pool.after_release(|connection, _| Box::pin(is_reusable(connection)));
    match connection_count {
        None => pool,
        Some(count) => pool.after_connect(move |_, _| {
            count.fetch_add(1, SeqCst);
            Box::pin(async { Ok(()) })
        }),
    }
}
