//! How a filter holds texts against values, without regard to case, so that an index serves where one can.

use sea_orm::{
    DbBackend, ExprTrait,
    sea_query::{Expr, LikeExpr, Query, SimpleExpr},
};

use super::{
    columns,
    filter::{Translator, as_text, misplaced, one, some, values},
    operators::Operator,
};
use crate::odata::{At, Fault, Test, Value};

impl Translator<'_> {
    pub(super) fn text(&self, sql: &'static str, operator: Operator, test: &Test) -> Result<SimpleExpr, Fault> {
        use Operator as Is;
        let text = columns::folded(sql);
        let pattern = |before: &str, after: &str| {
            let literal = escaped(&folded(one(test)?)?);
            Ok::<_, Fault>(LikeExpr::new(format!("{before}{literal}{after}")).escape('\\'))
        };
        Ok(match operator {
            Is::Equal => text.eq(folded(one(test)?)?),
            Is::Unequal => text.ne(folded(one(test)?)?),
            Is::Begins => match self.range(&folded(one(test)?)?) {
                Some((from, to)) => text.clone().gte(from).and(text.lt(to)),
                None => text.like(pattern("", "%")?),
            },
            Is::NotBegins => text.not_like(pattern("", "%")?),
            Is::Ends => text.like(pattern("%", "")?),
            Is::Contains => text.like(pattern("%", "%")?),
            Is::NotContains => text.not_like(pattern("%", "%")?),
            Is::Between => {
                let [from, to] = values(test)?;
                text.between(folded(from)?, folded(to)?)
            }
            Is::OneOf => text.is_in(some(test, folded)?),
            _ => return Err(misplaced(test)),
        })
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

    /// All texts that begin with this one, from the first to before the second, where texts are ordered by their
    /// characters: an index of SQLite serves that and no pattern.
    fn range(&self, start: &str) -> Option<(String, String)> {
        (self.backend == DbBackend::Sqlite).then(|| Some((start.to_owned(), successor(start)?))).flatten()
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

fn folded(value: &At<Value>) -> Result<String, Fault> {
    as_text(value).map(|text| text.to_ascii_lowercase())
}

/// A text without a meaning of its own in a pattern.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
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
