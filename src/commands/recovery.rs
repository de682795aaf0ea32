//! Closes abandoned runs: their process died while they waited for a sync webhook. Their outcome is unknown, and they
//! are not retried.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::{Catalog, batch::Task, resources::Resources};
use crate::{
    clock,
    error::Error,
    executions::{
        audit::{self, CurrentKey},
        execution::{self, Outcome},
    },
};

/// Which running executions count as abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryScope {
    /// All: no other process serves this database.
    All,
    /// Those past their deadline.
    Late,
}

/// The running executions that are not closed because their seals are invalid. Each is logged once.
#[derive(Debug, Default)]
pub struct LoggedForgeries(Mutex<HashSet<Uuid>>);

impl LoggedForgeries {
    fn log(&self, execution: &execution::Model, reason: &str) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(execution.id) {
            tracing::error!(
                execution = %execution.id,
                reason,
                "a running execution is not closed, because its seal is invalid; run `kommando audit verify` and see \
                 `kommando audit seal --help`"
            );
        }
    }
}

/// Closes abandoned runs and returns their number. A record with an invalid seal is left as it is, because closing it
/// would add it to the audit chain.
pub async fn recover(
    resources: &Resources,
    catalog: &Catalog,
    key: &CurrentKey,
    scope: RecoveryScope,
    logged: &LoggedForgeries,
) -> Result<usize, Error> {
    let given_up_by = (scope == RecoveryScope::Late).then(clock::now);
    let snapshot = resources.store.begin_snapshot().await?;
    let key = key.in_snapshot(&snapshot).await?;
    let running = audit::running(&snapshot, &key, given_up_by).await?;
    snapshot.rollback().await?;
    for (execution, reason) in &running.forged {
        logged.log(execution, reason);
    }
    let mut abandoned = 0;
    for mut execution in running.sealed {
        // A late run that is still active in this process ends by itself.
        if resources.active_runs.contains(execution.id) {
            continue;
        }
        let (id, command) = (execution.id.to_string(), execution.command_name.clone());
        execution.outcome = Outcome::Unknown;
        execution.message = message(catalog, &execution);
        execution.finished_at = clock::now_in_micros();
        resources.queue.submit(Task::GiveUp(Box::new(execution))).await??;
        tracing::warn!(execution = id, command, "gave up an abandoned run; check whether its target did its work");
        abandoned += 1;
    }
    Ok(abandoned)
}

/// The message of an abandoned run. It names the target if the definition has not changed since.
fn message(catalog: &Catalog, execution: &execution::Model) -> String {
    let command = catalog.find(&execution.command_name).filter(|command| command.hash == execution.definition_hash);
    let target = command.and_then(|command| command.definition.targets().next());
    let target = target.map_or_else(|| "its target".to_owned(), |target| format!("the target `{}`", target.value));
    format!(
        "The server stopped while it waited for {target}. It is not known whether the target did its work: check there \
         before you run the command again."
    )
}
