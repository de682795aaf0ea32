//! Decides runs: pure functions of the run and of the rows that a transaction has read. They do no I/O and read no
//! clock, so that a batch can be decided again.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    authorize::{Authorization, authorize},
    catalog::LoadedCommand,
    confirmation::{ActionResult, Confirm, ConfirmBinding},
    idempotency::{KeyUse, NextAction, next_action},
    inputs::ShownInputs,
    record,
    request::CommandOutput,
    run::PreparedRun,
    step::PreparedStep,
    step_output::{StepOutput, StepOutputs},
    template::TemplateContext,
};
use crate::{
    error::Error,
    executions::{
        ExecutionEvent,
        execution::{self, Outcome},
        idempotency::KeyScope,
    },
    localization::MultiLanguage,
    users::{self, Caller, Changes, Effect, Impossible, User},
};

/// Time to store a run after its call has ended, before recovery closes it as abandoned.
const GRACE: Duration = Duration::from_secs(30);

/// The rows that a transaction has read, updated by each decided run.
pub struct BatchState {
    /// The users and the callers of the runs.
    pub users: users::Snapshot,
    /// The used keys among the keys of the runs; a missing key is free.
    pub keys: HashMap<KeyScope, KeyUse>,
    /// Executions that this batch ends and that are still recorded as running.
    pub running: HashSet<Uuid>,
}

/// The result of deciding a run.
pub struct Decision {
    /// The changes of users to write.
    pub changes: Changes,
    /// The record to write, if any.
    pub record: Option<ExecutionEvent>,
    /// The answer to the client; `None` if the run continues with a call.
    pub answer: Result<Option<CommandOutput>, Error>,
}

/// How the call of a sync webhook ended.
#[derive(Clone)]
pub enum CallEnd {
    /// The target replied.
    Replied { success: bool, message: Option<String> },
    /// The target did nothing, so a client may retry with the same key.
    NotDone { text: String },
    /// It is not known whether the target did its work.
    Unknown { text: String },
}

impl BatchState {
    /// Applies the changes of a run, so that the next run sees them. Returns the rows to write.
    pub fn apply(&mut self, changes: Changes, record: Option<&ExecutionEvent>) -> users::UserWrites {
        match record {
            Some(ExecutionEvent::Completed { execution, key: Some(key), .. }) => {
                self.keys.insert(key.scope(), KeyUse::used(key, execution));
            }
            Some(ExecutionEvent::Started { execution, key }) => {
                self.running.insert(execution.id);
                self.keys.extend(key.iter().map(|key| (key.scope(), KeyUse::used(key, execution))));
            }
            Some(ExecutionEvent::Finished { execution, freed_key, .. }) => {
                self.running.remove(&execution.id);
                freed_key.iter().for_each(|key| drop(self.keys.remove(key)));
            }
            Some(ExecutionEvent::Completed { key: None, .. }) | None => {}
        }
        self.users.apply(changes)
    }
}

impl Decision {
    fn answered(answer: Result<CommandOutput, Error>, record: Option<ExecutionEvent>) -> Self {
        Self { changes: Changes::default(), record, answer: answer.map(Some) }
    }

    /// Refuses a run. Only a denied permission is recorded; other refusals are mistakes in the request.
    fn refused(run: &PreparedRun, error: Error, time: DateTime<Utc>) -> Self {
        let record = match &error {
            Error::CommandDenied { reason, .. } => record::not_run(run, Outcome::Denied, reason, time),
            _ => None,
        };
        Self::answered(Err(error), record)
    }
}

/// Checks that the caller may run the command on the user now, and that no role among the inputs outranks the caller's.
fn check(run: &PreparedRun, caller: &Caller, user: &User, is_last_administrator: bool) -> Result<(), Error> {
    let definition = &run.command.definition;
    let name = || definition.name.as_str().to_owned();
    match authorize(caller, definition, user, is_last_administrator) {
        Authorization::Permitted if run.inputs.highest_rank().is_some_and(|rank| rank > caller.role_rank) => {
            let reason = MultiLanguage::resource("SR_ROLE_OUTRANKS_YOURS", &[]);
            Err(Error::CommandDenied { command: name(), reason })
        }
        Authorization::Permitted => Ok(()),
        Authorization::Denied(denial) => Err(Error::CommandDenied { command: name(), reason: denial.reason() }),
        Authorization::Unavailable(unmet) => Err(Error::CommandUnavailable { command: name(), reason: unmet.reason() }),
    }
}

