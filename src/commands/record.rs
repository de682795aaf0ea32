//! Builds the records of a run: its execution, its idempotency key, and its deliveries.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{run::PreparedRun, step_output::StepOutputs};
use crate::{
    executions::{
        ExecutionEvent,
        delivery::{self, State},
        execution::{self, Outcome, Steps},
        idempotency::KeyUsage,
    },
    localization::MultiLanguage,
    webhooks::WebhookRequest,
};

/// The record of a run that completes at once, with its deliveries; `None` for a dry run.
pub fn completed(
    run: &PreparedRun,
    outcome: Outcome,
    outputs: &StepOutputs,
    deliveries: Vec<delivery::Model>,
    time: DateTime<Utc>,
) -> Option<ExecutionEvent> {
    entry_of(run, execution(run, outcome, outputs.stored().raw(), outputs.steps(), time), deliveries)
}

/// The record of a run that ended before its steps; `None` for a dry run.
pub fn not_run(
    run: &PreparedRun,
    outcome: Outcome,
    message: &MultiLanguage,
    time: DateTime<Utc>,
) -> Option<ExecutionEvent> {
    entry_of(run, execution(run, outcome, message.raw(), Steps::default(), time), Vec::new())
}

fn entry_of(
    run: &PreparedRun,
    execution: execution::Model,
    deliveries: Vec<delivery::Model>,
) -> Option<ExecutionEvent> {
    if run.request.dry_run {
        return None;
    }
    // A run that was asked or refused leaves the key free, so that the client can answer `Yes` with the same key.
    let is_final = matches!(execution.outcome, Outcome::Succeeded | Outcome::Failed | Outcome::Declined);
    let key = run.key.clone().filter(|_| is_final);
    let key = key.map(|key| key.into_row(&use_of(run, execution.finished_at)));
    Some(ExecutionEvent::Completed { execution, key, deliveries })
}

/// The record of a run that is about to call its sync webhook. Recovery gives the run up after `given_up_after`.
pub fn started(run: &PreparedRun, time: DateTime<Utc>, given_up_after: Duration) -> ExecutionEvent {
    let execution = execution(run, Outcome::Running, String::new(), Steps::default(), time + given_up_after);
    let key = run.key.clone().map(|key| key.into_row(&use_of(run, time)));
    ExecutionEvent::Started { execution, key }
}

/// The final record of a run that called its sync webhook. `frees_key` allows a retry with the same key.
pub fn finished(
    run: &PreparedRun,
    outcome: Outcome,
    outputs: &StepOutputs,
    deliveries: Vec<delivery::Model>,
    frees_key: bool,
    time: DateTime<Utc>,
) -> ExecutionEvent {
    let execution = execution(run, outcome, outputs.stored().raw(), outputs.steps(), time);
    ExecutionEvent::Finished { execution, freed_key: run.key.clone().filter(|_| frees_key), deliveries }
}

fn use_of(run: &PreparedRun, time: DateTime<Utc>) -> KeyUsage<'_> {
    KeyUsage {
        execution_id: run.id,
        action_result: run.request.action_result.name(),
        inputs_mac: run.inputs_mac.as_deref(),
        time,
    }
}

fn execution(
    run: &PreparedRun,
    outcome: Outcome,
    message: String,
    steps: Steps,
    finished_at: DateTime<Utc>,
) -> execution::Model {
    let request = &run.request;
    execution::Model {
        id: run.id,
        user_id: request.user_id,
        caller_id: request.caller.user_id,
        application_id: request.caller.application_id,
        way: Some(request.caller.source.way),
        operator: Some(request.caller.source.operator.clone()).filter(|name| !name.is_empty()),
        command_name: request.command_name.clone(),
        definition_hash: run.command.hash.clone(),
        action_result: request.action_result.name().to_owned(),
        outcome,
        message,
        steps,
        inputs: run.inputs.recorded(),
        request_id: request.caller.source.request_id.clone(),
        started_at: run.started_at,
        finished_at,
    }
}

/// A delivery to send after the commit.
pub fn delivery(run: &PreparedRun, request: &WebhookRequest, time: DateTime<Utc>) -> delivery::Model {
    delivery::Model {
        id: request.id.clone(),
        execution_id: run.id,
        target: request.target.clone(),
        body: request.body.clone(),
        timeout_ms: i32::try_from(request.timeout.as_millis()).unwrap_or(i32::MAX),
        state: State::Pending,
        attempts: 0,
        due_at: time,
        claimed_until: None,
        last_error: None,
        created_at: time,
        updated_at: time,
        seal: None,
    }
}
