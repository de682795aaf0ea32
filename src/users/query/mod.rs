//! The user list: pages of users with `$filter`, `$orderBy` and `$select`.

mod columns;
mod filter;
mod operands;
mod operators;
#[cfg(test)]
mod plans;
mod texts;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{
    DbBackend, ExprTrait, QueryResult,
    entity::prelude::*,
    sea_query::{Condition, Expr, JoinType, Order as Direction, Query, SelectStatement, SimpleExpr},
};

pub use self::columns::{COLUMNS, ColumnType, FilterKind, ListColumn};
pub use self::filter::QueryContext;
use crate::odata::{self, ParseError};

/// The parameters of a page.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListQuery<'a> {
    pub select: Option<&'a str>,
    pub filter: Option<&'a str>,
    pub order_by: Option<&'a str>,
    /// The id of the last row of the previous page. The page starts after this row.
    pub after: Option<i32>,
    /// Number of rows to skip.
    pub skip: u64,
    /// Maximum number of rows.
    pub limit: u64,
    /// The only user that the caller may see, if restricted.
    pub only: Option<i32>,
}

/// A page of the list.
#[derive(Debug)]
pub struct Page {
    pub columns: Vec<&'static ListColumn>,
    pub rows: Vec<Row>,
}

/// A user in the list.
#[derive(Debug)]
pub struct Row {
    pub id: i32,
    /// In the order of the page's columns.
    pub cells: Vec<Cell>,
}

/// The value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Integer(i64),
    Bool(bool),
    Date(Option<DateTime<Utc>>),
}

/// Why the list could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A query option cannot be parsed.
    #[error("{option}: {error}")]
    Parse { option: &'static str, error: ParseError },
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Reads a page of the list with one statement.
pub async fn page(
    db: &impl ConnectionTrait,
    context: QueryContext<'_>,
    list_query: ListQuery<'_>,
) -> Result<Page, ListError> {
    let columns = selected(list_query.select).map_err(in_option("$select"))?;
    let query = statement(db.get_database_backend(), context, list_query, &columns)?;
    let found = db.query_all(&query).await?;
    let rows = found.iter().map(|row| read(row, &columns)).collect::<Result<_, _>>()?;
    Ok(Page { columns, rows })
}

fn statement(
    backend: DbBackend,
    context: QueryContext<'_>,
    list_query: ListQuery<'_>,
    columns: &[&'static ListColumn],
) -> Result<SelectStatement, ListError> {
    let mut query = rows(columns, backend);
    if let Some(filter) = list_query.filter {
        let compiler = filter::FilterCompiler { context, backend };
        let filter = odata::filter(filter).and_then(|filter| compiler.condition(&filter));
        query.cond_where(filter.map_err(in_option("$filter"))?);
    }
    query.cond_where(Condition::all().add_option(list_query.only.map(|id| Expr::cust("users.id").eq(i64::from(id)))));
    let keys = keys(list_query.order_by).map_err(in_option("$orderBy"))?;
    query.cond_where(Condition::all().add_option(list_query.after.map(|id| keyset_condition(&keys, id))));
    for (key, direction) in keys {
        query.order_by_expr(key, direction);
    }
    // The id as the last key makes the order total, so that pages neither overlap nor leave gaps.
    query.order_by_expr(Expr::cust("users.id"), Direction::Asc);
    query.limit(list_query.limit).offset(list_query.skip);
    Ok(query)
}

fn in_option(option: &'static str) -> impl Fn(ParseError) -> ListError {
    move |error| ListError::Parse { option, error }
}

fn selected(select: Option<&str>) -> Result<Vec<&'static ListColumn>, ParseError> {
    let Some(select) = select else {
        return Ok(columns::COLUMNS.iter().filter(|column| !column.is_filter_only).collect());
    };
    let mut selected: Vec<&'static ListColumn> = Vec::new();
    for name in odata::names(select)? {
        let column = columns::find(&name)?;
        if !selected.iter().any(|known| known.name == column.name) {
            selected.push(column);
        }
    }
    Ok(selected)
}

fn rows(columns: &[&'static ListColumn], backend: DbBackend) -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::cust("users.id"));
    for column in columns {
        query.expr(column.value(backend));
    }
    join(&mut query);
    query
}

/// The tables of the columns.
fn join(query: &mut SelectStatement) -> &mut SelectStatement {
    query
        .from("users")
        .join(JoinType::InnerJoin, "roles", Expr::cust("roles.id = users.role_id"))
        .join(JoinType::InnerJoin, "user_groups", Expr::cust("user_groups.id = users.user_group_id"))
        .join(JoinType::LeftJoin, "persons", Expr::cust("persons.id = users.person_id"))
}

/// The sort keys before the id. Repeated columns are ignored.
fn keys(order_by: Option<&str>) -> Result<Vec<(SimpleExpr, Direction)>, ParseError> {
    let (mut keys, mut names) = (Vec::new(), HashSet::new());
    for odata::Order { column: name, is_descending } in order_by.map(odata::order).transpose()?.unwrap_or_default() {
        let column = columns::find(&name)?;
        if !column.can_order_by {
            return Err(ParseError::new(name.at, format!("the list cannot be ordered by {}", column.name)));
        }
        if names.insert(column.name) {
            keys.push((column.sort_key(), if is_descending { Direction::Desc } else { Direction::Asc }));
        }
    }
    Ok(keys)
}

/// The condition for the rows after a user's row, in the order of these keys. With an index on the first key, the last
/// page is as cheap as the first.
fn keyset_condition(keys: &[(SimpleExpr, Direction)], id: i32) -> SimpleExpr {
    // 64 bits like the numbers of a filter, which may give the same statement.
    let id = i64::from(id);
    let greater_id = Expr::cust("users.id").gt(id);
    keys.iter().rev().fold(greater_id, |rest, (key, direction)| {
        let mut users_key = Query::select().expr(key.clone()).to_owned();
        join(&mut users_key).and_where(Expr::cust("users.id").eq(id));
        let users_key = || Expr::SubQuery(None, Box::new(users_key.clone().into()));
        let (at_least, beyond) = match direction {
            Direction::Desc => (key.clone().lte(users_key()), key.clone().lt(users_key())),
            _ => (key.clone().gte(users_key()), key.clone().gt(users_key())),
        };
        at_least.and(beyond.or(rest))
    })
}

fn read(row: &QueryResult, columns: &[&'static ListColumn]) -> Result<Row, DbErr> {
    let cell = |(index, column): (usize, &&'static ListColumn)| {
        // The first column is the id.
        let index = index + 1;
        Ok::<_, DbErr>(match column.shown {
            ColumnType::Text => Cell::Text(row.try_get_by_index(index)?),
            ColumnType::Integer => Cell::Integer(row.try_get_by_index(index)?),
            ColumnType::Bool => Cell::Bool(row.try_get_by_index(index)?),
            ColumnType::Date => Cell::Date(row.try_get_by_index(index)?),
        })
    };
    let cells = columns.iter().enumerate().map(cell).collect::<Result<_, _>>()?;
    Ok(Row { id: row.try_get_by_index(0)?, cells })
}
