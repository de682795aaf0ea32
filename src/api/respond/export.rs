//! Exports executions and audit records, over HTTP and on the command line: JSON Lines for programs, CSV for
//! spreadsheets. CSV has names next to ids, and each text in one language.

use std::collections::HashMap;

use poem::{IntoResponse, Response};
use poem_openapi::{
    ResponseContent,
    registry::{MetaMediaType, MetaSchema, MetaSchemaRef, Registry},
    types::{Example, ToJSON},
};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Map, Value};

use super::{
    format::{CSV, Formatted, JSON_LINES, ResponseFormat},
    large_response,
};
use crate::{
    api::models::{AuditEntry, Execution},
    executions::{audit::Record, execution::Model},
    localization::Locale,
    users::{self, application},
};

/// The characters that start a formula in spreadsheets. A text that starts with one gets an apostrophe in front, which
/// marks it as text. East Asian editions treat the fullwidth characters like the ASCII ones.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A JSON object on each line.
    JsonLines,
    /// CSV (RFC 4180): a header line, and a line for each record.
    Csv,
}

/// The names of users and applications by id, for CSV.
#[derive(Clone, Debug, Default)]
pub struct DisplayNames {
    /// Name and full name of each user.
    users: HashMap<i32, [String; 2]>,
    applications: HashMap<i32, String>,
}

impl DisplayNames {
    /// Loads the names of all applications.
    pub async fn of_applications(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let applications = application::list(db).await?.into_iter().map(|one| (one.id, one.name)).collect();
        Ok(Self { applications, ..Self::default() })
    }

    /// Loads the names for these executions. `may_read` tells which users the caller may see; the others get no name.
    pub async fn of(
        db: &impl ConnectionTrait,
        executions: &[Model],
        may_read: impl Fn(i32) -> bool,
    ) -> Result<Self, DbErr> {
        let ids = executions.iter().flat_map(|one| [one.user_id, one.caller_id]).filter(|id| may_read(*id));
        let users = users::find_many(db, ids.collect()).await?.into_iter();
        let users = users.map(|user| (user.user.id, [user.user.name.clone(), user.full_name()])).collect();
        let applications = match executions.iter().any(|one| one.application_id.is_some()) {
            true => application::list(db).await?,
            false => Vec::new(),
        };
        let applications = applications.into_iter().map(|one| (one.id, one.name)).collect();
        Ok(Self { users, applications })
    }