/// The confirmation question, rendered for this user and these inputs; empty for a command without one.
///
/// # Errors
/// The question cannot be rendered.
pub fn question(
    command: &LoadedCommand,
    caller: &Caller,
    user: &User,
    inputs: ShownInputs<'_>,
) -> Result<MultiLanguage, Error> {
    match &command.definition.question {
        Some(question) => question.render(&TemplateContext::new(user, caller, inputs)),
        None => Ok(MultiLanguage::Plain(String::new())),
    }
}

/// Decides permission. Returns `None` if the caller may run the command, and the final decision otherwise.
pub fn decide_permission(
    run: &PreparedRun,
    caller: &Caller,
    user: &User,
    is_last_administrator: bool,
    time: DateTime<Utc>,
) -> Option<Decision> {
    let error = check(run, caller, user, is_last_administrator).err()?;
    Some(Decision::refused(run, error, time))
}

/// Checks the token of a question that the client sent with its answer.
///
/// # Errors
/// It belongs to another question, or it is missing and required.
fn check_confirmation(run: &PreparedRun) -> Result<(), Error> {
    match &run.request.confirmation {
        Some(given) => match &run.confirmation {
            Some(token) if token.matches(given) => Ok(()),
            Some(_) => Err(Error::ConfirmationMismatch { asks: true }),
            None => Err(Error::ConfirmationMismatch { asks: false }),
        },
        None if run.command.definition.confirm_binding == ConfirmBinding::Required => Err(Error::ConfirmationMissing),
        None => Ok(()),
    }
}

/// Decides permission and confirmation. Returns `None` if the steps may run, and the final decision otherwise.
pub fn decide_without_steps(
    run: &PreparedRun,
    caller: &Caller,
    user: &User,
    is_last_administrator: bool,
    time: DateTime<Utc>,
) -> Option<Decision> {
    if let Some(decision) = decide_permission(run, caller, user, is_last_administrator, time) {
        return Some(decision);
    }
    let action_result = run.request.action_result;
    let confirm = run.command.definition.confirm.decide(action_result);
    let (outcome, message, result) = match (confirm, check_confirmation(run)) {
        (Confirm::Ask, _) => match question(&run.command, caller, user, ShownInputs::Values(&run.inputs)) {
            Ok(question) => (Outcome::Asked, question, ActionResult::Implicit),
            Err(error) => return Some(Decision::answered(Err(error), None)),
        },
        (Confirm::Run | Confirm::Decline, Err(error)) => return Some(Decision::answered(Err(error), None)),
        (Confirm::Run, Ok(())) => return None,
        (Confirm::Decline, Ok(())) => {
            (Outcome::Declined, MultiLanguage::resource("SR_COMMAND_NOT_RUN", &[]), action_result)
        }
    };
    let record = record::not_run(run, outcome, &message, time);
    let confirmation = run.confirmation.clone().filter(|_| outcome == Outcome::Asked).map(|token| token.0);
    let output = CommandOutput { outcome, message, result, replayed: false, confirmation, is_shown_once: false };
    Some(Decision::answered(Ok(output), record))
}

/// Decides a run: its key, permission, confirmation, and effects.
pub fn decide(run: &PreparedRun, state: &BatchState) -> Decision {
    match admit(run, state) {
        Admission::Run(caller) => run_steps(run, state, caller, StepOutputs::default()),
        Admission::Done(decision) => decision,
    }
}

/// Decides whether a run may call its sync webhook. `timeout` is the limit of the call.
pub fn decide_begin(run: &PreparedRun, timeout: Duration, state: &BatchState) -> Decision {
    match admit(run, state) {
        Admission::Done(decision) => decision,
        Admission::Run(_) => {
            let record = record::started(run, state.users.time, timeout + GRACE);
            Decision { changes: Changes::default(), record: Some(record), answer: Ok(None) }
        }
    }
}

