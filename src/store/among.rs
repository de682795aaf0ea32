//! Finding rows by any number of ids.

use std::fmt::Display;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, Value,
    sea_query::{Expr, ExprTrait, Func, SimpleExpr},
};
use uuid::Uuid;

/// An id of rows.
pub trait Id: Clone + Display + Into<Value> {
    /// What PostgreSQL calls several of them.
    const ARRAY: &str;
}

impl Id for i32 {
    const ARRAY: &str = "integer[]";
}

impl Id for Uuid {
    const ARRAY: &str = "uuid[]";
}

/// That a column has one of these ids.
///
/// Each number of parameters is a statement of its own, and a connection remembers only so many. So PostgreSQL gets the ids as
/// one; and SQLite the last of them as often as it takes to make their number a power of two.
pub fn is_among<I: Id>(db: &impl ConnectionTrait, column: impl ColumnTrait, ids: &[I]) -> SimpleExpr {
    if db.get_database_backend() == DbBackend::Postgres {
        let text = ids.iter().map(I::to_string).collect::<Vec<_>>().join(",");
        let array = Func::cust("string_to_array").arg(text).arg(",");
        return Expr::col(column.as_column_ref()).eq(Func::cust("ANY").arg(Expr::from(array).cast_as(I::ARRAY)));
    }
    let mut all = ids.to_vec();
    if let Some(last) = ids.last() {
        all.resize(ids.len().next_power_of_two(), last.clone());
    }
    column.is_in(all)
}
