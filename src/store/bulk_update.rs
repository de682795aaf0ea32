//! Updates several rows of a table with one statement.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, Statement, Value, sea_query::sea_value_to_json_value};
use serde_json::Map;

/// New values of a row by column name.
pub type ColumnValues = BTreeMap<&'static str, Value>;

/// Updates rows by `id` and returns the number of updated rows. Rows with the same changed columns share a statement.
///
/// PostgreSQL gets all rows as one parameter, for the reason given at [`super::insert_all`]. SQLite gets a list of
/// values, because JSON has no types for dates and binary values. There the last row is repeated up to the next power
/// of two, to limit the number of different statements.
pub async fn update_all<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: BTreeMap<i32, ColumnValues>,
) -> Result<u64, DbErr> {
    let mut groups: BTreeMap<Vec<&str>, Vec<(i32, ColumnValues)>> = BTreeMap::new();
    for (id, values) in rows {
        groups.entry(values.keys().copied().collect()).or_default().push((id, values));
    }
    let mut updated = 0;
    for (columns, rows) in groups {
        let update = statement::<E>(db.get_database_backend(), &columns, rows);
        updated += db.execute_raw(update).await?.rows_affected();
    }
    Ok(updated)
}

fn statement<E: EntityTrait>(backend: DbBackend, columns: &[&str], rows: Vec<(i32, ColumnValues)>) -> Statement {
    let entity = E::default();
    let table = entity.table_name();
    if backend == DbBackend::Postgres {
        let set = columns.iter().map(|column| format!(r#""{column}" = new."{column}""#)).collect::<Vec<_>>().join(", ");
        let ids = rows.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(",");
        let json: Vec<_> = rows.into_iter().map(|(id, values)| as_json(id, values)).collect();
        // The ids are repeated for the planner: it cannot estimate the number of JSON rows and might scan the table.
        let update = format!(
            r#"UPDATE "{table}" SET {set} FROM json_populate_recordset(NULL::"{table}", $1::json) AS new WHERE "{table}"."id" = new."id" AND "{table}"."id" = ANY (string_to_array($2, ',')::integer[])"#
        );
        let json = serde_json::Value::Array(json).to_string();
        return Statement::from_sql_and_values(backend, update, [json.into(), ids.into()]);
    }
    let set = (2..).zip(columns).map(|(number, column)| format!(r#""{column}" = new.column{number}"#));
    let set = set.collect::<Vec<_>>().join(", ");
    let row = format!("(?{})", ", ?".repeat(columns.len()));
    let count = rows.len().next_power_of_two();
    let mut values: Vec<Value> =
        rows.into_iter().flat_map(|(id, values)| [id.into()].into_iter().chain(values.into_values())).collect();
    let width = columns.len() + 1;
    let last = values[values.len() - width..].to_vec();
    while values.len() < count * width {
        values.extend_from_slice(&last);
    }
    let new = vec![row; count].join(", ");
    let update = format!(r#"UPDATE "{table}" SET {set} FROM (VALUES {new}) AS new WHERE "{table}"."id" = new.column1"#);
    Statement::from_sql_and_values(backend, update, values)
}

fn as_json(id: i32, values: ColumnValues) -> serde_json::Value {
    let as_json = |value: &Value| match value {
        // sea-query would add quotation marks to the text.
        Value::ChronoDateTimeUtc(Some(time)) => time.to_rfc3339_opts(SecondsFormat::Micros, true).into(),
        value => sea_value_to_json_value(value),
    };
    let mut row: Map<_, _> = values.iter().map(|(column, value)| ((*column).to_owned(), as_json(value))).collect();
    row.insert("id".to_owned(), id.into());
    row.into()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use sea_orm::entity::prelude::*;

    use super::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "fruits")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub is_ripe: bool,
        pub picked_at: DateTimeUtc,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    fn rows(count: i32) -> Vec<(i32, ColumnValues)> {
        let picked_at = DateTime::from_timestamp_nanos(1_767_225_600_123_456_789);
        let values = || ColumnValues::from([("is_ripe", true.into()), ("picked_at", picked_at.into())]);
        (1..=count).map(|id| (id, values())).collect()
    }

    fn of(backend: DbBackend, count: i32) -> (String, Vec<Value>) {
        let statement = statement::<Entity>(backend, &["is_ripe", "picked_at"], rows(count));
        (statement.sql, statement.values.expect("values").0)
    }

    #[test]
    fn sqlite_gets_values_padded_with_the_last_row() {
        let (three, mut of_three) = of(DbBackend::Sqlite, 3);
        let (four, of_four) = of(DbBackend::Sqlite, 4);
        assert_eq!(three, four);
        assert_eq!(of_three.len(), of_four.len());
        let again = of_three.split_off(9);
        assert_eq!(again, of_three[6..]);
    }

    #[test]
    fn postgresql_gets_rows_as_json() {
        let (one, of_one) = of(DbBackend::Postgres, 1);
        let (many, of_many) = of(DbBackend::Postgres, 17);
        assert_eq!(one, many);
        assert_eq!((of_one.len(), of_many.len()), (2, 2));
        let json = r#"[{"is_ripe":true,"picked_at":"2026-01-01T00:00:00.123456Z","id":1}]"#;
        assert_eq!(of_one, [json.into(), "1".into()]);
    }
}