/// Decides a run after its sync webhook. `webhook` is the name of that step.
pub fn decide_finish(run: &PreparedRun, webhook: &'static str, end: &CallEnd, state: &BatchState) -> Decision {
    if !state.running.contains(&run.id) {
        return Decision::answered(Err(given_up()), None);
    }
    let time = state.users.time;
    let outputs = |text: &str| StepOutputs::default().with(webhook, StepOutput::plain(text));
    let ended = |outcome, outputs: &StepOutputs, frees_key| {
        Some(record::finished(run, outcome, outputs, Vec::new(), frees_key, time))
    };
    match end {
        CallEnd::NotDone { text } => Decision::answered(
            Err(Error::WebhookNotExecuted(text.clone())),
            ended(Outcome::Failed, &outputs(text), true),
        ),
        CallEnd::Unknown { text } => Decision::answered(
            Err(Error::OutcomeUnknown { text: text.clone(), replayed: false }),
            ended(Outcome::Unknown, &outputs(text), false),
        ),
        CallEnd::Replied { success, message } => {
            let output_of_target = message.as_deref().map(StepOutput::plain);
            let outputs = StepOutputs::default().with(webhook, output_of_target.unwrap_or_default());
            if !success {
                let answer = output(run, Outcome::Failed, &outputs);
                return Decision::answered(Ok(answer), ended(Outcome::Failed, &outputs, false));
            }
            let found = find(run, state).and_then(|(caller, user)| {
                check(run, &caller, user, last_administrator_if_asked(run, user, state)).map(|()| caller)
            });
            match found {
                Ok(caller) => run_steps(run, state, caller, outputs),
                // The target did its work, but meanwhile the command became impossible here.
                Err(_) => {
                    let text = MultiLanguage::resource("SR_HALF_DONE", &[]);
                    let outputs = outputs.with("check", StepOutput::public(text));
                    let answer = output(run, Outcome::Failed, &outputs);
                    Decision::answered(Ok(answer), ended(Outcome::Failed, &outputs, false))
                }
            }
        }
    }
}

/// Closes an abandoned run with `execution` as its final record, unless it ended meanwhile.
pub fn decide_give_up(execution: &execution::Model, state: &BatchState) -> Decision {
    let ended = || ExecutionEvent::Finished { execution: execution.clone(), freed_key: None, deliveries: Vec::new() };
    let record = state.running.contains(&execution.id).then(ended);
    Decision { changes: Changes::default(), record, answer: Ok(None) }
}

/// The error of a run that took too long, so that another process has closed it as abandoned.
fn given_up() -> Error {
    let text = "The target took too long, and the run was closed with an unknown outcome. Before you \
                run the command again, check at the target whether it did its work.";
    Error::OutcomeUnknown { text: text.to_owned(), replayed: false }
}

/// Whether the steps of a run may run.
#[expect(clippy::large_enum_variant, reason = "it is made once per run and matched at once")]
enum Admission {
    /// They may, for this caller.
    Run(Caller),
    /// The run is a repetition of a finished one, refused, asked or declined.
    Done(Decision),
}

fn admit(run: &PreparedRun, state: &BatchState) -> Admission {
    let key_use = run.key.as_ref().and_then(|key| state.keys.get(key));
    let found = match next_action(key_use, run.request.action_result, run.inputs_mac.as_deref()) {
        Ok(NextAction::Start) => find(run, state),
        Ok(NextAction::ReturnStored(output)) => return Admission::Done(Decision::answered(Ok(output), None)),
        Err(error) => Err(error),
    };
    let (caller, user) = match found {
        Ok(found) => found,
        Err(error) => return Admission::Done(Decision::answered(Err(error), None)),
    };
    let is_last = last_administrator_if_asked(run, user, state);
    decide_without_steps(run, &caller, user, is_last, state.users.time).map_or(Admission::Run(caller), Admission::Done)
}

