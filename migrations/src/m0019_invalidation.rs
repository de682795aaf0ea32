//! Changes how servers invalidate their caches. SQLite needs no table of changes any more, because it reports itself
//! whether another process has written. On PostgreSQL, the triggers notify with the id of the writing server, so that
//! it recognizes its own changes, and also for inserted rows and truncated tables.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use super::{
    m0008_changes,
    m0012_tellers::{TELL_TOGETHER, tell_by},
};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Notifies `users:7,users:9@0123456789abcdef`: the scope and the user of each change (0 means all users), and the id
/// of the writing server, if it is one.
const NOTIFY: &str = r#"
CREATE OR REPLACE FUNCTION kommando_tell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids int[] := ARRAY[0];
    changes text;
BEGIN
    IF TG_OP <> 'TRUNCATE' THEN
        CASE TG_TABLE_NAME
            WHEN 'users' THEN SELECT array_agg(DISTINCT id) INTO ids FROM changed;
            WHEN 'tickets', 'credentials', 'memberships' THEN
                SELECT array_agg(DISTINCT user_id) INTO ids FROM changed;
            WHEN 'persons' THEN
                SELECT array_agg(DISTINCT users.id) INTO ids FROM users JOIN changed ON changed.id = users.person_id;
            ELSE SELECT array_agg(DISTINCT 0) INTO ids FROM changed;
        END CASE;
        IF cardinality(ids) > 100 THEN
            ids := ARRAY[0];
        END IF;
    END IF;
    SELECT string_agg(TG_ARGV[0] || ':' || id, ',') INTO changes FROM unnest(ids) AS id;
    IF changes IS NOT NULL THEN
        PERFORM pg_notify('kommando_changes',
            changes || '@' || coalesce(current_setting('kommando.instance', true), ''));
        -- For servers of the version before, which may still run.
        PERFORM set_config('kommando.changed',
            coalesce(current_setting('kommando.changed', true), '') || ',' || changes, true);
    END IF;
    RETURN NULL;
END $$
"#;

/// Table, scope, event, the event's name in the trigger, and the transition table.
const TRIGGERS: [(&str, &str, &str, &str, &str); 13] = [
    ("users", "users", "INSERT", "inserts", NEW),
    ("credentials", "access", "INSERT", "inserts", NEW),
    ("memberships", "users", "INSERT", "inserts", NEW),
    ("memberships", "users", "UPDATE", "updates", OLD),
    ("memberships", "users", "DELETE", "deletes", OLD),
    ("users", "users", "TRUNCATE", "truncates", ""),
    ("persons", "users", "TRUNCATE", "truncates", ""),
    ("roles", "users", "TRUNCATE", "truncates", ""),
    ("user_groups", "users", "TRUNCATE", "truncates", ""),
    ("memberships", "users", "TRUNCATE", "truncates", ""),
    ("tickets", "access", "TRUNCATE", "truncates", ""),
    ("credentials", "access", "TRUNCATE", "truncates", ""),
    ("applications", "access", "TRUNCATE", "truncates", ""),
];
const NEW: &str = "REFERENCING NEW TABLE AS changed";
const OLD: &str = "REFERENCING OLD TABLE AS changed";

/// The triggers of credentials on SQLite, which are dropped.
const PASSWORD_EVENTS: [(&str, &str, &str); 2] = [("UPDATE", "updates", "NEW"), ("DELETE", "deletes", "OLD")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        if schema.get_database_backend() == DbBackend::Sqlite {
            for (_, name, _) in PASSWORD_EVENTS {
                schema.get_connection().execute_unprepared(&format!("DROP TRIGGER tr_credentials_{name}")).await?;
            }
            return m0008_changes::Migration.down(schema).await;
        }
        tell_by(schema, NOTIFY).await?;
        for (table, scope, event, name, rows) in TRIGGERS {
            let trigger = format!(
                "CREATE TRIGGER tr_{table}_{name} AFTER {event} ON {table} {rows} FOR EACH STATEMENT EXECUTE FUNCTION \
                 kommando_tell('{scope}')"
            );
            schema.get_connection().execute_unprepared(&trigger).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        if schema.get_database_backend() == DbBackend::Sqlite {
            m0008_changes::Migration.up(schema).await?;
            for (event, name, row) in PASSWORD_EVENTS {
                let tell = format!("INSERT INTO changes (topic, user_id) SELECT 'access', {row}.user_id");
                let trigger =
                    format!("CREATE TRIGGER tr_credentials_{name} AFTER {event} ON credentials BEGIN {tell}; END");
                schema.get_connection().execute_unprepared(&trigger).await?;
            }
            return Ok(());
        }
        for (table, _, _, name, _) in TRIGGERS {
            schema.get_connection().execute_unprepared(&format!("DROP TRIGGER tr_{table}_{name} ON {table}")).await?;
        }
        tell_by(schema, &TELL_TOGETHER.replace("WHEN 'tickets' THEN", "WHEN 'tickets', 'credentials' THEN")).await
    }
}
