//! Builds the condition `column IN (ids)` for any number of ids.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend,
    sea_query::{Expr, ExprTrait, Func, SimpleExpr},
};

/// Maximum number of ids in one statement; databases limit the number of parameters.
pub const MAX_IDS: usize = 1024;

/// The condition that a column has one of these ids.
///
/// Every number of parameters is a different statement, and a connection caches only some prepared statements. So
/// PostgreSQL gets the ids as one text parameter; the column needs an index, or the text is parsed for each row. For
/// SQLite the last id is repeated up to the next power of two.
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