/// The current caller and user.
fn find<'a>(run: &PreparedRun, state: &'a BatchState) -> Result<(Caller, &'a User), Error> {
    let request = &run.request;
    let caller = state.users.caller(request.caller.user_id).ok_or(Error::Unauthenticated)?;
    if !caller.may_read(request.user_id) {
        return Err(Error::MayNotReadUser);
    }
    Ok((caller, state.users.user(request.user_id).ok_or(Error::NoSuchUser)?))
}

fn last_administrator_if_asked(run: &PreparedRun, user: &User, state: &BatchState) -> bool {
    run.command.definition.asks_for_administrators() && state.users.is_last_administrator(user)
}

/// Decides the steps. If one is impossible, the run fails, and the changes and outputs of the earlier steps are
/// dropped.
fn run_steps(run: &PreparedRun, state: &BatchState, caller: Caller, before: StepOutputs) -> Decision {
    let time = state.users.time;
    let was_called = state.running.contains(&run.id);
    let record = |outcome, outputs: &StepOutputs, deliveries| match was_called {
        true => Some(record::finished(run, outcome, outputs, deliveries, false, time)),
        false => record::completed(run, outcome, outputs, deliveries, time),
    };
    let rank = caller.role_rank;
    let mut plan = state.users.plan_for(caller, run.request.user_id);
    let (mut outputs, mut deliveries) = (before.clone(), Vec::new());
    for (name, step) in &run.steps {
        let step_output = match step {
            PreparedStep::Output(step_output) => step_output.clone(),
            PreparedStep::Deliver(message) => {
                deliveries.push(record::delivery(run, message, time));
                StepOutput::noted(MultiLanguage::Plain(message.id.clone()))
            }
            // The call was made before; its output is in `before`.
            PreparedStep::Call(_) => continue,
            PreparedStep::Effect(effect, step_output) => {
                match check_rank(run, effect, rank, state).and_then(|()| plan.add(effect)) {
                    Ok(changed) => StepOutput { changed, ..step_output.clone() },
                    Err(impossible) => {
                        let outputs = before.with(name, StepOutput::public(reason(&impossible)));
                        let record = record(Outcome::Failed, &outputs, Vec::new());
                        return Decision::answered(Ok(output(run, Outcome::Failed, &outputs)), record);
                    }
                }
            }
        };
        outputs.add(name, step_output);
    }
    Decision {
        changes: plan.into_changes(),
        record: record(Outcome::Succeeded, &outputs, deliveries),
        answer: Ok(Some(output(run, Outcome::Succeeded, &outputs))),
    }
}

/// Checks that no caller gives a role above the own. The role may have changed since the inputs were checked.
fn check_rank(run: &PreparedRun, effect: &Effect, caller_rank: i32, state: &BatchState) -> Result<(), Impossible> {
    let Effect::SetRole(name) = effect else { return Ok(()) };
    let outranks = || state.users.role_rank(name).is_some_and(|rank| rank > caller_rank);
    if run.inputs.highest_rank().is_some() && outranks() { Err(Impossible::RoleOutranksCaller) } else { Ok(()) }
}

/// The output for the client after the steps of a run.
pub fn output(run: &PreparedRun, outcome: Outcome, outputs: &StepOutputs) -> CommandOutput {
    let (message, result) = (outputs.shown(), run.request.action_result);
    let is_shown_once = outputs.has_secret();
    CommandOutput { outcome, message, result, replayed: false, confirmation: None, is_shown_once }
}

fn reason(impossible: &Impossible) -> MultiLanguage {
    let resource = |key| MultiLanguage::resource(key, &[]);
    match impossible {
        Impossible::LastAdministrator => resource("SR_LAST_ADMINISTRATOR"),
        Impossible::SharedPerson => resource("SR_PERSON_SHARED"),
        Impossible::PresenceTooLong => resource("SR_PRESENCE_TOO_LONG"),
        Impossible::RoleOutranksCaller => resource("SR_ROLE_OUTRANKS_YOURS"),
        Impossible::NoSuchRole(name) => MultiLanguage::resource("SR_ROLE_MISSING", &[("role", name)]),
        Impossible::NoSuchGroup(name) => MultiLanguage::resource("SR_GROUP_MISSING", &[("group", name)]),
    }
}

#[cfg(test)]
mod tests;
