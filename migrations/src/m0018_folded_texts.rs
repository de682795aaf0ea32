//! Adds a case-folded copy of each text by which the user list is filtered and sorted, and the indexes of the list on
//! these copies. The databases do not fold Unicode in the same way, so the server folds, here and with each write.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value},
};
use unicode_normalization::UnicodeNormalization;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The texts of each table. The folded copy of `name` is `name_folded`.
const TABLES: [(&str, &[&str]); 4] = [
    (
        "persons",
        &["firstname", "middle_name", "lastname", "mrmrs", "title", "email", "contact_name", "contact_department"],
    ),
    ("users", &["name", "user_name", "nick_name", "tooltip"]),
    ("roles", &["name"]),
    ("user_groups", &["name"]),
];

/// Index names with their tables and columns. Sort indexes end with the id, as the list does.
const INDICES: [(&str, &str); 7] = [
    ("ix_users_name_folded", "users (name_folded, id)"),
    ("ix_users_user_name_folded", "users (user_name_folded, id)"),
    ("ix_users_role_id_name_folded", "users (role_id, name_folded, id)"),
    ("ix_users_user_group_id_name_folded", "users (user_group_id, name_folded, id)"),
    ("ix_persons_firstname_folded", "persons (firstname_folded)"),
    ("ix_persons_lastname_folded", "persons (lastname_folded)"),
    ("ix_persons_email_folded", "persons (email_folded)"),
];

/// The indexes that are replaced.
const REPLACED: [(&str, &str); 7] = [
    ("ix_users_lower_name", "users (LOWER(name), id)"),
    ("ix_users_lower_user_name", "users (LOWER(user_name), id)"),
    ("ix_users_role_id_lower_name", "users (role_id, LOWER(name), id)"),
    ("ix_users_user_group_id_lower_name", "users (user_group_id, LOWER(name), id)"),
    ("ix_persons_lower_firstname", "persons (LOWER(firstname))"),
    ("ix_persons_lower_lastname", "persons (LOWER(lastname))"),
    ("ix_persons_lower_email", "persons (LOWER(email))"),
];

/// The replaced indexes of PostgreSQL. The new columns compare byte by byte, so they need no second index for the
/// beginning of a text.
const REPLACED_PATTERNS: [(&str, &str); 5] = [
    ("ix_users_name_pattern", "users (LOWER(name) text_pattern_ops)"),
    ("ix_users_user_name_pattern", "users (LOWER(user_name) text_pattern_ops)"),
    ("ix_persons_firstname_pattern", "persons (LOWER(firstname) text_pattern_ops)"),
    ("ix_persons_lastname_pattern", "persons (LOWER(lastname) text_pattern_ops)"),
    ("ix_persons_email_pattern", "persons (LOWER(email) text_pattern_ops)"),
];

/// Number of rows that are read and written together, with at most nine parameters each.
const BATCH: usize = 500;

/// Maximum length of a folded text, in characters: an index entry of PostgreSQL has at most 2704 bytes.
const MAX_LENGTH: usize = 600;

/// Folds a text as the server does at the time of this migration. A later change of folding needs another migration.
fn fold(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    lower.chars().map(|letter| if letter == 'ς' { 'σ' } else { letter }).take(MAX_LENGTH).collect()
}

