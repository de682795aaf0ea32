//! The archives of users and roles: pages of rows with a filter, an order, and selected columns.

mod archive;
mod columns;
mod filter;
mod operands;
mod operators;
#[cfg(test)]
mod plans;
mod restriction;
mod texts;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{
    DbBackend, ExprTrait, QueryResult,
    entity::prelude::*,
    sea_query::{Condition, Expr, Order as Direction, Query, SelectStatement, SimpleExpr},
};

use self::archive::Rows;
pub use self::archive::{ALL_USERS, ARCHIVES, Archive, ROLES};
pub(super) use self::columns::PERSON_NAME_FOLDED;
pub use self::columns::{ColumnType, FilterKind, ListColumn};
pub use self::filter::QueryContext;
pub use self::restriction::Restriction;
use self::restriction::filter_of;
use crate::odata::{self, Filter, Order, ParseError, Spanned};

/// The parameters of a page.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// The columns; all when empty.
    pub columns: Vec<Spanned<String>>,
    pub filter: Option<Filter>,
    pub order: Vec<Order>,
    /// The id of the last row of the previous page. The page starts after this row.
    pub after: Option<i32>,
    /// Number of rows to skip.
    pub skip: u64,
    /// Maximum number of rows.
    pub limit: u64,
    /// The only user that the caller may see, if restricted. It applies to archives of users.
    pub only: Option<i32>,
}

impl ListQuery {
    /// A query with columns, filter and order in OData's syntax.
    ///
    /// # Errors
    /// [`ListError::Parse`].
    pub fn parse(columns: Option<&str>, filter: Option<&str>, order: Option<&str>) -> Result<Self, ListError> {
        Ok(Self {
            columns: columns.map(odata::names).transpose().map_err(in_part(ListPart::Columns))?.unwrap_or_default(),
            filter: filter.map(odata::filter).transpose().map_err(in_part(ListPart::Filter))?,
            order: order.map(odata::order).transpose().map_err(in_part(ListPart::Order))?.unwrap_or_default(),
            ..Self::default()
        })
    }
}

/// A column to sort by, and whether the largest value comes first.
pub type OrderBy = (String, bool);

impl ListQuery {
    /// A query with lists of columns and of columns to sort by, and with restrictions. An error names the item of its
    /// list by its number, from 1.
    ///
    /// # Errors
    /// [`ListError::Parse`].
    pub fn of_lists(
        columns: Vec<String>,
        restrictions: Vec<Restriction>,
        order: Vec<OrderBy>,
    ) -> Result<Self, ListError> {
        let numbered = |(index, value): (usize, String)| Spanned { at: index + 1, value };
        let order_by = |(index, (column, is_descending)): (usize, OrderBy)| Order {
            column: numbered((index, column)),
            is_descending,
        };
        Ok(Self {
            columns: columns.into_iter().enumerate().map(numbered).collect(),
            filter: filter_of(restrictions).map_err(in_part(ListPart::Filter))?,
            order: order.into_iter().enumerate().map(order_by).collect(),
            ..Self::default()
        })
    }
}

/// The part of a query that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListPart {
    Columns,
    Filter,
    Order,
}

/// A page of the list.
#[derive(Debug)]
pub struct Page {
    pub columns: Vec<&'static ListColumn>,
    pub rows: Vec<Row>,
}

/// A row of an archive.
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
    /// A part of the query cannot be parsed, or does not fit the columns.
    #[error("{part:?}: {error}")]
    Parse { part: ListPart, error: ParseError },
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Reads a page of an archive with one statement.
pub async fn page(
    db: &impl ConnectionTrait,
    archive: &'static Archive,
    context: QueryContext<'_>,
    list_query: &ListQuery,
) -> Result<Page, ListError> {
    let columns = selected(archive, &list_query.columns).map_err(in_part(ListPart::Columns))?;
    let query = statement(db.get_database_backend(), archive, context, list_query, &columns)?;
    let found = db.query_all(&query).await?;
    let rows = found.iter().map(|row| read(row, &columns)).collect::<Result<_, _>>()?;
    Ok(Page { columns, rows })
}

/// A statement that reads a column, in SQL, of the users that match the filter.
///
/// # Errors
/// [`ListError::Parse`].
pub(super) fn select_matching(
    backend: DbBackend,
    context: QueryContext<'_>,
    filter: &Filter,
    column: &'static str,
) -> Result<SelectStatement, ListError> {
    let compiler = filter::FilterCompiler { archive: &ALL_USERS, context, backend };
    let condition = compiler.condition(filter).map_err(in_part(ListPart::Filter))?;
    let mut query = Query::select().expr(Expr::cust(column)).to_owned();
    ALL_USERS.join_tables(&mut query).cond_where(condition);
    Ok(query)
}

