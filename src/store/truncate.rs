//! Deletes all rows, for the demo.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::WriteTransaction;

/// The table of applied migrations, which keeps its rows.
const KEPT: &str = "seaql_migrations";

/// Deletes all rows of all tables and resets the id sequences. The schema stays.
pub async fn truncate_all(transaction: &WriteTransaction) -> Result<(), DbErr> {
    let backend = transaction.get_database_backend();
    let is_sqlite = backend == DbBackend::Sqlite;
    let tables = match is_sqlite {
        true => "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        false => "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    };
    let rows = transaction.query_all_raw(Statement::from_string(backend, tables)).await?;
    let names: Vec<String> = rows.iter().map(|row| row.try_get("", "name")).collect::<Result<_, _>>()?;
    let names = names.into_iter().filter(|name| name != KEPT).map(|name| format!("\"{name}\""));
    if !is_sqlite {
        let all = names.collect::<Vec<_>>().join(", ");
        return transaction.execute_unprepared(&format!("TRUNCATE {all} RESTART IDENTITY CASCADE")).await.map(drop);
    }
    // Checks foreign keys at the commit, so that the order of the tables does not matter.
    transaction.execute_unprepared("PRAGMA defer_foreign_keys = ON").await?;
    for name in names {
        transaction.execute_unprepared(&format!("DELETE FROM {name}")).await?;
    }
    transaction.execute_unprepared("DELETE FROM sqlite_sequence").await.map(drop)
}
