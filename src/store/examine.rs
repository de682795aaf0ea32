//! A look at a database that changes nothing in it.

use std::path::{Path, PathBuf};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use super::{OpenError, postgres, url};

/// How a database is.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is not there, and the first start may make it here.
    Absent(PathBuf),
    /// It has migrations that this program does not know.
    Newer(Vec<String>),
    /// So many migrations are to be applied.
    Pending(usize),
    UpToDate,
}

/// Looks at a database, without changing or making anything.
///
/// # Errors
/// The address is none that is served, the file is missing and may not be made, or it is no database.
pub async fn examine(url: &str) -> Result<Condition, OpenError> {
    if !url::is_postgres(url) {
        let file = url::sqlite_file(url)?;
        if !file.exists() {
            url::check_may_be_made(url, &file)?;
            return Ok(Condition::Absent(file));
        }
    }
    look(url, condition).await
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
        true => postgres::connect(url, postgres::Use::Background).await,
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

async fn condition(db: &DatabaseConnection) -> Result<Condition, DbErr> {
    let known: Vec<_> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let applied = applied(db).await?;
    let newer: Vec<_> = applied.iter().filter(|name| !known.contains(name)).cloned().collect();
    Ok(match known.len().saturating_sub(applied.len()) {
        _ if !newer.is_empty() => Condition::Newer(newer),
        0 => Condition::UpToDate,
        pending => Condition::Pending(pending),
    })
}

/// The names of the migrations that were applied; none where none ever was.
async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
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
