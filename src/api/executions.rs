//! The record of what was run, for operators.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse, OpenApi, ResponseContent,
    param::{Path, Query},
    registry::{MetaMediaType, Registry},
};
use uuid::Uuid;

use super::{
    Tag,
    carriers::{ExecutionOutcome, ExecutionPage, ExecutionWithSteps},
    export::{Lines, Names, Table},
    parameters::{AnyCase, AnyUser, Cursor, ExecutionId, Limit, Time},
    reader::{Answer, ListReader, Reader},
    refusals::{ErrorResponse, NoOwn, Refusals},
};
use crate::{
    error::{Error, quoted},
    localization::Language,
    records::execution::{self, Filter},
    store::Store,
    users::Caller,
};

#[derive(Default)]
pub struct ExecutionOperations;

/// The refusals of reading one execution.
pub struct GetExecution;

impl Refusals for GetExecution {
    const LIST: &'static [(u16, &'static str)] = &[(404, "There is no such execution, or it is not the caller's.")];
}

#[derive(ApiResponse)]
pub enum ExecutionsResponse {
    /// A page of executions, newest first. As application/jsonl, a line for each; as text/csv, a table with names beside
    /// ids, in one language, in which a text that a spreadsheet would take for a formula has an apostrophe before it.
    #[oai(status = 200)]
    Ok(
        ExecutionsContent,
        /// What to ask with for the next page; absent when this is the last one.
        #[oai(header = "X-Next-Cursor")]
        Option<String>,
    ),
}

pub enum ExecutionsContent {
    Page(Answer<ExecutionPage>),
    Lines(Lines),
    Table(Table),
}

impl ResponseContent for ExecutionsContent {
    fn media_types() -> Vec<MetaMediaType> {
        let pages = <Answer<ExecutionPage> as ResponseContent>::media_types();
        let lines = <Lines as ResponseContent>::media_types().into_iter();
        pages.into_iter().chain(lines).chain(<Table as ResponseContent>::media_types()).collect()
    }

    fn register(registry: &mut Registry) {
        <Answer<ExecutionPage> as ResponseContent>::register(registry);
    }
}

impl IntoResponse for ExecutionsContent {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::Lines(lines) => lines.into_response(),
            Self::Table(table) => table.into_response(),
        }
    }
}

#[OpenApi(prefix_path = "/_ext", tag = "Tag::Operator", ignore_case = true)]
impl ExecutionOperations {
    /// List executions
    ///
    /// Lists what was run, newest first. Administrators see everything, others what they called themselves.
    #[oai(path = "/executions", method = "get", operation_id = "ListExecutions")]
    #[expect(clippy::too_many_arguments, reason = "each is a part of the request, as the document shows it")]
    async fn list_executions(
        &self,
        caller: Caller,
        reader: ListReader,
        store: &Store,
        /// The user they were about.
        user: Query<Option<AnyUser>>,
        /// The command's name.
        command: Query<Option<String>>,
        /// The user who called.
        #[oai(name = "caller")]
        caller_id: Query<Option<AnyUser>>,
        /// What came of them.
        outcome: Query<Option<AnyCase<ExecutionOutcome>>>,
        /// Began at this time or later: RFC 3339, or without an offset, in the time zone of SO-TimeZone.
        from: Query<Option<Time>>,
        /// Began before this time.
        to: Query<Option<Time>>,
        /// How many at most: 1 to 1000, 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the page before.
        cursor: Query<Option<Cursor>>,
        /// The language of texts, such as `nb`, over SO-Language and Accept-Language; for text/csv, English when none of
        /// the three is given.
        language: Query<Option<String>>,
    ) -> Result<ExecutionsResponse, ErrorResponse<NoOwn>> {
        let language = language.0.filter(|text| !text.is_empty()).map(language_named).transpose()?;
        let reader = reader.in_language(language);
        let asked_caller = caller_id.0.map(|AnyUser(id)| id);
        let own = (!caller.is_administrator()).then_some(caller.user_id);
        if own.is_some() && asked_caller.is_some() && asked_caller != own {
            return Ok(page(Vec::new(), Names::default(), None, reader));
        }
        let filter = Filter {
            user_id: user.0.map(|AnyUser(id)| id),
            command_name: command.0,
            caller_id: own.or(asked_caller),
            outcome: outcome.0.map(|AnyCase(outcome)| outcome.into()),
            from: from.0.map(|time| instant("from", time, &reader)).transpose()?,
            to: to.0.map(|time| instant("to", time, &reader)).transpose()?,
            older_than: cursor.0.map(|Cursor(id)| id),
        };
        let limit = limit.0.unwrap_or_default();
        let (found, has_more) = limit.page_of(execution::list(store.reader(), filter, limit.and_one()).await?);
        let next = found.last().filter(|_| has_more).map(|last| written(last.id));
        let names = match &reader {
            ListReader::Table(_) => Names::of(store.reader(), &found, |id| caller.may_read(id)).await?,
            _ => Names::default(),
        };
        Ok(page(found, names, next, reader))
    }

    /// Get an execution
    ///
    /// Gets what was run, with what each step did.
    #[oai(path = "/executions/:id", method = "get", operation_id = "GetExecution")]
    async fn get_execution(
        &self,
        caller: Caller,
        reader: Reader,
        store: &Store,
        /// The execution's id.
        id: Path<ExecutionId>,
    ) -> Result<Answer<ExecutionWithSteps>, ErrorResponse<GetExecution>> {
        let found = execution::find(store.reader(), id.0.0).await?;
        let may_see = |one: &execution::Model| caller.is_administrator() || one.caller_id == caller.user_id;
        Ok(reader.answer(found.filter(may_see).ok_or(Error::NoSuchExecution)?.into()))
    }
}

fn page(
    found: Vec<execution::Model>,
    names: Names,
    next_cursor: Option<String>,
    reader: ListReader,
) -> ExecutionsResponse {
    let executions = found.into_iter().map(Into::into).collect();
    let content = match reader {
        ListReader::Carrier(reader) => {
            ExecutionsContent::Page(reader.answer(ExecutionPage { executions, next_cursor: next_cursor.clone() }))
        }
        ListReader::Lines(reader) => ExecutionsContent::Lines(Lines(executions, reader)),
        ListReader::Table(reader) => ExecutionsContent::Table(Table(executions, names, reader)),
    };
    ExecutionsResponse::Ok(content, next_cursor)
}

fn language_named(text: String) -> Result<Language, Error> {
    Language::from_iso(text.trim()).ok_or_else(|| {
        let known = Language::known_iso_codes();
        Error::InvalidArgument(format!("Parameter language: {} is none of {known}.", quoted(&text)))
    })
}

fn instant(name: &str, Time(text): Time, reader: &ListReader) -> Result<DateTime<Utc>, Error> {
    let unfit = || {
        let text = quoted(&text);
        Error::InvalidArgument(format!("Parameter {name}: {text} is no time such as 2026-11-23T14:52:00Z."))
    };
    reader.time(&text).ok_or_else(unfit)
}

fn written(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}
