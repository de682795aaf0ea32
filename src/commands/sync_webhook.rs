//! Runs with a sync webhook: recorded as running before the call, and ended after the answer.

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
    executions::execution::Outcome,
    webhooks::{CallError, Reply, WebhookRequest},
};

/// Calls the target of the first step, and runs the other steps if the call succeeded.
///
/// # Errors
/// The caller is not permitted any more, the target was not reached, or it is not known whether the target did its
/// work.
pub async fn call_then_commit(resources: &Resources, mut run: PreparedRun) -> Result<CommandOutput, Error> {
    let call = run.sync_call().map(|(name, request)| (name, request.clone()));
    let (name, request) = call.ok_or_else(|| Error::internal("the first step is not a sync webhook"))?;
    if let Err(cause) = resources.webhooks.check(&request) {
        log(&run, &request, &cause);
        // The key stays free, so that the client can retry with it.
        run.key = None;
        return Err(not_begun(resources, &run, name, not_done(&request, &cause)).await);
    }
    let run = Arc::new(run);
    let _active = resources.active_runs.enter(run.id);
    let begun = resources.write(run.request.trace, Task::Begin(Arc::clone(&run), request.timeout)).await?;
    if let Some(output) = begun? {
        return Ok(output);
    }
    fail_point!("call-recorded");
    let reply = resources.webhooks.call(&request).await;
    fail_point!("call-answered");
    let end = match reply {
        Ok(Reply { success, message }) => CallEnd::Replied { success, message },
        Err(cause) => {
            log(&run, &request, &cause);
            match cause.was_not_executed() {
                true => CallEnd::NotDone { text: not_done(&request, &cause) },
                false => CallEnd::Unknown { text: not_known(&request, &cause) },
            }
        }
    };
    let finished = resources.submit(Arc::clone(&run), Task::Finish(run, name, end)).await;
    match finished {
        Ok(Err(error @ Error::Internal(_))) => Err(error.after_call()),
        Ok(answer) => answer,
        Err(error) => Err(Error::from(error).after_call()),
    }
}

/// Records a call that was not even tried.
async fn not_begun(resources: &Resources, run: &PreparedRun, name: &'static str, text: String) -> Error {
    let outputs = StepOutputs::default().with(name, StepOutput::plain(&text));
    let time = clock::now_in_micros();
    let record = record::completed(run, Outcome::Failed, &outputs, Vec::new(), time);
    match resources.record(run.request.trace, record).await {
        Ok(()) => Error::WebhookNotExecuted(text),
        Err(error) => error.into(),
    }
}

fn log(run: &PreparedRun, request: &WebhookRequest, cause: &CallError) {
    tracing::warn!(command = run.request.command_name, to = request.target, %cause, "a sync webhook failed");
}

/// The message for the client and the record after a call that did nothing.
fn not_done(request: &WebhookRequest, cause: &CallError) -> String {
    let (target, cause) = (&request.target, cause.shown());
    format!(
        "The target `{target}` did not accept the call: {cause}. Nothing was done; fix this and run the command again."
    )
}

/// The message after a call with unknown outcome.
fn not_known(request: &WebhookRequest, cause: &CallError) -> String {
    let (target, cause) = (&request.target, cause.shown());
    format!(
        "The target `{target}` was called, but {cause}. It is not known whether it did its work: check there before you \
         run the command again."
    )
}
