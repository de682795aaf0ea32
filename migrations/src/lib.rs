//! The migrations of the database schema, one file each.
//!
//! Tables and columns are named by strings, not by entities, so that an old migration never changes with an entity. The
//! statements of a merged migration are never edited. Migrations insert no rows: the server creates the rows that every
//! installation needs.

pub use sea_orm_migration::{MigrationStatus, MigratorTrait};
use sea_orm_migration::{MigrationTrait, async_trait};

mod m0001_users;
mod m0002_executions;
mod m0003_webhooks;
mod m0004_audit_anchor;
mod m0005_callers;
mod m0006_user_lookups;
mod m0007_postgres;
mod m0008_changes;
mod m0011_lists;
mod m0012_tellers;
mod m0013_passwords;
mod m0014_seals;
mod m0015_logins;
mod m0017_tickets;
mod m0018_folded_texts;
mod m0019_invalidation;
mod m0020_audit_changes;
mod m0021_audit_keys;
mod m0022_command_inputs;
mod m0023_data_rights;
mod m0024_stored_secrets;

/// Applies and reverts the migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_users::Migration),
            Box::new(m0002_executions::Migration),
            Box::new(m0003_webhooks::Migration),
            Box::new(m0004_audit_anchor::Migration),
            Box::new(m0005_callers::Migration),
            Box::new(m0006_user_lookups::Migration),
            Box::new(m0007_postgres::Migration),
            Box::new(m0008_changes::Migration),
            Box::new(m0011_lists::Migration),
            Box::new(m0012_tellers::Migration),
            Box::new(m0013_passwords::Migration),
            Box::new(m0014_seals::Migration),
            Box::new(m0015_logins::Migration),
            Box::new(m0017_tickets::Migration),
            Box::new(m0018_folded_texts::Migration),
            Box::new(m0019_invalidation::Migration),
            Box::new(m0020_audit_changes::Migration),
            Box::new(m0021_audit_keys::Migration),
            Box::new(m0022_command_inputs::Migration),
            Box::new(m0023_data_rights::Migration),
            Box::new(m0024_stored_secrets::Migration),
        ]
    }
}
