//! What becomes of a run: functions of the run and of what a transaction has read, and of nothing else. They write nothing,
//! wait for nothing and do not look at the clock, so that a batch can be decided again.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    authorize::{Authorization, authorize},
    catalog::LoadedCommand,
    confirmation::{ActionResult, Confirm},
    idempotency::{KeyUse, NextAction, next_action},
    record,
    request::CommandOutput,
    run::PreparedRun,
    step::PreparedStep,
    step_output::{StepOutput, StepOutputs},
    text::Subjects,
};
use crate::{
    error::Error,
    localization::MultiLanguage,
    records::{
        self,
        execution::{self, Outcome},
        idempotency::Scope,
    },
    users::{self, Caller, Changes, Impossible, User},
};

/// How long after the end of a call a run may still take to be stored, before it is given up.
const GRACE: Duration = Duration::from_secs(30);

/// What a transaction has read before it decides its runs, and what became of it with each run.
pub struct BatchState {
    /// Users, callers among them.
    pub users: users::Snapshot,
    /// What is known of the keys of the runs; a key that is not here is free.
    pub keys: HashMap<Scope, KeyUse>,
    /// Executions that this batch ends and that are still recorded as running.
    pub running: HashSet<Uuid>,
}

/// What becomes of a run.
pub struct Decision {
    /// What changes of users.
    pub changes: Changes,
    /// What is recorded.
    pub record: Option<records::Entry>,
    /// What the client is told; nothing when the run goes on with a call.
    pub answer: Result<Option<CommandOutput>, Error>,
}

/// How the call of a webhook ended that is a command's first step.
#[derive(Clone)]
pub enum CallEnd {
    /// The target answered.
    Replied { success: bool, message: Option<String> },
    /// The target did nothing: the same key may try again.
    NotDone { text: String },
    /// Whether the target did its work is not known.
    Unknown { text: String },
}

impl BatchState {
    /// Takes over what a run changes, so that the next one sees it. Returns what is to be written of users.
    pub fn apply(&mut self, changes: Changes, record: Option<&records::Entry>) -> users::UserWrites {
        match record {
            Some(records::Entry::Whole { execution, key: Some(key), .. }) => {
                self.keys.insert(key.scope(), KeyUse::used(key, execution));
            }
            Some(records::Entry::Begun { execution, key }) => {
                self.running.insert(execution.id);
                self.keys.extend(key.iter().map(|key| (key.scope(), KeyUse::used(key, execution))));
            }
            Some(records::Entry::Ended { execution, freed_key, .. }) => {
                self.running.remove(&execution.id);
                freed_key.iter().for_each(|key| drop(self.keys.remove(key)));
            }
            Some(records::Entry::Whole { key: None, .. }) | None => {}
        }
        self.users.apply(changes)
    }
}

impl Decision {
    fn answered(answer: Result<CommandOutput, Error>, record: Option<records::Entry>) -> Self {
        Self { changes: Changes::default(), record, answer: answer.map(Some) }
    }

    /// A refusal for want of permission is recorded; others are mistakes of the request.
    fn refused(run: &PreparedRun, error: Error, time: DateTime<Utc>) -> Self {
        let record = match &error {
            Error::CommandDenied { reason, .. } => {
                record::not_run(run, Outcome::Denied, &MultiLanguage::Plain((*reason).to_owned()), time)
            }
            _ => None,
        };
        Self::answered(Err(error), record)
    }
}

/// Whether a caller may run a command on a user now.
fn check(command: &LoadedCommand, caller: &Caller, user: &User, is_last_administrator: bool) -> Result<(), Error> {
    let definition = &command.definition;
    let name = || definition.name.as_str().to_owned();
    match authorize(caller, definition, user, is_last_administrator) {
        Authorization::Permitted => Ok(()),
        Authorization::Denied(reason) => Err(Error::CommandDenied { command: name(), reason }),
        Authorization::Unavailable(unmet) => {
            Err(Error::CommandUnavailable { command: name(), reason: unmet.to_string() })
        }
    }
}

/// What is asked of the caller before the command runs on this user; empty where nothing is.
///
/// # Errors
/// The question cannot be filled in.
pub fn question(command: &LoadedCommand, caller: &Caller, user: &User) -> Result<MultiLanguage, Error> {
    match &command.definition.question {
        Some(question) => question.render(&Subjects::new(user, caller)),
        None => Ok(MultiLanguage::Plain(String::new())),
    }
}

/// Decides as far as the steps, for this caller and this user. Returns nothing if the steps are to run, and otherwise what
/// becomes of the run.
pub fn decide_without_steps(
    run: &PreparedRun,
    caller: &Caller,
    user: &User,
    is_last_administrator: bool,
    time: DateTime<Utc>,
) -> Option<Decision> {
    if let Err(error) = check(&run.command, caller, user, is_last_administrator) {
        return Some(Decision::refused(run, error, time));
    }
    let action_result = run.request.action_result;
    let (outcome, message, result) = match run.command.definition.confirm.decide(action_result) {
        Confirm::Run => return None,
        Confirm::Ask => match question(&run.command, caller, user) {
            Ok(question) => (Outcome::Asked, question, ActionResult::Implicit),
            Err(error) => return Some(Decision::answered(Err(error), None)),
        },
        Confirm::Decline => (Outcome::Declined, MultiLanguage::resource("SR_COMMAND_NOT_RUN", &[]), action_result),
    };
    let record = record::not_run(run, outcome, &message, time);
    let output = CommandOutput { outcome, message, result, replayed: false, is_shown_once: false };
    Some(Decision::answered(Ok(output), record))
}

