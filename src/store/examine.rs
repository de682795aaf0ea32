//! A look at a database that changes nothing in it.

use std::path::{Path, PathBuf};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use super::{
    OpenError, UrlError,
    postgres::{self, InstanceId},
    url,
};

/// How the schema of a database is.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition {
    /// It has migrations that this program does not know.
    Newer(Vec<String>),
    /// So many migrations are to be applied.
    Pending {
        count: usize,
        is_new: bool,
    },
    UpToDate,
}

/// The file that the first start makes, where it is missing and may be made.
///
/// # Errors
/// The address is none that is served, or the file is missing and may not be made.
pub fn missing_file(url: &str) -> Result<Option<PathBuf>, UrlError> {
    let Some(file) = url::file(url)?.filter(|file| !file.exists()) else { return Ok(None) };
    url::check_may_be_made(url, &file)?;
    Ok(Some(file))
}

/// Reads something in a database that is there.
///
/// # Errors
/// The address is none that is served, it is no database, or it does not answer.
pub async fn look<T>(
    url: &str,
    read: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, DbErr>,
) -> Result<T, OpenError> {
    let trouble = if url::is_postgres(url) { OpenError::Server } else { OpenError::File };
    let opened = match url::is_postgres(url) {
        true => postgres::connect(url, postgres::Use::Background, &InstanceId::random()).await,
        false => connect(url, url::sqlite_file(url)?).await,
    };
    let db = opened.map_err(trouble)?;
    let found = read(&db).await;
    db.close().await.and(found).map_err(trouble)
}

async fn connect(url: &str, file: PathBuf) -> Result<DatabaseConnection, DbErr> {
    let mut log = file.into_os_string();
    log.push("-wal");
    // Where there is no log, nobody writes; to be told so keeps SQLite from making one, which a reader cannot remove.
    let is_closed = !Path::new(&log).exists();
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    options.map_sqlx_sqlite_opts(move |sqlite| sqlite.read_only(true).immutable(is_closed));
    Database::connect(options).await
}

/// How the schema of this database is.
///
/// # Errors
/// The database does not answer.
pub async fn condition(db: &impl ConnectionTrait) -> Result<Condition, DbErr> {
    let known: Vec<_> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let applied = applied(db).await?;
    let newer: Vec<_> = applied.iter().filter(|name| !known.contains(name)).cloned().collect();
    Ok(match known.len().saturating_sub(applied.len()) {
        _ if !newer.is_empty() => Condition::Newer(newer),
        0 => Condition::UpToDate,
        count => Condition::Pending { count, is_new: applied.is_empty() },
    })
}

/// The names of the migrations that were applied; none where none ever was.
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