fn statement(
    backend: DbBackend,
    archive: &'static Archive,
    context: QueryContext<'_>,
    list_query: &ListQuery,
    columns: &[&'static ListColumn],
) -> Result<SelectStatement, ListError> {
    let mut query = rows(archive, columns, backend);
    if let Some(filter) = &list_query.filter {
        let compiler = filter::FilterCompiler { archive, context, backend };
        query.cond_where(compiler.condition(filter).map_err(in_part(ListPart::Filter))?);
    }
    query.cond_where(Condition::all().add_option(archive.condition.map(Expr::cust)));
    let only = list_query.only.filter(|_| archive.rows == Rows::Users);
    query.cond_where(Condition::all().add_option(only.map(|id| Expr::cust(archive.id).eq(i64::from(id)))));
    let keys = keys(archive, &list_query.order).map_err(in_part(ListPart::Order))?;
    // A caller who sees one user has no second page. Comparing with another user's row would tell about that user.
    let after = match (list_query.after, only) {
        (Some(_), Some(_)) => Some(Expr::cust("1 = 0")),
        (after, _) => after.map(|id| keyset_condition(archive, &keys, id)),
    };
    query.cond_where(Condition::all().add_option(after));
    for (key, direction) in keys {
        query.order_by_expr(key, direction);
    }
    // The id as the last key makes the order total, so that pages neither overlap nor leave gaps.
    query.order_by_expr(Expr::cust(archive.id), Direction::Asc);
    query.limit(list_query.limit).offset(list_query.skip);
    Ok(query)
}

fn in_part(part: ListPart) -> impl Fn(ParseError) -> ListError {
    move |error| ListError::Parse { part, error }
}

fn selected(archive: &'static Archive, names: &[Spanned<String>]) -> Result<Vec<&'static ListColumn>, ParseError> {
    if names.is_empty() {
        return Ok(archive.columns.iter().filter(|column| !column.is_filter_only).collect());
    }
    let mut selected: Vec<&'static ListColumn> = Vec::new();
    for name in names {
        let column = archive.column(name)?;
        if !selected.iter().any(|known| known.name == column.name) {
            selected.push(column);
        }
    }
    Ok(selected)
}

fn rows(archive: &Archive, columns: &[&'static ListColumn], backend: DbBackend) -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::cust(archive.id));
    for column in columns {
        query.expr(column.value(backend));
    }
    archive.join_tables(&mut query);
    query
}

/// The name of the id in rows. Rows can be ordered by it, though it is no column.
const PRIMARY_KEY: &str = "PrimaryKey";

/// The sort keys before the id. Repeated columns are ignored, and so is what follows the id, which makes the order total.
fn keys(archive: &'static Archive, order: &[Order]) -> Result<Vec<(SimpleExpr, Direction)>, ParseError> {
    let (mut keys, mut names) = (Vec::new(), HashSet::new());
    for Order { column: name, is_descending } in order {
        let direction = if *is_descending { Direction::Desc } else { Direction::Asc };
        if name.value.eq_ignore_ascii_case(PRIMARY_KEY) {
            keys.push((Expr::cust(archive.id), direction));
            break;
        }
        let column = archive.column(name)?;
        if !column.can_order_by {
            return Err(ParseError::new(name.at, format!("the list cannot be ordered by {}", column.name)));
        }
        if names.insert(column.name) {
            keys.push((column.sort_key(), direction));
        }
    }
    Ok(keys)
}

/// The condition for the rows after the row with this id, in the order of these keys. With an index on the first key, the last
/// page is as cheap as the first.
fn keyset_condition(archive: &Archive, keys: &[(SimpleExpr, Direction)], id: i32) -> SimpleExpr {
    // 64 bits like the numbers of a filter, which may give the same statement.
    let id = i64::from(id);
    let greater_id = Expr::cust(archive.id).gt(id);
    keys.iter().rev().fold(greater_id, |rest, (key, direction)| {
        let mut rows_key = Query::select().expr(key.clone()).to_owned();
        archive.join_tables(&mut rows_key).and_where(Expr::cust(archive.id).eq(id));
        let rows_key = || Expr::SubQuery(None, Box::new(rows_key.clone().into()));
        let (at_least, beyond) = match direction {
            Direction::Desc => (key.clone().lte(rows_key()), key.clone().lt(rows_key())),
            _ => (key.clone().gte(rows_key()), key.clone().gt(rows_key())),
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
