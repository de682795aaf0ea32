//! Compares the schema of an SQLite database with the schema that the migrations create. A foreign trigger could change
//! what kommando's statements do.

use std::{collections::BTreeMap, fmt};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, Statement};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

/// Selects all schema objects. SQLite creates the excluded tables automatically.
pub const OBJECTS: &str = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE sql IS NOT NULL \
                           AND NOT (type = 'table' AND name IN ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4'))";
/// Selects the applied migrations, oldest first.
pub const APPLIED: &str = "SELECT version FROM seaql_migrations ORDER BY version";

/// A table, index, trigger or view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaObject {
    pub kind: String,
    pub name: String,
    pub table: String,
    /// The statement that created the object.
    pub sql: String,
}

impl SchemaObject {
    /// Whether the object can change the effect or the result of a statement.
    pub fn is_active(&self) -> bool {
        matches!(self.kind.as_str(), "trigger" | "view")
    }
}

/// Writes kind and name, with control characters escaped.
impl fmt::Display for SchemaObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        match self.kind.as_str() {
            "table" | "view" => write!(f, "{} {name}", self.kind),
            kind => write!(f, "{kind} {name} on {}", self.table.escape_debug()),
        }
    }
}

/// A difference between the found and the expected schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaDifference {
    Unknown(SchemaObject),
    Changed(SchemaObject),
    Missing(SchemaObject),
}

impl SchemaDifference {
    pub fn object(&self) -> &SchemaObject {
        let (Self::Unknown(object) | Self::Changed(object) | Self::Missing(object)) = self;
        object
    }
}

impl fmt::Display for SchemaDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(object) => write!(f, "{object} is not part of kommando's schema"),
            Self::Changed(object) => write!(f, "{object} differs from kommando's schema"),
            Self::Missing(object) => write!(f, "{object} is missing"),
        }
    }
}

/// The differences between two schemas, by kind and name.
pub fn differences(expected: Vec<SchemaObject>, found: Vec<SchemaObject>) -> Vec<SchemaDifference> {
    let key = |object: SchemaObject| ((object.kind.clone(), object.name.clone()), object);
    let mut expected: BTreeMap<_, _> = expected.into_iter().map(key).collect();
    let mut differences = Vec::new();
    for (key, object) in found.into_iter().map(key) {
        match expected.remove(&key) {
            Some(known) if known == object => {}
            Some(_) => differences.push(SchemaDifference::Changed(object)),
            None => differences.push(SchemaDifference::Unknown(object)),
        }
    }
    differences.extend(expected.into_values().map(SchemaDifference::Missing));
    differences
}

/// The schema that the migrations create in an empty database, up to the newest known migration in `applied`.
///
/// # Errors
/// A migration fails.
pub async fn expected(applied: &[String]) -> Result<Vec<SchemaObject>, DbErr> {
    let known = Migrator::migrations();
    let newest = known.iter().rposition(|migration| applied.iter().any(|name| name == migration.name()));
    let count = newest.map_or(0, |newest| newest + 1);
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    // Without log: it would look as if the real database were migrated.
    let up = Migrator::up(&db, Some(u32::try_from(count).unwrap_or(u32::MAX)));
    up.with_subscriber(NoSubscriber::new()).await?;
    let objects = objects(&db).await;
    db.close().await?;
    objects
}

/// The differences between an open SQLite database and the schema of its migrations. Always empty for PostgreSQL.
///
/// # Errors
/// The database has no migrations.
pub async fn of_open(db: &impl ConnectionTrait) -> Result<Vec<SchemaDifference>, DbErr> {
    if db.get_database_backend() != DbBackend::Sqlite {
        return Ok(Vec::new());
    }
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, APPLIED)).await?;
    let applied = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
    Ok(differences(expected(&applied).await?, objects(db).await?))
}

async fn objects(db: &impl ConnectionTrait) -> Result<Vec<SchemaObject>, DbErr> {
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, OBJECTS)).await?;
    let object = |row: &sea_orm::QueryResult| {
        let text = |index| row.try_get_by_index(index);
        Ok(SchemaObject { kind: text(0)?, name: text(1)?, table: text(2)?, sql: text(3)? })
    };
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, sql: &str) -> SchemaObject {
        let text = str::to_owned;
        SchemaObject { kind: text(kind), name: text(name), table: text("users"), sql: text(sql) }
    }

    #[test]
    fn each_difference_is_reported_with_its_name() {
        let expected = vec![object("table", "users", "a"), object("trigger", "one", "b"), object("index", "ix", "c")];
        assert_eq!(differences(expected.clone(), expected.clone()), []);
        let found =
            vec![object("table", "users", "a"), object("trigger", "one", "x"), object("trigger", "t\u{1b}", "")];
        let texts: Vec<_> = differences(expected, found).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "trigger one on users differs from kommando's schema",
                "trigger t\\u{1b} on users is not part of kommando's schema",
                "index ix on users is missing"
            ]
        );
    }

    #[tokio::test]
    async fn the_expected_schema_depends_on_the_migrations() {
        let names: Vec<_> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
        let first = expected(&names[..1]).await.expect("a schema");
        assert!(first.iter().any(|object| object.name == "users"));
        assert!(!first.iter().any(|object| object.name == "executions"));
        let has_triggers = |schema: &[SchemaObject]| schema.iter().any(|object| object.kind == "trigger");
        let before = names.iter().position(|name| name == "m0019_invalidation").expect("the migration");
        assert!(has_triggers(&expected(&names[..before]).await.expect("a schema")));
        assert!(!has_triggers(&expected(&names).await.expect("a schema")));
        assert!(expected(&["m9999_future".to_owned()]).await.expect("a schema").len() < first.len());
    }
}
