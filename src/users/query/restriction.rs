//! Restrictions: a filter as a list of comparisons with parentheses, as the Archive agent takes it (docs/upstream.md §7.3).

use crate::{
    localization::plain_values,
    odata::{Comparison, Filter, MAX_COMPARISONS, MAX_DEPTH, MAX_LENGTH, ParseError, Spanned, Value},
};

/// A comparison, and how it is joined with the next one.
#[derive(Clone, Debug, Default)]
pub struct Restriction {
    pub column: String,
    pub operator: String,
    pub values: Vec<String>,
    /// Whether the comparison counts. Its parentheses do in any case.
    pub is_active: bool,
    /// The number of parentheses that open before the comparison, or as a negative number, close after it.
    pub parentheses: i32,
    /// How the next comparison is joined: with `or`, otherwise with `and`.
    pub is_or: bool,
}

/// The maximum number of values of one restriction; a database has a limit, too.
const MAX_VALUES: usize = 1000;

/// Upstream's signs for operators, with the names that filters have.
const SIGNS: [(&str, &str); 6] = [(">", "gt"), (">=", "ge"), ("<", "lt"), ("<=", "le"), ("!=", "ne"), ("<>", "ne")];

/// The comparisons between two parentheses: alternatives, each of which is a list of conditions that all hold.
#[derive(Debug, Default)]
struct Group {
    alternatives: Vec<Vec<Filter>>,
    /// Whether the next condition begins another alternative.
    is_or: bool,
}

impl Group {
    fn extend(&mut self, condition: Option<Filter>) {
        let Some(condition) = condition else { return };
        match self.alternatives.last_mut() {
            Some(all) if !self.is_or => all.push(condition),
            _ => self.alternatives.push(vec![condition]),
        }
    }

    /// `None` without conditions.
    fn into_filter(self) -> Option<Filter> {
        let all = |conditions: Vec<Filter>| single(conditions, Filter::All);
        let alternatives: Vec<_> = self.alternatives.into_iter().map(all).collect();
        (!alternatives.is_empty()).then(|| single(alternatives, Filter::Any))
    }
}

fn single(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            join(filters)
        }
    }
}

/// The restrictions as a filter; `None` without any. An error names the restriction by its number, from 1.
///
/// # Errors
/// There are too many, or their parentheses do not match.
pub fn filter_of(restrictions: Vec<Restriction>) -> Result<Option<Filter>, ParseError> {
    let count = restrictions.len();
    if count > MAX_COMPARISONS {
        return Err(ParseError::new(count, format!("there are more than {MAX_COMPARISONS} restrictions")));
    }
    check_values(&restrictions)?;
    let mut open = vec![Group::default()];
    for (index, restriction) in restrictions.into_iter().enumerate() {
        let at = index + 1;
        for _ in 0..restriction.parentheses.max(0) {
            if open.len() > MAX_DEPTH {
                return Err(ParseError::new(at, format!("parentheses are nested at most {MAX_DEPTH} levels deep")));
            }
            open.push(Group::default());
        }
        let (is_or, closing) = (restriction.is_or, restriction.parentheses.min(0).unsigned_abs());
        let mut condition = match restriction.is_active {
            true => Some(Filter::Comparison(comparison(at, restriction)?)),
            false => None,
        };
        for _ in 0..closing {
            let Some(mut group) = open.pop().filter(|_| !open.is_empty()) else {
                return Err(ParseError::new(at, "it closes more parentheses than are open"));
            };
            group.extend(condition);
            condition = group.into_filter();
        }
        if let Some(group) = open.last_mut() {
            group.extend(condition);
            group.is_or = is_or;
        }
    }
    match open.pop() {
        Some(_) if !open.is_empty() => Err(ParseError::new(count, "a parenthesis is not closed")),
        group => Ok(group.and_then(Group::into_filter)),
    }
}

