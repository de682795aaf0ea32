//! The record of what was run, for operators.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use poem::{IntoResponse, Response, web::Data};
use poem_openapi::{
    ApiResponse, OpenApi, ResponseContent,
    param::{Path, Query},
    payload::{Json, Payload},
    registry::{MetaSchema, MetaSchemaRef},
    types::ToJSON,
};
use uuid::Uuid;

use super::{
    Tag,
    carriers::{Execution, ExecutionOutcome, ExecutionPage, ExecutionWithSteps},
    parameters::{AnyCase, AnyUser, Cursor, ExecutionId, Limit, Time},
    refusals::{ErrorResponse, NoOwn, Refusals},
    request::{AcceptsJson, ListFormat},
};
use crate::{
    error::Error,
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
    /// A page of executions, newest first. As application/jsonl, a line for each.
    #[oai(status = 200)]
    Ok(
        ExecutionsContent,
        /// What to ask with for the next page; absent when this is the last one.
        #[oai(header = "X-Next-Cursor")]
        Option<String>,
    ),
}

#[derive(ResponseContent)]
pub enum ExecutionsContent {
    Json(Json<ExecutionPage>),
    Lines(Lines),
}

/// JSON Lines: an execution on each.
pub struct Lines(Vec<Execution>);

impl Payload for Lines {
    const CONTENT_TYPE: &'static str = "application/jsonl";

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")))
    }
}

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let lines: String = self.0.iter().map(|execution| execution.to_json_string() + "\n").collect();
        Response::builder().content_type(Self::CONTENT_TYPE).body(lines)
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
        format: ListFormat,
        store: Data<&Store>,
        /// The user they were about.
        user: Query<Option<AnyUser>>,
        /// The command's name.
        command: Query<Option<String>>,
        /// The user who called.
        #[oai(name = "caller")]
        caller_id: Query<Option<AnyUser>>,
        /// What came of them.
        outcome: Query<Option<AnyCase<ExecutionOutcome>>>,
        /// Began at this time or later (RFC 3339).
        from: Query<Option<Time>>,
        /// Began before this time (RFC 3339).
        to: Query<Option<Time>>,
        /// How many at most: 1 to 1000, 100 when omitted.
        limit: Query<Option<Limit>>,
        /// The nextCursor of the page before.
        cursor: Query<Option<Cursor>>,
    ) -> Result<ExecutionsResponse, ErrorResponse<NoOwn>> {
        let asked_caller = caller_id.0.map(|AnyUser(id)| id);
        let own = (!caller.is_administrator()).then_some(caller.user_id);
        if own.is_some() && asked_caller.is_some() && asked_caller != own {
            return Ok(page(Vec::new(), None, format));
        }
        let filter = Filter {
            user_id: user.0.map(|AnyUser(id)| id),
            command_name: command.0,
            caller_id: own.or(asked_caller),
            outcome: outcome.0.map(|AnyCase(outcome)| outcome.into()),
            from: from.0.map(|Time(time)| time),
            to: to.0.map(|Time(time)| time),
            older_than: cursor.0.map(|Cursor(id)| id),
        };
        let limit = limit.0.unwrap_or_default();
        let (found, has_more) = limit.page_of(execution::list(store.reader(), filter, limit.and_one()).await?);
        let next = found.last().filter(|_| has_more).map(|last| written(last.id));
        Ok(page(found, next, format))
    }

    /// Get an execution
    ///
    /// Gets what was run, with what each step did.
    #[oai(path = "/executions/:id", method = "get", operation_id = "GetExecution")]
    async fn get_execution(
        &self,
        caller: Caller,
        _accepts: AcceptsJson,
        store: Data<&Store>,
        /// The execution's id.
        id: Path<ExecutionId>,
    ) -> Result<Json<ExecutionWithSteps>, ErrorResponse<GetExecution>> {
        let found = execution::find(store.reader(), id.0.0).await?;
        let may_see = |one: &execution::Model| caller.is_administrator() || one.caller_id == caller.user_id;
        Ok(Json(found.filter(may_see).ok_or(Error::NoSuchExecution)?.into()))
    }
}

fn page(found: Vec<execution::Model>, next_cursor: Option<String>, format: ListFormat) -> ExecutionsResponse {
    let executions = found.into_iter().map(Into::into).collect();
    let content = match format {
        ListFormat::Json => {
            ExecutionsContent::Json(Json(ExecutionPage { executions, next_cursor: next_cursor.clone() }))
        }
        ListFormat::Lines => ExecutionsContent::Lines(Lines(executions)),
    };
    ExecutionsResponse::Ok(content, next_cursor)
}

fn written(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}
