//! On PostgreSQL, what tells of a change tells of its transaction, too: whoever made it knows it again.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use super::m0007_postgres::TELL;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let named = TELL.replace("'kommando_changes', one", "'kommando_changes', one || '@' || pg_current_xact_id()");
        replace(schema, &named).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        replace(schema, TELL).await
    }
}

async fn replace(schema: &SchemaManager<'_>, tell: &str) -> Result<(), DbErr> {
    if schema.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let replace = tell.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION");
    schema.get_connection().execute_unprepared(&replace).await.map(drop)
}
