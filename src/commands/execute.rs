//! Executes a request: first checks, preparation of the steps, and the decision in a transaction.

use std::sync::Arc;

use super::{
    Catalog,
    batch::Task,
    confirmation::{ActionResult, Confirmation, ConfirmationToken},
    decide::{self, BatchState},
    idempotency::{KeyGuard, KeyUse, NextAction, next_action},
    inputs::{self, ShownInputs},
    record,
    request::{CommandOutput, ExecuteRequest},
    resources::{Resources, expect_output},
    run::PreparedRun,
    step::{PrepareContext, PreparedStep},
    step_output::StepOutputs,
    sync_webhook::call_then_commit,
    template::TemplateContext,
};
use crate::{
    clock,
    error::Error,
    executions::{
        audit::{CurrentKey, NO_POSITION},
        execution::Outcome,
        idempotency::KeyScope,
    },
    traces::{Span, SpanKind},
    users::{self, User},
};

/// The outcome of a request that was refused for another reason than a rule of the command.
const ERROR: &str = "error";

/// Executes a command on a user and records the execution.
///
/// # Errors
/// The caller is not permitted, the user or command does not exist, the command cannot run on this user now, an input or
/// the token of the question is invalid, or the idempotency key is in use or was used for another request.
pub async fn execute(
    resources: &Resources,
    mut request: ExecuteRequest,
    catalog: &Catalog,
) -> Result<CommandOutput, Error> {
    let mut span = Span::start(SpanKind::Internal, "execution", request.trace);
    request.trace = span.context();
    span.set("kommando.command", &request.command_name);
    let end = execute_in(&mut span, resources, request, catalog).await;
    let outcome = outcome_label(&end);
    span.set("kommando.outcome", outcome);
    if [Outcome::Unknown.word(), ERROR].contains(&outcome) {
        span.fail(outcome);
    }
    end
}

async fn execute_in(
    span: &mut Span,
    resources: &Resources,
    request: ExecuteRequest,
    catalog: &Catalog,
) -> Result<CommandOutput, Error> {
    if !request.caller.may_read(request.user_id) {
        return Err(Error::MayNotReadUser);
    }
    let inputs_mac = (!request.inputs.is_empty()).then(|| {
        let parts = ["inputs", &request.inputs.canonical()];
        resources.audit_key.last_known().mac(NO_POSITION, &parts)
    });
    let key = hold_key(resources, &request)?;
    if let Some(key) = &key
        && let NextAction::ReturnStored(output) =
            look_up(resources, key.scope(), request.action_result, inputs_mac.as_deref()).await?
    {
        return Ok(output);
    }
    let user = resources.users.user(request.user_id).await?.ok_or(Error::NoSuchUser)?;
    let command = catalog.find(&request.command_name).cloned();
    let command = command.ok_or_else(|| Error::NoSuchCommand(request.command_name.clone()))?;
    let started_at = clock::now_in_micros();
    let (id, scope) = (clock::new_id(started_at), key.as_ref().map(|key| key.scope().clone()));
    span.set("kommando.execution_id", id);
    let (inputs, steps) = Default::default();
    let run =
        PreparedRun { id, started_at, request, key: scope, inputs_mac, confirmation: None, command, inputs, steps };
    check_then_run(resources, run, &user).await
}

/// The outcome of a run as a metric label.
pub fn outcome_label(end: &Result<CommandOutput, Error>) -> &'static str {
    match end {
        Ok(output) => output.outcome.word(),
        Err(Error::CommandDenied { .. }) => Outcome::Denied.word(),
        Err(Error::CommandUnavailable { .. }) => "unavailable",
        Err(Error::WebhookNotExecuted(_)) => Outcome::Failed.word(),
        Err(Error::OutcomeUnknown { .. }) => Outcome::Unknown.word(),
        Err(_) => ERROR,
    }
}

/// Holds the client's idempotency key while the request is in flight.
fn hold_key(resources: &Resources, request: &ExecuteRequest) -> Result<Option<KeyGuard>, Error> {
    let Some(key) = &request.idempotency_key else { return Ok(None) };
    let scope = KeyScope::new(request.caller.user_id, request.user_id, &request.command_name, key);
    resources.in_flight.hold(scope).map(Some).ok_or(Error::KeyInFlight)
}

async fn look_up(
    resources: &Resources,
    key: &KeyScope,
    action_result: ActionResult,
    inputs_mac: Option<&str>,
) -> Result<NextAction, Error> {
    let known = Box::pin(KeyUse::read(resources.store.reader(), &[key])).await?;
    next_action(known.get(key), action_result, inputs_mac)
}

