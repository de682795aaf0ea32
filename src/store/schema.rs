//! Bringing the schema up to date, or back.

use migrations::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbErr};

use super::{FileLock, FileLockError, Lock, Store, Touched, WriteTransaction, lock, sqlite};

/// One migration and whether this database has it.
#[derive(Debug, PartialEq, Eq)]
pub struct MigrationState {
    pub name: String,
    pub applied: bool,
}

/// Why the schema is not the one that this program needs.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the database cannot be brought up to date")]
    Migrate(#[source] DbErr),
    #[error("the database is to be brought up to date first, and that needs it alone")]
    Locked(#[source] FileLockError),
    #[error(
        "the database is not up to date: {0} migrations are pending. `kommando migrate up` applies them, and so does \
         `kommando serve --migrate`"
    )]
    Pending(usize),
}

impl Store {
    /// Sees to it that the schema is up to date. Where the database is ours alone, it is brought up to date, under the lock
    /// on its file; where others use it, too, only if it may.
    ///
    /// # Errors
    /// The database does not answer, a migration fails, one is pending, or another process holds the lock.
    pub async fn ensure_schema(&self, may_migrate: bool) -> Result<(), SchemaError> {
        let known = self.migrations().await.map_err(SchemaError::Migrate)?;
        match known.iter().filter(|migration| !migration.applied).count() {
            0 => return Ok(()),
            pending if self.is_shared() && !may_migrate => return Err(SchemaError::Pending(pending)),
            _ => {}
        }
        let _lock = match (&self.file, &self.file_lock) {
            (Some(file), None) => Some(FileLock::of_file(file).await.map_err(SchemaError::Locked)?),
            _ => None,
        };
        self.migrate_up().await.map_err(SchemaError::Migrate)
    }

    /// Applies every pending migration, all or none. Two processes that start together take turns.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails; then the schema is as it was.
    pub async fn migrate_up(&self) -> Result<(), DbErr> {
        let transaction = self.begin_migration().await?;
        Migrator::up(transaction.inner(), None).await?;
        self.end_migration(transaction).await
    }

    /// Reverts the newest `steps` migrations, all of them or none.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails; then the schema is as it was.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), DbErr> {
        let transaction = self.begin_migration().await?;
        Migrator::down(transaction.inner(), Some(steps)).await?;
        self.end_migration(transaction).await
    }

    async fn begin_migration(&self) -> Result<WriteTransaction, DbErr> {
        self.keep_temporary(sqlite::IN_FILES).await?;
        let transaction = self.in_background().writer.begin().await?;
        lock::take(&transaction, Lock::Schema).await?;
        if self.is_shared() {
            // It takes as long as there are rows.
            transaction.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        }
        Ok(transaction)
    }

    async fn end_migration(&self, transaction: WriteTransaction) -> Result<(), DbErr> {
        transaction.commit(Touched::Everything).await?;
        self.keep_temporary(sqlite::IN_MEMORY).await
    }

    /// Says where the connection that writes to SQLite keeps what is temporary.
    async fn keep_temporary(&self, place: &str) -> Result<(), DbErr> {
        match self.is_shared() {
            true => Ok(()),
            false => {
                self.writer.connection().execute_unprepared(&format!("PRAGMA temp_store = {place}")).await.map(drop)
            }
        }
    }

    /// Every migration this program knows, oldest first.
    ///
    /// # Errors
    /// The database does not answer, or it was migrated by a newer kommando.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, DbErr> {
        // Asking makes the table of migrations where it is missing.
        let transaction = self.in_background().writer.begin().await?;
        lock::take(&transaction, Lock::Schema).await?;
        let known = Migrator::get_migration_with_status(transaction.inner()).await?;
        transaction.commit(Touched::Nothing).await?;
        Ok(known
            .iter()
            .map(|m| MigrationState { name: m.name().to_owned(), applied: m.status() == MigrationStatus::Applied })
            .collect())
    }
}
