//! Compiles text comparisons. Both sides are folded, and the conditions can use an index where possible.

use sea_orm::{
    DbBackend, ExprTrait,
    sea_query::{Expr, Func, Query, SimpleExpr},
};

use super::{
    operands::{folded, misplaced, one, some, values},
    operators::Operator,
};
use crate::odata::{Comparison, ParseError, Spanned, Value};

/// Compares a folded text expression.
pub(super) fn text(
    backend: DbBackend,
    sql: &'static str,
    operator: Operator,
    comparison: &Comparison,
) -> Result<SimpleExpr, ParseError> {
    use Operator as Is;
    let text = Expr::cust(sql);
    let wanted = || folded(one(comparison)?);
    Ok(match operator {
        Is::Equal => text.eq(wanted()?),
        Is::Unequal => text.ne(wanted()?),
        Is::Begins => begins(text, &wanted()?),
        Is::NotBegins => begins(text, &wanted()?).not(),
        Is::Ends => ends(backend, text, &wanted()?),
        Is::Contains => contains(backend, text, &wanted()?),
        Is::NotContains => contains(backend, text, &wanted()?).not(),
        Is::Between => {
            let [from, to] = values(comparison)?;
            text.between(folded(from)?, folded(to)?)
        }
        Is::OneOf => text.is_in(some(comparison, folded)?),
        Is::NotOneOf => text.is_not_in(some(comparison, folded)?),
        _ => return Err(misplaced(comparison)),
    })
}

// Uses functions and ranges instead of LIKE, because SQLite rejects patterns of more than 50,000 bytes.

fn contains(backend: DbBackend, text: SimpleExpr, part: &str) -> SimpleExpr {
    let position = if backend == DbBackend::Postgres { "STRPOS" } else { "INSTR" };
    SimpleExpr::from(Func::cust(position).arg(text).arg(part)).gt(0)
}

fn ends(backend: DbBackend, text: SimpleExpr, end: &str) -> SimpleExpr {
    // Fits in practice: the length of a filter is limited.
    let length = i32::try_from(end.chars().count()).unwrap_or(i32::MAX);
    let last = match backend {
        _ if length == 0 => return Expr::val(true).eq(true),
        DbBackend::Postgres => Func::cust("RIGHT").arg(text).arg(length),
        _ => Func::cust("SUBSTR").arg(text).arg(-length),
    };
    SimpleExpr::from(last).eq(end)
}

/// Compares a text of the person. Selective operators use a subquery on persons, which uses an index. Empty texts use
/// the join, because they also match users without a person.
pub(super) fn person(
    backend: DbBackend,
    column: &'static str,
    joined: &'static str,
    operator: Operator,
    comparison: &Comparison,
) -> Result<SimpleExpr, ParseError> {
    let is_selective = matches!(operator, Operator::Equal | Operator::Begins | Operator::OneOf);
    let is_empty = |value: &Spanned<Value>| matches!(&value.value, Value::Text(text) if text.is_empty());
    if !is_selective || comparison.values.iter().any(is_empty) {
        return text(backend, joined, operator, comparison);
    }
    let persons = Query::select()
        .expr(Expr::cust("persons.id"))
        .from("persons")
        .and_where(text(backend, column, operator, comparison)?)
        .to_owned();
    // Never NULL, so that `not` also works for users without a person.
    let person = Expr::cust("users.person_id");
    Ok(person.clone().is_not_null().and(person.in_subquery(persons)))
}

/// The range of texts that begin with `start`. Both databases order texts by characters, so an index can be used.
fn begins(text: SimpleExpr, start: &str) -> SimpleExpr {
    let from = text.clone().gte(start);
    match successor(start) {
        Some(end) => from.and(text.lt(end)),
        // `start` has only the greatest character, so all greater texts begin with it.
        None => from,
    }
}

/// The smallest text that is greater than all texts that begin with `start`; `None` if there is none.
fn successor(start: &str) -> Option<String> {
    let mut characters: Vec<char> = start.chars().collect();
    while let Some(last) = characters.pop() {
        // The next character; `char` skips surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_after_all_texts_with_the_prefix() {
        assert_eq!(successor("user5").as_deref(), Some("user6"));
        assert_eq!(successor("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(successor(""), None);
    }
}
