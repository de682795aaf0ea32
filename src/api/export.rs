//! Executions as lines, over HTTP and on the command line: JSON Lines for programs, or a table for people, which a
//! spreadsheet reads. A table has names beside ids, and each text in one language.

use std::collections::HashMap;

use poem::{IntoResponse, Response};
use poem_openapi::{
    payload::Payload,
    registry::{MetaSchema, MetaSchemaRef},
    types::{Example, ToJSON},
};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Map, Value};

use super::{
    carriers::Execution,
    large_answer,
    reader::{LINES, Reader, TABLE},
};
use crate::{
    localization::Locale,
    records::execution::Model,
    users::{self, application},
};

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

/// The names that stand beside the ids in a table.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Name and full name.
    users: HashMap<i32, [String; 2]>,
    applications: HashMap<i32, String>,
}

impl Names {
    /// The names of the users and applications in these executions. Users that the reader may not see have none.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of(
        db: &impl ConnectionTrait,
        executions: &[Model],
        may_read: impl Fn(i32) -> bool,
    ) -> Result<Self, DbErr> {
        let ids = executions.iter().flat_map(|one| [one.user_id, one.caller_id]).filter(|id| may_read(*id));
        let users = users::list_some(db, ids.collect()).await?.into_iter();
        let users = users.map(|user| (user.user.id, [user.user.name.clone(), user.full_name()])).collect();
        let applications = match executions.iter().any(|one| one.application_id.is_some()) {
            true => application::list(db).await?,
            false => Vec::new(),
        };
        let applications = applications.into_iter().map(|one| (one.id, one.name)).collect();
        Ok(Self { users, applications })
    }

    /// What stands behind a member in a table: more columns, with their cells.
    fn beside(&self, member: &str, value: &Value) -> Vec<(&'static str, String)> {
        let id = value.as_i64().and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
        let user = || self.users.get(&id).cloned().unwrap_or_default();
        match member {
            "userId" => ["user", "userFullName"].into_iter().zip(user()).collect(),
            "callerId" => ["caller", "callerFullName"].into_iter().zip(user()).collect(),
            "applicationId" => vec![("application", self.applications.get(&id).cloned().unwrap_or_default())],
            _ => Vec::new(),
        }
    }
}

/// The line that stands before all others.
pub fn head(form: Form) -> String {
    match form {
        Form::Lines => String::new(),
        Form::Table => {
            let example = Execution::example().to_json().unwrap_or_default();
            let columns = columns(&example, &Names::default());
            record(columns.iter().map(|(column, _)| column.as_str()))
        }
    }
}

/// An execution as a line, with its line end; its texts as this locale reads them.
pub fn line(form: Form, execution: Model, names: &Names, locale: Option<&Locale>) -> String {
    let mut execution = Execution::from(execution);
    if let Some(locale) = locale {
        execution.message = locale.resolve(&execution.message).into_owned();
    }
    written(form, &execution.to_json().unwrap_or_default(), names)
}

fn written(form: Form, execution: &Value, names: &Names) -> String {
    match form {
        Form::Lines => format!("{execution}\n"),
        Form::Table => record(columns(execution, names).iter().map(|(_, cell)| cell.as_str())),
    }
}

/// The columns of an execution, each with its cell.
fn columns(execution: &Value, names: &Names) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for (member, value) in members(execution) {
        let beside = names.beside(&member, &value);
        columns.push((member, cell(&value)));
        columns.extend(beside.into_iter().map(|(column, name)| (column.to_owned(), cell(&name.into()))));
    }
    columns
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
pub struct Table(pub Vec<Execution>, pub Names, pub Reader);

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
        respond(Form::Lines, Self::CONTENT_TYPE, &self.0, Names::default(), self.1)
    }
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        respond(Form::Table, "text/csv; charset=utf-8; header=present", &self.0, self.1, self.2)
    }
}

fn respond(form: Form, content_type: &str, executions: &[Execution], names: Names, reader: Reader) -> Response {
    let mut response = Response::builder().content_type(content_type).finish();
    reader.mark(&mut response);
    let contents: Vec<_> = executions.iter().map(|one| reader.content(one)).collect();
    let text_bytes = contents.iter().map(large_answer::text_bytes).sum();
    large_answer::set_body(&mut response, text_bytes, move || {
        let lines = contents.into_iter().map(|one| written(form, &reader.resolve(one), &names));
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
        let execution = json!({"a": "=x\"y\"", "b": 1, "c": null, "d": "two\nlines, and more"});
        let line = written(Form::Table, &execution, &Names::default());
        assert_eq!(line, "\"'=x\"\"y\"\"\",1,,\"two\nlines, and more\"\r\n");
    }

    #[test]
    fn names_stand_beside_ids_and_are_no_formulas() {
        let users = HashMap::from([(2, ["anna".to_owned(), "=Anna".to_owned()])]);
        let names = Names { users, applications: HashMap::from([(7, "hr".to_owned())]) };
        let execution = json!({"userId": 2, "callerId": 3, "applicationId": 7, "message": "x"});
        assert_eq!(written(Form::Table, &execution, &names), "2,anna,'=Anna,3,,,7,hr,x\r\n");
        assert_eq!(written(Form::Lines, &execution, &names), format!("{execution}\n"));
        let head = head(Form::Table);
        let expected =
            "id,userId,user,userFullName,callerId,caller,callerFullName,applicationId,application,commandName,";
        assert!(head.starts_with(expected), "{head}");
    }
}
