//! The list of users: pages of what a filter lets through, in an order, with the columns that are selected.

mod columns;
mod filter;
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

pub use self::columns::{COLUMNS, Column, Restriction, Shown};
pub use self::filter::Asker;
use crate::odata::{self, Fault};

/// What is asked of the list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    pub select: Option<&'a str>,
    pub filter: Option<&'a str>,
    pub order_by: Option<&'a str>,
    /// The user whose row the page before ended with: what stands up to there is passed over.
    pub after: Option<i32>,
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
    let query = statement(db.get_database_backend(), asker, question, &columns)?;
    let found = db.query_all(&query).await?;
    let rows = found.iter().map(|row| read(row, &columns)).collect::<Result<_, _>>()?;
    Ok(Page { columns, rows })
}

fn statement(
    backend: DbBackend,
    asker: Asker<'_>,
    question: Question<'_>,
    columns: &[&'static Column],
) -> Result<SelectStatement, ListError> {
    let mut query = rows(columns, backend);
    if let Some(filter) = question.filter {
        let translator = filter::Translator { asker, backend };
        let filter = odata::filter(filter).and_then(|filter| translator.condition(&filter));
        query.cond_where(filter.map_err(in_option("$filter"))?);
    }
    query.cond_where(Condition::all().add_option(question.only.map(|id| Expr::cust("users.id").eq(i64::from(id)))));
    let keys = keys(question.order_by).map_err(in_option("$orderBy"))?;
    query.cond_where(Condition::all().add_option(question.after.map(|id| behind(&keys, id))));
    for (key, direction) in keys {
        query.order_by_expr(key, direction);
    }
    // Rows that are alike otherwise stand in the order of their ids, so that pages neither overlap nor leave gaps.
    query.order_by_expr(Expr::cust("users.id"), Direction::Asc);
    query.limit(question.limit).offset(question.skip);
    Ok(query)
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

fn rows(columns: &[&'static Column], backend: DbBackend) -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::cust("users.id"));
    for column in columns {
        query.expr(column.value(backend));
    }
    join(&mut query);
    query
}

/// What the columns are made of.
fn join(query: &mut SelectStatement) -> &mut SelectStatement {
    query
        .from("users")
        .join(JoinType::InnerJoin, "roles", Expr::cust("roles.id = users.role_id"))
        .join(JoinType::InnerJoin, "user_groups", Expr::cust("user_groups.id = users.user_group_id"))
        .join(JoinType::LeftJoin, "persons", Expr::cust("persons.id = users.person_id"))
}

/// What the rows are sorted by, before their ids. A column that stands there again sorts nothing.
fn keys(order_by: Option<&str>) -> Result<Vec<(SimpleExpr, Direction)>, Fault> {
    let (mut keys, mut names) = (Vec::new(), HashSet::new());
    for odata::Order { column: name, is_descending } in order_by.map(odata::order).transpose()?.unwrap_or_default() {
        let column = columns::find(&name)?;
        if !column.can_order_by {
            return Err(Fault::new(name.at, format!("the list cannot be ordered by {}", column.name)));
        }
        if names.insert(column.name) {
            keys.push((column.key(), if is_descending { Direction::Desc } else { Direction::Asc }));
        }
    }
    Ok(keys)
}

/// The rows behind that of a user, in the order of these keys. An index that sorts by the first key finds where they
/// begin, so that the last page costs as little as the first.
fn behind(keys: &[(SimpleExpr, Direction)], id: i32) -> SimpleExpr {
    // As wide as the numbers of a filter, whose statement may read the same.
    let id = i64::from(id);
    let greater_id = Expr::cust("users.id").gt(id);
    keys.iter().rev().fold(greater_id, |rest, (key, direction)| {
        let mut place = Query::select().expr(key.clone()).to_owned();
        join(&mut place).and_where(Expr::cust("users.id").eq(id));
        let place = || Expr::SubQuery(None, Box::new(place.clone().into()));
        let (at_least, beyond) = match direction {
            Direction::Desc => (key.clone().lte(place()), key.clone().lt(place())),
            _ => (key.clone().gte(place()), key.clone().gt(place())),
        };
        at_least.and(beyond.or(rest))
    })
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
