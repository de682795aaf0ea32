//! Finding rows by any number of ids.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend,
    sea_query::{Expr, ExprTrait, Func, SimpleExpr},
};

/// How many ids stand in one statement: databases take only so many.
pub const MOST_IDS: usize = 1024;

/// That a column has one of these ids.
///
/// Each number of parameters is a statement of its own, and a connection remembers only so many. So PostgreSQL gets the ids as
/// one, which serves for columns that have an index: without one, they would be read for each row. SQLite gets the
/// last of them as often as it takes to make their number a power of two.
pub fn id_in(db: &impl ConnectionTrait, column: impl ColumnTrait, ids: &[i32]) -> SimpleExpr {
    if db.get_database_backend() == DbBackend::Postgres {
        let text = ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
        let array = Func::cust("string_to_array").arg(text).arg(",");
        return Expr::col(column.as_column_ref()).eq(Func::cust("ANY").arg(Expr::from(array).cast_as("integer[]")));
    }
    let mut all = ids.to_vec();
    if let Some(last) = ids.last() {
        all.resize(ids.len().next_power_of_two(), *last);
    }
    column.is_in(all)
}
