//! The record of executions, for operators.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
};
use uuid::Uuid;

use crate::{
    api::{
        extract::{
            examples,
            parameters::{CaseInsensitive, Cursor, ExecutionId, Int32, Limit},
        },
        models::{Execution, ExecutionOutcome, ExecutionPage, ExecutionWithSteps},
        openapi::error_responses::{CommonErrors, ErrorResponse, error_responses},
        openapi::tags::Tag,
        respond::{
            export::{Csv, DisplayNames, JsonLines, ListContent},
            format::{Formatted, ListResponseFormat, ResponseFormat},
        },
    },
    error::{Error, quoted},
    executions::execution::{self, ExecutionFilter},
    localization::Language,
    store::Store,
    users::Caller,
};

#[derive(Default)]
pub struct ExecutionOperations;

error_responses! {
    /// The errors of reading one execution.
    pub enum GetExecutionError {
        /// There is no such execution, or it is not the caller's.
        404 NotFound,
    }
}

#[derive(ApiResponse)]
pub enum ExecutionsResponse {
    /// A page of executions, newest first. With application/jsonl, each execution is a line. With text/csv, the columns
    /// include names next to ids, and texts are in one language. A text that a spreadsheet would read as a formula gets
    /// an apostrophe in front.
    #[oai(status = 200)]
    Ok(
        ListContent<ExecutionPage, Execution>,
        /// The value of `cursor` for the next page; absent on the last page.
        #[oai(header = "X-Next-Cursor")]
        Option<String>,
    ),
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl ExecutionOperations {
    /// List executions
    ///
    /// Lists executions, newest first. Administrators see all executions; other callers see only their own.
    #[oai(path = "/executions", method = "get", operation_id = "ListExecutions")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn list_executions(
        &self,
        caller: Caller,
        format: ListResponseFormat,
        store: &Store,
        /// The id of the user that the command was run on.
        user: Query<Option<Int32>>,
        /// The name of the command.
        command: Query<Option<String>>,
        /// The id of the user who called.
        #[oai(name = "caller")]
        caller_id: Query<Option<Int32>>,
        /// The outcome.
        outcome: Query<Option<CaseInsensitive<ExecutionOutcome>>>,
        /// The earliest start time. The format is RFC 3339; a time without an offset is in the time zone of
        /// SO-TimeZone.
        from: Query<Option<String>>,
        /// The end of the range of start times; executions that started at this time or later are left out.
        to: Query<Option<String>>,
        /// The maximum number of items: 1 to 1000; 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the previous page.
        cursor: Query<Option<Cursor>>,
        /// The language of texts, such as `nb`. Overrides SO-Language and Accept-Language. Texts in text/csv are in
        /// English when none of the three is given.
        language: Query<Option<String>>,
    ) -> Result<ExecutionsResponse, ErrorResponse<CommonErrors>> {
        let language = language.0.filter(|text| !text.is_empty()).map(language_named).transpose()?;
        let format = format.in_language(language);
        let wanted_caller = caller_id.0.map(|Int32(id)| id);
        let only_caller = (!caller.is_administrator()).then_some(caller.user_id);
        if only_caller.is_some() && wanted_caller.is_some() && wanted_caller != only_caller {
            return Ok(page(Vec::new(), DisplayNames::default(), None, format));
        }
        let filter = ExecutionFilter {
            user_id: user.0.map(|Int32(id)| id),
            command_name: command.0,
            caller_id: only_caller.or(wanted_caller),
            outcome: outcome.0.map(|CaseInsensitive(outcome)| outcome.into()),
            from: from.0.map(|time| instant("from", time, &format)).transpose()?,
            to: to.0.map(|time| instant("to", time, &format)).transpose()?,
            older_than: cursor.0.map(|Cursor(id)| id),
            ..ExecutionFilter::default()
        };
        let limit = limit.0.unwrap_or_default();
        let (found, has_more) = limit.page_of(execution::list(store.reader(), filter, limit.plus_one()).await?);
        let next = found.last().filter(|_| has_more).map(|last| encode_cursor(last.id));
        let names = match &format {
            ListResponseFormat::Csv(_) => DisplayNames::of(store.reader(), &found, |id| caller.may_read(id)).await?,
            _ => DisplayNames::default(),
        };
        Ok(page(found, names, next, format))
    }

    /// Get an execution
    ///
    /// Returns an execution with its steps.
    #[oai(path = "/executions/:id", method = "get", operation_id = "GetExecution")]
    async fn get_execution(
        &self,
        caller: Caller,
        format: ResponseFormat,
        store: &Store,
        /// The id of the execution.
        #[oai(example = "examples::execution_id")]
        id: Path<ExecutionId>,
    ) -> Result<Formatted<ExecutionWithSteps>, ErrorResponse<GetExecutionError>> {
        let found = execution::find(store.reader(), id.0.0).await?;
        let may_see = |found: &execution::Model| caller.is_administrator() || found.caller_id == caller.user_id;
        Ok(format.answer(found.filter(may_see).ok_or(Error::NoSuchExecution)?.into()))
    }
}

fn page(
    found: Vec<execution::Model>,
    names: DisplayNames,
    next_cursor: Option<String>,
    format: ListResponseFormat,
) -> ExecutionsResponse {
    let executions = found.into_iter().map(Into::into).collect();
    let content = match format {
        ListResponseFormat::JsonOrXml(format) => {
            ListContent::Page(format.answer(ExecutionPage { executions, next_cursor: next_cursor.clone() }))
        }
        ListResponseFormat::JsonLines(format) => ListContent::JsonLines(JsonLines(executions, format)),
        ListResponseFormat::Csv(format) => ListContent::Csv(Csv(executions, names, format)),
    };
    ExecutionsResponse::Ok(content, next_cursor)
}

fn language_named(text: String) -> Result<Language, Error> {
    Language::from_iso(text.trim()).ok_or_else(|| {
        let known = Language::known_iso_codes();
        Error::InvalidArgument(format!("Parameter language: {} is not one of {known}.", quoted(&text)))
    })
}

pub(super) fn instant(name: &str, text: String, format: &ListResponseFormat) -> Result<DateTime<Utc>, Error> {
    let invalid = || {
        let text = quoted(&text);
        Error::InvalidArgument(format!("Parameter {name}: {text} is not a time such as 2026-11-23T14:52:00Z."))
    };
    format.time(&text).ok_or_else(invalid)
}

pub(super) fn encode_cursor(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}
