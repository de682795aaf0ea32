//! On PostgreSQL, notifications name the transaction, and one notification has all changes of a statement.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use super::m0007_postgres::TELL;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Notifies `users:7,users:9@4711`, and sets the setting to `,users:7,users:9`. Each change is reported once per
/// transaction.
pub(super) const TELL_TOGETHER: &str = r#"
CREATE OR REPLACE FUNCTION kommando_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told text := coalesce(current_setting('kommando.changed', true), '');
    ids int[];
    untold text;
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'users' THEN SELECT array_agg(DISTINCT id) INTO ids FROM changed;
        WHEN 'tickets' THEN SELECT array_agg(DISTINCT user_id) INTO ids FROM changed;
        WHEN 'persons' THEN
            SELECT array_agg(DISTINCT users.id) INTO ids FROM users JOIN changed ON changed.id = users.person_id;
        ELSE SELECT array_agg(DISTINCT 0) INTO ids FROM changed;
    END CASE;
    IF cardinality(ids) > 100 THEN
        ids := ARRAY[0];
    END IF;
    SELECT string_agg(change, ',') INTO untold
        FROM (SELECT TG_ARGV[0] || ':' || id AS change FROM unnest(ids) AS id) AS changes
        WHERE position(',' || change || ',' IN told || ',') = 0;
    IF untold IS NOT NULL THEN
        PERFORM pg_notify('kommando_changes', untold || '@' || pg_current_xact_id());
        PERFORM set_config('kommando.changed', told || ',' || untold, true);
    END IF;
    RETURN NULL;
END $$
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        tell_by(schema, TELL_TOGETHER).await
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        tell_by(schema, &TELL.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")).await
    }
}

/// Replaces the trigger function on PostgreSQL.
pub(super) async fn tell_by(schema: &SchemaManager<'_>, function: &str) -> Result<(), DbErr> {
    if schema.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    schema.get_connection().execute_unprepared(function).await.map(drop)
}
