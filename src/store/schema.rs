//! Bringing the schema up to date, or back.

use migrations::{MigrationStatus, Migrator, MigratorTrait};
use sea_orm::DbErr;

use super::Store;

/// One migration and whether this database has it.
#[derive(Debug, PartialEq, Eq)]
pub struct MigrationState {
    pub name: String,
    pub applied: bool,
}

impl Store {
    /// Applies every pending migration, all or none. Two processes that start together take turns.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails; then the schema is as it was.
    pub async fn migrate_up(&self) -> Result<(), DbErr> {
        let transaction = self.begin_write().await?;
        Migrator::up(&*transaction, None).await?;
        transaction.commit().await
    }

    /// Reverts the newest `steps` migrations, all of them or none.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails; then the schema is as it was.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), DbErr> {
        let transaction = self.begin_write().await?;
        Migrator::down(&*transaction, Some(steps)).await?;
        transaction.commit().await
    }

    /// Every migration this program knows, oldest first.
    ///
    /// # Errors
    /// The database does not answer, or it was migrated by a newer kommando.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, DbErr> {
        let known = Migrator::get_migration_with_status(&self.reader).await?;
        Ok(known
            .iter()
            .map(|m| MigrationState { name: m.name().to_owned(), applied: m.status() == MigrationStatus::Applied })
            .collect())
    }
}
