//! The list of users: pages of what a filter lets through, in an order, with the columns that are selected.

mod columns;
mod filter;
mod operators;

use chrono::{DateTime, Utc};
use sea_orm::{
    ExprTrait, QueryResult,
    entity::prelude::*,
    sea_query::{Condition, Expr, JoinType, Order as Direction, Query, SelectStatement},
};

pub use self::columns::{Column, Shown};
pub use self::filter::Asker;
use crate::odata::{self, Fault};

/// What is asked of the list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    pub select: Option<&'a str>,
    pub filter: Option<&'a str>,
    pub order_by: Option<&'a str>,
    /// How many rows are passed over.
    pub skip: u64,
    /// How many rows there are at most.
    pub limit: u64,
    /// The only user who may be seen.
    pub only: Option<i32>,
}

/// Rows of the list.
#[derive(Debug)]
pub struct Page {
    pub columns: Vec<&'static Column>,
    pub rows: Vec<Row>,
}

/// A user in the list.
#[derive(Debug)]
pub struct Row {
    pub id: i32,
    /// In the order of the page's columns.
    pub cells: Vec<Cell>,
}

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Integer(i64),
    Bool(bool),
    Date(Option<DateTime<Utc>>),
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The option that is wrong, and how.
    #[error("{option}: {fault}")]
    Fault { option: &'static str, fault: Fault },
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// A page of the list, made by one statement.
///
/// # Errors
/// An option cannot be understood, or the database does not answer.
pub async fn page(db: &impl ConnectionTrait, asker: Asker<'_>, question: Question<'_>) -> Result<Page, ListError> {
    let columns = selected(question.select).map_err(in_option("$select"))?;
    let mut query = rows(&columns);
    if let Some(filter) = question.filter {
        let filter = odata::filter(filter).and_then(|filter| asker.condition(&filter));
        query.cond_where(filter.map_err(in_option("$filter"))?);
    }
    query.cond_where(Condition::all().add_option(question.only.map(|id| Expr::cust("users.id").eq(id))));
    order(&mut query, question.order_by).map_err(in_option("$orderBy"))?;
    query.limit(question.limit).offset(question.skip);
    let found = db.query_all(&query).await?;
    let rows = found.iter().map(|row| read(row, &columns)).collect::<Result<_, _>>()?;
    Ok(Page { columns, rows })
}

fn in_option(option: &'static str) -> impl Fn(Fault) -> ListError {
    move |fault| ListError::Fault { option, fault }
}

fn selected(select: Option<&str>) -> Result<Vec<&'static Column>, Fault> {
    let Some(select) = select else {
        return Ok(columns::COLUMNS.iter().filter(|column| !column.is_switch).collect());
    };
    let mut selected: Vec<&'static Column> = Vec::new();
    for name in odata::names(select)? {
        let column = columns::find(&name)?;
        if !selected.iter().any(|known| known.name == column.name) {
            selected.push(column);
        }
    }
    Ok(selected)
}

fn rows(columns: &[&'static Column]) -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::cust("users.id"));
    for column in columns {
        query.expr(column.value());
    }
    query
        .from("users")
        .join(JoinType::InnerJoin, "roles", Expr::cust("roles.id = users.role_id"))
        .join(JoinType::InnerJoin, "user_groups", Expr::cust("user_groups.id = users.user_group_id"))
        .join(JoinType::LeftJoin, "persons", Expr::cust("persons.id = users.person_id"));
    query
}

/// Rows that are alike otherwise stand in the order of their ids, so that pages neither overlap nor leave gaps.
fn order(query: &mut SelectStatement, order_by: Option<&str>) -> Result<(), Fault> {
    for odata::Order { column: name, is_descending } in order_by.map(odata::order).transpose()?.unwrap_or_default() {
        let column = columns::find(&name)?;
        if !column.can_order_by {
            return Err(Fault::new(name.at, format!("the list cannot be ordered by {}", column.name)));
        }
        let direction = if is_descending { Direction::Desc } else { Direction::Asc };
        query.order_by_expr(column.key(), direction);
    }
    query.order_by_expr(Expr::cust("users.id"), Direction::Asc);
    Ok(())
}

fn read(row: &QueryResult, columns: &[&'static Column]) -> Result<Row, DbErr> {
    let cell = |(index, column): (usize, &&'static Column)| {
        // The id stands before them.
        let index = index + 1;
        Ok::<_, DbErr>(match column.shown {
            Shown::Text => Cell::Text(row.try_get_by_index(index)?),
            Shown::Integer => Cell::Integer(row.try_get_by_index(index)?),
            Shown::Bool => Cell::Bool(row.try_get_by_index(index)?),
            Shown::Date => Cell::Date(row.try_get_by_index(index)?),
        })
    };
    let cells = columns.iter().enumerate().map(cell).collect::<Result<_, _>>()?;
    Ok(Row { id: row.try_get_by_index(0)?, cells })
}
