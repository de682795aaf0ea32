//! What all runs share.

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
    records,
    store::{Store, WriteError, WriteQueue},
    users::{ProviderNames, UserCache, password::Passwords},
    webhooks::{Deliveries, Webhooks},
};

/// Handles to the database, to other systems, and to the other runs of this process.
#[derive(Clone, Debug)]
pub struct Resources {
    pub store: Store,
    pub users: UserCache,
    pub passwords: Passwords,
    pub queue: WriteQueue<Task>,
    pub webhooks: Webhooks,
    pub deliveries: Deliveries,
    pub provider: ProviderNames,
    pub in_flight: InFlightKeys,
    pub active_runs: ActiveRuns,
}

impl Resources {
    /// Has a task of a run written, sends off its webhooks, and returns what its client is told.
    ///
    /// # Errors
    /// It was not written, as far as is known; or it was, and the client is told an error.
    pub async fn finish(&self, run: Arc<PreparedRun>, task: Task) -> Result<Result<CommandOutput, Error>, WriteError> {
        let answer = self.queue.submit(task).await;
        // Also when the end of the commit is not known.
        if run.has_deliveries() {
            self.deliveries.wake();
        }
        answer.map(expect_output)
    }

    /// Has a record written, if there is one.
    ///
    /// # Errors
    /// It was not written, as far as is known.
    pub async fn record(&self, record: Option<records::Entry>) -> Result<(), WriteError> {
        match record {
            Some(record) => self.queue.submit(Task::Record(Box::new(record))).await.map(drop),
            None => Ok(()),
        }
    }
}

/// What the client of a run that is over is told.
///
/// # Errors
/// The run was refused.
pub fn expect_output(answer: Answer) -> Result<CommandOutput, Error> {
    answer?.ok_or_else(|| Error::internal("a run that ended has no output"))
}
