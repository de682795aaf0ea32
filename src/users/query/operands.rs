//! Reads the values of a comparison as the type of its column.

use crate::{
    odata::{Comparison, ParseError, Spanned, Value},
    users::folded::fold,
};

/// Exactly `N` values.
pub fn values<const N: usize>(comparison: &Comparison) -> Result<[&Spanned<Value>; N], ParseError> {
    let found: Vec<_> = comparison.values.iter().collect();
    let count = found.len();
    let wanted = ["no value", "one value", "two values"][N];
    let invalid = |_| {
        ParseError::new(comparison.operator.at, format!("`{}` takes {wanted}, not {count}", comparison.operator.value))
    };
    found.try_into().map_err(invalid)
}

pub fn one(comparison: &Comparison) -> Result<&Spanned<Value>, ParseError> {
    values(comparison).map(|[value]| value)
}

/// One or more values.
pub fn some<T>(
    comparison: &Comparison,
    read: impl Fn(&Spanned<Value>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    if comparison.values.is_empty() {
        let reason = format!("`{}` takes a list of values in parentheses", comparison.operator.value);
        return Err(ParseError::new(comparison.operator.at, reason));
    }
    comparison.values.iter().map(read).collect()
}

pub fn is_set(comparison: &Comparison) -> Result<bool, ParseError> {
    if comparison.values.is_empty() { Ok(true) } else { as_bool(one(comparison)?) }
}

/// A whole number, with or without quotes. Always 64 bits: PostgreSQL caches a statement with the types of its
/// parameters.
pub fn as_integer(value: &Spanned<Value>) -> Result<i64, ParseError> {
    let number = match &value.value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Bool(_) => None,
    };
    number.ok_or_else(|| ParseError::new(value.at, format!("expected a whole number, not {}", value.value)))
}

pub fn as_text(value: &Spanned<Value>) -> Result<String, ParseError> {
    match &value.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(ParseError::new(value.at, format!("expected a text in quotes, not {}", value.value))),
    }
}

pub fn as_bool(value: &Spanned<Value>) -> Result<bool, ParseError> {
    let found = match &value.value {
        Value::Bool(value) => Some(*value),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Text(text) if ["false", "0"].iter().any(|word| word.eq_ignore_ascii_case(text)) => Some(false),
        Value::Text(text) if ["true", "1"].iter().any(|word| word.eq_ignore_ascii_case(text)) => Some(true),
        _ => None,
    };
    found.ok_or_else(|| ParseError::new(value.at, format!("expected true or false, not {}", value.value)))
}

/// The error for an operator that its column does not support. Unsupported operators are rejected earlier, so this
/// error means a bug.
pub fn misplaced(comparison: &Comparison) -> ParseError {
    let Comparison { column, operator, .. } = comparison;
    ParseError::new(operator.at, format!("`{}` does not apply to {}", operator.value, column.value))
}

/// The folded text of a value.
pub fn folded(value: &Spanned<Value>) -> Result<String, ParseError> {
    as_text(value).map(|text| fold(&text))
}
