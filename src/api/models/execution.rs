//! Executions, for operators. Upstream has no such API, so the names are in camel case.

use poem_openapi::{
    Enum, Object,
    types::{Any, Example},
};

use super::{
    audit_entry::{FieldValues, field_values},
    formats::{Rfc3339, UuidString},
};
use crate::executions::execution::{self, Outcome, StepRecord};

/// One attempt to run a custom command on a user, with its outcome.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Execution {
    /// The id of the execution: a version 7 UUID. Newer executions have greater ids.
    pub id: UuidString,
    /// The id of the user that the command was run on.
    pub user_id: i32,
    /// The id of the user who called.
    pub caller_id: i32,
    /// The id of the calling application; null for none.
    #[oai(nullable)]
    pub application_id: Option<i32>,
    /// The name of the command.
    pub command_name: String,
    /// The SHA-256 hash of the definition that was in force, in hexadecimal.
    pub definition_hash: String,
    /// The actionResult of the request.
    pub action_result: String,
    /// The outcome.
    pub outcome: ExecutionOutcome,
    /// The message to the caller, without secrets.
    pub message: String,
    /// The inputs by name, without secrets. A user, group or role has its id, and its name at that time.
    pub inputs: FieldValues,
    /// The X-Request-Id of the response. The server's log has the same id.
    pub request_id: String,
    /// The start time, in UTC.
    pub started_at: Rfc3339,
    /// The end time, in UTC; null while the command runs.
    #[oai(nullable)]
    pub finished_at: Option<Rfc3339>,
}

/// An execution with its steps.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct ExecutionWithSteps {
    #[oai(flatten)]
    pub execution: Execution,
    /// The steps that ran, in order.
    pub steps: Vec<ExecutionStep>,
}

/// A step of an execution.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExecutionStep {
    /// The name of the step in the definition.
    pub name: String,
    /// The result text of the step, without secrets; empty for steps without a text.
    pub result: String,
    /// The fields of the user that the step changed, before it.
    pub before: FieldValues,
    /// The fields of the user that the step changed, after it.
    pub after: FieldValues,
}

/// A page of executions, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct ExecutionPage {
    /// The executions.
    pub executions: Vec<Execution>,
    /// The value of `cursor` for the next page; null on the last page.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// The outcome of an attempt to run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase", remote = "Outcome")]
pub enum ExecutionOutcome {
    /// The question was not answered yet; the command did not run.
    Asked,
    /// The answer was No or Cancel; the command did not run.
    Declined,
    /// The caller may not run the command on this user; the command did not run.
    Denied,
    /// The command ran, and its changes are stored.
    Succeeded,
    /// The command failed, and its changes were rolled back.
    Failed,
    /// The command is waiting for the response of a webhook.
    Running,
    /// A webhook was called but gave no usable response. It is not known whether the target did its work.
    Unknown,
}

impl From<execution::Model> for Execution {
    fn from(row: execution::Model) -> Self {
        Self {
            id: row.id.into(),
            user_id: row.user_id,
            caller_id: row.caller_id,
            application_id: row.application_id,
            command_name: row.command_name,
            definition_hash: row.definition_hash,
            action_result: row.action_result,
            outcome: row.outcome.into(),
            message: row.message,
            inputs: row
                .inputs
                .map(|inputs| inputs.0.into_iter().map(|(name, value)| (name, Any(value))).collect())
                .unwrap_or_default(),
            request_id: row.request_id,
            started_at: row.started_at.into(),
            finished_at: (row.outcome != Outcome::Running).then(|| row.finished_at.into()),
        }
    }
}

impl From<StepRecord> for ExecutionStep {
    fn from(StepRecord { name, result, before, after }: StepRecord) -> Self {
        Self { name, result, before: field_values(before), after: field_values(after) }
    }
}

impl From<execution::Model> for ExecutionWithSteps {
    fn from(mut row: execution::Model) -> Self {
        let steps = std::mem::take(&mut row.steps.0).into_iter();
        let steps = steps.map(Into::into).collect();
        Self { execution: row.into(), steps }
    }
}

impl Example for Execution {
    fn example() -> Self {
        Self {
            id: UuidString("01a209b0-d816-749f-a3d9-b6ef0a7cccc4".to_owned()),
            user_id: 2,
            caller_id: 1,
            application_id: None,
            command_name: "deactivate".to_owned(),
            definition_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            action_result: "Yes".to_owned(),
            outcome: ExecutionOutcome::Succeeded,
            message: "NO:\"Anna Lindqvist har ikke lenger tilgang.\";US:\"Anna Lindqvist no longer has access.\""
                .to_owned(),
            inputs: FieldValues::default(),
            request_id: "01a209b0d816749fa3d9b6ef0a7cccc4".to_owned(),
            started_at: Rfc3339("2026-11-23T18:35:14.198412Z".to_owned()),
            finished_at: Some(Rfc3339("2026-11-23T18:35:14.204031Z".to_owned())),
        }
    }
}

impl Example for ExecutionWithSteps {
    fn example() -> Self {
        let execution = Execution::example();
        let message =
            StepRecord { name: "message".to_owned(), result: execution.message.clone(), ..StepRecord::default() };
        let retired = StepRecord {
            name: "set_deleted".to_owned(),
            before: [("isActive", true.into())].into(),
            after: [("isActive", false.into())].into(),
            ..StepRecord::default()
        };
        let steps = vec![retired.into(), message.into()];
        Self { execution, steps }
    }
}

impl Example for ExecutionPage {
    fn example() -> Self {
        Self { executions: vec![Execution::example()], next_cursor: Some("AaIJsNgWdJ-j2bbvCnzMxA".to_owned()) }
    }
}
