//! The database: how connections are made, how a write begins, how the schema is brought up to date.
//!
//! Which tables exist and what stands in them is known by `users` and `records`, not here. SQLite and PostgreSQL differ in
//! `sqlite` and `postgres`, in [`lock`], in how several rows reach them, and in how the writer writes.

mod among;
mod backup;
mod cached;
mod changes;
mod companion;
mod connection;
mod empty;
mod examine;
mod file_lock;
mod follow;
mod insert;
mod journal;
pub mod lock;
mod postgres;
mod schema;
mod schema_difference;
mod sound;
mod sqlite;
mod update;
mod url;
mod write;
mod writer;

use std::{path::PathBuf, sync::Arc};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, IsolationLevel, TransactionOptions};

use self::journal::Journal;
pub use among::is_among;
pub use backup::{BackupError, Tag, back_up, restore};
pub use cached::{Cached, Whom};
pub use changes::{Change, Changes, Topic, Unread};
pub use companion::{Companion, Written};
pub use connection::Connection;
pub use empty::empty;
pub use examine::{Condition, condition, look, missing_file};
pub use file_lock::{FileLock, FileLockError};
pub use insert::insert_all;
pub use lock::Lock;
pub use postgres::{Limits, Patience};
pub use schema::{MigrationState, SchemaError};
pub use schema_difference::{SchemaDifference, SchemaObject, of_open as schema_differences};
pub use update::{Values, update_all};
pub use url::{UrlError, file, shown};
pub use write::{WriteTransaction, Writing};
pub use writer::{Gather, Ledger, Reach, Settled, Undone, Writer};

/// Whether this is a database that other processes may serve, too.
pub fn is_shared(db: &impl ConnectionTrait) -> bool {
    lock::is_shared(db)
}

/// A database that is open.
#[derive(Clone, Debug)]
pub struct Store {
    reader: Connection,
    writer: Writing,
    background: Connection,
    changes: Changes,
    /// How many of those who read or write do so at once.
    width: u32,
    /// The file of an SQLite database.
    file: Option<PathBuf>,
    /// The lock on that file, where this process holds it.
    file_lock: Option<Arc<FileLock>>,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("the database cannot be opened; check KOMMANDO_DATABASE_URL, and the rights on the file and its folder")]
    File(#[source] DbErr),
    #[error(
        "the database does not answer; check that PostgreSQL runs where KOMMANDO_DATABASE_URL says, and the user, the \
         password and the name of the database in it"
    )]
    Server(#[source] DbErr),
}

impl Store {
    /// Opens the database, for somebody who has time. Nothing is migrated.
    ///
    /// # Errors
    /// The address is none that is served, or the database cannot be opened or made.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        if url::is_postgres(url) {
            let pool = postgres::connect(url, postgres::Use::Background).await.map_err(OpenError::Server)?;
            return Ok(Self::of(Connection::new(pool, None), Changes::default(), postgres::BACKGROUND));
        }
        url::prepare(url)?;
        let connect = async |connections, journal| {
            let pool = sqlite::connect_patiently(url, connections, journal).await.map_err(OpenError::File)?;
            Ok::<_, OpenError>(Connection::new(pool, None))
        };
        let journal = Journal::default();
        let store =
            Self::of(connect(sqlite::WRITERS, Some(journal.clone())).await?, Changes::default(), sqlite::WRITERS);
        let writer = store.writer.keeping(journal);
        let file = Some(url::sqlite_file(url)?);
        Ok(Self { reader: connect(sqlite::READERS, None).await?, writer, file, ..store })
    }

    /// One that does everything by the same connections.
    fn of(connection: Connection, changes: Changes, width: u32) -> Self {
        let writer = Writing::new(connection.clone(), changes.clone());
        let (file, file_lock) = (None, None);
        Self { reader: connection.clone(), writer, background: connection, changes, width, file, file_lock }
    }

    /// The same, with the lock on its file, which is held as long as one of its clones is there.
    #[must_use]
    pub fn holding(self, lock: Option<FileLock>) -> Self {
        Self { file_lock: lock.map(Arc::new), ..self }
    }

    /// Opens the database for requests, which are answered in time or refused, where the database is a server. Nothing is
    /// migrated.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_for_requests(url: &str, limits: Limits) -> Result<Self, OpenError> {
        let mut store = Self::open(url).await?;
        if url::is_postgres(url) {
            let requests = postgres::Use::Requests(limits);
            let pool = postgres::connect(url, requests).await.map_err(OpenError::Server)?;
            let background = store.background.patient(postgres::Use::Background.patience());
            let connection = Connection::new(pool, Some(requests.patience()));
            store = Self { background, ..Self::of(connection, store.changes, limits.connections) };
        }
        Ok(store)
    }

    /// The same database for what goes on beside requests, and may take its time.
    pub fn in_background(&self) -> Self {
        match self.is_shared() {
            true => Self::of(self.background.clone(), self.changes.clone(), postgres::BACKGROUND),
            false => self.clone(),
        }
    }

    /// Whether other processes may serve this database, too.
    pub fn is_shared(&self) -> bool {
        lock::is_shared(&self.writer)
    }

    /// What changed in the tables that are answered from memory.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// How many of those who read or write do so at once.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// The connections that read outside a transaction.
    pub fn reader(&self) -> &Connection {
        &self.reader
    }

    /// The connection that writes, for a single statement.
    pub fn writer(&self) -> &Writing {
        &self.writer
    }

    /// Begins a transaction that may write. It is undone when it is dropped without `commit`.
    ///
    /// On SQLite the write lock is taken at once: what is read in the transaction is still so when it commits. On
    /// PostgreSQL others write at the same time; see [`Self::begin_alone`].
    ///
    /// # Errors
    /// The database does not answer, or another process writes for longer than it may.
    pub async fn begin_write(&self) -> Result<WriteTransaction, DbErr> {
        self.writer.begin().await
    }

    /// Begins a transaction for something that one does at a time, whatever the database, and that may take its time.
    ///
    /// # Errors
    /// As [`Self::begin_write`].
    pub async fn begin_alone(&self, lock: Lock<'_>) -> Result<WriteTransaction, DbErr> {
        let transaction = self.in_background().begin_write().await?;
        lock::take(&transaction, lock).await?;
        Ok(transaction)
    }

    /// Begins to read one picture of the database, whatever is written meanwhile.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn begin_snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let isolation_level = self.is_shared().then_some(IsolationLevel::RepeatableRead);
        self.reader.begin(TransactionOptions { isolation_level, ..TransactionOptions::default() }).await
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
        [("reader", self.reader.load()), ("writer", self.background.load())]
    }

    /// Closes every connection; SQLite folds its write-ahead log into the file.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reader.close().await?;
        self.writer.close().await?;
        self.background.close().await
    }
}

/// How many connections work, and how many wait for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub busy: usize,
    pub idle: usize,
}
