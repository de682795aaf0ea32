//! On SQLite, records changes of cached tables, so that other processes can invalidate their caches.
//!
//! A change is a row with a topic and a user id; 0 means all users. Only the newest rows are kept; a process that
//! missed some must invalidate everything. PostgreSQL uses notifications instead.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Number of changes that are kept.
const KEPT: i32 = 10_000;

/// The topic of changes of users.
const USERS: &str = "users";
/// The topic of changes of tickets and applications.
const ACCESS: &str = "access";

/// Table, event, and an SQL query that returns the topics and users of the change.
fn triggers() -> Vec<(&'static str, &'static str, String)> {
    let mut triggers = Vec::new();
    for (event, row) in [("UPDATE", "NEW"), ("DELETE", "OLD")] {
        triggers.push(("users", event, format!("SELECT '{USERS}', {row}.id")));
        triggers.push(("persons", event, format!("SELECT '{USERS}', id FROM users WHERE person_id = {row}.id")));
        triggers.push(("roles", event, format!("SELECT '{USERS}', 0")));
        triggers.push(("user_groups", event, format!("SELECT '{USERS}', 0")));
        triggers.push(("tickets", event, format!("SELECT '{ACCESS}', {row}.user_id")));
        triggers.push(("applications", event, format!("SELECT '{ACCESS}', 0")));
    }
    triggers
}

fn name(table: &str, event: &str) -> String {
    format!("tr_{table}_{}", event.to_lowercase())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        if schema.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let db = schema.get_connection();
        // `seq` is the rowid, which counts without gaps.
        let columns = "seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, user_id INTEGER NOT NULL";
        db.execute_unprepared(&format!("CREATE TABLE changes ({columns})")).await?;
        let oldest = format!("DELETE FROM changes WHERE seq <= NEW.seq - {KEPT}");
        db.execute_unprepared(&format!("CREATE TRIGGER tr_changes AFTER INSERT ON changes BEGIN {oldest}; END"))
            .await?;
        for (table, event, changed) in triggers() {
            let note = format!("INSERT INTO changes (topic, user_id) {changed}");
            let name = name(table, event);
            let trigger = format!("CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {note}; END");
            db.execute_unprepared(&trigger).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        if schema.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        for (table, event, _) in triggers() {
            schema.get_connection().execute_unprepared(&format!("DROP TRIGGER {}", name(table, event))).await?;
        }
        schema.drop_table(Table::drop().table("changes").to_owned()).await
    }
}
