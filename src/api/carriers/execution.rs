//! Executions, as operators read them. Upstream has nothing like it: names are in camel case here.

use poem_openapi::{Enum, Object, types::Example};

use crate::{
    api::stamp::{Time, Uuid},
    records::execution::{self, Outcome},
};

/// One run of a custom command on a user, whatever came of it.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Execution {
    /// A UUID of version 7: newer executions sort behind older ones.
    pub id: Uuid,
    /// The user it was about.
    pub user_id: i32,
    /// The user who called.
    pub caller_id: i32,
    /// The application that the call came through; null for none.
    pub application_id: Option<i32>,
    /// The command's name.
    pub command_name: String,
    /// SHA-256 of the definition that was in force, in hexadecimal.
    pub definition_hash: String,
    /// The answer it was called with.
    pub action_result: String,
    /// What came of it.
    pub outcome: ExecutionOutcome,
    /// What the caller was told, without secrets.
    pub message: String,
    /// The X-Request-Id of the answer, which the log has, too.
    pub request_id: String,
    /// When it began, in UTC.
    pub started_at: Time,
    /// When it ended, in UTC; null while it runs.
    pub finished_at: Option<Time>,
}

/// An execution, with what each step did.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct ExecutionWithSteps {
    #[oai(flatten)]
    pub execution: Execution,
    /// The steps that ran, in their order; empty when none did.
    pub steps: Vec<ExecutionStep>,
}

/// What a step of an execution did.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExecutionStep {
    /// Its name in the definition.
    pub name: String,
    /// What it had to say, without secrets; empty when it had nothing to say.
    pub result: String,
}

/// A page of executions, newest first.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct ExecutionPage {
    /// The executions.
    pub executions: Vec<Execution>,
    /// What to ask with for the next page; null when this is the last one.
    pub next_cursor: Option<String>,
}

/// What came of an attempt to run a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase", remote = "Outcome")]
pub enum ExecutionOutcome {
    /// The question was still to be answered; nothing ran.
    Asked,
    /// The answer was No or Cancel; nothing ran.
    Declined,
    /// The caller might not run it on this user; nothing ran.
    Denied,
    /// It ran, and its effect is stored.
    Succeeded,
    /// It ran and could not do its work; its effect was undone.
    Failed,
    /// It waits for the answer of a webhook.
    Running,
    /// A webhook was called and gave no usable answer: whether it did anything is not known.
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
            request_id: row.request_id,
            started_at: row.started_at.into(),
            finished_at: (row.outcome != Outcome::Running).then(|| row.finished_at.into()),
        }
    }
}

impl From<execution::Model> for ExecutionWithSteps {
    fn from(row: execution::Model) -> Self {
        let steps = row.steps.0.iter();
        let steps = steps.map(|step| ExecutionStep { name: step.name.clone(), result: step.result.clone() }).collect();
        Self { execution: row.into(), steps }
    }
}

impl Example for Execution {
    fn example() -> Self {
        Self {
            id: Uuid("01a209b0-d816-749f-a3d9-b6ef0a7cccc4".to_owned()),
            user_id: 2,
            caller_id: 1,
            application_id: None,
            command_name: "deactivate".to_owned(),
            definition_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            action_result: "Yes".to_owned(),
            outcome: ExecutionOutcome::Succeeded,
            message: "NO:\"Anna Lindqvist har ikke lenger tilgang.\";US:\"Anna Lindqvist no longer has access.\""
                .to_owned(),
            request_id: "01a209b0d816749fa3d9b6ef0a7cccc4".to_owned(),
            started_at: Time("2026-11-23T18:35:14.198412Z".to_owned()),
            finished_at: Some(Time("2026-11-23T18:35:14.204031Z".to_owned())),
        }
    }
}

impl Example for ExecutionWithSteps {
    fn example() -> Self {
        let execution = Execution::example();
        let said = ExecutionStep { name: "message".to_owned(), result: execution.message.clone() };
        let steps = vec![ExecutionStep { name: "set_deleted".to_owned(), result: String::new() }, said];
        Self { execution, steps }
    }
}

impl Example for ExecutionPage {
    fn example() -> Self {
        Self { executions: vec![Execution::example()], next_cursor: Some("AaIJsNgWdJ-j2bbvCnzMxA".to_owned()) }
    }
}