    /// The name columns that follow an id column, with their cells.
    fn columns_after(&self, member: &str, value: &Value) -> Vec<(&'static str, String)> {
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

/// The first line of an export of executions, with its line end; empty for JSON Lines.
pub fn head_of_executions(format: ExportFormat) -> String {
    head::<Execution>(format)
}

/// The first line of an export, with its line end; empty for JSON Lines.
pub fn head<T: Example + ToJSON>(format: ExportFormat) -> String {
    match format {
        ExportFormat::JsonLines => String::new(),
        ExportFormat::Csv => {
            let example = T::example().to_json().unwrap_or_default();
            let columns = columns(&example, &DisplayNames::default());
            csv_line(columns.iter().map(|(column, _)| column.as_str()))
        }
    }
}

/// The line of an execution, with its line end. With a locale, texts are translated.
pub fn line(format: ExportFormat, execution: Model, names: &DisplayNames, locale: Option<&Locale>) -> String {
    let mut execution = Execution::from(execution);
    if let Some(locale) = locale {
        execution.message = locale.resolve(&execution.message).into_owned();
    }
    write_line(format, &execution.to_json().unwrap_or_default(), names)
}

/// The first line of an export of audit records, with its line end; empty for JSON Lines.
pub fn head_of_records(format: ExportFormat) -> String {
    head::<AuditEntry>(format)
}

/// The line of an audit record, with its line end. `names` has the names of users, for runs. With a position in the
/// chain, it is the first member.
pub fn record_line(
    format: ExportFormat,
    record: Record,
    position: Option<i64>,
    users: &HashMap<i32, String>,
    names: &DisplayNames,
) -> String {
    let entry = members(&AuditEntry::new(record, users).to_json().unwrap_or_default());
    let position = position.map(|position| ("position".to_owned(), position.into()));
    write_line(format, &Value::Object(position.into_iter().chain(entry).collect()), names)
}

fn write_line(format: ExportFormat, record: &Value, names: &DisplayNames) -> String {
    match format {
        ExportFormat::JsonLines => format!("{record}\n"),
        ExportFormat::Csv => csv_line(columns(record, names).iter().map(|(_, cell)| cell.as_str())),
    }
}

/// The columns of an execution, each with its cell.
fn columns(execution: &Value, names: &DisplayNames) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for (member, value) in members(execution) {
        let name_columns = names.columns_after(&member, &value);
        columns.push((member, cell(&value)));
        columns.extend(name_columns.into_iter().map(|(column, name)| (column.to_owned(), cell(&name.into()))));
    }
    columns
}

fn members(execution: &Value) -> Map<String, Value> {
    execution.as_object().cloned().unwrap_or_default()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(FORMULA_STARTS) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to a vector cannot fail, and the cells are UTF-8.
    let bytes = writer.write_record(cells).ok().and_then(|()| writer.into_inner().ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A response of records as JSON Lines.
pub struct JsonLines<T>(pub Vec<T>, pub ResponseFormat);

/// A response of records as CSV.
pub struct Csv<T>(pub Vec<T>, pub DisplayNames, pub ResponseFormat);

impl<T: Example + ToJSON + Send> IntoResponse for JsonLines<T> {
    fn into_response(self) -> Response {
        respond(ExportFormat::JsonLines, JSON_LINES, &self.0, DisplayNames::default(), self.1)
    }
}

impl<T: Example + ToJSON + Send> IntoResponse for Csv<T> {
    fn into_response(self) -> Response {
        respond(ExportFormat::Csv, "text/csv; charset=utf-8; header=present", &self.0, self.1, self.2)
    }
}

/// The content of a list: a page as JSON or XML, or its rows as JSON Lines or CSV.
pub enum ListContent<P, T> {
    Page(Formatted<P>),
    JsonLines(JsonLines<T>),
    Csv(Csv<T>),
}

impl<P: ToJSON, T: Send> ResponseContent for ListContent<P, T>
where
    Formatted<P>: ResponseContent,
{
    fn media_types() -> Vec<MetaMediaType> {
        let text = |content_type| MetaMediaType {
            content_type,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        let pages = <Formatted<P> as ResponseContent>::media_types().into_iter();
        pages.chain([text(JSON_LINES), text(CSV)]).collect()
    }

    fn register(registry: &mut Registry) {
        <Formatted<P> as ResponseContent>::register(registry);
    }
}

impl<P: Send, T: Example + ToJSON + Send> IntoResponse for ListContent<P, T>
where
    Formatted<P>: IntoResponse,
{
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::JsonLines(lines) => lines.into_response(),
            Self::Csv(table) => table.into_response(),
        }
    }
}

/// The names of the callers and users of runs, by id. `may_read` tells which users the caller may see.
pub async fn user_names(
    db: &impl ConnectionTrait,
    records: &[Record],
    may_read: impl Fn(i32) -> bool,
) -> Result<HashMap<i32, String>, DbErr> {
    let ids = records.iter().flat_map(|record| match record {
        Record::Execution(execution) => vec![execution.user_id, execution.caller_id],
        Record::Change(_) => Vec::new(),
    });
    let users = users::find_many(db, ids.filter(|id| may_read(*id)).collect()).await?;
    Ok(users.into_iter().map(|user| (user.user.id, user.user.name)).collect())
}

fn respond<T: Example + ToJSON>(
    format: ExportFormat,
    content_type: &str,
    records: &[T],
    names: DisplayNames,
    response_format: ResponseFormat,
) -> Response {
    let mut response = Response::builder().content_type(content_type).finish();
    response_format.mark(&mut response);
    let contents: Vec<_> = records.iter().map(|one| response_format.content(one)).collect();
    let text_bytes = contents.iter().map(large_response::text_bytes).sum();
    large_response::set_body(&mut response, text_bytes, move || {
        let lines = contents.into_iter().map(|one| write_line(format, &response_format.resolve(one), &names));
        head::<T>(format) + &lines.collect::<String>()
    });
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_that_looks_like_a_formula_is_marked_as_text() {
        for text in ["=1+1", "+1", "-1", "@sum", "\tx", "\r=1", "\n=1", "\r\n=1", "＝1+1", "＋1", "－1", "＠sum"] {
            assert_eq!(cell(&json!(text)), format!("'{text}"));
        }
        for text in ["1=1", "a\n=1", "'=1", "–1", ""] {
            assert_eq!(cell(&json!(text)), text);
        }
        let execution = json!({"a": "=x\"y\"", "b": 1, "c": null, "d": "two\nlines, and more"});
        let line = write_line(ExportFormat::Csv, &execution, &DisplayNames::default());
        assert_eq!(line, "\"'=x\"\"y\"\"\",1,,\"two\nlines, and more\"\r\n");
    }

    #[test]
    fn names_follow_their_ids_and_cannot_be_formulas() {
        let users = HashMap::from([(2, ["anna".to_owned(), "=Anna".to_owned()])]);
        let names = DisplayNames { users, applications: HashMap::from([(7, "hr".to_owned())]) };
        let execution = json!({"userId": 2, "callerId": 3, "applicationId": 7, "message": "x"});
        assert_eq!(write_line(ExportFormat::Csv, &execution, &names), "2,anna,'=Anna,3,,,7,hr,x\r\n");
        assert_eq!(write_line(ExportFormat::JsonLines, &execution, &names), format!("{execution}\n"));
        let head = head::<Execution>(ExportFormat::Csv);
        let expected =
            "id,userId,user,userFullName,callerId,caller,callerFullName,applicationId,application,commandName,";
        assert!(head.starts_with(expected), "{head}");
    }
}