/// Decides a run: its key, whether the caller may run it now, its confirmation, and its effects.
pub fn decide(run: &PreparedRun, state: &BatchState) -> Decision {
    match admit(run, state) {
        Admission::Run(caller) => run_steps(run, state, caller, StepOutputs::default()),
        Admission::Done(decision) => decision,
    }
}

/// Decides whether a run may call its webhook, which takes so long at most.
pub fn decide_begin(run: &PreparedRun, timeout: Duration, state: &BatchState) -> Decision {
    match admit(run, state) {
        Admission::Done(decision) => decision,
        Admission::Run(_) => {
            let record = record::started(run, state.users.time, timeout + GRACE);
            Decision { changes: Changes::default(), record: Some(record), answer: Ok(None) }
        }
    }
}

/// Decides a run after the call of its webhook: `webhook` is the step's name.
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
            Err(Error::HandlerUnreachable(text.clone())),
            ended(Outcome::Failed, &outputs(text), true),
        ),
        CallEnd::Unknown { text } => Decision::answered(
            Err(Error::OutcomeUnknown { text: text.clone(), replayed: false }),
            ended(Outcome::Unknown, &outputs(text), false),
        ),
        CallEnd::Replied { success, message } => {
            let said = message.as_deref().map(StepOutput::plain);
            let outputs = StepOutputs::default().with(webhook, said.unwrap_or_default());
            if !success {
                let answer = output(run, Outcome::Failed, &outputs);
                return Decision::answered(Ok(answer), ended(Outcome::Failed, &outputs, false));
            }
            let found = find(run, state).and_then(|(caller, user)| {
                check(&run.command, &caller, user, last_administrator_if_asked(run, user, state)).map(|()| caller)
            });
            match found {
                Ok(caller) => run_steps(run, state, caller, outputs),
                // The other system did its work, and while it did, the command became impossible here.
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

/// Decides the end of a run that was given up: this is its record.
pub fn decide_give_up(execution: &execution::Model, state: &BatchState) -> Decision {
    let ended = || records::Entry::Ended { execution: execution.clone(), freed_key: None, deliveries: Vec::new() };
    let record = state.running.contains(&execution.id).then(ended);
    Decision { changes: Changes::default(), record, answer: Ok(None) }
}

/// Another process took the run for dead, and closed its record.
fn given_up() -> Error {
    let text = "The target took so long that the run was given up. Look there whether it did its work before you run the \
                command again.";
    Error::OutcomeUnknown { text: text.to_owned(), replayed: false }
}

/// Whether a run comes to its steps.
#[expect(clippy::large_enum_variant, reason = "it is made once for each run, and taken apart at once")]
enum Admission {
    /// For this caller.
    Run(Caller),
    /// It ran before under the same key, is refused, asked or declined.
    Done(Decision),
}

fn admit(run: &PreparedRun, state: &BatchState) -> Admission {
    let key_use = run.key.as_ref().and_then(|key| state.keys.get(key));
    let found = match next_action(key_use, run.request.action_result) {
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

/// Caller and user, as they are now.
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

/// Decides the steps. When one is impossible, the run fails: what those before it changed and said is dropped.
fn run_steps(run: &PreparedRun, state: &BatchState, caller: Caller, before: StepOutputs) -> Decision {
    let time = state.users.time;
    let was_called = state.running.contains(&run.id);
    let record = |outcome, outputs: &StepOutputs, deliveries| match was_called {
        true => Some(record::finished(run, outcome, outputs, deliveries, false, time)),
        false => record::completed(run, outcome, outputs, deliveries, time),
    };
    let mut plan = state.users.plan_for(caller, run.request.user_id);
    let (mut outputs, mut deliveries) = (before.clone(), Vec::new());
    for (name, step) in &run.steps {
        let said = match step {
            PreparedStep::Output(said) => said.clone(),
            PreparedStep::Deliver(message) => {
                deliveries.push(record::delivery(run, message, time));
                StepOutput::noted(MultiLanguage::Plain(message.id.clone()))
            }
            // It was made before, and has said its part.
            PreparedStep::Call(_) => continue,
            PreparedStep::Effect(effect, said) => match plan.add(effect) {
                Ok(()) => said.clone(),
                Err(impossible) => {
                    let outputs = before.with(name, StepOutput::public(reason(&impossible)));
                    let record = record(Outcome::Failed, &outputs, Vec::new());
                    return Decision::answered(Ok(output(run, Outcome::Failed, &outputs)), record);
                }
            },
        };
        outputs.add(name, said);
    }
    Decision {
        changes: plan.into_changes(),
        record: record(Outcome::Succeeded, &outputs, deliveries),
        answer: Ok(Some(output(run, Outcome::Succeeded, &outputs))),
    }
}

/// What the client is told of a run that came to its steps.
pub fn output(run: &PreparedRun, outcome: Outcome, outputs: &StepOutputs) -> CommandOutput {
    let (message, result) = (outputs.shown(), run.request.action_result);
    CommandOutput { outcome, message, result, replayed: false, is_shown_once: outputs.has_secret() }
}

fn reason(impossible: &Impossible) -> MultiLanguage {
    let resource = |key| MultiLanguage::resource(key, &[]);
    match impossible {
        Impossible::LastAdministrator => resource("SR_LAST_ADMINISTRATOR"),
        Impossible::SharedPerson => resource("SR_PERSON_SHARED"),
        Impossible::PresenceTooLong => resource("SR_PRESENCE_TOO_LONG"),
        Impossible::NoSuchRole(name) => MultiLanguage::resource("SR_ROLE_MISSING", &[("role", name)]),
        Impossible::NoSuchGroup(name) => MultiLanguage::resource("SR_GROUP_MISSING", &[("group", name)]),
    }
}

#[cfg(test)]
mod tests;
