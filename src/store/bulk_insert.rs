//! Inserts several rows of a table with one statement.

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel, Iterable,
    sea_query::{Expr, ExprTrait, Func, InsertStatement, OnConflict, Query},
};
use serde::Serialize;

/// Inserts rows and returns the number of inserted rows, which is lower when `on_conflict` skips some.
///
/// PostgreSQL gets all rows as one JSON parameter. With a list of values, each number of rows would be a different
/// statement, and would evict others from the connection's cache of prepared statements. The JSON names of the model's
/// fields must equal the column names; other fields are silently not stored.
pub async fn insert_all<E>(
    db: &impl ConnectionTrait,
    rows: Vec<E::Model>,
    on_conflict: Option<OnConflict>,
) -> Result<u64, DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + Serialize,
{
    if rows.is_empty() {
        return Ok(0);
    }
    if db.get_database_backend() == DbBackend::Postgres {
        let mut insert = insert_from_json::<E>(&rows)?;
        if let Some(conflict) = on_conflict {
            insert.on_conflict(conflict);
        }
        return Ok(db.execute(&insert).await?.rows_affected());
    }
    let insert = E::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model));
    match on_conflict {
        Some(conflict) => insert.on_conflict(conflict).exec_without_returning(db).await,
        None => insert.exec_without_returning(db).await,
    }
}

/// An `INSERT … SELECT` from JSON; its members are the columns of the table.
fn insert_from_json<E: EntityTrait>(rows: &[impl Serialize]) -> Result<InsertStatement, DbErr> {
    let rows = serde_json::to_string(rows)
        .map_err(|error| DbErr::Custom(format!("failed to serialize rows as JSON: {error}")))?;
    let table = E::default();
    let as_table = Func::cust("json_populate_recordset")
        .arg(Expr::cust(format!("NULL::{}", table.table_name())))
        .arg(Expr::val(rows).cast_as("json"));
    let select = Query::select().columns(E::Column::iter()).from_function(as_table, "rows").to_owned();
    let mut insert = Query::insert();
    insert
        .into_table(table.table_ref())
        .columns(E::Column::iter())
        .select_from(select)
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    Ok(insert)
}

#[cfg(test)]
mod tests {
    use sea_orm::{entity::prelude::*, sea_query::PostgresQueryBuilder};

    use super::*;

    #[derive(Clone, Debug, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "fruits")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: Option<String>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    #[test]
    fn postgresql_uses_one_statement_for_any_number_of_rows() {
        let statement = |count: i32| {
            let rows: Vec<_> = (0..count).map(|id| Model { id, name: Some("apple".to_owned()) }).collect();
            insert_from_json::<Entity>(&rows).expect("rows as JSON").build(PostgresQueryBuilder)
        };
        let (one, of_one) = statement(1);
        let (many, of_many) = statement(17);
        assert_eq!(one, many);
        assert_eq!((of_one.0.len(), of_many.0.len()), (1, 1));
    }
}
