//! What an SQLite database holds beside, or in place of, what the migrations make. A trigger that kommando did not make
//! changes what its statements do.

use std::{collections::BTreeMap, fmt};

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, Statement};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

/// Every object that a statement made. SQLite makes the excluded tables by itself.
pub const OBJECTS: &str = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE sql IS NOT NULL \
                           AND NOT (type = 'table' AND name IN ('sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4'))";
/// The migrations that were applied, oldest first.
pub const APPLIED: &str = "SELECT version FROM seaql_migrations ORDER BY version";

/// A table, index, trigger or view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaObject {
    pub kind: String,
    pub name: String,
    pub table: String,
    /// The statement that made it.
    pub sql: String,
}

impl SchemaObject {
    /// Whether it can change what a statement does or shows.
    pub fn is_active(&self) -> bool {
        matches!(self.kind.as_str(), "trigger" | "view")
    }
}

/// By its name, with control characters escaped.
impl fmt::Display for SchemaObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_debug();
        match self.kind.as_str() {
            "table" | "view" => write!(f, "{} {name}", self.kind),
            kind => write!(f, "{kind} {name} on {}", self.table.escape_debug()),
        }
    }
}

/// How a schema differs from what the migrations make.
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
            Self::Unknown(object) => write!(f, "{object} is not kommando's"),
            Self::Changed(object) => write!(f, "{object} is not as kommando made it"),
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

/// What the migrations make of an empty database, up to the newest of these that is known.
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
    // The log would read as if the database itself were migrated.
    let up = Migrator::up(&db, Some(u32::try_from(count).unwrap_or(u32::MAX)));
    up.with_subscriber(NoSubscriber::new()).await?;
    let objects = objects(&db).await;
    db.close().await?;
    objects
}

/// How an open database differs from what its migrations make; not at all where it is not SQLite.
///
/// # Errors
/// The database does not answer, or has no migrations.
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
    fn what_is_more_or_less_or_other_is_told_by_name() {
        let expected = vec![object("table", "users", "a"), object("trigger", "one", "b"), object("index", "ix", "c")];
        assert_eq!(differences(expected.clone(), expected.clone()), []);
        let found =
            vec![object("table", "users", "a"), object("trigger", "one", "x"), object("trigger", "t\u{1b}", "")];
        let told: Vec<_> = differences(expected, found).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "trigger one on users is not as kommando made it",
                "trigger t\\u{1b} on users is not kommando's",
                "index ix on users is missing"
            ]
        );
    }

    #[tokio::test]
    async fn each_number_of_migrations_makes_a_schema_of_its_own() {
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
