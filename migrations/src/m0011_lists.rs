//! Indexes that keep lists fast with millions of rows: users by name and by its beginning, executions by outcome.
//!
//! The expressions must equal those of the queries exactly; otherwise the indexes are not used.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Index names with their tables and columns. Sort indexes end with the id, as the lists do. Succeeded executions are
/// left out, because they are the majority, and each would cost an index entry.
const INDICES: [(&str, &str); 8] = [
    ("ix_users_lower_name", "users (LOWER(name), id)"),
    ("ix_users_lower_user_name", "users (LOWER(user_name), id)"),
    ("ix_users_role_id_lower_name", "users (role_id, LOWER(name), id)"),
    ("ix_users_user_group_id_lower_name", "users (user_group_id, LOWER(name), id)"),
    ("ix_persons_lower_firstname", "persons (LOWER(firstname))"),
    ("ix_persons_lower_lastname", "persons (LOWER(lastname))"),
    ("ix_persons_lower_email", "persons (LOWER(email))"),
    ("ix_executions_uncommon", "executions (outcome, id) WHERE outcome <> 'succeeded'"),
];

/// Indexes with which PostgreSQL finds the beginning of a text in any collation.
const PATTERNS: [(&str, &str); 5] = [
    ("ix_users_name_pattern", "users (LOWER(name) text_pattern_ops)"),
    ("ix_users_user_name_pattern", "users (LOWER(user_name) text_pattern_ops)"),
    ("ix_persons_firstname_pattern", "persons (LOWER(firstname) text_pattern_ops)"),
    ("ix_persons_lastname_pattern", "persons (LOWER(lastname) text_pattern_ops)"),
    ("ix_persons_email_pattern", "persons (LOWER(email) text_pattern_ops)"),
];

fn indices(schema: &SchemaManager) -> impl Iterator<Item = (&'static str, &'static str)> {
    let has_patterns = schema.get_database_backend() == DbBackend::Postgres;
    INDICES.into_iter().chain(PATTERNS.into_iter().filter(move |_| has_patterns))
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (name, over) in indices(schema) {
            schema.get_connection().execute_unprepared(&format!("CREATE INDEX {name} ON {over}")).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in indices(schema) {
            schema.get_connection().execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        Ok(())
    }
}
