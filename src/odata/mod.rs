//! The query options of an OData list, as far as they are a language: what `$filter`, `$select` and `$orderBy` say,
//! before anybody knows which columns there are. A leaf.
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
//! Words are read without regard to case. Length, depth and the number of tests are bounded, so that whatever comes in
//! costs little to read and makes a statement of bounded size.

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use std::fmt;

pub use parser::{filter, names, order};

/// How many characters an option has at most.
pub const LONGEST: usize = 8000;
/// How deeply parentheses and `not` are nested at most.
pub const DEEPEST: usize = 32;
/// How many tests a filter has at most.
pub const MOST_TESTS: usize = 100;

/// Something, and where in the text it stands. Two are equal wherever they stand.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The character, counted from 1.
    pub at: usize,
    pub value: T,
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// What a filter says.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Test(Test),
}

/// A column held against values.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub column: At<String>,
    pub operator: At<String>,
    pub values: Vec<At<Value>>,
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
    pub column: At<String>,
    pub is_descending: bool,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {at}: {message}")]
pub struct Fault {
    pub at: usize,
    pub message: String,
}

impl Fault {
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