/// The token of the question that this run asks: a MAC of the caller, the user, the command, its definition and the values of
/// its inputs. `None` for a command without a question.
fn confirmation_of(run: &PreparedRun, key: &CurrentKey) -> Option<ConfirmationToken> {
    if run.command.definition.confirm == Confirmation::None {
        return None;
    }
    let ExecuteRequest { caller, user_id, command_name, .. } = &run.request;
    let (caller, user) = (caller.user_id.to_string(), user_id.to_string());
    let parts = ["confirmation", &caller, &user, command_name, &run.command.hash, &run.inputs.canonical()];
    Some(ConfirmationToken(key.last_known().mac(NO_POSITION, &parts)))
}

/// Decides permission, inputs and confirmation without a transaction first: a run that ends here needs no preparation.
async fn check_then_run(resources: &Resources, mut run: PreparedRun, user: &User) -> Result<CommandOutput, Error> {
    let caller = &run.request.caller;
    // This takes a query, so only a definition that needs it pays for it.
    let is_last = run.command.definition.asks_for_administrators()
        && Box::pin(users::is_last_administrator(resources.store.reader(), resources.provider, user)).await?;
    let takes_inputs = !run.command.definition.inputs.is_empty() || !run.request.inputs.is_empty();
    if takes_inputs {
        // The inputs of a command that the caller may not run are not checked.
        if let Some(denied) = decide::decide_permission(&run, caller, user, is_last, run.started_at) {
            resources.record(run.request.trace, denied.record).await?;
            return expect_output(denied.answer);
        }
        let (given, definitions) = (&run.request.inputs, &run.command.definition.inputs);
        let checked = inputs::check(given, definitions, caller, &resources.users, &resources.store);
        run.inputs = Box::pin(checked).await?;
        for step in &run.command.definition.steps {
            step.as_step().check_values(&run.inputs, &resources.passwords)?;
        }
    }
    run.confirmation = confirmation_of(&run, &resources.audit_key);
    let caller = &run.request.caller;
    let Some(decision) = decide::decide_without_steps(&run, caller, user, is_last, run.started_at) else {
        return run_prepared(resources, prepare(resources, run, user).await?).await;
    };
    let is_declined = matches!(&decision.answer, Ok(Some(output)) if output.outcome == Outcome::Declined);
    if run.key.is_some() && is_declined && !run.request.dry_run {
        // The declined run is stored under the key, so it must be decided in a transaction that holds the key.
        return commit(resources, run).await;
    }
    resources.record(run.request.trace, decision.record).await?;
    expect_output(decision.answer)
}

/// Prepares the steps, which may be slow: renders texts and hashes passwords.
async fn prepare(resources: &Resources, mut run: PreparedRun, user: &User) -> Result<PreparedRun, Error> {
    let variables = TemplateContext::new(user, &run.request.caller, ShownInputs::Values(&run.inputs));
    let context = |number| PrepareContext {
        variables: &variables,
        inputs: &run.inputs,
        passwords: &resources.passwords,
        request: &run.request,
        execution_id: run.id,
        started_at: run.started_at,
        timeout: run.command.definition.timeout.0,
        number,
    };
    let mut steps = Vec::new();
    for (index, step) in run.command.definition.steps.iter().enumerate() {
        steps.push((step.name(), step.as_step().prepare(&context(index + 1)).await?));
    }
    run.steps = steps;
    Ok(run)
}

async fn run_prepared(resources: &Resources, run: PreparedRun) -> Result<CommandOutput, Error> {
    if run.has_only_outputs() && run.key.is_none() {
        return record_output(resources, &run).await;
    }
    if run.request.dry_run {
        return dry_run(resources, &run).await;
    }
    // Boxed because the future is large and few commands need it.
    if run.sync_call().is_some() {
        Box::pin(call_then_commit(resources, run)).await
    } else {
        commit(resources, run).await
    }
}

/// Finishes a run that only has outputs: locks no user, and does not check permissions again.
async fn record_output(resources: &Resources, run: &PreparedRun) -> Result<CommandOutput, Error> {
    let mut outputs = StepOutputs::default();
    for (name, step) in &run.steps {
        if let PreparedStep::Output(output) = step {
            outputs.add(name, output.clone());
        }
    }
    let time = clock::now_in_micros();
    let record = record::completed(run, Outcome::Succeeded, &outputs, Vec::new(), time);
    resources.record(run.request.trace, record).await?;
    Ok(decide::output(run, Outcome::Succeeded, &outputs))
}

/// Submits the run to the write queue, which decides and writes it.
async fn commit(resources: &Resources, run: PreparedRun) -> Result<CommandOutput, Error> {
    let run = Arc::new(run);
    resources.submit(Arc::clone(&run), Task::Run(run)).await?
}

/// Decides the run on a snapshot of the database, and writes nothing.
async fn dry_run(resources: &Resources, run: &PreparedRun) -> Result<CommandOutput, Error> {
    let db = resources.store.begin_snapshot().await?;
    let (needs, time) = (run.needs(), clock::now_in_micros());
    let users = users::Snapshot::read(&db, &needs, time, resources.provider, None).await?;
    db.rollback().await?;
    let state = BatchState { users, keys: Default::default(), running: Default::default() };
    expect_output(decide::decide(run, &state).answer)
}
