//! How a filter holds texts against values: both are folded, and an index serves where one can.

use sea_orm::{
    DbBackend, ExprTrait,
    sea_query::{Expr, Func, Query, SimpleExpr},
};

use super::{
    filter::{Translator, as_text, misplaced, one, some, values},
    operators::Operator,
};
use crate::{
    odata::{At, Fault, Test, Value},
    users::folded::fold,
};

impl Translator<'_> {
    /// `sql` is a folded text.
    pub(super) fn text(&self, sql: &'static str, operator: Operator, test: &Test) -> Result<SimpleExpr, Fault> {
        use Operator as Is;
        let text = Expr::cust(sql);
        let wanted = || folded(one(test)?);
        Ok(match operator {
            Is::Equal => text.eq(wanted()?),
            Is::Unequal => text.ne(wanted()?),
            Is::Begins => begins(text, &wanted()?),
            Is::NotBegins => begins(text, &wanted()?).not(),
            Is::Ends => self.ends(text, &wanted()?),
            Is::Contains => self.contains(text, &wanted()?),
            Is::NotContains => self.contains(text, &wanted()?).not(),
            Is::Between => {
                let [from, to] = values(test)?;
                text.between(folded(from)?, folded(to)?)
            }
            Is::OneOf => text.is_in(some(test, folded)?),
            Is::NotOneOf => text.is_not_in(some(test, folded)?),
            _ => return Err(misplaced(test)),
        })
    }

    // Functions and ranges, no patterns: SQLite refuses a pattern of more than 50,000 bytes.

    fn contains(&self, text: SimpleExpr, part: &str) -> SimpleExpr {
        let position = if self.backend == DbBackend::Postgres { "STRPOS" } else { "INSTR" };
        SimpleExpr::from(Func::cust(position).arg(text).arg(part)).gt(0)
    }

    fn ends(&self, text: SimpleExpr, end: &str) -> SimpleExpr {
        // At most as many as the longest filter has, lengthened by folding.
        let length = i32::try_from(end.chars().count()).unwrap_or(i32::MAX);
        let last = match self.backend {
            _ if length == 0 => return Expr::val(true).eq(true),
            DbBackend::Postgres => Func::cust("RIGHT").arg(text).arg(length),
            _ => Func::cust("SUBSTR").arg(text).arg(-length),
        };
        SimpleExpr::from(last).eq(end)
    }

    /// A text of the person. What finds few of them is looked for among the persons, where an index finds it: their users
    /// are found by another. An empty text is also that of a user without a person, so that it is looked for in the join.
    pub(super) fn person(
        &self,
        column: &'static str,
        joined: &'static str,
        operator: Operator,
        test: &Test,
    ) -> Result<SimpleExpr, Fault> {
        let finds_few = matches!(operator, Operator::Equal | Operator::Begins | Operator::OneOf);
        let is_empty = |value: &At<Value>| matches!(&value.value, Value::Text(text) if text.is_empty());
        if !finds_few || test.values.iter().any(is_empty) {
            return self.text(joined, operator, test);
        }
        let persons = Query::select()
            .expr(Expr::cust("persons.id"))
            .from("persons")
            .and_where(self.text(column, operator, test)?)
            .to_owned();
        // Said of everybody, so that `not` says it of those without a person as well.
        let person = Expr::cust("users.person_id");
        Ok(person.clone().is_not_null().and(person.in_subquery(persons)))
    }
}

/// All texts from this one to before the first that does not begin with it. Texts are ordered by their characters on both
/// databases, so an index finds them.
fn begins(text: SimpleExpr, start: &str) -> SimpleExpr {
    let from = text.clone().gte(start);
    match successor(start) {
        Some(end) => from.and(text.lt(end)),
        // Nothing but the greatest character: what is greater begins with it.
        None => from,
    }
}

/// The least text that is greater than all that begin with this one, unless there is none.
fn successor(start: &str) -> Option<String> {
    let mut characters: Vec<char> = start.chars().collect();
    while let Some(last) = characters.pop() {
        // The character behind this one; surrogates are none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// The text of a value, as the list compares it.
pub(super) fn folded(value: &At<Value>) -> Result<String, Fault> {
    as_text(value).map(|text| fold(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_behind_all_that_begin_alike() {
        assert_eq!(successor("user5").as_deref(), Some("user6"));
        assert_eq!(successor("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(successor(""), None);
    }
}
