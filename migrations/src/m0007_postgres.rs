//! Creates the check value of the audit key. On PostgreSQL also: texts compare and sort as on SQLite, an index of
//! unlinked audit entries, and triggers that notify all servers of changes.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Makes all existing text columns compare byte by byte, independent of the database's locale, and without padding.
const TEXTS: &str = r#"
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT c.relname AS tab, a.attname AS col,
            CASE t.typname WHEN 'text' THEN 'text' ELSE format('varchar(%s)', a.atttypmod - 4) END AS typ
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
            AND NOT a.attisdropped AND t.typname IN ('text', 'varchar', 'bpchar') AND c.relname <> 'seaql_migrations'
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE %s COLLATE "C"', found.tab, found.col, found.typ);
    END LOOP;
END $$
"#;

/// A trigger function that reports changes on the channel, and in a setting of the transaction for the committing
/// server. A change is a topic and a user id; 0 means all users. More than 100 users at once are reported as all users.
pub(super) const TELL: &str = r#"
CREATE FUNCTION kommando_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told text := coalesce(current_setting('kommando.changed', true), '');
    ids int[];
    one text;
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
    FOREACH one IN ARRAY coalesce(ids, ARRAY[]::int[])::text[] LOOP
        one := TG_ARGV[0] || ':' || one;
        IF position(',' || one || ',' IN told || ',') = 0 THEN
            told := told || ',' || one;
            PERFORM pg_notify('kommando_changes', one);
        END IF;
    END LOOP;
    PERFORM set_config('kommando.changed', told, true);
    RETURN NULL;
END $$
"#;

/// The tables that servers cache, with their topics.
const TOLD: [(&str, &str); 6] = [
    ("users", "users"),
    ("persons", "users"),
    ("roles", "users"),
    ("user_groups", "users"),
    ("tickets", "access"),
    ("applications", "access"),
];

const UNLINKED: &str = "ix_audit_entries_unlinked";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        schema.create_table(audit_keys()).await?;
        if schema.get_database_backend() == DbBackend::Postgres {
            schema.get_connection().execute_unprepared(TEXTS).await?;
            // A partial index, because only a few of millions of entries are unlinked at any time.
            let unlinked = Index::create()
                .name(UNLINKED)
                .table("audit_entries")
                .col("id")
                .and_where(Expr::col("position").is_null())
                .to_owned();
            schema.create_index(unlinked).await?;
            let db = schema.get_connection();
            db.execute_unprepared(TELL).await?;
            for (table, topic) in TOLD {
                for (event, name) in [("UPDATE", "updates"), ("DELETE", "deletes")] {
                    let trigger = format!(
                        "CREATE TRIGGER tr_{table}_{name} AFTER {event} ON {table} REFERENCING OLD TABLE AS changed \
                         FOR EACH STATEMENT EXECUTE FUNCTION kommando_tell('{topic}')"
                    );
                    db.execute_unprepared(&trigger).await?;
                }
            }
        }
        Ok(())
    }

    /// Keeps the collation of the texts, which does no harm.
    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        if schema.get_database_backend() == DbBackend::Postgres {
            for (table, _) in TOLD {
                for name in ["updates", "deletes"] {
                    let drop = format!("DROP TRIGGER tr_{table}_{name} ON {table}");
                    schema.get_connection().execute_unprepared(&drop).await?;
                }
            }
            schema.get_connection().execute_unprepared("DROP FUNCTION kommando_tell()").await?;
            schema.drop_index(Index::drop().name(UNLINKED).table("audit_entries").to_owned()).await?;
        }
        schema.drop_table(Table::drop().table("audit_keys").to_owned()).await
    }
}

/// `mac` is made with the audit key. It detects a wrong key without revealing the right one.
fn audit_keys() -> TableCreateStatement {
    Table::create().table("audit_keys").col(string_len("mac", 64).primary_key()).to_owned()
}
