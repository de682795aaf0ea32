//! The database, and what is held of it in memory.
//!
//! ```text
//! write            a transaction: begun, committed, and what it touched invalidated
//! write_queue      jobs that share transactions
//! invalidation     versions of users; entity_cache holds rows as long as theirs stands
//! change_poller    what other processes change: SQLite is polled, PostgreSQL notifies (postgres/listen)
//! lock, file_lock  what one process does at a time
//! schema, backup   migrations, and copies of an SQLite database
//! ```
//!
//! Which tables exist and what stands in them is known by `users` and `records`, not here.

mod backup;
mod bulk_insert;
mod bulk_update;
mod change_poller;
mod connection;
mod empty;
mod entity_cache;
mod examine;
mod file_lock;

mod id_in;
mod invalidation;
pub mod lock;
mod postgres;
mod schema;
mod schema_difference;
mod sound;
mod sqlite;

mod url;
mod write;
mod write_queue;

use std::{path::PathBuf, sync::Arc};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, IsolationLevel, TransactionOptions};

use self::{postgres::InstanceId, write::SqliteWriter};
pub use backup::{BackupError, Tag, back_up, restore};
pub use bulk_insert::insert_all;
pub use bulk_update::{ColumnValues, update_all};
pub use connection::Connection;
pub use empty::empty;
pub use entity_cache::{EntityCache, OwnerOf};
pub use examine::{Condition, condition, look, missing_file};
pub use file_lock::{FileLock, FileLockError};
pub use id_in::{MOST_IDS, id_in};
pub use invalidation::{CacheScope, Invalidations, Touched};
pub use lock::{Lock, is_shared};
pub use postgres::{Limits, Patience};
pub use schema::{MigrationState, SchemaError};
pub use schema_difference::{SchemaDifference, SchemaObject, of_open as schema_differences};

pub use url::{UrlError, file, shown};
pub use write::{WritePool, WriteTransaction};
pub use write_queue::{BatchWriter, Job, Lane, WriteError, WriteQueue, WrittenBatch};

/// A database that is open.
#[derive(Clone, Debug)]
pub struct Store {
    reader: Connection,
    writer: WritePool,
    background: Connection,
    invalidations: Invalidations,
    /// How this process is known to PostgreSQL.
    instance: Option<InstanceId>,
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
    /// Opens the database, for work that may take its time. Nothing is migrated.
    ///
    /// # Errors
    /// The address is none that is served, or the database cannot be opened or made.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let invalidations = Invalidations::default();
        if url::is_postgres(url) {
            let instance = InstanceId::random();
            let pool = postgres::connect(url, postgres::Use::Background, &instance).await.map_err(OpenError::Server)?;
            return Ok(Self::of_postgres(Connection::new(pool, None), invalidations, instance, postgres::BACKGROUND));
        }
        url::prepare(url)?;
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
            width: sqlite::WRITERS,
            file: Some(url::sqlite_file(url)?),
            file_lock: None,
        })
    }

    /// One that does everything by the same connections to PostgreSQL.
    fn of_postgres(connection: Connection, invalidations: Invalidations, instance: InstanceId, width: u32) -> Self {
        let writer = WritePool::postgres(connection.clone(), invalidations.clone(), instance.clone());
        let (reader, background, instance) = (connection.clone(), connection, Some(instance));
        Self { reader, writer, background, invalidations, instance, width, file: None, file_lock: None }
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
        let store = Self::open(url).await?;
        let Some(instance) = store.instance else { return Ok(store) };
        let requests = postgres::Use::Requests(limits);
        let pool = postgres::connect(url, requests, &instance).await.map_err(OpenError::Server)?;
        let background = store.background.timing_out(postgres::Use::Background.patience());
        let connection = Connection::new(pool, Some(requests.patience()));
        let opened = Self::of_postgres(connection, store.invalidations, instance, limits.connections);
        Ok(Self { background, ..opened })
    }

    /// The same database for what goes on beside requests, and may take its time.
    pub fn in_background(&self) -> Self {
        match &self.instance {
            Some(instance) => {
                let (connection, invalidations) = (self.background.clone(), self.invalidations.clone());
                Self::of_postgres(connection, invalidations, instance.clone(), postgres::BACKGROUND)
            }
            None => self.clone(),
        }
    }

    /// Whether other processes may serve this database, too.
    pub fn is_shared(&self) -> bool {
        self.instance.is_some()
    }

    /// The versions of what is held in memory.
    pub fn invalidations(&self) -> &Invalidations {
        &self.invalidations
    }

    /// How many of those who read or write do so at once.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// The connections that read outside a transaction.
    pub fn reader(&self) -> &Connection {
        &self.reader
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
        self.writer.connection().clone().close().await?;
        self.background.close().await
    }
}

/// How many connections work, and how many wait for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub busy: usize,
    pub idle: usize,
}