fn replaced(backend: DbBackend) -> impl Iterator<Item = (&'static str, &'static str)> {
    let has_patterns = backend == DbBackend::Postgres;
    REPLACED.into_iter().chain(REPLACED_PATTERNS.into_iter().filter(move |_| has_patterns))
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let (db, backend) = (schema.get_connection(), schema.get_database_backend());
        for (name, _) in replaced(backend) {
            db.execute_unprepared(&format!("DROP INDEX IF EXISTS {name}")).await?;
        }
        let text = if backend == DbBackend::Postgres { r#"text COLLATE "C""# } else { "varchar" };
        for (table, columns) in TABLES {
            for column in columns {
                let add = format!("ALTER TABLE {table} ADD COLUMN {column}_folded {text} NOT NULL DEFAULT ''");
                db.execute_unprepared(&add).await?;
            }
        }
        // Nothing changes that servers cache, so the triggers need not report each row.
        let triggers = stop_triggers(schema).await?;
        for (table, columns) in TABLES {
            fill(schema, table, columns).await?;
        }
        start_triggers(schema, triggers).await?;
        for (name, over) in INDICES {
            db.execute_unprepared(&format!("CREATE INDEX {name} ON {over}")).await?;
        }
        Ok(())
    }

    async fn down(&self, schema: &SchemaManager) -> Result<(), DbErr> {
        let db = schema.get_connection();
        for (name, _) in INDICES {
            db.execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        for (table, columns) in TABLES {
            for column in columns {
                db.execute_unprepared(&format!("ALTER TABLE {table} DROP COLUMN {column}_folded")).await?;
            }
        }
        for (name, over) in replaced(schema.get_database_backend()) {
            db.execute_unprepared(&format!("CREATE INDEX {name} ON {over}")).await?;
        }
        Ok(())
    }
}

/// Folds the texts of a table: ASCII texts by one statement, the others in batches.
async fn fill(schema: &SchemaManager<'_>, table: &str, columns: &[&str]) -> Result<(), DbErr> {
    let (db, backend) = (schema.get_connection(), schema.get_database_backend());
    let lower: Vec<_> = columns.iter().map(|column| format!("{column}_folded = LOWER({column})")).collect();
    db.execute_unprepared(&format!("UPDATE {table} SET {}", lower.join(", "))).await?;
    let (all, together) = (columns.join(", "), columns.join(" || "));
    let mut last = i32::MIN;
    loop {
        let query = format!(
            "SELECT id, {all} FROM {table} WHERE id > {last} AND OCTET_LENGTH({together}) <> LENGTH({together}) \
             ORDER BY id LIMIT {BATCH}"
        );
        let rows = db.query_all_raw(Statement::from_string(backend, query)).await?;
        let Some(newest) = rows.last() else { return Ok(()) };
        last = newest.try_get_by_index(0)?;
        db.execute_raw(update(backend, table, columns, &rows)?).await?;
    }
}

/// The statement that writes the folded texts of these rows, which must be sorted by id.
fn update(backend: DbBackend, table: &str, columns: &[&str], rows: &[QueryResult]) -> Result<Statement, DbErr> {
    let mut values: Vec<Value> = Vec::new();
    let mut parameter = |value: Value| {
        values.push(value);
        if backend == DbBackend::Postgres { format!("${}", values.len()) } else { "?".to_owned() }
    };
    let (mut tuples, mut ids) = (Vec::new(), Vec::new());
    for row in rows {
        let id: i32 = row.try_get_by_index(0)?;
        let mut tuple = vec![parameter(id.into())];
        for index in 1..=columns.len() {
            tuple.push(parameter(fold(&row.try_get_by_index::<String>(index)?).into()));
        }
        tuples.push(format!("({})", tuple.join(", ")));
        ids.push(id);
    }
    let set = (2..).zip(columns).map(|(number, column)| format!("{column}_folded = new.column{number}"));
    let set = set.collect::<Vec<_>>().join(", ");
    // With the range, PostgreSQL does not read the whole table for each batch.
    let (from, to) = (ids.first().copied().unwrap_or_default(), ids.last().copied().unwrap_or_default());
    let sql = format!(
        "UPDATE {table} SET {set} FROM (VALUES {}) AS new WHERE {table}.id = new.column1 AND {table}.id BETWEEN {from} \
         AND {to}",
        tuples.join(", ")
    );
    Ok(Statement::from_sql_and_values(backend, sql, values))
}

/// Disables the triggers of the tables, and returns the statements that enable them again. On SQLite, drops them.
async fn stop_triggers(schema: &SchemaManager<'_>) -> Result<Vec<String>, DbErr> {
    let (db, backend) = (schema.get_connection(), schema.get_database_backend());
    let mut starts = Vec::new();
    for (table, _) in TABLES {
        let query = match backend {
            DbBackend::Postgres => format!(
                "SELECT format('ALTER TABLE {table} DISABLE TRIGGER %I', tgname), \
                 format('ALTER TABLE {table} ENABLE TRIGGER %I', tgname) \
                 FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND NOT tgisinternal AND tgenabled = 'O'"
            ),
            _ => format!(
                "SELECT FORMAT('DROP TRIGGER \"%w\"', name), sql FROM sqlite_schema \
                 WHERE type = 'trigger' AND tbl_name = '{table}'"
            ),
        };
        for row in db.query_all_raw(Statement::from_string(backend, query)).await? {
            db.execute_unprepared(&row.try_get_by_index::<String>(0)?).await?;
            starts.push(row.try_get_by_index(1)?);
        }
    }
    Ok(starts)
}

async fn start_triggers(schema: &SchemaManager<'_>, statements: Vec<String>) -> Result<(), DbErr> {
    let db = schema.get_connection();
    for statement in statements {
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}
