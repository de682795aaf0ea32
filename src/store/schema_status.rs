//! Reads the state of a database without changing it.

use std::path::{Path, PathBuf};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use super::{
    OpenError, UrlError,
    postgres::{self, InstanceId},
    url,
};

/// The state of a database's schema.
#[derive(Debug, PartialEq, Eq)]
pub enum SchemaStatus {
    /// The database has migrations that this program does not know.
    Newer(Vec<String>),
    /// Migrations are missing; `is_new` when none was ever applied.
    Pending {
        count: usize,
        is_new: bool,
    },
    UpToDate,
}

/// The missing SQLite file that the first start will create; `None` if it exists or the database is PostgreSQL.
///
/// # Errors
/// The address is not supported, or the file is missing and may not be created.
pub fn missing_file(url: &str) -> Result<Option<PathBuf>, UrlError> {
    let Some(file) = url::sqlite_path(url)?.filter(|file| !file.exists()) else { return Ok(None) };
    url::check_may_create(url, &file)?;
    Ok(Some(file))
}

/// Runs `read` on an existing database.
///
/// # Errors
/// The address is not supported, or the database cannot be opened or read.
pub async fn open_read_only<T>(
    url: &str,
    read: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, DbErr>,
) -> Result<T, OpenError> {
    let open_error = if url::is_postgres(url) { OpenError::Server } else { OpenError::File };
    let opened = match url::is_postgres(url) {
        true => postgres::connect(url, postgres::PoolPurpose::Background, &InstanceId::random()).await,
        false => connect(url, url::sqlite_file(url)?).await,
    };
    let db = opened.map_err(open_error)?;
    let found = read(&db).await;
    db.close().await.and(found).map_err(open_error)
}

async fn connect(url: &str, file: PathBuf) -> Result<DatabaseConnection, DbErr> {
    let mut log = file.into_os_string();
    log.push("-wal");
    // Without a log, no process has the database open. `immutable` then stops SQLite from creating a log that a
    // read-only connection could not remove.
    let is_closed = !Path::new(&log).exists();
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(move |sqlite| sqlite.read_only(true).immutable(is_closed));
    Database::connect(options).await
}

/// The state of this database's schema.
pub async fn schema_status(db: &impl ConnectionTrait) -> Result<SchemaStatus, DbErr> {
    let known: Vec<_> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let applied = applied(db).await?;
    let newer: Vec<_> = applied.iter().filter(|name| !known.contains(name)).cloned().collect();
    Ok(match known.len().saturating_sub(applied.len()) {
        _ if !newer.is_empty() => SchemaStatus::Newer(newer),
        0 => SchemaStatus::UpToDate,
        count => SchemaStatus::Pending { count, is_new: applied.is_empty() },
    })
}

/// The names of the applied migrations; empty without a migrations table.
async fn applied(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let query = |sql: &str| Statement::from_string(db.get_database_backend(), sql);
    let tables = match db.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_schema WHERE name = 'seaql_migrations'",
        _ => "SELECT 1 WHERE to_regclass('seaql_migrations') IS NOT NULL",
    };
    let tables = db.query_all_raw(query(tables)).await?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let rows = db.query_all_raw(query("SELECT version FROM seaql_migrations ORDER BY version")).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}
