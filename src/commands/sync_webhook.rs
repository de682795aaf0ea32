//! A run that asks another system first: recorded before the call, and ended by its answer.

use std::sync::Arc;

use super::{
    batch::Task,
    decide::CallEnd,
    record,
    request::CommandOutput,
    resources::Resources,
    run::PreparedRun,
    step_output::{StepOutput, StepOutputs},
};
use crate::{
    clock,
    error::Error,
    records::execution::Outcome,
    webhooks::{CallError, Message, Reply},
};

/// Asks the target of the first step, and goes on when it did its work.
///
/// # Errors
/// The caller lost the right, the target was not reached, or whether it did anything is not known.
pub async fn call_then_commit(resources: &Resources, mut run: PreparedRun) -> Result<CommandOutput, Error> {
    let call = run.sync_call().map(|(name, message)| (name, message.clone()));
    let (name, message) = call.ok_or_else(|| Error::internal("the first step is no call"))?;
    if let Err(cause) = resources.webhooks.check(&message) {
        log(&run, &message, &cause);
        // No key is used: the same one may try again.
        run.key = None;
        return Err(not_begun(resources, &run, name, not_done(&message, &cause)).await);
    }
    let run = Arc::new(run);
    let _active = resources.active_runs.enter(run.id);
    let begun = resources.queue.submit(Task::Begin(Arc::clone(&run), message.timeout)).await?;
    if let Some(output) = begun? {
        return Ok(output);
    }
    fail_point!("call-recorded");
    let reply = resources.webhooks.ask(&message).await;
    fail_point!("call-answered");
    let end = match reply {
        Ok(Reply { success, message }) => CallEnd::Replied { success, message },
        Err(cause) => {
            log(&run, &message, &cause);
            match cause.is_harmless() {
                true => CallEnd::NotDone { text: not_done(&message, &cause) },
                false => CallEnd::Unknown { text: not_known(&message, &cause) },
            }
        }
    };
    let finished = resources.finish(Arc::clone(&run), Task::Finish(run, name, end)).await;
    match finished {
        Ok(Err(error @ Error::Internal(_))) => Err(error.after_call()),
        Ok(answer) => answer,
        Err(error) => Err(Error::from(error).after_call()),
    }
}

/// Records a call that would not even be tried.
async fn not_begun(resources: &Resources, run: &PreparedRun, name: &'static str, text: String) -> Error {
    let outputs = StepOutputs::default().with(name, StepOutput::plain(&text));
    let time = clock::now_in_micros();
    let record = record::completed(run, Outcome::Failed, &outputs, Vec::new(), time);
    match resources.record(record).await {
        Ok(()) => Error::HandlerUnreachable(text),
        Err(error) => error.into(),
    }
}

fn log(run: &PreparedRun, message: &Message, cause: &CallError) {
    tracing::warn!(command = run.request.command_name, to = message.target, %cause, "a webhook failed");
}

/// What the client and the record are told of a call that did nothing.
fn not_done(message: &Message, cause: &CallError) -> String {
    let (target, cause) = (&message.target, cause.shown());
    format!(
        "The target `{target}` did not take the call: {cause}. Nothing was done; run the command again when this is mended."
    )
}

/// The same of a call after which it is not known what the target did.
fn not_known(message: &Message, cause: &CallError) -> String {
    let (target, cause) = (&message.target, cause.shown());
    format!(
        "The target `{target}` was called, and {cause}. Whether it did its work is not known: look there before you run the \
         command again."
    )
}
