//! Access to the database, and the cache of its rows.
//!
//! ```text
//! write            write transactions: begin, commit, invalidate
//! write_queue      jobs that share transactions
//! invalidation     versions of users; entity_cache keeps rows while their version is current
//! change_poller    finds changes of other processes: polls SQLite, listens to PostgreSQL (postgres/listen)
//! lock, file_lock  locks between transactions and between processes
//! files            the folder of a file, and its owner
//! schema, backup   migrations, and backups of an SQLite database
//! ```
//!
//! The tables belong to `users` and `executions`; this folder does not know them.

mod backup;
mod bulk_insert;
mod bulk_update;
mod change_poller;
mod connection;
mod database;
mod entity_cache;
mod file_lock;
mod files;
mod schema_status;
mod truncate;

mod id_in;
mod invalidation;
pub mod lock;
mod postgres;
mod schema;
mod schema_difference;
mod sqlite;
mod sqlite_pool;

mod url;
mod write;
mod write_queue;

pub use backup::{BackupError, BackupManifest, back_up, restore};
pub use bulk_insert::insert_all;
pub use bulk_update::{ColumnValues, update_all};
pub use connection::{Connection, PoolStats, connection_lost};
pub use database::{OpenError, Store};
pub use entity_cache::{EntityCache, OwnerOf};
pub use file_lock::{FileLock, FileLockError};
pub use files::give_to_owner;
pub use id_in::{MAX_IDS, id_in};
pub use invalidation::{CacheScope, Invalidations, Touched};
pub use lock::{Lock, has_multiple_writers};
pub use postgres::{QueryTimeout, RequestLimits};
pub use schema::{MigrationState, SchemaError};
pub use schema_difference::{SchemaDifference, SchemaObject, of_open as schema_differences};
pub use schema_status::{SchemaStatus, missing_file, open_read_only, schema_status};
pub use truncate::truncate_all;

pub use url::{UrlError, redact_password, sqlite_path, warning_without_tls};
pub use write::{WritePool, WriteTransaction};
pub use write_queue::{BatchWriter, Job, Lane, WriteError, WriteQueue, WrittenBatch};
