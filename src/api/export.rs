//! Executions as lines, over HTTP and on the command line: JSON Lines, or a table that a spreadsheet reads.

use poem::{IntoResponse, Response};
use poem_openapi::{
    payload::Payload,
    registry::{MetaSchema, MetaSchemaRef},
    types::{Example, ToJSON},
};
use serde_json::{Map, Value};

use super::{
    carriers::Execution,
    large_answer,
    reader::{LINES, Reader, TABLE},
};
use crate::records::execution::Model;

/// What a spreadsheet takes for the beginning of a formula. A text that begins so gets an apostrophe before it, which
/// spreadsheets take for "this is text". East Asian editions read the fullwidth signs as the ASCII ones.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// In which form executions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON object on each line.
    Lines,
    /// CSV, as RFC 4180 has it: the names of the columns, and a line for each execution.
    Table,
}

/// The line that stands before all others.
pub fn head(form: Form) -> String {
    match form {
        Form::Lines => String::new(),
        Form::Table => record(members(&Execution::example().to_json().unwrap_or_default()).keys().map(String::as_str)),
    }
}

/// An execution as a line, with its line end.
pub fn line(form: Form, execution: Model) -> String {
    written(form, &Execution::from(execution).to_json().unwrap_or_default())
}

fn written(form: Form, execution: &Value) -> String {
    match form {
        Form::Lines => format!("{execution}\n"),
        Form::Table => {
            let cells: Vec<_> = members(execution).values().map(cell).collect();
            record(cells.iter().map(String::as_str))
        }
    }
}

fn members(execution: &Value) -> Map<String, Value> {
    execution.as_object().cloned().unwrap_or_default()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(FORMULA) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn record<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // A vector takes everything, and cells are text.
    let written = writer.write_record(cells).ok().and_then(|()| writer.into_inner().ok());
    written.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// JSON Lines: an execution on each.
pub struct Lines(pub Vec<Execution>, pub Reader);

/// CSV: an execution on each line.
pub struct Table(pub Vec<Execution>, pub Reader);

impl Payload for Lines {
    const CONTENT_TYPE: &'static str = LINES;

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }
}

impl Payload for Table {
    const CONTENT_TYPE: &'static str = TABLE;

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }
}

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        respond(Form::Lines, Self::CONTENT_TYPE, &self.0, self.1)
    }
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        respond(Form::Table, "text/csv; charset=utf-8; header=present", &self.0, self.1)
    }
}

fn respond(form: Form, content_type: &str, executions: &[Execution], reader: Reader) -> Response {
    let mut response = Response::builder().content_type(content_type).finish();
    reader.mark(&mut response);
    let contents: Vec<_> = executions.iter().map(|one| reader.content(one)).collect();
    let text_bytes = contents.iter().map(large_answer::text_bytes).sum();
    large_answer::set_body(&mut response, text_bytes, move || {
        let lines = contents.into_iter().map(|one| written(form, &reader.resolve(one)));
        head(form) + &lines.collect::<String>()
    });
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_that_a_spreadsheet_would_run_is_text_in_a_table() {
        for text in ["=1+1", "+1", "-1", "@sum", "\tx", "\r=1", "\n=1", "\r\n=1", "＝1+1", "＋1", "－1", "＠sum"] {
            assert_eq!(cell(&json!(text)), format!("'{text}"));
        }
        for text in ["1=1", "a\n=1", "'=1", "–1", ""] {
            assert_eq!(cell(&json!(text)), text);
        }
        let line = written(Form::Table, &json!({"a": "=x\"y\"", "b": 1, "c": null, "d": "two\nlines, and more"}));
        assert_eq!(line, "\"'=x\"\"y\"\"\",1,,\"two\nlines, and more\"\r\n");
    }
}
