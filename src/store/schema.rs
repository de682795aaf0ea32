//! Applies and reverts migrations.

use migrations::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbErr};

use super::{FileLock, FileLockError, Lock, Store, Touched, WriteTransaction, lock, sqlite};

/// A migration and whether it is applied.
#[derive(Debug, PartialEq, Eq)]
pub struct MigrationState {
    pub name: String,
    pub applied: bool,
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("failed to migrate the database")]
    Migrate(#[source] DbErr),
    #[error("failed to lock the database for pending migrations")]
    Locked(#[source] FileLockError),
    #[error(
        "the database is not up to date: {0} migrations are pending. `kommando migrate up` applies them, and so does \
         `kommando serve --migrate`"
    )]
    Pending(usize),
}

impl Store {
    /// Ensures that the schema is up to date. Applies pending migrations on SQLite, holding the file lock; on
    /// PostgreSQL, which other servers may use, only if `may_migrate`.
    ///
    /// # Errors
    /// A migration failed or is pending, or another process holds the file lock.
    pub async fn ensure_schema(&self, may_migrate: bool) -> Result<(), SchemaError> {
        let known = self.migrations().await.map_err(SchemaError::Migrate)?;
        match known.iter().filter(|migration| !migration.applied).count() {
            0 => return Ok(()),
            pending if self.has_multiple_writers() && !may_migrate => return Err(SchemaError::Pending(pending)),
            _ => {}
        }
        let _lock = match (&self.file, &self.file_lock) {
            (Some(file), None) => Some(FileLock::of_file(file).await.map_err(SchemaError::Locked)?),
            _ => None,
        };
        self.migrate_up().await.map_err(SchemaError::Migrate)
    }

    /// Applies all pending migrations in one transaction. Processes that start at the same time wait for each other.
    pub async fn migrate_up(&self) -> Result<(), DbErr> {
        let transaction = self.begin_migration().await?;
        Migrator::up(transaction.inner(), None).await?;
        self.end_migration(transaction).await
    }

    /// Reverts the newest `steps` migrations in one transaction.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), DbErr> {
        let transaction = self.begin_migration().await?;
        Migrator::down(transaction.inner(), Some(steps)).await?;
        self.end_migration(transaction).await
    }

    async fn begin_migration(&self) -> Result<WriteTransaction, DbErr> {
        self.set_temp_store(sqlite::IN_FILES).await?;
        let transaction = self.background().writer.begin().await?;
        lock::take(&transaction, Lock::Schema).await?;
        if self.has_multiple_writers() {
            // A migration's time depends on the number of rows.
            transaction.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        }
        Ok(transaction)
    }

    async fn end_migration(&self, transaction: WriteTransaction) -> Result<(), DbErr> {
        transaction.commit(Touched::Everything).await?;
        self.set_temp_store(sqlite::IN_MEMORY).await
    }

    /// Sets where SQLite's write connection keeps temporary data.
    async fn set_temp_store(&self, temp_store: &str) -> Result<(), DbErr> {
        match self.has_multiple_writers() {
            true => Ok(()),
            false => {
                let pragma = format!("PRAGMA temp_store = {temp_store}");
                self.writer.connection().execute_unprepared(&pragma).await.map(drop)
            }
        }
    }

    /// All migrations of this program, oldest first.
    ///
    /// # Errors
    /// A newer kommando migrated the database.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, DbErr> {
        // The query creates the migrations table if it is missing.
        let transaction = self.background().writer.begin().await?;
        lock::take(&transaction, Lock::Schema).await?;
        let known = Migrator::get_migration_with_status(transaction.inner()).await?;
        transaction.commit(Touched::Nothing).await?;
        Ok(known
            .iter()
            .map(|m| MigrationState { name: m.name().to_owned(), applied: m.status() == MigrationStatus::Applied })
            .collect())
    }
}
