//! Errors in an import file, and their report: an error that many rows share is one line.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::{self, Write},
};

use kommando::users::{import::CellError, shown};

/// Number of rows that are named for a shared error.
const ROWS_SHOWN: usize = 5;

pub type RowErrors = Vec<RowError>;

/// The position of a row in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowPosition {
    Line(u64),
    /// Index of an element of a list, from 0, shown as a JSON pointer.
    Element(usize),
}

impl fmt::Display for RowPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, ":{line}"),
            Self::Element(index) => write!(f, "#/{index}"),
        }
    }
}

/// An error in a row, or in one of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    position: RowPosition,
    column: Option<Cow<'static, str>>,
    /// The content of the cell, if the reason continues after it: "`x` is no name".
    value: Option<String>,
    reason: String,
}

impl RowError {
    pub fn new(
        position: RowPosition,
        column: Option<impl Into<Cow<'static, str>>>,
        value: Option<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self { position, column: column.map(Into::into), value, reason: reason.into() }
    }

    pub fn of_row(position: RowPosition, reason: impl Into<String>) -> Self {
        Self { position, column: None, value: None, reason: reason.into() }
    }

    pub fn of_cell(position: RowPosition, CellError { column, value, reason }: CellError) -> Self {
        Self::new(position, Some(column), value, reason)
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.position)?;
        if let Some(column) = &self.column {
            write!(f, "{}: ", shown(column))?;
        }
        if let Some(value) = &self.value {
            write!(f, "`{}` ", shown(value))?;
        }
        f.write_str(&self.reason)
    }
}

/// The errors as lines, in the order of the file. Errors that differ only in row and value share a line that names the
/// first rows.
pub fn report(file: &str, mut errors: RowErrors) -> String {
    errors.sort_by_key(|error| error.position);
    let mut kinds: Vec<Vec<&RowError>> = Vec::new();
    let mut known = HashMap::new();
    for error in &errors {
        let index = *known.entry((&error.column, &error.reason)).or_insert(kinds.len());
        match kinds.get_mut(index) {
            Some(same) => same.push(error),
            None => kinds.push(vec![error]),
        }
    }
    kinds.iter().map(|same| format!("{file}{}{}\n", same[0], others(same))).collect()
}

/// The number of rows that share an error, and the first of them.
fn others(same: &[&RowError]) -> String {
    if same.len() < 2 {
        return String::new();
    }
    let has_one_value = same.iter().all(|error| error.value == same[0].value);
    let mut text = format!(" ({} rows:", same.len());
    for (index, error) in same.iter().take(ROWS_SHOWN).enumerate() {
        let position = match error.position {
            RowPosition::Line(line) => line.to_string(),
            element => element.to_string(),
        };
        let comma = if index == 0 { "" } else { "," };
        let value = error.value.as_deref().filter(|_| !has_one_value).map(|value| format!(" `{}`", shown(value)));
        let _ = write!(text, "{comma} {position}{}", value.unwrap_or_default());
    }
    text + if same.len() > ROWS_SHOWN { ", …)" } else { ")" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: u64, value: Option<&str>, reason: &str) -> RowError {
        RowError::new(RowPosition::Line(line), Some("group"), value.map(str::to_owned), reason)
    }

    #[test]
    fn an_error_of_many_rows_is_one_line() {
        let mut errors: RowErrors = (2..302).map(|line| error(line, None, "there is no group \"Sales\"")).collect();
        errors.push(error(4, None, "there is no group \"HR\""));
        errors.insert(0, RowError::of_row(RowPosition::Line(9), "it has 3 cells"));
        assert_eq!(
            report("a.csv", errors),
            "a.csv:2: group: there is no group \"Sales\" (300 rows: 2, 3, 4, 5, 6, …)\n\
             a.csv:4: group: there is no group \"HR\"\n\
             a.csv:9: it has 3 cells\n"
        );
    }

    #[test]
    fn a_shared_error_shows_the_values_if_they_differ() {
        let errors = vec![error(2, Some("x"), "is no name"), error(3, Some("y"), "is no name")];
        assert_eq!(report("a.csv", errors), "a.csv:2: group: `x` is no name (2 rows: 2 `x`, 3 `y`)\n");
        let errors = vec![error(2, Some("x"), "is no name"), error(3, Some("x"), "is no name")];
        assert_eq!(report("a.csv", errors), "a.csv:2: group: `x` is no name (2 rows: 2, 3)\n");
        let elements = [0, 7].map(|index| RowError::of_row(RowPosition::Element(index), "it is missing"));
        assert_eq!(report("a.json", elements.into()), "a.json#/0: it is missing (2 rows: #/0, #/7)\n");
    }
}
