//! Parses the OData query options `$filter`, `$select` and `$orderBy`, without knowledge of the columns.
//!
//! ```text
//! filter   = all *("or" all)
//! all      = one *("and" one)
//! one      = "not" one | "(" filter ")" | test
//! test     = column operator [value | "(" value *("," value) ")"]
//!          | operator "(" argument *("," argument) ")"      one of the arguments is the column
//! value    = 'text' | integer | true | false                a quote within a text is doubled
//! ```
//!
//! Keywords ignore case. The length, the depth and the number of tests are limited, so that parsing is cheap and the
//! SQL statement stays small.

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::fmt;

pub use parser::{filter, names, order};

/// Maximum length of an option, in characters.
pub const MAX_LENGTH: usize = 8000;
/// Maximum nesting of parentheses and `not`.
pub const MAX_DEPTH: usize = 32;
/// Maximum number of comparisons in a filter.
pub const MAX_COMPARISONS: usize = 100;

/// A value with its position in the text. Comparison ignores the position.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// Number of the character, from 1.
    pub at: usize,
    pub value: T,
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A parsed `$filter`.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Comparison(Comparison),
}

/// A test that compares a column with values.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub column: Spanned<String>,
    pub operator: Spanned<String>,
    pub values: Vec<Spanned<Value>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Bool(bool),
}

/// A column to sort by.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub column: Spanned<String>,
    pub is_descending: bool,
}

/// A syntax error with its position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {at}: {message}")]
pub struct ParseError {
    pub at: usize,
    pub message: String,
}

impl ParseError {
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "'{}'", text.replace('\'', "''")),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Bool(value) => write!(formatter, "{value}"),
        }
    }
}