/// Checks the values before they are decoded, because `[A:1,2,3]` has many.
fn check_values(restrictions: &[Restriction]) -> Result<(), ParseError> {
    let mut length = 0;
    for (index, restriction) in restrictions.iter().enumerate() {
        length += restriction.values.iter().map(String::len).sum::<usize>();
        if length > MAX_LENGTH {
            return Err(ParseError::new(index + 1, format!("the values are longer than {MAX_LENGTH} bytes")));
        }
        // SQLite ends a pattern at U+0000.
        if restriction.values.iter().any(|value| value.contains('\0')) {
            return Err(ParseError::new(index + 1, "a value cannot have the character U+0000"));
        }
    }
    Ok(())
}

fn comparison(at: usize, restriction: Restriction) -> Result<Comparison, ParseError> {
    let sign = SIGNS.iter().find(|(sign, _)| *sign == restriction.operator.trim());
    let operator = sign.map_or(restriction.operator.trim(), |(_, name)| name).to_owned();
    let values: Vec<_> = restriction.values.iter().flat_map(|value| plain_values(value)).collect();
    if values.len() > MAX_VALUES {
        return Err(ParseError::new(at, format!("it has more than {MAX_VALUES} values")));
    }
    Ok(Comparison {
        column: Spanned { at, value: restriction.column },
        operator: Spanned { at, value: operator },
        values: values.into_iter().map(|value| Spanned { at, value: Value::Text(value) }).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odata;

    /// A column, the number of its parentheses, and whether `or` follows.
    type Given = (&'static str, i32, bool);

    fn restriction(column: &str, parentheses: i32, is_or: bool) -> Restriction {
        let (operator, values) = ("=".to_owned(), vec!["1".to_owned()]);
        Restriction { column: column.to_owned(), operator, values, is_active: column != "off", parentheses, is_or }
    }

    /// The same filter in OData's syntax.
    fn filter(text: &str) -> Filter {
        odata::filter(&text.replace('_', " = '1'")).expect("a filter")
    }

    #[test]
    fn restrictions_are_joined_as_their_filter_reads() {
        let cases: [(&[Given], &str); 8] = [
            (&[("a", 0, false)], "a_"),
            (&[("a", 0, false), ("b", 0, false)], "a_ and b_"),
            (&[("a", 0, true), ("b", 0, false), ("c", 0, false)], "a_ or b_ and c_"),
            (&[("a", 1, true), ("b", -1, false), ("c", 0, false)], "(a_ or b_) and c_"),
            (&[("a", 0, false), ("b", 1, true), ("c", -1, false)], "a_ and (b_ or c_)"),
            (&[("a", 2, true), ("b", -1, false), ("c", -1, true), ("d", 0, false)], "((a_ or b_) and c_) or d_"),
            (&[("off", 1, true), ("b", -1, false), ("c", 0, false)], "b_ and c_"),
            (&[("a", 0, false), ("off", 1, false), ("off", -1, true)], "a_"),
        ];
        for (given, text) in cases {
            let given = given.iter().map(|(column, parentheses, is_or)| restriction(column, *parentheses, *is_or));
            assert_eq!(filter_of(given.collect()).expect("a filter"), Some(filter(text)), "{text}");
        }
        assert_eq!(filter_of(Vec::new()).expect("no filter"), None);
    }

    #[test]
    fn parentheses_that_do_not_match_are_refused() {
        for parentheses in [1, -1, i32::MAX, i32::MIN] {
            assert!(filter_of(vec![restriction("a", parentheses, false)]).is_err(), "{parentheses}");
        }
    }

    #[test]
    fn too_many_or_unusable_values_are_refused() {
        let with = |values: Vec<String>| filter_of(vec![Restriction { values, ..restriction("a", 0, false) }]);
        assert!(with(vec!["1".to_owned(); MAX_VALUES]).is_ok());
        assert!(with(vec!["1".to_owned(); MAX_VALUES + 1]).is_err());
        assert!(with(vec![format!("[A:1{}]", ",1".repeat(MAX_VALUES))]).is_err());
        assert!(with(vec!["x".repeat(MAX_LENGTH + 1)]).is_err());
        assert!(with(vec!["a\0".to_owned()]).is_err());
        assert!(filter_of(vec![restriction("a", 0, false); MAX_COMPARISONS + 1]).is_err());
    }
}
