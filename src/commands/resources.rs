//! Handles that all runs share.

use std::sync::Arc;

use super::{
    active_runs::ActiveRuns,
    batch::{Answer, Task},
    idempotency::InFlightKeys,
    request::CommandOutput,
    run::PreparedRun,
};
use crate::{
    error::Error,
    executions::{ExecutionEvent, audit::CurrentKey},
    store::{Store, WriteError, WriteQueue},
    traces::{Span, SpanKind, TraceContext},
    users::{ProviderNames, UserCache, password::PasswordHasher},
    webhooks::{DeliveryHandle, Webhooks},
};

/// Handles to the database, to other systems, and to the other runs of this process.
#[derive(Clone, Debug)]
pub struct Resources {
    pub store: Store,
    pub users: UserCache,
    pub passwords: PasswordHasher,
    pub queue: WriteQueue<Task>,
    pub webhooks: Webhooks,
    pub deliveries: DeliveryHandle,
    pub provider: ProviderNames,
    pub audit_key: CurrentKey,
    pub in_flight: InFlightKeys,
    pub active_runs: ActiveRuns,
}

impl Resources {
    /// Submits a task of a run, wakes the delivery worker, and returns the answer to the client.
    ///
    /// # Errors
    /// The outer error: the task was not committed, as far as is known. The inner error: the answer is an error.
    pub async fn submit(&self, run: Arc<PreparedRun>, task: Task) -> Result<Result<CommandOutput, Error>, WriteError> {
        let answer = self.write(run.request.trace, task).await;
        // Also if it is not known whether the commit succeeded.
        if run.has_deliveries() {
            self.deliveries.wake();
        }
        answer.map(expect_output)
    }

    /// Writes the record, if there is one.
    ///
    /// # Errors
    /// The record was not committed, as far as is known.
    pub async fn record(&self, trace: Option<TraceContext>, record: Option<ExecutionEvent>) -> Result<(), WriteError> {
        match record {
            Some(record) => self.write(trace, Task::Record(Box::new(record))).await.map(drop),
            None => Ok(()),
        }
    }

    /// Submits a task and waits until it is committed, which is a span of the trace.
    ///
    /// # Errors
    /// The task was not committed, as far as is known.
    pub async fn write(&self, trace: Option<TraceContext>, task: Task) -> Result<Answer, WriteError> {
        let mut span = Span::start(SpanKind::Internal, "write", trace);
        let answer = self.queue.submit(task).await;
        if answer.is_err() {
            span.fail("not committed");
        }
        answer
    }
}

/// The output of a run that has ended.
///
/// # Errors
/// The run was refused.
pub fn expect_output(answer: Answer) -> Result<CommandOutput, Error> {
    answer?.ok_or_else(|| Error::internal("a run that ended has no output"))
}
