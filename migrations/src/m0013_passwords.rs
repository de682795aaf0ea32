//! Adds triggers for credentials, which are cached, too, and belong to the topic `access`. Inserts need no trigger,
//! because the absence of a password is not cached.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use super::m0012_tellers::{TELL_TOGETHER, tell_by};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Event, its name in the trigger, and the row that has the user id on SQLite.
const EVENTS: [(&str, &str, &str); 2] = [("UPDATE", "updates", "NEW"), ("DELETE", "deletes", "OLD")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let tell_of_passwords = TELL_TOGETHER.replace("WHEN 'tickets' THEN", "WHEN 'tickets', 'credentials' THEN");
        tell_by(schema, &tell_of_passwords).await?;
        let is_sqlite = schema.get_database_backend() == DbBackend::Sqlite;
        for (event, name, row) in EVENTS {
            let tell = match is_sqlite {
                true => format!("BEGIN INSERT INTO changes (topic, user_id) SELECT 'access', {row}.user_id; END"),
                false => "REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION kommando_tell('access')"
                    .to_owned(),
            };
            let trigger = format!("CREATE TRIGGER tr_credentials_{name} AFTER {event} ON credentials {tell}");
            schema.get_connection().execute_unprepared(&trigger).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let of_table = if schema.get_database_backend() == DbBackend::Sqlite { "" } else { " ON credentials" };
        for (_, name, _) in EVENTS {
            let drop = format!("DROP TRIGGER tr_credentials_{name}{of_table}");
            schema.get_connection().execute_unprepared(&drop).await?;
        }
        tell_by(schema, TELL_TOGETHER).await
    }
}
