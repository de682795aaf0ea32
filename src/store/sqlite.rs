//! SQLite: one file, several connections that read it, and one that writes.

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

use super::sound::is_sound;

/// How long a statement waits for another process that writes to the same file.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection before it is answered with 503.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before a file that is locked is opened again.
pub const RETRY: Duration = Duration::from_millis(20);
/// After how many pages the write-ahead log is folded into the file: 8 MB. Whoever waits a little longer than by default
/// writes pages once that change again and again; the commit that does it, and whoever waits for it, waits longer too.
const CHECKPOINT: &str = "2000";
/// Where the connection that writes keeps what it may have to take back of a statement of several rows: it is little, and
/// each statement would make a file.
pub const IN_MEMORY: &str = "MEMORY";
/// Where it keeps it while there is more of it: an index that is made sorts all there is.
pub const IN_FILES: &str = "FILE";
pub const READERS: u32 = 4;
pub const WRITERS: u32 = 1;

/// Another process that opens a new file at the same moment holds it for an instant, and SQLite does not wait for that
/// by itself.
pub async fn connect_patiently(
    url: &str,
    connections: u32,
    made: Option<&Arc<AtomicU64>>,
) -> Result<DatabaseConnection, DbErr> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connect(url, connections, made).await {
            Err(error) if is_locked(&error) && Instant::now() < deadline => sleep(RETRY).await,
            connected => return connected,
        }
    }
}

fn is_locked(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(cause)) = error else { return false };
    cause.as_database_error().and_then(|told| told.code()).is_some_and(|code| code == "5")
}

async fn connect(url: &str, connections: u32, made: Option<&Arc<AtomicU64>>) -> Result<DatabaseConnection, DbErr> {
    let (writes, made) = (made.is_some(), made.cloned());
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            let sqlite = if writes { sqlite.pragma("temp_store", IN_MEMORY) } else { sqlite };
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
                .foreign_keys(true)
                .pragma("wal_autocheckpoint", CHECKPOINT)
        })
        .map_sqlx_sqlite_pool_opts(move |pool| watched(pool, made.clone()));
    Database::connect(options).await
}

/// Connections that are given back sound or not at all, and are counted.
fn watched(pool: PoolOptions<Sqlite>, made: Option<Arc<AtomicU64>>) -> PoolOptions<Sqlite> {
    let pool = pool.after_release(|connection, _| Box::pin(is_sound(connection)));
    match made {
        None => pool,
        Some(made) => pool.after_connect(move |_, _| {
            made.fetch_add(1, SeqCst);
            Box::pin(async { Ok(()) })
        }),
    }
}
