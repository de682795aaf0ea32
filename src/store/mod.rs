//! The database: how connections are made, how a write begins, how the schema is brought up to date.
//!
//! Which tables exist and what stands in them is known by `users` and `records`, not here.

mod backup;
mod cached;
mod changes;
mod empty;
mod examine;
mod follow;
mod schema;
mod sound;
mod url;
mod write;
mod writer;

use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr};
use tokio::time::sleep;

pub use backup::{BackupError, Tag, back_up, restore};
pub use cached::{Cached, Whom};
pub use changes::{Change, Changes, Topic, Unread};
pub use empty::empty;
pub use examine::{Condition, examine};
pub use schema::MigrationState;
pub use url::{UrlError, file};
pub use write::{WriteTransaction, Writing};
pub use writer::{Ledger, Settled, Undone, Writer};

/// How long a statement waits for another process that writes to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection before it is answered with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before a file that is locked is opened again.
const RETRY: Duration = Duration::from_millis(20);
const READERS: u32 = 4;

/// A database that is open: several connections that read, and the one that writes.
#[derive(Clone, Debug)]
pub struct Store {
    reader: DatabaseConnection,
    writer: Writing,
    changes: Changes,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("the database cannot be opened; check KOMMANDO_DATABASE_URL, and the rights on the file and its folder")]
    Database(#[from] DbErr),
}

impl Store {
    /// Opens the database. Nothing is migrated.
    ///
    /// # Errors
    /// The address is none that is served, or the file cannot be opened or made.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        url::prepare(url)?;
        let writer = connect_patiently(url, 1).await?;
        let reader = connect_patiently(url, READERS).await?;
        let changes = Changes::default();
        Ok(Self { reader, writer: Writing::new(writer, changes.clone()), changes })
    }

    /// What changed in the tables that are answered from memory.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The connections that read outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// The connection that writes, for a single statement.
    pub fn writer(&self) -> &Writing {
        &self.writer
    }

    /// Begins a transaction that may write. It is undone when it is dropped without `commit`.
    ///
    /// The write lock is taken at once: what is read in the transaction is still so when it commits.
    ///
    /// # Errors
    /// The database does not answer, or another process writes for longer than five seconds.
    pub async fn begin_write(&self) -> Result<WriteTransaction, DbErr> {
        self.writer.begin().await
    }

    /// Asks the database for an answer: what readiness means.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn ping(&self) -> Result<(), DbErr> {
        // A real table, not `SELECT 1`: SQLite answers the latter from a file that is gone.
        self.reader.execute_unprepared("SELECT count(*) FROM seaql_migrations").await.map(drop)
    }

    /// How busy the connections are, by what they are for.
    pub fn load(&self) -> [(&'static str, Load); 2] {
        [("reader", load(&self.reader)), ("writer", load(self.writer.connection()))]
    }

    /// Closes every connection; SQLite folds its write-ahead log into the file.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reader.close().await?;
        self.writer.close().await
    }
}

/// How many connections work, and how many wait for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub busy: usize,
    pub idle: usize,
}

fn load(connection: &DatabaseConnection) -> Load {
    let (open, idle) = match connection.get_database_backend() {
        DbBackend::Postgres => {
            let pool = connection.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        }
        _ => {
            let pool = connection.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        }
    };
    Load { busy: (open as usize).saturating_sub(idle), idle }
}

/// Another process that opens a new file at the same moment holds it for an instant, and SQLite does not wait for that
/// by itself.
async fn connect_patiently(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connect(url, connections).await {
            Err(error) if is_locked(&error) && Instant::now() < deadline => sleep(RETRY).await,
            connected => return connected,
        }
    }
}

fn is_locked(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(cause)) = error else { return false };
    cause.as_database_error().and_then(|told| told.code()).is_some_and(|code| code == "5")
}

async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_pool_opts(sound::sound)
        .map_sqlx_sqlite_opts(|sqlite| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
                .foreign_keys(true)
        });
    Database::connect(options).await
}
