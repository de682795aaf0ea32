//! The filter operators of each kind of column (docs/upstream.md §7).

use crate::{
    localization::Period,
    odata::{Comparison, ParseError},
};

/// The meaning of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Including both ends.
    Between,
    OneOf,
    NotOneOf,
    /// Whether the value is not zero, compared with the given boolean (default true). With a number it means `Equal`.
    Set,
    Begins,
    NotBegins,
    Ends,
    Contains,
    NotContains,
    /// The caller.
    CurrentAssociate,
    BeforeDay,
    UpToDay,
    OnDay,
    AfterDay,
    BetweenDays,
    BeforeTime,
    AtTime,
    AfterTime,
    BeforeToday,
    Today,
    AfterToday,
    /// Within a period; the number counts periods from the current one.
    Within(Period, i32),
}

use Operator as Is;

/// Operators by name.
pub type Operators = &'static [(&'static str, Operator)];

pub const INTEGER: Operators = &[
    ("eq", Is::Equal),
    ("=", Is::Equal),
    ("equals", Is::Equal),
    ("ne", Is::Unequal),
    ("unequals", Is::Unequal),
    ("lt", Is::Less),
    ("less", Is::Less),
    ("le", Is::LessOrEqual),
    ("gt", Is::Greater),
    ("greater", Is::Greater),
    ("ge", Is::GreaterOrEqual),
    ("between", Is::Between),
    ("set", Is::Set),
];

pub const TEXT: Operators = &[
    ("eq", Is::Equal),
    ("=", Is::Equal),
    ("equals", Is::Equal),
    ("is", Is::Equal),
    ("ne", Is::Unequal),
    ("unequals", Is::Unequal),
    ("isNot", Is::Unequal),
    ("begins", Is::Begins),
    ("startswith", Is::Begins),
    ("notBegins", Is::NotBegins),
    ("endswith", Is::Ends),
    ("contains", Is::Contains),
    ("substringof", Is::Contains),
    ("notContains", Is::NotContains),
    ("between", Is::Between),
];

pub const BOOL: Operators = &[
    ("set", Is::Set),
    ("eq", Is::Equal),
    ("=", Is::Equal),
    ("equals", Is::Equal),
    ("ne", Is::Unequal),
    ("unequals", Is::Unequal),
];

/// Operators with a list of values.
pub const LIST: Operators = &[("in", Is::OneOf), ("oneOf", Is::OneOf), ("notOneOf", Is::NotOneOf)];

pub const ASSOCIATE: Operators = &[
    ("associateIsOneOf", Is::OneOf),
    ("associateIsNotOneOf", Is::NotOneOf),
    ("currentAssociate", Is::CurrentAssociate),
];

pub const GROUPS: Operators =
    &[("eq", Is::Equal), ("=", Is::Equal), ("equals", Is::Equal), ("ne", Is::Unequal), ("unequals", Is::Unequal)];

pub const DATE: Operators = &[
    ("before", Is::BeforeDay),
    ("beforeOrEqual", Is::UpToDay),
    ("date", Is::OnDay),
    ("after", Is::AfterDay),
    ("dateBetween", Is::BetweenDays),
    ("between", Is::BetweenDays),
    ("beforeTime", Is::BeforeTime),
    ("dateTime", Is::AtTime),
    ("afterTime", Is::AfterTime),
    ("beforeToday", Is::BeforeToday),
    ("today", Is::Today),
    ("afterToday", Is::AfterToday),
    ("lastWeek", Is::Within(Period::Week, -1)),
    ("thisWeek", Is::Within(Period::Week, 0)),
    ("nextWeek", Is::Within(Period::Week, 1)),
    ("lastMonth", Is::Within(Period::Month, -1)),
    ("thisMonth", Is::Within(Period::Month, 0)),
    ("nextMonth", Is::Within(Period::Month, 1)),
    ("lastQuarter", Is::Within(Period::Quarter, -1)),
    ("thisQuarter", Is::Within(Period::Quarter, 0)),
    ("nextQuarter", Is::Within(Period::Quarter, 1)),
    ("thisHalf", Is::Within(Period::Half, 0)),
    ("thisYear", Is::Within(Period::Year, 0)),
];

/// The operator of a comparison, ignoring case, among the operators of its column.
pub fn find(comparison: &Comparison, known: &[Operators]) -> Result<Operator, ParseError> {
    let known = || known.iter().copied().flatten();
    let found = known().find(|(name, _)| name.eq_ignore_ascii_case(&comparison.operator.value));
    let names = || {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in known() {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names.join(", ")
    };
    let unknown = || {
        format!(
            "`{}` is not an operator of {}, which takes {}",
            comparison.operator.value,
            comparison.column.value,
            names()
        )
    };
    found.map(|(_, operator)| *operator).ok_or_else(|| ParseError::new(comparison.operator.at, unknown()))
}
